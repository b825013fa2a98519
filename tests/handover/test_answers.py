"""Answers to steps: recorded once, by whoever may, signed where they engage; refused in one sentence otherwise."""

from __future__ import annotations

import dataclasses
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.decision import parse_signed, to_dict
from nonreg.errors import DecisionRefused, NonregError, UsageError
from nonreg.handover.journal import Journal, StepRefused
from nonreg.handover.signing import verify_again
from nonreg.handover.state import list_open, next_step
from nonreg.model.handover import Execution, Outcome
from tests.handover.executions import (
    AT,
    MOA,
    PILOTAGE,
    TECHNIQUE,
    TITULAIRE,
    Played,
    make_played,
)

LATER = AT + timedelta(hours=2)


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


def test_an_execution_goes_from_step_to_step_and_everybody_reads_the_same(played: Played) -> None:
    execution = played.reach("O4")
    signed = played.sign(execution, "O4", TITULAIRE)
    execution = played.answer(execution, "O4", TITULAIRE, signed=signed)
    assert next_step(execution) is None
    assert [(one.step_id, one.person) for one in execution.done] == [
        ("O0", TITULAIRE),
        ("O1", MOA),
        ("O2", ""),
        ("O3", MOA),
        ("O4", TITULAIRE),
    ]
    assert execution.clock.started_at is not None
    assert execution.clock.stopped_at == AT + timedelta(hours=1)
    assert Journal(played.governed.runs_dir).load(execution.id) == execution
    assert execution.done[-1].decision_id == signed.decision.id
    assert execution.done[3].outcome is Outcome.NOT_APPLICABLE


def test_the_clock_starts_at_the_request_not_when_it_is_recorded(played: Played) -> None:
    execution = played.answer(played.open(), "O0", TITULAIRE, demande_le="27/11/2026 16:00")
    assert execution.clock.started_at is not None
    assert execution.clock.started_at.isoformat() == "2026-11-27T15:00:00+00:00"


def test_a_done_step_is_never_done_again(played: Played) -> None:
    execution = played.reach("O1")
    with pytest.raises(StepRefused, match="déjà faite par « titulaire-essai »"):
        played.answer(execution, "O0", TITULAIRE, demande_le="30/11/2026 09:00")
    stale = dataclasses.replace(execution, done=())  # somebody who read it before
    with pytest.raises(StepRefused, match="déjà faite"):
        played.journal.add_done(stale, "O0", person=TITULAIRE, at=LATER)
    assert len(played.journal.load(execution.id).done) == 1


def test_of_two_answers_at_once_one_is_recorded(played: Played) -> None:
    execution, both = played.open(), threading.Barrier(2)
    told: list[str] = []

    def answer(minute: int) -> None:
        both.wait(10)
        try:
            played.answer(execution, "O0", TITULAIRE, demande_le=f"30/11/2026 09:0{minute}")
        except NonregError as error:
            told.append(str(error))

    threads = [threading.Thread(target=answer, args=(number,)) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 1
    assert "déjà faite" in told[0]
    assert len(played.journal.load(execution.id).done) == 1


def test_a_step_comes_after_those_that_it_needs(played: Played) -> None:
    execution = played.open()
    assert [step.id for step in list_open(execution)] == ["O0"]
    with pytest.raises(StepRefused, match="O1 vient après O0"):
        played.answer(execution, "O1", MOA, reference="SCV-12", accord="oui")


@pytest.mark.parametrize("person", [TECHNIQUE, PILOTAGE, TITULAIRE, "inconnue"])
def test_only_the_role_of_a_step_answers_it(played: Played, person: str) -> None:
    execution = played.reach("O1")
    with pytest.raises(UsageError, match=r"moa-scv-essai|n'est pas dans people\.toml"):
        played.answer(execution, "O1", person, reference="SCV-12", accord="oui")
    assert played.journal.load(execution.id).find("O1") is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "une réponse est attendue"),
        ({"reference": "SCV-12"}, "Accord donné"),
        ({"reference": "SCV-12", "accord": "non"}, "sinon l'étape n'est pas faite"),
        ({"reference": "a\nb", "accord": "oui"}, "une référence sur une ligne"),
        ({"reference": "SCV\u202e-12", "accord": "oui"}, "invisible"),
        ({"reference": "SCV-12", "accord": "oui", "autre": "x"}, "champ « autre » inconnu"),
        ({"reference": "x" * 5000, "accord": "oui"}, "4000 caractères au plus"),
    ],
)
def test_a_wrong_answer_is_refused_in_one_sentence_and_nothing_is_recorded(
    played: Played, values: dict[str, str], words: str
) -> None:
    execution = played.reach("O1")
    before = ledger.read_entries(played.journal.file)
    with pytest.raises(UsageError, match=words):
        played.answer(execution, "O1", MOA, **values)
    assert ledger.read_entries(played.journal.file) == before


def test_a_name_never_enters_the_ledger(played: Played) -> None:
    execution = played.reach("O1")
    with pytest.raises(UsageError, match="seuls les identifiants"):
        played.answer(execution, "O1", MOA, reference="courrier de Mme Rivelune", accord="oui")


