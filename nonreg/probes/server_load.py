"""What weighs on a SQL Server now: who blocks whom, which log fills up, which deadlocks there were."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nonreg.clients.sql import Rows

LOG_SHARE = 0.8
FREE = "NOTHING"


@dataclass(frozen=True, slots=True)
class Blocked:
    """One request that waits for another session."""

    session: int
    blocking_session: int
    wait_seconds: float
    database: str
    blocking_program: str
    blocking_transactions: int


@dataclass(frozen=True, slots=True)
class DatabaseSize:
    """Files of one database in bytes, and what keeps its log from being freed."""

    database: str
    state: str
    data_bytes: int
    log_bytes: int
    log_used_bytes: int | None
    log_reuse_wait: str


def parse_locks(rows: Rows) -> tuple[Blocked, ...]:
    """The rows of the query `locks`, the longest wait first."""
    return tuple(
        Blocked(
            int(row["session_id"]),
            int(row["blocking_session_id"]),
            float(row["wait_seconds"]),
            str(row["database_name"] or ""),
            str(row["blocking_program"] or ""),
            int(row["blocking_transactions"] or 0),
        )
        for row in rows.dicts()
    )


def parse_sizes(rows: Rows) -> tuple[DatabaseSize, ...]:
    """The rows of the query `database_sizes`."""
    return tuple(
        DatabaseSize(
            str(row["database_name"]),
            str(row["state"]),
            int(row["data_bytes"]),
            int(row["log_bytes"]),
            None if row["log_used_bytes"] is None else int(row["log_used_bytes"]),
            str(row["log_reuse_wait"] or FREE),
        )
        for row in rows.dicts()
    )


def find_lasting(samples: Iterable[Iterable[Blocked]]) -> tuple[Blocked, ...]:
    """Requests of the last sample that waited for the same session in all of them."""
    seen = [tuple(one) for one in samples]
    pairs = [{(one.session, one.blocking_session) for one in found} for found in seen]
    lasting = set.intersection(*pairs) if pairs else set()
    return tuple(one for one in (seen[-1] if seen else ()) if (one.session, one.blocking_session) in lasting)


def find_root_blockers(blocked: Iterable[Blocked]) -> tuple[int, ...]:
    """Sessions that block others and wait for nobody: the ones to look at."""
    found = tuple(blocked)
    waiting = {one.session for one in found}
    return tuple(sorted({one.blocking_session for one in found} - waiting))


def judge_locks(blocked: Iterable[Blocked], limit_seconds: float) -> tuple[str, ...]:
    """Requests that have waited longer than the limit, in French, with who makes them wait."""
    return tuple(
        f"session {one.session} bloquée depuis {one.wait_seconds:.0f} s par la session {one.blocking_session} "
        f"({one.blocking_program or 'programme inconnu'})"
        for one in blocked
        if one.wait_seconds > limit_seconds
    )


def judge_size(size: DatabaseSize) -> str:
    """What is wrong with one database's files, in French; empty when nothing is."""
    if size.state != "ONLINE":
        return f"base {size.database} : état {size.state}"
    used = size.log_used_bytes
    if (
        used is not None
        and size.log_bytes
        and used > LOG_SHARE * size.log_bytes
        and size.log_reuse_wait != FREE
    ):
        percent = 100 * used / size.log_bytes
        return f"base {size.database} : journal plein à {percent:.0f} %, retenu par {size.log_reuse_wait}"
    return ""
