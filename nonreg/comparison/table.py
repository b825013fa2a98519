"""What a table is for a comparison, and whether two can be compared at all. Pure.

Rules of equality, the same on each engine:

* NULL equals NULL and nothing else, an empty text included;
* numbers by value: 1.5 equals 1.50, -0 equals 0, NaN equals NaN; a float to its last bit;
* texts character by character: case, accents and trailing blanks count whatever the collation says, except the blanks
  that fill a `char(n)`;
* instants to the precision of the side that has less of it, each rounded by its own server.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from nonreg.clients.sql import Rows
from nonreg.comparison.slices import Bound
from nonreg.errors import RequestFailed, UsageError


class Kind(StrEnum):
    """What a value is, whatever its type is called."""

    INTEGER = "entier"
    BIG_INTEGER = "entier long"
    DECIMAL = "décimal"
    FLOAT = "flottant"
    BOOLEAN = "booléen"
    TEXT = "texte"
    PADDED_TEXT = "texte de longueur fixe"
    UUID = "UUID"
    DATE = "date"
    TIME = "heure"
    INSTANT = "date et heure"
    ZONED_INSTANT = "date et heure avec fuseau"
    BYTES = "octets"


# Kinds that a migration may change into one another: the wider one then holds for both.
WIDER = {
    frozenset({Kind.INTEGER, Kind.BIG_INTEGER}): Kind.BIG_INTEGER,
    frozenset({Kind.TEXT, Kind.PADDED_TEXT}): Kind.PADDED_TEXT,
}
# What a bound that a person wrote must be read by.
READERS: Mapping[Kind, Callable[[str], object]] = {
    Kind.INTEGER: int,
    Kind.BIG_INTEGER: int,
    Kind.DECIMAL: Decimal,
    Kind.FLOAT: float,
    Kind.UUID: UUID,
    Kind.DATE: date.fromisoformat,
    Kind.TIME: time.fromisoformat,
    Kind.INSTANT: datetime.fromisoformat,
    Kind.ZONED_INSTANT: datetime.fromisoformat,
}
TABLE_KINDS = ("r", "U")
NOT_TABLES = {
    "p": "table partitionnée : comparez ses partitions une à une",
    "parent": "d'autres tables en héritent, dont elle montre les lignes avec les siennes",
    "filtered": "une règle de sécurité y cache des lignes au compte de lecture",
    "foreign": "ses lignes ne sont pas rangées comme celles des autres tables",
}


@dataclass(frozen=True, slots=True)
class Name:
    """A table's schema and name."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}"


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `scale` is digits after the point, of a decimal or of a second, None when the type says none.

    `is_alike` is whether both sides have that scale, and so write the same number in one way.
    """

    name: str
    kind: Kind
    is_nullable: bool
    scale: int | None = None
    is_alike: bool = True


@dataclass(frozen=True, slots=True)
class Table:
    """Columns in their order, and the names of those of the key in the key's order."""

    name: Name
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def shown(self) -> tuple[Column, ...]:
        """Columns as rows are fetched: the key first."""
        by_name = {column.name: column for column in self.columns}
        others = (column for column in self.columns if column.name not in self.key)
        return (*(by_name[name] for name in self.key), *others)


def parse_name(text: str) -> Name:
    """`schema.table`; UsageError for anything else."""
    schema, dot, table = text.partition(".")
    if not (dot and schema and table) or "." in table:
        raise UsageError(f"Table mal nommée : « {text} » (attendu : schéma.table).")
    return Name(schema, table)


def read_table(name: Name, rows: Rows, kinds: Mapping[str, Kind], where: str) -> Table:
    """A table from its catalog; RequestFailed says why it cannot be compared."""
    found = rows.dicts()
    if not found:
        raise RequestFailed(
            f"La table {name} n'existe pas sur {where}, ou le compte de lecture n'a pas le droit de la voir."
        )
    if (relation := str(found[0]["relation_kind"])) not in TABLE_KINDS:
        why = NOT_TABLES.get(relation, "ce n'est pas une table")
        raise RequestFailed(f"{name} ne se compare pas sur {where} : {why}.")
    columns = tuple(read_column(name, row, kinds, where) for row in found)
    places = {str(row["column_name"]): int(row["key_position"]) for row in found if row["key_position"]}
    if not places:
        raise RequestFailed(
            f"La table {name} de {where} n'a ni clé primaire ni index unique sur des colonnes NOT NULL : ses lignes ne "
            "peuvent pas être nommées, elle n'est pas comparée."
        )
    return Table(name, columns, tuple(sorted(places, key=lambda one: places[one])))


