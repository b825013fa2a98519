"""A whole pack: its id, and each figure against that of the last pack of the same kind. Pure."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime

from nonreg.model.steering import Figure, Indicator, Pack, PackKind

KIND = "revue"  # of its lines in the ledger
FOLDER = "revues"
JSON, HTML, PDF, CSV, XLSX = "revue.json", "revue.html", "revue.pdf", "chiffres.csv", "chiffres.xlsx"
TICKETS, HOURS = "tickets.csv", "temps.csv"  # what was counted


def name_pack(kind: PackKind, at: datetime, mark: str) -> str:
    """`HEBDO-20261130T070000Z-3fa1c2`."""
    return f"{kind.value.upper()}-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{mark}"


def blank(indicator: Indicator, why: str) -> Indicator:
    """The indicator with nothing known, for a source that told nothing: never zeros."""
    figures = (dataclasses.replace(one, value=None, missing=why, detail="") for one in indicator.figures)
    return dataclasses.replace(indicator, figures=tuple(figures), series=(), proofs=(), warnings=())


def compare_packs(pack: Pack, last: Pack | None) -> Pack:
    """The pack with what each figure was in the last one; the same when there is none."""
    if last is None:
        return pack
    known = {
        (indicator.id, figure.row, figure.column): figure
        for indicator in last.indicators
        for figure in indicator.figures
    }

    def look_back(indicator: Indicator, figure: Figure) -> Figure:
        before = known.get((indicator.id, figure.row, figure.column))
        same = before is not None and before.unit == figure.unit
        return dataclasses.replace(figure, before=before.value if before is not None and same else None)

    indicators = tuple(
        dataclasses.replace(one, figures=tuple(look_back(one, figure) for figure in one.figures))
        for one in pack.indicators
    )
    return dataclasses.replace(pack, indicators=indicators, previous=last.id)
