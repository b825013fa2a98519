"""Activation of renforts: the decision table chooses, one execution a profile is opened, the first is followed."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime

from flows.forms import name_field
from flows.runbook import choose_asker, follow_or_open
from nonreg.handover.activation import Need, OpenAnomaly, Profile, Reason
from nonreg.working_time import PARIS
from reports.activation import describe_activation
from tasks.activation import Asked, Opened, open_activation
from tasks.handover_work import make_work
from tasks.showing import clean_errors, finish_showing, keep_secrets_of, show_markdown


def name_run() -> str:
    """Readable name of the flow run: `ACTIVATION pointe AQ-12`."""
    parameters = runtime.flow_run.parameters
    return f"ACTIVATION {Reason(parameters['reason'])} {parameters['ticket']}".strip()


@flow(name="activation", flow_run_name=name_run, persist_result=False)
def activation(
    reason: Annotated[Reason, name_field("Motif")],
    anomaly: Annotated[OpenAnomaly, name_field("Anomalie ouverte la plus grave")],
    needs: Annotated[list[Need], name_field("Besoin")],
    person: Annotated[str, name_field("Qui demande")],
    ticket: Annotated[str, name_field("Ticket")] = "",
    called_at: Annotated[datetime | None, name_field("Urgence : appel passé le")] = None,
    technique: Annotated[str, name_field("Renfort technique")] = "",
    pilotage: Annotated[str, name_field("Renfort pilotage")] = "",
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    rehearsal: Annotated[bool, name_field("Répétition")] = False,
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
    answers: Annotated[str, name_field("Technique : réponses écrites d'avance")] = "",
) -> State[str]:
    """Active un ou deux renforts : la table de décision choisit profils, runbook et urgence ; une horloge par profil.

    Args:
        reason: Pourquoi un renfort est demandé ; il choisit le runbook.
        anomaly: La plus grave des anomalies ouvertes, « aucune » s'il n'y en a pas.
        needs: Ce qu'il y a à faire : un besoin ou plusieurs.
        person: Identifiant de la personne qui demande l'activation.
        ticket: Référence du ticket, exigée d'une urgence ; vide pour celle que la plateforme donne par défaut.
        called_at: Quand l'appel d'une urgence a été passé, pour un motif dont le runbook ne le demande pas.
        technique: Identifiant du renfort technique ; vide pour le premier mobilisable du fichier des personnes.
        pilotage: Identifiant du renfort pilotage ; vide pour le premier mobilisable du fichier des personnes.
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        rehearsal: Jouée pour s'entraîner : rien n'engage, et elle compte comme répétition du runbook.
        runs_dir: Dossier des passages et du registre.
        answers: Fichier de réponses, pour une répétition que personne ne suit.
    """
    work = make_work(platform, Path(runs_dir))
    keep_secrets_of(work.platform)
    with clean_errors():
        choose_asker(work, answers, rehearsal=rehearsal)  # a file that may not answer opens nothing
        asked = Asked(
            reason,
            anomaly,
            tuple(needs),
            person,
            ticket,
            {Profile.TECHNIQUE: technique, Profile.PILOTAGE: pilotage},
            place(called_at),
            rehearsal,
        )
        opened = open_activation(work, asked, str(runtime.flow_run.id))
    show_opened(opened, platform)
    first = opened.executions[0]
    return follow_or_open(platform, runs_dir, "", person, "", ticket, first.id, rehearsal, answers)


def place(moment: datetime | None) -> datetime | None:
    """An instant without a zone is on the clock of Paris."""
    return moment.replace(tzinfo=PARIS) if moment is not None and moment.tzinfo is None else moment


def show_opened(opened: Opened, platform: str) -> None:
    """What was chosen and opened, in the UI and in the log."""
    words = describe_activation(
        opened.executions,
        opened.choice.justification,
        urgent=opened.choice.urgent,
        others=opened.others,
        platform=platform,
    )
    first, *rest = opened.executions
    show_markdown(f"activation-{first.id.rsplit('-', 1)[-1].lower()}", words, "Activation ouverte")
    finish_showing()
    log = get_run_logger()
    log.info("%s", opened.choice.justification)
    for one in rest:
        log.info("Autre exécution, à reprendre par le déploiement « runbook » : %s (%s)", one.id, one.subject)
