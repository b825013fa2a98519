"""Asks a database what the account that is connected may do; nothing is tried, nothing is changed."""

from __future__ import annotations

from nonreg.clients.sql import Session, open_session
from nonreg.config import Database, Platform, Site
from nonreg.errors import PlatformError
from nonreg.grants.manifest import DATABASE, DISTRIBUTION, MEMBER, SERVER, Account, Manifest, Right
from nonreg.grants.preflight import Asked, Held, Judgement, judge_account


def read_held(session: Session) -> tuple[Held, ...]:
    """Everything beyond reading the catalog that the account may do."""
    return tuple(Held(*(str(value) for value in row)) for row in session.query("grants_effective").rows)


def ask_rights(session: Session, rights: tuple[Right, ...], held: tuple[Held, ...]) -> tuple[Asked, ...]:
    """The answer for each right of the manifest."""
    plain = {(one.object, one.privilege) for one in held if one.scope in ("server", "database", "role")}
    if any(right.database == DISTRIBUTION and right.right == MEMBER for right in rights):
        plain |= read_distribution_roles(session, held)
    databases = {"", *(one.object for one in held if one.scope == "elsewhere")}
    return tuple(ask_right(session, right, plain, databases) for right in rights)


def ask_right(session: Session, right: Right, plain: set[tuple[str, str]], databases: set[str]) -> Asked:
    """The answer for one right: from what is known already, or asked."""
    if right.database not in databases:
        return Asked(right, is_there=False, is_granted=False)
    if right.object in (SERVER, DATABASE) or right.right == MEMBER:
        return Asked(right, is_there=True, is_granted=(right.object, right.right) in plain)
    schema, name = right.object.split(".")[-2:]
    is_there, is_granted = session.query(
        "grants_object",
        database_name=right.database,
        schema_name=schema,
        item_name=name,
        privilege=right.right,
    ).rows[0]
    return Asked(right, bool(is_there) or bool(right.database), bool(is_granted))


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
