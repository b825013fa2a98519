"""Writing a report where people find it, with the hashes that let anyone check it."""

from __future__ import annotations

import json
from pathlib import Path

from nonreg.store import hash_file, write_file
from reports.render import Rendered

MANIFEST = "manifest.json"
NOT_EVIDENCE = (MANIFEST, "prefect.log")  # the log is still written while we publish


def publish_files(run_dir: Path, rendered: Rendered) -> Path:
    """Write the four files and the manifest of the whole run folder; returns the HTML file."""
    files: dict[str, str | bytes] = {
        "report.json": rendered.json,
        "report.html": rendered.html,
        "report.pdf": rendered.pdf,
        "junit.xml": rendered.junit,
    }
    for name, content in files.items():
        write_file(run_dir / name, content)
    hashes = {
        path.relative_to(run_dir).as_posix(): hash_file(path)
        for path in sorted(run_dir.rglob("*"))
        if path.is_file() and path.name not in NOT_EVIDENCE and ".prefect" not in path.parts
    }
    write_file(run_dir / MANIFEST, json.dumps({"sha256": hashes}, ensure_ascii=False, indent=2) + "\n")
    return run_dir / "report.html"
