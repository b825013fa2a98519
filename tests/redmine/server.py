"""A Redmine of the tests' own: Debian's program copied into their folder, its database and files beside it.

Nothing of the machine's own Redmine is read or written but the program; it listens on loopback only.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nonreg.clients.web import WebSession
from nonreg.errors import PlatformError
from nonreg.sandbox.postgres import die_with_starter
from nonreg.waiting import wait_until

PROGRAM = Path("/usr/share/redmine")
LOCK = Path("/var/lib/redmine/Gemfile.lock")
# Bundler would look for the version that wrote the lock file, which Debian does not have.
BUNDLER = {"BUNDLER_VERSION": "2.3.15"}
PREPARE_SECONDS, START_SECONDS, STOP_SECONDS = 600.0, 240.0, 60.0


def find_obstacle() -> str:
    """Why there can be no Redmine here, in French; nothing when there can be one."""
    if not (PROGRAM / "config.ru").is_file() or not LOCK.is_file() or not shutil.which("puma"):
        return "installez redmine, redmine-sqlite et puma, avec BUNDLER_VERSION=2.3.15 (voir .ci/run)."
    return ""


@dataclass
class RedmineServer:
    """One that may be killed and started again; `known` is what seed.rake tells."""

    folder: Path
    port: int = 0
    known: dict[str, Any] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def prepare(self) -> None:
        """Copy the program, make the database and fill it."""
        shutil.copytree(PROGRAM, self.folder, symlinks=True, ignore=shutil.ignore_patterns("instances"))
        (self.folder / "config/database.yml").unlink(missing_ok=True)
        (self.folder / "Gemfile.lock").unlink(missing_ok=True)
        shutil.copy(LOCK, self.folder / "Gemfile.lock")
        # The copy asks its own database.yml which adapter it needs: the machine's may not be ours to read.
        gemfile = self.folder / "Gemfile"
        gemfile.write_text(gemfile.read_text("utf-8").replace(f"{PROGRAM}/", f"{self.folder}/"), "utf-8")
        own = self.folder / "instances/default"
        for name in ("config", "files", "log", "tmp/cache", "tmp/imports", "public/plugin_assets"):
            (own / name).mkdir(parents=True)
        (own / "config/secret_key.txt").write_text(secrets.token_hex(64), "ascii")
        (own / "config/database.yml").write_text(
            f"production:\n  adapter: sqlite3\n  database: {own}/redmine.sqlite3\n"
            "  timeout: 20000\n  encoding: utf8\n",
            "utf-8",
        )
        shutil.copy(Path(__file__).parent / "seed.rake", self.folder / "lib/tasks/nonreg_seed.rake")
        told = self.folder / "seed.json"
        environment = {"REDMINE_LANG": "en", "SCHEMA": "/dev/null", "SEED_FILE": str(told)}
        # Twice: who has read an empty database does not see the columns that it gets meanwhile.
        for tasks in (("db:migrate",), ("redmine:load_default_data", "nonreg:seed")):
            done = subprocess.run(
                ["bundle", "exec", "rake", *tasks],
                cwd=self.folder,
                env=self._environment() | environment,
                capture_output=True,
                text=True,
                timeout=PREPARE_SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[:4000]
        self.known = json.loads(told.read_text("utf-8"))

    def start(self) -> None:
        """Start it and wait until it answers; on the same port when it had one."""
        assert self.process is None
        if not self.port:
            with socket.socket() as one:
                one.bind(("127.0.0.1", 0))
                self.port = one.getsockname()[1]
        with (self.folder / "puma.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["puma", "-b", f"tcp://127.0.0.1:{self.port}", "-e", "production", "-t", "4:4", "config.ru"],
                cwd=self.folder,
                env=self._environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=die_with_starter,  # noqa: PLW1509 - one prctl call, no lock is taken
            )
        wait_until(self._answers, START_SECONDS, "Redmine", 0.2)

    def kill(self) -> None:
        """End it at once, as a machine that loses its power."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End it in order."""
        self._end(signal.SIGTERM)

    def count_files(self) -> int:
        """Files that it keeps on its disk."""
        return sum(path.is_file() for path in (self.folder / "instances/default/files").rglob("*"))

    def _end(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(STOP_SECONDS)
        self.process = None

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "puma.log").read_text("utf-8")[-4000:]
        try:
            with WebSession(self.url, 30) as session:
                return session.get("/users/current.json").status == 401
        except PlatformError:
            return False

    def _environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return kept | {"LANG": "C.UTF-8", "RAILS_ENV": "production"} | BUNDLER
