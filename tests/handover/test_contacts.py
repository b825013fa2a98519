"""The directory of contacts: who answers on a day, and that it always reverts."""

from __future__ import annotations

import dataclasses
from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from nonreg.handover.contacts import ABANDONED, ENDED, RESTORED, list_duties, list_on_duty
from nonreg.handover.runbook_file import RUNBOOKS_DIR, load_runbook
from nonreg.model import Role
from nonreg.model.contacts import Duty
from nonreg.model.handover import Execution, Outcome, Said, StepDone
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE

AT = datetime(2026, 12, 1, 9, tzinfo=UTC)
ROLES = {TECHNIQUE: Role.RENFORT_TECHNIQUE, PILOTAGE: Role.RENFORT_PILOTAGE}
PLANNED = load_runbook(RUNBOOKS_DIR / "activation-absence-prevue.toml")
RETURN = load_runbook(RUNBOOKS_DIR / "restitution.toml")
days = st.dates(date(2026, 12, 1), date(2027, 2, 1))


def tell(step: str, outcome: Outcome = Outcome.DONE, **values: str) -> StepDone:
    return StepDone(step, AT, outcome, TITULAIRE, tuple(Said(*one) for one in values.items()), (), "", 5)


def activate(
    since: str = "2026-12-07", until: str = "2026-12-21", subject: str = TECHNIQUE, name: str = "RB-1-aaaaaa"
) -> Execution:
    done = tell("A6c", effet_le=since, retour_le=until, annuaire_version="12", appel_essai="oui")
    return Execution(name, PLANNED, "embarquee", "AQ-7", subject, TITULAIRE, AT, 2, done=(done,))


def give_back(
    day: str, of: str = "RB-1-aaaaaa", subject: str = TECHNIQUE, name: str = "RB-9-ffffff"
) -> Execution:
    done = (
        tell("H1", retour_le=f"{day}T08:00+01:00", activation_execution=of),
        tell("H6", effet_le=f"{day}T10:00+01:00", annuaire_version="13", appel_essai="oui"),
    )
    return Execution(name, RETURN, "embarquee", "AQ-7", subject, TITULAIRE, AT, 9, done=done)


def find(*executions: Execution, rehearsal: bool = False) -> tuple[Duty, ...]:
    return list_duties(executions, ROLES, platform="embarquee", rehearsal=rehearsal)


def names(duties: tuple[Duty, ...], day: date) -> list[str]:
    return [one.person for one in list_on_duty(duties, day)]


def test_somebody_answers_from_the_day_of_effect_until_the_day_of_return() -> None:
    duties = find(activate())
    assert [names(duties, date(2026, 12, day)) for day in (6, 7, 20, 21)] == [
        [],
        [TECHNIQUE],
        [TECHNIQUE],
        [],
    ]
    assert duties[0].role is Role.RENFORT_TECHNIQUE


@given(days, days, days)
def test_nobody_but_the_titulaire_answers_outside_the_days_that_were_told(
    since: date, until: date, day: date
) -> None:
    duties = find(activate(since.isoformat(), until.isoformat()))
    assert bool(names(duties, day)) is (since <= day < until)


@given(days, days)
def test_a_contact_reverts_on_the_day_on_which_the_titulaire_is_put_back(back: date, day: date) -> None:
    duties = find(activate(until=""), give_back(back.isoformat()))
    since = date(2026, 12, 7)
    assert bool(names(duties, day)) is (since <= day and (back < since or day < back))


def test_an_earlier_return_is_told_with_what_ended_it() -> None:
    (duty,) = find(activate(), give_back("2026-12-15"))
    assert (duty.until, duty.ended_by) == (date(2026, 12, 15), RESTORED)


def test_a_later_return_does_not_prolong_what_was_told() -> None:
    (duty,) = find(activate(), give_back("2026-12-28"))
    assert (duty.until, duty.ended_by) == (date(2026, 12, 21), "")


def test_a_return_ends_the_activation_that_it_names_by_its_last_letters_and_no_other() -> None:
    first, second = activate(until="", name="RB-1-aaaaaa"), activate("2026-12-14", "", name="RB-2-bbbbbb")
    duties = find(first, second, give_back("2026-12-14", of="bbbbbb"))
    assert names(duties, date(2026, 12, 16)) == [TECHNIQUE]
    assert [one.execution for one in duties] == ["RB-1-aaaaaa"]


def test_a_return_that_names_no_known_activation_still_ends_that_of_the_person() -> None:
    (duty,) = find(activate(until=""), give_back("2026-12-15", of="répétition : à part"))
    assert duty.until == date(2026, 12, 15)


def test_the_return_of_somebody_else_changes_nothing() -> None:
    (duty,) = find(activate(), give_back("2026-12-15", subject=PILOTAGE, of="autre"))
    assert duty.until == date(2026, 12, 21)


def test_an_activation_that_ends_or_is_given_up_reverts_at_once() -> None:
    closed_at = AT + timedelta(days=10)
    given_up = dataclasses.replace(activate(until=""), closed_at=closed_at, abandoned="absence annulée")
    ended = dataclasses.replace(activate(until=""), closed_at=closed_at)
    assert [(one.until, one.ended_by) for one in (*find(given_up), *find(ended))] == [
        (date(2026, 12, 11), ABANDONED),
        (date(2026, 12, 11), ENDED),
    ]


def test_what_is_played_is_a_directory_of_its_own() -> None:
    played = dataclasses.replace(activate(), rehearsal=True)
    assert find(played) == ()
    assert len(find(played, rehearsal=True)) == 1


def test_two_profiles_answer_together() -> None:
    duties = find(activate(), activate(subject=PILOTAGE, name="RB-2-bbbbbb"))
    assert names(duties, date(2026, 12, 10)) == [TECHNIQUE, PILOTAGE]


def test_a_step_that_did_not_apply_puts_nobody_in_place() -> None:
    skipped = dataclasses.replace(activate(), done=(tell("A6c", Outcome.NOT_APPLICABLE),))
    assert find(skipped) == ()
