"""From a catalog and what is known of it to the scenarios that are worth proposing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count, groupby

from nonreg.discovery.catalog import Catalog, Constraint, Module, ModuleKind, Scope, narrow
from nonreg.discovery.known import Known, Row
from nonreg.discovery.reading import judge_modules
from nonreg.sqlfiles.rights import NAME

SUBJECTS = {
    ModuleKind.VIEW: "vue",
    ModuleKind.INLINE_FUNCTION: "fonction",
    ModuleKind.PROCEDURE: "procédure",
}
LABELS = {
    **SUBJECTS,
    ModuleKind.TABLE_FUNCTION: "fonction",
    ModuleKind.SCALAR_FUNCTION: "fonction",
    ModuleKind.TRIGGER: "déclencheur",
}
CONSTRAINTS, HASHES = "contraintes", "modules"
UNWRITABLE = "son nom ne s'écrit pas dans « droits »"


class Sort(StrEnum):
    """What a proposal is about, as the summary counts it."""

    VIEW = "vues"
    FUNCTION = "fonctions table sans paramètre"
    PROCEDURE = "procédures de lecture sans paramètre"
    CONSTRAINTS = "groupes de contraintes"
    HASHES = "groupes d'empreintes de modules"


SORTS = {"vue": Sort.VIEW, "fonction": Sort.FUNCTION, "procédure": Sort.PROCEDURE}


@dataclass(frozen=True, slots=True, order=True)
class Draft:
    """A scenario to propose, without its id: one module, or the members of a group as rows of three texts."""

    subject: str
    sort: Sort
    schema: str
    name: str = ""
    rows: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class LeftOut:
    """Something of the catalog that is no scenario, and why."""

    what: str
    reason: str


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a discovery found: new scenarios, what is known already, has gone or changed, and what was left out."""

    drafts: tuple[Draft, ...]
    already: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    left_out: tuple[LeftOut, ...] = ()


def discover(catalog: Catalog, known: Known, engine: str, accounts_schema: str, scope: Scope) -> Discovery:
    """Compare the catalog with what is known; nothing that is known is proposed again."""
    # Judged whole: a procedure may call one that is not looked at.
    reasons = judge_modules(catalog.modules, engine, accounts_schema)
    part = narrow(catalog, scope)
    modules, left_out = choose_modules(part, reasons)
    constraints, refused = choose_constraints(part)
    hashes, unreadable = choose_hashes(part)
    subjects = {one.subject for one in known.files}
    told, told_hashes = known.rows(CONSTRAINTS), known.rows(HASHES)
    hashed = {row[:2]: row[2] for row in told_hashes}
    new_rows = [row for row in constraints if row not in told]
    new_hashes = [row for row in hashes if row[:2] not in hashed]
    drafts = [
        *(one for one in modules if one.subject not in subjects),
        *group(new_rows, CONSTRAINTS, Sort.CONSTRAINTS, subjects),
        *group(new_hashes, HASHES, Sort.HASHES, subjects),
    ]
    return Discovery(
        drafts=tuple(sorted(drafts)),
        already=tuple(
            sorted(
                [one.subject for one in modules if one.subject in subjects]
                + [f"contrainte {'.'.join(row)}" for row in constraints if row in told]
                + [f"empreinte de {'.'.join(row[:2])}" for row in hashes if row[:2] in hashed]
            )
        ),
        gone=tuple(sorted(find_gone(catalog, known, scope))),
        changed=tuple(sorted(".".join(row[:2]) for row in hashes if hashed.get(row[:2], row[2]) != row[2])),
        left_out=tuple(sorted({*left_out, *refused, *unreadable})),
    )


def choose_modules(part: Catalog, reasons: Mapping[Module, str]) -> tuple[list[Draft], list[LeftOut]]:
    """A scenario for each module that only reads, and what the others are."""
    drafts, left_out = [], []
    for module in sorted(part.modules, key=lambda one: (one.schema, one.name, one.kind)):
        reason = reasons[module] or ("" if NAME.fullmatch(module.full_name) else UNWRITABLE)
        if reason:
            left_out.append(LeftOut(f"{LABELS[module.kind]} {module.full_name}", reason))
        else:
            word = SUBJECTS[module.kind]
            drafts.append(Draft(f"{word} {module.full_name}", SORTS[word], module.schema, module.name))
    return drafts, left_out


def choose_constraints(part: Catalog) -> tuple[list[Row], list[LeftOut]]:
    """The constraints that can be expected to stay as they are: schema, table, name."""
    rows, left_out = [], []
    for one in sorted(part.constraints):
        if reason := refuse_constraint(one):
            left_out.append(LeftOut(f"contrainte {one.schema}.{one.table}.{one.name}", reason))
        else:
            rows.append((one.schema, one.table, one.name))
    return rows, left_out


def refuse_constraint(constraint: Constraint) -> str:
    """Why a constraint cannot be expected to stay as it is."""
    if constraint.is_system_named:
        return "nom donné par le système, différent d'une base à l'autre"
    if not constraint.is_enabled:
        return "désactivée aujourd'hui : à corriger d'abord"
    return "" if constraint.is_trusted else "non vérifiée aujourd'hui : à corriger d'abord"


def choose_hashes(part: Catalog) -> tuple[list[Row], list[LeftOut]]:
    """The hashes of the modules that can be read: schema, module, SHA-256."""
    rows = [(one.schema, one.name, one.sha256) for one in sorted(part.hashes) if one.sha256]
    return rows, [
        LeftOut(f"empreinte de {one.schema}.{one.name}", "définition illisible")
        for one in part.hashes
        if not one.sha256
    ]


def group(rows: Iterable[Row], word: str, sort: Sort, subjects: Collection[str]) -> Iterator[Draft]:
    """One draft a schema; what comes after an earlier file of the same schema gets a number."""
    for schema, members in groupby(sorted(rows), key=lambda row: row[0]):
        names = (f"{word} {schema}" + (f" ({number})" if number > 1 else "") for number in count(1))
        yield Draft(next(name for name in names if name not in subjects), sort, schema, rows=tuple(members))


def find_gone(catalog: Catalog, known: Known, scope: Scope) -> Iterator[str]:
    """What files are about and the database has no more."""
    present = {f"{SUBJECTS[one.kind]} {one.full_name}" for one in catalog.modules if one.kind in SUBJECTS}
    constraints = {(one.schema, one.table, one.name) for one in catalog.constraints}
    hashed = {(one.schema, one.name) for one in catalog.hashes}
    for file in known.files:
        word, _, name = file.subject.partition(" ")
        if (
            word in SORTS
            and "." in name
            and file.subject not in present
            and scope.covers(*name.split(".", 1))
        ):
            yield f"{file.subject} ({file.id}, {file.path.name})"
        for row in file.rows if word in (CONSTRAINTS, HASHES) else ():
            lost = row not in constraints if word == CONSTRAINTS else row[:2] not in hashed
            if lost and scope.covers(row[0], row[1]):
                what = f"contrainte {'.'.join(row)}" if word == CONSTRAINTS else f"module {'.'.join(row[:2])}"
                yield f"{what} ({file.id}, {file.path.name})"
