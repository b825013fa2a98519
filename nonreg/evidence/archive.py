"""Zips of evidence: read without trusting anything in them, written always the same.

Written: files alone, sorted, stored, without date: the same content gives the same bytes on every machine.
"""

from __future__ import annotations

import errno
import os
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from nonreg.evidence.files import CHUNK_BYTES, EvidenceWrong, explain_name, fold_name, show_name

MAX_FILES = 20_000
MAX_BYTES = 2 << 30
DATE = (1980, 1, 1, 0, 0, 0)
MODE = (stat.S_IFREG | 0o644) << 16
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
ENCRYPTED = 0x1
MAX_NAME_BYTES, MAX_PATH_BYTES = 255, 1024  # what a disk takes
# What zipfile says of one that is cut or changed; IndexError is of an empty name.
DAMAGED = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    EOFError,
    IndexError,
    NotImplementedError,
    ValueError,
    struct.error,
)


def write_archive(path: Path, files: Mapping[str, Path | bytes]) -> None:
    """Write a zip, whole or not at all; EvidenceWrong for one that `open_archive` would refuse."""
    _check_names(dict.fromkeys(files, False))
    if len(files) > MAX_FILES:
        raise EvidenceWrong(f"Archive refusée : {len(files)} fichiers, {MAX_FILES} au plus.")
    if sum(one.stat().st_size if isinstance(one, Path) else len(one) for one in files.values()) > MAX_BYTES:
        raise EvidenceWrong(
            f"Archive refusée : plus de {MAX_BYTES >> 20} Mio, « verify » n'en veut pas ; exportez moins de dossiers."
        )
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
            for name, content in sorted(files.items()):
                _write(archive, name, content)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


@contextmanager
def open_archive(path: Path, max_bytes: int = MAX_BYTES) -> Iterator[Path]:
    """The content of a zip in a folder of ours, gone at the end; EvidenceWrong names what no zip of evidence holds."""
    with tempfile.TemporaryDirectory(prefix="nonreg-preuve-") as name:
        folder = Path(name)
        try:
            with zipfile.ZipFile(path) as archive:
                _extract(archive, folder, max_bytes)
        except DAMAGED as error:
            raise EvidenceWrong("Archive illisible : ce n'est pas un zip entier.") from error
        except OSError as error:
            if error.errno != errno.EINVAL:  # a place before the beginning of the file
                raise
            raise EvidenceWrong("Archive illisible : ce n'est pas un zip entier.") from error
        except RuntimeError as error:  # a password
            raise EvidenceWrong("Archive illisible : elle est chiffrée.") from error
        except Exception as error:
            if type(error).__module__ == "zlib":  # zlib.error has no other base
                raise EvidenceWrong("Archive illisible : son contenu est abîmé.") from error
            raise
        yield folder


def list_files(folder: Path) -> dict[str, Path]:
    """Every file below a folder, by its path in it."""
    return {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}


def _write(archive: zipfile.ZipFile, name: str, content: Path | bytes) -> None:
    about = zipfile.ZipInfo(name, DATE)
    about.create_system, about.external_attr = 3, MODE
    if isinstance(content, bytes):
        archive.writestr(about, content)
        return
    about.file_size = content.stat().st_size
    with content.open("rb") as source, archive.open(about, "w") as target:
        while piece := source.read(CHUNK_BYTES):
            target.write(piece)


def _extract(archive: zipfile.ZipFile, folder: Path, max_bytes: int) -> None:
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise EvidenceWrong(f"Archive refusée : {len(members)} fichiers, {MAX_FILES} au plus.")
    for one in members:
        _check_member(one)
    seen: set[str] = set()
    for name in (one.filename.removesuffix("/") for one in members):
        if name in seen:
            raise EvidenceWrong(f"Archive refusée : « {show_name(name)} » y est deux fois.")
        seen.add(name)
    _check_names({one.filename.removesuffix("/"): one.is_dir() for one in members})
    left = max_bytes
    for one in members:
        target = folder / one.filename
        if one.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        left = _copy(archive, one, target, left)


def _copy(archive: zipfile.ZipFile, one: zipfile.ZipInfo, target: Path, left: int) -> int:
    """Bytes that may still be written; what a header says of a size is not believed."""
    with archive.open(one) as source, target.open("xb") as file:
        while piece := source.read(CHUNK_BYTES):
            left -= len(piece)
            if left < 0:
                raise EvidenceWrong("Archive refusée : son contenu est plus grand que ce qui est accepté.")
            file.write(piece)
    return left


def _check_member(one: zipfile.ZipInfo) -> None:
    name, mode = show_name(one.orig_filename), one.external_attr >> 16
    if one.orig_filename != one.filename:
        raise EvidenceWrong(f"Archive refusée : « {name} » est un nom ambigu.")
    if one.flag_bits & ENCRYPTED:
        raise EvidenceWrong(f"Archive refusée : « {name} » est chiffré.")
    if one.compress_type not in METHODS:
        raise EvidenceWrong(f"Archive refusée : « {name} » est comprimé autrement que par deflate.")
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise EvidenceWrong(f"Archive refusée : « {name} » est un lien ou un fichier spécial.")


def _check_names(names: Mapping[str, bool]) -> None:
    """Paths, and whether each is a folder: none may leave the folder, nor be another one on some disk."""
    seen: dict[str, str] = {}
    for name in names:
        why = explain_name(name)
        if why:
            raise EvidenceWrong(f"Archive refusée : « {show_name(name)} » : {why}.")
        parts = name.split("/")
        if len(name.encode()) > MAX_PATH_BYTES or max(len(one.encode()) for one in parts) > MAX_NAME_BYTES:
            raise EvidenceWrong(f"Archive refusée : « {show_name(name, 60)}… » est un nom trop long.")
        for length in range(1, len(parts) + 1):
            path = "/".join(parts[:length])
            other = seen.setdefault(fold_name(path), path)
            if other != path:
                raise EvidenceWrong(
                    f"Archive refusée : « {show_name(other)} » et « {show_name(path)} » ne diffèrent que par la casse "
                    "ou l'écriture des accents."
                )
            if length < len(parts) and names.get(path) is False:
                raise EvidenceWrong(
                    f"Archive refusée : « {show_name(path)} » y est un fichier et un dossier."
                )
