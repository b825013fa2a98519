"""Rows as texts, and a hash of them that Python computes too: by it a golden file is compared with a table."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from nonreg.comparison import mssql, postgresql
from nonreg.comparison.slices import Bound
from nonreg.comparison.table import Column, Kind, Table

Cell = str | None


@dataclass(frozen=True, slots=True)
class TextForm:
    """How an engine writes values as texts.

    A marked text is `V` and the text with its bars and backslashes marked, or `N` for NULL: two rows never join alike.
    """

    write_text: Callable[[Column], str]
    mark: Callable[[Column], str]
    join: Callable[[Sequence[str]], str]  # the hash of marked texts
    quote: Callable[[str], str]
    limit: Callable[[Column], str]  # whether a row is under the bound
    member: str  # whether :hashes has the hash
    digest: Callable[[str], bytes]


def write_mssql_text(column: Column) -> str:
    """The value as text, one text for each value."""
    value = mssql.write_value(column)
    forms = {
        Kind.BOOLEAN: f"CASE {value} WHEN 1 THEN N'true' ELSE N'false' END",
        Kind.FLOAT: f"CONVERT(nvarchar(50), {value}, 3)",
        Kind.UUID: f"LOWER(CAST({value} AS nvarchar(36)))",
        Kind.DATE: f"CONVERT(nvarchar(10), {value}, 23)",
        Kind.BYTES: f"LOWER(CONVERT(nvarchar(max), CAST({value} AS varbinary(max)), 2))",
    }
    if column.kind in (Kind.TIME, Kind.INSTANT, Kind.ZONED_INSTANT):
        return f"CONVERT(nvarchar(40), {value}, 121)"
    return forms.get(column.kind, f"CAST({value} AS nvarchar(max))")


def mark_mssql(column: Column) -> str:
    """`V` and the value's text with its bars and backslashes marked, `N` for NULL."""
    text = f"REPLACE(REPLACE({write_mssql_text(column)}, N'\\', N'\\\\'), N'|', N'\\|')"
    if not column.is_nullable:
        return f"N'V' + {text}"
    return f"CASE WHEN m.{mssql.quote(column.name)} IS NULL THEN N'N' ELSE N'V' + {text} END"


def join_mssql(marked: Sequence[str]) -> str:
    """SHA-256 of the UTF-16 text."""
    content = " + N'|' + ".join(marked)
    return f"CAST(SUBSTRING(HASHBYTES('SHA2_256', CAST({content} AS varbinary(max))), 1, 8) AS bigint)"


FORMS = {
    "postgresql": TextForm(
        postgresql.write_text,
        postgresql.mark,
        postgresql.hash_marked,
        postgresql.quote,
        postgresql.write_limit,
        "= ANY(CAST(:hashes AS bigint[]))",
        lambda text: hashlib.md5(text.encode(), usedforsecurity=False).digest(),
    ),
    "mssql": TextForm(
        write_mssql_text,
        mark_mssql,
        join_mssql,
        mssql.quote,
        mssql.write_limit,
        "IN (SELECT CAST(h.value AS bigint) FROM OPENJSON(:hashes) h)",
        lambda text: hashlib.sha256(text.encode("utf-16-le")).digest(),
    ),
}


def write_text_hash(engine: str, columns: Sequence[Column]) -> str:
    """Signed 64 bits of one row of `m`, from its texts."""
    form = FORMS[engine]
    return form.join([form.mark(column) for column in columns])


def hash_cells(engine: str, cells: Sequence[Cell]) -> int:
    """The same of a golden row."""
    marked = ("N" if cell is None else "V" + cell.replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return int.from_bytes(FORMS[engine].digest("|".join(marked))[:8], "big", signed=True)


def write_texts(engine: str, table: Table, bound: Bound | None, *, chosen: bool) -> str:
    """All rows as texts in the order of the key, or those whose hash is one of `:hashes`."""
    form = FORMS[engine]
    names = [form.quote(column.name) for column in table.shown]
    texts = (form.write_text(column) for column in table.shown)
    columns = ", ".join(f"{text} AS {name}" for text, name in zip(texts, names, strict=True))
    limited = [column for column in table.columns if bound and column.name == bound.column]
    conditions = [form.limit(column) for column in limited]
    if chosen:
        conditions.append(f"{write_text_hash(engine, table.shown)} {form.member}")
    where = f"\nWHERE {' AND '.join(conditions)}" if conditions else ""
    order = ", ".join(f"m.{name}" for name in names[: len(table.key)])
    source = f"{form.quote(table.name.schema)}.{form.quote(table.name.table)}"
    return f"SELECT {columns}\nFROM {source} m{where}\nORDER BY {order}"


def clean_cell(column: Column, cell: Cell) -> Cell:
    """A cell as the server writes the same value, where people write it in more than one way."""
    if cell is None:
        return None
    if column.kind is Kind.PADDED_TEXT:
        return cell.rstrip(" ")
    if column.kind is Kind.DECIMAL and column.scale is not None:
        try:
            return format(Decimal(cell).quantize(Decimal(1).scaleb(-column.scale)), "f")
        except InvalidOperation:
            return cell
    return cell
