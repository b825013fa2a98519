"""Waiting on conditions with deadlines; nobody sleeps for a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
POLL_SECONDS = 0.02


class DeadlinePassed(TimeoutError):
    """The condition did not come true in time; the message says which one."""


def wait_until(
    condition: Callable[[], T], within_seconds: float, what: str = "", poll_seconds: float = POLL_SECONDS
) -> T:
    """First true value of the condition; DeadlinePassed (naming `what`) when there is none in time."""
    deadline = time.monotonic() + within_seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise DeadlinePassed(f"délai de {within_seconds:g} s dépassé" + (f" : {what}" if what else ""))
        time.sleep(poll_seconds)


def observe_until(
    probe: Callable[[], T],
    accept: Callable[[T], bool],
    within_seconds: float,
    poll_seconds: float = POLL_SECONDS,
) -> T:
    """First accepted answer of the probe, or its last one at the deadline: the caller judges what it got."""
    deadline = time.monotonic() + within_seconds
    while True:
        answer = probe()
        if accept(answer) or time.monotonic() >= deadline:
            return answer
        time.sleep(poll_seconds)


def sample(probe: Callable[[], T], count: int, every_seconds: float) -> tuple[T, ...]:
    """`count` answers, each asked `every_seconds` after the one before, or later when the probe is slow."""
    began, answers = time.monotonic(), [probe()]
    for number in range(1, count):
        time.sleep(max(0.0, began + number * every_seconds - time.monotonic()))
        answers.append(probe())
    return tuple(answers)
