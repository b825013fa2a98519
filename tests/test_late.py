"""Drivers are loaded when they are first used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nonreg.clients.late import DRIVERS


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout


def test_what_a_collection_needs_loads_no_heavy_driver() -> None:
    loaded = run(
        "import sys, nonreg.recorder, nonreg.fixtures, nonreg.sqlfiles.collect, nonreg.standby\n"
        f"print([name for name in {DRIVERS} if name in sys.modules])"
    )
    assert loaded == "[]\n"


@pytest.mark.parametrize(
    ("name", "of_it"), [("sqlalchemy", "exc.SQLAlchemyError"), ("paramiko", "SSHClient")]
)
def test_a_driver_is_itself_from_its_first_use(name: str, of_it: str) -> None:
    same = run(
        f"from nonreg.clients import late\nfound = late.{name}.{of_it}\nimport {name}\nprint(found is {name}.{of_it})"
    )
    assert same == "True\n"
