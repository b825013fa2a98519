"""Each planned scenario with its judgement and everything recorded of it."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.model import (
    CampaignReport,
    Change,
    Criticality,
    Evidence,
    Finding,
    Outcome,
    Scenario,
    ScenarioResult,
    Triage,
)
from reports import labels
from reports.document import Cell


@dataclass(frozen=True, slots=True)
class Case:
    """One planned scenario; `attempts` are in order, none is forgotten, and `result` is the one that counts."""

    scenario: Scenario
    finding: Finding
    attempts: tuple[ScenarioResult, ...]
    result: ScenarioResult | None = None
    triage: Triage | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome as judged, which is the one the report states."""
        return self.finding.outcome

    @property
    def is_missing(self) -> bool:
        """True when it was planned and nothing was recorded."""
        return self.finding.change is Change.MISSING

    @property
    def is_blocking(self) -> bool:
        """True when the scenario is of the worst criticality."""
        return self.scenario.criticality is Criticality.BLOQUANTE

    @property
    def is_quiet(self) -> bool:
        """True when it is good and nothing else has to be said of it: a long report may say it in short."""
        finding = self.finding
        return (
            finding.outcome.is_good
            and finding.change in (Change.SAME, Change.NEW)
            and not (finding.slower or finding.to_confirm or finding.waiver)
            and len(self.attempts) == 1
        )

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The files of all attempts, each once."""
        return tuple(dict.fromkeys(item for attempt in self.attempts for item in attempt.evidence))

    @property
    def label(self) -> Cell:
        """Sign and word of the outcome."""
        return labels.MISSING if self.is_missing else labels.OUTCOMES[self.outcome]

    def explain(self) -> str:
        """Return why it ended so: what the scenario said, then what the judgement noted."""
        message = self.result.message.strip() if self.result else ""
        note = self.finding.note.strip()
        if message and message not in note:  # the judgement's note often begins with it
            note = f"{message}\n{note}".strip()
        if note:
            return note
        if self.is_missing:
            return "Prévu, mais aucun résultat n'a été enregistré."
        if self.outcome in (Outcome.NON_EXECUTE, Outcome.INCONCLUSIF):
            return "Motif non enregistré."
        return ""


def join_cases(report: CampaignReport) -> tuple[Case, ...]:
    """Return one case per planned scenario, in plan order; none is ever left out."""
    findings = {finding.scenario_id: finding for finding in report.assessment.findings}
    triages = {triage.scenario_id: triage for triage in report.triage}
    attempts: dict[str, list[ScenarioResult]] = {}
    for result in report.run.results:
        attempts.setdefault(result.scenario_id, []).append(result)
    return tuple(
        _join_case(s, findings.get(s.id), attempts.get(s.id, []), triages.get(s.id))
        for s in report.run.plan.scenarios
    )


def _join_case(
    scenario: Scenario, finding: Finding | None, attempts: list[ScenarioResult], triage: Triage | None
) -> Case:
    attempts.sort(key=lambda result: result.attempt)
    if finding is None:  # not judged: say what was recorded, never more
        note = "Aucun jugement n'a été enregistré pour ce scénario."
        outcome = attempts[-1].outcome if attempts else Outcome.NON_EXECUTE
        finding = Finding(scenario.id, outcome, Change.NEW if attempts else Change.MISSING, note=note)
    return Case(scenario, finding, tuple(attempts), _settle(attempts), triage)


def _settle(attempts: list[ScenarioResult]) -> ScenarioResult | None:
    """Return the attempt that counts: the last one when it passed, otherwise the worst."""
    if not attempts or attempts[-1].outcome.is_passed:
        return attempts[-1] if attempts else None
    worst = (Outcome.KO, Outcome.INCONCLUSIF)
    return next((a for outcome in worst for a in attempts if a.outcome is outcome), attempts[-1])


def find_unplanned(report: CampaignReport) -> tuple[ScenarioResult, ...]:
    """Return the results of scenarios that were not in the plan."""
    planned = {scenario.id for scenario in report.run.plan.scenarios}
    return tuple(result for result in report.run.results if result.scenario_id not in planned)
