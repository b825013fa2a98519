"""Microsoft's driver in `mssql-python-odbc`, the package that carries it: which of its files is this machine's."""

from __future__ import annotations

import importlib.util
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePath
from typing import TypeVar

PACKAGE = "mssql_python_odbc"
LIBRARIES = {
    "Linux": "libmsodbcsql-18.*.so.*",
    "Darwin": "libmsodbcsql.18.dylib",
    "Windows": "msodbcsql18.dll",
}
X86_64, ARM64 = (
    frozenset({"x86_64", "amd64", "x64"}),
    frozenset({"arm64", "aarch64"}),
)  # one processor, many names
AnyPath = TypeVar("AnyPath", bound=PurePath)


def find_wheel_driver() -> Path | None:
    """The driver's file for this machine, without importing the package; None when there is none."""
    spec = importlib.util.find_spec(PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).rglob("*")]
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    return choose_library(found, platform.system(), platform.machine(), release)


def choose_library(
    found: Iterable[AnyPath], system: str, machine: str, release: Mapping[str, str]
) -> AnyPath | None:
    """Of the package's files the driver for this system, processor and, on Linux, distribution (`os-release`)."""
    names = next((one for one in (X86_64, ARM64) if machine.lower() in one), frozenset({machine}))
    drivers = [path for path in found if system in LIBRARIES and path.match(LIBRARIES[system])]
    ours = [path for path in drivers if names & set(path.parts)]
    words = f"{release.get('ID', '')} {release.get('ID_LIKE', '')}".split()
    near = [path for path in ours if any(word in part.split("_") for word in words for part in path.parts)]
    return min(near or ours, default=None)
