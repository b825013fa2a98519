"""A campaign with drills in a process of its own, so that it can be killed: `python -m tests.drills.killing …`."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.campaigns import run_campaign

if __name__ == "__main__":
    platform_file, run_dir, select, approval = sys.argv[1:]
    run_campaign(Path(platform_file), Path(run_dir), "hd", select, drills=approval)
