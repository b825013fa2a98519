"""GO or NO-GO: without a whole, fresh, unaltered run of the same version there is no GO."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import UsageError
from nonreg.intervention import (
    Observed,
    Target,
    answer,
    explain_block,
    find_expiry,
    is_usable,
    make_intervention,
)
from nonreg.model import (
    Answer,
    Assessment,
    CampaignReport,
    Change,
    EffectLimit,
    Family,
    Finding,
    Intervention,
    InterventionDecision,
    InterventionKind,
    Nature,
    Outcome,
    Verdict,
)
from tests.judgements import AT, make_run, make_waiver

HOUR = timedelta(hours=1)
NOW = AT + 2 * HOUR
SEEN = Observed("5.2.0")
TARGET = Target("essai", "jeton", "5.2.0")
WHY = "Aucune table publiée n'est modifiée."


def make_report(
    verdict: Verdict = Verdict.OK, waiver_hours: float | None = None, **plan: object
) -> CampaignReport:
    run = make_run({})
    own = dataclasses.replace(run.plan.platform, identity_token=TARGET.identity_token)
    whole = {"families": tuple(Family), "platform": own, **plan}
    run = dataclasses.replace(run, plan=dataclasses.replace(run.plan, **whole))  # type: ignore[arg-type]
    findings: tuple[Finding, ...] = ()
    if waiver_hours is not None:
        waiver = make_waiver("HD-001", AT + waiver_hours * HOUR)
        findings = (Finding("HD-001", Outcome.DEROGATION, Change.KNOWN_FAILURE, waiver=waiver),)
    return CampaignReport(run, Assessment(verdict, ("Motif.",), findings), (), AT)


def ask(kind: InterventionKind = InterventionKind.SCRIPT_SQL, replication: bool = False) -> Intervention:
    return make_intervention("AQ-12", kind, True, replication, WHY)


def decide(report: CampaignReport | None, asked: Intervention | None = None, **changes: object) -> Answer:
    words: dict[str, object] = {
        "observed": SEEN,
        "target": TARGET,
        "now": NOW,
        "max_age_hours": 24.0,
        **changes,
    }
    given_answer, reasons = answer(asked or ask(), report, **words)  # type: ignore[arg-type]
    assert reasons
    return given_answer


def test_a_fresh_whole_run_of_the_same_version_that_is_ok_is_go() -> None:
    assert decide(make_report()) is Answer.GO


def test_reserves_are_repeated_in_a_go_with_reserves() -> None:
    report = make_report(Verdict.OK_AVEC_RESERVES)
    assert answer(ask(), report, SEEN, TARGET, NOW, 24.0) == (Answer.GO_AVEC_RESERVES, ("Motif.",))


@pytest.mark.parametrize("verdict", [Verdict.KO, Verdict.INCOMPLET])
def test_a_run_that_is_ko_or_incomplete_is_no_go(verdict: Verdict) -> None:
    assert decide(make_report(verdict)) is Answer.NO_GO


def test_without_a_run_it_is_no_go() -> None:
    assert decide(None) is Answer.NO_GO


def test_replication_needs_the_hd_family_and_other_work_does_not() -> None:
    without = make_report(families=(Family.BASE, Family.APPLICATIF))
    assert decide(without) is Answer.GO
    assert decide(without, ask(replication=True)) is Answer.NO_GO
    assert decide(make_report(), ask(replication=True)) is Answer.GO


@pytest.mark.parametrize("family", [Family.BASE, Family.APPLICATIF])
def test_base_and_applicatif_are_always_needed(family: Family) -> None:
    others = tuple(one for one in Family if one is not family)
    assert decide(make_report(families=others)) is Answer.NO_GO


def test_a_partial_run_answers_nothing() -> None:
    assert decide(make_report(selection="BASE-*")) is Answer.NO_GO
    assert decide(make_report(catalog="ailleurs")) is Answer.NO_GO


def test_a_read_only_run_answers_nothing_unless_it_left_nothing_out() -> None:
    nightly = make_report(effects=EffectLimit.LECTURE, effects_left_out=("BASE-020", "HD-004"))
    assert answer(ask(), nightly, SEEN, TARGET, NOW, 24.0) == (
        Answer.NO_GO,
        ("Le passage est en lecture seule : ce qui écrit est laissé de côté (scénarios : 2).",),
    )
    assert not is_usable(nightly, ask(), AT)
    assert decide(make_report(effects=EffectLimit.LECTURE)) is Answer.GO


@given(st.floats(0, 100), st.floats(0.1, 48))
def test_a_run_answers_until_its_age_limit_and_never_from_the_future(age_hours: float, limit: float) -> None:
    report = make_report()
    fresh = decide(report, now=AT + age_hours * HOUR, max_age_hours=limit) is Answer.GO
    assert fresh == (age_hours * HOUR <= limit * HOUR)
    assert decide(report, now=AT - (age_hours + 1) * HOUR, max_age_hours=limit) is Answer.NO_GO


def test_another_version_judged_expected_or_installed_is_no_go() -> None:
    newer = dataclasses.replace(TARGET, application_version="5.3.0")
    assert decide(make_report(), target=newer, observed=Observed("5.3.0")) is Answer.NO_GO
    assert decide(make_report(), observed=Observed("5.3.0")) is Answer.NO_GO
    assert decide(make_report(), observed=Observed("", "Serveur injoignable.")) is Answer.NO_GO


def test_any_obstacle_is_no_go_and_is_among_the_reasons() -> None:
    seen = dataclasses.replace(SEEN, obstacles=("Un passage plus récent est KO.",))
    for report in (make_report(), None):
        given_answer, reasons = answer(ask(), report, seen, TARGET, NOW, 24.0)
        assert given_answer is Answer.NO_GO
        assert reasons[0] == "Un passage plus récent est KO."


def test_an_interrupted_or_foreign_run_is_no_go() -> None:
    for foreign in ("name", "identity_token"):
        assert decide(make_report(), target=dataclasses.replace(TARGET, **{foreign: "autre"})) is Answer.NO_GO
    report = make_report()
    cut = dataclasses.replace(report, run=dataclasses.replace(report.run, interruption="coupé"))
    assert decide(cut) is Answer.NO_GO
    production = dataclasses.replace(report.run.plan.platform, nature=Nature.PROD)
    foreign = dataclasses.replace(report.run, plan=dataclasses.replace(report.run.plan, platform=production))
    assert decide(dataclasses.replace(report, run=foreign)) is Answer.NO_GO


def test_a_waiver_that_served_and_has_expired_since_is_no_go() -> None:
    report = make_report(Verdict.OK_AVEC_RESERVES, waiver_hours=1)
    assert decide(report, now=AT + HOUR / 2) is Answer.GO_AVEC_RESERVES
    assert decide(report, now=AT + HOUR) is Answer.NO_GO


def test_an_answer_holds_as_long_as_the_run_is_fresh_and_its_waivers_are_in_force() -> None:
    assert find_expiry(make_report(), NOW, 24.0) == AT + 24 * HOUR
    assert find_expiry(make_report(waiver_hours=5), NOW, 24.0) == AT + 5 * HOUR
    assert find_expiry(None, NOW, 24.0) == NOW


@pytest.mark.parametrize("kind", [InterventionKind.BASCULE, InterventionKind.REPLICATION])
def test_some_work_always_touches_replication(kind: InterventionKind) -> None:
    with pytest.raises(UsageError, match="touche toujours la réplication"):
        make_intervention("AQ-12", kind, True, False, WHY)
    assert Family.HD in ask(kind, replication=True).families


def test_a_question_needs_a_ticket_and_a_reason() -> None:
    with pytest.raises(UsageError, match="mal formée"):
        make_intervention("12", InterventionKind.AUTRE, True, False, WHY)
    with pytest.raises(UsageError, match="pourquoi"):
        make_intervention("AQ-12", InterventionKind.AUTRE, True, False, "non")


def test_only_a_finished_whole_fresh_run_is_looked_at() -> None:
    assert is_usable(make_report(), ask(), AT)
    assert not is_usable(make_report(), ask(), AT + HOUR)
    assert not is_usable(make_report(selection="HD-*"), ask(), AT)
    assert not is_usable(make_report(families=(Family.BASE,)), ask(), AT)
    report = make_report()
    cut = dataclasses.replace(report, run=dataclasses.replace(report.run, ended_at=None))
    assert not is_usable(cut, ask(), AT)


def make_decision(
    given_answer: Answer, replication: bool = False, sensitive: bool = True
) -> InterventionDecision:
    asked = make_intervention("AQ-12", InterventionKind.SCRIPT_SQL, sensitive, replication, WHY)
    return InterventionDecision(
        "I-1", "essai", "5.2.0", asked, given_answer, ("Motif.",), AT, AT + 24 * HOUR, identity_token="jeton"
    )


def test_a_sensitive_intervention_begins_only_with_a_go_that_still_holds() -> None:
    go = make_decision(Answer.GO)
    assert explain_block(go, False, TARGET, NOW) == ""
    assert explain_block(make_decision(Answer.GO_AVEC_RESERVES), False, TARGET, NOW) == ""
    assert "NO-GO" in explain_block(make_decision(Answer.NO_GO), False, TARGET, NOW)
    assert "n'est plus valable" in explain_block(go, False, TARGET, AT + 24 * HOUR)
    newer = dataclasses.replace(TARGET, application_version="5.3.0")
    assert "version 5.2.0" in explain_block(go, False, newer, NOW)
    copied = dataclasses.replace(TARGET, identity_token="autre")
    assert "autre plateforme" in explain_block(go, False, copied, NOW)
    assert "courante" in explain_block(make_decision(Answer.GO, sensitive=False), False, TARGET, NOW)
    assert "sans les contrôles HD" in explain_block(go, True, TARGET, NOW)
    assert explain_block(make_decision(Answer.GO, replication=True), True, TARGET, NOW) == ""
