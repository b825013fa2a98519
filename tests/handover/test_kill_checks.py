"""The checks of killed runbooks see what a kill could have done: each is shown a result in which that was done."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.steps import LOCK
from nonreg import ledger, orphans
from nonreg.errors import LedgerBroken
from nonreg.evidence.files import MANIFEST
from nonreg.file_lock import hold_file_lock
from nonreg.handover.runbook_file import read_runbook
from nonreg.handover.state import KIND, Event
from nonreg.keeper import PREFECT_HOME, RUN_MARK
from nonreg.model.handover import Execution, Outcome, StepKind
from nonreg.orphans import Life
from nonreg.store import PLAN, dump_json
from tasks.handover import RECORD_HTML, RECORD_PDF, publish_record, record_campaign
from tasks.handover_work import Work
from tests.governed import Governed, publish_run
from tests.handover.activations import make_site, work_on
from tests.handover.executions import SMALL, TECHNIQUE, TITULAIRE
from tests.handover.kill_checks import (
    check_evidence,
    check_nothing_left,
    check_record,
    check_steps,
)
from tests.handover.killed import Followed

CUT, WHOLE, AGAIN = "essai-coupe", "essai-entier", "essai-encore"
CAMPAIGN = """
[[steps]]
id = "O2b"
title = "Campagne d'essai"
role = "outil"
kind = "campaign"
campaign = { families = ["base"], effects = "lecture" }
instructions = "Jugée."
evidence = "Le rapport."
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """An execution whose campaign was killed once, followed to its end."""

    work: Work
    followed: Followed
    stale: dict[str, bytes]  # its record before its last step

    @property
    def execution(self) -> Execution:
        return self.followed.execution

    @property
    def folder(self) -> Path:
        return self.work.journal.folder(self.execution.id)

    def run(self, name: str = WHOLE) -> Path:
        return self.work.runs_dir / name

    def write(self, event: Event, **data: object) -> None:
        """A line that the journal would have refused."""
        ledger.append(
            self.work.journal.file,
            kind=KIND,
            platform=self.execution.platform,
            person="",
            ticket=self.execution.ticket,
            data={"execution": self.execution.id, "event": event, **data},
            at=datetime.now(UTC),
            people=None,
            signed=None,
        )


def at() -> datetime:
    return datetime.now(UTC)


def reach_end(root: Path, without: str = "") -> Ended:
    governed = make_site(root)
    work = work_on(governed)
    head, marker, last = SMALL.partition('\n[[steps]]\nid = "O3"')
    runbook = read_runbook(head + CAMPAIGN + marker + last, Path("essai.toml"))
    followed = Followed(work.journal, root / "terminal.txt", (), ())
    followed.cut_runs.add(CUT)
    execution = work.journal.open(
        runbook,
        work.platform.name,
        ticket="AQ-7",
        person=TITULAIRE,
        subject=TECHNIQUE,
        at=at(),
        rehearsal=True,
    )
    stale = dict[str, bytes]()
    for step in runbook.steps:
        if step.id == without:
            continue
        if step is runbook.steps[-1]:
            page = publish_record(work, execution)
            stale = {name: (page.parent / name).read_bytes() for name in (RECORD_HTML, RECORD_PDF)}
        if step.kind is StepKind.CAMPAIGN:
            execution = work.journal.add_begun(execution, step.id, CUT, at())
            execution = work.journal.add_failed(execution, step.id, f"Passage {CUT} : arrêté.", "", at())
            execution = work.journal.add_begun(execution, step.id, WHOLE, at())
            execution = record_campaign(work, execution, step, publish_run(governed, WHOLE))
            continue
        proof = work.journal.keep_evidence(execution, f"{step.id}.txt", "Preuve", step.title.encode())
        execution = work.journal.add_done(execution, step.id, person=TITULAIRE, at=at(), evidence=(proof,))
    ended = Ended(work, followed, stale)
    if without:
        ended.write(Event.CLOSED, abandoned="")
    else:
        work.journal.close(execution, "", at())
    publish_record(work, ended.execution)
    return ended


@pytest.fixture
def ended(tmp_path: Path) -> Ended:
    return reach_end(tmp_path)


def steps(ended: Ended) -> None:
    check_steps(ended.work, ended.execution, ended.followed.cut_runs, killed=1)


def record(ended: Ended) -> None:
    check_record(ended.work, ended.execution)


def evidence(ended: Ended) -> None:
    check_evidence(ended.work, ended.followed)


def left(ended: Ended) -> None:
    check_nothing_left(ended.work, ended.followed)


def test_what_is_whole_is_found_whole(ended: Ended) -> None:
    for check in (steps, record, evidence, left):
        check(ended)


def test_a_step_that_was_lost_is_seen(tmp_path: Path) -> None:
    ended = reach_end(tmp_path, without="O4")
    with pytest.raises(AssertionError):
        steps(ended)


DONE = {"outcome": Outcome.DONE, "said": {}, "evidence": [], "note": ""}
TOLD = {
    "a step was done twice": lambda one: one.write(Event.DONE, step="O1", **DONE),
    "it was closed twice": lambda one: one.write(Event.CLOSED, abandoned=""),
    "it was given up": lambda one: one.write(Event.CLOSED, abandoned="essai"),
    "another campaign was begun": lambda one: one.write(Event.BEGUN, step="O2b", run_id=AGAIN),
    "a step failed": lambda one: one.write(Event.FAILED, step="O3", message="", remedy=""),
    "a campaign failed that nobody had killed": lambda one: one.write(
        Event.FAILED, step="O2b", message=f"Passage {WHOLE} : KO.", remedy=""
    ),
    "a campaign failed more often than killed": lambda one: one.write(
        Event.FAILED, step="O2b", message=f"Passage {CUT} : arrêté.", remedy=""
    ),
    "the campaign was not published": lambda one: (one.run() / MANIFEST).unlink(),
}


