"""How far a comparison is, and how long it still takes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from nonreg.wording import plural


@dataclass(slots=True)
class Progress:
    """One step of a comparison: `done` of `total`, of which `known` were there at its start."""

    step: str
    total: int
    known: int = 0
    done: int = 0
    started: float = field(default_factory=time.monotonic)

    def plus(self, count: int) -> Progress:
        """The same, further."""
        self.done += count
        return self

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, (self.known + self.done) / self.total) if self.total else 1.0

    @property
    def seconds_left(self) -> float | None:
        """An estimate, None as long as there is nothing to make one of."""
        if not self.done:
            return None
        return (time.monotonic() - self.started) / self.done * max(0, self.total - self.known - self.done)

    def tell(self) -> str:
        """One line for a terminal."""
        left = self.seconds_left
        rest = "" if left is None else f", encore {tell_seconds(left)}"
        return f"{self.step} : {self.share:.0%}{rest}".replace("%", " %")


def tell_seconds(seconds: float) -> str:
    """A duration as one says it."""
    whole = max(1, round(seconds))
    return f"{whole} s" if whole < 120 else plural(round(whole / 60), "minute", "minutes")
