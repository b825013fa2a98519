"""What is to be written in a tracker, on disk: never lost, and written once however often whoever writes is killed.

    suivi/PLATFORM/etat.json            how far the ledger was collected, and the regressions that have a ticket
    suivi/PLATFORM/attente/NAME.json    one item; NAME begins with its place
    suivi/PLATFORM/attente/NAME.jsonl   its journal: each step is on the disk before the next is taken
    suivi/PLATFORM/pieces/NAME/         its files, as they were when it was collected
    suivi/PLATFORM/remis/               items and journals of what stands in the tracker

One process writes to the tracker at a time; others add meanwhile. What may be written next is decided by
nonreg.tracker.delivery, and the tracker is asked for the key of an item before it is written.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from nonreg.durable import append_durably, read_lines, sync_folder, write_durably
from nonreg.errors import AccessDenied, ConfigError, NonregError, UsageError
from nonreg.file_lock import hold_file_lock, try_file_lock
from nonreg.french import describe_os_error
from nonreg.model.tracker import Attachment, NewTicket
from nonreg.store import dump_json, hash_file, load_json, make_adapter
from nonreg.tickets import require_ticket
from nonreg.tracker.delivery import Event, Standing, State, Step, choose_next, judge
from nonreg.tracker.items import Item, ItemKind, KeptPiece, PieceRef, Progress, Waiting
from nonreg.tracker.protocol import (
    NoteRefused,
    TicketDenied,
    TicketUnknown,
    Tracker,
    holds_mark,
    mark_text,
)

FOLDER, STATE, WAITING, DELIVERED, PIECES = "suivi", "etat.json", "attente", "remis", "pieces"
WHAT = "La boîte d'envoi du suivi"
FINGERPRINT_KEY = "empreinte-"
CLOCK_SECONDS = 0.05  # files are stamped by a clock of coarser ticks


class PieceAwaited(NonregError):
    """A file that belongs to an event is not written yet: whoever wrote the event is about to."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one item in one pass."""

    waiting: Waiting
    standing: Standing

    def __str__(self) -> str:
        first = self.waiting.item.text.splitlines()[0]
        where = self.waiting.item.ticket or self.waiting.item.fingerprint
        detail = f" : {self.standing.detail}" if self.standing.detail else ""
        return f"{self.standing.state} — {where}, {first}{detail}"


