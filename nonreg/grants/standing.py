"""Why an account may hold what it holds: needed, tolerated, beyond, or a consequence of something else. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nonreg.grants.manifest import DATABASE, IMPLIED, MEMBER, SERVER, Account, Manifest, Right

ALL_POWERFUL = {
    ("server role", "sysadmin"),
    ("server", "CONTROL SERVER"),
    ("server", "SUPERUSER"),
    ("role", "db_owner"),
    ("database", "CONTROL"),
}
SYSTEM_DATABASES = frozenset({"master", "tempdb", "msdb", "distribution", "model"})
SUBORDINATE = frozenset({"database", "schema", "object", "column", "user", "other"})
Key = tuple[str, str, str, str, str]


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One thing that an account may do, as the database says it (`grants_effective`, `grants_elsewhere`).

    `column` of an object, `database` when it is another one than the application's.
    """

    scope: str
    object: str
    privilege: str
    column: str = ""
    database: str = ""

    @property
    def key(self) -> Key:
        """What it is, however its names are written: most databases do not tell cases apart."""
        return (
            self.scope,
            self.object.casefold(),
            self.privilege,
            self.column.casefold(),
            self.database.casefold(),
        )


@dataclass(frozen=True, slots=True)
class Covering:
    """A right that comes with another one, of the same thing or of what holds it (`grants_covering`)."""

    scope: str
    privilege: str
    by_scope: str
    by_privilege: str


@dataclass(frozen=True, slots=True)
class Standings:
    """What is held without being needed: what is wrong, and what the manifest lets pass."""

    beyond: tuple[Held, ...]
    tolerated: tuple[Held, ...]


def sort_held(
    manifest: Manifest, engine: str, account: Account, held: Iterable[Held], coverings: frozenset[Covering]
) -> Standings:
    """What a needed right brings is needed too; what comes with something beyond is told with it alone."""
    rights = [right for right in manifest.on(engine) if right.account is account]
    wanted = {one.key for right in rights for one in (*name_needed(right), *name_implied(right))}
    known = {one.key: one for one in held if not is_everybodys(one)}
    covers = find_covers(known, coverings)
    needed = spread(covers, wanted & known.keys())
    spare = {
        one.key
        for right in manifest.spare_on(engine)
        if right.account is account
        for one in (*name_needed(right), *name_implied(right))
    }
    let_pass = {
        key for key, one in known.items() if key in spare or is_tolerated(manifest, engine, account, one)
    }
    tolerated = spread(covers, let_pass) - needed
    rest = known.keys() - needed - tolerated
    covers = {key: covers[key] & rest for key in rest}
    roots = {key for key in rest if not covers[key]}
    beyond = rest - (spread(covers, roots) - roots)
    return Standings(
        leave_out_consequences([one for key, one in known.items() if key in beyond]),
        tuple(known[key] for key in sorted(tolerated)),
    )


def find_covers(known: Mapping[Key, Held], coverings: Iterable[Covering]) -> dict[Key, set[Key]]:
    """For each thing held, what else is held and brings it."""
    above: dict[tuple[str, str], list[Covering]] = {}
    for cover in coverings:
        above.setdefault((cover.scope, cover.privilege), []).append(cover)
    return {
        key: {
            found
            for cover in above.get((one.scope, one.privilege), ())
            if (found := Held(cover.by_scope, *name_above(one, cover.by_scope, cover.by_privilege)).key)
            in known
        }
        for key, one in known.items()
    }


def spread(covers: Mapping[Key, set[Key]], start: set[Key]) -> set[Key]:
    """Those, and all that comes with them."""
    found, added = set(start), True
    while added:
        more = {key for key, above in covers.items() if key not in found and above & found}
        found |= more
        added = bool(more)
    return found


def name_needed(right: Right) -> tuple[Held, ...]:
    """How the database tells a right of the manifest."""
    if right.right == MEMBER:
        return (Held("role", right.object, MEMBER, database=right.database),)
    if right.columns:
        return tuple(
            Held("column", right.object, right.right, column, right.database) for column in right.columns
        )
    scope = {SERVER: "server", DATABASE: "database"}.get(right.object, "object")
    return (Held(scope, right.object, right.right, database=right.database),)


def name_implied(right: Right) -> tuple[Held, ...]:
    """What comes with a right of the manifest on any version of the server."""
    implied = IMPLIED.get((right.object, right.right))
    return (Held("database", *implied),) if implied else ()


def name_above(one: Held, scope: str, privilege: str) -> tuple[str, str, str, str]:
    """Object, privilege, column and database of a right of the same thing, or of what holds it."""
    if scope == one.scope:
        return one.object, privilege, one.column, one.database
    if scope == "schema":
        return one.object.rpartition(".")[0], privilege, "", one.database
    return (DATABASE, privilege, "", one.database) if scope == "database" else (SERVER, privilege, "", "")


def is_everybodys(held: Held) -> bool:
    """Whether it is a closed database, or one of the server's own, which every login may enter."""
    return held.scope == "elsewhere" and (held.privilege != "CONNECT" or held.object in SYSTEM_DATABASES)


def leave_out_consequences(beyond: list[Held]) -> tuple[Held, ...]:
    """What is beyond, without what follows from a power over the whole server or over the database where it is."""
    powers = [one for one in beyond if is_all_powerful(one)]
    if over_all := [one for one in powers if one.scope in ("server", "server role")]:
        return tuple(over_all)
    owned = {one.database for one in powers}
    return tuple(
        one for one in beyond if one in powers or one.scope not in SUBORDINATE or one.database not in owned
    )


def is_all_powerful(held: Held) -> bool:
    """Whether everything in the database comes with it."""
    name = held.object.removeprefix(f"{held.database}.") if held.privilege == MEMBER else held.privilege
    return (held.scope, name) in ALL_POWERFUL


def is_tolerated(manifest: Manifest, engine: str, account: Account, held: Held) -> bool:
    """Whether the manifest says that it may be; nothing in the schema of accounts ever is."""
    if is_of_accounts(manifest, held) or held.scope not in ("object", "column", "role"):
        return False
    return any(
        one.engine in ("", engine) and one.covers(account, held.object, held.privilege)
        for one in manifest.tolerated
    )


def is_of_accounts(manifest: Manifest, held: Held) -> bool:
    """Whether it is about the users of the application."""
    return held.object.split(".")[0].casefold() == manifest.accounts_schema.casefold()
