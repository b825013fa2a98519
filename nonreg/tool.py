"""Which version of this project is at work."""

from __future__ import annotations

import importlib.metadata
import subprocess
from pathlib import Path

PACKAGE = "aquareel-nonreg"
GIT = ("describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")


def read_version() -> str:
    """The version of the installed package."""
    return importlib.metadata.version(PACKAGE)


def read_commit() -> str:
    """The git commit of the sources, `-dirty` behind one that was changed since; empty without git."""
    git = ["git", "-C", str(Path(__file__).parent), *GIT]
    try:
        done = subprocess.run(git, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
