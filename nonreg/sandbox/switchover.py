"""Gestionnaire de bascule: hands the active role to the other site, or takes it without the other (--force).

Planned: writes stop on the old active, everything written reaches the new one, replication is turned round,
and only then does the new site become active. Until that moment every failure goes back to the state before.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NoReturn

import psycopg
from psycopg import sql

from nonreg.errors import NonregError
from nonreg.sandbox.dataset import PUBLICATION, replication_dsn
from nonreg.sandbox.layout import DATABASE, DATABASE_SITES, DEFAULT_DIR, PORTS, Layout, load_layout
from nonreg.sandbox.postgres import ADMIN
from nonreg.waiting import DeadlinePassed, wait_until

CONNECT_SECONDS = 3
STATEMENT_SECONDS = 20
QUIET_SECONDS = 10.0
CATCH_UP_SECONDS = 20.0
SEQUENCE_MARGIN = 1000
FORCED_MARGIN = 1_000_000  # the lost site may have given out numbers that never arrived
WRITERS = ("aquareel_app", "nr_writer")
Connection = psycopg.Connection[tuple[Any, ...]]


class SwitchoverRefused(NonregError):
    """Nothing was changed, or everything was put back."""


class Steps:
    """Prints numbered steps with their durations, in seconds."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write, self._number, self._began = write, 0, time.monotonic()

    @contextmanager
    def step(self, title: str) -> Iterator[None]:
        """One step; printed when it is done, or as failed."""
        self._number += 1
        began = time.monotonic()
        try:
            yield
        except Exception:
            self._write(f"{self._number}. {title} : échec après {time.monotonic() - began:.2f} s")
            raise
        self._write(f"{self._number}. {title} : {time.monotonic() - began:.2f} s")

    @property
    def total_seconds(self) -> float:
        """Since the first step."""
        return time.monotonic() - self._began


def connect(layout: Layout, site: str) -> Connection:
    """Connection of the superuser (autocommit) to a site; SwitchoverRefused when it does not answer."""
    try:
        return psycopg.connect(
            host=layout.address(site),
            port=PORTS["postgresql"],
            dbname=DATABASE,
            user=ADMIN,
            password=layout.secrets()["AQ_ADMIN_PASSWORD"],
            connect_timeout=CONNECT_SECONDS,
            application_name="bascule",
            options=f"-c statement_timeout={STATEMENT_SECONDS * 1000} -c synchronous_commit=on",
            autocommit=True,
        )
    except psycopg.OperationalError as error:
        raise SwitchoverRefused(f"Bascule refusée : la base de {site} ne répond pas.") from error


def read_roles(connection: Connection) -> dict[str, str]:
    """Role of every site, as one node sees them."""
    rows = connection.execute("SELECT sit_code, sit_role FROM ref.site ORDER BY sit_code").fetchall()
    return {str(site): str(role) for site, role in rows}


def switch_over(
    layout: Layout, target: str, steps: Steps, catch_up_seconds: float = CATCH_UP_SECONDS
) -> None:
    """Planned switchover to `target`; SwitchoverRefused when it cannot be done, with everything as before."""
    source = other_site(target)
    with ExitStack() as stack:
        old, new = (stack.enter_context(connect(layout, site)) for site in (source, target))
        check_roles(read_roles(old), read_roles(new), source, target)
        went_back = False
        try:
            with steps.step(f"écritures arrêtées sur {source}"):
                declare(old, source, "PASSIF")
                wait_for_writers(old)
            with steps.step(f"données de {source} reçues par {target}"):
                wait_for_subscriber(old, subscription_of(target), catch_up_seconds)
            with steps.step(f"réplication {source} vers {target} retirée"):
                drop_subscription(new, subscription_of(target))
                drop_publication(old)
            with steps.step(f"séquences de {target} avancées"):
                advance_sequences(read_sequences(old), new, SEQUENCE_MARGIN)
            with steps.step(f"réplication {target} vers {source} établie"):
                create_publication(new)
                create_subscription(layout, old, source)
        except (psycopg.Error, DeadlinePassed) as error:
            went_back = go_back(layout, old, new, source, target)
            state = f"{source} reste actif" if went_back else "intervention nécessaire"
            raise SwitchoverRefused(f"Bascule abandonnée, {state} : {first_line(error)}.") from error
        with steps.step(f"{target} déclaré actif"):
            declare(new, target, "ACTIF")
            declare(old, target, "ACTIF")


