"""One score of the handover, with a reason and a remedy for each point that is lost. Pure.

    Facts → Finding… (binder, rehearsals, renforts) → score: 100, less what each finding costs → Readiness

Each chapter counts for its weight, shared equally between its findings (between roles, then persons, then questions
for the renforts). A reserve costs half of a share, what is missing or unknown all of it; the score is rounded down, so
that 100 says that nothing is missing. The word is that of the worst finding, whatever the score. Making one finding
worse never raises the score.
Source: R10, R14, R18, R19, R45–R51, R73.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from nonreg.handover.reviews import Review
from nonreg.model.handover import Execution, Runbook, StepKind
from nonreg.model.readiness import Chapter, Grade, Readiness, ReadinessItem, Word
from nonreg.people import Person
from nonreg.working_time import WorkingTime

WEIGHTS: Mapping[Chapter, int] = {
    Chapter.BINDER: 35,  # without procedures that hold nothing else helps
    Chapter.REHEARSALS: 25,
    Chapter.SCENARIOS: 10,
    Chapter.RENFORTS: 30,
}
COSTS: Mapping[Grade, Fraction] = {
    Grade.GOOD: Fraction(0),
    Grade.RESERVE: Fraction(1, 2),
    Grade.MISSING: Fraction(1),
    Grade.UNKNOWN: Fraction(1),
}
KIND = FOLDER = "disponibilite"  # of its lines in the ledger, and where its pages are kept
WORDS = (Word.READY, Word.RESERVES, Word.NOT_READY)  # by severity


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a platform at an instant.

    `runbooks` are those of today by id, None for one that cannot be read, for the reason in `problems`;
    `executions` are all those of the platform, `integration_days` how long an integration counts.
    """

    platform: str
    title: str
    application_version: str
    at: datetime
    working: WorkingTime
    runbooks: Mapping[str, Runbook | None]
    reviews: tuple[Review, ...] = ()
    executions: tuple[Execution, ...] = ()
    persons: tuple[Person, ...] = ()
    integration_days: int = 180
    problems: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `part` is its share within its chapter, beside the parts of the others."""

    chapter: Chapter
    id: str
    title: str
    grade: Grade
    found: str
    remedy: str = ""
    part: Fraction = Fraction(1)


def is_complete(execution: Execution) -> bool:
    """True when it was closed with every step done: one that was abandoned, or cut short, rehearses nothing."""
    return (
        execution.closed_at is not None
        and not execution.abandoned
        and len(execution.done) == len(execution.runbook.steps)
    )


def find_last_complete(
    executions: tuple[Execution, ...], *runbooks: str, subject: str = ""
) -> Execution | None:
    """The last execution of these runbooks that was closed and complete, for that person if one is told."""
    own = [
        one
        for one in executions
        if one.runbook.id in runbooks and is_complete(one) and (not subject or one.subject == subject)
    ]
    return max(own, key=lambda one: one.closed_at or one.opened_at, default=None)


def find_scope(executions: tuple[Execution, ...], person: str) -> dict[str, str]:
    """The scope that was signed for somebody last, label by label; empty when none was (R11)."""
    signed = [
        (done.at, step, done)
        for one in executions
        if one.subject == person and not one.rehearsal and not one.abandoned
        for step in one.runbook.steps
        if step.kind is StepKind.SIGNATURE and "R11" in step.requirement_ids
        for done in one.done
        if done.step_id == step.id and done.decision_id
    ]
    if not signed:
        return {}
    _, step, done = max(signed, key=lambda one: one[0])
    said = {one.field: one.value for one in done.said}
    return {one.label: said[one.id] for one in step.fields if said.get(one.id)}


def score(readiness_id: str, facts: Facts, findings: tuple[Finding, ...]) -> Readiness:
    """The whole of these findings."""
    totals = {
        chapter: sum((one.part for one in findings if one.chapter is chapter), Fraction(0))
        for chapter in Chapter
    }
    lost = sum((Fraction(WEIGHTS[chapter]) for chapter in Chapter if not totals[chapter]), Fraction(0))
    items = []
    for one in findings:
        points = WEIGHTS[one.chapter] * one.part / totals[one.chapter]
        cost = points * COSTS[one.grade]
        lost += cost
        items.append(
            ReadinessItem(
                f"{one.chapter.value}/{one.id}",
                one.chapter,
                one.title,
                one.grade,
                one.found,
                one.remedy,
                float(points),
                float(cost),
            )
        )
    worst = max((one.grade.severity for one in findings), default=2)
    if not all(totals.values()):
        worst = 2
    return Readiness(
        readiness_id,
        facts.platform,
        facts.title,
        facts.application_version,
        facts.at,
        math.floor(100 - lost),
        WORDS[worst],
        tuple(items),
    )
