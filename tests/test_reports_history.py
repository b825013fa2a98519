"""Chapter 1ter and its drawings: right numbers, readable without colours, the same bytes every time."""

from __future__ import annotations

import io
import itertools
import re
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader

from nonreg.model import CampaignReport, History, MeasureHistory, Outcome, ScenarioHistory
from reports import charts
from reports.document import Chart, Charts, Matrix, Section
from reports.history import keep_last
from reports.render import render_html, render_pdf
from reports.view import build_document
from tests.report_past_samples import past_runs, regression_report
from tests.report_samples import green_report
from tests.test_reports_html import Page
from tests.test_reports_view import find_section, read_table, read_text

SVG = "{http://www.w3.org/2000/svg}"


def tell(report: CampaignReport) -> Section:
    """Return the chapter of a report."""
    return find_section(build_document(report), "historique")


def list_drawings(section: Section) -> list[Chart]:
    """Return the drawings of the chapter, in order."""
    return [chart for block in section.blocks if isinstance(block, Charts) for chart in block.items]


def find_matrix(section: Section) -> Matrix:
    """Return the matrix of the chapter."""
    (matrix,) = [block for block in section.blocks if isinstance(block, Matrix)]
    return matrix


def test_without_any_campaign_before_the_chapter_says_so() -> None:
    assert read_text(tell(green_report())) == "Aucune campagne antérieure connue."


def test_the_campaigns_are_listed_oldest_first_and_this_one_last() -> None:
    rows = read_table(tell(regression_report()), "Campagnes")
    assert len(rows) == 31
    assert rows[3] == [
        "4", "2026-03-01T2330Z-0003", "02/03/2026 00:30", "7.4.1", "KO", "48", "43", "3", "2", "00:40:51",
    ]  # fmt: skip
    assert rows[11][-1] == "n.d."
    assert rows[30][1:] == [
        "2026-03-28T2330Z-7c1e", "29/03/2026 00:30", "7.4.2", "KO", "48", "42", "2", "4", "00:42:07",
    ]  # fmt: skip


def test_only_the_last_thirty_campaigns_are_shown_and_the_others_counted() -> None:
    report = regression_report()
    runs = past_runs(34)
    history = replace(
        report.basis.history,
        runs=runs,
        scenarios=(ScenarioHistory("HD-001", "K" * 4 + "O" * 29 + "K", tuple(float(n) for n in range(34))),),
        measures=(MeasureHistory("BASE-016", "Dernières valeurs, p95", "s", tuple(map(float, range(34)))),),
    )
    section = tell(replace(report, basis=replace(report.basis, history=history)))
    rows = read_table(section, "Campagnes")
    assert [row[1] for row in rows[:-1]] == [run.run_id for run in runs[4:]]
    assert "4 autres, plus anciennes." in read_text(section)
    assert "Les 30 dernières campagnes antérieures de cette plateforme" in read_text(section)
    assert "sur ces campagnes" in find_matrix(section).note
    (cells,) = [cells for name, cells, _ in find_matrix(section).rows if name == "HD-001"]
    assert "".join(cell.sign for cell in cells) == "✓" * 29 + "✗" + "✓"


def test_a_few_campaigns_are_counted_as_all_there_were() -> None:
    report = regression_report()
    history = replace(keep_last(report.basis.history, 12), runs=past_runs(12))
    said = read_text(tell(replace(report, basis=replace(report.basis, history=history))))
    assert (
        "12 campagnes antérieures de cette plateforme, de la première montrée (n° 1) à celle-ci (n° 13)."
        in said
    )
    assert "dernières campagnes" not in said


