"""What a comparison has already summed, kept so that one that was cut short goes on: a line of JSON a batch.

Sound for rows that nobody writes any more, below a bound; without one nothing is taken up again.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nonreg.comparison.slices import Sum
from nonreg.errors import NonregError
from nonreg.french import explain_os_error


def find_mark(path: Path, column: str) -> object:
    """The bound of a comparison that was cut short, to go on with; None when there is nothing to go on from."""
    try:
        found, upto = json.loads(path.read_text(encoding="utf-8").splitlines()[0])["bound"]
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return upto if found == column else None


class Journal:
    """The file of one comparison; `subject` is all that must be the same for its sums to be used again."""

    def __init__(self, path: Path, subject: Mapping[str, Any]) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._subject = json.loads(json.dumps(subject, default=str))
        self.sums: tuple[dict[int, Sum], dict[int, Sum]] = ({}, {})
        self._is_ours = False
        self._load()

    def _load(self) -> None:
        try:
            lines = self._path.read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            return
        except (OSError, UnicodeDecodeError) as error:
            raise NonregError(f"Le journal {self._path} ne se lit pas : {error}.") from error
        try:
            if not lines or json.loads(lines[0]) != self._subject:
                return
            self._is_ours = True
            for line in lines[1:]:
                batch = json.loads(line)
                side = self.sums[batch["side"]]
                side.update((number, (count, total)) for number, count, total in batch["sums"])
        except (ValueError, KeyError, TypeError, IndexError):
            # Cut in the middle of a line by what stopped it: what stands before is whole.
            return

    @property
    def known(self) -> int:
        """Slices of both sides that need not be summed again."""
        return len(self.sums[0]) + len(self.sums[1])

    def add(self, side: int, sums: Mapping[int, Sum]) -> None:
        """Keep what one side gave."""
        line = {"side": side, "sums": [[number, count, total] for number, (count, total) in sums.items()]}
        with self._lock:
            try:
                self._begin()
                with self._path.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(line) + "\n")
            except OSError as error:
                raise NonregError(
                    f"{self._path} : écriture impossible ({explain_os_error(error)})."
                ) from error

    def _begin(self) -> None:
        """Take the file over: anything else in it is of another comparison, a line cut short is left behind."""
        if self._is_ours and self._path.is_file() and self._path.read_bytes().endswith(b"\n"):
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lines = [json.dumps(self._subject)]
        for side, sums in enumerate(self.sums):
            if sums:
                kept = [[number, count, total] for number, (count, total) in sums.items()]
                lines.append(json.dumps({"side": side, "sums": kept}))
        self._path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        self._is_ours = True

    def forget(self) -> None:
        """The comparison came to its end."""
        self._path.unlink(missing_ok=True)