def read_column(name: Name, row: Mapping[str, Any], kinds: Mapping[str, Kind], where: str) -> Column:
    """One column; RequestFailed for a type without a rule of equality."""
    kind = kinds.get(str(row["type_name"]))
    if kind is None:
        raise RequestFailed(
            f"La colonne {row['column_name']} de {name} ({where}) est d'un type qui ne se compare pas sûrement : "
            f"{row['type_name']}. Comparez une table, ou une copie, sans cette colonne."
        )
    scale = None if row["scale"] is None else int(row["scale"])
    return Column(str(row["column_name"]), kind, bool(row["nullable"]), scale)


def list_alone(left: Table, right: Table) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns that only the left and only the right table has."""
    ours, theirs = ([column.name for column in table.columns] for table in (left, right))
    return tuple(name for name in ours if name not in theirs), tuple(
        name for name in theirs if name not in ours
    )


def match_tables(left: Table, right: Table, places: tuple[str, str], *, common: bool = False) -> Table:
    """The one table that both are, each column at its wider kind; RequestFailed names what is not the same.

    With `common`, columns that only one side has are left out.
    """
    alone = list_alone(left, right)
    if any(alone) and not common:
        shown = (
            f"{name} seulement sur {place}"
            for place, names in zip(places, alone, strict=True)
            for name in names
        )
        raise RequestFailed(
            f"La table {left.name} n'a pas les mêmes colonnes des deux côtés : {', '.join(shown)}. "
            "Comparez d'abord la structure."
        )
    if left.key != right.key:
        raise RequestFailed(
            f"La table {left.name} n'a pas la même clé des deux côtés : {', '.join(left.key)} sur {places[0]}, "
            f"{', '.join(right.key)} sur {places[1]}. Comparez d'abord la structure."
        )
    theirs = {column.name: column for column in right.columns}
    shared = [column for column in left.columns if column.name in theirs]
    return Table(
        left.name, tuple(match_columns(left.name, one, theirs[one.name], places) for one in shared), left.key
    )


def match_columns(name: Name, left: Column, right: Column, places: tuple[str, str]) -> Column:
    """One column for both sides: its values can be told apart on neither side only."""
    kind = left.kind if left.kind is right.kind else WIDER.get(frozenset({left.kind, right.kind}))
    if kind is None:
        raise RequestFailed(
            f"La colonne {left.name} de {name} n'est pas du même type des deux côtés : {left.kind} sur {places[0]}, "
            f"{right.kind} sur {places[1]}. Comparez d'abord la structure."
        )
    scale = match_scales(kind, left, right)
    return Column(left.name, kind, left.is_nullable or right.is_nullable, scale, left.scale == right.scale)


def match_scales(kind: Kind, left: Column, right: Column) -> int | None:
    """The larger one for decimals, so that none loses a digit; the smaller one for instants. None: nothing to say."""
    if left.scale is None or right.scale is None:
        return (
            None
            if kind is Kind.DECIMAL
            else next((s for s in (left.scale, right.scale) if s is not None), None)
        )
    return (max if kind is Kind.DECIMAL else min)(left.scale, right.scale)


def require_bound(table: Table, bound: Bound) -> None:
    """UsageError for a bound that is none of this table, RequestFailed for one that leaves rows out for good."""
    name = bound.column
    column = next((column for column in table.columns if column.name == name), None)
    if column is None:
        raise UsageError(f"La table {table.name} n'a pas de colonne « {name} » pour borne.")
    if column.is_nullable:
        raise RequestFailed(
            f"La colonne « {name} » de {table.name} peut être NULL : elle ne sert pas de borne, les lignes où elle "
            "l'est ne seraient jamais comparées."
        )
    read = READERS.get(column.kind)
    if read is None or bound.upto is None:
        return
    try:
        read(str(bound.upto))
    except (ValueError, ArithmeticError):
        raise UsageError(
            f"La borne de « {name} » ne se lit pas : « {bound.upto} » ({column.kind} attendu)."
        ) from None
