"""The manifest of a sealed folder: `manifest.json`, its last file.

    {format, kind, id, at, tool: {version, commit}, platform: {name, identity_sha256},
     files: {path: {sha256, size_bytes}}, signatures: […], problems: […],
     previous: {sequence, sha256} | null, ledger: {ledger_id, sequence, sha256} | null}

The line `ledger.sequence` of the ledger holds the hash of everything but `ledger` (see `hash_content`), and `ledger`
holds the hash of that line: neither can be changed without the other. `previous` is the manifest that was sealed
before this one in the same ledger, whatever it is of: its line and its hash.

Manifests written before this format, {sha256: {path: hash}, problems?, ledger?}, are read (`is_old`), never written.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from nonreg.decision import SHA256, Decision, canonical_json, parse_decision, write_decision
from nonreg.errors import DecisionRefused
from nonreg.evidence.files import EvidenceWrong, FileMark, explain_name, show_name
from nonreg.ledger import LedgerHead

FORMAT = "aquareel-manifeste/1"
MAX_BYTES = 16 << 20
UNKNOWN = "inconnu"
KEYS = frozenset(
    {
        "format",
        "kind",
        "id",
        "at",
        "tool",
        "platform",
        "files",
        "signatures",
        "problems",
        "previous",
        "ledger",
    }
)
LEDGER_ID = re.compile(r"[0-9a-f-]{36}")


@dataclass(frozen=True, slots=True)
class KeptSignature:
    """A signed line of the ledger that concerns the thing; `key` is the fingerprint of the key that signed."""

    sequence: int
    decision: Decision
    signature: str
    key: str


@dataclass(frozen=True, slots=True)
class Previous:
    """The manifest sealed before: the line of the ledger that knows it, and its hash."""

    sequence: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was sealed; `head` is the ledger's line of it, None when the ledger could not be written."""

    kind: str
    id: str
    at: datetime | None
    tool_version: str
    tool_commit: str
    platform: str
    identity_sha256: str
    files: Mapping[str, FileMark]
    signatures: tuple[KeptSignature, ...] = ()
    problems: tuple[str, ...] = ()
    previous: Previous | None = None
    head: LedgerHead | None = None
    is_old: bool = False


def hash_identity(identity_token: str) -> str:
    """What a manifest keeps of a platform's identity token; `inconnu` without one."""
    return hashlib.sha256(identity_token.encode("utf-8")).hexdigest() if identity_token else UNKNOWN


def render_manifest(manifest: Manifest) -> bytes:
    """The one way to write a manifest; EvidenceWrong for a path that cannot be written."""
    data = _describe(manifest) | {"ledger": _describe_head(manifest.head)}
    return _encode(data)


def hash_content(manifest: Manifest) -> str:
    """SHA-256 of a manifest without `ledger`: what its line of the ledger holds."""
    return hashlib.sha256(_encode(_describe(manifest))).hexdigest()


def hash_map(hashes: Mapping[str, str]) -> str:
    """One hash for many files."""
    return hashlib.sha256(canonical_json(dict(hashes))).hexdigest()


def parse_manifest(content: bytes) -> Manifest:
    """The manifest of these bytes; EvidenceWrong unless `render_manifest` writes exactly them, or it is an old one."""
    if len(content) > MAX_BYTES:
        raise EvidenceWrong("manifeste trop long")
    try:
        data = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise EvidenceWrong("ce n'est pas du JSON") from error
    if not isinstance(data, dict):
        raise EvidenceWrong("ce n'est pas un manifeste")
    if "format" not in data:
        return _parse_old(data)
    if data["format"] != FORMAT:
        raise EvidenceWrong(f"format inconnu de cette version de l'outil (attendu : {FORMAT})")
    if set(data) != KEYS:
        raise EvidenceWrong("ses clés ne sont pas celles d'un manifeste")
    try:
        manifest = _parse(data)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise EvidenceWrong("une de ses valeurs n'est pas celle d'un manifeste") from error
    except DecisionRefused as error:
        raise EvidenceWrong(f"une décision y est illisible ({str(error).rstrip('.')})") from error
    if render_manifest(manifest) != content:
        raise EvidenceWrong("il n'est pas écrit comme l'outil l'écrit")
    return manifest


