"""What the briefing pack says of campaigns and runbooks, and the risks that follow from it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from nonreg.handover.state import next_step
from nonreg.history_records import JUDGED_LETTERS, NOT_PLANNED, NOT_TRIED, PASSED_LETTERS
from nonreg.model import Family, History, Outcome
from nonreg.model.briefing import Briefing, FamilyView, RunbookView, RunningView
from nonreg.model.handover import Execution, Runbook
from nonreg.working_time import PARIS

NOT_APPLICABLE = Outcome.NON_APPLICABLE.letter
GOOD_LETTERS = frozenset(outcome.letter for outcome in Outcome if outcome.is_good)


def summarise_families(history: History) -> tuple[FamilyView, ...]:
    """For each family, the last campaign that tried it, and what regressed in it since each was last judged."""
    return tuple(view for family in Family if (view := summarise(history, family)) is not None)


def summarise(history: History, family: Family) -> FamilyView | None:
    """One family; None when no campaign tried it."""
    letters = {
        one.scenario_id: one.outcomes
        for one in history.scenarios
        if one.scenario_id.split("-")[0] == family.value
    }
    order = sorted(range(len(history.runs)), key=lambda place: history.runs[place].started_at)
    tried = [place for place in order if any(is_tried(found[place]) for found in letters.values())]
    if not tried:
        return None
    last = tried[-1]
    before = [place for place in order if history.runs[place].started_at < history.runs[last].started_at]
    now = {name: found[last] for name, found in letters.items() if is_tried(found[last])}
    run = history.runs[last]
    return FamilyView(
        family,
        run.run_id,
        run.started_at,
        run.verdict,
        sum(letter != NOT_APPLICABLE for letter in now.values()),
        sum(letter in PASSED_LETTERS for letter in now.values()),
        tuple(sorted(name for name, letter in now.items() if letter not in GOOD_LETTERS)),
        tuple(sorted(name for name in now if has_regressed(letters[name], last, before))),
    )


def is_tried(letter: str) -> bool:
    """True when something came of a scenario."""
    return letter not in (NOT_PLANNED, NOT_TRIED)


def has_regressed(letters: str, last: int, before: Sequence[int]) -> bool:
    """True when it fails now and passed the last time that it was judged."""
    judged = [letters[place] for place in before if letters[place] in JUDGED_LETTERS]
    failed = letters[last] in JUDGED_LETTERS and letters[last] not in PASSED_LETTERS
    return failed and bool(judged) and judged[-1] in PASSED_LETTERS


def view_runbook(runbook: Runbook, executions: Iterable[Execution], emergency: Iterable[str]) -> RunbookView:
    """When a runbook was last followed to its end, and whether it has changed since."""
    ended = sorted(
        (one for one in executions if one.runbook.id == runbook.id and is_followed(one)),
        key=lambda one: one.closed_at or one.opened_at,
    )
    real = [one.closed_at for one in ended if not one.rehearsal]
    played = [one.closed_at for one in ended if one.rehearsal]
    return RunbookView(
        runbook.id,
        runbook.title,
        runbook.version,
        runbook.id in emergency,
        real[-1] if real else None,
        played[-1] if played else None,
        any(one.runbook.sha256 == runbook.sha256 for one in ended) if ended else None,
        len(runbook.unknown),
    )


def is_followed(execution: Execution) -> bool:
    """True for one that went to its end."""
    return execution.closed_at is not None and not execution.abandoned


def view_running(execution: Execution) -> RunningView | None:
    """Where an execution under way stands; None for one that is closed."""
    if execution.closed_at is not None:
        return None
    step = next_step(execution)
    return RunningView(
        execution.id,
        execution.runbook.title,
        execution.subject,
        execution.ticket,
        execution.rehearsal,
        f"{step.id} — {step.title}" if step else "clôture",
        step.role.value if step else "",
    )


def list_risks(briefing: Briefing, soon_days: int) -> tuple[str, ...]:
    """What may go wrong while the titulaire is away, in French; a source that is missing is a risk too."""
    soon = briefing.at + timedelta(days=soon_days)
    regressed = [name for one in briefing.families for name in one.regressed]
    failing = [name for one in briefing.families for name in one.failing if name not in regressed]
    never = [one.id for one in briefing.runbooks if one.is_emergency and one.unchanged is None]
    stale = [one.id for one in briefing.runbooks if one.is_emergency and one.unchanged is False]
    unknown = [one.id for one in briefing.runbooks if one.is_emergency and one.unknown]
    sources = " ; ".join(one.rstrip(".") for one in briefing.missing)
    risks = [
        f"Régressions à la dernière campagne : {', '.join(regressed)}." if regressed else "",
        f"Autres scénarios qui ne sont pas bons : {', '.join(failing)}." if failing else "",
        *(
            f"Dérogation de {one.scenario_id} : {say_expiry(one.expires_at, briefing.at)} ({one.ticket})."
            for one in briefing.waivers
            if one.expires_at <= soon
        ),
        *(
            f"Échéance dépassée depuis le {in_paris(one.at)} : {one.title} ({one.ticket})."
            for one in briefing.deadlines
            if one.at <= briefing.at
        ),
        f"Runbooks du dossier d'urgence changés depuis leur dernier déroulé : {', '.join(stale)}."
        if stale
        else "",
        f"Runbooks du dossier d'urgence jamais déroulés jusqu'au bout : {', '.join(never)}." if never else "",
        f"Runbooks du dossier d'urgence où des renseignements du site manquent : {', '.join(unknown)}."
        if unknown
        else "",
        f"Sources qui n'ont pas pu être lues : {sources}." if sources else "",
    ]
    return tuple(one for one in risks if one)


def say_expiry(expires_at: datetime, now: datetime) -> str:
    """When a waiver ends."""
    return f"{'expirée depuis le' if expires_at <= now else 'expire le'} {in_paris(expires_at)}"


def in_paris(at: datetime) -> str:
    """The day and the hour in Paris."""
    return f"{at.astimezone(PARIS):%d/%m/%Y %H:%M}"
