"""Signatures that do not hold are refused at a terminal, whether they were made elsewhere or now."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nonreg.decision import write_signed
from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from tests.handover.attacks import ATTACKS, STEP, Attack, Target, make_target
from tests.handover.executions import MOA, PILOTAGE, SMALL, TITULAIRE, make_played


@pytest.fixture
def target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Target:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "essai.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv(RUNBOOKS_VARIABLE, str(tmp_path / "runbooks"))
    return make_target(make_played(tmp_path))


def answer(target: Target, *words: str) -> tuple[int, str]:
    done = target.played.governed.cli("answer", target.execution.id, STEP, *words, "--no-follow")
    return done.returncode, done.stderr


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_a_signature_that_does_not_hold_is_refused_in_one_sentence(
    target: Target, tmp_path: Path, attack: Attack
) -> None:
    file = tmp_path / "decision.signed.json"
    write_signed(file, attack.make(target))
    code, said = answer(target, "--person", TITULAIRE, "--decision", str(file))
    assert (code, len(said.strip().splitlines())) == (3, 1), said
    assert re.search(attack.told, said), said
    assert not target.is_done()


@pytest.mark.parametrize("person", [MOA, PILOTAGE])
def test_a_key_at_hand_signs_nothing_that_is_another_ones_or_about_its_owner(
    target: Target, person: str
) -> None:
    code, said = answer(target, "--key", target.played.governed.key(person), "--yes")
    assert (code, "ne fait pas l'étape O4" in said, target.is_done()) == (3, True, False), said


def test_what_holds_passes_and_serves_once(target: Target, tmp_path: Path) -> None:
    file = tmp_path / "decision.signed.json"
    write_signed(file, target.sign(target.ask()))
    assert answer(target, "--decision", str(file))[0] == 2
    assert target.is_done()
    code, said = answer(target, "--decision", str(file))
    assert (code, "déjà faite" in said) == (3, True), said
