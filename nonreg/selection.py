"""Which scenario ids a selection means: comma-separated shell-like patterns, empty for all."""

from __future__ import annotations

import fnmatch


def is_selected(scenario_id: str, selection: str) -> bool:
    """True when the id matches one of the patterns (`HD-00*,BASE-004`)."""
    patterns = [part.strip() for part in selection.split(",") if part.strip()] or ["*"]
    return any(fnmatch.fnmatchcase(scenario_id, pattern) for pattern in patterns)
