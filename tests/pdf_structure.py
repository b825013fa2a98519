"""What makes a PDF readable by ear, looked for in its structure with another library than the one that wrote it.

Clauses are those of PDF/UA-1 (ISO 14289-1). What only a person can judge (does the order make sense, do the words of an
alternative text say the drawing) is not here.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, BooleanObject, ContentStream, DictionaryObject, IndirectObject

# Operators that put something on the page; a form or an image is one of them.
PAINTING = {
    b"Tj",
    b"TJ",
    b"'",
    b'"',
    b"S",
    b"s",
    b"f",
    b"F",
    b"f*",
    b"B",
    b"B*",
    b"b",
    b"b*",
    b"sh",
    b"Do",
    b"BI",
}
HEADING = re.compile(r"/H([1-6])")
STANDARD = {
    *("/Document", "/Part", "/Art", "/Sect", "/Div", "/BlockQuote", "/Caption", "/TOC", "/TOCI", "/Index"),
    *("/NonStruct", "/Private", "/P", "/H", "/H1", "/H2", "/H3", "/H4", "/H5", "/H6", "/L", "/LI", "/Lbl"),
    *("/LBody", "/Table", "/TR", "/TH", "/TD", "/THead", "/TBody", "/TFoot", "/Span", "/Quote", "/Note"),
    *("/Reference", "/BibEntry", "/Code", "/Link", "/Annot", "/Figure", "/Formula", "/Form"),
}
INSIDE = {"/TR": {"/Table", "/THead", "/TBody", "/TFoot"}, "/TH": {"/TR"}, "/TD": {"/TR"}, "/LI": {"/L"}}
INSIDE |= {"/LBody": {"/LI"}, "/THead": {"/Table"}, "/TBody": {"/Table"}}


@dataclass(frozen=True, slots=True)
class Element:
    """One element of the tree: its type by the standard, that of what holds it, what it says of itself."""

    kind: str
    parent: str
    content: Any
    alt: str
    attributes: dict[str, str]
    places: tuple[tuple[int, int], ...]  # page, mark of its content


def list_faults(content: bytes) -> list[str]:
    """What is not as it must be, in the order of the clauses; none is what is wanted."""
    reader = PdfReader(io.BytesIO(content))
    root: Any = reader.trailer["/Root"]
    elements = list(walk(reader))
    return [
        *_check_catalog(reader, root),
        *_check_elements(elements),
        *_check_tables(elements),
        *_check_headings(elements),
        *_check_marks(reader, elements),
    ]


def _check_catalog(reader: PdfReader, root: Any) -> Iterator[str]:
    xmp = root["/Metadata"].get_object().get_data().decode() if "/Metadata" in root else ""
    if not re.search(r"pdfuaid:part(>|=.)1", xmp):
        yield "5: no PDF/UA identifier"
    if not re.search(r"pdfaid:part(>|=.)2", xmp):
        yield "PDF/A: no identifier"
    if not re.search(r"<dc:title>.*?<rdf:li[^>]*>[^<]+<", xmp, re.DOTALL):
        yield "7.1: no title in the metadata"
    if not is_true(root.get("/MarkInfo", {}).get("/Marked")):
        yield "7.1: not marked"
    if is_true(root.get("/MarkInfo", {}).get("/Suspects")):
        yield "7.1: suspects"
    if not is_true(root.get("/ViewerPreferences", {}).get("/DisplayDocTitle")):
        yield "7.1: the title is not displayed"
    if not (reader.metadata and reader.metadata.title):
        yield "7.1: no title"
    if not str(root.get("/Lang", "")).lower().startswith("fr"):
        yield "7.2: not in French"
    for number, page in enumerate(reader.pages, 1):
        if "/Annots" in page and page.get("/Tabs") != "/S":
            yield f"7.18: tabs of page {number} do not follow the structure"


def is_true(value: Any) -> bool:
    """True for the true of a PDF; pypdf's false is true to Python, as any object is."""
    return isinstance(value, BooleanObject) and value.value is True


def walk(reader: PdfReader) -> Iterator[Element]:
    """Every element of the tree, in the order of reading."""
    root: Any = reader.trailer["/Root"]
    tree = root.get("/StructTreeRoot")
    if tree is None:
        return
    roles = tree.get("/RoleMap", {})
    pages = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages)}  # type: ignore[union-attr]
    yield from _walk(tree.get("/K"), "", None, roles, pages)


