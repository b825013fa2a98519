"""GO, GO avec réserves or NO-GO before an intervention on the application.

A fresh enough run of the same version answers; otherwise a campaign is run first. A GO with reserves waits for
somebody to accept them in a form. The flow ends Failed, after publishing its page and its decision, when the
answer is NO-GO or its reserves are not accepted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from pydantic import Field

from flows.campaign import FamilyChoice, campaign
from flows.forms import YesNo, name_field
from flows.reserves import Said, ask_reserves, list_reasons
from nonreg.busy import WhenBusy
from nonreg.config import Platform, load_platform
from nonreg.errors import InterventionBlocked
from nonreg.handover.profiles import Thing
from nonreg.intervention import make_intervention
from nonreg.model import Answer, Intervention, InterventionKind
from nonreg.plan import new_run_id
from reports.intervention import ANSWERS, describe_acceptance, is_held_back
from tasks.handover_work import make_work
from tasks.intervention import (
    Answered,
    decide,
    find_run,
    list_accepting,
    observe_version,
    publish_decision,
    read_max_age,
    record_acceptance,
)
from tasks.profiles import require_may_start, say_scope
from tasks.showing import clean_errors, finish_showing, keep_secrets_of, show_file, show_markdown
from tasks.tracking import require_open_ticket, telling_tickets

DEPLOYMENT = "avant-intervention"
ACCEPTANCE_MINUTES, MAX_ACCEPTANCE_MINUTES = 30.0, 120.0  # a pause holds its worker


class ReservesChoice(StrEnum):
    """How the reserves of a GO are accepted."""

    FORMULAIRE = "formulaire"
    SANS = "sans"


@task(name="1 - Chercher un passage assez recent", cache_policy=NO_CACHE)
@clean_errors()
def find_stage(
    platform: Platform, intervention: Intervention, runs_dir: Path, max_age_hours: float
) -> Path | None:
    """The latest run that can answer."""
    found = find_run(platform, intervention, runs_dir, datetime.now(UTC), max_age_hours)
    get_run_logger().info("Passage assez récent : %s", found or "aucun, une campagne est lancée")
    return found


@task(name="3 - Repondre et publier", cache_policy=NO_CACHE)
@clean_errors()
def answer_stage(
    platform: Platform,
    intervention: Intervention,
    run_dir: Path | None,
    runs_dir: Path,
    max_age_hours: float,
    person: str,
    ask_acceptance: bool,
) -> Answered:
    """Decide on that run, publish, and show the answer in Prefect."""
    observed = observe_version(platform)
    now = datetime.now(UTC)
    decision, report = decide(
        platform, intervention, run_dir, observed, now, max_age_hours, person, ask_acceptance=ask_acceptance
    )
    answered = publish_decision(platform, decision, report, runs_dir)
    key = decision.id.lower()
    lines = [f"# {ANSWERS[decision.answer].text}", "", *list_reasons(decision)]
    show_markdown(f"reponse-{key}", "\n".join(lines) + "\n", "Réponse")
    show_file(f"page-{key}", answered.folder / "page.html", "Décision avant intervention", platform)
    finish_showing()
    return answered


@task(name="4 - Enregistrer la reponse aux reserves", cache_policy=NO_CACHE)
@clean_errors()
def accept_stage(platform: Platform, answered: Answered, said: Said, runs_dir: Path) -> str:
    """Record what was answered about the reserves; why the intervention stays blocked, empty when it may begin."""
    decision = answered.decision
    recorded = record_acceptance(
        platform, answered, said.acceptance, said.person, said.comment, runs_dir, datetime.now(UTC)
    )
    what = f"Réserves {describe_acceptance(decision, recorded)}"
    lines = [f"# {what}", "", *list_reasons(decision)]
    show_markdown(f"reserves-{decision.id.lower()}", "\n".join(lines) + "\n", "Réserves")
    finish_showing()
    get_run_logger().info(what)
    return what if is_held_back(decision, recorded) else ""


@clean_errors()
def require_asking(platform: str, runs_dir: Path, person: str) -> None:
    """UsageError unless the declared person may ask; the scope signed for a renfort is logged."""
    work = make_work(platform, runs_dir)
    require_may_start(work, person, Thing.DEPLOYMENT, DEPLOYMENT)
    if scope := say_scope(work, person):
        get_run_logger().info("%s", scope)


def name_run() -> str:
    """Readable name of the flow run: `AVANT INTERVENTION AQ-123 deploiement`."""
    parameters = runtime.flow_run.parameters
    return f"AVANT INTERVENTION {parameters['ticket']} {InterventionKind(parameters['kind']).value}"


@flow(name="avant-intervention", flow_run_name=name_run, persist_result=False)
def pre_intervention(
    ticket: Annotated[str, name_field("Ticket")],
    kind: Annotated[InterventionKind, name_field("Nature de l'intervention")],
    touches_replication: Annotated[YesNo, name_field("Touche la réplication ?")],
    replication_reason: Annotated[str, name_field("Pourquoi elle la touche, ou non")],
    sensitive: Annotated[YesNo, name_field("Intervention sensible ?")] = YesNo.OUI,
    remote: Annotated[YesNo, name_field("À distance ?")] = YesNo.OUI,
    planned_at: Annotated[datetime | None, name_field("Début prévu")] = None,
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    person: Annotated[str, name_field("Qui demande")] = "",
    max_age_hours: Annotated[float | None, name_field("Âge maximal du passage (h)")] = None,
    new_campaign: Annotated[bool, name_field("Lancer une nouvelle campagne")] = False,
    runs_dir: Annotated[str, name_field("Dossier des passages")] = "runs",
    accept_reserves: Annotated[
        ReservesChoice, name_field("Acceptation des réserves")
    ] = ReservesChoice.FORMULAIRE,
    acceptance_minutes: Annotated[
        float, Field(gt=0, le=MAX_ACCEPTANCE_MINUTES), name_field("Délai d'acceptation (min)")
    ] = ACCEPTANCE_MINUTES,
) -> str:
    """Répond GO, GO avec réserves ou NO-GO avant une intervention.

    Args:
        ticket: Référence du ticket, par exemple AQ-123.
        kind: Ce qui va être fait sur l'application.
        touches_replication: Si elle touche la réplication, la famille HD est exigée.
        replication_reason: En une phrase.
        sensitive: Une intervention sensible est bloquée sans GO.
        remote: Une intervention à distance est signalée hors des jours et heures ouvrés.
        planned_at: Vide : dès maintenant.
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        person: Identifiant de la personne qui demande.
        max_age_hours: Vide : celui de la plateforme.
        new_campaign: Même si un passage récent existe.
        runs_dir: Là où les passages sont écrits, et les décisions.
        accept_reserves: Par un formulaire : le passage attend qu'une personne réponde ; sans réponse, l'intervention
            reste bloquée.
        acceptance_minutes: Combien de temps le formulaire attend.
    """
    asked = make_intervention(
        ticket,
        kind,
        YesNo(sensitive) is YesNo.OUI,
        YesNo(touches_replication) is YesNo.OUI,
        replication_reason,
        YesNo(remote) is YesNo.OUI,
        planned_at,
    )
    loaded = load_platform(platform)
    keep_secrets_of(loaded)
    folder = Path(runs_dir)
    if person:
        require_asking(platform, folder, person)
    with clean_errors():
        require_open_ticket(loaded, ticket)  # before a campaign of half an hour; unverified, it is a reason
    hours = read_max_age(loaded, max_age_hours)
    with_form = ReservesChoice(accept_reserves) is ReservesChoice.FORMULAIRE
    accepting = list_accepting(loaded, datetime.now(UTC)) if with_form else ()
    run_dir = None if new_campaign else find_stage(loaded, asked, folder, hours)
    if run_dir is None:
        run_dir = folder / new_run_id(loaded.name)
        campaign(
            platform=platform,
            families=[FamilyChoice[family.name] for family in asked.families],
            ticket=ticket,
            label="Avant intervention",
            when_busy=WhenBusy.ATTENDRE,
            runs_dir=runs_dir,
            run_id=run_dir.name,
            return_state=True,  # its verdict is read from the folder, not from its state
        )
    with telling_tickets(platform, folder, get_run_logger().info):
        answered = answer_stage(loaded, asked, run_dir, folder, hours, person, with_form)
    decision = answered.decision
    message = f"{ANSWERS[decision.answer].text} — {answered.folder / 'page.html'}"
    if decision.answer is Answer.NO_GO:
        raise InterventionBlocked(message)
    if decision.acceptance_required:
        said = ask_reserves(decision, accepting, acceptance_minutes)
        with telling_tickets(platform, folder, get_run_logger().info):
            held_back = accept_stage(loaded, answered, said, folder)
        if held_back:
            raise InterventionBlocked(f"{held_back} — {message}")
    return message
