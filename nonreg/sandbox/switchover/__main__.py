"""Command line of the switchover tool; what an operator reads is French."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import NoReturn

import psycopg

from nonreg.errors import NonregError
from nonreg.sandbox.layout import DATABASE_SITES, DEFAULT_DIR, Layout, load_layout
from nonreg.sandbox.switchover.forced import force_over
from nonreg.sandbox.switchover.lock import hold_tool
from nonreg.sandbox.switchover.nodes import other_site
from nonreg.sandbox.switchover.planned import CATCH_UP_SECONDS, first_line, switch_over
from nonreg.sandbox.switchover.progress import Steps
from nonreg.sandbox.switchover.reinitialisation import COPY_SECONDS, reinitialise
from nonreg.sandbox.switchover.report import show_state
from nonreg.screen import guarded
from nonreg.waiting import DeadlinePassed

USAGE = "bascule --vers SITE [--force] | --reinitialiser SITE | --etat"


class FrenchParser(argparse.ArgumentParser):
    """Refuses in one French sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit code 3, as for every wrong use of the project's commands."""
        self.exit(3, f"Utilisation : {USAGE} ({message}).\n")


def write(line: str) -> None:
    """One line for the operator; a work begun is not given up because he left."""
    with suppress(OSError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def build_parser() -> FrenchParser:
    """The options."""
    parser = FrenchParser(prog="bascule", description="Gestionnaire de bascule", add_help=False)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=argparse.SUPPRESS)
    parser.add_argument("--vers", choices=DATABASE_SITES, help="site qui doit devenir actif")
    parser.add_argument("--force", action="store_true", help="sans l'autre site, qui est perdu")
    parser.add_argument(
        "--reinitialiser", choices=DATABASE_SITES, help="site qui doit recevoir une copie entière de l'actif"
    )
    parser.add_argument("--etat", action="store_true", help="rôles et réplication vus par chaque site")
    parser.add_argument("--delai", type=float, help="attente du passif, en secondes")
    return parser


def work(layout: Layout, arguments: argparse.Namespace, steps: Steps) -> str:
    """Do what was asked, as the only tool of the platform; the last line to print."""
    with hold_tool(layout) as mandates:
        if arguments.reinitialiser:
            site = arguments.reinitialiser
            reinitialise(layout, mandates, site, steps, arguments.delai or COPY_SECONDS)
            return f"Réinitialisation terminée : {site} reçoit tout de {other_site(site)}"
        if arguments.force:
            force_over(layout, mandates, arguments.vers, steps)
        else:
            switch_over(layout, mandates, arguments.vers, steps, arguments.delai or CATCH_UP_SECONDS)
        return f"Bascule terminée : {arguments.vers} est actif"


def interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM is an operator who gives up: the switchover goes back."""
    raise KeyboardInterrupt("interrompue")


@guarded()
def main(words: Sequence[str] | None = None) -> int:
    """0 when done, 1 when refused or abandoned, 3 for a wrong option (SystemExit)."""
    parser = build_parser()
    arguments = parser.parse_args(words)
    if [arguments.etat, bool(arguments.vers), bool(arguments.reinitialiser)].count(True) != 1:
        parser.error("une seule de ces options est attendue")
    if arguments.force and not arguments.vers:
        parser.error("--force va avec --vers")
    layout = load_layout(arguments.dir)
    if layout is None:
        sys.stderr.write("Aucune plateforme embarquée dans ce dossier.\n")
        return 3
    if arguments.etat:
        show_state(layout, write)
        return 0
    steps = Steps(write)
    try:
        done = work(layout, arguments, steps)
    except (NonregError, psycopg.Error, DeadlinePassed, KeyboardInterrupt) as error:
        with suppress(OSError):
            sys.stderr.write(f"{first_line(error)}.\n")
        return 1
    write(f"{done} ({steps.total_seconds:.2f} s).")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, interrupt)
    sys.exit(main())
