"""A small threaded HTTP/1.1 server: routes, limits and clean refusals, nothing about the application."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from nonreg.sandbox.services.database import DatabaseRefused, DatabaseUnavailable

MAX_BODY_BYTES = 1 << 20
DRAIN_BYTES = 32 << 20  # read and thrown away so that the client sees the refusal instead of a reset
IDLE_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, the last of several values wins."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    client: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What is sent back."""

    status: int
    body: bytes = b""
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())


Handler = Callable[[Request], Reply]
Refuse = Callable[[Request, int, str], Reply]


def reply_json(value: Any, status: int = 200) -> Reply:
    """A JSON reply."""
    body = json.dumps(value, ensure_ascii=False).encode("utf-8")
    return Reply(status, body, "application/json; charset=utf-8")


def refuse_plainly(_request: Request, status: int, message: str) -> Reply:
    """A refusal as one line of text."""
    return Reply(status, (message + "\n").encode("utf-8"))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256  # every station may push within the same second

    def server_bind(self) -> None:
        # HTTPServer asks the resolver for the address's name here, which may take seconds.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[0], self.server_address[1]  # type: ignore[assignment]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no event."""


def serve_web(
    address: str,
    port: int,
    routes: dict[tuple[str, str], Handler],
    log: logging.Logger,
    refuse: Refuse = refuse_plainly,
) -> None:
    """Listen and answer in background threads; OSError when the address is taken."""

    class Answer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        server_version, sys_version = "AQUAREEL", ""
        timeout = IDLE_SECONDS
        wbufsize = 1 << 16  # status, headers and body leave in one packet
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            url = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            request = Request(
                self.command, url.path, dict(parse_qsl(url.query)), headers, b"", self.client_address[0]
            )
            body, problem = self._read_body(headers)
            if problem:
                reply = refuse(request, *problem)
            else:
                reply = self._answer(
                    Request(request.method, request.path, request.query, headers, body, request.client)
                )
            self._send(reply)

        do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = do_GET  # noqa: N815

        def handle_expect_100(self) -> bool:
            answered = super().handle_expect_100()
            self.wfile.flush()  # the client waits for this line before it sends its body
            return answered

        def _read_body(self, headers: dict[str, str]) -> tuple[bytes, tuple[int, str] | None]:
            if "transfer-encoding" in headers:
                self.close_connection = True
                return b"", (411, "Content-Length obligatoire")
            text = headers.get("content-length", "0")
            if not text.isascii() or not text.isdigit():
                self.close_connection = True
                return b"", (400, "Content-Length invalide")
            size = int(text)
            if size > MAX_BODY_BYTES:
                self.close_connection = True
                left = min(size, DRAIN_BYTES)
                while left > 0 and (part := self.rfile.read(min(left, 1 << 16))):
                    left -= len(part)
                return b"", (413, f"corps de plus de {MAX_BODY_BYTES} octets")
            body = self.rfile.read(size)
            if len(body) < size:
                self.close_connection = True
                return b"", (400, "corps tronqué")
            return body, None

        def _answer(self, request: Request) -> Reply:
            method = "GET" if request.method == "HEAD" else request.method
            handler = routes.get((method, request.path))
            if handler is None:
                known = [m for m, path in routes if path == request.path]
                if not known:
                    return refuse(request, 404, "adresse inconnue")
                return refuse(request, 405, "méthode refusée")
            try:
                return handler(request)
            except (DatabaseUnavailable, DatabaseRefused) as error:
                log.warning("%s %s : 503, %s", request.method, request.path, error)
                return refuse(request, 503, "base de données indisponible")
            except Exception:
                log.exception("%s %s : 500", request.method, request.path)
                return refuse(request, 500, "erreur interne")

        def _send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(reply.body)))
            for name, value in reply.headers:
                self.send_header(name, value)
            if reply.status == 503:
                self.send_header("Retry-After", "2")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """The services log what matters themselves."""

    server = _Server((address, port), Answer)
    threading.Thread(target=server.serve_forever, name="web", daemon=True).start()
