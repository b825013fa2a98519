"""Shipped runbooks, rehearsed and killed at any moment: each is taken up to its end, and nothing of it happens twice.

Seed n plays the runbook number n of the list; RUNBOOK_SEEDS=n plays more of them.
"""

from __future__ import annotations

import dataclasses
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pypdf import PdfReader

from nonreg.config import load_platform
from nonreg.handover.answer import HUMAN
from nonreg.handover.checks import CHECKS, CheckContext
from nonreg.handover.contacts import is_change, list_duties
from nonreg.handover.runbook_file import RUNBOOKS_DIR, list_runbooks
from nonreg.handover.scripted import COMMAND, Script, load_script
from nonreg.handover.state import Event, find_begun, next_step
from nonreg.keeper import PREFECT_HOME
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model.handover import Execution, StepKind
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import DATABASE_SITES, Layout
from nonreg.sandbox.renforts import platform_file, revoke
from nonreg.sandbox.switchover.nodes import connect, read_node
from nonreg.store import hash_file, is_running
from tasks.handover import RECORD_HTML, RECORD_PDF, answer_step
from tasks.handover_work import Work, make_work
from tasks.publication import is_published
from tests.handover.activations import REHEARSALS, integrate
from tests.handover.checking import list_wrong
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE
from tests.handover.killed import Followed, Moment, draw_kill
from tests.prefect_server import Server, start_server

