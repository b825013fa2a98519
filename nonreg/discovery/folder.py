"""Writes proposals; an existing file is never written to."""

from __future__ import annotations

from pathlib import Path

from nonreg.discovery.numbering import Allotment
from nonreg.discovery.proposals import Draft
from nonreg.discovery.text import name_file, write_scenario
from nonreg.errors import ConfigError, NonregError
from nonreg.french import explain_os_error

FOLDER = "proposes"


def write_proposals(
    drafts: tuple[Draft, ...], allotment: Allotment, engine: str, output: Path
) -> tuple[Path, ...]:
    """One new file for each draft that has an id, in a folder of their own."""
    folder = output / FOLDER
    written = []
    for draft in drafts:
        if its_id := allotment.ids.get(draft.subject):
            path = folder / name_file(draft, its_id)
            try:
                folder.mkdir(parents=True, exist_ok=True)
                with path.open("x", encoding="utf-8", newline="\n") as file:
                    file.write(write_scenario(draft, its_id, engine))
            except FileExistsError as error:
                raise ConfigError(f"{path} : le fichier existe déjà et n'est pas remplacé.") from error
            except OSError as error:
                raise NonregError(f"{path} : écriture impossible ({explain_os_error(error)}).") from error
            written.append(path)
    return tuple(written)
