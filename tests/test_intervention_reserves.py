"""Reserves of a GO: work outside working hours makes one (R59), and whoever is asked to accept them says so."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from flows.reserves import describe_reserves
from nonreg import ledger
from nonreg.errors import UsageError
from nonreg.intervention import (
    answer,
    explain_block,
    explain_outside_hours,
    find_opening,
    make_intervention,
)
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Acceptance, Answer, InterventionKind, ReservesAnswer, Verdict
from nonreg.sandbox.layout import Layout
from nonreg.working_time import PARIS, WorkingTime, is_working
from reports.intervention import ACCEPTANCES
from tasks.intervention import (
    Answered,
    decide,
    list_accepting,
    observe_version,
    publish_decision,
    record_acceptance,
)
from tasks.platform_state import read_state
from tests.governed import Governed, make_governed, publish_run
from tests.test_intervention import NOW, SEEN, TARGET, WHY, ask, make_decision, make_report
from tests.test_pre_intervention import ASKED, require


@pytest.fixture
def governed(sandbox: Layout, tmp_path: Path) -> Governed:
    """The running platform with runs of the test's own."""
    return make_governed(tmp_path, sandbox.platform_file)


CLOSED = "Ouverte hors des jours et heures ouvrés."


def test_out_of_hours_a_go_is_a_go_with_reserves_and_no_answer_is_silent_about_it() -> None:
    seen = dataclasses.replace(SEEN, outside_hours=CLOSED)
    for report, expected in (
        (make_report(), Answer.GO_AVEC_RESERVES),
        (make_report(Verdict.OK_AVEC_RESERVES), Answer.GO_AVEC_RESERVES),
        (make_report(Verdict.KO), Answer.NO_GO),
        (None, Answer.NO_GO),
    ):
        given_answer, reasons = answer(ask(), report, seen, TARGET, NOW, 24.0)
        assert given_answer is expected
        assert CLOSED in reasons
        assert len(reasons) > 1


def test_a_remote_intervention_is_flagged_by_when_it_begins_and_one_on_the_spot_is_not() -> None:
    sunday, monday = datetime(2026, 11, 22, 9, 30, tzinfo=UTC), datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
    said = explain_outside_hours(ask(), sunday, WorkingTime())
    assert said == "Ouverte hors des jours et heures ouvrés, le 22/11/2026 à 10:30 (Paris) : dimanche."
    assert explain_outside_hours(ask(), monday, WorkingTime()) == ""
    assert explain_outside_hours(dataclasses.replace(ask(), remote=False), sunday, WorkingTime()) == ""


@given(st.none() | st.timedeltas(timedelta(days=-9), timedelta(days=9)))
def test_an_intervention_never_begins_before_it_is_asked_for(later: timedelta | None) -> None:
    planned = None if later is None else NOW + later
    begins = find_opening(dataclasses.replace(ask(), planned_at=planned), NOW)
    assert begins == (planned if later is not None and later > timedelta(0) else NOW)


def test_a_planned_time_needs_a_zone() -> None:
    with pytest.raises(UsageError, match="pas de fuseau"):
        make_intervention(
            "AQ-12", InterventionKind.AUTRE, True, False, WHY, planned_at=datetime(2026, 11, 23, 10)
        )


@pytest.mark.parametrize("acceptance", [None, *Acceptance])
def test_reserves_that_were_to_be_accepted_let_nothing_begin_but_after_a_yes(
    acceptance: Acceptance | None,
) -> None:
    decision = dataclasses.replace(make_decision(Answer.GO_AVEC_RESERVES), acceptance_required=True)
    said = acceptance and ReservesAnswer(decision.id, "0" * 64, acceptance, NOW)
    why = explain_block(decision, False, TARGET, NOW, said)
    assert (why == "") == (acceptance is Acceptance.ACCEPTED)
    assert ("refusées" in why) == (acceptance is Acceptance.REFUSED)
    asked_nobody = make_decision(Answer.GO_AVEC_RESERVES)
    assert explain_block(asked_nobody, False, TARGET, NOW) == ""


def test_what_a_platform_says_makes_no_link_above_the_form() -> None:
    decision = dataclasses.replace(
        make_decision(Answer.GO_AVEC_RESERVES),
        reasons=("Voir [ici](javascript:alert(1)) <img src=x>.",),
        application_version="[5.2](http://ailleurs.invalid)",
    )
    said = describe_reserves(decision, 30)
    assert r"- Voir \[ici\](javascript:alert(1)) \<img src=x\>." in said
    assert r"\[5.2\](http:\//ailleurs.invalid)" in said


