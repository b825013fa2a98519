"""What the text of a named query says without a server: parameters, statements, columns that it answers with."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlalchemy import text
from sqlalchemy.dialects import mssql, postgresql
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from nonreg.clients.sql import load_query

STAND_IN = Path(__file__).parent.parent / "nonreg" / "sandbox" / "mssql" / "sql"
DIALECTS = {"postgresql": "postgres", "mssql": "tsql"}
TEXTS = {sqlglot.TokenType.STRING, sqlglot.TokenType.NATIONAL_STRING, sqlglot.TokenType.IDENTIFIER}
MODULE = re.compile(
    r"^CREATE (?P<kind>PROCEDURE|FUNCTION) (?P<name>\w+\.\w+)\s*(?P<parameters>.*?)"
    r"^(?:WITH EXECUTE AS OWNER\n)?(?:RETURNS TABLE\n)?AS\n(?P<body>.*?)^GO$",
    re.DOTALL | re.MULTILINE,
)
TABLE = re.compile(r"^CREATE TABLE (\w+\.\w+) \(\n(.*?)^\);", re.DOTALL | re.MULTILINE)
COLUMN = re.compile(r"^    (?!CONSTRAINT\b)(\w+) ", re.MULTILINE)
PARAMETER = re.compile(r"@(\w+) [\w.]+(?:\([\d, ]+\))?(?P<default> = [^,\n]+)?")

Answering = exp.Query | exp.Execute


@dataclass(frozen=True, slots=True)
class Module:
    """A procedure or inline function of the stand-in: its parameters, those without a default, its last statement."""

    name: str
    parameters: tuple[str, ...]
    required: frozenset[str]
    last: str


def list_parameters(engine: str, name: str) -> tuple[str, ...]:
    """Names of the bound parameters, as SQLAlchemy reads them for the engine."""
    dialect = mssql.dialect() if engine == "mssql" else postgresql.dialect()  # type: ignore[no-untyped-call]
    return tuple(sorted(text(load_query(engine, name)).compile(dialect=dialect).params))


@functools.cache
def parse(engine: str, name: str) -> list[exp.Expr]:
    """The statements of a query, each parameter a name that the parser takes anywhere."""
    mark = "@p_" if engine == "mssql" else "p_"
    statement = re.sub(r"(?<![:\w\\]):(\w+)(?!:)", rf"{mark}\1", load_query(engine, name)).replace(r"\:", ":")
    return [found for found in sqlglot.parse(statement, read=DIALECTS[engine]) if found is not None]


@functools.cache
def list_words(name: str) -> list[str]:
    """Words of a SQL Server query in upper case, without its comments, texts and quoted names."""
    tokens = sqlglot.tokenize(load_query("mssql", name), read="tsql")
    return [token.text.upper() for token in tokens if token.token_type not in TEXTS]


def list_runs(statements: list[exp.Expr]) -> list[list[Answering]]:
    """For each way through the branches, the statements that may answer: queries and procedures."""
    runs: list[list[Answering]] = [[]]
    for statement in statements:
        runs = [run + more for run in runs for more in follow(statement)]
    return runs


def follow(statement: exp.Expr) -> list[list[Answering]]:
    """The runs of one statement; what a block holds after its END comes after it."""
    if isinstance(statement, Answering):
        return [[statement]]
    if not isinstance(statement, exp.IfBlock | exp.WhileBlock):
        return [[]]
    inside = (statement.args.get("true") or statement.args["body"]).expressions
    ends = [at for at, one in enumerate(inside) if isinstance(one, exp.EndStatement)]
    inside, after = (inside[: ends[-1]], inside[ends[-1] + 1 :]) if ends else (inside, [])
    branches = list_runs(inside)
    if isinstance(statement, exp.IfBlock):
        branches += list_runs(statement.args["false"].expressions) if statement.args.get("false") else [[]]
    return [branch + more for branch in branches for more in list_runs(after)]


def name_columns(query: exp.Query) -> tuple[str, ...]:
    """Names of a query's columns; AssertionError for one to which the text gives none."""
    for one in query.selects:  # of the first part, for a union
        named = isinstance(one, exp.Alias) or (isinstance(one, exp.Column) and not one.is_star)
        assert named, f"a column has no name: {one.sql()}"
    return tuple(one.alias_or_name for one in query.selects)


def name_procedure(call: exp.Execute) -> str:
    """The procedure that an EXEC calls."""
    return str(call.this.sql("tsql"))


@functools.cache
def read_modules() -> dict[str, Module]:
    """Procedures and inline functions of the stand-in in T-SQL, by name."""
    found = {}
    for path in sorted(STAND_IN.glob("*.sql")):
        for match in MODULE.finditer(path.read_text(encoding="utf-8")):
            declared = [
                (one.group(1), one.group("default")) for one in PARAMETER.finditer(match["parameters"])
            ]
            body = match["body"].strip().removesuffix("END;").rstrip().removesuffix(";")
            last = body.rsplit(";\n", 1)[-1]
            if match["kind"] == "FUNCTION":
                last = body.removeprefix("RETURN (").removesuffix(")")
            found[match["name"]] = Module(
                match["name"],
                tuple(name for name, _ in declared),
                frozenset(name for name, default in declared if default is None),
                last,
            )
    return found


def read_relations() -> dict[str, set[str]]:
    """Columns of the tables and inline functions of the stand-in in T-SQL."""
    modules = read_modules()
    found = {name: set(list_module_columns(modules, name)) for name in modules if ".tvf_" in name}
    for path in STAND_IN.glob("*.sql"):
        for name, body in TABLE.findall(path.read_text(encoding="utf-8")):
            found[name] = {column for column in COLUMN.findall(body) if not column.isupper()}
    return found


def list_module_columns(modules: dict[str, Module], name: str) -> tuple[str, ...]:
    """Columns of what a procedure ends with, followed into the one that it calls last; none when it answers nothing."""
    last = sqlglot.parse_one(modules[name].last, read="tsql")
    if isinstance(last, exp.Execute):
        return list_module_columns(modules, name_procedure(last))
    return name_columns(last) if isinstance(last, exp.Query) else ()


def list_used_columns(statements: list[exp.Expr]) -> set[tuple[str, str]]:
    """(schema.table, column) for each column that names its table, or whose query has one table alone."""
    used = set()
    queries = [one for run in list_runs(statements) for one in run if isinstance(one, exp.Query)]
    for scope in (scope for query in queries for scope in traverse_scope(query)):
        for column in scope.columns:
            sources = list(scope.sources.values())
            alone = len(sources) == 1 and not scope.subquery_scopes
            source = scope.sources.get(column.table) if column.table else sources[0] if alone else None
            if isinstance(source, exp.Table):
                used.add((name_relation(source), column.name))
    return used


def name_relation(source: exp.Table) -> str:
    """`schema.name` of a table or of a function that stands for one; nothing in another database."""
    return "" if source.catalog else f"{source.db}.{source.this.name}"
