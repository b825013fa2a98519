"""The data of two platforms, table by table, through `nonreg.comparison`; people's names, phones and mails stay there.

A row that differs is known by `schema.table:key`; those beyond what is listed one by one by `schema.table`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nonreg.clients.sql import Session, open_session
from nonreg.config import Platform
from nonreg.errors import PlatformError
from nonreg.masking import MASKED, Mask, list_secrets
from nonreg.migration.found import merge
from nonreg.model import SiteRole
from nonreg.model.migration import (
    Compared,
    ComparedSubject,
    MigrationChange,
    MigrationDifference,
    MigrationSubject,
    NotCompared,
)
from nonreg.witness import show
from nonreg.wording import plural

if TYPE_CHECKING:
    from nonreg.comparison.differences import Difference
    from nonreg.comparison.run import Comparison

# Tables about people: of those nothing but the key and the names of the columns leaves the platform.
PEOPLE_TABLES = re.compile(r"(?i)op[eé]rateur|utilisateur|annuaire|contact|personne|destinataire|abonn[eé]")
PEOPLE_COLUMNS = re.compile(
    r"(?i)pr[eé]nom|(?<![a-z])(tel|mail|mel|gsm)(?![a-z])|t[eé]l[eé]phone|e?mail|courriel"
)
# Values of a column that only one side has, as both sides of the difference.
LEFT_OUT = {
    MigrationChange.ABSENT: ("valeurs de la colonne, non comparées", ""),
    MigrationChange.ADDED: ("", "valeurs de la colonne, non comparées"),
}
MOST_ROWS = 500  # of one table and side: a report is read by people
MIN_KNOWN_CHARACTERS = 5  # a shorter value would mask parts of anything


def list_published(session: Session) -> tuple[str, ...]:
    """Tables of the publications of a site."""
    articles = [
        str(row["article"])
        for publication in session.query("publications").dicts()
        for row in session.query("publication_articles", publication=publication["publication"]).dicts()
    ]
    return tuple(sorted(set(articles)))


def read_published(platform: Platform) -> tuple[str, ...]:
    """Tables that the active site of a platform publishes."""
    with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
        return list_published(session)


def make_mask(*platforms: Platform) -> Mask:
    """Masks the secrets of the platforms, any phone and mail, and those that operators have, however written."""
    values: set[str] = set()
    for platform in platforms:
        values |= set(list_secrets(platform))
        try:
            with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
                rows = session.query("operators").rows
            values |= {
                str(value) for row in rows for value in row[1:] if len(str(value)) >= MIN_KNOWN_CHARACTERS
            }
        except PlatformError:
            continue  # nothing is compared with a platform that does not answer
    return Mask(tuple(values))


def compare_tables(
    left: Platform,
    right: Platform,
    tables: Iterable[str],
    mask: Mask,
    explain: Callable[[object], str],
    tell: Callable[[str], None],
) -> Compared:
    """Each table on the active sites; one that cannot be compared is told, never equal."""
    return merge(compare_one(left, right, table, mask, explain, tell) for table in tables)


def compare_one(
    left: Platform,
    right: Platform,
    table: str,
    mask: Mask,
    explain: Callable[[object], str],
    tell: Callable[[str], None],
) -> Compared:
    """One table on both active sites."""
    from nonreg.comparison.run import Options, Place, compare_table

    tell(f"Données de {table}…")
    places = [Place(platform, platform.site(SiteRole.ACTIF)) for platform in (left, right)]
    try:
        found = compare_table(places[0], places[1], table, Options(most=MOST_ROWS, common=True))
    except PlatformError as error:
        return Compared(not_compared=(NotCompared("Données", explain(error), (table,)),))
    return tell_table(found, mask)


def tell_table(found: Comparison, mask: Mask) -> Compared:
    """The differences of one table as those of a migration: a table counts as one object, its rows are told."""
    differences = [tell_row(found, one, mask) for one in found.differences]
    changes = (MigrationChange.ABSENT, MigrationChange.ADDED)
    differences += [  # whoever compares the data alone must see it, and sign it off
        MigrationDifference(MigrationSubject.DATA, f"{found.table}.{name}", change, *LEFT_OUT[change])
        for change, names in zip(changes, found.left_out, strict=True)
        for name in names
    ]
    if found.more:
        more = f"{plural(found.more, 'autre ligne diffère', 'autres lignes diffèrent')}, hors liste"
        differences.append(
            MigrationDifference(MigrationSubject.DATA, found.table, MigrationChange.NOT_LISTED, "", more)
        )
    subject = ComparedSubject(MigrationSubject.DATA, 1, 0 if differences else 1)
    return Compared((subject,), tuple(differences))


def tell_row(found: Comparison, difference: Difference, mask: Mask) -> MigrationDifference:
    """One row: its key, and the values of the columns that are not the same."""
    from nonreg.comparison.differences import Kind

    changes = {
        Kind.MISSING: MigrationChange.ABSENT,
        Kind.EXTRA: MigrationChange.ADDED,
        Kind.CHANGED: MigrationChange.CHANGED,
        Kind.UNPAIRED: MigrationChange.NOT_LISTED,
    }
    key = ",".join(
        hide(found.table, name, value, mask) if isinstance(value, str) else show(value)
        for name, value in zip(found.key, difference.key, strict=True)
    )
    return MigrationDifference(
        MigrationSubject.DATA,
        f"{found.table}:{key}",
        changes[difference.kind],
        tell_values(found, difference.left, difference.right, mask),
        tell_values(found, difference.right, difference.left, mask),
    )


def tell_values(
    found: Comparison, row: tuple[object, ...] | None, other: tuple[object, ...] | None, mask: Mask
) -> str:
    """`column = value`, one a line, of the columns that differ; of all but the key when the other side has no row."""
    if row is None:
        return ""
    places = [place for place, name in enumerate(found.columns) if name not in found.key]
    return "\n".join(
        f"{found.columns[place]} = {hide(found.table, found.columns[place], row[place], mask)}"
        for place in places
        if other is None or other[place] != row[place]
    )


def hide(table: str, column: str, value: object, mask: Mask) -> str:
    """A value as it may be shown: of people, nothing of it."""
    if value is not None and (PEOPLE_TABLES.search(table) or PEOPLE_COLUMNS.search(column)):
        return MASKED
    return mask.apply(show(value))
