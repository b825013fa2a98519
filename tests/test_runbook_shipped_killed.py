"""Shipped runbooks, rehearsed and killed at any moment: each is taken up to its end, and nothing of it happens twice.

Seed n plays the runbook number n of the list; RUNBOOK_SEEDS=n plays more of them.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg.config import load_platform
from nonreg.drills.register import open_register
from nonreg.execute import clean_leftovers
from nonreg.handover.answer import HUMAN
from nonreg.handover.checks import CHECKS, CheckContext
from nonreg.handover.runbook_file import RUNBOOKS_DIR, list_runbooks
from nonreg.handover.scripted import COMMAND, Script, load_script
from nonreg.handover.state import next_step
from nonreg.lock import hold_platform_lock
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import DATABASE_SITES, Layout
from nonreg.sandbox.renforts import platform_file, revoke
from nonreg.sandbox.switchover.nodes import connect, read_node
from tasks.handover import answer_step
from tasks.handover_work import Work, make_work
from tests.handover.activations import REHEARSALS, integrate
from tests.handover.checking import list_wrong
from tests.handover.executions import PILOTAGE, TECHNIQUE, TITULAIRE
from tests.handover.kill_checks import check_whole
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
    check_whole(play.work, play.followed, killed)
    check_accesses(play)
    check_platform(play)


def stand(followed: Followed) -> str:
    """How far each execution is."""
    return " + ".join(f"{len(one.done)}/{len(one.runbook.steps)}" for one in followed.executions) or "rien"


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


def check_platform(play: Play) -> None:
    """SITE-A is active for both sites, whatever was switched over meanwhile; nothing is to be healed or removed."""
    for site in DATABASE_SITES:
        with connect(play.bench, site) as connection:
            roles = read_node(connection, site).roles
        assert [roles[one] for one in DATABASE_SITES] == ["ACTIF", "PASSIF"]
    platform = load_platform(str(play.bench.platform_file))  # by accounts that nobody revokes
    assert open_register(platform).pending() == ()
    with hold_platform_lock(platform) as lock:
        assert lock.held, lock.message
        assert clean_leftovers(platform) == ()
