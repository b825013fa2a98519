"""A TCP link to a server that is cut at a chosen request: before the server has it, or once it has answered."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum

PIECE = 65536
CONNECTION = re.compile(rb"(?i)connection: keep-alive\r\n")


class Moment(Enum):
    """When the link is lost."""

    BEFORE = "nothing of the request arrives"
    HALF = "half of it arrives"
    AFTER = "the server has answered, and nobody hears it"


@dataclass
class Link:
    """What is still to be cut: a request that begins so, when, and what happens then; `cuts` counts."""

    target: int
    port: int = 0
    prefix: bytes = b""
    moment: Moment = Moment.BEFORE
    happen: Callable[[], None] = lambda: None
    cuts: int = 0
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        """What a client is given."""
        return f"http://127.0.0.1:{self.port}"

    def cut_at(self, prefix: str, moment: Moment, happen: Callable[[], None] = lambda: None) -> None:
        """Cut once, at the next request that begins so."""
        self.moment, self.happen, self.prefix = moment, happen, prefix.encode()

    def carry(self, client: socket.socket) -> None:
        """One connection of a client, from its first byte to its last."""
        with client, contextlib.suppress(OSError):
            while head := read_request(client):
                if not self._pass_on(client, head):
                    return

    def _pass_on(self, client: socket.socket, request: bytes) -> bool:
        """Carry one request and its answer; False when the connection is over."""
        self.requests.append(request[:80].split(b"\r\n")[0])
        cut = bool(self.prefix) and request.startswith(self.prefix)
        if cut:
            self.prefix = b""
            self.cuts += 1
        if cut and self.moment is Moment.BEFORE:
            self.happen()
            return False
        # One connection a request: an answer ends where the server closes it.
        with socket.create_connection(("127.0.0.1", self.target), timeout=120) as server:
            if cut and self.moment is Moment.HALF:
                server.sendall(request[: len(request) // 2])
                self.happen()
                return False
            server.sendall(CONNECTION.sub(b"Connection: close\r\n", request, count=1))
            answer = b""
            while piece := server.recv(PIECE):
                answer += piece
            if cut:
                self.happen()
                return False
            client.sendall(answer)
        return False


def read_request(client: socket.socket) -> bytes:
    """A whole request with its body; nothing when the client has closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = client.recv(PIECE)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0
    )
    while len(body) < length:
        piece = client.recv(PIECE)
        if not piece:
            return b""
        body += piece
    return head + b"\r\n\r\n" + body


@contextmanager
def start_link(target: int) -> Iterator[Link]:
    """A link to a port of this machine, on another one."""
    link = Link(target)
    listener = socket.create_server(("127.0.0.1", 0))
    link.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=link.carry, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield link
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