def _walk(node: Any, parent: str, page: int | None, roles: Any, pages: dict[int, int]) -> Iterator[Element]:
    node = node.get_object() if isinstance(node, IndirectObject) else node
    if isinstance(node, ArrayObject):
        for one in node:
            yield from _walk(one, parent, page, roles, pages)
    if not isinstance(node, DictionaryObject) or "/S" not in node:
        return
    kind = str(node["/S"])
    for _ in range(8):  # a role may stand for another
        kind = str(roles.get(kind, kind))
    here = pages.get(node.raw_get("/Pg").idnum, page) if "/Pg" in node else page
    yield Element(
        kind,
        parent,
        node.get("/K"),
        str(node.get("/Alt", "")),
        _read(node),
        tuple(_list_places(node, here, pages)),
    )
    yield from _walk(node.get("/K"), kind, here, roles, pages)


def _read(node: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    attributes = node.get("/A", ())
    for one in attributes if isinstance(attributes, ArrayObject) else [attributes]:
        held = one.get_object() if isinstance(one, IndirectObject) else one
        if isinstance(held, DictionaryObject):
            found |= {str(name): str(value) for name, value in held.items()}
    return found


def _list_places(node: Any, page: int | None, pages: dict[int, int]) -> Iterator[tuple[int, int]]:
    kids = node.get("/K", ())
    for kid in kids if isinstance(kids, ArrayObject) else [kids]:
        held = kid.get_object() if isinstance(kid, IndirectObject) else kid
        if isinstance(held, int) and page is not None:
            yield page, int(held)
        elif isinstance(held, DictionaryObject) and "/MCID" in held:
            at = pages.get(held.raw_get("/Pg").idnum, page) if "/Pg" in held else page
            if at is not None:
                yield at, int(held["/MCID"])


def _check_elements(elements: list[Element]) -> Iterator[str]:
    if not elements:
        yield "7.1: no structure"
    for one in elements:
        if one.kind not in STANDARD:
            yield f"7.1: {one.kind} is no standard type"
        if one.kind in INSIDE and one.parent not in INSIDE[one.kind]:
            yield f"7.5: {one.kind} inside {one.parent}"
        if one.kind == "/Figure" and len(one.alt.strip()) < 10:
            yield "7.3: a figure without a text"
        if one.kind == "/Figure" and "/BBox" not in one.attributes:
            yield "7.3: a figure without its box"


def _check_tables(elements: list[Element]) -> Iterator[str]:
    for one in elements:
        if one.kind == "/TH" and one.attributes.get("/Scope") not in ("/Column", "/Row", "/Both"):
            yield "7.5: a heading cell without a scope"
    tables = sum(one.kind == "/Table" for one in elements)
    heads = sum(one.kind == "/THead" for one in elements)
    if tables != heads or (tables and not any(one.kind == "/TH" for one in elements)):
        yield f"7.5: {tables} tables, {heads} of them with headings"


def _check_headings(elements: list[Element]) -> Iterator[str]:
    levels = [int(found[1]) for one in elements if (found := HEADING.fullmatch(one.kind))]
    if not levels or levels[0] != 1:
        yield "7.4: the first heading is not of level 1"
    if any(after > before + 1 for before, after in pairwise(levels)):
        yield f"7.4: a level of heading is left out: {levels}"


def _check_marks(reader: PdfReader, elements: list[Element]) -> Iterator[str]:
    """Everything that is painted belongs to the tree or is said to be decoration."""
    told = [place for one in elements for place in one.places]
    if len(set(told)) != len(told):
        yield "7.1: a content is told twice"
    seen: set[tuple[int, int]] = set()
    for number, page in enumerate(reader.pages):
        unmarked = 0
        for inside, mark in _read_marks(page, reader):
            unmarked += not inside
            if mark is not None:
                seen.add((number, mark))
        if unmarked:
            yield f"7.1: {unmarked} things painted on page {number + 1} are neither content nor decoration"
    if lost := seen - set(told):
        yield f"7.1: {len(lost)} marked contents are not in the structure"
    if missing := set(told) - seen:
        yield f"7.1: the structure tells {len(missing)} contents that are on no page"


def _read_marks(page: Any, reader: PdfReader) -> Iterator[tuple[bool, int | None]]:
    """For each thing painted, whether it is marked, and with which number when it is content."""
    open_marks: list[tuple[str, int | None]] = []
    for operands, operator in ContentStream(page.get_contents(), reader).operations:
        if operator in (b"BMC", b"BDC"):
            held = operands[1] if len(operands) > 1 else None
            number = held.get("/MCID") if isinstance(held, DictionaryObject) else None
            open_marks.append((str(operands[0]), None if number is None else int(number)))
        elif operator == b"EMC":
            open_marks.pop()
        elif operator in PAINTING:
            marks = [mark for _, mark in open_marks if mark is not None]
            decoration = any(name == "/Artifact" for name, _ in open_marks)
            yield decoration or bool(marks), marks[-1] if marks and not decoration else None
