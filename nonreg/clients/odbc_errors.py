"""What an ODBC driver's error means, and what to do about it (DOMAIN §3.6). Pure; knows no driver module.

pyodbc gives `(SQLSTATE, text)`, the text being one or more diagnostics:
`[42000] [Microsoft][ODBC Driver 18 for SQL Server][SQL Server]Words. (229) (SQLExecDirectW); [01000] …`
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

NATIVE = re.compile(r"\s*\((-?\d+)\)(?:\s*\(SQL\w+\))?\s*$")
PREFIX = re.compile(r"^(?:\s*\[[^\]]*\])+\s*")
NEXT = re.compile(r";\s*(?=\[\w{5}\]\s*\[)")
USER_ERROR = 50000  # THROW and RAISERROR of an application

LOGIN_REFUSED = frozenset({18456, 18452})
ACCOUNT_BLOCKED = frozenset({18470, 18486})
# The server is paused, is starting or stopping, has no licence left, or lets one user in.
NO_LOGINS = frozenset({17142, 18401, 18451, 18458, 18459, 18460, 18461})
PASSWORD_ENDED = frozenset({18487, 18488})
# As `read_state` gives them: locked after wrong passwords, or a password that has ended. Who they refuse may come back.
PASSING_REFUSALS = frozenset({"18486", "18487", "18488"})
UNKNOWN_DATABASE = frozenset({4060, 911, 4064})
# The last six are what the replication procedures say to who is not in the role or the access list that they want.
RIGHT_REFUSED = frozenset(
    {229, 230, 262, 297, 300, 371, 916, 15247, 15151, 14126, 14260, 15003, 21049, 21050, 21089}
)
CONSTRAINT = frozenset({547, 2601, 2627, 515})
DEADLOCK, LOCK_TIMEOUT, LOG_FULL, READ_ONLY_DATABASE = 1205, 1222, 9002, 3906
AG_ROLE = frozenset({976, 978, 983})
# Reads that met one of these may be tried again on the same connection, those that lost it on another; nothing else is.
RETRIABLE_NATIVE = frozenset({1205, 1222, 1204, 701, 8645, 8651})
RETRIABLE_LOGIN_NATIVE = frozenset({10053, 10054, 10060, 10061, 233, 64, 121, 258})
RETRIABLE_LOGIN_STATES = frozenset({"HYT00", "08S01", "08001", "08004"})
CERTIFICATE_WORDS = ("certificate verify failed", "certificate chain", "certificate's cn", "principal name")
TLS_WORDS = ("ssl provider", "ssl routines")
UNSUPPORTED_TYPE = "HY106"
SQLSTATE = re.compile(r"[0-9A-Z]{5}")


class OdbcKind(StrEnum):
    """What happened, whatever the driver called it."""

    DRIVER_MISSING = "driver_missing"
    CERTIFICATE = "certificate"
    TLS = "tls"
    LOGIN = "login"
    ACCOUNT_BLOCKED = "account_blocked"
    NO_LOGINS = "no_logins"
    PASSWORD_ENDED = "password_ended"  # noqa: S105 - a kind of error
    DATABASE = "database"
    RIGHT = "right"
    NO_ROUTE = "no_route"
    LOST = "lost"
    TIMEOUT = "timeout"
    LOCKED = "locked"
    DEADLOCK = "deadlock"
    CONSTRAINT = "constraint"
    THROWN = "thrown"
    READ_ONLY = "read_only"
    LOG_FULL = "log_full"
    AG_ROLE = "ag_role"
    TYPE = "type"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class OdbcError:
    """One error as the driver told it: its SQLSTATE, the server's number (None without one), its words alone."""

    state: str
    native: int | None
    words: str


