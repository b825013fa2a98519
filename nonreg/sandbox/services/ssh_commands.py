"""The commands that a host's SSH server answers: an allow-list, with the output a Linux host would give.

Paths are relative to the site's folder and may not leave it, not even through a symbolic link.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path

from nonreg.sandbox.layout import HYPERVISOR
from nonreg.sandbox.services.ssh_host import FAILED, USAGE, Host, Output, fail, refuse
from nonreg.sandbox.services.ssh_units import run_later, run_systemctl, run_timer_systemctl
from nonreg.sandbox.services.ssh_virsh import run_virsh

LISTENING = "0A"  # of /proc/net/tcp


class PathRefused(Exception):
    """A path that leaves the site's folder; the message is a Linux one."""


def run_command(host: Host, line: str) -> Output:
    """Answer one command line; exit code 127 when it is not in the list."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        return fail(f"sh: {error}", USAGE)
    commands = HYPERVISOR_COMMANDS if host.site == HYPERVISOR else COMMANDS
    command = commands.get(words[0]) if words else None
    if command is None:
        return refuse(*words[:1])
    try:
        return command(host, words[1:])
    except PathRefused as error:
        return fail(f"{words[0]}: {error}")
    except OSError as error:
        return fail(f"{words[0]}: {Path(error.filename or '').name}: {error.strerror}")


def resolve_inside(host: Host, text: str) -> Path:
    """The real path of a relative one; PathRefused when it is outside the site's folder."""
    root = host.folder.resolve()
    path = (root / text).resolve()
    if text.startswith("/") or not path.is_relative_to(root):
        raise PathRefused(f"{text}: Permission denied")
    return path


def _date(_host: Host, words: list[str]) -> Output:
    if words != ["-u", "+%s.%N"]:
        return refuse("date", *words)
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
        return refuse("cat", *words)
    return Output(0, resolve_inside(host, words[0]).read_bytes())


def _tail(host: Host, words: list[str]) -> Output:
    if len(words) != 3 or words[0] != "-n" or not words[1].isdecimal():
        return refuse("tail", *words)
    lines = resolve_inside(host, words[2]).read_bytes().splitlines(keepends=True)
    count = int(words[1])
    return Output(0, b"".join(lines[-count:] if count else []))


def _ls(host: Host, words: list[str]) -> Output:
    if len(words) > 1 or any(word.startswith("-") for word in words):
        return refuse("ls", *words)
    path = resolve_inside(host, words[0] if words else ".")
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else [words[0]]
    if not path.exists():
        return Output(USAGE, b"", f"ls: cannot access '{words[0]}': No such file or directory\n".encode())
    return Output(0, "".join(f"{name}\n" for name in names if not name.startswith(".")).encode())


def _df(host: Host, words: list[str]) -> Output:
    if words != ["-B1", "--output=avail", "."]:
        return refuse("df", *words)
    space = os.statvfs(host.folder)
    free = str(space.f_bavail * space.f_frsize)
    return Output(0, f"{'Avail':>{len(free)}}\n{free}\n".encode())


def _ss(host: Host, words: list[str]) -> Output:
    if words != ["-ltn"]:
        return refuse("ss", *words)
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
        return refuse("uname", *words)
    system = os.uname()
    return Output(0, f"{system.sysname} {system.release}\n".encode())


Command = Callable[[Host, list[str]], Output]
COMMANDS: dict[str, Command] = {
    "systemctl": run_systemctl,
    "systemd-run": run_later,
    "date": _date,
    "sha256sum": _sha256sum,
    "cat": _cat,
    "tail": _tail,
    "ls": _ls,
    "df": _df,
    "ss": _ss,
    "uname": _uname,
}
HYPERVISOR_COMMANDS: dict[str, Command] = {
    "virsh": run_virsh,
    "systemctl": run_timer_systemctl,
    "systemd-run": run_later,
    "date": _date,
    "uname": _uname,
}
