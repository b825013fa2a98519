"""A real SQL Server, when MSSQL names one: a connection string with an administrator's account, from the environment.

Not on a command line, where everybody on the machine reads the password. The pair of stand-ins is made on it, the
second one subscribed to the first; on a server that cannot replicate, what needs that is skipped. Its accounts begin
with nothing; what they may do in every test is what the script of `python -m nonreg grants` gave them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator

import pytest

from nonreg.clients.odbc import import_pyodbc
from nonreg.clients.sql import Session, open_session
from nonreg.sandbox.mssql.replication import ACCOUNTS, name_password
from tests.governed import make_governed
from tests.odbc.keywords import parse_keywords
from tests.sqlserver.pair import (
    ACTIVE,
    PASSIVE,
    USERS,
    StandIn,
    judge_both,
    make_pair,
    read_address,
    run_script,
    write_platform,
)

VARIABLE = "MSSQL"
NO_SERVER = (
    f"aucun SQL Server : export {VARIABLE}='DRIVER={{…}};SERVER=tcp:…,1433;UID=sa;PWD={{…}};' "
    "(et TrustServerCertificate=yes pour un conteneur, qui signe lui-même son certificat) puis make test-sqlserver"
)


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Created once for all tests; what a test writes is rolled back or removed by it."""
    text = os.environ.get(VARIABLE, "")
    if not text:
        pytest.skip(NO_SERVER)
    given = {name.upper(): value for name, value in parse_keywords(text).items()}
    read_address(given)  # before anything is made there
    passwords = {account: secrets.token_urlsafe(18) + "aA1!" for account in ACCOUNTS}
    connection = import_pyodbc().connect(text, autocommit=True, timeout=15)
    limit = make_pair(connection, passwords)
    governed = make_governed(tmp_path_factory.mktemp("plateforme"))
    write_platform(governed, given)
    with pytest.MonkeyPatch.context() as patch:
        for account, password in passwords.items():
            patch.setenv(name_password(account), password)
        platform = governed.platform
        before = {
            (role, account): judgement
            for role in USERS
            for account, judgement in judge_both(platform, role).items()
        }
        for role in USERS:
            run_script(connection, role)
        yield StandIn(governed, platform, connection, before, limit)
    connection.close()


@pytest.fixture
def reader(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(ACTIVE)) as session:
        yield session


@pytest.fixture
def passive_reader(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(PASSIVE)) as session:
        yield session


@pytest.fixture
def writer(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(ACTIVE), "writer") as session:
        yield session
