"""What the attempts of one failed scenario say, whatever else is known: kind, message, fingerprint; pure."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime

from nonreg.model import CampaignRun, Failure, Family, Finding, Outcome, ScenarioResult
from nonreg.probes.logs import NORMALISED
from nonreg.store import INTERRUPTED

MESSAGE_CHARS, FINGERPRINT_CHARS = 2000, 12
SAME_WAY_SCENARIOS = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One failure with its attempts; `failed` is the first that was not good, `gist` its normalised message."""

    finding: Finding
    attempts: tuple[ScenarioResult, ...]
    failed: ScenarioResult | None
    kind: Failure | None
    message: str
    gist: str
    family: Family

    @property
    def started_at(self) -> datetime | None:
        """When it began to fail."""
        return self.failed.started_at if self.failed else None


def group_attempts(run: CampaignRun) -> dict[str, list[ScenarioResult]]:
    """Results by scenario, attempts in order."""
    attempts: defaultdict[str, list[ScenarioResult]] = defaultdict(list)
    for result in sorted(run.results, key=lambda one: one.attempt):
        attempts[result.scenario_id].append(result)
    return dict(attempts)


def make_case(finding: Finding, attempts: tuple[ScenarioResult, ...]) -> Case:
    """What one finding's attempts say."""
    failed = next((one for one in attempts if not one.outcome.is_good), None)
    message = (failed.message if failed else finding.note)[:MESSAGE_CHARS]
    family = find_family(finding.scenario_id)
    return Case(finding, attempts, failed, kind_of(failed), message, normalise(message), family)


def was_interrupted(run: CampaignRun, failed: ScenarioResult | None) -> bool:
    """True when the run ended early and took this scenario along, begun or not."""
    early = bool(run.interruption) or run.pytest_exit not in (0, 1)
    return early and (failed is None or failed.message.startswith(INTERRUPTED))


def kind_of(failed: ScenarioResult | None) -> Failure | None:
    """The failure's kind; of a run recorded before kinds were, what its outcome and message say."""
    if failed is None or failed.failure is not None or failed.outcome is Outcome.NON_EXECUTE:
        return failed.failure if failed else None
    if failed.outcome is Outcome.KO:
        return Failure.ECART
    return Failure.CONTROLE if failed.message.startswith("Contrôle défaillant") else Failure.PLATEFORME


def find_family(scenario_id: str) -> Family:
    """The family of a scenario, BASE when its id tells none."""
    prefix = scenario_id.split("-")[0]
    return Family(prefix) if prefix in set(Family) else Family.BASE


def normalise(message: str) -> str:
    """A message without what varies from day to day: dates, numbers, identifiers, quoted texts."""
    text = message[:MESSAGE_CHARS]
    for pattern, replacement in NORMALISED:
        text = pattern.sub(replacement, text)
    return text.strip()


def make_fingerprint(run: CampaignRun, case: Case) -> str:
    """The same for the same failure of the same scenario on the same platform, on any day."""
    parts = (
        run.plan.platform.name,
        case.finding.scenario_id,
        case.kind.value if case.kind else "",
        case.gist,
    )
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
    return digest[:FINGERPRINT_CHARS]


def find_same_way(run: CampaignRun, cases: list[Case]) -> dict[str, tuple[str, ...]]:
    """Scenarios that failed alike (kind and normalised message), when they are many and of all planned families."""
    alike: defaultdict[tuple[Failure | None, str], list[Case]] = defaultdict(list)
    for case in cases:
        alike[case.kind, case.gist].append(case)
    planned = {scenario.family for scenario in run.plan.scenarios}
    found: dict[str, tuple[str, ...]] = {}
    for group in alike.values():
        enough = len(planned) > 1 and len(group) >= SAME_WAY_SCENARIOS
        if enough and {case.family for case in group} == planned:
            ids = tuple(case.finding.scenario_id for case in group)
            found |= dict.fromkeys(ids, ids)
    return found
