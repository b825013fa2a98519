"""Any runbook, followed step by step by whoever opens or resumes it: dossier d'urgence, hand-back, rehearsal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from prefect import State, flow, get_run_logger, runtime
from prefect.states import Completed, Failed

from flows.askers import Asker, Nobody, Scripted, Suspending, Waiting
from flows.forms import name_field
from flows.steps import follow
from nonreg.handover.profiles import Thing
from nonreg.handover.scripted import load_played
from nonreg.model.handover import Execution
from tasks.handover import load_execution, open_execution
from tasks.handover_work import Work, make_work
from tasks.outliving import outlive
from tasks.profiles import require_may_start, say_scope
from tasks.showing import keep_secrets_of, rename_run
from tasks.tracking import telling_tickets

outlive()


def name_run() -> str:
    """Readable name of the flow run: `RUNBOOK deploiement` or `REPRISE 3fa1c2`."""
    parameters = runtime.flow_run.parameters
    known = parameters["execution"]
    return f"REPRISE {known[-6:]}" if known else f"RUNBOOK {parameters['runbook']}"


@flow(name="runbook", flow_run_name=name_run, persist_result=False)
def follow_runbook(
    runbook: Annotated[str, name_field("Runbook")] = "",
    person: Annotated[str, name_field("Qui ouvre")] = "",
    subject: Annotated[str, name_field("Personne concernée")] = "",
    ticket: Annotated[str, name_field("Ticket")] = "",
    platform: Annotated[str, name_field("Plateforme")] = "embarquee",
    execution: Annotated[str, name_field("Exécution à reprendre")] = "",
    rehearsal: Annotated[bool, name_field("Répétition")] = False,
    runs_dir: Annotated[str, name_field("Technique : dossier des passages")] = "runs",
    answers: Annotated[str, name_field("Technique : réponses écrites d'avance")] = "",
) -> State[str]:
    """Suit un runbook étape par étape : procédures du dossier d'urgence, restitution, répétitions.

    Args:
        runbook: Identifiant du runbook, par exemple deploiement ; vide pour reprendre une exécution.
        person: Identifiant de la personne qui l'ouvre.
        subject: Identifiant de la personne concernée, s'il y en a une.
        ticket: Référence du ticket ; vide pour celle que la plateforme donne par défaut.
        platform: Nom de la plateforme (nonreg/platforms) ou chemin de son fichier TOML.
        execution: Une exécution commencée, de n'importe quel runbook, pour la reprendre où elle en est.
        rehearsal: Jouée pour s'entraîner : rien n'engage, et elle compte comme répétition du runbook.
        runs_dir: Dossier des passages et du registre.
        answers: Fichier de réponses, pour une répétition que personne ne suit.
    """
    return follow_or_open(platform, runs_dir, runbook, person, subject, ticket, execution, rehearsal, answers)


def follow_or_open(
    platform: str,
    runs_dir: str,
    runbook: str,
    person: str,
    subject: str,
    ticket: str,
    execution: str,
    rehearsal: bool,
    answers: str,
    deployment: str = "runbook",
) -> State[str]:
    """The execution named, or a new one, followed as far as it goes; one sentence says where it stands.

    Whoever opens one must be allowed to start `deployment` and the runbook; the scope signed for them is logged.
    """
    work, origin = make_work(platform, Path(runs_dir)), str(runtime.flow_run.id)
    keep_secrets_of(work.platform)
    if scope := say_scope(work, person):
        get_run_logger().info("%s", scope)
    known = load_execution(work, execution) if execution else None
    asker = choose_asker(work, answers, rehearsal=known.rehearsal if known else rehearsal)
    if known is not None:
        found = known
    else:
        if work.journal.find_origin(origin) is None:
            require_may_start(work, person, Thing.DEPLOYMENT, deployment, rehearsal=rehearsal)
        found = open_execution(
            work,
            runbook,
            ticket=ticket,
            person=person,
            subject=subject,
            rehearsal=rehearsal,
            origin=origin,
        )
    return conclude(work, found, asker)


def choose_asker(work: Work, answers: str, *, rehearsal: bool) -> Asker:
    """A file, the forms of a deployment, or nobody; UsageError for a file that may not answer, before it would."""
    if answers:
        return Scripted(load_played(work.platform, Path(answers), work.runs_dir, rehearsal=rehearsal))
    return Suspending() if runtime.deployment.id else Nobody()


def conclude(work: Work, execution: Execution, asker: Asker) -> State[str]:
    """Follow it as far as it goes, and say in one sentence where it stands."""
    try:
        with telling_tickets(work.platform_name, work.runs_dir, get_run_logger().info):
            after = follow(work, execution, asker)
    except Waiting as waiting:
        return Completed(name="EnAttente", message=str(waiting), data=execution.id)
    if after.abandoned:
        return Failed(message=f"Abandonnée : {after.abandoned} ({after.id})")
    rename_run(f"{runtime.flow_run.name} — FAIT")
    return Completed(message=f"Toutes les étapes sont faites ({after.id})", data=after.id)
