"""Figures for spreadsheets and pages of hostile texts: nothing is a formula, nothing is markup, nothing is invented."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.model.steering import Figure, Line, Series
from reports.document import Cell, Column, Table
from reports.html import write_body, write_html
from reports.steering import build_steering_page, describe_pack
from reports.steering_charts import draw_columns
from reports.steering_figures import (
    FIGURES,
    LEADING,
    defuse,
    write_csv,
    write_hours,
    write_tickets,
    write_xlsx,
)
from tests import hostile
from tests.pages import check_page, check_pdf, read_all
from tests.steering.samples import make_pack

HOSTILE = [*hostile.HOSTILE, "A" * 100_000, "é" * 40_000]


def read_csv(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))


def read_sheets(content: bytes) -> tuple[str, str]:
    """The cells of every sheet, and the shared texts."""
    with zipfile.ZipFile(io.BytesIO(content)) as book:
        names = [one for one in book.namelist() if one.startswith("xl/worksheets/sheet")]
        sheets = "".join(book.read(one).decode() for one in sorted(names))
        return sheets, book.read("xl/sharedStrings.xml").decode()


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_becomes_a_formula_in_either_file(words: str) -> None:
    pack = make_pack(words)
    for row in (row for write in (write_csv, write_tickets, write_hours) for row in read_csv(write(pack))):
        for cell in row:
            number = re.fullmatch(r"-?[0-9]+(,[0-9]+)?", cell)
            assert number or not cell.lstrip(" \u00a0").startswith(LEADING)
            assert len(cell) < 32_767
    sheets, texts = read_sheets(write_xlsx(pack))
    assert "<f>" not in sheets
    assert "<hyperlink" not in sheets
    shown = re.findall(r"<t[^>]*>([^<]*)</t>", texts)
    assert not any(one.lstrip(" \u00a0").startswith(LEADING) for one in shown)


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_is_markup_in_the_pages(words: str) -> None:
    document = build_steering_page(make_pack(words))
    page = check_page(document)
    assert page.faults == []
    check_pdf(document)
    told = describe_pack(make_pack(words))
    assert "<script>" not in told
    assert "\x1b" not in told


@given(st.text(max_size=60))
def test_a_text_that_is_defused_starts_no_formula_and_loses_nothing(words: str) -> None:
    safe = defuse(words)
    assert not safe.lstrip(" \u00a0\u202f").startswith(LEADING)
    assert safe.removeprefix("'") == words.removeprefix("'") or safe == words


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e6, max_value=1e6))
def test_numbers_are_numbers_in_french_csv(value: float) -> None:
    rows = read_csv(write_csv(make_pack(value=value)))
    assert rows[0] == [title for title, _ in FIGURES]
    assert float(rows[1][3].replace(",", ".")) == pytest.approx(value, abs=1e-3)


def test_what_is_not_known_is_nd_everywhere_and_never_zero() -> None:
    pack = make_pack("suivi non lu", None)
    row = read_csv(write_csv(pack))[1]
    assert (row[3], row[6], row[8]) == ("n.d.", "n.d.", "suivi non lu")
    assert "n.d." in read_sheets(write_xlsx(pack))[1]
    shown = read_all(check_pdf(build_steering_page(pack)))
    assert "n.d." in shown
    assert "n.d.:suivinonlu" in shown


def test_a_figure_is_shown_with_what_it_gained_its_period_its_source_and_its_evidence() -> None:
    page = check_page(build_steering_page(make_pack()))
    shown = read_all(check_pdf(build_steering_page(make_pack())))
    for words in ("4j(−2)", "évolutiondepuisHEBDO-0", "du23/11/2026au30/11/2026", "Source:Pagelente"):
        assert words in shown
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert "../../P-1/report.html" in links


@pytest.mark.parametrize(
    "link",
    [
        "javascript:alert(1)",
        "//ailleurs.fr/x",
        "https://ailleurs.fr",
        "/etc/passwd",
        '../a" onclick="b',
        "a\nb",
    ],
)
def test_a_link_that_leads_elsewhere_is_no_link(link: str) -> None:
    table = Table(
        "Preuves", (Column("Preuve"),), ((Cell("rapport", link=link),), (Cell("ici", link="../P-1/a.html"),))
    )
    html = write_body(table)
    assert html.count("href=") == 1
    assert 'href="../P-1/a.html"' in html


def test_a_drawing_has_a_bar_for_each_value_and_none_for_what_is_not_known() -> None:
    chart = draw_columns((None, 0.0, 3.0, float("nan"), -1.0), ("a", "b", "c", "d", "e"), "k", "Titre", "Dit")
    assert chart.svg.count("<rect") == 1
    assert chart.svg.count(">n.d.<") == 3
    assert draw_columns((1.0,), ("a",), "k", "Titre", "Dit") == draw_columns(
        (1.0,), ("a",), "k", "Titre", "Dit"
    )
    assert "<rect" not in draw_columns((), (), "k", "Titre", "Dit").svg


def test_the_same_pack_gives_the_same_files() -> None:
    assert write_xlsx(make_pack()) == write_xlsx(make_pack())
    assert write_csv(make_pack()) == write_csv(make_pack())


def test_lines_of_a_volume_without_anything_are_left_out_of_the_page_and_counted() -> None:
    figures = tuple(
        Figure(name, "Clos", count) for name, count in (("Ensemble", 1.0), ("a", 0.0), ("b", 1.0))
    )
    pack = make_pack()
    indicator = replace(pack.indicators[0], figures=figures, series=())
    shown = read_all(check_pdf(build_steering_page(replace(pack, indicators=(indicator,)))))
    assert "1ligneàzéroetsansévolution" in shown


def test_a_series_of_which_nothing_is_known_is_a_sentence_and_no_empty_drawing() -> None:
    pack = make_pack()
    (indicator,) = pack.indicators
    unknown = Series(
        "KO par mois", ("nov. 26", "déc. 26"), (Line("BASE", (None, None)), Line("HD", (None, None)))
    )
    for series, drawings in ((unknown, 0), (indicator.series[0], 1)):
        one = replace(indicator, series=(series,))
        page = write_html(build_steering_page(replace(pack, indicators=(one,))))
        assert ("<svg" in page) is bool(drawings)
        assert ("KO par mois : n.d. (de nov. 26 à déc. 26)." in page) is not bool(drawings)
