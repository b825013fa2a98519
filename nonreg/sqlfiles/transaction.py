"""What became of the tool's transaction while a batch ran: a procedure may have ended it, whether it failed or not.

SQL Server alone: PostgreSQL lets nothing inside a transaction end it. A temporary table that is made in the transaction
goes when it is rolled back and stays when it is committed; anybody may make one, and it ends with the session.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nonreg.clients.sql import DIALECTS, Session
from nonreg.errors import NonregError

OPENING = {"mssql": "CREATE TABLE #nonreg_temoin (n int)"}
STATE = {
    "mssql": "SELECT @@TRANCOUNT AS opened, CURRENT_TRANSACTION_ID() AS number, "
    "OBJECT_ID(N'tempdb..#nonreg_temoin') AS kept"
}
COUNT_CHANGED = "266"  # a procedure gives back another number of open transactions than it was given


class Fate(StrEnum):
    """What became of the transaction."""

    OPEN = "open"
    COMMITTED = "committed"
    ROLLED_BACK = "rolled_back"


@dataclass(frozen=True, slots=True)
class Transaction:
    """The open transaction: its number, how many are nested in it, whether its table is there."""

    opened: int
    number: int | None
    kept: bool


def open_transaction(session: Session) -> Transaction | None:
    """Open the transaction before a procedure opens and ends its own; None where nothing can end it."""
    if session.engine not in OPENING:
        return None
    session.execute(OPENING[session.engine])
    return read_transaction(session)


def read_transaction(session: Session) -> Transaction:
    """The transaction as it is now."""
    ((opened, number, kept),) = session.execute(STATE[session.engine]).rows
    return Transaction(opened, number, kept is not None)


def find_fate(before: Transaction, after: Transaction) -> Fate:
    """What became of the first, from what is there now."""
    if after.opened and after.number == before.number:
        return Fate.OPEN
    return Fate.COMMITTED if after.kept else Fate.ROLLED_BACK


def read_code(session: Session, error: NonregError) -> str:
    """The engine's code for what the error says; empty without one."""
    return DIALECTS[session.engine].read_state(error.__cause__) if error.__cause__ is not None else ""
