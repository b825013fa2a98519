"""One campaign at a time per platform, with a real Prefect server, two workers and a terminal."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from nonreg.busy import read_waiting
from nonreg.config import load_platform
from nonreg.sandbox.launch import Instance
from nonreg.sandbox.layout import Layout
from nonreg.waiting import wait_until
from tests.drilled import write_catalog
from tests.governed import make_governed
from tests.prefect_server import ANSWER_SECONDS, ROOT, Server, start_server

pytestmark = pytest.mark.prefect

HEADER = """
from pathlib import Path
from nonreg.model import Criticality
from nonreg.recorder import scenario
from nonreg.waiting import wait_until
"""
# One that enters alone and stays until it is let go; with somebody else inside it is KO.
ALONE = """
@scenario("BASE-901", "Seul sur la plateforme", Criticality.MAJEURE, timeout_seconds=300)
def test_seul(witness):
    inside = Path({folder!r}) / "dedans"
    witness.expect(not inside.exists(), "le dossier", "personne", "quelqu'un")
    inside.touch()
    wait_until(lambda: (inside.parent / "suite").exists(), 280)
    inside.unlink()
"""
# One that needs the other platform's campaign to be there at the same time.
TOGETHER = """
@scenario("BASE-902", "Avec l'autre plateforme", Criticality.MAJEURE, timeout_seconds=300)
def test_ensemble(witness, campaign):
    folder = Path({folder!r})
    (folder / campaign.platform.name).touch()
    found = wait_until(lambda: len(list(folder.glob("plateforme-*"))) == 2, 280)
    witness.expect(found, "le dossier", "deux plateformes", "une")
"""
LONG_SECONDS = 270
ENDED = ("COMPLETED", "FAILED", "CRASHED", "CANCELLED")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with start_server(tmp_path_factory.mktemp("prefect")) as found:
        for name in ("un", "deux"):
            found.start(
                "worker", "start", "--pool", "aquareel", "--name", name, "--type", "process", "--limit", "1"
            )
        yield found


def begin(server: Server, deployment: str, **parameters: Any) -> Any:
    found = server.get(f"/deployments/name/campagne/{deployment}")
    return server.post(f"/deployments/{found['id']}/create_flow_run", parameters=parameters)


def await_end(server: Server, run: Any) -> Any:
    def look() -> Any:
        found = server.get(f"/flow_runs/{run['id']}")
        return found if found["state"]["type"] in ENDED else None

    return wait_until(look, LONG_SECONDS, poll_seconds=0.5)


class Stage:
    """A folder of scenarios that stay inside until they are let go, and the runs made with it."""

    def __init__(self, folder: Path, layout: Layout, body: str) -> None:
        self.folder, self.runs_dir = folder, folder / "passages"
        self.scenarios = write_catalog(folder / "scenarios", body.format(folder=str(folder)), header=HEADER)
        self.platform = str(layout.platform_file)

    @property
    def parameters(self) -> dict[str, str]:
        return {"platform": self.platform, "scenarios": str(self.scenarios), "runs_dir": str(self.runs_dir)}

    def is_inside(self) -> bool:
        return (self.folder / "dedans").exists()

    def let_go(self) -> None:
        (self.folder / "suite").touch()

    def find_waiting(self) -> str:
        """What the campaign that waits says of the one that it waits for, once that one's lock bears its name."""
        said = [read_waiting(run_dir) for run_dir in self.runs_dir.glob("2*")]
        return next((one for one in said if "attend la fin de : passage 2" in one), "")


def test_two_deployments_started_at_once_on_one_platform_run_one_after_the_other(
    server: Server, sandbox: Layout, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, sandbox, ALONE)
    runs = [begin(server, name, **stage.parameters) for name in ("nuit", "semaine")]
    wait_until(stage.is_inside, LONG_SECONDS)
    wait_until(stage.find_waiting, LONG_SECONDS)
    name = f"plateforme-{load_platform(stage.platform).name}"
    limit = server.get(f"/v2/concurrency_limits/{name}")
    assert (limit["limit"], limit["active_slots"]) == (1, 1)
    stage.let_go()
    ended = [await_end(server, run) for run in runs]
    assert [run["state"]["type"] for run in ended] == ["COMPLETED"] * 2, server.log.read_text("utf-8")[-3000:]
    assert [run["name"].split(" ")[0] for run in ended] == ["NUIT", "SEMAINE"]
    shown = server.post("/artifacts/filter", flow_runs={"id": {"any_": [run["id"] for run in runs]}})
    assert any("attend la fin de : passage" in str(one["data"]) for one in shown)
    assert server.get(f"/v2/concurrency_limits/{name}")["active_slots"] == 0


