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
from nonreg.sandbox.processes import INSTANCE_MARK
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
    stale = load_layout(root)
    if stale is not None:
        if find_supervisor(stale) is not None:
            raise StartFailed(f"La plateforme de {root} tourne déjà : arrêtez-la d'abord (« down »).")
        for line in end_instance(stale):
            announce(f"reste d'une instance précédente terminé : {line}")
    root.mkdir(parents=True, exist_ok=True)
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
    last = ""
    with os.fdopen(report_read, encoding="utf-8") as lines:
        for line in lines:
            last = line.strip()
            if not last.startswith(("PRET", "ECHEC")):
                announce(last)
    layout = load_layout(root)
    if not last.startswith("PRET") or layout is None:
        supervisor.wait()
        reason = (
            last.removeprefix("ECHEC ") if last.startswith("ECHEC") else _last_line(root / "supervisor.log")
        )
        if layout is not None:
            end_instance(layout)
        raise StartFailed(f"La plateforme n'a pas démarré : {reason}")
    announce(f"prête en {last.partition(' ')[2]} s")
    instance = Instance(layout, supervisor, owner_write)
    if defect is not None:
        _apply_defect(instance, defect)
    return instance


def stop_instance(instance: Instance) -> list[str]:
    """End an instance that this process started; returns what was ended."""
    ended = end_instance(instance.layout)
    if instance.owner is not None:
        os.close(instance.owner)
    instance.supervisor.wait()
    return ended


def _apply_defect(instance: Instance, defect: str) -> None:
    from nonreg.sandbox.defects import apply_defect

    try:
        apply_defect(instance.layout, defect)
    except BaseException:
        stop_instance(instance)
        raise


def _python_path() -> str:
    return os.pathsep.join(filter(None, [str(PROJECT), os.environ.get("PYTHONPATH")]))


def _last_line(path: Path) -> str:
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    return text.strip().rpartition("\n")[2] or "le superviseur s'est arrêté sans message"
