"""The figures of a pack for a spreadsheet, as CSV and as XLSX: nothing that is typed somewhere becomes a formula there.

A text that begins like one (= + - @, a tab, a line end, or their wide forms) gets an apostrophe before it, in both:
what is opened in one may be saved as the other. Numbers are numbers. CSV is what a French spreadsheet expects:
semicolons, decimal commas, UTF-8 with its mark.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import TypeAlias

from nonreg.model.steering import Pack, Proof
from reports import text
from reports.text import NOT_KNOWN, PARIS

Value: TypeAlias = "str | float | None"
Columns: TypeAlias = tuple[tuple[str, int], ...]
LEADING = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "＝", "＋", "－", "＠")
MOMENT = timedelta(microseconds=1)  # the last day is in the period
MOST_CHARACTERS = 32_000  # of a cell, for a spreadsheet
FIGURES = (
    ("Indicateur", 28),
    ("Ligne", 36),
    ("Colonne", 24),
    ("Valeur", 10),
    ("Unité", 9),
    ("Valeur précédente", 12),
    ("Évolution", 10),
    ("Précision", 36),
    ("n.d. parce que", 36),
    ("Du", 11),
    ("Au", 11),
    ("Source", 50),
    ("Preuves", 50),
)
WATCHED = (
    ("Liste", 30),
    ("Sujet", 60),
    ("Échéance", 17),
    ("Porteur", 24),
    ("Ticket", 10),
    ("État", 36),
    ("Source", 40),
)
TICKETS = (
    ("Ticket", 12),
    ("Type", 20),
    ("Gravité", 14),
    ("Ouvert le", 17),
    ("Première réponse le", 17),
    ("Clos le", 40),
    ("Rouvert le", 40),
)
HOURS = (("Jour", 11), ("Ticket", 12), ("Heures", 9), ("Activité", 30), ("Compte pour le forfait", 12))


def write_csv(pack: Pack) -> str:
    """Return every figure, then every value of the series, a line each."""
    return _write_csv(FIGURES, list_figures(text.make_printable(pack)))


def write_tickets(pack: Pack) -> str:
    """Return the tickets that were counted."""
    return _write_csv(TICKETS, list_tickets(text.make_printable(pack)))


def write_hours(pack: Pack) -> str:
    """Return the hours that were counted."""
    return _write_csv(HOURS, list_hours(text.make_printable(pack)))


def _write_csv(columns: Columns, rows: Iterable[tuple[Value, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([title for title, _ in columns])
    for row in rows:
        writer.writerow([_write_csv_value(value) for value in row])
    return "\ufeff" + out.getvalue()


def write_xlsx(pack: Pack) -> bytes:
    """Return a workbook with the figures, what is watched and what was counted; the same pack gives the same bytes."""
    from xlsxwriter import Workbook  # slow to import, and only packs need it

    pack = text.make_printable(pack)
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with Workbook(out, options) as book:
        book.set_properties({"title": defuse(f"{pack.title}, {pack.id}"), "created": _without_zone(pack.at)})
        head = book.add_format({"bold": True, "text_wrap": True, "bottom": 1})
        plain = book.add_format({"text_wrap": True, "valign": "top"})
        for name, columns, rows in (
            ("Chiffres", FIGURES, list_figures(pack)),
            ("À suivre", WATCHED, list_watched(pack)),
            ("Tickets", TICKETS, list_tickets(pack)),
            ("Temps", HOURS, list_hours(pack)),
        ):
            sheet = book.add_worksheet(name)
            sheet.freeze_panes(1, 1)
            for place, (title, width) in enumerate(columns):
                sheet.set_column(place, place, width)
                sheet.write_string(0, place, title, head)
            last = 0
            for last, row in enumerate(rows, 1):  # the number of the last row
                for place, value in enumerate(row):
                    if isinstance(value, float):
                        sheet.write_number(last, place, value, plain)
                    else:
                        sheet.write_string(last, place, NOT_KNOWN if value is None else defuse(value), plain)
            sheet.autofilter(0, 0, last, len(columns) - 1)
    return out.getvalue()


def list_figures(pack: Pack) -> Iterator[tuple[Value, ...]]:
    """Rows under FIGURES; the moments of a series are its columns."""
    for one in pack.indicators:
        end = (_day(one.period.start), _day(one.period.end - MOMENT), one.source, _join(one.proofs))
        for figure in one.figures:
            yield (
                one.title,
                figure.row,
                figure.column,
                _number(figure.value),
                figure.unit,
                _number(figure.before),
                _number(figure.change),
                figure.detail,
                figure.missing,
                *end,
            )
        for series in one.series:
            for line in series.lines:
                for label, value in zip(series.labels, line.values, strict=True):
                    yield (
                        f"{one.title}, {series.title}",
                        line.name,
                        label,
                        _number(value),
                        "",
                        None,
                        None,
                        "",
                        "",
                        *end,
                    )


def list_watched(pack: Pack) -> Iterator[tuple[Value, ...]]:
    """Rows under WATCHED; a list that nobody told of is one line."""
    for one in pack.lists:
        if one.items is None:
            yield (one.title, None, None, None, None, None, one.source)
        for item in one.items or ():
            due = f"{item.at.astimezone(PARIS):%d/%m/%Y %H:%M}" if item.at else ""
            yield (one.title, item.title, due, item.person, item.ticket, item.state, one.source)
    for risk in pack.risks or ():
        review = f"{risk.review:%d/%m/%Y}" if risk.review else NOT_KNOWN
        state = f"probabilité {risk.probability.value}, impact {risk.impact.value} ; {risk.action}"
        yield (
            "Registre des risques",
            f"{risk.id} : {risk.title}",
            review,
            risk.owner,
            "",
            state,
            "risks.toml, date de revue",
        )


def list_tickets(pack: Pack) -> Iterator[tuple[Value, ...]]:
    """Rows under TICKETS."""
    for one in pack.tickets:
        yield (
            one.reference,
            one.kind,
            one.severity.value,
            text.format_day(one.opened_at),
            text.format_day(one.answered_at) if one.answered_at else "",
            ", ".join(map(text.format_day, one.closings)),
            ", ".join(map(text.format_day, one.reopenings)),
        )


def list_hours(pack: Pack) -> Iterator[tuple[Value, ...]]:
    """Rows under HOURS."""
    for one in pack.hours:
        counts = "oui" if one.counts else "non"
        yield (f"{one.day:%d/%m/%Y}", one.ticket, float(one.hours), one.activity, counts)


def defuse(words: str) -> str:
    """Return a text that no spreadsheet takes for a formula, of a length that it takes."""
    words = words[:MOST_CHARACTERS]
    return f"'{words}" if words.lstrip(" \u00a0\u202f").startswith(LEADING) else words


def _write_csv_value(value: Value) -> str:
    if value is None:
        return NOT_KNOWN
    return f"{value:.12g}".replace(".", ",") if isinstance(value, float) else defuse(value)


def _number(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4) + 0.0


def _join(proofs: Iterable[Proof]) -> str:
    return " ; ".join(f"{one.label} ({one.path})" if one.path else one.label for one in proofs)


def _day(at: datetime) -> str:
    return f"{at.astimezone(PARIS):%d/%m/%Y}"


def _without_zone(at: datetime) -> datetime:
    return at.astimezone(PARIS).replace(tzinfo=None, microsecond=0)
