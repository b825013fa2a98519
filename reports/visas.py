"""The table of visas that people fill in by hand, at the end of a page that somebody decides upon."""

from __future__ import annotations

from reports.document import Cell, Column, Section, Table


def leave_visas() -> Section:
    """Empty: a visa is given by a person, never by the tool."""
    columns = (
        Column("Visa", 20),
        Column("Rôle", 25),
        Column("Nom", 25),
        Column("Date", 14),
        Column("Signature", 16),
    )
    rows = tuple(
        (Cell(who), *(Cell("") for _ in columns[1:])) for who in ("Titulaire", "MOA (pour information)")
    )
    return Section("visas", "Visas", (Table("À remplir à la main", columns, rows, form=True),))
