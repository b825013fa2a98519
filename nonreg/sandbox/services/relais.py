"""The link between the sites: TCP relays to the other site's database and heartbeats, which can be cut.

`"coupe": true` in its settings file refuses new connections and drops those there are, at once.
"""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import signal
import threading
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from nonreg.sandbox.services.database import ActiveDatabase
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.settings import Settings

CHECK_SECONDS = 0.1
CHUNK_BYTES = 1 << 18


class Relay:
    """Connections along `forwards`, (address, port, target address, target port), as long as the link is not cut."""

    def __init__(self, config: Path, forwards: list[tuple[str, int, str, int]], log: logging.Logger) -> None:
        self._config, self._forwards, self._log = config, forwards, log
        self._cut = False
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        """Listen for ever; OSError when an address is taken."""
        self._cut = self._read_cut()
        async with AsyncExitStack() as stack:
            for address, port, *target in self._forwards:
                connect = functools.partial(self._connect, target)
                await stack.enter_async_context(await asyncio.start_server(connect, address, port))
            while True:
                await asyncio.sleep(CHECK_SECONDS)
                cut = self._read_cut()
                if cut != self._cut:
                    self._cut = cut
                    self._log.warning("liaison coupée" if cut else "liaison rétablie")
                if cut:
                    for writer in self._open:
                        writer.transport.abort()

    def _read_cut(self) -> bool:
        try:
            return bool(json.loads(self._config.read_text(encoding="utf-8")).get("coupe", False))
        except (OSError, ValueError):
            return self._cut  # the file is being written: as before

    async def _connect(
        self, target: list[Any], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if self._cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(*target)
        except OSError as error:
            self._log.warning("site distant injoignable : %s", error.strerror)
            writer.transport.abort()
            return
        both = {writer, far_writer}
        self._open |= both
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            self._open -= both
            for end in both:
                end.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    with suppress(OSError):
        if writer.can_write_eof():
            writer.write_eof()


def start_relay(settings: Settings) -> None:
    """Relay in a background thread."""
    forwards = [
        (str(one["adresse"]), int(one["port"]), str(one["vers_adresse"]), int(one["vers_port"]))
        for one in settings.options["liaisons"]
    ]
    relay = Relay(settings.site_dir / "config" / "relais.json", forwards, logging.getLogger("relais"))

    def run() -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        asyncio.run(relay.serve())

    threading.Thread(target=run, name="relais", daemon=True).start()


def main() -> None:
    """Run until stopped."""
    # The link is there before the databases: replication is set up through it.
    service = start_service("relais", before_gate=start_relay)
    service.report_presence(ActiveDatabase(service.settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
