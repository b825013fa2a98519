"""The judgement, by its invariants: whatever is recorded, the worst wins and nothing missing helps."""

from __future__ import annotations

import dataclasses
import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.assess import assess
from nonreg.model import (
    BaselineMeasure,
    BaselineResult,
    Basis,
    Change,
    Criticality,
    EffectLimit,
    Finding,
    GuardResult,
    GuardStatus,
    LastGood,
    Limit,
    LimitChange,
    Measure,
    Outcome,
    Verdict,
)
from tests.judgements import (
    AT,
    Recorded,
    add_drills,
    make_baseline,
    make_basis,
    make_history,
    make_result,
    make_run,
    make_waiver,
    name_closing,
    name_id,
)

RECORDED = st.dictionaries(
    st.integers(1, 12),
    st.tuples(st.sampled_from(Criticality), st.none() | st.sampled_from(Outcome)),
    max_size=10,
)
LETTERS = "".join(outcome.letter for outcome in Outcome) + "-"
BASES = st.builds(
    lambda before, letters, waived, days: make_basis(
        {name_id(number): outcome for number, outcome in before.items()},
        history=make_history({name_id(number): text for number, text in letters.items()}),
        waivers=tuple(make_waiver(name_id(number), AT + timedelta(days=days)) for number in waived),
    ),
    st.dictionaries(st.integers(1, 12), st.sampled_from(Outcome)),
    st.dictionaries(st.integers(1, 12), st.text(LETTERS, max_size=12)),
    st.sets(st.integers(1, 12)),
    st.sampled_from((-1, 1)),
)
SOUND = make_basis()
ALL_OK: Recorded = {1: (Criticality.MAJEURE, Outcome.OK)}
ONE_KO: Recorded = {1: (Criticality.MAJEURE, Outcome.KO)}


def find(findings: tuple[Finding, ...], number: int = 1) -> Finding:
    return next(one for one in findings if one.scenario_id == name_id(number))


@given(RECORDED, BASES)
def test_a_ko_without_waiver_makes_the_campaign_ko(recorded: Recorded, basis: Basis) -> None:
    waived = {waiver.scenario_id for waiver in basis.waivers if waiver.is_in_force(AT)}
    expected = any(
        outcome is Outcome.KO and name_id(number) not in waived for number, (_, outcome) in recorded.items()
    )
    assert (assess(make_run(recorded), basis).verdict is Verdict.KO) == expected


@given(RECORDED, BASES, st.randoms(use_true_random=False))
def test_the_order_of_what_was_recorded_does_not_matter(
    recorded: Recorded, basis: Basis, shuffler: random.Random
) -> None:
    run = make_run(recorded)
    again = tuple(make_result(one.scenario_id, Outcome.OK, attempt=2) for one in run.results[:3])
    results = [*run.results, *again]
    expected = assess(dataclasses.replace(run, results=tuple(results)), basis)
    shuffler.shuffle(results)
    waivers = list(basis.waivers)
    shuffler.shuffle(waivers)
    shuffled = dataclasses.replace(basis, waivers=tuple(waivers))
    assert assess(dataclasses.replace(run, results=tuple(results)), shuffled) == expected


@given(RECORDED, BASES, st.data())
def test_losing_or_breaking_a_scenario_never_improves_the_verdict(
    recorded: Recorded, basis: Basis, data: st.DataObject
) -> None:
    passed = [
        number
        for number, (_, outcome) in recorded.items()
        if outcome is not None and outcome is not Outcome.KO
    ]
    if not passed:
        return
    number = data.draw(st.sampled_from(passed))
    worse = data.draw(st.sampled_from((None, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)))
    before = assess(make_run(recorded), basis).verdict
    after = assess(make_run({**recorded, number: (recorded[number][0], worse)}), basis).verdict
    assert after.severity >= before.severity


@given(RECORDED, BASES, st.data())
def test_one_more_bad_scenario_never_improves_the_verdict(
    recorded: Recorded, basis: Basis, data: st.DataObject
) -> None:
    bad = data.draw(st.sampled_from((Outcome.KO, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE, None)))
    before = assess(make_run(recorded), basis).verdict
    after = assess(make_run({**recorded, 99: (Criticality.MAJEURE, bad)}), basis).verdict
    assert after.severity >= before.severity


