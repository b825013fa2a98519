"""From a judged campaign to the document that HTML and PDF both set."""

from __future__ import annotations

import hashlib

from nonreg.model import CampaignReport
from reports import closing, details, drills, gaps, history, labels, reference, reserves, summary, text
from reports.case import join_cases
from reports.document import Document
from reports.source import render_json

TITLE = "Rapport de tests de non-régression (A.2)"
STATUS = "Brouillon"


def build_document(report: CampaignReport, source: str = "") -> Document:
    """Return the A.2 report in French; everything that comes from the platform is made printable first.

    `source` is the report as JSON, where it has been written already.
    """
    source = source or render_json(report)
    source_sha256 = hashlib.sha256(source.encode()).hexdigest()
    if not text.is_printable(source):
        report = text.make_printable(report)
    cases = join_cases(report)
    plan, assessment = report.run.plan, report.assessment
    version = text.known(plan.platform.application_version)
    return Document(
        title=TITLE,
        status=STATUS,
        subject=text.shorten(f"{text.known(plan.platform.title)}, version {version}", 160),
        run_id=text.shorten(plan.run_id, 60, "…"),
        generated=text.format_moment(report.generated_at),
        alerts=summary.describe_alerts(report),
        verdict=labels.VERDICTS[assessment.verdict],
        conclusion=reserves.say_conclusion(report, cases),
        reasons=summary.shorten_reasons(assessment.reasons),
        sections=(
            summary.describe_metadata(report),
            summary.summarise(report, cases),
            reference.compare_with_baseline(report, cases),
            history.tell_history(report, cases),
            details.describe_scope(report),
            *details.detail_results(report, cases),
            *gaps.detail_gaps(cases),
            details.check_high_availability(cases),
            *drills.tell_drills(report, cases),
            details.describe_environment(report),
            closing.list_guards(report),
            closing.conclude(report, cases),
            closing.list_annexes(report, source_sha256),
            closing.leave_visas(),
        ),
        source_sha256=source_sha256,
    )
