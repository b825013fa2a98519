"""What earlier discoveries proposed, read back from the files themselves, whatever became of them. Changes nothing.

A proposal names its subject in a comment (`-- objet : vue prod.v_mesure`); a file that groups many objects is known for
all those that its VALUES list names, lines put in a comment included.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nonreg.errors import ConfigError
from nonreg.files import read_text
from nonreg.recorder import ID_PATTERN

PROPOSAL, REFUSED, SCENARIO = ".sql.proposition", ".sql.ecarte", ".sql"
SUFFIXES = (PROPOSAL, REFUSED, SCENARIO)
SUBJECT = re.compile(r"^\s*--\s*objet\s*:\s*(\S.*?)\s*$", re.MULTILINE | re.IGNORECASE)
ID_LINE = re.compile(r"^\s*--\s*id\s*:\s*(\S+)\s*$", re.MULTILINE | re.IGNORECASE)
TEXT = r"N?'((?:[^']|'')*)'"
# A row of a VALUES list, and not what follows IN.
ROW = re.compile(
    rf"(?:^|,|\bVALUES)\s*(?:--\s*)*\(\s*{TEXT}\s*,\s*{TEXT}\s*,\s*{TEXT}\s*\)", re.MULTILINE | re.IGNORECASE
)

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class KnownFile:
    """A file that an earlier discovery wrote; `rows` are those of its VALUES list, when it groups objects."""

    path: Path
    id: str
    subject: str
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What is known before a discovery, and every id that stands in a scenario."""

    files: tuple[KnownFile, ...] = ()
    taken: frozenset[str] = frozenset()

    def ids(self) -> Mapping[str, str]:
        """Ids by subject."""
        return {one.subject: one.id for one in self.files}

    def rows(self, word: str) -> frozenset[Row]:
        """Everything that the groups of that word name."""
        return frozenset(row for one in self.files if one.subject.split(" ")[0] == word for row in one.rows)


def read_known(folders: Iterable[Path]) -> Known:
    """Read every scenario and proposal under these folders; ConfigError for two files about the same thing."""
    files: dict[str, KnownFile] = {}
    taken: set[str] = set()
    for path in list_files(folders):
        if path.suffix == ".py":
            taken |= {whole.group() for whole in ID_PATTERN.finditer(read_text(path))}
            continue
        found, its_id = read_file(path)
        taken |= {its_id} - {""}
        if found is not None and (other := files.setdefault(found.subject, found)) is not found:
            raise ConfigError(
                f"Deux fichiers pour « {found.subject} » : {other.path} et {path} ; n'en gardez qu'un."
            )
    return Known(tuple(files.values()), frozenset(taken))


def list_files(folders: Iterable[Path]) -> Iterator[Path]:
    """Scenarios and proposals, each once even when one folder is in another."""
    seen: set[Path] = set()
    for folder in folders:
        for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
            wanted = path.suffix == ".py" or path.name.lower().endswith(SUFFIXES)
            if wanted and path.is_file() and path.resolve() not in seen:
                seen.add(path.resolve())
                yield path


def read_file(path: Path) -> tuple[KnownFile | None, str]:
    """What one file says of itself, None when no discovery wrote it; and its id."""
    text = read_text(path).removeprefix("\ufeff")
    found, subject = ID_LINE.search(text), SUBJECT.search(text)
    its_id = found[1] if found and ID_PATTERN.fullmatch(found[1]) else ""
    if subject is None:
        return None, its_id
    its_id = its_id or (named[0] if (named := ID_PATTERN.search(path.name)) else "")
    if not its_id:
        raise ConfigError(f"{path} : proposition sans identifiant lisible (« -- id: BASE-300 »).")
    rows = tuple((unquote(row[1]), unquote(row[2]), unquote(row[3])) for row in ROW.finditer(text))
    return KnownFile(path, its_id, subject[1], rows), its_id


def unquote(text: str) -> str:
    """A literal's value."""
    return text.replace("''", "'")