CLOSING = st.dictionaries(st.integers(1, 9), st.none() | st.sampled_from(Outcome), max_size=6)


@given(
    RECORDED,
    BASES,
    CLOSING,
    st.lists(st.text("ab", min_size=1), max_size=2),
    st.randoms(use_true_random=False),
)
def test_what_comes_after_drills_only_makes_a_verdict_worse_in_whatever_order_it_was_recorded(
    recorded: Recorded,
    basis: Basis,
    closing: dict[int, Outcome | None],
    healed: list[str],
    shuffler: random.Random,
) -> None:
    run = make_run(recorded)
    drilled = add_drills(run, closing, tuple(healed))
    judged = assess(drilled, basis)
    assert judged.verdict.severity >= assess(run, basis).verdict.severity
    results = list(drilled.closing)
    shuffler.shuffle(results)
    assert assess(dataclasses.replace(drilled, closing=tuple(results)), basis) == judged
    if healed:
        assert judged.verdict is not Verdict.OK
    outcomes = set(closing.values())
    if Outcome.KO in outcomes and run.results:
        assert judged.verdict is Verdict.KO
    if outcomes & {None, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE} or not closing:
        assert judged.verdict.severity >= Verdict.INCOMPLET.severity


@given(RECORDED, BASES, CLOSING, st.data())
def test_losing_or_failing_a_closing_check_never_improves_the_verdict(
    recorded: Recorded, basis: Basis, closing: dict[int, Outcome | None], data: st.DataObject
) -> None:
    good = [number for number, outcome in closing.items() if outcome is not None and outcome.is_good]
    if not good:
        return
    worse = data.draw(st.sampled_from((None, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE, Outcome.KO)))
    run = make_run(recorded)
    before = assess(add_drills(run, closing), basis).verdict
    after = assess(add_drills(run, {**closing, data.draw(st.sampled_from(good)): worse}), basis).verdict
    assert after.severity >= before.severity


@pytest.mark.parametrize(
    ("closing", "verdict", "said"),
    [
        ({1: Outcome.OK, 5: Outcome.MESURE, 7: Outcome.NON_APPLICABLE}, Verdict.OK, ""),
        (
            {1: Outcome.OK, 3: Outcome.KO, 8: Outcome.KO},
            Verdict.KO,
            "2 contrôle(s) final(s) KO, plateforme non laissée comme trouvée : HD-003, HD-008.",
        ),
        (
            {1: Outcome.INCONCLUSIF, 2: None, 3: Outcome.OK},
            Verdict.INCOMPLET,
            "2 contrôle(s) final(s) non jugé(s) : HD-001, HD-002.",
        ),
        ({}, Verdict.INCOMPLET, "Aucun contrôle final n'était prévu."),
    ],
)
def test_a_closing_check_that_is_not_good_is_named(
    closing: dict[int, Outcome | None], verdict: Verdict, said: str
) -> None:
    judged = assess(add_drills(make_run(ALL_OK), closing), SOUND)
    assert judged.verdict is verdict
    assert said in " ".join(judged.reasons)


def test_what_was_restored_outside_its_drill_is_a_reserve_drills_or_not() -> None:
    healed = ("Guéri — HD-015, arrêter le service client (passage hier)",)
    for run in (
        dataclasses.replace(make_run(ALL_OK), healed=healed),
        add_drills(make_run(ALL_OK), {1: Outcome.OK}, healed),
    ):
        judged = assess(run, SOUND)
        assert (judged.verdict, judged.reserves) == (Verdict.OK_AVEC_RESERVES, healed)


def test_a_known_failure_found_before_the_drills_is_not_a_platform_left_otherwise() -> None:
    basis = make_basis(waivers=(make_waiver(name_closing(3)),))
    run = add_drills(make_run(ALL_OK), {3: Outcome.KO})
    assert assess(run, basis).verdict is Verdict.KO  # nobody found it KO before
    check = dataclasses.replace(run.plan.closing[0])
    plan = dataclasses.replace(run.plan, scenarios=(*run.plan.scenarios, check))
    found = dataclasses.replace(run, plan=plan, results=(*run.results, *run.closing), pytest_exit=1)
    judged = assess(found, basis)
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert "1 contrôle(s) final(s) KO comme avant les exercices : HD-003." in judged.reserves
    assert assess(found, SOUND).verdict is Verdict.KO  # nobody accepted it
    again = make_result(name_closing(3), Outcome.OK, attempt=2)
    unstable = dataclasses.replace(found, results=(*found.results, again))
    assert "plateforme non laissée comme trouvée : HD-003" in assess(unstable, basis).reasons[0]


