"""SQL Server 2016 reads every T-SQL text of the project, and nothing in them is newer."""

from __future__ import annotations

import pytest

from tests.tsql.newer import ARGUMENTS, AVOIDED_FUNCTIONS, FUNCTIONS, SYSTEM, find_newer
from tests.tsql.scriptdom import Node, SyntaxRefused, parse
from tests.tsql.texts import (
    list_all,
    list_comparisons,
    list_dynamic,
    list_embedded,
    list_queries,
    list_stand_in,
    number_marks,
)

pytestmark = pytest.mark.tsql


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return list_all()


def explain(text: str) -> str:
    """What the parser says of a text, or of one that it makes and executes; nothing when it reads them."""
    try:
        parse_whole(text)
    except SyntaxRefused as error:
        return str(error)
    return ""


def parse_whole(text: str) -> list[Node]:
    """The tree of a text, and of each text that it makes and executes."""
    tree = parse(text)
    return [tree] + [parse(one) for one in list_dynamic(tree)]


def test_there_are_texts_of_every_sort(texts: dict[str, str]) -> None:
    sorts = {label.split()[0] for label in texts}
    assert {
        "query",
        "embedded",
        "grants",
        "proposal",
        "comparison",
        "example",
        "10_tables.sql",
        "40_publication.sql",
    } <= sorts
    assert len(list_queries()) > 100
    assert len(list_stand_in()) == 78
    for part in ("CREATE DATABASE", "@@TRANCOUNT", "SET LOCK_TIMEOUT"):
        assert any(part in one for one in list_embedded().values()), part


def test_sql_server_2016_reads_every_text(texts: dict[str, str]) -> None:
    assert {label: said for label, text in texts.items() if (said := explain(text))} == {}
    assert [label for label, text in texts.items() if not parse(text).get("Batches")] == []


def test_each_text_is_refused_once_something_is_missing_at_its_end(texts: dict[str, str]) -> None:
    assert [label for label, text in texts.items() if not explain(f"{text}\nSELECT a FROM")] == []


def test_each_name_of_a_compared_table_reaches_the_server_as_it_is() -> None:
    text = list_comparisons()["comparison odd one rows"]
    tree = parse(text)
    names = {node.get("Value") for node in tree.walk() if node.kind == "Identifier"}
    assert {"s]:x", "t :[y", "a]b", "c:d e", "'?--"} <= names
    marks = {node.get("Name") for node in tree.walk() if node.kind == "VariableReference"}
    assert marks == {"@P1", "@P2"}


def test_no_text_uses_what_is_newer_or_avoided(texts: dict[str, str]) -> None:
    found = {
        label: [one for tree in parse_whole(text) for one in find_newer(tree)]
        for label, text in texts.items()
    }
    assert {label: used for label, used in found.items() if used} == {}


def test_a_text_that_is_executed_is_parsed_too() -> None:
    for text in (
        "EXEC sys.sp_executesql N'GRANT SELECT ON a.b TO'",
        "DECLARE @o nvarchar(9) = N'SELECT ' + N'FROM'; EXEC (@o)",
    ):
        parse(text)
        with pytest.raises(SyntaxRefused):
            parse_whole(text)


def test_all_the_logins_and_rights_are_in_texts_that_are_executed(texts: dict[str, str]) -> None:
    made = [one for text in texts.values() for one in list_dynamic(parse(text))]
    assert [one for one in made if one.startswith("CREATE LOGIN nr_reader WITH PASSWORD = N'x'")]
    assert [one for one in made if "GRANT SELECT ON OBJECT::[dbo].[sysjobs]" in one]


def test_marks_are_numbered_and_a_mark_in_a_text_or_comment_is_none() -> None:
    assert number_marks("SELECT ?, N'?', [?] -- ?\n, ?") == "SELECT @P1, N'?', [?] -- ?\n, @P2"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM t WHERE a IS DISTINCT FROM 1",  # 2022
        "SELECT SUM(a) OVER w FROM t WINDOW w AS (ORDER BY b)",  # 2022
        "SELECT TRIM('x' FROM a) FROM t",  # 2017
        "CREATE TABLE dbo.t (a int) AS NODE",  # 2017
        "SELECT a FROM t LIMIT 3",
        "DROP TABLE t IF EXISTS",
        "SELECT 'a' || 'b'",  # 2025
        "IF 1 = 1 BEGIN SELECT 1",
    ],
)
def test_what_sql_server_2016_does_not_read_is_refused(text: str) -> None:
    with pytest.raises(SyntaxRefused):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        *(f"SELECT {name.lower()}(a, b) FROM t" for name in (*FUNCTIONS, *AVOIDED_FUNCTIONS)),
        *(f"SELECT {name}({', '.join('a' * (most + 1))}) FROM t" for name, most in ARGUMENTS.items()),
        *(f"SELECT a FROM sys.{name}" for name in SYSTEM),
        *(f"SELECT a FROM [SYS].{name}(1)" for name in SYSTEM),
        "SELECT value FROM GENERATE_SERIES(1, 9)",
        "SELECT value FROM t CROSS APPLY string_split(a, ',', 1)",
        "CREATE OR ALTER PROCEDURE a.b AS SELECT 1",
        "CREATE OR ALTER VIEW a.b AS SELECT 1 AS c",
        "MERGE t USING u ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "IF 1 = 0 BEGIN SELECT a FROM (SELECT MAX(Trim(b)) AS a FROM t) x END",
    ],
)
def test_what_is_newer_or_avoided_is_seen(text: str) -> None:
    assert len(list(find_newer(parse(text)))) == 1


@pytest.mark.parametrize(
    "text", ["SELECT a.trim(b) FROM t", "SELECT dbo.GREATEST(1, 2)", "SELECT trim FROM string_agg"]
)
def test_a_name_of_the_application_is_no_function_of_the_server(text: str) -> None:
    assert list(find_newer(parse(text))) == []
