"""The outbox against a tracker that is really there and really fails: no note lost, none doubled, order kept."""

from __future__ import annotations

import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nonreg.__main__ import main
from nonreg.alerts.tracker import look_at_tracker
from nonreg.errors import NonregError
from nonreg.file_lock import try_file_lock
from nonreg.model import Outcome
from nonreg.tracker.delivery import State
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.posting import deliver, post
from nonreg.waiting import wait_until
from tasks.tracking import post_events
from tests.gitlab_server import Gitlab, start_gitlab
from tests.governed import Governed, publish_run
from tests.retention.cut import cut
from tests.tracker.desks import KEY_ENV, START, TOKEN, Desk, connect_folder, connect_gitlab, list_marks
from tests.tracker.folders import add_ticket
from tests.tracker.proxies import Proxy, start_proxy

PAGE = b"%PDF-1.7 " + bytes(range(256)) * 50
OPENING = re.compile(r"POST .*/issues")


@pytest.fixture
def gitlab() -> Iterator[Gitlab]:
    with start_gitlab() as started:
        started.open_issue("Suivi des campagnes")
        yield started


@pytest.fixture
def proxy(gitlab: Gitlab) -> Iterator[Proxy]:
    with start_proxy(gitlab.port) as started:
        yield started


@pytest.fixture
def desk(governed: Governed, proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Desk:
    connect_gitlab(governed, proxy.url)
    monkeypatch.setenv(KEY_ENV, TOKEN)
    return Desk(governed)


def once(proxy: Proxy, fault: str, part: str) -> None:
    """That fault befalls the next request that holds the text."""
    left = [fault]
    proxy.choose = lambda request: left.pop() if left and part in request else ""


def test_a_tracker_that_is_down_for_a_day_gets_everything_in_order_when_it_is_back(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    proxy.choose = lambda _request: "down"
    for _ in range(8):
        desk.happen()
        assert desk.post().problems == ()
        desk.wait(hours=3)
    assert gitlab.notes[1] == []
    assert len(desk.box.list_waiting()) == 8
    proxy.choose = lambda _request: ""
    desk.wait(hours=1)
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


@pytest.mark.parametrize("fault", ["down", "lost", "cut", "500", "503", "429"])
@pytest.mark.parametrize("part", ["/user", "GET", "/uploads", "POST", "/notes"])
def test_one_request_that_fails_neither_loses_nor_doubles_a_note(
    desk: Desk, gitlab: Gitlab, proxy: Proxy, fault: str, part: str
) -> None:
    desk.happen_with_page(PAGE)
    desk.happen()
    once(proxy, fault, part)
    for _ in range(4):
        desk.post()
        desk.wait(minutes=20)
    assert list_marks(gitlab) == desk.sent
    joined = re.findall(r"\((/uploads/[^)]*)\)", gitlab.notes[1][0]["body"])
    assert [gitlab.files[url] for url in joined] == [PAGE]


def test_a_note_whose_answer_was_lost_is_not_written_again(desk: Desk, gitlab: Gitlab, proxy: Proxy) -> None:
    desk.happen()
    once(proxy, "lost", "POST")
    (told,) = desk.post().told
    assert told.standing.state is State.PAUSED
    assert len(gitlab.notes[1]) == 1
    assert desk.post().told == ()  # a write may still be under way: nobody asks before it has had its time
    desk.wait(minutes=2)
    (told,) = desk.post().told
    assert (told.standing.state, told.standing.detail) == (State.DELIVERED, "AQ-1")
    assert list_marks(gitlab) == desk.sent


@pytest.mark.parametrize(("down_after", "code"), [(False, 0), (True, 2)])
def test_a_ticket_of_a_person_whose_answer_was_lost_is_found_or_said_to_be_looked_for(
    desk: Desk, gitlab: Gitlab, proxy: Proxy, capsys: pytest.CaptureFixture[str], down_after: bool, code: int
) -> None:
    lost: list[str] = []

    def choose(request: str) -> str:
        if OPENING.match(request) and not lost:
            lost.append(request)
            return "lost"
        return "down" if lost and down_after else ""

    proxy.choose = choose
    words = ["tracker", "open", "--title", "Un", "--platform", str(desk.governed.platform_file)]
    assert main(words) == code
    out, err = capsys.readouterr()
    assert (out, "peut-être ouvert" in err) == (
        ("", True) if down_after else ("Ticket AQ-2 ouvert.\n", False)
    )
    assert len(gitlab.issues) == 2


def test_a_write_that_is_cut_is_waited_for_from_when_it_began_however_long_the_questions_before_took(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    seen: list[State] = []

    def look(request: str) -> str:
        if "POST" in request and "/notes" in request:
            (one,) = desk.box.list_waiting()
            seen.append(desk.box.standing(one, desk.now).state)
        else:
            desk.wait(seconds=40)
        return ""

    desk.happen()
    proxy.choose = look
    desk.post()
    assert list_marks(gitlab) == desk.sent
    assert seen == [State.PAUSED]


def test_a_note_whose_files_took_minutes_is_waited_for_from_when_it_was_sent_itself(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    seen: list[State] = []

    def look(request: str) -> str:
        if request.startswith("POST") and "/notes" in request:
            (one,) = desk.box.list_waiting()
            seen.append(desk.box.standing(one, desk.now).state)  # what whoever comes after a kill would see
        elif "/uploads" in request:
            desk.wait(seconds=90)
        return ""

    desk.happen_with_page(PAGE)
    proxy.choose = look
    desk.post()
    assert list_marks(gitlab) == desk.sent
    assert seen == [State.PAUSED]


def test_a_ticket_that_refuses_our_account_holds_back_its_own_notes_only(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    gitlab.open_issue("Un ticket verrouillé")
    proxy.choose = lambda one: "403" if one.startswith("POST") and "/issues/2/notes" in one else ""
    kept = [desk.happen(ticket="AQ-2")]
    gone = [desk.happen()]
    kept.append(desk.happen(ticket="AQ-2"))
    gone.append(desk.happen())
    states = [(one.standing.state, one.standing.alone) for one in desk.post().told]
    assert states == [(State.PAUSED, True), (State.DELIVERED, False), (State.DELIVERED, False)]
    assert (list_marks(gitlab), list_marks(gitlab, 2)) == (gone, [])
    desk.wait(days=1)
    facts = look_at_tracker(desk.box, 3600.0, desk.now)
    assert [one.subject for one in facts] == ["Ticket refusé à notre compte — embarquee, AQ-2"]
    assert "2 notes attendent" in facts[0].text
    assert "n'a pas le droit d'écrire dans le ticket AQ-2" in facts[0].text
    proxy.choose = lambda _request: ""
    assert desk.post().left == 0
    assert (list_marks(gitlab), list_marks(gitlab, 2)) == (gone, kept)


def test_a_refusal_by_a_tracker_that_no_longer_knows_our_account_stops_everything(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    gitlab.open_issue("Un autre")
    refused: list[str] = []

    def choose(request: str) -> str:
        if "/notes" in request and request.startswith("POST"):
            refused.append(request)
        return "403" if refused else ""

    proxy.choose = choose
    desk.happen()
    desk.happen(ticket="AQ-2")
    (told,) = desk.post().told
    assert (told.standing.denied, told.standing.alone) == (True, False)
    assert len(refused) == 1
    facts = look_at_tracker(desk.box, 3600.0, desk.now)
    assert [one.subject for one in facts] == ["Clé du suivi refusée — embarquee"]


def test_a_regression_that_may_not_be_opened_holds_back_nothing_else(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    publish_run(desk.governed, "nuit-0", started_at=desk.now)
    desk.post()
    desk.wait(days=1)
    regress(desk, "nuit-1")
    proxy.choose = lambda request: "403" if OPENING.fullmatch(request) else ""
    after = desk.happen()
    done = desk.post()
    assert (done.left, list_marks(gitlab)[-1]) == (1, after)
    assert "n'a pas le droit d'ouvrir ce ticket" in next(
        one.standing.detail for one in done.told if one.standing.alone
    )
    proxy.choose = lambda _request: ""
    desk.wait(hours=1)
    assert desk.post().left == 0
    assert [one["title"] for one in gitlab.issues.values()][1:] == ["Régression BASE-001 — Essai BASE-001"]


def test_killed_at_any_write_of_the_box_nothing_is_lost_doubled_or_left_behind(
    governed: Governed, tmp_path: Path
) -> None:
    connect_folder(governed, tmp_path / "suivi")
    add_ticket(tmp_path / "suivi", "AQ-1", "Suivi")
    desk = Desk(governed)
    tracker = FolderTracker(tmp_path / "suivi", "AQ")
    changes, killed = 0, True
    while killed:
        mark = desk.happen_with_page(PAGE)
        killed = cut(desk.post, desk.box.folder, changes)
        desk.wait(minutes=20)
        desk.post()
        desk.post()
        assert sum(mark in one.text for one in tracker.list_notes("AQ-1")) == 1, changes
        assert not list((desk.box.folder / "attente").glob("*.json*")), changes
        assert not list((desk.box.folder / "pieces").glob("*/")), changes
        assert desk.box.count_delivered() == changes + 1
        changes += 1


def test_a_slow_tracker_holds_up_what_comes_behind_and_nothing_overtakes(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    desk.happen()
    desk.happen()
    once(proxy, "silent", "POST")
    (told,) = desk.post().told
    assert told.standing.state is State.PAUSED
    assert gitlab.notes[1] == []
    desk.wait(minutes=2)
    desk.post()
    assert list_marks(gitlab) == desk.sent


def test_a_revoked_key_makes_everything_wait_and_is_told(
    desk: Desk, gitlab: Gitlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.happen()
    gitlab.token = "glpat-autre"
    (told,) = desk.post().told
    assert told.standing.denied
    assert "clé" in told.standing.detail
    desk.happen()
    monkeypatch.setenv(KEY_ENV, "glpat-autre")
    desk.wait(hours=1)
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_a_key_that_is_nowhere_makes_everything_wait(
    desk: Desk, gitlab: Gitlab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(KEY_ENV)
    desk.happen()
    done = desk.post()
    assert (done.left, done.told) == (1, ())
    assert KEY_ENV in done.problems[0]
    monkeypatch.setenv(KEY_ENV, TOKEN)
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_a_note_for_an_unknown_ticket_is_put_aside_the_others_go_and_it_is_sent_again_elsewhere(
    desk: Desk, gitlab: Gitlab
) -> None:
    before = desk.happen()
    lost = desk.happen(ticket="AQ-99")
    after = desk.happen()
    states = [one.standing.state for one in desk.post().told]
    assert states == [State.DELIVERED, State.ASIDE, State.DELIVERED]
    desk.wait(days=3)
    assert desk.post().left == 1
    assert [one.item.key for one in desk.box.send_again(lost, desk.now, "AQ-1")] == [lost]
    assert desk.post().left == 0
    assert list_marks(gitlab) == [before, after, lost]


def test_nothing_is_sent_again_while_somebody_writes_to_the_tracker(desk: Desk) -> None:
    lost = desk.happen(ticket="AQ-99")
    desk.post()
    with try_file_lock(desk.box.folder / ".remise.lock", "essai") as held:
        assert held
        with pytest.raises(NonregError, match="une remise est en cours"):
            desk.box.send_again(lost, desk.now, "AQ-1")
    assert [one.item.key for one in desk.box.send_again(lost, desk.now, "AQ-1")] == [lost]


def test_a_regression_whose_opening_was_not_answered_has_one_ticket(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    publish_run(desk.governed, "nuit-0", started_at=desk.now)
    desk.post()
    desk.wait(days=1)
    regress(desk, "nuit-1")
    left = ["lost"]
    proxy.choose = lambda request: left.pop() if left and OPENING.fullmatch(request) else ""
    for _ in range(3):
        desk.post()
        desk.wait(minutes=30)
    assert left == []
    assert [one["title"] for one in gitlab.issues.values()][1:] == ["Régression BASE-001 — Essai BASE-001"]
    assert gitlab.notes[2] == []


def regress(desk: Desk, run_id: str, outcome: Outcome = Outcome.KO) -> None:
    """A campaign where one scenario, that was good, ended so."""
    good = {"BASE-001": outcome, "APP-001": Outcome.OK, "HD-001": Outcome.OK}
    publish_run(desk.governed, run_id, good, desk.now)


def test_what_a_kill_cut_between_the_ledger_and_the_box_is_collected_later(
    desk: Desk, gitlab: Gitlab
) -> None:
    desk.post()
    for _ in range(3):
        desk.happen()  # and whoever did it is killed before it posts
    desk.wait(days=2)
    assert desk.post().collected == 3
    assert list_marks(gitlab) == desk.sent


POSTER = """
import sys
from datetime import datetime, timedelta
from pathlib import Path
from nonreg.config import load_platform
from nonreg.tracker.posting import post
now = datetime.fromisoformat(sys.argv[3])
done = post(load_platform(sys.argv[1]), Path(sys.argv[2]), begun_at=now - timedelta(days=30), clock=lambda: now)
print(done.left, *done.problems)
"""


def start_poster(desk: Desk) -> subprocess.Popen[str]:
    words = [str(desk.governed.platform_file), str(desk.runs_dir), desk.now.isoformat()]
    return subprocess.Popen([sys.executable, "-c", POSTER, *words], text=True, stdout=subprocess.PIPE)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_deliverer_killed_between_the_write_and_its_journal_writes_no_note_twice(
    desk: Desk, gitlab: Gitlab, proxy: Proxy, place: int
) -> None:
    for _ in range(3):
        desk.happen()
    poster: list[subprocess.Popen[str]] = []
    seen = itertools.count()

    def kill(request: str) -> None:
        if request.startswith("POST") and next(seen) == place:
            os.kill(poster[0].pid, signal.SIGKILL)

    proxy.before_answer = kill
    poster.append(start_poster(desk))
    assert poster[0].wait(60) == -signal.SIGKILL
    assert len(gitlab.notes[1]) == place + 1
    desk.wait(minutes=5)
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_deliverers_killed_at_any_request_lose_and_double_nothing(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    desk.happen_with_page(PAGE)
    for _ in range(3):
        desk.happen()
    poster: list[subprocess.Popen[str]] = []
    left = [0]

    def kill(_request: str) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(poster[-1].pid, signal.SIGKILL)

    proxy.before_answer = kill
    for seed in range(1, 60):
        left[0] = seed % 7 + 1
        poster.append(start_poster(desk))
        if poster[-1].wait(60) == 0:
            break
        desk.wait(minutes=5)
    assert poster[-1].returncode == 0
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_a_deliverer_that_comes_while_another_writes_leaves_it_to_that_one(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    desk.happen()
    others: list[int] = []

    def choose(request: str) -> str:
        if request.startswith("POST") and not others:
            others.append(0)
            desk.wait(minutes=5)
            others.append(start_poster(desk).wait(60))
        return ""

    proxy.choose = choose
    text = desk.governed.platform_file.read_text(encoding="utf-8")
    slow = text.replace("timeout_seconds = 2.0\n", "timeout_seconds = 60.0\n")
    desk.governed.platform_file.write_text(slow, encoding="utf-8")
    desk.post()
    assert others == [0, 0]
    assert list_marks(gitlab) == desk.sent


def run_poster(desk: Desk) -> None:
    for _ in range(3):
        post(desk.platform, desk.runs_dir, begun_at=START, clock=lambda: desk.now)


def test_deliverers_at_the_same_time_write_each_note_once_and_in_order(desk: Desk, gitlab: Gitlab) -> None:
    for _ in range(12):
        desk.happen()
    fork = multiprocessing.get_context("fork")
    posters = [fork.Process(target=run_poster, args=(desk,)) for _ in range(4)]
    for one in posters:
        one.start()
    for one in posters:
        one.join(120)
    assert [one.exitcode for one in posters] == [0, 0, 0, 0]
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


LIMITED = (
    """
import resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[4]), resource.RLIM_INFINITY))
"""
    + POSTER
)


@pytest.mark.parametrize("limit", [0, 50, 200])
def test_a_full_disk_takes_nothing_away_and_is_told(desk: Desk, gitlab: Gitlab, limit: int) -> None:
    for _ in range(3):
        desk.happen()
    words = [str(desk.governed.platform_file), str(desk.runs_dir), desk.now.isoformat(), str(limit)]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *words], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search("n'ont pas pu être mis dans la boîte d'envoi|rien n'a pu être remis", done.stdout)
    desk.wait(minutes=5)
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_a_journal_that_cannot_be_written_keeps_the_tracker_as_it_is(desk: Desk, gitlab: Gitlab) -> None:
    desk.happen()
    desk.post(until=desk.now)  # in the box, and no time to send it
    (waiting,) = desk.box.list_waiting()
    journal = desk.box.folder / "attente" / f"{waiting.item.name}.jsonl"
    journal.mkdir()
    done = desk.post()
    assert "rien n'a pu être remis" in done.problems[0]
    assert gitlab.notes[1] == []
    journal.rmdir()
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent


def test_a_tracker_that_says_nothing_is_not_waited_for(desk: Desk, proxy: Proxy, gitlab: Gitlab) -> None:
    desk.happen()
    desk.post(until=desk.now)  # in the box
    proxy.choose = lambda _request: "silent"
    (said,) = post_events(desk.platform, desk.runs_dir, seconds=0.3)
    assert "tarde à répondre" in said
    proxy.choose = lambda _request: ""
    proxy.released.set()
    wait_until(lambda: post_events(desk.platform, desk.runs_dir), 30)  # the thread that was left has ended


def test_a_platform_without_a_tracker_keeps_no_box(governed: Governed) -> None:
    desk = Desk(governed)
    desk.happen()
    assert (desk.post().told, post_events(desk.platform, desk.runs_dir)) == ((), ())
    assert not (desk.runs_dir / "suivi").exists()


def test_on_the_first_connection_years_of_events_are_left_alone(desk: Desk, gitlab: Gitlab) -> None:
    old = [desk.happen() for _ in range(5)]
    desk.now = START
    assert post(desk.platform, desk.runs_dir, clock=lambda: desk.now).collected == 0
    desk.wait(hours=1)
    new = desk.happen()
    assert post(desk.platform, desk.runs_dir, clock=lambda: desk.now).collected == 1
    assert list_marks(gitlab) == [new]
    assert not set(old) & {new}


def test_a_file_too_large_for_the_tracker_is_named_with_its_hash(desk: Desk, gitlab: Gitlab) -> None:
    text = desk.governed.platform_file.read_text(encoding="utf-8")
    desk.governed.platform_file.write_text(f"{text}max_attachment_bytes = 1000\n", encoding="utf-8")
    publish_run(desk.governed, "passage-1", started_at=desk.now)
    assert desk.post().left == 0
    (note,) = gitlab.notes[1]
    assert gitlab.files == {}
    assert re.search(
        r"Trop grand pour être joint : rapport-passage-1\.pdf \(SHA-256 [0-9a-f]{64}, \d+ octets\)",
        note["body"],
    )


def test_what_is_joined_is_the_report_of_then_whatever_was_published_since(
    desk: Desk, gitlab: Gitlab, proxy: Proxy
) -> None:
    proxy.choose = lambda _request: "down"
    run_dir = publish_run(desk.governed, "passage-1", started_at=desk.now)
    published = (run_dir / "report.pdf").read_bytes()
    desk.post()
    new = run_dir / "report.new"
    new.write_bytes(b"%PDF-nouveau")
    new.replace(run_dir / "report.pdf")
    proxy.choose = lambda _request: ""
    desk.wait(hours=1)
    desk.post()
    assert list(gitlab.files.values()) == [published]


def test_a_local_tracker_works_the_same_way(governed: Governed, tmp_path: Path) -> None:
    add_ticket(tmp_path / "tickets", "AQ-1", "Suivi")
    connect_folder(governed, tmp_path / "tickets")
    desk = Desk(governed)
    for _ in range(3):
        desk.happen()
    assert desk.post().left == 0
    notes = FolderTracker(tmp_path / "tickets", "AQ").list_notes("AQ-1")
    assert [sent in note.text for sent, note in zip(desk.sent, notes, strict=True)] == [True, True, True]
    assert deliver(desk.platform, desk.box) == ()


def test_an_event_that_cannot_be_read_in_the_box_is_not_overtaken(desk: Desk, gitlab: Gitlab) -> None:
    desk.happen()
    desk.post(until=desk.now)
    (file,) = (desk.box.folder / "attente").glob("*.json")
    kept = file.read_text(encoding="utf-8")
    file.write_text(kept[:40], encoding="utf-8")
    desk.happen()
    done: Any = desk.post()
    assert "illisible" in done.problems[0]
    assert gitlab.notes[1] == []
    file.write_text(kept, encoding="utf-8")
    assert desk.post().left == 0
    assert list_marks(gitlab) == desk.sent
