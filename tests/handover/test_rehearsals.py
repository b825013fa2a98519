"""The rehearsals of the activations: each is played to its end without a server, and stops where it must."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.files import read_toml
from nonreg.handover.activation import Need, OpenAnomaly, decide, load_table
from nonreg.handover.contacts import list_duties, list_on_duty, to_day
from nonreg.model.handover import Outcome
from tasks.handover import record_check, run_check
from tests.handover.activations import (
    REHEARSALS,
    integrate,
    make_site,
    open_shipped,
    play,
    say,
    script_of,
    work_on,
)

TABLE = load_table()
ACTIVATIONS = sorted(TABLE.runbooks.values())
DOCUMENTS = {
    "activation-absence-prevue": {"A2": 3, "A6": 3, "A6b": 3, "A7": 1},
    "activation-absence-imprevue": {"A2": 3, "A6": 3, "A7": 1},
    "activation-pointe": {"A2": 3, "A6": 3, "A7": 1},
    "activation-exceptionnelle": {"A2": 3, "A6": 3, "A7": 1},
}


@pytest.mark.parametrize("runbook_id", ACTIVATIONS)
def test_the_profiles_that_a_rehearsal_retains_are_those_of_the_decision_table(runbook_id: str) -> None:
    answers = read_toml(REHEARSALS / f"{runbook_id}.toml")
    reason = TABLE.find_reason(runbook_id)
    assert reason is not None
    said = answers["A4"]["besoin"].split(", ")
    needs = [need for need in Need if need.words in said]
    assert len(needs) == len(said)
    choice = decide(TABLE, reason, OpenAnomaly(answers["A1"]["criticite"]), needs)
    assert answers["A4"]["profils"] == ", ".join(one.words for one in choice.profiles)


@pytest.mark.parametrize("runbook_id", ACTIVATIONS)
def test_an_activation_is_played_to_its_end_and_leaves_its_documents(runbook_id: str, tmp_path: Path) -> None:
    governed = make_site(tmp_path)
    work = work_on(governed)
    integrate(work)
    execution = play(work, script_of(governed, runbook_id), open_shipped(work, runbook_id))
    assert [one.step_id for one in execution.done] == [one.id for one in execution.runbook.steps]
    assert execution.failed == ()
    assert execution.clock.stopped_at is not None
    found = {one.step_id: len(one.evidence) for one in execution.done if one.evidence}
    assert found == DOCUMENTS[runbook_id]
    for done in execution.done:
        for proof in done.evidence:
            content = (work.journal.folder(execution.id) / proof.path).read_bytes()
            assert content
            assert content.startswith(b"%PDF") is proof.path.endswith(".pdf")


def test_an_activation_stops_at_a_person_who_was_never_integrated(tmp_path: Path) -> None:
    governed = make_site(tmp_path)
    work = work_on(governed)
    execution = play(work, script_of(governed, "activation-pointe"), open_shipped(work, "activation-pointe"))
    assert execution.find("A7") is None
    assert "Aucune sur cette plateforme" in execution.failed[-1].message
    assert "python -m nonreg runbook open integration" in execution.failed[-1].remedy


def test_a_notice_that_comes_too_late_stops_a_planned_absence_and_is_not_written(tmp_path: Path) -> None:
    governed = make_site(tmp_path)
    work = work_on(governed)
    script = script_of(governed, "activation-absence-prevue")
    script.answers["A1"]["debut_absence"] = "{{jour}}"
    execution = play(work, script, open_shipped(work, "activation-absence-prevue"))
    assert execution.find("A2") is None
    assert "activation-absence-imprevue" in execution.failed[-1].remedy
    names = [path.name for path in (work.journal.folder(execution.id) / "preuves").iterdir()]
    assert not [one for one in names if "avis" in one]


def test_a_planned_absence_puts_the_renfort_on_duty_and_the_day_of_return_the_titulaire(
    tmp_path: Path,
) -> None:
    governed = make_site(tmp_path)
    work = work_on(governed)
    integrate(work)
    runbook_id = "activation-absence-prevue"
    execution = play(work, script_of(governed, runbook_id), open_shipped(work, runbook_id), until="A9")
    duties = list_duties([execution], {}, platform="embarquee", rehearsal=True)
    today = to_day(datetime.now(UTC))
    on = [bool(list_on_duty(duties, today + timedelta(days=day))) for day in (0, 4, 16, 18)]
    assert on == [False, True, True, False]


def test_the_return_is_told_to_the_scv_by_its_own_notice(tmp_path: Path) -> None:
    governed = make_site(tmp_path)
    work = work_on(governed)
    opened = open_shipped(work, "restitution")
    answered = {"retour_le": datetime.now(UTC).isoformat(), "activation_execution": "RB-1-aaaaaa"}
    execution = say(work, opened, "H1", **answered)
    step = execution.runbook.step("H1b")
    assert step is not None
    after = record_check(work, execution, step, run_check(work, execution, step))
    done = after.find("H1b")
    assert done is not None
    assert done.outcome is Outcome.DONE
    page = next(one for one in done.evidence if one.path.endswith(".html"))
    text = (work.journal.folder(execution.id) / page.path).read_text(encoding="utf-8")
    assert "Avis de retour du titulaire" in text
    assert "le titulaire du marché" in text
