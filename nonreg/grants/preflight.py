"""What an account may do against what its manifest says: what is missing, what is beyond. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nonreg.grants.manifest import DATABASE, IMPLIED, MEMBER, SERVER, Account, Manifest, Right
from nonreg.grants.script import shorten
from nonreg.wording import plural

ALL_POWERFUL = {
    ("server role", "sysadmin"),
    ("server", "CONTROL SERVER"),
    ("server", "SUPERUSER"),
    ("role", "db_owner"),
    ("database", "CONTROL"),
}
SYSTEM_DATABASES = frozenset({"master", "tempdb", "msdb", "distribution", "model"})
SUBORDINATE = frozenset({"database", "schema", "object", "column", "user"})
VERBS = {
    "VIEW DEFINITION": "voir la définition de",
    "SELECT": "lire",
    "INSERT": "ajouter",
    "UPDATE": "modifier",
    "DELETE": "supprimer",
    "TRUNCATE": "vider",
    "EXECUTE": "exécuter",
}


@dataclass(frozen=True, slots=True, order=True)
class Held:
    """One thing that an account may do, as the database says it (`grants_effective`)."""

    scope: str
    object: str
    privilege: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to one right of the manifest; `is_there` is whether its object could be seen."""

    right: Right
    is_there: bool
    is_granted: bool


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is wrong with one account on one site, in sentences; `tolerated` is what the manifest lets pass.

    `unseen` says which rights are in a database of replication that this server has not.
    """

    missing: tuple[str, ...] = ()
    beyond: tuple[str, ...] = ()
    tolerated: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @property
    def is_right(self) -> bool:
        """Whether the account may do what it must, and no more."""
        return not self.missing and not self.beyond


def judge_account(
    manifest: Manifest, engine: str, account: Account, user: str, asked: Iterable[Asked], held: Iterable[Held]
) -> Judgement:
    """Compare; the sentences name the account as the database does."""
    needed = {
        Held(name_scope(right.object, right.right), right.object, right.right)
        for right in manifest.on(engine)
        if right.account is account
    }
    beyond, tolerated = split_beyond(manifest, engine, account, needed, held)
    answers = tuple(asked)
    return Judgement(
        tuple(tell_missing(user, one) for one in answers if is_missing(one)),
        tuple(tell_beyond(user, beyond)),
        tuple(f"{user} : {right} sur {name}" for name, right in sorted(tolerated)),
        tuple(tell_unseen(answers)),
    )


def tell_unseen(asked: tuple[Asked, ...]) -> Iterator[str]:
    """One sentence for each database that is not on this server."""
    away = Counter(one.right.database for one in asked if one.right.database and not one.is_there)
    for database, count in sorted(away.items()):
        yield f"{plural(count, 'droit', 'droits')} dans la base {database}, qui n'est pas sur ce serveur."


def name_scope(name: str, right: str) -> str:
    """Where the database tells a right of the manifest."""
    if right == MEMBER:
        return "role"
    return {SERVER: "server", DATABASE: "database"}.get(name, "object")


def is_missing(asked: Asked) -> bool:
    """Whether a right is lacking where it has an object."""
    return not asked.is_granted and (asked.is_there or not asked.right.is_optional)


def split_beyond(
    manifest: Manifest, engine: str, account: Account, needed: set[Held], held: Iterable[Held]
) -> tuple[list[Held], set[tuple[str, str]]]:
    """What is held without being needed: what is wrong, and what the manifest tolerates.

    Nothing in the schema of accounts is ever tolerated. An all-powerful account is told once, not object by object.
    """
    allowed = needed | {
        Held(name_scope(*IMPLIED[key]), *IMPLIED[key])
        for key in ((one.object, one.privilege) for one in needed)
        if key in IMPLIED
    }
    beyond: list[Held] = []
    tolerated: set[tuple[str, str]] = set()
    for one in held:
        if one.scope == "elsewhere":
            if one.privilege == "CONNECT" and one.object not in SYSTEM_DATABASES:
                beyond.append(one)
        elif one in allowed:
            continue
        elif is_tolerated(manifest, engine, account, one):
            tolerated.add((one.object, one.privilege))
        else:
            beyond.append(one)
    return leave_out_consequences(beyond), tolerated


def leave_out_consequences(beyond: list[Held]) -> list[Held]:
    """What is beyond, without what follows from a power over the whole server or the whole database."""
    powers = [one for one in beyond if is_all_powerful(one)]
    if over_all := [one for one in powers if one.scope in ("server", "server role")]:
        return over_all
    return [one for one in beyond if one in powers or one.scope not in SUBORDINATE] if powers else beyond


def is_all_powerful(held: Held) -> bool:
    """Whether everything in the database comes with it."""
    name = held.object if held.privilege == MEMBER else held.privilege
    return (held.scope, name) in ALL_POWERFUL


def is_tolerated(manifest: Manifest, engine: str, account: Account, held: Held) -> bool:
    """Whether the manifest says that it may be."""
    if held.object.split(".")[0].casefold() == manifest.accounts_schema.casefold():
        return False
    if held.scope not in ("object", "column", "role"):
        return False
    return any(
        one.engine in ("", engine) and one.covers(account, held.object, held.privilege)
        for one in manifest.tolerated
    )


def tell_missing(user: str, asked: Asked) -> str:
    """One sentence for one right that is lacking."""
    right, reason = asked.right, shorten(asked.right.needed_by)
    if right.right == MEMBER:
        return f"{user} n'est pas membre du rôle {right.object} ({reason})."
    if right.object in (SERVER, DATABASE):
        where = "le serveur" if right.object == SERVER else "la base"
        return f"{user} n'a pas {right.right} sur {where} ({reason})."
    absent = "" if asked.is_there else " ; l'objet est absent, ou le compte n'y a aucun droit"
    return (
        f"{user} ne peut pas {VERBS[right.right]} {right.object} : {right.right} manque ({reason}){absent}."
    )


def tell_beyond(user: str, held: Iterable[Held]) -> Iterator[str]:
    """One sentence for each object, role or power beyond the manifest."""
    together: dict[tuple[str, str], list[str]] = {}
    for one in sorted(held):
        together.setdefault((one.scope, one.object), []).append(one.privilege)
    for (scope, name), privileges in together.items():
        rights = ", ".join(privileges)
        if scope in ("object", "column"):
            part = " sur certaines colonnes" if scope == "column" else ""
            doing = " et ".join(VERBS[one] for one in privileges if one in VERBS) or "disposer de"
            yield f"{user} peut {doing} {name}{part} ({rights}), ce que son manifeste ne prévoit pas."
        elif scope == "server role":
            yield f"{user} est membre du rôle de serveur {name}."
        elif scope == "role":
            yield f"{user} est membre du rôle {name}."
        elif scope in ("user", "login"):
            yield f"{user} peut agir sous l'identité de {name} (IMPERSONATE)."
        elif scope == "elsewhere":
            yield f"{user} a accès à la base {name}."
        else:
            where = {"server": "le serveur", "database": "la base"}.get(scope, f"le schéma {name}")
            yield f"{user} a {rights} sur {where}, ce que son manifeste ne prévoit pas."
