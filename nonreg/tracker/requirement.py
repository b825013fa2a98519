"""Ticket first: what needs a ticket is refused without an open one (R16).

A tracker that cannot be asked stops nobody: the work goes on, and what is said of it tells that nobody looked.
"""

from __future__ import annotations

from nonreg.config import Platform
from nonreg.errors import AccessDenied, ConfigError, NonregError, UsageError
from nonreg.model.tracker import TicketState
from nonreg.tickets import require_ticket
from nonreg.tracker.connection import find_folder, open_tracker
from nonreg.tracker.protocol import TicketUnknown


def require_open_ticket(platform: Platform, reference: str) -> str:
    """Empty for an open ticket, and where no tracker is named; « non vérifié » with the reason when none answered.

    UsageError for a ticket that is closed, that the tracker does not know, or that is none of its references.
    """
    if platform.tracker is None:
        return ""
    require_ticket(reference)
    try:
        tracker = open_tracker(platform)
        if tracker is None:
            return ""
        try:
            ticket = tracker.find_ticket(reference)
        finally:
            tracker.close()
    except TicketUnknown as error:
        raise UsageError(f"Ticket {reference} refusé : {error} {advise(platform)}") from error
    except (ConfigError, AccessDenied) as error:
        return f"Ticket {reference} non vérifié : {error}"
    except UsageError as error:
        raise UsageError(f"Ticket {reference} refusé : {error}") from error
    except NonregError as error:
        return f"Ticket {reference} non vérifié : {error}"
    if ticket.state is not TicketState.OPEN:
        status = f" ({ticket.status})" if ticket.status not in ("", ticket.state) else ""
        raise UsageError(
            f"Ticket {reference} refusé : il est fermé{status}. Rouvrez-le, ou donnez un ticket ouvert."
        )
    return ""


def advise(platform: Platform) -> str:
    """How a ticket comes to be, where that is not for a tracking platform to say."""
    listing = "ou donnez un ticket ouvert (python -m nonreg tracker tickets)."
    if find_folder(platform) is None:
        return f"Ouvrez-le d'abord, {listing}"
    return f"Ouvrez-en un (python -m nonreg tracker open), {listing}"
