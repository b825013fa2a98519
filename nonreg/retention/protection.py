"""Why a thing is kept although its time is over. Pure: what the ledger and the others say comes in as values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from nonreg.decision import DecisionKind
from nonreg.evidence.export import list_references
from nonreg.handover.journal import FOLDER as RUNBOOKS
from nonreg.handover.state import KIND as RUNBOOK
from nonreg.ledger import LedgerEntry
from nonreg.model import Answer, Baseline, CampaignReport, Outcome, Waiver
from nonreg.model.retention import Item, ItemKind, Judged
from nonreg.retention.settings import Retention
from nonreg.tracker.items import Regression
from nonreg.working_time import PARIS

INTERVENTION, CLOSING, INTERVENTIONS = "intervention", "cloture", "interventions"
LAST = "le dernier de son genre"
# What is worked on under a ticket; packs and pages are of a meeting or a night, their ticket stays open for years.
WITH_TICKET = frozenset(
    {
        ItemKind.RUN,
        ItemKind.RECORD,
        ItemKind.INTERVENTION,
        ItemKind.MIGRATION,
        ItemKind.DOCUMENT,
        ItemKind.NOTE,
    }
)


@dataclass(frozen=True, slots=True)
class Shield:
    """What protects: reasons by place, and by ticket; `citations` are the places that each place refers to."""

    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    tickets: Mapping[str, str] = field(default_factory=dict)
    citations: Mapping[str, frozenset[str]] = field(default_factory=dict)


def judge_items(
    items: Iterable[Item], retention: Retention, shield: Shield, now: datetime
) -> tuple[Judged, ...]:
    """Each thing: until when it is kept, and why longer; without a reason and past its time it may be removed.

    What is kept, for its age or for a reason, keeps what it refers to.
    """
    items = tuple(items)
    last = {one.group: one.place for one in sorted(items, key=lambda one: one.at) if one.group}
    reasons = {one.place: list_reasons(one, shield, last) for one in items}
    due = {one.place: retention.find_due(one.kind, one.at) for one in items}

    def is_kept(place: str) -> bool:
        at = due.get(place)
        return place not in due or at is None or at > now or bool(reasons[place])

    told: set[tuple[str, str]] = set()
    again = True
    while again:
        again = False
        for place, cited in shield.citations.items():
            for other in cited if is_kept(place) else ():
                if other in reasons and other != place and (place, other) not in told:
                    told.add((place, other))
                    reasons[other] += (f"cité par {place}, qui est gardé",)
                    again = True
    return tuple(Judged(one, due[one.place], reasons[one.place]) for one in items)


def list_reasons(item: Item, shield: Shield, last: Mapping[str, str]) -> tuple[str, ...]:
    """Why a thing is kept, whatever its age."""
    found = [item.obstacle, *shield.places.get(item.place, ())]
    if item.kind in WITH_TICKET:
        found.append(shield.tickets.get(item.ticket, ""))
    if item.group and last.get(item.group) == item.place:
        found.append(LAST)
    return tuple(filter(None, found))


def protect_interventions(entries: Iterable[LedgerEntry], platform: str) -> dict[str, tuple[str, ...]]:
    """The decisions in force and the runs that they rest on: the last answer of each question that is not closed."""
    last: dict[tuple[str, str], LedgerEntry] = {}
    for one in entries:
        if one.platform != platform or one.kind not in (INTERVENTION, CLOSING):
            continue
        key = one.ticket, str(one.data.get("intervention"))
        if one.kind == CLOSING or one.data.get("answer") == Answer.NO_GO:
            last.pop(key, None)
        else:
            last[key] = one
    found: dict[str, tuple[str, ...]] = {}
    for one in last.values():
        decision = str(one.data.get("decision"))
        why = f"intervention {one.ticket} pas close (décision {decision}, {one.data.get('answer')})"
        for place in (f"{INTERVENTIONS}/{decision}", str(one.data.get("run_id") or "")):
            if place:
                found[place] = (*found.get(place, ()), why)
    return found


def protect_baselines(
    entries: Iterable[LedgerEntry], baselines: Iterable[Baseline], platform: str
) -> dict[str, tuple[str, ...]]:
    """The runs that promoted baselines come from: those of the governance folder, and those of the ledger."""
    named = {one.run_id: f"référence promue n° {one.number}" for one in baselines}
    for one in entries:
        if one.kind == DecisionKind.PROMOTION and one.platform == platform and one.decision is not None:
            named.setdefault(one.decision.subject, f"référence promue n° {one.data.get('baseline')}")
    return {run_id: (why,) for run_id, why in named.items()}


def protect_regressions(regressions: Mapping[str, Regression]) -> dict[str, tuple[str, ...]]:
    """The first and the last run of each failure whose ticket is open."""
    found: dict[str, tuple[str, ...]] = {}
    for one in regressions.values():
        for run_id in {one.first_run, one.last_run} if one.is_open else ():
            found[run_id] = (*found.get(run_id, ()), f"régression ouverte : {one.scenario_id}")
    return found


def explain_reserves(report: CampaignReport, waivers: Iterable[Waiver], now: datetime) -> str:
    """Which scenario of a run is still waived, by the same waiver or a later one, in French; empty when none is."""
    known = {one.scenario_id: one for one in waivers if one.is_in_force(now)}
    for finding in report.assessment.findings:
        found = known.get(finding.scenario_id) if finding.outcome is Outcome.DEROGATION else None
        if found is not None:
            until = found.expires_at.astimezone(PARIS)
            return f"réserve pas levée : dérogation de {found.scenario_id} jusqu'au {until:%d/%m/%Y}"
    return ""


def cite_executions(entries: Iterable[LedgerEntry], platform: str) -> dict[str, frozenset[str]]:
    """The runs that each execution of a runbook began, or gives as evidence, by its place."""
    own: dict[str, list[LedgerEntry]] = {}
    for one in entries:
        if (one.kind, one.platform) == (RUNBOOK, platform):
            own.setdefault(str(one.data.get("execution")), []).append(one)
    found = {}
    for execution, lines in own.items():
        place = f"{RUNBOOKS}/{execution}"
        begun = {str(one.data["run_id"]) for one in lines if one.data.get("run_id")}
        found[place] = frozenset(begun | set(list_references(place, lines)))
    return found


def cite_interventions(entries: Iterable[LedgerEntry], platform: str) -> dict[str, frozenset[str]]:
    """The run that each answer before an intervention rests on, by the place of the answer."""
    return {
        f"{INTERVENTIONS}/{one.data.get('decision')}": frozenset({str(one.data["run_id"])})
        for one in entries
        if (one.kind, one.platform) == (INTERVENTION, platform) and one.data.get("run_id")
    }
