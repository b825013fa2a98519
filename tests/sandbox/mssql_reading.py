"""Reads the stand-in's scripts of both engines into the same terms, with sqlglot and without a server.

sqlglot does not follow T-SQL's control flow: the body of a procedure or trigger is cut here into its statements and
conditions, and each is parsed by itself. What sqlglot keeps as plain text (`Command`) is told, never taken for read.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlglot
from sqlglot import exp

from nonreg.sandbox import mssql
from nonreg.sandbox.mssql.batches import SqlBatch, blank_hidden
from nonreg.sandbox.mssql.install import list_batches

logging.getLogger("sqlglot").setLevel(logging.ERROR)  # a Command is judged here, not warned about

POSTGRESQL_DIR = Path(mssql.__file__).parents[1] / "sql"
MODULE = re.compile(
    r"CREATE\s+(?P<kind>PROCEDURE|FUNCTION|TRIGGER|VIEW)\s+(?P<name>\w+\.\w+)(?P<header>.*?)\bAS\b(?=\s+(BEGIN|RETURN|SELECT)\b)",
    re.DOTALL,
)
WORD = re.compile(r"@{0,2}\w+|[;()]")
TRIGGER_TABLE = re.compile(r"\bON\s+(\w+\.\w+)")
STATEMENT = re.compile(
    r"ALTER|BEGIN|COMMIT|CONTINUE|DECLARE|DELETE|EXEC|IF|INSERT|RETURN|SELECT|SET|THROW|UPDATE|WHILE"
)
# Statements that sqlglot does not know, by their first words; none has a table or column that it could check.
PLAIN = re.compile(
    r"(?:THROW \d+, N'\w+', 1|CONTINUE|RETURN|GRANT|CREATE USER|SET IDENTITY_INSERT|DBCC CHECKIDENT)\b"
)
POSTGRESQL_FUNCTION = re.compile(
    r"CREATE FUNCTION (?P<name>\w+\.\w+)\s*\((?P<parameters>.*?)\)\s*RETURNS\s+(?P<returns>.*?)\s*\bLANGUAGE\b",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Module:
    """A procedure, function, trigger or view: its parameters (True with a default), and its statements."""

    name: str
    kind: str
    parameters: dict[str, bool]
    statements: tuple[exp.Expr, ...]
    text: str
    table: str = ""  # of a trigger


def read_modules() -> dict[str, Module]:
    """Every module of the T-SQL scripts by its name."""
    return {module.name: module for batch in list_batches() if (module := read_module(batch)) is not None}


def read_module(batch: SqlBatch) -> Module | None:
    """The module that a batch creates, None when it creates none."""
    shown = blank_hidden(batch.text)
    found = MODULE.search(shown)
    if found is None:
        return None
    body = batch.text[found.end() :].strip().rstrip(";")
    header = batch.text[slice(*found.span("header"))]
    table = TRIGGER_TABLE.search(header)
    head = f"CREATE {found['kind']} {found['name']}"
    if found["kind"] in ("FUNCTION", "VIEW"):
        statements = [parse(body.removeprefix("RETURN").strip())]
        head += header.partition("RETURNS")[0]
    else:
        statements = [parse(one) for one in cut_statements(body)]
        head += header.partition("WITH")[0] if table is None else ""
    created = parse(f"{head} AS SELECT 1") if found["kind"] == "PROCEDURE" else None
    if found["kind"] == "FUNCTION":
        created = parse(f"{head} RETURNS TABLE AS RETURN (SELECT 1 AS un)")
    parameters = {}
    if created is not None:
        for column in created.find_all(exp.ColumnDef):
            parameters[column.this.name] = column.args.get("default") is not None
    return Module(
        found["name"],
        found["kind"],
        parameters,
        tuple(one for one in statements if one is not None),
        batch.text,
        table[1] if table else "",
    )


def parse(statement: str) -> exp.Expr:
    """One T-SQL statement; AssertionError for one that sqlglot keeps as text, unless it is known to be plain."""
    if PLAIN.match(statement):
        return exp.Command(this=statement)
    parsed = sqlglot.parse_one(statement, read="tsql")
    kept = next(parsed.find_all(exp.Command), None)
    assert kept is None, f"left as text: {statement}"
    return parsed


def cut_statements(body: str) -> Iterator[str]:
    """Statements of a BEGIN … END body, in order, control flow left out; a condition comes as SELECT … WHERE it."""
    tokens = list(WORD.finditer(blank_hidden(body)))
    start: int | None = None  # offset where the present piece begins
    condition = False
    depth = cases = blocks = 0

    def piece(end: int) -> Iterator[str]:
        if start is not None and (text := body[start:end].strip()):
            yield f"SELECT 1 AS un WHERE {text}" if condition else text

    for position, token in enumerate(tokens):
        word = token[0].upper()
        following = tokens[position + 1][0].upper() if position + 1 < len(tokens) else ""
        depth += {"(": 1, ")": -1}.get(word, 0)
        ends_case = word == "END" and cases > 0
        cases += (word == "CASE") - ends_case
        if depth or cases or ends_case:
            start = token.start() if start is None else start
            continue
        begins = STATEMENT.fullmatch(word) and (start is None or condition)
        if word in (";", "END", "ELSE") or begins:
            yield from piece(token.start())
            start, condition = None, False
        if word in (";", "ELSE"):
            continue
        if word == "END":
            blocks -= 1
        elif word == "BEGIN" and following != "TRANSACTION":
            blocks += 1
        elif word in ("IF", "WHILE"):
            condition = True
        elif start is None:
            start = token.start()
    yield from piece(len(body))
    assert blocks == 0, f"BEGIN and END do not match: {blocks:+d}"


def list_results(modules: dict[str, Module], name: str) -> tuple[str, ...]:
    """Columns of the one result set that a module gives; empty without any. AssertionError for several."""
    module = modules[name]
    found = [
        tuple(one.named_selects)
        for one in module.statements
        if isinstance(one, (exp.Query)) and not gives_nothing(one)
    ]
    calls = [one for one in module.statements if isinstance(one, exp.Execute)]
    found += filter(None, (list_results(modules, name_table(called.this)) for called in calls))
    assert len(found) <= 1, f"{name}: {found}"
    return found[0] if found else ()


def gives_nothing(query: exp.Expr) -> bool:
    """A condition, or a SELECT that only fills variables."""
    selects = query.selects if isinstance(query, exp.Query) else []
    return all(isinstance(one, exp.EQ) or one.alias_or_name == "un" for one in selects)


def name_table(table: exp.Expr) -> str:
    """schema.name of a table or module."""
    own = table.this.this if isinstance(table.this, exp.Anonymous) else table.name
    return f"{table.text('db')}.{own}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as both engines have it: its type in common terms, whether it is compulsory, what fills it."""

    name: str
    type: str
    required: bool
    filled: str  # "", DEFAULT, IDENTITY or COMPUTED


