"""One process at a time: a lock file that threads respect too and that dies with its holder.

`filelock` (flock); `fasteners` was considered: POSIX locks, which two threads of one process do not see.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.french import explain_os_error

LOCK_SECONDS = 60.0


@contextmanager
def hold_file_lock(path: Path, what: str) -> Iterator[None]:
    """Hold the lock file at `path`, made with its folder; NonregError names `what` when it stays busy or cannot be."""
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=LOCK_SECONDS)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise NonregError(f"{what} : occupé depuis {LOCK_SECONDS:g} s par un autre processus.") from error
    except OSError as error:
        raise NonregError(f"{what} : impossible à ouvrir ({explain_os_error(error)}).") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def try_file_lock(path: Path, what: str) -> Iterator[bool]:
    """Hold the lock file at `path` if nobody does; False when somebody does, NonregError when it cannot be."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except Timeout:
        yield False
        return
    except OSError as error:
        raise NonregError(f"{what} : impossible à ouvrir ({explain_os_error(error)}).") from error
    try:
        yield True
    finally:
        lock.release()
