"""Every form of a campaign's report, made from one value and nothing else: no clock, no disk, no network.

Another page (a `Document` built elsewhere) is set the same way: `write_html(document)`, `write_pdf(document,
created)`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from nonreg.model import CampaignReport
from reports.html import load_template, write_html
from reports.junit import write_junit
from reports.pdf import write_pdf
from reports.source import render_json
from reports.view import build_document

__all__ = [
    "Rendered",
    "prepare_rendering",
    "render_all",
    "render_html",
    "render_json",
    "render_junit",
    "render_pdf",
    "write_html",
    "write_pdf",
]


@dataclass(frozen=True, slots=True)
class Rendered:
    """The four forms; `json` is the source, the others are made to be read."""

    json: str
    html: str
    pdf: bytes
    junit: str


def render_html(report: CampaignReport) -> str:
    """Return the report as a self-contained page."""
    return write_html(build_document(report))


def render_pdf(report: CampaignReport) -> bytes:
    """Return the report as a tagged PDF."""
    return write_pdf(build_document(report), report.generated_at)


def render_junit(report: CampaignReport) -> str:
    """Return the results as JUnit XML."""
    return write_junit(report)


def prepare_rendering() -> None:
    """Do now what rendering would do when it is first asked for."""
    load_template()


def render_all(report: CampaignReport) -> Rendered:
    """Return all the forms; HTML and PDF come from the same document."""
    source = render_json(report)
    document = build_document(report, source)
    with ThreadPoolExecutor(1) as pool:  # typst, which takes longest, leaves Python to the others
        pdf = pool.submit(write_pdf, document, report.generated_at)
        html, junit = write_html(document), write_junit(report)
        return Rendered(source, html, pdf.result(), junit)
