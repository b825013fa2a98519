"""How long things are kept: every month what a purge would remove, shown; removed only when somebody asks for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from flows.forms import name_field
from nonreg.model.retention import Purged, RetentionPlan
from nonreg.retention.figures import PURGES
from nonreg.working_time import PARIS
from reports.retention import describe_plan, list_left, say_plan, say_purged
from tasks.handover_work import Work, make_work
from tasks.retention import PAGE, prepare_purge, purge
from tasks.showing import clean_errors, finish_showing, keep_secrets_of, rename_run, show_file, show_markdown
from tasks.tracking import telling_tickets


@task(name="1 - Regarder ce qui a depasse sa duree", cache_policy=NO_CACHE)
@clean_errors()
def look_stage(work: Work) -> RetentionPlan:
    """What would be removed, what is kept all the same and why; shown in Prefect."""
    plan = prepare_purge(work, datetime.now(UTC))
    get_run_logger().info("%s", say_plan(plan))
    for note in plan.notes:
        get_run_logger().warning("%s", note)
    show_markdown("conservation", describe_plan(plan), say_plan(plan))
    return plan


@task(name="2 - Retirer", cache_policy=NO_CACHE)
@clean_errors()
def purge_stage(work: Work, ticket: str) -> Purged:
    """Ledger first, then each thing; the page in Prefect."""
    done = purge(work, datetime.now(UTC), ticket)
    get_run_logger().info("%s", say_purged(done))
    for one in list_left(done.left):
        get_run_logger().warning("%s", one)
    if done.id:
        show_file(
            f"conservation-{done.id.rsplit('-', 1)[-1]}",
            work.runs_dir / PURGES / done.id / PAGE,
            "Purge",
            work.platform,
        )
    return done


def name_run() -> str:
    """Readable name of the flow run: `CONSERVATION 2026-12-01 embarquee`."""
    day = datetime.now(PARIS).date()
    return f"CONSERVATION {day} {Path(runtime.flow_run.parameters['platform']).stem}"


@flow(name="conservation", flow_run_name=name_run, persist_result=False)
def keep_for_a_time(
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    apply: Annotated[bool, name_field("Retirer vraiment")] = False,
    ticket: Annotated[str, name_field("Ticket de la purge")] = "",
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
) -> State[str]:
    """Montre ce qui a dépassé sa durée de conservation, ce qui est gardé et pourquoi ; le retire si on le demande.

    Args:
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        apply: Sinon, montre seulement. Ce qui est retiré l'est pour de bon ; le registre en garde la liste.
        ticket: Ticket de la purge ; vide : celui de la plateforme.
        runs_dir: Dossier des passages et du registre.
    """
    work = make_work(platform, Path(runs_dir))
    keep_secrets_of(work.platform)
    plan = look_stage(work)
    said = say_plan(plan)
    if apply:
        with telling_tickets(platform, Path(runs_dir), get_run_logger().info):
            done = purge_stage(work, ticket)
        said = say_purged(done)
    finish_showing()
    rename_run(f"{runtime.flow_run.name} — {said.rstrip('.')}")
    if apply and done.left:
        return Failed(message=f"{said} {' ; '.join(list_left(done.left))}")
    return Completed(message=said)
