"""Healing whatever the register holds: machines first, then roles, then data; what fails is tried once more.

Called by the drill itself, by the next campaign and by `python -m nonreg heal`; each time it says what it did.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nonreg.config import Platform
from nonreg.drills.register import FAILED, HEALED, Entry, Register
from nonreg.errors import NeedsPerson, NonregError
from nonreg.faults import FAULTS, choose_kind, make_planned

PASSES = 2


@dataclass(frozen=True, slots=True)
class Healed:
    """What became of one pending fault: `error` says in French why it is still there, `by_hand` for a person to act."""

    entry: Entry
    error: str = ""
    by_hand: bool = False

    def __str__(self) -> str:
        fault = self.entry.fault
        subject = f"{self.entry.scenario_id}, {fault.action} (passage {self.entry.run_id})"
        if self.by_hand:
            return f"À faire par une personne — {subject} : {self.error}"
        return (
            f"Non guéri — {subject} : {self.error}" if self.error else f"Guéri — {subject} : {fault.healing}"
        )


def heal_pending(
    platform: Platform,
    register: Register,
    by: str,
    wanted: Callable[[Entry], bool] = lambda _entry: True,
) -> tuple[Healed, ...]:
    """Heal what is pending and wanted; never raises for the platform: what is left has its error."""
    done: dict[str, Healed] = {}
    for _ in range(PASSES):
        left = sort_for_healing(platform, [entry for entry in register.pending() if wanted(entry)])
        if not left:
            break
        for entry in left:
            done[entry.id] = heal(platform, register, entry, by)
    return tuple(done.values())


def sort_for_healing(platform: Platform, entries: list[Entry]) -> list[Entry]:
    """By rank of the fault, the last injected first."""

    def rank(entry: Entry) -> int:
        try:
            return FAULTS[choose_kind(platform, entry.fault.kind)].rank
        except NonregError:
            return 0  # its error is told when it is healed

    latest_first = list(reversed(entries))
    latest_first.sort(key=rank)
    return latest_first


def heal(platform: Platform, register: Register, entry: Entry, by: str) -> Healed:
    """Heal one fault and write down what became of it."""
    try:
        make_planned(platform, entry.fault, entry.timer).heal(entry.before)
    except NeedsPerson as error:
        register.mark(entry, FAILED, by=by, error=str(error))
        return Healed(entry, str(error), by_hand=True)
    except Exception as error:  # a broken fault must not keep the others from being healed
        said = str(error) or type(error).__name__
        register.mark(entry, FAILED, by=by, error=said)
        return Healed(entry, said)
    register.mark(entry, HEALED, by=by)
    return Healed(entry)
