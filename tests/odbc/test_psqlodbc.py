"""pyodbc for real, through psqlODBC on the embedded platform's PostgreSQL: what does not depend on T-SQL.

Asked for by `make test-odbc`; it then fails where unixODBC or psqlODBC is absent.
"""

from __future__ import annotations

import re
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg import sql

from nonreg.clients.odbc import connect, import_pyodbc
from nonreg.clients.odbc_errors import OdbcKind, classify, read_odbc_error
from nonreg.clients.result_sets import MOST_ROWS, ResultSet, run_batch
from nonreg.config import load_platform
from nonreg.errors import RequestFailed
from nonreg.model import SiteRole
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.waiting import wait_until

pytestmark = pytest.mark.odbc
DRIVER = "PostgreSQL Unicode"
PASSWORDS = ["simple", "a;b", "a}b", "{a}", "a=b;PWD=c", " debut et fin ", "é€😀", "50%+d", "a}};b{"]


@pytest.fixture(scope="module")
def keywords(sandbox: Layout) -> dict[str, str]:
    """How to reach the active site's database as the reader."""
    platform = load_platform(str(sandbox.platform_file))
    database = platform.site(SiteRole.ACTIF).database
    assert database is not None
    return {
        "DRIVER": DRIVER,
        "Server": database.host,
        "Port": str(database.port),
        "Database": database.name,
        "UID": database.reader_user,
        "PWD": platform.secret(database.reader_password_env).reveal(),
    }


@pytest.fixture
def connection(keywords: dict[str, str]) -> Iterator[Any]:
    with closing(connect(keywords, 5.0, 30.0)) as opened:
        yield opened


def refuse(action: Callable[[], object], *, connecting: bool = False) -> OdbcKind:
    """What the driver's error of an action means."""
    with pytest.raises(import_pyodbc().Error) as caught:
        action()
    return classify(read_odbc_error(caught.value.args), connecting=connecting)


def wait_gone(sandbox: Layout, pid: int) -> None:
    """Return when the server has no such session any more."""
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
        gone = "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: admin.execute(gone, (pid,)).fetchone() == (True,), 5)


def test_every_result_set_is_read_to_the_end_whatever_stands_between(connection: Any) -> None:
    batch = run_batch(
        connection, "SELECT 1 AS a; SET work_mem = '4MB'; SELECT 'é' AS b, NULL AS c WHERE false; SELECT 2, 3"
    )
    assert batch.sets == (
        ResultSet(("a",), ((1,),)),
        ResultSet(("b", "c"), ()),
        ResultSet(("?column?", "?column?"), ((2, 3),)),
    )


def test_an_error_behind_the_first_result_set_is_not_missed(connection: Any) -> None:
    assert refuse(lambda: run_batch(connection, "SELECT 1; SELECT 1/0; SELECT 2")) is OdbcKind.OTHER


def test_a_result_without_end_is_refused_and_the_connection_goes_on(connection: Any) -> None:
    with pytest.raises(RequestFailed, match=f"Plus de {MOST_ROWS} lignes"):
        run_batch(connection, f"SELECT n FROM generate_series(1, {MOST_ROWS + 1}) n")
    assert run_batch(connection, "SELECT 1").sets[0].rows == ((1,),)


VALUES = [
    ("smallint", 12),
    ("bigint", 9_007_199_254_740_993),
    ("numeric(12,3)", Decimal("-0.125")),
    ("numeric", Decimal("12345678901234567890.123456789")),
    ("double precision", 0.1),
    ("boolean", True),
    ("date", date(2026, 2, 28)),
    ("timestamp", datetime(2026, 3, 29, 2, 30, 0, 123000)),
    ("varchar(80)", "Rhône à Beaucaire, 12 °C — « crue »"),
    ("varchar(80)", "naïve 😀 \u0000".replace("\u0000", "fin")),
    ("varchar(80)", ""),
    ("bytea", bytes(range(256))),
    ("varchar(80)", None),
]


@pytest.mark.parametrize(("kind", "value"), VALUES, ids=[f"{kind}-{value!r:.12}" for kind, value in VALUES])
def test_a_value_comes_back_as_it_was_sent(connection: Any, kind: str, value: object) -> None:
    (found,) = connection.execute(f"SELECT CAST(? AS {kind})", value).fetchone()
    if kind == "boolean":
        found = found in (True, "1")  # the driver's own word for it
    assert (type(found), found) == (type(value), value)


def test_a_text_longer_than_any_buffer_is_whole(connection: Any) -> None:
    text = "é😀" * 200_000
    (found,) = connection.execute("SELECT CAST(? AS text)", text).fetchone()
    assert found == text


def test_a_query_is_given_up_at_its_timeout(keywords: dict[str, str]) -> None:
    with closing(connect(keywords, 5.0, 0.2)) as opened:
        assert refuse(lambda: opened.execute("SELECT pg_sleep(20)")) is OdbcKind.TIMEOUT
        opened.rollback()
        assert opened.execute("SELECT 1").fetchval() == 1


def test_a_connection_that_is_cut_in_the_middle_of_a_query_says_so(sandbox: Layout, connection: Any) -> None:
    mark = uuid.uuid4().hex

    def cut() -> None:
        with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:

            def kill() -> bool:
                row = admin.execute(
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                    "WHERE query LIKE %s AND pid <> pg_backend_pid()",
                    (f"%{mark}%",),
                ).fetchone()
                return row is not None and row[0] > 0

            wait_until(kill, 20)

    thread = threading.Thread(target=cut)
    thread.start()
    kind = refuse(lambda: connection.execute(f"SELECT pg_sleep(25) /* {mark} */").fetchall())
    thread.join()
    assert kind is OdbcKind.LOST


