"""What a run is judged against, read before it runs and saved in its folder, so that the verdict can be found again."""

from __future__ import annotations

import os
from pathlib import Path

from nonreg import baseline, ledger, store
from nonreg.config import Platform
from nonreg.errors import NonregError
from nonreg.history import URL_VARIABLE, HistoryStore, RunRef, default_url, open_history
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Basis, CampaignPlan, Fact, History, LastGood, Scenario
from nonreg.people import People, load_people
from nonreg.promoted import choose_baseline, load_promoted
from nonreg.waivers import load_waivers

FILE = "basis.json"
CAMPAIGNS = 30


def load_basis(
    platform: Platform, plan: CampaignPlan, catalog: tuple[Scenario, ...], runs_dir: Path
) -> Basis:
    """Baseline, waivers, history and reference files in force; ConfigError for one that was tampered with.

    `catalog` is every scenario that could have been planned: a waiver of any other is an error. A history
    that cannot be read and a ledger that is broken are told in `warnings`: they stop no campaign, whose
    report says so.
    """
    files = baseline.list_files(platform.baseline)
    history, last_good, warnings = _read_history(plan, runs_dir)
    warnings += _check_ledger(platform, runs_dir)
    people = load_platform_people(platform)
    if people is None:
        return Basis(None, (), history, last_good, files, warnings)
    folder = baseline.governance_dir(platform.governance)
    promoted = load_promoted(folder, people, platform.name, platform.identity_token)
    known = {scenario.id for scenario in catalog}
    known |= {result.scenario_id for one in promoted[-1:] for result in one.results}
    waivers = load_waivers(folder, people, platform.name, platform.identity_token, frozenset(known))
    chosen = choose_baseline(promoted, platform.application_version)
    return Basis(chosen, waivers, history, last_good, files, warnings)


def load_platform_people(platform: Platform) -> People | None:
    """The people of a platform; None when it has no governance folder."""
    if not platform.governance:
        return None
    return load_people(baseline.governance_dir(platform.governance), platform.identity_token)


def _check_ledger(platform: Platform, runs_dir: Path) -> tuple[str, ...]:
    """What is wrong with the ledger, by its chain and by every head kept in runs and promoted baselines."""
    folder = baseline.governance_dir(platform.governance) if platform.governance else None
    try:
        verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir, folder))
    except NonregError as error:
        return (str(error),)
    return ()


def _read_history(
    plan: CampaignPlan, runs_dir: Path
) -> tuple[History, tuple[LastGood, ...], tuple[str, ...]]:
    if not runs_dir.is_dir() and not os.environ.get(URL_VARIABLE):
        return History(), (), ()  # the very first campaign
    try:
        opened = open_history(default_url(runs_dir))
        history = opened.load_history(plan.platform.name, plan.created_at, CAMPAIGNS, plan.run_id)
        return history, _find_last_good(opened, plan, runs_dir), ()
    except NonregError as error:
        return History(), (), (f"Historique indisponible : {error}",)


def _find_last_good(opened: HistoryStore, plan: CampaignPlan, runs_dir: Path) -> tuple[LastGood, ...]:
    ids = tuple(scenario.id for scenario in plan.scenarios)
    found = opened.find_last_good(plan.platform.name, ids, plan.created_at)
    by_run: dict[str, tuple[RunRef, list[str]]] = {}
    for scenario_id in ids:
        if scenario_id in found:
            run = found[scenario_id]
            by_run.setdefault(run.run_id, (run, []))[1].append(scenario_id)
    return tuple(_describe(run, tuple(good), runs_dir) for run, good in by_run.values())


def _describe(run: RunRef, scenario_ids: tuple[str, ...], runs_dir: Path) -> LastGood:
    """The environment of a past run; its folder may be gone, then nothing is known of it."""
    folder = runs_dir / run.folder
    try:
        plan = store.load_json(CampaignPlan, folder / store.PLAN)
        dataset, commit = plan.platform.dataset, plan.tool_commit
        facts = store.load_json(tuple[Fact, ...], folder / store.FACTS)
    except NonregError:
        dataset, commit, facts = "", "", ()
    return LastGood(run.run_id, run.started_at, run.application_version, dataset, commit, facts, scenario_ids)


def save_basis(run_dir: Path, basis: Basis) -> None:
    """Keep it beside the plan."""
    store.write_file(run_dir / FILE, store.dump_json(Basis, basis))


def read_basis(run_dir: Path) -> Basis:
    """The basis that a run was planned with; an empty one for a run older than this file."""
    if not (run_dir / FILE).is_file():
        return Basis()
    return store.load_json(Basis, run_dir / FILE)
