"""Commands of the handover: runbooks to print, to open, to follow and to answer. Their state is in the ledger."""

from __future__ import annotations

import argparse
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import (
    EXIT_INCOMPLETE,
    EXIT_KO,
    EXIT_OK,
    Commands,
    add_platform,
    add_runs_dir,
    add_signing,
)
from nonreg.commands.control import add_actions
from nonreg.errors import UsageError
from nonreg.french import FrenchParser

if TYPE_CHECKING:
    from nonreg.decision import DecisionRequest, SignedDecision
    from nonreg.model.handover import Execution
    from nonreg.people import Person
    from tasks.handover_work import Work

POLL_SECONDS = 0.3
EXIT_CODES = (
    "codes de sortie : 0 toutes les étapes sont faites, 1 une étape a échoué ou l'exécution est abandonnée,\n"
    "2 une réponse est attendue, 3 erreur d'utilisation"
)


def add_commands(commands: Commands) -> None:
    """Add `runbook` and `answer`."""
    runbook = commands.add_parser(
        "runbook", help="runbooks : list, print, open, resume, status, suspend, unsuspend, abandon, revoke"
    )
    actions = runbook.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=FrenchParser
    )
    listing = actions.add_parser("list", help="lister les runbooks")
    listing.set_defaults(run_command=list_all)
    printing = actions.add_parser("print", help="écrire un runbook en HTML et PDF, pour le classeur papier")
    printing.set_defaults(run_command=print_runbook)
    printing.add_argument(
        "runbook", metavar="RUNBOOK", nargs="+", help="identifiant (plusieurs possibles, ou « tous »)"
    )
    printing.add_argument("--output", required=True, metavar="DOSSIER", help="dossier à écrire")
    opening = actions.add_parser(
        "open",
        help="ouvrir une exécution et la suivre jusqu'à la première réponse attendue",
        epilog=EXIT_CODES,
    )
    opening.set_defaults(run_command=open_runbook)
    opening.add_argument("runbook", metavar="RUNBOOK", help="identifiant du runbook")
    opening.add_argument("--subject", default="", metavar="ID", help="personne concernée (le renfort)")
    opening.add_argument("--person", required=True, metavar="ID", help="personne qui l'ouvre")
    opening.add_argument(
        "--ticket", default="", metavar="REF", help="ticket (défaut : celui de la plateforme)"
    )
    opening.add_argument("--rehearsal", action="store_true", help="répétition : jouée pour s'entraîner")
    resuming = actions.add_parser(
        "resume", help="reprendre une exécution à sa première étape non faite", epilog=EXIT_CODES
    )
    resuming.set_defaults(run_command=resume_runbook)
    status = actions.add_parser("status", help="dire où en est une exécution, ou toutes")
    status.set_defaults(run_command=show_status)
    status.add_argument(
        "execution", metavar="EXÉCUTION", nargs="?", default="", help="identifiant, ou sa fin"
    )
    controls = add_actions(actions)
    for command in (resuming, *controls):
        command.add_argument("execution", metavar="EXÉCUTION", help="identifiant, ou sa fin")
    answering = commands.add_parser(
        "answer",
        help="répondre à une étape d'un runbook, ou la signer",
        description="Enregistre la réponse d'une personne à une étape, puis fait avancer l'exécution. Une étape qui\n"
        "engage se signe : --key ou --agent maintenant, ou sans eux la demande à signer est écrite.",
        epilog=EXIT_CODES,
    )
    answering.set_defaults(run_command=answer)
    answering.add_argument("execution", metavar="EXÉCUTION", help="identifiant, ou sa fin")
    answering.add_argument("step", metavar="ÉTAPE", help="identifiant de l'étape, par exemple O1")
    answering.add_argument("values", metavar="CHAMP=VALEUR", nargs="*", help="réponses aux champs de l'étape")
    answering.add_argument("--person", default="", metavar="ID", help="personne qui répond")
    answering.add_argument(
        "--skip", default="", metavar="MOTIF", help="l'étape est sans objet, pour ce motif"
    )
    add_signing(answering)
    for command in (opening, resuming):
        given = command.add_mutually_exclusive_group()
        given.add_argument(
            "--answers", default="", metavar="FICHIER", help="réponses écrites d'avance (répétition)"
        )
        given.add_argument(
            "--ask", action="store_true", help="demander chaque réponse ici, au terminal, champ par champ"
        )
    for command in (opening, resuming, answering):
        command.add_argument(
            "--no-follow", action="store_true", help="enregistrer seulement, sans rien lancer"
        )
    for command in (printing, opening, resuming, status, *controls, answering):
        add_platform(command)
    for command in (opening, resuming, status, *controls, answering):
        add_runs_dir(command)


