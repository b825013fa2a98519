"""The rights that campaigns need, one by one: a literal file, reviewed, and kept true by its test.

Format, in TOML:

    accounts_schema = "securite"        # where the application keeps its users: nobody here ever reads it
    [queries]                           # who runs the named queries; those not listed are the reader's
    writer = ["bench_send", …]
    both = ["site_role", …]
    not_given = ["forbidden_write", …]    # what must be refused, or asks for more than a campaign may have
    itself = ["grants_effective", …]    # what shows an account what it may see, and no more
    tool_reader = ["operators", …]      # what the tool itself runs, whatever the scenarios, with each account
    tool_writer = ["lock_take", …]
    [[rights]]
    account = "reader"                  # or "writer"
    right = "SELECT"                    # MEMBER for a role
    object = "ref.station"              # msdb.dbo.sysjobs, distribution.replmonitor, DATABASE, SERVER
    engine = "mssql"                    # only there; both engines without it
    columns = ["step_id", …]            # those alone; the whole object without it
    needed_by = ["buffer_rows", …]      # named queries or scenarios
    [[tolerated]]                       # may be held without being needed
    account, right, object ("*.*" as in a shell) and reason
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal

from nonreg.clients.sql import list_queries
from nonreg.errors import ConfigError
from nonreg.files import read_toml
from nonreg.model import DeclaredQueries

MANIFEST = Path(__file__).parent / "manifest.toml"
STRICT = {"extra": "forbid"}
SERVER, DATABASE, MEMBER = "SERVER", "DATABASE", "MEMBER"
DISTRIBUTION = "distribution"
# The whole vocabulary: a right that is not here is not one that a campaign may ask for.
SERVER_RIGHTS = ("VIEW SERVER STATE", "VIEW ANY DEFINITION")
DATABASE_RIGHTS = ("VIEW DEFINITION", "VIEW DATABASE STATE")
OBJECT_RIGHTS = ("SELECT", "EXECUTE", "VIEW DEFINITION")
WRITING_RIGHTS = (
    "INSERT",
    "UPDATE",
    "DELETE",
    "REFERENCES",
)  # of a scenario file that writes in a table itself
ROLES = ("distribution.replmonitor", "pg_monitor")
# Rights that come with another one.
IMPLIED = {
    (SERVER, "VIEW SERVER STATE"): (DATABASE, "VIEW DATABASE STATE"),
    (SERVER, "VIEW ANY DEFINITION"): (DATABASE, "VIEW DEFINITION"),
}
# Tables of replication, in the application's database: some on the publisher only, others on the subscriber only.
REPLICATION_TABLES = re.compile(r"dbo\.(sys|MS)\w+")
COLUMN = re.compile(r"[^\W\d][\w$#@]*")
NAME = re.compile(r"[^\W\d][\w$#@-]*(\.[^\W\d][\w$#@-]*){1,2}")


class Account(StrEnum):
    """The two accounts of a campaign."""

    READER = "reader"
    WRITER = "writer"


@dataclass(frozen=True, slots=True, order=True)
class Right:
    """One right of one account on one object, or on some columns of it.

    `needed_by` says what for, `engine` where, everywhere when empty.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    account: Account
    object: str
    right: str
    engine: Literal["", "mssql", "postgresql"] = ""
    needed_by: tuple[str, ...] = field(default=(), compare=False)
    columns: tuple[str, ...] = field(default=(), compare=False)

    @property
    def key(self) -> tuple[Account, str, str]:
        """What it is, whatever it is for."""
        return self.account, self.object, self.right

    @property
    def is_optional(self) -> bool:
        """Whether its object may be absent from a site: replication makes some at the publisher, some elsewhere."""
        return self.database == DISTRIBUTION or REPLICATION_TABLES.fullmatch(self.object) is not None

    @property
    def database(self) -> str:
        """The other database it is in; empty for the application's own and for the server."""
        parts = self.object.split(".")
        return parts[0] if len(parts) == 3 or (self.right == MEMBER and len(parts) == 2) else ""


@dataclass(frozen=True, slots=True)
class Tolerated:
    """Rights that may be held without being needed, and why; `object` is a pattern as in a shell."""

    __pydantic_config__: ClassVar[Any] = STRICT
    account: Account
    right: str
    object: str
    reason: str
    engine: Literal["", "mssql", "postgresql"] = ""

    def covers(self, account: Account, name: str, right: str) -> bool:
        """Whether it speaks of that right."""
        return account is self.account and right == self.right and fnmatch.fnmatchcase(name, self.object)


