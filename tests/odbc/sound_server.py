"""What two sound SQL Servers answer to the named queries: columns and types as each query's SELECT list gives them.

A publisher that is its own Distributor on the active site, one subscriber that is pushed to on the passive one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import text
from sqlalchemy.dialects import mssql

from nonreg.clients.sql import load_query
from tests.odbc.tds import (
    BIGINT,
    BIT,
    DATETIME,
    FLOAT,
    INT,
    NVARCHAR_MAX,
    SMALLINT,
    Kind,
    binary,
    datetime2,
    done_token,
    numeric,
    nvarchar,
    rows,
    varchar,
)

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class InTurn:
    """One result after the other, each time that the query is asked."""

    results: tuple[list[Row], ...]


Given = list[Row] | InTurn | bytes | None
Answers = dict[str, Given]

SYSNAME = nvarchar(128)
SLOT_NAME = nvarchar(391)
HOURS, SECONDS = numeric(17, 6), numeric(17, 6)  # an int divided by 3600.0, by 1000.0
MILLISECONDS = numeric(26, 6)  # a bigint divided by 1000.0

SHAPES: dict[str, dict[str, Kind]] = {
    "checkdb_age": {"database_name": SYSNAME, "last_good_local": DATETIME, "age_hours": HOURS},
    "agent_service": {"service": nvarchar(256), "state": nvarchar(256), "start_mode": nvarchar(256)},
    "agent_jobs": {
        "job_name": SYSNAME,
        "category": SYSNAME,
        "owner_name": SYSNAME,
        "enabled": BIT,
        "state": varchar(14),
        "last_outcome": varchar(11),
        "started_local": DATETIME,
        "duration_seconds": INT,
        "enabled_schedules": INT,
        "message": nvarchar(4000),
    },
    "backups": {
        "database_name": SYSNAME,
        "backup_kind": varchar(4),
        "recovery_model": nvarchar(60),
        "finished_local": DATETIME,
        "age_hours": HOURS,
        "is_copy_only": BIT,
        "has_backup_checksums": BIT,
        "is_damaged": BIT,
        "size_bytes": numeric(20, 0),
    },
    "locks": {
        "session_id": SMALLINT,
        "blocking_session_id": SMALLINT,
        "wait_type": nvarchar(60),
        "wait_seconds": SECONDS,
        "wait_resource": nvarchar(256),
        "database_name": SYSNAME,
        "command": nvarchar(32),
        "waiting_program": SYSNAME,
        "blocking_program": SYSNAME,
        "blocking_status": nvarchar(30),
        "blocking_transactions": INT,
    },
    "database_sizes": {
        "database_name": SYSNAME,
        "state": nvarchar(60),
        "data_bytes": BIGINT,
        "log_bytes": BIGINT,
        "log_used_bytes": BIGINT,
        "log_reuse_wait": nvarchar(60),
    },
    "deadlocks": {"deadlock_utc": datetime2(3), "graph": NVARCHAR_MAX},
    "deadlocks_since": {"since_utc": datetime2(3), "is_truncated": INT},
    "query_store_top": {
        "query_id": BIGINT,
        "object_name": nvarchar(257),
        "executions": BIGINT,
        "average_ms": FLOAT,
        "max_ms": MILLISECONDS,
        "total_ms": FLOAT,
        "average_logical_reads": FLOAT,
        "plan_count": INT,
        "query_text": NVARCHAR_MAX,
    },
    "plan_statistics": {
        "object_name": nvarchar(257),
        "executions": BIGINT,
        "average_ms": MILLISECONDS,
        "max_ms": MILLISECONDS,
        "total_ms": MILLISECONDS,
        "average_cpu_ms": MILLISECONDS,
        "average_logical_reads": BIGINT,
        "planned_local": DATETIME,
        "last_execution_local": DATETIME,
        "query_text": NVARCHAR_MAX,
    },
    "publications": {
        "publication": SYSNAME,
        "inserts": BIT,
        "updates": BIT,
        "deletes": BIT,
        "truncates": BIT,
    },
    "distributor": {"publisher": SYSNAME, "publisher_db": SYSNAME, "is_elsewhere": BIT},
    "publisher_agents": {"slot": SLOT_NAME, "agent": nvarchar(47), "state": nvarchar(28)},
    "subscriber_agents": {"subscription": SYSNAME, "agent": nvarchar(34), "state": nvarchar(10)},
    "subscriptions": {
        "subscription": SYSNAME,
        "is_enabled": BIT,
        "slot": SLOT_NAME,
        "publications": SYSNAME,
    },
    "replication_backlog": {"slot": SLOT_NAME, "unit": nvarchar(9), "written": BIGINT, "confirmed": BIGINT},
    "replication_errors": {"subscription": SLOT_NAME, "apply_errors": INT, "copy_errors": INT},
    "replication_slots": {
        "slot": SLOT_NAME,
        "is_used": BIT,
        "wal_status": nvarchar(10),
        "is_conflicting": BIT,
        "retained_bytes": BIGINT,
    },
    # As documented for sp_replmonitorhelpsubscription: its text is not ours.
    "replication_monitor": {
        "status": INT,
        "warning": INT,
        "subscriber": SYSNAME,
        "subscriber_db": SYSNAME,
        "publisher_db": SYSNAME,
        "publication": SYSNAME,
        "publication_type": INT,
        "subtype": INT,
        "latency": INT,
        "latencythreshold": INT,
        "agentnotrunning": INT,
        "agentnotrunningthreshold": INT,
        "timetoexpiration": INT,
        "expirationthreshold": INT,
        "last_distsync": DATETIME,
        "distribution_agentname": SYSNAME,
        "mergeagentname": SYSNAME,
        "mergesubscriptionfriendlyname": SYSNAME,
        "mergeagentlocation": SYSNAME,
        "mergeconnectiontype": INT,
        "mergePerformance": INT,
        "mergerunspeed": FLOAT,
        "mergerunduration": INT,
        "monitorranking": INT,
        "distributionagentjobid": binary(16),
        "mergeagentjobid": binary(16),
        "distributionagentid": INT,
        "distributionagentprofileid": INT,
        "mergeagentid": INT,
        "mergeagentprofileid": INT,
    },
    "distribution_history": {
        "agent_kind": varchar(12),
        "agent_name": nvarchar(100),
        "run_status": INT,
        "logged_local": DATETIME,
        "duration_seconds": INT,
        "latency_ms": INT,
        "delivered_transactions": INT,
        "delivered_commands": INT,
        "comments": nvarchar(4000),
        "error_code": SYSNAME,
        "error_text": NVARCHAR_MAX,
    },
    "tracer_post": {"tracer_id": INT},
    # As documented for sp_helptracertokenhistory.
    "tracer_history": {
        "distributor_latency": BIGINT,
        "subscriber": SYSNAME,
        "subscriber_db": SYSNAME,
        "subscriber_latency": BIGINT,
        "overall_latency": BIGINT,
    },
    "drill_node": {"sit_code": nvarchar(20), "role": nvarchar(20), "mandate": INT},
    "publisher_position": {"position": nvarchar(24)},
    "subscriber_positions": {"slot": SLOT_NAME, "replayed": varchar(40), "has_reached": BIT},
}
DOCUMENTED = {"replication_monitor", "tracer_history"}

SLOT = "pub_aquareel vers SRV-B.AQUAREEL"
NIGHT = datetime(2026, 11, 22, 23, 30, 1, 120000)
COMPLETE = (NIGHT, Decimal("6.25"), False, True, False, Decimal(734003200))
LOG = (NIGHT, Decimal("0.2"), False, True, False, Decimal(1048576))
NEVER = (None,) * 6


def job(name: str, **changes: Any) -> Row:
    """One job that did its work, or what differs from that."""
    done = (name, "AQUAREEL", "AQUAREEL\\svc", True, "ran", "succeeded", NIGHT, 75, 1, "The job succeeded.")
    return tuple({**dict(zip(SHAPES["agent_jobs"], done, strict=True)), **changes}.values())


def subscription(**changes: Any) -> Row:
    """One subscription as the Replication Monitor shows it: idle, far from expiring."""
    shown = dict.fromkeys(SHAPES["replication_monitor"])
    shown |= {"status": 4, "warning": 0, "subscriber": "SRV-B", "subscriber_db": "AQUAREEL"}
    shown |= {"publisher_db": "AQUAREEL", "publication": "pub_aquareel", "publication_type": 0, "subtype": 0}
    shown |= {"latency": 2, "latencythreshold": 30, "timetoexpiration": 336, "expirationthreshold": 268}
    shown |= {"last_distsync": NIGHT, "distribution_agentname": "SRV-A-AQUAREEL-pub_aquareel-SRV-B-3"}
    shown |= {"monitorranking": 20, "distributionagentjobid": bytes(range(16)), "distributionagentid": 3}
    return tuple({**shown, **changes}.values())


def size(database: str, **changes: Any) -> Row:
    """Files of one database that is in order."""
    kept = (database, "ONLINE", 2147483648, 536870912, 31457280, "NOTHING")
    return tuple({**dict(zip(SHAPES["database_sizes"], kept, strict=True)), **changes}.values())


def blocked(session: int, by: int, seconds: str, program: str | None = "AQUAREEL Client lourd") -> Row:
    """One request that waits for another session's lock."""
    where = ("LCK_M_U", Decimal(seconds), "KEY: 5:72057594043236352 (8194443284a0)", "AQUAREEL", "UPDATE")
    return (session, by, *where, "AQUAREEL Affinage", program, "sleeping", 1)


