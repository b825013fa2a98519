"""What a comparison found, in sentences and rows that people read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from nonreg.comparison.compare import Comparison
from nonreg.comparison.differences import Difference, Row, changed_columns
from nonreg.wording import plural

# Names and addresses of people stay where they are: a short hash stands for them. SQL Server takes names in any case.
PERSONAL = {"cfg.operateur": frozenset({"ope_nom", "ope_tel", "ope_mail"})}
WHOLE = "(ligne entière)"
HEADINGS = ("écart", "clé", "colonne", "gauche", "droite")


def tell_comparison(found: Comparison) -> str:
    """One sentence."""
    left, right = found.places
    rows = plural(found.left_rows, "ligne", "lignes")
    if found.left_rows != found.right_rows:
        rows += f" sur {left}, {found.right_rows} sur {right}"
    if found.bound:
        rows += f", {found.bound.column} jusqu'à {show(found.bound.upto, found.table, found.bound.column)}"
    again = f", reprise après {plural(found.resumed, 'tranche', 'tranches')}" if found.resumed else ""
    if any(found.left_out):
        names = ", ".join(name for side in found.left_out for name in side)
        again += f", sans {names}, qu'un seul côté a"
    if found.is_equal:
        return f"{found.table} : identique sur {left} et {right} ({rows}{again})."
    named = plural(len(found.differences), "ligne diffère", "lignes diffèrent")
    more = ""
    if found.more:  # rows of a side: one that was changed is one of each
        more = f", et {plural(found.more, 'autre', 'autres')} sans détail, les deux côtés additionnés"
    return f"{found.table} : {named}{more} ({rows}{again})."


def list_rows(found: Comparison) -> Iterator[tuple[str, ...]]:
    """A row for each column that differs, one for each row that a side has not, under HEADINGS."""
    for difference in found.differences:
        head = (str(difference.kind), show_key(found, difference))
        if difference.left is None or difference.right is None:
            sides = (show_row(found, row) for row in (difference.left, difference.right))
            yield (*head, WHOLE, *sides)
            continue
        for name, *values in changed_columns(difference, found.columns):
            yield (*head, name, *(show(value, found.table, name) for value in values))


def show_row(found: Comparison, row: Row | None) -> str:
    """A whole row without its key; empty for none."""
    if row is None:
        return ""
    values = list(zip(found.columns, row, strict=True))[len(found.key) :]
    return ", ".join(f"{name} = {show(value, found.table, name)}" for name, value in values) or "présente"


def show_key(found: Comparison, difference: Difference) -> str:
    """`cap_id = 3, chr_id = 500`."""
    return ", ".join(
        f"{name} = {show(value, found.table, name)}"
        for name, value in zip(found.key, difference.key, strict=True)
    )


def show(value: Any, table: str, column: str) -> str:
    """A value as one reads it; NULL is told from an empty text."""
    if value is None:
        return "NULL"
    if column.casefold() in PERSONAL.get(table.casefold(), ()):
        return f"empreinte {hashlib.sha256(str(value).encode()).hexdigest()[:8]}"
    if isinstance(value, bool):
        return "vrai" if value else "faux"
    if isinstance(value, bytes | memoryview):
        return "0x" + bytes(value).hex()
    if isinstance(value, str):
        return f'"{value}"' if value != value.strip() or not value else value  # blanks are seen
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)
