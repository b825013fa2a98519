"""Heartbeats between the three sites' supervision modules: one JSON line over TCP every half second.

Each carries its sender's report, the reports of the sites that it hears, and the technical alarms it knows.
"""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer
from typing import Any

from nonreg.sandbox.services.mandates import Claim
from nonreg.sandbox.services.picture import Heard, Picture, Report

PERIOD_SECONDS = 0.5
RETRY_SECONDS = 0.1  # the others may be starting
CONNECT_SECONDS = 1.0
MAX_LINE_BYTES = 1 << 18


@dataclass(frozen=True, slots=True)
class Beat:
    """One heartbeat; `alarms` are as the sender wrote them."""

    site: str
    seq: int
    report: Report
    relayed: Mapping[str, Report] = field(default_factory=dict)
    alarms: tuple[Mapping[str, Any], ...] = ()


def write_beat(beat: Beat) -> bytes:
    """One line, with its end."""
    data = {
        "site": beat.site,
        "seq": beat.seq,
        "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
        **_write_report(beat.report),
        "rapports": {site: _write_report(report) for site, report in beat.relayed.items()},
        "alarmes": list(beat.alarms),
    }
    return json.dumps(data, ensure_ascii=False).encode() + b"\n"


def read_beat(line: bytes) -> Beat:
    """One heartbeat; ValueError when it is none."""
    try:
        data = json.loads(line)
        relayed = {str(site): _read_report(report) for site, report in data.get("rapports", {}).items()}
        alarms = tuple(dict(one) for one in data.get("alarmes", ()))
        return Beat(str(data["site"]), int(data["seq"]), _read_report(data), relayed, alarms)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("battement incomplet") from error


def _write_report(report: Report) -> dict[str, Any]:
    return {
        "role": report.role,
        "mandat": report.claim.mandate,
        "actif": report.claim.active,
        "modules": dict(report.modules),
        "entend": {site: round(age, 3) for site, age in report.hears.items()},
    }


def _read_report(data: Mapping[str, Any]) -> Report:
    active = data.get("actif")
    return Report(
        role=str(data["role"]),
        claim=Claim(int(data.get("mandat", 0)), None if active is None else str(active)),
        modules={str(name): bool(runs) for name, runs in data.get("modules", {}).items()},
        hears={str(site): float(age) for site, age in data.get("entend", {}).items()},
    )


class Peers:
    """What was last heard of the other sites."""

    def __init__(self, sites: tuple[str, ...], fresh_seconds: float) -> None:
        self.sites, self.fresh_seconds = sites, fresh_seconds
        self._heard: dict[str, tuple[float, Beat]] = {}  # when, on the monotonic clock
        self._lock = threading.Lock()

    def hear(self, line: bytes) -> Beat:
        """Take one heartbeat; ValueError when it is none, or not of a known site."""
        beat = read_beat(line)
        if beat.site not in self.sites:
            raise ValueError(f"site inconnu : {beat.site!r}")
        with self._lock:
            self._heard[beat.site] = (time.monotonic(), beat)
        return beat

    def look(self) -> dict[str, Heard]:
        """The last heartbeat of each other site that was ever heard."""
        now = time.monotonic()
        with self._lock:
            heard = dict(self._heard)
        return {site: Heard(now - at, beat.report, beat.relayed) for site, (at, beat) in heard.items()}

    def were_heard_since(self, at: float) -> bool:
        """True when a heartbeat came after that instant of the monotonic clock."""
        with self._lock:
            return any(when > at for when, _ in self._heard.values())

    def describe(self) -> dict[str, dict[str, object]]:
        """Age in seconds and role of each other site; None for one that was never heard."""
        heard = self.look()
        return {
            site: {
                "vu_il_y_a_secondes": round(heard[site].age, 3) if site in heard else None,
                "role": heard[site].report.role if site in heard else None,
            }
            for site in self.sites
        }

    def has_quorum(self) -> bool:
        """True when at least one other site was heard lately: two of three."""
        return any(one.age <= self.fresh_seconds for one in self.look().values())


def make_beat(picture: Picture, seq: int, alarms: tuple[Mapping[str, Any], ...]) -> Beat:
    """The heartbeat that tells a picture."""
    fresh = {site: one.report for site, one in picture.fresh().items()}
    return Beat(picture.site, seq, picture.own, fresh, alarms)


def listen(address: str, port: int, hear: Callable[[bytes], object], log: logging.Logger) -> None:
    """Take the others' heartbeats in background threads; `hear` raises ValueError for a bad one."""

    class Ear(StreamRequestHandler):
        timeout = 10.0

        def handle(self) -> None:
            with suppress(OSError):
                while line := self.rfile.readline(MAX_LINE_BYTES):
                    try:
                        hear(line)
                    except ValueError as error:
                        log.warning("battement refusé de %s : %s", self.client_address[0], error)
                        return

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server: TCPServer = Server((address, port), Ear)
    threading.Thread(target=server.serve_forever, name="écoute", daemon=True).start()


def send_beats(
    own_address: str, target: tuple[str, int], make: Callable[[int], Beat], stopping: threading.Event
) -> None:
    """Send heartbeats to one other site for ever, in a background thread; reconnects by itself."""

    def run() -> None:
        seq, link = 0, None
        while not stopping.is_set():
            seq += 1
            try:
                if link is None:
                    link = socket.create_connection(target, CONNECT_SECONDS, (own_address, 0))
                link.sendall(write_beat(make(seq)))
            except OSError:
                if link is not None:
                    link.close()
                link = None
            stopping.wait(PERIOD_SECONDS if link else RETRY_SECONDS)

    threading.Thread(target=run, name=f"battement {target[0]}", daemon=True).start()
