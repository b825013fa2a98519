"""Which SQL Server answers, and whether the named queries can be asked of it. Pure.

`sys.dm_db_log_stats` came with SQL Server 2016 SP2, the last good CHECKDB with 2016 SP2 and with 2017 CU9, OPENJSON
with compatibility level 130.
"""

from __future__ import annotations

import re

# The oldest that will do, of each major version that has some that will not.
OLDEST = {
    13: ((13, 0, 5026), "SQL Server 2016 SP2"),
    14: ((14, 0, 3030), "SQL Server 2017 CU9"),
}
LEAST_LEVEL = 130
# Azure's services say 12.0 whatever they can do: of them, and of whoever else speaks TDS, the level alone is looked at.
NUMBERED_EDITIONS = frozenset({1, 2, 3, 4})
NUMBER = re.compile(r"\d+\.\d+\.\d+(?:\.\d+)?")
# The server's own databases keep the level that they had before an upgrade in place: only `grants_elsewhere` is asked
# of them, which needs none.
STATEMENT = (
    "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)) AS version, "
    "CAST(SERVERPROPERTY('EngineEdition') AS int) AS edition, "
    "(SELECT CAST(compatibility_level AS int) FROM sys.databases WHERE database_id = DB_ID() "
    "AND database_id > 4 AND is_distributor = 0) AS level"
)


def find_wanted(version: str | None, edition: int | None) -> str:
    """The oldest that will do, for a SQL Server that is older; empty for what does not number itself as one."""
    if edition not in NUMBERED_EDITIONS or not NUMBER.fullmatch(version or ""):
        return ""
    number = tuple(int(one) for one in str(version).split(".")[:3])
    least, name = OLDEST.get(max(number[0], min(OLDEST)), ((), ""))
    return f"{'.'.join(map(str, least))} ({name})" if number < least else ""


def refuse_server(version: str | None, edition: int | None, level: int | None, server: str, name: str) -> str:
    """Why nothing is asked of this database, in a French sentence; empty when it will do, or does not say."""
    if wanted := find_wanted(version, edition):
        return f"Le SQL Server de {server} est en version {version} : il faut au moins {wanted}."
    if level is not None and level < LEAST_LEVEL:
        return (
            f"La base « {name} » de {server} est au niveau de compatibilité {level} : il faut au moins {LEAST_LEVEL}, "
            "celui de SQL Server 2016."
        )
    return ""
