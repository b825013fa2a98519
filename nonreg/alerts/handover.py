"""Looking at the handover of each platform of the settings: its people, then what the ledger tells.

A source that cannot be read does not hide the others.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from nonreg import ledger
from nonreg.alerts.continuity import list_due, remind_of_contract, tell_gap, tell_readiness
from nonreg.alerts.evidence import list_runs
from nonreg.alerts.facts import Fact, tell_deadlines
from nonreg.alerts.settings import AlertSettings
from nonreg.alerts.steering import tell_packs
from nonreg.basis import load_platform_people
from nonreg.config import load_platform
from nonreg.errors import LedgerBroken, NonregError
from nonreg.handover.journal import Journal
from nonreg.handover.readiness import FOLDER as READINESS_FOLDER
from nonreg.handover.state import KIND as RUNBOOK_KIND
from nonreg.handover.state import Event, select_entries
from nonreg.ledger import LedgerEntry
from nonreg.model.handover import Execution
from nonreg.model.readiness import Readiness
from nonreg.store import hash_file, load_json

DAY = timedelta(days=1)
Source = Callable[[], tuple[Fact, ...]]


def list_handover_sources(
    settings: AlertSettings, since: datetime, now: datetime, problems: list[str]
) -> tuple[Source, ...]:
    """What to look at for each platform of the settings: contracts, then what the ledger tells."""
    sources: list[Source] = []
    for name in settings.platforms:
        path = str(settings.base_dir / name) if name.endswith(".toml") else name
        sources.append(partial(look_at_contracts, path, now))
        sources.append(partial(look_at_ledger, settings, path, since, now, problems))
    return tuple(sources)


def look_at_contracts(path: str, now: datetime) -> tuple[Fact, ...]:
    """The contracts of those who are entitled."""
    platform = load_platform(path)
    people = load_platform_people(platform)
    if people is None:
        return ()
    due = (remind_of_contract(one, platform.default_ticket) for one in people.persons if one.is_valid(now))
    return tell_deadlines((one for one in due if one is not None), platform.name, now)


def look_at_ledger(
    settings: AlertSettings, path: str, since: datetime, now: datetime, problems: list[str]
) -> tuple[Fact, ...]:
    """Executions under way, the readiness, the follow-up, the packs."""
    platform, folder = load_platform(path), settings.folder()
    entries = tuple(one for one in ledger.read_entries(folder / ledger.FILE) if one.platform == platform.name)
    executions = read_executions(folder, entries, problems)
    runs = list_runs(folder, now - timedelta(days=settings.follow_up_days) - DAY, problems)
    gap = tell_gap(platform.name, entries, runs, settings.follow_up_days, since, now)
    return (
        *tell_deadlines(
            list_due(executions, platform.working_time, settings.thresholds_hours, now),
            platform.name,
            now,
        ),
        *tell_readiness(platform.name, entries, partial(read_readiness, folder), now),
        *([gap] if gap is not None else []),
        *tell_packs(platform.name, entries, settings.follow_up_days, since, now),
    )


def read_executions(
    runs_dir: Path, entries: tuple[LedgerEntry, ...], problems: list[str]
) -> tuple[Execution, ...]:
    """Executions under way that are not only played; a sentence for each whose folder does not hold."""
    journal, found = Journal(runs_dir), []
    closed = {one.data.get("execution") for one in entries if one.data.get("event") == Event.CLOSED}
    for one in entries:
        is_open = one.kind == RUNBOOK_KIND and one.data.get("event") == Event.OPENED
        if not is_open or one.data.get("rehearsal") or one.data.get("execution") in closed:
            continue
        try:
            found.append(journal.build(select_entries(entries, str(one.data["execution"]))))
        except LedgerBroken:
            raise
        except NonregError as error:
            problems.append(str(error))
    return tuple(found)


def read_readiness(runs_dir: Path, entry: LedgerEntry) -> Readiness | None:
    """What was measured, None when its file is not that of the ledger any more."""
    file = runs_dir / READINESS_FOLDER / f"{entry.data['readiness']}.json"
    if not file.is_file() or hash_file(file) != entry.data["sha256"]["json"]:
        return None
    return load_json(Readiness, file)
