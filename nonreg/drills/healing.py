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
    """Heal one fault and write down what became of it; one that cannot be written down counts as not healed."""
    error, by_hand = "", False
    try:
        require_last(register, entry)
        make_planned(platform, entry.fault, entry.timer).heal(entry.before)
    except NeedsPerson as needed:
        error, by_hand = str(needed), True
    except Exception as broken:  # a broken fault must not keep the others from being healed
        error = str(broken) or type(broken).__name__
    try:
        if error:
            register.mark(entry, FAILED, by=by, error=error)
        else:
            register.mark(entry, HEALED, by=by)
    except NonregError as unwritten:  # nor must a full disk
        error = error or f"guérison faite, mais pas inscrite. {unwritten}"
    return Healed(entry, error, by_hand)


def require_last(register: Register, entry: Entry) -> None:
    """NonregError while a later fault of the same kind and site is pending that took its former state from this one."""
    entries = register.read()
    later = entries[[one.id for one in entries].index(entry.id) + 1 :]
    for one in later if entry.before else ():
        same = (one.fault.kind, one.fault.site, one.platform) == (
            entry.fault.kind,
            entry.fault.site,
            entry.platform,
        )
        if same and one.before and not one.healed:
            raise NonregError(f"la panne {one.fault.id}, injectée ensuite, est à guérir d'abord")
