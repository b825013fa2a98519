"""The local tracker: what is written is what is read, by any number of processes, and by people with an editor."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import RequestFailed, Unreachable, UsageError
from nonreg.model.tracker import Attachment, NewTicket, Ticket, TicketNote, TicketState
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.folder_files import (
    COLUMNS,
    Piece,
    StoredNote,
    clean_text,
    read_note,
    read_ticket,
    write_note,
    write_ticket,
)
from nonreg.tracker.protocol import TicketUnknown, holds_mark
from nonreg.waiting import wait_until
from tests.tracker.folders import add_ticket

AT = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
WORDS = st.text(max_size=200)
LINE = st.text(max_size=60).map(lambda text: " ".join(clean_text(text).split()))
MOMENTS = st.datetimes(
    datetime(2000, 1, 1),
    datetime(2090, 1, 1),
    timezones=st.just(UTC),
).map(lambda at: at.replace(microsecond=0))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    add_ticket(tmp_path / "suivi", "AQ-7", "Déploiement 5.3")
    return tmp_path / "suivi"


@pytest.fixture
def tracker(folder: Path) -> FolderTracker:
    return FolderTracker(folder, "AQ")


@given(LINE, WORDS, MOMENTS, st.sampled_from([None, *TicketState]), LINE.filter(bool))
def test_a_note_is_read_as_it_was_written(
    author: str, text: str, at: datetime, became: TicketState | None, name: str
) -> None:
    note = TicketNote(at, author, clean_text(text).rstrip("\n"), became)
    stored = StoredNote(note, "cle-00001", (Piece(name, "0" * 64, 12),))
    assert read_note(write_note(stored)) == stored


@given(LINE, WORDS, MOMENTS, st.dictionaries(LINE.filter(bool), LINE, max_size=3))
def test_a_ticket_is_read_as_it_was_written(
    title: str, text: str, at: datetime, fields: dict[str, str]
) -> None:
    ticket = Ticket(
        "AQ-1", title, TicketState.OPEN, "Nouveau", "Anomalie", "Haute", at, at,
        due=date(2026, 12, 31), description=clean_text(text), fields=tuple(fields.items()),
    )  # fmt: skip
    assert read_ticket("AQ-1", write_ticket(ticket, "cle-00001"), ()) == (ticket, "cle-00001")


@pytest.mark.parametrize(
    "text", ["Passage :\nC:\\nonreg\\notes\\n\nfin", "C:\\nonreg", '\\\n\\n"""', "\n\\\\n\n"]
)
def test_a_path_of_windows_in_a_ticket_keeps_its_backslashes(text: str) -> None:
    ticket = Ticket("AQ-1", "t", TicketState.OPEN, "Nouveau", "", "", AT, AT, description=text)
    assert read_ticket("AQ-1", write_ticket(ticket), ())[0].description == text


def test_what_editors_of_windows_and_hands_write_is_read(tracker: FolderTracker, folder: Path) -> None:
    ticket = folder / "AQ-7" / "ticket.toml"
    ticket.write_text(ticket.read_text("utf-8"), encoding="utf-8-sig", newline="\r\n")
    (folder / "AQ-7" / "notes").mkdir()
    note = "Date\u00a0: 2026-11-21\nAuteur: Une personne\nE\u0301tat : Fermé\n---\nFait.\n"
    (folder / "AQ-7" / "notes" / "0001.md").write_text(note, encoding="utf-8-sig", newline="\r\n")
    times = ";".join(COLUMNS) + "\n21/11/2026;AQ-7;1,5;Analyse;une-personne;\n2026-12-02;AQ-7;2;;;\n"
    (folder / "temps.csv").write_text(times, encoding="utf-8-sig", newline="\r\n")  # as Excel does
    assert tracker.find_ticket("AQ-7").state is TicketState.CLOSED
    (read,) = tracker.list_notes("AQ-7")
    assert (read.author, read.text) == ("Une personne", "Fait.")
    assert [one.hours for one in tracker.list_time(date(2026, 11, 21), date(2026, 11, 21))] == [1.5]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("titre = x", "pas du TOML à la ligne 1"),
        ('ouvert_le = "20/11/2026"', "date illisible : « 20/11/2026 »"),
        ('ouvert_le = 2026-11-20\netat = "clos"', "état inconnu : « clos » .attendu : ouvert ou fermé."),
        ("ouvert_le = 2026-11-20\nchamps = 3", "« champs » n'est pas une table"),
    ],
)
def test_a_mistake_of_a_hand_is_named_in_french_with_its_file(
    tracker: FolderTracker, folder: Path, lines: str, said: str
) -> None:
    (folder / "AQ-7" / "ticket.toml").write_text(lines, encoding="utf-8")
    with pytest.raises(RequestFailed, match=rf"AQ-7.ticket\.toml est illisible \(.*{said}"):
        tracker.find_ticket("AQ-7")


