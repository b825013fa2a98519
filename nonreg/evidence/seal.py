"""Sealing a folder: its manifest waits beside its files while a line of the ledger is written that holds its hash.

    manifest.attente.json on disk ─► the line of the ledger ─► manifest.json ─► the folder in its place

All of it under the ledger's lock. A kill before the line leaves a folder that nobody takes for sealed; one after it
leaves everything that the line announced, which `verify` finds and nonreg.evidence.interrupted puts in its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from nonreg import ledger
from nonreg.durable import write_durably
from nonreg.evidence.chain import KEY, collect_signatures, find_previous, list_seals
from nonreg.evidence.files import (
    MANIFEST,
    PENDING,
    TORN,
    EvidenceWrong,
    FileMark,
    explain_name,
    mark_files,
    show_name,
)
from nonreg.evidence.manifest import (
    UNKNOWN,
    Manifest,
    hash_content,
    hash_identity,
    render_manifest,
)
from nonreg.ledger import LedgerEntry, LedgerHead
from nonreg.people import People
from nonreg.store import write_file
from nonreg.tool import read_commit, read_version

BEFORE = "avant"  # what a folder made elsewhere has replaced


@dataclass(frozen=True, slots=True)
class Thing:
    """What is sealed: the kind of its line in the ledger, its id, whose platform it is; `at` is aware.

    `decisions` are ids that signed lines of the ledger name, besides its own: approvals, executions.
    """

    kind: str
    id: str
    platform: str
    identity_token: str
    at: datetime
    ticket: str = ""
    person: str = ""
    decisions: tuple[str, ...] = ()


def seal_folder(
    folder: Path,
    thing: Thing,
    runs_dir: Path,
    *,
    data: Mapping[str, Any] | None = None,
    people: People | None = None,
    problems: Iterable[str] = (),
    files: Mapping[str, FileMark] | None = None,
    final: Path | None = None,
) -> Manifest:
    """Add the line of the thing to the ledger, with `data`; the folder is sealed, and in its place, when this returns.

    `files` are those of `mark_files`, where the caller has them already; `final` is where the folder goes, when it
    was made elsewhere first: whatever was there goes to the folder around it. Raises as `ledger.append`: then nothing
    is sealed; OSError when the disk takes no manifest.
    EvidenceWrong for a name that `verify` would refuse: such a manifest would never verify.
    """
    made: list[Manifest] = []
    draft = describe(folder, thing, problems, files)
    for name in draft.files:
        if why := explain_name(name):
            raise EvidenceWrong(f"« {show_name(name)} » ne peut pas être scellé : {why}.")

    def complete(entries: tuple[LedgerEntry, ...]) -> Mapping[str, Any]:
        manifest = chain(draft, thing, entries)
        made[:] = [manifest]
        place = locate(final or folder, runs_dir)
        return {KEY: {"id": thing.id, "folder": place, "sha256": hash_content(manifest)}}

    @contextmanager
    def seal(head: LedgerHead) -> Iterator[None]:
        made[:] = [replace(made[0], head=head)]
        for torn in folder.glob(f"{TORN}*"):
            torn.unlink(missing_ok=True)
        write_durably(folder / PENDING, render_manifest(made[0]))
        try:
            yield
        except Exception:  # the line is not there; after a kill or Ctrl-C nobody knows, and the ledger tells
            (folder / PENDING).unlink(missing_ok=True)
            raise
        settle(folder, final or folder)

    ledger.append(
        runs_dir / ledger.FILE,
        kind=thing.kind,
        platform=thing.platform,
        person=thing.person,
        ticket=thing.ticket,
        data=dict(data or {}),
        at=thing.at,
        people=people,
        signed=None,
        complete=complete,
        around=seal,
    )
    return made[0]


def settle(folder: Path, final: Path) -> None:
    """What the ledger has just told of: the manifest takes its name, the folder its place. May be cut and done again.

    What was in that place goes to the folder that the new one was made in.
    """
    if (folder / PENDING).exists():
        (folder / PENDING).replace(folder / MANIFEST)
    if folder != final:
        if final.is_dir():
            final.rename(folder.with_name(BEFORE))
        folder.rename(final)


def describe(
    folder: Path, thing: Thing, problems: Iterable[str] = (), files: Mapping[str, FileMark] | None = None
) -> Manifest:
    """The manifest of a folder as it is, not in the ledger yet."""
    return Manifest(
        kind=thing.kind,
        id=thing.id,
        at=thing.at,
        tool_version=read_version(),
        tool_commit=read_commit() or UNKNOWN,
        platform=thing.platform,
        identity_sha256=hash_identity(thing.identity_token),
        files=mark_files(folder) if files is None else files,
        problems=tuple(problems),
    )


def chain(draft: Manifest, thing: Thing, entries: tuple[LedgerEntry, ...]) -> Manifest:
    """The manifest after those of these lines, with the signatures that concern it."""
    signatures = collect_signatures(entries, (thing.id, *thing.decisions))
    return replace(draft, signatures=signatures, previous=find_previous(list_seals(entries)))


def write_manifest(folder: Path, manifest: Manifest) -> Manifest:
    """Write the manifest of a folder, whole or not at all; OSError when the disk does not take it."""
    write_file(folder / MANIFEST, render_manifest(manifest))
    return manifest


def locate(folder: Path, runs_dir: Path) -> str:
    """The path of a folder in the runs' folder; empty when it is not in there."""
    relative = Path(os.path.relpath(folder.resolve(), runs_dir.resolve()))
    return "" if relative.parts[:1] in ((), ("..",)) else relative.as_posix()
