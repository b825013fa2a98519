"""The decision table of an activation: who is mobilised, by which runbook, how urgently."""

from __future__ import annotations

import dataclasses
import itertools
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import ConfigError, UsageError
from nonreg.handover.activation import (
    TABLE_FILE,
    Need,
    OpenAnomaly,
    Profile,
    Reason,
    decide,
    find_rule_problem,
    load_table,
    read_table,
)
from nonreg.handover.mobilisation import choose_subject, require_proof
from nonreg.handover.readiness_binder import BINDER
from nonreg.handover.runbook_file import RUNBOOKS_DIR, load_runbook
from nonreg.model.handover import Runbook
from nonreg.people import GOVERNANCE_DIR, People, load_people

TABLE = load_table()
TEXT = TABLE_FILE.read_text(encoding="utf-8")
PEOPLE = load_people(GOVERNANCE_DIR / "embarquee", "5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de")
AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
TECHNICAL = (Need.CORRECTION, Need.SCRIPT, Need.TESTS, Need.DOCUMENTATION)
reasons, anomalies = st.sampled_from(Reason), st.sampled_from(OpenAnomaly)
needs = st.sets(st.sampled_from(Need), min_size=1)


def read(text: str) -> None:
    read_table(text, Path("activation.toml"))


def runbook_of(reason: Reason) -> Runbook:
    return load_runbook(RUNBOOKS_DIR / f"{TABLE.runbooks[reason]}.toml")


@pytest.mark.parametrize(("reason", "anomaly", "need"), list(itertools.product(Reason, OpenAnomaly, Need)))
def test_every_combination_has_a_profile_a_runbook_and_a_reason(
    reason: Reason, anomaly: OpenAnomaly, need: Need
) -> None:
    choice = decide(TABLE, reason, anomaly, [need])
    assert choice.profiles
    assert choice.runbook == TABLE.runbooks[reason]
    assert reason.words in choice.justification
    assert choice.justification.endswith(".")


@given(reasons, anomalies, needs)
def test_several_needs_mobilise_all_that_each_would(
    reason: Reason, anomaly: OpenAnomaly, asked: set[Need]
) -> None:
    choice = decide(TABLE, reason, anomaly, asked)
    each = [decide(TABLE, reason, anomaly, [need]) for need in asked]
    assert set(choice.profiles) == {profile for one in each for profile in one.profiles}
    assert choice.urgent is any(one.urgent for one in each)


@given(reasons, anomalies, needs)
def test_a_blocking_or_major_anomaly_or_a_technical_need_mobilises_the_technical_profile(
    reason: Reason, anomaly: OpenAnomaly, asked: set[Need]
) -> None:
    calls = anomaly in (OpenAnomaly.BLOQUANTE, OpenAnomaly.MAJEURE) and asked <= set(TECHNICAL)
    if calls or asked & set(TECHNICAL):
        assert Profile.TECHNIQUE in decide(TABLE, reason, anomaly, asked).profiles


def test_one_urgent_need_among_others_makes_the_whole_urgent() -> None:
    calm = decide(TABLE, Reason.PEAK, OpenAnomaly.AUCUNE, [Need.TESTS, Need.MINUTES])
    first, *rest = TABLE.rules
    only = dataclasses.replace(first, reasons=(Reason.PEAK,), criticalities=(OpenAnomaly.AUCUNE,))
    urgent = dataclasses.replace(only, needs=(Need.TESTS,), urgent=True)
    changed = dataclasses.replace(TABLE, rules=(urgent, *rest))
    assert not calm.urgent
    assert decide(changed, Reason.PEAK, OpenAnomaly.AUCUNE, [Need.TESTS, Need.MINUTES]).urgent


@given(reasons, needs)
def test_a_blocking_anomaly_is_always_urgent(reason: Reason, asked: set[Need]) -> None:
    assert decide(TABLE, reason, OpenAnomaly.BLOQUANTE, asked).urgent


@given(anomalies, needs)
def test_an_absence_without_notice_always_has_somebody_who_follows(
    anomaly: OpenAnomaly, asked: set[Need]
) -> None:
    assert Profile.PILOTAGE in decide(TABLE, Reason.UNPLANNED, anomaly, asked).profiles


def test_an_activation_without_a_need_is_refused() -> None:
    with pytest.raises(UsageError, match="au moins un besoin"):
        decide(TABLE, Reason.PEAK, OpenAnomaly.AUCUNE, [])


