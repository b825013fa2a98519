"""The check of SSH access against a real sshd of OpenSSH, started by hand on loopback with keys of the test's own."""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from nonreg.config import Host, Web, load_platform
from nonreg.handover.checks import CHECKS, CheckContext, CheckResult
from nonreg.model import Role
from nonreg.people import People, Person
from nonreg.waiting import wait_until

pytestmark = pytest.mark.openssh
SSHD = "/usr/sbin/sshd"
START_SECONDS = 30.0
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
CONFIG = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {folder}/hote
AuthorizedKeysFile {folder}/autorisees
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
{more}
"""


def make_key(path: Path, kind: str = "ed25519") -> str:
    """A pair of keys; gives the public line."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(path)], check=True)
    return path.with_name(path.name + ".pub").read_text(encoding="ascii")


@dataclass(frozen=True, slots=True)
class Server:
    """A real sshd, and what its clients have of it."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]

    def record(self, public: str) -> None:
        """What a client takes for the host's key."""
        (self.folder / "connues").write_text(f"[127.0.0.1]:{self.port} {public}", encoding="ascii")

    def authorise(self, public: str) -> None:
        """The only key that is let in; none when empty."""
        (self.folder / "autorisees").write_text(public, encoding="ascii")

    def check(self, name: str, key: str = "cle", seconds: float = 30.0) -> CheckResult:
        """One check on a platform all of whose hosts are this server, and that has nothing else."""
        shipped, user = load_platform("embarquee"), getpass.getuser()
        host = Host("srv-essai", "127.0.0.1", self.port, user, key, "connues", seconds, ())
        sites = tuple(replace(site, host=host, database=None, web=Web(1.0)) for site in shipped.sites)
        drills = replace(shipped.drills, hypervisor=None)
        platform = replace(shipped, sites=sites, drills=drills, base_dir=str(self.folder))
        person = Person("renfort-1", "Essai Un", Role.RENFORT_TECHNIQUE, (), accounts=(user,))
        people = People(Path("people.toml"), (person,))
        return CHECKS[name](CheckContext(platform, Path("p.toml"), people, "renfort-1", NOW))


@contextmanager
def run_sshd(folder: Path, more: str = "") -> Iterator[Server]:
    """A server that ends with the block, whatever happened to it."""
    if not Path(SSHD).exists() or shutil.which("ssh-keygen") is None:
        pytest.fail("sshd est absent : installez les paquets openssh-server et openssh-client.")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where root's sshd locks itself up
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    host_key, key = make_key(folder / "hote"), make_key(folder / "cle")
    (folder / "sshd_config").write_text(CONFIG.format(port=port, folder=folder, more=more), encoding="utf-8")
    with (folder / "sshd.log").open("wb") as log:
        process = subprocess.Popen(
            [SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stdout=log, stderr=log
        )
    server = Server(folder, port, process)
    server.record(host_key)
    server.authorise(key)

    def listens() -> bool:
        assert process.poll() is None, (folder / "sshd.log").read_text(encoding="utf-8")
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_until(listens, START_SECONDS, "sshd écoute")
        yield server
    finally:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        process.wait(START_SECONDS)


@pytest.fixture
def sshd(tmp_path: Path) -> Iterator[Server]:
    with run_sshd(tmp_path) as server:
        yield server


def test_a_host_that_knows_the_key_runs_the_command_and_is_not_revoked(sshd: Server) -> None:
    (point,) = sshd.check("ssh").points
    assert point.ok
    assert "Linux" in point.found
    revoked = sshd.check("acces_revoques")
    assert [point.ok for point in revoked.points] == [True, False]
    assert revoked.points[1].found == "L'accès est encore ouvert."


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_a_key_that_was_taken_away_is_refused_which_proves_it(sshd: Server, kind: str) -> None:
    public = make_key(sshd.folder / kind, kind)
    sshd.authorise(public)
    assert sshd.check("ssh", kind).is_ok
    sshd.authorise("")
    (point,) = sshd.check("ssh", kind).points
    assert "refuse la clé SSH" in point.found
    assert point.remedy.startswith("Faites inscrire votre clé publique")
    assert getpass.getuser() not in point.found
    assert sshd.check("acces_revoques", kind).is_ok


def test_an_account_that_is_closed_is_refused_although_its_key_is_there(tmp_path: Path) -> None:
    with run_sshd(tmp_path, f"DenyUsers {getpass.getuser()}") as server:
        (point,) = server.check("ssh").points
        assert "refuse la clé SSH" in point.found
        assert server.check("acces_revoques").is_ok


def give_another_host_key(server: Server) -> None:
    server.record(make_key(server.folder / "autre-hote"))


def give_no_host_key(server: Server) -> None:
    (server.folder / "connues").write_text("", encoding="ascii")


def fall_silent(server: Server) -> None:
    server.process.send_signal(signal.SIGSTOP)


def end(server: Server) -> None:
    server.process.terminate()
    server.process.wait(START_SECONDS)


def lose_the_key(server: Server) -> None:
    (server.folder / "cle").unlink()


@pytest.mark.parametrize(
    ("fault", "found", "remedy"),
    [
        (give_another_host_key, "n'est pas celle qui est enregistrée", "N'insistez pas"),
        (give_no_host_key, "n'est pas enregistrée", "N'insistez pas"),
        (fall_silent, "injoignable", "Vérifiez le VPN"),
        (end, "injoignable", "Vérifiez le VPN"),
        (lose_the_key, "introuvable", "Mettez en place le fichier"),
    ],
)
def test_each_fault_has_its_remedy_and_proves_no_revocation(
    sshd: Server, fault: Callable[[Server], None], found: str, remedy: str
) -> None:
    fault(sshd)
    seconds = 1.0 if fault is fall_silent else 30.0
    (point,) = sshd.check("ssh", seconds=seconds).points
    assert not point.ok
    assert found in point.found
    assert point.remedy.startswith(remedy)
    assert "127.0.0.1" not in point.found
    revoked = sshd.check("acces_revoques", seconds=seconds).points[1]
    assert not revoked.ok
    assert revoked.found.startswith("Rien n'est prouvé")


def test_a_host_that_lets_in_and_runs_nothing_is_not_ok(tmp_path: Path) -> None:
    for command, found in (("exit 7", "code 7"), ("true", "n'a rien répondu")):
        folder = tmp_path / command.replace(" ", "-")
        folder.mkdir()
        with run_sshd(folder, f"ForceCommand {command}") as server:
            (point,) = server.check("ssh").points
        assert not point.ok
        assert found in point.found
        assert point.remedy.startswith("Faites autoriser")
