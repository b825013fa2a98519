"""A runbook killed at any moment is taken up again: nothing is repeated, nothing lost. RUNBOOK_SEEDS=n plays more."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tasks.handover_work import make_work
from tests.governed import Governed, make_governed
from tests.handover.executions import SMALL, TECHNIQUE, TITULAIRE
from tests.handover.kill_checks import check_whole
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
        self.work = make_work(str(governed.platform_file), governed.runs_dir)
        (folder / "runbooks").mkdir()
        head, marker, last = SMALL.partition('\n[[steps]]\nid = "O3"')
        (folder / "runbooks" / "essai.toml").write_text(head + CAMPAIGN + marker + last, encoding="utf-8")
        answers = folder / "reponses.toml"
        answers.write_text(ANSWERS, encoding="utf-8")
        super().__init__(
            self.work.journal,
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
    killed = sum(played.play(draw_kill(chance)) is None for _ in range(KILLS))
    for _ in range(killed + 1):  # a killed campaign is no pass: it is run again
        if (code := played.play()) == 0:
            break
        assert code == 1, played.log.read_text(encoding="utf-8")
    check_whole(played.work, played, killed)


def test_two_terminals_do_not_follow_one_execution_at_once(sandbox: Layout, tmp_path: Path) -> None:
    played = Played(make_governed(tmp_path, sandbox.platform_file), tmp_path)
    first = played.start()
    wait_until(lambda: any(played.work.runs_dir.glob("runbooks/*/verrou")), END_SECONDS)
    second = played.start()
    assert {first.wait(END_SECONDS), second.wait(END_SECONDS)} == {0}
    check_whole(played.work, played, killed=0)
