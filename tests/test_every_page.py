"""Every kind of page and PDF is accessible; each check is seen to fail on a PDF that was spoilt for it."""

from __future__ import annotations

import inspect
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    ContentStream,
    DictionaryObject,
    IndirectObject,
    NameObject,
    StreamObject,
)

import reports
from reports.html import write_html
from reports.pdf import write_pdf
from tests import every_page
from tests.documents import test_rendering
from tests.every_page import AT, PAGES, make_page
from tests.pages import check_page
from tests.pdf_structure import list_faults
from tests.test_reports_html import luminance


@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_well_formed_and_its_pdf_is_structured(name: str) -> None:
    document = make_page(name)
    check_page(document)
    assert list_faults(write_pdf(document, AT)) == []


def test_no_page_of_the_project_is_left_out() -> None:
    """A maker that returns a document is called by a sample of `PAGES`."""
    modules = [path.read_text(encoding="utf-8") for path in Path(reports.__file__).parent.glob("*.py")]
    makers = set(re.findall(r"^def (build_\w+)\([^)]*\) -> Document:", "\n".join(modules), re.MULTILINE))
    samples = inspect.getsource(every_page) + inspect.getsource(test_rendering)
    assert len(makers) > 15
    assert sorted(one for one in makers if f"{one}(" not in samples) == []


def test_words_in_drawings_are_readable() -> None:
    """Dark words stand on white or on a pale box, white ones on a dark box: 4.5 is what WCAG AA asks."""
    pages = "".join(write_html(make_page(name)) for name in PAGES)
    drawings = "".join(re.findall("<svg.*?</svg>", pages, re.DOTALL))
    words = set(re.findall(r'<text[^>]* fill="([^"]*)"', drawings))
    boxes = set(re.findall(r'<(?:rect|path|polygon)[^>]* fill="(#[^"]*)"', drawings))
    assert drawings.count("<text") == len(re.findall(r'<text[^>]* fill="#[0-9a-f]{6}"', drawings))
    pale = {one for one in boxes if contrast(one, "#ffffff") < 2}
    assert {"#1b2229", "#a3141e"} <= boxes - pale
    assert {"#1b2229", "#4a545e"} <= words - {"#ffffff"}
    assert all(contrast(word, box) >= 4.5 for word in words - {"#ffffff"} for box in {*pale, "#ffffff"})
    assert all(contrast("#ffffff", box) >= 4.5 for box in boxes - pale)


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one.strip("#")), luminance(other.strip("#"))), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _drop(name: str, *path: str) -> Callable[[Any, Any], None]:
    def spoil(root: Any, writer: Any) -> None:
        node = root
        for step in path:
            node = node[step]
        del node[NameObject(name)]

    return spoil


def _set_false(holder: str, name: str) -> Callable[[Any, Any], None]:
    def spoil(root: Any, writer: Any) -> None:
        root[holder][NameObject(name)] = BooleanObject(False)

    return spoil


def _metadata(before: bytes, after: bytes) -> Callable[[Any, Any], None]:
    def spoil(root: Any, writer: Any) -> None:
        found = root["/Metadata"].get_object()
        assert before in found.get_data()
        made = StreamObject()
        made.set_data(found.get_data().replace(before, after))
        root[NameObject("/Metadata")] = writer._add_object(made)

    return spoil


def _elements(node: Any) -> Any:
    node = node.get_object() if isinstance(node, IndirectObject) else node
    if isinstance(node, ArrayObject):
        for one in node:
            yield from _elements(one)
    elif isinstance(node, DictionaryObject) and "/S" in node:
        yield node
        yield from _elements(node.get("/K"))


def _element(kind: str, change: Callable[[Any], None]) -> Callable[[Any, Any], None]:
    def spoil(root: Any, writer: Any) -> None:
        change(next(one for one in _elements(root["/StructTreeRoot"]["/K"]) if one["/S"] == kind))

    return spoil


