"""What every document of the contract shares: empty fields that are seen, who sends it, its status, its visas."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from nonreg.model.documents import DocumentStatus, Head
from reports import text
from reports.document import Cell, Column, Document, Paragraph, Prose, Section, Span, Table
from reports.notice import ADDRESSEE, SENDER

TO_FILL = "[à compléter]"
MAX_CHARACTERS, MAX_CELL = 8_000, 2_000
REST = "… [suite dans projet.toml]"
ROWS_ON_PAPER = 400
BLANKS_NAMED = 6
DRAFT = "Brouillon"
UNSIGNED = frozenset({"suivi", "visas"})  # what becomes of a document, which no signature covers
NO_RECORD = "Ce document ne vaut ni procès-verbal, ni validation par la maîtrise d'ouvrage."


def cut(words: str, limit: int = MAX_CHARACTERS) -> str:
    """At most so many characters of a text, which says that it goes on; one that was cut so already stays."""
    return words if len(words) <= limit + len(REST) else words[:limit].rstrip() + REST


def say(value: Any, limit: int = MAX_CHARACTERS) -> str:
    """A value of a draft in words; what is still to be filled in stays visible."""
    if isinstance(value, datetime):
        return text.format_moment(value)
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    if isinstance(value, tuple):
        return cut(" ; ".join(str(one) for one in value if str(one).strip()), limit) or TO_FILL
    words = str(value).strip()
    return cut(words, limit) if words else TO_FILL


def show(value: Any, *, optional: bool = False) -> Cell:
    """A value in a cell; an optional one that is empty is a dash."""
    words = say(value, MAX_CELL)
    if words != TO_FILL:
        return Cell(words)
    return Cell("—") if optional else Cell(TO_FILL, "!", "warn")


def list_pairs(value: Any, *names: str) -> tuple[tuple[str, str], ...]:
    """Fields of a draft with their own words; optional ones that are empty are left out."""
    fields = {one.name: one.metadata for one in dataclasses.fields(value)}
    pairs = (
        (str(fields[name]["label"]), say(getattr(value, name)), fields[name]["optional"]) for name in names
    )
    return tuple((label, words) for label, words, optional in pairs if not optional or words != TO_FILL)


def list_paragraphs(value: Any, *names: str) -> tuple[Prose, ...]:
    """Fields that hold sentences, one below the other in the whole width."""
    return tuple(
        Prose((Span(f"{label} : ", "strong"), Span(words))) for label, words in list_pairs(value, *names)
    )


def tabulate(caption: str, rows: Iterable[Any], columns: Iterable[tuple[str, str, int]], empty: str) -> Table:
    """Rows of a draft as a table: (field, title, weight) a column."""
    chosen, all_rows = tuple(columns), tuple(rows)
    kinds = {one.name: one.metadata for one in dataclasses.fields(all_rows[0])} if all_rows else {}
    return Table(
        caption,
        tuple(Column(title, weight) for _, title, weight in chosen),
        tuple(
            tuple(show(getattr(row, name), optional=kinds[name]["optional"]) for name, _, _ in chosen)
            for row in all_rows
        ),
        empty=empty,
    )


def describe_head(head: Head, *more: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """Who sends what to whom: the titulaire alone (R01, R75)."""
    return (
        ("De", SENDER),
        ("À", ADDRESSEE),
        ("Document", head.id),
        ("Ticket", head.ticket),
        ("Plateforme", head.platform),
        *more,
    )


def describe_content(document: Document) -> Any:
    """All that a document says and that a signature covers, as plain JSON values."""
    signed = tuple(one for one in document.sections if one.anchor not in UNSIGNED)
    return _plain((document.title, document.subject, document.run_id, signed))


def goes_on(content: Any) -> bool:
    """True for a content that does not say all: the rest of a text is in the draft alone."""
    if isinstance(content, dict):
        return any(map(goes_on, content.values()))
    return (
        any(map(goes_on, content))
        if isinstance(content, list)
        else isinstance(content, str) and REST in content
    )


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {one.name: _plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    return [_plain(one) for one in value] if isinstance(value, tuple) else value


def dress(document: Document, blanks: tuple[str, ...], status: DocumentStatus) -> Document:
    """The document with its status, what is still to be filled in, and its visas, as the signature makes them."""
    alerts = list(document.alerts)
    if blanks:
        count = text.plural(len(blanks), "renseignement à compléter", "renseignements à compléter")
        # They are told one after the other with commas: « Corrections n° 2, version » has one of its own.
        told = [text.go_on(one).replace(", ", " : ") for one in blanks]
        names = text.name_ids(told, BLANKS_NAMED, "signalés plus bas")
        alerts.insert(0, Paragraph(f"{count} : {names}.", "warn", "!"))
    if status.problem:
        alerts.insert(0, Paragraph(status.problem, "ko", "✗"))
    sections = tuple(one for one in document.sections if one.anchor != "visas")
    return replace(
        document,
        status=say_status(status),
        alerts=tuple(alerts),
        sections=(*sections, show_visas(status)),
    )


def say_status(status: DocumentStatus) -> str:
    """Draft, or validated and in which version."""
    return f"Validé, version {status.validation.version}" if status.validation else DRAFT


def show_visas(status: DocumentStatus) -> Section:
    """Visas: empty but for the signature that exists."""
    titles = ("Visa", "Rôle", "Par", "Date", "Signature")
    columns = tuple(Column(title, weight) for title, weight in zip(titles, (14, 16, 20, 22, 28), strict=True))
    blank = (Cell(""),) * 4
    last = blank
    one = status.validation
    if one is not None:
        signature = f"décision {one.decision}, registre ligne {one.sequence}, clé {one.key}"
        last = (Cell("titulaire"), Cell(one.person), Cell(text.format_moment(one.at)), Cell(signature))
    rows = tuple(
        (Cell(name), *cells) for name, cells in (("Rédigé", blank), ("Vérifié", blank), ("Validé", last))
    )
    caption = "Visas" if one else "À remplir ; seule la signature du titulaire valide"
    return Section("visas", "Visas", (Table(caption, columns, rows, form=True), Paragraph(NO_RECORD)))
