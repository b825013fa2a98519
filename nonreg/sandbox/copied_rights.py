"""A database role with exactly the rights of another one: how a renfort gets those of a campaign's technical account.

The technical roles are held to the manifest by its tests; `droits` holds the copies to it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[tuple[Any, ...]]
# One statement a right of the model, the role that gets it being its second parameter.
GRANTS = """
SELECT format('GRANT %%s ON DATABASE %%I TO %%I', a.privilege_type, d.datname, n.name)
FROM pg_database d CROSS JOIN LATERAL aclexplode(d.datacl) a, model m, new n
WHERE d.datname = current_database() AND a.grantee = m.oid
UNION ALL
SELECT format('GRANT %%s ON SCHEMA %%I TO %%I', a.privilege_type, s.nspname, n.name)
FROM pg_namespace s CROSS JOIN LATERAL aclexplode(s.nspacl) a, model m, new n
WHERE a.grantee = m.oid
UNION ALL
SELECT format('GRANT %%s ON %%s %%I.%%I TO %%I', a.privilege_type,
              CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, s.nspname, c.relname, n.name)
FROM pg_class c JOIN pg_namespace s ON s.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a, model m, new n
WHERE a.grantee = m.oid
UNION ALL
SELECT format('GRANT %%s (%%I) ON %%I.%%I TO %%I', a.privilege_type, t.attname, s.nspname, c.relname, n.name)
FROM pg_attribute t JOIN pg_class c ON c.oid = t.attrelid JOIN pg_namespace s ON s.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(t.attacl) a, model m, new n
WHERE a.grantee = m.oid
UNION ALL
SELECT format('GRANT %%s ON ROUTINE %%I.%%I(%%s) TO %%I', a.privilege_type, s.nspname, p.proname,
              pg_get_function_identity_arguments(p.oid), n.name)
FROM pg_proc p JOIN pg_namespace s ON s.oid = p.pronamespace CROSS JOIN LATERAL aclexplode(p.proacl) a, model m, new n
WHERE a.grantee = m.oid
UNION ALL
SELECT format('GRANT %%I TO %%I', r.rolname, n.name)
FROM pg_auth_members x JOIN pg_roles r ON r.oid = x.roleid, model m, new n
WHERE x.member = m.oid
UNION ALL
SELECT format('ALTER ROLE %%I SET %%s TO %%L', n.name, split_part(v, '=', 1), split_part(v, '=', 2))
FROM pg_db_role_setting z CROSS JOIN LATERAL unnest(z.setconfig) v, model m, new n
WHERE z.setrole = m.oid AND z.setdatabase = 0
"""
WITH = "WITH model AS (SELECT oid FROM pg_roles WHERE rolname = %(model)s), new AS (SELECT %(new)s AS name) "


@dataclass(frozen=True, slots=True)
class CopiedRole:
    """A role to be, the one whose rights it gets, and its password."""

    name: str
    model: str
    password: str


def has_role(connection: Connection, name: str) -> bool:
    """Whether the role exists."""
    return connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (name,)).fetchone() is not None


def open_role(connection: Connection, role: CopiedRole) -> bool:
    """Create the role, or bring it back to what it must be; True when it was not there."""
    name = sql.Identifier(role.name)
    with connection.transaction():
        is_new = not has_role(connection, role.name)
        if is_new:
            connection.execute(sql.SQL("CREATE ROLE {}").format(name))
        else:
            _strip(connection, role.name)
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(name, role.password))
        rights = connection.execute((WITH + GRANTS).encode(), {"model": role.model, "new": role.name})
        for (statement,) in rights.fetchall():
            connection.execute(str(statement).encode())
    return is_new


def close_role(connection: Connection, name: str) -> bool:
    """Drop the role and end its sessions; False when there was none."""
    if not has_role(connection, name):
        return False
    # In a transaction of its own, so that nobody enters while the sessions are being ended.
    connection.execute(sql.SQL("ALTER ROLE {} NOLOGIN").format(sql.Identifier(name)))
    connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", (name,))
    with connection.transaction():
        _strip(connection, name)
        connection.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(name)))
    return True


def _strip(connection: Connection, name: str) -> None:
    connection.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(name)))
    connection.execute(sql.SQL("ALTER ROLE {} RESET ALL").format(sql.Identifier(name)))
    members = connection.execute(
        "SELECT r.rolname FROM pg_auth_members x JOIN pg_roles r ON r.oid = x.roleid "
        "JOIN pg_roles m ON m.oid = x.member WHERE m.rolname = %s",
        (name,),
    )
    for (group,) in members.fetchall():
        connection.execute(
            sql.SQL("REVOKE {} FROM {}").format(sql.Identifier(str(group)), sql.Identifier(name))
        )