@given(values=st.lists(st.integers(0, 100), min_size=1, max_size=3))
def test_the_names_of_levels_are_never_written_over_each_other(values: list[int]) -> None:
    levels = [charts.Level(value, f"niveau{place}") for place, value in enumerate(values)]
    chart = charts.draw_trend([1.0, 2.0], "k", "t", "d", "s", levels, small=True)
    words = ElementTree.fromstring(chart.svg).iter(f"{SVG}text")
    heights = {
        words.text: float(words.get("y", "")) for words in words if (words.text or "").startswith("niv")
    }
    ordered = [heights[level.name] for level in sorted(levels, key=lambda level: -level.value)]
    # Each is written to a tenth: two that are 9 apart may be 8.9 apart on paper.
    assert all(round(below - above, 1) >= 8.9 for above, below in itertools.pairwise(ordered))


def test_the_matrix_holds_only_what_was_not_always_good_bad_now_first() -> None:
    matrix = find_matrix(tell(regression_report()))
    assert [name for name, _, _ in matrix.rows] == [
        "APP-015", "HD-005", "BASE-003", "BASE-004", "HD-014", "APP-002", "HD-013", "APP-004",
    ]  # fmt: skip
    assert all(len(cells) == len(matrix.heads) == 31 for _, cells, _ in matrix.rows)
    assert "40 scénarios toujours bons" in matrix.note
    summary = {name: said for name, _, said in matrix.rows}
    assert summary["APP-004"] == "29 ok, 2 ko ; cette fois : ok"


def test_the_matrix_is_bounded_and_what_is_left_out_is_counted() -> None:
    report = regression_report()
    plan = report.run.plan
    past = tuple(ScenarioHistory(s.id, "K" * 30, (1.0,) * 30) for s in plan.scenarios)
    history = replace(report.basis.history, scenarios=past)
    matrix = find_matrix(tell(replace(report, basis=replace(report.basis, history=history))))
    assert len(matrix.rows) == 40
    assert "et 8 autres scénarios moins souvent" in matrix.note


def test_a_matrix_cell_has_its_word_for_those_who_do_not_see_its_sign() -> None:
    html = render_html(regression_report())
    cell = '<td role="cell" class="ko" title="KO"><span aria-hidden="true">✗</span><span class="unseen">KO</span></td>'
    assert html.count(cell) == 28 + 2
    assert 'APP-004<span class="unseen"> (29 ok, 2 ko ; cette fois : ok)</span>' in html


def test_rows_shorter_than_the_campaigns_are_squared_and_never_shift_a_campaign() -> None:
    runs = past_runs(3)
    kept = keep_last(History(runs, (ScenarioHistory("A", "KO", (1.0, 2.0)),), ()))
    assert kept.scenarios[0].outcomes == "KO-"
    kept = keep_last(History(runs, (ScenarioHistory("A", "KOK", (1.0, 2.0, 3.0)),), ()), 2)
    assert kept.scenarios[0] == ScenarioHistory("A", "OK", (2.0, 3.0))
    assert kept.runs == runs[1:]


def test_slow_measures_are_drawn_first_with_median_and_bound_then_what_changed() -> None:
    section = tell(regression_report())
    titles = [chart.title for chart in list_drawings(section)]
    assert titles[:4] == [
        "Verdict et scénarios par campagne",
        "Durée des campagnes",
        "BASE-016, Dernières valeurs, p95",
        "BASE-003, Durée du scénario",
    ]
    slow = list_drawings(section)[2]
    assert (
        slow.description == "Plus lent. Cette fois : 0,912\u00a0s. Médiane 0,402\u00a0s, borne 0,603\u00a0s."
    )
    rows = read_table(section, "Scénarios qui ont changé ou ralenti")
    assert [row[0] for row in rows] == [title.split(",")[0] for title in titles[2:]]
    assert rows[0][2:] == ["29", "0,352\u00a0s", "0,402\u00a0s", "0,88\u00a0s", "0,912\u00a0s"]


def test_every_drawing_has_a_title_and_a_description_that_its_role_refers_to() -> None:
    page = Page(render_html(regression_report()))
    drawings = [attributes for tag, attributes in page.tags if tag == "svg"]
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert len(drawings) == 9
    for drawing in drawings:
        assert drawing["role"] == "img"
        assert set((drawing["aria-labelledby"] or "").split()) <= set(ids)


