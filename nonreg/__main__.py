"""Command line: `python -m nonreg …`. Everything heavy is imported when it is needed."""

from __future__ import annotations

import sys

import nonreg.begun  # noqa: F401 - before anything is done: what a command adds to a new ledger is its own
from nonreg.commands import (
    EXIT_INCOMPLETE,
    EXIT_KO,
    activation,
    campaign,
    comparison,
    decisions,
    documents,
    drills,
    evidence,
    governance,
    handover,
    history,
    intervention,
    migration,
    person,
    readiness,
    retention,
    sqlserver,
    steering,
    tracker,
)
from nonreg.errors import LedgerBroken, NonregError
from nonreg.french import EXIT_USAGE, FrenchParser, describe_os_error
from nonreg.interrupts import note_interrupts
from nonreg.screen import guarded


def build_parser() -> FrenchParser:
    """The whole command line, in French."""
    parser = FrenchParser(
        prog="python -m nonreg",
        description="Campagnes de non-régression AQUARÉEL : exécuter, suivre, juger, décider, rendre compte.",
        epilog=campaign.EXIT_CODES,
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMANDE", required=True, parser_class=FrenchParser
    )
    for module in (
        campaign,
        comparison,
        drills,
        governance,
        intervention,
        handover,
        activation,
        readiness,
        steering,
        retention,
        person,
        migration,
        decisions,
        documents,
        evidence,
        history,
        sqlserver,
        tracker,
    ):
        module.add_commands(commands)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code. Whoever wrote what it prints, no terminal obeys it."""
    with guarded():
        return _run(arguments)


def _run(arguments: list[str] | None) -> int:
    note_interrupts()
    options = build_parser().parse_args(arguments)
    try:
        try:
            return int(options.run_command(options))
        finally:
            tracker.tell_after(options)  # what was recorded goes to its tickets, however the command ended
    except LedgerBroken as error:  # found by any command: evidence that does not hold, not a wrong use
        print(f"Erreur : {error}", file=sys.stderr)  # noqa: T201
        return EXIT_KO
    except NonregError as error:
        print(f"Erreur : {error}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    except OSError as error:  # a full disk, a folder that may not be written
        print(f"Erreur : {describe_os_error(error)}.", file=sys.stderr)  # noqa: T201
        return EXIT_INCOMPLETE
    except KeyboardInterrupt:
        print("Interrompu.", file=sys.stderr)  # noqa: T201
        return EXIT_INCOMPLETE


if __name__ == "__main__":
    raise SystemExit(main())
