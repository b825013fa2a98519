"""The packages that campaigns and runbooks need: importable, and at the versions of requirements.lock.

They are imported in a process of their own: to be found is not to be loadable, and Prefect is not for this one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from nonreg.prefect_home import describe_home

LOCK = Path(__file__).parents[3] / "requirements.lock"
# The name of each package that matters, and of the module that it brings.
MODULES = {
    "prefect": "prefect",
    "fastapi": "fastapi",
    "sqlalchemy": "sqlalchemy",
    "psycopg": "psycopg",
    "paramiko": "paramiko",
    "cryptography": "cryptography",
    "filelock": "filelock",
    "requests": "requests",
    "jinja2": "jinja2",
    "typst": "typst",
    "pytest": "pytest",
    "pytest-timeout": "pytest_timeout",
    "rich": "rich",
    "junitparser": "junitparser",
    "python-docx": "docx",
    "xlsxwriter": "xlsxwriter",
    "pydantic": "pydantic",
    "sqlglot": "sqlglot",
    "numpy": "numpy",
    "tzdata": "tzdata",
    "holidays": "holidays",
    "psutil": "psutil",
    "platformdirs": "platformdirs",
}
PIN = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)")
IMPORT_SECONDS = 120.0
PROGRAM = """
import importlib, importlib.metadata, json, sys
found = {}
for name, module in json.loads(sys.argv[1]).items():
    try:
        importlib.import_module(module)
        found[name] = importlib.metadata.version(name)
    except BaseException as error:
        found[name] = "!" + type(error).__name__
print("\\n" + json.dumps(found))
"""


def parse_lock(text: str) -> dict[str, str]:
    """Version by name of package; hashes, comments and markers apart. Pure."""
    pins = (PIN.match(line) for line in text.splitlines())
    return {re.sub(r"[-_.]+", "-", pin[1]).lower(): pin[2] for pin in pins if pin is not None}


def read_installed(modules: Mapping[str, str] = MODULES) -> dict[str, str]:
    """Version of each package that can be imported here; `!` and the error's name for the others."""
    with tempfile.TemporaryDirectory() as home:
        try:
            done = subprocess.run(
                [sys.executable, "-c", PROGRAM, json.dumps(dict(modules))],
                env={**os.environ, **describe_home(Path(home))},
                capture_output=True,
                text=True,
                timeout=IMPORT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            return dict.fromkeys(modules, f"!{type(error).__name__}")
    lines = done.stdout.strip().splitlines()
    try:
        return {str(name): str(version) for name, version in json.loads(lines[-1]).items()}
    except (IndexError, ValueError, AttributeError):  # the process died of one of them
        return dict.fromkeys(modules, f"!code {done.returncode}")


def find_package_problems(lock: str, installed: Mapping[str, str]) -> tuple[list[str], int]:
    """What is not as locked, in French, and how many packages were looked at. Pure."""
    pins, problems = parse_lock(lock), []
    for name, version in sorted(installed.items()):
        if version.startswith("!"):
            problems.append(f"{name} ne s'importe pas ({version[1:]})")
        elif name not in pins:
            problems.append(f"{name} n'est pas dans requirements.lock")
        elif version != pins[name]:
            problems.append(f"{name} est en {version}, {pins[name]} est verrouillé")
    if not installed:
        problems.append("aucun paquet n'a été regardé")
    return problems, len(installed)
