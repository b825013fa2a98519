"""A runbook under way as those who watch Prefect see it: its steps, its clock, and what a failed check asks for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from nonreg.model.handover import Execution, Step
from reports import text
from reports.delay import ClockReadings, say_countdown, say_state
from reports.execution import find_verdict
from reports.markdown import bullets, escape
from reports.runbook_words import ACTORS, REHEARSAL, STATES, Standing, State, list_open, list_standings

TITLE_CHARACTERS = 120
TEXT_CHARACTERS = 600
STEPS_NOW = 6
POINTS = 40


class Point(Protocol):
    """One thing that a check asked."""

    @property
    def title(self) -> str:
        """What was asked."""

    @property
    def ok(self) -> bool:
        """Whether it is as it must be."""

    @property
    def found(self) -> str:
        """What was found."""

    @property
    def remedy(self) -> str:
        """How it is put right."""


def describe_progress(execution: Execution, clock: ClockReadings | None, at: datetime) -> str:
    """Return the page as Markdown: where it stands, the countdown, what is to be done now, every step."""
    standings = list_standings(execution)
    verdict = find_verdict(execution)
    played = f"{REHEARSAL} : " if execution.rehearsal else ""
    lines = [
        f"# {played}{escape(execution.runbook.title, TITLE_CHARACTERS)}",
        "",
        f"**{verdict.sign} {escape(verdict.text)}** · {_count(standings)} · état au {text.format_moment(at)}",
        "",
        _describe_execution(execution),
        "",
    ]
    if execution.abandoned:
        by = f" par {escape(execution.closed_by)}" if execution.closed_by else ""
        lines += [f"Abandonnée{by}, motif : {escape(execution.abandoned, TEXT_CHARACTERS)}", ""]
    lines += ["## Délai", "", escape(say_state(execution), TEXT_CHARACTERS), ""]
    if clock is not None:
        said = say_countdown(execution, clock, at)
        lines += [" \\| ".join((f"**{escape(said[0])}**", *map(escape, said[1:]))), ""]
    lines += [*_say_now(standings), "## Étapes", "", *_list_steps(standings), ""]
    return "\n".join(lines)


def _count(standings: Sequence[Standing]) -> str:
    done = sum(one.done is not None for one in standings)
    return f"{text.plural(done, 'étape faite', 'étapes faites')} sur {len(standings)}"


def _describe_execution(execution: Execution) -> str:
    parts = [execution.id, f"plateforme {execution.platform}", f"ticket {execution.ticket}"]
    if execution.subject:
        parts.append(f"personne concernée {execution.subject}")
    return " · ".join(escape(one, TITLE_CHARACTERS) for one in parts)


def _say_now(standings: Sequence[Standing]) -> list[str]:
    now = list_open(standings)
    if not now:
        return []
    said = []
    for one in now:
        step = one.step
        line = f"**{escape(step.id)}** {escape(step.title, TITLE_CHARACTERS)}, par : {ACTORS[step.role]}"
        if one.failed:
            last = one.failed[-1]
            line += f". ✗ {text.format_day(last.at)} : {escape(last.message, TEXT_CHARACTERS)}"
            line += f" **Remède :** {escape(last.remedy, TEXT_CHARACTERS)}" if last.remedy else ""
        said.append(line)
    return ["## À faire maintenant", "", *bullets(said, STEPS_NOW, "voir la table des étapes"), ""]


def _list_steps(standings: Sequence[Standing]) -> list[str]:
    rows = [
        f"| {STATES[one.state].sign} {STATES[one.state].text} | {escape(one.step.id)} "
        f"| {escape(one.step.title, TITLE_CHARACTERS)} | {escape(one.who if one.done else f'({one.who})')} "
        f"| {text.format_day(one.when) if one.when else '—'} |"
        for one in standings
    ]
    return ["| État | Étape | Titre | Qui | Quand |", "| --- | --- | --- | --- | --- |", *rows]


def describe_failure(step: Step, points: Sequence[Point]) -> str:
    """Return what a check found wrong and how each point is put right, then what was as it must be."""
    wrong = [one for one in points if not one.ok]
    right = [one for one in points if one.ok]
    count = text.plural(len(wrong), "point à corriger", "points à corriger")
    sign = STATES[State.FAILED].sign
    lines = [f"# {sign} {escape(step.id)} — {escape(step.title, TITLE_CHARACTERS)} : {count}", ""]
    for one in wrong[:POINTS]:
        remedy = one.remedy.strip() or "aucun n'est connu de l'outil : prévenir le titulaire."
        lines += [
            f"## {escape(one.title, TITLE_CHARACTERS)}",
            "",
            f"**Constaté :** {escape(text.known(one.found), TEXT_CHARACTERS, '…')}",
            "",
            f"**Remède :** {escape(remedy, TEXT_CHARACTERS, '…')}",
            "",
        ]
    if len(wrong) > POINTS:
        lines += [f"… et {text.plural(len(wrong) - POINTS, 'autre', 'autres')}.", ""]
    if right:
        titles = [escape(one.title, TITLE_CHARACTERS) for one in right]
        lines += [f"## Conformes ({len(right)})", "", *bullets(titles, POINTS, "de même"), ""]
    return "\n".join(lines)
