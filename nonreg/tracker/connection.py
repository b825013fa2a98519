"""The tracker that a platform's file names; an adapter is imported when it is the one."""

from __future__ import annotations

from pathlib import Path

from nonreg.config import Platform
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.protocol import Tracker
from nonreg.tracker.settings import TrackerKind


def open_tracker(platform: Platform) -> Tracker | None:
    """The tracker of a platform, None where nobody named one; ConfigError when its key is nowhere.

    Nothing is asked of it yet: each method says when it cannot be reached.
    """
    settings = platform.tracker
    if settings is None:
        return None
    if settings.kind is TrackerKind.FOLDER:
        return FolderTracker(platform.path(settings.folder), settings.prefix, settings.regression_kind)
    key = platform.secret(settings.key_env)
    ca_file = str(platform.path(settings.ca_file)) if settings.ca_file else ""
    if settings.kind is TrackerKind.REDMINE:
        from nonreg.tracker.redmine import open_redmine

        return open_redmine(settings, key, ca_file)
    from nonreg.tracker.gitlab import open_gitlab

    return open_gitlab(settings, key, ca_file)


def find_folder(platform: Platform) -> Path | None:
    """Where a local tracker's files are; None for another, or none."""
    settings = platform.tracker
    if settings is None or settings.kind is not TrackerKind.FOLDER:
        return None
    return platform.path(settings.folder)
