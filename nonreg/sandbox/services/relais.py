"""The link between the sites: TCP relays to the other site's database and heartbeats, over two routes.

A connection takes the open route of the lowest number and stays on it. A route is cut over HTTP, always with a
delay after which it comes back by itself: who cuts may die. `"coupe": true` in the settings file cuts everything.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import signal
import socket
import struct
import threading
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from nonreg.sandbox.services.database import ActiveDatabase
from nonreg.sandbox.services.link_routes import ROUTES, Change, ChangeRefused, Link, read_change
from nonreg.sandbox.services.runtime import Outage, start_service
from nonreg.sandbox.services.settings import Settings
from nonreg.sandbox.services.web import Handler, Reply, Request, refuse_plainly, reply_json, serve_web

CHECK_SECONDS = 0.1
ANSWER_SECONDS = 5.0
CHUNK_BYTES = 1 << 18
RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER on, no time to linger
Address = tuple[str, int]


class Relay:
    """Connections along `forwards`, each an (own address, target), over routes that can be cut."""

    def __init__(
        self,
        config: Path,
        forwards: list[tuple[Address, Address]],
        loop: asyncio.AbstractEventLoop,
        log: logging.Logger,
    ) -> None:
        self._config, self._forwards, self._loop, self._log = config, forwards, loop, log
        self._link = Link()
        self._open: dict[str, set[asyncio.StreamWriter]] = {route: set() for route in ROUTES}

    async def serve(self) -> None:
        """Listen for ever, in the loop; OSError when an address is taken."""
        self._follow_setting()
        async with AsyncExitStack() as stack:
            for own, target in self._forwards:
                outage = Outage(self._log, f"{target[0]}:{target[1]} injoignable")
                connect = functools.partial(self._connect, target, outage)
                await stack.enter_async_context(await asyncio.start_server(connect, *own))
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                self._follow_setting()
                self._expire(time.monotonic())

    def describe(self) -> dict[str, object]:
        """The link's state, from any thread."""
        return self._link.describe(time.monotonic())

    def change(self, route: str, change: Change) -> dict[str, object]:
        """Obey an order to a route, from any thread; the state after it, its connections being dropped."""
        done = asyncio.run_coroutine_threadsafe(self._change(route, change), self._loop)
        return done.result(ANSWER_SECONDS)

    async def _change(self, route: str, change: Change) -> dict[str, object]:
        now = time.monotonic()
        self._expire(now)
        was_cut = route in self._link.cut_until
        self._link = self._link.change(route, change, now)
        if change.seconds is not None:
            self._log.warning("voie %s coupée pour %g s au plus", route, change.seconds)
            self._drop(route)
        elif was_cut:
            self._log.warning("voie %s rétablie", route)
        return self._link.describe(now)

    def _expire(self, now: float) -> None:
        self._link, back = self._link.expire(now)
        for route in back:
            self._log.warning("voie %s rétablie d'elle-même : délai de coupure écoulé", route)

    def _follow_setting(self) -> None:
        try:
            cut = bool(json.loads(self._config.read_text(encoding="utf-8")).get("coupe", False))
        except (OSError, ValueError):
            return  # the file is being written: as before
        if cut == self._link.all_cut:
            return
        self._link = Link(self._link.cut_until, cut)
        self._log.warning("liaison coupée par réglage" if cut else "liaison rétablie par réglage")
        for route in ROUTES if cut else ():
            self._drop(route)

    def _drop(self, route: str) -> None:
        dropped = [writer for writer in self._open[route] if not writer.transport.is_closing()]
        for writer in dropped:
            _reset(writer)
        if dropped:
            self._log.info("voie %s : %d connexions interrompues", route, len(dropped))

    async def _connect(
        self, target: Address, outage: Outage, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        route = self._link.find_route(time.monotonic())
        if route is None:
            _reset(writer)
            return
        self._open[route].add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError as error:
            outage.failed(error)
            self._open[route].discard(writer)
            _reset(writer)
            return
        outage.worked()
        both = {writer, far_writer}
        self._open[route] |= both
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        except ConnectionError:
            for end in both:  # one end was reset: so is the other
                _reset(end)
        finally:
            self._open[route] -= both
            for end in both:
                end.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    """End a connection as a cut does: what is on its way is lost, and the peer is told at once."""
    end = writer.get_extra_info("socket")
    if not writer.transport.is_closing():
        with suppress(OSError):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


def build_routes(relay: Relay) -> dict[tuple[str, str], Handler]:
    """The control's pages: the state, and one page a route to change it."""

    def obey(route: str, request: Request) -> Reply:
        try:
            return reply_json(relay.change(route, read_change(request.body)))
        except ChangeRefused as error:
            return refuse_plainly(request, 400, str(error))

    pages: dict[tuple[str, str], Handler] = {
        ("PUT", f"/liaison/voies/{route}"): functools.partial(obey, route) for route in ROUTES
    }
    return pages | {("GET", "/liaison"): lambda _request: reply_json(relay.describe())}


def start_relay(settings: Settings) -> None:
    """Relay and answer the control in background threads."""
    forwards = [
        (
            (str(one["adresse"]), int(one["port"])),
            (str(one["vers_adresse"]), int(one["vers_port"])),
        )
        for one in settings.options["liaisons"]
    ]
    log = logging.getLogger("relais")
    loop = asyncio.new_event_loop()
    relay = Relay(settings.site_dir / "config" / "relais.json", forwards, loop, log)

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        serve_web(settings.address, int(settings.options["port_commande"]), build_routes(relay), log)
        loop.run_until_complete(relay.serve())

    threading.Thread(target=run, name="relais", daemon=True).start()


def main() -> None:
    """Run until stopped."""
    # The link is there before the databases: replication is set up through it.
    service = start_service("relais", before_gate=start_relay)
    service.report_presence(ActiveDatabase(service.settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