def test_what_was_not_committed_is_gone_with_its_connection(
    sandbox: Layout, keywords: dict[str, str]
) -> None:
    elsewhere = {**keywords, "Database": "postgres"}  # what is created there is nobody's article

    def may_write(cursor: Any) -> None:  # the reader may not
        cursor.execute("SET default_transaction_read_only = off")

    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, "postgres"), autocommit=True) as admin:
        admin.execute("CREATE TABLE essai_odbc (n int); GRANT ALL ON essai_odbc TO PUBLIC")
        try:
            with closing(connect(elsewhere, 5.0, 5.0, may_write)) as opened:
                opened.execute("INSERT INTO essai_odbc VALUES (1)")
            assert admin.execute("SELECT count(*) FROM essai_odbc").fetchone() == (0,)
            with closing(connect(elsewhere, 5.0, 5.0, may_write, autocommit=True)) as opened:
                opened.execute("INSERT INTO essai_odbc VALUES (2)")
            assert admin.execute("SELECT count(*) FROM essai_odbc").fetchone() == (1,)
        finally:
            admin.execute("DROP TABLE essai_odbc")


def test_the_session_is_set_before_its_first_query_and_no_transaction_is_left_open(
    keywords: dict[str, str],
) -> None:
    def name(cursor: Any) -> None:
        cursor.execute("SET application_name = 'essai-odbc'")

    with closing(connect(keywords, 5.0, 5.0, name)) as opened:
        assert opened.execute("SHOW application_name").fetchval() == "essai-odbc"
        opened.rollback()  # had the setting been in an open transaction, it would go with it
        assert opened.execute("SHOW application_name").fetchval() == "essai-odbc"


def test_a_server_that_is_refused_while_the_session_is_set_is_left(
    sandbox: Layout, keywords: dict[str, str]
) -> None:
    pids: list[int] = []

    def refuse_it(cursor: Any) -> None:
        pids.append(cursor.execute("SELECT pg_backend_pid()").fetchval())
        raise RequestFailed("trop ancien")

    with pytest.raises(RequestFailed, match="trop ancien"):
        connect(keywords, 5.0, 5.0, refuse_it)
    wait_gone(sandbox, pids[0])


def test_every_thread_has_a_connection_of_its_own_at_the_same_time(keywords: dict[str, str]) -> None:
    count = 6
    together = threading.Barrier(count, timeout=20)

    def work(number: int) -> tuple[int, list[int]]:
        with closing(connect(keywords, 5.0, 20.0)) as opened:
            pid = opened.execute("SELECT pg_backend_pid()").fetchval()
            together.wait()
            found = [
                opened.execute("SELECT CAST(? AS int) + 0 * pg_backend_pid()", number).fetchval()
                for _ in range(50)
            ]
            assert opened.execute("SELECT pg_backend_pid()").fetchval() == pid
            return pid, found

    with ThreadPoolExecutor(count) as pool:
        done = list(pool.map(work, range(count)))
    assert len({pid for pid, _ in done}) == count
    assert [found for _, found in done] == [[number] * 50 for number in range(count)]


def test_a_closed_connection_ends_its_session_at_once_there_is_no_pool(
    sandbox: Layout, keywords: dict[str, str]
) -> None:
    with closing(connect(keywords, 5.0, 5.0)) as opened:
        pid = opened.execute("SELECT pg_backend_pid()").fetchval()
    wait_gone(sandbox, pid)


@pytest.mark.parametrize("password", PASSWORDS)
def test_any_password_is_passed_as_it_is(sandbox: Layout, keywords: dict[str, str], password: str) -> None:
    role = sql.Identifier("essai_odbc")
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, password))
        try:
            admin.execute(
                sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(DATABASE), role)
            )
            with closing(connect({**keywords, "UID": "essai_odbc", "PWD": password}, 5.0, 5.0)) as opened:
                assert opened.execute("SELECT current_user").fetchval() == "essai_odbc"
        finally:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(role))
            admin.execute(sql.SQL("DROP ROLE {}").format(role))


def test_a_wrong_password_is_refused_and_told_without_it(keywords: dict[str, str]) -> None:
    with pytest.raises(import_pyodbc().Error) as caught:
        connect({**keywords, "PWD": "mot-de-passe-faux"}, 5.0, 5.0)
    assert not re.search("mot-de-passe-faux", repr(caught.value))
    assert "password authentication failed" in read_odbc_error(caught.value.args).words


def test_a_dead_server_and_one_that_says_nothing_are_no_route(keywords: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        here = {**keywords, "Server": "127.0.0.1", "Port": port}
        assert refuse(lambda: connect(here, 1.0, 5.0), connecting=True) is OdbcKind.NO_ROUTE
    assert refuse(lambda: connect(here, 1.0, 5.0), connecting=True) is OdbcKind.NO_ROUTE


@pytest.mark.parametrize("driver", ["Pilote qui n'existe pas", "/absent/pilote.so"])
def test_a_driver_that_is_not_there_is_told_as_that(keywords: dict[str, str], driver: str) -> None:
    kind = refuse(lambda: connect({**keywords, "DRIVER": driver}, 1.0, 5.0), connecting=True)
    assert kind is OdbcKind.DRIVER_MISSING
