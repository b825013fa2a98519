"""The files that name a person, in the runs' folder and in the governance folder, and what may become of each.

What is sealed, signed or hashed in the ledger is never changed: its retention removes it. What waits to be sent, or is
being written, is left to whoever works on it. The rest is text that may be rewritten, or something for a person.
"""

from __future__ import annotations

import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg import ledger
from nonreg.config import Platform
from nonreg.evidence.files import MANIFEST, is_evidence
from nonreg.model.personal import Fate, Trace
from nonreg.model.retention import FOLDER_KINDS, ItemKind, Judged
from nonreg.people import PEOPLE
from nonreg.personal.pieces import is_text, read_pieces
from nonreg.personal.terms import Terms
from nonreg.promoted import FOLDER as BASELINES
from nonreg.retention.figures import PURGES
from nonreg.tracker.connection import find_folder
from nonreg.tracker.outbox import FOLDER as OUTBOX
from nonreg.waivers import DECISIONS
from nonreg.waivers import FILE as WAIVERS

DOCUMENTS = "documents"  # drafts are worked on there, each in its folder
RENDERED = (".html", ".pdf", ".docx", ".xlsx")
ZIPPED = (".docx", ".xlsx", ".zip")
MOST_BYTES = 1 << 26  # of one file of an archive
# Damaged, encrypted, or packed in a way that Python has not: nobody knows what such an archive says.
UNREADABLE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)
KEPT_WITH_LEDGER = "gardé avec le registre"


@dataclass(frozen=True, slots=True)
class Found:
    """A file, and what it is."""

    path: Path
    trace: Trace


def find_traces(
    terms: Terms, platform: Platform, runs_dir: Path, governance: Path, judged: Iterable[Judged]
) -> tuple[tuple[Found, ...], tuple[str, ...]]:
    """Every file that names the person, or holds the id, but people and ledger; French sentences about the others.

    They are of files that could not be read, or that are named after the person.
    """
    place = Placing(runs_dir, tuple(judged))
    tracker = find_folder(platform)
    found: list[Found] = []
    told: list[str] = []
    roots = [(runs_dir, place.classify, tracker), (governance, place_governance, tracker)]
    if tracker is not None:
        roots.append((tracker, place_ticket, None))
    for root, classify, left_out in roots:
        for path in list_files(root, left_out):
            name = path.relative_to(root).as_posix()
            if name in (ledger.FILE, PEOPLE) or name.endswith(".lock"):
                continue
            shown = name if root == runs_dir else str(path)
            if terms.holds(name):
                told.append(f"Fichier au nom de la personne, à renommer à la main : {shown}")
            try:
                named, with_id = look_into(path, terms)
            except UNREADABLE:
                told.append(f"Fichier illisible, à ouvrir à la main : {shown}")
                continue
            if named or with_id:
                fate, due, note = classify(name)
                if fate is Fate.REWRITTEN and not is_text(path):
                    fate, note = Fate.HAND, "pas un texte"
                found.append(Found(path, Trace(shown, fate, named, due, note)))
    return tuple(mark_rendered(found, runs_dir)), tuple(told)


def list_files(root: Path, left_out: Path | None) -> Iterator[Path]:
    """Every regular file below a folder, without those of a local tracker."""
    for path in sorted(root.rglob("*")):
        inside = left_out is not None and path.resolve().is_relative_to(left_out.resolve())
        if path.is_file() and not path.is_symlink() and not inside:
            yield path


def look_into(path: Path, terms: Terms) -> tuple[bool, bool]:
    """Whether a file names the person, and whether it holds the id; what is in a zip is looked into, or UNREADABLE."""
    named = with_id = False
    for text in read_texts(path):
        named, with_id = named or terms.holds(text), with_id or terms.holds_id(text)
        if named and with_id:
            break
    return named, with_id


def read_texts(path: Path) -> Iterator[str]:
    """The text of a file, in pieces; of an archive, of each file in it."""
    if path.suffix in ZIPPED:
        with zipfile.ZipFile(path) as archive:
            for one in archive.infolist():
                if one.file_size > MOST_BYTES:
                    raise zipfile.BadZipFile(one.filename)
                with archive.open(one) as member:
                    yield from read_pieces(member)
        return
    with path.open("rb") as file:
        yield from read_pieces(file)


@dataclass(frozen=True, slots=True)
class Placing:
    """What each file of a runs' folder is, from what retention knows of it."""

    runs_dir: Path
    judged: tuple[Judged, ...]

    def classify(self, name: str) -> tuple[Fate, datetime | None, str]:
        """Fate, when retention removes it, and why it stays."""
        parts = name.split("/")
        if parts[0] == PURGES:
            return Fate.SEALED, None, KEPT_WITH_LEDGER
        for one in self.judged:
            item = one.item
            if item.kind in FOLDER_KINDS and name.startswith(f"{item.place}/"):
                inner = name.removeprefix(f"{item.place}/")
                sealed = item.sealed and (is_evidence(inner) or inner == MANIFEST)
                return self._place(one, sealed=sealed or item.kind is ItemKind.RECORD)
            if name in item.files:
                return self._place(one, sealed=item.kind is ItemKind.PAGE)
        if parts[0] == OUTBOX:
            return Fate.WAITING, None, "boîte d'envoi du suivi : remis, puis retiré à sa date"
        if parts[0] == DOCUMENTS and len(parts) > 2:
            return Fate.REWRITTEN, None, ""
        return Fate.HAND, None, "fichier que l'outil ne réécrit pas"

    def _place(self, one: Judged, *, sealed: bool) -> tuple[Fate, datetime | None, str]:
        if sealed:
            return Fate.SEALED, one.due, " ; ".join(one.reasons)
        if one.item.obstacle:
            return Fate.WAITING, one.due, one.item.obstacle
        return Fate.REWRITTEN, one.due, ""


def place_ticket(name: str) -> tuple[Fate, datetime | None, str]:
    """A file of a local tracker: its tickets are whoever keeps them's to change."""
    return Fate.HAND, None, f"suivi local : ouvrez {name} et mettez l'identifiant à la place du nom"


def place_governance(name: str) -> tuple[Fate, datetime | None, str]:
    """The same in a governance folder: what is signed there stays as it was signed."""
    if name.split("/")[0] in (BASELINES, DECISIONS) or name == WAIVERS:
        return Fate.SEALED, None, "signé : gardé tant que la décision l'est"
    if name.endswith(".toml"):
        return Fate.REWRITTEN, None, ""
    return Fate.HAND, None, "fichier que l'outil ne réécrit pas"


def mark_rendered(found: list[Found], runs_dir: Path) -> Iterator[Found]:
    """What was made from a draft that names the person goes, to be made again: not all of it can be read as text."""
    drafts = {
        one.path.parent
        for one in found
        if one.trace.place.startswith(f"{DOCUMENTS}/")
        and one.trace.fate is Fate.REWRITTEN
        and one.trace.named
    }
    for one in found:
        if one.path.parent not in drafts or one.path.suffix not in RENDERED:
            yield one
    for folder in sorted(drafts):
        for path in sorted(folder.iterdir()):
            if path.suffix in RENDERED:
                yield Found(path, Trace(path.relative_to(runs_dir).as_posix(), Fate.REMOVED, named=True))
