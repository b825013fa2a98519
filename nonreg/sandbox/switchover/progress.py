"""Numbered steps with their durations, printed as they are done."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# The tests kill the tool at its nth stop point, to prove that what it leaves can always be healed.
DIE_AT = "AQ_BASCULE_ARRET"


class Steps:
    """The steps of one run of the tool; `write` takes one line."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write, self._number, self._began = write, 0, time.monotonic()
        self._points, self._die_at = 0, int(os.environ.get(DIE_AT, "0"))

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step; printed when it is done, or as failed."""
        self._number += 1
        began = time.monotonic()
        try:
            yield
        except BaseException:
            self._write(f"{self._number}. {title} : échec après {time.monotonic() - began:.2f} s")
            raise
        self._write(f"{self._number}. {title} : {time.monotonic() - began:.2f} s")
        self.stop_point()

    def stop_point(self) -> None:
        """A moment between two changes, at which the tool may be killed; every step ends with one."""
        self._points += 1
        if self._points == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def total_seconds(self) -> float:
        """Since the tool began."""
        return time.monotonic() - self._began
