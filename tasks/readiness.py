"""Readiness of the handover: what is gathered from files and ledger, then kept: page, values, one line of the ledger.

    runs/disponibilite/D-20261201T043000Z-3fa1c2.html, .pdf, .json      the ledger holds their hashes

Nothing of the platform is asked but its version: what cannot be read is a finding, and does not hide the others.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from pathlib import Path

from nonreg import ledger
from nonreg.errors import LedgerBroken, NonregError
from nonreg.french import explain_os_error
from nonreg.handover.activation import load_table
from nonreg.handover.readiness import FOLDER, KIND, Facts, score
from nonreg.handover.readiness_binder import (
    BINDER,
    EXECUTION,
    REVIEWS,
    look_at_binder,
    look_at_rehearsals,
    look_at_scenarios,
    look_at_unreadable,
)
from nonreg.handover.readiness_renforts import look_at_renforts
from nonreg.handover.reviews import Review, load_reviews
from nonreg.handover.runbook_file import find_files, load_runbook, read_facts
from nonreg.handover.state import KIND as RUNBOOK_KIND
from nonreg.model.handover import Execution, Runbook
from nonreg.model.readiness import Readiness
from nonreg.store import dump_json, hash_file, write_file
from nonreg.working_time import PARIS
from reports.html import write_html
from reports.pdf import write_pdf
from reports.readiness import build_readiness_page
from tasks.handover_work import Work
from tasks.intervention import observe_version


def measure_readiness(work: Work, at: datetime) -> Readiness:
    """How ready the handover of a platform is at that instant."""
    facts = gather(work, at)
    findings = (
        *look_at_binder(facts),
        *look_at_rehearsals(facts),
        *look_at_scenarios(facts),
        *look_at_unreadable(facts),
        *look_at_renforts(facts),
    )
    return score(f"D-{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}", facts, findings)


def gather(work: Work, at: datetime) -> Facts:
    """Everything that is known, and in French what could not be read."""
    problems: dict[str, str] = {}
    runbooks = read_runbooks(work, problems)
    return Facts(
        platform=work.platform.name,
        title=work.platform.title,
        # What the file declares, where the database does not answer.
        application_version=observe_version(work.platform).application_version
        or work.platform.application_version,
        at=at,
        working=work.platform.working_time,
        runbooks=runbooks,
        reviews=read_reviews(work, tuple(runbooks), at, problems),
        executions=read_executions(work, problems),
        persons=work.people.persons,
        integration_days=load_table().integration.max_age_days,
        problems=problems,
    )


def read_runbooks(work: Work, problems: dict[str, str]) -> dict[str, Runbook | None]:
    """Today's runbooks and the seven of the binder, None for one that is absent or cannot be read."""
    found: dict[str, Runbook | None] = dict.fromkeys(BINDER)
    files = find_files()
    try:
        told = read_facts(work.people.file.parent)
    except NonregError as error:
        problems |= dict.fromkeys(files, str(error))
        return found | dict.fromkeys(files)
    for name, file in files.items():
        try:
            found[name] = load_runbook(file, told)
        except NonregError as error:
            found[name], problems[name] = None, str(error)
    return found


def read_reviews(
    work: Work, runbooks: tuple[str, ...], at: datetime, problems: dict[str, str]
) -> tuple[Review, ...]:
    """The reviews, none when their file is not sound."""
    try:
        today = at.astimezone(PARIS).date()
        return load_reviews(work.people.file.parent, work.people, runbooks, today)
    except NonregError as error:
        problems[REVIEWS] = str(error)
        return ()


def read_executions(work: Work, problems: dict[str, str]) -> tuple[Execution, ...]:
    """Every execution of the platform; the ledger must hold, an execution whose folder does not is a problem."""
    entries = ledger.read_entries(work.journal.file)
    own = [one for one in entries if one.platform == work.platform.name]
    mine: dict[str, list[ledger.LedgerEntry]] = {name: [] for name in work.journal.select_ids(own)}
    for one in entries:
        if one.kind == RUNBOOK_KIND and one.data.get("execution") in mine:
            mine[str(one.data["execution"])].append(one)
    found = []
    for name, own in mine.items():
        try:
            found.append(work.journal.build(tuple(own)))
        except LedgerBroken:
            raise
        except NonregError as error:
            problems[f"{EXECUTION}{name}"] = str(error)
    return tuple(found)


def keep_readiness(work: Work, readiness: Readiness) -> Path:
    """Write the page and the values, then the line of the ledger that holds their hashes; the path of the page."""
    folder = work.runs_dir / FOLDER
    page = build_readiness_page(readiness)
    files: dict[str, str | bytes] = {
        "html": write_html(page),
        "pdf": write_pdf(page, readiness.at),
        "json": dump_json(Readiness, readiness),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix, content in files.items():
            write_file(folder / f"{readiness.id}.{suffix}", content)
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error
    ledger.append(
        work.journal.file,
        kind=KIND,
        platform=readiness.platform,
        person="",
        ticket=work.platform.default_ticket,
        data={
            "readiness": readiness.id,
            "score": readiness.score,
            "word": readiness.word,
            "causes": {one.id: one.grade for one in readiness.list_causes()},
            "sha256": {suffix: hash_file(folder / f"{readiness.id}.{suffix}") for suffix in files},
        },
        at=readiness.at,
        people=work.people,
        signed=None,
    )
    return folder / f"{readiness.id}.html"
