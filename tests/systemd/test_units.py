"""Our units under a real systemd: what their texts promise is seen, what stops comes back or is told."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from nonreg.waiting import DeadlinePassed, wait_until
from tests.prefect_server import ROOT
from tests.systemd.keeper import find_cgroups
from tests.systemd.lasting import ALL, IDENTITY, PLATFORM, SERVER, WATCH, WORKER, deploy
from tests.systemd.machine import PROJECT, Machine, list_descendants

pytestmark = [pytest.mark.systemd, pytest.mark.timeout(900)]

UP_SECONDS = 180.0
RUN_SECONDS = 400.0
STOP_SECONDS = 240.0
CONFINED = {"NoNewPrivs": "1", "Seccomp": "2", "CapEff": "0" * 16, "CapBnd": "0" * 16}


def require_active(machine: Machine, *units: str) -> None:
    """Wait for all of them; with their last words when they do not come."""
    try:
        wait_until(lambda: not machine.list_inactive(*units), UP_SECONDS, poll_seconds=0.5)
    except DeadlinePassed:
        pytest.fail(f"{', '.join(machine.list_inactive(*units))} :\n{machine.tell(*units)}")


def read_status(machine: Machine, unit: str) -> dict[str, str]:
    """What the kernel says of a unit's main process."""
    pid = machine.show(unit, "MainPID")
    lines = machine.run("cat", f"/proc/{pid}/status").splitlines()
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def count_events(machine: Machine, folder: str, kind: str) -> int:
    """Events of that kind that a run has recorded."""
    return machine.read(f"{folder}/events.jsonl").count(f'"event": "{kind}"')


def read_verdict(machine: Machine, folder: str) -> str:
    """The verdict that a run has published."""
    report = machine.read(f"{folder}/report.json")
    assert report, f"Aucun rapport dans {folder} : {machine.run('ls', folder)}"
    return str(json.loads(report)["assessment"]["verdict"])


@pytest.fixture(scope="module")
def deployed(machine: Machine) -> Machine:
    """With its deployments, and a worker that has been heard of."""
    require_active(machine, *ALL)
    deploy(machine)
    wait_until(
        lambda: (
            "ONLINE"
            in {one["status"] for one in machine.ask("POST", "/work_pools/aquareel/workers/filter", {})}
        ),
        UP_SECONDS,
        "travailleur en ligne",
        poll_seconds=1,
    )
    return machine


def test_all_units_become_active_and_the_documented_command_makes_the_deployments(
    deployed: Machine,
) -> None:
    # A worker that asks before the server has its identity ends, and is started again: not a failure.
    assert deployed.show(SERVER, "NRestarts") == "0"
    names = {one["name"] for one in deployed.ask("POST", "/deployments/filter", {})}
    assert {"a-la-demande", "reprise"} <= names


@pytest.mark.parametrize(
    ("unit", "account"),
    [(SERVER, "aquareel-prefect"), (WORKER, "aquareel-nonreg"), (WATCH, "aquareel-nonreg")],
)
def test_the_kernel_confines_each_process_as_its_unit_says(
    deployed: Machine, unit: str, account: str
) -> None:
    status = read_status(deployed, unit)
    assert {name: status[name] for name in CONFINED} == CONFINED
    assert status["Uid"].split()[0] == deployed.run("id", "-u", account).strip()
    # As root, who may write anywhere that is not read-only, in the process's own view of the files.
    inside = ("nsenter", "--target", deployed.show(unit, "MainPID"), "--mount", "--")
    for place in ("/usr", "/etc", PROJECT, "/root"):
        assert "Read-only file system" in deployed.attempt(*inside, "touch", f"{place}/essai").stderr, place
    assert deployed.run(*inside, "ls", "-A", "/root") == ""
    written = deployed.attempt(*inside, "touch", f"{PROJECT}/runs/.essai")
    assert (written.returncode == 0) is (unit != SERVER)


def test_a_whole_campaign_of_the_confined_worker_is_published_without_a_gap(deployed: Machine) -> None:
    before = deployed.list_folders()
    ended = deployed.wait_for_run(deployed.start_run(PLATFORM), RUN_SECONDS)
    assert ended["state"]["type"] == "COMPLETED", f"{ended['state']['message']}\n{deployed.tell(WORKER)}"
    (folder,) = deployed.list_folders() - before
    assert read_verdict(deployed, folder) == "OK"


def test_a_worker_stopped_in_mid_campaign_leaves_a_healed_platform_and_a_report(deployed: Machine) -> None:
    before = deployed.list_folders()
    run = deployed.start_run(PLATFORM)
    folder = wait_until(
        lambda: next(
            (
                one
                for one in deployed.list_folders() - before
                if count_events(deployed, one, "scenario_started")
            ),
            "",
        ),
        UP_SECONDS,
        "campagne commencée",
        poll_seconds=0.2,
    )
    try:
        deployed.run("systemctl", "stop", WORKER)
        assert read_verdict(deployed, folder) == "INCOMPLET"
        told = deployed.read(f"{folder}/reprise.log")
        assert "INCOMPLET" in told
        assert "Plateforme à remettre en état" not in told
        assert deployed.wait_for_run(run, STOP_SECONDS)["state"]["type"] == "CRASHED"
    finally:
        deployed.run("systemctl", "start", WORKER)
    require_active(deployed, WORKER)


@pytest.mark.parametrize(("killed", "restarted"), [(WORKER, (WORKER,)), (SERVER, (SERVER, IDENTITY))])
def test_what_is_killed_comes_back_by_itself_and_a_server_with_its_identity(
    deployed: Machine, killed: str, restarted: tuple[str, ...]
) -> None:
    before = {unit: deployed.show(unit, "InvocationID") for unit in restarted}
    deployed.run("kill", "-KILL", deployed.show(killed, "MainPID"))
    wait_until(
        lambda: all(deployed.show(unit, "InvocationID") not in ("", old) for unit, old in before.items()),
        UP_SECONDS,
        f"redémarrage de {', '.join(restarted)}",
        poll_seconds=0.5,
    )
    require_active(deployed, *restarted)
    assert deployed.ask("GET", "/variables/name/aquareel_installation")["value"]


def test_a_machine_whose_starter_is_killed_leaves_neither_process_nor_control_group() -> None:
    code = "from tests.systemd.machine import start_machine\nwith start_machine(): print('!', flush=True); input()"
    starter = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert starter.stdout is not None
        assert starter.stdout.readline() == b"!\n"
        started = [psutil.Process(pid) for pid, _ in list_descendants(starter.pid)]
        cgroups = [find_cgroups() / f"nonreg-systemd-{one.pid}" for one in started]
        assert sum(Path.is_dir(one) for one in cgroups) == 1
    finally:
        starter.send_signal(signal.SIGKILL)
        starter.communicate()
    wait_until(lambda: not any(one.is_running() for one in started), UP_SECONDS, "fin des processus")
    wait_until(lambda: not any(one.exists() for one in cgroups), UP_SECONDS, "fin des groupes de contrôle")