def force_over(layout: Layout, target: str, steps: Steps) -> None:
    """Make `target` active without its peer: what had not arrived is lost, replication is not rebuilt."""
    with connect(layout, target) as new:
        if read_roles(new).get(target) == "ACTIF":
            raise SwitchoverRefused(f"Bascule refusée : {target} est déjà actif.")
        with steps.step(f"réplication vers {target} retirée"):
            drop_subscription(new, subscription_of(target), keep_slot=True)
        with steps.step(f"séquences de {target} avancées"):
            advance_sequences(read_sequences(new), new, FORCED_MARGIN)
        with steps.step(f"{target} déclaré actif"):
            create_publication(new)
            declare(new, target, "ACTIF")


def other_site(target: str) -> str:
    """The other database site."""
    return next(site for site in DATABASE_SITES if site != target)


def subscription_of(site: str) -> str:
    """Name of the subscription that a passive site holds."""
    return f"sub_{site.lower().replace('-', '_')}"


def check_roles(seen_by_old: dict[str, str], seen_by_new: dict[str, str], source: str, target: str) -> None:
    """SwitchoverRefused unless both nodes agree that the source is active and the target passive."""
    if seen_by_new.get(target) == "ACTIF":
        raise SwitchoverRefused(f"Bascule refusée : {target} est déjà actif.")
    if seen_by_old.get(source) != "ACTIF":
        raise SwitchoverRefused(f"Bascule refusée : {source} n'est pas actif.")
    if seen_by_old != seen_by_new:
        raise SwitchoverRefused("Bascule refusée : les deux sites ne voient pas les mêmes rôles.")


def declare(connection: Connection, site: str, role: str) -> None:
    """Record a site's role on one node."""
    connection.execute("SELECT ha.usp_declarer_role(%s, %s)", (role, site))


def wait_for_writers(old: Connection) -> None:
    """Return when the transactions that began before the role changed have ended."""
    since = old.execute("SELECT clock_timestamp()").fetchone()

    def none_left() -> bool:
        query = (
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE usename = ANY(%s) AND state <> 'idle' AND xact_start < %s"
        )
        return old.execute(query, (list(WRITERS), since[0] if since else None)).fetchone() == (0,)

    wait_until(none_left, QUIET_SECONDS, "des écritures sont encore en cours")


def wait_for_subscriber(old: Connection, slot: str, within_seconds: float) -> None:
    """Return when the subscriber has confirmed everything written so far."""
    # The application commits without waiting for its log to be written. This commit waits, and with it goes
    # everything before it.
    old.execute("SELECT pg_logical_emit_message(true, 'bascule', '')")
    target = old.execute("SELECT pg_current_wal_flush_lsn()").fetchone()

    def confirmed() -> bool:
        query = "SELECT confirmed_flush_lsn >= %s FROM pg_replication_slots WHERE slot_name = %s AND active"
        return old.execute(query, (target[0] if target else None, slot)).fetchone() == (True,)

    wait_until(confirmed, within_seconds, "le site passif n'a pas tout reçu")


def drop_subscription(connection: Connection, name: str, *, keep_slot: bool = False) -> None:
    """Remove a subscription if there is one; its slot stays behind on a publisher that is lost."""
    if not connection.execute("SELECT 1 FROM pg_subscription WHERE subname = %s", (name,)).fetchone():
        return
    subscription = sql.Identifier(name)
    connection.execute(sql.SQL("ALTER SUBSCRIPTION {} DISABLE").format(subscription))
    if keep_slot:
        connection.execute(sql.SQL("ALTER SUBSCRIPTION {} SET (slot_name = NONE)").format(subscription))
    connection.execute(sql.SQL("DROP SUBSCRIPTION {}").format(subscription))


def create_subscription(layout: Layout, connection: Connection, subscriber: str) -> None:
    """Subscribe a site to the other one; it holds the same rows already. It goes through the link."""
    statement = sql.SQL(
        "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (copy_data = false, origin = none)"
    )
    dsn = replication_dsn(layout, layout.address(subscriber), PORTS["relais"])
    connection.execute(
        statement.format(
            sql.Identifier(subscription_of(subscriber)), sql.Literal(dsn), sql.Identifier(PUBLICATION)
        )
    )


def create_publication(connection: Connection) -> None:
    """Publish every article, if that is not done already."""
    if connection.execute("SELECT 1 FROM pg_publication WHERE pubname = %s", (PUBLICATION,)).fetchone():
        return
    articles = connection.execute("SELECT art_schema, art_table FROM ha.tvf_articles()").fetchall()
    tables = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in articles)
    connection.execute(
        sql.SQL("CREATE PUBLICATION {} FOR TABLE {}").format(sql.Identifier(PUBLICATION), tables)
    )


