"""Where the sealed folders of a runs' folder are, those that a kill left on their way included."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.evidence.explain import explain_chain
from nonreg.evidence.files import MANIFEST, PENDING, EvidenceWrong
from nonreg.evidence.manifest import MAX_BYTES, Manifest, parse_manifest
from nonreg.french import explain_os_error
from nonreg.ledger import LedgerEntry


def list_things(runs_dir: Path) -> tuple[Path, ...]:
    """The sealed folders of a runs' folder."""
    found = {file.parent for file in runs_dir.glob(f"*/{MANIFEST}")}
    inner = {file.parent for file in runs_dir.glob(f"*/*/{MANIFEST}") if file.parent.parent not in found}
    aside = {one for one in inner if one.parent.name.startswith(".")}
    return tuple(sorted((found | inner) - aside))


def list_begun(parent: Path) -> tuple[Path, ...]:
    """Folders whose seal a kill may have cut: their manifest still waits, or they stand beside their place."""
    found = [
        *parent.glob(f"*/{PENDING}"),
        *parent.glob(f".*/*/{PENDING}"),
        *parent.glob(f".*/*/{MANIFEST}"),
    ]
    return tuple(sorted({one.parent for one in found}))


def place_of(folder: Path, runs_dir: Path) -> str:
    """The path of a folder in a runs' folder, empty outside."""
    try:
        return folder.resolve().relative_to(runs_dir.resolve()).as_posix()
    except ValueError:
        return ""


def read_manifest(folder: Path, name: str = MANIFEST) -> Manifest:
    """The manifest of a folder; EvidenceWrong says why there is none that can be read."""
    file = folder / name
    try:
        if file.is_symlink() or not file.is_file():
            raise EvidenceWrong(
                f"pas scellé : {MANIFEST} est absent (publication interrompue, ou fichier retiré)"
            )
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        return parse_manifest(content)
    except OSError as error:
        raise EvidenceWrong(f"{MANIFEST} illisible ({explain_os_error(error)})") from error
    except EvidenceWrong as error:
        if MANIFEST in str(error):
            raise
        raise EvidenceWrong(f"{MANIFEST} refusé : {error}") from error


def find_begun(
    folder: Path, begun: Iterable[Path], place: str, entries: tuple[LedgerEntry, ...]
) -> Path | None:
    """The manifest that the ledger knows as the last of this folder, where a kill left it on the way to its place.

    None when it is in its place: a copy beside hides nothing of what was changed there.
    """
    beside = [one for one in begun if one.name == folder.name]
    if not beside or is_last(folder / MANIFEST, place, entries):
        return None
    files = [one / name for one in beside for name in (PENDING, MANIFEST)]
    return next((one for one in files if is_last(one, place, entries)), None)


def is_last(file: Path, place: str, entries: tuple[LedgerEntry, ...]) -> bool:
    """True for a manifest that the ledger knows as the last one of the folder of that place."""
    try:
        return not explain_chain(read_manifest(file.parent, file.name), place, entries)
    except NonregError:
        return False
