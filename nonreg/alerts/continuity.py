"""What the handover makes worth an alert: clocks, contracts, readiness, follow-up. Pure; nothing that is only played.

Source: R18, R19, R43.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, time, timedelta

from nonreg.alerts.facts import FORGOTTEN_AFTER, SHOWN_LINES, Deadline, Fact, Kind, in_paris, stamp
from nonreg.alerts.nights import RunSeen
from nonreg.handover.clock import find_step_deadline, view_clock
from nonreg.handover.readiness import FOLDER as READINESS_FOLDER
from nonreg.handover.readiness import KIND as READINESS_KIND
from nonreg.handover.state import KIND as RUNBOOK_KIND
from nonreg.ledger import OPENING, LedgerEntry
from nonreg.masking import conceal
from nonreg.model.handover import Execution
from nonreg.model.readiness import Grade, Readiness, Word
from nonreg.people import Person
from nonreg.steering.pack import KIND as PACK_KIND
from nonreg.wording import plural
from nonreg.working_time import PARIS, WorkingTime

CONTRACT_WORKING_DAYS = (20, 5)  # a month to renew it, then a week
WEEKLY = "semaine"
# What the tool writes by itself, whether or not anybody reads it: none is a follow-up.
NOT_FOLLOWED = frozenset({OPENING, "campagne", READINESS_KIND, PACK_KIND})


def list_due(
    executions: Iterable[Execution], working: WorkingTime, thresholds_hours: tuple[float, ...], now: datetime
) -> tuple[Deadline, ...]:
    """The deadlines of executions whose clock runs: the delay, then the steps that are due earlier."""
    due: list[Deadline] = []
    for one in executions:
        clock = one.clock
        if clock.started_at is None or clock.stopped_at is not None or clock.is_suspended:
            continue
        due += remind_of_clock(one, working, thresholds_hours, now)
        due += remind_of_steps(one, working, thresholds_hours, now)
    return tuple(due)


def remind_of_clock(
    execution: Execution, working: WorkingTime, thresholds_hours: tuple[float, ...], now: datetime
) -> tuple[Deadline, ...]:
    """The delay of an execution; what is longer than the delay itself is no warning."""
    view, hours = view_clock(execution, working, now), execution.runbook.delay_hours
    if view is None or hours is None:
        return ()
    deadlines = view.deadlines
    note = (
        f"Lecture en jours ouvrés : {in_paris(deadlines.by_days)} ; lecture en heures d'ouverture : "
        f"{in_paris(deadlines.by_hours)}. Celle qui engage est la lecture en {deadlines.kept}."
    )
    return (
        Deadline(
            f"runbook-{execution.id}",
            f"{hours} h ouvrées, {name_execution(execution)}",
            deadlines.binding.astimezone(UTC),
            execution.opened_by,
            execution.ticket,
            tuple(one for one in thresholds_hours if one < hours),
            what_to_do=say_follow(execution),
            note=note,
        ),
    )


def remind_of_steps(
    execution: Execution, working: WorkingTime, thresholds_hours: tuple[float, ...], now: datetime
) -> tuple[Deadline, ...]:
    """The steps that are not done, one deadline for all those due at the same instant before the whole."""
    view = view_clock(execution, working, now)
    done = {one.step_id for one in execution.done}
    due: dict[datetime, list[str]] = {}
    hours: dict[datetime, int] = {}
    for step in execution.runbook.steps:
        at = find_step_deadline(execution, step, working, now)
        if step.id in done or at is None or (view is not None and at >= view.deadlines.binding):
            continue
        due.setdefault(at.astimezone(UTC), []).append(step.id)
        hours[at.astimezone(UTC)] = step.deadline_hours or 0
    return tuple(
        Deadline(
            f"runbook-{execution.id}-etapes",
            f"{'Étapes' if len(steps) > 1 else 'Étape'} {', '.join(steps)}, {name_execution(execution)}",
            at,
            execution.opened_by,
            execution.ticket,
            tuple(one for one in thresholds_hours if one < hours[at]),
            what_to_do=say_follow(execution),
        )
        for at, steps in due.items()
    )


def name_execution(execution: Execution) -> str:
    """« Intégration d'un renfort (renfort-1) »."""
    return execution.runbook.title + (f" ({execution.subject})" if execution.subject else "")


def say_follow(execution: Execution) -> str:
    """What to do about an execution that is late, or nearly."""
    return (
        f"Voyez où elle en est : python -m nonreg runbook status {execution.id}, et faites faire ce qui reste. Si "
        "l'attente vient d'ailleurs, suspendez l'horloge avec un motif ; si le délai ne peut pas être tenu, le "
        f"titulaire prévient la MOA avant l'échéance. Suivi au ticket {execution.ticket}."
    )


