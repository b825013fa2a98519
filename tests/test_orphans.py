"""What a run leaves when its process dies, and who may take it up: real processes, killed for real."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pytest

from nonreg.basis import PUBLISHED
from nonreg.errors import NonregError
from nonreg.orphans import FILE, Life, forget, list_lives, live, read_flow_runs, take_up
from nonreg.store import PLAN
from nonreg.waiting import wait_until

ROOT = Path(__file__).parent.parent
LIFE = Life("embarquee", ("un", "deux"))
LIVING = """
import sys
from pathlib import Path
from nonreg.orphans import Life, live
run_dir = Path(sys.argv[1])
with live(run_dir, Life.of_ours("embarquee", "un", "un", "")):
    (run_dir / "plan.json").touch()
    (run_dir / "pret").touch()
    sys.stdin.read()
"""


def may_take(run_dir: Path) -> bool:
    with take_up(run_dir) as life:
        return life is not None


def live_until(run_dir: Path, error: BaseException | None, *files: str) -> None:
    """A run that leaves these files, then is over."""
    with live(run_dir, LIFE):
        for file in files:
            (run_dir / file).touch()
        if error is not None:
            raise error


def leave_orphan(run_dir: Path) -> None:
    """A run whose flow was interrupted after its plan."""
    with pytest.raises(KeyboardInterrupt):
        live_until(run_dir, KeyboardInterrupt(), PLAN)


def test_a_run_may_be_taken_up_once_its_process_was_killed_and_not_before(tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    words = [sys.executable, "-c", LIVING, str(run_dir)]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE) as process:
        wait_until((run_dir / "pret").is_file, 30)
        assert not may_take(run_dir)
        assert read_flow_runs(tmp_path) == {"un"}
        process.kill()
    with take_up(run_dir) as life:
        assert life is not None
        assert (life.platform, life.flow_runs, life.process) == ("embarquee", ("un",), process.pid)


def test_of_two_who_take_a_run_up_one_has_it(tmp_path: Path) -> None:
    leave_orphan(tmp_path)
    with take_up(tmp_path) as first, take_up(tmp_path) as second:
        assert (first, second) == (LIFE, None)
    assert may_take(tmp_path)


def test_whoever_waited_while_the_run_was_settled_has_nothing(tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    leave_orphan(run_dir)
    with ExitStack() as held:
        held.enter_context(take_up(run_dir))
        forget(run_dir)
    assert not may_take(run_dir)
    assert list_lives(tmp_path) == ()


@pytest.mark.parametrize("error", [None, ValueError("essai")])
def test_a_run_that_was_published_leaves_nothing_however_its_flow_ends(
    tmp_path: Path, error: Exception | None
) -> None:
    run_dir = tmp_path / "passage"
    with pytest.raises(ValueError, match="essai") if error else nullcontext():
        live_until(run_dir, error, PLAN, PUBLISHED)
    assert not (run_dir / FILE).exists()
    assert (run_dir / PLAN).exists()


def test_a_run_that_was_planned_and_not_published_is_left_to_be_taken_up(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="essai"):
        live_until(tmp_path, ValueError("essai"), PLAN)
    assert may_take(tmp_path)


def test_a_run_that_is_interrupted_while_it_shows_its_report_is_left_for_its_flow_run_to_say_so(
    tmp_path: Path,
) -> None:
    with pytest.raises(KeyboardInterrupt):
        live_until(tmp_path, KeyboardInterrupt(), PLAN, PUBLISHED)
    assert may_take(tmp_path)


def test_a_campaign_that_is_refused_before_its_plan_leaves_no_folder(tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    with pytest.raises(NonregError):
        live_until(run_dir, NonregError("sélection vide"))
    assert not run_dir.exists()


def test_a_run_that_lives_keeps_its_folder_to_itself(tmp_path: Path) -> None:
    with live(tmp_path, LIFE):
        for file in ((), (PLAN,)):
            live_until_refused(tmp_path, *file)
        assert read_flow_runs(tmp_path.parent) >= {*LIFE.flow_runs}
        assert not may_take(tmp_path)


def test_a_run_that_was_published_is_not_begun_again(tmp_path: Path) -> None:
    live_until(tmp_path, None, PLAN, PUBLISHED)
    live_until_refused(tmp_path)
    assert not (tmp_path / FILE).exists()


def live_until_refused(run_dir: Path, *files: str) -> None:
    """A second run of the same name, while the first has left these files."""
    for file in files:
        (run_dir / file).touch()
    with pytest.raises(NonregError, match=f"Le passage {run_dir.name} existe déjà"):
        live_until(run_dir, ValueError("essai"))


def test_a_run_whose_file_cannot_be_read_is_touched_by_nobody(tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    run_dir.mkdir()
    (run_dir / FILE).write_text("{", encoding="utf-8")
    assert not may_take(run_dir)
    assert read_flow_runs(tmp_path) == frozenset()


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "fichier").touch()
    with pytest.raises(NonregError, match="Dossier du passage impossible à écrire"):
        live_until(tmp_path / "fichier" / "passage", None)
