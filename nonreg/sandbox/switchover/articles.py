"""Articles and their columns on two sites: a copy needs the active site's columns on the site that is filled."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg import sql

from nonreg.sandbox.switchover.replication import Connection

Article = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column as its definition says: type, not null, default expression."""

    name: str
    type: str
    not_null: bool
    default: str | None


def read_articles(connection: Connection) -> list[Article]:
    """(schema, table) of every article."""
    rows = connection.execute("SELECT art_schema, art_table FROM ha.tvf_articles()").fetchall()
    return [(str(schema), str(table)) for schema, table in rows]


def read_columns(connection: Connection, article: Article) -> list[Column]:
    """Columns of an article, in order."""
    rows = connection.execute(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)"
        " FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = format('%%I.%%I', %s::text, %s::text)::regclass AND a.attnum > 0 AND NOT a.attisdropped"
        " ORDER BY a.attnum",
        article,
    ).fetchall()
    return [Column(str(name), str(kind), bool(not_null), default) for name, kind, not_null, default in rows]


def align_columns(active: Connection, filled: Connection, articles: list[Article]) -> None:
    """Give the emptied articles of one site the columns of the other's: orders may have missed it, or been its own."""
    for article in articles:
        wanted, found = read_columns(active, article), read_columns(filled, article)
        table = sql.Identifier(*article)
        for column in found:
            if column not in wanted:
                filled.execute(
                    sql.SQL("ALTER TABLE {} DROP COLUMN {}").format(table, sql.Identifier(column.name))
                )
        for column in wanted:
            if column not in found:
                statement = sql.SQL("ALTER TABLE {} ADD COLUMN {} {}{}{}").format(
                    table,
                    sql.Identifier(column.name),
                    sql.SQL(column.type),
                    sql.SQL(" NOT NULL" if column.not_null else ""),
                    sql.SQL(f" DEFAULT {column.default}" if column.default else ""),
                )
                filled.execute(statement)
