"""State of a service as its host's service manager gives it."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.clients.ssh import CommandResult
from nonreg.errors import RequestFailed


@dataclass(frozen=True, slots=True)
class UnitState:
    """One unit in systemd's words; `pid` is 0 when it does not run."""

    active: str
    sub: str
    pid: int

    @property
    def is_running(self) -> bool:
        """True when it is up and has a process."""
        return (self.active, self.sub) == ("active", "running") and self.pid > 0

    def __str__(self) -> str:
        return f"{self.active} ({self.sub}), pid {self.pid}"


def parse_unit(text: str) -> UnitState:
    """State from the `Name=value` lines of `systemctl show`; RequestFailed when one is absent or odd."""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    try:
        return UnitState(found["ActiveState"], found["SubState"], int(found["MainPID"]))
    except (KeyError, ValueError) as error:
        raise RequestFailed(f"Réponse de systemctl illisible : {text.strip()[:200]!r}.") from error


def read_unit(result: CommandResult) -> UnitState:
    """State from a command's answer."""
    return parse_unit(result.require())
