"""What a comparison has already summed, kept so that one that was cut short goes on: a line of JSON a batch.

Sound for rows that nobody writes any more, below a bound, and for a day; without a bound nothing is taken up again.
"""

from __future__ import annotations

import json
import threading
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nonreg.comparison.slices import Sum
from nonreg.errors import RequestFailed
from nonreg.french import explain_os_error

KEPT_SECONDS = 86_400.0  # what was summed longer ago says too little of today
WRITER = "écrit par"


def read_lines(path: Path) -> list[str]:
    """Lines of a journal that is there and young enough; what is damaged in it stays so."""
    try:
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            return []
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RequestFailed(f"{path} : lecture impossible ({explain_os_error(error)}).") from error


def find_mark(path: Path, column: str) -> object:
    """The bound of a comparison that was cut short, to go on with; None when there is nothing to go on from."""
    try:
        found, upto = json.loads(read_lines(path)[0])["bound"]
    except (RequestFailed, ValueError, KeyError, TypeError, IndexError):
        return None
    return upto if found == column else None


class Journal:
    """The file of one comparison; `subject` is all that must be the same for its sums to be used again.

    Its first line names its writer: of two comparisons at once, the first one to begin leaves the file to the other.
    """

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._subject = json.loads(json.dumps(subject, default=str))
        self._header = json.dumps({**self._subject, WRITER: uuid.uuid4().hex}) + "\n"
        self._has_begun = False
        self.sums: tuple[dict[int, Sum], dict[int, Sum]] = ({}, {})
        self._load()

    def _load(self) -> None:
        lines = read_lines(self._path)
        try:
            header = json.loads(lines[0])
            header.pop(WRITER)
            if header != self._subject:
                return
            for line in lines[1:]:
                batch = json.loads(line)
                side = self.sums[batch["side"]]
                side.update({int(number): (int(count), int(total)) for number, count, total in batch["sums"]})
        except (ValueError, KeyError, TypeError, AttributeError, IndexError):
            # Cut in the middle of a line by what stopped it: what stands before is whole.
            return

    def add(self, side: int, sums: Mapping[int, Sum]) -> None:
        """Keep what one side gave."""
        with self._lock:
            try:
                if not self._has_begun:
                    self._begin()
                elif not self._is_ours():
                    return
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(write_line(side, sums))
            except OSError as error:
                raise RequestFailed(
                    f"{self._path} : écriture impossible ({explain_os_error(error)})."
                ) from error

    def _begin(self) -> None:
        """Take the file over with what was taken up of it; a line that was cut short is left behind."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [write_line(side, sums) for side, sums in enumerate(self.sums) if sums]
        self._path.write_text(self._header + "".join(lines), encoding="utf-8")
        self._has_begun = True

    def _is_ours(self) -> bool:
        try:
            with self._path.open(encoding="utf-8", errors="replace") as file:
                return file.readline() == self._header
        except FileNotFoundError:
            return False

    def forget(self) -> None:
        """Leave nothing to be taken up."""
        with self._lock:
            if not self._has_begun or self._is_ours():
                self._path.unlink(missing_ok=True)


def write_line(side: int, sums: Mapping[int, Sum]) -> str:
    """One batch."""
    return json.dumps({"side": side, "sums": [[number, *one] for number, one in sums.items()]}) + "\n"
