"""How tickets stand in a folder, so that people read them, and write them, with any editor.

    AQ-12/ticket.toml         titre, etat, statut, genre, priorite, ouvert_le, ferme_le, echeance, affecte_a,
                              description, cle, [champs]
    AQ-12/notes/0003.md       « Date : », « Auteur : », « État : », « Clé : », « Pièce : NOM SHA256 TAILLE », then a
                              line `---` and the text
    AQ-12/pieces/SHA256/NOM   files of notes, as they were
    temps.csv                 jour;ticket;heures;activité;auteur;commentaire

Pure: texts in, values out; ValueError, in French, for what cannot be read.
"""

from __future__ import annotations

import csv
import io
import json
import re
import tomllib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from nonreg.model.tracker import Ticket, TicketNote, TicketState, TimeEntry
from nonreg.working_time import PARIS

RULE = "---"
HEADER = re.compile(r"(Date|Auteur|État|Clé|Pièce)[ \u00a0\u202f]?: ?(.*)")
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
FRENCH_DAY = re.compile(r"(\d{2})/(\d{2})/(\d{4})")  # what Excel makes of a day when it saves
COLUMNS = ("jour", "ticket", "heures", "activité", "auteur", "commentaire")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A file of a note."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StoredNote:
    """A note with what people do not need of it."""

    note: TicketNote
    key: str = ""
    pieces: tuple[Piece, ...] = ()


def clean_text(text: str) -> str:
    """A text without what an editor or a terminal would obey, line ends and tabs kept."""
    return UNPRINTABLE.sub("?", text.replace("\r\n", "\n").replace("\r", "\n"))


def write_note(stored: StoredNote) -> str:
    """A note as its file says it."""
    note = stored.note
    lines = [
        f"Date : {note.at.astimezone(UTC).isoformat(timespec='seconds')}",
        f"Auteur : {_one_line(note.author)}",
    ]
    if note.became is not None:
        lines.append(f"État : {note.became}")
    if stored.key:
        lines.append(f"Clé : {stored.key}")
    lines += [f"Pièce : {_one_line(one.name)} {one.sha256} {one.size_bytes}" for one in stored.pieces]
    return "\n".join([*lines, RULE, clean_text(note.text).rstrip("\n")]) + "\n"


def read_note(text: str) -> StoredNote:
    """The note of a file; ValueError when it has no date, no rule, or a line that is none of its header."""
    head, rule, body = text.partition(f"\n{RULE}\n")
    if not rule:
        raise ValueError(f"aucune ligne « {RULE} » entre l'en-tête et le texte")
    told: dict[str, str] = {}
    pieces = []
    for line in head.splitlines():
        found = HEADER.fullmatch(line) or HEADER.fullmatch(unicodedata.normalize("NFC", line))
        if found is None:
            raise ValueError(f"ligne d'en-tête inconnue : « {line[:80]} »")
        if found[1] == "Pièce":
            pieces.append(_read_piece(found[2]))
        else:
            told[found[1]] = found[2]
    became = _read_state(told["État"]) if told.get("État") else None
    note = TicketNote(_read_instant(told.get("Date", "")), told.get("Auteur", ""), body.rstrip("\n"), became)
    return StoredNote(note, told.get("Clé", ""), tuple(pieces))


def write_ticket(ticket: Ticket, key: str = "") -> str:
    """A ticket as its file says it."""
    values: dict[str, object] = {
        "titre": ticket.title,
        "etat": ticket.state.value,
        "statut": ticket.status,
        "genre": ticket.kind,
        "priorite": ticket.priority,
        "ouvert_le": ticket.opened_at.astimezone(UTC),
        "ferme_le": ticket.closed_at.astimezone(UTC) if ticket.closed_at else None,
        "echeance": ticket.due,
        "affecte_a": ticket.assignee,
        "cle": key,
        "description": ticket.description,
    }
    lines = [f"{name} = {_write_value(value)}" for name, value in values.items() if value not in (None, "")]
    if ticket.fields:
        lines += ["", "[champs]", *(f"{_quote(name)} = {_quote(value)}" for name, value in ticket.fields)]
    return "\n".join(lines) + "\n"


