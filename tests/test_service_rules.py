"""What an installation decides without a server: ports, folders, secrets, units, containers, what `down` may touch."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import yaml

from nonreg.config import PLATFORMS_DIR, PLATFORMS_VARIABLE, find_platform_file
from nonreg.errors import NonregError, UsageError
from nonreg.service import commands, family, start
from nonreg.service.__main__ import build_parser, run
from nonreg.service.folder import Folder, State, create, hold
from nonreg.service.start import (
    Wish,
    choose_port,
    describe_environment,
    extend,
    list_members,
    read_database,
    read_last_words,
)
from nonreg.service.stop import down
from nonreg.service.units import render_units, write_units
from nonreg.waiting import wait_until

UNITS = render_units("/opt/aquareel-nonreg", installation="essai-1")
SERVICES = sorted(name for name in UNITS if name.endswith(".service"))
COMPOSE = Path(commands.__file__).parent / "compose.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    """Nothing yet; what a test left running is killed."""
    found = Folder(tmp_path / "installation")
    yield found
    for process in family.find_marked(found.root):
        process.kill()


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


def start_marked(folder: Folder, *code: str) -> psutil.Process:
    """A process of that installation which would last, ready to be asked to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", "\n".join([*code, "print(1, flush=True)", "import time", "time.sleep(600)"])],
        env={**os.environ, family.MARK: str(folder.root)},
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    return psutil.Process(process.pid)


def read_unit(name: str) -> dict[str, list[str]]:
    """Directives of the [Service] section, each with its values in order."""
    values: dict[str, list[str]] = {}
    section = ""
    for line in UNITS[name].splitlines():
        if line.startswith("["):
            section = line
        elif "=" in line and not line.startswith("#") and section == "[Service]":
            key, _, value = line.partition("=")
            values.setdefault(key, []).append(value)
    return values


def test_the_usual_port_is_left_to_whoever_has_it_and_another_is_taken(
    taken: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "DEFAULT_PORT", taken)
    told: list[str] = []
    port = choose_port(None, told.append)
    assert port != taken
    assert told == [f"Le port {taken} est déjà pris par un autre programme : ce sera le port {port}."]


def test_a_port_that_was_asked_for_and_is_taken_is_refused(taken: int) -> None:
    with pytest.raises(UsageError, match=f"Le port {taken} est déjà pris"):
        choose_port(taken, print)


def test_a_new_folder_is_its_owners_alone_and_what_was_kept_is_taken_up(folder: Folder) -> None:
    first = create(folder, 4300, 2, None)
    secret = folder.secret()
    assert folder.root.stat().st_mode & 0o777 == 0o700
    assert folder.auth_file.stat().st_mode & 0o777 == 0o600
    folder.save(State(first.installation, 4300, 2, (family.Member("serveur", 1, 0.0),), ready=True))
    again = create(folder, 4400, 1, first.installation)
    assert again == State(first.installation, 4400, 1)
    assert folder.secret() == secret
    with pytest.raises(UsageError, match=first.installation):
        create(folder, 4400, 1, "une-autre")


def test_a_folder_that_holds_something_else_is_neither_used_nor_removed(folder: Folder) -> None:
    folder.root.mkdir()
    (folder.root / "travail.txt").write_text("à garder", encoding="utf-8")
    with pytest.raises(UsageError, match="n'est pas une installation"):
        create(folder, 4300, 1, None)
    told: list[str] = []
    down(folder, False, told.append)
    assert told == [f"Rien à arrêter dans {folder.root}."]
    marked = start_marked(folder)
    down(folder, False, told.append)
    assert not family.is_alive(marked)
    assert (folder.root / "travail.txt").read_text(encoding="utf-8") == "à garder"


def test_down_ends_what_carries_the_mark_though_the_folder_is_gone(folder: Folder) -> None:
    marked = start_marked(folder)
    down(folder, False, lambda _line: None)
    assert not family.is_alive(marked)