def list_all(options: argparse.Namespace) -> int:
    """`runbook list`: one line each."""
    from nonreg.handover.runbook_file import find_runbook, list_runbooks

    for name in list_runbooks():
        found = find_runbook(name)
        print(f"{name:30} {found.title} ({len(found.steps)} étapes, version {found.version})")  # noqa: T201
    return EXIT_OK


def print_runbook(options: argparse.Namespace) -> int:
    """`runbook print`: HTML and PDF, with the facts of the site that are known."""
    from nonreg.baseline import governance_dir
    from nonreg.config import load_platform
    from nonreg.handover.runbook_file import find_runbook, list_runbooks, read_facts
    from nonreg.store import write_file
    from reports.html import write_html
    from reports.pdf import write_pdf
    from reports.runbook import build_binder_page

    platform = load_platform(options.platform)
    facts = read_facts(governance_dir(platform.governance)) if platform.governance else {}
    names = list_runbooks() if options.runbook == ["tous"] else options.runbook
    runbooks = [find_runbook(name, facts) for name in names]
    folder = Path(options.output)
    folder.mkdir(parents=True, exist_ok=True)
    for runbook in runbooks:
        page = build_binder_page(runbook)
        write_file(folder / f"{runbook.id}.html", write_html(page))
        write_file(folder / f"{runbook.id}.pdf", write_pdf(page, datetime.now(UTC)))
        missing = f", à compléter : {', '.join(runbook.unknown)}" if runbook.unknown else ""
        print(f"{folder / runbook.id}.html et .pdf{missing}")  # noqa: T201
    return EXIT_OK


def open_runbook(options: argparse.Namespace) -> int:
    """`runbook open`: an execution, followed until a person has to answer."""
    from tasks.handover import open_execution
    from tasks.profiles import say_scope

    work = make_work_of(options)
    execution = open_execution(
        work,
        options.runbook,
        ticket=options.ticket,
        person=options.person,
        subject=options.subject,
        rehearsal=options.rehearsal,
    )
    print(f"Exécution ouverte : {execution.id}", flush=True)  # noqa: T201
    if scope := say_scope(work, options.person):
        print(scope, flush=True)  # noqa: T201
    return go_on(options, work, execution)


def resume_runbook(options: argparse.Namespace) -> int:
    """`runbook resume`: from the first step that is not done."""
    from tasks.handover import load_execution

    work = make_work_of(options)
    return go_on(options, work, load_execution(work, options.execution))


def show_status(options: argparse.Namespace) -> int:
    """`runbook status`: where one stands, or one line for each."""
    from tasks.handover import load_execution

    work = make_work_of(options)
    if options.execution:
        print(describe(work, load_execution(work, options.execution)))  # noqa: T201
        return EXIT_OK
    for execution_id in work.journal.list_ids():
        found = work.journal.load(execution_id)
        if found.platform == work.platform.name:
            print(f"{found.id}  {summarise(found)}")  # noqa: T201
    return EXIT_OK


