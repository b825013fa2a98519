"""The history of campaigns: what it keeps, and what it answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nonreg.assess import assess
from nonreg.history import HistoryStore, open_history
from nonreg.history_records import (
    GOOD_LETTERS,
    UNSTABLE_FLIPS,
    count_flips,
    digest_report,
    from_microseconds,
    is_always_good,
    to_microseconds,
)
from nonreg.model import (
    Basis,
    Cause,
    Change,
    History,
    Measure,
    MeasureHistory,
    Outcome,
    PastRun,
    ScenarioHistory,
    Triage,
    Verdict,
)
from tests.history.samples import (
    LATER,
    NIGHT,
    PLATFORM,
    K,
    N,
    O,
    append_all,
    make_report,
    run_id_of,
)
from tests.report_samples import green_report
from tests.run_samples import make_result, make_run


def test_the_last_campaigns_come_oldest_first_scenario_by_scenario(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(2, {"BASE-001": K, "HD-001": O}, seconds=4.0),
        make_report(1, {"BASE-001": O}, seconds=2.0),
        make_report(1, {"BASE-001": K}, platform="autre"),
        make_report(0, {"BASE-001": O}, seconds=1.0),
    )
    loaded = history.load_history(PLATFORM, LATER)
    assert [run.run_id for run in loaded.runs] == ["essai-0000", "essai-0001", "essai-0002"]
    assert [run.started_at for run in loaded.runs] == [NIGHT + timedelta(days=day) for day in range(3)]
    assert [(run.planned, run.passed, run.failed) for run in loaded.runs] == [(1, 1, 0), (1, 1, 0), (2, 1, 1)]
    assert loaded.runs[0].duration_seconds == 300.0
    assert loaded.scenarios == (
        ScenarioHistory("BASE-001", "OOK", (1.0, 2.0, 4.0)),
        ScenarioHistory("HD-001", "--O", (None, None, 4.0)),
    )
    assert loaded.measures == (
        MeasureHistory("BASE-001", "Réponse", "s", (0.5, 1.0, None)),  # not taken from a KO
        MeasureHistory("HD-001", "Réponse", "s", (None, None, 2.0)),
    )


def test_the_history_of_a_run_holds_neither_itself_nor_what_came_after(history: HistoryStore) -> None:
    append_all(history, *(make_report(night, {"BASE-001": O}) for night in range(5)))
    third = NIGHT + timedelta(days=3)
    runs = history.load_history(PLATFORM, third).runs
    assert [run.run_id for run in runs] == ["essai-0000", "essai-0001", "essai-0002"]
    runs = history.load_history(PLATFORM, LATER, count=2, run_id="essai-0004").runs
    assert [run.run_id for run in runs] == ["essai-0002", "essai-0003"]
    without_the_third = history.load_history(PLATFORM, LATER, run_id="essai-0002")
    assert [run.run_id[-1] for run in without_the_third.runs] == ["0", "1", "3", "4"]
    assert without_the_third.scenarios == (ScenarioHistory("BASE-001", "OOOO", (2.0,) * 4),)
    assert history.load_history(PLATFORM, NIGHT) == History()


def test_a_run_judged_again_replaces_what_was_kept_of_it(either_url: str) -> None:
    history = open_history(either_url)
    append_all(history, make_report(0, {"BASE-001": K, "BASE-002": O}), make_report(1, {"BASE-001": O}))
    again = make_report(0, {"BASE-001": O}, seconds=7.0)
    history.append(again, run_id_of(again))
    history.append(again, run_id_of(again))
    loaded = history.load_history(PLATFORM, LATER)
    assert loaded.scenarios == (ScenarioHistory("BASE-001", "OO", (7.0, 2.0)),)
    assert loaded.measures == (MeasureHistory("BASE-001", "Réponse", "s", (3.5, 1.0)),)
    assert set(history.last_statuses(PLATFORM)) == {"BASE-001"}


def test_the_last_attempt_counts_and_the_retry_is_remembered(history: HistoryStore) -> None:
    append_all(history, make_report(0, {"BASE-001": O}, seconds=2.0, attempts=2))
    (past,) = history.list_results(PLATFORM, "BASE-001", 10)
    assert (past.result.attempts, past.result.duration_seconds) == (2, 4.0)
    assert past.result.measures == (Measure("Réponse", 2.0, "s", 3.0),)
    (unstable,) = history.list_unstable(PLATFORM)
    assert (unstable.scenario_id, unstable.flips, unstable.retried) == ("BASE-001", 0, 1)


def test_the_cause_and_the_fingerprint_come_from_the_triage(history: HistoryStore) -> None:
    report = make_report(0, {"BASE-001": K, "BASE-002": O})
    report = replace(report, triage=(Triage("BASE-001", "abc", Cause.APPLICATION, ()),))
    append_all(history, report)
    (failed,) = history.list_results(PLATFORM, "BASE-001", 1)
    (good,) = history.list_results(PLATFORM, "BASE-002", 1)
    assert (failed.result.cause, failed.result.fingerprint) == ("application", "abc")
    assert (good.result.cause, good.result.fingerprint) == ("", "")


def test_a_scenario_that_never_started_and_a_run_that_never_ended_have_no_duration(
    history: HistoryStore,
) -> None:
    report = make_report(0, {"BASE-001": N})
    append_all(history, replace(report, run=replace(report.run, ended_at=None)))
    loaded = history.load_history(PLATFORM, LATER, catalog=None)
    assert loaded.runs[0].duration_seconds is None
    assert loaded.scenarios[0].durations == (None,)


def test_the_last_good_campaign_of_each_scenario_is_the_one_before_the_given_moment(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(0, {"BASE-001": O, "BASE-002": O, "BASE-003": K}),
        make_report(1, {"BASE-001": Outcome.MESURE, "BASE-002": K, "BASE-003": K}),
        make_report(2, {"BASE-001": O, "BASE-002": O, "BASE-003": O}),
    )
    ids = ["BASE-001", "BASE-002", "BASE-003", "BASE-inconnu"] * 400
    found = history.find_last_good(PLATFORM, ids, NIGHT + timedelta(days=2))
    assert {name: run.run_id for name, run in found.items()} == {
        "BASE-001": "essai-0001",
        "BASE-002": "essai-0000",
    }
    run = found["BASE-001"]
    assert (run.folder, run.started_at) == ("essai-0001", NIGHT + timedelta(days=1))
    assert run.application_version == green_report().run.plan.platform.application_version


def test_the_campaigns_of_another_catalog_are_not_those_of_this_one(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(0, {"BASE-001": O}),
        make_report(1, {"BASE-001": K}, catalog="essais/scenarios"),
        make_report(2, {"BASE-001": K}),
        make_report(3, {"BASE-001": O}, catalog="essais/scenarios", seconds=4.0),
    )
    assert [run.run_id[-1] for run in history.load_history(PLATFORM, LATER).runs] == ["0", "2"]
    other = history.load_history(PLATFORM, LATER, catalog="essais/scenarios")
    assert other.scenarios == (ScenarioHistory("BASE-001", "KO", (2.0, 4.0)),)
    assert len(history.load_history(PLATFORM, LATER, catalog=None).runs) == 4
    assert history.find_last_good(PLATFORM, ["BASE-001"], LATER)["BASE-001"].run_id[-1] == "0"
    found = history.find_last_good(PLATFORM, ["BASE-001"], LATER, "essais/scenarios")
    assert found["BASE-001"].run_id[-1] == "3"
    before = NIGHT - timedelta(days=1)
    (measure,) = history.load_measures_after(PLATFORM, before, 8, "essais/scenarios")
    assert measure.values == (None, 2.0)


def test_campaigns_that_executed_nothing_leave_their_place_to_those_that_did(either_url: str) -> None:
    history = open_history(either_url)
    refused = {"BASE-001": N, "HD-001": N}
    append_all(
        history,
        make_report(0, {"BASE-001": O, "HD-001": K}),
        make_report(1, {"BASE-001": Outcome.INCONCLUSIF, "HD-001": N}),
        *(make_report(night, refused) for night in range(2, 40)),
    )
    loaded = history.load_history(PLATFORM, LATER)
    assert [run.run_id for run in loaded.runs] == ["essai-0000", "essai-0001"]
    assert [one.outcomes for one in loaded.scenarios] == ["OI", "KN"]
    assert len(history.list_runs(PLATFORM, 100)) == 40


def test_a_scenario_that_did_not_apply_was_not_good_then(history: HistoryStore) -> None:
    append_all(
        history,
        make_report(0, {"BASE-001": Outcome.MESURE, "BASE-002": Outcome.NON_APPLICABLE}),
        make_report(1, {"BASE-001": Outcome.NON_APPLICABLE, "BASE-002": Outcome.NON_APPLICABLE}),
    )
    found = history.find_last_good(PLATFORM, ["BASE-001", "BASE-002"], LATER)
    assert {name: run.run_id for name, run in found.items()} == {"BASE-001": "essai-0000"}
    (measure,) = history.load_history(PLATFORM, LATER).measures
    assert (measure.scenario_id, measure.values) == ("BASE-001", (1.0, None))


def test_the_first_measures_after_a_moment_stay_the_first_whatever_comes_later(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        *(make_report(night, {"BASE-001": O}, seconds=2.0 * night) for night in range(3)),
        make_report(3, {"BASE-001": K}),
        make_report(4, {"BASE-001": N}),
        *(make_report(night, {"BASE-001": O}, seconds=2.0 * night) for night in range(5, 40)),
    )
    promoted = NIGHT + timedelta(days=1)
    assert history.load_measures_after(PLATFORM, promoted, 4) == (
        MeasureHistory("BASE-001", "Réponse", "s", (2.0, None, 5.0, 6.0)),
    )
    assert history.load_measures_after(PLATFORM, LATER, 4) == ()


def test_the_last_status_is_the_one_of_the_last_campaign_that_planned_the_scenario(either_url: str) -> None:
    history = open_history(either_url)
    append_all(
        history,
        make_report(1, {"BASE-001": O}),
        make_report(0, {"BASE-001": K, "BASE-002": Outcome.DEROGATION}),
        make_report(2, {"BASE-001": K}, platform="autre"),
    )
    statuses = history.last_statuses(PLATFORM)
    assert {name: (last.outcome, last.run_id) for name, last in statuses.items()} == {
        "BASE-001": (O, "essai-0001"),
        "BASE-002": (Outcome.DEROGATION, "essai-0000"),
    }


def test_unstable_scenarios_changed_three_times_over_the_last_campaigns_that_tried_them(
    either_url: str,
) -> None:
    history = open_history(either_url)
    columns = {
        "TROIS": "OKNKOK",
        "DEUX": "OKKOOO",
        "NON-ESSAYE": "ONONON",
        "BON": "OOMOAO",
        "ABSENT": "K---OK",
        "NON-JUGE": "OIAIOI",
    }
    letters = {outcome.letter: outcome for outcome in Outcome}
    for night in range(6):
        planned = {name: letters[line[night]] for name, line in columns.items() if line[night] != "-"}
        append_all(history, make_report(night, planned))
    (unstable,) = history.list_unstable(PLATFORM)
    assert (unstable.scenario_id, unstable.outcomes, unstable.flips, unstable.retried) == (
        *("TROIS", "OKKOK"),
        *(3, 0),
    )
    # Only the last four: the first change is forgotten.
    assert history.list_unstable(PLATFORM, campaigns=4) == ()


@given(st.text("OKINAMD-"))
def test_a_campaign_that_did_not_judge_a_scenario_never_makes_it_unstable(letters: str) -> None:
    judged = letters.translate(str.maketrans("", "", "INA-"))
    assert count_flips(letters) == count_flips(judged) == count_flips(letters[::-1])
    if is_always_good(letters):
        assert count_flips(letters) == 0
    assert set(GOOD_LETTERS) == {"O", "M", "A"}


@given(past=st.text("OKINAMD-", max_size=9), now=st.sampled_from([O, Outcome.MESURE]))
def test_the_judgement_and_the_history_call_the_same_scenarios_unstable(past: str, now: Outcome) -> None:
    run = make_run(make_result("BASE-001", now, failure=None))
    nights = tuple(
        PastRun(str(night), "5.2.0", NIGHT + timedelta(days=night), 1.0, Verdict.OK, "AQ-1", 1, 1, 0)
        for night in range(len(past))
    )
    row = ScenarioHistory("BASE-001", past, (None,) * len(past))
    (finding,) = assess(run, Basis(history=History(nights, (row,)))).findings
    assert (finding.change is Change.UNSTABLE) == (count_flips(past + now.letter) >= UNSTABLE_FLIPS)


@given(st.datetimes(timezones=st.sampled_from([UTC])))
def test_moments_keep_every_microsecond(at: datetime) -> None:
    assert from_microseconds(to_microseconds(at)) == at


def test_what_is_kept_of_a_campaign_names_all_that_was_planned() -> None:
    report = make_report(0, {"BASE-001": O, "BASE-002": K, "BASE-003": N})
    record = digest_report(report, "dossier")
    plan = report.run.plan
    assert [one.scenario_id for one in record.results] == ["BASE-001", "BASE-002", "BASE-003"]
    assert (record.planned, record.passed, record.failed) == (3, 1, 1)
    assert (record.folder, record.dataset, record.tool_commit) == (
        "dossier",
        plan.platform.dataset,
        plan.tool_commit,
    )
    assert record.families == "base,applicatif,hd"
