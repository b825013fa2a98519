"""What of the ledger is told in tickets: which events, in which words, and one ticket for a regression."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.errors import UsageError
from nonreg.evidence.chain import RECORD
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.model import Outcome
from nonreg.model.tracker import TicketState
from nonreg.tracker.delivery import Event, State, Step
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.posting import post
from nonreg.tracker.timeline import read_timeline
from tests.governed import Governed, publish_run
from tests.tracker.desks import Desk, connect_folder
from tests.tracker.folders import add_ticket

HOSTILE = (
    "/close @all <script>alert(1)</script>\n/close\u202e =cmd|' /C calc'!A0 \x1b[31m motdepasse=Secret123 "
)
HUGE = HOSTILE + "x" * 10_000_000


@pytest.fixture
def tracker(tmp_path: Path) -> FolderTracker:
    add_ticket(tmp_path / "tickets", "AQ-1", "Suivi")
    return FolderTracker(tmp_path / "tickets", "AQ")


@pytest.fixture
def desk(governed: Governed, tracker: FolderTracker, tmp_path: Path) -> Desk:
    connect_folder(governed, tmp_path / "tickets")
    return Desk(governed)


def run(desk: Desk, run_id: str, **outcomes: Outcome) -> Path:
    """A campaign of the next night; everything is good but what is named."""
    desk.wait(days=1)
    good = {"BASE-001": Outcome.OK, "APP-001": Outcome.OK, "HD-001": Outcome.OK}
    changed = {name.replace("_", "-"): outcome for name, outcome in outcomes.items()}
    return publish_run(desk.governed, run_id, good | changed, desk.now)


def tell(tracker: FolderTracker, reference: str) -> list[str]:
    """The first line of each note of a ticket."""
    return [note.text.splitlines()[0] for note in tracker.list_notes(reference)]


def test_a_campaign_is_a_note_with_its_verdict_its_reasons_and_its_report(
    desk: Desk, tracker: FolderTracker, tmp_path: Path
) -> None:
    run_dir = run(desk, "nuit-1", BASE_001=Outcome.KO)
    desk.post()
    (note,) = tracker.list_notes("AQ-1")
    assert note.text.startswith("Campagne nuit-1 : verdict KO.\nVersion 5.2.0.\nMotifs :\n- ")
    assert "Joint : rapport-nuit-1.pdf (SHA-256 " in note.text
    (kept,) = (tmp_path / "tickets" / "AQ-1" / "pieces").glob("*/rapport-nuit-1.pdf")
    assert kept.read_bytes() == (run_dir / "report.pdf").read_bytes()


def test_a_regression_has_one_ticket_a_note_for_each_night_and_one_when_it_is_gone(
    desk: Desk, tracker: FolderTracker
) -> None:
    for number, outcome in enumerate(
        (Outcome.OK, Outcome.KO, Outcome.KO, Outcome.OK, Outcome.OK, Outcome.KO), 1
    ):
        run(desk, f"nuit-{number}", BASE_001=outcome)
        desk.post()
    (ticket,) = (one for one in tracker.list_tickets(open_only=False) if one.reference != "AQ-1")
    assert (ticket.title, ticket.state) == ("Régression BASE-001 — Essai BASE-001", TicketState.OPEN)
    assert ticket.description.startswith("Régression : BASE-001 — KO.\nPassage nuit-2,")
    assert tell(tracker, ticket.reference)[1:] == [  # the first holds the files of the opening
        "Toujours là : BASE-001 — KO.",
        "Corrigée : le scénario BASE-001 passe (OK).",
        "Réapparue : BASE-001 — KO.",
    ]
    assert len(tell(tracker, "AQ-1")) == 6


def test_a_campaign_that_is_judged_again_tells_nothing_twice_of_a_regression(
    desk: Desk, tracker: FolderTracker
) -> None:
    from tasks.publication import judge_folder, publish_report

    run(desk, "nuit-1")
    run_dir = run(desk, "nuit-2", BASE_001=Outcome.KO)
    desk.post()
    for _ in range(2):
        publish_report(run_dir, judge_folder(run_dir))
        desk.post()
    assert len(tracker.list_tickets(open_only=False)) == 2
    assert len(tracker.list_notes("AQ-2")) == 1


def test_an_old_run_that_is_judged_again_says_nothing_of_how_things_are_now(
    desk: Desk, tracker: FolderTracker
) -> None:
    from tasks.publication import judge_folder, publish_report

    good = run(desk, "nuit-1")
    failed = run(desk, "nuit-2", BASE_001=Outcome.KO)
    desk.post()
    publish_report(good, judge_folder(good))
    desk.post()
    assert len(tracker.list_notes("AQ-2")) == 1  # nothing is mended by a night of before
    run(desk, "nuit-3")
    desk.post()
    publish_report(failed, judge_folder(failed))
    run(desk, "nuit-4")
    desk.post()
    assert tell(tracker, "AQ-2")[1:] == ["Corrigée : le scénario BASE-001 passe (OK)."]


def test_a_ledger_put_back_from_a_copy_loses_no_event_in_silence(desk: Desk, tracker: FolderTracker) -> None:
    file = desk.runs_dir / ledger.FILE
    desk.happen()
    copy = file.read_bytes()
    desk.happen()
    desk.post()
    file.write_bytes(copy)
    desk.happen(step="autre")
    desk.happen(step="encore")
    done = desk.post()
    assert done.collected == 0
    assert "etat.json : le registre n'est plus celui" in done.problems[0]
    (desk.box.folder / "etat.json").unlink()  # as it says
    desk.post()
    desk.happen(step="apres")
    assert desk.post().problems == ()


def test_the_very_first_event_is_told_even_when_the_watch_sees_it_first(
    desk: Desk, tracker: FolderTracker
) -> None:
    desk.runs_dir.mkdir(exist_ok=True)

    def watch() -> None:
        post(desk.platform, desk.runs_dir, clock=lambda: desk.now)

    watch()
    desk.wait(minutes=1)
    desk.happen()
    watch()
    assert len(tracker.list_notes("AQ-1")) == 1


def test_a_ledger_put_back_after_the_watch_began_is_not_told_again(
    desk: Desk, tracker: FolderTracker
) -> None:
    desk.happen()
    file = desk.runs_dir / ledger.FILE
    copy = file.read_bytes()
    file.unlink()
    desk.wait(minutes=1)
    post(desk.platform, desk.runs_dir, clock=lambda: desk.now)
    file.write_bytes(copy)
    desk.wait(minutes=1)
    desk.happen()
    post(desk.platform, desk.runs_dir, clock=lambda: desk.now)
    (note,) = tracker.list_notes("AQ-1")
    assert desk.sent[1] in note.text


def test_an_event_that_nobody_can_read_is_told_and_overtaken_by_none(
    desk: Desk, tracker: FolderTracker
) -> None:
    desk.happen(kind="campagne", run_id="nuit-1", drills=5)
    desk.happen()
    done = desk.post()
    assert (done.collected, tell(tracker, "AQ-1")) == (0, [])
    assert "erreur interne (TypeError)" in done.problems[0]


def test_the_note_of_a_regression_is_sent_again_to_no_other_ticket(
    desk: Desk, tracker: FolderTracker, tmp_path: Path
) -> None:
    run(desk, "nuit-1")
    run(desk, "nuit-2", BASE_001=Outcome.KO)
    desk.post(until=desk.now)  # in the box
    one = desk.box.list_waiting()[-1]
    desk.box._append(one, Event(Step.ASIDE, desk.now, "refusée"))
    with pytest.raises(UsageError, match="sans --ticket"):
        desk.box.send_again(one.item.key, desk.now, "AQ-1")
    assert desk.box.standing(one, desk.now).state is State.ASIDE
    assert desk.box.send_again(one.item.key, desk.now) == (one,)


def test_a_platform_that_does_not_answer_opens_no_ticket(desk: Desk, tracker: FolderTracker) -> None:
    run(desk, "nuit-1")
    run(desk, "nuit-2", BASE_001=Outcome.INCONCLUSIF, APP_001=Outcome.INCONCLUSIF, HD_001=Outcome.INCONCLUSIF)
    desk.post()
    assert len(tracker.list_tickets(open_only=False)) == 1
    assert tell(tracker, "AQ-1")[1].startswith("Campagne nuit-2 : verdict ")


def test_what_people_typed_commands_nothing_mentions_nobody_and_is_short(
    desk: Desk, tracker: FolderTracker
) -> None:
    failed = {"execution": "RB-1", "event": "echec", "step": "E1", "message": HUGE, "remedy": HOSTILE}
    desk.happen(**failed)
    desk.happen(kind="cloture", intervention="deploiement", documents=[HOSTILE] * 50, no_impact_because="")
    assert desk.post().left == 0
    for note in tracker.list_notes("AQ-1"):
        assert len(note.text) < 20_000
        assert not [line for line in note.text.splitlines() if line.startswith(("/", "=", "@", "<"))]
        for part in ("@all", "\u202e", "\x1b", "Secret123"):
            assert part not in note.text


def test_the_record_of_an_execution_goes_with_its_seal(
    desk: Desk, tracker: FolderTracker, tmp_path: Path
) -> None:
    folder = desk.runs_dir / "runbooks" / "RB-1"
    folder.mkdir(parents=True)
    (folder / "releve.pdf").write_bytes(b"%PDF")
    desk.happen(execution="RB-1", event="ouverture", runbook="deploiement", rehearsal=True)
    desk.happen(execution="RB-1", event="debut", step="E1", run_id="x")
    token = desk.platform.identity_token
    seal_folder(folder, Thing(RECORD, "RB-1", desk.platform.name, token, desk.now, "AQ-1"), desk.runs_dir)
    desk.happen(kind="disponibilite", score=3)
    desk.happen(ticket="")
    desk.post()
    assert tell(tracker, "AQ-1") == [
        "Runbook deploiement (répétition) : ouvert.",
        "Relevé complet de runbook deploiement (répétition) (RB-1).",
    ]
    assert list((tmp_path / "tickets" / "AQ-1" / "pieces").glob("*/releve-RB-1.pdf"))


def test_a_file_that_is_about_to_be_written_is_awaited_a_little_and_then_said_to_be_absent(
    desk: Desk, tracker: FolderTracker
) -> None:
    desk.happen(kind="intervention", decision="I-1", answer="GO")
    after = desk.happen()
    assert desk.post().collected == 0
    desk.wait(minutes=11)
    assert desk.post().collected == 2
    notes = tracker.list_notes("AQ-1")
    assert "N'était pas là pour être joint : avis-I-1.pdf." in notes[0].text
    assert after in notes[1].text


def test_a_path_that_leads_out_of_the_runs_is_never_joined(desk: Desk, tracker: FolderTracker) -> None:
    (desk.runs_dir.parent / "page.pdf").write_bytes(b"ailleurs")
    (desk.runs_dir / "interventions").mkdir()
    desk.happen(kind="intervention", decision="../..", answer="GO")
    desk.wait(minutes=11)
    desk.post()
    (note,) = tracker.list_notes("AQ-1")
    assert "Joint" not in note.text


def test_a_ledger_that_was_replaced_posts_nothing_and_is_told(desk: Desk, tracker: FolderTracker) -> None:
    desk.happen()
    desk.post()
    (desk.runs_dir / ledger.FILE).unlink()
    desk.happen()
    done = desk.post()
    assert "n'est plus celui" in done.problems[0]
    assert len(tracker.list_notes("AQ-1")) == 1


def test_a_ledger_of_several_platforms_tells_each_tracker_its_own(
    desk: Desk, governed: Governed, tracker: FolderTracker
) -> None:
    ledger.append(
        desk.runs_dir / ledger.FILE, kind="promotion", platform="autre", person="", ticket="AQ-1", data={},
        at=desk.now, people=None, signed=None,
    )  # fmt: skip
    desk.happen()
    assert desk.post().collected == 1
    assert len(tracker.list_notes("AQ-1")) == 1


def test_the_history_of_a_ticket_is_its_notes_and_the_events_that_have_none_each_once_by_time(
    desk: Desk, tracker: FolderTracker, tmp_path: Path
) -> None:
    desk.happen()
    desk.post()
    notes = tmp_path / "tickets" / "AQ-1" / "notes"
    (notes / "0002.md").write_text(
        "Date : 2026-11-21\nAuteur : moa\n---\nMerci de vérifier.\n", encoding="utf-8"
    )
    desk.wait(hours=1)
    desk.happen(execution="RB-1", event="debut", step="E2", run_id="x")
    desk.happen(ticket="AQ-2")
    late = desk.now + timedelta(hours=1)
    desk.now = late
    desk.happen()
    told = read_timeline(desk.platform, desk.runs_dir, "AQ-1")
    assert told.problems == ()
    assert [one.source for one in told.moments][:1] == ["note de moa"]
    assert sorted(one.source for one in told.moments if one.source.startswith("registre")) == [
        "registre ligne 3, sans note",
        "registre ligne 5, sans note dans ce ticket",
    ]
    assert len(told.moments) == 4


def test_the_history_stays_readable_without_its_tracker(desk: Desk, tmp_path: Path) -> None:
    desk.happen()
    (tmp_path / "tickets").rename(tmp_path / "ailleurs")
    desk.post()
    told = read_timeline(desk.platform, desk.runs_dir, "AQ-1")
    assert (told.ticket, len(told.moments)) == (None, 1)
    assert told.moments[0].source.endswith("note en attente d'envoi")
    assert "absent" in told.problems[0]