def test_what_does_not_hear_its_request_is_killed(folder: Folder) -> None:
    deaf = start_marked(folder, "import signal", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    assert family.end([deaf], 0.2) == [deaf]
    assert not family.is_alive(deaf)


def test_down_leaves_the_process_of_another_to_whom_the_number_was_given(folder: Folder) -> None:
    state = create(folder, 4300, 1, None)
    other = psutil.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        born = other.create_time()
        assert family.find(family.Member("serveur", other.pid, born)) is not None
        reused = family.Member("serveur", other.pid, born - 60)
        folder.save(State(state.installation, 4300, 1, (reused,)))
        assert family.find(reused) is None
        down(folder, False, lambda _line: None)
        assert other.is_running()
        assert not folder.root.exists()
    finally:
        other.kill()
        other.wait()


def test_a_state_that_cannot_be_read_does_not_keep_down_from_ending_all(folder: Folder) -> None:
    create(folder, 4300, 1, None)
    folder.state_file.write_text("{coupé", encoding="utf-8")
    marked = start_marked(folder)
    down(folder, False, lambda _line: None)
    assert not family.is_alive(marked)
    assert not folder.root.exists()


def test_one_up_or_down_at_a_time(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nonreg.service.folder.LOCK_SECONDS", 0.2)
    with (
        hold(folder),
        pytest.raises(NonregError, match="un autre « up » ou « down » est en cours"),
        hold(folder),
    ):
        pytest.fail("both at once")
    with hold(folder):
        pass


def test_the_first_process_of_each_run_is_found_and_not_what_it_started(folder: Folder) -> None:
    child = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])"
    os.environ[family.RUN] = "passage-1"
    try:
        first = start_marked(folder, child)
    finally:
        del os.environ[family.RUN]
    try:
        wait_until(lambda: len(family.find_marked(folder.root)) == 2, 10)
        assert family.find_runs(folder.root) == [first]
    finally:
        family.end_all(folder.root)


def test_what_an_installation_has_is_never_taken_away_by_another_up() -> None:
    state = extend(State("i", 4200, 3, alerts="/a.toml"), Wish(workers=1))
    assert (state.workers, state.alerts) == (3, "/a.toml")
    assert list(list_members(state)) == [
        "serveur",
        "travailleur-1",
        "travailleur-2",
        "travailleur-3",
        "veille",
    ]
    assert list(list_members(State("i", 4200))) == ["serveur", "travailleur-1"]


def test_processes_get_no_setting_of_the_users_own_prefect_and_no_secret(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_PROFILE", "celui-du-compte")
    environment = describe_environment(folder, create(folder, 4300, 1, None))
    assert "PREFECT_PROFILE" not in environment
    assert environment["PREFECT_HOME"] == str(folder.home)
    assert environment["PREFECT_PROFILES_PATH"].startswith(str(folder.home))
    assert not any(folder.secret() in value for value in environment.values())


def test_a_platform_of_the_installation_comes_before_the_projects_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert find_platform_file("embarquee") == PLATFORMS_DIR / "embarquee.toml"
    monkeypatch.setenv(PLATFORMS_VARIABLE, str(tmp_path))
    assert find_platform_file("embarquee") == PLATFORMS_DIR / "embarquee.toml"
    (tmp_path / "embarquee.toml").touch()
    (tmp_path / "privas.toml").touch()
    assert find_platform_file("embarquee") == tmp_path / "embarquee.toml"
    with pytest.raises(UsageError, match=r"connues : embarquee, privas\)"):
        find_platform_file("inconnue")


@pytest.mark.parametrize(
    "given", ["mysql://a/b", "postgresql://a/b", "absent.txt", "postgresql+asyncpg://a\n/b"]
)
def test_an_address_that_prefect_cannot_use_is_refused(given: str) -> None:
    with pytest.raises(UsageError):
        read_database(given)


def test_the_last_error_of_a_log_explains_an_end_without_any_password(tmp_path: Path) -> None:
    log = tmp_path / "serveur.log"
    assert read_last_words(log) == ""
    log.write_text("Starting…\n\n", encoding="utf-8")
    assert read_last_words(log) == "Starting…"
    log.write_text(
        "a.OperationalError: pas de réponse de x://a:mot-secret@h/b\nServer stopped!\n", encoding="utf-8"
    )
    assert read_last_words(log) == "a.OperationalError: pas de réponse de x://…@h/b"


def test_the_address_of_the_database_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "adresse"
    file.write_text("postgresql+asyncpg://a:b@h/p\n", encoding="utf-8")
    assert read_database(str(file)) == "postgresql+asyncpg://a:b@h/p"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "PREFECT_API_URL"),
        ({"PREFECT_API_URL": "http://h/api"}, "NONREG_INSTALLATION"),
        ({"PREFECT_API_URL": "http://h/api", "NONREG_INSTALLATION": "i"}, "NONREG_AUTH_FILE"),
    ],
)
def test_a_process_that_does_not_know_its_installation_says_what_is_missing(
    environment: dict[str, str], named: str
) -> None:
    with pytest.raises(UsageError, match=named):
        commands.read_access(environment)


