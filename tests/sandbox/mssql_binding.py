"""Binds the names of the T-SQL scripts as the server will: tables, columns, procedures, parameters, variables.

SQL Server creates a procedure that reads a table of another name without a word, and fails when it is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from sqlglot import exp

from nonreg.sandbox.mssql.batches import blank_hidden
from tests.sandbox.mssql_reading import Column, Model, Module, list_results, name_table

# Of the server's own views, the columns that are used here.
SYSTEM = {
    "sys.databases": ("name", "create_date"),
    "sys.tables": ("is_published",),
    "sys.servers": ("is_subscriber", "name"),
}
VARIABLE = re.compile(r"(?<!@)@(\w+)")
DECLARED = re.compile(r"\bDECLARE\s+@(\w+)")
Sources = dict[str, tuple[str, ...]]


class Names:
    """Columns of whatever may stand behind FROM."""

    def __init__(self, model: Model, modules: Mapping[str, Module]) -> None:
        self.tables = {table: tuple(one.name for one in columns) for table, columns in model.columns.items()}
        self.sequences = {one.removeprefix("SEQUENCE "): () for one in model.others}
        self.modules = dict(modules)
        self.given = self.tables | SYSTEM
        for name, module in modules.items():
            if module.kind in ("FUNCTION", "VIEW"):
                self.given[name] = list_results(self.modules, name)

    def list_breaches(self, statement: exp.Expr, module: Module | None = None) -> Iterator[str]:
        """What one statement names and does not exist."""
        local = self._list_local(module)
        for table in statement.find_all(exp.Table):
            if table.db and not isinstance(table.parent, (exp.Execute, exp.Schema)):
                yield from self._check(name_table(table), self.given, "table")
        for insert in statement.find_all(exp.Insert):
            yield from self._check_insert(insert, local)
        for called in statement.find_all(exp.Execute):
            yield from self._check_call(called)
        for column in statement.find_all(exp.Column):
            sources = [self._list_sources(one, local) for one in list_scopes(column)]
            if column.table:
                near = next((one[column.table] for one in sources if column.table in one), None)
                found = near is not None and column.name in near
            else:
                found = any(column.name in names for one in sources for names in one.values())
            if isinstance(column.parent, exp.NextValueFor):
                yield from self._check(column.sql(), self.sequences, "sequence")
            elif not found and not is_word(column):
                yield f"column {column.sql()}"

    def _check(self, name: str, known: Mapping[str, object], what: str) -> Iterator[str]:
        if name not in known:
            yield f"{what} {name}"

    def _check_insert(self, insert: exp.Insert, local: Sources) -> Iterator[str]:
        target = insert.this.this
        name = f"@{target.name}" if not target.db else name_table(target)
        columns = local.get(name) or self.tables.get(name, ())
        listed = [one.name for one in insert.this.expressions]
        yield from (f"column {name}.{one}" for one in listed if one not in columns)
        values = insert.expression
        width = (
            len(values.expressions[0].expressions) if isinstance(values, exp.Values) else len(values.selects)
        )
        if width != len(listed):
            yield f"{len(listed)} columns and {width} values in {name}"

    def _check_call(self, called: exp.Execute) -> Iterator[str]:
        name = name_table(called.this)
        module = self.modules.get(name)
        if module is None or module.kind != "PROCEDURE":
            yield f"procedure {name}"
            return
        given = [one.find(exp.Parameter).this.name for one in called.expressions]
        yield from (f"parameter {name} @{one}" for one in given if one not in module.parameters)
        yield from (
            f"missing parameter {name} @{one}"
            for one, optional in module.parameters.items()
            if not optional and one not in given
        )

    def _list_local(self, module: Module | None) -> Sources:
        """Table variables of a module; `inserted` and `deleted` of a trigger."""
        local: Sources = {}
        if module is None:
            return local
        for statement in module.statements:
            for item in statement.find_all(exp.DeclareItem):
                if isinstance(item.args["kind"], exp.Schema):
                    columns = tuple(one.name for one in item.args["kind"].find_all(exp.ColumnDef))
                    local[f"@{item.this[0].this.name}"] = columns
        if module.table:
            local |= dict.fromkeys(("inserted", "deleted"), self.tables[module.table])
        return local

    def _list_sources(self, scope: exp.Expr, local: Sources) -> Sources:
        """Aliases that a statement or query brings, each with its columns."""
        found: Sources = {}
        roots = [scope.args.get("from_"), *(scope.args.get("joins") or ())]
        if isinstance(scope, (exp.Update, exp.Delete)):
            roots.append(scope.this)
        while roots:
            one = roots.pop()
            if isinstance(one, (exp.From, exp.Join)):
                roots.append(one.this)
            elif isinstance(one, exp.Table):
                roots += one.args.get("joins") or ()
                name = f"@{one.this.this.name}" if isinstance(one.this, exp.Parameter) else one.name
                columns = self.given.get(name_table(one)) if one.db else local.get(name)
                if columns is not None:
                    found[one.alias_or_name] = columns
            elif isinstance(one, (exp.Subquery, exp.Values)):
                found[one.alias] = tuple(one.alias_column_names) or tuple(one.named_selects)
            elif isinstance(one, exp.Lateral):
                found[one.alias] = self._list_lateral(one)
        return found

    def _list_lateral(self, lateral: exp.Lateral) -> tuple[str, ...]:
        if isinstance(lateral.this, exp.Subquery):
            return tuple(lateral.this.named_selects)
        return self.given.get(f"{lateral.this.this.name}.{lateral.this.expression.name}", ())


def list_scopes(column: exp.Expr) -> Iterator[exp.Expr]:
    """Statements and queries around a column, the nearest first."""
    parent = column.parent
    while parent is not None:
        if isinstance(parent, (exp.Select, exp.Update, exp.Delete)):
            yield parent
        parent = parent.parent


def is_word(column: exp.Expr) -> bool:
    """An option of SET, or what ALTER TABLE makes or drops: no column that must be there."""
    return column.find_ancestor(exp.Set, exp.Alter) is not None


def list_undeclared(module: Module) -> set[str]:
    """Variables that a module uses and neither declares nor is given."""
    shown = blank_hidden(module.text)
    used = set(VARIABLE.findall(shown))
    declared = set(DECLARED.findall(shown)) | set(module.parameters)
    called = {
        parameter.this.name
        for statement in module.statements
        for one in statement.find_all(exp.Execute)
        for parameter in (argument.find(exp.Parameter) for argument in one.expressions)
    }
    return used - declared - called


def list_unfilled(insert: exp.Insert, columns: tuple[Column, ...]) -> list[str]:
    """Compulsory columns that an INSERT leaves out and nothing else fills."""
    listed = {one.name for one in insert.this.expressions}
    return [one.name for one in columns if one.required and not one.filled and one.name not in listed]
