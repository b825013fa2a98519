"""SSH: one user, one key, listed commands, and no way out of the site's folder."""

from __future__ import annotations

import hashlib
import json
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import paramiko
import pytest

from nonreg.sandbox.layout import ACTIVE, PASSIVE, Layout
from nonreg.sandbox.processes import find_recorded
from nonreg.sandbox.provision import write_key_pair
from nonreg.waiting import wait_until
from tests.sandbox.bench import open_ssh, run_ssh

OUTSIDE = [
    "../../secrets.env",
    "../site-b/config/relais.json",
    "/etc/passwd",
    "config/../../../secrets.env",
    "lien",
]


@pytest.fixture
def link_out(sandbox: Layout) -> Path:
    """A symbolic link in the site's folder that leads to the secrets."""
    link = sandbox.site_dir(ACTIVE) / "lien"
    link.unlink(missing_ok=True)
    link.symlink_to(sandbox.secrets_file)
    yield link
    link.unlink()


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("command", ["cat", "sha256sum", "tail -n 5", "ls"])
@pytest.mark.usefixtures("link_out")
def test_no_command_reads_outside_the_site_s_folder(sandbox: Layout, command: str, path: str) -> None:
    with open_ssh(sandbox) as client:
        code, output, errors = run_ssh(client, f"{command} {path}")
    assert (code, output) == (1, "")
    assert "Permission denied" in errors


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.usefixtures("link_out")
def test_sftp_reads_nothing_outside_the_site_s_folder(sandbox: Layout, path: str) -> None:
    with open_ssh(sandbox) as client, client.open_sftp() as sftp, pytest.raises(OSError):
        sftp.open(path).read()


def test_sftp_writes_nothing_outside_the_site_s_folder(sandbox: Layout, link_out: Path) -> None:
    secrets = sandbox.secrets_file.read_text(encoding="utf-8")
    with open_ssh(sandbox) as client, client.open_sftp() as sftp:
        for act in (
            lambda: sftp.open(link_out.name, "w"),
            lambda: sftp.symlink(str(sandbox.secrets_file), "autre"),
            lambda: sftp.chmod(link_out.name, 0o644),
            lambda: sftp.posix_rename(link_out.name, "autre"),
        ):
            with pytest.raises(OSError):
                act()
        with sftp.open("../../ailleurs.txt", "w") as file:  # ends at the root that the session sees
            file.write("ici")
        assert sorted(sftp.listdir("/")) == sorted(p.name for p in sandbox.site_dir(ACTIVE).iterdir())
        sftp.remove("/ailleurs.txt")
    assert not (sandbox.root / "ailleurs.txt").exists()
    assert sandbox.secrets_file.read_text(encoding="utf-8") == secrets


def test_sftp_reads_and_writes_inside(sandbox: Layout) -> None:
    with open_ssh(sandbox) as client, client.open_sftp() as sftp:
        with sftp.open("version/essai.txt", "w") as file:
            file.write("été")
        with sftp.open("/version/essai.txt") as file:
            assert file.read().decode() == "été"
        sftp.remove("version/essai.txt")
        assert "essai.txt" not in sftp.listdir("version")


def test_another_user_another_key_and_another_host_key_are_refused(sandbox: Layout, tmp_path: Path) -> None:
    write_key_pair(tmp_path / "autre", "autre")
    for options in ({"user": "root"}, {"key_file": tmp_path / "autre"}):
        with pytest.raises(paramiko.AuthenticationException), open_ssh(sandbox, **options):
            pass
    known = (sandbox.root / "known_hosts").read_text(encoding="utf-8")
    lines = known.splitlines()
    swapped = "\n".join(
        f"{a.split()[0]} {' '.join(b.split()[1:])}" for a, b in zip(lines, lines[1:] + lines[:1], strict=True)
    )
    (sandbox.root / "known_hosts").write_text(swapped, encoding="utf-8")
    try:
        with pytest.raises(paramiko.BadHostKeyException), open_ssh(sandbox):
            pass
    finally:
        (sandbox.root / "known_hosts").write_text(known, encoding="utf-8")


@pytest.mark.parametrize(
    "command", ["id", "bash -c id", "rm config", "cat", "date", "systemctl poweroff", "ss", ""]
)
def test_a_command_that_is_not_listed_ends_with_127_and_one_line(sandbox: Layout, command: str) -> None:
    with open_ssh(sandbox) as client:
        code, output, errors = run_ssh(client, command)
    assert (code, output) == (127, "")
    assert len(errors.splitlines()) == 1


