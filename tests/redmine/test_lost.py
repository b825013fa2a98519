"""A Redmine that dies in the middle of a delivery, or a link that does: nothing lost, nothing twice."""

from __future__ import annotations

from collections.abc import Callable
from uuid import uuid4

import pytest

from nonreg.errors import RequestFailed, Unreachable
from nonreg.model.tracker import Attachment, NewTicket
from tests.redmine.cutting import Link, Moment
from tests.redmine.people import People, describe

pytestmark = pytest.mark.redmine
FILE = Attachment("rapport.pdf", bytes(range(256)) * 500, "application/pdf")


def deliver_again(people: People, reference: str, key: str) -> bool:
    """What an outbox does after a doubt: ask, then write; True when it wrote."""
    tracker = people.track()
    if tracker.holds_note(reference, key):
        return False
    tracker.add_note(reference, key, "Campagne conforme.", (FILE,))
    return True


def check_once(people: People, number: int, key: str) -> None:
    journals = people.read_journals(number)
    assert sum(key in one["notes"] for one in journals) == len(journals) == 1, describe(journals)
    assert people.read_files(number) == [(FILE.name, FILE.content)]


@pytest.mark.parametrize(
    ("request_line", "moment", "killed"),
    [
        ("POST /uploads.json", Moment.HALF, False),
        ("POST /uploads.json", Moment.AFTER, True),
        ("PUT /issues/", Moment.BEFORE, False),
        ("PUT /issues/", Moment.BEFORE, True),
        ("PUT /issues/", Moment.AFTER, False),
        ("PUT /issues/", Moment.AFTER, True),
    ],
)
def test_a_note_stands_once_with_its_file_whenever_the_delivery_was_cut(
    people: People, link: Link, request_line: str, moment: Moment, killed: bool
) -> None:
    number, key = people.open_issue("Coupée"), f"essai-{uuid4().hex}"
    stands = (request_line, moment) == ("PUT /issues/", Moment.AFTER)
    happen: Callable[[], None] = people.server.kill if killed else lambda: None
    link.cut_at(request_line, moment, happen)
    with pytest.raises((Unreachable, RequestFailed)):
        people.track(url=link.url).add_note(f"AQ-{number}", key, "Campagne conforme.", (FILE,))
    assert link.cuts == 1
    if killed:
        people.server.start()
    assert people.track().holds_note(f"AQ-{number}", key) is stands
    assert [name for name, _ in people.read_files(number)] == ([FILE.name] if stands else [])
    assert deliver_again(people, f"AQ-{number}", key) is not stands
    check_once(people, number, key)


def test_a_ticket_whose_answer_was_lost_is_found_instead_of_being_opened_twice(
    people: People, link: Link
) -> None:
    key = f"essai-{uuid4().hex}"
    tracker = people.track(url=link.url, fingerprint_field="Empreinte")
    link.cut_at("POST /issues.json", Moment.AFTER)
    with pytest.raises(Unreachable):
        tracker.open_ticket(NewTicket(key, "Régression", "Vue."), (FILE,))
    found = tracker.find_opened(key)
    assert found is not None
    assert people.read_files(int(found.reference[3:])) == [(FILE.name, FILE.content)]


def test_a_read_that_was_cut_is_asked_again_and_a_write_is_not(people: People, link: Link) -> None:
    number, key = people.open_issue("Relue"), f"essai-{uuid4().hex}"
    tracker = people.track(url=link.url)
    link.cut_at("GET /users/current.json", Moment.AFTER)
    assert tracker.check() == "automate"
    link.cut_at("PUT /issues/", Moment.BEFORE)
    with pytest.raises(Unreachable):
        tracker.add_note(f"AQ-{number}", key, "Une fois.", ())
    assert sum(one.startswith("PUT ") for one in link.requests) == 1
    assert not tracker.holds_note(f"AQ-{number}", key)


def test_a_server_that_is_down_is_unreachable(people: People, link: Link) -> None:
    tracker = people.track(url=link.url)
    people.server.stop()
    with pytest.raises(Unreachable):
        tracker.check()