def _describe(manifest: Manifest) -> dict[str, Any]:
    at = manifest.at
    return {
        "format": FORMAT,
        "kind": manifest.kind,
        "id": manifest.id,
        "at": at.astimezone(UTC).isoformat() if at else "",
        "tool": {"version": manifest.tool_version, "commit": manifest.tool_commit},
        "platform": {"name": manifest.platform, "identity_sha256": manifest.identity_sha256},
        "files": {
            name: {"sha256": mark.sha256, "size_bytes": mark.size_bytes}
            for name, mark in sorted(manifest.files.items())
        },
        "signatures": [
            {
                "sequence": one.sequence,
                "decision": write_decision(one.decision),
                "signature": one.signature,
                "key": one.key,
            }
            for one in manifest.signatures
        ],
        "problems": list(manifest.problems),
        "previous": dataclasses.asdict(manifest.previous) if manifest.previous else None,
    }


def _describe_head(head: LedgerHead | None) -> dict[str, Any] | None:
    return dataclasses.asdict(head) if head else None


def _encode(data: Mapping[str, Any]) -> bytes:
    try:
        return (json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2) + "\n").encode("utf-8")
    except UnicodeEncodeError as error:
        raise EvidenceWrong("un nom de fichier n'est pas écrit en UTF-8") from error


def _parse(data: dict[str, Any]) -> Manifest:
    at = datetime.fromisoformat(data["at"])
    return Manifest(
        kind=_text(data["kind"]),
        id=_text(data["id"]),
        at=at.astimezone(UTC) if at.tzinfo else None,
        tool_version=_text(data["tool"]["version"]),
        tool_commit=_text(data["tool"]["commit"]),
        platform=_text(data["platform"]["name"]),
        identity_sha256=_text(data["platform"]["identity_sha256"]),
        files={
            _name(name): FileMark(_sha256(one["sha256"]), _count(one["size_bytes"]))
            for name, one in data["files"].items()
        },
        signatures=tuple(
            KeptSignature(
                _count(one["sequence"]),
                parse_decision(one["decision"]),
                _text(one["signature"]),
                _text(one["key"]),
            )
            for one in data["signatures"]
        ),
        problems=tuple(_text(one) for one in data["problems"]),
        previous=data["previous"]
        and Previous(_count(data["previous"]["sequence"]), _sha256(data["previous"]["sha256"])),
        head=_parse_head(data["ledger"]),
    )


def _parse_old(data: dict[str, Any]) -> Manifest:
    try:
        files = {_name(name): FileMark(_sha256(sha256), None) for name, sha256 in data["sha256"].items()}
        head = _parse_head(data.get("ledger"))
        problems = tuple(_text(one) for one in data.get("problems", ()))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise EvidenceWrong("ce n'est pas un manifeste") from error
    return Manifest("", "", None, UNKNOWN, UNKNOWN, "", UNKNOWN, files, (), problems, None, head, is_old=True)


def _parse_head(data: Any) -> LedgerHead | None:
    if data is None:
        return None
    if not LEDGER_ID.fullmatch(data["ledger_id"]):
        raise ValueError(data["ledger_id"])
    return LedgerHead(data["ledger_id"], _count(data["sequence"]), _sha256(data["sha256"]))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(value)
    return value


def _sha256(value: Any) -> str:
    if not SHA256.fullmatch(value):
        raise ValueError(value)
    return str(value)


def _name(value: str) -> str:
    why = explain_name(value)
    if why:
        raise EvidenceWrong(f"« {show_name(value)} » : {why}")
    return value
