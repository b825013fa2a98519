"""What every command of an SSH host shares: the machine it speaks of, and the form of its answer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from nonreg.sandbox.layout import Layout

FAILED, USAGE, INACTIVE, NOT_LOADED, NOT_FOUND = 1, 2, 3, 5, 127


@dataclass(frozen=True, slots=True)
class Output:
    """What a command gave."""

    exit_code: int = 0
    stdout: bytes = b""
    stderr: bytes = b""


@dataclass(frozen=True, slots=True)
class Host:
    """The machine that one site's SSH server stands for."""

    layout: Layout
    site: str

    @property
    def folder(self) -> Path:
        """All that the commands may see."""
        return self.layout.site_dir(self.site)


def say(text: str, exit_code: int = 0) -> Output:
    """Lines on the standard output."""
    return Output(exit_code, text.encode() + b"\n")


def fail(text: str, exit_code: int = FAILED) -> Output:
    """Lines on the error output."""
    return Output(exit_code, b"", text.encode() + b"\n")


def refuse(*words: str) -> Output:
    """The answer to a command that is not in the list."""
    return fail(f"{' '.join(words)}: command not found", NOT_FOUND)
