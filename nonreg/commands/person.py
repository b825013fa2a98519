"""`python -m nonreg person export|erase`: what is held about a person, for them, or erased on their request."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, Commands, add_platform, add_runs_dir
from nonreg.french import FrenchParser


def add_commands(commands: Commands) -> None:
    """Add `person`."""
    person = commands.add_parser("person", help="données personnelles : export, erase")
    actions = person.add_subparsers(dest="action", metavar="ACTION", required=True, parser_class=FrenchParser)
    export = actions.add_parser("export", help="tout ce qui est détenu sur une personne : JSON et page HTML")
    export.set_defaults(run_command=export_person)
    export.add_argument(
        "--output", required=True, metavar="DOSSIER", help="dossier à écrire, hors des passages"
    )
    erase = actions.add_parser(
        "erase",
        help="effacer une personne ; sans --apply, montre seulement",
        description="Nom, comptes, courriels et numéros laissent la place à l'identifiant, partout où rien n'est "
        "scellé ; ce qui l'est est listé avec la date où il est retiré. Les clés publiques restent, sans nom.",
        epilog="codes de sortie : 0 fait, 1 registre altéré, 2 quelque chose reste à faire, 3 erreur d'utilisation",
    )
    erase.set_defaults(run_command=erase_person)
    erase.add_argument("--apply", action="store_true", help="effacer vraiment, et l'inscrire au registre")
    for command in (export, erase):
        command.add_argument("person", metavar="ID", help="identifiant dans le fichier des personnes")
        command.add_argument("--ticket", required=True, metavar="REF", help="ticket de la demande")
        command.add_argument(
            "--also",
            action="append",
            default=[],
            metavar="MOT",
            help="autre écriture à chercher : courriel, numéro, surnom (répétable)",
        )
        add_platform(command)
        add_runs_dir(command)


def export_person(options: argparse.Namespace) -> int:
    """`person export`: one sentence, and where the page is."""
    from reports.personal import say_held
    from tasks.handover_work import make_work
    from tasks.personal import gather_person, keep_export

    work = make_work(options.platform, Path(options.runs_dir))
    held = gather_person(work, options.person, options.also, datetime.now(UTC))
    page = keep_export(work, held, Path(options.output), options.ticket)
    print("\n".join([f"{say_held(held)}.", *held.missing, f"Page : {page}"]))  # noqa: T201
    return EXIT_OK


def erase_person(options: argparse.Namespace) -> int:
    """`person erase`: what is rewritten, what stays and until when, what somebody has to do."""
    from nonreg.model.personal import Fate
    from reports.personal import render_erased
    from tasks import personal
    from tasks.handover_work import make_work

    work = make_work(options.platform, Path(options.runs_dir))
    now = datetime.now(UTC)
    done = personal.erase_person(work, options.person, options.also, options.ticket, now, apply=options.apply)
    print(render_erased(done))  # noqa: T201
    later = any(one.fate in (Fate.WAITING, Fate.HAND) for one in done.traces)
    return EXIT_INCOMPLETE if later else EXIT_OK
