"""Runbooks from a terminal: opened, answered, signed; what must not hold is refused there as anywhere else."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.clients.sshsig import load_key_file
from nonreg.decision import load_request, sign_decision, write_signed
from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.handover import Execution
from tests.handover.executions import MOA, PILOTAGE, SMALL, TECHNIQUE, TITULAIRE, Played, make_played

NOW = datetime.now(UTC)
FILLED = ("delegataire=renfort-pilotage-essai", "delegation_jusqu_au=2099-12-01", "reference_moa=SCV-13")


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Played:
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "runbooks" / "essai.toml").write_text(SMALL, encoding="utf-8")
    monkeypatch.setenv(RUNBOOKS_VARIABLE, str(tmp_path / "runbooks"))
    return make_played(tmp_path)


def open_one(played: Played, *more: str) -> Execution:
    words = ("runbook", "open", "essai", "--person", TITULAIRE, "--subject", TECHNIQUE, "--no-follow", *more)
    done = played.governed.cli(*words)
    assert done.returncode == 2, done.stderr
    return played.journal.load(played.journal.list_ids()[-1])


def answer(played: Played, execution: Execution, step: str, *words: str) -> tuple[int, str]:
    done = played.governed.cli("answer", execution.id, step, *words, "--no-follow")
    return done.returncode, done.stdout + done.stderr


def reach_signature(played: Played) -> Execution:
    """An execution whose next step is the signed delegation."""
    execution = open_one(played)
    assert answer(played, execution, "O0", "demande_le=30/11/2026 09:00", "--person", TITULAIRE)[0] == 2
    assert answer(played, execution, "O1", "reference=SCV-12", "accord=oui", "--person", MOA)[0] == 1
    played.journal.add_done(execution, "O2", person="", at=NOW)
    return played.journal.load(execution.id)


def test_a_runbook_is_opened_answered_and_signed_from_a_terminal(played: Played) -> None:
    execution = reach_signature(played)
    code, said = answer(played, execution, "O3", "--person", MOA, "--skip", "le titulaire reste joignable")
    assert (code, "O4 — Mise en capacité" in said) == (2, True)
    code, said = answer(played, execution, "O4", "--key", played.governed.key(), "--yes")
    assert (code, "Étape O4 : enregistrée." in said) == (2, True)
    assert [one.step_id for one in played.journal.load(execution.id).done] == ["O0", "O1", "O2", "O3", "O4"]
    verify_ledger(played.journal.file, collect_witnesses(played.governed.runs_dir))
    assert played.governed.cli("ledger", "verify").returncode == 0


def test_where_it_stands_and_what_to_type_is_told(played: Played) -> None:
    execution = open_one(played)
    said = played.governed.cli("runbook", "status", execution.id[-6:]).stdout
    assert "0/5 étapes, à faire O0" in said
    assert f"python -m nonreg answer {execution.id} O0 demande_le=… --person ID" in said
    assert "Par : titulaire-essai" in said
    assert execution.id in played.governed.cli("runbook", "status").stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("O0", "demande_le"), "une réponse s'écrit champ=valeur"),
        (("O0", "demande_le=hier", "--person", TITULAIRE), "une date et une heure passées"),
        (("O0", "demande_le=30/11/2026 09:00", "--person", MOA), "ne fait pas l'étape O0"),
        (("O0", "demande_le=30/11/2026 09:00"), "n'est pas dans people.toml"),
        (("O9", "--person", TITULAIRE), "Étape inconnue"),
        (("O4", "--person", TITULAIRE), "O4 vient après O3"),
    ],
)
def test_a_wrong_answer_gets_one_sentence_and_records_nothing(
    played: Played, words: tuple[str, ...], told: str
) -> None:
    execution = open_one(played)
    code, said = answer(played, execution, *words)
    assert code == 3
    assert told in said
    assert len(said.strip().splitlines()) == 1
    assert played.journal.load(execution.id).done == ()


def request(played: Played, execution: Execution) -> Path:
    """The request to sign that the command writes for somebody without a key at hand."""
    code, said = answer(played, execution, "O3", *FILLED, "--person", MOA)
    assert (code, "Demande à signer" in said) == (2, True)
    return sorted((played.governed.runs_dir / "decisions").glob("D-????????????.json"))[-1]


def sign(played: Played, file: Path, by: str = MOA, **changes: object) -> str:
    """The signed decision of a request, by somebody's key, with some of it changed."""
    asked = load_request(file)
    changed = dataclasses.replace(asked, decision=dataclasses.replace(asked.decision, **changes))  # type: ignore[arg-type]
    signed = sign_decision(changed, load_key_file(Path(played.governed.key(by))))
    target = file.with_suffix(f".{by}.signed.json")
    write_signed(target, signed)
    return str(target)


