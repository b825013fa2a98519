"""The notice to the SCV: one sender and one contact, dates that hold, nothing that may not be told."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

import reports.notice
from nonreg.errors import UsageError
from nonreg.handover.activation import Reason, load_table
from nonreg.handover.notice import RETURN_RUNBOOK, check_notice, make_notice
from nonreg.handover.runbook_file import RUNBOOKS_DIR, load_runbook, read_facts
from nonreg.masking import PHONE
from nonreg.model.briefing import Notice
from nonreg.model.handover import Execution, Outcome, Said, StepDone
from nonreg.people import GOVERNANCE_DIR, load_people
from reports.html import write_html
from reports.notice import SENDER, build_notice
from tests.handover.executions import TECHNIQUE, TITULAIRE

AT = datetime(2026, 11, 30, 9, tzinfo=UTC)
FACTS = read_facts(GOVERNANCE_DIR / "embarquee")
TABLE = load_table()
ANSWERS = {
    Reason.PLANNED: {
        "motif": "congés",
        "avis_le": "2026-11-30T09:00+01:00",
        "debut_absence": "2026-12-07",
        "fin_absence": "2026-12-21",
        "joignable": "non",
    },
    Reason.UNPLANNED: {"motif": "titulaire injoignable", "constat_le": "2026-11-30T09:00+01:00"},
    Reason.PEAK: {"motif": "afflux d'incidents", "constat_le": "2026-11-30T09:00+01:00"},
    Reason.EXCEPTIONAL: {
        "motif": "incident majeur",
        "constat_le": "2026-11-30T09:00+01:00",
        "touche": "collecte, alarmes",
        "crue_en_cours": "oui",
    },
}


def execute(reason: Reason | None, **values: str) -> Execution:
    """An activation whose first step was answered; the return without a reason."""
    name = TABLE.runbooks[reason] if reason else RETURN_RUNBOOK
    said = {
        **(ANSWERS[reason] if reason else {"retour_le": "2026-12-21T08:00+01:00"}),
        **values,
    }
    runbook = load_runbook(RUNBOOKS_DIR / f"{name}.toml")
    done = StepDone(
        runbook.steps[0].id,
        AT,
        Outcome.DONE,
        TITULAIRE,
        tuple(Said(*one) for one in said.items()),
        (),
        "",
        3,
    )
    return Execution("RB-1-aaaaaa", runbook, "embarquee", "AQ-7", TECHNIQUE, TITULAIRE, AT, 2, done=(done,))


def write(execution: Execution, reason: Reason | None, facts: dict[str, str] = FACTS) -> str:
    return write_html(build_notice(make_notice(execution, reason, facts), execution, AT))


CASES = [*Reason, None]


@pytest.mark.parametrize("reason", CASES)
def test_a_notice_names_the_titulaire_as_sender_and_as_single_contact(reason: Reason | None) -> None:
    page = write(execute(reason), reason)
    assert page.count(SENDER) >= 2
    assert "seul interlocuteur" in page


@pytest.mark.parametrize("reason", CASES)
def test_a_notice_names_nobody_and_tells_no_number(reason: Reason | None) -> None:
    execution = execute(reason, motif="appelez le 04 75 00 00 00")
    page = write(execution, reason)
    people = load_people(GOVERNANCE_DIR / "embarquee", "5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de")
    text = re.sub(r"<style.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    assert people.find_name_in(text) is None
    assert TECHNIQUE not in text
    assert not re.search(PHONE, text.replace(execution.id, ""))


def test_no_other_sender_can_be_written() -> None:
    names = {field.name for field in dataclasses.fields(Notice)}
    assert not {name for name in names if re.search("sender|from|expediteur|author|contact", name)}
    source = Path(reports.notice.__file__).read_text(encoding="utf-8")
    assert len(re.findall(r"^SENDER = ", source, re.MULTILINE)) == 1
    assert not re.search(r"sender\s*[:=]", source)


@pytest.mark.parametrize("reason", CASES)
def test_a_channel_that_the_site_does_not_tell_is_unknown_and_not_invented(reason: Reason | None) -> None:
    notice = make_notice(execute(reason), reason, {})
    assert notice.channel == ""
    assert "n.d." in write(execute(reason), reason, {})


def test_what_was_answered_is_in_the_notice() -> None:
    planned = write(execute(Reason.PLANNED), Reason.PLANNED)
    assert all(word in planned for word in ("07/12/2026", "21/12/2026", "congés"))
    crisis = write(execute(Reason.EXCEPTIONAL), Reason.EXCEPTIONAL)
    assert "collecte, alarmes" in crisis
    assert "Une crue est en cours" in crisis
    back = write(execute(None), None)
    assert "21/12/2026 à 08:00" in back


def test_who_signs_depends_on_whether_the_titulaire_can_be_reached() -> None:
    away = make_notice(execute(Reason.PLANNED), Reason.PLANNED, FACTS)
    there = make_notice(execute(Reason.PLANNED, joignable="oui"), Reason.PLANNED, FACTS)
    assert "qui signe à sa place" in away.changes[0]
    assert "continue de signer" in there.changes[0]


def test_a_runbook_without_a_notice_has_none() -> None:
    execution = dataclasses.replace(
        execute(None), runbook=load_runbook(RUNBOOKS_DIR / "deploiement.toml"), done=()
    )
    with pytest.raises(UsageError, match="n'a pas d'avis"):
        make_notice(execution, None, FACTS)


def wrong(at: datetime = AT, **values: str) -> list[str]:
    points = check_notice(execute(Reason.PLANNED, **values), Reason.PLANNED, at)
    assert all(bool(one.remedy) is not one.ok for one in points)
    return [one.title for one in points if not one.ok]


def test_a_notice_given_before_the_absence_holds() -> None:
    assert wrong() == []


@pytest.mark.parametrize("given_on", ["2026-12-07T07:00+01:00", "2026-12-06T23:30+00:00"])
def test_a_notice_given_on_the_day_of_the_absence_in_paris_is_too_late(given_on: str) -> None:
    assert wrong(avis_le=given_on) == ["Avis donné avant l'absence"]


def test_a_notice_that_can_no_longer_leave_before_the_absence_is_refused() -> None:
    assert wrong(at=datetime(2026, 12, 7, 8, tzinfo=UTC)) == ["Avis encore à temps"]


def test_a_return_before_the_absence_is_refused() -> None:
    assert wrong(fin_absence="2026-12-01") == ["Dates de l'absence"]


def test_a_planned_absence_without_its_dates_has_no_notice() -> None:
    assert wrong(debut_absence="") == ["Dates de l'absence"]


@pytest.mark.parametrize("reason", [Reason.UNPLANNED, Reason.PEAK, Reason.EXCEPTIONAL])
def test_only_a_planned_absence_is_told_beforehand(reason: Reason) -> None:
    assert check_notice(execute(reason), reason, AT) == ()
