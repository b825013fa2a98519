"""The light client's page: lines read as the application writes them, odd ones never guessed."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from html import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import RequestFailed
from nonreg.probes.client_page import LatestValue, parse_latest

HEAD = '<table id="dernieres"><thead><tr><th>Station</th></tr></thead><tbody>'
LABELS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=30)


def make_page(*cells: str) -> str:
    row = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    return (
        f"<!doctype html><table><tr><td>menu</td></tr></table>{HEAD}<tr>{row}</tr></tbody></table><p>fin</p>"
    )


@given(LABELS, st.decimals(-99999, 99999, places=3))
def test_a_line_comes_back_with_any_label_and_value(label: str, value: Decimal) -> None:
    page = make_page("V714401001", label, "H", "2026-11-23 14:05:00", f"{value:f}", "OK")
    assert parse_latest(page) == (
        LatestValue("V714401001", label, "H", datetime.fromisoformat("2026-11-23T14:05:00"), value, "OK"),
    )


def test_dashes_are_missing_values() -> None:
    found = parse_latest(make_page("V714401001", "Le Gard", "RR", "–", "–", "MANQUANTE"))
    assert (found[0].at, found[0].value) == (None, None)


def test_a_page_without_lines_has_no_values() -> None:
    assert parse_latest(HEAD + "</tbody></table>") == ()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<p>Session expirée</p>", "pas de tableau"),
        (make_page("V714401001", "Le Gard"), "2 cellules"),
        (make_page("V714401001", "x", "H", "hier", "1", "OK"), "Heure illisible"),
        (make_page("V714401001", "x", "H", "2026-11-23 14:05:00", "1,5", "OK"), "Valeur illisible"),
        (make_page("V714401001", "x", "H", "2026-11-23 14:05:00", "NaN", "OK"), "Valeur illisible"),
    ],
)
def test_an_odd_page_is_refused_in_words(page: str, words: str) -> None:
    with pytest.raises(RequestFailed, match=words):
        parse_latest(page)
