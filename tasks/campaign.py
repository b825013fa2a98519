"""The stages of a campaign as Prefect tasks; each takes values and returns values.

No retries and no caching: a check that is repeated or remembered proves nothing. Names of tasks have
no accents and no dots: the timeline of the Prefect UI drops them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE

from nonreg import store
from nonreg.basis import load_basis, read_in_force, save_basis
from nonreg.busy import read_waiting
from nonreg.config import Platform, find_platform_file, load_platform
from nonreg.decision import load_signed
from nonreg.drills.approval import keep_approval, record_approval
from nonreg.drills.operator import describe_step, list_open
from nonreg.execute import execute_plan
from nonreg.links import read_reports_url
from nonreg.model import Basis, CampaignPlan, CampaignReport, CampaignRun, Scenario, ScenarioResult
from nonreg.plan import CampaignRequest, identify_tool, plan_campaign
from nonreg.progress import Progress, read_progress
from nonreg.pytest_process import LoadedPytest
from nonreg.tracker.requirement import require_open_ticket
from nonreg.wording import plural
from reports.artifacts import Links, describe_verdict, explain_shortly, list_families, summarise
from reports.markdown import escape
from reports.platform_state import describe_state
from reports.render import Rendered, prepare_rendering, render_all
from tasks.alerting import alert_verdict, note_trigger
from tasks.platform_state import read_state
from tasks.publication import judge_folder, publish_report
from tasks.showing import (
    Artifact,
    artifact_key,
    clean_errors,
    clean_report,
    find_links,
    keep_secrets_of,
    move_progress,
    never_failing,
    redact,
    show_markdown,
    show_progress,
    show_table,
)

PROGRESS_SECONDS = 1.0


@task(name="1 - Charger la plateforme", cache_policy=NO_CACHE)
@clean_errors()
def load_stage(request: CampaignRequest) -> Platform:
    """Read and check the platform file; what it keeps secret is shown to nobody from here on."""
    platform = load_platform(request.platform)
    keep_secrets_of(platform)
    read_reports_url(platform.reports_url)  # a wrong address is told now, not when the report is there
    return platform


@task(name="2 - Planifier", cache_policy=NO_CACHE)
@clean_errors()
def plan_stage(
    request: CampaignRequest, platform: Platform, run_dir: Path, loaded: LoadedPytest
) -> CampaignPlan:
    """Choose the scenarios; save the plan and what it will be judged against before anything is executed."""
    tool = identify_tool(request)
    in_force = read_in_force(platform, run_dir.parent)  # while pytest still loads, as what is needed next
    store.prepare(tuple[Scenario, ...], Basis, CampaignPlan)
    scenarios = loaded.collect()
    plan = plan_campaign(request, platform, scenarios, run_dir.name, tool)
    basis = load_basis(platform, plan, scenarios, run_dir.parent, in_force)
    save_basis(run_dir, basis)
    if plan.approval is not None:
        if unverified := require_open_ticket(platform, plan.ticket):
            get_run_logger().warning(unverified)
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
    if problem := note_trigger(run_dir, platform.name):
        get_run_logger().warning(problem)
    get_run_logger().info("%d scénarios prévus, passage %s", len(plan.scenarios), run_dir)
    if plan.effects_left_out:
        left_out = ", ".join(plan.effects_left_out)
        get_run_logger().info("Lecture seule, laissés de côté car ils écrivent : %s", left_out)
    return plan


@task(name="3 - Lancer les tests", cache_policy=NO_CACHE)
@clean_errors()
def run_stage(
    request: CampaignRequest,
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    wait_seconds: float,
    loaded: LoadedPytest,
) -> CampaignRun:
    """The turn on the platform, waited for at most so long, guards, then pytest.

    Artifacts show for whom it waits, how far it is, and what a person is asked to do.
    """
    stop = threading.Event()
    bar = show_progress(artifact_key("avancement", plan), describe_progress(read_progress(run_dir)))
    file = find_platform_file(request.platform)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(
            execute_plan,
            platform,
            plan,
            run_dir,
            file,
            request.scenarios_dir(),
            stop,
            wait_seconds,
            loaded,
        )
        try:
            told: set[str] = set()
            tell_waiting = make_teller(plan)
            wait([running], timeout=PROGRESS_SECONDS)
            prepare_end()
            while not running.done():
                wait([running], timeout=PROGRESS_SECONDS)
                show_steps(request, platform, plan, told)
                tell_waiting(read_waiting(run_dir))
                show_how_far(bar, run_dir)
            running.result()
            show_how_far(bar, run_dir)
        finally:
            stop.set()
    run = store.load_run(run_dir)
    get_run_logger().info("%d résultats enregistrés. %s", len(run.results), run.interruption)
    return run


def prepare_end() -> None:
    """While the scenarios run: what the last stages need, and would keep everybody waiting for when first used."""
    store.prepare(ScenarioResult, CampaignReport)
    prepare_rendering()


def show_how_far(bar: Artifact, run_dir: Path) -> None:
    """Move the bar when there is something new to say."""
    with never_failing():
        progress = read_progress(run_dir)
        move_progress(bar, round(progress.percent, 1), describe_progress(progress))


def describe_progress(progress: Progress) -> str:
    """« 12 scénarios sur 75 : 11 OK, 1 KO — Exécution »."""
    counts = f" : {', '.join(progress.tally.split('  '))}" if progress.tally else ""
    done = plural(progress.done, "scénario", "scénarios")
    return f"{done} sur {progress.total}{counts} — {progress.stage}"


def make_teller(plan: CampaignPlan) -> Callable[[str], None]:
    """Tells for whom the campaign waits, each time that it is somebody else."""
    told = [""]

    def tell(said: str) -> None:
        if said and said != told[-1]:
            told.append(said)
            get_run_logger().warning("Le passage %s %s.", plan.run_id, said)
            show_markdown(
                artifact_key("attente", plan), f"# Attente\n\nLe passage {escape(redact(said))}.\n", "Attente"
            )

    return tell


def show_steps(request: CampaignRequest, platform: Platform, plan: CampaignPlan, told: set[str]) -> None:
    """Tell each operator step of the run once, as soon as a drill waits for it."""
    for step in list_open(platform) if plan.drills else ():
        if step.run_id == plan.run_id and step.id not in told:
            told.add(step.id)
            text = describe_step(step, request.platform)
            get_run_logger().warning(text)
            show_markdown(f"etape-{step.id.lower()}", f"# À faire\n\n{text}\n", step.scenario_id)


@task(name="4 - Comparer et juger", cache_policy=NO_CACHE)
@clean_errors()
def judge_stage(run_dir: Path, project_junit: tuple[Path, ...]) -> CampaignReport:
    """Compare with the baseline and the last campaigns, and give the verdict."""
    return judge_folder(run_dir, project_junit)


@task(name="5 - Mettre en page le rapport", cache_policy=NO_CACHE)
@clean_errors()
def render_stage(report: CampaignReport) -> Rendered:
    """Make HTML, PDF, JUnit and JSON from the same value."""
    return render_all(report)


@task(name="6 - Publier", cache_policy=NO_CACHE)
@clean_errors()
def publish_stage(platform: Platform, run_dir: Path, report: CampaignReport, rendered: Rendered) -> str:
    """Write the report with its manifest, keep it in ledger and history, show it; returns the verdict in a sentence."""
    published = publish_report(run_dir, report, rendered)
    for problem in published.problems:
        get_run_logger().warning(problem)
    links, clean = find_links(platform, run_dir), clean_report(report)
    sentence = redact(summarise(clean, links))
    get_run_logger().info(sentence)
    with never_failing():
        show_published(run_dir, clean, links)
    for line in alert_verdict(run_dir, clean):
        get_run_logger().info(line)
    return sentence


def show_published(run_dir: Path, report: CampaignReport, links: Links) -> None:
    """Verdict, one table a family, and the platform as it stands after this campaign."""
    plan = report.run.plan
    # Prefect shows a description as Markdown too.
    short = escape(explain_shortly(report))
    show_markdown(artifact_key("verdict", plan), describe_verdict(report, links), short)
    for shown in list_families(report):
        show_table(artifact_key(shown.family.name.lower(), plan), shown.rows, shown.description)
    state = read_state(run_dir.parent, report, datetime.now(UTC))
    show_markdown(artifact_key("etat", plan), describe_state(state, links), "État de la plateforme")