def test_a_note_stands_in_its_ticket_with_its_files_by_name_and_hash(
    tracker: FolderTracker, folder: Path
) -> None:
    assert not tracker.holds_note("AQ-7", "cle-00001")
    tracker.add_note(
        "AQ-7", "cle-00001", "Campagne KO", (Attachment("rapport.pdf", b"%PDF-1.7", "application/pdf"),)
    )
    (note,) = tracker.list_notes("AQ-7")
    assert note.text.startswith("Campagne KO")
    assert holds_mark(note.text, "cle-00001")
    assert tracker.holds_note("AQ-7", "cle-00001")
    (file,) = (folder / "AQ-7" / "notes").glob("*.md")
    sha256 = hashlib.sha256(b"%PDF-1.7").hexdigest()
    assert f"Pièce : rapport.pdf {sha256} 8" in file.read_text(encoding="utf-8")
    assert (folder / "AQ-7" / "pieces" / sha256 / "rapport.pdf").read_bytes() == b"%PDF-1.7"


def test_a_name_that_leads_elsewhere_stays_in_the_ticket(tracker: FolderTracker, folder: Path) -> None:
    tracker.add_note(
        "AQ-7", "cle-00001", "x", (Attachment("../../../ailleurs\n.pdf", b"1", "application/pdf"),)
    )
    assert [one.name for one in (folder / "AQ-7" / "pieces").glob("*/*")] == ["_.._.._ailleurs_.pdf"]


def test_people_close_a_ticket_by_a_note_or_by_its_file(tracker: FolderTracker, folder: Path) -> None:
    notes = folder / "AQ-7" / "notes"
    notes.mkdir()
    (notes / "0001.md").write_text(
        "Date : 2026-11-24\nAuteur : moa\nÉtat : fermé\n---\nRecette prononcée.\n", "utf-8"
    )
    closed = tracker.find_ticket("AQ-7")
    assert (closed.state, closed.closed_at) == (TicketState.CLOSED, datetime(2026, 11, 23, 23, tzinfo=UTC))
    assert tracker.list_tickets(open_only=True) == ()
    assert [one.reference for one in tracker.list_tickets(open_only=False)] == ["AQ-7"]
    add_ticket(folder, "AQ-8", "Autre", 'etat = "fermé"')
    assert tracker.find_ticket("AQ-8").state is TicketState.CLOSED


def test_tickets_changed_since_an_instant_are_those_with_something_new(
    tracker: FolderTracker, folder: Path
) -> None:
    add_ticket(folder, "AQ-10", "Dix")
    add_ticket(folder, "AQ-9", "Neuf")
    assert [one.reference for one in tracker.list_tickets(open_only=True)] == ["AQ-7", "AQ-9", "AQ-10"]
    since = datetime.now(UTC) - timedelta(seconds=5)
    tracker.add_note("AQ-9", "cle-00001", "Nouveau", ())
    assert [one.reference for one in tracker.list_tickets(open_only=True, updated_since=since)] == ["AQ-9"]


def test_a_ticket_is_opened_once_for_a_key(tracker: FolderTracker) -> None:
    new = NewTicket("empreinte-1", "Régression HD-001", "Le scénario\nne passe plus.")
    piece = Attachment("fiche.md", b"# Fiche", "text/markdown")
    assert [tracker.open_ticket(new, (piece,)) for _ in range(2)] == ["AQ-8", "AQ-8"]
    found = tracker.find_opened("empreinte-1")
    assert found is not None
    assert (found.reference, found.state, found.title) == ("AQ-8", TicketState.OPEN, "Régression HD-001")
    assert found.description.startswith("Le scénario\nne passe plus.")
    assert len(tracker.list_notes("AQ-8")) == 1
    assert tracker.find_opened("empreinte-2") is None


