"""Do both sites hold the same rows; asked only when nobody is active and nothing streams between them."""

from __future__ import annotations

from psycopg import sql

from nonreg.sandbox.switchover.replication import Connection


def find_different_articles(left: Connection, right: Connection) -> list[str]:
    """Articles whose rows are not the same on both sites, compared as a set."""
    ours, theirs = read_digests(left), read_digests(right)
    return sorted(
        article for article in ours.keys() | theirs.keys() if ours.get(article) != theirs.get(article)
    )


def read_digests(connection: Connection) -> dict[str, tuple[object, ...]]:
    """Rows and checksum of each article."""
    statement = sql.SQL("SELECT count(*), coalesce(sum(hashtextextended(CAST(t AS text), 0)), 0) FROM {} t")
    articles = connection.execute("SELECT art_schema, art_table FROM ha.tvf_articles()").fetchall()
    digests = {}
    for schema, table in articles:
        row = connection.execute(statement.format(sql.Identifier(schema, table))).fetchone()
        digests[f"{schema}.{table}"] = row or ()
    return digests
