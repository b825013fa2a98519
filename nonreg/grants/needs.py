"""What a statement needs of the account that runs it, read from the statement itself (sqlglot). Pure.

Objects of the application: SELECT for what is read, EXECUTE for what is called. The server's own catalog: what
Microsoft's pages ask for each view (DOMAIN §3.2). What is not known here is an error, never "nothing".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import sqlglot
from sqlglot import exp

from nonreg.grants.manifest import DATABASE, MEMBER, SERVER
from nonreg.sqlfiles.batches import PieceKind, cut_batch
from nonreg.sqlfiles.tokens import Unreadable, read_tokens

PARAMETER = re.compile(r"(?<![:\w]):([a-z_]\w*)")  # of a named query
NOTHING: tuple[tuple[str, str], ...] = ()
DEFINITIONS = ((DATABASE, "VIEW DEFINITION"),)
SERVER_DEFINITIONS = ((SERVER, "VIEW ANY DEFINITION"),)
STATE = ((SERVER, "VIEW SERVER STATE"),)
DATABASE_STATE = ((DATABASE, "VIEW DATABASE STATE"),)
MONITOR = (("distribution.replmonitor", MEMBER),)
# Catalog views that everybody may read, each row or their own.
PUBLIC_VIEWS = frozenset(
    {"databases", "configurations", "types", "messages", "fn_my_permissions", "time_zone_info"}
)
SERVER_VIEWS = frozenset(
    {
        "server_principals",
        "server_permissions",
        "server_role_members",
        "sql_logins",
        "servers",
        "master_files",
    }
)
DATABASE_STATE_VIEWS = re.compile(r"dm_db_(partition_stats|index_\w+|missing_index_\w+)|query_store_\w+")
DEFINITION_FUNCTIONS = re.compile(r"dm_sql_\w+")
PUBLIC_PROCEDURES = frozenset({"sp_getapplock", "sp_releaseapplock"})
MONITOR_PROCEDURES = re.compile(r"sp_replmonitorhelp\w+|sp_helptracertoken\w+")
BUILTINS = frozenset({"string_split"})
XML_METHODS = frozenset({"value", "nodes", "query", "exist"})
WRITES = {"Insert": "INSERT", "Update": "UPDATE", "Delete": "DELETE", "Merge": "INSERT"}


class UnknownNeed(Exception):
    """A statement that cannot be read, or names something whose rights nobody wrote down."""


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """One right on one object, as in the manifest."""

    object: str
    right: str


def find_needs(statement: str, dialect: str) -> frozenset[Need]:
    """Everything that a statement needs; UnknownNeed when that cannot be told."""
    parts = cut_transact(PARAMETER.sub(r"@\1", statement)) if dialect == "tsql" else [statement]
    needs: set[Need] = set()
    for tree in (tree for part in parts for tree in parse(part, dialect)):
        if command := tree.find(exp.Command):
            raise UnknownNeed(f"instruction inconnue : {command.sql()[:60]}")
        needs |= needs_of_tables(tree, dialect) | needs_of_calls(tree, dialect)
    return frozenset(needs)


def find_columns(statement: str, name: str) -> frozenset[str]:
    """Columns of a table that a T-SQL statement reads; UnknownNeed when one is not written with its table's alias."""
    found: set[str] = set()
    for tree in (
        tree for part in cut_transact(PARAMETER.sub(r"@\1", statement)) for tree in parse(part, "tsql")
    ):
        for query in tree.find_all(exp.Select):
            sources = [one for one in query.find_all(exp.Table) if one.parent_select is query]
            read = {one.alias_or_name for one in sources if join_name(one) == name.casefold()}
            if not read:
                continue
            if any(isinstance(one, exp.Star) for one in query.expressions):
                raise UnknownNeed(f"colonnes non nommées : {query.sql()[:60]}")
            for column in query.find_all(exp.Column):
                if column.is_star or not column.table:
                    raise UnknownNeed(f"colonne sans table : {column.sql()}")
                if column.table in read:
                    found.add(column.name)
    return frozenset(found)


def join_name(table: exp.Table) -> str:
    """The table's whole name, in lower case."""
    return ".".join(part.name for part in table.parts).casefold()


def cut_transact(batch: str) -> list[str]:
    """The plain statements of a batch, as texts to parse: the parser alone would lose some behind control flow."""
    try:
        pieces = cut_batch(read_tokens(batch, "mssql"))
    except Unreadable as error:
        raise UnknownNeed(f"illisible : {error}") from error
    parts = []
    for place, piece in enumerate(pieces):
        text = batch[piece.tokens[0].start : piece.tokens[-1].end] if piece.tokens else ""
        following = pieces[place + 1].kind if place + 1 < len(pieces) else None
        if not text or piece.kind is PieceKind.OPTION or piece.word == "RAISERROR":
            continue
        if piece.kind is PieceKind.ARGUMENTS:
            text = f"SELECT {text.partition(' ')[2]}"
        elif piece.kind is PieceKind.EXPRESSION:
            text = (
                f"SELECT CASE WHEN {text}\nTHEN 1 END" if piece.word in ("IF", "WHILE") else f"SELECT {text}"
            )
        elif (
            piece.kind is PieceKind.INSERT and following is PieceKind.EXECUTE and "SELECT" not in text.upper()
        ):
            text += " DEFAULT VALUES"
        parts.append(text)
    return parts