Constraint = tuple[str, str, str]  # kind, name, what it is about


@dataclass(frozen=True, slots=True)
class Model:
    """Tables, their columns in order, their constraints; indexes; schemas and sequences."""

    columns: dict[str, tuple[Column, ...]]
    constraints: dict[str, frozenset[Constraint]]
    indexes: dict[str, tuple[str, bool, tuple[str, ...], tuple[str, ...], bool]]
    others: frozenset[str]


KINDS = {
    exp.PrimaryKeyColumnConstraint: "PRIMARY KEY",
    exp.PrimaryKey: "PRIMARY KEY",
    exp.UniqueColumnConstraint: "UNIQUE",
    exp.CheckColumnConstraint: "CHECK",
    exp.DefaultColumnConstraint: "DEFAULT",
    exp.Reference: "FOREIGN KEY",
    exp.ForeignKey: "FOREIGN KEY",
}
FILLS = {
    exp.DefaultColumnConstraint: "DEFAULT",
    exp.GeneratedAsIdentityColumnConstraint: "IDENTITY",
    exp.ComputedColumnConstraint: "COMPUTED",
}


def read_model(statements: list[exp.Expr]) -> Model:
    """What the CREATE and ALTER TABLE statements of one engine make."""
    columns: dict[str, tuple[Column, ...]] = {}
    constraints: dict[str, set[Constraint]] = {}
    indexes = {}
    others = set()
    for one in statements:
        if isinstance(one, exp.Create) and one.kind == "TABLE" and "TEMPORARY" not in one.sql():
            table = name_table(one.this.this)
            columns[table] = tuple(read_column(column) for column in one.this.find_all(exp.ColumnDef))
            constraints.setdefault(table, set()).update(read_constraints(one))
        elif isinstance(one, exp.Alter):
            constraints.setdefault(name_table(one.this), set()).update(read_constraints(one))
        elif isinstance(one, exp.Create) and one.kind == "INDEX":
            indexes[one.this.name] = read_index(one)
        elif isinstance(one, exp.Create) and one.kind in ("SCHEMA", "SEQUENCE"):
            others.add(f"{one.kind} {one.this.sql()}")
    return Model(
        columns, {table: frozenset(names) for table, names in constraints.items()}, indexes, frozenset(others)
    )


def read_column(column: exp.ColumnDef) -> Column:
    """A column definition in common terms."""
    kinds = [one.args.get("kind") for one in column.args.get("constraints") or ()]
    required = any(
        isinstance(one, exp.NotNullColumnConstraint) and not one.args.get("allow_null") for one in kinds
    )
    computed = next((one for one in kinds if isinstance(one, exp.ComputedColumnConstraint)), None)
    filled = next((name for kind, name in FILLS.items() if any(isinstance(one, kind) for one in kinds)), "")
    if computed is not None:
        required = required or bool(computed.args.get("not_null"))
    kind = column.kind
    if kind is None and computed is not None:  # T-SQL takes the type of what is computed
        kind = next(computed.this.find_all(exp.Cast)).to
    assert kind is not None, column.name
    return Column(column.name, common_type(kind), required, filled)


