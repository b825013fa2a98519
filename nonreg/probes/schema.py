"""The structure of a database as diffable rows: columns, constraints, indexes, modules, triggers, rights, settings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from nonreg.clients.sql import Rows, Session
from nonreg.witness import show

# Subject of a baseline file → the named query that reads it.
SUBJECTS = {
    "columns": "schema_columns",
    "constraints": "schema_constraints",
    "indexes": "schema_indexes",
    "triggers": "schema_triggers",
    "permissions": "schema_permissions",
    "settings": "server_settings",
}


@dataclass(frozen=True, slots=True)
class Module:
    """One procedure, function or view; `definition` is normalised, `sha256` is its hash."""

    name: str
    kind: str
    definition: str
    sha256: str


def read_subject(session: Session, subject: str) -> Rows:
    """Rows of one subject, every value as shown text, so that they compare with the baseline's JSON."""
    rows = session.query(SUBJECTS[subject])
    return Rows(rows.columns, tuple(tuple(show(value) for value in row) for row in rows.rows), rows.request)


def read_modules(session: Session) -> tuple[Module, ...]:
    """Every module with its normalised definition; one that cannot be read has an empty definition."""
    return tuple(
        make_module(f"{schema}.{name}", kind, definition)
        for schema, name, kind, definition in session.query("schema_modules").rows
    )


def make_module(name: str, kind: str, definition: str | None) -> Module:
    """A module from its raw definition."""
    text = normalise_definition(definition or "")
    return Module(name, kind, text, hashlib.sha256(text.encode("utf-8")).hexdigest() if text else "")


def normalise_definition(text: str) -> str:
    """Line ends, trailing blanks and blank lines at the ends do not count; everything else does."""
    lines = [re.sub(r"[ \t]+$", "", line) for line in text.replace("\r\n", "\n").split("\n")]
    return "\n".join(lines).strip("\n")


def compare_modules(
    found: Iterable[Module], expected: dict[str, dict[str, str]]
) -> list[tuple[str, str, str, str]]:
    """Differences as (module, change, expected sha256, found sha256), by module name."""
    present = {module.name: module for module in found}
    differences = []
    for name in sorted(present.keys() | expected.keys()):
        before, after = expected.get(name), present.get(name)
        if before is None and after is not None:
            differences.append((name, "ajouté", "", after.sha256))
        elif after is None and before is not None:
            differences.append((name, "absent", before["sha256"], ""))
        elif before is not None and after is not None and before["sha256"] != after.sha256:
            differences.append((name, "modifié", before["sha256"], after.sha256))
    return differences
