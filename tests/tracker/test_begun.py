"""What the first command of a new folder of runs adds is told: it began before it added anything."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import nonreg.__main__
from datetime import UTC, datetime
added_at = datetime.now(UTC)
from tasks.tracking import BEGUN_AT
raise SystemExit(BEGUN_AT >= added_at)
"""


def test_a_command_began_before_whatever_it_adds_to_the_ledger() -> None:
    assert subprocess.run([sys.executable, "-c", SCRIPT], check=False).returncode == 0
