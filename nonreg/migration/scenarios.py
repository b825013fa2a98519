"""The same scenarios on two platforms, each run judged as it was; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from nonreg.compare import group_attempts, settle
from nonreg.model import CampaignReport, Finding, Gap, Outcome, ScenarioResult
from nonreg.model.migration import (
    Compared,
    ComparedSubject,
    MigrationChange,
    MigrationDifference,
    MigrationSubject,
    NotCompared,
)
from nonreg.wording import plural

# What was not observed is not the same on the other side, whatever that says.
UNKNOWN = (Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
FAILED = (Outcome.KO, Outcome.DEROGATION)
MAX_GAPS, MAX_ROWS = 5, 20  # the run's own report has all of them
SIDES = "au départ", "à l'arrivée"


def compare_runs(left: CampaignReport, right: CampaignReport) -> Compared:
    """One comparison a scenario of either run, in the first one's order."""
    findings = [{one.scenario_id: one for one in run.assessment.findings} for run in (left, right)]
    names = dict.fromkeys((*findings[0], *findings[1]))
    titles = {one.id: one.title for run in (right, left) for one in run.run.plan.scenarios}
    gaps = [settle_results(run) for run in (left, right)]
    differences, unknown, failing, compared = [], [], [], 0
    for scenario_id in names:
        before, after = (side.get(scenario_id) for side in findings)
        why = explain_unknown((before, after), (left, right))
        if before is None or after is None or why:
            unknown.append(NotCompared("Scénarios", why, (scenario_id,)))
            continue
        compared += 1
        if before.outcome is not after.outcome:
            results = [side.get(scenario_id) for side in gaps]
            differences.append(
                replace(tell_difference(before, after, *results), title=titles.get(scenario_id, ""))
            )
        elif before.outcome in FAILED:
            failing.append(scenario_id)
    subject = ComparedSubject(MigrationSubject.SCENARIOS, compared, compared - len(differences))
    return Compared(
        (subject,), tuple(differences), tuple(unknown), tuple(failing), tuple(list_reserves(left, right))
    )


def settle_results(report: CampaignReport) -> dict[str, ScenarioResult]:
    """The result that counts of each scenario, after all attempts."""
    return {key: settle(attempts) for key, attempts in group_attempts(report.run.results).items()}


def explain_unknown(
    findings: tuple[Finding | None, Finding | None], runs: tuple[CampaignReport, CampaignReport]
) -> str:
    """Why a scenario cannot be compared, in French; empty when it can."""
    told = []
    for finding, run, side in zip(findings, runs, SIDES, strict=True):
        if finding is None:
            told.append(f"absent du passage {side}")
        elif finding.outcome in UNKNOWN:
            note = run.run.interruption if finding.outcome is Outcome.NON_EXECUTE else ""
            note = (note or finding.note).rstrip(".")
            told.append(f"{finding.outcome} {side}{f' : {note}' if note else ''}")
    return f"{' ; '.join(told)}." if told else ""


def tell_difference(
    before: Finding, after: Finding, ours: ScenarioResult | None, theirs: ScenarioResult | None
) -> MigrationDifference:
    """A scenario whose outcome changed, with the gaps of the side that fails."""
    if before.outcome.is_good == after.outcome.is_good:
        change = MigrationChange.CHANGED
    else:
        change = MigrationChange.WORSE if before.outcome.is_good else MigrationChange.BETTER
    told = [
        tell_gaps(result.gaps, side)
        for result, finding, side in zip((ours, theirs), (before, after), SIDES, strict=True)
        if result is not None and finding.outcome in FAILED
    ]
    return MigrationDifference(
        MigrationSubject.SCENARIOS,
        before.scenario_id,
        change,
        before.outcome.value,
        after.outcome.value,
        "\n\n".join(filter(None, told)),
    )


def tell_gaps(gaps: Sequence[Gap], side: str) -> str:
    """The first gaps of one side, each with its request, what was expected and what was found."""
    told = [
        "\n".join(
            [
                f"Écart {side}",
                gap.request,
                f"Attendu : {gap.expected}",
                f"Trouvé : {gap.found}",
                *(" | ".join(row) for row in ((gap.columns, *gap.rows[:MAX_ROWS]) if gap.rows else ())),
            ]
        )
        for gap in gaps[:MAX_GAPS]
    ]
    left_out = len(gaps) - MAX_GAPS
    if left_out > 0:
        told.append(f"… et {plural(left_out, 'autre écart', 'autres écarts')}, au rapport du passage.")
    return "\n\n".join(told)


def list_reserves(left: CampaignReport, right: CampaignReport) -> list[str]:
    """What makes two runs less comparable than they seem: another tool, catalog, data set or limit."""
    plans = left.run.plan, right.run.plan
    return [
        f"{what} : « {values[0]} » au départ, « {values[1]} » à l'arrivée."
        for what, values in (
            ("Les passages ne sont pas de la même version de l'outil", [one.tool_commit for one in plans]),
            ("Les passages ne sont pas du même catalogue de scénarios", [one.catalog for one in plans]),
            ("Les jeux de données diffèrent", [one.platform.dataset for one in plans]),
            (
                "Les limites convenues diffèrent",
                [", ".join(f"{one.name} {one.value:g}" for one in plan.limits) for plan in plans],
            ),
        )
        if values[0] != values[1]
    ]
