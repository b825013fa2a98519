"""Waivers (dérogations): KO accepted for a time, in one reviewed file, each granted by a signed decision.

    [[waivers]]
    scenario = "HD-005"
    reason = "…"
    ticket = "AQ-123"
    owner = "titulaire"                     # person id
    decision = "D-0123456789ab"             # decisions/D-0123456789ab.json beside the file
    expires = 2026-12-31T18:00:00+01:00     # with its zone
    reference = "RD-2026-07"                # minutes, where there are some

What is signed is the text of `render_waiver`: a waiver whose words change is no longer granted.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from nonreg.decision import CLOCK_TOLERANCE, DecisionKind, load_signed, verify_decision
from nonreg.errors import ConfigError, DecisionRefused, UsageError
from nonreg.files import parse_toml, read_toml
from nonreg.model import Role, Waiver
from nonreg.people import People

FILE, DECISIONS = "waivers.toml", "decisions"
REQUIRED = ("scenario", "reason", "ticket", "owner", "decision")
OPTIONAL = ("reference",)
GRANTING_ROLES = frozenset({Role.TITULAIRE, Role.MOA_SCV})


def render_waiver(waiver: Waiver, platform: str) -> str:
    """The French text that is read and signed. Its words may never change: those already signed depend on them."""
    return (
        "DÉROGATION\n\n"
        f"Plateforme : {platform}\n"
        f"Scénario : {waiver.scenario_id}\n"
        f"Motif : {waiver.reason}\n"
        f"Ticket : {waiver.ticket}\n"
        f"Porteur : {waiver.owner}\n"
        f"Échéance : {waiver.expires_at.isoformat()}\n"
        f"Référence : {waiver.reference or 'aucune'}\n"
    )


def load_waivers(
    folder: Path,
    people: People,
    platform: str,
    identity_token: str,
    known_ids: frozenset[str],
    now: datetime,
) -> tuple[Waiver, ...]:
    """The waivers of a governance folder, expired ones too; ConfigError for the first that is not sound."""
    path, waivers = folder / FILE, read_waivers(folder)
    for waiver in waivers:
        if waiver.scenario_id not in known_ids:
            raise ConfigError(f"{path} : scénario inconnu : « {waiver.scenario_id} » ({waiver.ticket}).")
        if people.find(waiver.owner) is None:
            raise ConfigError(f"{path} : porteur inconnu : « {waiver.owner} » ({waiver.scenario_id}).")
        _require_granted(waiver, folder, people, platform, identity_token, now)
    return waivers


def read_waivers(folder: Path) -> tuple[Waiver, ...]:
    """The waivers as they are written, granted or not: enough to remind somebody of their expiry."""
    path = folder / FILE
    if not path.is_file():
        return ()
    return tuple(_read_waiver(entry, f"{path}, dérogation n° {n}") for n, entry in enumerate(_read(path), 1))


def _read(path: Path) -> list[Any]:
    data = read_toml(path)
    unknown = sorted(data.keys() - {"waivers"})
    entries = data.get("waivers", [])
    if unknown or not isinstance(entries, list):
        raise ConfigError(f"{path} : seules des tables [[waivers]] sont attendues.")
    return entries


def _read_waiver(entry: Any, where: str) -> Waiver:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} : une table est attendue.")
    for key in REQUIRED:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ConfigError(f"{where} : clé « {key} » absente ou vide.")
    unknown = sorted(entry.keys() - {*REQUIRED, *OPTIONAL, "expires"})
    if unknown:
        raise ConfigError(f"{where} : clé inconnue « {unknown[0]} ».")
    expires = entry.get("expires")
    if not isinstance(expires, datetime) or expires.tzinfo is None:
        raise ConfigError(f"{where} : « expires » doit être une date et une heure avec leur fuseau.")
    return Waiver(
        entry["scenario"],
        entry["reason"],
        entry["ticket"],
        entry["owner"],
        entry["decision"],
        expires,
        str(entry.get("reference", "")),
    )


def _require_granted(
    waiver: Waiver, folder: Path, people: People, platform: str, identity_token: str, now: datetime
) -> None:
    path = folder / DECISIONS / f"{waiver.decision}.json"
    try:
        signed = load_signed(path)
        decision = verify_decision(
            signed,
            people,
            kind=DecisionKind.DEROGATION,
            shown=render_waiver(waiver, platform),
            platform=platform,
            identity_token=identity_token,
            roles=GRANTING_ROLES,
            subject=waiver.scenario_id,
            at=signed.decision.decided_at,  # its expiry is judged at each campaign, not here
        )
    except (ConfigError, DecisionRefused) as error:
        raise ConfigError(
            f"{folder / FILE} : la dérogation de {waiver.scenario_id} n'est pas accordée : {error}"
        ) from error
    if decision.id != waiver.decision or decision.ticket != waiver.ticket:
        raise ConfigError(
            f"{folder / FILE} : la décision {waiver.decision} ne porte pas le ticket {waiver.ticket}."
        )
    if decision.decided_at > now + CLOCK_TOLERANCE:
        raise ConfigError(f"{folder / FILE} : la décision {waiver.decision} est datée du futur.")
    if decision.expires_at != waiver.expires_at:
        raise ConfigError(
            f"{folder / FILE} : l'échéance de {waiver.scenario_id} n'est pas celle de la décision."
        )


def format_entry(waiver: Waiver) -> str:
    """The waiver as the TOML table to review and commit; UsageError when it would not be read back the same."""
    lines = ["[[waivers]]"]
    values = {
        "scenario": waiver.scenario_id,
        "reason": waiver.reason,
        "ticket": waiver.ticket,
        "owner": waiver.owner,
        "decision": waiver.decision,
    }
    lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in values.items()]
    lines.append(f"expires = {waiver.expires_at.isoformat()}")
    if waiver.reference:
        lines.append(f"reference = {json.dumps(waiver.reference, ensure_ascii=False)}")
    text = "\n".join(lines) + "\n"
    try:
        (entry,) = parse_toml(text, Path(FILE))["waivers"]
        same = _read_waiver(entry, "dérogation") == waiver
    except ConfigError:
        same = False
    if not same:
        raise UsageError(
            "La dérogation ne serait pas relue telle qu'elle est écrite : vérifiez son échéance."
        )
    return text