def test_neither_shell_nor_port_forwarding_is_given(sandbox: Layout) -> None:
    with open_ssh(sandbox) as client:
        transport = client.get_transport()
        with pytest.raises(paramiko.SSHException):
            transport.open_channel(
                "direct-tcpip", (sandbox.address(ACTIVE), 5432), ("127.0.0.1", 0), timeout=5
            )
        channel = transport.open_session(timeout=5)
        with pytest.raises(paramiko.SSHException):
            channel.get_pty()
    with open_ssh(sandbox) as client:
        channel = client.get_transport().open_session(timeout=5)
        channel.invoke_shell()
        assert channel.recv_exit_status() == 127


def test_a_large_file_arrives_whole(sandbox: Layout) -> None:
    data = os.urandom(8 << 20).hex().encode()
    path = sandbox.site_dir(ACTIVE) / "gros.txt"
    path.write_bytes(data)
    try:
        with open_ssh(sandbox) as client:
            code, output, _ = run_ssh(client, "cat gros.txt")
            assert code == 0
            assert hashlib.sha256(output.encode()).digest() == hashlib.sha256(data).digest()
            assert (
                run_ssh(client, "sha256sum gros.txt")[1] == f"{hashlib.sha256(data).hexdigest()}  gros.txt\n"
            )
    finally:
        path.unlink()


def test_host_facts_have_the_form_of_a_linux_host(sandbox: Layout) -> None:
    with open_ssh(sandbox, PASSIVE) as client:
        now = float(run_ssh(client, "date -u +%s.%N")[1])
        assert abs(now - time.time()) < 2
        assert int(run_ssh(client, "df -B1 --output=avail .")[1].splitlines()[1]) > 0
        assert run_ssh(client, "uname -sr")[1].startswith("Linux ")
        assert run_ssh(client, "tail -n 1 version/frontal.txt")[1] == "5.2.0\n"
        assert "frontal.json" in run_ssh(client, "ls config")[1].splitlines()
        listening = [line.split()[3] for line in run_ssh(client, "ss -ltn")[1].splitlines()[1:]]
    ports = {2222, 5432, 5433, 8080, 8081, 8082, 8084, 8085, 8086}
    assert set(listening) == {f"{sandbox.address(PASSIVE)}:{port}" for port in ports}


def test_many_commands_run_side_by_side_on_one_connection(sandbox: Layout) -> None:
    with open_ssh(sandbox) as client, ThreadPoolExecutor(8) as pool:
        codes = pool.map(lambda _: run_ssh(client, "sha256sum config/frontal.json")[0], range(40))
        assert set(codes) == {0}


def test_systemctl_tells_running_killed_stopped_and_started_apart(sandbox: Layout) -> None:
    def read(client: paramiko.SSHClient, service: str = "client") -> dict[str, str]:
        names = "ActiveState,SubState,MainPID,NRestarts,ExecMainStartTimestamp"
        output = run_ssh(client, f"systemctl show -p {names} aquareel-{service}.service")[1]
        return dict(line.split("=", 1) for line in output.splitlines())

    pid_file = sandbox.pid_file(ACTIVE, "client")
    with open_ssh(sandbox) as client:
        running = read(client)
        process = find_recorded(pid_file)
        assert process is not None
        assert (running["ActiveState"], running["SubState"]) == ("active", "running")
        assert running["MainPID"] == str(process.pid)
        assert running["NRestarts"] == "0"
        assert running["ExecMainStartTimestamp"].endswith(" UTC")
        process.suspend()
        assert read(client)["ActiveState"] == "active"
        process.resume()
        process.kill()
        wait_until(lambda: read(client)["ActiveState"] == "failed", 5, "échec vu")
        assert run_ssh(client, "systemctl start aquareel-client.service")[0] == 0
        assert read(client)["ActiveState"] == "active"
        assert read(client)["MainPID"] != running["MainPID"]
        assert run_ssh(client, "systemctl stop aquareel-client.service")[0] == 0
        stopped = read(client)
        assert (stopped["ActiveState"], stopped["SubState"], stopped["MainPID"]) == ("inactive", "dead", "0")
        assert run_ssh(client, "systemctl restart aquareel-client.service")[0] == 0
        assert read(client)["ActiveState"] == "active"
        assert read(client, "inconnu")["ActiveState"] == "inactive"
        assert run_ssh(client, "systemctl start aquareel-inconnu.service")[0] == 5


def test_a_pid_file_whose_pid_was_given_to_another_process_is_not_believed(sandbox: Layout) -> None:
    pid_file = sandbox.pid_file(ACTIVE, "client")
    original = pid_file.read_text(encoding="utf-8")
    record = json.loads(original) | {"pid": os.getpid()}
    pid_file.write_text(json.dumps(record), encoding="utf-8")
    try:
        assert find_recorded(pid_file) is None
    finally:
        pid_file.write_text(original, encoding="utf-8")