def drop_publication(connection: Connection) -> None:
    """Remove the publication of a site that is no longer active."""
    connection.execute(sql.SQL("DROP PUBLICATION IF EXISTS {}").format(sql.Identifier(PUBLICATION)))


def read_sequences(connection: Connection) -> list[tuple[str, str, int]]:
    """(schema, name, last value) of every sequence that was used; they are not replicated."""
    query = "SELECT schemaname, sequencename, last_value FROM pg_sequences WHERE last_value IS NOT NULL"
    return [
        (str(schema), str(name), int(last)) for schema, name, last in connection.execute(query).fetchall()
    ]


def advance_sequences(known: list[tuple[str, str, int]], new: Connection, margin: int) -> None:
    """Put every sequence of the new active site beyond what was ever given out, as far as it may go."""
    for schema, name, last in known:
        new.execute(
            "SELECT setval(format('%%I.%%I', s.schemaname, s.sequencename)::regclass,"
            " least(greatest(%s, coalesce(s.last_value, 0)) + %s, s.max_value))"
            " FROM pg_sequences s WHERE s.schemaname = %s AND s.sequencename = %s",
            (last, margin, schema, name),
        )


def go_back(layout: Layout, old: Connection, new: Connection, source: str, target: str) -> bool:
    """Restore the state before a failed switchover; nothing was written since, so no data is at stake."""
    try:
        drop_subscription(old, subscription_of(source))
        drop_publication(new)
        create_publication(old)
        held = new.execute("SELECT 1 FROM pg_subscription WHERE subname = %s", (subscription_of(target),))
        if held.fetchone():
            name = sql.Identifier(subscription_of(target))
            new.execute(sql.SQL("ALTER SUBSCRIPTION {} ENABLE").format(name))
        else:
            create_subscription(layout, new, target)
        restored = True
    except psycopg.Error:
        restored = False
    # Whatever became of replication, somebody must take the measures: the old site has them all.
    declare(old, source, "ACTIF")
    return restored


def show_roles(layout: Layout, write: Callable[[str], object]) -> None:
    """One line a node: the roles that it sees."""
    for site in DATABASE_SITES:
        try:
            with connect(layout, site) as connection:
                roles = read_roles(connection)
            write(f"{site} : " + ", ".join(f"{code} {role}" for code, role in roles.items()))
        except SwitchoverRefused:
            write(f"{site} : ne répond pas")


def first_line(error: Exception) -> str:
    """An error's first line, without its final point."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")


class FrenchParser(argparse.ArgumentParser):
    """Refuses in one French sentence."""

    def error(self, message: str) -> NoReturn:
        """Exit code 3, as for every wrong use of the project's commands."""
        self.exit(3, f"Utilisation : bascule --vers SITE | --etat ({message}).\n")


def main() -> int:
    """0 when done, 1 when refused or abandoned, 3 for a wrong option."""
    parser = FrenchParser(prog="bascule", description="Gestionnaire de bascule", add_help=False)
    parser.add_argument("--dir", type=Path, default=DEFAULT_DIR, help=argparse.SUPPRESS)
    parser.add_argument("--vers", choices=DATABASE_SITES, help="site qui doit devenir actif")
    parser.add_argument("--etat", action="store_true", help="rôles vus par chaque site")
    parser.add_argument("--force", action="store_true", help="sans l'autre site, qui est perdu")
    parser.add_argument(
        "--delai", type=float, default=CATCH_UP_SECONDS, help="attente du passif, en secondes"
    )
    arguments = parser.parse_args()
    layout = load_layout(arguments.dir)
    if layout is None:
        sys.stderr.write("Aucune plateforme embarquée dans ce dossier.\n")
        return 3

    def write(line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

    if arguments.etat == (arguments.vers is not None):
        parser.error("une seule des deux options est attendue")
    if arguments.etat:
        show_roles(layout, write)
        return 0
    steps = Steps(write)
    try:
        if arguments.force:
            force_over(layout, arguments.vers, steps)
        else:
            switch_over(layout, arguments.vers, steps, arguments.delai)
    except (NonregError, psycopg.Error) as error:
        sys.stderr.write(f"{first_line(error)}.\n")
        return 1
    write(f"Bascule terminée : {arguments.vers} est actif ({steps.total_seconds:.2f} s).")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
