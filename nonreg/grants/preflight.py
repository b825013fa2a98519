"""What an account may do against what its manifest says: what is missing, what is beyond. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from nonreg.grants.manifest import DATABASE, MEMBER, SERVER, Account, Manifest, Right
from nonreg.grants.script import shorten
from nonreg.grants.standing import Covering, Held, sort_held
from nonreg.wording import plural

VERBS = {
    "VIEW DEFINITION": "voir la définition de",
    "SELECT": "lire",
    "INSERT": "ajouter",
    "UPDATE": "modifier",
    "DELETE": "supprimer",
    "TRUNCATE": "vider",
    "EXECUTE": "exécuter",
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The answer to one right of the manifest; `is_there` is whether its object could be seen.

    `columns` are those that are lacking, of a right on columns.
    """

    right: Right
    is_there: bool
    is_granted: bool
    columns: tuple[str, ...] = ()


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


FEW = 3  # of each kind, where there is no room for all


def tell_shortly(judgement: Judgement) -> str:
    """What is missing and what is beyond in one clause, without its full stop; `grants --check` tells all of it."""
    said = [
        f"{word} : {' ; '.join(one.removesuffix('.') for one in found[:FEW])}{tell_rest(found)}"
        for word, found in (("manque", judgement.missing), ("en trop", judgement.beyond))
        if found
    ]
    return " ; ".join(said)


def tell_rest(found: tuple[str, ...]) -> str:
    """How many more there are, and who names them."""
    more = len(found) - FEW
    return f" ; et {plural(more, 'autre', 'autres')} (python -m nonreg grants --check)" if more > 0 else ""


def judge_account(
    manifest: Manifest,
    engine: str,
    account: Account,
    user: str,
    asked: Iterable[Asked],
    held: Iterable[Held],
    coverings: frozenset[Covering] = frozenset(),
) -> Judgement:
    """Compare; the sentences name the account as the database does."""
    standings = sort_held(manifest, engine, account, held, coverings)
    answers = tuple(asked)
    return Judgement(
        tuple(tell_missing(user, one) for one in answers if is_missing(one)),
        tuple(tell_beyond(user, standings.beyond)),
        tuple(f"{user} : {one.privilege} sur {one.object}" for one in standings.tolerated),
        tuple(tell_unseen(answers)),
    )


def tell_unseen(asked: tuple[Asked, ...]) -> Iterator[str]:
    """One sentence for each database that is not on this server."""
    away = Counter(one.right.database for one in asked if one.right.database and not one.is_there)
    for database, count in sorted(away.items()):
        yield f"{plural(count, 'droit', 'droits')} dans la base {database}, qui n'est pas sur ce serveur."


def is_missing(asked: Asked) -> bool:
    """Whether a right is lacking where it has an object."""
    return not asked.is_granted and (asked.is_there or not asked.right.is_optional)


def tell_missing(user: str, asked: Asked) -> str:
    """One sentence for one right that is lacking."""
    right, reason = asked.right, shorten(asked.right.needed_by)
    if right.right == MEMBER:
        return f"{user} n'est pas membre du rôle {right.object} ({reason})."
    if right.object in (SERVER, DATABASE):
        where = "le serveur" if right.object == SERVER else "la base"
        return f"{user} n'a pas {right.right} sur {where} ({reason})."
    part = f" ({', '.join(asked.columns)})" if asked.columns else ""
    absent = "" if asked.is_there else " ; l'objet est absent, ou le compte n'y a aucun droit"
    return f"{user} ne peut pas {VERBS[right.right]} {right.object}{part} : {right.right} manque ({reason}){absent}."


def tell_beyond(user: str, held: Iterable[Held]) -> Iterator[str]:
    """One sentence for each object, role or power beyond the manifest."""
    together: dict[tuple[str, str, str], list[Held]] = {}
    for one in sorted(held):
        together.setdefault((one.scope, one.object, one.database), []).append(one)
    for (scope, name, database), found in together.items():
        privileges = list(dict.fromkeys(one.privilege for one in found))
        rights = ", ".join(privileges)
        if scope in ("object", "column"):
            columns = ", ".join(dict.fromkeys(one.column for one in found if one.column))
            part = f", colonne {columns}" if columns else ""
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
            whole = {
                "server": "le serveur",
                "database": f"la base {database}".rstrip(),
                "schema": f"le schéma {name}",
            }
            yield f"{user} a {rights} sur {whole.get(scope, name)}, ce que son manifeste ne prévoit pas."
