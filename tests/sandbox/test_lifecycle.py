"""Start and end of a platform: whoever is killed, nothing is left running and the next start is clean."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from nonreg.sandbox.launch import Instance, StartFailed, start_instance
from nonreg.sandbox.layout import ACTIVE, Layout, load_layout
from nonreg.sandbox.processes import find_instance_processes, find_recorded
from nonreg.sandbox.teardown import end_instance, find_supervisor
from nonreg.waiting import wait_until
from tests.sandbox.bench import query

pytestmark = pytest.mark.platform

START_SECONDS = 60.0


def command(*words: str) -> list[str]:
    """The sandbox's own command line."""
    return [sys.executable, "-m", "nonreg.sandbox", *words]


def nothing_runs(layout: Layout) -> bool:
    """True when no process of the instance is left."""
    return not find_instance_processes(layout)


def test_killing_the_supervisor_ends_everything_and_the_next_start_is_clean(
    start_sandbox: Callable[..., Instance],
) -> None:
    first = start_sandbox()
    layout = first.layout
    before = find_instance_processes(layout)
    assert len(before) > 30  # services, servers, backends
    suspended = find_recorded(layout.pid_file(ACTIVE, "echange"))
    assert suspended is not None
    suspended.suspend()

    first.supervisor.kill()

    wait_until(lambda: nothing_runs(layout), 10, "tout est terminé")
    second = start_sandbox()
    assert query(second.layout, ACTIVE, "SELECT ha.usp_etat()") == [("ACTIF",)]

    # A second start in the same folder is refused while it runs, and harmless.
    with pytest.raises(StartFailed, match="tourne déjà"):
        start_instance(second.layout.root)
    assert find_supervisor(second.layout) is not None

    # A killed postmaster leaves backends behind; `down` finds and ends them.
    postmaster = find_recorded(second.layout.pid_file(ACTIVE, "postgresql"))
    assert postmaster is not None
    backend = postmaster.children()[0]
    backend.suspend()  # an idle one notices the death by itself
    postmaster.kill()
    second.supervisor.kill()
    wait_until(lambda: find_instance_processes(second.layout) == [backend], 10, "il reste un orphelin")
    shutil.rmtree(second.layout.root / "pids")
    clusters = second.layout.postgres_home
    done = subprocess.run(
        command("down", "--dir", str(second.layout.root)),
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert str(backend.pid) in done.stdout
    assert nothing_runs(second.layout)
    assert not clusters.exists()
    assert not (second.layout.root / "secrets.env").exists()


def test_a_killed_owner_takes_its_platform_along(tmp_path: Path) -> None:
    root = tmp_path / "banc"
    wait_forever = "import sys, time; sys.stdout.write('pret\\n'); sys.stdout.flush(); time.sleep(3600)"
    owner = subprocess.Popen(
        command("run", "--dir", str(root), "--", sys.executable, "-c", wait_forever), stdout=subprocess.PIPE
    )
    assert owner.stdout is not None
    assert owner.stdout.readline() == b"pret\n"
    layout = load_layout(root)
    assert layout is not None
    orphans = psutil.Process(owner.pid).children()
    try:
        owner.kill()
        owner.wait()
        wait_until(lambda: nothing_runs(layout), 15, "tout est terminé")
        wait_until(lambda: not layout.postgres_home.exists(), 5, "fichiers effacés")
    finally:
        end_instance(layout)
        for process in orphans:
            if process.is_running():
                process.kill()
        owner.stdout.close()


def test_run_hands_over_the_platform_file_returns_the_code_and_leaves_nothing() -> None:
    check = "import sys, tomllib; print(tomllib.load(open(sys.argv[1], 'rb'))['base_dir']); sys.exit(7)"
    done = subprocess.run(
        command("run", "--", sys.executable, "-c", check, "{platform}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    assert done.returncode == 7, done.stderr
    base = Path(done.stdout.strip())
    assert base.is_absolute()
    assert not base.exists()
    assert nothing_runs(Layout(base))


def test_an_interrupted_run_cleans_up(tmp_path: Path) -> None:
    root = tmp_path / "banc"
    running = subprocess.Popen(
        command("run", "--dir", str(root), "--", sys.executable, "-c", "pass"), stderr=subprocess.PIPE
    )
    layout = wait_until(lambda: load_layout(root), 20, "instance créée")
    running.send_signal(signal.SIGTERM)
    assert running.wait(20) == 130
    assert running.stderr is not None
    running.stderr.close()
    assert nothing_runs(layout)
    assert not (root / "sites").exists()


def test_wrong_use_is_one_french_sentence_with_exit_code_3(tmp_path: Path) -> None:
    for words in (["rien"], ["up", "--defect", "aucun-de-ce-nom", "--dir", str(tmp_path / "x")], []):
        done = subprocess.run(command(*words), capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 3
        assert len(done.stderr.splitlines()) == 1
    done = subprocess.run(
        command("down", "--dir", str(tmp_path)), capture_output=True, text=True, check=False, timeout=30
    )
    assert (done.returncode, done.stdout) == (0, f"Rien à arrêter dans {tmp_path}.\n")
