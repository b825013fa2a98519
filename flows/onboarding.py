"""Onboarding of a renfort: the runbook `integration`, followed step by step, by whoever resumes it."""

from __future__ import annotations

from typing import Annotated

from prefect import State, flow, runtime

from flows.forms import name_field
from flows.runbook import follow_or_open

RUNBOOK = "integration"


def name_run() -> str:
    """Readable name of the flow run: `INTEGRATION renfort-technique-1`."""
    parameters = runtime.flow_run.parameters
    return f"INTÉGRATION {parameters['renfort'] or parameters['execution'][-6:]}"


@flow(name="integration", flow_run_name=name_run, persist_result=False)
def onboarding(
    renfort: Annotated[str, name_field("Renfort")] = "",
    person: Annotated[str, name_field("Qui demande")] = "",
    ticket: Annotated[str, name_field("Ticket")] = "",
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    execution: Annotated[str, name_field("Exécution à reprendre")] = "",
    rehearsal: Annotated[bool, name_field("Répétition")] = False,
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
    answers: Annotated[str, name_field("Technique : réponses écrites d'avance")] = "",
) -> State[str]:
    """Intègre un renfort : contrat, accès, droits, lectures, campagnes, périmètre, mise en capacité.

    Args:
        renfort: Identifiant de la personne à intégrer, dans le fichier des personnes.
        person: Identifiant de la personne qui demande l'intégration.
        ticket: Référence du ticket ; vide pour celle que la plateforme donne par défaut.
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        execution: Une exécution commencée, pour la reprendre où elle en est ; vide pour en ouvrir une.
        rehearsal: Jouée pour s'entraîner : rien n'engage, et elle compte comme répétition du runbook.
        runs_dir: Dossier des passages et du registre.
        answers: Fichier de réponses, pour une répétition que personne ne suit.
    """
    return follow_or_open(
        platform,
        runs_dir,
        RUNBOOK,
        person,
        renfort,
        ticket,
        execution,
        rehearsal,
        answers,
        deployment=RUNBOOK,
    )
