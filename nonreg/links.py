"""Addresses that a reader elsewhere can follow: a ticket, the folder of a run. Stated, checked, never guessed."""

from __future__ import annotations

import os
import re

from nonreg.errors import ConfigError
from nonreg.tickets import TICKET_PATTERN

REPORTS_VARIABLE = "NONREG_REPORTS_URL"
NUMBER, TICKET = "{number}", "{ticket}"
# No account in it, and nothing that could end a link or begin another thing than http.
ADDRESS = re.compile(r"https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~%/?#&=+,;:@-]*)?")


def find_address_problem(address: str) -> str:
    """What is wrong with an address that people will click on, in French; nothing when it is absent or good."""
    if not address or ADDRESS.fullmatch(address):
        return ""
    return f"une adresse http ou https, sans compte ni espace, est attendue, pas « {address} »"


def find_ticket_url_problem(template: str) -> str:
    """The same of the address of a ticket, which holds its number or its whole reference, once."""
    if not template:
        return ""
    if template.count(NUMBER) + template.count(TICKET) != 1:
        return f"l'adresse d'un ticket porte {NUMBER} ou {TICKET}, une fois : « {template} »"
    return find_address_problem(template.replace(NUMBER, "1").replace(TICKET, "AQ-1"))


def link_ticket(template: str, reference: str) -> str:
    """The address of a ticket; empty when nobody said where tickets are, or when it is none."""
    if not template or not TICKET_PATTERN.fullmatch(reference):
        return ""
    return template.replace(NUMBER, reference.rpartition("-")[2]).replace(TICKET, reference)


def read_reports_url(stated: str) -> str:
    """The address of the folder of runs: of the environment, otherwise what the platform states; may be empty."""
    address = os.environ.get(REPORTS_VARIABLE, "")
    problem = find_address_problem(address)
    if problem:
        raise ConfigError(f"{REPORTS_VARIABLE} : {problem}.")
    return (address or stated).rstrip("/")
