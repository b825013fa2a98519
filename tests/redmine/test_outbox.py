"""What waits in the outbox reaches a real Redmine once and in order, across its death and its return."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from nonreg.tracker.items import Item, ItemKind, PieceRef
from nonreg.tracker.outbox import TrackerOutbox
from tests.redmine.cutting import Link, Moment
from tests.redmine.people import People, describe

pytestmark = pytest.mark.redmine
NOTES = 6
BYTES = bytes(range(256)) * 100
LARGEST = 1024 * 1024


def fill(box: TrackerOutbox, runs: Path, reference: str) -> list[str]:
    """A queue of notes for one ticket, each with its file; their texts."""
    texts = []
    for index in range(NOTES):
        (runs / f"rapport-{index}.pdf").write_bytes(BYTES + bytes([index]))
        piece = PieceRef(f"rapport-{index}.pdf", f"rapport-{index}.pdf", "application/pdf")
        text = f"Note {index} de la campagne."
        at = datetime.now(UTC)
        key = f"essai-{uuid4().hex}"
        assert box.add(
            Item(key, index + 1, 0, ItemKind.NOTE, at, reference, text, pieces=(piece,)), patient=True
        )
        texts.append(text)
    return texts


def test_a_queue_is_delivered_once_and_in_order_though_redmine_dies_twice(
    people: People, link: Link, tmp_path: Path
) -> None:
    number = people.open_issue("Campagnes")
    box = TrackerOutbox(tmp_path, "essai")
    texts = fill(box, tmp_path, f"AQ-{number}")
    now = datetime.now(UTC)
    tracker = people.track(url=link.url)

    def deliver() -> int:
        return sum(str(one).startswith("remise") for one in box.deliver(tracker, lambda: now, LARGEST))

    # Its answer to the first note is lost with it; it dies again before it has the second one.
    for moment, standing in ((Moment.AFTER, 1), (Moment.BEFORE, 1)):
        link.cut_at("PUT /issues/", moment, people.server.kill)
        assert deliver() == (0 if moment is Moment.AFTER else 1)
        now += timedelta(hours=1)
        assert deliver() == 0, "it is down"
        people.server.start()
        assert len(people.read_journals(number)) == standing
        now += timedelta(hours=1)
    assert deliver() == NOTES - 1
    assert box.list_waiting() == ()
    journals = people.read_journals(number)
    assert [one["notes"].splitlines()[0] for one in journals] == texts, describe(journals)
    assert people.read_files(number) == [
        (f"rapport-{index}.pdf", BYTES + bytes([index])) for index in range(NOTES)
    ]


def test_a_regression_of_the_outbox_opens_one_ticket_though_the_answer_was_lost(
    people: People, link: Link, tmp_path: Path
) -> None:
    box = TrackerOutbox(tmp_path, "essai")
    now, fingerprint = datetime.now(UTC), uuid4().hex
    for index in range(2):
        key = f"essai-{uuid4().hex}"
        item = Item(key, index + 1, 0, ItemKind.SEEN, now, "", f"Vue {index}.", "Régression", fingerprint)
        box.add(item, patient=True)
    tracker = people.track(url=link.url, fingerprint_field="Empreinte")
    link.cut_at("POST /issues.json", Moment.AFTER)
    box.deliver(tracker, lambda: now, LARGEST)
    later = now + timedelta(hours=1)
    box.deliver(tracker, lambda: later, LARGEST)
    assert box.list_waiting() == ()
    opened = tracker.find_opened(f"empreinte-{fingerprint}")
    assert opened is not None
    assert sum(one.startswith("POST /issues.json") for one in link.requests) == 1
    assert opened.description.startswith("Vue 0.")
    assert [one.text.splitlines()[0] for one in tracker.list_notes(opened.reference)] == ["Vue 1."]
