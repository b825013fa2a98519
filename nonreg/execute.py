"""The run stage: guards, facts, pytest in a subprocess of its own, retries; everything recorded in the run's folder."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.attempts import Attempt, announce_attempt, choose_retries
from nonreg.bench import clean
from nonreg.clients.sql import open_session
from nonreg.config import Platform
from nonreg.drills.aftermath import heal_own
from nonreg.drills.approval import check_approval
from nonreg.environment import LEFTOVERS
from nonreg.errors import NonregError
from nonreg.guards import blocks, check_guards
from nonreg.model import CampaignPlan, Fact, GuardResult, GuardStatus, SiteRole
from nonreg.probes.facts import read_facts
from nonreg.pytest_process import LoadedPytest, PytestProcess, run_pytest, starting_pytest
from nonreg.trouble import capture_trouble, needs_capture
from nonreg.turn import take_turn


def execute_plan(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    wait_seconds: float = 0.0,
    loaded: LoadedPytest | None = None,
) -> None:
    """Run what was planned, under the platform's lock; a refused guard executes nothing; `stop` interrupts.

    A platform that somebody else works on is waited for at most `wait_seconds`. `loaded` is the pytest that collected
    for the plan, if it is still there.

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
        first = held.enter_context(starting_pytest(plan, run_dir, platform_file, scenarios_dir, busy, loaded))
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
        exit_code, said = run_and_restore(
            first, platform, plan, run_dir, platform_file, scenarios_dir, stop, busy
        )
        said = (*said, *lock.losses)
        store.save_end(run_dir, datetime.now(UTC), exit_code, " ".join(filter(None, dict.fromkeys(said))))
        if not stop.is_set():  # whoever stops a campaign does not wait for its capture
            capture_if_needed(platform, plan, run_dir)


def save_refusal(run_dir: Path, reason: str) -> None:
    """Close a run in which nothing was executed."""
    store.save_end(run_dir, datetime.now(UTC), None, f"Rien n'a été exécuté : {reason}")


def run_and_restore(
    first: PytestProcess,
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
            first, plan, run_dir, platform_file, scenarios_dir, stop, restore_and_clean, busy
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
    started: PytestProcess,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    stop: threading.Event,
    clean_between: Callable[[], str],
    busy: int | None = None,
) -> tuple[int | None, tuple[str, ...]]:
    """The plan, already `started`, then up to `plan.retries` times what was not good; exit code, and why it stopped.

    The exit code is that of the first process, unless a later one did not end by itself with 0 or 1.
    `clean_between` removes test data and returns a sentence when it cannot: nothing is tried again then.
    """
    first, interruption = started.follow(stop)
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
