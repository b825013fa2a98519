"""The commands of `python -m nonreg`: one module a subject, each adds its own to the parser.

Like `nonreg.__main__` these may import flows, tasks and reports, inside the functions that need them.
A command is a function of the parsed options that returns the exit code.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from nonreg.french import FrenchParser

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[FrenchParser]
else:
    Commands = object

EXIT_OK, EXIT_KO, EXIT_INCOMPLETE = 0, 1, 2
RUNS_DIR = "runs"


def add_platform(command: argparse.ArgumentParser) -> None:
    """Add `--platform`: a platform by name or by its file."""
    command.add_argument(
        "--platform", default="embarquee", metavar="NOM|FICHIER", help="plateforme (défaut : embarquee)"
    )


def add_runs_dir(command: argparse.ArgumentParser) -> None:
    """Add `--runs-dir`: the folder of runs, with its ledger."""
    command.add_argument(
        "--runs-dir", default=RUNS_DIR, metavar="DOSSIER", help=f"dossier des passages (défaut : {RUNS_DIR})"
    )


def add_signing(command: argparse.ArgumentParser, *, decision: bool = True) -> None:
    """Add how a decision is signed: now, with `--key` or `--agent`, or elsewhere, and then given by `--decision`."""
    command.add_argument("--key", metavar="FICHIER", help="sa clé SSH privée, pour signer maintenant")
    command.add_argument(
        "--agent", action="store_true", help="sa clé dans l'agent SSH, pour signer maintenant"
    )
    command.add_argument("--yes", action="store_true", help="ne pas demander confirmation au terminal")
    if decision:
        command.add_argument("--decision", metavar="FICHIER", help="décision déjà signée (.signed.json)")
