"""All the forms together: same value, same bytes; and no text can break any of them."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from nonreg.model import (
    Basis,
    CampaignReport,
    Cause,
    Change,
    Difference,
    Evidence,
    Fact,
    Finding,
    Gap,
    GuardResult,
    GuardStatus,
    History,
    LimitChange,
    LogExcerpt,
    Measure,
    MeasureHistory,
    NatureCount,
    Outcome,
    Scenario,
    ScenarioHistory,
    ScenarioResult,
    Slowdown,
    Triage,
    Waiver,
)
from reports.render import render_all
from tests.report_past_samples import past_runs, promoted_baseline, regression_report
from tests.report_samples import green_report, interrupted_report, refused_report, rich_report
from tests.test_reports_html import Page

NASTY = st.one_of(
    st.text(alphabet=st.characters(), max_size=60),  # lone surrogates included
    st.text(alphabet="<>&\"'#$*_`@\\[]{}%=-/ab", max_size=60),
    st.text(alphabet="a\x00\x07\x1b\x1f\x7f\x85\r\n\t\u2028\u202e\ud800\udfff\ufffe", max_size=60),
    st.text(alphabet="ab01/_=+", min_size=80, max_size=300),
    st.text(alphabet="e\u0301\u0327ا中\u200d😀\ufe0f\U000e0041", max_size=30),
)


@pytest.mark.parametrize(
    "make", [green_report, rich_report, interrupted_report, refused_report, regression_report]
)
def test_the_same_report_gives_the_same_bytes(make: object) -> None:
    assert callable(make)
    assert render_all(make()) == render_all(make())


def test_the_pdf_is_dated_from_the_report_and_not_from_the_clock() -> None:
    report = replace(green_report(), generated_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))
    metadata = PdfReader(io.BytesIO(render_all(report).pdf)).metadata
    assert metadata is not None
    assert metadata.creation_date == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_html_and_pdf_name_the_source_they_were_made_from() -> None:
    rendered = render_all(rich_report())
    source = hashlib.sha256(rendered.json.encode()).hexdigest()
    assert source in rendered.html
    pages = PdfReader(io.BytesIO(rendered.pdf)).pages
    assert source in "".join("".join(page.extract_text().split()) for page in pages)


@settings(max_examples=60)
@given(NASTY, NASTY, st.floats())
@example("<script>alert(1)</script>", "a\x00b\ud800c", float("nan"))
@example("]]>", "\r", float("-inf"))
@example("", "", 0.0)
def test_no_text_of_the_platform_can_break_a_form(one: str, two: str, value: float) -> None:
    rendered = render_all(spoil_report(one, two, value))
    json.loads(rendered.json.encode())
    page = Page(rendered.html)
    rendered.html.encode()
    assert page.faults == []
    assert not {"script", "img"} & {tag for tag, _ in page.tags}
    assert ElementTree.fromstring(rendered.junit.encode()).tag == "testsuites"
    assert "Validé" in PdfReader(io.BytesIO(rendered.pdf)).pages[-1].extract_text()


def spoil_report(one: str, two: str, value: float) -> CampaignReport:
    """Return a small report where every text comes from outside."""
    report = green_report()
    plan = report.run.plan
    base = plan.scenarios[0]
    scenarios = (
        Scenario(f"A{one}", two, base.family, base.criticality, base.effect, 1.0, (one, two)),
        replace(base, id=f"B{two}", title=one),
        base,
    )
    gap = Gap(one, two, one, (one, two), ((two, one), (one,), ()), 30)
    evidence = (Evidence(one, two, one),)
    slow = (Slowdown(one, value, two, value, value, 8),)
    expiry = plan.created_at
    waivers = (
        Waiver(f"A{one}", one, two, one, two, expiry, one),
        Waiver(two, two, one, two, one, expiry + timedelta(days=1), two),
    )
    measures = (Measure(one, value, two, None), Measure(two, value, one, value))
    results = (
        ScenarioResult(f"A{one}", Outcome.KO, two, report.run.started_at, 0.1, measures, (gap,), evidence),
        ScenarioResult(f"B{two}", Outcome.INCONCLUSIF, one),
        ScenarioResult("hors" + one, Outcome.OK, two),
    )
    findings = (
        Finding(f"A{one}", Outcome.KO, Change.REGRESSION, Outcome.OK, one, waivers[0], slow, slow),
        Finding(f"B{two}", Outcome.INCONCLUSIF, Change.UNSTABLE, None, two),
    )
    texts = {"title": one, "name": two, "application_version": one, "dataset": two, "sites": (one, two)}
    plan = replace(
        plan,
        **dict.fromkeys(("run_id", "ticket", "selection", "tool_commit", "command"), one),
        **dict.fromkeys(("campaign_id", "operator", "tool_version"), two),
        platform=replace(plan.platform, **texts),
        scenarios=scenarios,
    )
    run = replace(
        report.run,
        plan=plan,
        results=results,
        facts=(Fact(one, two, one), Fact("Périmètre", two, one)),
        guards=(GuardResult(one, two, GuardStatus.REFUSED, one),),
        interruption=two,
    )
    return replace(
        report,
        run=run,
        assessment=replace(
            report.assessment,
            reasons=(one, two),
            findings=findings,
            removed=(one, two),
            limit_changes=(LimitChange(one, value, None), LimitChange(two, value, value)),
            reference_changes=(one, two),
            machine_factor=value,
        ),
        counts=(NatureCount(one, 1, 1, 0, 0, two),),
        tickets=(one, two),
        basis=spoil_basis(one, two, value, waivers),
        triage=(
            Triage(
                f"A{one}", one, Cause.BANC_DE_TEST, (one, two), two, None,
                (Difference(one, two, one, two),), (LogExcerpt(one, (two, one)),), two,
            ),
        ),
    )  # fmt: skip


def spoil_basis(one: str, two: str, value: float, waivers: tuple[Waiver, ...]) -> Basis:
    """Return a basis where every text comes from outside."""
    texts = ("platform", "run_id", "decision", "person", "sha256")
    baseline = replace(
        promoted_baseline(),
        **dict.fromkeys(texts, one),
        **dict.fromkeys(("application_version", "dataset", "ticket", "reason"), two),
    )
    runs = tuple(
        replace(run, run_id=one, application_version=two, ticket=one, duration_seconds=value)
        for run in past_runs(3)
    )
    history = History(
        runs,
        (ScenarioHistory(f"A{one}", one, (value, 1.0, None)), ScenarioHistory(f"B{two}", "KO", ())),
        (MeasureHistory(f"A{one}", one, two, (value, 1.0, 2.0)),),
    )
    return Basis(baseline, waivers, history, (), ((one, two),))
