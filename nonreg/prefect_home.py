"""The home of a throw-away Prefect server, with a database whose tables are there: making them takes seconds each time.

An empty database of each Prefect version is kept in the user's cache folder; it is made again when it is not sound.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from importlib.metadata import version
from pathlib import Path

from platformdirs import user_cache_path

DATABASE = "prefect.db"
MAKING_SECONDS = 120
# SQLite lets one write at a time: while that one waits for a slow disk the others hold all of the server's connections,
# and after 30 s it answers 500 to everybody, also to those who only read. Its clients come again.
PATIENT_CLIENTS = {"PREFECT_CLIENT_RETRY_EXTRA_CODES": "500"}


def describe_home(home: Path) -> dict[str, str]:
    """Environment of a Prefect that reads and writes nothing of the user's own profile."""
    return {
        "PREFECT_HOME": str(home),
        "PREFECT_PROFILES_PATH": str(home / "profiles.toml"),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        # In its memory, as by default, a server that restarts forgets who has a slot, which then is never free again.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        "DO_NOT_TRACK": "1",
        **PATIENT_CLIENTS,
    }


def fill_home(home: Path, cache: Path | None = None, *, keep: bool = True) -> None:
    """Put an empty database into a new home; where none is or can be kept the server will make its own.

    Without `keep` nothing is written beside the home.
    """
    kept = (cache or user_cache_path("aquareel-nonreg")) / f"prefect-{version('prefect')}-wal.db"
    try:
        if not is_sound(kept):
            if not keep:
                return
            keep_empty_database(kept)
        shutil.copyfile(kept, home / DATABASE)
    except (OSError, sqlite3.Error, subprocess.SubprocessError):
        (home / DATABASE).unlink(missing_ok=True)


def is_sound(database: Path) -> bool:
    """True for a database that can be read, with Prefect's tables."""
    if not database.is_file():
        return False
    try:
        with closing(
            sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        ) as connection:
            checked = connection.execute("PRAGMA quick_check").fetchall()
            return checked == [("ok",)] and bool(
                connection.execute("SELECT * FROM alembic_version").fetchall()
            )
    except sqlite3.Error:
        return False


def keep_empty_database(kept: Path) -> None:
    """Let Prefect make its tables in a home of their own, and keep the file that comes out."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        home = Path(folder)
        own = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
        subprocess.run(
            [sys.executable, "-m", "prefect", "server", "database", "upgrade", "-y"],
            env={**own, **describe_home(home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=MAKING_SECONDS,
            check=True,
        )
        with closing(sqlite3.connect(home / DATABASE)) as connection:  # one file, whatever the journal holds
            connection.execute("VACUUM INTO ?", (str(home / kept.name),))
        with closing(sqlite3.connect(home / kept.name)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")  # as Prefect leaves its own
        (home / kept.name).replace(kept)
