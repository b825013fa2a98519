"""Orphans of one folder are taken up one by one: what goes wrong with one keeps nobody waiting."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from nonreg import store
from nonreg.config import load_platform
from nonreg.drills.register import Register
from nonreg.lock import hold_platform_lock
from nonreg.orphans import FILE, Life, live
from nonreg.sandbox.layout import Layout
from nonreg.store import END, NO_END
from tasks import recovery
from tasks.publication import is_published
from tests.run_samples import AT, make_plan


def leave_orphan(run_dir: Path, platform: str = "disparue") -> None:
    """A run whose process was ended after its plan, on a platform that is not there any more unless it is named."""
    with suppress(KeyboardInterrupt), live(run_dir, Life(platform)):
        store.save_plan(run_dir, make_plan("BASE-001"))
        raise KeyboardInterrupt


def test_an_orphan_that_breaks_what_takes_it_up_is_told_and_left_for_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def judge(_: Path) -> None:
        raise KeyError("scénario")

    leave_orphan(tmp_path / "passage")
    monkeypatch.setattr(recovery, "judge_folder", judge)
    for _ in range(2):
        found = recovery.recover_run(tmp_path / "passage")
        assert found is not None
        assert not found.is_settled
        assert found.problems[-1] == "Passage passage à reprendre : 'scénario'"


def test_a_run_that_has_the_platform_itself_lives_and_is_neither_judged_nor_told(
    sandbox: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a shared folder whose locks stay on their machine, its file alone would say that it is gone."""
    monkeypatch.setattr(recovery, "GONE_SECONDS", 0.5)
    run_dir = tmp_path / "20261130T010000Z-embarquee-abc123"
    leave_orphan(run_dir, str(sandbox.platform_file))
    with hold_platform_lock(load_platform(str(sandbox.platform_file)), run_id=run_dir.name) as lock:
        assert lock.held
        found = recovery.recover_run(run_dir)
    assert found is not None
    assert not found.is_settled
    assert run_dir.name in found.problems[-1]
    assert not is_published(run_dir)
    assert (run_dir / FILE).is_file()


def test_a_run_whose_drills_folder_cannot_be_written_is_taken_up_all_the_same(
    sandbox: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hardened unit sees the platforms' files read-only; where no drill ever was there is nothing to heal."""
    platform = load_platform(str(sandbox.platform_file))
    blocked = tmp_path / "fichier"
    blocked.touch()
    monkeypatch.setattr(
        recovery, "open_register", lambda one: Register(blocked / "exercices", one.identity_token)
    )
    run_dir = tmp_path / "20261130T010000Z-embarquee-abc124"
    run_dir.mkdir()
    assert recovery.restore(platform, sandbox.platform_file, run_dir) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ended_at": 3}'])
def test_a_run_whose_end_was_lost_with_its_machine_did_not_end(tmp_path: Path, text: str) -> None:
    store.save_plan(tmp_path, make_plan("BASE-001"))
    store.save_end(tmp_path, AT, 0)
    ended = store.load_run(tmp_path)
    assert (ended.ended_at, ended.interruption) == (AT, "")
    (tmp_path / END).write_text(text, encoding="utf-8")
    lost = store.load_run(tmp_path)
    assert (lost.ended_at, lost.pytest_exit, lost.interruption) == (None, None, NO_END)
