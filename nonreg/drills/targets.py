"""Which target a client tries next. Pure but for the clock it is given; for one thread.

A target that failed slowly is left alone for a while: a dead node must not blind a client to the living one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

SLOW_SECONDS = 0.9  # about a time-out; one that says no before may be asked again at once
AVOIDED_TIMES = 5.0  # as long as it held the client up, this many times


class Target(Protocol):
    """What has the code of a site."""

    @property
    def site_code(self) -> str: ...


T = TypeVar("T", bound=Target)


class Targets(Generic[T]):
    """Targets in order of preference; stays with the one that works.

    `return_seconds`: how often the first one is tried again while another works; None never.
    """

    def __init__(
        self, targets: Sequence[T], clock: Callable[[], float], return_seconds: float | None = None
    ) -> None:
        self._targets, self._clock, self._return_seconds = list(targets), clock, return_seconds
        self._current = 0
        self._avoided_until = [0.0] * len(targets)
        self._return_at = 0.0

    def order(self) -> list[T]:
        """Those to try now, first to last; never empty."""
        now, count = self._clock(), len(self._targets)
        first = self._current
        if self._return_seconds is not None and first != 0 and now >= self._return_at:
            first = 0
        turn = [(first + step) % count for step in range(count)]
        free = [index for index in turn if now >= self._avoided_until[index]]
        return [self._targets[index] for index in free or [min(turn, key=self._avoided_until.__getitem__)]]

    def worked(self, target: T) -> None:
        """Stay with it."""
        self._current = self._targets.index(target)

    def failed(self, target: T, took_seconds: float) -> None:
        """Go to the next one, and leave a slow one alone."""
        now, index = self._clock(), self._targets.index(target)
        if took_seconds >= SLOW_SECONDS:
            self._avoided_until[index] = now + AVOIDED_TIMES * took_seconds
        if index == 0 and self._return_seconds is not None:
            self._return_at = now + self._return_seconds
        if index == self._current:
            self._current = (index + 1) % len(self._targets)
