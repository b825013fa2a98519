"""A run's folder: everything a campaign records, saved between stages, so that it can be judged later.

    plan.json      what will be executed, written before anything is
    guards.json    answers of the guards
    events.jsonl   one line per event, appended as it happens
    end.json       written when the run stage ends by itself
    evidence/      files kept as proof, `essai-N/` below a scenario's folder for a retry
    approval.json  the signed decision that approves the run's drills
    drills/*.json  what each drill saw
    healed.json    what an earlier run, or a drill that was cut, had broken and this run restored
    trouble/       what was read of the platform after a failure (nonreg.captured)
    report.*       what was published, with manifest.json

A file is written whole or not at all; a torn last line of events.jsonl is ignored, any other line that
cannot be read is passed over and makes the run an interrupted one: a result may have been in it.
"""

from __future__ import annotations

import fcntl
import functools
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar, cast

from nonreg.errors import ConfigError
from nonreg.model import (
    CampaignPlan,
    CampaignRun,
    DrillRecord,
    Fact,
    Failure,
    GuardResult,
    Outcome,
    ScenarioResult,
)

T = TypeVar("T")
CLOSING_FACTS = "facts-final.json"
PLAN, GUARDS, FACTS, EVENTS, END = "plan.json", "guards.json", "facts.json", "events.jsonl", "end.json"
HEALED, DRILLS = "healed.json", "drills"
SCENARIO_EVENTS = ("scenario_started", "scenario_finished")
CLOSING_EVENTS = ("closing_check_started", "closing_check_finished")
INTERRUPTED = "Interrompu en cours d'exécution."
NO_END = "Le passage a été interrompu avant sa fin."
_appending = threading.Lock()  # scenarios may end at the same time, each in its thread


@functools.cache
def make_adapter(kind: Any) -> Any:
    """Reader and writer of one kind of value as JSON."""
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def prepare(*kinds: Any) -> None:
    """Make readers and writers while there is time: each takes some 10 ms when it is first used."""
    for kind in kinds:
        make_adapter(kind)


def dump_json(kind: Any, value: Any) -> str:
    """One value of the model as indented JSON."""
    return str(make_adapter(kind).dump_json(value, indent=2).decode("utf-8"))


def load_json(kind: type[T], path: Path) -> T:
    """One value of the model from a file; ConfigError when it is not one."""
    from pydantic import ValidationError

    try:
        adapter = make_adapter(cast(Hashable, kind))
        value: T = adapter.validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise ConfigError(f"Fichier absent : {path}") from error
    except ValidationError as error:
        raise ConfigError(f"{path} : contenu illisible ({error.errors()[0]['msg']}).") from error
    return value


def write_file(path: Path, content: str | bytes) -> None:
    """Replace a file atomically, so that a kill leaves the old or the new one."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def hash_file(path: Path) -> str:
    """SHA-256 of a file's bytes, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def save_plan(run_dir: Path, plan: CampaignPlan) -> None:
    """Open the run's folder with its plan."""
    (run_dir / "evidence").mkdir(parents=True, exist_ok=True)
    write_file(run_dir / PLAN, dump_json(CampaignPlan, plan))


def save_guards(run_dir: Path, guards: tuple[GuardResult, ...]) -> None:
    """Keep the answers of the guards."""
    write_file(run_dir / GUARDS, dump_json(tuple[GuardResult, ...], guards))


def save_facts(run_dir: Path, facts: tuple[Fact, ...], *, closing: bool = False) -> None:
    """Keep what was read of the environment, at the start or before the closing checks."""
    write_file(run_dir / (CLOSING_FACTS if closing else FACTS), dump_json(tuple[Fact, ...], facts))


def load_latest_facts(run_dir: Path) -> tuple[Fact, ...]:
    """What was last read of the environment: since then, drills broke nothing; ConfigError when it was never read."""
    closing = run_dir / CLOSING_FACTS
    return load_json(tuple[Fact, ...], closing if closing.is_file() else run_dir / FACTS)


def save_end(run_dir: Path, ended_at: datetime, pytest_exit: int | None, interruption: str = "") -> None:
    """Close the run stage; a run without this file was interrupted."""
    end = {"ended_at": ended_at.isoformat(), "pytest_exit": pytest_exit, "interruption": interruption}
    write_file(run_dir / END, json.dumps(end, ensure_ascii=False))


@contextmanager
def hold_run(run_dir: Path) -> Iterator[None]:
    """Mark a run as going on by a lock of its plan, which dies with its holder; nothing where there are no locks."""
    with (run_dir / PLAN).open("rb") as plan:
        with suppress(OSError):
            fcntl.flock(plan, fcntl.LOCK_EX)
        yield


