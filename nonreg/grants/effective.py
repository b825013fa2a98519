"""Asks a database what the account that is connected may do; nothing is tried, nothing is changed."""

from __future__ import annotations

from nonreg.clients.sql import Session, open_session
from nonreg.config import Database, Platform, Site
from nonreg.errors import PlatformError
from nonreg.grants.manifest import DATABASE, MEMBER, SERVER, Account, Manifest, Right
from nonreg.grants.preflight import Asked, Held, Judgement, judge_account

DISTRIBUTION = "distribution"


def read_held(session: Session) -> tuple[Held, ...]:
    """Everything beyond reading the catalog that the account may do."""
    return tuple(Held(*(str(value) for value in row)) for row in session.query("grants_effective").rows)


def ask_rights(session: Session, rights: tuple[Right, ...], held: tuple[Held, ...]) -> tuple[Asked, ...]:
    """The answer for each right of the manifest."""
    plain = {(one.object, one.privilege) for one in held if one.scope in ("server", "database", "role")}
    if any(right.database == DISTRIBUTION and right.right == MEMBER for right in rights):
        plain |= read_distribution_roles(session, held)
    elsewhere = {one.object for one in held if one.scope == "elsewhere"}
    asked = []
    for right in rights:
        if right.object in (SERVER, DATABASE) or right.right == MEMBER:
            is_there = right.database in ("", *elsewhere)
            asked.append(Asked(right, is_there, (right.object, right.right) in plain))
        else:
            *database, schema, name = right.object.split(".")
            row = session.query(
                "grants_object",
                database_name="".join(database),
                schema_name=schema,
                item_name=name,
                privilege=right.right,
            ).rows[0]
            asked.append(Asked(right, bool(row[0]), bool(row[1])))
    return tuple(asked)


def read_distribution_roles(session: Session, held: tuple[Held, ...]) -> set[tuple[str, str]]:
    """Roles in the distribution database; none when it is on another server, or closed to the account."""
    if Held("elsewhere", DISTRIBUTION, "CONNECT") not in held:
        return set()
    try:
        return {(str(row[0]), MEMBER) for row in session.query("grants_distribution_roles").rows}
    except PlatformError:
        session.undo()
        return set()


def check_account(platform: Platform, site: Site, account: Account, manifest: Manifest) -> Judgement:
    """What one account lacks on a site, and what it has beyond; PlatformError when that cannot be asked."""
    assert site.database is not None
    engine = site.database.engine
    user = name_user(site.database, account)
    with open_session(platform, site, account) as session:
        held = read_held(session)
        rights = tuple(right for right in manifest.on(engine) if right.account is account)
        return judge_account(manifest, engine, account, user, ask_rights(session, rights, held), held)


def name_user(database: Database, account: Account) -> str:
    """The account's name in that database."""
    return database.reader_user if account is Account.READER else database.writer_user
