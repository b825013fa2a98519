"""A table against a golden file, its reference data: by hashes too, so that only what differs is read."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from nonreg.comparison.compare import Comparison, Options
from nonreg.comparison.dialect import DIALECTS
from nonreg.comparison.differences import pair_rows
from nonreg.comparison.hashes import Entries, Residue, make_entries
from nonreg.comparison.side import Place, Question, Side, tell_requests
from nonreg.comparison.slices import Bound
from nonreg.comparison.table import Table, parse_name, require_bound
from nonreg.comparison.texts import Cell, clean_cell, hash_cells, write_text_hash, write_texts
from nonreg.errors import ConfigError, RequestFailed
from nonreg.sqlfiles.golden import Golden, write_golden
from nonreg.wording import plural

LABEL = "le jeu de référence"
HASHED_SLICES = 500
FETCHED_ROWS = 5_000


def compare_golden(
    place: Place,
    table: str,
    golden: Golden,
    options: Options = Options(),  # noqa: B008 - frozen
) -> Comparison:
    """Compare a golden table, on the left, with `schema.table` of a site; only the golden columns count.

    ConfigError for a golden table that is none of that table; PlatformError when it could not be compared.
    """
    started = time.monotonic()
    with Side(place, place.site.code, options.pace, threading.Event()) as side:
        whole = side.open(parse_name(table)).result()
        narrowed, rows = narrow(whole, golden)
        require_own_bound(narrowed, options.bound)
        engine = place.engine
        layout = DIALECTS[engine].lay_out(narrowed, [side.read_extent(narrowed).result()])
        question = Question(narrowed, layout, options.bound, write_text_hash(engine, narrowed.shown))
        ours = [hash_cells(engine, row) for row in rows]
        only_ours, only_theirs, count = cancel_golden(side, question, ours)
        wanted = set(only_ours["hash"].tolist())
        left = [row for row, row_hash in zip(rows, ours, strict=True) if row_hash in wanted]
        taken = only_theirs[: options.most]
        right = fetch_texts(side, question, engine, taken)
        if len(right) != len(taken):
            raise RequestFailed(
                f"{table} a changé sur {place.site.code} pendant sa comparaison : recommencez."
            )
        more = len(only_theirs) - len(taken)
        return Comparison(
            table,
            tuple(column.name for column in narrowed.shown),
            narrowed.key,
            len(rows),
            count,
            pair_rows(left, right, len(narrowed.key), is_whole=not more),
            more,
            tell_requests([side], question.bound),
            time.monotonic() - started,
            places=(LABEL, place.site.code),
            bound=options.bound,
        )


def require_own_bound(table: Table, bound: Bound | None) -> None:
    """ConfigError for a bound that is none of the golden columns."""
    if bound and bound.column not in {column.name for column in table.columns}:
        raise ConfigError(
            f"La borne « {bound.column} » n'est pas une colonne du jeu de référence de {table.name}."
        )
    if bound:
        require_bound(table, bound)


def narrow(table: Table, golden: Golden) -> tuple[Table, list[tuple[Cell, ...]]]:
    """The table's golden columns, and the golden rows in their order, the key first."""
    known = {column.name for column in table.columns}
    if unknown := [name for name in golden.columns if name not in known]:
        raise ConfigError(f"Jeu de référence de {table.name} : la table n'a pas de colonne « {unknown[0]} ».")
    if missing := [name for name in table.key if name not in golden.columns]:
        raise ConfigError(
            f"Jeu de référence de {table.name} : la colonne « {missing[0]} » de sa clé manque, ses lignes ne se "
            "nomment pas."
        )
    kept = tuple(column for column in table.columns if column.name in golden.columns)
    narrowed = replace(table, columns=kept)
    places = [golden.columns.index(column.name) for column in narrowed.shown]
    rows = [
        tuple(clean_cell(column, row[place]) for column, place in zip(narrowed.shown, places, strict=True))
        for row in golden.rows
    ]
    keys = {row[: len(table.key)] for row in rows}
    if len(keys) < len(rows):
        doubled = plural(len(rows) - len(keys), "ligne", "lignes")
        raise ConfigError(f"Jeu de référence de {table.name} : {doubled} de trop pour une même clé.")
    return narrowed, rows


def cancel_golden(side: Side, question: Question, golden: Sequence[int]) -> tuple[Entries, Entries, int]:
    """Hashes that only the golden table has, those that only the server has, and how many rows the server has."""
    count = 0
    empty = make_entries(0, np.empty(0, np.int64))
    with tempfile.TemporaryDirectory() as folder:
        residue = Residue(Path(folder))
        residue.add(make_entries(0, np.array(golden, np.int64)), empty)
        for batch in question.layout.batches(range(question.layout.count), HASHED_SLICES):
            found = side.read_hashes(question, batch).result()
            count += len(found)
            residue.add(empty, found)
        parts = list(residue.parts())
    left, right = (np.concatenate([part[place] for part in parts]) for place in range(2))
    return left, right, count


def fetch_texts(side: Side, question: Question, engine: str, entries: Entries) -> list[tuple[Any, ...]]:
    """The rows of some hashes, as texts."""
    statement = write_texts(engine, question.table, question.bound, chosen=True)
    hashes = entries["hash"].tolist()
    found: list[tuple[Any, ...]] = []
    for start in range(0, len(hashes), FETCHED_ROWS):
        batch = hashes[start : start + FETCHED_ROWS]
        found += side.ask("lignes", statement, hashes=batch, **question.parameters).result().rows
    return found


def record_golden(place: Place, table: str, columns: Sequence[str], options: Options) -> str:
    """A golden file's text: what the table holds now, in the order of its key; all columns when none is named."""
    with Side(place, place.site.code, options.pace, threading.Event()) as side:
        whole = side.open(parse_name(table)).result()
        chosen = tuple(columns) or tuple(column.name for column in whole.shown)
        narrowed, _ = narrow(whole, Golden(chosen, ()))
        require_own_bound(narrowed, options.bound)
        bound = {"upto": options.bound.upto} if options.bound else {}
        statement = write_texts(place.engine, narrowed, options.bound, chosen=False)
        rows = side.ask("lignes", statement, **bound).result()
    return write_golden([column.name for column in narrowed.shown], rows.rows)
