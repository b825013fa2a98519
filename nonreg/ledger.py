"""The append-only record of what was decided and done: JSON lines, each holding the hash of the one before.

    {sequence, at, kind, platform, person, ticket, data, decision?, signature?, previous, sha256}

The first line opens the ledger and gives it a random id. Only person ids enter; names stay in the people file.
The chain shows a line that was changed, removed, moved or doubled; a cut-off end is shown by witnesses: heads
that are kept elsewhere (run manifests, tickets, git).

A line counts once its newline is written: what a kill or a full disk leaves of one is no line, is not read, and
is cut off before the next append.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nonreg.decision import (
    Decision,
    SignedDecision,
    canonical_json,
    parse_decision,
    verify_signer,
    write_decision,
)
from nonreg.errors import DecisionRefused, LedgerBroken, NonregError, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.french import explain_os_error
from nonreg.people import People

FILE = "registre.jsonl"
OPENING = "ouverture"
RESUMED_WITHIN = timedelta(days=1)
TEXTS = ("at", "kind", "platform", "person", "ticket", "previous", "sha256")
KEYS = frozenset({"sequence", "data", *TEXTS})
SIGNED_KEYS = frozenset({"decision", "signature"})


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """Where a ledger ended at some moment: enough to notice later that its end was cut off or rewritten."""

    ledger_id: str
    sequence: int
    sha256: str


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One line; `decision` and `signature` are there when a person signed for it."""

    sequence: int
    at: datetime
    kind: str
    platform: str
    person: str
    ticket: str
    data: Mapping[str, Any]
    previous: str
    sha256: str
    decision: Decision | None = None
    signature: str = ""


def append(
    path: Path,
    *,
    kind: str,
    platform: str,
    person: str,
    ticket: str,
    data: Mapping[str, Any],
    at: datetime,
    people: People | None,
    signed: SignedDecision | None,
    check: Callable[[tuple[LedgerEntry, ...]], None] | None = None,
    complete: Callable[[tuple[LedgerEntry, ...]], Mapping[str, Any]] | None = None,
    around: Callable[[LedgerHead], AbstractContextManager[None]] = lambda head: nullcontext(),
) -> LedgerHead:
    """Add one entry, on disk when this returns; opens the ledger when there is none.

    `check` sees the entries under the lock and raises when this one must not follow them; `complete` adds to
    the data what depends on them; `around` is entered, with the head that this entry makes, just before it is
    written, and left once it is on disk, still under the lock.
    Raises DecisionRefused (a decision that was already used, or that does not hold), LedgerBroken (nothing is
    added to a broken chain), UsageError (a person's name in the entry), NonregError (lock or disk; the state
    before stays).
    """
    fields: dict[str, Any] = {
        "at": _write_time(at),
        "kind": kind,
        "platform": platform,
        "person": person,
        "ticket": ticket,
        "data": dict(data),
    }
    if signed is not None:
        _check_signed(signed, fields, people, at)
        fields |= {"decision": write_decision(signed.decision), "signature": signed.signature}
    _check_names(fields, people)
    with hold_file_lock(path.with_name(path.name + ".lock"), f"Registre {path}"):
        text, _ = _read_text(path)
        entries = _parse_lines(text)
        if signed is not None:
            _check_not_used(signed.decision.id, entries)
        if check is not None:
            check(entries)
        if complete is not None:
            fields["data"] |= complete(entries)
        lines = b""
        if not entries:
            ledger_id = str(uuid.uuid4())
            opening = {
                "at": fields["at"],
                "kind": OPENING,
                "platform": platform,
                "person": "",
                "ticket": "",
                "data": {"ledger_id": ledger_id},
            }
            lines, last = _write_line(opening, 1, ledger_id)
            head = LedgerHead(ledger_id, 1, last)
        else:
            head = _head(entries)
        line, sha256 = _write_line(fields, head.sequence + 1, head.sha256)
        made = LedgerHead(head.ledger_id, head.sequence + 1, sha256)
        with around(made):
            _append_bytes(path, len(text), lines + line)
    return made


