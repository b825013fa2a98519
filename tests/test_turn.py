"""One campaign at a time on a platform: the next one waits or is refused, and is told who is in the way."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from nonreg.busy import read_waiting
from nonreg.config import Platform, load_platform
from nonreg.errors import NonregError, PlatformBusy
from nonreg.lock import Lock, ask_holders, hold_platform_lock
from nonreg.model import CampaignPlan
from nonreg.progress import read_progress
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.store import save_plan
from nonreg.turn import take_turn
from nonreg.waiting import wait_until

LONG_SECONDS = 60.0
HOLD = """
import sys
from nonreg.config import load_platform
from nonreg.lock import hold_platform_lock
with hold_platform_lock(load_platform(sys.argv[1]), run_id="tue") as lock:
    print(lock.held, flush=True)
    sys.stdin.read()
"""


@dataclasses.dataclass(frozen=True)
class Campaign:
    """A campaign that only takes its turn, keeps it until it is told to end, and gives it back."""

    platform: Platform
    platform_file: Path
    run_dir: Path
    stop: threading.Event
    end: threading.Event

    def take(self, wait_seconds: float = 0.0) -> Lock:
        at = datetime.now(UTC)
        plan = CampaignPlan(
            self.run_dir.name,
            "0",
            self.platform.identity(),
            "AQ-1",
            "moi",
            at,
            (),
            "",
            (),
            "0",
            "0",
            "commande",
        )
        save_plan(self.run_dir, plan)
        with take_turn(
            self.platform, plan, self.run_dir, self.platform_file, self.stop, wait_seconds
        ) as turn:
            if turn.lock.held:
                (self.run_dir / "tour").touch()
                assert self.end.wait(LONG_SECONDS)
            return turn.lock

    def has_turn(self) -> bool:
        return (self.run_dir / "tour").exists()


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


@pytest.fixture
def elsewhere(platform: Platform, tmp_path: Path) -> Platform:
    """The same platform as another machine sees it: with a register of drills of its own."""
    return dataclasses.replace(platform, drills=dataclasses.replace(platform.drills, state_dir=str(tmp_path)))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as found:
        yield found


def make_campaign(platform: Platform, sandbox: Layout, folder: Path, name: str) -> Campaign:
    return Campaign(platform, sandbox.platform_file, folder / name, threading.Event(), threading.Event())


def begin(pool: ThreadPoolExecutor, campaign: Campaign) -> Future[Lock]:
    running = pool.submit(campaign.take)
    wait_until(campaign.has_turn, 30)
    return running


@pytest.mark.parametrize("machine", ["la même", "une autre"])
def test_a_campaign_that_waits_says_for_whom_and_has_its_turn_when_the_first_one_ends(
    platform: Platform,
    elsewhere: Platform,
    sandbox: Layout,
    tmp_path: Path,
    pool: ThreadPoolExecutor,
    machine: str,
) -> None:
    first = make_campaign(platform, sandbox, tmp_path, "premier")
    seen = platform if machine == "la même" else elsewhere
    second = make_campaign(seen, sandbox, tmp_path, "second")
    running = begin(pool, first)
    waiting = pool.submit(second.take, LONG_SECONDS)
    wait_until(lambda: "attend la fin de : passage premier, lancé par " in read_waiting(second.run_dir), 30)
    shown = read_progress(second.run_dir)
    assert (shown.stage, shown.current) == ("Attente", read_waiting(second.run_dir))
    assert not second.has_turn()
    first.end.set()
    wait_until(second.has_turn, 30)
    assert read_waiting(second.run_dir) == ""
    second.end.set()
    assert running.result(30).held
    assert waiting.result(30).held


def test_a_campaign_that_does_not_wait_is_refused_at_once_by_the_name_of_the_first_one(
    platform: Platform, elsewhere: Platform, sandbox: Layout, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    first = make_campaign(platform, sandbox, tmp_path, "premier")
    running = begin(pool, first)
    with pytest.raises(
        PlatformBusy, match=r"une autre campagne est en cours .* : passage premier, lancé par"
    ):
        make_campaign(platform, sandbox, tmp_path, "second").take()
    lock = make_campaign(elsewhere, sandbox, tmp_path, "troisieme").take()
    assert not lock.held
    assert "une autre campagne est en cours sur cette plateforme : passage premier, lancé par" in lock.message
    first.end.set()
    assert running.result(30).held


def test_a_patience_that_ends_is_a_refusal_that_names_who_was_waited_for(
    elsewhere: Platform, platform: Platform, sandbox: Layout, tmp_path: Path
) -> None:
    second = make_campaign(elsewhere, sandbox, tmp_path, "second")
    with hold_platform_lock(platform, run_id="premier"):
        lock = second.take(0.1)
    assert not lock.held
    assert "passage premier, lancé par" in lock.message
    assert lock.message.endswith("min d'attente.")
    assert read_waiting(second.run_dir) == ""


def test_a_campaign_that_waits_can_be_stopped(
    platform: Platform, elsewhere: Platform, sandbox: Layout, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    second = make_campaign(elsewhere, sandbox, tmp_path, "second")
    with hold_platform_lock(platform, run_id="premier"):
        waiting = pool.submit(second.take, LONG_SECONDS)
        wait_until(lambda: read_waiting(second.run_dir), 30)
        second.stop.set()
        with pytest.raises(
            NonregError, match=r"arrêtée à la demande, pendant .* la fin de : passage premier"
        ):
            waiting.result(30)
    assert read_waiting(second.run_dir) == ""


def test_a_holder_that_is_killed_frees_the_platform_at_once_for_whoever_waits(
    platform: Platform, sandbox: Layout, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    command = [sys.executable, "-c", HOLD, str(sandbox.platform_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        second = make_campaign(platform, sandbox, tmp_path, "second")
        waiting = pool.submit(second.take, LONG_SECONDS)
        wait_until(lambda: "passage tue" in read_waiting(second.run_dir), 30)
        os.kill(holder.pid, signal.SIGKILL)
        wait_until(second.has_turn, 30)
    assert ask_holders(platform).startswith("passage second, lancé par ")
    second.end.set()
    assert waiting.result(30).held


def test_a_campaign_that_breaks_nothing_has_its_lock_again_after_its_session_died(
    platform: Platform, sandbox: Layout, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    first = make_campaign(platform, sandbox, tmp_path, "premier")
    running = begin(pool, first)
    before = ask_holders(platform)
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted"
        )
    held = wait_until(lambda: now if (now := ask_holders(platform)) not in ("", before) else "", 30)
    first.end.set()
    assert held.startswith("passage premier, lancé par ")
    assert (running.result(30).losses, first.stop.is_set()) == ([], False)


def test_two_that_wait_have_their_turns_one_after_the_other(
    platform: Platform, sandbox: Layout, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    first, *others = (make_campaign(platform, sandbox, tmp_path, name) for name in ("premier", "a", "b"))
    running = [begin(pool, first)]
    running += [pool.submit(one.take, LONG_SECONDS) for one in others]
    first.end.set()
    for _ in others:
        wait_until(lambda: [one for one in others if one.has_turn() and not one.end.is_set()], 30)
        (one,) = (one for one in others if one.has_turn() and not one.end.is_set())
        assert ask_holders(platform).startswith(f"passage {one.run_dir.name}, lancé par ")
        one.end.set()
    assert all(one.result(30).held for one in running)
