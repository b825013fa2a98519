"""Readiness pages: one line of the ledger each, which holds the hashes of its files; they have no manifest."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from nonreg.evidence.files import mark_file
from nonreg.handover.readiness import FOLDER, KIND
from nonreg.ledger import LedgerEntry


@dataclass(frozen=True, slots=True)
class PagesSeen:
    """How many pages are as their lines say, how many are gone (a purge tells only how many), and what is wrong."""

    sound: int = 0
    gone: int = 0
    wrong: tuple[tuple[str, str], ...] = ()


def look_at_pages(runs_dir: Path, entries: Iterable[LedgerEntry]) -> PagesSeen:
    """Every page of the ledger against its files; NonregError for a file that cannot be read."""
    sound, gone, wrong = 0, 0, list[tuple[str, str]]()
    for entry in entries:
        name, sealed = str(entry.data.get("readiness")), entry.data.get("sha256")
        if entry.kind != KIND or not isinstance(sealed, Mapping) or Path(name).name != name:
            continue
        files = {suffix: runs_dir / FOLDER / f"{name}.{suffix}" for suffix in sealed}
        there = {suffix for suffix, file in files.items() if file.is_file()}
        changed = sorted(one for one in there if mark_file(files[one]).sha256 != sealed[one])
        absent = sorted(files.keys() - there) if there else []
        gone += not there
        sound += bool(there) and not changed and not absent
        told = [
            f"{word} : {', '.join(files[one].name for one in names)}"
            for word, names in (("modifié(s)", changed), ("absent(s)", absent))
            if names
        ]
        if told:
            wrong.append(
                (f"{FOLDER}/{name}", f"fichiers {' ; '.join(told)} (registre, ligne {entry.sequence})")
            )
    return PagesSeen(sound, gone, tuple(wrong))
