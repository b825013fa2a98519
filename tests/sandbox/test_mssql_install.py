"""Installing the stand-in on a SQL Server: batches, order, what is never replaced, what the rows are."""

from __future__ import annotations

import re
import sys
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.errors import ConfigError, RequestFailed
from nonreg.sandbox.dataset import SEED
from nonreg.sandbox.mssql import install, rows
from nonreg.sandbox.mssql.batches import blank_hidden, split_batches
from nonreg.sandbox.mssql.install import create_stand_in, list_batches
from tests.sandbox.test_dataset import compute

COMPOSE_FILE = Path(install.__file__).parent / "compose.yaml"
PASSWORDS = {"reader_password": "lire'un secret", "writer_password": "écrire un secret"}

# Batches


STATEMENTS = [
    "SELECT 1;\n",
    "SELECT [a\nGO\nb]]c];\n",
    'SELECT "d\nGO\n";\n',
    "PRINT 'x\nGO\n y''\nGO\n';\n",
    "GOTO fin;\n",
]
NOISE = ["-- it's\n", "-- GO\n", "/* GO\nGO\n */\n", "/* a /* GO\n */\nGO\n*/\n", "\n", "  \r\n", "/* ' */\n"]
SEPARATORS = ["GO\n", "go\n", "  Go \t\n", "GO\r\n"]
BATCH = st.tuples(
    st.lists(st.sampled_from(NOISE)),
    st.sampled_from(STATEMENTS),
    st.lists(st.sampled_from([*NOISE, *STATEMENTS])),
).map(lambda parts: "".join(parts[0]) + parts[1] + "".join(parts[2]))


@settings(max_examples=100)
@given(
    st.lists(st.tuples(BATCH, st.lists(st.sampled_from([*SEPARATORS, *NOISE])), st.sampled_from(SEPARATORS)))
)
def test_batches_end_at_go_alone_and_not_at_one_in_a_string_name_or_comment(
    parts: list[tuple[str, list[str], str]],
) -> None:
    text = "".join(batch + separator + "".join(between) + separator for batch, between, separator in parts)
    found = split_batches("x.sql", text)
    assert [one.text.strip() for one in found if "SELECT 1" in one.text or one.text] == [
        batch.strip() for batch, _, _ in parts
    ]
    for one in found:
        lines = re.split(r"\r\n|\r|\n", text)
        assert lines[one.line - 1].strip() == re.split(r"\r\n|\r|\n", one.text)[0].strip()


@settings(max_examples=100)
@given(st.text(alphabet="'\"[]-/*\n\r GO\x85\u2028é", max_size=40))
def test_hiding_text_keeps_its_length_and_its_lines(text: str) -> None:
    try:
        shown = blank_hidden(text)
    except ValueError as error:
        words = str(error)
    else:
        words = ""
    if words:
        assert re.fullmatch(r"ligne \d+ : « .+ » n'est pas fermé", words)
        return
    assert len(shown) == len(text)
    assert [one.span() for one in re.finditer(r"[\r\n]", shown)] == [
        one.span() for one in re.finditer(r"[\r\n]", text)
    ]
    assert all(there in (" ", here) for here, there in zip(text, shown, strict=True))
    assert blank_hidden(shown) == shown


@pytest.mark.parametrize("line", ["/* y */ GO", "GO -- y", "GO;", "GO 2", "'\nGO' GO"])
def test_go_with_anything_beside_it_is_left_to_the_server(line: str) -> None:
    assert len(split_batches("x.sql", f"PRINT 1\n{line}\nPRINT 2\nGO\n")) == 1


@pytest.mark.parametrize("text", ["SELECT 'a", "\nSELECT [a]]", "/* /* */", 'x\n\n"'])
def test_what_does_not_end_is_refused_with_its_line(text: str) -> None:
    with pytest.raises(ValueError, match="n'est pas fermé"):
        split_batches("x.sql", text)


def test_every_script_ends_its_last_batch_and_starts_no_batch_twice() -> None:
    found = [(one.script, one.line) for one in list_batches()]
    assert len(set(found)) == len(found) == 78
    for path in install.SQL_DIR.glob("*.sql"):
        assert path.read_text(encoding="utf-8").endswith("\nGO\n"), path


def test_reading_the_scripts_needs_no_driver() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in install.SQL_DIR.parent.glob("*.py"))
    assert "pyodbc" not in re.findall(r"^\s*(?:import|from) (\w+)", text, re.MULTILINE)
    assert sys.modules[install.__name__].SQL_DIR.is_dir()


