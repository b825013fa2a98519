"""A real local server that speaks OpenVPN's management protocol, faults included."""

from __future__ import annotations

import os
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

BANNER = b">INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info\r\n"
CONNECTED = b"1764501234,CONNECTED,SUCCESS,10.8.0.6,203.0.113.1,1194,,\r\n"
TRIES = 3


@dataclass
class Behaviour:
    """What the server does; `raw` replaces all of it by these bytes, then the end or silence."""

    state: bytes = CONNECTED
    password: bytes | None = None
    banner: bytes = BANNER
    noise: bytes = b""  # notifications, before the answer
    end: bytes = b"END\r\n"
    raw: bytes | None = None
    closes: bool = False
    heard: list[bytes] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)


class Handler(socketserver.StreamRequestHandler):
    """One client."""

    behaviour: Behaviour

    def handle(self) -> None:
        with suppress(OSError):
            self.talk()

    def talk(self) -> None:
        wanted = self.behaviour
        if wanted.raw is not None:
            self.wfile.write(wanted.raw)
            if not wanted.closes:
                wanted.released.wait(30)
            return
        if not self.let_in():
            return
        self.wfile.write(wanted.banner + wanted.noise)
        for line in self.rfile:
            wanted.heard.append(line)
            if line.strip() == b"quit":
                return
            self.wfile.write(
                wanted.noise + (wanted.state if line.strip() == b"state" else b"ERROR: unknown command\r\n")
            )
            if wanted.closes:
                return
            self.wfile.write(wanted.end)

    def let_in(self) -> bool:
        if self.behaviour.password is None:
            return True
        for _ in range(TRIES):
            self.wfile.write(b"ENTER PASSWORD:")
            if self.rfile.readline().rstrip(b"\r\n") == self.behaviour.password:
                self.wfile.write(b"SUCCESS: password is correct\r\n")
                return True
            self.wfile.write(b"ERROR: bad password\r\n")
        return False


@contextmanager
def serve_management(behaviour: Behaviour, socket_path: Path | None = None) -> Iterator[str]:
    """What to write as `management` in the table [vpn]."""
    handler = type("OneHandler", (Handler,), {"behaviour": behaviour})
    server: socketserver.BaseServer
    if socket_path is not None:
        server = socketserver.ThreadingUnixStreamServer(os.fspath(socket_path), handler)
        place = os.fspath(socket_path)
    else:
        tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler)
        server, place = tcp, f"127.0.0.1:{tcp.server_address[1]}"
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield place
    finally:
        behaviour.released.set()
        server.shutdown()
        thread.join(30)
        server.server_close()
