"""How hard a comparison may press a server, and when it gives up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from nonreg.errors import RequestFailed, UsageError
from nonreg.wording import decimal

Result = TypeVar("Result")
LEAST_LOAD = 0.01
# One request should last about this long: long enough to cost nothing, short enough to be stopped and told.
REQUEST_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Pace:
    """`load` is the share of the time in which a server works for us; `abort_seconds` is for one request."""

    load: float = 1.0
    abort_seconds: float | None = None

    def __post_init__(self) -> None:
        if not LEAST_LOAD <= self.load <= 1:
            raise UsageError(
                f"La charge est une part du temps, de {decimal(LEAST_LOAD, 2)} à 1 : « {self.load} »."
            )
        if self.abort_seconds is not None and self.abort_seconds <= 0:
            raise UsageError("Le seuil d'abandon est une durée en secondes, plus grande que 0.")

    def run(self, act: Callable[[], Result], site: str, stop: threading.Event) -> tuple[Result, float]:
        """What a request gives and its seconds, after the rest that the server is owed."""
        started = time.monotonic()
        result = act()
        seconds = time.monotonic() - started
        if self.abort_seconds is not None and seconds > self.abort_seconds:
            raise RequestFailed(
                f"{site} a mis {decimal(seconds, 2)} s à répondre à une requête de la comparaison, plus que le seuil "
                f"d'abandon ({decimal(self.abort_seconds, 2)} s) : la comparaison s'arrête pour ne pas le charger."
            )
        stop.wait(seconds * (1 - self.load) / self.load)
        return result, seconds


def next_size(size: int, seconds: float, most: int) -> int:
    """How many slices to ask for next, from what the last ones took."""
    factor = max(0.5, min(4.0, REQUEST_SECONDS / max(seconds, 0.001)))
    return max(1, min(most, int(size * factor)))
