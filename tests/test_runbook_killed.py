"""A runbook killed at any moment is taken up again: nothing is repeated, nothing lost. RUNBOOK_SEEDS=n plays more."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from nonreg.handover.journal import Journal
from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from nonreg.handover.state import Event, find_begun
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tasks.publication import is_published
from tests.governed import Governed, make_governed
from tests.handover.executions import SMALL, TECHNIQUE, TITULAIRE
from tests.handover.killed import Followed, draw_kill

pytestmark = pytest.mark.prefect
SEEDS = range(int(os.environ.get("RUNBOOK_SEEDS", "3")))
KILLS, END_SECONDS = 2, 240.0
CAMPAIGN = """
[[steps]]
id = "O2b"
title = "Campagne d'essai"
role = "outil"
kind = "campaign"
campaign = { families = ["base"], effects = "lecture", select = "BASE-001,BASE-004" }
instructions = "Deux contrôles."
evidence = "Le rapport."
"""
ANSWERS = """
[O0]
personne = "titulaire-essai"
demande_le = "{{maintenant}}"
[O1]
personne = "moa-scv-essai"
reference = "SCV-12"
accord = "oui"
[O3]
personne = "moa-scv-essai"
delegataire = "renfort-pilotage-essai"
delegation_jusqu_au = "{{jour+5}}"
reference_moa = "SCV-13"
[O4]
personne = "titulaire-essai"
"""


class Played(Followed):
    """One execution of a small runbook with a step of each kind, from a terminal."""

    def __init__(self, governed: Governed, folder: Path) -> None:
        self.governed = governed
        (folder / "runbooks").mkdir()
        head, marker, last = SMALL.partition('\n[[steps]]\nid = "O3"')
        (folder / "runbooks" / "essai.toml").write_text(head + CAMPAIGN + marker + last, encoding="utf-8")
        answers = folder / "reponses.toml"
        answers.write_text(ANSWERS, encoding="utf-8")
        super().__init__(
            Journal(governed.runs_dir, governed.people),
            folder / "terminal.txt",
            ("runbook", "open", "essai", "--person", TITULAIRE, "--subject", TECHNIQUE, "--rehearsal"),
            (
                *("--platform", str(governed.platform_file)),
                *("--runs-dir", str(governed.runs_dir), "--answers", str(answers)),
            ),
            {RUNBOOKS_VARIABLE: str(folder / "runbooks")},
        )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_runbook_killed_at_any_moment_goes_on_where_it_stood(
    sandbox: Layout, tmp_path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    played = Played(make_governed(tmp_path, sandbox.platform_file), tmp_path)
    for _ in range(KILLS):
        played.play(draw_kill(chance))
    while (code := played.play()) != 0:
        assert code == 1, played.log.read_text(
            encoding="utf-8"
        )  # a killed campaign is no pass: it is run again
    check_whole(played)


def check_whole(played: Played) -> None:
    """Each step once, in order, a campaign that was judged, and a chain that verifies."""
    execution = played.execution
    assert [one.step_id for one in execution.done] == ["O0", "O1", "O2", "O2b", "O3", "O4"]
    assert execution.closed_at is not None
    entries = played.journal.read(execution.id)
    counted = Counter(entry.data["event"] for entry in entries)
    assert (counted[Event.OPENED], counted[Event.CLOSED]) == (1, 1)
    assert find_begun(entries, "O2b") == ""
    begun = [str(entry.data["run_id"]) for entry in entries if entry.data["event"] == Event.BEGUN]
    assert is_published(played.governed.runs_dir / begun[-1])
    judged = [
        entry for entry in entries if entry.data.get("step") == "O2b" and entry.data["event"] == Event.FAILED
    ]
    assert len(begun) <= len(judged) + 1 + count_empty(played, begun)
    verify_ledger(played.journal.file, collect_witnesses(played.governed.runs_dir))
    assert not played.find_left()


def count_empty(played: Played, begun: list[str]) -> int:
    """Runs that were killed before they had a plan: there is nothing to judge."""
    return sum(not is_published(played.governed.runs_dir / one) for one in begun)


def test_two_terminals_do_not_follow_one_execution_at_once(sandbox: Layout, tmp_path: Path) -> None:
    played = Played(make_governed(tmp_path, sandbox.platform_file), tmp_path)
    first = played.start()
    wait_until(lambda: played.governed.runs_dir.glob("runbooks/*/verrou") and played.journal.list_ids(), 60)
    second = played.start()
    assert {first.wait(END_SECONDS), second.wait(END_SECONDS)} == {0}
    check_whole(played)
