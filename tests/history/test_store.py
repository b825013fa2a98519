"""Where the history is, what it refuses, and what it survives: several processes, kills, a full disk."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.errors import ConfigError, NonregError
from nonreg.history import HistoryStore, default_url, open_history, rebuild
from nonreg.waiting import wait_until
from tests.history.samples import (
    LATER,
    PLATFORM,
    O,
    append_all,
    count_results,
    make_report,
    refuse_to_judge,
    save_run,
    start_appender,
)


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


def test_a_writer_keeps_others_out_from_its_first_moment(history: HistoryStore) -> None:
    assert history.file is not None
    with (
        history.transaction(writes=True),
        sqlite3.connect(history.file, timeout=0, isolation_level=None) as other,
        pytest.raises(sqlite3.OperationalError, match="locked"),
    ):
        other.execute("BEGIN IMMEDIATE")
