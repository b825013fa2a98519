"""The T-SQL that gives the two accounts what the manifest says, for a person with the rights to run it. Pure.

Idempotent, in a fixed order, without a password anywhere: logins are made by hand before. Rights that are already
there beyond the manifest are not taken away: the check (`--check`) names them.

All or nothing: one transaction over all its batches. A login or the database that is absent, or an order that fails,
ends it, and each batch after that is not executed (SET NOEXEC): sqlcmd and SSMS go on to the next one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

from nonreg.grants.manifest import DATABASE, MEMBER, SERVER, Account, Manifest, Right, leave_out_implied
from nonreg.wording import plural

ENGINE = "mssql"
SEVERITY = 16
MISSING_LOGIN = (
    "La connexion {} est absente : créez-la d'abord (CREATE LOGIN), avec son mot de passe. Rien n'est donné."
)
MISSING_DATABASE = "La base {} est absente de ce serveur. Rien n'est donné."
DONE = "Droits donnés."
USES = {
    Account.READER: "lit, et ne fait que lire",
    Account.WRITER: "écrit les données d'essai, par des procédures",
}
RULE = "-- " + "-" * 97
STOPPED = "IF @@TRANCOUNT = 0\n    SET NOEXEC ON;"  # at the head of a batch, after which nothing is executed any more


@dataclass(frozen=True, slots=True)
class Users:
    """The two accounts by name, and the application's database."""

    names: Mapping[Account, str]
    database: str


def write_script(manifest: Manifest, users: Users) -> str:
    """The whole script; the same for any order of the manifest's rights."""
    rights = leave_out_implied(manifest.on(ENGINE))
    others = sorted({right.database for right in rights if right.database})
    blocks = [
        write_heading(users),
        *write_server(rights, users),
        *write_application(rights, manifest.accounts_schema, users),
        *(write_other(name, [right for right in rights if right.database == name], users) for name in others),
        *write_ending(),
    ]
    return "\nGO\n\n".join(blocks) + "\nGO\n"


def write_heading(users: Users) -> str:
    """What this is, and what has to be there before."""
    names = " et ".join(users.names[account] for account in Account)
    lacking = {
        f"SUSER_ID({quote(users.names[account])}) IS NULL": MISSING_LOGIN.format(users.names[account])
        for account in Account
    } | {f"DB_ID({quote(users.database)}) IS NULL": MISSING_DATABASE.format(users.database)}
    checks = "\n".join(
        f"IF {condition}\n    RAISERROR({quote(message.replace('%', '%%'))}, {SEVERITY}, 1);"
        for condition, message in lacking.items()
    )
    return (
        f"-- Droits de {names} sur {users.database}, base de l'application : le strict nécessaire.\n"
        "-- Produit par « python -m nonreg grants » ; à relire, puis à exécuter sur chaque site par un administrateur\n"
        "-- (sqlcmd ou SSMS, qui comprennent GO). Peut être exécuté plusieurs fois. Ne contient aucun mot de passe.\n"
        "-- Tout ou rien : une seule transaction ; après une erreur, plus rien n'est exécuté et rien n'est donné.\n"
        f"-- La dernière ligne affichée est « {DONE} » quand tout est donné.\n"
        "-- À exécuter de nouveau après chaque bascule, et dès qu'une publication ou un abonnement est refait : leurs\n"
        "-- tables de réplication y sont recréées, sans ces droits.\n"
        "-- Vérification ensuite : « python -m nonreg grants --check », qui nomme aussi les droits en trop.\n"
        f"SET NOEXEC OFF;\nSET NOCOUNT ON;\nSET XACT_ABORT ON;\n{checks}\n"
        f"IF {' OR '.join(lacking)}\n    SET NOEXEC ON;\n"
        "BEGIN TRANSACTION;"
    )


def write_ending() -> Iterator[str]:
    """Keep everything, or nothing; the session executes again."""
    yield f"{title('Fin')}\n{STOPPED}\nCOMMIT TRANSACTION;\nPRINT {quote(DONE)};"
    yield "SET NOEXEC OFF;\nIF @@TRANCOUNT > 0\n    ROLLBACK TRANSACTION;"


def write_server(rights: Iterable[Right], users: Users) -> Iterator[str]:
    """Rights on the server itself."""
    wanted = [right for right in rights if right.object == SERVER]
    if wanted:
        yield f"{title('Serveur')}\nUSE [master];"
        yield inside("master", write_lines(wanted, users))