def remind_of_contract(person: Person, ticket: str) -> Deadline | None:
    """The last day of a contract; None when none is written."""
    if person.contract_until is None:
        return None
    return Deadline(
        f"contrat-{person.id}",
        f"Contrat de {person.id}",
        datetime.combine(person.contract_until, time(23, 59), PARIS).astimezone(UTC),
        person.id,
        ticket,
        (),
        CONTRACT_WORKING_DAYS,
        "Renouvelez le contrat et inscrivez sa nouvelle fin (contract_until, people.toml) ; sinon fermez ses accès le "
        "dernier jour : runbook « restitution », puis valid_until.",
    )


def tell_readiness(
    platform: str,
    entries: Sequence[LedgerEntry],
    read: Callable[[LedgerEntry], Readiness | None],
    now: datetime,
) -> tuple[Fact, ...]:
    """One alert for each measure that found causes which were not there before, or were less bad, and which last.

    A cause is told once for as long as it lasts; one that comes back is another. `read` gives what was measured.
    """
    measures = [one for one in entries if one.kind == READINESS_KIND]
    if not measures or now - measures[-1].at > FORGOTTEN_AFTER:
        return ()
    since: dict[str, LedgerEntry] = {}
    before: dict[str, int] = {}
    for entry in measures:
        severities = {str(key): Grade(grade).severity for key, grade in entry.data["causes"].items()}
        since = {
            key: entry if severity > before.get(key, 0) else since[key]
            for key, severity in severities.items()
        }
        before = severities
    by_measure: dict[int, tuple[LedgerEntry, list[str]]] = {}
    for key, entry in since.items():
        by_measure.setdefault(entry.sequence, (entry, []))[1].append(key)
    return tuple(
        _tell_causes(platform, entry, causes, read(entry), now) for entry, causes in by_measure.values()
    )


def _tell_causes(
    platform: str, entry: LedgerEntry, causes: list[str], measured: Readiness | None, now: datetime
) -> Fact:
    items = {one.id: one for one in measured.items} if measured is not None else {}
    lines = [
        conceal(f"{items[key].title} ({items[key].grade}) : {items[key].found} {items[key].remedy}")
        if key in items
        else key
        for key in causes
    ]
    more = len(lines) - SHOWN_LINES
    shown = [f"  - {line}" for line in lines[:SHOWN_LINES]]
    shown += [f"  … et {plural(more, 'autre', 'autres')}."] if more > 0 else []
    word, score = Word(entry.data["word"]), entry.data["score"]
    return Fact(
        f"echeance/{platform}/disponibilite/{entry.data['readiness']}",
        Kind.DEADLINE,
        platform,
        f"{word}, {score} sur 100 — disponibilité de la continuité, {platform}",
        f"Un renfort ne pourrait pas prendre la suite sans réserve. Depuis la mesure du {in_paris(entry.at)} :\n"
        + "\n".join(shown),
        f"Reprenez chaque point, puis mesurez : python -m nonreg readiness. Page : {READINESS_FOLDER}/"
        f"{entry.data['readiness']}.html, dans le dossier des passages.",
        entry.ticket,
        now,
    )


def tell_gap(
    platform: str,
    entries: Iterable[LedgerEntry],
    runs: Iterable[RunSeen],
    days: float,
    since: datetime,
    now: datetime,
) -> Fact | None:
    """The alert of a service that nobody has followed up for more than so many days, once for each gap.

    A follow-up is a published campaign of « semaine », or a line of the ledger that is no campaign, no measure of the
    readiness and no rehearsal: a decision, an answer before an intervention, an execution. Counted from `since`, when
    the watch began, at the earliest.
    """
    lines = list(entries)
    played = {one.data.get("execution") for one in lines if one.data.get("rehearsal") is True}
    followed = [one.at for one in lines if one.kind not in NOT_FOLLOWED and not is_played(one, played)]
    followed += [
        one.started_at
        for one in runs
        if one.published and (one.platform, one.deployment) == (platform, WEEKLY)
    ]
    last = max(followed, default=None)
    start = max(last, since) if last is not None else since
    if now - start <= timedelta(days=days):
        return None
    known = f"Dernier suivi le {in_paris(last)}." if last is not None else "Aucun suivi n'est au registre."
    return Fact(
        f"echeance/{platform}/suivi/{stamp(start)}",
        Kind.DEADLINE,
        platform,
        f"Suivi interrompu depuis plus de {days:g} jours — {platform}",
        f"Aucune campagne « {WEEKLY} » publiée, aucune décision, aucune exécution de runbook depuis plus de {days:g} "
        f"jours. {known}",
        f"Vérifiez le déploiement « {WEEKLY} », faites la revue de la semaine et notez-la ; si le titulaire est "
        "absent, activez un renfort (python -m nonreg runbook open activation-absence-imprevue).",
        "",
        now,
    )


def is_played(entry: LedgerEntry, played: set[object]) -> bool:
    """True for what belongs to a rehearsal."""
    return entry.kind == RUNBOOK_KIND and entry.data.get("execution") in played
