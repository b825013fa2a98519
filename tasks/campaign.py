"""The stages of a campaign as Prefect tasks; each takes values and returns values.

No retries and no caching: a check that is repeated or remembered proves nothing. Names of tasks have
no accents and no dots: the timeline of the Prefect UI drops them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from typing import cast
from uuid import UUID

from prefect import get_run_logger, task
from prefect.artifacts import (
    create_link_artifact,
    create_markdown_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.cache_policies import NO_CACHE

from nonreg import baseline, store
from nonreg.assess import assess
from nonreg.config import Platform, find_platform_file, load_platform
from nonreg.execute import execute_plan
from nonreg.model import Assessment, CampaignPlan, CampaignReport, CampaignRun, Outcome, Verdict
from nonreg.plan import CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.progress import read_progress
from reports.counts import count_natures
from reports.render import Rendered, render_all
from tasks.publication import publish_files

PROGRESS_SECONDS = 1.0


@task(name="1 - Charger la plateforme", cache_policy=NO_CACHE)
def load_stage(request: CampaignRequest) -> Platform:
    """Read and check the platform file."""
    return load_platform(request.platform)


@task(name="2 - Planifier", cache_policy=NO_CACHE)
def plan_stage(request: CampaignRequest, platform: Platform, run_dir: Path) -> CampaignPlan:
    """Choose the scenarios and save the plan before anything is executed."""
    scenarios = collect_scenarios(request.scenarios_dir())
    plan = plan_campaign(request, platform, scenarios, run_dir.name, identify_tool(request))
    store.save_plan(run_dir, plan)
    get_run_logger().info("%d scénarios planifiés, passage %s", len(plan.scenarios), run_dir)
    return plan


@task(name="3 - Lancer les tests", cache_policy=NO_CACHE)
def run_stage(request: CampaignRequest, platform: Platform, plan: CampaignPlan, run_dir: Path) -> CampaignRun:
    """Guards, then pytest; an artifact shows how far it is."""
    stop = threading.Event()
    artifact = cast(
        UUID,  # the call is synchronous here
        create_progress_artifact(0.0, key=artifact_key("avancement", plan), description="Scénarios exécutés"),
    )
    file = find_platform_file(request.platform)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(execute_plan, platform, plan, run_dir, file, request.scenarios_dir(), stop)
        try:
            shown = 0.0
            while not running.done():
                wait([running], timeout=PROGRESS_SECONDS)
                percent = read_progress(run_dir).percent
                if percent != shown:
                    update_progress_artifact(artifact, percent)
                    shown = percent
            running.result()
            update_progress_artifact(artifact, read_progress(run_dir).percent)
        finally:
            stop.set()
    run = store.load_run(run_dir)
    get_run_logger().info("%d résultats enregistrés. %s", len(run.results), run.interruption)
    return run


@task(name="4 - Comparer et juger", cache_policy=NO_CACHE)
def judge_stage(platform: Platform, run: CampaignRun) -> Assessment:
    """Compare with the baseline and give the verdict."""
    return assess(run, baseline.load_outcomes(platform.baseline))


@task(name="5 - Mettre en page le rapport", cache_policy=NO_CACHE)
def render_stage(run: CampaignRun, assessment: Assessment, project_junit: tuple[Path, ...]) -> Rendered:
    """Make HTML, PDF, JUnit and JSON from the same value."""
    counts = count_natures(run, assessment, project_junit)
    return render_all(CampaignReport(run, assessment, counts, datetime.now(UTC), (run.plan.ticket,)))


@task(name="6 - Publier", cache_policy=NO_CACHE)
def publish_stage(run_dir: Path, plan: CampaignPlan, assessment: Assessment, rendered: Rendered) -> Path:
    """Write the report with its manifest, and show it in Prefect; returns the HTML file."""
    html = publish_files(run_dir, rendered)
    get_run_logger().info("Verdict %s, rapport %s", VERDICT_LABELS[assessment.verdict], html)
    titles = {found.id: found for found in plan.scenarios}
    create_table_artifact(
        key=artifact_key("resultats", plan),
        description=f"Résultats — {VERDICT_LABELS[assessment.verdict]}",
        table=[
            {
                "Id": found.scenario_id,
                "Scénario": titles[found.scenario_id].title,
                "Criticité": titles[found.scenario_id].criticality.value,
                "Résultat": found.outcome.value,
                "Commentaire": found.note,
            }
            for found in assessment.findings
        ],
    )
    bad = [
        found
        for found in assessment.findings
        if found.outcome in (Outcome.KO, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
    ]
    lines = [
        f"# {VERDICT_LABELS[assessment.verdict]}",
        "",
        *(f"- {reason}" for reason in assessment.reasons),
        "",
    ]
    lines += [
        f"- **{found.scenario_id}** {titles[found.scenario_id].title} : {found.outcome.value}"
        for found in bad
    ]
    create_markdown_artifact(
        key=artifact_key("verdict", plan), markdown="\n".join(lines), description="Verdict"
    )
    create_link_artifact(
        key=artifact_key("rapport", plan), link=html.resolve().as_uri(), link_text="Rapport de tests (A.2)"
    )
    return html


VERDICT_LABELS = {
    Verdict.OK: "OK",
    Verdict.OK_AVEC_RESERVES: "OK avec réserves",
    Verdict.INCOMPLET: "INCOMPLET",
    Verdict.KO: "KO",
}


def artifact_key(subject: str, plan: CampaignPlan) -> str:
    """An artifact key of the run: lower-case letters, digits and dashes only."""
    return f"{subject}-{plan.campaign_id[:8]}"
