"""A waiver is drafted, signed, recorded, then written with its decision beside the others, to review and commit."""

from __future__ import annotations

import dataclasses
import functools
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.baseline import LOCK, governance_dir
from nonreg.config import Platform
from nonreg.decision import (
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    make_request,
    verify_decision,
    write_signed,
)
from nonreg.errors import UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Waiver
from nonreg.people import People, Person
from nonreg.plan import SCENARIOS_DIR, collect_scenarios
from nonreg.promoted import load_promoted
from nonreg.store import write_file
from nonreg.tickets import require_ticket
from nonreg.waivers import DECISIONS, FILE, GRANTING_ROLES, format_entry, load_waivers, render_waiver

MIN_YEAR, MAX_YEAR = 2000, 2200


def draft_waiver(
    platform: Platform,
    people: People,
    *,
    scenario_id: str,
    reason: str,
    ticket: str,
    owner: str,
    expires: str,
    reference: str,
) -> Waiver:
    """The waiver as it will be signed, without its decision; UsageError says what is missing or unknown."""
    if scenario_id not in list_known_ids(platform, people):
        raise UsageError(f"Scénario inconnu : « {scenario_id} ».")
    if not reason.strip():
        raise UsageError("Une dérogation a un motif (--reason).")
    if people.find(owner) is None:
        raise UsageError(f"Porteur inconnu : « {owner} » (--owner, un identifiant de {people.file}).")
    named = people.find_name_in(f"{reason} {reference}")
    if named is not None:
        raise UsageError(f"Écrivez l'identifiant « {named.id} », pas le nom de la personne.")
    return Waiver(
        scenario_id,
        reason.strip(),
        require_ticket(ticket),
        owner,
        "",
        parse_expiry(expires),
        reference.strip(),
    )


def list_known_ids(platform: Platform, people: People) -> frozenset[str]:
    """Every shipped scenario, and those of the baselines: one that was taken away may need a waiver too."""
    folder = governance_dir(platform.governance)
    promoted = load_promoted(folder, people, platform.name, platform.identity_token)
    return list_shipped_ids() | {result.scenario_id for one in promoted for result in one.results}


@functools.cache
def list_shipped_ids() -> frozenset[str]:
    """Every shipped scenario."""
    return frozenset(scenario.id for scenario in collect_scenarios(SCENARIOS_DIR))


def parse_expiry(text: str) -> datetime:
    """An instant with its zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise UsageError(f"Échéance illisible : « {text} » (attendu : 2026-12-31T18:00+01:00).") from error
    if moment.tzinfo is None:
        raise UsageError(f"L'échéance « {text} » n'a pas de fuseau (attendu : 2026-12-31T18:00+01:00).")
    if not MIN_YEAR < moment.year < MAX_YEAR:
        raise UsageError(f"Échéance hors de toute mesure : « {text} ».")
    return moment


def request_waiver(platform: Platform, waiver: Waiver, person: Person, now: datetime) -> DecisionRequest:
    """What is asked to be signed; the decision lasts as long as the waiver."""
    if waiver.expires_at <= now:
        raise UsageError(f"L'échéance est déjà passée : {waiver.expires_at.isoformat()}.")
    shown = render_waiver(waiver, platform.name)
    return make_request(
        DecisionKind.DEROGATION,
        waiver.scenario_id,
        shown,
        platform,
        person,
        ticket=waiver.ticket,
        reason=waiver.reason,
        decided_at=now,
        expires_at=waiver.expires_at,
    )


def grant(
    platform: Platform, people: People, waiver: Waiver, signed: SignedDecision, runs_dir: Path, now: datetime
) -> Path:
    """Verify, record, write the decision and the entry; returns the waivers' file."""
    decision = verify_decision(
        signed,
        people,
        kind=DecisionKind.DEROGATION,
        shown=render_waiver(waiver, platform.name),
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=GRANTING_ROLES,
        subject=waiver.scenario_id,
        at=now,
    )
    folder = governance_dir(platform.governance)
    path = folder / FILE
    granted = dataclasses.replace(waiver, decision=decision.id)
    entry = format_entry(granted)
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir, folder))
    with hold_file_lock(folder / LOCK, f"Dossier {folder}"):
        known_ids = list_known_ids(platform, people)
        known = load_waivers(folder, people, platform.name, platform.identity_token, known_ids, now)
        if granted in known:
            raise UsageError(f"La dérogation {decision.id} est déjà dans {path}.")
        ledger.append_once(
            runs_dir / ledger.FILE,
            kind=DecisionKind.DEROGATION.value,
            platform=platform.name,
            data={"scenario": waiver.scenario_id, "expires_at": waiver.expires_at.isoformat()},
            at=now,
            people=people,
            signed=signed,
        )
        (folder / DECISIONS).mkdir(parents=True, exist_ok=True)
        write_signed(folder / DECISIONS / f"{decision.id}.json", signed)
        kept = path.read_text(encoding="utf-8") if path.is_file() else ""
        write_file(path, f"{kept.rstrip()}\n\n{entry}".lstrip("\n"))
    return path