def answer(options: argparse.Namespace) -> int:
    """`answer`: record it, then go on."""
    from nonreg.handover.answer import Answer, find_human_step
    from nonreg.model.handover import StepKind
    from tasks.handover import answer_step, load_execution

    work = make_work_of(options)
    execution = load_execution(work, options.execution)
    step = find_human_step(execution, options.step)
    values, signed, person = read_values(options.values), None, options.person
    if step.kind is StepKind.SIGNATURE and not options.skip:
        signed = sign(options, work, execution, values)
        if signed is None:
            return EXIT_INCOMPLETE
        person = signed.decision.person
    after = answer_step(work, execution, Answer(step.id, person, values, signed, options.skip))
    print(f"Étape {step.id} : enregistrée.", flush=True)  # noqa: T201
    if os.environ.get("PREFECT_API_URL") and resumes_elsewhere(work, after):
        options.no_follow = True
    return go_on(options, work, after)


def resumes_elsewhere(work: Work, execution: Execution) -> bool:
    """True when a flow run was suspended before the form of this step: it goes on by itself."""
    from tasks.handover_suspended import resume_answered

    resumed = resume_answered(work, execution)
    if resumed:
        print("Le passage suspendu dans l'interface continue.")  # noqa: T201
    return resumed


def sign(
    options: argparse.Namespace, work: Work, execution: Execution, values: dict[str, str]
) -> SignedDecision | None:
    """The signature of an engaging step; None once the request to sign is written instead."""
    from nonreg.commands.governance import obtain_decision
    from nonreg.handover.answer import find_human_step
    from nonreg.handover.form import check_said
    from nonreg.handover.signing import request_signature

    at = datetime.now(UTC)
    step = find_human_step(execution, options.step)
    said = check_said(step, values, at)

    def ask(person: Person) -> DecisionRequest:
        return request_signature(work.platform, execution, step, said, person, at)

    return obtain_decision(options, work.people, ask)


def read_values(words: list[str]) -> dict[str, str]:
    """`field=value` words; UsageError for one that is none."""
    values = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise UsageError(f"« {word} » : une réponse s'écrit champ=valeur.")
        values[name] = value
    return values


def make_work_of(options: argparse.Namespace) -> Work:
    """The platform and the ledger that the options name."""
    from nonreg.handover.scripted import load_played, load_script
    from tasks.handover_work import make_work

    work, answers = make_work(options.platform, Path(options.runs_dir)), getattr(options, "answers", "")
    if answers and "rehearsal" in options:  # what is wrong with it is told before anything is opened
        load_played(work.platform, Path(answers), work.runs_dir, rehearsal=options.rehearsal)
    elif answers:
        load_script(Path(answers), Path())
    return work


def go_on(options: argparse.Namespace, work: Work, execution: Execution) -> int:
    """Follow the execution in a process of its own, tell what is done, and where it stands."""
    if getattr(options, "ask", False):
        from nonreg.commands.asking import ask_to_the_end

        ask_to_the_end(work, execution, lambda one: follow(work, one, ""))
    elif not options.no_follow:
        follow(work, execution, getattr(options, "answers", ""))
    after = work.journal.load(execution.id)
    print(describe(work, after))  # noqa: T201
    if after.closed_at is None:
        return EXIT_KO if waits_for_tool(after) else EXIT_INCOMPLETE
    return EXIT_KO if after.abandoned else EXIT_OK


def follow(work: Work, execution: Execution, answers: str) -> bool:
    """The flow, with one line for each thing that it does; False when it was interrupted."""
    from nonreg.flow_process import flow_process

    folder = work.journal.folder(execution.id)
    parameters = {
        "platform": work.platform_name,
        "execution": execution.id,
        "runs_dir": str(work.runs_dir),
        "answers": answers,
    }
    told, is_whole = len(work.journal.read(execution.id)), True
    try:
        with flow_process(folder, parameters, flow="runbook") as process:
            while process.poll() is None:
                told = tell(work, execution.id, told)
                time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        print("Interrompu : ce qui est fait reste fait.")  # noqa: T201
        is_whole = False
    tell(work, execution.id, told)
    return is_whole


