"""The history of campaigns: what it keeps, what it answers, and what it survives."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import store
from nonreg.assess import assess
from nonreg.errors import ConfigError, NonregError
from nonreg.history import HistoryStore, default_url, open_history, rebuild
from nonreg.history_records import (
    GOOD_LETTERS,
    UNSTABLE_FLIPS,
    count_flips,
    digest_report,
    from_microseconds,
    is_always_good,
    to_microseconds,
)
from nonreg.model import (
    Basis,
    CampaignReport,
    Cause,
    Change,
    Finding,
    History,
    Measure,
    MeasureHistory,
    Outcome,
    PastRun,
    ScenarioHistory,
    ScenarioResult,
    Triage,
    Verdict,
)
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, PORTS, Layout
from nonreg.waiting import wait_until
from tests.report_samples import green_report
from tests.run_samples import make_result, make_run

NIGHT = datetime(2026, 3, 1, 0, 30, tzinfo=UTC)
LATER = datetime(2100, 1, 1, tzinfo=UTC)
PLATFORM = "essai"
O, K, N = Outcome.OK, Outcome.KO, Outcome.NON_EXECUTE  # noqa: E741 - the letters of the history


def make_report(
    night: int,
    outcomes: dict[str, Outcome],
    platform: str = PLATFORM,
    seconds: float = 2.0,
    attempts: int = 1,
    catalog: str = "",
) -> CampaignReport:
    """A judged campaign of that night; each scenario takes its duration and one measure of half of it."""
    sample = green_report()
    started = NIGHT + timedelta(days=night)
    names = {f"{platform}-{night:04d}"}
    scenarios = tuple(replace(sample.run.plan.scenarios[0], id=name) for name in outcomes)
    results = tuple(
        ScenarioResult(
            name,
            outcome if attempt == attempts else Outcome.KO,
            started_at=None if outcome is N else started,
            duration_seconds=seconds * attempt,
            measures=(Measure("Réponse", seconds * attempt / 2, "s", 3.0),),
            attempt=attempt,
        )
        for attempt in range(1, attempts + 1)
        for name, outcome in outcomes.items()
    )
    known = {finding.scenario_id: finding for finding in sample.assessment.findings}
    first = next(iter(known.values()))
    plan = replace(
        sample.run.plan,
        run_id=names.pop(),
        platform=replace(sample.run.plan.platform, name=platform),
        created_at=started,
        scenarios=scenarios,
        catalog=catalog,
    )
    run = replace(
        sample.run,
        plan=plan,
        results=results,
        started_at=started,
        ended_at=started + timedelta(minutes=5),
    )
    findings = tuple(Finding(name, outcome, first.change, first.before) for name, outcome in outcomes.items())
    return replace(sample, run=run, assessment=replace(sample.assessment, findings=findings))


def run_id_of(report: CampaignReport) -> str:
    return report.run.plan.run_id


def append_all(history: HistoryStore, *reports: CampaignReport) -> None:
    """Append in one transaction: a disk takes its time for each."""
    with history.writing() as writer:
        for report in reports:
            writer.write(digest_report(report, run_id_of(report)))


@pytest.fixture
def history(tmp_path: Path) -> HistoryStore:
    """An empty history in a file."""
    return open_history(f"sqlite:///{tmp_path / 'history.sqlite'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.sqlite'}"
        return
    layout: Layout = request.getfixturevalue("sandbox")
    with psycopg.connect(postgres.admin_dsn(layout, ACTIVE, "postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE historique")
        try:
            password = layout.secrets()["AQ_ADMIN_PASSWORD"]
            host = f"{layout.address(ACTIVE)}:{PORTS['postgresql']}"
            yield f"postgresql://{postgres.ADMIN}:{password}@{host}/historique"
        finally:
            admin.execute("DROP DATABASE historique WITH (FORCE)")


def read_answers(history: HistoryStore, platform: str = PLATFORM) -> tuple[object, ...]:
    """Everything that the history can be asked about one platform."""
    loaded = history.load_history(platform, LATER, 1000)
    ids = [one.scenario_id for one in loaded.scenarios]
    return (
        history.list_platforms(),
        history.list_runs(platform, 1000),
        loaded,
        history.last_statuses(platform),
        history.list_unstable(platform),
        history.find_last_good(platform, ids, LATER),
        [history.list_results(platform, one, 1000) for one in ids],
    )


# --- what is kept, what is answered -------------------------------------------------------------------


def test_the_last_campaigns_come_oldest_first_scenario_by_scenario(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(2, {"BASE-001": K, "HD-001": O}, seconds=4.0),
        make_report(1, {"BASE-001": O}, seconds=2.0),
        make_report(1, {"BASE-001": K}, platform="autre"),
        make_report(0, {"BASE-001": O}, seconds=1.0),
    )
    loaded = history.load_history(PLATFORM, LATER)
    assert [run.run_id for run in loaded.runs] == ["essai-0000", "essai-0001", "essai-0002"]
    assert [run.started_at for run in loaded.runs] == [NIGHT + timedelta(days=day) for day in range(3)]
    assert [(run.planned, run.passed, run.failed) for run in loaded.runs] == [(1, 1, 0), (1, 1, 0), (2, 1, 1)]
    assert loaded.runs[0].duration_seconds == 300.0
    assert loaded.scenarios == (
        ScenarioHistory("BASE-001", "OOK", (1.0, 2.0, 4.0)),
        ScenarioHistory("HD-001", "--O", (None, None, 4.0)),
    )
    assert loaded.measures == (
        MeasureHistory("BASE-001", "Réponse", "s", (0.5, 1.0, None)),  # not taken from a KO
        MeasureHistory("HD-001", "Réponse", "s", (None, None, 2.0)),
    )


def test_the_history_of_a_run_holds_neither_itself_nor_what_came_after(history: HistoryStore) -> None:
    append_all(history, *(make_report(night, {"BASE-001": O}) for night in range(5)))
    third = NIGHT + timedelta(days=3)
    runs = history.load_history(PLATFORM, third).runs
    assert [run.run_id for run in runs] == ["essai-0000", "essai-0001", "essai-0002"]
    runs = history.load_history(PLATFORM, LATER, count=2, run_id="essai-0004").runs
    assert [run.run_id for run in runs] == ["essai-0002", "essai-0003"]
    without_the_third = history.load_history(PLATFORM, LATER, run_id="essai-0002")
    assert [run.run_id[-1] for run in without_the_third.runs] == ["0", "1", "3", "4"]
    assert without_the_third.scenarios == (ScenarioHistory("BASE-001", "OOOO", (2.0,) * 4),)
    assert history.load_history(PLATFORM, NIGHT) == History()


def test_a_run_judged_again_replaces_what_was_kept_of_it(either_url: str) -> None:
    history = open_history(either_url)
    append_all(history, make_report(0, {"BASE-001": K, "BASE-002": O}), make_report(1, {"BASE-001": O}))
    again = make_report(0, {"BASE-001": O}, seconds=7.0)
    history.append(again, run_id_of(again))
    history.append(again, run_id_of(again))
    loaded = history.load_history(PLATFORM, LATER)
    assert loaded.scenarios == (ScenarioHistory("BASE-001", "OO", (7.0, 2.0)),)
    assert loaded.measures == (MeasureHistory("BASE-001", "Réponse", "s", (3.5, 1.0)),)
    assert set(history.last_statuses(PLATFORM)) == {"BASE-001"}


def test_the_last_attempt_counts_and_the_retry_is_remembered(history: HistoryStore) -> None:
    append_all(history, make_report(0, {"BASE-001": O}, seconds=2.0, attempts=2))
    (past,) = history.list_results(PLATFORM, "BASE-001", 10)
    assert (past.result.attempts, past.result.duration_seconds) == (2, 4.0)
    assert past.result.measures == (Measure("Réponse", 2.0, "s", 3.0),)
    (unstable,) = history.list_unstable(PLATFORM)
    assert (unstable.scenario_id, unstable.flips, unstable.retried) == ("BASE-001", 0, 1)


def test_the_cause_and_the_fingerprint_come_from_the_triage(history: HistoryStore) -> None:
    report = make_report(0, {"BASE-001": K, "BASE-002": O})
    report = replace(report, triage=(Triage("BASE-001", "abc", Cause.APPLICATION, ()),))
    append_all(history, report)
    (failed,) = history.list_results(PLATFORM, "BASE-001", 1)
    (good,) = history.list_results(PLATFORM, "BASE-002", 1)
    assert (failed.result.cause, failed.result.fingerprint) == ("application", "abc")
    assert (good.result.cause, good.result.fingerprint) == ("", "")


def test_a_scenario_that_never_started_and_a_run_that_never_ended_have_no_duration(
    history: HistoryStore,
) -> None:
    report = make_report(0, {"BASE-001": N})
    append_all(history, replace(report, run=replace(report.run, ended_at=None)))
    loaded = history.load_history(PLATFORM, LATER, catalog=None)
    assert loaded.runs[0].duration_seconds is None
    assert loaded.scenarios[0].durations == (None,)


def test_the_last_good_campaign_of_each_scenario_is_the_one_before_the_given_moment(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(0, {"BASE-001": O, "BASE-002": O, "BASE-003": K}),
        make_report(1, {"BASE-001": Outcome.MESURE, "BASE-002": K, "BASE-003": K}),
        make_report(2, {"BASE-001": O, "BASE-002": O, "BASE-003": O}),
    )
    ids = ["BASE-001", "BASE-002", "BASE-003", "BASE-inconnu"] * 400
    found = history.find_last_good(PLATFORM, ids, NIGHT + timedelta(days=2))
    assert {name: run.run_id for name, run in found.items()} == {
        "BASE-001": "essai-0001",
        "BASE-002": "essai-0000",
    }
    run = found["BASE-001"]
    assert (run.folder, run.started_at) == ("essai-0001", NIGHT + timedelta(days=1))
    assert run.application_version == green_report().run.plan.platform.application_version


def test_the_campaigns_of_another_catalog_are_not_those_of_this_one(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(0, {"BASE-001": O}),
        make_report(1, {"BASE-001": K}, catalog="essais/scenarios"),
        make_report(2, {"BASE-001": K}),
        make_report(3, {"BASE-001": O}, catalog="essais/scenarios", seconds=4.0),
    )
    assert [run.run_id[-1] for run in history.load_history(PLATFORM, LATER).runs] == ["0", "2"]
    other = history.load_history(PLATFORM, LATER, catalog="essais/scenarios")
    assert other.scenarios == (ScenarioHistory("BASE-001", "KO", (2.0, 4.0)),)
    assert len(history.load_history(PLATFORM, LATER, catalog=None).runs) == 4
    assert history.find_last_good(PLATFORM, ["BASE-001"], LATER)["BASE-001"].run_id[-1] == "0"
    found = history.find_last_good(PLATFORM, ["BASE-001"], LATER, "essais/scenarios")
    assert found["BASE-001"].run_id[-1] == "3"
    before = NIGHT - timedelta(days=1)
    (measure,) = history.load_measures_after(PLATFORM, before, 8, "essais/scenarios")
    assert measure.values == (None, 2.0)


def test_campaigns_that_executed_nothing_leave_their_place_to_those_that_did(either_url: str) -> None:
    history = open_history(either_url)
    refused = {"BASE-001": N, "HD-001": N}
    append_all(
        history,
        make_report(0, {"BASE-001": O, "HD-001": K}),
        make_report(1, {"BASE-001": Outcome.INCONCLUSIF, "HD-001": N}),
        *(make_report(night, refused) for night in range(2, 40)),
    )
    loaded = history.load_history(PLATFORM, LATER)
    assert [run.run_id for run in loaded.runs] == ["essai-0000", "essai-0001"]
    assert [one.outcomes for one in loaded.scenarios] == ["OI", "KN"]
    assert len(history.list_runs(PLATFORM, 100)) == 40


def test_a_scenario_that_did_not_apply_was_not_good_then(history: HistoryStore) -> None:
    append_all(
        history,
        make_report(0, {"BASE-001": Outcome.MESURE, "BASE-002": Outcome.NON_APPLICABLE}),
        make_report(1, {"BASE-001": Outcome.NON_APPLICABLE, "BASE-002": Outcome.NON_APPLICABLE}),
    )
    found = history.find_last_good(PLATFORM, ["BASE-001", "BASE-002"], LATER)
    assert {name: run.run_id for name, run in found.items()} == {"BASE-001": "essai-0000"}
    (measure,) = history.load_history(PLATFORM, LATER).measures
    assert (measure.scenario_id, measure.values) == ("BASE-001", (1.0, None))


def test_the_first_measures_after_a_moment_stay_the_first_whatever_comes_later(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        *(make_report(night, {"BASE-001": O}, seconds=2.0 * night) for night in range(3)),
        make_report(3, {"BASE-001": K}),
        make_report(4, {"BASE-001": N}),
        *(make_report(night, {"BASE-001": O}, seconds=2.0 * night) for night in range(5, 40)),
    )
    promoted = NIGHT + timedelta(days=1)
    assert history.load_measures_after(PLATFORM, promoted, 4) == (
        MeasureHistory("BASE-001", "Réponse", "s", (2.0, None, 5.0, 6.0)),
    )
    assert history.load_measures_after(PLATFORM, LATER, 4) == ()


def test_the_last_status_is_the_one_of_the_last_campaign_that_planned_the_scenario(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(1, {"BASE-001": O}),
        make_report(0, {"BASE-001": K, "BASE-002": Outcome.DEROGATION}),
        make_report(2, {"BASE-001": K}, platform="autre"),
    )
    statuses = history.last_statuses(PLATFORM)
    assert {name: (last.outcome, last.run_id) for name, last in statuses.items()} == {
        "BASE-001": (O, "essai-0001"),
        "BASE-002": (Outcome.DEROGATION, "essai-0000"),
    }


def test_unstable_scenarios_changed_three_times_over_the_last_campaigns_that_tried_them(
    either_url: str,
) -> None:
    history = open_history(either_url)
    columns = {
        "TROIS": "OKNKOK",
        "DEUX": "OKKOOO",
        "NON-ESSAYE": "ONONON",
        "BON": "OOMOAO",
        "ABSENT": "K---OK",
        "NON-JUGE": "OIAIOI",
    }
    letters = {outcome.letter: outcome for outcome in Outcome}
    for night in range(6):
        planned = {name: letters[line[night]] for name, line in columns.items() if line[night] != "-"}
        append_all(history, make_report(night, planned))
    (unstable,) = history.list_unstable(PLATFORM)
    assert (unstable.scenario_id, unstable.outcomes, unstable.flips, unstable.retried) == (
        *("TROIS", "OKKOK"),
        *(3, 0),
    )
    # Only the last four: the first change is forgotten.
    assert history.list_unstable(PLATFORM, campaigns=4) == ()


@given(st.text("OKINAMD-"))
def test_a_campaign_that_did_not_judge_a_scenario_never_makes_it_unstable(letters: str) -> None:
    judged = letters.translate(str.maketrans("", "", "INA-"))
    assert count_flips(letters) == count_flips(judged) == count_flips(letters[::-1])
    if is_always_good(letters):
        assert count_flips(letters) == 0
    assert set(GOOD_LETTERS) == {"O", "M", "A"}


@given(past=st.text("OKINAMD-", max_size=9), now=st.sampled_from([O, Outcome.MESURE]))
def test_the_judgement_and_the_history_call_the_same_scenarios_unstable(past: str, now: Outcome) -> None:
    run = make_run(make_result("BASE-001", now, failure=None))
    nights = tuple(
        PastRun(str(night), "5.2.0", NIGHT + timedelta(days=night), 1.0, Verdict.OK, "AQ-1", 1, 1, 0)
        for night in range(len(past))
    )
    row = ScenarioHistory("BASE-001", past, (None,) * len(past))
    (finding,) = assess(run, Basis(history=History(nights, (row,)))).findings
    assert (finding.change is Change.UNSTABLE) == (count_flips(past + now.letter) >= UNSTABLE_FLIPS)


@given(st.datetimes(timezones=st.sampled_from([UTC])))
def test_moments_keep_every_microsecond(at: datetime) -> None:
    assert from_microseconds(to_microseconds(at)) == at


# --- where it is, and what it refuses -----------------------------------------------------------------


def test_the_history_is_a_file_of_the_runs_folder_unless_the_environment_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NONREG_HISTORY_URL", raising=False)
    open_history(default_url(tmp_path))
    assert (tmp_path / "history.sqlite").is_file()
    monkeypatch.setenv("NONREG_HISTORY_URL", "postgresql://hote/base")
    assert default_url(tmp_path) == "postgresql://hote/base"


def test_a_folder_may_have_any_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NONREG_HISTORY_URL", raising=False)
    runs_dir = tmp_path / "passages ?mode=ro&100% #1 é"
    save_run(runs_dir, make_report(0, {"BASE-001": O}))
    history = open_history(default_url(runs_dir))
    append_all(history, make_report(1, {"BASE-001": O}))
    assert rebuild(runs_dir, default_url(runs_dir), print, refuse_to_judge).indexed == 1
    assert (runs_dir / "history.sqlite").is_file()
    assert [run.run_id for run in history.list_runs(PLATFORM, 10)] == ["essai-0000"]
    assert [path.name for path in tmp_path.iterdir()] == [runs_dir.name]


@pytest.mark.parametrize("damage", ["not a database", "cut", "other version"])
def test_a_file_that_is_no_history_is_refused_with_the_way_out(tmp_path: Path, damage: str) -> None:
    file = tmp_path / "history.sqlite"
    if damage == "not a database":
        file.write_text("ceci n'est pas une base\n" * 100, encoding="utf-8")
    else:
        append_all(open_history(f"sqlite:///{file}"), make_report(0, {f"BASE-{n}": O for n in range(500)}))
        if damage == "cut":
            os.truncate(file, file.stat().st_size // 2 // 4096 * 4096)
        else:
            with sqlite3.connect(file) as base:
                base.execute("UPDATE history_store SET version = 99")
    with pytest.raises(ConfigError, match="history --rebuild") as refused:
        open_history(f"sqlite:///{file}").load_history(PLATFORM, LATER)
    assert len(str(refused.value).splitlines()) == 1


def test_a_database_of_somebody_else_is_neither_used_nor_replaced(tmp_path: Path) -> None:
    file = tmp_path / "autre.sqlite"
    with sqlite3.connect(file) as base:
        base.execute("CREATE TABLE campaign (precious TEXT)")
    url = f"sqlite:///{file}"
    with pytest.raises(ConfigError, match="d'autres tables"):
        open_history(url)
    with pytest.raises(ConfigError, match="d'autres tables"):
        rebuild(tmp_path, url, print, refuse_to_judge)
    with sqlite3.connect(file) as base:
        assert base.execute("SELECT count(*) FROM campaign").fetchone() == (0,)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://chef:S3cr3t-mdp@127.0.0.1:9/base",
        "postgresql://127.0.0.1:9/base?user=chef&password=S3cr3t-mdp",
        "postgresql://chef:S3cr3t-mdp@127.0.0.1:port/base",
        "moteur-inconnu://chef:S3cr3t-mdp@hote/base",
        "chef:S3cr3t-mdp@hote",
        "sqlite://",
        "sqlite:///:memory:",
        "sqlite:////dossier/absent/history.sqlite",
    ],
)
def test_an_address_that_leads_nowhere_is_one_sentence_without_its_password(url: str) -> None:
    with pytest.raises(NonregError) as refused:
        open_history(url)
    shown = str(refused.value) + "".join(str(cause) for cause in list_causes(refused.value))
    assert "S3cr3t" not in shown
    assert len(str(refused.value).splitlines()) == 1


def test_the_password_is_not_in_what_the_store_says_of_itself() -> None:
    shown = repr(HistoryStore("postgresql://chef:S3cr3t-mdp@hote/base?password=S3cr3t-mdp"))
    assert shown == "HistoryStore('postgresql://hote/base')"


def list_causes(error: BaseException) -> Iterator[BaseException]:
    """What a traceback would show under an error."""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None:
        yield cause
        yield from list_causes(cause)


# --- several processes, kills, full disks --------------------------------------------------------------

APPENDER = """
import sys
from nonreg.history import open_history
from tests.test_history import make_report, O
url, first, count, scenarios = sys.argv[1], *map(int, sys.argv[2:])
outcomes = {f"BASE-{first}-{n}": O for n in range(scenarios)} | {"HD-001": O}
history = open_history(url)
for night in range(first, first + count):
    history.append(make_report(night, outcomes), f"passage-{night}")
    print(night, flush=True)
