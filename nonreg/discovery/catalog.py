"""What the catalog says that could be a scenario: modules, constraints, hashes (named queries, reader account)."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass
from enum import StrEnum

from nonreg.clients.sql import Session


class ModuleKind(StrEnum):
    """What a module is; the words of the named query."""

    VIEW = "view"
    INLINE_FUNCTION = "inline_function"
    TABLE_FUNCTION = "table_function"
    SCALAR_FUNCTION = "scalar_function"
    PROCEDURE = "procedure"
    TRIGGER = "trigger"


@dataclass(frozen=True, slots=True, order=True)
class Module:
    """A view, function, procedure or trigger; `definition` is None where it is encrypted or may not be read."""

    schema: str
    name: str
    kind: ModuleKind
    parameter_count: int
    definition: str | None

    @property
    def full_name(self) -> str:
        """`schema.name`."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True, order=True)
class Constraint:
    """A key, reference, check or default of a table."""

    schema: str
    table: str
    name: str
    is_enabled: bool = True
    is_trusted: bool = True
    is_system_named: bool = False


@dataclass(frozen=True, slots=True, order=True)
class ModuleHash:
    """SHA-256 of a module's normalised definition, by the server; empty where it cannot be read."""

    schema: str
    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Catalog:
    """What was read of one database."""

    modules: tuple[Module, ...]
    constraints: tuple[Constraint, ...]
    hashes: tuple[ModuleHash, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which objects are looked at: patterns of `schema.name` as in a shell, all without any."""

    patterns: tuple[str, ...] = ()

    def covers(self, schema: str, name: str) -> bool:
        """Whether an object is looked at; the case does not count."""
        full = f"{schema}.{name}".casefold()
        return not self.patterns or any(fnmatch.fnmatchcase(full, one.casefold()) for one in self.patterns)


def read_scope(text: str) -> Scope:
    """Patterns between commas."""
    return Scope(tuple(filter(None, (part.strip() for part in text.split(",")))))


def read_catalog(session: Session) -> Catalog:
    """Ask the database; the whole catalog, whatever the scope."""
    return Catalog(
        tuple(
            Module(str(schema), str(name), ModuleKind(kind), int(parameters), definition or None)
            for schema, name, kind, parameters, definition in session.query("discover_modules").rows
        ),
        tuple(
            Constraint(str(schema), str(table), str(name), bool(enabled), bool(trusted), bool(system))
            for schema, table, name, _, enabled, trusted, system in session.query("discover_constraints").rows
        ),
        tuple(
            ModuleHash(str(schema), str(name), str(sha256 or ""))
            for schema, name, sha256 in session.query("discover_hashes").rows
        ),
    )


def narrow(catalog: Catalog, scope: Scope) -> Catalog:
    """The part of a catalog that is looked at; a constraint goes with its table."""
    return Catalog(
        tuple(one for one in catalog.modules if scope.covers(one.schema, one.name)),
        tuple(one for one in catalog.constraints if scope.covers(one.schema, one.table)),
        tuple(one for one in catalog.hashes if scope.covers(one.schema, one.name)),
    )
