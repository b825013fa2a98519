"""A tracker of files on this machine: the embedded platform's, and that of whoever has no tracking platform.

Any number of processes may use one folder at once: who writes holds its lock, and a file is there whole or not at
all. Files of a note come before it: a kill leaves a file that nobody names, never a note without its files.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TypeVar

from nonreg.durable import sync_folder, write_durably
from nonreg.errors import NonregError, PlatformError, RequestFailed, Unreachable, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.french import describe_os_error, explain_os_error
from nonreg.model.tracker import Attachment, NewTicket, Ticket, TicketNote, TicketState, TimeEntry
from nonreg.tickets import require_ticket
from nonreg.tracker.folder_files import (
    Piece,
    StoredNote,
    read_note,
    read_ticket,
    read_time,
    write_note,
    write_ticket,
)
from nonreg.tracker.protocol import TicketUnknown, mark_text, nobody

T = TypeVar("T")
TICKET, NOTES, PIECES, TIME, LOCK = "ticket.toml", "notes", "pieces", "temps.csv", ".verrou"
LOGIN = "aquareel-nonreg"


class FolderTracker:
    """The tickets of one folder, all of one prefix."""

    def __init__(self, folder: Path, prefix: str, kind: str = "") -> None:
        self._folder, self._prefix, self._kind = folder, prefix, kind or "Anomalie"

    @property
    def name(self) -> str:
        """What it is, in French."""
        return f"suivi local {self._folder}"

    def check(self) -> str:
        """The name under which notes are written; Unreachable without the folder."""
        self._require_folder()
        return LOGIN

    def find_ticket(self, reference: str) -> Ticket:
        """The ticket."""
        with self._reading():
            return self._read(reference)[0]

    def list_tickets(self, *, open_only: bool, updated_since: datetime | None = None) -> tuple[Ticket, ...]:
        """Every ticket, by number."""
        with self._reading():
            found = (self._read(reference)[0] for reference in self._list_references())
            return tuple(
                one
                for one in found
                if (one.state is TicketState.OPEN or not open_only)
                and (updated_since is None or one.updated_at >= updated_since)
            )

    def list_notes(self, reference: str) -> tuple[TicketNote, ...]:
        """The notes of a ticket, oldest first."""
        with self._reading():
            self._require_ticket(reference)
            return tuple(sorted((one.note for one in self._list_notes(reference)), key=lambda note: note.at))

    def holds_note(self, reference: str, key: str) -> bool:
        """True when a note with that key stands in the ticket."""
        with self._reading():
            self._require_ticket(reference)
            return any(one.key == key for one in self._list_notes(reference))

    def add_note(
        self,
        reference: str,
        key: str,
        text: str,
        attachments: tuple[Attachment, ...],
        announce: Callable[[], None] = nobody,
    ) -> None:
        """Write one note with its files."""
        with self._writing():
            self._require_ticket(reference)
            if any(one.key == key for one in self._list_notes(reference)):
                return  # of two who deliver from two folders of runs, one was first
            announce()
            self._add_note(reference, key, mark_text(text, key), attachments)

    def find_opened(self, key: str) -> Ticket | None:
        """The oldest ticket that was opened with that key."""
        with self._reading():
            return self._find_key(key)

    def open_ticket(
        self, new: NewTicket, attachments: tuple[Attachment, ...], announce: Callable[[], None] = nobody
    ) -> str:
        """Open a ticket under the next number; its files are those of a first note."""
        at = datetime.now(UTC)
        with self._writing():
            if (known := self._find_key(new.key)) is not None:
                return known.reference
            announce()
            numbers = [int(file.name.rpartition("-")[2]) for file in self._list_folders()]
            reference = f"{self._prefix}-{max(numbers, default=0) + 1}"
            description = mark_text(new.text, new.key)
            ticket = Ticket(
                reference,
                new.title,
                TicketState.OPEN,
                "Nouveau",
                self._kind,
                "Normale",
                at,
                at,
                description=description,
            )
            folder = self._folder / reference
            folder.mkdir(exist_ok=True)
            if attachments:  # before the ticket is one: a kill leaves a folder that is no ticket
                self._add_note(reference, new.key, "Pièces jointes à l'ouverture.", attachments)
            write_durably(folder / TICKET, write_ticket(ticket, new.key))
            sync_folder(self._folder)
        return reference

    def list_time(self, first: date, last: date) -> tuple[TimeEntry, ...]:
        """Hours booked on these days; UsageError while nobody keeps any."""
        file = self._folder / TIME
        with self._reading():
            if not file.is_file():
                raise UsageError(f"{self.name} : aucun temps n'y est tenu ({TIME} absent).")
            return tuple(one for one in self._parse(file, read_time) if first <= one.day <= last)

    def close(self) -> None:
        """Nothing is open."""

    def _add_note(self, reference: str, key: str, text: str, attachments: tuple[Attachment, ...]) -> None:
        folder = self._folder / reference
        pieces = tuple(self._keep(folder / PIECES, one) for one in attachments)
        notes = folder / NOTES
        notes.mkdir(exist_ok=True)
        numbers = [int(file.stem) for file in notes.glob("*.md") if file.stem.isdecimal()]
        note = TicketNote(datetime.now(UTC), LOGIN, text)
        write_durably(
            notes / f"{max(numbers, default=0) + 1:04d}.md", write_note(StoredNote(note, key, pieces))
        )

    def _keep(self, folder: Path, attachment: Attachment) -> Piece:
        sha256 = hashlib.sha256(attachment.content).hexdigest()
        name = re.sub(r"[^\w.,()+ -]", "_", attachment.name).strip(". ")[-100:] or "piece"
        file = folder / sha256 / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if not file.is_file():
            write_durably(file, attachment.content)
        return Piece(name, sha256, len(attachment.content))

    def _read(self, reference: str) -> tuple[Ticket, str]:
        file = self._require_ticket(reference)
        notes = [one.note for one in self._list_notes(reference)]
        return self._parse(
            file, lambda text: read_ticket(reference, text, sorted(notes, key=lambda note: note.at))
        )

    def _list_notes(self, reference: str) -> list[StoredNote]:
        files = sorted((self._folder / reference / NOTES).glob("*.md"))
        return [self._parse(file, read_note) for file in files]

    def _parse(self, file: Path, read: Callable[[str], T]) -> T:
        try:
            # Editors of Windows, and Excel above all, begin a file with a mark of three bytes.
            return read(file.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError as error:
            raise RequestFailed(f"{self.name} : {file} est illisible (ce n'est pas de l'UTF-8).") from error
        except ValueError as error:
            raise RequestFailed(f"{self.name} : {file} est illisible ({error}).") from error

    def _find_key(self, key: str) -> Ticket | None:
        known = (self._read(reference) for reference in self._list_references())
        return next((ticket for ticket, own in known if own == key), None)

    def _list_references(self) -> list[str]:
        return [one.name for one in self._list_folders() if (one / TICKET).is_file()]

    def _list_folders(self) -> list[Path]:
        """Folders of tickets, and what a kill left of one that was being opened, by number."""
        found = (
            one for one in self._folder.iterdir() if re.fullmatch(rf"{self._prefix}-[0-9]{{1,9}}", one.name)
        )
        return sorted(found, key=lambda one: int(one.name.rpartition("-")[2]))

    def _require_ticket(self, reference: str) -> Path:
        if not require_ticket(reference).startswith(f"{self._prefix}-"):
            raise UsageError(f"{reference} : les tickets de ce suivi commencent par {self._prefix}-.")
        self._require_folder()
        file = self._folder / reference / TICKET
        if not file.is_file():
            raise TicketUnknown(f"{self.name} : le ticket {reference} n'existe pas ({file} absent).")
        return file

    def _require_folder(self) -> None:
        if not self._folder.is_dir():
            raise Unreachable(f"{self.name} : le dossier est absent.")

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            self._require_folder()
            yield
        except OSError as error:
            raise Unreachable(f"{self.name} : {describe_os_error(error)}.") from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            self._require_folder()
            with hold_file_lock(self._folder / LOCK, self.name):
                yield
        except (PlatformError, UsageError):
            raise
        except NonregError as error:  # the lock is held for too long, or has no place on the disk
            raise RequestFailed(str(error)) from error
        except OSError as error:
            raise RequestFailed(f"{self.name} : écriture impossible ({explain_os_error(error)}).") from error