def close_these_days(governed: Governed) -> None:
    """Nobody works around now, whatever the day of the test."""
    today = datetime.now(PARIS).date()
    days = ", ".join(f"{{ day = {today + timedelta(days=one)}, name = 'essai' }}" for one in range(2))
    governed.change_platform("closures = []", f"closures = [{days}]")


def test_out_of_hours_the_answer_the_page_and_the_ledger_say_it_and_so_does_whoever_acts(
    governed: Governed,
) -> None:
    close_these_days(governed)
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    done = governed.cli("pre-intervention", *ASKED)
    assert done.returncode == 0, done.stderr
    assert "Réponse : GO avec réserves" in done.stdout
    assert "  Ouverte hors des jours et heures ouvrés" in done.stdout
    (folder,) = (governed.runs_dir / "interventions").iterdir()
    assert "Ouverte hors des jours et heures ouvrés" in (folder / "page.html").read_text(encoding="utf-8")
    pages = PdfReader(folder / "page.pdf").pages
    assert "hors des jours et heures ouvrés" in " ".join(pages[0].extract_text().split())
    assert json.loads((folder / "decision.json").read_text(encoding="utf-8"))["outside_hours"]
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    assert "hors des jours et heures ouvrés" in entry.data["outside_hours"]
    code, said = require(governed)
    assert code == 0
    assert "Attention : Ouverte hors des jours et heures ouvrés" in said


def test_planned_in_hours_it_is_not_flagged_until_somebody_acts_out_of_them(governed: Governed) -> None:
    close_these_days(governed)
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    opens = datetime.now(PARIS).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=2)
    while not is_working(opens, governed.platform.working_time):
        opens += timedelta(days=1)
    done = governed.cli("pre-intervention", *ASKED, "--planned-at", opens.isoformat())
    assert done.returncode == 0, done.stderr
    assert "hors des jours" not in done.stdout
    assert "Attention : Ouverte hors des jours" in require(governed)[1]


def test_on_the_spot_it_is_not_flagged(governed: Governed) -> None:
    close_these_days(governed)
    publish_run(governed, "frais", started_at=datetime.now(UTC))
    assert "hors des jours" not in governed.cli("pre-intervention", *ASKED, "--remote", "non").stdout
    assert "hors des jours" not in require(governed)[1]


def test_a_campaign_of_a_sunday_night_is_flagged_nowhere(governed: Governed) -> None:
    close_these_days(governed)
    run_dir = publish_run(governed, "nuit", started_at=datetime(2026, 11, 22, 0, 30, tzinfo=UTC))
    texts = [
        file.read_text(encoding="utf-8", errors="replace") for file in run_dir.iterdir() if file.is_file()
    ]
    texts.append((governed.runs_dir / ledger.FILE).read_text(encoding="utf-8"))
    assert not [text for text in texts if "ouvrés" in text]


def ask_with_acceptance(governed: Governed, run: str = "frais") -> Answered:
    """A GO with reserves that somebody has to accept, as the flow publishes it."""
    run_dir = publish_run(governed, run, started_at=datetime.now(UTC))
    asked = make_intervention(
        "AQ-31", InterventionKind.SCRIPT_SQL, True, False, "Aucune table publiée n'est modifiée."
    )
    platform, now = governed.platform, datetime.now(UTC)
    decision, report = decide(
        platform, asked, run_dir, observe_version(platform), now, 24.0, "", ask_acceptance=True
    )
    assert decision.answer is Answer.GO_AVEC_RESERVES
    return publish_decision(platform, decision, report, governed.runs_dir)


