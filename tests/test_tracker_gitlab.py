"""The adapter of GitLab, against a server that answers as its documentation says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

import pytest

from nonreg.config import Secret
from nonreg.errors import AccessDenied, RequestFailed, Unreachable, UsageError
from nonreg.model.tracker import Attachment, NewTicket, TicketState
from nonreg.tracker.gitlab import GitlabTracker, open_gitlab
from nonreg.tracker.protocol import NoteRefused, TicketUnknown
from nonreg.tracker.settings import TrackerKind, TrackerSettings
from tests.gitlab_server import PROJECT, TOKEN, Gitlab, start_gitlab, write
from tests.hostile import HOSTILE

KEY = "essai-0123456789"
MARK = f"[aquareel-nonreg:{KEY}]"
BYTES = b"\r\n--\x00" + bytes(range(256)) * 10 + b"\r\n"


@pytest.fixture
def gitlab() -> Iterator[Gitlab]:
    with start_gitlab() as started:
        yield started


def track(gitlab: Gitlab, token: str = TOKEN, **more: Any) -> GitlabTracker:
    settings = TrackerSettings(
        kind=TrackerKind.GITLAB,
        url=gitlab.url,
        key_env="NONREG_TRACKER_KEY",
        **{"project": PROJECT, "regression_kind": "régression", **more},
    )
    return open_gitlab(settings, Secret(token), "")


def test_the_token_says_whose_it_is_and_a_wrong_one_is_refused(gitlab: Gitlab) -> None:
    assert track(gitlab).check() == "automate"
    with pytest.raises(AccessDenied, match="401 Unauthorized") as raised:
        track(gitlab, "glpat-faux").check()
    assert "glpat-faux" not in str(raised.value)


def test_a_ticket_is_read_with_its_labels(gitlab: Gitlab) -> None:
    iid = gitlab.open_issue(
        "Écart",
        "Décrit.",
        "priority::haute,HD",
        due_date="2026-04-01",
        assignees=[{"id": 1, "username": "ada", "name": "Ada"}],
    )
    ticket = track(gitlab).find_ticket(f"AQ-{iid}")
    assert (ticket.reference, ticket.title, ticket.description) == ("AQ-1", "Écart", "Décrit.")
    assert (ticket.state, ticket.status, ticket.kind) == (TicketState.OPEN, "opened", "issue")
    assert (ticket.priority, ticket.due, ticket.assignee) == ("haute", date(2026, 4, 1), "ada")
    assert ticket.fields == (("labels", "priority::haute,HD"),)
    assert ticket.opened_at.tzinfo is not None


def test_every_page_is_read_and_a_closed_ticket_is_left_out_of_the_open_ones(gitlab: Gitlab) -> None:
    for index in range(230):
        gitlab.open_issue(f"Série {index}")
    gitlab.set_state(7, "closed")
    tracker = track(gitlab)
    tickets = tracker.list_tickets(open_only=False)
    assert [one.reference for one in tickets] == [f"AQ-{number}" for number in range(1, 231)]
    assert tickets[6].closed_at is not None
    assert len(tracker.list_tickets(open_only=True)) == 229
    since = tracker.list_tickets(open_only=False, updated_since=datetime(2026, 3, 2, 8, 3, 49, tzinfo=UTC))
    assert [one.reference for one in since] == ["AQ-7", "AQ-229", "AQ-230"]


def test_a_full_page_without_the_number_of_the_next_is_no_whole_list(gitlab: Gitlab) -> None:
    page = [gitlab.issues[gitlab.open_issue(str(index))] for index in range(100)]
    gitlab.failures.append(("GET ", write(200, page)))  # a proxy dropped the header
    with pytest.raises(RequestFailed, match="X-Next-Page"):
        track(gitlab).list_tickets(open_only=False)


@pytest.mark.parametrize("has_events", [True, False])
def test_changes_of_state_are_told_by_events_or_by_notes_of_the_system(
    gitlab: Gitlab, has_events: bool
) -> None:
    gitlab.has_events = has_events
    iid = gitlab.open_issue("Suivie")
    gitlab.add_note(iid, "closed")  # somebody's word, not a state
    gitlab.add_note(iid, "added ~bug label", system=True)
    gitlab.set_state(iid, "closed")
    gitlab.set_state(iid, "opened")
    notes = track(gitlab).list_notes(f"AQ-{iid}")
    assert [(one.text, one.became) for one in notes] == [
        ("closed", None),
        ("", TicketState.CLOSED),
        ("", TicketState.OPEN),
    ]
    assert {one.author for one in notes} == {"automate"}


def test_more_notes_than_a_page_holds_are_all_read_oldest_first(gitlab: Gitlab) -> None:
    iid = gitlab.open_issue("Longue")
    for index in range(130):
        gitlab.add_note(iid, str(index))
    assert [one.text for one in track(gitlab).list_notes("AQ-1")] == [str(index) for index in range(130)]


def test_a_note_links_its_files_which_are_what_was_given(gitlab: Gitlab) -> None:
    iid = gitlab.open_issue("Avec rapport")
    tracker = track(gitlab)
    assert not tracker.holds_note("AQ-1", KEY)
    files = (Attachment('a"b\r\nX: y.pdf', BYTES, "application/pdf"), Attachment("é.bin", b"", "n'importe"))
    tracker.add_note("AQ-1", KEY, "Conforme.", files)
    assert tracker.holds_note("AQ-1", KEY)
    (note,) = gitlab.notes[iid]
    assert note["body"].startswith("Conforme.\n\n[a_b")
    assert note["body"].endswith(f"\n\n{MARK}")
    assert list(gitlab.files.values()) == [BYTES, b""]
    assert all(url in note["body"] for url in gitlab.files)


@pytest.mark.parametrize(
    "text",
    [
        "/close",
        "Vu :\n/close",
        "a\r/close",
        "a\n   /close",
        "<script>alert(1)</script>",
        "@all",
        "x\u202e\x00",
        *HOSTILE,
    ],
)
def test_a_hostile_text_gives_no_order_calls_nobody_and_shows_what_it_hides(
    gitlab: Gitlab, text: str
) -> None:
    iid = gitlab.open_issue("Hostile")
    track(gitlab).add_note("AQ-1", KEY, text, ())
    body = gitlab.notes[iid][0]["body"]
    assert gitlab.issues[iid]["state"] == "opened"
    assert not re.search(r"^\s*/", body, re.MULTILINE)
    assert not re.search(r"(?<!\\)<(?!U)", body.replace("\\<U+", "<U+"))
    assert "@all" not in body
    assert not set(body) & {"\x00", "\u202e", "\r"}
    assert track(gitlab).holds_note("AQ-1", KEY)


def test_a_text_that_no_ticket_takes_is_refused_before_anything_is_sent(gitlab: Gitlab) -> None:
    gitlab.open_issue("Trop long")
    with pytest.raises(NoteRefused):
        track(gitlab).add_note("AQ-1", KEY, "x" * 10_000_000, (Attachment("a", b"x", "text/plain"),))
    assert gitlab.requests == []


def test_a_ticket_that_is_not_there_is_unknown_unless_the_project_is_not_there_either(gitlab: Gitlab) -> None:
    with pytest.raises(TicketUnknown):
        track(gitlab).find_ticket("AQ-12")
    with pytest.raises(TicketUnknown):
        track(gitlab).add_note("AQ-12", KEY, "x", (Attachment("a", b"x", "text/plain"),))
    assert gitlab.files == {}
    with pytest.raises(RequestFailed) as raised:
        track(gitlab, project="autre").find_ticket("AQ-12")
    assert not isinstance(raised.value, TicketUnknown)
    with pytest.raises(UsageError):
        track(gitlab).find_ticket("BQ-12")


@pytest.mark.parametrize("sets_labels", [True, False])
def test_a_regression_has_one_ticket_found_by_label_or_by_its_text(gitlab: Gitlab, sets_labels: bool) -> None:
    gitlab.sets_labels = sets_labels  # an account below Reporter: GitLab ignores its labels
    gitlab.open_issue("Autre", f"[aquareel-nonreg:{KEY}0]", f"aquareel-nonreg:{KEY}0")
    tracker = track(gitlab)
    assert tracker.find_opened(KEY) is None
    title = "Régression\n" + "é" * 300
    assert tracker.open_ticket(NewTicket(KEY, title, "/close"), ()) == "AQ-2"
    found = tracker.find_opened(KEY)
    assert found is not None
    assert (found.reference, len(found.title)) == ("AQ-2", 255)
    assert found.kind == ("régression" if sets_labels else "issue")
    gitlab.open_issue("Doublée", "", f"aquareel-nonreg:{KEY}")
    gitlab.set_state(2, "closed")
    again = tracker.find_opened(KEY)
    assert again is not None
    assert (again.reference, again.state) == ("AQ-2", TicketState.CLOSED)


def test_what_gitlab_refuses_is_told_in_its_words_without_the_token(gitlab: Gitlab) -> None:
    gitlab.open_issue("Refusée")
    gitlab.failures.append(
        ("/notes", write(400, {"message": {"note": [f"mal {TOKEN} x@y.fr " + "z" * 900]}}))
    )
    with pytest.raises(NoteRefused, match=r"note mal \*\*\* <courriel> z+…") as raised:
        track(gitlab).add_note("AQ-1", KEY, "x", ())
    assert TOKEN not in str(raised.value)
    gitlab.failures.append(("/uploads", write(413, {"error": "file is too large"})))
    with pytest.raises(NoteRefused, match="file is too large"):
        track(gitlab).add_note("AQ-1", KEY, "x", (Attachment("a", b"x", "text/plain"),))
    assert gitlab.notes[1] == []


def test_a_write_that_fails_in_passing_is_sent_once_and_a_read_again(gitlab: Gitlab) -> None:
    gitlab.open_issue("Passagère")
    busy = write(429, {"message": "Retry later"}, **{"Retry-After": "0"})
    gitlab.failures += [("GET ", busy), ("GET ", write(502, {})), ("/notes", write(503, {}))]
    tracker = track(gitlab)
    with pytest.raises(RequestFailed, match="503"):
        tracker.add_note("AQ-1", KEY, "x", ())
    assert sum(one.startswith("POST") for one in gitlab.requests) == 1
    assert gitlab.notes[1] == []
    tracker.add_note("AQ-1", KEY, "x", ())
    assert tracker.holds_note("AQ-1", KEY)


def test_hours_are_not_given_by_this_interface(gitlab: Gitlab) -> None:
    with pytest.raises(UsageError, match="heures"):
        track(gitlab).list_time(date(2026, 3, 1), date(2026, 3, 2))


def test_a_gitlab_that_is_down_is_unreachable() -> None:
    with start_gitlab() as gitlab:
        tracker = track(gitlab)
    with pytest.raises(Unreachable):
        tracker.check()
