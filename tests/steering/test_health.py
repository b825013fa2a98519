"""Health of the campaigns, runbooks and renforts: what was seen counts, what was not is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nonreg.delays import Reading
from nonreg.model import Family, History, PastRun, ScenarioHistory, Verdict
from nonreg.model.readiness import Chapter, Grade
from nonreg.model.steering import Indicator, Period
from nonreg.steering.continuity import count_runbooks, measure_lead_time
from nonreg.steering.health import count_failures, measure_health
from nonreg.steering.periods import begin
from nonreg.working_time import PARIS, WorkingTime
from tests.execution_samples import end, play
from tests.handover.prepared import measure, prepare

WEEK = Period(begin(date(2026, 11, 16)), begin(date(2026, 11, 23)))
START = datetime(2026, 11, 1, 2, tzinfo=UTC)
LETTERS = st.sampled_from("OKINAMD-")


def history(**letters: str) -> History:
    """One campaign a day from 1 November on; `BASE_001="OKO"`."""
    count = len(next(iter(letters.values())))
    runs = tuple(
        PastRun(f"P-{place}", "5", START + timedelta(days=place), 1.0, Verdict.OK, "AQ-1", 1, 1, 0)
        for place in range(count)
    )
    return History(
        runs,
        tuple(
            ScenarioHistory(name.replace("_", "-"), column, (None,) * count)
            for name, column in letters.items()
        ),
    )


def figure(indicator: Indicator, row: str, column: str) -> tuple[float | None, str]:
    (found,) = [one for one in indicator.figures if (one.row, one.column) == (row, column)]
    return found.value, found.detail


def test_a_family_is_rated_over_the_campaigns_of_the_period_alone() -> None:
    found = measure_health(history(BASE_001="K" * 15 + "OOOK", HD_001="-" * 19), WEEK, "")
    assert figure(found, "BASE", "Passages")[0] == 4
    assert figure(found, "BASE", "Taux de réussite") == (75, "3 sur 4 jugés")
    assert figure(found, "BASE", "Dernier passage vert") == (4, "le 18/11/2026")
    assert figure(found, "HD", "Taux de réussite")[0] is None
    assert figure(found, "HD", "Dernier passage vert")[0] is None


def test_a_chosen_few_do_not_make_a_family_green() -> None:
    few = history(BASE_001="OO", BASE_002="O-", BASE_003="O-")
    found = measure_health(few, Period(START, START + timedelta(days=3)), "")
    assert figure(found, "BASE", "Dernier passage vert") == (3, "le 01/11/2026")


def test_a_scenario_that_was_never_tried_keeps_its_family_from_being_green() -> None:
    found = measure_health(
        history(BASE_001="OO", BASE_002="ON"), Period(START, START + timedelta(days=3)), ""
    )
    assert figure(found, "BASE", "Dernier passage vert")[1] == "le 01/11/2026"


def test_a_test_that_passes_and_fails_in_turn_is_unstable_and_named() -> None:
    found = measure_health(history(APP_001="OKOKOO", APP_002="OOOKKK"), WEEK, "")
    assert figure(found, "APP", "Tests instables") == (1, "APP-001")


def test_scenarios_that_were_added_are_told_since_the_start_of_the_period() -> None:
    found = measure_health(history(BASE_001="O" * 20, BASE_002="-" * 16 + "OOOO"), WEEK, "")
    assert figure(found, "BASE", "Scénarios") == (2, "+1 depuis le début de la période")


def test_a_month_without_a_campaign_has_no_count_of_failures() -> None:
    series = count_failures(history(BASE_001="KKO", HD_001="-A-"), begin(date(2026, 12, 1)))
    assert series.lines[0].values == (*[None] * 11, 2.0)
    assert series.lines[2].values == (*[None] * 11, 0.0)
    # A history that was read from the 2nd on only knows no whole November.
    cut = count_failures(history(BASE_001="KKO"), begin(date(2026, 12, 1)), START + timedelta(days=1))
    assert cut.lines[0].values == (None,) * 12
    assert count_failures(History(), begin(date(2026, 12, 1))).lines[0].values == (None,) * 12


def test_a_history_that_was_not_read_leaves_nothing_but_its_reason() -> None:
    found = measure_health(None, WEEK, "", "historique non lu")
    assert {(one.value, one.missing) for one in found.figures} == {(None, "historique non lu")}


@given(
    st.integers(1, 25).flatmap(
        lambda n: st.lists(st.text(LETTERS, min_size=n, max_size=n), min_size=1, max_size=5)
    )
)
def test_whatever_happened_rates_are_percents_and_what_is_not_known_says_why(columns: list[str]) -> None:
    names = ("BASE_001", "BASE_002", "APP_001", "HD_001", "HD_002")
    found = measure_health(history(**dict(zip(names, columns, strict=False))), WEEK, "")
    for one in found.figures:
        assert (one.value is None) == bool(one.missing)
        assert one.unit != "%" or one.value is None or 0 <= one.value <= 100
    total = figure(found, "Ensemble", "Scénarios")[0]
    parts = [figure(found, family.value, "Scénarios")[0] for family in Family]
    assert total is None or total == sum(one or 0 for one in parts)


def test_runbooks_are_counted_from_the_last_measure_and_an_old_one_says_nothing_of_today() -> None:
    readiness = measure(prepare(reviews=()))
    at = readiness.at.astimezone(PARIS)
    found = count_runbooks(readiness, Period(at - timedelta(days=7), at + timedelta(hours=1)), "")
    own = [one for one in readiness.items if one.chapter is Chapter.BINDER]
    good = sum(one.grade is Grade.GOOD for one in own)
    row = "Procédures du dossier d'urgence relues"
    assert (figure(found, row, "Conformes")[0], figure(found, row, "Attendus")[0]) == (good, len(own))
    assert found.proofs[0].path == f"disponibilite/{readiness.id}.html"
    old = count_runbooks(readiness, Period(at, at + timedelta(days=8)), "")
    assert {one.value for one in old.figures} == {None}
    assert "trop ancienne" in old.figures[0].missing


def test_the_lead_time_is_that_of_the_last_execution_whose_clock_stopped_in_both_readings() -> None:
    ended = end()
    stopped = ended.clock.stopped_at
    assert stopped is not None
    period = Period(stopped - timedelta(days=7), stopped + timedelta(hours=1))
    found = measure_lead_time([play(3), ended], period, WorkingTime(), "")
    row = "Dernier exercice" if ended.rehearsal else "Dernière activation réelle"
    taken, detail = figure(found, row, "Délai ouvré")
    assert taken is not None
    assert taken > 0
    assert detail.count("tenu") + detail.count("dépassé") == len(Reading)
    assert found.proofs[0].path == f"runbooks/{ended.id}/releve.html"
    before = measure_lead_time([ended], Period(period.start, stopped), WorkingTime(), "")
    assert {one.value for one in before.figures} == {None}
    assert {one.missing for one in before.figures} == {"aucun exercice", "aucune activation"}


def test_executions_that_were_not_read_are_not_taken_for_none() -> None:
    found = measure_lead_time(None, WEEK, WorkingTime(), "", "exécutions non lues")
    assert {one.missing for one in found.figures} == {"exécutions non lues"}