def test_reserves_are_accepted_by_a_declared_person_in_page_and_ledger_and_then_only_open(
    governed: Governed,
) -> None:
    answered = ask_with_acceptance(governed)
    shown = (answered.folder / "page.html").read_text(encoding="utf-8")
    assert "réponse attendue" in shown
    assert "ne doit pas commencer tant que" in shown
    code, said = require(governed)
    assert code == 1
    assert "n'ont pas été acceptées" in said
    record_acceptance(
        governed.platform,
        answered,
        Acceptance.ACCEPTED,
        "titulaire-essai",
        "Vu.",
        governed.runs_dir,
        datetime.now(UTC),
    )
    code, said = require(governed)
    assert code == 0
    assert "réserves acceptées par titulaire-essai (identité déclarée, non prouvée)" in said
    assert answered.report is not None
    state = read_state(governed.runs_dir, answered.report, datetime.now(UTC))
    assert state.go == state.answer
    assert state.go is not None
    assert state.go.answer == "GO avec réserves, réserves acceptées"
    shown = (answered.folder / "page.html").read_text(encoding="utf-8")
    for word in ("Réserves acceptées par titulaire-essai", "identité déclarée, non prouvée", "Vu."):
        assert word in shown
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.person, entry.data["acceptance"]) == (
        "reserves",
        "titulaire-essai",
        "acceptees",
    )
    assert verify_ledger(governed.runs_dir / ledger.FILE, collect_witnesses(governed.runs_dir)).witnesses == 2
    done = governed.cli("verify", str(answered.folder))
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


@pytest.mark.parametrize("acceptance", [Acceptance.REFUSED, Acceptance.UNANSWERED])
def test_reserves_refused_or_unanswered_block(governed: Governed, acceptance: Acceptance) -> None:
    answered = ask_with_acceptance(governed)
    person = "titulaire-essai" if acceptance is Acceptance.REFUSED else ""
    record_acceptance(
        governed.platform, answered, acceptance, person, "", governed.runs_dir, datetime.now(UTC)
    )
    code, said = require(governed)
    assert code == 1
    assert ("refusées" if person else "n'ont pas été acceptées") in said
    assert answered.report is not None
    state = read_state(governed.runs_dir, answered.report, datetime.now(UTC))
    assert state.go is None  # what was blocked is no last GO
    assert state.answer is not None
    assert state.answer.answer == f"GO avec réserves, réserves {ACCEPTANCES[acceptance]}"


def test_a_refusal_holds_when_the_question_is_asked_again_without_a_form(governed: Governed) -> None:
    answered = ask_with_acceptance(governed)

    def say(acceptance: Acceptance) -> None:
        record_acceptance(
            governed.platform,
            answered,
            acceptance,
            "titulaire-essai",
            "",
            governed.runs_dir,
            datetime.now(UTC),
        )

    say(Acceptance.REFUSED)
    assert governed.cli("pre-intervention", *ASKED).returncode == 0  # in a terminal nobody is asked
    code, said = require(governed)
    assert code == 1
    assert f"les réserves de la décision {answered.decision.id} ont été refusées" in said
    answered = ask_with_acceptance(governed, "de-nouveau")
    say(Acceptance.ACCEPTED)
    assert governed.cli("pre-intervention", *ASKED).returncode == 0
    assert require(governed)[0] == 0


def test_an_answer_to_reserves_that_was_edited_blocks(governed: Governed) -> None:
    answered = ask_with_acceptance(governed)
    record_acceptance(
        governed.platform, answered, Acceptance.REFUSED, "", "", governed.runs_dir, datetime.now(UTC)
    )
    file = answered.folder / "acceptation.json"
    file.write_text(file.read_text(encoding="utf-8").replace("refusees", "acceptees"), encoding="utf-8")
    code, said = require(governed)
    assert code == 1
    assert "modifiée" in said


def test_only_the_titulaire_and_the_moa_may_accept_while_they_are_valid(governed: Governed) -> None:
    now = datetime.now(UTC)
    assert list_accepting(governed.platform, now) == ("titulaire-essai", "moa-scv-essai")
    people = governed.governance / "people.toml"
    text = people.read_text(encoding="utf-8")
    ended = 'role = "moa_scv"\nvalid_until = 2020-01-01T00:00:00Z'
    people.write_text(text.replace('role = "moa_scv"', ended), encoding="utf-8")
    assert list_accepting(governed.platform, now) == ("titulaire-essai",)


@pytest.mark.parametrize(("at", "sentence"), [("demain", "illisible"), ("2026-12-31T18:00", "pas de fuseau")])
def test_a_planned_time_that_is_none_is_told_in_one_sentence(
    governed: Governed, at: str, sentence: str
) -> None:
    done = governed.cli("pre-intervention", *ASKED, "--planned-at", at)
    assert done.returncode == 3
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