def write_application(rights: tuple[Right, ...], accounts_schema: str, users: Users) -> Iterator[str]:
    """Users and rights of the application's database, the schema of accounts denied first."""
    yield f"{title('Base de l’application')}\nUSE {bracket(users.database)};"
    yield inside(users.database, [write_user(users.names[account]) for account in Account])
    denied = [
        f"DENY SELECT ON SCHEMA::{bracket(accounts_schema)} TO {bracket(users.names[account])};"
        for account in Account
    ]
    yield inside(
        users.database,
        [
            "-- Les comptes des utilisateurs de l'application ne se lisent pas, quel que soit un autre droit.",
            f"IF SCHEMA_ID({quote(accounts_schema)}) IS NOT NULL",
            "BEGIN",
            *(f"    {line}" for line in denied),
            "END",
        ],
    )
    own = [right for right in rights if not right.database and right.object != SERVER]
    for account in Account:
        mine = [right for right in own if right.account is account]
        if mine:
            lines = [f"-- {users.names[account]} : {USES[account]}.", *write_lines(mine, users)]
            yield inside(users.database, lines)


def write_other(database: str, rights: list[Right], users: Users) -> str:
    """Users and rights of a database of the server's own, on a server that has it.

    Not through USE: the server looks for its database before it looks at the IF.
    """
    names = sorted({users.names[right.account] for right in rights})
    lines = [*(write_user(name) for name in names), *write_lines(rights, users)]
    order = (
        f"    IF DB_ID({quote(database)}) IS NOT NULL\n"
        f"        EXEC {bracket(database)}.sys.sp_executesql {quote(chr(10) + chr(10).join(lines) + chr(10))};"
    )
    return f"{title(f'Base {database}, là où elle existe')}\n{STOPPED}\n{ended_by_an_error(order)}"


def inside(database: str, lines: Iterable[str]) -> str:
    """A batch that does nothing elsewhere: a USE that failed would leave it in the database before."""
    body = "\n".join(f"    {line}" for text in lines for line in text.split("\n"))
    return f"{STOPPED}\nIF DB_NAME() <> {quote(database)}\n    SET NOEXEC ON;\n{ended_by_an_error(body)}"


def ended_by_an_error(body: str) -> str:
    """The first order that fails takes the whole transaction with it, whatever its kind."""
    return (
        f"BEGIN TRY\n{body}\nEND TRY\nBEGIN CATCH\n    IF @@TRANCOUNT > 0\n        ROLLBACK TRANSACTION;\n"
        "    THROW;\nEND CATCH;"
    )


def write_user(name: str) -> str:
    """The database's user when there is none; one that a restored copy brought is given its login again."""
    owner = f"(SELECT sid FROM sys.database_principals WHERE name = {quote(name)})"  # noqa: S608 - a literal
    return (
        f"IF DATABASE_PRINCIPAL_ID({quote(name)}) IS NULL\n"
        f"    CREATE USER {bracket(name)} FOR LOGIN {bracket(name)};\n"
        f"ELSE IF SUSER_SID({quote(name)}) <> {owner}\n"
        f"    ALTER USER {bracket(name)} WITH LOGIN = {bracket(name)};"
    )


def write_lines(rights: Iterable[Right], users: Users) -> Iterator[str]:
    """One order a right, with what needs it before each object."""
    for _, group in groupby(rights, key=lambda right: (right.account, right.object)):
        for right in group:
            yield f"-- {shorten(right.needed_by)}"
            yield write_right(right, users.names[right.account])


def write_right(right: Right, name: str) -> str:
    """The order that gives one right."""
    if right.right == MEMBER:
        role = right.object.split(".")[-1]
        return (
            f"IF ISNULL(IS_ROLEMEMBER({quote(role)}, {quote(name)}), 0) = 0\n"
            f"    ALTER ROLE {bracket(role)} ADD MEMBER {bracket(name)};"
        )
    if right.object in (SERVER, DATABASE):
        return f"GRANT {right.right} TO {bracket(name)};"
    thing = ".".join(bracket(part) for part in right.object.split(".")[-2:])
    columns = f" ({', '.join(bracket(column) for column in right.columns)})" if right.columns else ""
    order = f"GRANT {right.right} ON OBJECT::{thing}{columns} TO {bracket(name)};"
    here = right.is_optional and not right.database
    return f"IF OBJECT_ID({quote(thing)}) IS NOT NULL\n    {order}" if here else order


def shorten(needed_by: tuple[str, ...], most: int = 4) -> str:
    """Who needs it, the first ones by name."""
    shown = ", ".join(needed_by[:most])
    rest = len(needed_by) - most
    return f"pour {shown}" + (f" et {plural(rest, 'autre', 'autres')}" if rest > 0 else "")


def title(text: str) -> str:
    """A heading of a part."""
    return f"{RULE}\n-- {text}\n{RULE}"


def bracket(name: str) -> str:
    """A name as an identifier."""
    return "[" + name.replace("]", "]]") + "]"


def quote(text: str) -> str:
    """A text as a literal."""
    return "N'" + text.replace("'", "''") + "'"
