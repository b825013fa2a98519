"""Receivers of alerts for the tests: real SMTP and HTTP servers on loopback, that can be told to fail."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from nonreg.waiting import wait_until

PASSWORD = "mot-de-passe-du-relais"
STEPS = ("EHLO", "MAIL", "RCPT", "DATA")


@dataclass
class Postman:
    """An SMTP server's handler: keeps what it accepts; `answers` by command, `hangs` and `cuts` at one of STEPS.

    A hang after DATA has the whole mail: with `accepts` it is kept first, as a server does that loses its answer.
    """

    answers: dict[str, str] = field(default_factory=dict)
    declined: tuple[str, ...] = ()
    hangs: str = ""
    cuts: str = ""
    accepts: bool = True
    received: list[bytes] = field(default_factory=list)
    reached: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def _step(self, server: SMTP, step: str) -> str:
        self.reached.append(step)
        if self.cuts == step:
            assert server.transport is not None
            server.transport.abort()
            await asyncio.sleep(0)
        while self.hangs == step:
            await asyncio.sleep(0.01)  # the test says when it ends
        return self.answers.get(step, "250 OK")

    async def handle_EHLO(  # noqa: N802 - the name that the server looks for
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        await self._step(server, "EHLO")
        return responses

    async def handle_MAIL(  # noqa: N802 - the name that the server looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._step(server, "MAIL")
        envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802 - the name that the server looks for
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._step(server, "RCPT")
        if address in self.declined:
            return "550 5.1.1 unknown user"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        assert isinstance(content, bytes)
        taken = self.accepts and self.answers.get("DATA", "250").startswith("250")
        if taken:
            self.received.append(content)
        return await self._step(server, "DATA")

    def mails(self) -> list[EmailMessage]:
        """What was accepted, read as a mail reader does."""
        return [message_from_bytes(one, policy=policy.default) for one in self.received]  # type: ignore[misc]


class Relay(Controller):
    """A server on a port that the system chooses."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def start_smtp(postman: Postman, **options: Any) -> Iterator[int]:
    """The port of a server that gives its mails to this postman."""
    controller = Relay(postman, hostname="127.0.0.1", port=0, **options)
    controller.start()
    try:
        yield controller.port
    finally:
        postman.hangs = ""
        controller.stop()


def check_login(server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
    """The account `alertes`, with PASSWORD."""
    good = (data.login, data.password) == (b"alertes", PASSWORD.encode())
    server.event_handler.logins.append(mechanism)
    return AuthResult(success=good, handled=False)  # the server itself answers


def make_certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate of an hour for 127.0.0.1, which is its own authority, and a server's context with it."""
    certificate, key = folder / "relais.pem", folder / "relais.key"
    command = (
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=relais"
    )
    subprocess.run(
        [*command.split(), "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


@dataclass
class Hook:
    """An HTTP address: keeps what is posted, answers `status`, or nothing at all."""

    status: int = 200
    silent: bool = False
    body: bytes = b""
    posts: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        assert self.server is not None
        return f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def start_hook(context: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """A running HTTP server, or HTTPS with a context."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append((self.path, dict(self.headers), body))
            if hook.silent:
                hook.released.wait(60)
                return
            self.send_response(hook.status)
            self.send_header("Location", "http://127.0.0.1:1/ailleurs")
            self.send_header("Content-Length", str(len(hook.body)))
            self.end_headers()
            self.wfile.write(hook.body)

        def log_message(self, *_: object) -> None:
            pass

    hook.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if context is not None:
        hook.server.socket = context.wrap_socket(hook.server.socket, server_side=True)
    thread = threading.Thread(target=hook.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        hook.released.set()
        hook.server.shutdown()
        hook.server.server_close()


def wait_for_step(postman: Postman, step: str) -> None:
    """Until the server has come to that step."""
    wait_until(lambda: step in postman.reached, 20, step)
