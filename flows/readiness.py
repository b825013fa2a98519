"""How ready the handover is, every night: a score, its reasons, a page; not ready is told, it fails only if asked."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed, Failed

from flows.forms import name_field
from nonreg.model.readiness import Readiness, Word
from nonreg.working_time import PARIS
from reports.readiness import describe_readiness, say_readiness
from tasks.handover_work import Work, make_work
from tasks.readiness import keep_readiness, measure_readiness
from tasks.showing import clean_errors, finish_showing, keep_secrets_of, rename_run, show_file, show_markdown


@task(name="1 - Regarder dossier, repetitions et renforts", cache_policy=NO_CACHE)
@clean_errors()
def measure_stage(work: Work) -> Readiness:
    """Gather and score."""
    readiness = measure_readiness(work, datetime.now(UTC))
    get_run_logger().info("%s", say_readiness(readiness))
    for one in readiness.list_causes():
        get_run_logger().info("%s : %s %s", one.title, one.found, one.remedy)
    return readiness


@task(name="2 - Garder la page", cache_policy=NO_CACHE)
@clean_errors()
def keep_stage(work: Work, readiness: Readiness) -> Path:
    """Page, values and ledger; then the page in Prefect."""
    page = keep_readiness(work, readiness)
    show_markdown("disponibilite", describe_readiness(readiness), say_readiness(readiness))
    show_file(
        f"disponibilite-{readiness.id.rsplit('-', 1)[-1]}",
        page,
        "Disponibilité de la continuité",
        work.platform,
    )
    finish_showing()
    return page


def name_run() -> str:
    """Readable name of the flow run: `DISPONIBILITÉ 2026-11-30 embarquee`."""
    day = datetime.now(PARIS).date()
    return f"DISPONIBILITÉ {day} {Path(runtime.flow_run.parameters['platform']).stem}"


@flow(name="disponibilite", flow_run_name=name_run, persist_result=False)
def measure_handover(
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    fails_when_not_ready: Annotated[bool, name_field("Échouer si non prêt")] = False,
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
) -> State[str]:
    """Mesure si un renfort pourrait prendre la suite : dossier d'urgence, répétitions, exercices, renforts.

    Args:
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        fails_when_not_ready: Sinon, le passage dit NON PRÊT dans son nom et son message, sans échouer.
        runs_dir: Dossier des passages et du registre.
    """
    work = make_work(platform, Path(runs_dir))
    keep_secrets_of(work.platform)
    readiness = measure_stage(work)
    page = keep_stage(work, readiness)
    said = say_readiness(readiness)
    rename_run(f"{runtime.flow_run.name} — {said}")
    message = f"{said} ({page})"
    if readiness.word is Word.NOT_READY and fails_when_not_ready:
        return Failed(message=message)
    return Completed(message=message, data=readiness.id)
