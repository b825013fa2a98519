"""A run's folder: what was recorded is read back, also after a kill in the middle of a write."""

from __future__ import annotations

import dataclasses
import resource
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import execute, store
from nonreg.__main__ import main
from nonreg.assess import assess
from nonreg.attempts import Attempt, announce_attempt, choose_retries, read_attempt
from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.errors import ConfigError
from nonreg.model import (
    Basis,
    CampaignPlan,
    DrillRecord,
    DrillStage,
    Failure,
    GuardResult,
    GuardStatus,
    Outcome,
    PlannedDrill,
    ScenarioResult,
    Verdict,
)
from nonreg.progress import read_progress
from tests.run_samples import AT, make_plan


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    store.save_plan(tmp_path, make_plan("BASE-001", "BASE-002"))
    return tmp_path


def record_started(run_dir: Path, scenario_id: str, attempt: int = 1) -> None:
    store.append_event(
        run_dir,
        {
            "event": "scenario_started",
            "at": AT.isoformat(),
            "scenario_id": scenario_id,
            "attempt": attempt,
        },
    )


def record_finished(run_dir: Path, scenario_id: str, outcome: Outcome = Outcome.OK, attempt: int = 1) -> None:
    result = dataclasses.asdict(ScenarioResult(scenario_id, outcome, started_at=AT, attempt=attempt))
    store.append_event(run_dir, {"event": "scenario_finished", "at": AT.isoformat(), "result": result})


def test_a_plan_is_read_back_as_it_was_saved(run_dir: Path) -> None:
    plan = store.load_json(CampaignPlan, run_dir / store.PLAN)
    assert [found.id for found in plan.scenarios] == ["BASE-001", "BASE-002"]
    assert plan.created_at == AT


def test_a_run_without_end_is_interrupted(run_dir: Path) -> None:
    run = store.load_run(run_dir)
    assert run.ended_at is None
    assert run.interruption


def test_a_scenario_that_started_and_never_finished_is_inconclusive(run_dir: Path) -> None:
    record_started(run_dir, "BASE-001")
    record_finished(run_dir, "BASE-001")
    record_started(run_dir, "BASE-002")
    results = {result.scenario_id: result for result in store.load_run(run_dir).results}
    assert (results["BASE-001"].outcome, results["BASE-001"].failure) == (Outcome.OK, None)
    assert (results["BASE-002"].outcome, results["BASE-002"].failure) == (
        Outcome.INCONCLUSIF,
        Failure.DELAI,
    )


def test_every_attempt_is_kept_in_order(run_dir: Path) -> None:
    record_finished(run_dir, "BASE-001", Outcome.KO)
    record_finished(run_dir, "BASE-001", Outcome.OK, attempt=2)
    found = [(result.outcome, result.attempt) for result in store.load_run(run_dir).results]
    assert found == [(Outcome.KO, 1), (Outcome.OK, 2)]


def test_an_interrupted_retry_leaves_the_first_attempt_as_it_was(run_dir: Path) -> None:
    record_finished(run_dir, "BASE-001", Outcome.KO)
    record_started(run_dir, "BASE-001", attempt=2)
    found = [(result.outcome, result.attempt, result.failure) for result in store.load_run(run_dir).results]
    assert found == [(Outcome.KO, 1, None), (Outcome.INCONCLUSIF, 2, Failure.DELAI)]


def test_a_run_recorded_before_attempts_were_counted_has_first_attempts(run_dir: Path) -> None:
    old = {"scenario_id": "BASE-001", "outcome": "KO", "duration_seconds": 1.0, "started_at": AT.isoformat()}
    store.append_event(
        run_dir, {"event": "scenario_started", "at": AT.isoformat(), "scenario_id": "BASE-001"}
    )
    store.append_event(run_dir, {"event": "scenario_finished", "at": AT.isoformat(), "result": old})
    (result,) = store.load_run(run_dir).results
    assert (result.outcome, result.attempt) == (Outcome.KO, 1)


def test_an_ended_run_keeps_its_exit_code(run_dir: Path) -> None:
    store.save_end(run_dir, AT, 1)
    run = store.load_run(run_dir)
    assert (run.ended_at, run.pytest_exit, run.interruption) == (AT, 1, "")


