"""A non-regression campaign from end to end, nightly or on demand.

The verdict is not the state: the flow ends Failed, after publishing, when the verdict is KO or INCOMPLET.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

from prefect import State, flow, runtime, tags
from prefect.states import Completed, Failed
from pydantic import Field

from nonreg.busy import MAX_WAIT_MINUTES, WAIT_MINUTES, WhenBusy
from nonreg.config import find_platform_file, load_platform
from nonreg.errors import NonregError
from nonreg.model import CampaignPlan, EffectLimit, Verdict
from nonreg.orphans import Life, live
from nonreg.plan import CampaignRequest, new_run_id
from reports.artifacts import name_verdict
from tasks.campaign import (
    judge_stage,
    load_stage,
    plan_stage,
    publish_stage,
    render_stage,
    run_stage,
)
from tasks.finisher import BY_A_WORKER, finishing
from tasks.outliving import outlive
from tasks.showing import finish_showing, rename_run

outlive()
DRILLED = "EXERCICES"


WaitMinutes = Annotated[int, Field(ge=1, le=MAX_WAIT_MINUTES)]


class FamilyChoice(StrEnum):
    """Families as the form offers them."""

    BASE = "base"
    APPLICATIF = "applicatif"
    HD = "hd"


class CampaignNotPassed(NonregError):
    """The campaign was published with the verdict KO or INCOMPLET."""


def name_run() -> str:
    """Readable name of the flow run: `NUIT 2026-11-23 embarquee v5.2.0`, with the families if not all.

    One that may break something says EXERCICES, whatever its label.
    """
    parameters = runtime.flow_run.parameters
    try:
        platform = load_platform(parameters["platform"])
        target = f"{platform.name} v{platform.application_version}"
    except NonregError:
        target = Path(parameters["platform"]).stem  # the first stage says what is wrong with it
    night = datetime.now(ZoneInfo("Europe/Paris")).date()
    families = [FamilyChoice(family).name for family in parameters["families"]]
    partial = "" if set(families) == set(FamilyChoice.__members__) else " " + "+".join(families)
    label = parameters["label"].upper()
    if parameters["drills"] and DRILLED not in label:
        label += f" {DRILLED}"
    return f"{label} {night} {target}{partial}"


def list_tags(plan: CampaignPlan) -> list[str]:
    """Tags by which task runs are found: platform, version, ticket, families, effects."""
    effects = dict.fromkeys(found.effect for found in plan.scenarios)
    return [
        f"plateforme:{plan.platform.name}",
        f"version:{plan.platform.application_version}",
        f"ticket:{plan.ticket}",
        *(f"famille:{family.name.lower()}" for family in plan.families),
        *(f"effet:{effect}" for effect in effects),
    ]


@flow(name="campagne", flow_run_name=name_run, persist_result=False)
def campaign(
    platform: str = "embarquee",
    families: list[FamilyChoice] = list(FamilyChoice),  # noqa: B006 - Prefect shows it as the form's default
    select: str = "",
    ticket: str = "",
    label: str = "Campagne",
    scenarios: str = "",
    runs_dir: str = "runs",
    run_id: str = "",
    project_junit: list[str] | None = None,
    retries: int = 0,
    drills: str = "",
    effects: EffectLimit = EffectLimit.DONNEES_MARQUEES,
    when_busy: WhenBusy = WhenBusy.REFUSER,
    wait_minutes: WaitMinutes = WAIT_MINUTES,
) -> State[str]:
    """Exécute une campagne de non-régression et publie son rapport A.2.

    Args:
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        families: Familles de scénarios.
        select: Motifs d'identifiants séparés par des virgules, par exemple HD-00*.
        ticket: Référence du ticket, par exemple AQ-123.
        label: Début du nom du passage.
        scenarios: Dossier de scénarios ; vide pour ceux du projet.
        runs_dir: Dossier des passages.
        run_id: Identifiant du passage ; vide pour un nouveau.
        project_junit: Fichiers JUnit des tests du projet, à compter dans le rapport.
        retries: Nouveaux essais d'un scénario en échec, à la fin ; le premier échec reste au rapport.
        drills: Fichier de l'autorisation d'exercices que le titulaire a signée (python -m nonreg plan) ; vide
            pour une campagne qui ne casse rien.
        effects: Ce que les scénarios peuvent faire au plus ; en lecture, ceux qui écrivent sont laissés de côté,
            et le rapport les nomme.
        when_busy: Quand une autre campagne est en cours sur la plateforme, refuser celle-ci, ou attendre son tour.
        wait_minutes: Attente au plus, en minutes ; ensuite la campagne est refusée, et dit qui occupait la
            plateforme.
    """
    request = CampaignRequest(
        platform,
        ",".join(families),
        select,
        ticket,
        scenarios,
        retries,
        drills,
        effects,
        WhenBusy(when_busy).wait_minutes(wait_minutes),
    )
    loaded = load_stage(request)
    run_dir = Path(runs_dir) / (run_id or new_run_id(loaded.name))
    life = Life.of_ours(
        str(find_platform_file(platform).resolve()), runtime.flow_run.id, os.environ.get(BY_A_WORKER, "")
    )
    with live(run_dir, life), finishing(run_dir), ExitStack() as tagged:
        plan = plan_stage(request, loaded, run_dir)
        tagged.enter_context(tags(*list_tags(plan)))
        run_stage(request, loaded, plan, run_dir)
        report = judge_stage(run_dir, tuple(Path(file) for file in project_junit or ()))
        rendered = render_stage(report)
        message = publish_stage(loaded, run_dir, report, rendered)
        verdict = report.assessment.verdict
        rename_run(f"{runtime.flow_run.name} — {name_verdict(verdict)}")
        finish_showing()
    if verdict in (Verdict.KO, Verdict.INCOMPLET):
        return Failed(message=message, data=CampaignNotPassed(message))
    return Completed(message=message, data=message)