def test_a_start_in_the_future_is_no_start(played: Played) -> None:
    with pytest.raises(UsageError, match="passées"):
        played.answer(played.open(), "O0", TITULAIRE, demande_le="30/11/2027 10:00")


def test_a_step_of_the_tool_is_nobody_s_to_answer(played: Played) -> None:
    with pytest.raises(UsageError, match="faite par l'outil"):
        played.answer(played.reach("O2"), "O2", TITULAIRE)


def test_only_what_may_be_skipped_is_and_with_a_reason(played: Played) -> None:
    with pytest.raises(StepRefused, match="obligatoire"):
        played.answer(played.reach("O1"), "O1", MOA, skip="pas le temps")
    execution = played.answer(played.reach("O3"), "O3", MOA, skip="  le titulaire reste joignable ")
    assert execution.done[-1].note == "le titulaire reste joignable"


def test_an_engaging_step_is_signed_not_declared(played: Played) -> None:
    execution = played.reach("O4")
    with pytest.raises(DecisionRefused, match="elle se signe"):
        played.answer(execution, "O4", TITULAIRE)


def test_a_signature_for_other_answers_is_refused(played: Played) -> None:
    execution = played.reach("O3")
    signed = played.sign(
        execution, "O3", MOA, delegataire=TECHNIQUE, delegation_jusqu_au="2026-12-05", reference_moa="SCV-13"
    )
    with pytest.raises(DecisionRefused, match="empreinte diffère"):
        played.answer(
            execution,
            "O3",
            MOA,
            signed=signed,
            delegataire=PILOTAGE,
            delegation_jusqu_au="2026-12-05",
            reference_moa="SCV-13",
        )


def test_a_signature_serves_for_its_own_execution_only(played: Played) -> None:
    first, second = played.reach("O4"), played.reach("O4")
    signed = played.sign(first, "O4", TITULAIRE)
    with pytest.raises(DecisionRefused, match="porte sur"):
        played.answer(second, "O4", TITULAIRE, signed=signed)


def test_a_forged_signature_is_refused(played: Played) -> None:
    execution = played.reach("O4")
    data = to_dict(played.sign(execution, "O4", TITULAIRE))
    for person, key in ((TITULAIRE, TECHNIQUE), (TITULAIRE, MOA)):
        with pytest.raises(DecisionRefused, match="est celle de"):
            played.answer(execution, "O4", person, signed=played.sign(execution, "O4", person, key=key))
    data["decision"]["reason"] = "autre chose"
    with pytest.raises(DecisionRefused):
        played.answer(execution, "O4", TITULAIRE, signed=parse_signed(data))


def test_an_expired_signature_is_refused(played: Played) -> None:
    execution = played.reach("O4")
    signed = played.sign(execution, "O4", TITULAIRE)
    with pytest.raises(DecisionRefused, match="a expiré"):
        played.answer(execution, "O4", TITULAIRE, at=AT + timedelta(days=3), signed=signed)


def test_nobody_judges_his_own_capability(played: Played) -> None:
    """Not even the titulaire, when the runbook is about him."""
    execution = played.reach("O4", subject=TITULAIRE)
    own = played.sign(execution, "O4", TITULAIRE)
    with pytest.raises(UsageError, match="quelqu’un d’habilité"):
        played.answer(execution, "O4", TITULAIRE, signed=own)


@pytest.mark.parametrize(
    ("delegate", "words"), [(TECHNIQUE, "sa propre mise en capacité"), ("inconnue", "n'est pas habilité")]
)
def test_who_could_not_sign_is_no_delegate(played: Played, delegate: str, words: str) -> None:
    execution = played.reach("O3")
    values = {"delegataire": delegate, "delegation_jusqu_au": "2026-12-05", "reference_moa": "SCV-13"}
    signed = played.sign(execution, "O3", MOA, **values)
    with pytest.raises(UsageError, match=words):
        played.answer(execution, "O3", MOA, signed=signed, **values)


def test_a_delegate_signs_in_the_titulaire_s_place_until_the_day_that_the_moa_gave(played: Played) -> None:
    execution = played.reach("O3")
    values = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2026-12-02", "reference_moa": "SCV-13"}
    delegated = played.sign(execution, "O3", MOA, **values)
    execution = played.answer(execution, "O3", MOA, signed=delegated, **values)
    late = AT + timedelta(days=3)
    with pytest.raises(UsageError, match="titulaire-essai"):
        played.answer(
            execution, "O4", PILOTAGE, at=late, signed=played.sign(execution, "O4", PILOTAGE, at=late)
        )
    in_time = AT + timedelta(days=2)
    signed = played.sign(execution, "O4", PILOTAGE, at=in_time)
    execution = played.answer(execution, "O4", PILOTAGE, at=in_time, signed=signed)
    assert execution.done[-1].person == PILOTAGE


