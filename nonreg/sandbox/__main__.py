"""Command line of the embedded platform: `python -m nonreg.sandbox --help`."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import NoReturn

from nonreg.errors import NonregError, UsageError
from nonreg.french import EXIT_USAGE, FrenchParser
from nonreg.sandbox.launch import Instance, start_instance, stop_instance
from nonreg.sandbox.layout import DEFAULT_DIR, DEFAULT_NETWORK, HOSTS, PORTS, SERVICES, Layout, load_layout
from nonreg.sandbox.networks import FREE
from nonreg.sandbox.processes import find_instance_processes, find_recorded
from nonreg.sandbox.teardown import end_instance, find_supervisor
from nonreg.screen import guarded

PLACEHOLDER = "{platform}"


def build_parser() -> FrenchParser:
    """The options, described in French."""
    parser = FrenchParser(
        prog="python -m nonreg.sandbox",
        description="Plateforme embarquée : un petit AQUARÉEL en haute disponibilité, sur cette machine.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMANDE", parser_class=FrenchParser
    )
    up = commands.add_parser("up", help="démarrer la plateforme et la laisser tourner")
    up.add_argument("--network", help=f"réseau de bouclage (trois octets, {DEFAULT_NETWORK} par défaut)")
    down = commands.add_parser("down", help="tout arrêter et tout effacer, même après un arrêt brutal")
    run = commands.add_parser("run", help="démarrer, exécuter une commande, tout arrêter")
    status = commands.add_parser("status", help="dire ce qui tourne")
    commands.add_parser("defects", help="lister les défauts connus, un par ligne")
    granting = commands.add_parser(
        "grant", help="ouvrir les accès nommés d'un renfort (aucun ne l'est au démarrage)"
    )
    revoking = commands.add_parser(
        "revoke", help="les lui retirer partout ; ce qu'il avait d'ouvert est coupé"
    )
    for command in (granting, revoking):
        command.add_argument(
            "--person", required=True, metavar="ID", help="identifiant, comme dans people.toml"
        )
    for command in (up, down, status, granting, revoking):
        command.add_argument("--dir", type=Path, default=DEFAULT_DIR, help="dossier (.sandbox par défaut)")
    run.add_argument("--dir", type=Path, help="dossier (temporaire par défaut)")
    for command in (up, run):
        command.add_argument("--defect", metavar="NOM", help="défaut à appliquer (voir « defects »)")
    run.add_argument("words", nargs="+", metavar="COMMANDE", help=f"après -- ; {PLACEHOLDER} y est remplacé")
    return parser


def say(line: str) -> None:
    """One line for the user, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def warn(line: str) -> None:
    """One line beside the output of the command that runs."""
    sys.stderr.write(line + "\n")


def start(directory: Path, network: str | None, defect: str | None) -> None:
    """`up`."""
    check_defect(defect)
    instance = start_instance(directory, network or DEFAULT_NETWORK, owned=False, defect=defect, announce=say)
    describe(instance.layout)
    say(f"Renforts, sans accès tant que « grant » n'en ouvre pas : {instance.layout.renforts_dir}")
    say("Arrêt : python -m nonreg.sandbox down" + ("" if directory == DEFAULT_DIR else f" --dir {directory}"))


def stop(directory: Path) -> None:
    """`down`."""
    known = load_layout(directory)
    layout = known or Layout(directory.resolve())  # the folder may have been deleted under the platform
    if known is None and not find_instance_processes(layout):
        say(f"Rien à arrêter dans {directory}.")
        return
    ended = end_instance(layout)
    for line in ended:
        say(f"terminé : {line}")
    say(f"Plateforme de {directory} arrêtée et effacée.")


def run_command(directory: Path | None, defect: str | None, words: list[str]) -> int:
    """`run`: the exit code of the command. The platform ends with it, or with this process."""
    check_defect(defect)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    root = directory or Path(tempfile.mkdtemp(prefix="aq-"))
    instance: Instance | None = None
    try:
        instance = start_instance(root, FREE, defect=defect, announce=warn)
        platform = str(instance.layout.platform_file)
        child = subprocess.Popen([word.replace(PLACEHOLDER, platform) for word in words])
        try:
            return _exit_code(child.wait())
        except KeyboardInterrupt:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            raise
    except FileNotFoundError as error:
        raise UsageError(f"Commande introuvable : {error.filename}.") from error
    finally:
        if instance is not None:
            stop_instance(instance)
        if directory is None:
            shutil.rmtree(root, ignore_errors=True)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _exit_code(returned: int) -> int:
    return 128 - returned if returned < 0 else returned  # as a shell says it of a signal


def show_status(directory: Path) -> None:
    """`status`."""
    layout = load_layout(directory)
    if layout is None:
        say(f"Aucune plateforme dans {directory}.")
        return
    say("superviseur : " + ("actif" if find_supervisor(layout) else "absent"))
    describe(layout)


def describe(layout: Layout) -> None:
    """Addresses and state of every process."""
    for site in HOSTS:
        names = [
            path.name.split(".")[1] for path in sorted((layout.root / "pids").glob(f"{site.lower()}.*.json"))
        ]
        say(f"{site} ({layout.address(site)})")
        for name in dict.fromkeys([*names, *SERVICES[site]]):
            state = "actif" if find_recorded(layout.pid_file(site, name)) else "arrêté"
            say(f"  {name:<12} {state:<7} {f'port {PORTS[name]}' if name in PORTS else ''}".rstrip())
    say(f"Fichier de plateforme : {layout.platform_file}")


def change_access(command: str, directory: Path, person_id: str) -> None:
    """`grant` and `revoke`."""
    from nonreg.sandbox.renforts import grant, revoke

    layout = load_layout(directory)
    if layout is None or find_supervisor(layout) is None:
        raise UsageError(f"Aucune plateforme en marche dans {directory}.")
    say((grant if command == "grant" else revoke)(layout, person_id))


def check_defect(name: str | None) -> None:
    """UsageError when there is no such defect."""
    if name is not None:
        from nonreg.sandbox.defects import DEFECTS

        if name not in DEFECTS:
            raise UsageError(f"Défaut inconnu : « {name} » (connus : {', '.join(DEFECTS)}).")


def list_defects() -> None:
    """`defects`."""
    from nonreg.sandbox.defects import DEFECTS

    for name in DEFECTS:
        say(name)


@guarded()
def main() -> int:
    """Exit code: 0 done, 1 failed, 3 wrong use; for `run`, that of the command."""
    arguments = build_parser().parse_args()
    try:
        match arguments.command:
            case "up":
                start(arguments.dir, arguments.network, arguments.defect)
            case "down":
                stop(arguments.dir)
            case "run":
                return run_command(arguments.dir, arguments.defect, arguments.words)
            case "status":
                show_status(arguments.dir)
            case "grant" | "revoke":
                change_access(arguments.command, arguments.dir, arguments.person)
            case "defects":
                list_defects()
    except UsageError as error:
        warn(str(error))
        return EXIT_USAGE
    except NonregError as error:
        warn(str(error))
        return 1
    except KeyboardInterrupt:
        warn("Interrompu.")
        return 130
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
