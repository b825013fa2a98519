"""The tickets of the tracking platform, for whoever takes over."""

from __future__ import annotations

from datetime import datetime, time

from nonreg.model.briefing import TrackedTicket
from nonreg.tracker.connection import open_tracker
from nonreg.working_time import PARIS
from tasks.handover_work import Work


def read_open_tickets(work: Work) -> tuple[TrackedTicket, ...] | None:
    """The open tickets of the platform; None where no tracker is named, an error of ours when it does not answer."""
    tracker = open_tracker(work.platform)
    if tracker is None:
        return None
    try:
        found = tracker.list_tickets(open_only=True)
    finally:
        tracker.close()
    return tuple(
        TrackedTicket(
            one.reference,
            one.title,
            one.status,
            datetime.combine(one.due, time(23, 59), PARIS) if one.due else None,
        )
        for one in found
    )
