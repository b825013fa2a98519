"""The history rebuilt from the folders of the runs, whatever became of its file."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path

import pytest

from nonreg import store
from nonreg.history import open_history, rebuild
from nonreg.model import (
    CampaignReport,
)
from nonreg.waiting import wait_until
from tests.history.samples import (
    PLATFORM,
    O,
    append_all,
    make_report,
    read_answers,
    refuse_to_judge,
    run_id_of,
    sample_reports,
    save_run,
)


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
