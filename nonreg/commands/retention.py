"""`python -m nonreg retention plan|purge`: what is kept no longer, shown first, then removed with its own evidence."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, Commands, add_platform, add_runs_dir
from nonreg.french import FrenchParser


def add_commands(commands: Commands) -> None:
    """Add `retention`."""
    retention = commands.add_parser(
        "retention", help="durées de conservation : plan, purge (montre d'abord, retire avec --apply)"
    )
    actions = retention.add_subparsers(
        dest="action", metavar="ACTION", required=True, parser_class=FrenchParser
    )
    plan = actions.add_parser(
        "plan", help="montrer ce qui a dépassé sa durée : ce qui serait retiré, ce qui est gardé et pourquoi"
    )
    plan.set_defaults(run_command=show_plan)
    purge = actions.add_parser(
        "purge",
        help="retirer ce qui a dépassé sa durée ; sans --apply, montre seulement",
        epilog="codes de sortie : 0 fait (ou rien à faire), 1 registre altéré, 2 quelque chose est resté en place,\n"
        "3 erreur d'utilisation",
    )
    purge.set_defaults(run_command=run_purge)
    purge.add_argument("--apply", action="store_true", help="retirer vraiment, et l'inscrire au registre")
    purge.add_argument("--ticket", default="", metavar="REF", help="ticket (défaut : celui de la plateforme)")
    purge.add_argument("--person", default="", metavar="ID", help="qui le demande, inscrit au registre")
    for command in (plan, purge):
        add_platform(command)
        add_runs_dir(command)


def show_plan(options: argparse.Namespace) -> int:
    """`retention plan`, and `purge` without --apply: the table, and nothing else."""
    from reports.retention import render_plan
    from tasks.handover_work import make_work
    from tasks.retention import prepare_purge

    work = make_work(options.platform, Path(options.runs_dir))
    print(render_plan(prepare_purge(work, datetime.now(UTC))))  # noqa: T201
    return EXIT_OK


def run_purge(options: argparse.Namespace) -> int:
    """`retention purge`: the table; with --apply, what was done and where its evidence is."""
    from nonreg.retention.figures import PURGES
    from reports.retention import list_left, say_purged
    from tasks.handover_work import make_work
    from tasks.retention import purge

    code = show_plan(options)
    if not options.apply:
        print("\nRien n'a été retiré : ajoutez --apply pour le faire.")  # noqa: T201
        return code
    work = make_work(options.platform, Path(options.runs_dir))
    done = purge(work, datetime.now(UTC), options.ticket, options.person)
    lines = ["", say_purged(done), *list_left(done.left)]
    if done.id:
        lines.append(f"Preuve : {work.runs_dir / PURGES / done.id}")
    print("\n".join(lines))  # noqa: T201
    return EXIT_INCOMPLETE if done.left else EXIT_OK
