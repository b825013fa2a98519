"""A runbook under way in the UI of Prefect, read by a Markdown reader that is not ours."""

from __future__ import annotations

import dataclasses
import html
import re
from dataclasses import dataclass
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from nonreg.model.handover import Execution, Outcome
from reports.runbook_artifacts import POINTS, describe_failure, describe_progress
from reports.text import show_unprintable
from tests import hostile
from tests.execution_samples import PAUSE, REQUESTED, end, integration, play, read, suspend
from tests.test_reports_execution import AT, LATE, change_done, make_hostile

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = st.text(st.characters() | st.sampled_from("<>|&[]()`*_~#-+=\\\n:/.!@1"), max_size=60)
PLAIN = {"h1", "h2", "p", "strong", "ul", "li", "table", "thead", "tbody", "tr", "th", "td"}


@dataclass(frozen=True, slots=True)
class Asked:
    """A point of a check."""

    title: str
    ok: bool
    found: str = ""
    remedy: str = ""


def progress(execution: Execution, at: object = AT) -> str:
    """The page as it is read, on one line."""
    return show(describe_progress(execution, read(execution, at), at))  # type: ignore[arg-type]


def show(markdown: str) -> str:
    """What a page shows, tags taken off, blanks folded."""
    words = html.unescape(re.sub(r"<[^>]+>", " ", READER.render(markdown)))
    return " ".join(words.split())


def list_tags(markdown: str) -> set[str]:
    """Every tag that a reader makes of it."""
    return set(re.findall(r"<(\w+)", READER.render(markdown)))


def test_each_step_has_a_line_with_its_state_who_and_when() -> None:
    execution = change_done(play(7), "O5b", outcome=Outcome.NOT_APPLICABLE)
    rendered = READER.render(describe_progress(execution, read(execution, AT), AT))
    rows = [
        re.findall(r"<td>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", rendered, re.DOTALL)[1:]
    ]
    assert [row[1] for row in rows] == [step.id for step in integration().steps]
    found = {row[1]: (row[0], row[3], row[4]) for row in rows}
    assert found["O1"] == ("✔ Faite", "titulaire-essai", "26/11/2026 16:40")
    assert found["O5"] == ("✔ Faite", "outil", "27/11/2026 10:20")
    assert found["O5b"][0] == "○ Sans objet"
    assert found["O5c"] == ("▶ À faire", "(outil)", "—")
    assert found["O11"] == ("— À venir", "(titulaire)", "—")


def test_a_step_whose_last_try_failed_says_why_and_how_it_is_put_right() -> None:
    said = progress(dataclasses.replace(play(4), failed=play(5).failed))
    assert "✗ En échec O4" in said
    assert "Droits de la base : db_owner en trop pour « nr_renfort »." in said
    assert "Remède : Faire retirer db_owner" in said


def test_the_countdown_is_in_both_readings_the_binding_one_first() -> None:
    assert (
        "Il reste 8 h 40 ouvrées, échéance lun. 30/11/2026 15:40 (2 jours ouvrés) "
        "| Il reste 42 h 40 ouvrées, échéance lun. 07/12/2026 14:40 (48 heures d'ouverture)"
    ) in progress(play(7))


def test_a_clock_that_is_suspended_over_missed_or_met_says_so() -> None:
    assert (
        "est suspendue depuis le ven. 27/11/2026 09:40, par titulaire-essai, motif : Ouverture"
        in progress(suspend(play(7)))
    )
    over = progress(play(7), REQUESTED + timedelta(days=5))
    assert "Délai dépassé de 7 h ouvrées, échéance lun. 30/11/2026 15:40" in over
    assert "Il reste 27 h ouvrées, échéance lun. 07/12/2026" in over
    stopped = REQUESTED + timedelta(days=5)
    missed = dataclasses.replace(end(), clock=dataclasses.replace(end().clock, stopped_at=stopped))
    assert "Délai manqué de" in progress(missed, LATE)
    assert progress(end(), LATE).count("Délai tenu, il restait") == 2
    assert "L'horloge n'est pas partie." in progress(play(0))


def test_a_suspended_clock_leaves_the_same_time_whenever_one_looks() -> None:
    execution = suspend(play(7))
    early, late = (
        re.findall(r"il restera ([^,]+) ouvrées", progress(execution, PAUSE.since + timedelta(hours=hours)))
        for hours in (1, 100)
    )
    assert early == late
    assert len(early) == 2


def test_a_rehearsal_is_marked_in_the_title() -> None:
    assert progress(play(7, rehearsal=True)).startswith("RÉPÉTITION : Intégration d'un renfort")
    assert "RÉPÉTITION" not in progress(play(7))


def test_an_abandoned_execution_says_why_and_asks_for_nothing() -> None:
    said = progress(play(3, closed_at=AT, abandoned="Contrat non signé."))
    assert "✗ Abandonné" in said
    assert "Abandonnée, motif : Contrat non signé." in said
    assert "À faire maintenant" not in said
    assert "✗ Non faite O3" in said


def test_a_failed_check_tells_each_wrong_point_with_its_remedy_then_those_that_hold() -> None:
    step = integration().steps[4]
    points = (
        Asked("Base du site actif", True, "lue"),
        Asked("Droit db_owner", False, "en trop", "Le faire retirer."),
        Asked("Base du site passif", False, "", " "),
    )
    assert show(describe_failure(step, points)) == (
        "✗ O4 — Droits au moindre privilège : 2 points à corriger "
        "Droit db_owner Constaté : en trop Remède : Le faire retirer. "
        "Base du site passif Constaté : n.d. "
        "Remède : aucun n'est connu de l'outil : prévenir le titulaire. "
        "Conformes (1) Base du site actif"
    )


def test_a_check_that_found_hundreds_of_points_says_how_many_are_left_out() -> None:
    points = tuple(Asked(f"Point {number}", False, "absent") for number in range(POINTS + 5))
    said = show(describe_failure(integration().steps[4], points))
    assert "45 points à corriger" in said
    assert "… et 5 autres." in said


@given(TEXTS)
@example(hostile.TEXTS["attribute"])
@example(hostile.TEXTS["link"])
@example(hostile.ALL)
@settings(max_examples=25)
def test_hostile_texts_are_read_as_they_were_written(text: str) -> None:
    execution = make_hostile(text)
    steps = tuple(dataclasses.replace(step, title=text) for step in execution.runbook.steps)
    runbook = dataclasses.replace(execution.runbook, title=text, steps=steps)
    execution = dataclasses.replace(execution, runbook=runbook, id=text, ticket=text, platform=text)
    still_open = dataclasses.replace(execution, closed_at=None, abandoned="")
    step = steps[0]
    for page in (
        describe_progress(execution, read(execution, AT), AT),
        describe_progress(still_open, read(still_open, AT), AT),
        describe_failure(step, [Asked(text, False, text, text), Asked(text, True)]),
    ):
        assert list_tags(page) <= PLAIN
        assert " ".join(show_unprintable(text).split())[:100] in show(page)
        assert not re.search("[\u200e\u200f\u202a-\u202e\u2066-\u2069]", page)
    rendered = READER.render(describe_progress(execution, None, AT))
    assert rendered.count("<td>") == 5 * len(steps)
