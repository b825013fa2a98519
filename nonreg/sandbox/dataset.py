"""Creates both databases, loads the same data on each, and sets up replication between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from subprocess import Popen

import psycopg
from psycopg import sql

from nonreg.sandbox import postgres
from nonreg.sandbox.layout import (
    ACTIVE,
    DATABASE,
    DATABASE_SITES,
    HOST_NAME,
    PASSIVE,
    PORTS,
    SITES,
    WITNESS,
    Layout,
)

SQL_DIR = Path(__file__).parent / "sql"
STATIONS_FILE = Path(__file__).parent.parent / "datasets" / "grand-delta-1" / "stations.csv"
SEED = 1  # of the synthetic measures
PUBLICATION = "pub_aquareel"
SUBSCRIPTION = "sub_site_b"
ROLE_PASSWORDS = {
    "aquareel_app": "AQ_APP_PASSWORD",
    "nr_reader": "AQ_READER_PASSWORD",
    "nr_writer": "AQ_WRITER_PASSWORD",
    "replicateur": "AQ_REPLICATION_PASSWORD",
}


def load_database(layout: Layout, site: str, last_instant: datetime) -> None:
    """Build the database of one site, with measures up to `last_instant` (UTC, on a 5-minute step)."""
    with psycopg.connect(postgres.admin_dsn(layout, site, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {DATABASE} TEMPLATE template0 ENCODING 'UTF8'")
    with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE)) as connection:
        connection.execute(sql.SQL("SET aquareel.graine = {}").format(str(SEED)))
        connection.execute(
            sql.SQL("SET aquareel.fin = {}").format(last_instant.strftime("%Y-%m-%d %H:%M:%S"))
        )
        for file in sorted(SQL_DIR.glob("*.sql")):
            if file.name.startswith("60_"):
                _load_references(connection, layout, site)
            connection.execute(file.read_text(encoding="utf-8"))
        secrets = layout.secrets()
        for role, name in ROLE_PASSWORDS.items():
            statement = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), secrets[name])
            connection.execute(statement)
        connection.execute(
            "GRANT SELECT ON ALL TABLES IN SCHEMA cfg, ref, tampon, prod, evt, nr TO replicateur"
        )
        connection.execute("GRANT SELECT ON ha.ordre_schema TO replicateur")
        connection.execute("GRANT USAGE ON SCHEMA cfg, ref, tampon, prod, evt, nr, ha TO replicateur")
    with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE), autocommit=True) as connection:
        connection.execute("ANALYZE")


def _load_references(connection: psycopg.Connection, layout: Layout, site: str) -> None:
    connection.execute(
        "CREATE TEMPORARY TABLE liste (code text, libelle text, type text, cours_eau text, lat text, lon text)"
    )
    with (
        STATIONS_FILE.open("rb") as file,
        connection.cursor().copy("COPY liste FROM STDIN WITH (FORMAT csv, HEADER)") as copy,
    ):
        copy.write(file.read())
    connection.execute(
        "INSERT INTO ref.station (sta_code, sta_libelle, sta_type, sta_pas_min, sta_heure_locale, sta_fuseau) "
        "SELECT code, left(libelle, 120), 'LNS', 5, false, 'UTC' FROM liste ORDER BY code"
    )
    connection.execute("INSERT INTO cfg.noeud VALUES (1, %s)", (site,))
    roles = {ACTIVE: "ACTIF", PASSIVE: "PASSIF", WITNESS: "SURVEILLANCE"}
    for code in SITES:
        connection.execute(
            "INSERT INTO ref.site VALUES (%s, %s, %s, %s)",
            (code, HOST_NAME[code], roles[code], code == ACTIVE),
        )


def replicate(layout: Layout) -> None:
    """Publish on the active site and subscribe on the passive one; both already hold the same rows.

    The subscriber is then pointed at the relay, through which the link can be cut.
    """
    with psycopg.connect(postgres.admin_dsn(layout, ACTIVE, DATABASE), autocommit=True) as active:
        articles = active.execute("SELECT art_schema, art_table FROM ha.tvf_articles()").fetchall()
        tables = sql.SQL(", ").join(sql.Identifier(schema, table) for schema, table in articles)
        active.execute(
            sql.SQL("CREATE PUBLICATION {} FOR TABLE {}").format(sql.Identifier(PUBLICATION), tables)
        )
    with psycopg.connect(postgres.admin_dsn(layout, PASSIVE, DATABASE), autocommit=True) as passive:
        passive.execute(
            sql.SQL(
                "CREATE SUBSCRIPTION {} CONNECTION {} PUBLICATION {} WITH (copy_data = false, origin = none)"
            ).format(
                sql.Identifier(SUBSCRIPTION),
                replication_dsn(layout, layout.address(ACTIVE), PORTS["postgresql"]),
                sql.Identifier(PUBLICATION),
            )
        )
        passive.execute(
            sql.SQL("ALTER SUBSCRIPTION {} CONNECTION {}").format(
                sql.Identifier(SUBSCRIPTION),
                replication_dsn(layout, layout.address(PASSIVE), PORTS["relais"]),
            )
        )


def replication_dsn(layout: Layout, address: str, port: int) -> str:
    """Connection string that a subscription stores."""
    password = layout.secrets()["AQ_REPLICATION_PASSWORD"]
    return (
        f"host={address} port={port} dbname={DATABASE} user=replicateur password={password} connect_timeout=2"
    )


def prepare_databases(layout: Layout) -> list[Popen[bytes]]:
    """From nothing to two replicating databases; returns the server processes, in site order.

    The data is loaded once, without write-ahead log, and the stopped cluster copied.
    """
    postgres.create_cluster(layout)
    now = datetime.now(UTC)
    last_instant = now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)
    loader = postgres.start_cluster(layout, ACTIVE, wal_level="minimal", max_wal_senders="0")
    load_database(layout, ACTIVE, last_instant)
    postgres.stop_cluster(layout, ACTIVE)
    loader.wait()
    postgres.copy_cluster(layout)
    processes = [postgres.start_cluster(layout, site) for site in DATABASE_SITES]
    with psycopg.connect(postgres.admin_dsn(layout, PASSIVE, DATABASE)) as passive:
        passive.execute("UPDATE cfg.noeud SET sit_code = %s", (PASSIVE,))
    replicate(layout)
    return processes
