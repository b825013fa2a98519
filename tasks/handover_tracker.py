"""The tickets of the tracking platform: the one place that will ask it. Nothing does yet, and that is told."""

from __future__ import annotations

from nonreg.model.briefing import TrackedTicket
from tasks.handover_work import Work


def read_open_tickets(work: Work) -> tuple[TrackedTicket, ...] | None:
    """The open tickets of the platform; None while no tracking platform is connected."""
    return None
