"""A governed platform whose runs have aged, and looks at what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.evidence.chain import PURGE
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.evidence.signatures import find_people
from nonreg.evidence.verify import Finding, Means, State, verify_runs
from nonreg.ledger import LedgerEntry
from nonreg.model.retention import RetentionPlan
from tasks.evidence import JUDGES
from tasks.handover_work import Work, make_work
from tasks.retention import prepare_purge
from tests.governed import Governed

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
OLD, RECENT = NOW - timedelta(days=400), NOW - timedelta(days=30)


def work_on(governed: Governed) -> Work:
    """The platform with its people and its ledger."""
    return make_work(str(governed.platform_file), governed.runs_dir)


def look(governed: Governed, now: datetime = NOW) -> RetentionPlan:
    """What a purge would do."""
    return prepare_purge(work_on(governed), now)


def list_places(plan: RetentionPlan) -> list[str]:
    """What would be removed."""
    return [one.place for one in plan.removable]


def explain(plan: RetentionPlan, place: str) -> str:
    """Why that is kept beyond its time."""
    return next(" ; ".join(one.reasons) for one in plan.kept if one.item.place == place)


def verify(governed: Governed, *, judged: bool = True) -> list[Finding]:
    """What is wrong in the whole runs' folder."""
    runs_dir = governed.runs_dir
    found = verify_runs(runs_dir, Means(find_people(runs_dir), JUDGES if judged else {}))
    return [one for one in found if one.state is State.WRONG]


def list_purges(governed: Governed) -> list[LedgerEntry]:
    """The lines of purges in the ledger."""
    return [one for one in ledger.read_entries(governed.runs_dir / ledger.FILE) if one.kind == PURGE]


def seal_old(
    governed: Governed, place: str, kind: str, text: str = "texte", at: datetime = OLD, ticket: str = "AQ-1"
) -> Path:
    """A sealed folder of that age, with one text in it."""
    folder = governed.runs_dir / place
    folder.mkdir(parents=True)
    (folder / "contenu.json").write_text(text, encoding="utf-8")
    platform = governed.platform
    thing = Thing(kind, folder.name, platform.name, platform.identity_token, at, ticket)
    seal_folder(folder, thing, governed.runs_dir)
    return folder