def test_a_request_is_signed_elsewhere_and_serves_once(played: Played) -> None:
    execution = reach_signature(played)
    signed = sign(played, request(played, execution))
    assert answer(played, execution, "O3", *FILLED, "--person", MOA, "--decision", signed)[0] == 2
    other = reach_signature(played)
    code, said = answer(played, other, "O3", *FILLED, "--person", MOA, "--decision", signed)
    assert (code, "porte sur" in said) == (3, True)


@pytest.mark.parametrize(
    ("person", "changes", "told"),
    [
        (TECHNIQUE, {}, "est celle de « renfort-technique-essai »"),
        (TITULAIRE, {"person": TITULAIRE, "role": "titulaire"}, "ne fait pas l'étape O3"),
        (MOA, {"decided_at": NOW - timedelta(days=5), "expires_at": NOW - timedelta(days=3)}, "a expiré"),
        (MOA, {"subject": "RB-autre/O3"}, "porte sur « RB-autre/O3 »"),
        (MOA, {"platform": "autre"}, "vaut pour la plateforme « autre »"),
        (MOA, {"kind": "derogation"}, "C'est une décision de derogation"),
        (PILOTAGE, {"person": PILOTAGE, "role": "renfort_pilotage"}, "ne fait pas l'étape O3"),
    ],
)
def test_a_signature_that_is_forged_expired_or_for_something_else_is_refused(
    played: Played, person: str, changes: dict[str, object], told: str
) -> None:
    execution = reach_signature(played)
    signed = sign(played, request(played, execution), person, **changes)
    code, said = answer(played, execution, "O3", *FILLED, "--person", MOA, "--decision", signed)
    assert code == 3, said
    assert told in said
    assert played.journal.load(execution.id).find("O3") is None


def test_a_signature_does_not_cover_other_answers(played: Played) -> None:
    execution = reach_signature(played)
    signed = sign(played, request(played, execution))
    others = (*FILLED[:2], "reference_moa=SCV-99")
    code, said = answer(played, execution, "O3", *others, "--person", MOA, "--decision", signed)
    assert (code, "empreinte diffère" in said) == (3, True)


def test_the_clock_is_suspended_and_an_execution_given_up_by_known_people_only(played: Played) -> None:
    execution = reach_signature(played)
    stop = ("runbook", "suspend", execution.id, "--reason", "VPN fermé", "--person")
    assert played.governed.cli(*stop, "inconnue").returncode == 3
    assert played.governed.cli(*stop, MOA).returncode == 0
    assert played.journal.load(execution.id).clock.is_suspended
    assert played.governed.cli("runbook", "unsuspend", execution.id, "--person", TITULAIRE).returncode == 0
    give_up = ("runbook", "abandon", execution.id, "--reason", "demande retirée", "--person", TITULAIRE)
    assert "abandonnée, demande retirée" in played.governed.cli(*give_up).stdout
    assert played.governed.cli(*give_up).returncode == 3


def test_every_runbook_is_printed_for_the_binder(played: Played, tmp_path: Path) -> None:
    places = ("--output", str(tmp_path / "classeur"), "--platform", str(played.governed.platform_file))
    from nonreg.__main__ import main

    assert main(["runbook", "print", "essai", "contacts", *places]) == 0
    names = sorted(path.name for path in (tmp_path / "classeur").iterdir())
    assert names == ["contacts.html", "contacts.pdf", "essai.html", "essai.pdf"]
