"""What a batch gave, judged by what its header expects; the witness keeps the gaps and the rows, as of any scenario."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from nonreg.clients.result_sets import Batch, ResultSet
from nonreg.clients.sql import Rows
from nonreg.model import Gap
from nonreg.sqlfiles.golden import Golden, write_golden
from nonreg.sqlfiles.header import Expectation, Header
from nonreg.sqlfiles.matching import Differences, Row, compare_rows, is_same
from nonreg.sqlfiles.values import choose_reader, normalize, read_uuids, show_value
from nonreg.witness import KEPT_ROWS, Witness, show

NOTHING_BACK = "le lot n'a renvoyé aucun résultat, il n'y a rien à juger"


@dataclass(frozen=True, slots=True)
class Tables:
    """What was expected and what was found, the same columns in the same order."""

    columns: tuple[str, ...]
    expected: tuple[Row, ...]
    found: tuple[Row, ...]


def judge(header: Header, golden: Golden | None, batch: Batch, request: str, witness: Witness) -> None:
    """Tell the witness what is not as the header says, or that nothing could be judged."""
    if batch.messages:
        witness.attach("messages", "\n".join(batch.messages) + "\n")
    if header.expectation is Expectation.NO_ERROR:
        if batch.sets or batch.messages:
            witness.expect(True, request, Expectation.NO_ERROR, "")
        else:
            witness.missed.append(NOTHING_BACK)
    elif not batch.sets:
        witness.missed.append(NOTHING_BACK)
    elif header.expectation is Expectation.NO_ROWS:
        judge_no_rows(batch.sets, request, witness)
    else:
        assert golden is not None
        judge_golden(header, golden, batch.sets[-1], request, witness)


def judge_no_rows(sets: Sequence[ResultSet], request: str, witness: Witness) -> None:
    """Every result of the batch is a check of its own; a gap says which one it is."""
    for number, one in enumerate(sets, start=1):
        which = f" dans le résultat {number} sur {len(sets)}" if len(sets) > 1 else ""
        witness.expect_no_rows(Rows(one.columns, one.rows, request), f"{Expectation.NO_ROWS}{which}")


def judge_thrown(header: Header, words: str, request: str, witness: Witness) -> None:
    """The script itself said that something is wrong."""
    witness.expect(False, request, describe_expected(header), f"rejet du script : {words}")


def describe_expected(header: Header) -> str:
    """What is expected, in the words of the header."""
    return f"{header.expectation} {header.golden}".strip()


def judge_golden(header: Header, golden: Golden, found: ResultSet, request: str, witness: Witness) -> None:
    """Compare the last result with the golden file."""
    if unclear := refuse_columns(header, found):
        witness.missed.append(unclear)
        return
    wanted, got = keep_columns(golden.columns, header), keep_columns(found.columns, header)
    if sorted(map(str.lower, wanted)) != sorted(map(str.lower, got)):
        witness.expect(
            False, request, f"les colonnes de {header.golden} : {', '.join(wanted)}", ", ".join(got)
        )
        return
    tables = put_face_to_face(wanted, golden, found)
    differences = compare_rows(tables.expected, tables.found, header.tolerance)
    misplaced = () if differences or not header.ordered else list_misplaced(tables, header.tolerance)
    witness.checks += 1
    if not differences and not misplaced:
        return
    rows = [*list_differences(tables, differences, header.tolerance), *misplaced]
    shown = tuple(tuple(show(value) for value in row) for row in rows)
    expected = f"{len(golden.rows)} ligne(s) de {header.golden}" + (" dans cet ordre" if misplaced else "")
    columns = ("écart", *tables.columns)
    witness.gaps.append(
        Gap(request, expected, count(differences, misplaced), columns, shown[:KEPT_ROWS], len(rows))
    )
    witness.attach("écarts", "\n".join("\t".join(row) for row in (columns, *shown)) + "\n", "tsv")
    cells = [[show_value(value) for value in row] for row in found.rows]
    witness.attach("résultat obtenu", write_golden(found.columns, cells), "csv")


def refuse_columns(header: Header, found: ResultSet) -> str:
    """Why a result cannot be put beside a golden file; empty when it can."""
    lowered = [column.lower() for column in found.columns]
    if not all(lowered):
        return "une colonne du résultat n'a pas de nom : donnez-lui en un (AS …)"
    if len(set(lowered)) < len(lowered):
        return "deux colonnes du résultat ont le même nom"
    unknown = [one for one in header.ignored if one.lower() not in lowered]
    return f"la colonne à ignorer « {unknown[0]} » n'est pas dans le résultat" if unknown else ""


def keep_columns(columns: Sequence[str], header: Header) -> tuple[str, ...]:
    """Columns that are compared."""
    ignored = {one.lower() for one in header.ignored}
    return tuple(column for column in columns if column.lower() not in ignored)


def put_face_to_face(columns: tuple[str, ...], golden: Golden, found: ResultSet) -> Tables:
    """Both tables with the same columns, the golden texts read as values of the kind that was found."""
    wanted, got = [], []
    for column in columns:
        place, golden_place = find(found.columns, column), find(golden.columns, column)
        values = read_uuids([normalize(row[place]) for row in found.rows])
        read = choose_reader(values)
        if read is None:
            values = [show_value(row[place]) for row in found.rows]
        texts = (row[golden_place] for row in golden.rows)
        wanted.append([None if text is None else (read or str)(text) for text in texts])
        got.append(values)
    return Tables(columns, tuple(zip(*wanted, strict=True)), tuple(zip(*got, strict=True)))


def find(columns: Sequence[str], name: str) -> int:
    """Place of a column, whatever its case."""
    return [column.lower() for column in columns].index(name.lower())


def list_misplaced(tables: Tables, tolerance: Decimal | None) -> tuple[Row, ...]:
    """Rows that stand elsewhere than expected, with the place where they were found."""
    pairs = enumerate(zip(tables.expected, tables.found, strict=True), start=1)
    return tuple(
        (f"place {place}", *shown(found))
        for place, (expected, found) in pairs
        if not all(is_same(one, other, tolerance) for one, other in zip(expected, found, strict=True))
    )


def list_differences(tables: Tables, differences: Differences, tolerance: Decimal | None) -> list[Row]:
    """Rows in a reader's words: what is absent, in excess, and what became of a changed cell."""
    rows: list[Row] = [("absente", *shown(tables.expected[place])) for place in differences.missing]
    rows += [("en trop", *shown(tables.found[place])) for place in differences.extra]
    for before, after in differences.changed:
        cells = zip(shown(tables.expected[before]), shown(tables.found[after]), strict=True)
        same = [
            is_same(one, other, tolerance)
            for one, other in zip(tables.expected[before], tables.found[after], strict=True)
        ]
        rows.append(
            (
                "changée",
                *(
                    show(one) if alike else f"{show(one)} → {show(other)}"
                    for (one, other), alike in zip(cells, same, strict=True)
                ),
            )
        )
    return rows


def shown(row: Row) -> list[Any]:
    """Values as a golden file writes them."""
    return [show_value(value) for value in row]


def count(differences: Differences, misplaced: Sequence[Row]) -> str:
    """How many rows differ, and how."""
    if misplaced:
        return f"{len(misplaced)} ligne(s) à une autre place"
    return (
        f"{len(differences.missing)} absente(s), {len(differences.extra)} en trop, "
        f"{len(differences.changed)} changée(s)"
    )
