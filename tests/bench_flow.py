"""What the flow costs over plain pytest, with a Prefect server and a worker that run already; nothing here fails.

The same scenarios of 50 ms, which write and so wait for each other, by one pytest process alone and by the deployment
`a-la-demande` from its start to its end: guards, facts, progress, judgement, report and publication included.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.waiting import wait_until
from tests.prefect_server import Server, family_of, start_server

SIZES = (100, 1_000)
SCENARIO_MS = 50
REPEATS = 3
MOST_TIMES, MOST_MS = 1.10, 5.0
FIRST_ID = 100
HEADER = """
import time
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
"""
BODY = """
@scenario("{id}", "Attend", Criticality.MINEURE, Effect.WRITES_TEST_DATA)
def test_{number}(witness):
    time.sleep({seconds})
    witness.expect(True, "-- attente", "attendu", "attendu")
"""
PLAIN_HEADER = """
import time
import pytest

@pytest.fixture
def witness():
    return None
"""
PLAIN_BODY = """
def test_{number}(witness):
    time.sleep({seconds})
"""


def write_scenarios(folder: Path, size: int) -> tuple[Path, Path]:
    """A folder of scenarios, and one of the same tests without anything of ours."""
    ours, plain = folder / f"scenarios-{size}", folder / f"nu-{size}"
    families = ("BASE", "APP")
    numbers = [(families[n // 900], FIRST_ID + n % 900) for n in range(size)]
    for target, header, body in ((ours, HEADER, BODY), (plain, PLAIN_HEADER, PLAIN_BODY)):
        target.mkdir()
        text = header + "".join(
            body.format(id=f"{family}-{number}", number=f"{family}_{number}", seconds=SCENARIO_MS / 1000)
            for family, number in numbers
        )
        (target / "test_attentes.py").write_text(text, encoding="utf-8")
    return ours, plain


def time_plain(folder: Path) -> float:
    """Seconds of one pytest process."""
    started = time.monotonic()
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(folder)],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.monotonic() - started


def time_flow(server: Server, deployment_id: str, platform: Path, scenarios: Path, runs_dir: Path) -> float:
    """Seconds of a run by the worker, as the server saw it start and end."""
    parameters = {
        "platform": str(platform),
        "families": ["base", "applicatif"],
        "scenarios": str(scenarios),
        "runs_dir": str(runs_dir),
    }
    created = server.post(f"/deployments/{deployment_id}/create_flow_run", parameters=parameters)

    def find_end() -> Any:
        run = server.get(f"/flow_runs/{created['id']}")
        return run if run["state"]["type"] in ("COMPLETED", "FAILED", "CRASHED", "CANCELLED") else None

    run = wait_until(find_end, 600, poll_seconds=0.5)
    if run["state"]["type"] != "COMPLETED":
        raise SystemExit(f"Le passage a échoué : {run['state']['message']}")
    started, ended = (datetime.fromisoformat(run[name]) for name in ("start_time", "end_time"))
    return (ended - started).total_seconds()


class Memory:
    """The most that the families of some processes held at once, in MB each (pages of their own)."""

    def __init__(self, pids: dict[str, int]) -> None:
        self._pids = pids
        self.most = dict.fromkeys(pids, 0.0)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Memory:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(0.5):
            for name, pid in self._pids.items():
                self.most[name] = max(self.most[name], read_mb(pid))


def read_mb(pid: int) -> float:
    """Pages of its own of a process and of those that it started, in MB."""
    total = 0.0
    for process in family_of(pid):
        try:
            total += process.memory_full_info().uss / 1e6
        except psutil.Error:
            continue
    return total


def main() -> None:
    """Print the figures, medians of a few repeats."""
    with tempfile.TemporaryDirectory(prefix="bench-flow-") as folder:
        root = Path(folder)
        instance = start_instance(root / "banc")
        try:
            print_figures(root, instance.layout.platform_file)
        finally:
            stop_instance(instance)


def print_figures(root: Path, platform: Path) -> None:
    """Everything with one server and one worker."""
    home = root / "prefect"
    home.mkdir()
    asked = time.monotonic()
    with start_server(home, deploy=False) as server:
        ready = time.monotonic() - asked
        server.run("work-pool", "create", "aquareel", "--type", "process")
        asked = time.monotonic()
        server.run("deploy", "--all")
        deployed = time.monotonic() - asked
        asked = time.monotonic()
        worker = server.start("worker", "start", "--pool", "aquareel", "--type", "process", "--limit", "1")
        wait_until(lambda: server.post("/work_pools/aquareel/workers/filter"), 60)
        working = time.monotonic() - asked
        deployment = server.get("/deployments/name/campagne/a-la-demande")["id"]
        print(f"serveur prêt {ready:.1f} s, déploiements {deployed:.1f} s, travailleur {working:.1f} s")  # noqa: T201
        idle = {"serveur": read_mb(server.processes[0].pid), "travailleur": read_mb(worker.pid)}
        medians: dict[int, tuple[float, float]] = {}
        with Memory({"serveur": server.processes[0].pid, "travailleur": worker.pid}) as memory:
            for size in SIZES:
                ours, plain = write_scenarios(root, size)
                times = [
                    (
                        time_plain(plain),
                        time_flow(server, deployment, platform, ours, root / f"passages-{size}-{turn}"),
                    )
                    for turn in range(REPEATS)
                ]
                bare, flow = (statistics.median(column) for column in zip(*times, strict=True))
                medians[size] = bare, flow
                print(  # noqa: T201
                    f"{size:5d} scénarios de {SCENARIO_MS} ms : pytest nu {bare:6.2f} s, le flux entier {flow:6.2f} s, "
                    f"soit {flow / bare:.2f} × et {(flow - bare) / size * 1000:.1f} ms par scénario",
                    flush=True,
                )
        tell_costs(medians)
        for name, most in memory.most.items():
            print(f"mémoire propre du {name} : {idle[name]:.0f} Mo au repos, {most:.0f} Mo au plus haut")  # noqa: T201


def tell_costs(medians: dict[int, tuple[float, float]]) -> None:
    """What a campaign costs once, and what each scenario more does."""
    (few, (bare_few, flow_few)), (many, (bare_many, flow_many)) = medians.items()
    each_ms = ((flow_many - flow_few) - (bare_many - bare_few)) / (many - few) * 1000
    once = flow_few - bare_few - each_ms * few / 1000
    kept = "tenu" if flow_many / bare_many <= MOST_TIMES and each_ms <= MOST_MS else "NON TENU"
    print(  # noqa: T201
        f"coût du flux : {once:.1f} s une fois, {each_ms:.1f} ms par scénario de plus "
        f"(visé : {MOST_TIMES:.2f} × et {MOST_MS:g} ms au plus à {many}) {kept}"
    )


if __name__ == "__main__":
    main()
