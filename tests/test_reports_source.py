"""The JSON form: the source of the others."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from nonreg.model import CampaignReport, Change, Finding, Measure, Outcome, ScenarioResult
from reports.render import render_html
from reports.source import parse_json, render_json
from tests.report_past_samples import regression_report
from tests.report_samples import green_report, interrupted_report, rich_report


def refuse_constant(name: str) -> float:
    """Fail on NaN and Infinity, which are not JSON."""
    raise ValueError(name)


@pytest.mark.parametrize(
    "report",
    [rich_report(), interrupted_report(), regression_report()],
    ids=["rich", "interrupted", "regression"],
)
def test_the_json_is_the_whole_report(report: CampaignReport) -> None:
    assert parse_json(render_json(report)) == report


def test_fields_are_in_the_order_of_the_model_and_french_is_readable() -> None:
    written = render_json(rich_report())
    fields = ["run", "assessment", "counts", "generated_at", "tickets", "basis", "triage"]
    assert list(json.loads(written)) == fields
    assert "Plateforme embarquée AQUARÉEL" in written


def test_figures_that_are_not_numbers_stay_valid_json_and_are_read_back() -> None:
    report = green_report()
    measures = (Measure("RTO", float("inf"), "s"), Measure("p95", float("nan"), "s"))
    result = ScenarioResult("BASE-001", Outcome.MESURE, measures=measures)
    report = replace(report, run=replace(report.run, results=(result,)))
    written = render_json(report)
    json.loads(written, parse_constant=refuse_constant)
    back = parse_json(written).run.results[0].measures
    assert back[0].value == float("inf")
    assert back[1].value != back[1].value


def test_a_lone_surrogate_is_replaced_and_a_nul_is_kept() -> None:
    report = green_report()
    finding = Finding("BASE-001", Outcome.OK, Change.SAME, note="a\ud800b\x00c")
    report = replace(report, assessment=replace(report.assessment, findings=(finding,)))
    written = render_json(report)
    written.encode("utf-8")
    assert parse_json(written).assessment.findings[0].note == "a\ufffdb\x00c"


def test_a_report_written_before_baselines_were_promoted_still_renders() -> None:
    old = json.loads(render_json(green_report()))
    del old["basis"], old["triage"]
    for name in ("removed", "limit_changes", "reference_changes", "machine_factor"):
        del old["assessment"][name]
    for finding in old["assessment"]["findings"]:
        del finding["waiver"], finding["slower"], finding["to_confirm"]
    for result in old["run"]["results"]:
        del result["attempt"], result["failure"]
    for name in ("limits", "catalog", "retries"):
        del old["run"]["plan"][name]
    report = parse_json(json.dumps(old))
    assert report == green_report()
    html = render_html(report)
    assert "Aucune référence promue pour cette plateforme." in html
    assert "Aucune campagne antérieure connue." in html
