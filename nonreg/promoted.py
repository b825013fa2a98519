"""The promoted baselines of a platform: one immutable file each in its governance folder, reviewed in git.

    baselines/0003-5.2.0.json    {content, decision: {decision, shown, signature}, ledger: {…}}

All of them are verified at each load: numbers without hole, each naming the one before it, content as
signed, signature of a titulaire. The hash of the content as it stands in the file is in the signed text, so that
neither the words of today nor the fields of today matter to what was signed yesterday.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nonreg.decision import DecisionKind, SignedDecision, parse_signed, to_dict, verify_decision
from nonreg.errors import ConfigError, DecisionRefused, UsageError
from nonreg.files import read_json
from nonreg.ledger import LedgerEntry, LedgerHead
from nonreg.model import Baseline, Role
from nonreg.people import People
from nonreg.promotion import dump_content, hash_content, seal_line

FOLDER = "baselines"
PROMOTING_ROLES = frozenset({Role.TITULAIRE})


def load_promoted(
    governance: Path, people: People, platform: str, identity_token: str
) -> tuple[Baseline, ...]:
    """Every baseline, oldest first; ConfigError names the first file that is not as it was signed."""
    found: list[Baseline] = []
    for path in sorted((governance / FOLDER).glob("[0-9]*.json")):
        before = found[-1] if found else None
        found.append(_load_one(path, before, people, platform, identity_token))
    return tuple(found)


def choose_baseline(
    baselines: tuple[Baseline, ...], application_version: str, catalog: str = ""
) -> Baseline | None:
    """The last one of that catalog of scenarios and that version, otherwise of that catalog: a new version is
    compared with the old one."""
    usable = [one for one in baselines if one.catalog == catalog]
    same = [one for one in usable if one.application_version == application_version] or usable
    return same[-1] if same else None


def _load_one(
    path: Path, before: Baseline | None, people: People, platform: str, identity_token: str
) -> Baseline:
    from pydantic import TypeAdapter

    try:
        data = read_json(path)
        raw = data["content"]
        content = TypeAdapter(Baseline).validate_json(json.dumps(raw))
        signed = parse_signed(data["decision"])
        LedgerHead(**data["ledger"])
    except (ValueError, RecursionError, KeyError, TypeError, DecisionRefused) as error:
        raise ConfigError(f"{path} : ce n'est pas une référence promue lisible.") from error
    expected = before.number + 1 if before else 1
    if content.number != expected:
        raise ConfigError(f"{path} : la référence n° {expected} est absente (trouvé : n° {content.number}).")
    if content.previous != (before.sha256 if before else ""):
        raise ConfigError(f"{path} : ne fait pas suite à la référence n° {expected - 1} présente.")
    if content.platform != platform or seal_line(raw) not in signed.shown.splitlines():
        raise ConfigError(f"{path} : le contenu n'est pas celui qui a été signé.")
    try:
        decision = verify_decision(
            signed,
            people,
            kind=DecisionKind.PROMOTION,
            shown=signed.shown,  # as it was worded then; its seal was compared with the content above
            platform=platform,
            identity_token=identity_token,
            roles=PROMOTING_ROLES,
            subject=content.run_id,
            at=signed.decision.decided_at,
        )
    except DecisionRefused as error:
        raise ConfigError(f"{path} : référence modifiée ou non signée : {error}") from error
    return dataclasses.replace(
        content,
        decision=decision.id,
        person=decision.person,
        role=decision.role,
        ticket=decision.ticket,
        reason=decision.reason,
        promoted_at=decision.decided_at,
        sha256=hash_content(raw),
    )


def find_unpromoted(
    entries: Iterable[LedgerEntry], baselines: tuple[Baseline, ...], platform: str
) -> tuple[str, ...]:
    """In French, the promotions of a ledger that have no file any more, or another one than was recorded."""
    known = {one.number: one for one in baselines}
    said = []
    for entry in entries:
        if (entry.kind, entry.platform) != (DecisionKind.PROMOTION, platform):
            continue
        number = entry.data.get("baseline")
        found = known.get(number) if isinstance(number, int) else None
        if found is None:
            said.append(
                f"La référence n° {number}, inscrite au registre (ligne {entry.sequence}), est absente."
            )
        elif found.sha256 != entry.data.get("content_sha256"):
            said.append(f"La référence n° {number} n'est pas celle du registre (ligne {entry.sequence}).")
    return tuple(said)


def name_file(baseline: Baseline) -> str:
    """File name of a baseline: its number, then the version."""
    version = "".join(
        sign if sign.isalnum() or sign in ".-" else "_" for sign in baseline.application_version
    )
    return f"{baseline.number:04d}-{version}.json"


def find_promoted(governance: Path, number: int) -> list[Path]:
    """The files of that number: one, or none."""
    return list((governance / FOLDER).glob(f"{number:04d}-*.json"))


def write_promoted(governance: Path, baseline: Baseline, signed: SignedDecision, head: LedgerHead) -> Path:
    """Write the new file, whole or not at all; UsageError when there is one of that number already."""
    folder = governance / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    if find_promoted(governance, baseline.number):
        raise UsageError(
            f"La référence n° {baseline.number} existe déjà dans {folder} : rien n'est remplacé."
        )
    path = folder / name_file(baseline)
    data: dict[str, Any] = {
        "content": dump_content(baseline),
        "decision": to_dict(signed),
        "ledger": {"ledger_id": head.ledger_id, "sequence": head.sequence, "sha256": head.sha256},
    }
    text = json.dumps(data, ensure_ascii=False, indent=1) + "\n"
    temporary = folder / f".{path.name}.{hashlib.sha256(text.encode()).hexdigest()[:8]}"
    try:
        temporary.write_text(text, encoding="utf-8")
        os.link(temporary, path)  # unlike a rename, refuses to replace
    except FileExistsError as error:
        raise UsageError(f"{path} existe déjà : une référence ne se remplace pas.") from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
