"""`python -m nonreg readiness`: could a renfort take over now?"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

from nonreg.commands import EXIT_KO, EXIT_OK, Commands, add_platform, add_runs_dir


def add_commands(commands: Commands) -> None:
    """Add `readiness`."""
    command = commands.add_parser(
        "readiness",
        help="dire si un renfort pourrait prendre la suite : dossier d'urgence, répétitions, renforts",
        description="Score de 0 à 100, et pour chaque point perdu sa raison et comment y remédier.",
        epilog="codes de sortie : 0 PRÊT, avec ou sans réserves, 1 NON PRÊT ou registre altéré, "
        "3 erreur d'utilisation",
    )
    command.set_defaults(run_command=show_readiness)
    add_platform(command)
    add_runs_dir(command)
    command.add_argument(
        "--keep", action="store_true", help="garder la page (disponibilite/) et l'inscrire au registre"
    )


def show_readiness(options: argparse.Namespace) -> int:
    """One line for each thing; those which are not good with their remedy."""
    from nonreg.model.readiness import Grade, Word
    from reports.readiness import CHAPTERS, GRADES, say_readiness
    from tasks.handover_work import make_work
    from tasks.readiness import keep_readiness, measure_readiness

    work = make_work(options.platform, Path(options.runs_dir))
    readiness = measure_readiness(work, datetime.now(UTC))
    lines = [say_readiness(readiness)]
    chapter = None
    for one in readiness.items:
        if one.chapter is not chapter:
            chapter = one.chapter
            lines += ["", CHAPTERS[chapter]]
        lines.append(f"  {GRADES[one.grade].sign} {one.title} : {one.found}")
        if one.grade is not Grade.GOOD:
            lines.append(f"      {f'−{one.lost:.1f}'.replace('.', ',')} : {one.remedy}")
    print("\n".join(lines))  # noqa: T201
    if options.keep:
        print(f"\nPage : {keep_readiness(work, readiness)}")  # noqa: T201
    return EXIT_KO if readiness.word is Word.NOT_READY else EXIT_OK