def append_once(
    path: Path,
    *,
    kind: str,
    platform: str,
    data: Mapping[str, Any],
    at: datetime,
    people: People,
    signed: SignedDecision,
) -> LedgerHead:
    """The entry of a decision: a new one, or the one that an attempt cut short had written already.

    Resuming is for what was killed between the ledger and its file: the caller holds the lock of what it
    writes, has found that it is not written yet and that nothing else took its place, and gives the very
    same `kind` and `data`. Then nothing is added, whatever the other entries since, and the decision is not
    verified again here. DecisionRefused when it served for something else, or too long ago: what somebody has
    taken away since does not come back by the same decision.
    """
    entries = read_entries(path)
    for entry in entries:
        if entry.decision is not None and entry.decision.id == signed.decision.id:
            is_other = (entry.kind, dict(entry.data)) != (kind, dict(data))
            if is_other or at - entry.at > RESUMED_WITHIN:
                _check_not_used(signed.decision.id, entries)
            return LedgerHead(entries[0].previous, entry.sequence, entry.sha256)
    decision = signed.decision
    return append(
        path,
        kind=kind,
        platform=platform,
        person=decision.person,
        ticket=decision.ticket,
        data=data,
        at=at,
        people=people,
        signed=signed,
    )


def read_entries(path: Path) -> tuple[LedgerEntry, ...]:
    """Every entry, the opening one first, with the chain verified; none when there is no ledger yet.

    LedgerBroken names the first line that is not as it was written. An incomplete last line is not read.
    """
    return _parse_lines(_read_text(path)[0])


def read_head(path: Path) -> LedgerHead | None:
    """The head to keep elsewhere, of a verified chain; None when there is no ledger yet."""
    entries = read_entries(path)
    return _head(entries) if entries else None


def has_torn_tail(path: Path) -> bool:
    """True when the file ends in an incomplete line, left by a write that was interrupted."""
    return _read_text(path)[1]


def _check_signed(
    signed: SignedDecision, fields: Mapping[str, Any], people: People | None, at: datetime
) -> None:
    decision = parse_decision(write_decision(signed.decision))
    for name in ("person", "platform", "ticket"):
        if getattr(decision, name) != fields[name]:
            raise DecisionRefused(
                f"L'entrée du registre et la décision {decision.id} diffèrent : champ « {name} »."
            )
    if people is not None:
        verify_signer(signed, people, at)


def _check_names(fields: Mapping[str, Any], people: People | None) -> None:
    if people is None:
        return
    told = {key: value for key, value in fields.items() if key != "signature"}
    named = people.find_name_in("\n".join(_list_texts(told)))
    if named is not None:
        raise UsageError(
            f"L'entrée du registre contient le nom de « {named.id} » : "
            "seuls les identifiants entrent dans le registre."
        )


def _list_texts(value: Any) -> Iterator[str]:
    """Every text of a JSON value, keys too: as JSON, a line end would stick to the word after it."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield str(key)
            yield from _list_texts(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _list_texts(item)
    elif isinstance(value, str):
        yield value


def _check_not_used(decision_id: str, entries: tuple[LedgerEntry, ...]) -> None:
    for entry in entries:
        if entry.decision is not None and entry.decision.id == decision_id:
            raise DecisionRefused(
                f"La décision {decision_id} a déjà servi (registre, ligne {entry.sequence}) : elle ne sert qu'une fois."
            )


def _read_text(path: Path) -> tuple[bytes, bool]:
    """Complete lines, and whether an incomplete one follows them."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return b"", False
    except OSError as error:
        raise NonregError(f"Registre illisible : {path} ({explain_os_error(error)}).") from error
    end = content.rfind(b"\n") + 1
    return content[:end], end < len(content)


def _append_bytes(path: Path, size_bytes: int, lines: bytes) -> None:
    """Write after the first `size_bytes` bytes, or leave just these."""
    try:
        created = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            _write_at(descriptor, size_bytes, lines)
        finally:
            os.close(descriptor)
        if created:
            _sync_folder(path.parent)
    except OSError as error:
        raise NonregError(
            f"Écriture impossible dans le registre {path} ({explain_os_error(error)}) : l'état précédent est gardé."
        ) from error