# On a server


class Server:
    """A connection and its cursor that note what they are told; `answers` gives lookups their value."""

    description = None

    def __init__(self, answers: dict[str, object], failing: str = "") -> None:
        self.answers, self.failing = answers, failing
        self.told: list[str] = []
        self.bound: list[tuple[object, ...]] = []
        self.loaded: dict[str, list[tuple[Any, ...]]] = {}
        self._answer: object = None

    def cursor(self) -> Server:
        return self

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> None:
        self.told.append(statement)
        self.bound.append(tuple(parameters))
        self._answer = next((value for part, value in self.answers.items() if part in statement), None)
        if self.failing and self.failing in statement:
            raise RuntimeError("le serveur refuse")

    def executemany(self, statement: str, found: Any) -> None:
        self.told.append(statement)
        self.loaded[statement] = list(found)

    def fetchone(self) -> tuple[object]:
        return (self._answer,)

    def nextset(self) -> bool:
        return False

    def close(self) -> None:
        pass

    def find(self, part: str) -> int:
        """Position of the one statement that holds this."""
        found = [position for position, one in enumerate(self.told) if part in one]
        assert len(found) == 1, (part, found)
        return found[0]


EMPTY: dict[str, object] = {}
FORMER: dict[str, object] = {"OBJECT_ID(": 1, "MAX(id)": 1, "DB_ID(": 7, "SUSER_ID(": 300}


def test_a_server_without_anything_gets_database_logins_scripts_and_rows_in_order() -> None:
    server = Server(EMPTY)
    create_stand_in(server, **PASSWORDS)
    order = [
        server.find("CREATE DATABASE aquareel_maquette"),
        server.find("CREATE LOGIN nr_reader"),
        server.find("CREATE LOGIN nr_writer"),
        server.find("CREATE SCHEMA ref"),
        server.find("CREATE TABLE cfg.identite_plateforme"),
        server.find(install.INSERT_STATION),
        server.find(install.INSERT_SITE),
        server.find(install.INSERT_NODE),
        server.find("INSERT INTO cfg.identite_plateforme"),
        server.find(install.INSERT_MEASURE),
        server.find("INSERT INTO prod.derniere (cap_id, chr_id, mes_valeur, mes_etat)\nSELECT m.cap_id"),
        server.find("CREATE USER nr_reader"),
        server.find("EXEC ha.usp_confirmer"),
    ]
    assert order == sorted(order)
    told = [one for one in server.told if one.startswith("USE")]
    assert told == ["USE master", "USE aquareel_maquette"]
    assert not [one for one in server.told if "DROP " in one and "CREATE PROCEDURE" not in one]
    assert {batch.text for batch in list_batches()} <= set(server.told)
    assert len(server.loaded[install.INSERT_STATION]) == 251
    assert server.told.count("BEGIN TRANSACTION") == server.told.count("COMMIT TRANSACTION") == 4


def test_passwords_are_bound_and_never_in_a_statement() -> None:
    server = Server(EMPTY)
    create_stand_in(server, **PASSWORDS)
    text = "\n".join(server.told)
    assert not [one for one in PASSWORDS.values() if one in text]
    assert [one for one in server.bound if one and one[0] in PASSWORDS.values()] == [
        (PASSWORDS["reader_password"],),
        (PASSWORDS["writer_password"],),
    ]


@pytest.mark.parametrize(
    ("answers", "words"),
    [
        ({"DB_ID(": 7}, "n'est pas la maquette"),
        ({"DB_ID(": 7, "OBJECT_ID(": 1}, "n'est pas la maquette"),
        ({"SUSER_ID(": 300}, "a déjà un compte nr_reader, nr_writer"),
    ],
)
def test_a_database_or_an_account_of_something_else_is_left_alone(
    answers: dict[str, object], words: str
) -> None:
    server = Server(answers)
    with pytest.raises(ConfigError, match=words):
        create_stand_in(server, **PASSWORDS)
    assert not [one for one in server.told if re.search(r"\b(CREATE|DROP|ALTER|GRANT|INSERT)\b", one)]


@pytest.mark.parametrize(
    "name", ["aquareel", "master", "x_maquette; DROP DATABASE y", "", "X_maquette", "_maquette"]
)
def test_only_a_database_that_is_called_a_stand_in_is_made(name: str) -> None:
    server = Server(EMPTY)
    with pytest.raises(ConfigError, match="_maquette"):
        create_stand_in(server, **PASSWORDS, database=name)
    assert server.told == []


