"""One tool at a time per platform; the lock's file also keeps the last mandate that was given.

A forced takeover does not ask the other site for its mandate, and must still give a higher one.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import BinaryIO

from nonreg.sandbox.layout import Layout
from nonreg.sandbox.switchover.nodes import SwitchoverRefused


@dataclass(frozen=True, slots=True)
class Mandates:
    """Numbers given to the declarations of roles, each higher than all before."""

    _file: BinaryIO

    def give(self, *known: int) -> int:
        """A mandate above the given ones and above every one that was ever given; kept before it is used."""
        self._file.seek(0)
        last = 0
        with suppress(ValueError):  # empty, or torn by a kill
            last = int(self._file.read() or b"0")
        mandate = max(last, *known) + 1
        self._file.seek(0)
        self._file.write(b"%d\n" % mandate)
        self._file.flush()
        return mandate


@contextmanager
def hold_tool(layout: Layout) -> Iterator[Mandates]:
    """Be the only tool of this platform; SwitchoverRefused when another one runs. A killed one leaves nothing."""
    path = layout.root / "pids" / "bascule.verrou"
    with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise SwitchoverRefused("Bascule refusée : une bascule est déjà en cours.") from error
        yield Mandates(file)