BOTH: Answers = {
    "agent_service": [("SQL Server Agent (MSSQLSERVER)", "Running", "Automatic")],
    "database_sizes": [size("AQUAREEL"), size("master", log_used_bytes=None)],
}
PUBLISHER: Answers = {
    **BOTH,
    "drill_node": [("SITE-A", "ACTIF", 3)],
    "checkdb_age": [
        ("AQUAREEL", NIGHT, Decimal("30.5")),
        ("distribution", None, None),
        ("master", NIGHT, Decimal("30.5")),
    ],
    "agent_jobs": [
        job("AQUAREEL Purge"),
        job("AQUAREEL Sauvegarde journal", duration_seconds=1),
        job("Essai d'un exploitant", enabled=False, state="disabled", owner_name=None, last_outcome=None),
    ],
    "backups": [
        ("AQUAREEL", "diff", "FULL", *NEVER),
        ("AQUAREEL", "full", "FULL", *COMPLETE),
        ("AQUAREEL", "log", "FULL", *LOG),
        ("master", "diff", "SIMPLE", *NEVER),
        ("master", "full", "SIMPLE", *NEVER),
        ("master", "log", "SIMPLE", *NEVER),
    ],
    "locks": [],
    "deadlocks": [],
    "deadlocks_since": [(datetime(2000, 1, 1, 8), 0)],
    "query_store_top": [
        (812, "nr.usp_affiner", 1440, 41.7, Decimal("512.25"), 60048.0, 1893.5, 1, "INSERT prod.mesure …"),
        (44, "", 3, 12.1, Decimal("20"), 36.3, 10.0, 2, "SELECT *\nFROM prod.v_mesure"),
    ],
    "plan_statistics": [
        (
            *("nr.usp_affiner", 1440, Decimal("38.5"), Decimal("500"), Decimal("55440"), Decimal("20.125")),
            *(1893, NIGHT, NIGHT, "INSERT prod.mesure …"),
        ),
    ],
    "publications": [("pub_aquareel", True, True, True, True)],
    "distributor": [("SRV-A", "AQUAREEL", False)],
    "publisher_agents": [(SLOT, "2026-11-20T02:00:01.120 2026-11-20T02:00:04.003", "en marche")],
    "subscriber_agents": [],
    "subscriptions": [],
    "replication_backlog": [("journal à lire", "octets", 0, None), (SLOT, "commandes", 5120, 5117)],
    "replication_errors": [(SLOT, 41, 0)],
    "replication_slots": [(SLOT, True, "reserved", False, 0)],
    "replication_monitor": [subscription()],
    "distribution_history": [
        (
            *("distribution", "SRV-A-AQUAREEL-pub_aquareel-SRV-B-3", 4, NIGHT, 259200, 1210, 77, 5117),
            *("No replicated transactions are available.", None, None),
        ),
    ],
    "publisher_position": [("00000032:00000d10:0003",)],
    "subscriber_positions": [(SLOT, "0x0000003200000D100003", True)],
    "tracer_post": [(-2147483641,)],
    "tracer_history": [(1, "SRV-B", "AQUAREEL", 0, 1)],
}
SUBSCRIBER: Answers = {
    **BOTH,
    "drill_node": [("SITE-B", "PASSIF", 3)],
    "agent_jobs": [job("AQUAREEL Purge")],
    "publications": [],
    "distributor": [("SRV-B", "AQUAREEL", False)],
    "publisher_agents": [],
    "subscriber_agents": [("pub_aquareel", "57 2026-11-20T02:00:04.120", "en marche")],
    "subscriptions": [("pub_aquareel", True, SLOT, "pub_aquareel")],
    "replication_errors": [("pub_aquareel", 0, 0)],
}


def recognize(name: str) -> str:
    """The longest part of a named query that goes to the server as it is, whatever its parameters become."""
    compiled = str(text(load_query("mssql", name)).compile(dialect=mssql.dialect()))  # type: ignore[no-untyped-call]
    return max(re.split(r":\w+", compiled), key=len)


def answer(name: str, found: list[Row]) -> bytes:
    """The rows of a named query, as the server sends them."""
    return rows(SHAPES[name], *found) + done_token()


def write_answers(found: Mapping[str, Given]) -> dict[str, bytes | list[bytes] | None]:
    """Answers by the words that tell each query: rows, several results in turn, bytes as they are."""
    return {recognize(name): write_answer(name, given) for name, given in found.items()}


def write_answer(name: str, given: Given) -> bytes | list[bytes] | None:
    if isinstance(given, InTurn):
        return [answer(name, one) for one in given.results]
    return answer(name, given) if isinstance(given, list) else given
