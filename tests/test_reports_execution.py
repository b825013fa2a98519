"""The record of an execution, which is the proof."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nonreg.handover.runbook_file import find_runbook, list_runbooks
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Outcome, Said, StepFailed
from reports.delay import ClockReadings, Due, format_office
from reports.document import Document
from reports.execution import build_record, find_verdict
from reports.execution_steps import CELL_CHARACTERS
from reports.tame import tame_text
from tests.execution_samples import PAUSE, REQUESTED, end, integration, play, read, suspend
from tests.hostile import HOSTILE
from tests.pages import check_page, check_pdf, read_all
from tests.report_samples import hash_text

AT = REQUESTED + timedelta(hours=22)
LATE = REQUESTED + timedelta(days=30)
TEXTS = st.text(max_size=60) | st.sampled_from(HOSTILE)


def record(execution: Execution, at: datetime = AT) -> Document:
    """The record with its clock read at that moment."""
    return build_record(execution, read(execution, at), at)


def change_done(execution: Execution, step_id: str, **changes: object) -> Execution:
    """The same where one step was done otherwise."""
    done = tuple(
        dataclasses.replace(one, **changes) if one.step_id == step_id else one  # type: ignore[arg-type]
        for one in execution.done
    )
    return dataclasses.replace(execution, done=done)


EXECUTIONS = {
    "opened": play(0),
    "running": play(7),
    "suspended": suspend(play(7)),
    "ended": end(),
    "rehearsed": end(rehearsal=True),
    "abandoned": play(3, closed_at=AT, abandoned="Contrat non signé."),
}


@pytest.mark.parametrize("name", EXECUTIONS)
def test_every_record_is_a_page_and_a_pdf_as_all_others_are(name: str) -> None:
    document = record(EXECUTIONS[name])
    check_page(document)
    check_pdf(document)


@pytest.mark.parametrize(
    ("execution", "said", "tone"),
    [
        (play(0), "En cours : étape O0", "info"),
        (play(5), "En cours : étapes O5, O7", "info"),
        (play(len(integration().steps)), "Toutes les étapes sont faites, clôture à faire", "info"),
        (end(), "Mise en capacité prononcée", "ok"),
        (end(rehearsal=True), "RÉPÉTITION — mise en capacité jouée", "warn"),
        (play(5, rehearsal=True), "RÉPÉTITION — en cours : étapes O5, O7", "info"),
        (play(3, closed_at=AT, abandoned="Contrat non signé."), "Abandonné", "ko"),
        (play(3, closed_at=AT), "Clos avec des étapes non faites", "warn"),
    ],
)
def test_the_verdict_says_what_the_execution_came_to(execution: Execution, said: str, tone: str) -> None:
    verdict = find_verdict(execution)
    assert (verdict.text, verdict.tone) == (said, tone)


@pytest.mark.parametrize("name", list_runbooks())
def test_only_a_signed_step_of_an_integration_or_an_activation_pronounces_the_capability(name: str) -> None:
    runbook = find_runbook(name)
    execution = play(len(runbook.steps), runbook, closed_at=LATE)
    expected = name == "integration" or name.startswith("activation")
    assert (find_verdict(execution).text == "Mise en capacité prononcée") is expected
    unsigned = dataclasses.replace(
        execution, done=tuple(dataclasses.replace(one, decision_id="") for one in execution.done)
    )
    assert find_verdict(unsigned).text == "Terminé"


def test_a_step_tells_who_did_it_when_its_answers_its_evidence_and_its_line_in_the_ledger() -> None:
    page = check_page(record(end(), LATE))
    done = next(one for one in end().done if one.step_id == "O1")
    for words in (
        "O1 — Contrat et confidentialité",
        "Référence du contrat SCV-2026-118",
        "Fin du contrat 30/06/2027",
        "Par titulaire-essai",
        f"ligne {done.sequence}",
        "Identité déclarée, non prouvée par une signature.",
        "Demande reçue le 26/11/2026 à 15:40:00 (Paris, UTC+1)",
    ):
        assert words in page.text.replace("\u00a0", " "), words
    text = read_all(check_pdf(record(end(), LATE)))
    for one in end().done:
        for proof in one.evidence:
            assert proof.sha256 in text
            assert proof.path in text


def test_a_signed_step_names_its_decision_and_one_that_ought_to_be_signed_says_that_it_is_not() -> None:
    said = check_page(record(end(), LATE)).text
    decision = next(one.decision_id for one in end().done if one.step_id == "O11")
    assert f"Décision {decision}, signée avec la clé SSH de titulaire-essai" in said
    said = check_page(record(change_done(end(), "O11", decision_id=""), LATE)).text
    assert "Cette étape demande une signature, et n'en a pas." in said


def test_a_rehearsal_is_marked_on_the_first_page_and_on_every_other() -> None:
    reader = check_pdf(record(end(rehearsal=True), LATE))
    texts = [page.extract_text() for page in reader.pages]
    assert texts[0].count("RÉPÉTITION") >= 3
    assert all("RÉPÉTITION" in text for text in texts)
    assert "RÉPÉTITION" not in read_all(check_pdf(record(end(), LATE)))


def test_tries_that_failed_stay_with_their_remedy_after_the_step_succeeded() -> None:
    page = check_page(record(end(), LATE))
    assert "O4 — le 26/11/2026 18:40, ligne 51 du registre" in page.text
    assert "Constat : Droits de la base : db_owner en trop pour « nr_renfort »." in page.text
    assert "Remède : Faire retirer db_owner par l'administrateur de la base" in page.text


def test_a_step_without_object_says_why() -> None:
    execution = change_done(play(7), "O5b", outcome=Outcome.NOT_APPLICABLE, note="Aucun hôte à joindre.")
    page = check_page(record(execution))
    assert "○ Sans objet" in page.text
    assert "Motif : Aucun hôte à joindre." in page.text
    assert "Étape O5b sans objet" in page.text


def test_what_is_left_says_for_what_it_waits() -> None:
    execution = play(7)
    left = next(one for one in record(execution).sections if one.anchor == "reste")
    rows = {row[0].text: [cell.text for cell in row[2:]] for row in left.blocks[0].rows}  # type: ignore[union-attr]
    assert list(rows) == [one.id for one in integration().steps[7:]]
    assert rows["O5c"] == ["À faire", "outil", "–"]
    assert rows["O7"] == ["À faire", "personne concernée", "–"]
    assert rows["O9"] == ["À venir", "outil", "O7, O8"]


def test_a_running_clock_tells_both_deadlines_and_what_is_left_of_each() -> None:
    page = check_page(record(play(7)))
    said = page.text.replace("\u00a0", " ")
    assert "Il reste 8 h 40 ouvrées, échéance lun. 30/11/2026 15:40 (2 jours ouvrés)." in said
    assert "Il reste 42 h 40 ouvrées, échéance lun. 07/12/2026 14:40 (48 heures d'ouverture)." in said
    assert "2 jours ouvrés, retenue" in said


def test_a_stopped_clock_tells_what_it_took_and_whether_each_deadline_was_met() -> None:
    said = check_page(record(end(), LATE)).text.replace("\u00a0", " ")
    assert "Temps passé 7 h 40 ouvrées" in said
    assert said.count("✔ Tenue") == 2
    late = dataclasses.replace(
        end(), clock=dataclasses.replace(end().clock, stopped_at=REQUESTED + timedelta(days=5))
    )
    page = check_page(record(late, LATE))
    assert "✗ Manquée" in page.text
    assert "✔ Tenue" in page.text
    assert "Échéance manquée : 2 jours ouvrés." in page.text


def test_a_deadline_that_has_passed_is_an_alert_even_before_an_office_minute_has() -> None:
    at = datetime.fromisoformat("2026-11-30T15:40:20+01:00")
    document = record(play(7), at)
    assert document.alerts[0].text == "Échéance dépassée : 2 jours ouvrés."
    assert "Délai dépassé de moins d'une minute ouvrée" in document.reasons[1]


def test_a_suspended_clock_says_since_when_by_whom_and_why() -> None:
    document = record(suspend(play(7)))
    said = check_page(document).text
    assert "est suspendue depuis le ven. 27/11/2026 09:40, par titulaire-essai, motif : Ouverture" in said
    assert "À la reprise, il restera" in said
    assert "Horloge suspendue" in said
    resumed = check_page(record(suspend(play(7), PAUSE.since + timedelta(hours=1)))).text
    assert "du ven. 27/11/2026 09:40 jusqu'au ven. 27/11/2026 10:40" in resumed


def test_a_clock_that_never_stopped_before_the_end_is_not_met() -> None:
    document = record(EXECUTIONS["abandoned"], LATE)
    said = check_page(document).text
    assert "ne s'est jamais arrêtée" in said
    assert "? Non mesurée" in said
    assert "Abandonnée, motif : Contrat non signé." in said
    assert "✔ Tenue" not in said


def test_before_the_clock_starts_nothing_is_said_of_a_deadline() -> None:
    document = record(play(0))
    assert document.reasons == ("L'horloge n'est pas partie.",)


def test_answers_too_long_for_a_cell_are_set_whole() -> None:
    value = "\n".join(f"Ticket {number} : reprise du script." for number in range(300))
    assert len(value) > CELL_CHARACTERS
    execution = change_done(end(), "O10", said=(Said("taches", value), Said("livrables", "A.1")))
    text = read_all(check_pdf(record(execution, LATE)))
    assert [n for n in range(300) if f"Ticket{n}:reprise" not in text] == []
    assert text.count("Ticket7:reprise") == 1
    assert "voirletexteci-dessous" in text


def test_every_event_stands_in_the_chronology_in_order() -> None:
    history = next(one for one in record(end(), LATE).sections if one.anchor == "chronologie")
    events = [row[1].text for row in history.blocks[0].rows]  # type: ignore[union-attr]
    assert events[0] == "Ouverture"
    assert events[-1] == "Clôture"
    assert len(events) == len(end().done) + len(end().failed) + 4
    assert events.index("Étape O4 : essai en échec") < events.index("Étape O4 faite")


def test_the_same_execution_at_the_same_moment_gives_the_same_record() -> None:
    assert record(end(), LATE) == record(end(), LATE)


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0.5, "moins d'une minute ouvrée"),
        (1, "1 min ouvrée"),
        (45, "45 min ouvrées"),
        (60, "1 h ouvrée"),
        (65, "1 h 05 ouvrée"),
        (570, "9 h 30 ouvrées"),
        (48 * 60, "48 h ouvrées"),
    ],
)
def test_office_time_is_in_hours_never_in_days(minutes: float, said: str) -> None:
    assert format_office(timedelta(minutes=minutes)).replace("\u00a0", " ") == said


def test_hours_that_are_no_whole_day_have_one_reading() -> None:
    runbook = dataclasses.replace(integration(), delay_hours=4)
    due = Due(AT + timedelta(hours=1), timedelta(hours=1))
    document = build_record(play(7, runbook), ClockReadings(due, due), AT)
    assert len(document.reasons) == 2
    assert "(4 heures d'ouverture)" in document.reasons[1]


def make_hostile(text: str) -> Execution:
    """Every text that a person or a platform writes is the same."""
    execution = suspend(play(7, rehearsal=True, subject=text, opened_by=text, parameters=(Said(text, text),)))
    execution = change_done(
        execution,
        "O1",
        said=(Said("contrat_reference", text), Said(text, text)),
        evidence=(Evidence(text, text, hash_text("evidence")),),
        note=text,
        person=text,
    )
    pause = dataclasses.replace(PAUSE, reason=text, person=text)
    clock = dataclasses.replace(execution.clock, suspensions=(pause,))
    failed = (StepFailed("O5c", AT, text, text, 90),)
    return dataclasses.replace(execution, clock=clock, failed=failed, abandoned=text, closed_at=AT)


@given(TEXTS)
@settings(max_examples=25)
def test_hostile_texts_are_never_markup(text: str) -> None:
    document = record(make_hostile(text))
    page = check_page(document)
    assert not {tag for tag, a in page.tags if tag == "a" and not (a["href"] or "").startswith("#")}
    assert " ".join(tame_text(text).split()) in page.text


@given(TEXTS)
@example("\n".join(HOSTILE))
@settings(max_examples=6)
def test_hostile_texts_are_always_set_on_paper(text: str) -> None:
    check_pdf(record(make_hostile(text)))
