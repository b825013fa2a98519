"""Which SQL Server answers, and whether the named queries can be asked of it. Pure.

`sys.dm_db_log_stats` and the last good CHECKDB came with SQL Server 2016 SP2, OPENJSON with compatibility level 130.
"""

from __future__ import annotations

import re

OLDEST, OLDEST_NAME = (13, 0, 5026), "SQL Server 2016 SP2"
LEAST_LEVEL = 130
# Azure's services say 12.0 whatever they can do: of them, and of whoever else speaks TDS, the level alone is looked at.
NUMBERED_EDITIONS = frozenset({1, 2, 3, 4})
NUMBER = re.compile(r"\d+\.\d+\.\d+(?:\.\d+)?")
STATEMENT = (
    "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version, "
    "CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, "
    "(SELECT CAST(compatibility_level AS int) FROM sys.databases WHERE database_id = DB_ID()) AS level"
)


def is_too_old(version: str | None, edition: int | None) -> bool:
    """True for a SQL Server before the oldest that will do; never for what does not number itself as one."""
    if edition not in NUMBERED_EDITIONS or not NUMBER.fullmatch(version or ""):
        return False
    return tuple(int(one) for one in str(version).split(".")[: len(OLDEST)]) < OLDEST


def refuse_server(version: str | None, edition: int | None, level: int | None, server: str, name: str) -> str:
    """Why nothing is asked of this database, in a French sentence; empty when it will do, or does not say."""
    if is_too_old(version, edition):
        oldest = ".".join(map(str, OLDEST))
        return (
            f"Le SQL Server de {server} est en version {version} : il faut au moins {oldest} ({OLDEST_NAME})."
        )
    if level is not None and level < LEAST_LEVEL:
        return (
            f"La base « {name} » de {server} est au niveau de compatibilité {level} : il faut au moins {LEAST_LEVEL}, "
            "celui de SQL Server 2016."
        )
    return ""
