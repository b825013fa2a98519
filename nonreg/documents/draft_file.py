"""A draft as a TOML file that a person edits: each key under the words that say what it is; read strictly.

What is still to be filled in is an empty text; `n.d.` says that nobody knows.
"""

from __future__ import annotations

import dataclasses
import json
import re
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args, get_type_hints

from nonreg.config import validate_table
from nonreg.errors import ConfigError, UsageError
from nonreg.files import parse_toml, read_text
from nonreg.french import explain_os_error
from nonreg.model.documents import (
    CorrectionLog,
    DecisionRecord,
    DeliveryNote,
    DocumentKind,
    Draft,
    FinalReport,
    UrgentReport,
)
from nonreg.tickets import TICKET_PATTERN

MAX_BYTES = 8 << 20
ID = re.compile(r"A(1|2|3|9|11)-[0-9]{8}-[0-9a-f]{6}")
CLASSES: dict[DocumentKind, type[Draft]] = {
    DocumentKind.DELIVERY: DeliveryNote,
    DocumentKind.TEST_REPORT: FinalReport,
    DocumentKind.URGENT: UrgentReport,
    DocumentKind.MINUTES: DecisionRecord,
    DocumentKind.CORRECTIONS: CorrectionLog,
}
HOW = (
    "# Projet de document, à compléter par une personne puis à rendre : python -m nonreg document render {id}\n"
    '# Un texte vide ("") est à compléter ; "n.d." dit que personne ne le sait. Les jours s\'écrivent 2026-12-31,\n'
    "# les instants 2026-12-31T18:00:00+01:00, sans guillemets.\n"
)


def require_id(document_id: str) -> str:
    """The id; UsageError for what is none: it names a folder."""
    if not ID.fullmatch(document_id):
        raise UsageError(
            f"Identifiant de document mal formé : « {document_id[:60]} » (attendu : A9-20261231-1a2b3c)."
        )
    return document_id


def load_draft(path: Path) -> Draft:
    """A draft; ConfigError names the file, the key and what is wrong with it."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ConfigError(f"{path} : projet trop long ({MAX_BYTES >> 20} Mo au plus).")
    except OSError as error:
        raise ConfigError(f"{path} : lecture impossible ({explain_os_error(error)}).") from error
    return read_draft(read_text(path), path)


def read_draft(text: str, path: Path) -> Draft:
    """As `load_draft`, from the text of a file."""
    data = parse_toml(text, path)
    head = data.get("document")
    kind = head.get("kind") if isinstance(head, dict) else None
    if kind not in list(DocumentKind):
        raise ConfigError(f"{path} : clé « document.kind » : il faut {', '.join(DocumentKind)}.")
    draft = validate_table(CLASSES[DocumentKind(kind)], data, text, path)
    for name, value in list_values(draft):
        if isinstance(value, datetime) and value.tzinfo is None:
            raise ConfigError(
                f"{path} : clé « {name} » : l'instant n'a pas de fuseau (2026-12-31T18:00:00+01:00)."
            )
    if not ID.fullmatch(draft.document.id):
        raise ConfigError(f"{path} : clé « document.id » : l'identifiant est mal formé.")
    if not TICKET_PATTERN.fullmatch(draft.document.ticket):
        raise ConfigError(f"{path} : clé « document.ticket » : une référence comme AQ-123 est attendue.")
    return draft


def list_values(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every plain value of a draft, with the path of its key."""
    if dataclasses.is_dataclass(value):
        for one in dataclasses.fields(value):
            yield from list_values(getattr(value, one.name), f"{path}.{one.name}" if path else one.name)
    elif isinstance(value, tuple):
        for number, one in enumerate(value, 1):
            yield from list_values(one, f"{path}.{number}")
    else:
        yield path, value


def write_draft(draft: Draft) -> str:
    """The draft as TOML; UsageError when it would not be read back the same."""
    text = HOW.format(id=draft.document.id) + "\n" + "\n".join(_write_table(draft, "")).strip("\n") + "\n"
    try:
        same = read_draft(text, Path("projet.toml")) == _clean(draft)
    except ConfigError as error:
        raise UsageError(f"Ce projet ne s'écrit pas : {error}") from error
    if not same:
        raise UsageError("Ce projet ne serait pas relu tel qu'il est écrit.")
    return text


def _write_table(value: Any, path: str) -> Iterator[str]:
    """Plain keys first, then tables: in TOML nothing of a table may come after another one."""
    later = []
    for one in dataclasses.fields(value):
        own, label = getattr(value, one.name), one.metadata.get("label", "")
        hint = f" ({one.metadata['hint']})" if one.metadata.get("hint") else ""
        inner = f"{path}.{one.name}" if path else one.name
        if dataclasses.is_dataclass(own):
            later += ["", f"# {label}" if label else "", f"[{inner}]", *_write_table(own, inner)]
        elif isinstance(own, tuple) and _holds_tables(type(value), one.name):
            for row in own:
                later += ["", f"[[{inner}]]", *_write_table(row, inner)]
            if not own:
                later += [
                    "",
                    f"# {label} : retirer les « # » et répéter",
                    *_show_example(type(value), one.name, inner),
                ]
        else:
            yield f"{one.name} = {_write_value(own)}  # {label}{hint}"
    yield from later


def _holds_tables(kind: type, name: str) -> bool:
    arguments = get_args(get_type_hints(kind)[name])
    return bool(arguments) and dataclasses.is_dataclass(arguments[0])


def _show_example(kind: type, name: str, path: str) -> list[str]:
    row = get_args(get_type_hints(kind)[name])[0]()
    return [f"# [[{path}]]", *(f"# {line}" for line in _write_table(row, path))]


def _write_value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_write_value, value))}]"
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, int):
        return str(value)
    text = clean(str(value))
    quoted = json.dumps(text, ensure_ascii=False)
    if "\n" not in text:
        return quoted
    lines = re.sub(r"\\(.)", lambda one: "\n" if one[1] == "n" else one[0], quoted[1:-1])
    return f'"""\n{lines}"""'


def clean(text: str) -> str:
    """A text as a draft keeps it: no surrogate, no control character but line ends and tabs."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        "?" if unicodedata.category(char) in ("Cc", "Cs") and char not in "\n\t" else char for char in text
    )


def _clean(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.replace(
            value, **{one.name: _clean(getattr(value, one.name)) for one in dataclasses.fields(value)}
        )
    if isinstance(value, tuple):
        return tuple(map(_clean, value))
    if isinstance(value, datetime):
        return value.replace(microsecond=0)
    return clean(value) if type(value) is str else value
