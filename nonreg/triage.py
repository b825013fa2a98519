"""Triage: for each failure, what changed since it was last good, what the logs said, the presumed cause; pure.

What all failures share is worked out once. Of many failures the worst `DETAILED` alone carry logs, diff and drift:
the others name the one of them that is nearest in time.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nonreg.captured import Captured
from nonreg.captured import read_captured as read_captured
from nonreg.causes import Symptoms, presume_cause
from nonreg.circumstances import Circumstances, read_circumstances
from nonreg.differences import Comparison, compare_scenarios
from nonreg.excerpts import (
    IndexedLog,
    cut_diff,
    describe_clocks,
    find_new_errors,
    index_logs,
    make_excerpts,
    make_windows,
    measure_offsets,
)
from nonreg.failures import Case, find_same_way, group_attempts, make_case, make_fingerprint, was_interrupted
from nonreg.model import (
    Assessment,
    Basis,
    CampaignRun,
    Cause,
    Change,
    Criticality,
    Outcome,
    Triage,
)
from nonreg.triage_page import render_triage_markdown as render_triage_markdown
from nonreg.triage_page import render_triage_pages as render_triage_pages
from nonreg.wording import plural

TRIAGED = (Outcome.KO, Outcome.INCONCLUSIF, Outcome.DEROGATION)
DETAILED = 50
REPEATED_DIFFERENCES, REPEATED_ERRORS = 10, 20  # in what is not detailed
SHOWN_SENTENCES = 50


@dataclass(frozen=True, slots=True)
class Scene:
    """What all failures of one run share; `details` names for each of them the fiche that has the details."""

    run: CampaignRun
    circumstances: Circumstances
    limit_changes: tuple[str, ...]
    machine_factor: float
    offsets: Mapping[str, float | None]
    logs: tuple[IndexedLog, ...]
    diff: str
    missing: tuple[str, ...]
    comparisons: Mapping[str, Comparison]
    same_way: Mapping[str, tuple[str, ...]]
    details: Mapping[str, str]


def build_triage(
    run: CampaignRun, basis: Basis, assessment: Assessment, captured: Captured
) -> tuple[Triage, ...]:
    """One triage per finding that is KO, INCONCLUSIF, DEROGATION or a REGRESSION, in their order."""
    attempts = group_attempts(run)
    cases = [
        make_case(one, tuple(attempts.get(one.scenario_id, ())))
        for one in assessment.findings
        if one.outcome in TRIAGED or one.change is Change.REGRESSION
    ]
    offsets = measure_offsets(captured, run.facts)
    scene = Scene(
        run=run,
        circumstances=read_circumstances(run, captured),
        limit_changes=tuple(one.name for one in assessment.limit_changes),
        machine_factor=assessment.machine_factor,
        offsets=offsets,
        logs=index_logs(captured, offsets, run.ended_at),
        diff=cut_diff(captured.modules_diff),
        missing=captured.missing,
        comparisons=compare_scenarios(basis, run, [case.finding.scenario_id for case in cases]),
        same_way=find_same_way(run, cases),
        details=choose_detailed(run, cases),
    )
    return tuple(triage_one(scene, case) for case in cases)


def choose_detailed(run: CampaignRun, cases: list[Case]) -> dict[str, str]:
    """For each failure the scenario whose fiche carries its details: itself for the worst, the nearest for others."""
    severity = {one.id: list(Criticality).index(one.criticality) for one in run.plan.scenarios}
    worst_first = sorted(
        cases,
        key=lambda case: (
            severity.get(case.finding.scenario_id, len(Criticality)),
            case.finding.outcome is not Outcome.KO,
        ),
    )
    chosen = worst_first[:DETAILED]
    named = {case.finding.scenario_id: case.finding.scenario_id for case in chosen}
    dated = sorted(
        (case.started_at, case.finding.scenario_id) for case in chosen if case.started_at is not None
    )
    for case in worst_first[DETAILED:]:
        nearest = chosen[0].finding.scenario_id
        if case.started_at is not None and dated:
            nearest = find_nearest(dated, case.started_at)
        named.setdefault(case.finding.scenario_id, nearest)
    return named


def find_nearest(dated: list[tuple[datetime, str]], at: datetime) -> str:
    """The scenario that began nearest to an instant."""
    place = bisect_left(dated, (at, ""))
    around = dated[max(0, place - 1) : place + 1]
    return min(around, key=lambda one: abs(one[0] - at))[1]


def triage_one(scene: Scene, case: Case) -> Triage:
    """The triage of one failure."""
    scenario_id = case.finding.scenario_id
    comparison = scene.comparisons[scenario_id]
    cause, why = presume(scene, case, comparison)
    last_good = comparison.last_good
    found = Triage(
        scenario_id=scenario_id,
        fingerprint=make_fingerprint(scene.run, case),
        cause=cause,
        why=why,
        last_good_run=last_good.run_id if last_good else "",
        last_good_at=last_good.started_at if last_good else None,
        differences=comparison.differences,
        missing=comparison.notes,
    )
    where = scene.details[scenario_id]
    return add_details(scene, case, found) if where == scenario_id else point_to(found, where)


def presume(scene: Scene, case: Case, comparison: Comparison) -> tuple[Cause, tuple[str, ...]]:
    """The cause class of one failure, and why."""
    around, scenario_id = scene.circumstances, case.finding.scenario_id
    detailed = scene.details[scenario_id] == scenario_id
    failed = case.failed
    return presume_cause(
        Symptoms(
            failure=case.kind,
            message=case.message,
            family=case.family,
            executed=bool(case.attempts) and (failed is None or failed.outcome is not Outcome.NON_EXECUTE),
            refused=around.refused,
            interrupted=was_interrupted(scene.run, failed),
            has_last_good=comparison.last_good is not None,
            compared=comparison.compared,
            differences=comparison.differences,
            drift=around.drift,
            new_errors=find_new_errors(
                scene.logs, make_windows(case.attempts), case.family, None if detailed else REPEATED_ERRORS
            ),
            died=around.died,
            stopped=around.stopped,
            troubles=around.troubles,
            limit_changes=scene.limit_changes,
            same_way=scene.same_way.get(scenario_id, ()),
            machine_factor=scene.machine_factor,
        )
    )


def add_details(scene: Scene, case: Case, found: Triage) -> Triage:
    """The triage with logs, diff, drift, and what could not be read."""
    windows = make_windows(case.attempts)
    excerpts = make_excerpts(scene.logs, windows)
    clocks = describe_clocks(scene.logs, excerpts, windows, scene.offsets)
    return dataclasses.replace(
        found,
        logs=excerpts,
        diff=scene.diff,
        missing=cut_sentences((*found.missing, *clocks, *scene.missing)),
        drift=cut_sentences(scene.circumstances.drift),
    )


def point_to(found: Triage, scenario_id: str) -> Triage:
    """The triage with the name of the one that has the details."""
    return dataclasses.replace(
        found,
        differences=found.differences[:REPEATED_DIFFERENCES],
        missing=(
            *found.missing,
            f"Plus de {DETAILED} échecs dans ce passage : pour toutes les différences, les journaux, le code qui "
            f"diffère et les limites du relevé, voir la fiche de {scenario_id}.",
        ),
    )


def cut_sentences(sentences: tuple[str, ...]) -> tuple[str, ...]:
    """The first ones, and how many more there are."""
    more = len(sentences) - SHOWN_SENTENCES
    if more <= 0:
        return sentences
    return (
        *sentences[:SHOWN_SENTENCES],
        f"… et {plural(more, 'autre', 'autres')}, voir le dossier du passage.",
    )
