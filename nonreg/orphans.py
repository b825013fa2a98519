"""What a run leaves to be found when its process dies: `prefect.json`, held by a lock that dies with it.

    absent      the run ended by itself, or somebody took it up to its end
    held        its process lives, or somebody is taking it up: nobody else touches it
    free        an orphan

Where a file system has no locks nobody can know, and nothing is taken up.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from nonreg.basis import PUBLISHED
from nonreg.errors import ConfigError, NonregError
from nonreg.french import explain_os_error
from nonreg.store import PLAN, dump_json, load_json

FILE = "prefect.json"


@dataclass(frozen=True, slots=True)
class Life:
    """Whose run it is: the platform's name or file, the flow runs that show it (innermost first), the process."""

    platform: str
    flow_runs: tuple[str, ...] = ()
    host: str = ""
    process: int = 0

    @classmethod
    def of_ours(cls, platform: str, *flow_runs: str) -> Life:
        """The life of a run that this process begins; a flow run is named once."""
        return cls(platform, tuple(dict.fromkeys(filter(None, flow_runs))), socket.gethostname(), os.getpid())


@contextmanager
def live(run_dir: Path, life: Life) -> Iterator[None]:
    """Hold the run's life; what ends without a plan, or published, leaves nothing to be taken up.

    The file appears with its lock: whoever sees it free may take the run up. Whoever is interrupted leaves it.
    NonregError for a folder that is another run's: its plan would be lost, and its life taken for ended with ours.
    """
    if (run_dir / FILE).exists() or (run_dir / PLAN).exists():
        raise NonregError(
            f"Le passage {run_dir.name} existe déjà ({run_dir}) : laissez son identifiant vide, ou donnez-en un autre."
        )
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=run_dir, prefix=f".{FILE}.")
    except OSError as error:
        raise NonregError(
            f"Dossier du passage impossible à écrire : {run_dir} ({explain_os_error(error)})."
        ) from error
    with os.fdopen(descriptor, "wb") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.write(dump_json(Life, life).encode("utf-8"))
        file.flush()
        Path(temporary).replace(run_dir / FILE)
        try:
            yield
        except Exception:
            settle(run_dir)
            raise
        settle(run_dir)


def settle(run_dir: Path) -> None:
    """Forget a run that ended by itself, unless it is planned and nothing of it was published."""
    if (run_dir / PUBLISHED).is_file() or not (run_dir / PLAN).is_file():
        forget(run_dir)


@contextmanager
def take_up(run_dir: Path) -> Iterator[Life | None]:
    """Hold an orphan; None when it lives, when somebody else is at it, when it was settled or nobody can know."""
    try:
        file = (run_dir / FILE).open("rb")
    except OSError:
        yield None
        return
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino != (run_dir / FILE).stat().st_ino:
                raise FileNotFoundError
            life = load_json(Life, run_dir / FILE)
        except (OSError, ConfigError):
            yield None
            return
        yield life


def forget(run_dir: Path) -> None:
    """The run is settled: nothing is left to be taken up, nor its folder when nothing was ever planned in it."""
    (run_dir / FILE).unlink(missing_ok=True)
    with suppress(OSError):  # anything in it
        run_dir.rmdir()


def list_lives(runs_dir: Path) -> tuple[Path, ...]:
    """Folders of runs that live or are orphans, oldest first."""
    return tuple(sorted(file.parent for file in runs_dir.glob(f"*/{FILE}")))


def read_flow_runs(runs_dir: Path) -> frozenset[str]:
    """The flow runs that some run's folder names, whoever holds it."""
    known: set[str] = set()
    for run_dir in list_lives(runs_dir):
        with suppress(ConfigError):
            known.update(load_json(Life, run_dir / FILE).flow_runs)
    return frozenset(known)