def read_ticket(reference: str, text: str, notes: Iterable[TicketNote]) -> tuple[Ticket, str]:
    """The ticket of a file, and its key; the last note that says a state has changed it since."""
    data = _read_table(text)
    opened_at = _read_instant(data.get("ouvert_le", ""))
    closed_at = _read_instant(data["ferme_le"]) if "ferme_le" in data else None
    state, moments = _read_state(data.get("etat", TicketState.OPEN)), [opened_at]
    for note in notes:
        moments.append(note.at)
        if note.became is not None:
            state, closed_at = note.became, note.at if note.became is TicketState.CLOSED else None
    due, fields = data.get("echeance"), data.get("champs", {})
    if due is not None and type(due) is not date:
        raise ValueError("« echeance » n'est pas un jour (2026-12-31)")
    if not isinstance(fields, dict):
        raise ValueError("« champs » n'est pas une table ([champs])")
    ticket = Ticket(
        reference=reference,
        title=str(data.get("titre", "")),
        state=state,
        status=str(data.get("statut") or state),
        kind=str(data.get("genre", "")),
        priority=str(data.get("priorite", "")),
        opened_at=opened_at,
        updated_at=max(moments + ([closed_at] if closed_at else [])),
        closed_at=closed_at,
        due=due,
        assignee=str(data.get("affecte_a", "")),
        description=str(data.get("description", "")),
        fields=tuple((str(name), str(value)) for name, value in fields.items()),
    )
    return ticket, str(data.get("cle", ""))


def read_time(text: str) -> tuple[TimeEntry, ...]:
    """The hours of a file, by day; ValueError names the line."""
    rows = list(csv.reader(io.StringIO(text), delimiter=";"))
    if not rows or tuple(rows[0]) != COLUMNS:
        raise ValueError(f"la première ligne n'est pas « {';'.join(COLUMNS)} »")
    found = []
    for number, row in enumerate(rows[1:], 2):
        if not any(row):
            continue
        try:
            day, ticket, hours, activity, author, comment = row
            spent = float(hours.replace(",", "."))
            day = FRENCH_DAY.sub(r"\3-\2-\1", day)
            if not DAY.fullmatch(day) or not 0 < spent <= 24:
                raise ValueError(hours)
            found.append(TimeEntry(ticket, date.fromisoformat(day), spent, activity, author, comment))
        except ValueError as error:
            raise ValueError(
                f"ligne {number} : {len(COLUMNS)} champs sont attendus, un jour et des heures"
            ) from error
    return tuple(sorted(found, key=lambda one: one.day))


def _read_table(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        where = f" à la ligne {place[1]}, colonne {place[2]}" if place else ""
        raise ValueError(f"ce n'est pas du TOML{where}") from error


def _read_state(value: object) -> TicketState:
    """A state as a person types it."""
    typed = unicodedata.normalize("NFC", str(value)).strip().casefold()
    found = next((one for one in TicketState if one.value == typed), None)
    if found is None:
        raise ValueError(f"état inconnu : « {str(value)[:80]} » (attendu : {' ou '.join(TicketState)})")
    return found


def _read_piece(text: str) -> Piece:
    name, sha256, size = (*text.rsplit(" ", 2), "", "")[:3]
    if not re.fullmatch(r"[0-9]{1,15}", size):
        raise ValueError(f"« Pièce : {text[:80]} » n'est pas un nom, une empreinte et une taille")
    return Piece(name, sha256, int(size))


def _read_instant(value: object) -> datetime:
    """An instant, or a day: its morning in Paris."""
    if isinstance(value, str) and value:
        value = _parse_instant(value)
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=PARIS)).astimezone(UTC)
    if isinstance(value, date):
        return datetime.combine(value, time(), PARIS).astimezone(UTC)
    raise ValueError("une date manque")


def _parse_instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        told = f"date illisible : « {text[:80]} » (attendu : 2026-12-31 ou 2026-12-31T09:00)"
        raise ValueError(told) from error


def _write_value(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return value.isoformat() if isinstance(value, date) else _quote(str(value))


def _quote(text: str) -> str:
    """A TOML string: that of JSON is one, once nothing unprintable is left; several lines stay readable."""
    lines = [json.dumps(line, ensure_ascii=False)[1:-1] for line in clean_text(text).split("\n")]
    if "\n" in clean_text(text).strip("\n"):
        return '"""\n' + "\n".join(lines) + '"""'
    return '"' + "\\n".join(lines) + '"'


def _one_line(text: str) -> str:
    return " ".join(clean_text(text).split())
