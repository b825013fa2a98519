"""`down`: everything of an installation ended, in whatever state it is, and its folder removed.

Campaigns under way are asked first, while the server still hears them: they leave the platform as they found it and
report on what they recorded.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import psutil

from nonreg.errors import NonregError
from nonreg.french import explain_os_error
from nonreg.service import family
from nonreg.service.folder import PROJECT, Folder, State, hold
from nonreg.waiting import DeadlinePassed, wait_until

RUN_SECONDS = 900.0  # the finisher of an interrupted drill heals, judges and publishes
POLL_SECONDS = 0.2
PLATFORM_SECONDS = 60.0
KEPT = ("prefect", "secret", "base", "installation.json")
Say = Callable[[str], None]


def down(folder: Folder, keep: bool, say: Say) -> None:
    """End all, remove the folder; with `keep`, Prefect's home and the identity stay for the next `up`."""
    with hold(folder):
        state, broken = load(folder)
        if state is None and not broken and not family.find_marked(folder.root):
            say(f"Rien à arrêter dans {folder.root}.")
            return
        end_processes(folder, say)
        remove(folder, state, keep and state is not None)
    kept = (
        f" ; la base et l'identité restent dans {folder.root}"
        if keep and state is not None
        else " et effacée"
    )
    say(f"Installation arrêtée{kept}.")


def load(folder: Folder) -> tuple[State | None, bool]:
    """The state, and whether there is one that cannot be read: what runs is found without it."""
    try:
        return folder.load(), False
    except NonregError:
        if not os.access(folder.root, os.R_OK | os.X_OK):
            raise
        return None, True


def end_processes(folder: Folder, say: Say) -> None:
    """Campaigns, workers, platform, server, then whatever is left."""
    state, _ = load(folder)
    members = {member.name: family.find(member) for member in state.members} if state is not None else {}
    server = members.pop("serveur", None)
    runs = family.find_runs(folder.root)
    workers = [process for process in members.values() if process is not None]
    if runs:
        say(
            f"{len(runs)} campagne(s) en cours : interruption, guérison, rapport (au plus {RUN_SECONDS / 60:g} min)."
        )
    ask(workers)  # no new run is taken
    ask(runs)
    with suppress(DeadlinePassed):  # what watches over a run may have to finish its work
        wait_until(lambda: not family.find_runs(folder.root), RUN_SECONDS, poll_seconds=POLL_SECONDS)
    family.end([*workers, *family.find_runs(folder.root)])
    with suppress(subprocess.TimeoutExpired):  # whatever is left of it ends with the rest
        subprocess.run(
            [sys.executable, "-m", "nonreg.sandbox", "down", "--dir", str(folder.platform)],
            cwd=PROJECT,
            # The same temporary folder as at its start: files of root lie beside it.
            env={**os.environ, "TMPDIR": str(folder.temporary)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PLATFORM_SECONDS,
            check=False,
        )
    if server is not None:
        family.end(family.list_family(server))
    family.end_all(folder.root)


def ask(processes: list[psutil.Process]) -> None:
    """Request their end, as Prefect's own cancelling does."""
    for process in processes:
        try:
            process.terminate()
            process.resume()
        except psutil.Error:
            continue


def remove(folder: Folder, state: State | None, keep: bool) -> None:
    """Everything, or everything but what the next `up` takes up again."""
    if not folder.state_file.exists():  # deleted under the processes, and what may be there now is not ours
        return
    try:
        if not keep:
            shutil.rmtree(folder.root)
            return
        for path in folder.root.iterdir():
            if path.name in KEPT:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    except FileNotFoundError:
        return
    except OSError as error:
        raise NonregError(f"{folder.root} n'a pas pu être effacé : {explain_os_error(error)}.") from error
    if state is not None:
        folder.save(replace(state, members=(), ready=False))
