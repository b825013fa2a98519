"""Two bare PostgreSQL servers, the embedded platform's without its services: for what only compares databases."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from psycopg import sql

from nonreg.comparison.run import Place
from nonreg.config import load_platform
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import DATABASE_SITES, PORTS, Layout, create_layout

DATABASE = "comparaison"


@dataclass(frozen=True, slots=True)
class Pair:
    """The two servers, each with one database; `places` as a comparison takes them, the reader's account."""

    layout: Layout
    places: tuple[Place, Place]

    def connect(self, side: int) -> psycopg.Connection:
        """An administrator's connection to one of them, with autocommit."""
        dsn = postgres.admin_dsn(self.layout, DATABASE_SITES[side], DATABASE)
        return psycopg.connect(dsn, autocommit=True)

    def on_both(self, *statements: str) -> None:
        """Run statements on both."""
        for side in range(2):
            with self.connect(side) as connection:
                for statement in statements:
                    connection.execute(statement)  # type: ignore[call-overload]


def find_network() -> str:
    """One that no embedded platform takes, and whose PostgreSQL ports nobody holds."""
    for step in range(250):
        network = f"127.78.{(os.getpid() + step) % 250}"
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((Layout(Path(), network).address(DATABASE_SITES[0]), PORTS["postgresql"]))
            except OSError:
                continue
        return network
    raise OSError("aucun réseau 127.78.x libre")


def find_place(layout: Layout, site: str) -> Place:
    """One server as a comparison takes it; any process can ask."""
    platform = load_platform(str(layout.platform_file))
    found = next(one for one in platform.sites if one.code == site)
    assert found.database is not None
    database = replace(found.database, name=DATABASE, query_timeout_seconds=60.0)
    return Place(platform, replace(found, database=database))


@contextmanager
def start_pair(root: Path, **settings: str) -> Iterator[Pair]:
    """Both servers, gone at the end."""
    layout = create_layout(root, find_network())
    postgres.create_cluster(layout)
    postgres.copy_cluster(layout)
    sites = DATABASE_SITES[:2]
    try:
        for site in sites:
            postgres.start_cluster(layout, site, **settings)
        places = [find_place(layout, site) for site in sites]
        for site, place in zip(sites, places, strict=True):
            database = place.site.database
            assert database is not None
            password = place.platform.secret(database.reader_password_env).reveal()
            with psycopg.connect(postgres.admin_dsn(layout, site, "postgres"), autocommit=True) as admin:
                admin.execute(f"CREATE DATABASE {DATABASE}")
                create = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                admin.execute(create.format(sql.Identifier(database.reader_user), sql.Literal(password)))
            with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE), autocommit=True) as admin:
                admin.execute("CREATE SCHEMA essai")
                reader = sql.Identifier(database.reader_user)
                admin.execute(sql.SQL("GRANT USAGE ON SCHEMA essai TO {}").format(reader))
                grant = "ALTER DEFAULT PRIVILEGES IN SCHEMA essai GRANT SELECT ON TABLES TO {}"
                admin.execute(sql.SQL(grant).format(reader))
        yield Pair(layout, (places[0], places[1]))
    finally:
        for site in sites:
            postgres.stop_cluster(layout, site)
        shutil.rmtree(layout.postgres_home)  # hundreds of MB, for root beside the test's own folder