def test_a_signature_is_nobody_else_s_answer(played: Played) -> None:
    execution = played.reach("O3")
    values = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2026-12-02", "reference_moa": "SCV-13"}
    execution = played.answer(
        execution, "O3", MOA, signed=played.sign(execution, "O3", MOA, **values), **values
    )
    with pytest.raises(DecisionRefused, match="La signature est celle de « renfort-pilotage-essai »"):
        played.answer(execution, "O4", TITULAIRE, signed=played.sign(execution, "O4", PILOTAGE))


def test_without_a_delegation_nobody_signs_in_the_titulaire_s_place(played: Played) -> None:
    execution = played.reach("O4")
    with pytest.raises(UsageError, match="titulaire-essai"):
        played.answer(execution, "O4", PILOTAGE, signed=played.sign(execution, "O4", PILOTAGE))


def test_a_delegation_that_was_only_played_is_worth_nothing_in_earnest(played: Played) -> None:
    rehearsal = played.open(rehearsal=True)
    rehearsal = played.answer(rehearsal, "O0", TITULAIRE, demande_le="30/11/2026 10:00")
    rehearsal = played.answer(rehearsal, "O1", MOA, reference="SCV-12", accord="oui")
    rehearsal = played.journal.add_done(rehearsal, "O2", person="", at=LATER)
    values = {"delegataire": PILOTAGE, "delegation_jusqu_au": "2026-12-02", "reference_moa": "SCV-13"}
    rehearsal = played.answer(
        rehearsal, "O3", MOA, signed=played.sign(rehearsal, "O3", MOA, **values), **values
    )
    execution = played.reach("O4")
    with pytest.raises(UsageError, match="titulaire-essai"):
        played.answer(execution, "O4", PILOTAGE, signed=played.sign(execution, "O4", PILOTAGE))
    own = played.sign(rehearsal, "O4", PILOTAGE)
    assert played.answer(rehearsal, "O4", PILOTAGE, signed=own).done[-1].person == PILOTAGE


def test_what_was_signed_is_verified_again_and_falls_with_its_person(played: Played) -> None:
    execution = played.reach("O4")
    execution = played.answer(execution, "O4", TITULAIRE, signed=played.sign(execution, "O4", TITULAIRE))
    entries, people = played.journal.read(execution.id), played.governed.people
    verify_again(execution, entries, people, LATER)
    gone = dataclasses.replace(
        people,
        persons=tuple(
            dataclasses.replace(one, valid_until=LATER) if one.id == TITULAIRE else one
            for one in people.persons
        ),
    )
    with pytest.raises(DecisionRefused, match="n'est plus habilité"):
        verify_again(execution, entries, gone, LATER)


def test_a_closed_execution_takes_nothing_more(played: Played) -> None:
    execution = played.journal.close(played.open(), TITULAIRE, AT, "la demande est retirée")
    assert (execution.closed_at, execution.abandoned) == (AT, "la demande est retirée")
    with pytest.raises(StepRefused, match="close"):
        played.answer(execution, "O0", TITULAIRE, demande_le="30/11/2026 10:00")
    with pytest.raises(StepRefused, match="close"):
        played.journal.close(execution, TITULAIRE, LATER)


def test_a_clock_is_suspended_for_a_reason_and_goes_on(played: Played) -> None:
    execution = played.open()
    with pytest.raises(UsageError, match="pas en marche"):
        played.journal.suspend(execution, "grève", TITULAIRE, AT)
    execution = played.reach("O1")
    with pytest.raises(UsageError, match="un motif"):
        played.journal.suspend(execution, "  ", TITULAIRE, AT)
    execution = played.journal.suspend(execution, "accès VPN refusés par le SCV", TITULAIRE, LATER)
    assert execution.clock.is_suspended
    with pytest.raises(UsageError, match="pas en marche"):
        played.journal.suspend(execution, "encore", TITULAIRE, LATER)
    execution = played.journal.resume(execution, TITULAIRE, LATER + timedelta(hours=1))
    assert [(one.reason, one.until) for one in execution.clock.suspensions] == [
        ("accès VPN refusés par le SCV", LATER + timedelta(hours=1))
    ]


def test_the_same_flow_run_opens_one_execution_however_often_it_starts(played: Played) -> None:
    first = played.open(origin="passage-1")
    assert played.open(origin="passage-1").id == first.id
    assert played.open(origin="passage-2").id != first.id
    assert len(played.journal.list_ids()) == 2


def test_a_runbook_that_changed_since_does_not_change_what_is_under_way(played: Played) -> None:
    execution = played.open()
    file = played.journal.folder(execution.id) / "runbook.json"
    file.write_text(file.read_text("utf-8").replace("Mise en capacité", "Autre chose"), encoding="utf-8")
    with pytest.raises(NonregError, match="n'est plus celui de l'ouverture"):
        played.journal.load(execution.id)


def test_the_last_letters_of_an_id_are_enough(played: Played) -> None:
    execution: Execution = played.open()
    assert played.journal.load(execution.id[-6:]).id == execution.id
    with pytest.raises(UsageError, match="inconnue"):
        played.journal.load("zzzzzz")
    with pytest.raises(UsageError, match="inconnue"):
        played.journal.load("")
