"""The named queries of discovery and of rights: same columns in both engines, and a T-SQL hash that is what it says."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
import sqlglot
from hypothesis import example, given
from hypothesis import strategies as st
from sqlglot import exp

from nonreg.clients.sql import QUERIES_DIR, load_query
from nonreg.probes.schema import normalise_definition
from nonreg.sqlfiles.guard import check_read_only

NAMES = sorted(
    path.stem
    for path in (QUERIES_DIR / "mssql").glob("*.sql")
    if path.stem.startswith(("discover_", "grants_"))
)
DIALECTS = {"mssql": "tsql", "postgresql": "postgres"}
COUNTED = 127, 7  # trailing spaces and tabs that the T-SQL takes away


def read_columns(engine: str, name: str) -> list[str]:
    """Columns of a named query."""
    tree = sqlglot.parse_one(load_query(engine, name), read=DIALECTS[engine])
    assert isinstance(tree, exp.Query)
    return tree.named_selects


@pytest.mark.parametrize("name", NAMES)
def test_both_engines_return_the_same_columns(name: str) -> None:
    assert read_columns("mssql", name) == read_columns("postgresql", name)
    assert "" not in read_columns("mssql", name)


@pytest.mark.parametrize("engine", DIALECTS)
@pytest.mark.parametrize("name", ["discover_constraints", "discover_hashes", "discover_modules"])
def test_what_reads_the_catalog_only_reads(engine: str, name: str) -> None:
    assert check_read_only(load_query(engine, name), engine) == ""


@pytest.mark.parametrize("engine", DIALECTS)
@pytest.mark.parametrize("name", ["discover_constraints", "discover_hashes"])
def test_what_is_embedded_in_scenarios_has_no_order_and_no_parameter(engine: str, name: str) -> None:
    tree = sqlglot.parse_one(load_query(engine, name), read=DIALECTS[engine])
    assert tree.args.get("order") is None
    assert not list(tree.find_all(exp.Placeholder))


def evaluate(node: exp.Expr, columns: dict[str, Any]) -> Any:
    """The value of the few functions that the T-SQL hash is made of, as SQL Server's pages define them."""
    if isinstance(node, exp.Column):
        return columns[f"{node.table}.{node.name}"]
    if isinstance(node, exp.Literal):
        return node.this if node.is_string else int(node.this)
    if isinstance(node, exp.National):
        return node.this
    if isinstance(node, exp.Paren | exp.Collate | exp.Cast):  # the parser puts LEN's argument in a CAST
        return evaluate(node.this, columns)
    given = [evaluate(one, columns) for one in node.iter_expressions()]
    if isinstance(node, exp.Add):
        return given[0] + given[1]
    if isinstance(node, exp.Sub):
        return given[0] - given[1]
    name = node.name.upper() if isinstance(node, exp.Anonymous) else type(node).__name__.upper()
    return FUNCTIONS[name](*given)


def find_pattern(pattern: str, text: str) -> int:
    """PATINDEX of `%[^x]%`, the only pattern there is: where something else than x comes first, from 1."""
    assert pattern[:3] == "%[^"
    assert pattern[4:] == "]%"
    return next((place for place, letter in enumerate(text, 1) if letter != pattern[3]), 0)


FUNCTIONS: dict[str, Any] = {
    "NCHAR": chr,
    "REPLACE": lambda text, old, new: text.replace(old, new),
    "REPLICATE": lambda text, times: text * times,
    "REPEAT": lambda text, times: text * times,
    "PATINDEX": find_pattern,
    "LEN": lambda text: len(text.rstrip(" ")),
    "LENGTH": lambda text: len(text.rstrip(" ")),
    "REVERSE": lambda text: text[::-1],
    "SUBSTRING": lambda text, start, length: text[start - 1 : start - 1 + length],
    "LEFT": lambda text, length: text[:length],
}


def normalise_as_server(definition: str) -> str:
    """The text that the T-SQL hashes."""
    tree = sqlglot.parse_one(load_query("mssql", "discover_hashes"), read="tsql")
    columns: dict[str, Any] = {"m.definition": definition}
    for lateral in tree.find_all(exp.Lateral):
        (alias,) = lateral.this.this.expressions
        columns[f"{lateral.alias}.body"] = evaluate(alias.this, columns)
    return str(columns["e.body"])


LINES = st.tuples(
    st.text(st.sampled_from("aé 'x\t"), max_size=8).map(lambda line: line.rstrip(" \t")),
    st.integers(0, COUNTED[0]).map(lambda count: " " * count)
    | st.integers(0, COUNTED[1]).map(lambda count: "\t" * count),
    st.sampled_from(["\n", "\r\n"]),
)


@given(st.lists(LINES, max_size=8), st.booleans())
@example([("CREATE VIEW v AS", " " * 127, "\r\n"), ("SELECT 1 AS a", "\t" * 7, "\n"), ("", "  ", "\n")], True)
@example([("CREATE VIEW v AS SELECT 1 AS a", "   ", "\n")], False)
def test_the_servers_normalisation_is_that_of_the_modules_of_reference(
    lines: list[tuple[str, str, str]], ends_with_a_line_end: bool
) -> None:
    definition = "\n\r\nCREATE" + "".join("".join(parts) for parts in lines)
    if not ends_with_a_line_end:
        definition = definition.removesuffix("\n").removesuffix("\r")
    assert normalise_as_server(definition) == normalise_definition(definition)


def test_a_change_within_a_line_is_seen() -> None:
    assert normalise_as_server("CREATE VIEW v AS\nSELECT  1") != normalise_as_server(
        "CREATE VIEW v AS\nSELECT 1"
    )


def test_the_server_hashes_that_text_with_sha_256_in_lower_case() -> None:
    tree = sqlglot.parse_one(load_query("mssql", "discover_hashes"), read="tsql")
    shown = tree.find(exp.Lower)
    assert shown is not None
    assert shown.sql("tsql") == "LOWER(CONVERT(VARCHAR(64), HASHBYTES('SHA2_256', e.body), 2))"
    assert hashlib.new("sha256").digest_size * 2 == 64


def test_no_function_that_sql_server_2016_lacks_is_used() -> None:
    later = ("STRING_AGG", "TRIM(", "CONCAT_WS", "GREATEST", "LEAST", "GENERATE_SERIES", "DATETRUNC")
    for name in NAMES:
        text = Path(QUERIES_DIR / "mssql" / f"{name}.sql").read_text(encoding="utf-8").upper()
        assert not [word for word in later if word in text.replace("RTRIM(", "").replace("LTRIM(", "")]
