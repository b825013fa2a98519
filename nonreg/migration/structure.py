"""The structure of two databases compared object by object; what is read comes from `nonreg.probes.schema`.

An object is known by its name; one whose name the server chose, or that shares its name, by all that is known of it.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nonreg.clients.sql import Rows, Session
from nonreg.config import Platform
from nonreg.errors import RequestFailed
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, Manifest, load_manifest
from nonreg.model import SiteRole
from nonreg.model.migration import (
    Compared,
    ComparedSubject,
    MigrationChange,
    MigrationDifference,
    MigrationSubject,
    NotCompared,
)
from nonreg.probes.schema import SUBJECTS as READS
from nonreg.probes.schema import Module, read_modules, read_subject
from nonreg.witness import show

SYSTEM_NAMED = "(nom du système)"
ORDER = " (ordre)"
NEW_LINE, NOTHING, PRESENT = "\n", "—", "présent"
WORDS = {
    "kind": "nature",
    "type_name": "type",
    "not_null": "obligatoire",
    "identity_kind": "identité",
    "generated_kind": "calculée",
    "collation_name": "collation",
    "definition": "définition",
    "is_trusted": "vérifiée",
    "is_usable": "utilisable",
    "enabled": "activation",
    "setting": "valeur",
    "start_value": "début",
    "min_value": "minimum",
    "max_value": "maximum",
    "increment": "pas",
    "cycles": "cyclique",
}
CONTEXT_LINES = 3
MAX_DIFF_LINES = 400
UNREADABLE = "Leur texte est chiffré, ou le compte de lecture n'a pas le droit de le voir."


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a subject are read: the probe's name, how many leading columns name the object, and how."""

    probe: str
    key_columns: int
    separator: str = "."


SHAPES = {
    MigrationSubject.CONSTRAINTS: Shape("constraints", 3),
    MigrationSubject.INDEXES: Shape("indexes", 3),
    MigrationSubject.TRIGGERS: Shape("triggers", 3),
    MigrationSubject.PERMISSIONS: Shape("permissions", 4, " "),
    MigrationSubject.SETTINGS: Shape("settings", 1),
}
SUBJECTS = (
    MigrationSubject.COLUMNS,
    MigrationSubject.CONSTRAINTS,
    MigrationSubject.INDEXES,
    MigrationSubject.TRIGGERS,
    MigrationSubject.SEQUENCES,
    MigrationSubject.MODULES,
    MigrationSubject.PERMISSIONS,
    MigrationSubject.SETTINGS,
)
# A database that shows none of these is one that could not be read.
NEVER_EMPTY = (MigrationSubject.COLUMNS, MigrationSubject.PERMISSIONS, MigrationSubject.SETTINGS)
Objects = Mapping[str, str]


def find_unseen(platform: Platform) -> tuple[str, ...]:
    """Rights that the reader lacks on the active site to see every object: SQL Server hides the others, silently."""
    return check_account(platform, platform.site(SiteRole.ACTIF), Account.READER, keep_sight()).missing


def keep_sight() -> Manifest:
    """Of the manifest, the rights that the queries of a structure need."""
    wanted = {*READS.values(), "schema_modules", "schema_sequences"}
    manifest = load_manifest()
    rights = tuple(
        replace(right, needed_by=tuple(name for name in right.needed_by if name in wanted))
        for right in manifest.rights
    )
    return replace(manifest, rights=rights)


def read_objects(session: Session, subject: MigrationSubject) -> Objects:
    """Each object of a subject with what is known of it; a PlatformError when it cannot be read."""
    if subject is MigrationSubject.COLUMNS:
        return name_columns(read_subject(session, "columns"))
    if subject is MigrationSubject.SEQUENCES:
        return name_objects(session.query("schema_sequences"), 2, ".")
    shape = SHAPES[subject]
    return name_objects(read_subject(session, shape.probe), shape.key_columns, shape.separator)


def name_objects(rows: Rows, key_columns: int, separator: str) -> dict[str, str]:
    """What is known of each object, by its name."""
    shown = [tuple(show(value) for value in row) for row in rows.rows]
    names = Counter(row[:key_columns] for row in shown)
    found = {}
    for row in shown:
        name, rest = (
            separator.join(row[:key_columns]),
            describe(rows.columns[key_columns:], row[key_columns:]),
        )
        if names[row[:key_columns]] > 1 or SYSTEM_NAMED in row[:key_columns]:
            name = (
                f"{name} : {rest.replace(NEW_LINE, ', ')}" if rest else name
            )  # one line, as a list writes it
        found[name] = rest
    return found


def name_columns(rows: Rows) -> dict[str, str]:
    """Columns by `schema.table.column`, and the order of those of each table under `schema.table (ordre)`."""
    at = {name: place for place, name in enumerate(rows.columns)}
    told = [place for name, place in at.items() if name not in ("schema_name", "table_name", "column_name")]
    found: dict[str, str] = {}
    orders: dict[str, list[str]] = {}
    for row in rows.rows:
        table = f"{row[at['schema_name']]}.{row[at['table_name']]}"
        column = str(row[at["column_name"]])
        orders.setdefault(table, []).append(column)
        found[f"{table}.{column}"] = describe(
            [rows.columns[place] for place in told], [show(row[place]) for place in told]
        )
    return found | {f"{table}{ORDER}": ", ".join(columns) for table, columns in orders.items()}