class TrackerOutbox:
    """The box of one platform in a folder of runs."""

    def __init__(self, runs_dir: Path, platform: str) -> None:
        self.runs_dir, self.platform = runs_dir, platform
        self.folder = runs_dir / FOLDER / platform

    def load_progress(self) -> Progress | None:
        """How far the ledger was collected; None before the first time, ConfigError when that cannot be read."""
        file = self.folder / STATE
        return load_json(Progress, file) if file.is_file() else None

    def save_progress(self, progress: Progress) -> None:
        """After everything that it counts is in the box."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_durably(self.folder / STATE, dump_json(Progress, progress))

    def collecting(self) -> AbstractContextManager[None]:
        """Held by whoever adds."""
        return hold_file_lock(self.folder / ".collecte.lock", WHAT)

    def add(self, item: Item, *, patient: bool, at: datetime | None = None) -> bool:
        """Keep an item with its files; False when it is there, or was delivered.

        PieceAwaited, when `patient`, while a file of it is missing: without patience it is kept without that file.
        """
        if any((self.folder / place / f"{item.name}.json").is_file() for place in (WAITING, DELIVERED)):
            return False
        pieces, absent = [], []
        for ref in item.pieces:
            source = self.runs_dir / ref.path
            if is_ready(source, ref):
                pieces.append(self._keep(item, ref, source))
            elif patient:
                raise PieceAwaited(f"{source} n'est pas encore écrit.")
            else:
                absent.append(ref.name)
        folder = self.folder / WAITING
        folder.mkdir(parents=True, exist_ok=True)
        waiting = Waiting(item, tuple(pieces), tuple(absent), at)
        write_durably(folder / f"{item.name}.json", dump_json(Waiting, waiting))
        return True

    def list_waiting(self, problems: list[str] | None = None) -> tuple[Waiting, ...]:
        """Everything that is not delivered, in order; ConfigError for a file that cannot be read, or a problem."""
        found = []
        for file in sorted((self.folder / WAITING).glob("*.json")):
            try:
                found.append(load_json(Waiting, file))
            except ConfigError as error:
                if file.is_file():  # delivered meanwhile otherwise
                    if problems is None:
                        raise
                    problems.append(str(error))
        return tuple(found)

    def count_delivered(self) -> int:
        """How many items stand in the tracker."""
        return sum(1 for _ in (self.folder / DELIVERED).glob("*.json"))

    def standing(self, waiting: Waiting, now: datetime, *, hurried: bool = False) -> Standing:
        """Where an item stands."""
        events = []
        for line in read_lines(self._journal(waiting)):
            try:
                events.append(make_adapter(Event).validate_json(line))
            except ValueError:
                continue  # torn: what it announces was not done yet, or is done again after asking for the key
        return judge(tuple(events), now, hurried=hurried)

    def deliver(
        self,
        tracker: Tracker,
        clock: Callable[[], datetime],
        max_bytes: int,
        until: datetime | None = None,
        *,
        hurried: bool = False,
    ) -> tuple[Told, ...]:
        """Write what is due, in order, until something has to wait or the time is over; nothing while another does.

        ConfigError for an item that cannot be read: what comes behind it does not overtake it. OSError when the
        journal cannot be written: nothing is written in the tracker then.
        """
        if not (self.folder / WAITING).is_dir():
            return ()
        with try_file_lock(self.folder / ".remise.lock", WHAT) as held:
            return self._deliver(tracker, clock, max_bytes, until, hurried) if held else ()

    def _deliver(
        self,
        tracker: Tracker,
        clock: Callable[[], datetime],
        max_bytes: int,
        until: datetime | None,
        hurried: bool,
    ) -> tuple[Told, ...]:
        waiting, now = self.list_waiting(), clock()
        standings = [self.standing(one, now, hurried=hurried) for one in waiting]
        for one, standing in zip(waiting, standings, strict=True):
            if standing.state is State.DELIVERED:  # killed before it was put away
                self._put_away(one.item.name)
        told: list[Told] = []
        tickets, refused = [one.item.target for one in waiting], frozenset[str]()
        while (place := choose_next(standings, tickets, refused)) is not None and (
            until is None or clock() < until
        ):
            one = waiting[place]
            self._append(one, Event(Step.ATTEMPT, clock()))
            event = self._write(tracker, one, clock, max_bytes)
            self._append(one, event)
            standings[place] = self.standing(one, clock())
            told.append(Told(one, standings[place]))
            if event.step is Step.DELIVERED:
                self._put_away(one.item.name)
            elif event.step is Step.TICKET_DENIED:
                refused |= {one.item.target}
            elif event.step is not Step.ASIDE:
                break  # whatever a clock says that was put forward meanwhile: order is kept
        return tuple(told)

    def _write(
        self, tracker: Tracker, waiting: Waiting, clock: Callable[[], datetime], max_bytes: int
    ) -> Event:
        """One attempt, and how it ended."""
        try:
            files, lines = self._read_pieces(waiting, max_bytes)

            def announce() -> None:
                """What was asked and uploaded before may have taken minutes: from here on a write may be under way."""
                self._append(waiting, Event(Step.ATTEMPT, clock()))

            ticket = write_item(tracker, waiting, files, lines, announce)
            return Event(Step.DELIVERED, clock(), ticket)
        except ConfigError as error:
            return Event(Step.NOT_NOW, clock(), str(error))
        except (TicketUnknown, NoteRefused, UsageError) as error:
            return Event(Step.ASIDE, clock(), str(error))
        except TicketDenied as error:
            return Event(Step.TICKET_DENIED, clock(), str(error))
        except AccessDenied as error:
            return Event(Step.DENIED, clock(), str(error))
        except NonregError as error:
            return Event(Step.NOT_NOW, clock(), str(error))
        except OSError as error:
            return Event(Step.NOT_NOW, clock(), f"{describe_os_error(error)}.")
        except Exception as error:  # a mistake of ours in an adapter: nothing overtakes it, and it is told
            return Event(Step.NOT_NOW, clock(), f"erreur interne ({type(error).__name__}).")

    def tidy(self) -> None:
        """What a kill left of notes that stand in the tracker: their journals and files, once they were put away."""
        left = {file.stem for file in (self.folder / WAITING).glob("*.jsonl")}
        left |= {file.name for file in (self.folder / PIECES).glob("*/")}
        left = {
            name
            for name in left
            if not (self.folder / WAITING / f"{name}.json").is_file()
            and (self.folder / DELIVERED / f"{name}.json").is_file()
        }
        torn = [
            file
            for file in (self.folder / WAITING).glob(".*.json.*")
            if (self.folder / DELIVERED / f"{file.name[1:].partition('.json.')[0]}.json").is_file()
        ]
        if left or torn:
            with try_file_lock(self.folder / ".remise.lock", WHAT) as held:
                for name in left if held else ():
                    self._put_away(name)
                for file in torn if held else ():
                    file.unlink(missing_ok=True)

    def send_again(self, key: str, now: datetime, ticket: str = "") -> tuple[Waiting, ...]:
        """Put back what was put aside, all of it without a key; another ticket takes the place of the wrong one.

        UsageError for another ticket of a regression's note: its fingerprint finds it. NonregError while somebody
        writes to the tracker: what they write must not go to another ticket too.
        """
        with try_file_lock(self.folder / ".remise.lock", WHAT) as held:
            if not held:
                raise NonregError(f"{WHAT} : une remise est en cours, recommencez dans un instant.")
            return self._send_again(key, now, ticket)

    def _send_again(self, key: str, now: datetime, ticket: str) -> tuple[Waiting, ...]:
        done = []
        for one in self.list_waiting():
            if key not in ("", one.item.key) or self.standing(one, now).state is not State.ASIDE:
                continue
            if ticket and not one.item.ticket:
                raise UsageError(
                    f"La note de clé « {one.item.key} » va dans le ticket de sa régression : renvoyez-la sans --ticket."
                )
            if ticket:
                moved = replace(one, item=replace(one.item, ticket=require_ticket(ticket)))
                write_durably(self.folder / WAITING / f"{one.item.name}.json", dump_json(Waiting, moved))
            self._append(one, Event(Step.AGAIN, now, ticket))
            done.append(one)
        return tuple(done)

    def _keep(self, item: Item, ref: PieceRef, source: Path) -> KeptPiece:
        """Keep a file as it is now: whoever writes it anew puts another one in its place."""
        folder = self.folder / PIECES / item.name
        folder.mkdir(parents=True, exist_ok=True)
        kept = folder / ref.name
        kept.unlink(missing_ok=True)
        try:
            os.link(source, kept)
        except OSError:  # a file system without links
            shutil.copyfile(source, kept)
        return KeptPiece(ref.name, ref.media_type, hash_file(kept), kept.stat().st_size, ref.path)

    def _read_pieces(
        self, waiting: Waiting, max_bytes: int
    ) -> tuple[tuple[Attachment, ...], tuple[str, ...]]:
        """Files to join, and a line for each file, joined or not."""
        joined, lines = [], []
        for one in waiting.pieces:
            file = self.folder / PIECES / waiting.item.name / one.name
            proof = f"{one.name} (SHA-256 {one.sha256}, {one.size_bytes} octets)"
            if one.size_bytes > max_bytes:
                lines.append(
                    f"Trop grand pour être joint : {proof}, gardé dans {one.origin} du dossier des passages."
                )
            elif not file.is_file() or hash_file(file) != one.sha256:
                lines.append(
                    f"N'a pas pu être joint : {proof}, la copie gardée pour l'envoi a été retirée ou modifiée."
                )
            else:
                joined.append(Attachment(one.name, file.read_bytes(), one.media_type))
                lines.append(f"Joint : {proof}.")
        lines += [f"N'était pas là pour être joint : {name}." for name in waiting.absent]
        return tuple(joined), tuple(lines)

    def _put_away(self, name: str) -> None:
        """Out of the way of what waits; the item goes first, so that its journal is there as long as it is."""
        (self.folder / DELIVERED).mkdir(exist_ok=True)
        for suffix in ("json", "jsonl"):
            with suppress(FileNotFoundError):
                (self.folder / WAITING / f"{name}.{suffix}").replace(
                    self.folder / DELIVERED / f"{name}.{suffix}"
                )
        sync_folder(self.folder / DELIVERED)
        shutil.rmtree(self.folder / PIECES / name, ignore_errors=True)

    def _journal(self, waiting: Waiting) -> Path:
        return self.folder / WAITING / f"{waiting.item.name}.jsonl"

    def _append(self, waiting: Waiting, event: Event) -> None:
        line = {"step": event.step.value, "at": event.at.isoformat(), "detail": event.detail}
        append_durably(self._journal(waiting), json.dumps(line, ensure_ascii=False))


def is_ready(source: Path, ref: PieceRef) -> bool:
    """True when the file is there, and of that moment."""
    try:
        made_at = source.stat().st_mtime
    except OSError:
        return False
    return source.is_file() and (
        ref.made_after is None or made_at >= ref.made_after.timestamp() - CLOCK_SECONDS
    )


def write_item(
    tracker: Tracker,
    waiting: Waiting,
    files: tuple[Attachment, ...],
    lines: tuple[str, ...],
    announce: Callable[[], None],
) -> str:
    """Write an item unless its key stands there already; the ticket that it stands in, empty for none.

    `announce` is called just before something is written that stands in a ticket.
    """
    item = waiting.item
    text = "\n".join([item.text, *(["", *lines] if lines else [])])
    ticket = item.ticket
    if item.fingerprint:
        key = FINGERPRINT_KEY + item.fingerprint
        found = tracker.find_opened(key)
        if found is None:
            if item.kind is ItemKind.FIXED:
                return ""
            # Both keys: after an answer that was lost, the event is recognised in the ticket that it opened.
            return tracker.open_ticket(NewTicket(key, item.title, mark_text(text, item.key)), files, announce)
        if holds_mark(found.description, item.key):
            return found.reference
        ticket = found.reference
    if not tracker.holds_note(ticket, item.key):
        tracker.add_note(ticket, item.key, text, files, announce)
    return ticket
