"""Orphans of one folder are taken up one by one: what goes wrong with one keeps nobody waiting."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from nonreg import store
from nonreg.orphans import Life, live
from nonreg.store import END, NO_END
from tasks import recovery
from tests.run_samples import AT, make_plan


def leave_orphan(run_dir: Path) -> None:
    """A run whose process was ended after its plan, on a platform that is not there any more."""
    with suppress(KeyboardInterrupt), live(run_dir, Life("disparue")):
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


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ended_at": 3}'])
def test_a_run_whose_end_was_lost_with_its_machine_did_not_end(tmp_path: Path, text: str) -> None:
    store.save_plan(tmp_path, make_plan("BASE-001"))
    store.save_end(tmp_path, AT, 0)
    ended = store.load_run(tmp_path)
    assert (ended.ended_at, ended.interruption) == (AT, "")
    (tmp_path / END).write_text(text, encoding="utf-8")
    lost = store.load_run(tmp_path)
    assert (lost.ended_at, lost.pytest_exit, lost.interruption) == (None, None, NO_END)