def test_a_drill_of_the_baseline_is_not_missed_by_a_campaign_without_drills() -> None:
    basis = make_basis({name_id(1): Outcome.OK, name_id(2): Outcome.OK})
    assert assess(make_run(ALL_OK), basis).removed == (name_id(2),)
    plan = dataclasses.replace(make_run(ALL_OK).plan, drills_left_out=(name_id(2),))
    assert assess(make_run(ALL_OK, plan=plan), basis).removed == ()


def test_what_a_read_only_campaign_leaves_out_is_not_missed_and_what_is_gone_still_is() -> None:
    basis = make_basis(dict.fromkeys(map(name_id, (1, 2, 3)), Outcome.OK))
    plan = dataclasses.replace(
        make_run(ALL_OK).plan, effects=EffectLimit.LECTURE, effects_left_out=(name_id(2),)
    )
    judged = assess(make_run(ALL_OK, plan=plan), basis)
    assert (judged.removed, judged.verdict) == ((name_id(3),), Verdict.INCOMPLET)
    whole = make_basis(dict.fromkeys(map(name_id, (1, 2)), Outcome.OK))
    assert assess(make_run(ALL_OK, plan=plan), whole).verdict is Verdict.OK


@given(RECORDED, BASES, st.integers(0, 400))
def test_an_expired_waiver_never_helps(recorded: Recorded, basis: Basis, days: int) -> None:
    expired = tuple(make_waiver(name_id(number), AT - timedelta(days=days)) for number in range(1, 13))
    without = dataclasses.replace(basis, waivers=())
    judged = assess(make_run(recorded), dataclasses.replace(basis, waivers=expired))
    alone = assess(make_run(recorded), without)
    assert judged.verdict is alone.verdict
    assert [one.outcome for one in judged.findings] == [one.outcome for one in alone.findings]


@given(RECORDED, BASES)
def test_every_planned_scenario_has_one_finding_in_plan_order(recorded: Recorded, basis: Basis) -> None:
    run = make_run(recorded)
    findings = assess(run, basis).findings
    assert [found.scenario_id for found in findings] == [planned.id for planned in run.plan.scenarios]
    for found, (_, outcome) in zip(findings, recorded.values(), strict=True):
        assert (found.change is Change.MISSING) == (outcome is None)


@given(RECORDED, BASES)
def test_unjudged_major_scenarios_forbid_ok_and_minor_ones_make_a_reserve(
    recorded: Recorded, basis: Basis
) -> None:
    unjudged = [
        criticality
        for criticality, outcome in recorded.values()
        if outcome in (None, Outcome.INCONCLUSIF, Outcome.NON_EXECUTE)
    ]
    verdict = assess(make_run(recorded), basis).verdict
    if any(criticality is not Criticality.MINEURE for criticality in unjudged):
        assert verdict.severity >= Verdict.INCOMPLET.severity
    elif unjudged:
        assert verdict.severity >= Verdict.OK_AVEC_RESERVES.severity


@given(RECORDED, BASES)
def test_the_verdict_is_that_of_its_first_reason_and_is_always_explained(
    recorded: Recorded, basis: Basis
) -> None:
    judged = assess(make_run(recorded), basis)
    assert judged.reasons
    if judged.verdict is Verdict.OK:
        assert all(one.outcome.is_good for one in judged.findings)


@given(RECORDED, st.lists(st.sampled_from(Outcome), min_size=1, max_size=3))
def test_a_retry_only_counts_when_it_is_good_and_then_makes_a_reserve(
    recorded: Recorded, retries: list[Outcome]
) -> None:
    first = make_run({**recorded, 99: (Criticality.MINEURE, Outcome.KO)})
    attempts = tuple(
        make_result(name_id(99), outcome, attempt=number) for number, outcome in enumerate(retries, start=2)
    )
    found = find(assess(dataclasses.replace(first, results=first.results + attempts), SOUND).findings, 99)
    if retries[-1].is_passed:
        assert (found.outcome, found.change) == (retries[-1], Change.UNSTABLE)
    else:
        assert found.outcome is Outcome.KO


