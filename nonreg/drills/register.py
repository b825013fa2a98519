"""The register of what is to be healed: on disk before a fault is injected, shared by all runs on the platform.

    guerisons.jsonl   one line per event: registered, injected, healed, failed; flushed to the disk each time
    occupe.lock       held by the campaign whose drills are going on; dies with it

A fault is pending from its registration until it is healed, whether or not anybody knows that it was injected.
Two platform files in one folder may share a register: each line says whose it is, and nobody heals another's.
"""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nonreg.config import Platform
from nonreg.errors import ConfigError, NonregError, PlatformBusy
from nonreg.french import explain_os_error
from nonreg.model import PlannedFault
from nonreg.store import make_adapter

FILE, LOCK = "guerisons.jsonl", "occupe.lock"
REGISTERED, INJECTED, HEALED, FAILED = "registered", "injected", "healed", "failed"


@dataclass(frozen=True, slots=True)
class Entry:
    """One injection: the fault, what healing must know, whose run it belongs to; `error` of the last try to heal.

    `platform` is the identity token of the platform that it breaks.
    """

    id: str
    run_id: str
    scenario_id: str
    fault: PlannedFault
    before: dict[str, str]
    at: datetime
    worker: str = ""
    platform: str = ""
    injected: bool = False
    healed: bool = False
    error: str = ""

    @property
    def timer(self) -> str:
        """Name of the dead-man timer on the target."""
        return f"nonreg-{self.id}"


@dataclass(frozen=True, slots=True)
class Register:
    """The register of one platform, named by its identity token; every append is on the disk when it returns."""

    folder: Path
    platform: str = ""

    @property
    def path(self) -> Path:
        """The file."""
        return self.folder / FILE

    def add(
        self, run_id: str, scenario_id: str, fault: PlannedFault, before: dict[str, str], entry_id: str
    ) -> Entry:
        """Register a fault that is about to be injected."""
        entry = Entry(
            entry_id,
            run_id,
            scenario_id,
            fault,
            before,
            datetime.now(UTC),
            f"{socket.gethostname()}:{os.getpid()}",
            self.platform,
        )
        self._append(
            {
                "event": REGISTERED,
                "id": entry.id,
                "at": entry.at.isoformat(),
                "run_id": run_id,
                "scenario_id": scenario_id,
                "fault": json.loads(make_adapter(PlannedFault).dump_json(fault)),
                "before": before,
                "worker": entry.worker,
                "platform": entry.platform,
            }
        )
        return entry

    def mark(self, entry: Entry, event: str, **details: str) -> None:
        """Say what became of it."""
        self._append({"event": event, "id": entry.id, "at": datetime.now(UTC).isoformat(), **details})

    def read(self) -> tuple[Entry, ...]:
        """Every injection in order; ConfigError for a line that cannot be read, a torn last one is passed over.

        A line is torn when its writer died in the middle: the fault was not injected then.
        """
        entries: dict[str, Entry] = {}
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise ConfigError(f"Registre illisible : {self.path} ({explain_os_error(error)}).") from error
        for number, line in enumerate(lines, start=1):
            if not line.endswith(b"\n") and number == len(lines):
                break
            if not line.strip():
                continue
            try:
                take_line(json.loads(line), entries)
            except (ValueError, KeyError, TypeError) as error:
                raise ConfigError(
                    f"Registre de guérison illisible : {self.path}, ligne {number}. Rien ne peut être prouvé guéri : "
                    "vérifiez la plateforme, puis corrigez cette ligne."
                ) from error
        return tuple(entries.values())

    def pending(self) -> tuple[Entry, ...]:
        """What is not known to be healed on this platform, in order of registration."""
        return tuple(entry for entry in self.read() if not entry.healed and self._owns(entry))

    def _owns(self, entry: Entry) -> bool:
        return not entry.platform or entry.platform.lower() == self.platform.lower()

    def _append(self, event: dict[str, Any]) -> None:
        line = (json.dumps(event, ensure_ascii=False) + "\n").encode("utf-8")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            is_new = not self.path.exists()
            with self.path.open("a+b", buffering=0) as file:
                file.seek(0)
                kept = file.readall()
                whole = kept.rfind(b"\n") + 1
                if whole != len(kept):  # torn by a kill: what it announced was not done
                    file.truncate(whole)
                while line:
                    line = line[file.write(line) :]
                os.fsync(file.fileno())
            if is_new:
                descriptor = os.open(self.folder, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
        except OSError as error:
            raise NonregError(
                f"Registre de guérison impossible à écrire : {self.path} ({explain_os_error(error)})."
            ) from error


def take_line(event: dict[str, Any], entries: dict[str, Entry]) -> None:
    """Add what one line says."""
    if event["event"] == REGISTERED:
        entries[event["id"]] = Entry(
            event["id"],
            event["run_id"],
            event["scenario_id"],
            make_adapter(PlannedFault).validate_python(event["fault"]),
            {str(key): str(value) for key, value in event["before"].items()},
            datetime.fromisoformat(event["at"]),
            event["worker"],
            event.get("platform", ""),
        )
        return
    by_event: dict[str, dict[str, Any]] = {
        INJECTED: {"injected": True},
        HEALED: {"healed": True, "error": ""},
        FAILED: {"error": event.get("error", "?")},
    }
    entries[event["id"]] = dataclasses.replace(entries[event["id"]], **by_event[event["event"]])


def new_entry_id() -> str:
    """Short and unique: it names the timer on the target too."""
    return uuid.uuid4().hex[:12]


def open_register(platform: Platform) -> Register:
    """The platform's register; nothing is written before something is registered."""
    return Register(platform.path(platform.drills.state_dir), platform.identity_token)


@contextmanager
def hold_drills(register: Register, run_id: str, *, drills: bool = True) -> Iterator[int | None]:
    """Say that this process runs a campaign, or heals, on the platform; PlatformBusy when another one does.

    A process that inherits the yielded descriptor goes on saying so after our death. A campaign without `drills`
    is none the worse for a folder that cannot be written, where no drill ever was: it holds nothing then.
    """
    try:
        register.folder.mkdir(parents=True, exist_ok=True)
        lock = (register.folder / LOCK).open("a+b", buffering=0)
    except OSError as error:
        if not drills and not register.path.exists():
            yield None
            return
        raise NonregError(
            f"Dossier impossible à écrire : {register.folder} ({explain_os_error(error)})."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.seek(0)
            who = lock.read(200).decode("utf-8", "replace").strip()
            raise PlatformBusy(
                f"Une campagne, un exercice ou une guérison est en cours sur cette plateforme : {who}."
            ) from error
        with suppress(OSError):  # a full disk must not keep anybody from healing
            lock.truncate(0)
            lock.write(f"{run_id}, {socket.gethostname()}, processus {os.getpid()}".encode())
        yield lock.fileno()
