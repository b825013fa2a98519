"""Small plans and runs, built without a platform, for tests of what reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from nonreg.model import (
    CampaignPlan,
    CampaignRun,
    Criticality,
    Effect,
    Fact,
    Failure,
    Family,
    Nature,
    Outcome,
    PlatformIdentity,
    Scenario,
    ScenarioResult,
)

AT = datetime(2026, 11, 23, 1, 30, tzinfo=UTC)
PLATFORM = PlatformIdentity("essai", "Essai", Nature.TEST, "5.2.0", "jeu", ("SITE-A (ACTIF)",))


def make_scenario(scenario_id: str, effect: Effect = Effect.READ_ONLY) -> Scenario:
    """A scenario of that id; its title says it again."""
    family = Family(scenario_id.split("-")[0])
    return Scenario(scenario_id, f"Scénario {scenario_id}", family, Criticality.MAJEURE, effect, 60.0)


def make_plan(*scenario_ids: str, retries: int = 0) -> CampaignPlan:
    """A plan of read-only scenarios."""
    return CampaignPlan(
        run_id="passage",
        campaign_id="0",
        platform=PLATFORM,
        ticket="AQ-1",
        operator="moi",
        created_at=AT,
        families=tuple(Family),
        selection="",
        scenarios=tuple(make_scenario(one) for one in scenario_ids),
        tool_version="0.1.0",
        tool_commit="abc123",
        command="python -m nonreg campaign",
        retries=retries,
    )


def make_result(
    scenario_id: str,
    outcome: Outcome = Outcome.KO,
    message: str = "Attendu : 1 ; trouvé : 2.",
    failure: Failure | None = Failure.ECART,
    attempt: int = 1,
) -> ScenarioResult:
    """A result that began a minute after the plan was made and took two seconds."""
    started_at = AT + timedelta(minutes=attempt)
    return ScenarioResult(scenario_id, outcome, message, started_at, 2.0, attempt=attempt, failure=failure)


def make_run(*results: ScenarioResult, facts: tuple[Fact, ...] = (), interruption: str = "") -> CampaignRun:
    """A run that ended, of the scenarios of these results."""
    plan = make_plan(*dict.fromkeys(result.scenario_id for result in results))
    ended_at = AT + timedelta(minutes=10)
    return CampaignRun(plan, (), facts, results, AT, ended_at, 1, interruption)
