"""Hostile texts through every producer: nothing runs, nothing is hidden or reordered, no document breaks or floods."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Callable

import docx
import pytest
from markdown_it import MarkdownIt

from nonreg.model import History, Verdict
from nonreg.model.handover import Actor
from nonreg.triage_page import render_triage_pages
from reports.activation import describe_activation
from reports.artifacts import describe_campaign, describe_verdict
from reports.docx import write_docx
from reports.html import write_html
from reports.junit import write_junit
from reports.pdf import write_pdf
from reports.platform_state import describe_state
from reports.readiness import describe_readiness
from reports.runbook_artifacts import describe_progress
from reports.steering import describe_pack
from reports.tame import MOST_CHARACTERS, tame_text
from reports.text import map_texts
from tests.every_page import AT, LATER, PAGES, Change
from tests.execution_samples import play, read
from tests.handover.prepared import measure, prepare
from tests.hostile import ALL, HOSTILE, HUGE_LINES, HUGE_WORD, MISLEADING, TEXTS, Spoiler
from tests.pages import check_page
from tests.pdf_structure import list_faults
from tests.report_past_samples import regression_report
from tests.steering.samples import make_pack
from tests.test_reports_artifacts import HERE
from tests.test_reports_html import Page
from tests.test_reports_platform_state import make_past, make_state

# What a program reads: who does a step, the anchors of the page of all blocks.
NO_TEXTS = frozenset({"", "synthese", "deux", *(actor.value for actor in Actor)})
ACTIVE = {
    "script",
    "img",
    "iframe",
    "object",
    "embed",
    "form",
    "input",
    "button",
    "base",
    "b",
    "i",
    "use",
    "foreignobject",
}
BOUND = 8_000_000  # characters or bytes of a page, whatever it is given


def keep(text: str) -> bool:
    return text in NO_TEXTS


@pytest.mark.parametrize("name", PAGES)
def test_no_text_is_markup_or_misleads_in_any_page_and_each_is_read_as_it_was_written(name: str) -> None:
    spoiler = Spoiler(keep)
    document = PAGES[name](spoiler)
    assert len(spoiler.changed) > 5
    html = write_html(document)
    page = check_page(document)
    assert not ACTIVE & {tag for tag, _ in page.tags}
    assert not [key for _, attributes in page.tags for key in attributes if key.startswith("on")]
    assert html.count("<style>") == html.count("<meta http-equiv") == html.count("<title>") == 1
    assert MISLEADING.search(html) is None


@pytest.mark.parametrize("name", TEXTS)
def test_each_text_is_read_as_it_was_written_by_eye(name: str) -> None:
    document = PAGES["blocks"](lambda one: one if keep(one) else TEXTS[name] + one)
    shown = Page(write_html(document)).text
    assert " ".join(tame_text(TEXTS[name] + "paragraphe").split()) in shown


@pytest.mark.parametrize("name", PAGES)
def test_every_pdf_and_word_file_is_whole_whatever_the_texts(name: str) -> None:
    document = PAGES[name](Spoiler(keep, turn=7))
    assert list_faults(write_pdf(document, AT)) == []
    content = write_docx(document, AT)
    assert docx.Document(io.BytesIO(content)).paragraphs


class Flood:
    """Puts megabytes before some of the texts."""

    def __init__(self, words: str) -> None:
        self._words = words
        self._seen: dict[str, str] = {}

    def __call__(self, text: str) -> str:
        if keep(text):
            return text
        if text not in self._seen:
            flooded = len(self._seen) in (0, 3, 9, 17, 40)
            self._seen[text] = self._words + text if flooded else text
        return self._seen[text]


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("name", "words"),
    [
        *(
            (name, HUGE_WORD)
            for name in ("blocks", "campaign, green", "record, running", "briefing", "migration")
        ),
        ("blocks", HUGE_LINES),
        ("runbook", HUGE_LINES),
    ],
    ids=lambda one: one[:12].strip(),
)
def test_ten_megabytes_in_several_texts_make_no_large_document(name: str, words: str) -> None:
    document = PAGES[name](Flood(words))
    html = write_html(document)
    assert len(html) < BOUND
    assert max(map(len, html.split("<"))) < 3 * MOST_CHARACTERS  # a title, which says two of them
    assert len(write_pdf(document, AT)) < BOUND
    assert len(write_docx(document, AT)) < BOUND


def test_a_text_that_is_too_long_says_so_and_where_it_is_whole() -> None:
    html = write_html(PAGES["blocks"](lambda one: HUGE_WORD if one == "paragraphe" else one))
    assert "9\u202f980\u202f000 caractères de plus, texte complet dans la source" in html


def test_a_page_of_which_nothing_is_wild_is_left_as_it_is() -> None:
    for text in ("é " * 9_000, "ligne\nligne\tcolonne", "e\u0301\u0323", "x" * MOST_CHARACTERS):
        assert tame_text(text) == text


def test_results_for_other_tools_are_xml_whatever_the_texts() -> None:
    from defusedxml.ElementTree import fromstring

    spoilt = map_texts(regression_report(), Spoiler(keep))
    found = fromstring(write_junit(spoilt))
    assert found.tag == "testsuites"


def _progress(change: Change) -> str:
    execution = map_texts(play(7), change)
    return describe_progress(execution, read(execution, LATER), LATER)


def _state(change: Change) -> str:
    history = History((make_past(0), make_past(1, Verdict.KO)))
    return describe_state(map_texts(make_state(history, unknown=("x",)), change), HERE)


def _activation(change: Change) -> str:
    execution = map_texts(play(3), change)
    execution = dataclasses.replace(execution, id="RB-1")  # of the tool: it is quoted as it is
    return describe_activation([execution], change("motif"), urgent=True, others=[change("un")], platform="p")


def _triage(change: Change) -> str:
    report = map_texts(regression_report(), change)
    return "\n\n".join(page for _, page in render_triage_pages(report.triage, report.run))


# What Prefect shows beside its runs, and what is pasted in tickets: one line for one more.
ARTIFACTS: dict[str, Callable[[Change], str]] = {
    "verdict": lambda change: describe_verdict(map_texts(regression_report(), change), HERE),
    "campaign": lambda change: describe_campaign(map_texts(regression_report(), change), HERE),
    "triage": _triage,
    "readiness": lambda change: describe_readiness(map_texts(measure(prepare()), change)),
    "state": _state,
    "progress": _progress,
    "activation": _activation,
    "pack": lambda change: describe_pack(map_texts(make_pack(), change)),
}


@pytest.mark.parametrize("name", ARTIFACTS)
def test_no_text_brings_a_tag_or_a_link_to_an_artifact(name: str) -> None:
    reader = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    plain = re.findall(r"<(\w+)", reader.render(ARTIFACTS[name](lambda one: one)))
    for turn in range(0, len(HOSTILE), 4):
        shown = ARTIFACTS[name](Spoiler(keep, turn))
        assert re.findall(r"<(\w+)", reader.render(shown)) == plain
        assert MISLEADING.search(shown) is None


@pytest.mark.timeout(240)
@pytest.mark.parametrize("name", ARTIFACTS)
def test_ten_megabytes_in_several_texts_make_no_large_artifact(name: str) -> None:
    for words in (HUGE_WORD, HUGE_LINES):
        assert len(ARTIFACTS[name](Flood(words))) < 500_000


def test_all_texts_at_once_stand_in_one_paragraph_of_an_artifact() -> None:
    from reports.markdown import escape

    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape(ALL))
    assert set(re.findall(r"<(\w+)", rendered)) == {"p"}
    assert MISLEADING.search(rendered) is None
