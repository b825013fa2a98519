"""A real SQL Server, when MSSQL names one: a connection string with an administrator's account, from the environment.

Not on a command line, where everybody on the machine reads the password. The two accounts begin with nothing; what they
may do in every test is what the script of `python -m nonreg grants` gave them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest

from nonreg.clients.odbc import import_pyodbc
from nonreg.clients.result_sets import run_batch
from nonreg.clients.sql import Session, open_session
from nonreg.config import Odbc, Platform
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, load_manifest
from nonreg.grants.preflight import Judgement
from nonreg.grants.script import Users, write_script
from nonreg.model import SiteRole
from nonreg.sandbox.mssql.batches import split_batches
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
    """The stand-in on that server, and the platform whose active database it is.

    `before` is how the check judged the two accounts before the script of rights was run.
    """

    platform: Platform
    connection: Any
    before: Mapping[Account, Judgement]


def run_script(connection: Any) -> None:
    """Run the script of rights as sqlcmd does: batch after batch on one connection."""
    script = write_script(load_manifest(), Users({Account.READER: READER, Account.WRITER: WRITER}, DATABASE))
    for batch in split_batches("droits.sql", script):
        run_batch(connection, batch.text)


def judge_both(platform: Platform) -> dict[Account, Judgement]:
    """What the check says of the two accounts."""
    site, manifest = platform.site(SiteRole.ACTIF), load_manifest()
    return {account: check_account(platform, site, account, manifest) for account in Account}


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
        there = replace(platform, sites=sites)
        before = judge_both(there)
        run_script(connection)
        yield StandIn(there, connection, before)
    connection.close()


@pytest.fixture
def reader(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(SiteRole.ACTIF)) as session:
        yield session


@pytest.fixture
def writer(stand_in: StandIn) -> Iterator[Session]:
    with open_session(stand_in.platform, stand_in.platform.site(SiteRole.ACTIF), "writer") as session:
        yield session