@dataclass(frozen=True, slots=True)
class Queries:
    """Which account runs which named query; the others are the reader's."""

    __pydantic_config__: ClassVar[Any] = STRICT
    writer: tuple[str, ...] = ()
    both: tuple[str, ...] = ()
    not_given: tuple[str, ...] = ()
    itself: tuple[str, ...] = ()
    tool_reader: tuple[str, ...] = ()
    tool_writer: tuple[str, ...] = ()

    def tool(self, account: Account) -> tuple[str, ...]:
        """What guards, lock, facts, cleaning, discovery and snapshot run with an account."""
        return self.tool_reader if account is Account.READER else self.tool_writer

    def accounts(self, name: str) -> tuple[Account, ...]:
        """Who needs the rights of a named query."""
        if name in self.not_given or name in self.itself:
            return ()
        if name in self.both:
            return Account.READER, Account.WRITER
        return (Account.WRITER,) if name in self.writer else (Account.READER,)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything that the two accounts need; what `needed_by` nothing here is for the scenarios of other folders."""

    __pydantic_config__: ClassVar[Any] = STRICT
    accounts_schema: str
    rights: tuple[Right, ...]
    queries: Queries = Queries()
    tolerated: tuple[Tolerated, ...] = ()

    def on(self, engine: str) -> tuple[Right, ...]:
        """What is needed on one engine, in order, each right once."""
        return merge_rights(
            right for right in self.rights if right.engine in ("", engine) and right.needed_by
        )

    def spare_on(self, engine: str) -> tuple[Right, ...]:
        """What nothing here needs on that engine."""
        return merge_rights(
            right for right in self.rights if right.engine in ("", engine) and not right.needed_by
        )

    def needed_for(self, declared: Iterable[DeclaredQueries]) -> Manifest:
        """The same for the scenarios of one folder: each right names those that need it, else the tool's own query.

        A scenario that reads with both accounts is told of both: which one runs which query is not declared.
        """
        readers: dict[str, set[str]] = {}
        writers: dict[str, set[str]] = {}
        for one in declared:
            for name in one.queries:
                readers.setdefault(name, set()).add(one.scenario_id)
                if one.writes:
                    writers.setdefault(name, set()).add(one.scenario_id)
        users = {Account.READER: readers, Account.WRITER: writers}
        return replace(
            self, rights=tuple(self._tell_users(right, users[right.account]) for right in self.rights)
        )

    def _tell_users(self, right: Right, users: Mapping[str, set[str]]) -> Right:
        others = list_queries().difference(self.queries.tool(right.account))  # nobody's, without a scenario
        found = {
            user for name in right.needed_by for user in users.get(name, () if name in others else (name,))
        }
        return replace(right, needed_by=tuple(sorted(found)))

    def having(self, declared: tuple[Right, ...]) -> Manifest:
        """The same with what scenario files declare; ConfigError when they ask for what nobody may have."""
        for right in declared:
            check_right(right, self.accounts_schema)
        return replace(self, rights=(*self.rights, *declared))


def merge_rights(rights: Iterable[Right]) -> tuple[Right, ...]:
    """Each right once, in order, with everything that needs it; on the whole object when one wants all of it."""
    together: dict[tuple[Account, str, str], list[Right]] = {}
    for right in rights:
        together.setdefault(right.key, []).append(right)
    return tuple(merge_same(same) for _, same in sorted(together.items()))


def merge_same(rights: list[Right]) -> Right:
    """One right for several of the same account on the same object."""
    users = {user for right in rights for user in right.needed_by}
    columns = {column for right in rights for column in right.columns}
    whole = any(not right.columns for right in rights)
    return Right(
        *rights[0].key,
        needed_by=tuple(sorted(users)),
        columns=() if whole else tuple(sorted(columns)),
    )


def leave_out_implied(rights: tuple[Right, ...]) -> tuple[Right, ...]:
    """The rights that have to be given: those that come with another one of the same account are not."""
    given = {(right.account, right.object, right.right) for right in rights}
    implied = {(account, *IMPLIED[name, right]) for account, name, right in given if (name, right) in IMPLIED}
    return tuple(right for right in rights if right.key not in implied)


def load_manifest(path: Path = MANIFEST) -> Manifest:
    """Read and check a manifest; ConfigError names the file and what is wrong."""
    from pydantic import TypeAdapter, ValidationError

    try:
        manifest: Manifest = TypeAdapter(Manifest).validate_python(read_toml(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ConfigError(f"{path} : clé « {where} » absente, inconnue ou mal formée.") from error
    try:
        for right in manifest.rights:
            check_right(right, manifest.accounts_schema)
        check_once(manifest.rights)
    except ConfigError as error:
        raise ConfigError(f"{path} : {error}") from error
    return manifest


def check_right(right: Right, accounts_schema: str) -> None:
    """ConfigError for a right that no campaign may have: least privilege is decided here."""
    shown = f"{right.right} {right.object} ({right.account})"
    vocabulary = {SERVER: SERVER_RIGHTS, DATABASE: DATABASE_RIGHTS}
    if right.right == MEMBER:
        known = right.object in ROLES
    elif right.object in vocabulary:
        known = right.right in vocabulary[right.object]
    else:
        allowed = OBJECT_RIGHTS + (WRITING_RIGHTS if right.account is Account.WRITER else ())
        known = right.right in allowed and NAME.fullmatch(right.object) is not None
    if right.columns:  # of an object, to be read; writing goes through procedures
        known = known and right.right == "SELECT" and all(COLUMN.fullmatch(one) for one in right.columns)
    if not known:
        raise ConfigError(f"Droit refusé : {shown}. Une campagne n'a pas à le demander.")
    schema = right.object.split(".")[-2] if "." in right.object else ""
    if schema.casefold() == accounts_schema.casefold():
        raise ConfigError(f"Droit refusé : {shown}. Le schéma des comptes ne se lit jamais.")
    if not right.needed_by:
        raise ConfigError(f"Droit sans raison : {shown} ne dit pas ce qui en a besoin (needed_by).")


def check_once(rights: tuple[Right, ...]) -> None:
    """ConfigError for a right that is written twice."""
    seen = set()
    for right in rights:
        for engine in (right.engine,) if right.engine else ("mssql", "postgresql"):
            if (right.key, engine) in seen:
                raise ConfigError(f"Droit écrit deux fois : {right.right} {right.object} ({right.account}).")
            seen.add((right.key, engine))
