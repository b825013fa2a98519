"""Opening what an activation needs: one execution of its runbook for each profile, hence one clock each (R28)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from nonreg.handover.activation import Choice, Need, OpenAnomaly, Profile, Reason, decide, load_table
from nonreg.handover.mobilisation import choose_subject, list_fit, require_proof, write_parameters
from nonreg.handover.runbook_file import find_runbook, read_facts
from nonreg.model.handover import Execution, Said
from tasks.handover import open_execution
from tasks.handover_sources import load_executions
from tasks.handover_work import Work


@dataclass(frozen=True, slots=True)
class Asked:
    """An activation as it is asked for; `subjects` by profile, left out to be proposed from the people file."""

    reason: Reason
    anomaly: OpenAnomaly
    needs: tuple[Need, ...]
    person: str
    ticket: str
    subjects: dict[Profile, str]
    called_at: datetime | None = None
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """What was chosen, an execution for each of its profiles in their order, and who else could have been."""

    choice: Choice
    executions: tuple[Execution, ...]
    others: tuple[str, ...]


def open_activation(work: Work, asked: Asked, origin: str = "") -> Opened:
    """Open what is not open yet of an activation; nothing is opened unless all of it can be.

    The same `origin` (a flow run) finds what it has opened: however often it begins again, an activation is one. So
    does the same command at a terminal, which has no origin, as long as what it opened is not closed.
    """
    at, choice = datetime.now(UTC), decide(load_table(), asked.reason, asked.anomaly, asked.needs)
    runbook = find_runbook(choice.runbook, read_facts(work.people.file.parent))
    known = {profile: work.journal.find_origin(name_origin(origin, profile)) for profile in choice.profiles}
    if None in known.values():
        require_proof(choice, runbook, asked.ticket, asked.called_at)
    subjects = {
        profile: execution.subject
        if execution
        else choose_subject(work.people, profile, asked.subjects.get(profile, ""), at).id
        for profile, execution in known.items()
    }
    executions: list[Execution] = []
    for profile, subject in subjects.items():
        said = write_parameters(choice, profile, asked.called_at, (one.id for one in executions))
        executions.append(
            known[profile]
            or (find_typed_before(work, asked, runbook.id, subject, said) if not origin else None)
            or open_execution(
                work,
                choice.runbook,
                ticket=asked.ticket,
                person=asked.person,
                subject=subject,
                rehearsal=asked.rehearsal,
                parameters=said,
                origin=name_origin(origin, profile),
            )
        )
    others = tuple(
        person.id
        for profile, subject in subjects.items()
        for person in list_fit(work.people, profile, at)
        if person.id != subject
    )
    return Opened(choice, tuple(executions), others)


def find_typed_before(
    work: Work, asked: Asked, runbook_id: str, subject: str, said: tuple[Said, ...]
) -> Execution | None:
    """What the same command opened before it was killed between two profiles: the same in all, and not closed."""
    ticket = asked.ticket or work.platform.default_ticket
    wanted = (runbook_id, subject, ticket, asked.rehearsal, frozenset(said))
    found = (
        one
        for one in load_executions(work)[0]
        if wanted == (one.runbook.id, one.subject, one.ticket, one.rehearsal, frozenset(one.parameters))
    )
    return next((one for one in found if one.closed_at is None), None)


def name_origin(origin: str, profile: Profile) -> str:
    """What an execution of one profile is known by; empty without an origin."""
    return f"{origin}/{profile.value}" if origin else ""
