"""`python -m nonreg.alerts`: the watch, one round, a trial message, what was told."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
import uuid
from datetime import UTC, datetime

from nonreg.alerts.delivery import State
from nonreg.alerts.facts import in_paris, tell_trial
from nonreg.alerts.outbox import Outbox
from nonreg.alerts.patrol import list_channels, make_round
from nonreg.alerts.server import PrefectServer, find_server
from nonreg.alerts.settings import VARIABLE, AlertSettings, find_settings
from nonreg.errors import NonregError, UsageError
from nonreg.french import EXIT_USAGE, FrenchParser, describe_os_error
from nonreg.screen import guarded
from nonreg.tracker.posting import now_utc

EXIT_FAILED, EXIT_PROBLEM = 1, 2


def build_parser() -> FrenchParser:
    """The commands, in French."""
    parser = FrenchParser(
        prog="python -m nonreg.alerts",
        description="Alertes par courriel et webhook : campagne KO ou INCOMPLET, nuit manquée, travailleur ou serveur\n"
        "absent, boîte d'envoi bloquée, échéance proche. Une seule par fait.",
        epilog="codes de sortie : 0 fait, 1 un message d'essai n'a pas été transmis, 2 quelque chose n'a pas pu être\n"
        "regardé, 3 erreur d'utilisation ou de configuration",
    )
    commands = parser.add_subparsers(
        dest="command", metavar="COMMANDE", required=True, parser_class=FrenchParser
    )
    for name, run, about in (
        ("watch", run_watch, "surveiller sans fin (service)"),
        ("check", run_check, "regarder une fois, envoyer ce qui attend"),
        ("test", run_test, "envoyer un message d'essai à chaque canal"),
        ("list", run_list, "lister les alertes et ce qu'elles sont devenues"),
    ):
        command = commands.add_parser(name, help=about, description=about[0].upper() + about[1:] + ".")
        command.set_defaults(run_command=run)
        command.add_argument(
            "--settings", default="", metavar="FICHIER", help=f"fichier TOML (défaut : {VARIABLE})"
        )
        if name in ("watch", "check"):
            command.add_argument(
                "--api", default="", metavar="URL", help="API de Prefect (défaut : PREFECT_API_URL)"
            )
        if name == "watch":
            command.add_argument(
                "--every-seconds", type=float, default=60.0, metavar="S", help="pause (défaut : 60)"
            )
    return parser


def say(sentence: str) -> None:
    """One line, at once: a journal reads us."""
    print(sentence, flush=True)  # noqa: T201


def require_settings(options: argparse.Namespace) -> AlertSettings:
    """The settings; UsageError without any."""
    settings = find_settings(options.settings)
    if settings is None:
        raise UsageError(f"Aucun réglage d'alertes : indiquez --settings ou la variable {VARIABLE}.")
    return settings


def run_check(options: argparse.Namespace) -> int:
    """One round."""
    settings = require_settings(options)
    done = make_round(settings, find_server(options.api), datetime.now(UTC), now_utc)
    for sentence in (*done.told, *done.problems):
        say(sentence)
    if not done.told and not done.problems:
        say("Rien à signaler.")
    return EXIT_PROBLEM if done.problems else 0


def run_watch(options: argparse.Namespace) -> int:
    """Rounds until SIGTERM or Ctrl-C; a problem is told when it appears, not at each round."""
    if not 0 < options.every_seconds <= 3600:
        raise UsageError("--every-seconds : un nombre positif, d'au plus 3600, est attendu.")
    settings = require_settings(options)
    server = find_server(options.api)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    say(describe_watch(settings, server))
    known: tuple[str, ...] = ()
    while not stop.is_set():
        told, problems = watch_once(settings, server)
        for sentence in (*told, *(one for one in problems if one not in known)):
            say(sentence)
        known = problems
        stop.wait(options.every_seconds)
    say("Surveillance arrêtée.")
    return 0


def watch_once(
    settings: AlertSettings, server: PrefectServer | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What one round told and could not look at; a round that breaks does not end the watch."""
    try:
        done = make_round(settings, server, datetime.now(UTC), now_utc)
    except NonregError as error:
        return (), (str(error),)
    except OSError as error:
        return (), (f"{describe_os_error(error)}.",)
    return done.told, done.problems


def describe_watch(settings: AlertSettings, server: PrefectServer | None) -> str:
    """What is watched, when it begins."""
    channels = ", ".join(channel.name for channel in list_channels(settings))
    asked = "serveur Prefect compris" if server is not None and settings.server else "sans serveur Prefect"
    return f"Surveillance de {settings.folder()}, {asked} ; canaux : {channels}."


def run_test(options: argparse.Namespace) -> int:
    """One trial message to each channel, with what became of it."""
    settings = require_settings(options)
    now = datetime.now(UTC)
    outbox, channels = Outbox(settings.folder()), list_channels(settings)
    fact = tell_trial(uuid.uuid4().hex, now)
    outbox.add(fact, tuple(channel.name for channel in channels), now)
    told = outbox.deliver(channels, now, fact.key)
    for one in told:
        say(str(one))
    return 0 if all(one.standing.state is State.DELIVERED for one in told) else EXIT_FAILED


def run_list(options: argparse.Namespace) -> int:
    """Every alert, oldest first, with its state on each channel."""
    settings = require_settings(options)
    outbox, now = Outbox(settings.folder()), datetime.now(UTC)
    problems: list[str] = []
    alerts = outbox.list_alerts(problems)
    for alert in alerts:
        say(f"{in_paris(alert.created_at)}  {alert.fact.subject}")
        for channel in alert.channels:
            standing = outbox.standing(alert, channel, now)
            say(
                f"    {channel} : {standing.state}"
                + (f" ({standing.detail.rstrip('.')})" if standing.detail else "")
            )
    for problem in problems:
        say(problem)
    if not alerts:
        say("Aucune alerte.")
    return EXIT_PROBLEM if problems else 0


@guarded()
def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return int(options.run_command(options))
    except NonregError as error:
        print(f"Erreur : {error}", file=sys.stderr)  # noqa: T201
        return EXIT_USAGE
    except OSError as error:
        print(f"Erreur : {describe_os_error(error)}.", file=sys.stderr)  # noqa: T201
        return EXIT_PROBLEM


if __name__ == "__main__":
    raise SystemExit(main())
