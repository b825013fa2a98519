"""Whatever dies in the middle of a campaign: it is judged from what it recorded, its platform put back, its run told.

A real server, real workers, real kills; scenarios of the tests' own wait on a file, to be in the middle for sure.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from nonreg.config import load_platform
from nonreg.drills.register import open_register
from nonreg.lock import hold_platform_lock
from nonreg.model import CampaignReport, Outcome, Verdict
from nonreg.orphans import list_lives
from nonreg.plan import collect_scenarios
from nonreg.sandbox.layout import Layout
from nonreg.store import load_json
from nonreg.waiting import wait_until
from tasks.publication import find_altered, is_published
from tests.drilled import BODIES, BREAKING, HEADER, ROLES, Ground, write_catalog
from tests.prefect_server import ROOT, Server, family_of, start_server

pytestmark = pytest.mark.prefect

SEED = int(os.environ.get("CRASH_SEED", "7"))
WAITING = """
import time
from pathlib import Path
from nonreg.model import Criticality
from nonreg.recorder import scenario

@scenario("BASE-901", "Passe", Criticality.MAJEURE)
def test_passes(witness):
    witness.expect(True, "essai", "vrai", "vrai")

@scenario("BASE-902", "Attend", Criticality.MAJEURE, timeout_seconds=300)
def test_waits(witness):
    while not Path({go!r}).exists():
        time.sleep(0.02)
    witness.expect(True, "essai", "vrai", "vrai")
"""
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")
STOPPED = "Campagne arrêtée à la demande."
CUT = "Le passage a été interrompu avant sa fin."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        yield found


@dataclass
class Case:
    """A worker, one campaign that it runs, and all that lives of them; `environment` is the campaign's alone."""

    server: Server
    layout: Layout
    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    run: Any = None

    def start_worker(self) -> None:
        self.worker = psutil.Process(
            self.server.start("worker", "start", "--pool", "aquareel", "--type", "process").pid
        )

    def begin(self, deployment: str = "a-la-demande", **parameters: Any) -> None:
        self.start_worker()
        found = self.server.get(f"/deployments/name/campagne/{deployment}")
        body = {
            "platform": str(self.layout.platform_file),
            "runs_dir": str(self.runs_dir),
            **parameters,
        }
        self.run = self.server.post(
            f"/deployments/{found['id']}/create_flow_run",
            parameters=body,
            job_variables={"env": self.environment},
        )

    def begin_waiting(self) -> None:
        folder = write_catalog(self.root / "scenarios", header=WAITING.format(go=str(self.root / "suite")))
        self.begin(families=["base"], scenarios=str(folder))
        wait_until(lambda: "BASE-902" in self.read_events(), 90, poll_seconds=0.1)

    def read_events(self) -> str:
        return "".join(file.read_text("utf-8") for file in self.runs_dir.glob("*/events.jsonl"))

    def go_on(self) -> None:
        (self.root / "suite").touch()

    @property
    def runs_dir(self) -> Path:
        return self.root / "passages"

    @property
    def run_dir(self) -> Path:
        (found,) = (plan.parent for plan in self.runs_dir.glob("*/plan.json"))
        return found

    def find(self, *words: str) -> list[psutil.Process]:
        """Processes of this campaign whose command holds one of the words."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                mine = process.environ().get("PREFECT__FLOW_RUN_ID") == self.run["id"]
                if mine and any(word in " ".join(process.cmdline()) for word in words):
                    found.append(process)
        return found

    def kill(self, *words: str) -> None:
        for process in self.find(*words):
            with suppress(psutil.NoSuchProcess):
                process.kill()

    def read_state(self) -> Any:
        return self.server.get(f"/flow_runs/{self.run['id']}")["state"]

    def wait_told(self, kind: str, within_seconds: float = 90) -> str:
        """The state's message, once it names the report."""

        def told() -> str:
            with suppress(requests.RequestException):
                state = self.read_state()
                if state["type"] == kind and "report.html" in (state["message"] or ""):
                    return str(state["message"])
            return ""

        try:
            return wait_until(told, within_seconds, poll_seconds=0.3)
        except TimeoutError as error:
            raise AssertionError((self.read_state(), self.server.log.read_text("utf-8")[-4000:])) from error

    def read_report(self) -> CampaignReport:
        assert is_published(self.run_dir)
        assert find_altered(self.run_dir) == ()
        return load_json(CampaignReport, self.run_dir / "report.json")

    def require_free(self) -> None:
        """Nothing of the campaign lives, its folder is settled, its platform may be had."""
        wait_until(lambda: not self.find(""), 60, poll_seconds=0.1)
        assert list_lives(self.runs_dir) == ()
        platform = load_platform(str(self.layout.platform_file))
        with hold_platform_lock(platform) as lock:
            assert lock.held
        assert open_register(platform).pending() == ()

    def end(self) -> None:
        self.go_on()
        for process in (*family_of(self.worker.pid), *(self.find("") if self.run else ())):
            with suppress(psutil.NoSuchProcess):
                process.kill()


