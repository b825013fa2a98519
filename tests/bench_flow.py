"""What the flow costs over plain pytest, with a Prefect server and a worker that run already; nothing here fails.

The same scenarios of 50 ms by one pytest process alone and by the deployment `a-la-demande` from its start to its end:
guards, facts, progress, judgement, report and publication included. Once those that only read, which overlap, and once
those that write, one by one.
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
EFFECTS = {"READ_ONLY": "lisent", "WRITES_TEST_DATA": "écrivent"}
HEADER = """
import time
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario
"""
BODY = """
@scenario("{id}", "Attend", Criticality.MINEURE, Effect.{effect})
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


def write_tests(folder: Path, size: int, header: str, body: str, effect: str = "") -> Path:
    """A folder of that many tests which wait."""
    families = ("BASE", "APP")
    numbers = [(families[n // 900], FIRST_ID + n % 900) for n in range(size)]
    folder.mkdir()
    text = header + "".join(
        body.format(
            id=f"{family}-{number}", number=f"{family}_{number}", seconds=SCENARIO_MS / 1000, effect=effect
        )
        for family, number in numbers
    )
    (folder / "test_attentes.py").write_text(text, encoding="utf-8")
    return folder


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
        with Memory({"serveur": server.processes[0].pid, "travailleur": worker.pid}) as memory:
            plain = {size: time_bare(root, size) for size in SIZES}
            for effect, does in EFFECTS.items():
                flows = {}
                for size in SIZES:
                    ours = write_tests(root / f"{does}-{size}", size, HEADER, BODY, effect)
                    flows[size] = statistics.median(
                        time_flow(server, deployment, platform, ours, root / f"passages-{does}-{size}-{turn}")
                        for turn in range(REPEATS)
                    )
                    tell_one(size, does, plain[size], flows[size])
                tell_costs(does, plain, flows)
        for name, most in memory.most.items():
            print(f"mémoire propre du {name} : {idle[name]:.0f} Mo au repos, {most:.0f} Mo au plus haut")  # noqa: T201


def time_bare(root: Path, size: int) -> float:
    """Median seconds of the same tests without anything of ours."""
    plain = write_tests(root / f"nu-{size}", size, PLAIN_HEADER, PLAIN_BODY)
    return statistics.median(time_plain(plain) for _ in range(REPEATS))


def tell_one(size: int, does: str, bare: float, flow: float) -> None:
    """One line for one campaign."""
    print(  # noqa: T201
        f"{size:5d} scénarios de {SCENARIO_MS} ms qui {does} : pytest nu {bare:6.2f} s, le flux entier {flow:6.2f} s, "
        f"soit {flow / bare:.2f} × et {(flow - bare) / size * 1000:.1f} ms par scénario",
        flush=True,
    )


def tell_costs(does: str, bare: dict[int, float], flow: dict[int, float]) -> None:
    """What a campaign costs once, what each scenario more does, and whether both aims are met at each size."""
    few, many = SIZES
    each_ms = ((flow[many] - flow[few]) - (bare[many] - bare[few])) / (many - few) * 1000
    once = flow[few] - bare[few] - each_ms * few / 1000
    times = {size: flow[size] / bare[size] for size in SIZES}
    kept = "tenu" if max(times.values()) <= MOST_TIMES and each_ms <= MOST_MS else "NON TENU"
    shown = ", ".join(f"{one:.2f} × à {size}" for size, one in times.items())
    print(  # noqa: T201
        f"ceux qui {does} : {shown} (visé {MOST_TIMES:.2f} ×), {once:.1f} s une fois et {each_ms:.1f} ms par scénario "
        f"de plus (visé {MOST_MS:g} ms) : {kept}"
    )


if __name__ == "__main__":
    main()
