"""A finished run becomes a baseline: read and checked again, signed by the titulaire, recorded, then written.

The ledger comes first: a file without its entry would be a reference nobody decided. If we are killed
between the two, the same decision finishes the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.baseline import LOCK, governance_dir
from nonreg.basis import load_platform_people
from nonreg.config import Platform
from nonreg.decision import (
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    make_request,
    verify_decision,
)
from nonreg.errors import UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Baseline
from nonreg.people import People, Person
from nonreg.promoted import PROMOTING_ROLES, find_promoted, load_promoted, write_promoted
from nonreg.promotion import draft_baseline, dump_content, hash_content, render_sheet, require_promotable
from nonreg.tickets import require_ticket
from nonreg.tracker.requirement import require_open_ticket
from tasks.publication import load_unaltered

VALID_FOR = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A run that may become the next baseline, and the sheet to sign."""

    platform: Platform
    people: People
    baseline: Baseline
    sheet: str


def require_people(platform: Platform) -> People:
    """The people of a platform; UsageError when nobody may decide on it."""
    people = load_platform_people(platform)
    if people is None:
        raise UsageError(
            f"La plateforme « {platform.name} » n'a pas de dossier « governance » : personne n'y décide."
        )
    return people


def load_candidate(run_dir: Path, platform: Platform, now: datetime) -> Candidate:
    """Read a run, check that it is as published and judged, and prepare its sheet; UsageError says what is wrong."""
    people = require_people(platform)
    report = load_unaltered(run_dir)
    own = report.run.plan.platform
    if (own.name, own.identity_token) != (platform.name, platform.identity_token):
        raise UsageError(f"Le passage est de la plateforme « {own.name} », pas de « {platform.name} ».")
    require_promotable(report, now)
    promoted = load_promoted(
        governance_dir(platform.governance), people, platform.name, platform.identity_token
    )
    known = next((one for one in promoted if one.run_id == report.run.plan.run_id), None)
    if known is not None:
        raise UsageError(f"Le passage {known.run_id} est déjà la référence n° {known.number}.")
    before = promoted[-1] if promoted else None
    baseline = draft_baseline(report, before)
    return Candidate(platform, people, baseline, render_sheet(baseline, before))


def request_promotion(
    candidate: Candidate, person: Person, ticket: str, reason: str, now: datetime
) -> DecisionRequest:
    """What the titulaire is asked to sign; UsageError without a ticket and a reason."""
    require_traced(ticket, reason)
    require_open_ticket(candidate.platform, ticket)
    return make_request(
        DecisionKind.PROMOTION,
        candidate.baseline.run_id,
        candidate.sheet,
        candidate.platform,
        person,
        ticket=ticket,
        reason=reason,
        decided_at=now,
        expires_at=now + VALID_FOR,
    )


def require_traced(ticket: str, reason: str) -> None:
    """UsageError unless the decision says for which ticket and why."""
    require_ticket(ticket)
    if not reason.strip():
        raise UsageError("Une promotion a un motif (--reason).")


def promote(candidate: Candidate, signed: SignedDecision, runs_dir: Path, now: datetime) -> Path:
    """Verify the decision against the run as it is now, record it, write the file to review and commit."""
    platform = candidate.platform
    require_traced(signed.decision.ticket, signed.decision.reason)
    require_open_ticket(platform, signed.decision.ticket)
    verify_decision(
        signed,
        candidate.people,
        kind=DecisionKind.PROMOTION,
        shown=candidate.sheet,
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=PROMOTING_ROLES,
        subject=candidate.baseline.run_id,
        at=now,
    )
    governance = governance_dir(platform.governance)
    content = candidate.baseline
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir, governance))
    with hold_file_lock(governance / LOCK, f"Dossier {governance}"):
        if find_promoted(governance, content.number):
            raise UsageError(f"La référence n° {content.number} existe déjà : rien n'est remplacé.")
        head = ledger.append_once(
            runs_dir / ledger.FILE,
            kind=DecisionKind.PROMOTION.value,
            platform=platform.name,
            data={
                "baseline": content.number,
                "run_id": content.run_id,
                "application_version": content.application_version,
                "content_sha256": hash_content(dump_content(content)),
            },
            at=now,
            people=candidate.people,
            signed=signed,
        )
        return write_promoted(governance, content, signed, head)
