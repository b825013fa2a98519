"""The run stage: guards, facts, pytest in a subprocess of its own, retries; everything recorded in the run's folder."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.attempts import Attempt, announce_attempt, choose_retries, describe_attempt, read_attempt
from nonreg.bench import clean
from nonreg.clients.sql import open_session
from nonreg.config import Platform, load_platform
from nonreg.drills.aftermath import heal_own
from nonreg.drills.approval import check_approval
from nonreg.environment import LEFTOVERS
from nonreg.errors import NonregError
from nonreg.guards import blocks, check_guards
from nonreg.masking import Mask, list_secrets
from nonreg.model import CampaignPlan, Fact, GuardResult, GuardStatus, SiteRole
from nonreg.plan import pytest_command
from nonreg.probes.facts import read_facts
from nonreg.recorder import COLLECT_VARIABLE, PLATFORM_VARIABLE, RUN_VARIABLE
from nonreg.trouble import capture_trouble, needs_capture
from nonreg.turn import take_turn

GRACE_SECONDS = 30.0
POLL_SECONDS = 0.05


def execute_plan(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    wait_seconds: float = 0.0,
) -> None:
    """Run what was planned, under the platform's lock; a refused guard executes nothing; `stop` interrupts.

    A platform that somebody else works on is waited for at most `wait_seconds`.

    Drills need an approval that holds: it is checked before any connection, and again just before they begin.
    Never raises for what the platform does: it is recorded, and judged afterwards.
    """

    def require_approved() -> None:
        check_approval(platform, plan, run_dir, platform_file, scenarios_dir, datetime.now(UTC))

    with store.hold_run(run_dir), ExitStack() as held:
        try:
            require_approved()
            turn = held.enter_context(take_turn(platform, plan, run_dir, platform_file, stop, wait_seconds))
        except NonregError as error:
            save_refusal(run_dir, str(error))
            return
        lock, busy = turn.lock, turn.busy
        guards = check_guards(platform, plan, lock, scenarios_dir)
        store.save_guards(run_dir, guards)
        if blocks(guards):
            store.save_end(run_dir, datetime.now(UTC), None, describe_refusal(guards))
            if lock.held:  # what another campaign is doing is no trouble of ours
                capture_if_needed(platform, plan, run_dir)
            return
        try:
            leftovers = clean_leftovers(platform)
        except NonregError as error:
            store.save_end(run_dir, datetime.now(UTC), None, f"Nettoyage préalable impossible : {error}")
            return
        store.save_facts(run_dir, (*leftovers, *read_facts(platform, plan.created_at)))
        try:
            require_approved()
        except NonregError as error:
            save_refusal(run_dir, str(error))
            return
        exit_code, said = run_and_restore(platform, plan, run_dir, platform_file, scenarios_dir, stop, busy)
        said = (*said, *lock.losses)
        store.save_end(run_dir, datetime.now(UTC), exit_code, " ".join(filter(None, dict.fromkeys(said))))
        if not stop.is_set():  # whoever stops a campaign does not wait for its capture
            capture_if_needed(platform, plan, run_dir)


def save_refusal(run_dir: Path, reason: str) -> None:
    """Close a run in which nothing was executed."""
    store.save_end(run_dir, datetime.now(UTC), None, f"Rien n'a été exécuté : {reason}")


def run_and_restore(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    busy: int | None,
) -> tuple[int | None, tuple[str, ...]]:
    """All attempts; then, whatever they did, heal, check that all is as found, and remove the test data.

    `busy` is the descriptor of the lock of those who run drills. Returns the exit code, and sentences on what did not
    go to its end.
    """

    def restore() -> str:
        return heal_own(platform, run_dir, plan.run_id) if plan.drills else ""

    def restore_and_clean() -> str:
        return restore() or clean_test_data(platform, plan)

    left = ""
    try:
        exit_code, said = run_attempts(
            plan, run_dir, platform_file, scenarios_dir, stop, restore_and_clean, busy
        )
    finally:  # also when we are going down ourselves
        left = restore()
    closing = run_closing(platform, plan, run_dir, platform_file, scenarios_dir) if plan.drills else ""
    # Nothing is written where the roles may be wrong: the next campaign removes what is left.
    return exit_code, (*said, left, closing, "" if left else clean_test_data(platform, plan))


def run_closing(
    platform: Platform, plan: CampaignPlan, run_dir: Path, platform_file: Path, scenarios_dir: Path
) -> str:
    """The closing checks in a pytest of their own, even after a stop; a sentence when it did not go to its end."""
    store.save_facts(
        run_dir, read_facts(platform, plan.created_at), closing=True
    )  # a cut link left errors behind
    announce_attempt(run_dir, Attempt(1, tuple(scenario.id for scenario in plan.closing), closing=True))
    code, interruption = run_pytest(plan, run_dir, platform_file, scenarios_dir, threading.Event())
    if interruption or code in (0, 1):
        return interruption
    return f"Contrôles finaux : pytest s'est terminé avec le code {code}."


def capture_if_needed(platform: Platform, plan: CampaignPlan, run_dir: Path) -> None:
    """After a failure, keep what a triage needs while the platform still shows it; the run's end is saved before."""
    if needs_capture(store.load_run(run_dir)):
        capture_trouble(platform, plan, run_dir)