@given(st.integers(0, len(TABLE.rules) - 1))
def test_a_table_that_loses_a_rule_misses_combinations_or_decides_otherwise(place: int) -> None:
    rest = TABLE.rules[:place] + TABLE.rules[place + 1 :]
    changed = dataclasses.replace(TABLE, rules=rest)
    problem = find_rule_problem(rest)
    if problem:
        assert "aucune règle" in problem or "ne sert jamais" in problem
        return
    everything = list(itertools.product(Reason, OpenAnomaly, [[one] for one in Need]))
    assert any(decide(changed, *one).justification != decide(TABLE, *one).justification for one in everything)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('profiles = ["pilotage"]\nurgent = false', "profiles = []\nurgent = false", "un ou deux profils"),
        ('reasons = ["pointe"]\ncriticalities = ["bloquante"]\nneeds', "needs", "ne sert jamais"),
        ('pointe = "activation-pointe"', "", "aucun runbook pour « pointe »"),
        ('pointe = "activation-pointe"', 'pointe = "activation-exceptionnelle"', "le même runbook"),
        ('pointe = "activation-pointe"', 'pointe = "../ailleurs"', "n'est pas un identifiant"),
        ("urgent = false", "urgence = false", "urgence"),
        ('criticalities = ["majeure"]', 'criticalities = ["grave"]', "criticalities"),
        ("max_age_days = 180", "max_age_days = 0", "au moins 1"),
        ('why = "Analyses', 'why = " "\n#', "une phrase de justification"),
    ],
)
def test_a_table_that_is_not_sound_is_refused_with_what_is_wrong(before: str, after: str, said: str) -> None:
    assert before in TEXT
    with pytest.raises(ConfigError, match=said) as refused:
        read(TEXT.replace(before, after, 1))
    assert "activation.toml" in str(refused.value)


def test_a_table_whose_last_rule_is_gone_names_a_combination_that_none_fits() -> None:
    first, _, rest = TEXT.partition('[[rules]]\nprofiles = ["pilotage"]')
    limits = "[integration]" + rest.partition("[integration]")[2]
    with pytest.raises(ConfigError, match="aucune règle pour : absence-prevue, anomalie mineure"):
        read(first + limits)


@pytest.mark.parametrize("reason", Reason)
def test_the_words_of_the_table_are_those_of_the_forms(reason: Reason) -> None:
    runbook = runbook_of(reason)
    fields = {field.id: field for step in runbook.steps for field in step.fields}
    assert fields["criticite"].options == tuple(OpenAnomaly)
    assert fields["besoin"].options == tuple(need.words for need in Need)
    assert fields["profils"].options == tuple(profile.words for profile in Profile)


def test_the_runbooks_that_must_have_been_read_are_those_of_step_o7() -> None:
    step = load_runbook(RUNBOOKS_DIR / "integration.toml").step("O7")
    assert step is not None
    named = [field.label.partition("« ")[2].partition(" »")[0] for field in step.fields if "«" in field.label]
    assert tuple(named) == TABLE.integration.read


def test_the_emergency_file_has_its_seven_pieces_and_each_is_a_runbook() -> None:
    assert len(BINDER) == 7
    for name in BINDER:
        assert (RUNBOOKS_DIR / f"{name}.toml").is_file()


def change(people: People, person_id: str, **values: object) -> People:
    persons = tuple(
        dataclasses.replace(one, **values) if one.id == person_id else one  # type: ignore[arg-type]
        for one in people.persons
    )
    return dataclasses.replace(people, persons=persons)


def test_the_person_of_the_profile_who_is_entitled_and_under_contract_is_proposed() -> None:
    assert choose_subject(PEOPLE, Profile.TECHNIQUE, "", AT).id == "renfort-technique-essai"
    assert choose_subject(PEOPLE, Profile.PILOTAGE, "", AT).id == "renfort-pilotage-essai"


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"contract_until": datetime(2026, 11, 30, tzinfo=UTC).date()}, "a pris fin le 30/11/2026"),
        ({"valid_until": datetime(2026, 11, 30, tzinfo=UTC)}, "habilité"),
    ],
)
def test_nobody_is_proposed_without_a_contract_or_a_right_and_the_reason_is_told(
    values: dict[str, object], why: str
) -> None:
    people = change(PEOPLE, "renfort-technique-essai", **values)
    with pytest.raises(UsageError, match=why):
        choose_subject(people, Profile.TECHNIQUE, "", AT)
    with pytest.raises(UsageError, match=why):
        choose_subject(people, Profile.TECHNIQUE, "renfort-technique-essai", AT)


@pytest.mark.parametrize("asked", ["titulaire-essai", "renfort-pilotage-essai", "personne-inconnue"])
def test_somebody_of_another_role_is_never_mobilised_for_a_profile(asked: str) -> None:
    with pytest.raises(UsageError, match="Renfort technique : "):
        choose_subject(PEOPLE, Profile.TECHNIQUE, asked, AT)


def test_an_urgency_needs_its_ticket_and_its_call_unless_the_runbook_asks_for_the_call() -> None:
    peak = decide(TABLE, Reason.PEAK, OpenAnomaly.BLOQUANTE, [Need.CORRECTION])
    with pytest.raises(UsageError, match="ticket"):
        require_proof(peak, runbook_of(Reason.PEAK), "", AT)
    with pytest.raises(UsageError, match="appel"):
        require_proof(peak, runbook_of(Reason.PEAK), "AQ-1", None)
    require_proof(peak, runbook_of(Reason.PEAK), "AQ-1", AT)
    crisis = decide(TABLE, Reason.EXCEPTIONAL, OpenAnomaly.BLOQUANTE, [Need.CORRECTION])
    require_proof(crisis, runbook_of(Reason.EXCEPTIONAL), "AQ-1", None)
    quiet = decide(TABLE, Reason.PEAK, OpenAnomaly.AUCUNE, [Need.TESTS])
    require_proof(quiet, runbook_of(Reason.PEAK), "", None)
