"""Figures of the history with 1 000 campaigns of 1 000 results; nothing here passes or fails.

`main()` builds the history through its bulk layer and prints what users wait for, medians of a few repeats.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.history import default_url, open_history
from nonreg.history_records import CampaignRecord, ResultRecord
from nonreg.model import Change, Measure, Outcome, Verdict

CAMPAIGNS, RESULTS, REPEATS = 1000, 1000, 5
BEGINNING = datetime(2024, 1, 1, 0, 30, tzinfo=UTC)
PLATFORM = "essai"


def make_campaigns(count: int, results: int) -> Iterator[CampaignRecord]:
    """Synthetic campaigns, one a night: 1 % of the scenarios flicker, one in ten takes a measure."""
    chance = random.Random(20261124)
    ids = [f"{('BASE', 'APP', 'HD')[number % 3]}-{number:04d}" for number in range(results)]
    flickering = set(chance.sample(ids, max(1, results // 100)))
    good = {one: (1 + chance.random(), make_result(one, Outcome.OK)) for one in ids}
    for night in range(count):
        rows = []
        for number, scenario_id in enumerate(ids):
            usual, row = good[scenario_id]
            seconds = usual * (0.9 + 0.2 * chance.random())
            figures = (Measure("Durée de la requête", seconds / 10, "s", 3.0),) if number % 10 == 0 else ()
            if scenario_id in flickering and chance.random() < 0.3:
                row = make_result(scenario_id, Outcome.KO)
            rows.append(replace(row, duration_seconds=seconds, measures=figures))
        started = BEGINNING + timedelta(days=night)
        failed = sum(row.outcome is Outcome.KO for row in rows)
        yield CampaignRecord(
            run_id=f"passage-{night:05d}",
            platform=PLATFORM,
            folder=f"passage-{night:05d}",
            application_version=f"7.{night // 100}",
            dataset="jeu-1",
            ticket="AQ-1",
            started_at=started,
            ended_at=started + timedelta(minutes=20),
            verdict=Verdict.KO if failed else Verdict.OK,
            planned=results,
            passed=results - failed,
            failed=failed,
            tool_commit="0123abc",
            selection="",
            families="base,applicatif,hd",
            catalog="",
            results=tuple(rows),
        )


def make_result(scenario_id: str, outcome: Outcome) -> ResultRecord:
    """One result without duration or measures."""
    if outcome is Outcome.OK:
        return ResultRecord(scenario_id, outcome, Change.SAME, None, 1, "", "", ())
    return ResultRecord(scenario_id, outcome, Change.REGRESSION, None, 1, "application", "3f" * 8, ())


def median_milliseconds(action: Callable[[int], object]) -> float:
    """Median time of an action that is given the number of the repeat."""
    times = []
    for number in range(REPEATS):
        started = time.perf_counter()
        action(number)
        times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def main() -> None:
    """Build, ask, print."""
    with tempfile.TemporaryDirectory() as folder:
        url = default_url(Path(folder))
        history = open_history(url)
        seconds = 0.0
        campaigns = make_campaigns(CAMPAIGNS + 1, RESULTS)
        with history.writing() as writer:
            for record in itertools.islice(campaigns, CAMPAIGNS):
                started = time.perf_counter()
                writer.write(record)
                seconds += time.perf_counter() - started
        last = next(campaigns)
        ids = [row.scenario_id for row in last.results]
        size = (Path(folder) / "history.sqlite").stat().st_size / 1e6

        def append(number: int) -> None:
            day = timedelta(days=number)
            with history.writing() as writer:
                writer.write(replace(last, run_id=f"nouveau-{number}", started_at=last.started_at + day))

        figures = {
            "ajouter une campagne": median_milliseconds(append),
            "remplacer une campagne (rejugée)": median_milliseconds(lambda _: append(0)),
            "dernier état de chaque scénario": median_milliseconds(lambda _: history.last_statuses(PLATFORM)),
            "scénarios instables sur 30": median_milliseconds(lambda _: history.list_unstable(PLATFORM)),
            "historique de 30 campagnes": median_milliseconds(
                lambda _: history.load_history(PLATFORM, last.started_at)
            ),
            "mesures des 30 premières campagnes": median_milliseconds(
                lambda _: history.load_measures_after(PLATFORM, BEGINNING, 30)
            ),
            "dernier bon passage de chacun": median_milliseconds(
                lambda _: history.find_last_good(PLATFORM, ids, last.started_at)
            ),
        }
    print(f"historique : {CAMPAIGNS} campagnes × {RESULTS} résultats, {size:.0f} Mo")  # noqa: T201
    print(f"  construit en {seconds:.1f} s")  # noqa: T201
    for name, milliseconds in figures.items():
        print(f"  {name:<36}{milliseconds:7.1f} ms")  # noqa: T201


if __name__ == "__main__":
    main()