@pytest.mark.parametrize(
    ("reference", "error"), [("AQ-99", TicketUnknown), ("ZZ-1", UsageError), ("../AQ-7", UsageError)]
)
def test_a_ticket_that_is_not_there_is_never_made_by_a_note(
    tracker: FolderTracker, reference: str, error: type[Exception]
) -> None:
    for ask in (
        tracker.find_ticket,
        tracker.list_notes,
        lambda one: tracker.add_note(one, "cle-00001", "x", ()),
    ):
        with pytest.raises(error):
            ask(reference)


def test_an_absent_folder_is_a_tracker_that_does_not_answer(tmp_path: Path) -> None:
    tracker = FolderTracker(tmp_path / "absent", "AQ")
    for ask in (
        tracker.check,
        lambda: tracker.find_ticket("AQ-1"),
        lambda: tracker.list_tickets(open_only=True),
    ):
        with pytest.raises(Unreachable, match="absent"):
            ask()


def test_a_file_that_cannot_be_read_is_named(tracker: FolderTracker, folder: Path) -> None:
    (folder / "AQ-7" / "ticket.toml").write_text("titre = ", "utf-8")
    with pytest.raises(RequestFailed, match=r"AQ-7/ticket\.toml est illisible"):
        tracker.find_ticket("AQ-7")


def test_hours_are_read_from_a_table_that_people_keep(tracker: FolderTracker, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"temps\.csv"):
        tracker.list_time(date(2026, 11, 1), date(2026, 11, 30))
    rows = [
        ";".join(COLUMNS),
        "2026-11-23;AQ-7;1,5;Analyse;titulaire-essai;Index absent",
        "2026-12-01;;2;COPIL;moi;",
    ]
    (folder / "temps.csv").write_text("\n".join(rows) + "\n", "utf-8")
    (one,) = tracker.list_time(date(2026, 11, 1), date(2026, 11, 30))
    assert (one.ticket, one.hours, one.activity) == ("AQ-7", 1.5, "Analyse")
    (folder / "temps.csv").write_text("\n".join([rows[0], "2026-11-23;AQ-7;beaucoup;x;y;z"]), "utf-8")
    with pytest.raises(RequestFailed, match="ligne 2"):
        tracker.list_time(date(2026, 11, 1), date(2026, 11, 30))


def write_many(folder: Path, writer: int) -> None:
    tracker = FolderTracker(folder, "AQ")
    for number in range(10):
        tracker.add_note(
            "AQ-7", f"note-{writer}-{number:03d}", f"De {writer}", (Attachment("p.txt", b"1", "text/plain"),)
        )
        tracker.open_ticket(NewTicket(f"empreinte-{number:03d}", "Une régression", "x"), ())


def test_writers_at_the_same_time_lose_nothing_and_double_nothing(
    folder: Path, tracker: FolderTracker
) -> None:
    fork = multiprocessing.get_context("fork")
    writers = [fork.Process(target=write_many, args=(folder, number)) for number in range(3)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(120)
    assert [one.exitcode for one in writers] == [0, 0, 0]
    assert len(tracker.list_notes("AQ-7")) == 30
    assert len(tracker.list_tickets(open_only=False)) == 11


def has_notes(notes: Path, at_least: int) -> bool:
    return len(list(notes.glob("*.md"))) >= at_least


WRITER = """
import sys
from pathlib import Path
from nonreg.model.tracker import Attachment
from nonreg.tracker.folder import FolderTracker
tracker = FolderTracker(Path(sys.argv[1]), "AQ")
for number in range(10_000):
    tracker.add_note("AQ-7", f"note-{number:05d}", "x", (Attachment("p.txt", b"1" * 2000, "text/plain"),))
"""


def test_a_writer_killed_at_any_moment_leaves_whole_notes_and_the_next_one_goes_on(
    folder: Path, tracker: FolderTracker
) -> None:
    for wanted in (1, 3, 7):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(folder)])
        notes = folder / "AQ-7" / "notes"
        assert wait_until(partial(has_notes, notes, wanted), 60)
        os.kill(writer.pid, signal.SIGKILL)
        writer.wait()
        known = tracker.list_notes("AQ-7")
        tracker.add_note("AQ-7", f"apres-{wanted:03d}", "Après", ())
        assert len(tracker.list_notes("AQ-7")) == len(known) + 1
        for file in notes.glob("*.md"):
            (piece,) = read_note(file.read_text("utf-8")).pieces or (None,)
            assert (
                piece is None
                or (folder / "AQ-7" / "pieces" / piece.sha256 / piece.name).stat().st_size == 2000
            )