def read_odbc_error(arguments: tuple[object, ...]) -> OdbcError:
    """From the arguments of a `pyodbc.Error`; of several diagnostics the first with a number, no warning."""
    words = [str(one) for one in arguments] or [""]
    state, text = (words[0], words[-1]) if len(words) > 1 else ("", words[0])
    if SQLSTATE.fullmatch(text) and not SQLSTATE.fullmatch(
        state
    ):  # the module's own errors say it the other way round
        state, text = text, state
    told = [(one.lstrip().startswith("[01"), *read_diagnostic(one)) for one in NEXT.split(text)]
    main = next(
        (one for one in told if one[1] and not one[0]), next((one for one in told if one[1]), told[0])
    )
    return OdbcError(state, main[1], main[2])


def read_diagnostic(text: str) -> tuple[int | None, str]:
    """Number and words of one diagnostic, on one line."""
    numbers = NATIVE.findall(text)
    words = PREFIX.sub("", NATIVE.sub("", text)).strip()
    return (int(numbers[-1]) if numbers else None), " ".join(words.split())


def classify(error: OdbcError, *, connecting: bool) -> OdbcKind:
    """What an error means; the same state means different things while connecting and afterwards."""
    native, lower = error.native or 0, error.words.lower()
    by_number = (
        (LOGIN_REFUSED, OdbcKind.LOGIN),
        (ACCOUNT_BLOCKED, OdbcKind.ACCOUNT_BLOCKED),
        (NO_LOGINS, OdbcKind.NO_LOGINS),
        (PASSWORD_ENDED, OdbcKind.PASSWORD_ENDED),
        (UNKNOWN_DATABASE, OdbcKind.DATABASE),
        (RIGHT_REFUSED, OdbcKind.RIGHT),
        (CONSTRAINT, OdbcKind.CONSTRAINT),
        (AG_ROLE, OdbcKind.AG_ROLE),
        ({DEADLOCK}, OdbcKind.DEADLOCK),
        ({LOCK_TIMEOUT}, OdbcKind.LOCKED),
        ({READ_ONLY_DATABASE}, OdbcKind.READ_ONLY),
        ({LOG_FULL}, OdbcKind.LOG_FULL),
    )
    for numbers, kind in by_number:
        if native in numbers:
            return kind
    if native >= USER_ERROR:
        return OdbcKind.THROWN
    if error.state in ("IM002", "IM003", "IM004") or "can't open lib" in lower:
        return OdbcKind.DRIVER_MISSING
    if error.state.startswith("28"):
        return OdbcKind.LOGIN
    if connecting and any(word in lower for word in CERTIFICATE_WORDS):
        return OdbcKind.CERTIFICATE
    if connecting and any(word in lower for word in TLS_WORDS):
        return OdbcKind.TLS
    if error.state == UNSUPPORTED_TYPE:
        return OdbcKind.TYPE
    if error.state in ("HYT00", "HYT01", "57014"):
        return OdbcKind.NO_ROUTE if connecting else OdbcKind.TIMEOUT
    if error.state == "40001":
        return OdbcKind.DEADLOCK
    if error.state.startswith(("08", "57P")) or (connecting and error.state == "HY000" and not native):
        return OdbcKind.NO_ROUTE if connecting else OdbcKind.LOST
    return OdbcKind.OTHER


def is_lost(error: OdbcError) -> bool:
    """True for a connection that is gone, to a server that did not refuse us nor its certificate."""
    return (
        classify(error, connecting=False) is OdbcKind.LOST
        and classify(error, connecting=True) is OdbcKind.NO_ROUTE
    )


def is_retriable_read(error: OdbcError) -> bool:
    """True for a read that may be tried again: a victim of a deadlock, a lock, a lack of memory, a lost connection."""
    return error.native in RETRIABLE_NATIVE or error.state == "40001" or is_lost(error)


def is_retriable_login(error: OdbcError) -> bool:
    """True for a connection that may be tried again: the network or a server that is starting, never a refusal."""
    if classify(error, connecting=True) is not OdbcKind.NO_ROUTE:
        return False
    return error.state in RETRIABLE_LOGIN_STATES or (error.native or 0) in RETRIABLE_LOGIN_NATIVE
