"""The differences that a migration should bring: one reviewed file, signed off as a whole by a decision.

    [[expected]]
    subject = "réglages"                    # a word of MigrationSubject
    object = "server_version_major"         # shell pattern: *, ?, [abc]
    change = "modifié"                      # a word of MigrationChange
    reason = "…"
    ticket = "AQ-123"

The decision lies beside it, in FILE.signed.json. What is signed is the text of `render_sheet`, which holds every line,
the hash of them all, the two platforms and their versions: whatever changes among these is no longer signed off.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from nonreg.config import Platform
from nonreg.decision import DecisionKind, canonical_json, hash_shown, load_signed, verify_decision
from nonreg.errors import ConfigError, DecisionRefused
from nonreg.files import read_toml
from nonreg.model.migration import (
    Compared,
    ExpectedDifference,
    MigrationChange,
    MigrationDifference,
    MigrationSubject,
    SignOff,
)
from nonreg.people import People
from nonreg.promoted import PROMOTING_ROLES
from nonreg.tickets import TICKET_PATTERN

SUFFIX = ".signed.json"
TABLE = "expected"
KEYS = ("subject", "object", "change", "reason", "ticket")


@dataclass(frozen=True, slots=True)
class Answered:
    """Whether the list is signed off; without that, why not, in French."""

    signed: SignOff | None = None
    unsigned: str = ""


def load_expected(path: Path) -> tuple[ExpectedDifference, ...]:
    """The lines of a list, in its order; ConfigError for the first that is not sound."""
    data = read_toml(path)
    entries = data.get(TABLE)
    if data.keys() != {TABLE} or not isinstance(entries, list):
        raise ConfigError(f"{path} : des tables [[{TABLE}]] sont attendues, et rien d'autre.")
    found = [_read_entry(entry, f"{path}, ligne attendue n° {n}") for n, entry in enumerate(entries, 1)]
    seen: set[tuple[str, str, str]] = set()
    for n, one in enumerate(found, 1):
        identity = (one.subject, one.object, one.change)
        if identity in seen:
            raise ConfigError(f"{path}, ligne attendue n° {n} : elle y est déjà.")
        seen.add(identity)
    return tuple(found)


def _read_entry(entry: Any, where: str) -> ExpectedDifference:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} : une table est attendue.")
    for key in KEYS:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{where} : clé « {key} » absente ou vide.")
        if not value.isprintable():
            raise ConfigError(f"{where} : clé « {key} » : une seule ligne, sans caractère invisible.")
    unknown = sorted(entry.keys() - set(KEYS))
    if unknown:
        raise ConfigError(f"{where} : clé inconnue « {unknown[0]} ».")
    for key, words in (("subject", MigrationSubject), ("change", MigrationChange)):
        if entry[key] not in list(words):
            raise ConfigError(
                f"{where} : clé « {key} » : « {entry[key]} » est inconnu (attendu : {', '.join(words)})."
            )
    if not TICKET_PATTERN.fullmatch(entry["ticket"]):
        raise ConfigError(
            f"{where} : référence de ticket mal formée : « {entry['ticket']} » (attendu : AQ-123)."
        )
    return ExpectedDifference(
        MigrationSubject(entry["subject"]),
        entry["object"],
        MigrationChange(entry["change"]),
        entry["reason"].strip(),
        entry["ticket"],
    )


def foresees(line: ExpectedDifference, difference: MigrationDifference) -> bool:
    """True when a line of the list is about this difference; letter case counts."""
    return (line.subject, line.change) == (difference.subject, difference.change) and fnmatchcase(
        difference.object, line.object
    )


def match_expected(
    differences: Iterable[MigrationDifference], lines: tuple[ExpectedDifference, ...]
) -> tuple[tuple[MigrationDifference, ...], tuple[ExpectedDifference, ...]]:
    """Each difference with the first line that foresees it, and the lines that foresee none of them."""
    found = tuple(
        replace(one, expected=next((line for line in lines if foresees(line, one)), None))
        for one in differences
    )
    unmatched = tuple(line for line in lines if not any(foresees(line, one) for one in found))
    return found, unmatched


def keep_compared(lines: tuple[ExpectedDifference, ...], found: Compared) -> tuple[ExpectedDifference, ...]:
    """The lines of which something was compared: nobody knows of the others whether they are there."""
    compared = {one.subject for one in found.subjects if one.compared}
    return tuple(line for line in lines if line.subject in compared)


def hash_list(lines: tuple[ExpectedDifference, ...]) -> str:
    """SHA-256 of what the lines say, in their order: neither comments nor spacing matter."""
    return hashlib.sha256(canonical_json([asdict(line) for line in lines])).hexdigest()


def seal_line(lines: tuple[ExpectedDifference, ...]) -> str:
    """The line of a sheet that binds it to the list."""
    return f"Empreinte de la liste (SHA-256) : {hash_list(lines)}"


def name_subject(left: Platform, right: Platform) -> str:
    """What the decision is about."""
    return f"{left.name} vers {right.name}"


def render_sheet(lines: tuple[ExpectedDifference, ...], left: Platform, right: Platform) -> str:
    """The French text that is read and signed. Its words may never change: those already signed depend on them."""
    shown = [
        "DIFFÉRENCES ATTENDUES D'UNE MIGRATION",
        "",
        f"De : {left.name}, version {left.application_version} ({left.identity_token})",
        f"Vers : {right.name}, version {right.application_version} ({right.identity_token})",
        "",
        f"Différences attendues : {len(lines)}",
    ]
    for number, line in enumerate(lines, 1):
        shown += [
            f"{number}. {line.subject} : {line.object}, {line.change}",
            f"   {line.reason} ({line.ticket})",
        ]
    return "\n".join([*shown, "", seal_line(lines)]) + "\n"


def find_signature(path: Path) -> Path:
    """Where the decision that signs a list off lies."""
    return path.with_name(path.name + SUFFIX)


def check_sign_off(
    path: Path,
    lines: tuple[ExpectedDifference, ...],
    left: Platform,
    right: Platform,
    people: People | None,
    now: datetime,
) -> Answered:
    """Whether somebody with the right role has signed exactly this list for exactly these platforms."""
    signature = find_signature(path)
    if not signature.is_file():
        return Answered(unsigned=f"La liste {path.name} n'est pas signée ({signature.name} est absent).")
    if people is None:
        return Answered(
            unsigned=f"La plateforme « {right.name} » n'a pas de dossier « governance » : personne n'y décide."
        )
    try:
        signed = load_signed(signature)
        shown = render_sheet(lines, left, right)
        if hash_shown(shown) != signed.decision.content_sha256:
            same_list = seal_line(lines) in signed.shown.splitlines()
            why = "les plateformes ou leurs versions ne sont plus" if same_list else "la liste n'est plus"
            return Answered(
                unsigned=f"La décision {signed.decision.id} ne vaut plus : {why} ce qui a été signé ; "
                f"faites signer {path.name} de nouveau."
            )
        decision = verify_decision(
            signed,
            people,
            kind=DecisionKind.MIGRATION,
            shown=shown,
            platform=right.name,
            identity_token=right.identity_token,
            roles=PROMOTING_ROLES,
            subject=name_subject(left, right),
            at=now,
        )
    except (ConfigError, DecisionRefused) as error:
        return Answered(unsigned=f"La signature de {path.name} est refusée : {error}")
    return Answered(
        SignOff(
            decision.id,
            decision.person,
            decision.role,
            decision.ticket,
            decision.decided_at,
            decision.expires_at,
        )
    )
