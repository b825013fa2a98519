"""Every page through axe-core in a real browser, and every PDF through a checker of PDF/UA: what others would find.

What no tool judges is a person's: whether the order, the words and the alternative texts make sense.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader, PdfWriter

from reports.html import write_html
from reports.pdf import write_pdf
from tests.every_page import AT, PAGES, make_page
from tests.test_every_page import SPOILT as SPOILT_PDF

if TYPE_CHECKING:  # installed by `make test-browser` only
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

# RGAA 4 is WCAG 2.1, A and AA; what axe calls good practice and what is newer comes along. Nothing is left out.
RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# What a small screen and paper change is in the layout: these pages have every block, and large drawings.
LAID_OUT = ("blocks", "campaign, drills")
# Asked by no clause of the standard, guessed from how a page looks: lines drawn around what is no table (pairs, strips
# of figures, boxes to tick), a line that happens to stand at the top of three pages, an alternative text of numbers.
GUESSED = {"TBL-014", "PAG-001", "FIG-012"}


@pytest.fixture
def sheet(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page that reads files; nothing is fetched from anywhere."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, locale="fr-FR", offline=True)
    yield context.new_page()
    context.close()


def open_page(sheet: Page, html: str, folder: Path) -> None:
    file = folder / "page.html"
    file.write_text(html, encoding="utf-8")
    sheet.goto(file.as_uri())


def ask_axe(sheet: Page) -> list[str]:
    """What axe finds, and what it could not tell."""
    sheet.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
    found: Any = sheet.evaluate(
        "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations', 'incomplete']})",
        list(RULES),
    )
    assert len(found["passes"]) > 20
    sure = [f"{one['id']}: {node['html'][:200]}" for one in found["violations"] for node in one["nodes"]]
    unsure = [
        f"{one['id']}?: {node['html'][:200]} {node['any']}"
        for one in found["incomplete"]
        for node in one["nodes"]
        if not is_known(one["id"], node)
    ]
    return sure + unsure


def is_known(rule: str, node: Any) -> bool:
    """True where axe cannot tell a contrast that is known otherwise.

    Of ✓ or ✗: the word beside it has the same colours, and is checked. Of words in a drawing: their colours are
    checked with those of all drawings (`test_words_in_drawings_are_readable`). Of a cell at the edge of a small screen,
    overlapped by something that axe does not name: the same cell is checked on a large one.
    """
    if rule != "color-contrast":
        return False
    why = {one["data"]["messageKey"] for one in node["any"]}
    if node["html"].startswith("<text "):
        return why <= {"imgNode", "bgOverlap", "shortTextContent", "nonBmp"}
    return why == {"nonBmp"} or (why == {"bgOverlap"} and not any(one["relatedNodes"] for one in node["any"]))


@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_in_any_page(name: str, sheet: Page, tmp_path: Path) -> None:
    open_page(sheet, write_html(make_page(name)), tmp_path)
    assert ask_axe(sheet) == []


@pytest.mark.parametrize(
    ("name", "how"), [*((name, how) for name in LAID_OUT for how in ("small", "paper")), ("blocks", "dark")]
)
def test_axe_finds_nothing_on_a_small_screen_on_paper_or_in_the_dark(
    name: str, how: str, sheet: Page, tmp_path: Path
) -> None:
    if how == "small":
        sheet.set_viewport_size({"width": 360, "height": 740})
    sheet.emulate_media(
        media="print" if how == "paper" else "screen", color_scheme="dark" if how == "dark" else "light"
    )
    open_page(sheet, write_html(make_page(name)), tmp_path)
    assert ask_axe(sheet) == []


SPOILT = {
    "html-has-lang": ('<html lang="fr">', "<html>"),
    "document-title": ("<title>Essai : bon, objet</title>", ""),
    "color-contrast": ("--ink: #1b2229", "--ink: #c0c0c0"),
    "heading-order": ('<h2 id="synthese">', '<h5 id="synthese">'),
    "svg-img-alt": (' aria-label="dessin"', ""),
    "empty-table-header": (">Colonne</th>", "></th>"),
    "scrollable-region-focusable": (' tabindex="0"', ""),
    "duplicate-id-aria": ('id="deux"', 'id="verdict"'),
    "landmark-one-main": ("main>", "div>"),
    "list": ("<li>", "<div>"),
}


@pytest.mark.parametrize("rule", SPOILT)
def test_axe_finds_what_is_spoilt_in_a_page(rule: str, sheet: Page, tmp_path: Path) -> None:
    html = write_html(make_page("campaign, drills" if rule == "scrollable-region-focusable" else "blocks"))
    before, after = SPOILT[rule]
    assert before in html
    sheet.set_viewport_size({"width": 360, "height": 740})
    open_page(sheet, html.replace(before, after), tmp_path)
    assert rule in {one.split(":")[0].strip("?") for one in ask_axe(sheet)}


def check_pdf_ua(content: bytes, folder: Path) -> list[str]:
    """What the checker finds, but for what it guesses."""
    from outloud import check

    file = folder / "page.pdf"
    file.write_bytes(content)
    found = check(str(file))
    assert found.error is None
    assert sum(run.status == "ran" for run in found.runs) > 20
    assert not [run for run in found.runs if run.status == "crashed"]
    return [f"{one.rule} p.{one.page}: {one.message}" for one in found.findings if one.rule not in GUESSED]


@pytest.mark.parametrize("name", PAGES)
def test_a_checker_of_pdf_ua_finds_nothing_in_any_pdf(name: str, tmp_path: Path) -> None:
    assert check_pdf_ua(write_pdf(make_page(name), AT), tmp_path) == []


# What it finds of what spoils a PDF, by the names of `SPOILT_PDF`; the rest is found by tests.pdf_structure alone.
TOLD = {
    "identifier": "DOC-012",
    "title in the metadata": "DOC-010",
    "marked": "DOC-001",
    "title shown": "DOC-011",
    "language": "DOC-013",
    "structure": "DOC-002",
    "standard type": "TAG-010",
    "place in a table": "TBL-003",
    "figure": "FIG-001",
    "first heading": "HDG-002",
    "levels": "HDG-001",
    "twice": "TAG-022",
}


@pytest.mark.parametrize("name", SPOILT_PDF)
def test_the_checker_of_pdf_ua_finds_what_is_spoilt_in_a_pdf(name: str, tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(write_pdf(make_page("blocks"), AT))))
    assert check_pdf_ua(save(writer), tmp_path) == []
    spoil, _ = SPOILT_PDF[name]
    spoil(writer._root_object, writer)
    rules = {one.split(" ")[0] for one in check_pdf_ua(save(writer), tmp_path)}
    assert rules >= {TOLD[name]} if name in TOLD else rules == set()


def save(writer: PdfWriter) -> bytes:
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()
