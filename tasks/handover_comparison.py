"""The comparison of a renfort's campaign with the last published run of somebody else, found in the folder of runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.handover.checks import Point
from nonreg.handover.comparison import (
    RunComparison,
    choose_earlier,
    compare_runs,
    is_comparable,
    judge_comparison,
    tell_nothing_to_compare,
)
from nonreg.handover.state import Event
from nonreg.model import CampaignPlan, CampaignReport
from nonreg.model.handover import Execution
from nonreg.store import PLAN, dump_json, load_json
from tasks.handover_documents import Produced
from tasks.handover_work import Work
from tasks.publication import is_published, load_unaltered


@dataclass(frozen=True, slots=True)
class Compared:
    """What to say of it, and what is kept as evidence when there was something to compare with."""

    point: Point
    document: Produced | None = None


def compare_with_others(work: Work, execution: Execution, step_id: str, report: CampaignReport) -> Compared:
    """His run against the last one of another, of the same platform, families and version."""
    plan = report.run.plan
    own = list_own_runs(work, execution.subject)
    plans = [one for one in list_published(work.runs_dir) if is_comparable(one, plan, own)]
    while (chosen := choose_earlier(plans, plan)) is not None:
        try:
            earlier = load_unaltered(work.runs_dir / chosen.run_id)
        except NonregError:  # it proves nothing any more: the one before it does
            plans.remove(chosen)
            continue
        comparison = compare_runs(earlier, report)
        content = dump_json(RunComparison, comparison).encode("utf-8")
        document = Produced(
            f"{step_id}-comparaison-{plan.run_id}.json",
            f"Comparaison de {plan.run_id} à {chosen.run_id}",
            content,
        )
        return Compared(judge_comparison(comparison), document)
    return Compared(tell_nothing_to_compare(plan))


def list_own_runs(work: Work, subject: str) -> frozenset[str]:
    """Runs that a runbook about that person began."""
    found: set[str] = set()
    for execution_id in work.journal.list_ids():
        entries = work.journal.read(execution_id)
        if entries[0].data.get("subject") == subject:
            found |= {str(one.data["run_id"]) for one in entries[1:] if one.data.get("event") == Event.BEGUN}
    return frozenset(found)


def list_published(runs_dir: Path) -> list[CampaignPlan]:
    """Plans of the published runs whose folder bears their name; what cannot be read is nothing to compare with."""
    plans = []
    for path in sorted(runs_dir.glob(f"*/{PLAN}")):
        try:
            plan = load_json(CampaignPlan, path)
        except NonregError:
            continue
        if plan.run_id == path.parent.name and is_published(path.parent):
            plans.append(plan)
    return plans
