"""When a drill's faults happened and the switchover tool began, also where a person did it and signed afterwards. Pure.

A person is asked, acts, and confirms: what they did lies between both, and only its effects say when. So alarms are
looked for from the asking on, while delays count from the confirmation; a fault is placed where the clients were
interrupted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nonreg.drills.observed import Outage
from nonreg.drills.observers import RoleSeen


@dataclass(frozen=True, slots=True)
class Injected:
    """A fault: done at `done_seconds`, not before `began_seconds` at any rate; `breaks` is False for a setting."""

    began_seconds: float
    done_seconds: float
    by_hand: bool
    breaks: bool


def choose_main(injected: Sequence[Injected]) -> Injected | None:
    """The fault that a drill is about: the first that breaks something, else the first."""
    return next((one for one in injected if one.breaks), injected[0] if injected else None)


def place_fault(fault: Injected | None, outage: Outage | None) -> float | None:
    """When it happened, as well as can be known."""
    if fault is None or not fault.by_hand or outage is None:
        return None if fault is None else fault.done_seconds
    seen = outage.interruption.from_seconds
    return seen if fault.began_seconds <= seen <= fault.done_seconds else fault.done_seconds


def find_first_change(roles: Iterable[RoleSeen], since_seconds: float) -> float | None:
    """When a node first said another role than before, after that moment: a switchover tool is at work."""
    said: dict[str, str] = {}
    for one in roles:
        is_change = said.get(one.site, one.role) != one.role and one.role != ""
        if is_change and one.at_seconds >= since_seconds:
            return one.at_seconds
        said[one.site] = one.role or said.get(one.site, "")
    return None