def test_the_secret_comes_from_a_file_or_from_a_credential(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a:b\n", encoding="ascii")
    access = {"PREFECT_API_URL": "http://h/api", "NONREG_INSTALLATION": "i"}
    assert commands.read_access(access | {"CREDENTIALS_DIRECTORY": str(tmp_path)}).auth == "a:b"
    assert commands.read_access(access | {"NONREG_AUTH_FILE": str(tmp_path / "secret")}).auth == "a:b"


def test_no_home_of_prefect_is_no_home_of_the_account() -> None:
    with pytest.raises(UsageError, match="PREFECT_HOME"):
        commands.own_home({})


@pytest.mark.parametrize(
    "words", [["up", "--workers", "0"], ["up", "--port", "70000"], ["up", "--alerts", "/absent"]]
)
def test_an_up_that_makes_no_sense_is_refused_before_anything(words: list[str], folder: Folder) -> None:
    with pytest.raises(UsageError):
        run([*words, "--dir", str(folder.root)])
    assert not folder.root.exists()


@pytest.mark.parametrize("name", SERVICES)
def test_each_unit_is_hardened_restarted_and_holds_no_secret(name: str) -> None:
    unit = read_unit(name)
    for key, value in {
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "PrivateDevices": "yes",
        "CapabilityBoundingSet": "",
        "AmbientCapabilities": "",
        "UMask": "0077",
        "SystemCallArchitectures": "native",
    }.items():
        assert unit[key] == [value], key
    worker = ["AF_NETLINK"] if name == "aquareel-nonreg-worker@.service" else []  # guard PRE-09
    assert unit["RestrictAddressFamilies"] == ["AF_INET AF_INET6 AF_UNIX", *worker]
    assert unit["SystemCallFilter"] == ["@system-service", "~@privileged @resources"]
    if unit["Type"] == ["oneshot"]:
        assert "StateDirectory" not in unit
    else:
        assert unit["Restart"][0] in ("always", "on-failure")
        assert unit["StateDirectoryMode"] == ["0700"]
    # systemd 252 shows no credential to it under a mount namespace, seen on Debian 12: an own unit does.
    assert not {"ExecStartPost", "ExecStop", "ExecStopPost"} & set(unit)
    assert unit["User"][0] in ("aquareel-prefect", "aquareel-nonreg")
    assert unit.get("KillMode", ["control-group"]) == ["control-group"]  # a finisher outlives its worker
    assert "LoadCredential" in unit
    assert not any("AUTH_STRING" in line or "PASSWORD" in line for line in UNITS[name].splitlines())
    written = " ".join(unit.get("ReadWritePaths", []))
    assert set(written.split()) <= {f"/opt/aquareel-nonreg/{part}" for part in ("runs", "nonreg/governance")}


def test_the_server_and_those_who_reach_the_platforms_have_different_accounts() -> None:
    assert (
        read_unit("aquareel-prefect.service")["User"] != read_unit("aquareel-nonreg-worker@.service")["User"]
    )
    assert "127.0.0.1" in read_unit("aquareel-prefect.service")["ExecStart"][0]
    assert "ReadWritePaths" not in read_unit("aquareel-prefect.service")


def test_every_command_of_a_unit_or_a_container_is_one_of_ours() -> None:
    units = [read_unit(name) for name in SERVICES]
    lines = [line for unit in units for line in unit["ExecStart"]]
    services = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"].values()
    lines += [" ".join(service["command"]) for service in services if "command" in service]
    asked = [part for line in lines for part in line.split("-m nonreg.service ")[1:]]
    assert len(asked) == 9
    for words in asked:
        build_parser().parse_args(words.split(" && ")[0].split())


def test_one_id_for_all_machines_and_a_new_one_otherwise() -> None:
    assert "NONREG_INSTALLATION=essai-1\n" in UNITS["installation.env"]
    assert "PREFECT_CLIENT_RETRY_EXTRA_CODES=500\n" in UNITS["installation.env"]
    made = {render_units("/opt/a")["installation.env"] for _ in range(2)}
    assert len(made) == 2
    remote = render_units("/opt/a", "https://prefect.exemple.invalid/api")
    assert not any(name.startswith("aquareel-prefect") for name in remote)
    assert "PREFECT_API_URL=https://prefect.exemple.invalid/api\n" in remote["installation.env"]


@pytest.mark.parametrize("project", ["relatif", "/opt/avec espace", "/opt/%h", "/opt/a\nUser=root", ""])
def test_a_folder_that_a_unit_cannot_hold_is_refused(project: str) -> None:
    with pytest.raises(UsageError):
        render_units(project)


def test_a_project_that_hardened_units_do_not_see_gets_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="ProtectHome"):
        write_units(tmp_path / "unites", "/home/quelqu-un/aquareel", "", "")
    assert not (tmp_path / "unites").exists()


