"""Both database sites as the tool sees them: connections, roles, mandates, declarations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from nonreg.errors import NonregError
from nonreg.sandbox.accounts import WRITER_SUFFIX
from nonreg.sandbox.layout import DATABASE, DATABASE_SITES, PORTS, Layout
from nonreg.sandbox.postgres import ADMIN
from nonreg.sandbox.switchover.replication import Replication, read_replication
from nonreg.waiting import DeadlinePassed, wait_until

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 20
LEFT_OVER_SECONDS = 3.0
QUIET_SECONDS = 10.0
ACTIVE, PASSIVE, WAITING = "ACTIF", "PASSIF", "ATTENTE"
TOOL = "bascule"
WRITERS = ("aquareel_app", "nr_writer")  # and the named accounts that write
Connection = psycopg.Connection[tuple[Any, ...]]


class SwitchoverRefused(NonregError):
    """Nothing was changed, or everything was put back, unless the message says otherwise."""


@dataclass(frozen=True, slots=True)
class Node:
    """What one site's database says: the roles it sees, its own state and mandate, its replication."""

    site: str
    roles: dict[str, str]
    state: str
    mandate: int
    replication: Replication

    @property
    def role(self) -> str:
        """Its own role as declared: ACTIF or PASSIF, confirmed since its start or not."""
        return self.roles[self.site]


def connect(layout: Layout, site: str, subject: str = "Bascule", application: str = TOOL) -> Connection:
    """Connection of the superuser (autocommit) to a site; SwitchoverRefused when it does not answer."""
    try:
        return psycopg.connect(
            host=layout.address(site),
            port=PORTS["postgresql"],
            dbname=DATABASE,
            user=ADMIN,
            password=layout.secrets()["AQ_ADMIN_PASSWORD"],
            connect_timeout=CONNECT_SECONDS,
            application_name=application,
            options=f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c synchronous_commit=on",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise SwitchoverRefused(f"{subject} refusée : la base de {site} ne répond pas.") from error


def end_left_overs(connection: Connection) -> None:
    """Let what a killed tool had asked for end, or end it: nobody else uses that name, the lock says so."""
    others = "FROM pg_stat_activity WHERE application_name = %s AND pid <> pg_backend_pid()"

    def none_left() -> bool:
        return connection.execute(f"SELECT count(*) {others}", (TOOL,)).fetchone() == (0,)

    try:
        wait_until(none_left, LEFT_OVER_SECONDS)
    except DeadlinePassed:
        connection.execute(f"SELECT pg_terminate_backend(pid) {others}", (TOOL,))
        wait_until(none_left, LEFT_OVER_SECONDS, "une bascule interrompue occupe encore la base")


def read_node(connection: Connection, site: str) -> Node:
    """One site's own view."""
    rows = connection.execute("SELECT sit_code, sit_role FROM ref.site ORDER BY sit_code").fetchall()
    state = connection.execute("SELECT ha.usp_etat(), ha.usp_mandat()").fetchone()
    assert state is not None
    roles = {str(code): str(role) for code, role in rows}
    return Node(site, roles, str(state[0]), int(state[1]), read_replication(connection))


def other_site(site: str) -> str:
    """The other database site."""
    return next(other for other in DATABASE_SITES if other != site)


def declare(connection: Connection, site: str, role: str, mandate: int) -> None:
    """Record a site's role on one node, under a mandate."""
    connection.execute("SELECT ha.usp_declarer_role(%s, %s, %s)", (role, site, mandate))


def wait_for_writers(connection: Connection) -> None:
    """Return when the transactions that began before now have ended; DeadlinePassed when they do not.

    They may have read the role before it changed, and write under it. A later one cannot: it takes its snapshot
    after it shows the time at which it began.
    """
    now = connection.execute("SELECT clock_timestamp()").fetchone()

    def none_left() -> bool:
        query = (
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE (usename = ANY(%s) OR starts_with(reverse(usename), reverse(%s))) AND xact_start <= %s"
        )
        asked = (list(WRITERS), WRITER_SUFFIX, now[0] if now else None)
        return connection.execute(query, asked).fetchone() == (0,)

    wait_until(none_left, QUIET_SECONDS, "des écritures sont encore en cours")
