"""The `[tracker]` table of a platform file: which tracking platform, which project, where its key is.

    [tracker]
    kind = "redmine"                      # redmine, gitlab or dossier (files of this machine)
    url = "https://suivi.exemple.fr"      # for a folder: `folder`, from base_dir
    project = "aquareel"                  # Redmine identifier, GitLab path or number
    prefix = "AQ"                         # AQ-12 is ticket 12 there
    key_env = "NONREG_TRACKER_KEY"        # the name of the secret, never its value

What opens regressions' tickets: `regression_kind` (Redmine tracker, GitLab label) and, where the platform has such a
field, `fingerprint_field` (Redmine custom field by name).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from nonreg.links import find_address_problem

PREFIX = re.compile(r"[A-Z][A-Z0-9]*")
MAX_SECONDS = 600.0


class TrackerKind(StrEnum):
    """The tracking platforms that we know."""

    REDMINE = "redmine"
    GITLAB = "gitlab"
    FOLDER = "dossier"


@dataclass(frozen=True, slots=True)
class TrackerSettings:
    """A tracking platform; `max_attachment_bytes` is what it takes, larger files are named with their hash instead."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}
    kind: TrackerKind
    url: str = ""
    folder: str = ""
    project: str = ""
    prefix: str = "AQ"
    key_env: str = ""
    ca_file: str = ""
    timeout_seconds: float = 20.0
    max_attachment_bytes: int = 5 * 1024 * 1024
    regression_kind: str = ""
    fingerprint_field: str = ""


def find_tracker_problem(settings: TrackerSettings) -> tuple[str, str] | None:
    """The first key of the table that is wrong, and why, in French; None when the table is sound."""
    if not PREFIX.fullmatch(settings.prefix):
        return "prefix", f"préfixe de ticket mal formé : « {settings.prefix} » (attendu : AQ)"
    if not 0 < settings.timeout_seconds <= MAX_SECONDS:
        return "timeout_seconds", f"un nombre positif, au plus {MAX_SECONDS:g}, est attendu"
    if settings.max_attachment_bytes <= 0:
        return "max_attachment_bytes", "un nombre positif d'octets est attendu"
    if settings.kind is TrackerKind.FOLDER:
        return None if settings.folder else ("kind", "un suivi local a besoin de « folder »")
    for key in ("url", "project", "key_env"):
        if not getattr(settings, key):
            return "kind", f"un suivi {settings.kind} a besoin de « {key} »"
    problem = find_address_problem(settings.url)
    return ("url", problem) if problem else None