"""


def start_appender(url: str, first: int, count: int, scenarios: int = 50) -> subprocess.Popen[str]:
    """A process that appends campaigns and prints the number of each one that it was told is kept."""
    command = [sys.executable, "-c", APPENDER, url, *map(str, (first, count, scenarios))]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=Path(__file__).parent.parent
    )


def count_results(history: HistoryStore) -> dict[str, tuple[int, int]]:
    """Results promised and results found, by run."""
    loaded = history.load_history(PLATFORM, LATER, 100_000)
    found = [0] * len(loaded.runs)
    for scenario in loaded.scenarios:
        for position, letter in enumerate(scenario.outcomes):
            found[position] += letter != "-"
    return {run.run_id: (run.planned, count) for run, count in zip(loaded.runs, found, strict=True)}


def test_processes_that_append_at_the_same_moment_lose_nothing(either_url: str) -> None:
    # The tables are not there yet: creating them is a race too.
    processes = [start_appender(either_url, first, 25) for first in (0, 100, 200)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    counts = count_results(open_history(either_url))
    assert len(counts) == 75
    assert set(counts.values()) == {(51, 51)}


def test_a_kill_in_the_middle_of_a_write_leaves_the_previous_state(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    url = f"sqlite:///{file}"
    open_history(url)
    kept: set[str] = set()
    interrupted = 0
    for attempt in range(6):
        process = start_appender(url, 1000 * attempt, 1000, scenarios=3000)
        assert process.stdout is not None
        kept.add(f"essai-{int(process.stdout.readline()):04d}")
        # The journal is there only while a transaction writes.
        journal = file.with_name(file.name + "-journal")
        wait_until(journal.exists, within_seconds=30, what="écriture en cours", poll_seconds=0.0005)
        os.kill(process.pid, signal.SIGKILL)
        kept |= {f"essai-{int(line):04d}" for line in process.stdout}
        process.wait()
        interrupted += journal.exists()
        counts = count_results(open_history(url))
        assert kept <= set(counts)
        assert set(counts.values()) == {(3001, 3001)}
    assert interrupted, "aucun arrêt n'est tombé au milieu d'une écriture"


def test_a_full_disk_leaves_the_previous_state_and_says_so(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    url = f"sqlite:///{file}"
    append_all(open_history(url), make_report(9999, {"BASE-001": O}))
    limit = file.stat().st_size + 200_000
    process = start_appender(url, 0, 1000, scenarios=300)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "NonregError: Écriture impossible dans l'historique" in errors
    kept = {"essai-9999", *(f"essai-{int(line):04d}" for line in output.split())}
    counts = count_results(open_history(url))
    assert set(counts) == kept
    assert all(planned == found for planned, found in counts.values())
    append_all(open_history(url), make_report(5000, {"BASE-001": O}))  # and it goes on when there is room


# --- rebuilding ----------------------------------------------------------------------------------------


def refuse_to_judge(run_dir: Path) -> CampaignReport:
    raise AssertionError(run_dir)


def save_run(runs_dir: Path, report: CampaignReport) -> Path:
    """A run's folder as publishing leaves it."""
    run_dir = runs_dir / run_id_of(report)
    store.save_plan(run_dir, report.run.plan)
    store.write_file(run_dir / "report.json", store.dump_json(CampaignReport, report))
    return run_dir