def test_all_scenarios_ok_is_ok() -> None:
    assert assess(make_run(ALL_OK), SOUND).verdict is Verdict.OK


def test_without_a_promoted_baseline_nothing_can_be_compared_which_is_a_reserve() -> None:
    judged = assess(make_run(ALL_OK), Basis())
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert "Aucune référence promue" in judged.reasons[0]


def test_nothing_planned_is_never_ok() -> None:
    assert assess(make_run({}), SOUND).verdict is Verdict.INCOMPLET


def test_a_refused_or_unasked_guard_makes_the_campaign_incomplete() -> None:
    for status in (GuardStatus.REFUSED, GuardStatus.UNKNOWN, GuardStatus.NOT_ASKED):
        run = make_run(ALL_OK, guards=(GuardResult("PRE-01", "Cible", status, "non"),))
        assert assess(run, SOUND).verdict is Verdict.INCOMPLET


def test_an_interrupted_run_is_incomplete() -> None:
    run = make_run(ALL_OK, ended_at=None, pytest_exit=None, interruption="coupé")
    assert assess(run, SOUND).verdict is Verdict.INCOMPLET


def test_any_other_pytest_exit_than_0_and_1_is_incomplete() -> None:
    for code in (2, 3, 4, 5, -9, None):
        assert assess(make_run(ALL_OK, pytest_exit=code), SOUND).verdict is Verdict.INCOMPLET


def test_a_failure_that_no_scenario_recorded_is_incomplete() -> None:
    assert assess(make_run(ALL_OK, pytest_exit=1), SOUND).verdict is Verdict.INCOMPLET


def test_a_measure_without_limit_and_a_scenario_without_object_are_no_reserve() -> None:
    recorded: Recorded = {
        1: (Criticality.BLOQUANTE, Outcome.MESURE),
        2: (Criticality.BLOQUANTE, Outcome.NON_APPLICABLE),
    }
    judged = assess(make_run(recorded), SOUND)
    assert (judged.verdict, judged.reasons) == (Verdict.OK, ("1 scénario(s) exécuté(s), aucun écart.",))


def test_a_campaign_in_which_nothing_was_checked_is_never_ok() -> None:
    recorded: Recorded = {1: (Criticality.MINEURE, Outcome.NON_APPLICABLE)}
    assert assess(make_run(recorded), SOUND).verdict is Verdict.INCOMPLET


@pytest.mark.parametrize("now", [Outcome.NON_APPLICABLE, Outcome.MESURE])
def test_a_scenario_that_was_judged_and_is_no_longer_is_a_reserve(now: Outcome) -> None:
    recorded: Recorded = {1: (Criticality.MAJEURE, now), 2: (Criticality.MAJEURE, Outcome.OK)}
    judged = assess(make_run(recorded), make_basis({name_id(1): Outcome.OK, name_id(2): Outcome.OK}))
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert judged.reasons == ("1 scénario(s) jugé(s) dans la référence et plus maintenant : BASE-001.",)
    same = assess(make_run(recorded), make_basis({name_id(1): now, name_id(2): Outcome.OK}))
    assert same.verdict is Verdict.OK


def test_a_retry_that_checked_nothing_cures_nothing() -> None:
    run = make_run(ONE_KO)
    again = make_result(name_id(1), Outcome.NON_APPLICABLE, attempt=2)
    judged = assess(dataclasses.replace(run, results=(*run.results, again)), SOUND)
    assert judged.verdict is Verdict.KO


def test_a_waiver_in_force_turns_a_ko_into_a_known_failure_with_its_ticket_and_a_reserve() -> None:
    basis = make_basis({name_id(1): Outcome.OK}, waivers=(make_waiver(name_id(1)),))
    judged = assess(make_run(ONE_KO), basis)
    found = find(judged.findings)
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert (found.outcome, found.change) == (Outcome.DEROGATION, Change.KNOWN_FAILURE)
    assert "AQ-7" in found.note


def test_a_waiver_ends_at_its_very_instant_and_the_reasons_say_so() -> None:
    for expires_at, verdict in ((AT, Verdict.KO), (AT + timedelta(microseconds=1), Verdict.OK_AVEC_RESERVES)):
        judged = assess(make_run(ONE_KO), make_basis(waivers=(make_waiver(name_id(1), expires_at),)))
        assert judged.verdict is verdict
        assert any("dérogation(s) expirée(s) : BASE-001 (AQ-7)" in reason for reason in judged.reasons) == (
            verdict is Verdict.KO
        )


