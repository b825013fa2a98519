"""A text parsed by sqlglot, and every node of its tree looked up in a list of those that only read.

A node that nobody put in the list is refused: a new kind of statement of a new parser included.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import sqlglot
from sqlglot import exp

from nonreg.sqlfiles.forbidden import TSQL_HINTS
from nonreg.sqlfiles.tokens import Unreadable

DIALECTS = {"mssql": "tsql", "postgresql": "postgres"}
logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of what it cannot parse: here that is refused

QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)
NAMES = (exp.Alias, exp.Aliases, exp.TableAlias, exp.Identifier, exp.Star, exp.Var, exp.National, exp.Tuple)
TYPES = (exp.DataType, exp.DataTypeParam, exp.PseudoType, exp.ColumnDef, exp.Interval, exp.IntervalSpan)
SOURCES = (exp.From, exp.Join, exp.JoinHint, exp.Lateral, exp.Table, exp.TableFromRows, exp.TableSample)
VERSIONS = (exp.Version, exp.HistoricalData, exp.WithTableHint, exp.IndexTableHint, exp.QueryOption)
CLAUSES = (exp.Where, exp.Group, exp.Having, exp.Cube, exp.Rollup, exp.GroupingSets, exp.Order, exp.Ordered)
LIMITS = (exp.Limit, exp.LimitOptions, exp.Offset, exp.Fetch, exp.Distinct, exp.Filter)
PARTS = (exp.With, exp.CTE, exp.RecursiveWithSearch, exp.Pivot, exp.PivotAlias, exp.WindowSpec)
MANNERS = (exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.AtTimeZone, exp.FromTimeZone, exp.Slice)
DOCUMENTS = (exp.ForClause, exp.XMLKeyValueOption, exp.JSON, exp.JSONKeyValue, exp.FormatJson)
PATHS = (exp.JSONPath, exp.JSONPathPart, exp.OpenJSONColumnDef, exp.ScopeResolution)
SERVER_TYPES = frozenset({"geography", "geometry", "hierarchyid"})
READING: tuple[type[exp.Expr], ...] = (
    exp.Condition,  # columns, literals, operators, functions: what has a value
    *(*QUERIES, *NAMES, *TYPES, *SOURCES, *VERSIONS, *CLAUSES, *LIMITS, *PARTS, *MANNERS, *DOCUMENTS, *PATHS),
)
WRITING_CONDITIONS = (exp.NextValueFor,)
# Of a table variable's definition.
DEFINING: tuple[type[exp.Expr], ...] = (
    *(
        exp.Declare,
        exp.DeclareItem,
        exp.Schema,
        exp.ColumnDef,
        exp.ColumnConstraint,
        exp.ColumnConstraintKind,
    ),
    *(exp.Constraint, exp.PrimaryKey, exp.Check, exp.IndexColumnConstraint),
)


def parse(text: str, engine: str) -> exp.Expr:
    """The tree of one statement; Unreadable when the parser does not understand all of it."""
    try:
        trees = sqlglot.parse(text, read=DIALECTS[engine])
    except Exception as error:  # whatever a parser does with a strange text, the text is refused
        raise Unreadable(f"l'analyseur ne le lit pas ({describe_parse_error(error)})") from error
    if len(trees) != 1 or trees[0] is None:
        raise Unreadable("l'analyseur n'y voit pas une seule instruction")
    return trees[0]


def describe_parse_error(error: Exception) -> str:
    """Where the parser gave up."""
    if isinstance(error, sqlglot.errors.ParseError) and error.errors:
        near = str(error.errors[0].get("highlight") or "").strip()
        return f"près de « {near} »" if near else "instruction incomplète"
    return "trop de niveaux imbriqués" if isinstance(error, RecursionError) else "texte mal formé"


def require_query(text: str, engine: str) -> exp.Expr:
    """The tree of a query that only reads; Unreadable otherwise."""
    tree = parse(text, engine)
    if not isinstance(tree, QUERIES):
        raise Unreadable(f"ce n'est pas une lecture ({name_node(tree)})")
    require_nodes(tree, READING)
    return tree


def require_nodes(tree: exp.Expr, known: tuple[type[exp.Expr], ...]) -> None:
    """Unreadable when a node is of no known kind, or reaches another server or a lock."""
    for node in tree.walk():
        if isinstance(node, WRITING_CONDITIONS) or not isinstance(node, known):
            raise Unreadable(f"ce n'est pas une lecture ({name_node(node)})")
        for check in CHECKS.get(type(node), ()):
            check(node)


def check_hint(node: exp.Expr) -> None:
    """Unreadable for a lock hint that writes or keeps others waiting."""
    for hint in node.expressions:
        name = hint.name.upper()
        if not isinstance(hint, exp.IndexTableHint) and name not in TSQL_HINTS:
            raise Unreadable(f"indication de verrou « {name} »")


def check_table(node: exp.Expr) -> None:
    """Unreadable for a table of another server: before database, schema and table there is a fourth name."""
    if isinstance(node.this, exp.Dot):
        raise Unreadable(f"table d'un autre serveur (« {node.sql()} »)")


def check_type(node: exp.Expr) -> None:
    """Unreadable for a method of a type (`type::method()`) that is not the server's own."""
    name = node.this
    if (
        isinstance(name, exp.Dot)
        and isinstance(name.this, exp.Identifier)
        and name.this.name.lower() == "sys"
    ):
        name = name.expression
    if not isinstance(name, exp.Identifier) or name.name.lower() not in SERVER_TYPES:
        raise Unreadable("méthode d'un type qui n'est pas du serveur")


CHECKS: dict[type[exp.Expr], tuple[Callable[[exp.Expr], None], ...]] = {
    exp.WithTableHint: (check_hint,),
    exp.Table: (check_table,),
    exp.ScopeResolution: (check_type,),
}


def name_node(node: exp.Expr) -> str:
    """What a person calls this node."""
    known: dict[type[exp.Expr], str] = {
        exp.Into: "SELECT … INTO",
        exp.Lock: "FOR UPDATE ou FOR SHARE",
        exp.NextValueFor: "NEXT VALUE FOR",
        exp.Returning: "OUTPUT ou RETURNING",
    }
    return known.get(type(node)) or type(node).__name__.upper()