def sample_reports() -> list[CampaignReport]:
    return [
        make_report(0, {"BASE-001": O, "BASE-002": K}),
        make_report(1, {"BASE-001": K, "BASE-002": O}, attempts=3),
        make_report(2, {"BASE-001": O, "BASE-003": Outcome.MESURE}, seconds=0.125),
        make_report(3, {"BASE-001": O}, platform="autre"),
    ]


def test_rebuilding_gives_the_same_content_as_appending(either_url: str, tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    appended = open_history(f"sqlite:///{tmp_path / 'appended.sqlite'}")
    for report in reversed(sample_reports()):
        save_run(runs_dir, report)
        append_all(appended, report)
    rebuilt = open_history(either_url)
    append_all(rebuilt, make_report(77, {"BASE-effacé": O}))  # its folder is gone
    done = rebuild(runs_dir, either_url, print, refuse_to_judge)
    assert (done.indexed, done.broken) == (4, ())
    for platform in (PLATFORM, "autre"):
        assert read_answers(rebuilt, platform) == read_answers(appended, platform)


def test_a_folder_without_report_is_judged_and_a_broken_one_is_named(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'history.sqlite'}"
    first, killed, damaged, copied = sample_reports()
    save_run(tmp_path, first)
    (save_run(tmp_path, killed) / "report.json").unlink()
    (save_run(tmp_path, damaged) / "report.json").write_text('{"run": 1}', encoding="utf-8")
    folder = save_run(tmp_path, copied)
    (tmp_path / "sans-plan").mkdir()
    store.write_file(tmp_path / "zz-copie.json", "{}")
    copy = tmp_path / "zz-copie"
    copy.mkdir()
    for file in folder.glob("*.json"):
        (copy / file.name).write_bytes(file.read_bytes())
    said: list[str] = []
    judged: list[Path] = []

    def judge(run_dir: Path) -> CampaignReport:
        judged.append(run_dir)
        return killed

    done = rebuild(tmp_path, url, said.append, judge)
    assert judged == [tmp_path / run_id_of(killed)]
    assert done.indexed == 3
    assert list(done.broken) == said
    assert len(said) == 2
    assert run_id_of(damaged) in said[0]
    assert "zz-copie (même passage que" in said[1]
    runs = [run.run_id for run in open_history(url).list_runs(PLATFORM, 10)]
    assert runs == [run_id_of(first), run_id_of(killed)]


def test_an_unreadable_file_is_rebuilt_and_kept_aside(tmp_path: Path) -> None:
    file = tmp_path / "history.sqlite"
    file.write_bytes(b"ruine" * 1000)
    for suffix in ("-journal", "-wal", "-shm"):
        file.with_name(file.name + suffix).write_bytes(b"reste")
    save_run(tmp_path, sample_reports()[0])
    said: list[str] = []
    rebuild(tmp_path, f"sqlite:///{file}", said.append, refuse_to_judge)
    assert (tmp_path / "history.sqlite.illisible").read_bytes() == b"ruine" * 1000
    assert said == [f"L'ancien fichier, illisible, est gardé : {file}.illisible"]
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == [
        "history.sqlite",
        "history.sqlite.illisible",
    ]
    assert len(open_history(f"sqlite:///{file}").list_runs(PLATFORM, 10)) == 1


def test_a_rebuild_that_fails_leaves_the_old_history(
    either_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    history = open_history(either_url)
    append_all(history, sample_reports()[0])
    before = read_answers(history)
    runs_dir = tmp_path / "runs"
    for report in sample_reports():
        save_run(runs_dir, report)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    (runs_dir / run_id_of(sample_reports()[2]) / "report.json").unlink()
    with pytest.raises(KeyboardInterrupt):
        rebuild(runs_dir, either_url, print, interrupt)  # type: ignore[arg-type]
    assert read_answers(history) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"history.sqlite", "runs"}


def test_what_is_appended_while_a_rebuild_reads_is_not_lost(either_url: str, tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    old, killed, late = sample_reports()[:3]
    save_run(runs_dir, old)
    (save_run(runs_dir, killed) / "report.json").unlink()
    history = open_history(either_url)
    append_all(history, old)
    appender = threading.Thread(target=append_all, args=(history, late))

    def judge(_: Path) -> CampaignReport:
        # Another process ends its campaign: its folder is complete, then it appends.
        save_run(runs_dir, late)
        appender.start()
        if either_url.startswith("sqlite"):
            appender.join(60)  # into the file that will be replaced; elsewhere it waits for the transaction
        return killed

    rebuild(runs_dir, either_url, print, judge)
    appender.join(60)
    runs = [run.run_id for run in open_history(either_url).list_runs(PLATFORM, 10)]
    assert runs == [run_id_of(report) for report in (old, killed, late)]


def test_what_waits_for_the_file_that_a_rebuild_replaces_goes_into_the_new_one(tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    file = tmp_path / "history.sqlite"
    old, first, second, _ = sample_reports()
    last = make_report(9, {"BASE-001": O})
    history = open_history(f"sqlite:///{file}")
    (save_run(runs_dir, first) / "report.json").unlink()
    append_all(history, old)
    appender = threading.Thread(target=append_all, args=(history, last))

    def judge(run_dir: Path) -> CampaignReport:
        if run_dir.name == run_id_of(first):
            (save_run(runs_dir, second) / "report.json").unlink()
            return first
        # The second reading, under the old file's lock: this one has it open, and waits.
        appender.start()
        wait_until(lambda: count_openings(file) == 2, within_seconds=30, what="fichier ouvert")
        return second

    rebuild(runs_dir, f"sqlite:///{file}", print, judge)
    appender.join(60)
    runs = [run.run_id for run in history.list_runs(PLATFORM, 10)]
    assert runs == [run_id_of(report) for report in (first, second, last)]


def count_openings(file: Path) -> int:
    """How often this process has a file open."""
    openings = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(OSError):
            openings += descriptor.readlink() == file
    return openings


def test_a_writer_keeps_others_out_from_its_first_moment(history: HistoryStore) -> None:
    assert history.file is not None
    with (
        history.transaction(writes=True),
        sqlite3.connect(history.file, timeout=0, isolation_level=None) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")


def test_what_is_kept_of_a_campaign_names_all_that_was_planned() -> None:
    report = make_report(0, {"BASE-001": O, "BASE-002": K, "BASE-003": N})
    record = digest_report(report, "dossier")
    plan = report.run.plan
    assert [one.scenario_id for one in record.results] == ["BASE-001", "BASE-002", "BASE-003"]
    assert (record.planned, record.passed, record.failed) == (3, 1, 1)
    assert (record.folder, record.dataset, record.tool_commit) == (
        "dossier",
        plan.platform.dataset,
        plan.tool_commit,
    )
    assert record.families == "base,applicatif,hd"
