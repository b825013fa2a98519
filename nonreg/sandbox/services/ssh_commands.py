"""The commands that a host's SSH server answers: an allow-list, with the output a Linux host would give.

Paths are relative to the site's folder and may not leave it, not even through a symbolic link.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from nonreg.sandbox.control import ACTIONS, OrderRefused, send_order
from nonreg.sandbox.layout import DATABASE_SITES, SERVICES, Layout
from nonreg.sandbox.processes import find_recorded

UNIT_PREFIX, UNIT_SUFFIX = "aquareel-", ".service"
NOT_FOUND, USAGE, FAILED = 127, 2, 1
LISTENING = "0A"  # of /proc/net/tcp
STOPPED_UNIT = {
    "LoadState": "not-found",
    "ActiveState": "inactive",
    "SubState": "dead",
    "MainPID": "0",
    "NRestarts": "0",
    "ExecMainStartTimestamp": "",
}


@dataclass(frozen=True, slots=True)
class Output:
    """What a command gave."""

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


class PathRefused(Exception):
    """A path that leaves the site's folder; the message is a Linux one."""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine that one site's SSH server stands for."""

    layout: Layout
    site: str

    @property
    def folder(self) -> Path:
        """All that the commands may see."""
        return self.layout.site_dir(self.site)


def run_command(host: Host, line: str) -> Output:
    """Answer one command line; exit code 127 when it is not in the list."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        return Output(USAGE, b"", f"sh: {error}\n".encode())
    command = COMMANDS.get(words[0]) if words else None
    if command is None:
        return Output(NOT_FOUND, b"", f"{words[0] if words else ''}: command not found\n".encode())
    try:
        return command(host, words[1:])
    except PathRefused as error:
        return Output(FAILED, b"", f"{words[0]}: {error}\n".encode())
    except OSError as error:
        return Output(
            FAILED, b"", f"{words[0]}: {Path(error.filename or '').name}: {error.strerror}\n".encode()
        )


def resolve_inside(host: Host, text: str) -> Path:
    """The real path of a relative one; PathRefused when it is outside the site's folder."""
    root = host.folder.resolve()
    path = (root / text).resolve()
    if text.startswith("/") or not path.is_relative_to(root):
        raise PathRefused(f"{text}: Permission denied")
    return path


def _not_listed(words: list[str]) -> Output:
    return Output(NOT_FOUND, b"", f"{' '.join(words)}: command not found\n".encode())


def _systemctl(host: Host, words: list[str]) -> Output:
    if words[:1] == ["show"]:
        return _show_unit(host, words[1:])
    if len(words) == 2 and words[0] in ACTIONS:
        service = _service_of(words[1])
        if service not in _units(host):
            return Output(5, b"", f"Failed to {words[0]} {words[1]}: Unit {words[1]} not found.\n".encode())
        try:
            send_order(host.layout, words[0], host.site, service)
        except OrderRefused as error:
            return Output(FAILED, b"", f"Job for {words[1]} failed: {error}\n".encode())
        return Output()
    return _not_listed(["systemctl", *words])


def _show_unit(host: Host, words: list[str]) -> Output:
    if len(words) == 3 and words[0] == "-p":
        names, unit = words[1].split(","), words[2]
    elif len(words) == 2 and words[0].startswith("--property="):
        names, unit = words[0].partition("=")[2].split(","), words[1]
    else:
        return _not_listed(["systemctl show", *words])
    state = read_unit(host, _service_of(unit))
    return Output(0, "".join(f"{name}={state[name]}\n" for name in names if name in state).encode())


def read_unit(host: Host, service: str) -> dict[str, str]:
    """State of a unit in systemd's words; the truth is the live process behind the pid file."""
    if service not in _units(host):
        return STOPPED_UNIT
    state = STOPPED_UNIT | {"LoadState": "loaded"}
    pid_file = host.layout.pid_file(host.site, service)
    process = find_recorded(pid_file)
    if process is None:
        # An ordered stop removes the pid file; one that is left belongs to a process that died.
        died = {"ActiveState": "failed", "SubState": "failed"} if pid_file.exists() else {}
        return state | died
    try:
        began = datetime.fromtimestamp(process.create_time(), UTC)
    except psutil.NoSuchProcess:
        return state | {"ActiveState": "failed", "SubState": "failed"}
    return state | {
        "ActiveState": "active",
        "SubState": "running",
        "MainPID": str(process.pid),
        "ExecMainStartTimestamp": f"{began:%a %Y-%m-%d %H:%M:%S UTC}",
    }