@pytest.fixture
def case(server: Server, sandbox: Layout, tmp_path: Path) -> Iterator[Case]:
    found = Case(server, sandbox, tmp_path)
    yield found
    found.end()


def take_up(case: Case) -> subprocess.Popen[str]:
    """The flow « reprise », as its deployment runs it."""
    code = "import sys; from flows.recovery import recovery; print(recovery(*sys.argv[1:]))"
    return subprocess.Popen(
        [sys.executable, "-c", code, str(case.layout.platform_file), str(case.runs_dir)],
        cwd=ROOT,
        env=case.server.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def kill_server(server: Server) -> None:
    for process in family_of(server.processes[0].pid):
        process.kill()
    wait_until(lambda: not server.is_ours(), 20)


def restart_server(server: Server) -> None:
    server.processes.insert(
        0, server.start("server", "start", "--host", "127.0.0.1", "--port", str(server.port))
    )
    wait_until(server.is_ours, 90)


def test_a_campaign_whose_worker_is_killed_goes_on_and_publishes(case: Case) -> None:
    case.begin_waiting()
    case.worker.kill()
    case.go_on()
    case.wait_told("COMPLETED")
    assert case.read_report().assessment.verdict is Verdict.OK_AVEC_RESERVES
    case.require_free()


def test_a_campaign_that_is_killed_with_its_worker_is_judged_and_told_at_once(case: Case) -> None:
    case.begin_waiting()
    case.worker.kill()
    case.kill("prefect.engine")
    message = case.wait_told("CRASHED")
    assert message.startswith(f"{CUT} INCOMPLET — ")
    report = case.read_report()
    assert report.assessment.verdict is Verdict.INCOMPLET
    assert {one.scenario_id: one.outcome for one in report.run.results} == {
        "BASE-901": Outcome.OK,
        "BASE-902": Outcome.INCONCLUSIF,
    }
    case.require_free()


def test_a_campaign_whose_worker_is_stopped_is_judged_and_told(case: Case) -> None:
    case.begin_waiting()
    case.worker.terminate()
    case.wait_told("CRASHED")
    assert case.read_report().assessment.verdict is Verdict.INCOMPLET
    case.require_free()


def test_a_campaign_that_is_cancelled_reports_and_says_where(case: Case) -> None:
    case.begin_waiting()
    case.server.post(f"/flow_runs/{case.run['id']}/set_state", state={"type": "CANCELLING"})
    assert case.wait_told("CANCELLED").startswith(f"{STOPPED} INCOMPLET — ")
    assert case.read_report().run.interruption == STOPPED
    case.require_free()


@pytest.mark.parametrize("number", range(2))
def test_a_campaign_that_is_killed_at_any_moment_is_published_once_and_told(case: Case, number: int) -> None:
    folder = write_catalog(case.root / "scenarios", header=WAITING.format(go=str(case.root / "suite")))
    case.go_on()
    case.begin(families=["base"], scenarios=str(folder))
    moments: list[Callable[[], object]] = [
        lambda: list(case.runs_dir.glob("*/prefect.json")),
        lambda: list(case.runs_dir.glob("*/plan.json")),
        lambda: list(case.runs_dir.glob("*/guards.json")),
        lambda: list(case.runs_dir.glob("*/end.json")),
        lambda: list(case.runs_dir.glob("*/report.html")),
        lambda: list(case.runs_dir.glob("*/manifest.json")),
    ]
    wait_until(random.Random(SEED + number).choice(moments), 90, poll_seconds=0.005)
    case.kill("prefect.engine")

    def ended() -> bool:
        return case.read_state()["type"] in ENDED and not case.find("")

    wait_until(ended, 90, poll_seconds=0.3)
    assert list_lives(case.runs_dir) == ()
    if list(case.runs_dir.glob("*/plan.json")):
        case.read_report()
        assert "report.html" in case.read_state()["message"]
    else:
        assert not list(case.runs_dir.glob("*"))
    case.require_free()


@pytest.fixture
def drilled(case: Case) -> Iterator[tuple[Case, Ground]]:
    """A campaign in the middle of a drill, its fault in place."""
    folder = write_catalog(case.root / "scenarios", ROLES, BODIES, header=HEADER + BREAKING)
    ground = Ground(case.layout, folder, collect_scenarios(folder))
    case.begin(
        "exercices-hd",
        select="HD-923",
        scenarios=str(folder),
        drills=str(ground.approve(case.root / "autorisation.json", "HD-923")),
    )
    register = open_register(ground.platform)

    def injected() -> bool:
        state = case.read_state()
        assert state["type"] not in ENDED, state["message"]
        return any(one.injected for one in register.pending())

    wait_until(injected, 150, poll_seconds=0.3)
    yield case, ground
    ground.put_back()


def test_a_cancelled_drill_is_healed_before_its_report(drilled: tuple[Case, Ground]) -> None:
    case, ground = drilled
    case.server.post(f"/flow_runs/{case.run['id']}/set_state", state={"type": "CANCELLING"})
    case.wait_told("CANCELLED")
    assert ground.client_runs()
    assert any("Guéri — HD-923" in one for one in case.read_report().run.healed)
    case.require_free()


def test_what_a_machine_that_stopped_left_is_put_back_once_by_whoever_comes_first(
    drilled: tuple[Case, Ground],
) -> None:
    case, ground = drilled
    case.worker.kill()
    case.kill("prefect.engine", "pytest", "tasks.finisher")
    wait_until(lambda: not case.find(""), 20)
    assert not ground.client_runs()
    assert case.read_state()["type"] == "RUNNING"

    first, second = take_up(case), take_up(case)
    said = [one.communicate(timeout=120)[0] for one in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), said
    message = case.wait_told("CRASHED", 1)
    assert message.startswith(f"{CUT} INCOMPLET — ")
    assert sum("reprise: " in one or message in one for one in said) >= 1
    assert ground.client_runs()
    healed = case.read_report().run.healed
    assert len(healed) == 1
    assert "Guéri — HD-923" in healed[0]
    case.require_free()

    again = take_up(case)
    assert "Rien à reprendre." in again.communicate(timeout=60)[0]


def test_a_campaign_that_lives_is_not_touched_by_whoever_takes_up_the_dead(case: Case) -> None:
    case.begin_waiting()
    took = take_up(case)
    assert "Rien à reprendre." in took.communicate(timeout=60)[0]
    case.go_on()
    case.wait_told("COMPLETED")
    assert {one.outcome for one in case.read_report().run.results} == {Outcome.OK}


def test_a_campaign_goes_on_while_its_server_is_restarted_and_is_shown_afterwards(case: Case) -> None:
    case.begin_waiting()
    kill_server(case.server)
    restart_server(case.server)
    case.go_on()
    case.wait_told("COMPLETED")
    case.read_report()
    case.require_free()


def test_a_campaign_that_ended_without_its_server_is_shown_when_it_is_back(case: Case) -> None:
    case.begin_waiting()
    kill_server(case.server)
    try:
        case.go_on()
        wait_until(lambda: is_published(case.run_dir), 90, poll_seconds=0.1)
    finally:
        restart_server(case.server)
    case.wait_told("COMPLETED")
    shown = case.server.post("/artifacts/filter", flow_runs={"id": {"any_": [case.run["id"]]}})
    assert any("report.html" in str(one["data"]) for one in shown)


def test_a_campaign_whose_server_never_comes_back_ends_by_itself_with_its_evidence(case: Case) -> None:
    case.environment = {"NONREG_SHOWING_PATIENCE_SECONDS": "2", "PREFECT_CLIENT_MAX_RETRIES": "1"}
    case.begin_waiting()
    (flow,) = case.find("prefect.engine")
    kill_server(case.server)
    try:
        case.go_on()
        wait_until(lambda: not flow.is_running() or flow.status() == psutil.STATUS_ZOMBIE, 120)
        case.read_report()
    finally:
        restart_server(case.server)


def test_a_lease_that_the_server_no_longer_knows_ends_nothing(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import logging, sys, threading
from uuid import uuid4
import flows.campaign
from prefect import flow_engine
with flow_engine.maintain_concurrency_lease(uuid4(), 300, raise_on_lease_renewal_failure=True):
    (renewing,) = [one for one in threading.enumerate() if "lease" in one.name]
    renewing.join(60)
    assert not renewing.is_alive()
    for _ in range(1000):
        pass
print("va au bout")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert "va au bout" in done.stdout, done.stderr[-2000:]