def common_type(kind: exp.DataType) -> str:
    """The same words for the same type: one text type for both alphabets, one for times without zone."""
    name = kind.this.value
    same = {
        "BIT": "BOOLEAN",
        "NVARCHAR": "VARCHAR",
        "DATETIME2": "TIMESTAMP",
        "UNIQUEIDENTIFIER": "UUID",
        "BPCHAR": "CHAR",
    }
    details = ",".join(one.sql() for one in kind.expressions)
    return f"{same.get(name, name)}({details})" if details else same.get(name, name)


def read_constraints(statement: exp.Expr) -> set[Constraint]:
    """(kind, name, what it is about) of every constraint, its name "" when it has none."""
    found = set()
    for one in statement.find_all(exp.ColumnConstraint, exp.Constraint):
        parts = [one.args["kind"]] if isinstance(one, exp.ColumnConstraint) else one.expressions
        for part in parts:
            if kind := KINDS.get(type(part)):
                found.add((kind, one.this.name if one.this else "", describe_constraint(kind, part, one)))
    return found


def describe_constraint(kind: str, part: exp.Expr, constraint: exp.Expr) -> str:
    """The columns of a key, the table that a foreign key leads to, the literals of a check."""
    if kind == "FOREIGN KEY":
        target = next(
            one for reference in part.find_all(exp.Reference) for one in reference.find_all(exp.Table)
        )
        return name_table(target)
    if kind == "CHECK":
        return " ".join(sorted({one.name for one in part.find_all(exp.Literal)}))
    if kind in ("PRIMARY KEY", "UNIQUE"):
        owner = constraint.find_ancestor(exp.ColumnDef)
        return owner.name if owner else " ".join(one.name for one in part.expressions)
    return ""


def read_index(statement: exp.Create) -> tuple[str, bool, tuple[str, ...], tuple[str, ...], bool]:
    """Table, whether unique, columns, included columns, whether filtered."""
    index = statement.this
    details = index.args["params"]
    keys = tuple(one.find(exp.Column).name for one in details.args["columns"])
    included = tuple(one.name for one in details.args.get("include") or ())
    return (
        name_table(index.args["table"]),
        bool(statement.args.get("unique")),
        keys,
        included,
        details.args.get("where") is not None,
    )


def parse_mssql() -> list[exp.Expr]:
    """Every statement of the T-SQL scripts that is in no module."""
    return [
        parse(one)
        for batch in list_batches()
        if read_module(batch) is None
        for one in cut_statements(f"BEGIN {batch.text} END")
    ]


def parse_postgresql() -> list[exp.Expr]:
    """The statements of the PostgreSQL scripts that make tables, indexes, schemas and sequences, and load settings."""
    parsed: list[exp.Expr] = []
    for name in ("10_tables", "60_donnees", "80_propagation"):
        text = (POSTGRESQL_DIR / f"{name}.sql").read_text(encoding="utf-8")
        parsed += [one for one in sqlglot.parse(text, read="postgres") if one is not None]
    return parsed


@dataclass(frozen=True, slots=True)
class Function:
    """A PostgreSQL function: its parameters (True with a default) and the columns that a query of it gives."""

    parameters: dict[str, bool]
    results: tuple[str, ...]


def read_postgresql_functions() -> dict[str, Function]:
    """Every function of the PostgreSQL scripts but those of triggers, by its name."""
    found = {}
    for path in sorted(POSTGRESQL_DIR.glob("*.sql")):
        for one in POSTGRESQL_FUNCTION.finditer(path.read_text(encoding="utf-8")):
            if not one["returns"].endswith("trigger"):
                found[one["name"]] = read_postgresql_function(one)
    return found


def read_postgresql_function(found: re.Match[str]) -> Function:
    """From the text of its head."""
    head = f"CREATE FUNCTION f({found['parameters']}) RETURNS {found['returns']} AS 'x'"
    created = sqlglot.parse_one(head, read="postgres")
    parameters = {
        one.name: one.find(exp.DefaultColumnConstraint) is not None for one in created.this.expressions
    }
    returns = created.find(exp.ReturnsProperty)
    assert returns is not None
    if isinstance(returns.this, exp.Schema):
        return Function(parameters, tuple(one.name for one in returns.this.expressions))
    own = found["name"].partition(".")[2]
    return Function(parameters, () if found["returns"] == "void" else (own,))


def read_triggers(
    pattern: re.Pattern[str] = re.compile(r"CREATE TRIGGER (\w+)\s.*?\bON (\w+\.\w+)"),
) -> set[str]:
    """`table trigger` of every trigger of the PostgreSQL scripts."""
    return {
        f"{one[2]} {one[1]}"
        for path in POSTGRESQL_DIR.glob("*.sql")
        for one in pattern.finditer(path.read_text(encoding="utf-8"))
    }
