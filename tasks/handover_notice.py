"""« avis_scv »: the notice to the SCV, prepared for the titulaire to send; the tool sends nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from nonreg.handover.activation import load_table
from nonreg.handover.checks import CheckResult, Point
from nonreg.handover.notice import CHANNEL, check_notice, make_notice
from nonreg.handover.runbook_file import read_facts
from nonreg.model.handover import Execution, Step
from reports.notice import SENDER, build_notice
from tasks.handover_production import Production, render
from tasks.handover_work import Work

TITLE = "Avis au SCV, à relire et à envoyer par le titulaire"


def prepare_notice(work: Work, execution: Execution, step: Step) -> Production:
    """The notice, unless it could no longer be one."""
    at = datetime.now(UTC)
    reason = load_table().find_reason(execution.runbook.id)
    wrong = check_notice(execution, reason, at)
    if not all(point.ok for point in wrong):
        return Production(CheckResult(wrong))
    notice = make_notice(execution, reason, read_facts(work.people.file.parent))
    points = (
        *wrong,
        Point("Motif", True, notice.reason),
        *(Point(one.label, True, one.value or "n.d. : non renseigné") for one in notice.dates),
        Point("Expéditeur et interlocuteur", True, SENDER),
        Point("Canal", True, notice.channel or f"n.d. : le site ne dit pas « {CHANNEL} »"),
    )
    document = build_notice(notice, execution, at)
    return Production(CheckResult(points), render(step, "avis-scv", TITLE, document, at))
