"""Every T-SQL text that the project holds or writes, as the server gets it."""

from __future__ import annotations

import ast
import functools
import tempfile
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.dialects.mssql.pyodbc import MSDialect_pyodbc

from nonreg.clients.mssql import SESSION
from nonreg.clients.sql import QUERIES_DIR, load_query
from nonreg.discovery.catalog import Scope
from nonreg.discovery.folder import write_proposals
from nonreg.discovery.known import read_known
from nonreg.discovery.numbering import allot
from nonreg.discovery.proposals import discover
from nonreg.grants.manifest import Account, load_manifest
from nonreg.grants.script import Users, write_script
from nonreg.sandbox.mssql.agents import LAST_WORDS
from nonreg.sandbox.mssql.batches import blank_hidden
from nonreg.sandbox.mssql.install import create_stand_in, list_batches
from nonreg.sandbox.mssql.replication import SQL_DIR, create_pair
from nonreg.sqlfiles.header import parse_header
from tests.discovered import SMALL
from tests.sandbox import test_mssql_replication as pair
from tests.sandbox.test_mssql_install import EMPTY, FORMER, PASSWORDS, Server
from tests.tsql.comparisons import write_statements
from tests.tsql.scriptdom import Node

ROOT = Path(__file__).parents[2]
PROJECT, EXAMPLES = ROOT / "nonreg", ROOT / "docs" / "exemples" / "sql"
VERBS = frozenset(
    {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "CREATE", "DROP", "EXEC", "SET", "DECLARE", "IF"}
)


@functools.cache
def list_queries() -> dict[str, str]:
    """Named queries by name."""
    names = sorted(path.stem for path in (QUERIES_DIR / "mssql").glob("*.sql"))
    return {f"query {name}": number_marks(compile_query(load_query("mssql", name))) for name in names}


def compile_query(statement: str) -> str:
    """What SQLAlchemy gives the driver: each `:name` a mark."""
    return str(text(statement).compile(dialect=MSDialect_pyodbc(paramstyle="qmark")))  # type: ignore[no-untyped-call]


def number_marks(statement: str) -> str:
    """What the driver sends: each mark the next of @P1, @P2…"""
    shown = blank_hidden(statement)
    pieces, start = [], 0
    for number, place in enumerate([at for at, sign in enumerate(shown) if sign == "?"], 1):
        pieces += [statement[start:place], f"@P{number}"]
        start = place + 1
    return "".join([*pieces, statement[start:]])


@functools.cache
def list_stand_in() -> dict[str, str]:
    """Batches of the stand-in's scripts, by script and line."""
    return {f"{one.script} line {one.line}": one.text for one in list_batches()}


@functools.cache
def list_replication() -> dict[str, str]:
    """Batches of the scripts that make the pair, or take it away, by script and line."""
    return {f"{one.script} line {one.line}": one.text for one in list_batches(SQL_DIR)}


@functools.cache
def list_embedded() -> dict[str, str]:
    """Statements that stand in Python: a session's, an engine's, all that creating the stand-in or the pair sends."""
    told = [*SESSION, *find_statements()]
    for answers in (EMPTY, FORMER):
        server = Server(answers)
        create_stand_in(server, **PASSWORDS)
        told += server.told
    both = pair.former_pair()
    create_pair(both, pair.PASSWORDS)
    told += [*both.told, *LAST_WORDS.values()]
    from_scripts = {*list_stand_in().values(), *list_replication().values()}
    return {f"embedded {one.strip()}": number_marks(one) for one in told if one not in from_scripts}


def find_statements() -> list[str]:
    """Those that the project's modules keep by engine: `{"mssql": "SELECT …", …}`."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PROJECT.rglob("*.py"))]
    kept = [
        value.value
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Dict)
        for key, value in zip(node.keys, node.values, strict=True)
        if isinstance(key, ast.Constant) and key.value == "mssql"
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    ]
    return [one for one in kept if one.split(" ")[0] in VERBS]


@functools.cache
def list_written() -> dict[str, str]:
    """What the commands write: the script of the rights, the scenarios proposed from a catalog."""
    users = Users({Account.READER: "nr_reader", Account.WRITER: "nr_writer"}, "AQUAREEL")
    found = {"grants": write_script(load_manifest(), users)}
    with tempfile.TemporaryDirectory() as folder:
        known = read_known([Path(folder)])
        drafts = discover(SMALL, known, "mssql", "securite", Scope()).drafts
        ids = allot((one.subject for one in drafts), known.ids(), known.taken)
        for path in write_proposals(drafts, ids, "mssql", Path(folder)):
            found[f"proposal {path.name}"] = path.read_text(encoding="utf-8")
    return found


@functools.cache
def list_comparisons() -> dict[str, str]:
    """What the table comparison asks, by table, cut and bound."""
    return {
        f"comparison {label}": number_marks(compile_query(statement))
        for label, statement in write_statements()
    }


@functools.cache
def list_examples() -> dict[str, str]:
    """SQL scenarios of the documentation, those that are written for SQL Server."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(EXAMPLES.glob("*.sql"))}
    return {f"example {name}": one for name, one in texts.items() if parse_header(one).engine == "mssql"}


def list_all() -> dict[str, str]:
    """All of them, by where they come from."""
    return (
        list_queries()
        | list_stand_in()
        | list_replication()
        | list_embedded()
        | list_written()
        | list_comparisons()
        | list_examples()
    )


def list_dynamic(tree: Node) -> list[str]:
    """The texts that a script makes and executes; what it adds to one from outside is the letter x."""
    values = {
        one.get("VariableName", "Value"): one.get("Value")
        for one in tree.walk()
        if one.kind == "DeclareVariableElement"
    }
    made = []
    for node in tree.walk():
        if node.kind == "ExecutableStringList":
            made += [values.get(one.get("Name"), one) for one in node.get("Strings")]
        elif node.kind == "ExecutableProcedureReference" and name_called(node) == "sp_executesql":
            made.append(node.get("Parameters")[0].get("ParameterValue"))
    return [fold(one) for one in made]


def name_called(node: Node) -> str:
    """The last name of the procedure that this runs, empty when a variable holds it."""
    name = node.get("ProcedureReference", "ProcedureReference", "Name", "BaseIdentifier", "Value")
    return str(name or "").lower()


def fold(value: Node | None) -> str:
    """The text of a concatenation."""
    if value is not None and value.kind == "StringLiteral":
        return str(value.get("Value"))
    if value is not None and value.kind == "BinaryExpression" and value.get("BinaryExpressionType") == "Add":
        return fold(value.get("FirstExpression")) + fold(value.get("SecondExpression"))
    return "x"
