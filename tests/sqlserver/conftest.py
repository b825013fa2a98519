"""A real SQL Server, when MSSQL names one: a connection string with an administrator's account, from the environment.

Not on a command line, where everybody on the machine reads the password.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from nonreg.clients.odbc import import_pyodbc
from nonreg.clients.sql import Session, open_session
from nonreg.config import Odbc, Platform
from nonreg.model import SiteRole
from nonreg.sandbox.mssql.install import DATABASE, READER, WRITER, create_stand_in
from tests.governed import make_governed
from tests.odbc.keywords import parse_keywords

VARIABLE = "MSSQL"
NO_SERVER = (
    f"aucun SQL Server : export {VARIABLE}='DRIVER={{…}};SERVER=tcp:…,1433;UID=sa;PWD={{…}};' "
    "puis make test-sqlserver"
)


@dataclass(frozen=True, slots=True)
class StandIn:
    """The stand-in on that server, and the platform whose active database it is."""

    platform: Platform
    connection: Any


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Created once for all tests; what a test writes is rolled back or removed by it."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        pytest.skip(NO_SERVER)
    given = {name.upper(): value for name, value in parse_keywords(text).items()}
    passwords = {
        name: secrets.token_urlsafe(18) + "aA1!" for name in ("AQ_READER_PASSWORD", "AQ_WRITER_PASSWORD")
    }
    connection = import_pyodbc().connect(text, autocommit=True, timeout=15)
    create_stand_in(
        connection,
        reader_password=passwords["AQ_READER_PASSWORD"],
        writer_password=passwords["AQ_WRITER_PASSWORD"],
    )
    host, _, port = given["SERVER"].removeprefix("tcp:").partition(",")
    platform = make_governed(tmp_path_factory.mktemp("plateforme")).platform
    active = platform.site(SiteRole.ACTIF)
    assert active.database is not None
    database = replace(
        active.database,
        engine="mssql",
        host=host,
        port=int(port or 1433),
        name=DATABASE,
        reader_user=READER,
        writer_user=WRITER,
        odbc=Odbc(
            driver=given.get("DRIVER", ""),
            trust_server_certificate=given.get("TRUSTSERVERCERTIFICATE", "no").lower() in ("yes", "true"),
        ),
    )
    sites = tuple(replace(one, database=database) if one is active else one for one in platform.sites)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in passwords.items():
            patch.setenv(name, value)
        yield StandIn(replace(platform, sites=sites), connection)
    connection.close()


@pytest.fixture
def reader(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(SiteRole.ACTIF)) as session:
        yield session


@pytest.fixture
def writer(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(SiteRole.ACTIF), "writer") as session:
        yield session
