"""The platform's lock outlives the death of the database session that holds it, or says who has it instead."""

from __future__ import annotations

import getpass
import string
import threading
from collections.abc import Iterator
from datetime import datetime

import psycopg
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonreg.config import Platform, load_platform
from nonreg.drills.aftermath import heal_all
from nonreg.drills.register import HEALED, new_entry_id, open_register
from nonreg.errors import DrillRefused
from nonreg.lock import NAME_BYTES, ask_holders, hold_platform_lock, name_holder, name_session
from nonreg.model import PlannedFault
from nonreg.plan import new_run_id
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.waiting import wait_until

HELD = (
    "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid ="
    " CAST(CAST(hashtext('aquareel-nonreg') AS bigint) & 4294967295 AS oid)"
)


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


@pytest.fixture
def admin(sandbox: Layout) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as connection:
        yield connection


def find_holder(admin: psycopg.Connection) -> int | None:
    """Number of the session that has the lock."""
    row = admin.execute(HELD).fetchone()
    return None if row is None else int(row[0])


def end_holder(admin: psycopg.Connection) -> int | None:
    """End the session that has the lock, as the death of the database does; its number."""
    holder = find_holder(admin)
    admin.execute("SELECT pg_terminate_backend(%s)", (holder,))
    return holder


def test_a_lock_that_is_lost_with_its_session_is_taken_again(
    platform: Platform, admin: psycopg.Connection
) -> None:
    stopped = threading.Event()
    with hold_platform_lock(platform, stopped.set) as lock:
        for _ in range(2):
            gone = (None, end_holder(admin))
            wait_until(lambda gone=gone: find_holder(admin) not in gone, 20)  # type: ignore[misc]
        with hold_platform_lock(platform) as second:
            assert not second.held
    assert (lock.losses, stopped.is_set()) == ([], False)
    with hold_platform_lock(platform) as free:
        assert free.held


def test_who_has_the_lock_is_asked_by_the_reader_who_alone_may_see_it(
    platform: Platform, admin: psycopg.Connection
) -> None:
    admin.execute(
        "REVOKE SELECT ON pg_catalog.pg_locks FROM PUBLIC; GRANT SELECT ON pg_catalog.pg_locks TO nr_reader"
    )
    try:
        with hold_platform_lock(platform, run_id="essai") as first, hold_platform_lock(platform) as second:
            assert first.held
            assert f"passage essai, lancé par {getpass.getuser()} sur " in second.message
            assert ", ouverte le " in second.message
    finally:
        admin.execute(
            "REVOKE SELECT ON pg_catalog.pg_locks FROM nr_reader; GRANT SELECT ON pg_catalog.pg_locks TO PUBLIC"
        )


def test_a_lock_that_somebody_else_took_meanwhile_stops_the_campaign_that_lost_it(
    sandbox: Layout, platform: Platform, admin: psycopg.Connection
) -> None:
    stopped = threading.Event()
    take = "SELECT pg_advisory_lock(hashtext('aquareel-nonreg'))"  # waits, and is the first to have it
    with (
        hold_platform_lock(platform, stopped.set) as lock,
        psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as other,
    ):
        waiting = threading.Thread(target=lambda: other.execute(take))
        waiting.start()
        wait_until(
            lambda: admin.execute(
                "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            ).fetchone(),
            20,
        )
        end_holder(admin)
        assert stopped.wait(20)
        waiting.join()
    assert "s'est perdu pendant le passage : une autre campagne est en cours" in lock.losses[0]


def test_nothing_is_healed_while_a_campaign_of_another_machine_has_the_platform(platform: Platform) -> None:
    fault = PlannedFault(
        "HD-927/1", "service_stopped", "SITE-B", (("service", "client"),), 30.0, (), "arrêter", "démarrer"
    )
    register = open_register(platform)
    entry = register.add("hier", "HD-927", fault, {}, new_entry_id())
    try:
        with (
            hold_platform_lock(platform),
            pytest.raises(DrillRefused, match="une autre campagne est en cours"),
        ):
            heal_all(platform, "essai")
        assert [(one.id, one.error) for one in register.pending()] == [(entry.id, "")]
        assert [one.error for one in heal_all(platform, "essai")] == [""]
    finally:
        register.mark(entry, HEALED)


def test_whoever_asks_is_told_who_has_the_platform_and_nobody_when_it_is_free(platform: Platform) -> None:
    assert ask_holders(platform) == ""
    run_id = new_run_id(platform.name)
    with hold_platform_lock(platform, run_id=run_id):
        assert ask_holders(platform).startswith(f"passage {run_id}, lancé par {getpass.getuser()} sur ")
    with hold_platform_lock(platform):
        assert ask_holders(platform).startswith("guérison lancée par ")
    assert ask_holders(platform) == ""


@given(st.text(), st.text(), st.text(), st.text())
@example("passage" * 9, "compte" * 9, "poste" * 9, "essai")
@example("20261130T010000Z-\\3-abc123", "compte", "poste", "\\3")
def test_the_name_of_a_session_fits_every_server_and_is_read_without_fail(
    run_id: str, account: str, machine: str, platform_name: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("getpass.getuser", lambda: account)
        patch.setattr("socket.gethostname", lambda: machine)
        name = name_session(run_id, platform_name)
    assert len(name.encode()) <= NAME_BYTES
    assert name.isascii()
    assert name.isprintable()
    assert name_holder((name, 7, None), platform_name).endswith("(session 7)")


@given(st.text(string.ascii_lowercase + string.digits + "-_.", min_size=1, max_size=200))
def test_the_run_of_a_session_is_told_whole_whatever_its_platform_is_called(platform_name: str) -> None:
    run_id = new_run_id(platform_name)
    told = name_holder((name_session(run_id, platform_name), 7, None), platform_name)
    assert told.startswith(f"passage {run_id}, lancé par ")


def test_a_session_of_another_program_is_told_as_it_is() -> None:
    since = datetime(2026, 11, 30, 8, 5)
    said = name_holder(("aquareel-nonreg", 42, since), "essai")
    assert said == "aquareel-nonreg (session 42, ouverte le 30/11/2026 à 08:05 UTC)"


def test_an_account_with_accents_is_told_without_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "hélène")
    monkeypatch.setattr("socket.gethostname", lambda: "poste-é.domaine.fr")
    assert name_session("essai", "embarquee") == "nonreg essai helene@poste-e"
