"""Texts in Markdown read as they were written, by a Markdown reader that is not ours."""

from __future__ import annotations

import html
import re

from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from reports.markdown import bullets, escape, fence, link
from reports.text import show_unprintable
from tests import hostile

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = st.text(st.characters() | st.sampled_from("<>|&[]()`*_~#-+=\\\n:/.!@1"), max_size=60)


def read(markdown: str) -> str:
    """What a page shows, tags taken off."""
    return html.unescape(re.sub(r"<[^>]+>", "", READER.render(markdown)))


def flatten(text: str) -> str:
    return re.sub(r"\s+", " ", show_unprintable(text)).strip()


@given(TEXTS)
@example(hostile.TEXTS["attribute"])
@example(hostile.TEXTS["link by reference"])
@example("0.")
def test_an_escaped_text_is_one_paragraph_that_reads_as_it_was_written(text: str) -> None:
    rendered = READER.render(escape(text))
    assert set(re.findall(r"<(\w+)", rendered)) <= {"p"}
    assert read(escape(text)).strip() == flatten(text)


def test_hostile_texts_stay_in_their_cell_and_item() -> None:
    for text in hostile.HOSTILE:
        table = f"| a | b |\n| --- | --- |\n| {escape(text)} | fin |"
        rendered = READER.render(table)
        assert rendered.count("<td>") == 2, text
        assert flatten(text) in html.unescape(rendered)
        assert set(re.findall(r"<(\w+)", rendered)) <= {"table", "thead", "tbody", "tr", "th", "td"}
        items = READER.render("\n".join(bullets([escape(text), "fin"], 9)))
        assert items.count("<li>") == 2, text
        assert set(re.findall(r"<(\w+)", items)) <= {"ul", "li"}, text


def test_an_address_in_a_text_does_not_become_a_link_of_itself() -> None:
    reader = MarkdownIt("commonmark", {"linkify": False})
    for address in ("https://exemple.invalid/x", "www.exemple.invalid", "a@exemple.invalid"):
        assert address not in escape(address)
        assert reader.render(escape(address)) == f"<p>{address}</p>\n"


@given(TEXTS)
@example("avant\n```\n<b>dehors</b>")
def test_a_fenced_text_cannot_close_its_block(text: str) -> None:
    rendered = READER.render("\n".join(fence(text)) + "\n\nfin")
    assert rendered.endswith("<p>fin</p>\n")
    assert rendered.count("<pre>") == 1


def test_a_long_text_says_how_much_was_cut() -> None:
    assert escape("x" * 300, 10) == "xxxxxxxxxx… \\[290 caractères de plus, voir le rapport\\]"


def test_a_list_that_is_cut_says_how_many_are_left() -> None:
    assert bullets(["a", "b", "c"], 2)[2:] == ["- … et 1 de plus, voir le rapport."]


def test_words_without_an_address_are_no_link() -> None:
    assert link("AQ-12", "") == "AQ-12"
    assert link("AQ-12", "https://suivi.exemple/12") == "[AQ-12](https://suivi.exemple/12)"
