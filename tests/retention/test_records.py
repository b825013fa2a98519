"""Records of runbooks past their time: the last of each is kept, the others leave no hole that anybody stumbles on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Means, State, verify_runs
from nonreg.model.handover import Execution
from tasks.evidence import JUDGES
from tasks.handover import publish_record
from tasks.handover_sources import load_executions
from tasks.handover_work import Work
from tasks.readiness import read_executions
from tasks.retention import prepare_purge, purge
from tests.governed import Governed
from tests.handover.activations import integrate, make_site, open_shipped, play, script_of, work_on
from tests.retention.sites import explain

RUNBOOK = "activation-pointe"
YEAR = timedelta(days=400)


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return work_on(make_site(tmp_path))


def rehearse(work: Work, root: Path) -> Execution:
    execution = play(work, script_of(Governed(root), RUNBOOK), open_shipped(work, RUNBOOK))
    execution = work.journal.close(execution, "", datetime.now(UTC))
    publish_record(work, execution)
    return execution


def test_the_last_rehearsal_of_a_runbook_is_kept_and_what_was_removed_is_missed_nowhere(
    work: Work, tmp_path: Path
) -> None:
    integrate(work)
    first, last = (rehearse(work, tmp_path).id for _ in range(2))
    opened = open_shipped(work, RUNBOOK).id
    later = datetime.now(UTC) + YEAR
    plan = prepare_purge(work, later)
    assert f"runbooks/{first}" in [one.place for one in plan.removable]
    assert explain(plan, f"runbooks/{last}") == "le dernier de son genre"
    assert explain(plan, f"runbooks/{opened}").startswith("pas scellé : exécution encore ouverte")
    purge(work, later)
    assert not work.journal.folder(first).exists()
    problems: dict[str, str] = {}
    known = [one.id for one in read_executions(work, problems)]
    assert problems == {}
    assert first not in known
    assert {last, opened} <= set(known)
    executions, broken = load_executions(work)
    assert ([one.id for one in executions], broken) == (known, ())
    assert first not in work.journal.list_ids()
    means = Means(find_people(work.runs_dir), JUDGES)
    assert [one for one in verify_runs(work.runs_dir, means) if one.state is State.WRONG] == []