def tell(work: Work, execution_id: str, told: int) -> int:
    """Print the events since the last look; how many there are."""
    entries = work.journal.read(execution_id)
    titles = {step.id: step.title for step in work.journal.build(entries).runbook.steps}
    for entry in entries[told:]:
        step = str(entry.data.get("step", ""))
        match entry.data["event"]:
            case "etape":
                mark = "—" if entry.data["outcome"] == "sans_objet" else "✔"
                by = f" ({entry.person})" if entry.person else ""
                print(f"  {mark} {step:4} {titles.get(step, '')}{by}", flush=True)  # noqa: T201
            case "echec":
                said = f"{entry.data['message']} {entry.data['remedy']}"
                print(f"  ✗ {step:4} {titles.get(step, '')} : {said}", flush=True)  # noqa: T201
            case "debut":
                print(f"  ▶ {step:4} {titles.get(step, '')} : {entry.data['run_id']}", flush=True)  # noqa: T201
    return len(entries)


def waits_for_tool(execution: Execution) -> bool:
    """True when what is to be done next is the tool's: it failed."""
    from nonreg.handover.answer import HUMAN
    from nonreg.handover.state import next_step

    step = next_step(execution)
    return step is not None and step.kind not in HUMAN


def summarise(execution: Execution) -> str:
    """One line: how far it is."""
    from nonreg.handover.state import next_step

    count = f"{len(execution.done)}/{len(execution.runbook.steps)} étapes"
    about = f" pour {execution.subject}" if execution.subject else ""
    played = " (répétition)" if execution.rehearsal else ""
    if execution.abandoned:
        return f"{execution.runbook.title}{about}{played} : abandonnée, {execution.abandoned}"
    if execution.closed_at is not None:
        return f"{execution.runbook.title}{about}{played} : faite, {count}"
    step = next_step(execution)
    return f"{execution.runbook.title}{about}{played} : {count}, à faire {step.id if step else '—'}"


def describe(work: Work, execution: Execution) -> str:
    """Where an execution stands, and what is to be done by whom."""
    from nonreg.handover.answer import HUMAN
    from nonreg.handover.signing import list_who_may
    from nonreg.handover.state import last_failure, next_step
    from reports.delay import say_countdown
    from tasks.handover import RECORD_HTML
    from tasks.handover_work import read_clock

    at = datetime.now(UTC)
    lines = ["", f"{execution.id}", f"  {summarise(execution)}"]
    clock = read_clock(work, execution, at)
    if clock is not None:
        lines += [f"  {one}" for one in say_countdown(execution, clock, at)]
    step = next_step(execution)
    if step is not None:
        lines += ["", f"  {step.id} — {step.title}"]
        if failed := last_failure(execution, step.id):
            lines.append(f"    Dernier essai : {failed.message} {failed.remedy}")
        if step.kind in HUMAN:
            allowed = [
                one.id
                for one in list_who_may(
                    execution, step, work.people, at, work.journal.list_delegations(execution)
                )
            ]
            lines += [f"    {line}" for line in step.instructions.strip().splitlines()]
            words = " ".join(f"{one.id}=…" for one in step.fields)
            lines += [
                f"    Par : {', '.join(allowed) or 'personne d’habilité'}",
                f"    python -m nonreg answer {execution.id} {step.id} {words} --person ID "
                f"--platform {work.platform_name}",
            ]
        else:
            lines.append(
                f"    python -m nonreg runbook resume {execution.id} --platform {work.platform_name}"
            )
    page = work.journal.folder(execution.id) / RECORD_HTML
    if page.is_file():
        lines += ["", f"  Relevé : {page}"]
    return "\n".join(lines)