def _service_of(unit: str) -> str:
    return unit.removeprefix(UNIT_PREFIX).removesuffix(UNIT_SUFFIX) if unit.startswith(UNIT_PREFIX) else ""


def _units(host: Host) -> tuple[str, ...]:
    return SERVICES[host.site] + (("postgresql",) if host.site in DATABASE_SITES else ())


def _date(_host: Host, words: list[str]) -> Output:
    if words != ["-u", "+%s.%N"]:
        return _not_listed(["date", *words])
    seconds, nanoseconds = divmod(time.time_ns(), 1_000_000_000)
    return Output(0, f"{seconds}.{nanoseconds:09d}\n".encode())


def _sha256sum(host: Host, words: list[str]) -> Output:
    lines, errors = [], []
    for text in words:
        try:
            with resolve_inside(host, text).open("rb") as file:
                lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {text}\n")
        except PathRefused as error:
            errors.append(f"sha256sum: {error}\n")
        except OSError as error:
            errors.append(f"sha256sum: {text}: {error.strerror}\n")
    return Output(FAILED if errors else 0, "".join(lines).encode(), "".join(errors).encode())


def _cat(host: Host, words: list[str]) -> Output:
    if len(words) != 1:
        return _not_listed(["cat", *words])
    return Output(0, resolve_inside(host, words[0]).read_bytes())


def _tail(host: Host, words: list[str]) -> Output:
    if len(words) != 3 or words[0] != "-n" or not words[1].isdecimal():
        return _not_listed(["tail", *words])
    lines = resolve_inside(host, words[2]).read_bytes().splitlines(keepends=True)
    count = int(words[1])
    return Output(0, b"".join(lines[-count:] if count else []))


def _ls(host: Host, words: list[str]) -> Output:
    if len(words) > 1 or any(word.startswith("-") for word in words):
        return _not_listed(["ls", *words])
    path = resolve_inside(host, words[0] if words else ".")
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [words[0]]
    if not path.exists():
        return Output(USAGE, b"", f"ls: cannot access '{words[0]}': No such file or directory\n".encode())
    return Output(0, "".join(f"{name}\n" for name in names if not name.startswith(".")).encode())


def _df(host: Host, words: list[str]) -> Output:
    if words != ["-B1", "--output=avail", "."]:
        return _not_listed(["df", *words])
    space = os.statvfs(host.folder)
    free = str(space.f_bavail * space.f_frsize)
    return Output(0, f"{'Avail':>{len(free)}}\n{free}\n".encode())


def _ss(host: Host, words: list[str]) -> Output:
    if words != ["-ltn"]:
        return _not_listed(["ss", *words])
    own = host.layout.address(host.site)
    lines = ["State  Recv-Q Send-Q Local Address:Port  Peer Address:Port Process"]
    lines += [
        f"LISTEN 0      {128:<6} {own + ':' + str(port):>18}       0.0.0.0:*          "
        for port in find_listening_ports(own)
    ]
    return Output(0, ("\n".join(lines) + "\n").encode())


def find_listening_ports(address: str) -> list[int]:
    """TCP ports that anybody listens on at this very address."""
    wanted = "".join(f"{int(part):02X}" for part in reversed(address.split(".")))
    ports = set()
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        local, _, port = fields[1].partition(":")
        if fields[3] == LISTENING and local == wanted:
            ports.add(int(port, 16))
    return sorted(ports)


def _uname(_host: Host, words: list[str]) -> Output:
    if words != ["-sr"]:
        return _not_listed(["uname", *words])
    system = os.uname()
    return Output(0, f"{system.sysname} {system.release}\n".encode())


COMMANDS: dict[str, Callable[[Host, list[str]], Output]] = {
    "systemctl": _systemctl,
    "date": _date,
    "sha256sum": _sha256sum,
    "cat": _cat,
    "tail": _tail,
    "ls": _ls,
    "df": _df,
    "ss": _ss,
    "uname": _uname,
}
