"""`python -m nonreg document …`: draft, render, validate and follow the documents of the contract."""

from __future__ import annotations

import argparse
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_KO, EXIT_OK, Commands, add_platform, add_runs_dir, add_signing
from nonreg.errors import UsageError
from nonreg.french import FrenchParser

if TYPE_CHECKING:
    from nonreg.decision import DecisionRequest
    from nonreg.people import Person
    from tasks.documents import Made
    from tasks.handover_work import Work

KINDS = ("A.1", "A.2", "A.3", "A.9", "A.11")
EVENTS = ("envoi", "remarques", "integration")
SHOWN = 20


def add_commands(commands: Commands) -> None:
    """Add `document`."""
    document = commands.add_parser(
        "document", help="documents du marché (A.1, A.2, A.3, A.9, A.11) : new, render, validate, event, list"
    )
    actions = document.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=FrenchParser
    )
    new = actions.add_parser(
        "new",
        help="préparer un projet, prérempli de ce que le suivi, le registre et l'historique savent",
        description="A.1 note de livraison, A.2 rapport de tests final, A.3 rapport d'intervention urgente,\n"
        "A.9 relevé de décisions, A.11 journal des corrections. Le projet est un fichier TOML à compléter.",
    )
    new.set_defaults(run_command=start)
    new.add_argument("kind", metavar="GENRE", choices=KINDS, help=f"genre : {', '.join(KINDS)}")
    new.add_argument("--ticket", required=True, metavar="REF", help="ticket du document, par exemple AQ-123")
    new.add_argument("--run", default="", metavar="PASSAGE", help="A.1, A.2 : passage (défaut : le dernier)")
    new.add_argument("--folder", default="", metavar="DOSSIER", help="A.1 : dossier des fichiers livrés")
    new.add_argument(
        "--version",
        default="",
        metavar="VERSION",
        help="A.1 : version livrée (défaut : celle de la plateforme)",
    )
    new.add_argument("--held-on", default="", metavar="JOUR", help="A.9 : jour de la réunion, 2026-12-31")
    new.add_argument(
        "--first", default="", metavar="JOUR", help="A.11 : premier jour (défaut : celui du mois d'avant)"
    )
    new.add_argument("--last", default="", metavar="JOUR", help="A.11 : dernier jour")
    render = actions.add_parser(
        "render",
        help="rendre un document en HTML, PDF et .docx, et dire ce qui lui manque",
        epilog="codes de sortie : 0 rien ne manque, 1 il ne peut pas être validé comme il est, 3 erreur d'utilisation",
    )
    render.set_defaults(run_command=render_one)
    validate = actions.add_parser(
        "validate",
        help="faire valider un document, par la signature du titulaire et d'elle seule",
        description="Montre la fiche, la fait signer (--key, --agent, ou la demande à signer puis --decision),\n"
        "inscrit la décision au registre et archive ce qui a été validé.",
    )
    validate.set_defaults(run_command=validate_one)
    validate.add_argument("--reason", default="", metavar="TEXTE", help="motif de la décision")
    validate.add_argument("--person", default="", metavar="ID", help="personne qui valide")
    add_signing(validate)
    event = actions.add_parser(
        "event", help="inscrire l'envoi d'un relevé, la réception de remarques ou leur intégration"
    )
    event.set_defaults(run_command=record)
    listing = actions.add_parser("list", help="lister les documents et leur état")
    listing.set_defaults(run_command=list_all)
    for action in (render, validate, event):
        action.add_argument(
            "document", metavar="DOCUMENT", help="identifiant, par exemple A9-20261231-1a2b3c"
        )
    event.add_argument("event", metavar="ÉVÉNEMENT", choices=EVENTS, help=f"un de : {', '.join(EVENTS)}")
    event.add_argument("--person", required=True, metavar="ID", help="personne qui le déclare")
    event.add_argument(
        "--at",
        default="",
        metavar="INSTANT",
        help="quand, avec fuseau : 2026-12-31T18:00+01:00 (défaut : maintenant)",
    )
    event.add_argument(
        "--note", default="", metavar="TEXTE", help="référence ou précision, sans nom de personne"
    )
    for action in (new, render, validate, event, listing):
        add_platform(action)
        add_runs_dir(action)


def open_work(options: argparse.Namespace) -> Work:
    """What the documents of a platform are made with."""
    from tasks.handover_work import make_work

    return make_work(options.platform, Path(options.runs_dir))


