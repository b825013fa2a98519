"""What an automatic step that produces documents gives back: what was gathered, and files that are kept as evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from nonreg.handover.checks import CheckResult
from nonreg.model.handover import Execution, Step
from reports.document import Document
from reports.html import write_html
from reports.pdf import write_pdf
from tasks.handover_work import Work


@dataclass(frozen=True, slots=True)
class Produced:
    """A file of an execution: its name, what it is, its bytes."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Production:
    """What a producing step found, and what it produced."""

    result: CheckResult
    documents: tuple[Produced, ...] = ()


Producer = Callable[[Work, Execution, Step], Production]


def render(step: Step, name: str, title: str, document: Document, at: datetime) -> tuple[Produced, ...]:
    """A document as one HTML page and as a PDF."""
    return (
        Produced(f"{step.id}-{name}.html", title, write_html(document).encode("utf-8")),
        Produced(f"{step.id}-{name}.pdf", f"{title} (PDF)", write_pdf(document, at)),
    )
