"""`python -m nonreg steering`: the pack of the weekly review, or of the COPIL."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from nonreg.commands import EXIT_OK, Commands, add_platform, add_runs_dir
from nonreg.errors import UsageError


def add_commands(commands: Commands) -> None:
    """Add `steering`."""
    command = commands.add_parser(
        "steering",
        help="préparer la revue hebdomadaire ou le COPIL : indicateurs, échéances, forfait, reste à faire",
        description="Établit la revue de la dernière semaine entière, ou du ou des derniers mois entiers, la garde "
        "dans revues/ (HTML, PDF, JSON, CSV, XLSX) et l'inscrit au registre.",
        epilog="codes de sortie : 0 revue établie, 1 registre altéré, 3 erreur d'utilisation",
    )
    command.set_defaults(run_command=make_pack)
    command.add_argument("meeting", choices=("hebdo", "copil"), help="hebdo ou copil")
    add_platform(command)
    add_runs_dir(command)
    command.add_argument(
        "--at",
        default="",
        metavar="AAAA-MM-JJ",
        help="de la dernière période entière avant ce jour (défaut : aujourd'hui)",
    )
    command.add_argument(
        "--ticket", default="", metavar="AQ-N", help="ticket de la réunion (défaut : celui de la plateforme)"
    )


def make_pack(options: argparse.Namespace) -> int:
    """One line for each thing to act upon, then where the pack is."""
    from nonreg.model.steering import PackKind
    from reports.steering import TITLES, name_period, say_pack
    from tasks.handover_work import make_work
    from tasks.steering import keep_pack, prepare_pack

    work = make_work(options.platform, Path(options.runs_dir))
    of = read_day(options.at) if options.at else None
    pack = prepare_pack(work, PackKind(options.meeting), datetime.now(UTC), options.ticket, of)
    page = keep_pack(work, pack, options.ticket)
    lines = [f"{TITLES[pack.kind]} {name_period(pack.period)} : {say_pack(pack)}"]
    lines += [f"  ! {one}" for one in pack.list_warnings()]
    lines += [f"  n.d. : {one}" for one in pack.missing]
    print("\n".join([*lines, f"Page : {page}"]))  # noqa: T201
    return EXIT_OK


def read_day(words: str) -> datetime:
    """Noon of a day in Paris, in the past; UsageError for anything else."""
    from datetime import date, time

    from nonreg.working_time import PARIS

    try:
        at = datetime.combine(date.fromisoformat(words), time(12), PARIS)
    except ValueError as error:
        raise UsageError(f"--at : un jour est attendu (2026-11-30), pas « {words} ».") from error
    if at > datetime.now(UTC):
        raise UsageError(f"--at : le {at:%d/%m/%Y} est dans l'avenir.")
    return at