def test_the_drawings_of_the_pdf_have_their_words_as_alternative() -> None:
    root: Any = PdfReader(io.BytesIO(render_pdf(regression_report()))).trailer["/Root"]
    found: list[str] = []
    _collect_alternatives(root["/StructTreeRoot"], found)
    expected = [f"{c.title}. {c.description}" for c in list_drawings(tell(regression_report()))]
    assert found == expected


def _collect_alternatives(node: Any, found: list[str]) -> None:
    node = node.get_object()
    if isinstance(node, list):
        for child in node:
            _collect_alternatives(child, found)
    elif isinstance(node, dict):
        if "/Alt" in node:
            found.append(str(node["/Alt"]))
        if "/K" in node:
            _collect_alternatives(node["/K"], found)


def test_bars_are_told_apart_without_colour_and_add_up() -> None:
    bars = [charts.Bar("1", "✓", 0, 0, 100), charts.Bar("2", "✗", 1, 20, 79)]
    root = ElementTree.fromstring(charts.draw_bars(bars, "k", "t", "d").svg)
    boxes = [box for box in root.iter(f"{SVG}rect") if float(box.attrib["y"]) < 145]
    assert len({box.attrib["fill"] for box in boxes}) == 3
    assert sum(1 for _ in root.iter(f"{SVG}path")) == 2  # stripes of the doubtful part, and of its legend
    heights = [float(box.attrib["height"]) for box in boxes]
    assert heights[0] == pytest.approx(sum(heights[1:]), abs=0.2)
    assert heights[1] >= 2  # one failure in a hundred is seen


def test_a_value_that_is_not_known_leaves_a_gap_in_the_line() -> None:
    svg = charts.draw_trend([1.0, 2.0, None, 3.0, float("nan"), 2.0], "k", "t", "d").svg
    (path,) = [p.attrib["d"] for p in ElementTree.fromstring(svg).iter(f"{SVG}path")]
    assert re.findall("[ML]", path) == ["M", "L", "M", "M"]


@given(
    st.lists(st.none() | st.floats(), max_size=40),
    st.lists(st.floats(), max_size=2),
    st.text(alphabet="<>&\"'ab]", max_size=10),
    st.booleans(),
)
def test_any_values_give_a_drawing_that_stays_in_its_frame(
    values: list[float | None], levels: list[float], words: str, small: bool
) -> None:
    lines = [charts.Level(value, "niveau") for value in levels]
    chart = charts.draw_trend(values, "k", words, words, "s", lines, small)
    assert chart == charts.draw_trend(values, "k", words, words, "s", lines, small)
    root = ElementTree.fromstring(chart.svg)
    width, height = float(root.attrib["width"]), float(root.attrib["height"])
    for dot in root.iter(f"{SVG}circle"):
        assert 0 <= float(dot.attrib["cx"]) <= width
        assert 0 <= float(dot.attrib["cy"]) <= height
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (title.text or "") == words


def test_the_history_does_not_change_what_is_said_of_this_campaign() -> None:
    report = regression_report()
    bare = replace(report, basis=replace(report.basis, history=History()))
    for anchor in ("synthese", "baselines", "ecarts", "conclusion"):
        assert find_section(build_document(bare), anchor) == find_section(build_document(report), anchor)


def test_a_letter_that_nobody_knows_is_shown_as_not_planned_and_not_as_good() -> None:
    report = regression_report()
    past = (ScenarioHistory("HD-001", "Z" * 30, (1.0,) * 30),)
    history = replace(report.basis.history, scenarios=past)
    matrix = find_matrix(tell(replace(report, basis=replace(report.basis, history=history))))
    (cells,) = [cells for name, cells, _ in matrix.rows if name == "HD-001"]
    assert {cell.text for cell in cells} == {"Non prévu", Outcome.OK.value}