def test_a_campaign_that_does_not_wait_ends_incomplete_and_names_the_one_of_the_worker(
    server: Server, sandbox: Layout, tmp_path: Path
) -> None:
    stage = Stage(tmp_path, sandbox, ALONE)
    first = begin(server, "nuit", **stage.parameters)
    wait_until(stage.is_inside, LONG_SECONDS)
    (run_dir,) = stage.runs_dir.glob("2*")
    second = await_end(server, begin(server, "a-la-demande", **stage.parameters, when_busy="refuser"))
    assert second["state"]["type"] == "FAILED"
    assert "INCOMPLET" in second["state"]["message"]
    terminal = subprocess.run(
        [
            *(sys.executable, "-m", "nonreg", "campaign", "--platform", stage.platform),
            *("--scenarios", str(stage.scenarios), "--runs-dir", str(stage.runs_dir)),
        ],
        env={name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONG_SECONDS,
        check=False,
    )
    assert terminal.returncode == 2, terminal.stdout + terminal.stderr
    refusal = f"une autre campagne est en cours sur cette plateforme : passage {run_dir.name}, lancé par "
    assert refusal in terminal.stdout
    reports = [one.read_text(encoding="utf-8") for one in stage.runs_dir.glob("2*/report.json")]
    assert sum(refusal in one for one in reports) == 2
    stage.let_go()
    assert await_end(server, first)["state"]["type"] == "COMPLETED"


def test_campaigns_of_two_platforms_run_in_parallel(
    server: Server, sandbox: Layout, start_sandbox: Callable[..., Instance], tmp_path: Path
) -> None:
    stage = Stage(tmp_path, sandbox, TOGETHER)
    runs = []
    for name, layout in (("a-la-demande", sandbox), ("semaine", start_sandbox("autre").layout)):
        (tmp_path / name).mkdir()
        governed = make_governed(tmp_path / name, layout.platform_file)
        governed.change_platform('name = "embarquee"', f'name = "plateforme-{name}"')
        runs.append(begin(server, name, **{**stage.parameters, "platform": str(governed.platform_file)}))
    ended = [await_end(server, run) for run in runs]
    assert [run["state"]["type"] for run in ended] == ["COMPLETED"] * 2, server.log.read_text("utf-8")[-3000:]


def take_slot(server: Server) -> str:
    """The lease of the one slot; empty while the server's SQLite keeps everybody waiting."""
    words = {"names": ["plateforme"], "slots": 1, "mode": "concurrency", "lease_duration": 300}
    address = f"{server.api}/v2/concurrency_limits/increment-with-lease"
    answer = requests.post(address, json=words, timeout=ANSWER_SECONDS)
    return str(answer.json()["lease_id"]) if answer.ok else ""


def test_a_slot_is_given_back_to_a_server_that_restarted_meanwhile(tmp_path: Path) -> None:
    limits = "/v2/concurrency_limits"
    with start_server(tmp_path, deploy=False) as found:
        found.post(f"{limits}/", name="plateforme", limit=1)
        lease_id = wait_until(lambda: take_slot(found), 60)
        found.stop()
        found.start("server", "start", "--host", "127.0.0.1", "--port", str(found.port))
        wait_until(found.is_ours, 90)
        assert found.get(f"{limits}/plateforme")["active_slots"] == 1
        words = {"lease_id": lease_id}
        assert requests.post(
            f"{found.api}{limits}/decrement-with-lease", json=words, timeout=ANSWER_SECONDS
        ).ok
        assert found.get(f"{limits}/plateforme")["active_slots"] == 0
