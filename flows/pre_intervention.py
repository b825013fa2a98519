"""GO, GO avec réserves or NO-GO before an intervention on the application.

A fresh enough run of the same version answers; otherwise a campaign is run first. The flow ends Failed,
after publishing its page and its decision, when the answer is NO-GO.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from prefect import flow, get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from flows.campaign import FamilyChoice, campaign
from nonreg.config import Platform, load_platform
from nonreg.errors import InterventionBlocked
from nonreg.intervention import make_intervention
from nonreg.model import Answer, Intervention, InterventionKind
from nonreg.plan import new_run_id
from reports.intervention import ANSWERS
from tasks.intervention import Answered, decide, find_run, observe_version, publish_decision, read_max_age
from tasks.showing import finish_showing, keep_secrets_of, show_file, show_markdown


class YesNo(StrEnum):
    """Yes or no as the form offers it: an explicit answer, never a default."""

    OUI = "oui"
    NON = "non"


@task(name="1 - Chercher un passage assez recent", cache_policy=NO_CACHE)
def find_stage(
    platform: Platform, intervention: Intervention, runs_dir: Path, max_age_hours: float
) -> Path | None:
    """The latest run that can answer."""
    found = find_run(platform, intervention, runs_dir, datetime.now(UTC), max_age_hours)
    get_run_logger().info("Passage assez récent : %s", found or "aucun, une campagne est lancée")
    return found


@task(name="3 - Repondre et publier", cache_policy=NO_CACHE)
def answer_stage(
    platform: Platform,
    intervention: Intervention,
    run_dir: Path | None,
    runs_dir: Path,
    max_age_hours: float,
    person: str,
) -> Answered:
    """Decide on that run, publish, and show the answer in Prefect."""
    observed = observe_version(platform)
    now = datetime.now(UTC)
    decision, report = decide(platform, intervention, run_dir, observed, now, max_age_hours, person)
    answered = publish_decision(platform, decision, report, runs_dir)
    key = decision.id.lower()
    lines = [f"# {ANSWERS[decision.answer].text}", "", *(f"- {reason}" for reason in decision.reasons)]
    show_markdown(f"reponse-{key}", "\n".join(lines) + "\n", "Réponse")
    show_file(f"page-{key}", answered.folder / "page.html", "Décision avant intervention", platform)
    finish_showing()
    return answered


def name_run() -> str:
    """Readable name of the flow run: `AVANT INTERVENTION AQ-123 deploiement`."""
    parameters = runtime.flow_run.parameters
    return f"AVANT INTERVENTION {parameters['ticket']} {InterventionKind(parameters['kind']).value}"


@flow(name="avant-intervention", flow_run_name=name_run, persist_result=False)
def pre_intervention(
    ticket: str,
    kind: InterventionKind,
    touches_replication: YesNo,
    replication_reason: str,
    sensitive: YesNo = YesNo.OUI,
    platform: str = "embarquee",
    person: str = "",
    max_age_hours: float | None = None,
    new_campaign: bool = False,
    runs_dir: str = "runs",
) -> str:
    """Répond GO, GO avec réserves ou NO-GO avant une intervention.

    Args:
        ticket: Référence du ticket, par exemple AQ-123.
        kind: Nature de l'intervention.
        touches_replication: Touche-t-elle la réplication ? Oui : la famille HD est exigée.
        replication_reason: Pourquoi elle la touche, ou non, en une phrase.
        sensitive: Intervention sensible : elle est bloquée sans GO.
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        person: Identifiant de la personne qui demande.
        max_age_hours: Âge maximal du passage, en heures ; vide pour celui de la plateforme.
        new_campaign: Lancer une campagne même si un passage récent existe.
        runs_dir: Dossier des passages.
    """
    asked = make_intervention(
        ticket,
        kind,
        YesNo(sensitive) is YesNo.OUI,
        YesNo(touches_replication) is YesNo.OUI,
        replication_reason,
    )
    loaded = load_platform(platform)
    keep_secrets_of(loaded)
    folder = Path(runs_dir)
    hours = read_max_age(loaded, max_age_hours)
    run_dir = None if new_campaign else find_stage(loaded, asked, folder, hours)
    if run_dir is None:
        run_dir = folder / new_run_id(loaded.name)
        campaign(
            platform=platform,
            families=[FamilyChoice[family.name] for family in asked.families],
            ticket=ticket,
            label="Avant intervention",
            runs_dir=runs_dir,
            run_id=run_dir.name,
            return_state=True,  # its verdict is read from the folder, not from its state
        )
    answered = answer_stage(loaded, asked, run_dir, folder, hours, person)
    message = f"{ANSWERS[answered.decision.answer].text} — {answered.folder / 'page.html'}"
    if answered.decision.answer is Answer.NO_GO:
        raise InterventionBlocked(message)
    return message
