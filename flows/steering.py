"""The weekly review and the COPIL: one flow, two deployments; a pack with its figures, kept, told in Prefect."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows.forms import name_field
from nonreg.model.steering import Pack, PackKind
from reports.steering import TITLES, describe_pack, name_period, say_pack
from tasks.handover_work import Work, make_work
from tasks.showing import clean_errors, finish_showing, keep_secrets_of, rename_run, show_file, show_markdown
from tasks.steering import keep_pack, prepare_pack
from tasks.tracking import telling_tickets


class Meeting(StrEnum):
    """What is prepared, as the form offers it."""

    HEBDO = PackKind.WEEKLY.value
    COPIL = PackKind.COPIL.value


@task(name="1 - Rassembler les indicateurs", cache_policy=NO_CACHE)
@clean_errors()
def gather_stage(work: Work, kind: PackKind, ticket: str) -> Pack:
    """Everything that tracker, ledger, history and governance say; what they do not is « n.d. »."""
    pack = prepare_pack(work, kind, datetime.now(UTC), ticket)
    get_run_logger().info("%s", say_pack(pack))
    for warning in pack.list_warnings():
        get_run_logger().warning("%s", warning)
    for one in pack.missing:
        get_run_logger().warning("n.d. : %s", one)
    return pack


@task(name="2 - Garder la revue", cache_policy=NO_CACHE)
@clean_errors()
def keep_stage(work: Work, pack: Pack, ticket: str) -> Path:
    """Files, ledger and manifest; then the page in Prefect."""
    page = keep_pack(work, pack, ticket)
    words = f"{TITLES[pack.kind]} {name_period(pack.period)}"
    show_markdown(f"revue-{pack.kind}", describe_pack(pack), words)
    show_file(f"revue-{pack.kind}-{pack.id.rsplit('-', 1)[-1]}", page, words, work.platform)
    finish_showing()
    return page


def name_run() -> str:
    """Readable name of the flow run: `HEBDO embarquee`, then its period once it is known."""
    parameters = runtime.flow_run.parameters
    return f"{str(parameters['meeting']).upper()} {Path(parameters['platform']).stem}"


@flow(name="pilotage", flow_run_name=name_run, persist_result=False)
def steer(
    meeting: Annotated[Meeting, name_field("Réunion à préparer")] = Meeting.HEBDO,
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    ticket: Annotated[str, name_field("Ticket de la réunion")] = "",
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
) -> State[str]:
    """Prépare la revue hebdomadaire ou le COPIL : indicateurs sourcés, échéances, dérogations, forfait, reste à faire.

    Args:
        meeting: Revue de la dernière semaine entière, ou du ou des derniers mois entiers (cadence : steering.toml).
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        ticket: Ticket ouvert où joindre la revue ; vide : celui de la plateforme.
        runs_dir: Dossier des passages et du registre.
    """
    work = make_work(platform, Path(runs_dir))
    keep_secrets_of(work.platform)
    pack = gather_stage(work, PackKind(meeting.value), ticket)
    with telling_tickets(platform, Path(runs_dir), get_run_logger().info):
        page = keep_stage(work, pack, ticket)
    said = say_pack(pack)
    rename_run(f"{runtime.flow_run.name} {name_period(pack.period)} — {said.rstrip('.')}")
    return Completed(message=f"{said} ({page})", data=pack.id)
