"""A non-regression campaign from end to end, nightly or on demand.

The verdict is not the state: the flow ends Failed, after publishing, when the verdict is KO or INCOMPLET.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from datetime import date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime
from prefect.states import Completed, Failed
from pydantic import Field

from flows.forms import name_field
from nonreg.busy import MAX_WAIT_MINUTES, WAIT_MINUTES, WhenBusy
from nonreg.config import find_platform_file, load_platform
from nonreg.errors import NonregError
from nonreg.model import CampaignPlan, Effect, EffectLimit, Verdict
from nonreg.orphans import Life, live
from nonreg.plan import MAX_RETRIES, CampaignRequest, new_run_id
from nonreg.pytest_process import loading_pytest
from nonreg.working_time import PARIS
from reports.artifacts import name_verdict
from tasks.campaign import (
    judge_stage,
    load_stage,
    make_teller,
    plan_stage,
    publish_stage,
    render_stage,
    run_stage,
)
from tasks.finisher import BY_A_WORKER, finishing
from tasks.outliving import outlive
from tasks.showing import finish_showing, rename_run, tag_run
from tasks.slot import asking_slot
from tasks.tracking import post_events
from tasks.whole import whole

outlive()
DRILLED = "EXERCICES"
EFFECT_TAGS = {  # the words of the deployments' own tags
    Effect.READ_ONLY: "lecture",
    Effect.WRITES_TEST_DATA: "donnees-marquees",
    Effect.DISRUPTIVE: "perturbateur",
}


class FamilyChoice(StrEnum):
    """Families as the form offers them."""

    BASE = "base"
    APPLICATIF = "applicatif"
    HD = "hd"


class CampaignNotPassed(NonregError):
    """The campaign was published with the verdict KO or INCOMPLET."""


def date_run(planned: datetime) -> date:
    """The day in Paris of the time for which a run was planned."""
    return planned.astimezone(PARIS).date()


def name_run() -> str:
    """Readable name of the flow run: `NUIT 2026-11-23 embarquee v5.2.0`, with the families if not all.

    One that may break something says EXERCICES, whatever its label. The date is the day, in Paris, for which it was
    planned: a night that begins at 01:30 bears the date of the morning that reads it, however late it starts.
    """
    parameters = runtime.flow_run.parameters
    try:
        platform = load_platform(parameters["platform"])
        target = f"{platform.name} v{platform.application_version}"
    except NonregError:
        target = Path(parameters["platform"]).stem  # the first stage says what is wrong with it
    night = date_run(runtime.flow_run.scheduled_start_time)
    families = [FamilyChoice(family).name for family in parameters["families"]]
    partial = "" if set(families) == set(FamilyChoice.__members__) else " " + "+".join(families)
    label = parameters["label"].upper()
    if parameters["drills"] and DRILLED not in label:
        label += f" {DRILLED}"
    return f"{label} {night} {target}{partial}"


def list_tags(plan: CampaignPlan) -> list[str]:
    """Tags by which the run is found: platform, version, ticket, families, effects.

    They are not those of a task: before each task that has some Prefect asks its server for their limits, and waits.
    """
    effects = dict.fromkeys(EFFECT_TAGS[found.effect] for found in plan.scenarios)
    return [
        f"plateforme:{plan.platform.name}",
        f"version:{plan.platform.application_version}",
        f"ticket:{plan.ticket}",
        *(f"famille:{family.name.lower()}" for family in plan.families),
        *(f"effet:{effect}" for effect in effects),
    ]


@flow(name="campagne", flow_run_name=name_run, persist_result=False)
def campaign(
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    families: Annotated[list[FamilyChoice], name_field("Familles")] = list(FamilyChoice),  # noqa: B006 - form's default
    effects: Annotated[EffectLimit, name_field("Effets permis")] = EffectLimit.DONNEES_MARQUEES,
    ticket: Annotated[str, name_field("Ticket")] = "",
    select: Annotated[str, name_field("Choix de scénarios")] = "",
    label: Annotated[str, name_field("Début du nom")] = "Campagne",
    when_busy: Annotated[WhenBusy, name_field("Si la plateforme est occupée")] = WhenBusy.REFUSER,
    wait_minutes: Annotated[
        int, Field(ge=1, le=MAX_WAIT_MINUTES), name_field("Attente au plus (min)")
    ] = WAIT_MINUTES,
    retries: Annotated[int, Field(ge=0, le=MAX_RETRIES), name_field("Nouveaux essais")] = 0,
    drills: Annotated[str, name_field("Autorisation d'exercices")] = "",
    scenarios: Annotated[str, name_field("Technique : dossier de scénarios")] = "",
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
    run_id: Annotated[str, name_field("Technique : identifiant du passage")] = "",
    project_junit: Annotated[list[str], name_field("Technique : tests du projet")] = [],  # noqa: B006
) -> State[str]:
    """Exécute une campagne de non-régression et publie son rapport A.2.

    Args:
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        families: Familles de scénarios ; toutes par défaut.
        effects: Ce que les scénarios peuvent faire au plus ; en lecture, ceux qui écrivent sont laissés de côté,
            et le rapport les nomme ; les données d'essai qu'une campagne arrêtée a laissées sont toujours retirées.
        ticket: Référence du ticket, par exemple AQ-123 ; vide pour celle que la plateforme donne par défaut.
        select: Motifs d'identifiants séparés par des virgules, par exemple HD-00* ; vide pour tous les scénarios.
        label: Début du nom du passage, tel qu'il s'affiche dans la liste.
        when_busy: Quand une autre campagne est en cours sur la plateforme, refuser celle-ci, ou attendre son tour.
        wait_minutes: Combien de temps attendre au plus ; ensuite la campagne est refusée, et dit qui occupait la
            plateforme.
        retries: Nouveaux essais d'un scénario en échec, à la fin ; le premier échec reste au rapport.
        drills: Fichier de l'autorisation d'exercices que le titulaire a signée (python -m nonreg plan) ; vide
            pour une campagne qui ne casse rien.
        scenarios: Dossier de scénarios ; vide pour ceux du projet.
        runs_dir: Dossier des passages.
        run_id: Identifiant du passage ; vide pour un nouveau.
        project_junit: Fichiers JUnit des tests du projet, à compter dans le rapport.
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
    with ExitStack() as held:
        tests = held.enter_context(loading_pytest(request.scenarios_dir()))  # takes longest: begins first
        loaded = load_stage(request)
        run_dir = Path(runs_dir) / (run_id or new_run_id(loaded.name))
        life = Life.of_ours(
            str(find_platform_file(platform).resolve()), runtime.flow_run.id, os.environ.get(BY_A_WORKER, "")
        )
        held.enter_context(live(run_dir, life))
        held.enter_context(finishing(run_dir))
        with asking_slot(loaded) as slot:
            plan = plan_stage(request, loaded, run_dir, tests)
            left_seconds = slot.wait(run_dir, request.wait_minutes * 60.0, make_teller(plan))
            tag_run(list_tags(plan))
            run_stage(request, loaded, whole(plan), run_dir, left_seconds, tests)
        report = judge_stage(run_dir, tuple(Path(file) for file in project_junit))
        rendered = render_stage(whole(report))
        message = publish_stage(loaded, run_dir, whole(report), whole(rendered))
        for line in post_events(loaded, run_dir.parent, platform):
            get_run_logger().info(line)
        verdict = report.assessment.verdict
        rename_run(f"{runtime.flow_run.name} — {name_verdict(verdict)}")
        finish_showing()
    if verdict in (Verdict.KO, Verdict.INCOMPLET):
        return Failed(message=message, data=CampaignNotPassed(message))
    return Completed(message=message, data=message)
