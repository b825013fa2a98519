"""What a kill left between a line of the ledger and the place of the folder that it seals.

    ID/manifest.attente.json                     sealed where it is: its manifest takes its name
    .fabrique-xxxx/ID/manifest(.attente).json    made beside: it takes its place, instead of what was there before

Only what the ledger knows as the last state of its thing, file for file, is put in its place. Whatever else was being
made beside was never recorded: nothing tells of it, and it goes.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from nonreg import ledger
from nonreg.errors import NonregError
from nonreg.evidence.explain import compare_files, explain_chain
from nonreg.evidence.files import MANIFEST, PENDING, mark_files
from nonreg.evidence.folders import is_last, list_begun, place_of, read_manifest
from nonreg.evidence.seal import settle
from nonreg.file_lock import hold_file_lock
from nonreg.ledger import LedgerEntry

ASIDE = ".fabrique-"


@contextmanager
def make_aside(final: Path, runs_dir: Path) -> Iterator[Path]:
    """A folder to fill and seal, which the seal puts in its place; without a seal nothing is left of it."""
    beside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=final.parent))
    made = beside / final.name
    made.mkdir()
    try:
        yield made
    finally:
        if not _may_be_recorded(made, final, runs_dir):
            shutil.rmtree(beside, ignore_errors=True)


def finish_sealed(parent: Path, runs_dir: Path) -> None:
    """End what was begun in a folder of sealed folders; a NonregError when the ledger does not hold."""
    if not list_begun(parent):
        return
    file = runs_dir / ledger.FILE
    with hold_file_lock(file.with_name(file.name + ".lock"), f"Registre {file}"):
        entries = ledger.read_entries(file)
        for folder in list_begun(parent):
            final = parent / folder.name
            # A copy of what is in its place already is nobody's business.
            stands = is_last(final / MANIFEST, place_of(final, runs_dir), entries)
            if not stands and is_recorded(folder, final, runs_dir, entries):
                settle(folder, final)
                if folder != final:
                    _clear(folder.parent)


def is_recorded(folder: Path, final: Path, runs_dir: Path, entries: tuple[LedgerEntry, ...]) -> bool:
    """True for a folder that the ledger knows, with these very files, as the last of its thing."""
    try:
        manifest = read_manifest(folder, PENDING if (folder / PENDING).is_file() else MANIFEST)
        return not (
            explain_chain(manifest, place_of(final, runs_dir), entries)
            or compare_files(manifest.files, mark_files(folder))
        )
    except NonregError:
        return False


def _clear(beside: Path) -> None:
    if beside.name.startswith(ASIDE):
        shutil.rmtree(beside, ignore_errors=True)
    else:
        with suppress(OSError):
            beside.rmdir()


def _may_be_recorded(made: Path, final: Path, runs_dir: Path) -> bool:
    """True unless the ledger says that it does not know the folder: what it announced must not be removed."""
    if not any((made / name).is_file() for name in (PENDING, MANIFEST)):
        return False
    try:
        return is_recorded(made, final, runs_dir, ledger.read_entries(runs_dir / ledger.FILE))
    except NonregError:
        return True