def test_a_campaign_that_ran_again_though_nobody_had_killed_it_is_seen(ended: Ended) -> None:
    publish_run(Governed(ended.work.runs_dir.parent), AGAIN)
    ended.write(Event.BEGUN, step="O2b", run_id=AGAIN)
    ended.write(Event.FAILED, step="O2b", message=f"Passage {CUT} : arrêté.", remedy="")
    with pytest.raises(AssertionError, match=WHOLE):
        check_steps(ended.work, ended.execution, ended.followed.cut_runs, killed=2)


@pytest.mark.parametrize("what", TOLD)
def test_what_was_repeated_or_failed_is_seen(ended: Ended, what: str) -> None:
    TOLD[what](ended)
    with pytest.raises(AssertionError):
        steps(ended)


def cut_off(ended: Ended, kept: slice, again: int = 0) -> None:
    """The ledger without lines of its own, or with the last once more."""
    lines = ended.work.journal.file.read_bytes().splitlines(keepends=True)
    ended.work.journal.file.write_bytes(b"".join((*lines[kept], *lines[len(lines) - again :])))


def remove_first_step(ended: Ended) -> None:
    """A record in which a step is not told, but the end is."""
    file, line = ended.folder / RECORD_HTML, ended.execution.done[0].sequence
    file.write_text(re.sub(rf"ligne\s+{line}\b", "", file.read_text(encoding="utf-8")), encoding="utf-8")


def append(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b" ")


WRITTEN: dict[str, tuple[Callable[[Ended], None], Callable[[Ended], object]]] = {
    "the page is that of before the last step": (
        record,
        lambda one: (one.folder / RECORD_HTML).write_bytes(one.stale[RECORD_HTML]),
    ),
    "the PDF is that of before the last step": (
        record,
        lambda one: (one.folder / RECORD_PDF).write_bytes(one.stale[RECORD_PDF]),
    ),
    "the record lacks a step": (record, remove_first_step),
    "a proof was changed": (record, lambda one: append(one.folder / "preuves" / "O1.txt")),
    "a proof is not there": (record, lambda one: (one.folder / "preuves" / "O1.txt").unlink()),
    "a report was changed": (record, lambda one: append(one.run() / "report.json")),
    "a proof was sealed otherwise": (evidence, lambda one: append(one.folder / "preuves" / "O1.txt")),
    "a file of the campaign was changed": (evidence, lambda one: append(one.run() / "events.jsonl")),
    "the record is not sealed": (evidence, lambda one: (one.folder / MANIFEST).unlink()),
    "the campaign was not published": (evidence, lambda one: (one.run() / MANIFEST).unlink()),
    "the last line was lost": (evidence, lambda one: cut_off(one, slice(-1))),
    "a line in the midst was lost": (evidence, lambda one: cut_off(one, slice(1, None))),
    "a line is there twice": (evidence, lambda one: cut_off(one, slice(None), again=1)),
}


@pytest.mark.parametrize("what", WRITTEN)
def test_what_was_written_otherwise_is_seen(ended: Ended, what: str) -> None:
    check, alter = WRITTEN[what]
    alter(ended)
    with pytest.raises((AssertionError, LedgerBroken, FileNotFoundError)):
        check(ended)


@contextmanager
def keep_process(ended: Ended) -> Iterator[None]:
    waits = [sys.executable, "-c", "import signal; signal.pause()"]
    process = subprocess.Popen(waits, env={**os.environ, RUN_MARK: str(ended.folder)})
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def keep_plan(ended: Ended) -> Iterator[None]:
    with (ended.run() / PLAN).open("rb") as plan:
        fcntl.flock(plan, fcntl.LOCK_EX)
        yield


@contextmanager
def keep_home(ended: Ended) -> Iterator[None]:
    (ended.run() / PREFECT_HOME).mkdir()
    yield


LEFT: dict[str, Callable[[Ended], AbstractContextManager[None]]] = {
    "a process": keep_process,
    "the lock of a campaign": keep_plan,
    "the lock of the execution": lambda one: hold_file_lock(one.folder / LOCK, "essai"),
    "the lock of the ledger": lambda one: hold_file_lock(one.work.runs_dir / f"{ledger.FILE}.lock", "essai"),
    "the home of a campaign's flow": keep_home,
}


@pytest.mark.parametrize("what", LEFT)
def test_what_was_left_is_seen(ended: Ended, what: str) -> None:
    with LEFT[what](ended), pytest.raises(AssertionError):
        left(ended)


def test_a_campaign_that_was_killed_before_it_was_published_is_taken_up_or_seen(ended: Ended) -> None:
    governed, known = Governed(ended.work.runs_dir.parent), ended.work.journal.file.read_bytes()
    run_dir = publish_run(governed, AGAIN)
    ended.work.journal.file.write_bytes(known)
    for file in (MANIFEST, "report.json", "report.html", "report.pdf", "junit.xml"):
        (run_dir / file).unlink()
    with pytest.raises(AssertionError, match=AGAIN):
        evidence(ended)
    life = dump_json(Life, Life(str(governed.platform_file)))
    (run_dir / orphans.FILE).write_text(life, encoding="utf-8")
    with pytest.raises(AssertionError, match="à remettre en état"):  # nothing answers here
        evidence(ended)
    evidence(ended)