def _rename(kind: str) -> Callable[[Any], None]:
    def change(element: Any) -> None:
        element[NameObject("/S")] = NameObject(kind)

    return change


def _forget(*names: str) -> Callable[[Any], None]:
    def change(element: Any) -> None:
        for name in names:
            element.pop(NameObject(name))

    return change


def _say_twice(element: Any) -> None:
    number = element["/K"] if isinstance(element["/K"], int) else element["/K"][0]
    element[NameObject("/K")] = ArrayObject([number, number])


def _page(change: Callable[[list[Any]], list[Any]]) -> Callable[[Any, Any], None]:
    def spoil(root: Any, writer: Any) -> None:
        page = writer.pages[0]
        stream = ContentStream(page.get_contents(), writer)
        stream.operations = change(stream.operations)
        page[NameObject("/Contents")] = writer._add_object(stream)

    return spoil


def _unmark(operations: list[Any]) -> list[Any]:
    """Something painted after all that is marked."""
    return [*operations, ([], b"S")]


def _lose(operations: list[Any]) -> list[Any]:
    """The first content is no longer on the page."""
    place = next(
        at for at, (operands, op) in enumerate(operations) if op == b"BDC" and "/MCID" in operands[1]
    )
    operands, _ = operations[place]
    operands[1][NameObject("/MCID")] = type(operands[1]["/MCID"])(9999)
    return operations


SPOILT: dict[str, tuple[Callable[[Any, Any], None], str]] = {
    "identifier": (_metadata(b"pdfuaid:part", b"pdfuaid:rien"), "5: no PDF/UA identifier"),
    "archive": (_metadata(b"pdfaid:part", b"pdfaid:rien"), "PDF/A: no identifier"),
    "title in the metadata": (_metadata(b"dc:title", b"dc:autre"), "7.1: no title in the metadata"),
    "marked": (_set_false("/MarkInfo", "/Marked"), "7.1: not marked"),
    "title shown": (_set_false("/ViewerPreferences", "/DisplayDocTitle"), "7.1: the title is not displayed"),
    "language": (_drop("/Lang"), "7.2: not in French"),
    "structure": (_drop("/StructTreeRoot"), "7.1: no structure"),
    "standard type": (_element("/P", _rename("/Autre")), "7.1: /Autre is no standard type"),
    "place in a table": (_element("/TBody", _rename("/Div")), "7.5: /TR inside /Div"),
    "figure": (_element("/Figure", _forget("/Alt")), "7.3: a figure without a text"),
    "box": (_element("/Figure", _forget("/A")), "7.3: a figure without its box"),
    "scope": (_element("/TH", _forget("/A")), "7.5: a heading cell without a scope"),
    "heads": (_element("/THead", _rename("/TBody")), "7.5: 3 tables, 2 of them with headings"),
    "first heading": (_element("/H1", _rename("/H2")), "7.4: the first heading is not of level 1"),
    "levels": (_element("/H2", _rename("/H3")), "7.4: a level of heading is left out: [1, 3]"),
    "twice": (_element("/P", _say_twice), "7.1: a content is told twice"),
    "not marked content": (
        _page(_unmark),
        "7.1: 1 things painted on page 1 are neither content nor decoration",
    ),
    "lost content": (_page(_lose), "7.1: 1 marked contents are not in the structure"),
    "content that is nowhere": (_page(_lose), "7.1: the structure tells 1 contents that are on no page"),
}


@pytest.fixture(scope="module")
def sound() -> bytes:
    return write_pdf(make_page("blocks"), AT)


@pytest.mark.parametrize("name", SPOILT)
def test_what_is_spoilt_in_a_pdf_is_found(name: str, sound: bytes) -> None:
    spoil, fault = SPOILT[name]
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(sound)))
    spoil(writer._root_object, writer)
    made = io.BytesIO()
    writer.write(made)
    assert fault in list_faults(made.getvalue())
