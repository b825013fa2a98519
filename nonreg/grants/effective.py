"""Asks a database what the account that is connected may do; nothing is tried, nothing is changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from nonreg.clients.sql import Session, open_session
from nonreg.config import Database, Platform, Site
from nonreg.grants.manifest import DATABASE, MEMBER, SERVER, Account, Manifest, Right
from nonreg.grants.preflight import Asked, Judgement, judge_account
from nonreg.grants.standing import Covering, Held, name_needed

# The server's own databases in which somebody may have given more than `public` has; tempdb is emptied at each start.
LOOKED_INTO = ("distribution", "master", "model", "msdb")


def read_held(session: Session) -> tuple[Held, ...]:
    """Everything that the account may do in the application's database and on its server."""
    return tuple(
        Held(str(scope), str(name), str(privilege), str(column))
        for scope, name, column, privilege in session.query("grants_effective").rows
    )


def read_elsewhere(session: Session, database: str) -> Iterator[Held]:
    """What the account may do in another database, into which the session has been opened."""
    for scope, name, column, privilege in session.query("grants_elsewhere").rows:
        shown = DATABASE if name == DATABASE else f"{database}.{name}"
        yield Held(str(scope), shown, str(privilege), str(column), database)


def read_coverings(session: Session) -> frozenset[Covering]:
    """Which rights come with which ones, in this version of the server."""
    rows = session.query("grants_covering").rows
    return frozenset(Covering(*(str(value) for value in row)) for row in rows)


def ask_rights(session: Session, rights: tuple[Right, ...], held: tuple[Held, ...]) -> Iterator[Asked]:
    """The answer for each right of the manifest: from what is known already, or asked."""
    known = {one.key for one in held}
    doors = {one.object: one.privilege for one in held if one.scope == "elsewhere"}
    for right in rights:
        if right.database and doors.get(right.database) != "CONNECT":
            yield Asked(right, is_there=right.database in doors, is_granted=False)
        elif all(one.key in known for one in name_needed(right)):
            yield Asked(right, is_there=True, is_granted=True)
        elif right.object in (SERVER, DATABASE) or right.right == MEMBER:
            yield Asked(right, is_there=True, is_granted=False)
        else:
            yield ask_object(session, right)


def ask_object(session: Session, right: Right) -> Asked:
    """The answer of the database for one object, column by column where the right is on some."""
    schema, name = right.object.split(".")[-2:]
    answers = {
        column: session.query(
            "grants_object",
            database_name=right.database,
            schema_name=schema,
            item_name=name,
            column_name=column,
            privilege=right.right,
        ).rows[0]
        for column in right.columns or ("",)
    }
    is_there = all(found for found, _ in answers.values()) or bool(right.database)
    refused = tuple(column for column, (_, is_granted) in answers.items() if not is_granted)
    return Asked(right, is_there, not refused, tuple(filter(None, refused)))


def check_account(platform: Platform, site: Site, account: Account, manifest: Manifest) -> Judgement:
    """What one account lacks on a site, and what it has beyond; PlatformError when that cannot be asked."""
    assert site.database is not None
    engine = site.database.engine
    with open_session(platform, site, account) as session:
        held = read_held(session)
        for name in sorted(one.object for one in held if one.scope == "elsewhere"):
            if name in LOOKED_INTO and Held("elsewhere", name, "CONNECT") in held:
                other = replace(site, database=replace(site.database, name=name))
                with open_session(platform, other, account) as inside:
                    held += tuple(read_elsewhere(inside, name))
        rights = tuple(right for right in manifest.on(engine) if right.account is account)
        asked = tuple(ask_rights(session, rights, held))
        coverings = read_coverings(session)
    return judge_account(manifest, engine, account, name_user(site.database, account), asked, held, coverings)


def name_user(database: Database, account: Account) -> str:
    """The account's name in that database."""
    return database.reader_user if account is Account.READER else database.writer_user