def describe_refusal(guards: tuple[GuardResult, ...]) -> str:
    """Why nothing was executed."""
    refused = [guard for guard in guards if guard.status in (GuardStatus.REFUSED, GuardStatus.UNKNOWN)]
    return "Rien n'a été exécuté : " + " ; ".join(f"{guard.id}, {guard.message}" for guard in refused)


def run_attempts(
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    clean_between: Callable[[], str],
    busy: int | None = None,
) -> tuple[int | None, tuple[str, ...]]:
    """The plan, then up to `plan.retries` times what was not good; the exit code, and why it stopped early.

    The exit code is that of the first process, unless a later one did not end by itself with 0 or 1.
    `clean_between` removes test data and returns a sentence when it cannot: nothing is tried again then.
    """
    first, interruption = run_pytest(plan, run_dir, platform_file, scenarios_dir, stop, busy)
    code = first
    for number in range(2, plan.retries + 2):
        if interruption or code not in (0, 1):
            break
        again = choose_retries(plan, store.read_events(run_dir), number)
        if not again:
            break
        if problem := clean_between():
            return first, (problem,)
        announce_attempt(run_dir, Attempt(number, again))
        code, interruption = run_pytest(plan, run_dir, platform_file, scenarios_dir, stop, busy)
    return (first if code in (0, 1) else code), (interruption,)


def run_pytest(
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    busy: int | None = None,
) -> tuple[int | None, str]:
    """pytest's exit code for the current attempt, and why it was stopped if it was.

    It inherits `busy`: if we are killed, nobody heals or drills before it has noticed, and is gone too.

    Its output is kept in pytest.log, of retries in pytest-essai-N.log, of the closing checks in pytest-final.log.
    """
    attempt = read_attempt(plan, run_dir)
    environment = {
        **os.environ,
        RUN_VARIABLE: str(run_dir.resolve()),
        PLATFORM_VARIABLE: str(platform_file.resolve()),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    environment.pop(COLLECT_VARIABLE, None)
    planned, known = set(attempt.scenario_ids), plan.closing if attempt.closing else plan.scenarios
    deadline_seconds = GRACE_SECONDS + sum(
        scenario.timeout_seconds for scenario in known if scenario.id in planned
    )
    what = "Contrôles finaux arrêtés" if attempt.closing else "Campagne arrêtée"
    with (run_dir / name_log(attempt)).open("wb") as log:
        process = subprocess.Popen(
            pytest_command(scenarios_dir),
            env=environment,
            stdin=subprocess.PIPE,  # its end tells the recorder that we are gone, even by SIGKILL
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=() if busy is None else (busy,),
        )
        try:
            deadline = time.monotonic() + deadline_seconds
            while process.poll() is None:
                if time.monotonic() > deadline:
                    where = describe_attempt(attempt.number)
                    return None, f"{what} après {deadline_seconds:g} s{where and f' ({where})'}."
                if stop.wait(POLL_SECONDS):
                    return None, "Campagne arrêtée à la demande."
            return process.returncode, ""
        finally:
            if process.poll() is None:  # also when we are being cancelled: no scenario outlives its campaign
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            mask_file(run_dir / name_log(attempt), platform_file)


def mask_file(path: Path, platform_file: Path) -> None:
    """Hide the platform's secrets in what was printed by nobody's thread, or by pytest on an error of its own."""
    said = path.read_text(encoding="utf-8", errors="surrogateescape")
    masked = Mask(list_secrets(load_platform(str(platform_file)))).hide(said)
    if masked != said:
        store.write_file(path, masked.encode("utf-8", errors="surrogateescape"))


def name_log(attempt: Attempt) -> str:
    """Where pytest's output is kept."""
    if attempt.closing:
        return "pytest-final.log"
    return "pytest.log" if attempt.number == 1 else f"pytest-essai-{attempt.number}.log"


def clean_leftovers(platform: Platform) -> tuple[Fact, ...]:
    """Remove the test data of campaigns that were killed: we hold the lock, so none of them lives."""
    site = platform.site(SiteRole.ACTIF)
    with open_session(platform, site) as session:
        stale = [str(row[0]) for row in session.query("stale_campaigns").rows]
    for campaign_id in stale:
        clean(platform, site, campaign_id)
    return tuple(Fact(site.code, LEFTOVERS, one) for one in stale)


def clean_test_data(platform: Platform, plan: CampaignPlan) -> str:
    """Remove what a killed scenario may have left; returns a sentence when that fails."""
    try:
        clean(platform, platform.site(SiteRole.ACTIF), plan.campaign_id)
    except NonregError as error:
        return f"Nettoyage des données d'essai impossible : {error}"
    return ""
