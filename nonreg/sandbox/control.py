"""Orders to a running supervisor, over a Unix socket in the instance's folder: one JSON line each way."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from nonreg.errors import NonregError
from nonreg.sandbox.layout import Layout

SOCKET_NAME = "control.sock"
ACTIONS = ("start", "stop", "restart")
ANSWER_SECONDS = 60.0
MAX_LINE_BYTES = 4096


class OrderRefused(NonregError):
    """The supervisor is absent, or could not do what was asked."""


@contextmanager
def short_socket_path(layout: Layout) -> Iterator[str]:
    """A path of the socket that fits the 108 bytes of the kernel, however deep the instance lies."""
    descriptor = os.open(layout.root, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET_NAME}"
    finally:
        os.close(descriptor)


def send_order(layout: Layout, action: str, site: str, service: str) -> None:
    """Have a service started, stopped or restarted; returns when it is done, OrderRefused otherwise."""
    order = {"action": action, "site": site, "service": service}
    try:
        with socket.socket(socket.AF_UNIX) as link, short_socket_path(layout) as path:
            link.settimeout(ANSWER_SECONDS)
            link.connect(path)
            link.sendall(json.dumps(order).encode() + b"\n")
            with link.makefile("rb") as answers:
                answer = json.loads(answers.readline(MAX_LINE_BYTES) or b"{}")
    except (OSError, ValueError) as error:
        raise OrderRefused("Le superviseur de la plateforme ne répond pas.") from error
    if not answer.get("ok"):
        raise OrderRefused(str(answer.get("message", "Ordre refusé par le superviseur.")))


def start_service(layout: Layout, site: str, service: str) -> None:
    """Start a service and wait until it answers; no error when it runs already."""
    send_order(layout, "start", site, service)


def stop_service(layout: Layout, site: str, service: str) -> None:
    """Stop a service; no error when it is stopped already."""
    send_order(layout, "stop", site, service)


def restart_service(layout: Layout, site: str, service: str) -> None:
    """Stop and start a service, as after a change of its settings."""
    send_order(layout, "restart", site, service)
