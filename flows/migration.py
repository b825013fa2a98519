"""Two platforms compared before a migration: the same campaign on each, then structure and data, one report.

The flow ends Failed, after publishing its report, when the verdict is ÉCARTS or INCOMPLET.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, task
from prefect.cache_policies import NO_CACHE

from flows.campaign import FamilyChoice, campaign
from flows.forms import name_field
from nonreg.busy import WhenBusy
from nonreg.config import Platform, load_platform
from nonreg.errors import NonregError, UsageError
from nonreg.model import CampaignReport
from nonreg.model.migration import MigrationVerdict
from nonreg.plan import new_run_id
from reports.migration import VERDICTS
from tasks.migration import (
    HTML,
    SCENARIOS,
    MigrationRequest,
    PublishedMigration,
    check_platforms,
    compare_platforms,
    load_run_of,
    parse_parts,
    publish_migration,
    read_expected,
)
from tasks.showing import finish_showing, keep_secrets_of, show_file, show_markdown
from tasks.tracking import telling_tickets


class PartChoice(StrEnum):
    """What may be compared, as the form offers it."""

    SCENARIOS = "scenarios"
    STRUCTURE = "structure"
    DONNEES = "donnees"


class PlatformsDiffer(NonregError):
    """The comparison was published with the verdict ÉCARTS or INCOMPLET."""


@task(name="1 - Verifier les plateformes et la liste", cache_policy=NO_CACHE)
def check_stage(request: MigrationRequest) -> None:
    """Two test platforms, and a list that is sound."""
    check_platforms(request.left, request.right)
    read_expected(request)


@task(name="3 - Comparer et publier", cache_policy=NO_CACHE)
def compare_stage(
    request: MigrationRequest, runs: tuple[CampaignReport | None, CampaignReport | None], runs_dir: Path
) -> PublishedMigration:
    """Compare, publish, and show the verdict in Prefect."""
    report = compare_platforms(request, runs, get_run_logger().info)
    published = publish_migration(request, report, runs_dir, None)
    key = report.id.lower()
    lines = [f"# {VERDICTS[report.verdict].text}", "", *(f"- {reason}" for reason in report.reasons)]
    show_markdown(f"migration-{key}", "\n".join(lines) + "\n", "Comparaison avant migration")
    show_file(f"rapport-{key}", published.folder / HTML, "Comparaison avant migration", request.right)
    finish_showing()
    return published


def run_here(
    platform: Platform, name: str, families: list[FamilyChoice], select: str, ticket: str, runs_dir: str
) -> CampaignReport:
    """A campaign as a subflow; its verdict is read from its folder, not from its state."""
    run_dir = Path(runs_dir) / new_run_id(platform.name)
    campaign(
        platform=name,
        families=families,
        select=select,
        ticket=ticket,
        label="Migration",
        when_busy=WhenBusy.ATTENDRE,  # of one platform as of the other, nothing is compared without both
        runs_dir=runs_dir,
        run_id=run_dir.name,
        return_state=True,
    )
    return load_run_of(platform, run_dir)


@flow(name="migration", flow_run_name="MIGRATION {platform_from} vers {platform_to}", persist_result=False)
def migration(
    platform_from: Annotated[str, name_field("Plateforme que l'on quitte")],
    platform_to: Annotated[str, name_field("Plateforme où l'on va")],
    expected: Annotated[str, name_field("Différences attendues")] = "",
    parts: Annotated[list[PartChoice], name_field("Ce qui est comparé")] = list(PartChoice),  # noqa: B006
    families: Annotated[list[FamilyChoice], name_field("Familles")] = list(FamilyChoice),  # noqa: B006 - form's default
    select: Annotated[str, name_field("Choix de scénarios")] = "",
    tables: Annotated[list[str], name_field("Tables comparées")] = [],  # noqa: B006
    ticket: Annotated[str, name_field("Ticket")] = "",
    run_from: Annotated[str, name_field("Passage de la première")] = "",
    run_to: Annotated[str, name_field("Passage de la seconde")] = "",
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
) -> str:
    """Compare la plateforme que l'on quitte et celle où l'on va, et publie le rapport des différences.

    Args:
        platform_from: Plateforme que l'on quitte, nom (nonreg/platforms) ou chemin de son fichier TOML.
        platform_to: Plateforme où l'on va.
        expected: Liste des différences attendues (TOML), sa signature à côté (python -m nonreg accept-differences).
        parts: Les scénarios, la structure, les données : ce qui n'est pas choisi n'est pas tenu pour identique.
        families: Familles de scénarios ; toutes par défaut.
        select: Motifs d'identifiants séparés par des virgules, par exemple HD-00* ; vide pour tous les scénarios.
        tables: Tables dont comparer les données, schéma.table ; vide pour celles qui sont publiées.
        ticket: Référence du ticket, par exemple AQ-123.
        run_from: Passage publié de la première plateforme, pour ne pas lancer de campagne ; les deux ou aucun.
        run_to: Passage publié de la seconde plateforme.
        runs_dir: Dossier des passages.
    """
    if bool(run_from) is not bool(run_to):
        raise UsageError("Indiquez un passage de chaque plateforme, ou aucun.")
    left, right = load_platform(platform_from), load_platform(platform_to)
    keep_secrets_of(left)
    keep_secrets_of(right)
    request = MigrationRequest(
        left, right, parse_parts(",".join(parts)), tuple(tables), Path(expected) if expected else None, ticket
    )
    check_stage(request)
    runs: tuple[CampaignReport | None, CampaignReport | None] = (None, None)
    if SCENARIOS in request.parts and run_from:
        runs = (load_run_of(left, Path(run_from)), load_run_of(right, Path(run_to)))
    elif SCENARIOS in request.parts:
        runs = (
            run_here(left, platform_from, families, select, ticket, runs_dir),
            run_here(right, platform_to, families, select, ticket, runs_dir),
        )
    with telling_tickets(platform_to, Path(runs_dir), get_run_logger().info):
        published = compare_stage(request, runs, Path(runs_dir))
    report = published.report
    message = f"{VERDICTS[report.verdict].text} — {published.folder / HTML}"
    if report.verdict in (MigrationVerdict.ECARTS, MigrationVerdict.INCOMPLET):
        raise PlatformsDiffer(message)
    return message
