"""The folder of an installation: what it holds, and the state that `down` finds after any crash.

Only its owner may enter it. It is taken for an installation by its state file, which is written first.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from nonreg.errors import NonregError, UsageError
from nonreg.files import read_json
from nonreg.french import explain_os_error
from nonreg.service.family import Member
from nonreg.store import write_file

PROJECT = Path(__file__).parent.parent.parent
DEFAULT_DIR = PROJECT / ".installation"
STATE = "installation.json"
USER = "aquareel"
POOL = "aquareel"
LOCK_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class State:
    """What is known of an installation.

    `members` are the processes that were started, in order; `alerts` the settings of the watch, none without them;
    `ready` once everything was there.
    """

    installation: str
    port: int
    workers: int = 1
    members: tuple[Member, ...] = ()
    platform: bool = True
    alerts: str = ""
    ready: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """The paths of one installation; `root` is absolute."""

    root: Path

    @property
    def state_file(self) -> Path:
        """What makes the folder an installation."""
        return self.root / STATE

    @property
    def auth_file(self) -> Path:
        """The one secret: Prefect's auth string."""
        return self.root / "secret"

    @property
    def database_file(self) -> Path:
        """Address of the server's database with its password; absent for a file of its own."""
        return self.root / "base"

    @property
    def environment_file(self) -> Path:
        """What a terminal reads (`. FILE`) to use this installation."""
        return self.root / "environnement"

    @property
    def home(self) -> Path:
        """Prefect's home."""
        return self.root / "prefect"

    @property
    def logs(self) -> Path:
        """One log a process."""
        return self.root / "journaux"

    @property
    def platform(self) -> Path:
        """The embedded platform."""
        return self.root / "plateforme"

    @property
    def platforms(self) -> Path:
        """Platform files by name, asked before the project's own."""
        return self.root / "plateformes"

    @property
    def temporary(self) -> Path:
        """Temporary files: Prefect's default folder is shared between accounts."""
        return self.root / "tmp"

    def load(self) -> State | None:
        """The state; None when there is no installation here."""
        try:
            if not self.state_file.is_file():
                return None
        except OSError as error:  # somebody else's, whose folder we may not enter
            raise NonregError(
                f"{self.root} : {explain_os_error(error)} ; est-ce votre installation ?"
            ) from error
        data = read_json(self.state_file)
        try:
            members = tuple(Member(**member) for member in data.pop("members"))
            return State(**data, members=members)
        except (AttributeError, KeyError, TypeError) as error:
            raise NonregError(f"{self.state_file} : état d'installation illisible.") from error

    def save(self, state: State) -> None:
        """Write the state, whole or not at all."""
        write_file(self.state_file, json.dumps(asdict(state), indent=2) + "\n")

    def secret(self) -> str:
        """Prefect's auth string."""
        return self.auth_file.read_text(encoding="ascii").strip()


def create(folder: Folder, port: int, workers: int, installation: str | None) -> State:
    """Make the folder, its secret and its state; what an earlier installation kept (`down --keep`) is taken up."""
    kept = folder.load()
    if kept is None and folder.root.is_dir() and any(folder.root.iterdir()):
        raise UsageError(f"{folder.root} existe et n'est pas une installation : choisissez un autre dossier.")
    try:
        folder.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.root.chmod(0o700)
        if kept is None:
            state = State(installation or secrets.token_hex(8), port, workers)
        else:
            state = replace(kept, port=port, workers=workers, members=(), ready=False)
            if installation not in (None, kept.installation):
                raise UsageError(f"{folder.root} contient l'installation {kept.installation}.")
        folder.save(state)
        if not folder.auth_file.exists():
            write_private(folder.auth_file, f"{USER}:{secrets.token_urlsafe(24)}\n")
        for path in (folder.home, folder.logs, folder.platforms, folder.temporary):
            path.mkdir(exist_ok=True)
    except OSError as error:
        raise NonregError(f"{folder.root} : {explain_os_error(error)}.") from error
    return state


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


@contextmanager
def hold(folder: Folder) -> Iterator[None]:
    """One `up` or `down` at a time; the lock is on the folder around it, so that nothing is left."""
    import fcntl

    from nonreg.waiting import DeadlinePassed, wait_until

    around = folder.root.parent
    try:
        around.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(around, os.O_RDONLY)
    except OSError as error:
        raise NonregError(f"{around} : {explain_os_error(error)}.") from error

    def take() -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    try:
        wait_until(take, LOCK_SECONDS, poll_seconds=0.1)
        yield
    except DeadlinePassed as error:
        raise NonregError(f"{folder.root} : un autre « up » ou « down » est en cours.") from error
    finally:
        os.close(descriptor)
