"""What a SQL scenario may do, decided from its text: asked when it is collected, and again just before it is sent.

A read-only scenario does nothing but read: each of its statements is known to. One that writes leaves the transaction
to the tool, which rolls it back. Before both the text must be one batch. Each check gives the French reason for a
refusal, or an empty text. What is not surely understood is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from nonreg.sqlfiles import postgres, transact
from nonreg.sqlfiles.tokens import Unreadable, read_tokens

READING = {"mssql": transact.require_reading, "postgresql": postgres.require_reading}
OPENED = {"mssql": transact.require_opened}
UNDONE = {"mssql": transact.require_undone, "postgresql": postgres.require_undone}


def check_text(text: str, engine: str) -> str:
    """Why this is no batch, whatever it does: nothing in it, a second one, a text that is never closed."""
    try:
        return "" if read_tokens(text, engine) else "le fichier ne contient aucune instruction"
    except Unreadable as error:
        return str(error)


def check_read_only(text: str, engine: str, allowed_procedures: Iterable[str] = ()) -> str:
    """Why this batch does not surely only read; empty when it does."""
    try:
        READING[engine](text, frozenset(allowed_procedures))
    except Unreadable as error:
        return str(error)
    return ""


def check_opened(text: str, engine: str) -> str:
    """Why this batch cannot run in a transaction that is open already; empty when it can."""
    try:
        if engine in OPENED:
            OPENED[engine](text)
    except Unreadable as error:
        return str(error)
    return ""


def check_undone(text: str, engine: str) -> str:
    """Why rolling back might not undo this batch; empty when it would."""
    try:
        UNDONE[engine](text)
    except Unreadable as error:
        return str(error)
    return ""