def _write_at(descriptor: int, size_bytes: int, lines: bytes) -> None:
    os.ftruncate(descriptor, size_bytes)  # the torn tail of an interrupted write
    try:
        done = 0
        while done < len(lines):
            done += os.pwrite(descriptor, lines[done:], size_bytes + done)
        os.fsync(descriptor)
    except BaseException:  # a full disk, or Ctrl-C between two writes
        os.ftruncate(descriptor, size_bytes)
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_line(fields: Mapping[str, Any], sequence: int, previous: str) -> tuple[bytes, str]:
    """The line with its newline, and its hash."""
    try:
        body = {**fields, "sequence": sequence, "previous": previous}
        sha256 = hashlib.sha256(canonical_json(body)).hexdigest()
        return canonical_json({**body, "sha256": sha256}) + b"\n", sha256
    except (ValueError, TypeError, RecursionError) as error:
        raise UsageError("L'entrée du registre contient une valeur qui ne s'écrit pas en JSON.") from error


def _head(entries: tuple[LedgerEntry, ...]) -> LedgerHead:
    return LedgerHead(entries[0].previous, entries[-1].sequence, entries[-1].sha256)


def _parse_lines(text: bytes) -> tuple[LedgerEntry, ...]:
    entries: list[LedgerEntry] = []
    for number, line in enumerate(text.split(b"\n")[:-1], 1):
        entries.append(_parse_line(line, number, entries[-1].sha256 if entries else None))
    return tuple(entries)


def _parse_line(line: bytes, number: int, previous: str | None) -> LedgerEntry:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise LedgerBroken(number, "la ligne a été modifiée, elle n'est plus lisible") from error
    _check_shape(data, number)
    body = {key: value for key, value in data.items() if key != "sha256"}
    if hashlib.sha256(_encode(body, number)).hexdigest() != data["sha256"] or _encode(data, number) != line:
        raise LedgerBroken(number, "la ligne a été modifiée, son empreinte ne correspond plus")
    if data["sequence"] != number:
        raise LedgerBroken(number, _explain_sequence(data["sequence"], number))
    if previous is None:
        if data["kind"] != OPENING or data["data"] != {"ledger_id": data["previous"]}:
            raise LedgerBroken(number, "la première ligne n'ouvre pas le registre")
    elif data["previous"] != previous:
        raise LedgerBroken(
            number, f"elle ne fait pas suite à la ligne {number - 1}, l'une des deux a été remplacée"
        )
    return _build_entry(data, number)


def _explain_sequence(found: int, number: int) -> str:
    if found > number:
        return f"la ligne {number} a été retirée ou déplacée, la ligne écrite sous le numéro {found} est à sa place"
    return f"une ligne a été ajoutée : celle-ci a été écrite sous le numéro {found}"


def _check_shape(data: Any, number: int) -> None:
    keys = set(data) if isinstance(data, dict) else set()
    sound = (
        (keys == KEYS or keys == KEYS | SIGNED_KEYS)
        and type(data["sequence"]) is int
        and isinstance(data["data"], dict)
        and all(isinstance(data[name], str) for name in TEXTS)
        and isinstance(data.get("signature", ""), str)
    )
    if not sound:
        raise LedgerBroken(number, "la ligne a été modifiée, ses champs ne sont pas ceux d'une entrée")


def _encode(data: Mapping[str, Any], number: int) -> bytes:
    try:
        return canonical_json(data)
    except (ValueError, RecursionError) as error:
        raise LedgerBroken(number, "la ligne a été modifiée, elle n'est plus lisible") from error


def _build_entry(data: dict[str, Any], number: int) -> LedgerEntry:
    try:
        at = datetime.fromisoformat(data["at"])
        if at.tzinfo is None:
            raise ValueError(data["at"])
        at.astimezone(UTC)  # everything that shows it writes UTC
        decision = parse_decision(data["decision"]) if "decision" in data else None
    except (ValueError, OverflowError) as error:
        raise LedgerBroken(number, "sa date n'est pas une date avec fuseau") from error
    except DecisionRefused as error:
        raise LedgerBroken(number, f"sa décision est refusée ({str(error).rstrip('.')})") from error
    known = {name: data[name] for name in KEYS - {"at"}}
    return LedgerEntry(**known, at=at, decision=decision, signature=data.get("signature", ""))


def _write_time(at: datetime) -> str:
    if at.tzinfo is None:
        raise ValueError("the time of an entry must be aware")
    return at.astimezone(UTC).isoformat()