def test_a_former_stand_in_is_replaced_and_its_accounts_begin_again_with_nothing() -> None:
    server = Server(FORMER)
    create_stand_in(server, **PASSWORDS)
    server.find("FROM aquareel_maquette.cfg.identite_plateforme WHERE nature = 'TEST' AND jeton = ")
    assert server.find("DROP DATABASE aquareel_maquette") < server.find("CREATE DATABASE aquareel_maquette")
    for login in ("nr_reader", "nr_writer"):
        for database in ("msdb", "distribution"):
            dropped = server.find(f"EXEC {database}.sys.sp_executesql N'DROP USER IF EXISTS {login}'")
            assert dropped < server.find(f"DROP LOGIN {login}") < server.find(f"CREATE LOGIN {login}")


def test_a_batch_that_fails_is_named_and_nothing_is_left() -> None:
    server = Server(EMPTY, failing="CREATE TABLE ref.site")
    with pytest.raises(RequestFailed, match=r"10_tables\.sql, lot de la ligne 54 : le serveur refuse"):
        create_stand_in(server, **PASSWORDS)
    ended = [one for one in server.told if re.search("ALTER DATABASE|^DROP (DATABASE|LOGIN)", one)]
    assert ended == [
        install.PUT_OUT.format(database="aquareel_maquette"),
        "DROP DATABASE aquareel_maquette",
        "DROP LOGIN nr_reader",
        "DROP LOGIN nr_writer",
    ]
    assert server.told[-1] == ended[-1]


# Rows


def test_measures_are_those_that_the_embedded_platform_promises() -> None:
    codes = [code for code, _ in rows.read_stations()]
    last = datetime(2026, 1, 10, 12, 0)
    found = list(rows.list_measures(codes, last))
    assert len(codes) == 251
    assert list(rows.list_measures(codes, last)) == found
    assert len({one[:2] for one in found}) == len(found)
    missing = 0
    for sensor, instant, value, state in found:
        kind = rows.KINDS[(sensor - 1) % 3]
        assert (state == "MANQUANTE") == (value is None)
        missing += value is None
        if kind != "RR":
            expected = compute(SEED, sensor, instant, kind)
            assert (value is None) == (expected is None)
            # Python's own rounding takes the even of two halves.
            assert value is None or abs(value - Decimal(expected or 0)) <= 1
        elif value is not None:
            assert 0 < value <= Decimal("6.8")
    assert 0 < missing < len(found) / 100
    times = {rows.ORIGIN + (instant - 1) * rows.STEP for _, instant, _, _ in found}
    assert max(times) == last
    assert min(times) == last - timedelta(days=89)  # the retention is 90 days, and is looked at to the day
    five = {
        (sensor - 1) // 3
        for sensor, instant, _, _ in found
        if rows.ORIGIN + instant * rows.STEP < last - timedelta(hours=1)
    }
    assert {codes[rank] for rank in five} == set(rows.LONG_STATIONS)


def test_rain_is_stored_only_where_it_rains() -> None:
    codes = [code for code, _ in rows.read_stations()]
    rain = [one for one in rows.list_measures(codes, datetime(2026, 1, 10, 12, 0)) if one[0] % 3 == 0]
    assert rain
    phases = {(instant + sensor // 3 * 211) % 2016 for sensor, instant, _, _ in rain}
    assert phases <= set(range(72))  # six hours in a week, as on the embedded platform
    assert not [one for one in rain if one[2] is not None and one[2] <= 0]


def test_sites_have_one_active_one_and_the_servers_of_the_embedded_platform() -> None:
    assert rows.list_sites() == (
        ("SITE-A", "srv-a", "ACTIF", True),
        ("SITE-B", "srv-b", "PASSIF", False),
        ("SITE-S", "srv-s", "SURVEILLANCE", False),
    )


# The container


def test_the_container_listens_here_only_runs_agent_and_holds_no_secret() -> None:
    service = yaml.safe_load(COMPOSE_FILE.read_text(encoding="utf-8"))["services"]["sqlserver"]
    assert service["image"].startswith("mcr.microsoft.com/mssql/server:2022")
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    environment = service["environment"]
    assert environment["MSSQL_AGENT_ENABLED"] == "true"
    for name in ("MSSQL_SA_PASSWORD", "ACCEPT_EULA"):
        assert re.fullmatch(rf"\$\{{{name}:\?.+\}}", environment[name]), name
    check = " ".join(service["healthcheck"]["test"])
    assert 'SQLCMDPASSWORD="$$MSSQL_SA_PASSWORD"' in check
    assert " -P" not in check
