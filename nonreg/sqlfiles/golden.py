"""The golden file of a SQL scenario: a CSV table, in which NULL and the text « NULL » are not the same.

UTF-8, one header line with the columns, `;` between cells when the header has one, otherwise `,`. A cell may be quoted;
NULL is written `NULL`, a text NULL is quoted, and so is an empty text where it is the only cell of its line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from nonreg.errors import ConfigError

NULL = "NULL"
SEPARATORS = (";", ",")
NEEDS_QUOTES = re.compile(r'[;,"\r\n]|^\s|\s$|^$|^NULL$')

Cell = str | None


@dataclass(frozen=True, slots=True)
class Golden:
    """A table of texts as a file holds it; None is NULL."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def read_golden(text: str) -> Golden:
    """The table of a file's text; ConfigError says in French what is wrong, without the file's name."""
    text = text.removeprefix("\ufeff")
    header = text.split("\n", 1)[0]
    separator = next((one for one in SEPARATORS if one in header), SEPARATORS[0])
    lines = cut_lines(text, separator)
    if not lines:
        raise ConfigError("fichier vide")
    columns = tuple("" if cell is None else cell.strip() for cell in lines[0][1])
    if not all(columns):
        raise ConfigError("une colonne n'a pas de nom")
    lowered = [column.lower() for column in columns]
    if repeated := [column for column in columns if lowered.count(column.lower()) > 1]:
        raise ConfigError(f"colonne en double : « {repeated[0]} »")
    if len(lines) == 1:
        raise ConfigError("aucune ligne sous les noms de colonnes (dites « attendu: aucune ligne »)")
    for number, cells in lines[1:]:
        if len(cells) != len(columns):
            raise ConfigError(f"ligne {number} : {len(cells)} valeur(s) pour {len(columns)} colonne(s)")
    return Golden(columns, tuple(tuple(cells) for _, cells in lines[1:]))


def cut_lines(text: str, separator: str) -> list[tuple[int, list[Cell]]]:
    """Cells of each line that is not empty, with the line's number; ConfigError for bad quotes."""
    plain = re.compile(rf'[^{separator}"\r\n]*(?=[{separator}\r\n]|\Z)')
    quoted = re.compile(rf'"((?:[^"]|"")*)"(?=[{separator}\r\n]|\Z)')
    lines: list[tuple[int, list[Cell]]] = []
    cells: list[Cell] = []
    place, number, first = 0, 1, 1
    while place < len(text):
        found = quoted.match(text, place) or plain.match(text, place)
        if found is None:
            raise ConfigError(f"ligne {number} : guillemets mal placés")
        is_quoted = text[place] == '"'
        end = found.end()
        cell = found[1].replace('""', '"') if is_quoted else found[0]
        cells.append(None if not is_quoted and cell == NULL else cell)
        number += text.count("\n", place, end)
        if text[end : end + 1] == separator:
            place = end + 1
            if place == len(text):
                cells.append("")
        else:
            place = end + (2 if text.startswith("\r\n", end) else 1)
            if is_quoted or cells != [""]:
                lines.append((first, cells))
            number += end < len(text)
            first, cells = number, []
    if cells:
        lines.append((first, cells))
    return lines


def write_golden(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """The text of a golden file, as `read_golden` reads it."""
    shown = [columns, *rows]
    return "".join(";".join(write_cell(cell) for cell in row) + "\n" for row in shown)


def write_cell(cell: Cell) -> str:
    """One cell, quoted when it must be."""
    if cell is None:
        return NULL
    return '"' + cell.replace('"', '""') + '"' if NEEDS_QUOTES.search(cell) else cell
