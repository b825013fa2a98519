"""What every page of the reports holds to, whatever it says: one file, well formed, structured, French, accessible."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from pypdf import PdfReader

from reports.document import Document
from reports.html import RELATIVE, write_html
from reports.pdf import write_pdf
from tests.pdf_structure import is_true
from tests.test_reports_html import Page

AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)


def check_page(document: Document) -> Page:
    """The page, when it is as it must be."""
    html = write_html(document)
    page = Page(html)
    tags = [tag for tag, _ in page.tags]
    assert page.faults == []
    assert not {"script", "link", "img", "iframe", "object", "form"} & set(tags)
    styles = "".join(re.findall("<style>.*?</style>", html, re.DOTALL)) + "".join(
        attributes.get("style") or "" for _, attributes in page.tags
    )
    assert "url(" not in styles
    assert "@import" not in styles
    links = [a[key] or "" for _, a in page.tags for key in ("src", "href", "action", "srcset") if key in a]
    anchors = [a["id"] for _, a in page.tags if "id" in a]
    inner = {link[1:] for link in links if link.startswith("#")}
    assert all(
        RELATIVE.fullmatch(link) for link in links if not link.startswith("#")
    )  # evidence beside the page
    assert inner <= set(anchors)
    assert len(set(anchors)) == len(anchors)
    assert ("html", {"lang": "fr"}) in page.tags
    assert tags.count("caption") == tags.count("table")
    assert re.search("<th[^>]*></th>", html) is None  # what heads says what it heads
    assert all("scope" in attributes for tag, attributes in page.tags if tag == "th")
    levels = [int(tag[1]) for tag in tags if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    return page


def check_pdf(document: Document) -> PdfReader:
    """The PDF, when it says that it is accessible and made to be kept: typst refuses to make another."""
    reader = PdfReader(io.BytesIO(write_pdf(document, AT)))
    root: Any = reader.trailer["/Root"]
    xmp = root["/Metadata"].get_data().decode()
    assert "pdfuaid" in xmp
    assert "pdfaid" in xmp
    assert is_true(root["/MarkInfo"]["/Marked"])
    assert root["/Lang"].startswith("fr")
    return reader


def read_all(reader: PdfReader) -> str:
    """The text of every page, blanks taken out: lines are cut anywhere."""
    return "".join("".join(page.extract_text().split()) for page in reader.pages)