@given(cut=st.integers(1, 400))
def test_a_torn_last_line_loses_only_itself(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    folder = tmp_path_factory.mktemp("passage")
    record_finished(folder, "BASE-001")
    whole = (folder / store.EVENTS).read_bytes()
    record_finished(folder, "BASE-002")
    data = (folder / store.EVENTS).read_bytes()
    (folder / store.EVENTS).write_bytes(data[: len(whole) + min(cut, len(data) - len(whole) - 1)])
    assert [event["result"]["scenario_id"] for event in store.read_events(folder)] == ["BASE-001"]


@given(cut=st.integers(1, 400))
def test_a_line_torn_before_another_is_passed_over_and_makes_the_run_an_interrupted_one(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("passage")
    store.save_plan(folder, make_plan("BASE-001", "BASE-002", "BASE-003"))
    record_finished(folder, "BASE-001")
    record_started(folder, "BASE-002")
    started = (folder / store.EVENTS).read_bytes()
    record_finished(folder, "BASE-002")
    data = (folder / store.EVENTS).read_bytes()
    torn = data[: len(started) + min(cut, len(data) - len(started) - 2)]
    (folder / store.EVENTS).write_bytes(torn)
    record_finished(folder, "BASE-003")
    store.save_end(folder, AT, 0)
    run = store.load_run(folder)
    assert {result.scenario_id: result.outcome for result in run.results} == {
        "BASE-001": Outcome.OK,
        "BASE-002": Outcome.INCONCLUSIF,
        "BASE-003": Outcome.OK,
    }
    assert run.interruption == "events.jsonl a 1 ligne(s) illisible(s) : des résultats ont pu être perdus."
    assert assess(run, Basis()).verdict is Verdict.INCOMPLET


@pytest.mark.parametrize(
    "line", [b"3", b"[]", b'{"at": 1}', b"\xff", b'{"event": "scenario_finished", "result": {"outcome": 1}}']
)
def test_a_line_that_is_no_event_is_passed_over_and_told(run_dir: Path, line: bytes) -> None:
    (run_dir / store.EVENTS).write_bytes(line + b"\n")
    record_finished(run_dir, "BASE-001")
    store.save_end(run_dir, AT, 0, "Campagne arrêtée à la demande.")
    run = store.load_run(run_dir)
    assert [result.scenario_id for result in run.results] == ["BASE-001"]
    assert run.interruption.startswith(
        "Campagne arrêtée à la demande. events.jsonl a 1 ligne(s) illisible(s)"
    )


def record_closing(run_dir: Path, scenario_id: str, outcome: Outcome) -> None:
    result = dataclasses.asdict(ScenarioResult(scenario_id, outcome, started_at=AT))
    started, finished = store.CLOSING_EVENTS
    store.append_event(run_dir, {"event": started, "at": AT.isoformat(), "scenario_id": scenario_id})
    store.append_event(run_dir, {"event": finished, "at": AT.isoformat(), "result": result})


def test_closing_checks_are_read_apart_from_the_results_of_the_plan(run_dir: Path) -> None:
    record_finished(run_dir, "BASE-001", Outcome.KO)
    announce_attempt(run_dir, Attempt(1, ("BASE-001", "BASE-002"), closing=True))
    record_closing(run_dir, "BASE-001", Outcome.OK)
    store.append_event(
        run_dir, {"event": store.CLOSING_EVENTS[0], "at": AT.isoformat(), "scenario_id": "BASE-002"}
    )
    run = store.load_run(run_dir)
    assert [(one.scenario_id, one.outcome) for one in run.results] == [("BASE-001", Outcome.KO)]
    assert [(one.scenario_id, one.outcome) for one in run.closing] == [
        ("BASE-001", Outcome.OK),
        ("BASE-002", Outcome.INCONCLUSIF),
    ]
    plan = store.load_json(CampaignPlan, run_dir / store.PLAN)
    assert read_attempt(plan, run_dir) == Attempt(1, ("BASE-001", "BASE-002"), closing=True)
    assert choose_retries(plan, store.read_events(run_dir), 2) == ("BASE-001",)
    state = read_progress(run_dir)
    assert ([one.outcome for one in state.finished], state.current) == (
        [Outcome.KO],
        "BASE-002 Scénario BASE-002",
    )


def make_drilled(run_dir: Path, *ids: str) -> None:
    drills = tuple(PlannedDrill(one, "Essai", DrillStage.SECOURS, (), (), "0") for one in ids)
    store.save_plan(run_dir, dataclasses.replace(make_plan(*ids), drills=drills))
    (run_dir / store.DRILLS).mkdir()
    for one in sorted(ids):
        record = DrillRecord(one, AT, 1.5, left_as_found=("rien",))
        store.write_file(run_dir / store.DRILLS / f"{one}.json", store.dump_json(DrillRecord, record))


def test_what_each_drill_saw_is_read_back_in_the_order_of_the_plan(tmp_path: Path) -> None:
    make_drilled(tmp_path, "HD-916", "HD-915")
    (tmp_path / store.DRILLS / "HD-999.json").write_text("d'un autre", encoding="utf-8")
    run = store.load_run(tmp_path)
    assert [one.scenario_id for one in run.drills] == ["HD-916", "HD-915"]
    assert run.drills[0] == DrillRecord("HD-916", AT, 1.5, left_as_found=("rien",))


def test_a_record_that_cannot_be_read_is_told_and_the_run_is_still_read(tmp_path: Path) -> None:
    make_drilled(tmp_path, "HD-915", "HD-916")
    (tmp_path / store.DRILLS / "HD-915.json").write_text("{", encoding="utf-8")
    store.save_end(tmp_path, AT, 0)
    run = store.load_run(tmp_path)
    assert [one.scenario_id for one in run.drills] == ["HD-916"]
    assert run.interruption == "drills/HD-915.json est illisible : le relevé de l'exercice est perdu."


def test_what_was_restored_is_kept_once_in_order(run_dir: Path) -> None:
    store.add_healed(run_dir, ())
    assert not (run_dir / store.HEALED).exists()
    store.add_healed(run_dir, ("un", "deux"))
    store.add_healed(run_dir, ("deux", "trois"))
    assert store.load_run(run_dir).healed == ("un", "deux", "trois")


def test_a_run_without_unreadable_line_says_nothing_of_it(run_dir: Path) -> None:
    record_finished(run_dir, "BASE-001")
    store.save_end(run_dir, AT, 0)
    assert store.load_run(run_dir).interruption == ""


def test_an_event_is_written_whole_when_the_system_takes_it_in_pieces(tmp_path: Path) -> None:
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50, limit[1]))  # as on a full disk: part of it is taken
        with pytest.raises(OSError, match="too large"):
            record_finished(tmp_path, "BASE-001")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        signal.signal(signal.SIGXFSZ, handler)
    assert (tmp_path / store.EVENTS).stat().st_size == 50
    record_finished(tmp_path, "BASE-002")
    assert [event["result"]["scenario_id"] for event in store.read_events(tmp_path)] == ["BASE-002"]


