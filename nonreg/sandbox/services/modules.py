"""The processes of one site, as its supervision module sees them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

STOPPED_SECONDS = 1.0  # a restart is no stop
START_SECONDS = 10.0  # a site that starts has not started everything yet


class ModuleWatch:
    """Which modules run; `runs` looks at one of them, `clock` gives seconds."""

    def __init__(
        self, names: Iterable[str], runs: Callable[[str], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._names, self._runs, self._clock = tuple(names), runs, clock
        self._began = clock()
        self._last_run: dict[str, float] = {}
        self._now_running: dict[str, bool] = {}

    def refresh(self) -> None:
        """Look at every module."""
        now = self._clock()
        running = {name: self._runs(name) for name in self._names}
        self._last_run |= {name: now for name, runs in running.items() if runs}
        self._now_running = running

    def look(self) -> dict[str, bool]:
        """Look at every module and say whether it runs at this instant."""
        self.refresh()
        return self._now_running

    def settled(self) -> dict[str, bool]:
        """False for a module that has not run for longer than a restart takes, as last looked at.

        A module that was never seen running is left out while its site may be starting.
        """
        now, running = self._clock(), self._now_running
        return {
            name: runs or now - self._last_run.get(name, self._began) <= STOPPED_SECONDS
            for name, runs in running.items()
            if runs or name in self._last_run or now - self._began > START_SECONDS
        }