def test_a_waiver_excuses_no_scenario_that_could_not_be_judged() -> None:
    basis = make_basis(waivers=(make_waiver(name_id(1)),))
    judged = assess(make_run({1: (Criticality.MAJEURE, Outcome.INCONCLUSIF)}), basis)
    assert judged.verdict is Verdict.INCOMPLET


@pytest.mark.parametrize(
    ("before", "letters", "now", "change"),
    [
        (Outcome.OK, "", Outcome.KO, Change.REGRESSION),
        (Outcome.OK, "OO", Outcome.INCONCLUSIF, Change.UNJUDGED),
        (None, "", Outcome.NON_EXECUTE, Change.UNJUDGED),
        (Outcome.KO, "A", Outcome.KO, Change.SAME),
        (Outcome.OK, "AK", Outcome.NON_APPLICABLE, Change.SAME),  # nothing was checked: nothing is fixed
        (None, "OOK", Outcome.KO, Change.REGRESSION),  # it worked before, and nobody promoted its failure
        (None, "K", Outcome.KO, Change.SAME),
        (Outcome.OK, "OK", Outcome.KO, Change.REGRESSION),  # still the same regression
        (None, "KO", Outcome.KO, Change.REGRESSION),  # it worked last night, whatever the baseline
        (Outcome.KO, "O", Outcome.KO, Change.REGRESSION),
        (Outcome.KO, "", Outcome.KO, Change.SAME),
        (Outcome.KO, "K", Outcome.KO, Change.SAME),
        (Outcome.KO, "", Outcome.OK, Change.FIXED),
        (Outcome.OK, "OK", Outcome.OK, Change.FIXED),
        (Outcome.KO, "KO", Outcome.OK, Change.SAME),
        (Outcome.OK, "ON", Outcome.OK, Change.SAME),  # a night that judged nothing says nothing
        (None, "NI-", Outcome.KO, Change.NEW),
        (None, "", Outcome.OK, Change.NEW),
        (None, "", Outcome.KO, Change.NEW),
        (Outcome.OK, "OKOK", Outcome.OK, Change.UNSTABLE),
        (Outcome.OK, "OKK", Outcome.OK, Change.FIXED),
        (Outcome.OK, "OKOK" + "O" * 9, Outcome.OK, Change.SAME),  # long ago
        (Outcome.DEROGATION, "D", Outcome.KO, Change.SAME),
    ],
)
def test_each_scenario_is_compared_with_the_baseline_and_the_last_campaigns(
    before: Outcome | None, letters: str, now: Outcome, change: Change
) -> None:
    basis = make_basis(
        {} if before is None else {name_id(1): before}, history=make_history({name_id(1): letters})
    )
    assert find(assess(make_run({1: (Criticality.MAJEURE, now)}), basis).findings).change is change


def test_the_reasons_name_regressions_apart_from_known_failures() -> None:
    recorded: Recorded = dict.fromkeys((1, 2), (Criticality.MAJEURE, Outcome.KO))
    basis = make_basis({name_id(1): Outcome.OK, name_id(2): Outcome.KO})
    reasons = assess(make_run(recorded), basis).reasons
    assert reasons[0] == "2 scénario(s) KO : BASE-001, BASE-002."
    assert reasons[1] == "1 régression(s), bon(s) auparavant et en échec maintenant : BASE-001."


def test_a_major_scenario_that_was_taken_away_leaves_the_campaign_incomplete_until_a_waiver_accepts_it() -> (
    None
):
    basis = make_basis({name_id(1): Outcome.OK, name_id(2): Outcome.KO, "HD-001": Outcome.OK})
    judged = assess(make_run(ALL_OK), basis)
    assert judged.removed == (name_id(2),)  # HD was not asked for
    assert judged.verdict is Verdict.INCOMPLET
    for days, verdict in ((1, Verdict.OK_AVEC_RESERVES), (-1, Verdict.INCOMPLET)):
        waiver = make_waiver(name_id(2), AT + timedelta(days=days))
        assert assess(make_run(ALL_OK), dataclasses.replace(basis, waivers=(waiver,))).verdict is verdict