def test_the_watch_starts_without_the_server_whose_absence_it_tells(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("a:b\n", encoding="ascii")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        environment = {
            **os.environ,
            "PREFECT_API_URL": f"http://127.0.0.1:{taken.getsockname()[1]}/api",
            "NONREG_INSTALLATION": "i",
            "NONREG_AUTH_FILE": str(tmp_path / "secret"),
            "PREFECT_HOME": str(tmp_path),
            "NONREG_ALERTS": str(tmp_path / "absent.toml"),
        }
        done = subprocess.run(
            [sys.executable, "-m", "nonreg.service", "watch", "--wait", "0.2"],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 3
    assert "absent.toml" in done.stderr  # the watch itself looked for its settings


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze absent : unités non vérifiées"
)
def test_systemd_itself_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    for name, text in render_units(str(Path(__file__).parent.parent)).items():
        (tmp_path / name.replace("@.", "@1.")).write_text(text, encoding="utf-8")
    files = [str(path) for path in sorted(tmp_path.glob("*.service"))]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *files],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_containers_are_pinned_closed_to_the_outside_and_get_their_secrets_as_files() -> None:
    compose = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))
    for name, service in compose["services"].items():
        tag = service["image"].partition(":")[2]
        assert tag.split("-")[0].count(".") >= 1, name
        assert "latest" not in tag
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
        assert "no-new-privileges:true" in service["security_opt"], name
        environment = service.get("environment", {})
        assert not any("PASSWORD" in key and not key.endswith("_FILE") for key in environment), name
        assert not any("AUTH_STRING" in key for key in environment), name
    assert [name for name, service in compose["services"].items() if service.get("ports")] == ["server"]
    assert compose["services"]["database"]["networks"] == ["interne"]
    assert compose["networks"]["interne"] == {"internal": True}
    assert all(secret["file"] for secret in compose["secrets"].values())
    assert "FROM python:3.11." in compose["x-project"]["build"]["dockerfile_inline"]
