"""Who may start what, where a person is declared, and the scope that was signed for a renfort who starts something."""

from __future__ import annotations

from datetime import UTC, datetime

from nonreg import ledger
from nonreg.handover.profiles import RENFORTS, Thing, load_profiles, may_person, require_may
from nonreg.handover.readiness import find_scope
from nonreg.handover.signing import Delegation, list_delegations
from nonreg.handover.state import KIND
from nonreg.ledger import LedgerEntry
from nonreg.model.handover import Execution
from tasks.handover_work import Work

NO_SCOPE = "Aucun périmètre signé pour « {person} » : le titulaire le signe à l'intégration (O10)."


def require_may_start(
    work: Work, person_id: str, thing: Thing, name: str, *, rehearsal: bool = False
) -> None:
    """UsageError unless the declared person may start it; nobody, or somebody unknown, is told of elsewhere."""
    person, at = work.people.find(person_id), datetime.now(UTC)
    if person is None:
        return
    profiles = load_profiles()
    if not may_person(profiles, person, thing, name, at):
        delegations = read_delegations(work, rehearsal)
        require_may(profiles, work.people, person, thing, name, at, delegations)


def say_scope(work: Work, person_id: str) -> str:
    """The scope that the titulaire signed for a renfort, in one line; empty for anybody else (R11)."""
    person = work.people.find(person_id)
    if person is None or person.role not in RENFORTS:
        return ""
    entries = list_entries(work)
    scope = find_scope(build_executions(work, entries), person.id)
    if not scope:
        return NO_SCOPE.format(person=person.id)
    told = " ; ".join(f"{label} : {' / '.join(value.split(chr(10)))}" for label, value in scope.items())
    return f"Périmètre signé de « {person.id} » : {told}"


def read_delegations(work: Work, rehearsal: bool) -> tuple[Delegation, ...]:
    """Every delegation signed on the platform; one that was only played counts in plays."""
    entries = list_entries(work)
    return list_delegations(
        entries,
        build_executions(work, entries),
        platform=work.platform.name,
        rehearsal=rehearsal,
        people=work.people,
    )


def list_entries(work: Work) -> tuple[LedgerEntry, ...]:
    """The lines of the ledger that tell of executions of the platform."""
    return tuple(
        one
        for one in ledger.read_entries(work.journal.file)
        if one.kind == KIND and one.platform == work.platform.name
    )


def build_executions(work: Work, entries: tuple[LedgerEntry, ...]) -> tuple[Execution, ...]:
    """Each execution of these lines that can be read."""
    return work.journal.build_readable(entries)
