"""An installation of a test's own, worked by its command line as a user works it, and stopped whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from nonreg.service import family
from nonreg.service.folder import Folder, State
from nonreg.service.identity import open_api, split_auth
from nonreg.service.start import url_of
from nonreg.waiting import wait_until
from tests.prefect_server import ROOT

FINAL = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}
RUN_SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Installed:
    """One installation's folder, and the home of the user who works it."""

    folder: Folder
    user_home: Path

    def command(self, *words: str, python: str = "nonreg.service") -> subprocess.CompletedProcess[str]:
        """Run a command of the user's to its end."""
        foreign = {
            name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "NONREG_"))
        }
        return subprocess.run(
            [sys.executable, "-m", python, *words],
            env={**foreign, "HOME": str(self.user_home), "XDG_CACHE_HOME": str(self.user_home / ".cache")},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=RUN_SECONDS,
            check=False,
        )

    def up(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`up`, on any port that is free."""
        return self.command("up", "--dir", str(self.folder.root), *words)

    def down(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`down`."""
        return self.command("down", "--dir", str(self.folder.root), *words)

    def status(self) -> subprocess.CompletedProcess[str]:
        """`status`."""
        return self.command("status", "--dir", str(self.folder.root))

    def state(self) -> State:
        """What it knows of itself."""
        state = self.folder.load()
        assert state is not None
        return state

    def process(self, name: str) -> psutil.Process:
        """The live process of that name."""
        found = next(family.find(member) for member in self.state().members if member.name == name)
        assert found is not None
        return found

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """One request to the API with the secret."""
        credentials = split_auth(self.folder.secret())
        with open_api(url_of(self.state())) as api:
            if method == "GET":
                answer = api.get(path, credentials)
            else:
                answer = api.post(path, json.dumps(body).encode(), "application/json", credentials)
        assert answer.status < 300, answer.body
        return json.loads(answer.body)

    def start_run(self, deployment: str, **parameters: Any) -> str:
        """A run of a deployment, as the UI starts it; its id."""
        found = self.ask("GET", f"/deployments/name/campagne/{deployment}")
        created = self.ask("POST", f"/deployments/{found['id']}/create_flow_run", {"parameters": parameters})
        return str(created["id"])

    def wait_for_run(self, run: str) -> Any:
        """The run when it has ended."""

        def ended() -> Any:
            found = self.ask("GET", f"/flow_runs/{run}")
            return found if found["state_type"] in FINAL else None

        return wait_until(ended, RUN_SECONDS, f"fin du passage {run}", poll_seconds=0.5)


@contextmanager
def prepare_installation(root: Path) -> Iterator[Installed]:
    """A folder to install in; whatever is there at the end is stopped."""
    installed = Installed(Folder(root.resolve() / "installation"), root / "compte")
    installed.user_home.mkdir(parents=True)
    try:
        yield installed
    finally:
        installed.down()
        family.end_all(installed.folder.root)
