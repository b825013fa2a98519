"""Command line of an installation: `python -m nonreg.service --help`."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nonreg.errors import NonregError, UsageError
from nonreg.french import EXIT_USAGE, FrenchParser
from nonreg.screen import guarded

WAIT_SECONDS = 60.0
MAX_WORKERS = 64


def build_parser() -> FrenchParser:
    """The options, described in French."""
    from nonreg.service.folder import DEFAULT_DIR

    parser = FrenchParser(
        prog="python -m nonreg.service",
        description="Une installation : serveur Prefect, travailleurs, déploiements, plateforme embarquée.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMANDE", parser_class=FrenchParser
    )
    up = commands.add_parser("up", help="tout démarrer sur cette machine, ou redémarrer ce qui manque")
    down = commands.add_parser(
        "down", help="tout arrêter et tout effacer (sauf les passages), même après un plantage"
    )
    status = commands.add_parser("status", help="dire ce qui tourne (code 1 s'il manque quelque chose)")
    for command in (up, down, status):
        command.add_argument(
            "--dir", type=Path, default=DEFAULT_DIR, help="dossier (.installation par défaut)"
        )
    up.add_argument(
        "--workers", type=int, default=1, metavar="N", help="nombre de travailleurs (1 par défaut)"
    )
    up.add_argument("--port", type=int, help="port du serveur (4200 par défaut, un autre s'il est pris)")
    up.add_argument(
        "--database",
        default="",
        metavar="URL",
        help="base PostgreSQL du serveur, postgresql+asyncpg://…, ou le fichier qui contient cette adresse\n"
        "(le mot de passe n'est alors pas visible dans la liste des processus)",
    )
    up.add_argument(
        "--installation", default="", metavar="ID", help="reprendre cette installation (base déjà utilisée)"
    )
    up.add_argument("--no-platform", action="store_true", help="sans la plateforme embarquée")
    up.add_argument(
        "--alerts",
        default=os.environ.get("NONREG_ALERTS", ""),
        metavar="FICHIER",
        help="réglages des alertes (sans eux, pas de veille ; défaut : la variable NONREG_ALERTS)",
    )
    down.add_argument(
        "--keep", action="store_true", help="garder la base, le secret et l'identité pour la suite"
    )

    units = commands.add_parser("units", help="écrire les unités systemd d'une installation durable")
    units.add_argument("--output", type=Path, required=True, metavar="DOSSIER", help="dossier où les écrire")
    units.add_argument(
        "--project",
        default="/opt/aquareel-nonreg",
        metavar="DOSSIER",
        help="dossier du projet sur la machine",
    )
    units.add_argument(
        "--api", default="", metavar="URL", help="API d'un serveur distant (celui de la machine sinon)"
    )
    units.add_argument(
        "--installation",
        default="",
        metavar="ID",
        help="identifiant, le même sur toutes les machines (un nouveau sinon)",
    )

    server = commands.add_parser("server", help="le serveur seul, au premier plan")
    server.add_argument("--host", default="127.0.0.1", help="adresse d'écoute (127.0.0.1 par défaut)")
    server.add_argument("--port", type=int, default=4200, help="port (4200 par défaut)")
    claim = commands.add_parser("claim", help="donner au serveur l'identité de l'installation")
    worker = commands.add_parser("worker", help="un travailleur seul, au premier plan")
    worker.add_argument("name", metavar="NOM", help="nom du travailleur")
    deploy = commands.add_parser("deploy", help="enregistrer les déploiements de prefect.yaml")
    watch = commands.add_parser("watch", help="la veille seule, au premier plan")
    for command in (claim, worker, deploy, watch):
        command.add_argument(
            "--wait", type=float, default=WAIT_SECONDS, metavar="S", help="attente du serveur, en secondes"
        )
    return parser


def say(line: str) -> None:
    """One line for the user, at once; whoever reads them may have seen enough, the work goes on."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - as long as the process


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def run(arguments: list[str] | None = None) -> int:
    """Do what was asked; the exit code."""
    from nonreg.service import commands
    from nonreg.service.folder import Folder

    options = build_parser().parse_args(arguments)
    match options.command:
        case "up":
            from nonreg.service.start import Wish, up

            if not 1 <= options.workers <= MAX_WORKERS:
                raise UsageError(f"Le nombre de travailleurs va de 1 à {MAX_WORKERS}.")
            if options.port is not None and not 1 <= options.port <= 65535:
                raise UsageError("Le port va de 1 à 65535.")
            if options.alerts and not Path(options.alerts).is_file():
                raise UsageError(f"Réglages des alertes introuvables : {options.alerts}")
            wish = Wish(
                options.port,
                options.workers,
                options.database,
                options.installation,
                not options.no_platform,
                str(Path(options.alerts).resolve()) if options.alerts else "",
            )
            for number in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, _interrupt)
            up(Folder(options.dir.resolve()), wish, say)
        case "down":
            from nonreg.service.stop import down

            down(Folder(options.dir.resolve()), options.keep, say)
        case "status":
            from nonreg.service.status import show

            return show(Folder(options.dir.resolve()), say)
        case "units":
            from nonreg.service.units import write_units

            for path in write_units(options.output, options.project, options.api, options.installation):
                say(str(path))
        case "server":
            commands.run_server(options.host, options.port)
        case "claim":
            commands.run_claim(options.wait)
        case "worker":
            commands.run_worker(options.name, options.wait)
        case "deploy":
            commands.run_deploy(options.wait)
        case "watch":
            commands.run_watch(options.wait)
    return 0


@guarded()
def main() -> int:
    """Exit code: 0 done, 1 failed, 3 wrong use."""
    try:
        return run()
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE
    except NonregError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("Interrompu.\n")
        return 130


if __name__ == "__main__":
    sys.exit(main())
