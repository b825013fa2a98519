"""Starting and stopping an instance from outside: what the command line and the tests use."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from nonreg.errors import NonregError
from nonreg.sandbox.layout import Layout, load_layout
from nonreg.sandbox.networks import FREE
from nonreg.sandbox.processes import INSTANCE_MARK, find_instance_processes
from nonreg.sandbox.teardown import end_instance, find_supervisor

PROJECT = Path(__file__).parent.parent.parent


class StartFailed(NonregError):
    """The embedded platform could not be started."""


@dataclass(frozen=True, slots=True)
class Instance:
    """A running instance; `owner` is the pipe end whose closing (or the owner's death) ends it, if owned."""

    layout: Layout
    supervisor: subprocess.Popen[bytes]
    owner: int | None


def start_instance(
    root: Path,
    network: str = FREE,
    *,
    owned: bool = True,
    defect: str | None = None,
    announce: Callable[[str], None] = lambda _line: None,
) -> Instance:
    """Start an instance and return when everything answers; StartFailed otherwise, with nothing left behind.

    An owned instance ends with the calling process, however that dies.
    """
    root = root.resolve()
    end_stale_instance(root, announce)
    root.mkdir(parents=True, exist_ok=True)
    supervisor, reports, owner = _spawn_supervisor(root, network, owned)
    try:
        last = ""
        with os.fdopen(reports, encoding="utf-8") as lines:
            for line in lines:
                last = line.strip()
                if not last.startswith(("PRET", "ECHEC")):
                    announce(last)
        layout = load_layout(root)
        if not last.startswith("PRET") or layout is None:
            told = last.startswith("ECHEC")
            reason = last.removeprefix("ECHEC ") if told else _last_line(root / "supervisor.log")
            raise StartFailed(f"La plateforme n'a pas démarré : {reason.rstrip('.')}.")
        announce(f"Plateforme embarquée prête en {last.partition(' ')[2]} s")
        if defect is not None:
            from nonreg.sandbox.defects import apply_defect

            apply_defect(layout, defect)
    except BaseException:
        _abandon(root, supervisor, owner)
        raise
    return Instance(layout, supervisor, owner)


def end_stale_instance(root: Path, announce: Callable[[str], None]) -> None:
    """End what a crash left in this folder; StartFailed when a supervisor runs there."""
    known = load_layout(root)
    layout = known or Layout(root)
    if find_supervisor(layout) is not None:
        raise StartFailed(f"La plateforme de {root} tourne déjà : arrêtez-la d'abord (« down »).")
    if known is not None or find_instance_processes(layout):
        for line in end_instance(layout):
            announce(f"reste d'une instance précédente terminé : {line}")


def _spawn_supervisor(
    root: Path, network: str, owned: bool
) -> tuple[subprocess.Popen[bytes], int, int | None]:
    report_read, report_write = os.pipe()
    owner_read, owner_write = os.pipe() if owned else (None, None)
    passed = [fd for fd in (report_write, owner_read) if fd is not None]
    with (root / "supervisor.log").open("ab") as log:
        supervisor = subprocess.Popen(
            [
                *(
                    sys.executable,
                    "-m",
                    "nonreg.sandbox.supervisor",
                    "--dir",
                    str(root),
                    "--network",
                    network,
                ),
                *("--report", str(report_write)),
                *(("--owner", str(owner_read)) if owned else ()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            pass_fds=passed,
            start_new_session=True,
            env=os.environ | {INSTANCE_MARK: str(root), "PYTHONPATH": _python_path()},
        )
    for descriptor in passed:
        os.close(descriptor)
    return supervisor, report_read, owner_write


def _abandon(root: Path, supervisor: subprocess.Popen[bytes], owner: int | None) -> None:
    if owner is not None:
        os.close(owner)
    supervisor.terminate()
    end_instance(load_layout(root) or Layout(root))
    supervisor.wait()


def stop_instance(instance: Instance) -> list[str]:
    """End an instance that this process started; returns what was ended."""
    ended = end_instance(instance.layout)
    if instance.owner is not None:
        os.close(instance.owner)
    instance.supervisor.wait()
    return ended


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))


def _last_line(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return text.strip().rpartition("\n")[2] or "le superviseur s'est arrêté sans message"