def parse(text: str, dialect: str) -> list[exp.Expr]:
    """Trees of a text; UnknownNeed when it cannot be read."""
    try:
        return [tree for tree in sqlglot.parse(text, read=dialect) if tree is not None]
    except sqlglot.errors.SqlglotError as error:
        raise UnknownNeed(f"illisible : {error}") from error


def needs_of_tables(tree: exp.Expr, dialect: str) -> set[Need]:
    """What is named where a table may stand: tables, views, functions, procedures."""
    defined = {cte.alias.casefold() for cte in tree.find_all(exp.CTE)}
    needs: set[Need] = set()
    for table in tree.find_all(exp.Table):
        if isinstance(table.this, exp.Parameter) or table.this.args.get("temporary"):
            continue
        parts = tuple(part.name for part in table.parts)
        if len(parts) == 1 and parts[0].casefold() in defined:
            continue
        if is_method(table) or is_builtin(table):
            continue
        owner = table.parent
        if isinstance(owner, exp.Execute):
            needs |= needs_of_procedure(parts)
        elif isinstance(owner, exp.DML | exp.Merge) and owner.this is table:
            if len(parts) == 1:
                raise UnknownNeed(f"écriture par un alias : {parts[0]}")
            needs.add(Need(".".join(parts), WRITES[type(owner).__name__]))
        else:
            called = isinstance(table.this, exp.Func)
            needs |= needs_of_source(parts, dialect, called=called)
    return needs


def is_method(table: exp.Table) -> bool:
    """Whether `alias.nodes(…)` stands there, not a table."""
    return isinstance(table.this, exp.Func) and table.name.casefold() in XML_METHODS and bool(table.db)


def is_builtin(table: exp.Table) -> bool:
    """Whether it is one of the server's own functions that give rows."""
    return isinstance(table.this, exp.OpenJSON) or (
        len(table.parts) == 1 and table.name.casefold() in BUILTINS
    )


def needs_of_source(parts: tuple[str, ...], dialect: str, *, called: bool) -> set[Need]:
    """What reading a table, a view or a function asks for."""
    name = ".".join(parts)
    schema = parts[-2].casefold() if len(parts) > 1 else ""
    if dialect == "postgres":
        return needs_of_postgresql(parts, called=called)
    if schema in ("sys", "information_schema"):
        return {Need(*one) for one in rights_of_catalog(parts)}
    if not schema:
        raise UnknownNeed(f"nom sans schéma : {name}")
    return {Need(name, "SELECT")}


def rights_of_catalog(parts: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """What a view of the catalog asks for so that it shows all its rows."""
    view, schema = parts[-1].casefold(), parts[-2].casefold()
    if len(parts) > 2:  # another database's catalog: who may enter it sees what is his
        return NOTHING
    if schema == "information_schema":
        return DEFINITIONS
    if view in PUBLIC_VIEWS:
        return NOTHING
    if view in SERVER_VIEWS:
        return SERVER_DEFINITIONS
    if DATABASE_STATE_VIEWS.fullmatch(view):
        return DATABASE_STATE
    if DEFINITION_FUNCTIONS.fullmatch(view):
        return DEFINITIONS
    if view.startswith("dm_"):
        return STATE
    return DEFINITIONS


def needs_of_procedure(parts: tuple[str, ...]) -> set[Need]:
    """What calling a procedure asks for."""
    name = parts[-1].casefold()
    if name in PUBLIC_PROCEDURES:
        return set()
    if MONITOR_PROCEDURES.fullmatch(name):
        return {Need(*one) for one in MONITOR}
    if len(parts) == 1 or parts[-2].casefold() == "sys":
        raise UnknownNeed(f"procédure du système dont le droit n'est pas connu : {'.'.join(parts)}")
    return {Need(".".join(parts), "EXECUTE")}


def needs_of_calls(tree: exp.Expr, dialect: str) -> set[Need]:
    """Functions called with their schema inside an expression, and sequences."""
    needs: set[Need] = set()
    if taken := tree.find(exp.NextValueFor):
        raise UnknownNeed(f"valeur de séquence prise sans procédure : {taken.sql()}")
    for dot in tree.find_all(exp.Dot):
        call = dot.expression
        if not isinstance(call, exp.Func) or call.name.casefold() in XML_METHODS:
            continue
        name = f"{dot.this.sql()}.{call.name}"
        if dialect == "postgres":
            needs |= needs_of_postgresql(tuple(name.split(".")), called=True)
        elif isinstance(dot.parent, exp.Lateral):
            needs |= needs_of_source(tuple(name.split(".")), dialect, called=True)
        else:
            needs.add(Need(name, "EXECUTE"))
    return needs


def needs_of_postgresql(parts: tuple[str, ...], *, called: bool) -> set[Need]:
    """The same on the embedded platform, in the same words: reading a `tvf_` is SELECT, any other call is EXECUTE."""
    name = ".".join(parts)
    if len(parts) == 1 or parts[0] in ("pg_catalog", "information_schema"):
        return set()  # the catalog, open to all, and what pg_monitor shows of it
    if called and not parts[-1].startswith("tvf_"):
        return {Need(name, "EXECUTE")}
    return {Need(name, "SELECT")}
