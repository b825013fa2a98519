"""What a meeting goes through: what is due soon, waivers that end, work that is left, open actions. Pure.

Source: R43, R65, R66.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, time, timedelta

from nonreg.alerts.facts import Deadline
from nonreg.compare import choose_waiver
from nonreg.documents.prefill import carry_actions
from nonreg.model import Waiver
from nonreg.model.documents import Day, DecisionRecord
from nonreg.model.handover import Execution
from nonreg.model.steering import Period, Severity, Watched, WatchList
from nonreg.steering.periods import begin
from nonreg.steering.settings import DelayRule, Until
from nonreg.steering.stories import Story
from nonreg.steering.tickets import concerns, find_deadline, find_stop
from nonreg.wording import plural
from nonreg.working_time import PARIS, WorkingTime

WAIVER = "derogation-"


def watch_deadlines(
    deadlines: Iterable[Deadline] | None,
    stories: Iterable[Story] | None,
    rules: Sequence[DelayRule],
    working: WorkingTime,
    now: datetime,
    days: int,
    source: str,
    *,
    has_team: bool = True,
) -> WatchList:
    """Due within so many days or past: deadlines of the site and of executions, due days and delays of open tickets.

    None when neither was read; waivers have a list of their own.
    """
    limit = now + timedelta(days=days)
    found = [
        Watched(one.title, one.at, one.person, one.ticket, say_left(one.at, now))
        for one in deadlines or ()
        if one.at <= limit and not one.id.startswith(WAIVER)
    ]
    for story in stories or ():
        found += [
            Watched(f"{name} — {story.title}", at, story.assignee, story.reference, say_left(at, now))
            for name, at in list_due(story, rules, working, has_team=has_team)
            if at <= limit
        ]
    items = None if deadlines is None and stories is None else tuple(sorted(found, key=sort_key))
    return WatchList(
        "echeances", f"Échéances à risque ({days} jours)", source, items, "Aucune échéance dans ce délai."
    )


def list_due(
    story: Story, rules: Sequence[DelayRule], working: WorkingTime, *, has_team: bool = True
) -> list[tuple[str, datetime]]:
    """What an open ticket is due for, with its name; nothing for a closed one."""
    if story.closed_at is not None:
        return []
    found = [
        (rule.name, find_deadline(story, rule, working))
        for rule in rules
        # Without its notes, or a team, nobody knows whether it was answered; its fields say whether it is closed.
        if concerns(rule, story)
        and find_stop(story, rule) is None
        and ((story.has_notes and has_team) or rule.until is Until.CLOSING)
    ]
    if story.due is not None:
        found.append(("Échéance du ticket", datetime.combine(story.due, time(23, 59), PARIS)))
    return found


def watch_waivers(waivers: Sequence[Waiver] | None, now: datetime, days: int, source: str) -> WatchList:
    """Waivers that end within so many days, or have ended and were not renewed."""
    limit = now + timedelta(days=days)
    items = (
        None
        if waivers is None
        else tuple(
            Watched(
                f"{one.scenario_id} : {one.reason}",
                one.expires_at,
                one.owner,
                one.ticket,
                say_left(one.expires_at, now),
            )
            for one in sorted(waivers, key=lambda one: one.expires_at)
            if one.expires_at <= limit and choose_waiver(waivers, one.scenario_id) is one
        )
    )
    return WatchList(
        "derogations",
        f"Dérogations proches de leur fin ({days} jours)",
        source,
        items,
        "Aucune dérogation dans ce délai.",
    )


def watch_work(
    stories: Sequence[Story] | None, executions: Iterable[Execution] | None, now: datetime, source: str
) -> WatchList:
    """Open tickets, the worst and oldest first, then executions under way."""
    if stories is None and executions is None:
        return WatchList("reste-a-faire", "Reste à faire", source, None)
    severities = [*Severity]
    tickets = sorted(
        (one for one in stories or () if one.closed_at is None),
        key=lambda one: (severities.index(one.severity), one.opened_at, one.reference),
    )
    items = [
        Watched(
            one.title,
            datetime.combine(one.due, time(23, 59), PARIS) if one.due else None,
            one.assignee,
            one.reference,
            f"{one.kind}, {one.severity}, ouvert le {one.opened_at.astimezone(PARIS):%d/%m/%Y}",
        )
        for one in tickets
    ]
    items += [
        Watched(
            one.runbook.title,
            None,
            one.opened_by,
            one.ticket,
            f"{'répétition' if one.rehearsal else 'exécution'} en cours, "
            f"{plural(len({done.step_id for done in one.done}), 'étape faite', 'étapes faites')} "
            f"sur {len(one.runbook.steps)}",
        )
        for one in executions or ()
        if one.closed_at is None and one.opened_at <= now
    ]
    return WatchList(
        "reste-a-faire", "Reste à faire", source, tuple(items), "Aucun ticket ouvert ni exécution en cours."
    )


def watch_actions(record: DecisionRecord | None, now: datetime, source: str) -> WatchList:
    """What is still to be done of the last relevé, which carries that of those before; nothing without one."""
    items = [
        Watched(
            one.action,
            due := datetime.combine(one.due, time(23, 59), PARIS) if isinstance(one.due, date) else None,
            one.owner,
            one.ticket,
            say_left(due, now) if due is not None else "échéance n.d.",
        )
        for one in carry_actions(record)
    ]
    empty = "Aucun relevé de décisions." if record is None else "Aucune action ouverte."
    return WatchList("actions", "Actions des relevés de décisions", source, tuple(items), empty)


def watch_decisions(
    records: Iterable[DecisionRecord], last: DecisionRecord | None, period: Period, now: datetime, source: str
) -> WatchList:
    """What the meetings of the period decided, then the questions that the last one left open."""
    held = [
        (one.held_on, one)
        for one in records
        if isinstance(one.held_on, date) and period.holds(begin(one.held_on))
    ]
    items = [
        Watched(told.decision, _end(told.due), told.validator, "", f"décidé le {day:%d/%m/%Y}")
        for day, one in sorted(held, key=lambda pair: (pair[0], pair[1].document.id))
        for told in one.decisions
    ]
    for told in last.questions if last is not None else ():
        due = _end(told.due)
        left = say_left(due, now) if due is not None else "échéance n.d."
        items.append(Watched(told.question, due, told.owner, "", f"question en suspens, {left}"))
    empty = "Aucune décision dans la période, aucune question en suspens."
    return WatchList(
        "decisions", "Décisions de la période et questions en suspens", source, tuple(items), empty
    )


def _end(day: Day) -> datetime | None:
    return datetime.combine(day, time(23, 59), PARIS) if isinstance(day, date) else None


def say_left(at: datetime, now: datetime) -> str:
    """« dépassée depuis 2 jours », « aujourd'hui », « dans 5 jours »."""
    days = (at.astimezone(PARIS).date() - now.astimezone(PARIS).date()).days
    if at <= now:
        return "dépassée" if days == 0 else f"dépassée depuis {plural(-days, 'jour', 'jours')}"
    return "aujourd'hui" if days == 0 else f"dans {plural(days, 'jour', 'jours')}"


def sort_key(watched: Watched) -> tuple[datetime, str]:
    """The next first."""
    assert watched.at is not None
    return (watched.at, watched.title)