def is_running(run_dir: Path) -> bool:
    """True while a living process holds the run."""
    try:
        with (run_dir / PLAN).open("rb") as plan:
            fcntl.flock(plan, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # no plan, or no locks on this file system
        return False
    return False


def append_event(run_dir: Path, event: dict[str, Any]) -> None:
    """Append one event, whole, on a line of its own even after a line that was torn (kill, full disk)."""
    line = (json.dumps(event, ensure_ascii=False, default=str) + "\n").encode("utf-8", "replace")
    with _appending, (run_dir / EVENTS).open("a+b", buffering=0) as file:
        size = file.seek(0, os.SEEK_END)
        if size and os.pread(file.fileno(), 1, size - 1) != b"\n":
            line = b"\n" + line
        while line:
            line = line[file.write(line) :]


def read_events(run_dir: Path) -> Iterator[dict[str, Any]]:
    """Events in order of occurrence, without the lines that cannot be read."""
    return (event for event in _read_lines(run_dir) if event is not None)


def _read_lines(run_dir: Path) -> Iterator[dict[str, Any] | None]:
    """Each line's event, None where there is none in it; stops before a torn last line."""
    path = run_dir / EVENTS
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines(keepends=True):
        if not line.endswith(b"\n"):
            return
        try:
            event = json.loads(line)
        except ValueError:  # no JSON, or no UTF-8
            event = None
        yield event if isinstance(event, dict) and "event" in event else None


def load_run(run_dir: Path) -> CampaignRun:
    """A run as recorded, ended or not, every attempt of each scenario in order; ConfigError without a plan."""
    if not (run_dir / PLAN).is_file():
        raise ConfigError(f"Aucun passage de campagne dans {run_dir} (plan.json absent).")
    plan = load_json(CampaignPlan, run_dir / PLAN)
    guards = load_json(tuple[GuardResult, ...], run_dir / GUARDS) if (run_dir / GUARDS).is_file() else ()
    facts = load_json(tuple[Fact, ...], run_dir / FACTS) if (run_dir / FACTS).is_file() else ()
    results, closing, unreadable = _read_results(run_dir)
    drills, lost_drills = _read_drills(run_dir, plan)
    end = _read_end(run_dir / END)
    interruption = end.get("interruption", "") if end else NO_END
    if unreadable:
        lost = f"{EVENTS} a {unreadable} ligne(s) illisible(s) : des résultats ont pu être perdus."
        interruption = f"{interruption} {lost}".strip()
    interruption = " ".join(filter(None, (interruption, *lost_drills)))
    return CampaignRun(
        plan=plan,
        guards=guards,
        facts=facts,
        results=results,
        started_at=plan.created_at,
        ended_at=end.get("ended_at"),
        pytest_exit=end.get("pytest_exit"),
        interruption=interruption,
        closing=closing,
        drills=drills,
        healed=read_healed(run_dir),
    )


def _read_end(path: Path) -> dict[str, Any]:
    """How the run stage ended; empty when it did not, or when a machine that stopped left nothing in the file."""
    try:
        end = json.loads(path.read_text(encoding="utf-8"))
        return {**end, "ended_at": datetime.fromisoformat(end["ended_at"])}
    except (FileNotFoundError, KeyError, TypeError, ValueError):
        return {}


def read_healed(run_dir: Path) -> tuple[str, ...]:
    """What this run restored outside its drills, in French."""
    file = run_dir / HEALED
    return load_json(tuple[str, ...], file) if file.is_file() else ()


def add_healed(run_dir: Path, sentences: Iterable[str]) -> None:
    """Keep what was restored, as it is."""
    kept = tuple(dict.fromkeys((*read_healed(run_dir), *sentences)))
    if kept:
        write_file(run_dir / HEALED, dump_json(tuple[str, ...], kept))


def _read_drills(run_dir: Path, plan: CampaignPlan) -> tuple[tuple[DrillRecord, ...], tuple[str, ...]]:
    """What each drill of the plan saw, in its order, and a sentence for each record that cannot be read."""
    found, lost = [], []
    for drill in plan.drills:
        file = run_dir / DRILLS / f"{drill.scenario_id}.json"
        if not file.is_file():
            continue
        try:
            found.append(load_json(DrillRecord, file))
        except ConfigError:
            lost.append(f"{DRILLS}/{file.name} est illisible : le relevé de l'exercice est perdu.")
    return tuple(found), tuple(lost)


def _read_results(run_dir: Path) -> tuple[tuple[ScenarioResult, ...], tuple[ScenarioResult, ...], int]:
    """Results of the plan, then of the closing checks, and how many lines were unreadable."""
    plan, closing = _Results(SCENARIO_EVENTS), _Results(CLOSING_EVENTS)
    unreadable = 0
    for event in _read_lines(run_dir):
        try:
            if event is None:
                raise ValueError("unreadable line")
            plan.take(event)
            closing.take(event)
        except (KeyError, TypeError, ValueError):
            unreadable += 1
    return plan.settle(), closing.settle(), unreadable


class _Results:
    """One result per scenario and attempt; what started and never finished was interrupted."""

    def __init__(self, events: tuple[str, str]) -> None:
        self._started, self._finished = events
        self._results: dict[tuple[str, int], ScenarioResult] = {}
        self._running: dict[tuple[str, int], datetime] = {}

    def take(self, event: dict[str, Any]) -> None:
        """Add what one event says; an error of Python when it is not what was written."""
        if event["event"] == self._started:
            key = event["scenario_id"], event.get("attempt", 1)
            self._running[key] = datetime.fromisoformat(event["at"])
        elif event["event"] == self._finished:
            result: ScenarioResult = make_adapter(ScenarioResult).validate_python(event["result"])
            self._running.pop((result.scenario_id, result.attempt), None)
            self._results[result.scenario_id, result.attempt] = result

    def settle(self) -> tuple[ScenarioResult, ...]:
        """All results, the interrupted ones too."""
        interrupted = {
            (scenario_id, attempt): ScenarioResult(
                scenario_id,
                Outcome.INCONCLUSIF,
                INTERRUPTED,
                started_at=at,
                attempt=attempt,
                failure=Failure.DELAI,
            )
            for (scenario_id, attempt), at in self._running.items()
        }
        return tuple({**self._results, **interrupted}.values())
