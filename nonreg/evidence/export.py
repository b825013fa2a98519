"""An export: a zip that verifies on another machine, with nothing of the runs' folder that it comes from.

export.json            {format, folders, files: {name: sha256}, ledger}: what it holds
registre.jsonl         the whole ledger: a chain proves nothing by extracts (it holds ids, never names)
personnes-*.toml       the signers of each platform: id, role, keys, validity, without names
<folder>/…             the sealed folders, as in the runs' folder
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nonreg import ledger
from nonreg.errors import NonregError, UsageError
from nonreg.evidence.archive import list_files, write_archive
from nonreg.evidence.files import MANIFEST, EvidenceWrong, mark_file, show_name
from nonreg.evidence.folders import place_of, read_manifest
from nonreg.evidence.signatures import Known, Lookup, name_copy
from nonreg.evidence.verify import Finding, Means, State, verify_thing
from nonreg.handover.journal import FOLDER as RECORDS
from nonreg.ledger import LedgerEntry, LedgerHead
from nonreg.model import Role
from nonreg.people import FORMER_KEYS, FORMER_ROLES, Person

FILE, FORMAT = "export.json", "aquareel-export/1"
NO_NAME = "—"


def export_things(folders: Iterable[Path], runs_dir: Path, target: Path, look: Lookup) -> tuple[str, ...]:
    """Write the zip of sealed folders and of what their records refer to; returns the folders that it holds.

    EvidenceWrong when one of them does not verify here, UsageError when one is not in the runs' folder.
    """
    entries = ledger.read_entries(runs_dir / ledger.FILE)
    head = ledger.read_head(runs_dir / ledger.FILE)
    if head is None:
        raise UsageError(f"Il n'y a pas de registre dans {runs_dir} : rien n'y est scellé.")
    places = _list_places(folders, runs_dir, entries)
    files: dict[str, Path | bytes] = {}
    for place in places:
        _require_sound(runs_dir / place, runs_dir)
        names = (*read_manifest(runs_dir / place).files, MANIFEST)
        files |= {f"{place}/{name}": runs_dir / place / name for name in names}
    beside: dict[str, bytes] = {
        ledger.FILE: _read_lines(runs_dir, len(entries)),
        **_list_signers(entries, look),
    }
    marks = {name: hashlib.sha256(content).hexdigest() for name, content in beside.items()}
    write_archive(target, {**files, **beside, FILE: render_export(places, marks, head)})
    return places


def render_export(places: Iterable[str], marks: Mapping[str, str], head: LedgerHead) -> bytes:
    """The one way to write `export.json`."""
    data = {
        "format": FORMAT,
        "folders": sorted(places),
        "files": dict(sorted(marks.items())),
        "ledger": dataclasses.asdict(head),
    }
    return (json.dumps(data, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def check_export(root: Path) -> frozenset[str] | None:
    """The folders that an export holds, None for a folder that is none; EvidenceWrong says what is wrong with it."""
    if not (root / FILE).is_file():
        return None
    content = (root / FILE).read_bytes()
    try:
        data: Any = json.loads(content)
        places, marks = [str(one) for one in data["folders"]], dict(data["files"])
        head = LedgerHead(**data["ledger"])
        if render_export(places, marks, head) != content or data["format"] != FORMAT:
            raise ValueError(data["format"])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise EvidenceWrong(f"{FILE} a été modifié : il n'est pas écrit comme l'outil l'écrit") from error
    for name, sha256 in marks.items():
        if not (root / name).is_file():
            raise EvidenceWrong(f"{show_name(name)} est absent de l'export")
        if mark_file(root / name).sha256 != sha256:
            raise EvidenceWrong(
                f"{show_name(name)} a été modifié : son empreinte n'est pas celle de l'export"
            )
    if ledger.read_head(root / ledger.FILE) != head:
        raise EvidenceWrong("le registre joint ne finit pas où l'export le dit")
    inside = tuple(f"{place}/" for place in places)
    extra = [name for name in list_files(root) if name not in (*marks, FILE) and not name.startswith(inside)]
    if extra:
        raise EvidenceWrong(f"en trop dans l'export : {', '.join(map(show_name, extra[:5]))}")
    return frozenset(places)


def is_as_written(root: Path, archive: Path, scratch: Path) -> bool:
    """True when the zip is, byte for byte, what an export of its content is."""
    again = scratch / "export.zip"
    write_archive(again, dict(list_files(root)))
    return mark_file(again) == mark_file(archive)


def _list_places(
    folders: Iterable[Path], runs_dir: Path, entries: tuple[LedgerEntry, ...]
) -> tuple[str, ...]:
    places: dict[str, None] = {}
    for folder in folders:
        place = place_of(folder, runs_dir)
        if not place:
            raise UsageError(f"{folder} n'est pas dans {runs_dir}, le dossier du registre (--runs-dir).")
        places[place] = None
        places |= dict.fromkeys(one for one in list_references(place, entries) if (runs_dir / one).is_dir())
    return tuple(places)


def list_references(place: str, entries: Iterable[LedgerEntry]) -> tuple[str, ...]:
    """The folders of runs that the record of an execution gives as evidence; none for anything else."""
    parent, _, execution_id = place.rpartition("/")
    if parent != RECORDS:
        return ()
    proofs = [
        str(one.get("path", ""))
        for entry in entries
        if entry.data.get("execution") == execution_id
        for one in entry.data.get("evidence", ())
    ]
    found = [path.split("/")[2] for path in proofs if path.startswith("../../") and path.count("/") > 2]
    return tuple(dict.fromkeys(found))


def _require_sound(folder: Path, runs_dir: Path) -> None:
    def nobody(platform: str, identity_token: str) -> Known | None:
        return None

    for finding in verify_thing(folder, runs_dir, Means(nobody, {})):
        if finding.state is State.WRONG:
            raise EvidenceWrong(f"Export refusé, {describe(finding)}.")


def describe(finding: Finding) -> str:
    """One finding as one sentence."""
    return f"{finding.about} : {finding.text}"


def _read_lines(runs_dir: Path, count: int) -> bytes:
    """The first lines of the ledger: others may be added meanwhile."""
    return b"".join((runs_dir / ledger.FILE).read_bytes().splitlines(keepends=True)[:count])


def _list_signers(entries: Iterable[LedgerEntry], look: Lookup) -> dict[str, bytes]:
    signers: dict[str, dict[str, Person]] = {}
    for entry in entries:
        if entry.decision is None:
            continue
        try:
            known = look(entry.decision.platform, entry.decision.identity_token)
        except NonregError:
            continue
        person = known.people.find(entry.decision.person) if known else None
        if person is not None:
            signers.setdefault(name_copy(entry.decision.identity_token), {})[person.id] = person
    return {name: _write_people(persons.values()) for name, persons in signers.items()}


def _write_people(persons: Iterable[Person]) -> bytes:
    lines = ["# Signataires, sans leurs noms. Copie jointe par « export » : à comparer au fichier d'origine."]
    for one in sorted(persons, key=lambda person: person.id):
        lines += [
            "",
            "[[people]]",
            f'id = "{one.id}"',
            f'name = "{NO_NAME}"',
            f'role = "{Role(one.role).value}"',
        ]
        lines.append(f"keys = [{', '.join(json.dumps(key) for key in one.keys)}]")
        if one.former_keys:
            rows = (f"{{ key = {json.dumps(key)}, until = {at.isoformat()} }}" for key, at in one.former_keys)
            lines.append(f"{FORMER_KEYS} = [{', '.join(rows)}]")
        if one.former_roles:
            rows = (f'{{ role = "{role.value}", until = {at.isoformat()} }}' for role, at in one.former_roles)
            lines.append(f"{FORMER_ROLES} = [{', '.join(rows)}]")
        for name, at in (("valid_from", one.valid_from), ("valid_until", one.valid_until)):
            lines += [f"{name} = {at.isoformat()}"] if at else []
    return ("\n".join(lines) + "\n").encode("utf-8")
