"""Which files of a folder are evidence, and the hash and size of each."""

from __future__ import annotations

import hashlib
import stat
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nonreg.errors import NonregError
from nonreg.french import explain_os_error

MANIFEST = "manifest.json"
PENDING = "manifest.attente.json"  # the manifest whose line is about to be written, or has just been
# What is still written while a folder is sealed, or serves the processes that fill it.
LOCK = ".sceau.lock"
STILL_WRITTEN = ("prefect.log", "prefect.json", "reprise.log", "verrou", LOCK, PENDING)
TORN = f".{PENDING}."  # how the name begins of what a kill left of its writing
WORKING_FOLDERS = (".prefect", "suspendus")
CHUNK_BYTES = 1 << 20


class EvidenceWrong(NonregError):
    """Evidence that is not what it should be; the text names the first thing that is wrong."""


@dataclass(frozen=True, slots=True)
class FileMark:
    """The SHA-256 of a file and its size in bytes; None where an old manifest does not tell it."""

    sha256: str
    size_bytes: int | None


def is_evidence(name: str) -> bool:
    """False for the manifest itself, logs that go on, and folders of processes; `name` is a path in the folder."""
    if name == MANIFEST or name in STILL_WRITTEN or name.startswith(TORN):
        return False
    return PurePosixPath(name).parts[0] not in WORKING_FOLDERS


def mark_files(folder: Path) -> dict[str, FileMark]:
    """The mark of every file of evidence of a folder, by its path in it, sorted.

    EvidenceWrong for what is neither file nor folder: a link would seal what is elsewhere.
    """
    return {name: mark_file(path) for name, path in sorted(_walk(folder)) if is_evidence(name)}


def list_left_out(folder: Path) -> tuple[str, ...]:
    """The files of a folder that are no evidence, the manifest apart."""
    return tuple(name for name, _ in sorted(_walk(folder)) if name != MANIFEST and not is_evidence(name))


def mark_file(path: Path) -> FileMark:
    """Hash and size of what is in a file, read piece by piece."""
    digest, size_bytes = hashlib.sha256(), 0
    try:
        with path.open("rb") as file:
            while piece := file.read(CHUNK_BYTES):
                digest.update(piece)
                size_bytes += len(piece)
    except OSError as error:
        raise NonregError(f"Fichier illisible : {path} ({explain_os_error(error)}).") from error
    return FileMark(digest.hexdigest(), size_bytes)


def explain_name(name: str) -> str:
    """Why a path may not be one of a sealed folder, in French; empty for one that may."""
    parts = name.split("/")
    if not name or name.startswith("/") or (len(parts[0]) > 1 and parts[0][1] == ":"):
        return "chemin absolu ou vide"
    if "\\" in name or any(part in ("", ".", "..") for part in parts):
        return "chemin qui sort du dossier ou mal formé"
    if any(unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") for char in name):
        return "caractère invisible ou de contrôle"
    return ""


def show_name(name: str, most: int = 200) -> str:
    """A path, or another text of at most so many characters, as a terminal may show it: nothing hidden or obeyed."""
    return "".join(char if char.isprintable() or char == "\u00a0" else "?" for char in name)[:most]


def fold_name(name: str) -> str:
    """The path as a disk without case, or that composes accents, sees it."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _walk(folder: Path, inside: str = "") -> Iterator[tuple[str, Path]]:
    try:
        found = sorted((folder / inside).iterdir() if inside else folder.iterdir())
    except OSError as error:
        raise NonregError(f"Dossier illisible : {folder / inside} ({explain_os_error(error)}).") from error
    for path in found:
        name = f"{inside}/{path.name}" if inside else path.name
        mode = path.lstat().st_mode
        if stat.S_ISDIR(mode):
            yield from _walk(folder, name)
        elif stat.S_ISREG(mode):
            yield name, path
        else:
            raise EvidenceWrong(f"{show_name(name)} : un lien ou un fichier spécial n'a rien à faire ici.")
