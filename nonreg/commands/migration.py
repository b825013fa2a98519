"""Commands of a migration: compare two platforms, and have the expected differences signed off."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_KO, EXIT_OK, RUNS_DIR, Commands, add_signing
from nonreg.errors import UsageError

if TYPE_CHECKING:
    from nonreg.decision import DecisionRequest
    from nonreg.model import CampaignReport
    from nonreg.people import Person
    from tasks.migration import MigrationRequest

EXIT_CODES = (
    "codes de sortie : 0 CONFORME ou AVEC RÉSERVES, 1 ÉCARTS, 2 INCOMPLET,\n"
    "3 erreur d'utilisation ou de configuration"
)


def add_commands(commands: Commands) -> None:
    """Add `migration` and `accept-differences`."""
    compare = commands.add_parser(
        "migration",
        help="comparer deux plateformes avant une migration : scénarios, structure, droits, réglages, données",
        description="Compare la plateforme que l'on quitte et celle où l'on va : la même campagne sur l'une puis sur\n"
        "l'autre (ou deux passages déjà publiés), la structure, les droits, les réglages et les données des\n"
        "sites actifs. Publie un rapport des différences, les attendues avec leur motif.",
        epilog=EXIT_CODES,
    )
    compare.set_defaults(run_command=compare_platforms)
    compare.add_argument(
        "--runs",
        nargs=2,
        metavar=("PASSAGE_A", "PASSAGE_B"),
        help="deux passages publiés à comparer, au lieu de lancer une campagne sur chaque plateforme",
    )
    compare.add_argument(
        "--parts",
        default="scenarios,structure,donnees",
        metavar="LISTE",
        help="ce qui est comparé, parmi scenarios,structure,donnees (défaut : tout ; le reste est une réserve)",
    )
    compare.add_argument(
        "--table",
        action="append",
        default=[],
        metavar="SCHÉMA.TABLE",
        help="table dont comparer les données (plusieurs fois possible ; défaut : celles qui sont publiées)",
    )
    compare.add_argument(
        "--families", default="", metavar="LISTE", help="familles parmi base,applicatif,hd (défaut : toutes)"
    )
    compare.add_argument(
        "--select", default="", metavar="MOTIFS", help="motifs d'identifiants, par exemple 'HD-00*,BASE-004'"
    )
    compare.add_argument(
        "--scenarios", default="", metavar="DOSSIER", help="autre dossier de scénarios que celui du projet"
    )
    compare.add_argument(
        "--output", metavar="DOSSIER", help="dossier du rapport (défaut : un nouveau dans celui des passages)"
    )
    accept = commands.add_parser(
        "accept-differences",
        help="faire signer la liste des différences attendues d'une migration",
        description="Montre la liste, la fait signer (--key, --agent, ou la demande à signer puis --decision), "
        "l'inscrit au\nregistre et écrit la décision à côté de la liste. Elle vaut pour cette liste, ces "
        "plateformes et ces\nversions, 90 jours ; le rôle est celui des promotions, dans les personnes de "
        "la plateforme d'arrivée.",
    )
    accept.set_defaults(run_command=accept_differences)
    for command in (compare, accept):
        command.add_argument(
            "--from", dest="left", required=True, metavar="NOM|FICHIER", help="plateforme que l'on quitte"
        )
        command.add_argument(
            "--to", dest="right", required=True, metavar="NOM|FICHIER", help="plateforme où l'on va"
        )
        command.add_argument(
            "--expected",
            required=command is accept,
            metavar="FICHIER",
            help="liste des différences attendues (TOML)",
        )
        command.add_argument("--ticket", default="", metavar="REF", help="ticket, par exemple AQ-123")
        command.add_argument(
            "--runs-dir",
            default=RUNS_DIR,
            metavar="DOSSIER",
            help=f"dossier des passages et du registre (défaut : {RUNS_DIR})",
        )
    accept.add_argument("--reason", default="", metavar="TEXTE", help="motif de la décision")
    accept.add_argument("--person", default="", metavar="ID", help="personne qui décide")
    add_signing(accept)


def make_request(options: argparse.Namespace) -> MigrationRequest:
    """The request of either command, checked."""
    from nonreg.config import load_platform
    from nonreg.tickets import require_ticket
    from tasks.migration import PARTS, MigrationRequest, parse_parts

    if options.ticket:
        require_ticket(options.ticket)
    return MigrationRequest(
        load_platform(options.left),
        load_platform(options.right),
        parse_parts(options.parts) if hasattr(options, "parts") else PARTS,
        tuple(dict.fromkeys(getattr(options, "table", ()))),
        Path(options.expected) if options.expected else None,
        options.ticket,
    )


def compare_platforms(options: argparse.Namespace) -> int:
    """`migration`: runs, comparison, report."""
    from nonreg.model.migration import MigrationVerdict
    from reports.migration import VERDICTS, describe
    from tasks.migration import HTML, PDF, check_platforms, publish_migration, read_expected
    from tasks.migration import compare_platforms as compare

    request = make_request(options)
    check_platforms(request.left, request.right)
    read_expected(request)  # a list that is not sound is told before anything long
    report = compare(request, obtain_runs(options, request), tell)
    output = Path(options.output) if options.output else None
    published = publish_migration(request, report, Path(options.runs_dir), output)
    lines = ["", f"Verdict : {VERDICTS[report.verdict].text}", *(f"  {reason}" for reason in report.reasons)]
    lines += [f"    {describe(one)} — {one.why}" for one in report.found.not_compared]
    lines += [f"Rapport : {published.folder / HTML}", f"          {published.folder / PDF}"]
    print("\n".join(lines))  # noqa: T201
    codes = {MigrationVerdict.ECARTS: EXIT_KO, MigrationVerdict.INCOMPLET: EXIT_INCOMPLETE}
    return codes.get(report.verdict, EXIT_OK)


def tell(line: str) -> None:
    """One line of progress."""
    print(line, flush=True)  # noqa: T201


def obtain_runs(
    options: argparse.Namespace, request: MigrationRequest
) -> tuple[CampaignReport | None, CampaignReport | None]:
    """The runs to compare: given, or made now one after the other; none when scenarios are left out."""
    from nonreg.commands.campaign import conclude, start_campaign
    from nonreg.plan import CampaignRequest
    from tasks.migration import SCENARIOS, load_run_of

    if SCENARIOS not in request.parts:
        if options.runs:
            raise UsageError("Des passages sont donnés (--runs), mais --parts laisse les scénarios de côté.")
        return None, None
    if options.runs and (options.families or options.select or options.scenarios):
        raise UsageError("--families, --select et --scenarios ne vont pas avec --runs : rien n'est lancé.")
    found: list[CampaignReport | None] = []
    sides = ((request.left, options.left), (request.right, options.right))
    for number, (platform, name) in enumerate(sides):
        if options.runs:
            found.append(load_run_of(platform, Path(options.runs[number])))
            continue
        asked = CampaignRequest(name, options.families, options.select, options.ticket, options.scenarios)
        run_dir = start_campaign(asked, Path(options.runs_dir), "Migration", [])
        if run_dir is not None:
            conclude(run_dir)
        found.append(None if run_dir is None else load_run_of(platform, run_dir))
    return found[0], found[1]


def accept_differences(options: argparse.Namespace) -> int:
    """`accept-differences`: show, have it signed, record, write beside the list."""
    from datetime import UTC, datetime

    from nonreg.commands.governance import obtain_decision
    from tasks.migration import request_sign_off, sign_off
    from tasks.promotion import require_people

    request = make_request(options)
    people = require_people(request.right)
    options.platform = options.right

    def ask(person: Person) -> DecisionRequest:
        return request_sign_off(request, person, options.reason, datetime.now(UTC))

    signed = obtain_decision(options, people, ask)
    if signed is None:
        return EXIT_OK
    path = sign_off(request, signed, Path(options.runs_dir), datetime.now(UTC))
    print(f"Liste signée : {path}, à garder dans git avec elle.")  # noqa: T201
    return EXIT_OK
