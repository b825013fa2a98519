"""The judgement, pure: the same recorded run and reference always give the same verdict.

Invariants: the worst wins; the order of results is irrelevant; a missing or broken scenario never
improves a verdict; a campaign in which nothing ran is never OK. Source: DOMAIN §2.5.
"""

from __future__ import annotations

from collections.abc import Mapping

from nonreg.model import (
    Assessment,
    CampaignRun,
    Change,
    Criticality,
    Finding,
    Outcome,
    ScenarioResult,
    Verdict,
)

UNJUDGED = (Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
GOOD = (Outcome.OK, Outcome.MESURE, Outcome.NON_APPLICABLE)


def assess(run: CampaignRun, reference: Mapping[str, Outcome]) -> Assessment:
    """Findings in plan order, the verdict and its reasons; `reference` is the baseline's outcome by scenario."""
    results = {result.scenario_id: result for result in run.results}
    findings = tuple(
        compare(scenario.id, results.get(scenario.id), reference.get(scenario.id))
        for scenario in run.plan.scenarios
    )
    criticality = {scenario.id: scenario.criticality for scenario in run.plan.scenarios}
    reasons: list[tuple[Verdict, str]] = []

    def add(verdict: Verdict, sentence: str, ids: list[str]) -> None:
        if ids:
            reasons.append((verdict, f"{len(ids)} {sentence} : {', '.join(ids)}."))

    def ids_of(*outcomes: Outcome, minor: bool | None = None) -> list[str]:
        return [
            found.scenario_id
            for found in findings
            if found.outcome in outcomes
            and (minor is None or (criticality[found.scenario_id] is Criticality.MINEURE) is minor)
        ]

    add(Verdict.KO, "scénario(s) KO", ids_of(Outcome.KO))
    refused = any(guard.status.stops for guard in run.guards)
    if refused:
        reasons.append((Verdict.INCOMPLET, run.interruption or "Des gardes ne sont pas levées."))
    if not findings:
        reasons.append((Verdict.INCOMPLET, "Aucun scénario planifié."))
    if run.interruption and not refused:
        reasons.append((Verdict.INCOMPLET, run.interruption))
    if run.ended_at is not None and run.pytest_exit not in (0, 1) and not refused and not run.interruption:
        reasons.append((Verdict.INCOMPLET, f"pytest s'est terminé avec le code {run.pytest_exit}."))
    if run.pytest_exit == 1 and all(found.outcome in GOOD for found in findings):
        reasons.append((Verdict.INCOMPLET, "pytest signale un échec qu'aucun scénario n'a enregistré."))
    add(Verdict.INCOMPLET, "scénario(s) bloquant(s) ou majeur(s) non jugé(s)", ids_of(*UNJUDGED, minor=False))
    add(Verdict.OK_AVEC_RESERVES, "scénario(s) mineur(s) non jugé(s)", ids_of(*UNJUDGED, minor=True))
    add(Verdict.OK_AVEC_RESERVES, "dérogation(s) en vigueur", ids_of(Outcome.DEROGATION))
    reasons.sort(key=lambda reason: -reason[0].severity)
    verdict = reasons[0][0] if reasons else Verdict.OK
    if not reasons:
        reasons.append((Verdict.OK, f"{len(findings)} scénario(s) exécuté(s), aucun écart."))
    return Assessment(verdict, tuple(sentence for _, sentence in reasons), findings)


def compare(scenario_id: str, result: ScenarioResult | None, before: Outcome | None) -> Finding:
    """One scenario against the baseline; without a result it is MISSING, never forgotten."""
    if result is None:
        return Finding(scenario_id, Outcome.NON_EXECUTE, Change.MISSING, before, "Planifié, sans résultat.")
    after = result.outcome
    if before is None:
        change = Change.NEW
    elif after is before:
        change = Change.SAME
    elif before in GOOD and after not in GOOD:
        change = Change.REGRESSION
    elif before not in GOOD and after in GOOD:
        change = Change.FIXED
    else:
        change = Change.SAME
    return Finding(scenario_id, after, change, before, result.message)