pytestmark = pytest.mark.prefect
BOTH = "activation de deux profils"
# The short ones first: CI plays those.
RUNBOOKS = (
    *("contacts", BOTH, "restitution", "acces"),
    *("integration", "activation-pointe", "bascule-hd", "tests", "activation-absence-prevue", "deploiement"),
    *("activation-absence-imprevue", "installation", "activation-exceptionnelle", "retour-arriere"),
)
SEEDS = range(int(os.environ.get("RUNBOOK_SEEDS", "4")))
WITH_SERVER = 4  # one seed in so many
KILLS, RESUMED = 3, 6
CRISIS = ("--reason", "situation-exceptionnelle", "--anomaly", "bloquante", "--need", "correction")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    instance = start_instance(tmp_path_factory.mktemp("tues") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect"), deploy=False) as found:
        yield found


@dataclass(frozen=True, slots=True)
class Play:
    """One shipped runbook on the embedded platform, with the answers of its rehearsal."""

    bench: Layout
    work: Work
    script: Script
    followed: Followed

    def answer_elsewhere(self) -> str:
        """The person of the next step answers it from another terminal; the step, empty when it waits for none."""
        execution = self.followed.find_unfinished()
        step = next_step(execution) if execution is not None else None
        if execution is None or step is None or step.kind not in HUMAN:
            return ""
        if COMMAND in self.script.answers[step.id]:
            return ""
        answer = self.script.answer(execution, step, self.work.platform, self.work.people, datetime.now(UTC))
        answer_step(self.work, execution, answer)
        return step.id


def make_play(bench: Layout, folder: Path, name: str, server: Server | None) -> Play:
    """Nobody has an access, and whoever an activation is about was integrated."""
    revoke(bench, TECHNIQUE)
    file, runs_dir = platform_file(bench, TECHNIQUE), folder / "passages"
    runs_dir.mkdir()
    work = make_work(str(file), runs_dir)
    runbook = "activation-exceptionnelle" if name == BOTH else name
    opening: tuple[str, ...] = ("runbook", "open", name, "--subject", TECHNIQUE)
    if name == BOTH:
        opening = ("activate", *CRISIS, "--ticket", "AQ-150")
    if runbook.startswith("activation"):
        for subject in (TECHNIQUE, PILOTAGE):
            integrate(work, subject=subject)
    answers = REHEARSALS / f"{runbook}.toml"
    followed = Followed(
        work.journal,
        folder / "terminal.txt",
        (*opening, "--rehearsal", "--person", TITULAIRE),
        ("--platform", str(file), "--runs-dir", str(runs_dir), "--answers", str(answers)),
        server.environment if server is not None else None,
        expected=2 if name == BOTH else 1,
    )
    return Play(
        bench,
        work,
        load_script(answers, work.platform.path("identites"), runs_dir),
        followed,
    )


def test_every_shipped_runbook_has_its_turn() -> None:
    assert {*RUNBOOKS} - {BOTH} == {path.stem for path in RUNBOOKS_DIR.glob("*.toml")} == {*list_runbooks()}


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shipped_runbook_killed_at_any_moment_goes_on_where_it_stood(
    bench: Layout, tmp_path: Path, request: pytest.FixtureRequest, seed: int
) -> None:
    chance = random.Random(seed)
    server = request.getfixturevalue("server") if seed % WITH_SERVER == WITH_SERVER - 1 else None
    play = make_play(bench, tmp_path, RUNBOOKS[seed % len(RUNBOOKS)], server)
    told, killed = list[str](), 0
    for number in range(chance.randint(1, KILLS)):
        kill = draw_kill(chance, *(() if number else (Moment.LEDGER, Moment.LOG)))
        code = play.followed.play(kill)
        killed += code is None
        told.append(f"{kill} : {'tué' if code is None else f'fini, code {code}'}, {stand(play.followed)}")
        if chance.random() < 0.5 and (step := play.answer_elsewhere()):
            told.append(f"{step} répondue ailleurs")
    for _ in range(RESUMED):
        code = play.followed.play()
        told.append(f"repris : code {code}, {stand(play.followed)}")
        if code == 0 and play.followed.find_unfinished() is None:
            break
    print("\n".join(told))  # noqa: T201 - what was drawn, for whoever reads a failure
    print(play.followed.log.read_text(encoding="utf-8"))  # noqa: T201
    check_whole(play, killed)


def stand(followed: Followed) -> str:
    """How far each execution is."""
    return " + ".join(f"{len(one.done)}/{len(one.runbook.steps)}" for one in followed.executions) or "rien"


def check_whole(play: Play, killed: int) -> None:
    """Complete, each step once, each effect once, the chain and the record whole, and nothing left behind."""
    followed = play.followed
    assert len(followed.executions) == followed.expected
    for execution in followed.executions:
        check_steps(play, execution, killed)
        check_record(play, execution)
    verify_ledger(play.work.journal.file, collect_witnesses(play.work.runs_dir))
    check_accesses(play)
    check_roles(play.bench)
    assert [one for one in play.work.runs_dir.iterdir() if is_running(one)] == []
    assert list(play.work.runs_dir.rglob(PREFECT_HOME)) == []
    assert followed.find_left() == []


def check_steps(play: Play, execution: Execution, killed: int) -> None:
    """Closed, not given up; each step is done once, and no try failed but of a campaign that was killed."""
    entries = play.work.journal.read(execution.id)
    events = Counter(entry.data["event"] for entry in entries)
    assert (events[Event.OPENED], events[Event.CLOSED], execution.abandoned) == (1, 1, "")
    done = [entry.data["step"] for entry in entries if entry.data["event"] == Event.DONE]
    assert sorted(done) == sorted(step.id for step in execution.runbook.steps)
    campaigns = {step.id for step in execution.runbook.steps if step.kind is StepKind.CAMPAIGN}
    for one in execution.failed:  # judged from what it left, a campaign that was killed is no pass
        assert one.step_id in campaigns, one
        assert any(run in one.message for run in play.followed.cut_runs), one
    assert len(execution.failed) <= killed
    for step_id in campaigns:
        begun = [
            str(one.data["run_id"])
            for one in entries
            if (one.data["event"], one.data.get("step")) == (Event.BEGUN, step_id)
        ]
        assert is_published(play.work.runs_dir / begun[-1])
        assert find_begun(entries, step_id) == ""
        assert len(begun) <= killed + 1
    changes = [step.id for step in execution.runbook.steps if is_change(step)]
    duties = list_duties(
        [dataclasses.replace(execution, closed_at=None)],
        {one.id: one.role for one in play.work.people.persons},
        platform=execution.platform,
        rehearsal=True,
    )
    assert len(duties) == len(changes)


def check_record(play: Play, execution: Execution) -> None:
    """The record tells the last line of the execution, and each proof that the ledger names is there as it was."""
    folder = play.work.journal.folder(execution.id)
    page = re.sub(r"<[^>]+>", " ", (folder / RECORD_HTML).read_text(encoding="utf-8"))
    paper = " ".join(one.extract_text() for one in PdfReader(folder / RECORD_PDF).pages)
    last = rf"ligne\s+{play.work.journal.read(execution.id)[-1].sequence}\b"
    assert re.search(rf"Clôture\s+outil\s+{last}", page)
    assert re.search(last, paper)  # a PDF's columns come in an order of its own
    for proof in (one for done in execution.done for one in done.evidence):
        assert hash_file(folder / proof.path) == proof.sha256


def check_accesses(play: Play) -> None:
    """As the last command of the rehearsal left them: all that was planned, or nothing."""
    said = " ".join(one.get(COMMAND, "") for one in play.script.answers.values())
    is_open = said.rfind("sandbox grant") > said.rfind("sandbox revoke")
    file = platform_file(play.bench, TECHNIQUE)
    context = CheckContext(
        load_platform(str(file)), file, play.work.people, TECHNIQUE, datetime.now(UTC), play.work.runs_dir
    )
    for check in ("comptes_nommes", "ssh", "base") if is_open else ("acces_revoques",):
        assert list_wrong(CHECKS[check](context)) == []


def check_roles(bench: Layout) -> None:
    """SITE-A is active for both sites, whatever was switched over meanwhile."""
    for site in DATABASE_SITES:
        with connect(bench, site) as connection:
            roles = read_node(connection, site).roles
        assert [roles[one] for one in DATABASE_SITES] == ["ACTIF", "PASSIF"]
