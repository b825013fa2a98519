"""The readiness of the handover: what costs points, why, and that nothing that gets worse ever earns some."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.delays import add_working_time
from nonreg.handover.readiness import COSTS, WEIGHTS, Facts, Finding, find_scope, score
from nonreg.handover.readiness_binder import REVIEWS
from nonreg.model import Role
from nonreg.model.handover import Clock, Said
from nonreg.model.readiness import Chapter, Grade, Readiness, ReadinessItem, Word
from nonreg.working_time import WorkingTime
from tests.handover.prepared import (
    NOW,
    PILOTAGE,
    TECHNIQUE,
    find_all,
    measure,
    persons,
    play,
    prepare,
    runbooks,
)

WORSE = {
    Grade.GOOD: (Grade.RESERVE, Grade.MISSING, Grade.UNKNOWN),
    Grade.RESERVE: (Grade.MISSING, Grade.UNKNOWN),
    Grade.MISSING: (Grade.UNKNOWN,),
    Grade.UNKNOWN: (Grade.MISSING,),
}
RANK = {Word.READY: 0, Word.RESERVES: 1, Word.NOT_READY: 2}
READY = prepare()
FINDINGS = find_all(READY)
GRADES = st.lists(st.sampled_from(Grade), min_size=len(FINDINGS), max_size=len(FINDINGS))


def graded(grades: list[Grade]) -> tuple[Finding, ...]:
    return tuple(replace(one, grade=grade) for one, grade in zip(FINDINGS, grades, strict=True))


def find(readiness: Readiness, item_id: str) -> ReadinessItem:
    (found,) = [one for one in readiness.items if one.id == item_id]
    return found


def without(facts: Facts, runbook_id: str, *more: object) -> Facts:
    kept = tuple(one for one in facts.executions if one.runbook.id != runbook_id)
    return replace(facts, executions=(*kept, *more))  # type: ignore[arg-type]


def change_person(facts: Facts, person: str = TECHNIQUE, **changes: object) -> Facts:
    changed = tuple(
        dataclasses.replace(one, **changes) if one.id == person else one  # type: ignore[arg-type]
        for one in facts.persons
    )
    return replace(facts, persons=changed)


def test_a_handover_in_which_nothing_is_missing_is_ready_with_100_points() -> None:
    readiness = measure(READY)
    assert [one.id for one in readiness.list_causes()] == []
    assert (readiness.score, readiness.word) == (100, Word.READY)
    assert sum(one.points for one in readiness.items) == pytest.approx(100)


def test_the_weights_are_100_points_and_cover_every_chapter() -> None:
    assert sum(WEIGHTS.values()) == 100
    assert {*WEIGHTS} == {*Chapter}
    assert {*COSTS} == {*Grade}


@given(GRADES)
def test_a_score_lies_between_0_and_100_and_is_100_only_when_all_is_good(grades: list[Grade]) -> None:
    found = score("D-1", READY, graded(grades))
    assert 0 <= found.score <= 100
    assert (found.score == 100) == (found.word is Word.READY) == ({*grades} == {Grade.GOOD})


@given(GRADES, st.data())
def test_making_one_thing_worse_never_raises_the_score_nor_betters_the_word(
    grades: list[Grade], data: st.DataObject
) -> None:
    place = data.draw(st.integers(0, len(grades) - 1))
    worse = [*grades]
    worse[place] = data.draw(st.sampled_from(WORSE[grades[place]]))
    before, after = score("D-1", READY, graded(grades)), score("D-1", READY, graded(worse))
    assert after.score <= before.score
    assert RANK[after.word] >= RANK[before.word]


@given(GRADES)
def test_each_lost_point_has_its_reason_and_what_is_not_good_is_among_the_causes(grades: list[Grade]) -> None:
    found = score("D-1", READY, graded(grades))
    causes = found.list_causes()
    lost = sum(one.lost for one in causes)
    assert 100 - lost == pytest.approx(found.score, abs=1.0001)
    assert {one.id for one in found.items if one.lost} <= {one.id for one in causes}


def test_a_chapter_about_which_nothing_was_found_loses_all_of_its_points() -> None:
    found = score("D-1", READY, tuple(one for one in FINDINGS if one.chapter is not Chapter.RENFORTS))
    assert (found.score, found.word) == (70, Word.NOT_READY)


def review(**changes: object) -> Callable[[Facts], Facts]:
    def change(facts: Facts) -> Facts:
        first, *others = facts.reviews
        return replace(facts, reviews=(replace(first, **changes), *others))  # type: ignore[arg-type]

    return change


def runbook(**changes: object) -> Callable[[Facts], Facts]:
    def change(facts: Facts) -> Facts:
        changed = replace(runbooks()["installation"], **changes)  # type: ignore[arg-type]
        return replace(facts, runbooks={**facts.runbooks, "installation": changed})

    return change


def ago(days: int) -> date:
    return (NOW - timedelta(days=days)).date()


BINDER = "dossier/installation"
PLAYED = "repetitions/installation"
CASES: list[tuple[Callable[[Facts], Facts], str, Grade, str]] = [
    (lambda f: replace(f, runbooks={**f.runbooks, "installation": None}), BINDER, Grade.MISSING, "absent"),
    (
        lambda f: replace(
            f, runbooks={**f.runbooks, "installation": None}, problems={"installation": "illisible"}
        ),
        BINDER,
        Grade.UNKNOWN,
        "illisible",
    ),
    (runbook(unknown=("adresse du VPN", "hébergeur")), BINDER, Grade.UNKNOWN, "adresse du VPN, hébergeur"),
    (lambda f: replace(f, reviews=f.reviews[1:]), BINDER, Grade.MISSING, "Jamais relu"),
    (lambda f: replace(f, problems={REVIEWS: "clé inconnue"}), BINDER, Grade.UNKNOWN, "clé inconnue"),
    (lambda f: replace(f, application_version=""), BINDER, Grade.UNKNOWN, "version déployée n.d."),
    (review(application_version="5.1.0"), BINDER, Grade.MISSING, "la version déployée est 5.2.0"),
    (review(version="0.9"), BINDER, Grade.RESERVE, "en version 0.9"),
    (review(reviewed_on=ago(184)), BINDER, Grade.RESERVE, "il y a 184 jours"),
    (review(reviewed_on=ago(367)), BINDER, Grade.MISSING, "il y a 367 jours"),
    (lambda f: without(f, "installation"), PLAYED, Grade.MISSING, "Jamais joué"),
    (
        lambda f: without(f, "installation", play("installation", abandoned="trop long")),
        PLAYED,
        Grade.MISSING,
        "Jamais joué",
    ),
    (
        lambda f: without(f, "installation", play("installation", done=play("installation").done[:-1])),
        PLAYED,
        Grade.MISSING,
        "Jamais joué",
    ),
    (runbook(sha256="0" * 64), PLAYED, Grade.RESERVE, "a changé depuis"),
    (lambda f: without(f, "installation", play("installation", 366)), PLAYED, Grade.RESERVE, "plus d'un an"),
    (
        lambda f: without(f, "activation-pointe", play("activation-pointe", 366)),
        "scenarios/R46",
        Grade.MISSING,
        "plus d'un an",
    ),
    (
        lambda f: without(without(f, "activation-absence-prevue"), "activation-absence-imprevue"),
        "scenarios/R45",
        Grade.MISSING,
        "Aucun exercice",
    ),
    (
        lambda f: replace(f, problems={"execution/RB-1": "runs/runbooks/RB-1/runbook.json est absent."}),
        "repetitions/execution/RB-1",
        Grade.UNKNOWN,
        "est absent",
    ),
]
ABOUT = f"renforts/{TECHNIQUE}"
PERSON_CASES: list[tuple[dict[str, object], str, Grade, str]] = [
    ({"valid_until": NOW}, "habilitation", Grade.MISSING, "pas habilité(e)"),
    ({"contract_until": None}, "contrat", Grade.UNKNOWN, "n.d."),
    ({"contract_until": ago(1)}, "contrat", Grade.MISSING, "a pris fin le 30/11/2026"),
    ({"contract_until": ago(0)}, "contrat", Grade.RESERVE, "dans 0 jours"),
    ({"contract_until": ago(-30)}, "contrat", Grade.RESERVE, "dans 30 jours"),
    ({"nda_signed_on": None}, "confidentialite", Grade.UNKNOWN, "n.d."),
    ({"nda_signed_on": ago(-1)}, "confidentialite", Grade.MISSING, "dans l'avenir"),
    ({"keys": ()}, "cles", Grade.MISSING, "Aucune clé"),
    ({"accounts": ()}, "cles", Grade.UNKNOWN, "n.d."),
]


@pytest.mark.parametrize(("change", "item_id", "grade", "said"), CASES)
def test_what_is_missing_old_or_unknown_in_the_binder_costs_points_with_its_reason(
    change: Callable[[Facts], Facts], item_id: str, grade: Grade, said: str
) -> None:
    readiness = measure(change(READY))
    item = find(readiness, item_id)
    assert item.grade is grade
    assert said in item.found
    assert item.remedy
    assert readiness.word is (Word.RESERVES if grade is Grade.RESERVE else Word.NOT_READY)


@pytest.mark.parametrize(("changes", "question", "grade", "said"), PERSON_CASES)
def test_what_is_missing_or_unknown_of_a_renfort_costs_points_with_its_reason(
    changes: dict[str, object], question: str, grade: Grade, said: str
) -> None:
    readiness = measure(change_person(READY, **changes))
    item = find(readiness, f"{ABOUT}/{question}")
    assert item.grade is grade
    assert said in item.found
    assert item.remedy
    assert readiness.score < 100


def test_the_last_rehearsal_says_by_whom_when_and_how_long() -> None:
    found = find(measure(READY), PLAYED).found
    assert found == "Répété le 21/11/2026 par titulaire-essai, en 1 h 35."


def test_a_rehearsal_of_todays_file_counts_even_when_a_former_one_was_played_later() -> None:
    older = play("installation", 20)
    former = play("installation", 2, runbook=replace(runbooks()["installation"], sha256="1" * 64))
    assert find(measure(without(READY, "installation", older, former)), PLAYED).grade is Grade.GOOD


def integrate(**more: object) -> Facts:
    facts = without(READY, "integration", play("integration", 5, subject=PILOTAGE, rehearsal=False))
    return replace(facts, executions=(*facts.executions, *more.values()))  # type: ignore[arg-type]


def test_a_renfort_who_was_never_integrated_is_not_ready_and_an_integration_under_way_is_named() -> None:
    never = measure(integrate())
    assert find(never, f"{ABOUT}/integration").grade is Grade.MISSING
    assert find(never, f"{ABOUT}/acces").grade is Grade.UNKNOWN
    begun = play("integration", 1, subject=TECHNIQUE, rehearsal=False, closed_at=None)
    item = find(measure(integrate(begun=begun)), f"{ABOUT}/integration")
    assert begun.id in item.found
    assert begun.id in item.remedy


def test_an_integration_that_was_only_played_or_is_old_is_a_reserve() -> None:
    played = measure(integrate(one=play("integration", 5, subject=TECHNIQUE)))
    assert find(played, f"{ABOUT}/integration").grade is Grade.RESERVE
    old = measure(integrate(one=play("integration", 180, subject=TECHNIQUE, rehearsal=False)))
    assert find(old, f"{ABOUT}/integration").grade is Grade.RESERVE
    assert find(old, f"{ABOUT}/acces").grade is Grade.RESERVE


def test_access_that_a_hand_back_has_closed_since_is_a_reserve() -> None:
    closed = play("restitution", 1, subject=TECHNIQUE, rehearsal=False)
    facts = replace(READY, executions=(*READY.executions, closed))
    item = find(measure(facts), f"{ABOUT}/acces")
    assert item.grade is Grade.RESERVE
    assert "fermés le 30/11/2026 par une restitution" in item.found
    played = replace(READY, executions=(*READY.executions, replace(closed, rehearsal=True)))
    assert find(measure(played), f"{ABOUT}/acces").grade is Grade.GOOD


def measured(hours: int) -> ReadinessItem:
    """The projected delay when the one integration that was measured took so many office hours."""
    begun = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
    clock = Clock(begun, add_working_time(begun, timedelta(hours=hours), WorkingTime()))
    one = play("integration", 5, subject=TECHNIQUE, rehearsal=False, clock=clock)
    facts = without(READY, "integration", one, play("integration", 5, subject=PILOTAGE, rehearsal=False))
    return find(measure(facts), f"{ABOUT}/delai")


def test_the_projected_delay_is_told_in_both_readings_of_48_hours() -> None:
    soon = measured(3)
    assert soon.grade is Grade.GOOD
    assert "2 jours ouvrés : tenu, 48 heures d'ouverture : tenu" in soon.found
    assert "médiane de 1 intégrations" in soon.found


def test_a_delay_that_holds_in_the_lenient_reading_only_is_a_reserve_and_in_none_is_missing() -> None:
    between = measured(15)  # two office days of 7 hours, and one hour
    assert between.grade is Grade.RESERVE
    assert "15 h 00 ouvrées" in between.found
    assert "2 jours ouvrés : dépassé, 48 heures d'ouverture : tenu" in between.found
    assert measured(14).grade is Grade.GOOD
    late = measured(49)
    assert late.grade is Grade.MISSING
    assert "48 heures d'ouverture : dépassé" in late.found


def test_no_measure_at_all_is_no_delay_that_holds() -> None:
    facts = without(READY, "integration", play("integration", 5, subject=TECHNIQUE, rehearsal=False))
    item = find(measure(facts), f"{ABOUT}/delai")
    assert (item.grade, item.found) == (Grade.UNKNOWN, "Délai n.d. : aucune mesure passée.")


def test_an_activation_that_was_measured_tells_more_of_an_integrated_renfort_than_integrations() -> None:
    activated = play("activation-pointe", 5, rehearsal=False, took=timedelta(hours=1))
    item = find(measure(replace(READY, executions=(*READY.executions, activated))), f"{ABOUT}/delai")
    assert "1 h 00 ouvrées (médiane de 1 activations)" in item.found


def test_a_role_that_nobody_holds_loses_half_of_the_renforts() -> None:
    others = tuple(one for one in persons() if one.role is not Role.RENFORT_PILOTAGE)
    readiness = measure(replace(READY, persons=others))
    assert (readiness.score, readiness.word) == (85, Word.NOT_READY)
    assert "Personne de ce profil" in find(readiness, "renforts/renfort_pilotage").found


def test_somebody_whose_habilitation_ended_does_not_count_where_another_one_holds() -> None:
    gone = replace(persons()[1], id="ancien", valid_until=NOW - timedelta(days=9), contract_until=ago(9))
    readiness = measure(replace(READY, persons=(*persons(), gone)))
    assert readiness.score == 100
    both = replace(persons()[1], id="second")
    readiness = measure(replace(READY, persons=(*persons(), both)))
    assert find(readiness, "renforts/second/integration").grade is Grade.MISSING
    assert find(readiness, f"{ABOUT}/contrat").points == pytest.approx(float(Fraction(15, 14)))


def test_the_scope_of_a_renfort_is_that_which_was_signed_last_and_not_played() -> None:
    def scoped(tasks: str, days_ago: float, **changes: object) -> object:
        one = play("integration", days_ago, subject=TECHNIQUE, rehearsal=False)
        said = (Said("taches", tasks), Said("livrables", "un rapport"), Said("exclusions", ""))
        done = tuple(
            replace(step, said=said, decision_id="D-0123456789ab") if step.step_id == "O10" else step
            for step in one.done
        )
        return replace(one, done=done, **changes)  # type: ignore[arg-type]

    executions = (scoped("AQ-2", 3), scoped("AQ-1", 9), scoped("AQ-3", 1, rehearsal=True))
    found = find_scope(executions, TECHNIQUE)  # type: ignore[arg-type]
    assert found == {"Tâches confiées": "AQ-2", "Livrables attendus": "un rapport"}
    assert find_scope(executions, PILOTAGE) == {}  # type: ignore[arg-type]
