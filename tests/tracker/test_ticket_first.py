"""Ticket first: what needs a ticket is refused without an open one, and goes on when nobody could look."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg.alerts.facts import Kind
from nonreg.alerts.outbox import Outbox
from nonreg.alerts.patrol import make_round
from nonreg.alerts.settings import AlertSettings
from nonreg.alerts.tracker import find_uncollected
from nonreg.errors import UsageError
from nonreg.ledger import FILE as LEDGER
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.requirement import require_open_ticket
from tasks.handover_tracker import read_open_tickets
from tasks.handover_work import make_work
from tests.governed import Governed, publish_run
from tests.tracker.desks import START, Desk, connect_folder
from tests.tracker.folders import add_ticket


@pytest.fixture
def desk(governed: Governed, tmp_path: Path) -> Desk:
    connect_folder(governed, tmp_path / "tickets")
    add_ticket(tmp_path / "tickets", "AQ-1", "Suivi", "echeance = 2026-12-31")
    add_ticket(tmp_path / "tickets", "AQ-2", "Ancien", 'etat = "fermé"')
    return Desk(governed)


def test_an_open_ticket_lets_the_work_begin(desk: Desk) -> None:
    assert require_open_ticket(desk.platform, "AQ-1") == ""


@pytest.mark.parametrize(
    ("ticket", "why"), [("AQ-2", "fermé"), ("AQ-9", "n'existe pas"), ("ZZ-1", "commencent par")]
)
def test_any_other_ticket_is_refused_with_what_to_do(desk: Desk, ticket: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"Ticket {ticket} refusé.*{why}"):
        require_open_ticket(desk.platform, ticket)


def test_a_tracker_that_does_not_answer_stops_nobody_and_is_told(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "tickets").rename(tmp_path / "ailleurs")
    assert require_open_ticket(desk.platform, "AQ-9").startswith("Ticket AQ-9 non vérifié : suivi local ")


def test_without_a_tracker_any_well_formed_ticket_does(governed: Governed) -> None:
    assert require_open_ticket(governed.platform, "AQ-9") == ""


def test_a_promotion_a_drill_and_an_intervention_are_refused_without_an_open_ticket(desk: Desk) -> None:
    run_dir = publish_run(desk.governed, "passage-1", started_at=START)
    own = ("--person", "titulaire-essai", "--key", desk.governed.key(), "--yes")
    promoted = desk.governed.cli("promote", str(run_dir), "--ticket", "AQ-2", "--reason", "Recette", *own)
    assert (promoted.returncode, "Ticket AQ-2 refusé" in promoted.stderr) == (3, True), promoted.stderr
    asked = ("--kind", "script_sql", "--touches-replication", "non", "--reason", "Aucune table publiée.")
    before = desk.governed.cli("pre-intervention", "--ticket", "AQ-2", *asked)
    assert (before.returncode, "Ticket AQ-2 refusé" in before.stderr) == (3, True), before.stderr
    plan = desk.governed.cli("plan", "--select", "HD-02*", "--ticket", "AQ-2", *own)
    assert (plan.returncode, "Ticket AQ-2 refusé" in plan.stderr) == (3, True), plan.stderr


def test_a_decision_of_the_command_line_is_in_its_ticket_when_the_command_ends(
    desk: Desk, tmp_path: Path
) -> None:
    own = ("--person", "titulaire-essai", "--key", desk.governed.key(), "--yes")
    words = ("HD-005", "--owner", "titulaire-essai", "--ticket", "AQ-1", "--reason", "Connu")
    done = desk.governed.cli("waive", *words, "--expires", "2027-06-30T18:00+02:00", *own)
    assert done.returncode == 0, done.stderr
    assert "Suivi : 1 note(s) remise(s)." in done.stderr
    (note,) = FolderTracker(tmp_path / "tickets", "AQ").list_notes("AQ-1")
    assert note.text.startswith(
        "Dérogation accordée (HD-005).\nMotif : Connu\nPar : titulaire-essai, titulaire."
    )


def test_the_commands_tell_what_waits_send_it_and_show_a_ticket(desk: Desk, tmp_path: Path) -> None:
    folder = tmp_path / "tickets"
    desk.happen()
    folder.rename(tmp_path / "ailleurs")
    desk.post()
    check = main_of(desk, "check")
    assert (check[0], "absent" in check[2]) == (2, True)
    status = main_of(desk, "status", "--runs-dir", str(desk.runs_dir))
    assert (status[0], "1 note(s) en attente, 0 écartée(s), 0 remise(s)." in status[1]) == (0, True)
    (tmp_path / "ailleurs").rename(folder)
    assert main_of(desk, "check")[1].endswith("1 ticket(s) ouvert(s).\n")
    assert main_of(desk, "deliver", "--runs-dir", str(desk.runs_dir))[0] == 0
    tickets = main_of(desk, "tickets")[1]
    assert ("AQ-1" in tickets, "AQ-2" in tickets, "31/12/2026" in tickets) == (True, False, True)
    shown = main_of(desk, "show", "AQ-1", "--runs-dir", str(desk.runs_dir))
    assert shown[0] == 0
    assert "note de aquareel-nonreg" in shown[1]
    assert main_of(desk, "open", "--title", "Nouveau")[1] == "Ticket AQ-3 ouvert.\n"


def main_of(desk: Desk, *words: str) -> tuple[int, str, str]:
    """A command of the tracker."""
    import io
    from contextlib import redirect_stderr, redirect_stdout

    from nonreg.__main__ import main

    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["tracker", *words, "--platform", str(desk.governed.platform_file)])
    return code, out.getvalue(), err.getvalue()


def test_a_command_of_a_platform_without_a_tracker_says_so(governed: Governed) -> None:
    code, _, said = main_of(Desk(governed), "check")
    assert (code, "ne nomme aucun suivi" in said) == (3, True)


def test_whoever_takes_over_sees_the_open_tickets_of_the_tracker(desk: Desk) -> None:
    work = make_work(str(desk.governed.platform_file), desk.runs_dir)
    (one,) = read_open_tickets(work) or ()
    assert (one.reference, one.title, one.state) == ("AQ-1", "Suivi", "ouvert")
    assert one.due is not None


def test_the_watch_delivers_what_waits_and_tells_what_is_stuck_once(desk: Desk, tmp_path: Path) -> None:
    settings = replace(
        AlertSettings(base_dir=desk.runs_dir, runs_dir="."), platforms=(str(desk.governed.platform_file),)
    )
    folder, alerts = tmp_path / "tickets", Outbox(desk.runs_dir)

    def look() -> list[str]:
        make_round(settings, None, desk.now, lambda: desk.now)
        return [one.fact.subject for one in alerts.list_alerts() if one.fact.kind is Kind.OUTBOX]

    look()
    desk.wait(minutes=1)
    desk.happen()
    desk.post()
    assert len(FolderTracker(folder, "AQ").list_notes("AQ-1")) == 1
    folder.rename(tmp_path / "ailleurs")
    desk.happen()
    assert look() == []
    desk.wait(hours=2)
    assert look() == [f"Suivi bloqué — {desk.platform.name}"]
    desk.wait(hours=5)
    assert len(look()) == 1
    (tmp_path / "ailleurs").rename(folder)
    desk.now += timedelta(hours=1)
    look()
    assert len(FolderTracker(folder, "AQ").list_notes("AQ-1")) == 2
    desk.happen(ticket="AQ-77")
    look()
    assert look()[1:] == [f"Notes écartées du suivi — {desk.platform.name}, AQ-77"]


def test_a_watch_that_was_down_tells_nothing_of_what_it_finds_and_sends_at_its_return(
    desk: Desk, tmp_path: Path
) -> None:
    file = str(desk.governed.platform_file)
    settings = replace(AlertSettings(base_dir=desk.runs_dir, runs_dir="."), platforms=(file,))
    alerts = Outbox(desk.runs_dir)
    folder = next(one for one in tmp_path.rglob("AQ-1")).parent

    def look() -> list[str]:
        make_round(settings, None, desk.now, lambda: desk.now)
        return [one.fact.subject for one in alerts.list_alerts() if one.fact.kind is Kind.OUTBOX]

    look()
    desk.wait(minutes=1)
    desk.happen()
    assert look() == []
    desk.happen()  # by a command that was killed before it posted, and nobody watches for hours
    desk.wait(hours=5)
    assert look() == []
    assert len(FolderTracker(folder, "AQ").list_notes("AQ-1")) == 2
    assert look() == []


@pytest.mark.parametrize("cause", ["event", "ledger", "item"])
def test_events_that_do_not_reach_the_box_are_an_alert(desk: Desk, tmp_path: Path, cause: str) -> None:
    file = desk.governed.platform_file
    settings = replace(AlertSettings(base_dir=desk.runs_dir, runs_dir="."), platforms=(str(file),))
    alerts = Outbox(desk.runs_dir)

    def look() -> list[str]:
        make_round(settings, None, desk.now, lambda: desk.now)
        return [one.fact.subject for one in alerts.list_alerts() if one.fact.kind is Kind.OUTBOX]

    look()
    desk.wait(minutes=1)
    desk.happen()
    copy = (desk.runs_dir / LEDGER).read_bytes()
    desk.happen()
    assert look() == []
    if cause == "event":
        desk.happen(kind="campagne", run_id="nuit-1", drills=5)
    elif cause == "ledger":
        (desk.runs_dir / LEDGER).write_bytes(copy)
        desk.happen(step="autre")
    else:
        (tmp_path / "tickets").rename(tmp_path / "ailleurs")
        desk.happen()
        desk.post()
        (waiting,) = desk.box.list_waiting()
        (desk.box.folder / "attente" / f"{waiting.item.name}.json").write_text("{", encoding="utf-8")
    desk.wait(hours=2)
    assert look() == [f"Suivi arrêté — {desk.platform.name}"]
    desk.wait(hours=5)
    assert len(look()) == 1
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("[tracker]")], encoding="utf-8")
    assert find_uncollected(desk.box, desk.now) == ""
