"""Command `history`: the past campaigns in the terminal, and the rebuilding of their index."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, Commands, add_runs_dir
from nonreg.commands.history_screen import (
    clean,
    draw_legend,
    draw_signs,
    new_table,
    open_screen,
    print_screen,
    shown,
    table_of_results,
    table_of_runs,
    table_of_trends,
    table_of_unstable,
)
from nonreg.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from nonreg.history import HistoryStore, HistoryUrl, UnstableScenario
    from nonreg.model import ScenarioHistory

LAST_CAMPAIGNS = 30
ALIKE_AT_MOST = 3  # more lines of the matrix that are the same become one
FOREVER = datetime.max.replace(tzinfo=UTC)


def add_commands(commands: Commands) -> None:
    """Add `history`."""
    history = commands.add_parser(
        "history",
        help="montrer les campagnes passées, ce qui a changé et ce qui est instable",
        description="Montre les dernières campagnes et, scénario par scénario, ce qui n'a pas toujours été bon.\n"
        "L'historique est un index des passages : --rebuild le refait à partir de leurs dossiers.",
        epilog="codes de sortie : 0 fait, 2 des passages n'ont pas pu être indexés (--rebuild),\n"
        "3 erreur d'utilisation ou de configuration",
    )
    history.set_defaults(run_command=run_history)
    history.add_argument(
        "--platform",
        default="",
        metavar="NOM|FICHIER",
        help="nom ou fichier TOML de la plateforme (défaut : toutes)",
    )
    add_runs_dir(history)
    history.add_argument(
        "--url",
        default="",
        metavar="URL",
        help="base de l'historique, par une URL SQLAlchemy (défaut : la variable NONREG_HISTORY_URL, qui garde\n"
        "un mot de passe hors de la ligne de commande, sinon history.sqlite dans le dossier des passages)",
    )
    history.add_argument(
        "--last",
        default=str(LAST_CAMPAIGNS),
        metavar="N",
        help=f"nombre de campagnes (défaut : {LAST_CAMPAIGNS})",
    )
    history.add_argument(
        "--scenario", default="", metavar="ID", help="montrer ce scénario : résultats, durées, mesures"
    )
    history.add_argument(
        "--unstable", action="store_true", help="montrer les scénarios instables ou qu'il a fallu reprendre"
    )
    history.add_argument(
        "--rebuild", action="store_true", help="refaire l'historique à partir des dossiers des passages"
    )


def run_history(options: argparse.Namespace) -> int:
    """Show, or rebuild."""
    from nonreg.history import HistoryStore, default_url

    if not options.last.isdecimal() or int(options.last) < 1:
        raise UsageError(f"--last veut un nombre de campagnes d'au moins 1, pas « {options.last} ».")
    if options.scenario and options.unstable:
        raise UsageError("Choisissez --scenario ou --unstable.")
    runs_dir = Path(options.runs_dir)
    url = options.url or default_url(runs_dir)
    if options.rebuild:
        return rebuild_history(runs_dir, url)
    history = HistoryStore(url)
    if history.file is not None and not history.file.exists():
        platforms: tuple[str, ...] = ()  # looking creates nothing
    else:
        history.prepare()
        platforms = history.list_platforms()
    if not platforms:
        print(  # noqa: T201
            f"Aucune campagne dans l'historique ({history.shown_url}).\n"
            "« python -m nonreg history --rebuild » l'établit à partir des passages."
        )
        return EXIT_OK
    wanted = choose_platforms(options.platform, platforms)
    screen = open_screen()
    if options.scenario:
        show_scenario(screen, history, wanted, options.scenario, int(options.last))
    for platform in () if options.scenario else wanted:
        if options.unstable:
            show_unstable(screen, platform, history.list_unstable(platform, int(options.last)))
        else:
            show_campaigns(screen, history, platform, int(options.last))
    print_screen(screen)
    return EXIT_OK


def rebuild_history(runs_dir: Path, url: HistoryUrl) -> int:
    """`--rebuild`: index every folder, name those that could not be."""
    from nonreg.history import rebuild
    from tasks.publication import judge_folder

    if not runs_dir.is_dir():
        raise UsageError(f"Dossier des passages introuvable : {runs_dir}")
    done = rebuild(runs_dir, url, lambda sentence: print(sentence, file=sys.stderr), judge_folder)  # noqa: T201
    left_out = f", {len(done.broken)} non indexé(s)" if done.broken else ""
    print(f"Historique refait : {done.indexed} campagne(s) indexée(s){left_out}.")  # noqa: T201
    return EXIT_INCOMPLETE if done.broken else EXIT_OK


def choose_platforms(asked: str, platforms: tuple[str, ...]) -> tuple[str, ...]:
    """All of them, or the one that was asked by name or by file."""
    from nonreg.config import load_platform

    if not asked:
        return platforms
    name = load_platform(asked).name if asked.endswith(".toml") or "/" in asked else asked
    if name not in platforms:
        raise UsageError(
            f"Aucune campagne de « {name} » dans l'historique (connues : {', '.join(platforms)})."
        )
    return (name,)


def show_campaigns(screen: Console, history: HistoryStore, platform: str, count: int) -> None:
    """One line a campaign, then the matrix of the scenarios that were not always good."""
    from nonreg.history_records import is_always_good
    from reports.labels import OUTCOMES

    past = history.load_history(platform, FOREVER, count, catalog=None)
    screen.print(f"Plateforme « {shown(platform)} » : {len(past.runs)} dernière(s) campagne(s)", style="bold")
    screen.print()
    screen.print(table_of_runs(past.runs))
    troubled = [one for one in past.scenarios if not is_always_good(one.outcomes)]
    statuses = history.last_statuses(platform)
    if troubled:
        lines = merge_alike(troubled)
        drawn = min(len(past.runs), max(10, screen.width - max(len(label) for label, _ in lines) - 20))
        cut = f" (les {drawn} dernières sur {len(past.runs)})" if drawn < len(past.runs) else ""
        screen.print()
        screen.print(f"Scénarios qui n'ont pas toujours été bons, campagne la plus récente à droite{cut}")
        screen.print()
        table = new_table("Scénario", "Résultats", "Dernier état")
        for label, one in lines:
            last = OUTCOMES[statuses[one.scenario_id].outcome].text
            table.add_row(clean(label), draw_signs(one.outcomes[-drawn:]), last)
        screen.print(table)
        screen.print()
        screen.print(draw_legend("".join(one.outcomes for one in troubled)))
    good = len(past.scenarios) - len(troubled)
    screen.print()
    screen.print(f"{good} {'autre(s) ' if troubled else ''}scénario(s) toujours bon(s) sur ces campagnes.")
    counts = Counter(OUTCOMES[statuses[one.scenario_id].outcome].text for one in past.scenarios)
    tally = ", ".join(f"{number} {name}" for name, number in counts.most_common())
    screen.print(f"Dernier état de chaque scénario : {tally or 'aucun'}.")
    screen.print()


def merge_alike(scenarios: Sequence[ScenarioHistory]) -> list[tuple[str, ScenarioHistory]]:
    """Lines of the matrix with their labels; a campaign that executed nothing would otherwise fill it."""
    alike: dict[str, list[ScenarioHistory]] = {}
    for one in scenarios:
        alike.setdefault(one.outcomes, []).append(one)
    lines = []
    for same in alike.values():
        if len(same) > ALIKE_AT_MOST:
            lines.append((f"{same[0].scenario_id} + {len(same) - 1} autres", same[0]))
        else:
            lines += [(one.scenario_id, one) for one in same]
    return sorted(lines, key=lambda line: line[1].scenario_id)


def show_unstable(screen: Console, platform: str, found: Sequence[UnstableScenario]) -> None:
    """Scenarios that flicker or were retried, most first."""
    screen.print(f"Plateforme « {shown(platform)} » : {len(found)} scénario(s) instable(s)", style="bold")
    screen.print()
    if found:
        screen.print(table_of_unstable(found))
        screen.print()
        screen.print(draw_legend("".join(one.outcomes for one in found)))
        screen.print()


def show_scenario(
    screen: Console, history: HistoryStore, platforms: Sequence[str], scenario_id: str, count: int
) -> None:
    """One scenario: its campaigns, then the trends of its duration and of its measures."""
    by_platform = {name: history.list_results(name, scenario_id, count) for name in platforms}
    if not any(by_platform.values()):
        raise UsageError(f"Scénario « {shown(scenario_id)} » absent de l'historique.")
    for platform, results in by_platform.items():
        if not results:
            continue
        screen.print(f"{shown(scenario_id)} sur « {shown(platform)} »", style="bold")
        screen.print()
        screen.print(table_of_results(results))
        screen.print()
        screen.print(table_of_trends(results, max(10, screen.width // 3)))
        screen.print()
