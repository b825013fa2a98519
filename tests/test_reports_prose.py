"""The Markdown of runbooks as blocks."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from nonreg.handover.runbook_file import find_runbook, list_runbooks
from reports.document import Block, Code, Listing, Prose, Span
from reports.prose import label_prose, parse_prose, parse_spans

PIECES = st.sampled_from(
    ["- ", "1. ", "12) ", "`", "```", "**", "\n", "\n\n", "    ", "# ", "mot", "é", "*", "\\"]
)
TEXTS = st.lists(PIECES | st.text(max_size=8), max_size=25).map("".join)


def read_words(blocks: tuple[Block, ...]) -> str:
    """Every letter and digit that is shown, in order."""
    texts: list[str] = []
    for block in blocks:
        if isinstance(block, Code):
            texts += [block.label, block.text]
        elif isinstance(block, Prose):
            texts += [span.text for span in block.spans]
        elif isinstance(block, Listing):
            texts += [span.text for item in block.items for span in item]
    return "".join(char for char in "".join(texts) if char.isalpha())


@given(TEXTS)
def test_no_word_of_a_text_is_lost_whatever_its_marks(text: str) -> None:
    assert read_words(parse_prose(text)) == "".join(char for char in text if char.isalpha())


def test_lines_items_and_code_are_the_blocks_that_one_reads_in_the_file() -> None:
    text = """
Première ligne
seconde ligne

1. Ouvrir `psql`.
2. Lire la **marque**,
   puis fermer.
```
psql -c 'select 1'
```
3. Recommencer.
   - sous-point
Fin, hors de la liste."""
    assert parse_prose(text) == (
        Prose((Span("Première ligne\nseconde ligne"),)),
        Listing(
            (
                (Span("Ouvrir "), Span("psql", "code"), Span(".")),
                (Span("Lire la "), Span("marque", "strong"), Span(", puis fermer.")),
            ),
            start=1,
        ),
        Code("", "psql -c 'select 1'"),
        Listing(((Span("Recommencer."),),), start=3),
        Listing(((Span("sous-point"),),), depth=1),
        Prose((Span("Fin, hors de la liste."),)),
    )


def test_links_images_and_html_stay_as_they_were_typed() -> None:
    for text in (
        "[clic](javascript:alert(1))",
        "![x](http://exemple.invalid/x.png)",
        "<b>gras</b>",
        "_c_ ~~d~~",
    ):
        assert parse_prose(text) == (Prose((Span(text),)),)


def test_a_code_block_that_is_not_closed_takes_the_rest() -> None:
    assert parse_prose("```\nun\ndeux") == (Code("", "un\ndeux"),)


def test_marks_that_open_nothing_are_text() -> None:
    assert parse_spans("2 ** 3 et ` seul") == (Span("2 ** 3 et ` seul"),)
    assert parse_spans("``") == (Span("``"),)


def test_a_label_stands_before_its_text_even_when_that_begins_with_a_list() -> None:
    assert label_prose("Preuve", "Le ticket.") == (Prose((Span("Preuve : ", "strong"), Span("Le ticket."))),)
    lead, listing = label_prose("Preuve", "- un\n- deux")
    assert lead == Prose((Span("Preuve : ", "strong"),))
    assert isinstance(listing, Listing)
    assert label_prose("Preuve", " \n") == ()


def test_every_runbook_of_the_project_keeps_its_words() -> None:
    for name in list_runbooks():
        for step in find_runbook(name).steps:
            shown = read_words(parse_prose(step.instructions))
            assert shown == "".join(char for char in step.instructions if char.isalpha()), (name, step.id)
