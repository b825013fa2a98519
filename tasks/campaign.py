"""The stages of a campaign as Prefect tasks; each takes values and returns values.

No retries and no caching: a check that is repeated or remembered proves nothing. Names of tasks have
no accents and no dots: the timeline of the Prefect UI drops them.
"""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from nonreg import store
from nonreg.basis import load_basis, save_basis
from nonreg.config import Platform, find_platform_file, load_platform
from nonreg.decision import load_signed
from nonreg.drills.approval import keep_approval, record_approval
from nonreg.drills.operator import describe_step, list_open
from nonreg.execute import execute_plan
from nonreg.model import CampaignPlan, CampaignReport, CampaignRun, Verdict
from nonreg.plan import CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.progress import read_progress
from reports.labels import CHANGES
from reports.render import Rendered, render_all
from tasks.publication import judge_folder, publish_report
from tasks.showing import (
    artifact_key,
    finish_showing,
    move_progress,
    show_link,
    show_markdown,
    show_progress,
    show_table,
)

PROGRESS_SECONDS = 1.0


@task(name="1 - Charger la plateforme", cache_policy=NO_CACHE)
def load_stage(request: CampaignRequest) -> Platform:
    """Read and check the platform file."""
    return load_platform(request.platform)


@task(name="2 - Planifier", cache_policy=NO_CACHE)
def plan_stage(request: CampaignRequest, platform: Platform, run_dir: Path) -> CampaignPlan:
    """Choose the scenarios; save the plan and what it will be judged against before anything is executed."""
    scenarios = collect_scenarios(request.scenarios_dir())
    plan = plan_campaign(request, platform, scenarios, run_dir.name, identify_tool(request))
    basis = load_basis(platform, plan, scenarios, run_dir.parent)
    save_basis(run_dir, basis)
    if plan.approval is not None:
        signed = load_signed(Path(request.drills))
        record_approval(run_dir.parent, platform, plan, signed, datetime.now(UTC))
        keep_approval(run_dir, signed)
        get_run_logger().warning(
            "%d exercices autorisés par %s (%s)",
            len(plan.drills),
            plan.approval.person,
            plan.approval.decision,
        )
    store.save_plan(run_dir, plan)
    get_run_logger().info("%d scénarios prévus, passage %s", len(plan.scenarios), run_dir)
    if plan.effects_left_out:
        left_out = ", ".join(plan.effects_left_out)
        get_run_logger().info("Lecture seule, laissés de côté car ils écrivent : %s", left_out)
    return plan


@task(name="3 - Lancer les tests", cache_policy=NO_CACHE)
def run_stage(request: CampaignRequest, platform: Platform, plan: CampaignPlan, run_dir: Path) -> CampaignRun:
    """Guards, then pytest; artifacts show how far it is, and what a person is asked to do."""
    stop = threading.Event()
    bar = show_progress(artifact_key("avancement", plan), "Scénarios exécutés")
    file = find_platform_file(request.platform)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(execute_plan, platform, plan, run_dir, file, request.scenarios_dir(), stop)
        try:
            shown = 0.0
            told: set[str] = set()
            while not running.done():
                wait([running], timeout=PROGRESS_SECONDS)
                show_steps(request, platform, plan, told)
                percent = read_progress(run_dir).percent
                if percent != shown:
                    move_progress(bar, percent, "Scénarios exécutés")
                    shown = percent
            running.result()
            move_progress(bar, read_progress(run_dir).percent, "Scénarios exécutés")
        finally:
            stop.set()
    run = store.load_run(run_dir)
    get_run_logger().info("%d résultats enregistrés. %s", len(run.results), run.interruption)
    return run


def show_steps(request: CampaignRequest, platform: Platform, plan: CampaignPlan, told: set[str]) -> None:
    """Tell each operator step of the run once, as soon as a drill waits for it."""
    for step in list_open(platform) if plan.drills else ():
        if step.run_id == plan.run_id and step.id not in told:
            told.add(step.id)
            text = describe_step(step, request.platform)
            get_run_logger().warning(text)
            show_markdown(f"etape-{step.id.lower()}", f"# À faire\n\n{text}\n", step.scenario_id)


@task(name="4 - Comparer et juger", cache_policy=NO_CACHE)
def judge_stage(run_dir: Path, project_junit: tuple[Path, ...]) -> CampaignReport:
    """Compare with the baseline and the last campaigns, and give the verdict."""
    return judge_folder(run_dir, project_junit)


@task(name="5 - Mettre en page le rapport", cache_policy=NO_CACHE)
def render_stage(report: CampaignReport) -> Rendered:
    """Make HTML, PDF, JUnit and JSON from the same value."""
    return render_all(report)


@task(name="6 - Publier", cache_policy=NO_CACHE)
def publish_stage(run_dir: Path, report: CampaignReport, rendered: Rendered) -> Path:
    """Write the report with its manifest, keep it in ledger and history, show it in Prefect; returns the HTML file."""
    published = publish_report(run_dir, report, rendered)
    for problem in published.problems:
        get_run_logger().warning(problem)
    verdict = VERDICT_LABELS[report.assessment.verdict]
    get_run_logger().info("Verdict %s, rapport %s", verdict, published.html)
    plan = report.run.plan
    show_table(artifact_key("resultats", plan), list_results(report), f"Résultats — {verdict}")
    show_markdown(artifact_key("verdict", plan), describe_verdict(report), "Verdict")
    show_link(artifact_key("rapport", plan), published.html, "Rapport de tests (A.2)")
    finish_showing()
    return published.html


def list_results(report: CampaignReport) -> list[dict[str, str]]:
    """One row a scenario, as the Prefect UI shows it."""
    scenarios = {found.id: found for found in report.run.plan.scenarios}
    return [
        {
            "Id": found.scenario_id,
            "Scénario": scenarios[found.scenario_id].title,
            "Criticité": scenarios[found.scenario_id].criticality.value,
            "Résultat": found.outcome.value,
            "Évolution": CHANGES[found.change].text,
            "Commentaire": found.note,
        }
        for found in report.assessment.findings
    ]


def describe_verdict(report: CampaignReport) -> str:
    """The verdict as Markdown: its reasons, then what is not good with its presumed cause."""
    titles = {found.id: found.title for found in report.run.plan.scenarios}
    causes = {triage.scenario_id: triage.cause.value for triage in report.triage}
    lines = [
        f"# {VERDICT_LABELS[report.assessment.verdict]}",
        "",
        *(f"- {reason}" for reason in report.assessment.reasons),
        "",
    ]
    lines += [
        f"- **{found.scenario_id}** {titles[found.scenario_id]} : {found.outcome.value}, "
        f"{CHANGES[found.change].text.lower()}"
        + (f", cause présumée : {causes[found.scenario_id]}" if found.scenario_id in causes else "")
        for found in report.assessment.findings
        if not found.outcome.is_good
    ]
    return "\n".join(lines) + "\n"


VERDICT_LABELS = {
    Verdict.OK: "OK",
    Verdict.OK_AVEC_RESERVES: "OK avec réserves",
    Verdict.INCOMPLET: "INCOMPLET",
    Verdict.KO: "KO",
}
