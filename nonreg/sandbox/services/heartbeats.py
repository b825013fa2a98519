"""Heartbeats between the three sites' supervision modules: one JSON line over TCP every half second."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from socketserver import StreamRequestHandler, TCPServer, ThreadingTCPServer

PERIOD_SECONDS = 0.5
RETRY_SECONDS = 0.1  # the others may be starting
CONNECT_SECONDS = 1.0
MAX_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Sighting:
    """Last heartbeat of another site; `at` on the monotonic clock, in seconds."""

    role: str
    seq: int
    at: float


class Peers:
    """What was last heard of the other sites."""

    def __init__(self, sites: tuple[str, ...], fresh_seconds: float) -> None:
        self._sites, self._fresh = sites, fresh_seconds
        self._seen: dict[str, Sighting] = {}
        self._lock = threading.Lock()

    def hear(self, line: bytes) -> None:
        """Take one heartbeat; ValueError when it is none, or not of a known site."""
        try:
            data = json.loads(line)
            site, sighting = data["site"], Sighting(str(data["role"]), int(data["seq"]), time.monotonic())
        except (KeyError, TypeError) as error:
            raise ValueError("battement incomplet") from error
        if site not in self._sites:
            raise ValueError(f"site inconnu : {site!r}")
        with self._lock:
            self._seen[site] = sighting

    def describe(self) -> dict[str, dict[str, object]]:
        """Age in seconds and role of each other site; None for one that was never heard."""
        now = time.monotonic()
        with self._lock:
            seen = dict(self._seen)
        return {
            site: {
                "vu_il_y_a_secondes": round(now - seen[site].at, 3) if site in seen else None,
                "role": seen[site].role if site in seen else None,
            }
            for site in self._sites
        }

    def has_quorum(self) -> bool:
        """True when at least one other site was heard lately: two of three."""
        now = time.monotonic()
        with self._lock:
            return any(now - sighting.at <= self._fresh for sighting in self._seen.values())


def listen(address: str, port: int, peers: Peers, log: logging.Logger) -> None:
    """Take the others' heartbeats in background threads."""

    class Ear(StreamRequestHandler):
        timeout = 10.0

        def handle(self) -> None:
            with suppress(OSError):
                while line := self.rfile.readline(MAX_LINE_BYTES):
                    try:
                        peers.hear(line)
                    except ValueError as error:
                        log.warning("battement refusé de %s : %s", self.client_address[0], error)
                        return

    class Server(ThreadingTCPServer):
        daemon_threads = True
        allow_reuse_address = True

    server: TCPServer = Server((address, port), Ear)
    threading.Thread(target=server.serve_forever, name="écoute", daemon=True).start()


def beat(
    site: str, own_address: str, target: tuple[str, int], role: Callable[[], str], stopping: threading.Event
) -> None:
    """Send heartbeats to one other site for ever, in a background thread; reconnects by itself."""

    def run() -> None:
        seq, link = 0, None
        while not stopping.is_set():
            seq += 1
            line = {
                "site": site,
                "role": role(),
                "seq": seq,
                "utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            }
            try:
                if link is None:
                    link = socket.create_connection(target, CONNECT_SECONDS, (own_address, 0))
                link.sendall(json.dumps(line).encode() + b"\n")
            except OSError:
                if link is not None:
                    link.close()
                link = None
            stopping.wait(PERIOD_SECONDS if link else RETRY_SECONDS)

    threading.Thread(target=run, name=f"battement {target[0]}", daemon=True).start()
