"""Where the embedded platform lives: addresses, ports, folders and secrets of one instance.

An instance is a folder. Each site has its own loopback address in the instance's network, so that hosts
keep the real port numbers and several instances run side by side. The PostgreSQL files of root's
instances live apart, because PostgreSQL refuses root and `nobody` may not enter root's folders.
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nonreg.config import PLATFORMS_DIR
from nonreg.store import write_file

DEFAULT_NETWORK = "127.77.0"
DEFAULT_DIR = Path(".sandbox")

ACTIVE, PASSIVE, WITNESS = "SITE-A", "SITE-B", "SITE-S"
DATABASE_SITES = (ACTIVE, PASSIVE)
SITES = (ACTIVE, PASSIVE, WITNESS)
HYPERVISOR = "HYPERVISEUR"  # no site of the application: the machine that the sites' machines run on
HOSTS = (*SITES, HYPERVISOR)
LAST_BYTE = {ACTIVE: 11, PASSIVE: 12, WITNESS: 13, HYPERVISOR: 14}
HOST_NAME = {ACTIVE: "srv-a", PASSIVE: "srv-b", WITNESS: "srv-s", HYPERVISOR: "srv-h"}

DATABASE = "aquareel"
CLIENT_USER = "consultation"  # of the light client: the one that campaigns use
PORTS = {
    "postgresql": 5432,
    "relais": 5433,  # the other site's database, through the link between the sites
    "frontal": 8080,
    "client": 8081,
    "supervision": 8082,
    "puits": 8083,
    "battement": 8084,
    "liaison": 8085,  # control of the link between the sites
    "battement_relais": 8086,  # the other site's heartbeats, through the link
    "ssh": 2222,
}
SERVICES = {
    ACTIVE: ("ssh", "frontal", "affinage", "echange", "internet", "client", "supervision"),
    PASSIVE: ("ssh", "relais", "frontal", "affinage", "echange", "internet", "client", "supervision"),
    WITNESS: ("ssh", "puits", "supervision"),
    HYPERVISOR: ("ssh",),
}
SECRET_NAMES = (
    "AQ_ADMIN_PASSWORD",  # database superuser: sandbox and switchover tool only
    "AQ_APP_PASSWORD",  # the application's services
    "AQ_REPLICATION_PASSWORD",
    "AQ_READER_PASSWORD",
    "AQ_WRITER_PASSWORD",
    "AQ_STATION_PASSWORD",
    "AQ_CLIENT_PASSWORD",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One instance: its folder (absolute) and its network, three bytes such as `127.77.0`."""

    root: Path
    network: str = DEFAULT_NETWORK

    def address(self, site: str) -> str:
        """Loopback address of a site's host."""
        return f"{self.network}.{LAST_BYTE[site]}"

    def site_dir(self, site: str) -> Path:
        """Folder of a site's host: all that SSH and SFTP can see."""
        return self.root / "sites" / site.lower()

    def config_file(self, site: str, service: str) -> Path:
        """Settings of one service (JSON, no secret)."""
        return self.site_dir(site) / "config" / f"{service}.json"

    def log_file(self, site: str, service: str) -> Path:
        """Log of one service."""
        return self.site_dir(site) / "logs" / f"{service}.log"

    def pid_file(self, site: str, service: str) -> Path:
        """Pid file of one process of a site."""
        return self.root / "pids" / f"{site.lower()}.{service}.json"

    @property
    def platform_file(self) -> Path:
        """The instance's own platform file."""
        return self.root / "platform.toml"

    @property
    def secrets_file(self) -> Path:
        """Generated passwords, `NAME=value` lines, readable by the owner only."""
        return self.root / "secrets.env"

    @property
    def identities_dir(self) -> Path:
        """Private keys of the platform's people, one file a person id."""
        return self.root / "identites"

    @property
    def tracker_dir(self) -> Path:
        """The tickets, one folder each."""
        return self.root / "suivi"

    @property
    def renforts_dir(self) -> Path:
        """Platform file, secrets and key of each renfort, for named accounts of their own."""
        return self.root / "renforts"

    @property
    def postgres_home(self) -> Path:
        """Folder of the clusters and, for root, of the copied binaries."""
        if os.geteuid() != 0:
            return self.root / "postgresql"
        tag = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        return find_open_dir() / f"aquareel-nonreg-{tag}"

    def cluster_dir(self, site: str) -> Path:
        """PGDATA of a site."""
        return self.postgres_home / site.lower()

    def secrets(self) -> dict[str, str]:
        """The instance's secrets by name."""
        lines = self.secrets_file.read_text(encoding="utf-8").splitlines()
        return dict(line.split("=", 1) for line in lines)


def create_layout(root: Path, network: str | None = None) -> Layout:
    """Make the folders, secrets and platform file of a new instance; network None takes a free one."""
    layout = Layout(root.resolve(), network or find_free_network())
    for site in HOSTS:
        for part in ("config", "logs", "echange/entree", "echange/sortie", "version"):
            (layout.site_dir(site) / part).mkdir(parents=True, exist_ok=True)
    (layout.root / "pids").mkdir(exist_ok=True)
    write_private(
        layout.secrets_file, "".join(f"{name}={secrets.token_urlsafe(18)}\n" for name in SECRET_NAMES)
    )
    shipped = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8")
    own = shipped.replace(DEFAULT_NETWORK + ".", layout.network + ".").replace(
        'base_dir = ".sandbox"', f"base_dir = {json.dumps(str(layout.root))}"
    )
    layout.platform_file.write_text(own, encoding="utf-8")
    write_file(
        layout.root / "instance.json", json.dumps({"network": layout.network})
    )  # from here on it is one
    return layout


def load_layout(root: Path) -> Layout | None:
    """The instance in that folder, None when there is none."""
    file = root.resolve() / "instance.json"
    if not file.is_file():
        return None
    return Layout(root.resolve(), json.loads(file.read_text(encoding="utf-8"))["network"])


def find_free_network() -> str:
    """A network whose PostgreSQL address on the active site nobody uses; the default one first."""
    for third in range(250):
        network = f"127.77.{third}"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((f"{network}.{LAST_BYTE[WITNESS]}", PORTS["ssh"]))
            except OSError:
                continue
        return network
    raise OSError("aucun réseau 127.77.x libre")


def find_open_dir() -> Path:
    """A temporary folder that every account may enter; root's TMPDIR may be its own."""
    candidates = [Path(tempfile.gettempdir()), Path("/tmp"), Path("/var/tmp")]  # noqa: S108 - found, not assumed
    for folder in candidates:
        if all(part.stat().st_mode & 0o001 for part in (folder, *folder.parents)):
            return folder
    raise OSError("aucun dossier temporaire n'est ouvert à tous les comptes")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
