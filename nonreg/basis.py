"""What a run is judged against, read before it runs and saved in its folder, so that the verdict can be found again."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg import baseline, ledger, store
from nonreg.config import Platform
from nonreg.errors import ConfigError, NonregError
from nonreg.history import URL_VARIABLE, HistoryStore, RunRef, default_url, open_history
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import Baseline, Basis, CampaignPlan, Fact, LastGood, Scenario, Waiver
from nonreg.people import People, load_people
from nonreg.promoted import choose_baseline, find_unpromoted, load_promoted
from nonreg.waivers import load_waivers

FILE = "basis.json"
PUBLISHED = "manifest.json"  # the last file of a published run
CAMPAIGNS = 30
TIMED_CAMPAIGNS = 24  # after a promotion: enough for 8 good values of each time


@dataclass(frozen=True, slots=True)
class InForce:
    """What governs a platform whatever is planned: no `people` when nothing does; `warnings` tell of its ledger."""

    people: People | None
    promoted: tuple[Baseline, ...]
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]


def read_in_force(platform: Platform, runs_dir: Path) -> InForce:
    """Read it; ConfigError for a baseline that was tampered with."""
    people = load_platform_people(platform)
    return InForce(
        people,
        () if people is None else load_governed(platform, people, runs_dir),
        baseline.list_files(platform.baseline),
        _check_ledger(platform, runs_dir),
    )


def load_basis(
    platform: Platform,
    plan: CampaignPlan,
    catalog: tuple[Scenario, ...],
    runs_dir: Path,
    in_force: InForce | None = None,
) -> Basis:
    """Baseline, waivers, history and reference files in force; ConfigError for one that was tampered with.

    `catalog` is every scenario that could have been planned: a waiver of any other is an error. A history
    that cannot be read and a ledger that is broken are told in `warnings`: they stop no campaign, whose
    report says so. `in_force` is what was read before the plan was known.
    """
    found = in_force or read_in_force(platform, runs_dir)
    chosen: Baseline | None = None
    waivers: tuple[Waiver, ...] = ()
    if found.people is not None:
        folder = baseline.governance_dir(platform.governance)
        chosen = choose_baseline(found.promoted, platform.application_version, plan.catalog)
        known = {scenario.id for scenario in catalog}
        known |= {result.scenario_id for one in found.promoted for result in one.results}
        token, now = platform.identity_token, datetime.now(UTC)
        waivers = load_waivers(folder, found.people, platform.name, token, frozenset(known), now)
    before, trouble = _read_history(plan, chosen, runs_dir)
    return dataclasses.replace(
        before,
        baseline=chosen,
        waivers=waivers,
        files=found.files,
        warnings=(*trouble, *found.warnings, *_find_unpublished(plan, runs_dir)),
    )


def load_governed(platform: Platform, people: People, runs_dir: Path) -> tuple[Baseline, ...]:
    """The promoted baselines; ConfigError also when the ledger knows one that is absent or other than its file."""
    folder = baseline.governance_dir(platform.governance)
    promoted = load_promoted(folder, people, platform.name, platform.identity_token)
    try:
        entries = ledger.read_entries(runs_dir / ledger.FILE)
    except NonregError:
        return promoted  # told, with the exact line of a broken one, by the check of the ledger
    absent = find_unpromoted(entries, promoted, platform.name)
    if absent:
        raise ConfigError(" ".join(absent))
    return promoted


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


def _find_unpublished(plan: CampaignPlan, runs_dir: Path) -> tuple[str, ...]:
    """Earlier runs of the platform that were killed before their report: they are in no history yet."""
    said = []
    for file in sorted(runs_dir.glob(f"*/{store.PLAN}")):
        folder = file.parent
        if folder.name == plan.run_id or (folder / PUBLISHED).is_file():
            continue
        try:
            other = store.load_json(CampaignPlan, file)
        except NonregError as error:
            said.append(str(error))
            continue
        if other.platform.name == plan.platform.name and other.created_at < plan.created_at:
            said.append(f"Passage sans rapport : {other.run_id} (python -m nonreg report {folder}).")
    return tuple(said)


def _read_history(
    plan: CampaignPlan, chosen: Baseline | None, runs_dir: Path
) -> tuple[Basis, tuple[str, ...]]:
    """The part of the basis that comes from the campaigns before, and why it could not be read."""
    if not runs_dir.is_dir() and not os.environ.get(URL_VARIABLE):
        return Basis(), ()  # the very first campaign
    name, at = plan.platform.name, plan.created_at
    try:
        opened = open_history(default_url(runs_dir))
        history = opened.load_history(name, at, CAMPAIGNS, plan.run_id, plan.catalog)
        times = (
            opened.load_measures_after(name, chosen.run_started_at, TIMED_CAMPAIGNS, plan.catalog)
            if chosen
            else ()
        )
        return Basis(history=history, last_good=_find_last_good(opened, plan, runs_dir), times=times), ()
    except NonregError as error:
        return Basis(), (f"Historique indisponible : {error}",)


def _find_last_good(opened: HistoryStore, plan: CampaignPlan, runs_dir: Path) -> tuple[LastGood, ...]:
    ids = tuple(scenario.id for scenario in plan.scenarios)
    found = opened.find_last_good(plan.platform.name, ids, plan.created_at, plan.catalog)
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
    """Keep it before the plan: a plan without it would be judged against nothing."""
    run_dir.mkdir(parents=True, exist_ok=True)
    store.write_file(run_dir / FILE, store.dump_json(Basis, basis))


def read_basis(run_dir: Path) -> Basis:
    """The basis that a run was planned with; one that says so when it was not kept."""
    if not (run_dir / FILE).is_file():
        return Basis(warnings=(f"Ce à quoi comparer le passage n'a pas été gardé ({FILE} absent).",))
    return store.load_json(Basis, run_dir / FILE)
