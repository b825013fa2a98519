"""Ticket references: what makes one well-formed."""

from __future__ import annotations

import re

from nonreg.errors import UsageError

TICKET_PATTERN = re.compile(r"[A-Z][A-Z0-9]*-[0-9]+")  # \d would take the digits of every script


def require_ticket(reference: str) -> str:
    """The reference; UsageError when it is not one."""
    if not TICKET_PATTERN.fullmatch(reference):
        raise UsageError(f"Référence de ticket mal formée : « {reference} » (attendu : AQ-123).")
    return reference
