"""Each planned scenario with its judgement and everything recorded of it."""

from __future__ import annotations

from dataclasses import dataclass

from nonreg.model import (
    CampaignReport,
    CampaignRun,
    Change,
    Criticality,
    Evidence,
    Finding,
    Outcome,
    Scenario,
    ScenarioResult,
)
from reports import labels
from reports.document import Cell


@dataclass(frozen=True, slots=True)
class Case:
    """One planned scenario; `attempts` are in order, the last one counts, none is forgotten."""

    scenario: Scenario
    finding: Finding
    attempts: tuple[ScenarioResult, ...]

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
    def result(self) -> ScenarioResult | None:
        """The attempt that counts."""
        return self.attempts[-1] if self.attempts else None

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
        said = [self.result.message if self.result else "", self.finding.note]
        texts = list(dict.fromkeys(text.strip() for text in said if text.strip()))
        if texts:
            return "\n".join(texts)
        if self.is_missing:
            return "Prévu, mais aucun résultat n'a été enregistré."
        if self.outcome in (Outcome.NON_EXECUTE, Outcome.INCONCLUSIF):
            return "Motif non enregistré."
        return ""


def join_cases(report: CampaignReport) -> tuple[Case, ...]:
    """Return one case per planned scenario, in plan order; none is ever left out."""
    findings = {finding.scenario_id: finding for finding in report.assessment.findings}
    return tuple(
        _join_case(scenario, findings.get(scenario.id), report.run) for scenario in report.run.plan.scenarios
    )


def _join_case(scenario: Scenario, finding: Finding | None, run: CampaignRun) -> Case:
    attempts = tuple(result for result in run.results if result.scenario_id == scenario.id)
    if finding is None:  # not judged: say what was recorded, never more
        note = "Aucun jugement n'a été enregistré pour ce scénario."
        outcome = attempts[-1].outcome if attempts else Outcome.NON_EXECUTE
        finding = Finding(scenario.id, outcome, Change.NEW if attempts else Change.MISSING, note=note)
    return Case(scenario, finding, attempts)


def find_unplanned(report: CampaignReport) -> tuple[ScenarioResult, ...]:
    """Return the results of scenarios that were not in the plan."""
    planned = {scenario.id for scenario in report.run.plan.scenarios}
    return tuple(result for result in report.run.results if result.scenario_id not in planned)