def start(options: argparse.Namespace) -> int:
    """`document new`: a draft to be completed, and the sources that did not answer."""
    from nonreg.model.documents import DocumentKind
    from tasks.document_drafts import Asked
    from tasks.documents import start_document

    asked = Asked(
        DocumentKind(options.kind),
        options.ticket,
        options.run.rstrip("/").rpartition("/")[2],
        str(Path(options.folder).resolve()) if options.folder else "",
        options.version,
        parse_day(options.held_on),
        parse_day(options.first),
        parse_day(options.last),
    )
    path, missing = start_document(open_work(options), asked, datetime.now(UTC))
    print(f"Projet : {path}")  # noqa: T201
    for source in missing:
        print(f"Non lu : {source}")  # noqa: T201
    print(f"À compléter, puis : python -m nonreg document render {path.parent.name}")  # noqa: T201
    return EXIT_OK


def render_one(options: argparse.Namespace) -> int:
    """`document render`: three files, and what is missing."""
    from tasks.document_archive import DOCX, HTML, PDF
    from tasks.documents import render_document

    folder, made = render_document(open_work(options), options.document, datetime.now(UTC))
    tell(made)
    print("\n".join(["", *(str(folder / name) for name in (HTML, PDF, DOCX))]))  # noqa: T201
    return EXIT_KO if made.obstacles else EXIT_OK


def tell(made: Made) -> None:
    """What a document is, and why it cannot be validated as it is."""
    document = made.document
    lines = [
        f"{made.draft.document.id} — {document.title}",
        f"{document.status} ; {document.verdict_label.lower()} : {document.verdict.text}",
        *([made.status.problem] if made.status.problem else []),
        *(f"  {one}" for one in made.obstacles[:SHOWN]),
    ]
    if len(made.obstacles) > SHOWN:
        lines.append(f"  … et {len(made.obstacles) - SHOWN} autres.")
    print("\n".join(lines))  # noqa: T201


def validate_one(options: argparse.Namespace) -> int:
    """`document validate`: shown, signed, recorded, archived."""
    from nonreg.commands.governance import obtain_decision
    from nonreg.documents.validation import request_validation
    from tasks.documents import make_document, require_validable, validate_document

    work = open_work(options)

    def ask(person: Person) -> DecisionRequest:
        made = make_document(work, options.document, datetime.now(UTC))
        require_validable(made)
        return request_validation(work.platform, made.sheet, person, options.reason, datetime.now(UTC))

    signed = obtain_decision(options, work.people, ask)
    if signed is None:
        return EXIT_OK
    folder, made = validate_document(work, options.document, signed, datetime.now(UTC))
    tell(made)
    print(f"Archivé : {folder}")  # noqa: T201
    return EXIT_OK


def record(options: argparse.Namespace) -> int:
    """`document event`: one line of the ledger, then the document as it stands."""
    from nonreg.handover.profiles import Thing
    from nonreg.model.documents import RecordEvent
    from tasks.documents import record_event, render_document
    from tasks.profiles import require_may_start

    now = datetime.now(UTC)
    work = open_work(options)
    require_may_start(work, options.person, Thing.COMMAND, options.command)
    head = record_event(
        work,
        options.document,
        RecordEvent(options.event),
        options.person,
        parse_moment(options.at) or now,
        options.note.strip(),
        now,
    )
    print(f"Inscrit au registre, ligne {head.sequence}.")  # noqa: T201
    _, made = render_document(work, options.document, datetime.now(UTC))
    tell(made)
    return EXIT_OK


def list_all(options: argparse.Namespace) -> int:
    """`document list`: one line a document."""
    from tasks.documents import list_documents

    found = list_documents(open_work(options), datetime.now(UTC))
    for one in found:
        if one.made is None:
            print(f"{one.id:<20}  illisible : {one.problem}")  # noqa: T201
            continue
        document, left = one.made.document, len(one.made.obstacles)
        missing = f", {left} point(s) à régler" if left else ""
        print(f"{one.id:<20}  {document.status:<20}  {document.verdict.text}{missing}")  # noqa: T201
    print(f"{len(found)} document(s)")  # noqa: T201
    return EXIT_OK


def parse_day(text: str) -> date | None:
    """A day, None for none; UsageError for what is no day."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(f"Jour illisible : « {text[:40]} » (attendu : 2026-12-31).") from error


def parse_moment(text: str) -> datetime | None:
    """An instant with its zone, None for none; UsageError otherwise."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise UsageError(
            f"Instant illisible : « {text[:40]} » (attendu : 2026-12-31T18:00+01:00)."
        ) from error
    if moment is not None and moment.tzinfo is None:
        raise UsageError(f"L'instant « {text[:40]} » n'a pas de fuseau (attendu : 2026-12-31T18:00+01:00).")
    return moment