def describe(names: Iterable[str], values: Iterable[str]) -> str:
    """`type : integer`, one a line, in words that the client reads."""
    return "\n".join(
        f"{WORDS.get(name, name)} : {value or NOTHING}" for name, value in zip(names, values, strict=True)
    )


def compare_objects(subject: MigrationSubject, left: Objects, right: Objects) -> Compared:
    """One difference an object, by name."""
    if subject is MigrationSubject.COLUMNS:
        left, right = keep_common_order(left, right), keep_common_order(right, left)
    differences = []
    for name in sorted(left.keys() | right.keys()):
        before, after = left.get(name), right.get(name)
        if before == after:
            continue
        if before is None:
            differences.append(
                MigrationDifference(subject, name, MigrationChange.ADDED, "", right[name] or PRESENT)
            )
        elif after is None:
            differences.append(MigrationDifference(subject, name, MigrationChange.ABSENT, before or PRESENT))
        else:
            told = keep_differing(before, after)
            differences.append(MigrationDifference(subject, name, MigrationChange.CHANGED, *told))
    total = len(left.keys() | right.keys())
    return Compared((ComparedSubject(subject, total, total - len(differences)),), tuple(differences))


def keep_common_order(objects: Objects, others: Objects) -> Objects:
    """The order of the columns that both sides have: one that was added is told once, and moves no other."""
    kept = {}
    for name, text in objects.items():
        if not name.endswith(ORDER):
            kept[name] = text
        elif name in others:
            theirs = set(others[name].split(", "))
            kept[name] = ", ".join(column for column in text.split(", ") if column in theirs)
    return kept


def keep_differing(before: str, after: str) -> tuple[str, str]:
    """The lines of two descriptions that are not in both."""
    ours, theirs = before.split("\n"), after.split("\n")
    kept = [line for line in ours if line not in theirs], [line for line in theirs if line not in ours]
    return ("\n".join(kept[0]), "\n".join(kept[1])) if all(kept) else (before, after)


def compare_modules(left: Mapping[str, Module], right: Mapping[str, Module]) -> Compared:
    """One difference a module, with the diff of its text; one whose text nobody may read is not compared."""
    differences, hidden = [], []
    names = sorted(left.keys() | right.keys())
    for name in names:
        before, after = left.get(name), right.get(name)
        if any(side is not None and not side.definition for side in (before, after)):
            hidden.append(NotCompared("Modules", UNREADABLE, (name,)))
        elif before is None or after is None:
            change = MigrationChange.ADDED if before is None else MigrationChange.ABSENT
            only = before or after
            assert only is not None
            kinds = (only.kind, "") if before is not None else ("", only.kind)
            differences.append(MigrationDifference(MigrationSubject.MODULES, name, change, *kinds))
        elif (before.kind, before.sha256) != (after.kind, after.sha256):
            differences.append(
                MigrationDifference(
                    MigrationSubject.MODULES,
                    name,
                    MigrationChange.CHANGED,
                    f"{before.kind}, SHA-256 {before.sha256[:12]}",
                    f"{after.kind}, SHA-256 {after.sha256[:12]}",
                    make_diff(before, after),
                )
            )
    compared = len(names) - len(hidden)
    subject = ComparedSubject(MigrationSubject.MODULES, compared, compared - len(differences))
    return Compared((subject,), tuple(differences), tuple(hidden))


def make_diff(before: Module, after: Module) -> str:
    """What a delivery changed in the text of a module, at most `MAX_DIFF_LINES` lines of it."""
    lines = list(
        difflib.unified_diff(
            before.definition.split("\n"),
            after.definition.split("\n"),
            "avant",
            "après",
            lineterm="",
            n=CONTEXT_LINES,
        )
    )
    left_out = len(lines) - MAX_DIFF_LINES
    return "\n".join([*lines[:MAX_DIFF_LINES], *([f"… {left_out} lignes de plus"] if left_out > 0 else [])])


def compare_subject(subject: MigrationSubject, left: Session, right: Session) -> Compared:
    """One subject of two databases; a PlatformError when one cannot be read, RequestFailed when it shows nothing."""
    if subject is MigrationSubject.MODULES:
        sides = [{module.name: module for module in read_modules(session)} for session in (left, right)]
        return compare_modules(*sides)
    objects = [read_objects(session, subject) for session in (left, right)]
    unread = [session.site_code for session, found in zip((left, right), objects, strict=True) if not found]
    if unread and subject in NEVER_EMPTY:
        raise RequestFailed(
            f"Le compte de lecture ne voit aucun objet de ce genre sur {' ni sur '.join(unread)}."
        )
    return compare_objects(subject, *objects)
