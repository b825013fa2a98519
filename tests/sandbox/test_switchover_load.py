"""A planned switchover under 300 writes a second by several connections loses no acknowledged one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import psycopg
import pytest

from nonreg.sandbox.layout import DATABASE, PORTS, Layout
from nonreg.sandbox.switchover.nodes import connect, other_site
from nonreg.waiting import wait_until
from tests.sandbox.bench import ACCOUNTS, own_station, query
from tests.sandbox.switching import expect_same_content, expect_sound, find_active, switch

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("switchable")]  # one platform, and minutes

BEAT = "SELECT nr.usp_battre(%s, %s)"
FRAME = "SELECT tampon.usp_inserer(%s, 'H', date '2026-11-01' + %s * interval '1 minute', %s, 'IP', 'BANC', false)"
BEATERS, SLOW_BEATERS, SENDERS = 6, 4, 3
PERIOD_SECONDS = 1 / 40  # of each connection: nine fast ones make 360 a second
THOUGHT_SECONDS = 0.8  # between the write and the commit of a slow transaction
LATE_SECONDS = (
    1.2  # that the subscriber stays behind after the source has become passive: longer than a transaction
)
PASSIVE_SITE = "25006"


@dataclass
class Writer:
    """One connection that writes without a pause; numbers are its own, and each is tried once."""

    layout: Layout
    site: str
    user: str
    statement: str
    key: str
    first: int
    slow: bool = False
    acknowledged: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self, stop: threading.Event) -> None:
        """Write until told to stop; the other site is tried after a refusal."""
        number = self.first
        while not stop.is_set():
            with self.connect() as connection:
                try:
                    while not stop.is_set():
                        began, number = time.monotonic(), number + 1
                        self.write(connection, number)
                        self.acknowledged.append(number)
                        stop.wait(max(0.0, PERIOD_SECONDS - (time.monotonic() - began)))
                except psycopg.Error as error:
                    self.refused.append(number)
                    if error.sqlstate != PASSIVE_SITE:
                        self.errors.append(str(error))
            self.site = other_site(self.site)

    def connect(self) -> psycopg.Connection[tuple[object, ...]]:
        """A connection of the writer's account to the site it believes in."""
        return psycopg.connect(
            host=self.layout.address(self.site),
            port=PORTS["postgresql"],
            dbname=DATABASE,
            user=self.user,
            password=self.layout.secrets()[ACCOUNTS[self.user]],
            autocommit=True,
        )

    def write(self, connection: psycopg.Connection[tuple[object, ...]], number: int) -> None:
        """One transaction, acknowledged when this returns."""
        with connection.transaction():
            values = (self.key, number, number) if self.user == "aquareel_app" else (self.key, number)
            connection.execute(self.statement, values)
            if self.slow:
                time.sleep(THOUGHT_SECONDS)


def test_a_switchover_under_load_loses_no_acknowledged_write_and_stores_no_refused_one(
    switchable: Layout,
) -> None:
    layout = switchable
    (source,) = find_active(layout)
    target = other_site(source)
    campaign = str(uuid.uuid4())
    with own_station(layout, source) as station:
        beaters = [
            Writer(layout, source, "nr_writer", BEAT, campaign, 100_000 * k, slow=k < SLOW_BEATERS)
            for k in range(BEATERS + SLOW_BEATERS)
        ]
        senders = [
            Writer(layout, source, "aquareel_app", FRAME, station.code, 100_000 * k) for k in range(SENDERS)
        ]
        writers, stop = beaters + senders, threading.Event()
        threads = [threading.Thread(target=writer.run, args=(stop,)) for writer in writers]
        for thread in threads:
            thread.start()
        try:
            wait_for_rate(writers)
            with late_subscriber(layout, target):
                assert switch(layout, "--vers", target)[0] == 0
            wait_for_all_at(writers, target)
            wait_for_rate(writers)
            assert switch(layout, "--vers", source)[0] == 0
            wait_for_all_at(writers, source)
            wait_for_rate(writers)
        finally:
            stop.set()
            for thread in threads:
                thread.join(10)
        assert [writer.errors for writer in writers if writer.errors] == []
        assert all(writer.refused for writer in writers)
        beats = "SELECT bat_seq FROM nr.battement WHERE campaign_id = %s"
        frames = "SELECT tmp_valeur::integer FROM tampon.mesure WHERE cap_id = %s"
        for statement, key, group in ((beats, campaign, beaters), (frames, station.h_sensor, senders)):
            stored = sorted(number for (number,) in query(layout, source, statement, key))
            assert stored == sorted(number for writer in group for number in writer.acknowledged)
    expect_same_content(layout)
    expect_sound(layout, source)


def wait_for_rate(writers: list[Writer]) -> None:
    """Let 300 writes be acknowledged: in a second at rest, in three on a busy machine."""

    def count() -> int:
        return sum(len(writer.acknowledged) for writer in writers)

    before, began = count(), time.monotonic()
    wait_until(lambda: count() > before + 300, 10, "écritures")
    assert 300 / (time.monotonic() - began) > 100


def wait_for_all_at(writers: list[Writer], site: str) -> None:
    """Every writer was refused by the other site and writes here."""
    wait_until(lambda: all(writer.site == site for writer in writers), 10, f"tous à {site}")


@contextmanager
def late_subscriber(layout: Layout, site: str) -> Iterator[None]:
    """Replication waits for a lock on the site, until after the other one has become passive."""
    held = threading.Event()

    def hold() -> None:
        with connect(layout, site, application="essai") as connection, connection.transaction():
            connection.execute("LOCK TABLE nr.battement IN SHARE MODE")
            held.set()
            passive = [("PASSIF",)]
            wait_until(
                lambda: query(layout, other_site(site), "SELECT ha.usp_etat()") == passive,
                10,
                "source passive",
            )
            time.sleep(LATE_SECONDS)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(10)
    yield
    holding.join(10)
