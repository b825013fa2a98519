"""The adapter against a real Redmine: what it asks and writes, and what Redmine does in silence."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest

from nonreg.errors import AccessDenied, RequestFailed, UsageError
from nonreg.model.tracker import Attachment, NewTicket, TicketState
from nonreg.tracker.api import MAX_TEXT_CHARS
from nonreg.tracker.protocol import NoteRefused, TicketUnknown
from tests.hostile import HOSTILE, TEXTS
from tests.redmine.people import People, describe

pytestmark = pytest.mark.redmine
BYTES = bytes(range(256)) * 40
WRONG = "0" * 40
DAY = date(2026, 3, 2)


def make_key() -> str:
    return f"essai-{uuid4().hex}"


def test_the_key_says_whose_it_is(people: People) -> None:
    assert people.track().check() == "automate"


@pytest.mark.parametrize(
    "ask",
    [
        lambda tracker: tracker.check(),
        lambda tracker: tracker.find_ticket("AQ-1"),
        lambda tracker: tracker.list_tickets(open_only=False),
        lambda tracker: tracker.list_notes("AQ-1"),
        lambda tracker: tracker.holds_note("AQ-1", "essai-1234"),
        lambda tracker: tracker.find_opened("essai-1234"),
        lambda tracker: tracker.list_time(DAY, DAY),
        lambda tracker: tracker.add_note("AQ-1", "essai-1234", "x", ()),
        lambda tracker: tracker.open_ticket(NewTicket("essai-1234", "x", "x"), ()),
    ],
)
def test_a_wrong_key_is_refused_though_the_project_is_public(
    people: People, ask: Callable[[object], object]
) -> None:
    number = people.open_issue("Publique")
    assert people.show_page(number).count("Publique"), "anybody sees it"
    with pytest.raises(AccessDenied, match="401") as raised:
        ask(people.track(key=WRONG))
    assert WRONG not in str(raised.value)


def test_the_key_of_an_account_that_was_ended_is_refused_and_no_ticket_is_called_unknown(
    people: People,
) -> None:
    number = people.open_issue("Confidentielle", is_private=True)
    tracker = people.track("congedie")
    assert tracker.find_ticket(f"AQ-{number}").title == "Confidentielle"
    people.lock("congedie")
    for ask in (
        lambda: tracker.find_ticket(f"AQ-{number}"),
        lambda: tracker.list_notes(f"AQ-{number}"),
        lambda: tracker.add_note(f"AQ-{number}", make_key(), "Trop tard.", ()),
    ):
        with pytest.raises(AccessDenied):
            ask()
    assert people.read_journals(number) == []


def test_a_ticket_is_read_with_its_fields(people: People) -> None:
    fields = people.server.known["fields"]
    number = people.open_issue(
        "Écart <b>vu</b>",
        description="Décrit ici.",
        start_date="2026-03-01",
        due_date="2026-04-01",
        assigned_to_id=people.server.known["users"]["automate"],
        custom_fields=[
            {"id": fields["Référence"], "value": "R-7"},
            {"id": fields["Sites"], "value": ["A", "B"]},
        ],
    )
    ticket = people.track().find_ticket(f"AQ-{number}")
    assert (ticket.reference, ticket.title) == (f"AQ-{number}", "Écart <b>vu</b>")
    assert (ticket.state, ticket.status, ticket.kind) == (TicketState.OPEN, "New", "Anomalie")
    assert (ticket.due, ticket.assignee) == (date(2026, 4, 1), "automate Essai")
    assert ticket.description == "Décrit ici."
    assert {("Référence", "R-7"), ("Sites", "A, B"), ("Empreinte", "")} <= set(ticket.fields)
    assert timedelta() <= datetime.now(UTC) - ticket.opened_at < timedelta(minutes=10)
    assert ticket.closed_at is None


def test_a_closed_ticket_says_when_and_one_opened_again_does_not(people: People) -> None:
    number = people.open_issue("Close et rouverte")
    tracker = people.track()
    people.set_status(number, "Closed")
    closed = tracker.find_ticket(f"AQ-{number}")
    assert closed.state is TicketState.CLOSED
    assert closed.closed_at is not None
    assert f"AQ-{number}" not in [one.reference for one in tracker.list_tickets(open_only=True)]
    people.set_status(number, "In Progress")
    opened = tracker.find_ticket(f"AQ-{number}")
    assert (opened.state, opened.status, opened.closed_at) == (TicketState.OPEN, "In Progress", None)
    assert [one.became for one in tracker.list_notes(f"AQ-{number}")] == [
        TicketState.CLOSED,
        TicketState.OPEN,
    ]


def test_notes_are_those_of_anybody_and_a_change_of_a_field_is_none(people: People) -> None:
    number = people.open_issue("Commentée")
    people.change(number, notes="Vu.\r\nÀ suivre.")
    people.change(number, subject="Commentée, puis renommée")
    tracker = people.track()
    tracker.add_note(f"AQ-{number}", "essai-notes-1", "Lu.", ())
    first, second = tracker.list_notes(f"AQ-{number}")
    assert (first.author, first.text.splitlines(), first.became) == (
        "Redmine Admin",
        ["Vu.", "À suivre."],
        None,
    )
    assert second.author == "automate Essai"
    assert second.text.splitlines()[-1] == "[aquareel-nonreg:essai-notes-1]"
    assert first.at <= second.at


def test_a_note_and_its_files_are_one_change_and_the_files_are_what_was_given(people: People) -> None:
    number = people.open_issue("Avec rapport")
    tracker, key = people.track(), make_key()
    assert not tracker.holds_note(f"AQ-{number}", key)
    files = (
        Attachment("rapport élevé (1).pdf", BYTES, "application/pdf"),
        Attachment("../../vide.html", b"", "text/html"),
        Attachment("rapport.html", b"<script>alert(1)</script>", "text/html"),
    )
    tracker.add_note(f"AQ-{number}", key, "Campagne conforme.", files[::2])
    assert tracker.holds_note(f"AQ-{number}", key)
    assert not tracker.holds_note(f"AQ-{number}", key[:-1])
    (journal,) = people.read_journals(number)
    assert [one["property"] for one in journal["details"]] == ["attachment"] * 2
    assert people.read_files(number) == [
        ("rapport élevé _1_.pdf", BYTES),
        ("rapport.html", b"<script>alert(1)</script>"),
    ]


def test_every_page_of_a_long_list_is_read_once(people: People) -> None:
    tracker = people.track(project="longue")
    tickets = tracker.list_tickets(open_only=False)
    assert [one.title for one in tickets] == [f"Série {index}" for index in range(205)]
    opened = tracker.list_tickets(open_only=True)
    assert [one.title for one in opened] == [f"Série {index}" for index in range(205) if index % 5]


def test_tickets_that_did_not_change_since_are_left_out(people: People) -> None:
    old, new = people.open_issue("Ancienne"), people.open_issue("Récente")
    updated = people.track().find_ticket(f"AQ-{old}").updated_at + timedelta(seconds=1)

    def change() -> datetime:
        people.change(new, notes="x")
        return people.track().find_ticket(f"AQ-{new}").updated_at

    while change() < updated:  # its clock counts whole seconds
        pass
    found = {one.reference for one in people.track().list_tickets(open_only=False, updated_since=updated)}
    assert f"AQ-{new}" in found
    assert f"AQ-{old}" not in found


def test_a_ticket_of_another_project_or_of_none_is_unknown(people: People) -> None:
    elsewhere = people.open_issue("Ailleurs", project="autre")
    tracker = people.track()
    for reference in (f"AQ-{elsewhere}", "AQ-99999999", "AQ-0", "AQ-999999999999999999999"):
        for ask in (
            tracker.find_ticket,
            tracker.list_notes,
            lambda given: tracker.holds_note(given, "essai-1234"),
            lambda given: tracker.add_note(given, "essai-1234", "x", ()),
        ):
            with pytest.raises(TicketUnknown):
                ask(reference)
    assert people.read_journals(elsewhere) == []
    with pytest.raises(UsageError):
        tracker.find_ticket("BQ-1")


def test_a_project_that_does_not_exist_or_is_not_shown_puts_no_note_aside(people: People) -> None:
    reference = f"AQ-{people.open_issue('Là')}"
    for tracker in (people.track(project="absent"), people.track("voisin", project="ferme")):
        for ask in (tracker.find_ticket, partial(tracker.add_note, key=make_key(), text="x", attachments=())):
            with pytest.raises((AccessDenied, RequestFailed)) as raised:
                ask(reference)
            assert not isinstance(raised.value, TicketUnknown | NoteRefused), raised.value


def test_an_address_where_there_is_no_redmine_puts_no_note_aside(people: People) -> None:
    tracker = people.track(url=f"{people.server.url}/ailleurs")
    with pytest.raises(RequestFailed) as raised:
        tracker.add_note("AQ-1", "essai-1234", "x", ())
    assert not isinstance(raised.value, TicketUnknown | NoteRefused)


@pytest.mark.parametrize("login", ["modifieur", "lecteur", "passant"])
def test_an_account_that_may_add_no_note_is_told_and_leaves_no_file(people: People, login: str) -> None:
    number = people.open_issue("Muette")
    tracker = people.track(login)
    files = (Attachment("rapport.pdf", BYTES, "application/pdf"),) if login != "passant" else ()
    with pytest.raises(AccessDenied):
        tracker.add_note(f"AQ-{number}", make_key(), "Perdue ?", files)
    assert people.read_journals(number) == []
    assert people.read_files(number) == []


def test_redmine_answers_yes_to_a_note_that_it_drops_which_is_why_it_is_read_back(people: People) -> None:
    number = people.open_issue("Silence")
    tracker = people.track("passant")
    with pytest.raises(AccessDenied, match="a répondu oui"):
        tracker.add_note(f"AQ-{number}", make_key(), "Perdue.", ())


def test_what_redmine_refuses_is_told_in_its_words_and_leaves_nothing(people: People) -> None:
    number = people.open_issue("Trop lourde")
    tracker = people.track()
    for file, words in (
        (Attachment("lourd.pdf", b"x" * (2049 * 1024), "application/pdf"), "422.*: .*"),
        (Attachment("virus.exe", b"x", "application/octet-stream"), "422.*: .*"),
    ):
        with pytest.raises(NoteRefused, match=words):
            tracker.add_note(f"AQ-{number}", make_key(), "Avec un fichier.", (file,))
    with pytest.raises(NoteRefused, match=str(MAX_TEXT_CHARS)):
        tracker.add_note(f"AQ-{number}", make_key(), "é" * (10 * 1024 * 1024), ())
    assert people.read_journals(number) == []


def test_hostile_texts_stand_as_text_and_show_what_they_hide(people: People) -> None:
    number = people.open_issue("Hostile")
    tracker = people.track()
    for text in HOSTILE:
        key = make_key()
        tracker.add_note(f"AQ-{number}", key, text, ())
        assert tracker.holds_note(f"AQ-{number}", key)
    notes = "\n".join(one.text for one in tracker.list_notes(f"AQ-{number}"))
    for hidden in ("\x00", "\x07", "\x1b", "\u202e", "\u200b"):
        assert hidden not in notes
        assert f"<U+{ord(hidden):04X}>" in notes
    assert TEXTS["script"] in notes, "what is no order to a screen is kept to the letter"
    page = people.show_page(number)
    assert "<script>alert" not in page
    assert not re.search(r"<[^>]*(?:onerror|javascript:)", page), re.findall(
        r"<[^>]*(?:onerror|javascript:)[^>]*>", page
    )
    assert "user-mention" not in page


def test_a_regression_has_one_ticket_that_is_found_by_its_field(people: People) -> None:
    tracker, key = people.track(fingerprint_field="Empreinte"), make_key()
    assert tracker.find_opened(key) is None
    title = "Régression\u202e\x00 " + "é" * 300
    reference = tracker.open_ticket(
        NewTicket(key, title, "Vue trois fois."), (Attachment("r.pdf", BYTES, "application/pdf"),)
    )
    found = tracker.find_opened(key)
    assert found is not None
    assert (found.reference, found.kind) == (reference, "Régression")
    assert ("Empreinte", key) in found.fields
    assert len(found.title) == 255
    assert found.description.startswith("Vue trois fois.")
    assert people.read_files(int(reference[3:])) == [("r.pdf", BYTES)]
    field = people.server.known["fields"]["Empreinte"]
    people.change(int(reference[3:]), custom_fields=[{"id": field, "value": ""}])  # by somebody who tidies up
    people.set_status(int(reference[3:]), "Closed")
    again = tracker.find_opened(key)
    assert again is not None
    assert again.state is TicketState.CLOSED
    people.open_issue("Doublée", custom_fields=[{"id": field, "value": key}])
    oldest = tracker.find_opened(key)
    assert oldest is not None
    assert oldest.reference == reference


@pytest.mark.parametrize("field", ["", "Référence"])
def test_it_is_found_without_a_field_and_by_one_that_redmine_does_not_filter(
    people: People, field: str
) -> None:
    tracker, key = people.track(fingerprint_field=field), make_key()
    other = people.open_issue("Autre", description=f"[aquareel-nonreg:{key}0]")
    assert tracker.find_opened(key) is None, other
    reference = tracker.open_ticket(NewTicket(key, "Titre", "Texte"), ())
    found = tracker.find_opened(key)
    assert found is not None
    assert found.reference == reference


def test_a_field_or_a_kind_that_the_project_does_not_have_is_told(people: People) -> None:
    for more, words in (
        ({"fingerprint_field": "Absent"}, "Absent"),
        ({"regression_kind": "Absente"}, "Absente"),
    ):
        with pytest.raises(NoteRefused, match=words):
            people.track(**more).open_ticket(NewTicket(make_key(), "Titre", "Texte"), ())


def test_an_account_that_may_not_open_tickets_is_told(people: People) -> None:
    with pytest.raises(AccessDenied, match="créer des demandes"):
        people.track("modifieur").open_ticket(NewTicket(make_key(), "Titre", "Texte"), ())


def test_hours_are_those_of_the_days_asked_for(people: People) -> None:
    number = people.open_issue("Travaillée")
    day = date(2025, 5, 12)
    people.book(day - timedelta(1), 8, "avant", issue=number)
    people.book(day, 2.5, "<b>analyse</b>", issue=number)
    people.book(day + timedelta(1), 0.75, "sur le projet")
    people.book(day + timedelta(1), 3, "ailleurs", project="autre")
    people.book(day + timedelta(2), 8, "après", issue=number)
    entries = people.track().list_time(day, day + timedelta(1))
    assert [(one.ticket, one.day, one.hours, one.comment) for one in entries] == [
        (f"AQ-{number}", day, 2.5, "<b>analyse</b>"),
        ("", day + timedelta(1), 0.75, "sur le projet"),
    ]
    assert {(one.activity, one.author) for one in entries} == {("Design", "Redmine Admin")}


def test_more_hours_than_a_page_holds_are_all_read(people: People) -> None:
    entries = people.track(project="longue").list_time(date(2024, 1, 15), date(2024, 1, 15))
    assert sorted(int(one.comment) for one in entries) == list(range(205))


def test_an_account_that_may_not_see_hours_is_told(people: People) -> None:
    with pytest.raises(AccessDenied):
        people.track("lecteur").list_time(DAY, DAY)


def test_a_note_is_written_as_given_by_nobody_else(people: People) -> None:
    number = people.open_issue("Auteur")
    people.track().add_note(f"AQ-{number}", make_key(), "Signée.", ())
    journals = people.read_journals(number)
    assert [one["user"]["name"] for one in journals] == ["automate Essai"], describe(journals)
    assert json.dumps(journals).count("Sign") == 1
