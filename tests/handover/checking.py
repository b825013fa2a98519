"""Contexts for the checks: a running embedded platform, seen through a copy of its file that a test may change.

The subject declares the technical accounts of that file; named accounts have tests of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace as alter
from datetime import UTC, datetime
from pathlib import Path

from nonreg.config import load_platform
from nonreg.handover.checks import CheckContext, CheckResult, Point
from nonreg.people import GOVERNANCE_DIR, People, load_people
from nonreg.sandbox.layout import Layout

Change = Callable[[str], str]
NOW = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
SUBJECT = "renfort-technique-essai"
TECHNICAL = ("nonreg", "nr_reader", "nr_writer", "consultation")


def make_context(
    layout: Layout,
    folder: Path,
    change: Change = lambda text: text,
    people: People | None = None,
    subject: str = SUBJECT,
) -> CheckContext:
    """What a check is given; the platform's file is `change`d first, which must change something or be nothing."""
    file = folder / "plateforme.toml"
    file.write_text(change(layout.platform_file.read_text(encoding="utf-8")), encoding="utf-8")
    platform = load_platform(str(file))
    people = people or load_technical_people()
    return CheckContext(platform, file, people, subject, NOW, runs_dir=folder / "passages")


def load_technical_people() -> People:
    """The embedded people, with the subject as holder of the technical accounts."""
    people = load_people(GOVERNANCE_DIR / "embarquee", load_platform("embarquee").identity_token)
    return alter(
        people,
        persons=tuple(alter(one, accounts=TECHNICAL) if one.id == SUBJECT else one for one in people.persons),
    )


def replace(old: str, new: str, count: int = -1) -> Change:
    """A change of the file that cannot silently change nothing."""

    def change(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, count)

    return change


def find(result: CheckResult, title: str) -> Point:
    """The only point whose title holds these words."""
    (point,) = [point for point in result.points if title in point.title]
    return point


def list_wrong(result: CheckResult) -> list[str]:
    """Titles of the points that are not ok; each has a remedy, and no other has."""
    for point in result.points:
        assert bool(point.remedy) is not point.ok, point
    return [point.title for point in result.points if not point.ok]