def test_a_run_is_going_on_as_long_as_its_process_lives(
    run_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = "import sys; from pathlib import Path; from nonreg.store import hold_run\n"
    words += "with hold_run(Path(sys.argv[1])):\n    print('ici', flush=True); sys.stdin.read()"
    assert not store.is_running(run_dir)
    with subprocess.Popen(
        [sys.executable, "-c", words, str(run_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert store.is_running(run_dir)
        assert main(["report", str(run_dir)]) == 3
        said = capsys.readouterr().err
        assert f"Le passage {run_dir.name} est encore en cours" in said
        assert len(said.splitlines()) == 1
        assert not (run_dir / "report.json").exists()
        process.kill()
    assert not store.is_running(run_dir)
    assert not store.is_running(run_dir / "absent")


def test_a_plan_is_executed_as_a_run_that_is_going_on(run_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def refuse(*_: object) -> tuple[GuardResult, ...]:
        seen.append(store.is_running(run_dir))
        return (GuardResult("PRE-01", "Cible", GuardStatus.REFUSED, "refusée"),)

    monkeypatch.setattr(execute, "check_guards", refuse)
    monkeypatch.setattr(execute, "capture_if_needed", lambda *_: None)
    file = PLATFORMS_DIR / "embarquee.toml"
    plan = store.load_json(CampaignPlan, run_dir / store.PLAN)
    platform = dataclasses.replace(load_platform(str(file)), base_dir=str(run_dir))
    execute.execute_plan(platform, plan, run_dir, file, run_dir, threading.Event())
    assert seen == [True]
    assert not store.is_running(run_dir)


def test_only_a_retry_that_passed_is_told_as_unstable_while_the_run_goes_on(run_dir: Path) -> None:
    record_finished(run_dir, "BASE-001", Outcome.KO)
    record_finished(run_dir, "BASE-002", Outcome.KO)
    record_finished(run_dir, "BASE-001", Outcome.OK, attempt=2)
    record_finished(run_dir, "BASE-002", Outcome.NON_APPLICABLE, attempt=2)
    assert read_progress(run_dir).tally == "1 OK  1 NON_APPLICABLE  dont 1 instable(s)"


def test_a_folder_without_plan_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"Aucun passage de campagne"):
        store.load_run(tmp_path)


def test_a_damaged_plan_is_named(run_dir: Path) -> None:
    (run_dir / store.PLAN).write_text("{", encoding="utf-8")
    with pytest.raises(ConfigError, match="contenu illisible"):
        store.load_run(run_dir)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "fichier.json"
    store.write_file(file, "ancien")

    def fail(*_: object) -> None:
        raise OSError("disque plein")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="disque plein"):
        store.write_file(file, "nouveau")
    assert file.read_text(encoding="utf-8") == "ancien"
    assert [path.name for path in tmp_path.iterdir()] == ["fichier.json"]
