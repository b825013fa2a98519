"""Before an intervention: find a run that answers, decide, publish the page and the decision others can check."""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.clients.sql import open_session
from nonreg.config import Platform
from nonreg.errors import InterventionBlocked, NonregError, UsageError
from nonreg.history import default_url, open_history
from nonreg.intervention import (
    AGE_LIMIT,
    Observed,
    answer,
    choose_decision,
    explain_block,
    find_expiry,
    is_usable,
)
from nonreg.model import (
    CampaignReport,
    Intervention,
    InterventionDecision,
    InterventionKind,
    SiteRole,
    Verdict,
)
from nonreg.store import dump_json, hash_file, load_json, write_file
from reports.html import write_html
from reports.intervention import build_intervention_page
from reports.pdf import write_pdf
from tasks.promotion import require_people
from tasks.publication import find_altered

FOLDER, DECISION, KIND = "interventions", "decision.json", "intervention"
LOOKED_BACK = 50


@dataclass(frozen=True, slots=True)
class Answered:
    """A published decision and where it is."""

    decision: InterventionDecision
    folder: Path


def read_max_age(platform: Platform, asked_hours: float | None) -> float:
    """How old a run may be, in hours: the agreed limit, or a stricter wish; UsageError when none is agreed."""
    agreed = platform.limits.get(AGE_LIMIT)
    if agreed is None:
        raise UsageError(
            f"La plateforme « {platform.name} » n'a pas d'âge maximal convenu pour un passage (limits.{AGE_LIMIT})."
        )
    if asked_hours is None:
        return agreed
    if not 0 < asked_hours <= agreed:
        raise UsageError(
            f"Âge maximal refusé : {asked_hours:g} h (plus de 0, au plus {agreed:g} h convenues)."
        )
    return asked_hours


def find_run(
    platform: Platform, intervention: Intervention, runs_dir: Path, now: datetime, max_age_hours: float
) -> Path | None:
    """The latest run that can answer; None when one has to be run. A KO answers too; an INCOMPLET does not."""
    oldest = now - timedelta(hours=max_age_hours)
    for past in reversed(open_history(default_url(runs_dir)).list_runs(platform.name, LOOKED_BACK)):
        report_file = runs_dir / past.run_id / "report.json"
        if past.started_at < oldest or past.application_version != platform.application_version:
            continue
        if report_file.is_file():
            report = load_json(CampaignReport, report_file)
            if is_usable(report, intervention, oldest):
                return None if report.assessment.verdict is Verdict.INCOMPLET else report_file.parent
    return None


def observe_version(platform: Platform) -> Observed:
    """The version that the active site's database declares now."""
    try:
        with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
            return Observed(str(session.query("platform_identity").dicts()[0]["version_app"]))
    except (NonregError, IndexError, KeyError) as error:
        return Observed("", str(error))


def decide(
    platform: Platform,
    intervention: Intervention,
    run_dir: Path | None,
    observed: Observed,
    now: datetime,
    max_age_hours: float,
    person: str,
) -> tuple[InterventionDecision, CampaignReport | None]:
    """The decision on that run, and the report it rests on."""
    if person and require_people(platform).find(person) is None:
        raise UsageError(f"Personne inconnue : « {person} » (--person, un identifiant).")
    report: CampaignReport | None = None
    altered: tuple[str, ...] = ()
    if run_dir is not None and (run_dir / "report.json").is_file():
        report, altered = load_json(CampaignReport, run_dir / "report.json"), find_altered(run_dir)
    given, reasons = answer(
        intervention,
        report,
        observed,
        platform.name,
        platform.application_version,
        now,
        max_age_hours,
        altered,
    )
    decision = InterventionDecision(
        id=f"I-{secrets.token_hex(6)}",
        platform=platform.name,
        application_version=platform.application_version,
        intervention=intervention,
        answer=given,
        reasons=reasons,
        decided_at=now,
        expires_at=find_expiry(report, now, max_age_hours),
        person=person,
        max_age_hours=max_age_hours,
    )
    if report is None or run_dir is None:
        return decision, None
    return (
        dataclasses.replace(
            decision,
            run_id=report.run.plan.run_id,
            run_started_at=report.run.started_at,
            verdict=report.assessment.verdict,
            report_sha256=hash_file(run_dir / "report.json"),
            baseline=report.basis.baseline.number if report.basis.baseline else None,
        ),
        report,
    )


def publish_decision(
    platform: Platform, decision: InterventionDecision, report: CampaignReport | None, runs_dir: Path
) -> Answered:
    """Write page and decision, and record it in the ledger: without its entry a decision does not count."""
    folder = runs_dir / FOLDER / decision.id
    folder.mkdir(parents=True)
    page = build_intervention_page(decision, report)
    write_file(folder / DECISION, dump_json(InterventionDecision, decision) + "\n")
    write_file(folder / "page.html", write_html(page))
    write_file(folder / "page.pdf", write_pdf(page, decision.decided_at))
    head = ledger.append(
        runs_dir / ledger.FILE,
        kind=KIND,
        platform=platform.name,
        person=decision.person,
        ticket=decision.intervention.ticket,
        data={
            "decision": decision.id,
            "answer": decision.answer.value,
            "sha256": hash_file(folder / DECISION),
            "run_id": decision.run_id,
        },
        at=decision.decided_at,
        people=require_people(platform) if decision.person else None,
        signed=None,
    )
    witness = json.dumps({"ledger": dataclasses.asdict(head)}, indent=2) + "\n"
    write_file(folder / "registre.json", witness)
    return Answered(decision, folder)


def read_decisions(runs_dir: Path, ticket: str) -> Iterator[InterventionDecision]:
    """The recorded decisions of a ticket; InterventionBlocked names one whose file is no longer what was recorded."""
    for entry in ledger.read_entries(runs_dir / ledger.FILE):
        if (entry.kind, entry.ticket) != (KIND, ticket):
            continue
        file = runs_dir / FOLDER / str(entry.data["decision"]) / DECISION
        if not file.is_file() or hash_file(file) != entry.data["sha256"]:
            raise InterventionBlocked(
                f"La décision {entry.data['decision']} est absente ou a été modifiée : {file}."
            )
        yield load_json(InterventionDecision, file)


def require_go(
    platform: Platform,
    ticket: str,
    kind: InterventionKind,
    touches_replication: bool,
    runs_dir: Path,
    now: datetime,
) -> InterventionDecision:
    """The decision that lets a sensitive intervention begin; InterventionBlocked says why it may not.

    To be called by whatever is about to intervene, just before it does.
    """
    decision = choose_decision(read_decisions(runs_dir, ticket), ticket, kind, platform.name)
    why = explain_block(decision, touches_replication, platform.application_version, now)
    if decision is None or why:
        raise InterventionBlocked(f"Intervention {kind} bloquée ({ticket}) : {why}.")
    return decision