def test_a_minor_scenario_that_was_taken_away_is_a_reserve_that_names_it() -> None:
    basis = make_basis({name_id(1): Outcome.OK, name_id(2): Outcome.OK}, criticality=Criticality.MINEURE)
    judged = assess(make_run(ALL_OK), basis)
    assert any(
        "mineur(s) de la référence absent(s) du plan : BASE-002" in reason for reason in judged.reasons
    )
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    selected = dataclasses.replace(make_run(ALL_OK).plan, selection="BASE-001")
    assert assess(make_run(ALL_OK, plan=selected), basis).removed == ()


def test_a_criticality_a_limit_or_a_measure_that_is_not_the_baseline_s_is_a_reserve_that_says_it() -> None:
    kept = tuple(BaselineMeasure(name, 1.0, "s", 3.0) for name in ("a", "b", "c"))
    old = BaselineResult(name_id(1), "Essai", Criticality.BLOQUANTE, Outcome.OK, 0.1, kept)
    run = make_run(ALL_OK)
    taken = (Measure("a", 1.0, "s", 3.0), Measure("b", 1.0, "s", 30.0))
    run = dataclasses.replace(run, results=(dataclasses.replace(run.results[0], measures=taken),))
    judged = assess(run, Basis(make_baseline({}, results=(old,))))
    assert judged.scenario_changes == (
        "BASE-001 : criticité bloquante → majeure",
        "BASE-001 : limite de « b » 3 s → 30 s",
        "BASE-001 : « c » n'est plus mesuré",
    )
    assert judged.verdict is Verdict.OK_AVEC_RESERVES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"application_version": "5.1.0"}, "de la version 5.1.0"),
        ({"dataset": "autre"}, "du jeu de données autre"),
    ],
)
def test_a_baseline_of_another_version_or_data_set_is_a_reserve(change: dict[str, object], said: str) -> None:
    judged = assess(make_run(ALL_OK), Basis(make_baseline({name_id(1): Outcome.OK}, **change)))
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert said in judged.reasons[0]


def test_a_scenario_that_passed_after_the_baseline_and_long_before_the_window_still_regresses() -> None:
    good = LastGood("vieux", AT - timedelta(days=20), "5.2.0", "jeu", "0", (), (name_id(1),))
    known = make_basis({name_id(1): Outcome.KO}, last_good=(good,))
    assert find(assess(make_run(ONE_KO), known).findings).change is Change.REGRESSION
    older = dataclasses.replace(good, started_at=AT - timedelta(days=40))
    known = make_basis({name_id(1): Outcome.KO}, last_good=(older,))
    assert find(assess(make_run(ONE_KO), known).findings).change is Change.SAME


def test_a_baseline_of_another_catalog_does_not_miss_its_scenarios() -> None:
    other = make_baseline({name_id(2): Outcome.OK}, catalog="ailleurs")
    assert assess(make_run(ALL_OK), Basis(other)).removed == ()


def test_a_changed_limit_is_shown_and_is_a_reserve() -> None:
    baseline = make_baseline({}, limits=(Limit("page_seconds", 3.0), Limit("old", 1.0)))
    plan = dataclasses.replace(make_run(ALL_OK).plan, limits=(Limit("new", 2.0), Limit("page_seconds", 9.0)))
    judged = assess(make_run(ALL_OK, plan=plan), Basis(baseline))
    assert judged.limit_changes == (
        LimitChange("new", None, 2.0),
        LimitChange("old", 1.0, None),
        LimitChange("page_seconds", 3.0, 9.0),
    )
    assert judged.verdict is Verdict.OK_AVEC_RESERVES


def test_a_reference_file_moved_since_the_promotion_is_a_reserve_that_names_it() -> None:
    baseline = make_baseline({}, files=(("columns.json", "aa"), ("modules.json", "bb")))
    basis = Basis(baseline, files=(("columns.json", "aa"), ("modules.json", "cc")))
    judged = assess(make_run(ALL_OK), basis)
    assert judged.reference_changes == ("modules.json",)
    assert judged.verdict is Verdict.OK_AVEC_RESERVES


def test_what_could_not_be_read_of_the_past_is_a_reserve() -> None:
    judged = assess(make_run(ALL_OK), make_basis(warnings=("Historique indisponible : x",)))
    assert judged.verdict is Verdict.OK_AVEC_RESERVES
    assert "Historique indisponible" in judged.reasons[0]
