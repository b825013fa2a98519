"""What the handover tells of: clocks in both readings, steps, contracts, readiness once a cause, a gap."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.continuity import list_due, remind_of_contract, tell_gap, tell_readiness
from nonreg.alerts.facts import Fact, tell_deadlines
from nonreg.alerts.nights import RunSeen
from nonreg.ledger import LedgerEntry
from nonreg.model.handover import Execution
from nonreg.model.readiness import Grade
from nonreg.working_time import WorkingTime
from tests.execution_samples import REQUESTED, end, play, suspend
from tests.handover.prepared import measure, persons, prepare

WORKING = WorkingTime()
NOW = datetime(2026, 12, 1, 4, 30, tzinfo=UTC)
DUE = datetime(2026, 11, 30, 14, 40, tzinfo=UTC)  # two working days after Thursday 26/11 15:40 in Paris


def tell(execution: Execution, now: datetime, hours: tuple[float, ...] = (72.0, 24.0)) -> tuple[Fact, ...]:
    return tell_deadlines(list_due((execution,), WORKING, hours, now), "essai", now)


def about_clock(facts: tuple[Fact, ...]) -> list[str]:
    return [one.key.rsplit("/", 1)[1] for one in facts if "-etapes/" not in one.key]


def test_a_running_clock_is_told_a_day_before_its_deadline_and_once_past_with_both_readings() -> None:
    execution = play(3)
    assert about_clock(tell(execution, DUE - timedelta(hours=25))) == []
    (near,) = [one for one in tell(execution, DUE - timedelta(hours=23)) if "-etapes" not in one.key]
    assert near.key == "echeance/essai/runbook-RB-20261126T144512Z-integration-3fa1c2/20261130T144000Z/24h"
    assert near.subject.startswith("Échéance dans moins de 24 h — 48 h ouvrées, Intégration")
    assert "Lecture en jours ouvrés : 30/11/2026 à 15:40" in near.text
    assert "lecture en heures d'ouverture : 07/12/2026 à 14:40" in near.text
    assert "python -m nonreg runbook status" in near.what_to_do
    assert (near.ticket, "titulaire-essai" in near.text) == ("AQ-801", True)
    assert about_clock(tell(execution, DUE + timedelta(minutes=1))) == ["0"]


def test_a_threshold_that_is_longer_than_the_delay_itself_warns_of_nothing() -> None:
    assert about_clock(tell(play(1), REQUESTED + timedelta(minutes=1))) == []


@pytest.mark.parametrize(
    "quiet", [play(0), end(), suspend(play(3))], ids=["not started", "stopped", "suspended"]
)
def test_a_clock_that_does_not_run_tells_nothing(quiet: Execution) -> None:
    assert list_due((quiet,), WORKING, (72.0, 24.0), DUE + timedelta(hours=1)) == ()


def test_a_clock_that_was_suspended_is_told_of_at_its_new_deadline() -> None:
    execution = play(3)
    resumed = suspend(execution, REQUESTED + timedelta(days=1))
    before, after = (
        list_due((one,), WORKING, (24.0,), DUE - timedelta(hours=2)) for one in (execution, resumed)
    )
    assert after[0].at > before[0].at


def test_steps_that_are_due_together_are_one_alert_and_those_that_are_done_none() -> None:
    execution = play(3)  # O0 to O2 are done
    facts = [one for one in tell(execution, DUE - timedelta(hours=23)) if "-etapes/" in one.key]
    assert facts
    assert len({one.key for one in facts}) == len(facts)
    done = {one.step_id for one in execution.done}
    named = {word.strip(",") for one in facts for word in one.subject.split() if word[:1] == "O"}
    assert named
    assert not named & done
    last = {one.id for one in execution.runbook.steps if one.deadline_hours == 48}
    assert not named & last  # due with the whole: told by its own alert


@pytest.mark.parametrize(
    ("day", "mark"),
    [
        (date(2027, 1, 15), None),
        (date(2026, 12, 28), "20jo"),
        (date(2026, 12, 7), "5jo"),
        (date(2026, 11, 30), "0"),
        (None, None),
    ],
)
def test_a_contract_is_told_a_month_and_a_week_before_its_last_day_and_past_it(
    day: date | None, mark: str | None
) -> None:
    due = remind_of_contract(replace(persons()[1], contract_until=day), "AQ-0")
    facts = tell_deadlines((due,) if due else (), "essai", NOW)
    assert [one.key.rsplit("/", 1)[1] for one in facts] == ([mark] if mark else [])
    for one in facts:
        assert one.key.startswith("echeance/essai/contrat-renfort-technique-essai/")
        assert "contract_until" in one.what_to_do


def entry(
    sequence: int, kind: str, at: datetime, data: Mapping[str, object], person: str = ""
) -> LedgerEntry:
    return LedgerEntry(sequence, at, kind, "essai", person, "AQ-7", data, "", "")


def measured(*nights: dict[str, Grade]) -> tuple[LedgerEntry, ...]:
    """One measure a night, the last one this morning."""
    return tuple(
        entry(
            place + 1,
            "disponibilite",
            NOW - timedelta(days=len(nights) - 1 - place),
            {
                "readiness": f"D-{place}",
                "score": 50,
                "word": "NON PRÊT" if causes else "PRÊT",
                "causes": {key: grade.value for key, grade in causes.items()},
                "sha256": {},
            },
        )
        for place, causes in enumerate(nights)
    )


def tell_causes(*nights: dict[str, Grade]) -> list[tuple[str, list[str]]]:
    facts = tell_readiness("essai", measured(*nights), lambda _: None, NOW)
    return [
        (
            one.key.rsplit("/", 1)[1],
            [line.removeprefix("  - ") for line in one.text.splitlines() if line.startswith("  - ")],
        )
        for one in facts
    ]


A, B = {"dossier/acces": Grade.MISSING}, {"renforts/r/contrat": Grade.RESERVE}


def test_a_cause_is_told_with_the_measure_that_found_it_first_and_stays_told() -> None:
    assert tell_causes(A) == [("D-0", ["dossier/acces"])]
    assert tell_causes(A, A, A) == [("D-0", ["dossier/acces"])]
    assert tell_causes(A, A | B) == [("D-0", ["dossier/acces"]), ("D-1", ["renforts/r/contrat"])]


def test_a_cause_that_is_gone_is_not_told_and_one_that_comes_back_is_another() -> None:
    assert tell_causes(A, {}) == []
    assert tell_causes(A, {}, A) == [("D-2", ["dossier/acces"])]


def test_a_cause_that_gets_worse_is_told_again_and_one_that_gets_better_is_not() -> None:
    worse = {"renforts/r/contrat": Grade.MISSING}
    assert tell_causes(B, worse) == [("D-1", ["renforts/r/contrat"])]
    assert tell_causes(worse, B) == [("D-0", ["renforts/r/contrat"])]
    assert tell_causes(A, {"dossier/acces": Grade.UNKNOWN}) == [("D-0", ["dossier/acces"])]


def test_measures_that_ended_long_ago_tell_nothing() -> None:
    assert tell_readiness("essai", measured(A), lambda _: None, NOW + timedelta(days=8)) == ()


CAUSES = st.dictionaries(st.sampled_from(["a", "b", "c"]), st.sampled_from([*Grade][1:]))


@given(st.lists(CAUSES, min_size=1, max_size=8))
def test_however_often_one_looks_a_cause_that_lasts_is_told_once(nights: list[dict[str, Grade]]) -> None:
    told: dict[str, list[str]] = {}
    for count in range(1, len(nights) + 1):
        for key, causes in tell_causes(*nights[:count], *[nights[count - 1]] * (len(nights) - count)):
            told.setdefault(key, causes)
    for cause in "abc":
        grades = [one.get(cause) for one in nights]
        rises = sum(
            (after.severity if after else 0) > (before.severity if before else 0)
            for before, after in zip([None, *grades], grades, strict=False)
        )
        assert sum(cause in causes for causes in told.values()) <= rises


def test_an_alert_of_the_readiness_names_what_is_missing_and_what_to_do() -> None:
    readiness = measure(prepare(reviews=()))
    causes = {one.id: one.grade for one in readiness.list_causes()}
    (fact,) = tell_readiness("essai", measured(causes), lambda _: readiness, NOW)
    assert fact.subject == "NON PRÊT, 50 sur 100 — disponibilité de la continuité, essai"
    assert "Accès (non conforme) : Jamais relu. Relisez-le" in fact.text
    assert "python -m nonreg readiness" in fact.what_to_do


def run(days_ago: float, deployment: str = "semaine", published: bool = True) -> RunSeen:
    return RunSeen(
        "passage", "essai", deployment, "SEMAINE", NOW - timedelta(days=days_ago), published, False
    )


LONG_AGO = NOW - timedelta(days=300)


def gap(
    entries: tuple[LedgerEntry, ...] = (), runs: tuple[RunSeen, ...] = (), since: datetime = LONG_AGO
) -> Fact | None:
    return tell_gap("essai", entries, runs, 8, since, NOW)


@pytest.mark.parametrize(
    ("entries", "runs"),
    [
        ((), (run(7.9),)),
        ((entry(2, "intervention", NOW - timedelta(days=7), {}),), ()),
        ((entry(2, "runbook", NOW - timedelta(days=7), {"execution": "RB-1", "event": "etape"}),), ()),
        ((entry(2, "derogation", NOW - timedelta(days=8), {}),), (run(20),)),
    ],
)
def test_a_weekly_campaign_a_decision_or_an_execution_is_a_follow_up(
    entries: tuple[LedgerEntry, ...], runs: tuple[RunSeen, ...]
) -> None:
    assert gap(entries, runs) is None


REHEARSED = (
    entry(2, "runbook", NOW, {"execution": "RB-1", "event": "ouverture", "rehearsal": True}),
    entry(3, "runbook", NOW, {"execution": "RB-1", "event": "etape"}),
)


@pytest.mark.parametrize(
    ("entries", "runs"),
    [
        ((), ()),
        ((), (run(8.1),)),
        ((), (run(1, published=False),)),
        ((), (run(1, "nuit"),)),
        ((entry(1, "ouverture", NOW, {}), entry(2, "campagne", NOW, {})), ()),
        ((entry(2, "disponibilite", NOW, {}),), ()),
        (REHEARSED, ()),
    ],
)
def test_what_the_tool_does_by_itself_or_what_is_only_played_is_no_follow_up(
    entries: tuple[LedgerEntry, ...], runs: tuple[RunSeen, ...]
) -> None:
    fact = gap(entries, runs)
    assert fact is not None
    assert fact.subject == "Suivi interrompu depuis plus de 8 jours — essai"
    assert "semaine" in fact.what_to_do


def test_a_gap_is_told_once_and_the_next_one_is_another() -> None:
    first = gap((), (run(9),))
    same = tell_gap("essai", (), (run(9),), 8, LONG_AGO, NOW + timedelta(days=30))
    assert first is not None
    assert same is not None
    assert first.key == same.key
    other = gap((), (run(8.5),))
    assert other is not None
    assert other.key != first.key


def test_a_watch_that_has_just_begun_tells_of_no_gap_before_it() -> None:
    assert gap(since=NOW - timedelta(days=3)) is None
    assert gap((), (run(20),), since=NOW - timedelta(days=3)) is None
