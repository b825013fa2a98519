"""Orders to a running supervisor, over a Unix socket in the instance's folder: one JSON line each way."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from nonreg.errors import NonregError
from nonreg.sandbox.layout import Layout
from nonreg.sandbox.orders import Order, TimerOrder, write_order

SOCKET_NAME = "control.sock"
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


def ask(layout: Layout, order: Order | TimerOrder) -> bool:
    """Have an order executed; returns when it is done, with its answer if it has one. OrderRefused otherwise."""
    try:
        with socket.socket(socket.AF_UNIX) as link, short_socket_path(layout) as path:
            link.settimeout(ANSWER_SECONDS)
            link.connect(path)
            link.sendall(json.dumps(write_order(order)).encode() + b"\n")
            with link.makefile("rb") as answers:
                answer = json.loads(answers.readline(MAX_LINE_BYTES) or b"{}")
    except (OSError, ValueError) as error:
        raise OrderRefused("Le superviseur de la plateforme ne répond pas.") from error
    if not answer.get("ok"):
        raise OrderRefused(str(answer.get("message", "Ordre refusé par le superviseur.")))
    return bool(answer.get("value"))


def send_order(layout: Layout, action: str, site: str, service: str = "") -> None:
    """Have something done to a service, or to a machine; returns when it is done, OrderRefused otherwise."""
    ask(layout, Order(action, site, service))


def start_service(layout: Layout, site: str, service: str) -> None:
    """Start a service and wait until it answers; no error when it runs already."""
    send_order(layout, "start", site, service)


def stop_service(layout: Layout, site: str, service: str) -> None:
    """Stop a service; no error when it is stopped already."""
    send_order(layout, "stop", site, service)


def restart_service(layout: Layout, site: str, service: str) -> None:
    """Stop and start a service, as after a change of its settings."""
    send_order(layout, "restart", site, service)


def power_off(layout: Layout, site: str) -> None:
    """SIGKILL to everything of a site, its timers for its own services included; no error when it is off."""
    send_order(layout, "power_off", site)


def power_on(layout: Layout, site: str) -> None:
    """Start whatever does not run of a site and wait until all of it answers; no error when it is on."""
    send_order(layout, "power_on", site)


def is_on(layout: Layout, site: str) -> bool:
    """False for a site that was switched off."""
    return ask(layout, Order("is_on", site))


def set_timer(layout: Layout, name: str, seconds: float, order: Order) -> None:
    """Have an order executed in so many seconds, whoever lives then; replaces the timer of that name."""
    ask(layout, TimerOrder("set_timer", name, seconds, order))


def cancel_timer(layout: Layout, name: str) -> bool:
    """Forget a timer; False when there is none of that name, or no longer."""
    return ask(layout, TimerOrder("cancel_timer", name))


def has_timer(layout: Layout, name: str) -> bool:
    """True while a timer waits for its time."""
    return ask(layout, TimerOrder("has_timer", name))
