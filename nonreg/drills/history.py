"""The clients' side of a drill: every attempt, written as it happens, readable whatever became of the worker.

    {"client": "direct-1", "sequence": 1000000001, "target": "SITE-A", "sent": 1.20, "ended": 1.21,
     "outcome": "ACK", "detail": ""}

One JSON object a line, times in seconds since the drill began on one monotonic clock. An attempt is written when it has
ended: after a SIGKILL of the worker the attempts under way are missing, and at most `FLUSH_SECONDS` of ended ones.
"""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from nonreg.french import explain_os_error
from nonreg.model.drill import WriteOutcome

T = TypeVar("T")
FLUSH_SECONDS = 0.05
UNREADABLE = (ValueError, KeyError, TypeError, OverflowError, RecursionError)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of one client at one target; the same sequence again is the same write tried again."""

    client: str
    sequence: int
    target: str
    sent_seconds: float
    ended_seconds: float
    outcome: WriteOutcome
    detail: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What a history file says, in order; `problems` name in French the lines that say nothing."""

    attempts: tuple[Attempt, ...]
    problems: tuple[str, ...] = ()


def encode_attempt(attempt: Attempt) -> str:
    """One line, without its end."""
    return json.dumps(
        {
            "client": attempt.client,
            "sequence": attempt.sequence,
            "target": attempt.target,
            "sent": attempt.sent_seconds,
            "ended": attempt.ended_seconds,
            "outcome": attempt.outcome.value,
            "detail": attempt.detail,
        },
        ensure_ascii=False,
    )


def parse_attempt(line: str) -> Attempt:
    """The attempt of one line; one of UNREADABLE when it is not one."""
    fields: dict[str, Any] = json.loads(line)
    client, sequence, target, detail = (fields[name] for name in ("client", "sequence", "target", "detail"))
    sent, ended = float(fields["sent"]), float(fields["ended"])
    if not (type(sequence) is int and all(isinstance(text, str) for text in (client, target, detail))):
        raise TypeError("sequence or texts of another type")
    if not (math.isfinite(sent) and math.isfinite(ended)):
        raise ValueError("time that is not finite")
    return Attempt(client, sequence, target, sent, ended, WriteOutcome(fields["outcome"]), detail)


def read_history(path: Path) -> History:
    """The attempts of a file; a torn last line is left out, any other unreadable line is a problem.

    OSError when the file cannot be read at all.
    """
    attempts, problems = [], []
    *lines, torn = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines, start=1):
        try:
            attempts.append(parse_attempt(line.decode("utf-8")))
        except UNREADABLE:
            problems.append(f"{path.name}, ligne {number} : illisible")
    with suppress(*UNREADABLE):
        attempts.append(parse_attempt(torn.decode("utf-8")))  # only its end of line was cut off
    return History(tuple(attempts), tuple(problems))


class Journal(Generic[T]):
    """Values kept in memory and appended to a file by one thread of its own; `put` never waits for the disk."""

    def __init__(self, path: Path, encode: Callable[[T], str]) -> None:
        self.items: list[T] = []
        self.problems: list[str] = []
        self._path, self._encode = path, encode
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"journal {path.name}", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def put(self, item: T) -> None:
        """Keep one value; from any thread."""
        self.items.append(item)  # atomic: the writing thread only reads what stands before its end

    def close(self) -> None:
        """Write what is left; the file is complete when this returns."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._path.open("a", encoding="utf-8") as file:
                written, ending = 0, False
                while not ending:
                    ending = self._stopping.wait(FLUSH_SECONDS)
                    upto = len(self.items)
                    file.writelines(self._encode(item) + "\n" for item in self.items[written:upto])
                    file.flush()
                    written = upto
        except OSError as error:
            self.problems.append(f"{self._path.name} n'a pas pu être écrit : {explain_os_error(error)}")
