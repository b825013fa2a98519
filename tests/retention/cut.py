"""Something that dies just before its N-th change of the disk, as by SIGKILL, in a process of its own."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

CHANGES = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"})
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
FAILED = 70


class Cut:
    """Counts the changes of the disk below a folder; the process is killed before the first that is one too many."""

    def __init__(self, root: Path, left: int) -> None:
        self.root, self.left = str(root), left

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        is_write = event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING
        if event not in CHANGES and not is_write:
            return
        # What deletes a folder names what is in it from inside.
        if str(arguments[0]).startswith("/") and not str(arguments[0]).startswith(self.root):
            return
        self.left -= 1
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)


def cut(work: Callable[[], object], root: Path, changes: int) -> bool:
    """Do it in a child that is killed after so many changes below `root`; False when it came to its end before that."""
    child = os.fork()
    if child == 0:
        try:
            sys.addaudithook(Cut(root, changes))
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(FAILED)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, -signal.SIGKILL), code
    return code != 0
