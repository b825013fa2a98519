"""Hostile texts through every producer: nothing runs, nothing is hidden or reordered, no document breaks or floods."""

from __future__ import annotations

import io
import re

import docx
import pytest
from markdown_it import MarkdownIt

from nonreg.model.handover import Actor
from reports.docx import write_docx
from reports.html import write_html
from reports.junit import write_junit
from reports.pdf import write_pdf
from reports.tame import MOST_CHARACTERS, tame_text
from reports.text import map_texts
from tests.every_page import AT, PAGES
from tests.hostile import ALL, HUGE_LINES, HUGE_WORD, MISLEADING, TEXTS, Spoiler
from tests.pages import check_page
from tests.pdf_structure import list_faults
from tests.report_past_samples import regression_report
from tests.test_reports_html import Page

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


def test_all_texts_at_once_stand_in_one_paragraph_of_an_artifact() -> None:
    from reports.markdown import escape

    rendered = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(escape(ALL))
    assert set(re.findall(r"<(\w+)", rendered)) == {"p"}
    assert MISLEADING.search(rendered) is None
