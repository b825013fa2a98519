"""A real HTTP proxy on loopback, between us and a tracker: it loses answers, cuts uploads, keeps silent, or is down."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Fault = str  # what becomes of one request


@dataclass
class Proxy:
    """`choose` says of each request ("POST /path") what becomes of it; empty for nothing.

    down     the connection is closed at once, nothing is forwarded
    lost     the tracker did it, the answer never arrives
    cut      half of the request reaches the tracker, then the connection breaks
    silent   nothing is answered until `released`
    500, 429 the proxy answers that itself
    """

    target: int
    port: int = 0
    choose: Callable[[str], Fault] = field(default=lambda _request: "")
    released: threading.Event = field(default_factory=threading.Event)
    before_answer: Callable[[str], None] = field(default=lambda _request: None)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def start_proxy(target: int) -> Iterator[Proxy]:
    """A running one, in front of that port."""
    proxy = Proxy(target)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            request = f"{self.command} {self.path}"
            fault = proxy.choose(request)
            if fault == "down":
                return self.drop()
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if fault == "silent":
                proxy.released.wait(60)
                return self.drop()
            if fault == "cut":
                self.send_half(body)
                return self.drop()
            if fault.isdigit():
                return self.write(int(fault), {}, b"{}")
            status, headers, content = self.forward(body)
            proxy.before_answer(request)
            return self.drop() if fault == "lost" else self.write(status, headers, content)

        def forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            link = http.client.HTTPConnection("127.0.0.1", proxy.target, timeout=30)
            link.request(self.command, self.path, body, dict(self.headers.items()))
            answer = link.getresponse()
            found = answer.status, dict(answer.getheaders()), answer.read()
            link.close()
            return found

        def send_half(self, body: bytes) -> None:
            with socket.create_connection(("127.0.0.1", proxy.target), 10) as link:
                head = "".join(f"{name}: {value}\r\n" for name, value in self.headers.items())
                text = f"{self.command} {self.path} HTTP/1.1\r\n{head}\r\n".encode("latin-1")
                link.sendall(text + body[: len(body) // 2])

        def write(self, status: int, headers: dict[str, str], content: bytes) -> None:
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "connection", "server", "date"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(OSError):
                self.wfile.write(content)

        def drop(self) -> None:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

        do_GET = do_POST = do_PUT = relay  # noqa: N815 - the names that the server looks for

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that went away is what these tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    proxy.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.released.set()
        server.shutdown()
        server.server_close()
        thread.join(10)
