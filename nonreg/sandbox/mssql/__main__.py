"""The pair of stand-ins on a SQL Server, made and taken away by hand: `python -m nonreg.sandbox.mssql --help`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nonreg.clients.odbc import import_pyodbc
from nonreg.clients.odbc_errors import read_odbc_error
from nonreg.errors import NonregError, RequestFailed, Unreachable, UsageError
from nonreg.french import EXIT_USAGE, FrenchParser
from nonreg.sandbox.mssql.install import DATABASE
from nonreg.sandbox.mssql.replication import (
    ACCOUNTS,
    PASSIVE_DATABASE,
    create_pair,
    name_password,
    take_pair_away,
)
from nonreg.screen import guarded

VARIABLE = "MSSQL"
LOGIN_SECONDS = 15


def build_parser() -> FrenchParser:
    """The options, described in French."""
    parser = FrenchParser(
        prog="python -m nonreg.sandbox.mssql",
        description=f"Maquettes {DATABASE} et {PASSIVE_DATABASE} sur le serveur que la variable {VARIABLE} désigne.",
    )
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMANDE", parser_class=FrenchParser
    )
    create = commands.add_parser(
        "create", help="les créer, la seconde abonnée à la première (à la place de précédentes)"
    )
    create.add_argument("--no-replication", action="store_true", help="sans Distributeur ni abonnement")
    commands.add_parser("remove", help="tout retirer : bases, comptes, publication, Distributeur")
    return parser


def read_passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The accounts' passwords; UsageError names the variables that are missing."""
    missing = [name_password(one) for one in ACCOUNTS if not environment.get(name_password(one))]
    if missing:
        raise UsageError(f"Mots de passe des comptes à poser dans l'environnement : {', '.join(missing)}.")
    return {account: environment[name_password(account)] for account in ACCOUNTS}


@contextmanager
def connect(environment: Mapping[str, str]) -> Iterator[Any]:
    """An administrator's connection, closed at the end; what the driver says becomes one sentence."""
    text = environment.get(VARIABLE, "")
    if not text:
        raise UsageError(
            f"Aucun serveur : export {VARIABLE}='DRIVER={{…}};SERVER=tcp:…,1433;UID=sa;PWD={{…}};' d'abord."
        )
    pyodbc = import_pyodbc()
    try:
        connection = pyodbc.connect(text, autocommit=True, timeout=LOGIN_SECONDS)
    except pyodbc.Error as error:
        raise Unreachable(f"Connexion impossible : {read_odbc_error(error.args).words}") from error
    try:
        yield connection
    except pyodbc.Error as error:
        raise RequestFailed(f"Le serveur refuse : {read_odbc_error(error.args).words}") from error
    finally:
        connection.close()


def create(environment: Mapping[str, str], *, replicates: bool) -> str:
    """`create`: what was made, in one sentence."""
    passwords = read_passwords(environment)
    with connect(environment) as connection:
        create_pair(connection, passwords, replicates=replicates)
    made = f"{PASSIVE_DATABASE} est abonnée à {DATABASE}" if replicates else "sans réplication"
    return f"Maquettes créées : {made}. Les comptes n'ont aucun droit : python -m nonreg grants."


def remove(environment: Mapping[str, str]) -> str:
    """`remove`: what was taken away, in one sentence."""
    with connect(environment) as connection:
        gone = take_pair_away(connection)
    return "Maquettes, comptes et Distributeur retirés." if gone else "Rien à retirer sur ce serveur."


@guarded()
def main(words: list[str] | None = None) -> int:
    """Exit code: 0 done, 1 failed, 3 wrong use or a server that is refused."""
    arguments = build_parser().parse_args(words)
    try:
        if arguments.command == "create":
            said = create(os.environ, replicates=not arguments.no_replication)
        else:
            said = remove(os.environ)
    except NonregError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_USAGE if isinstance(error, UsageError) else 1
    sys.stdout.write(f"{said}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
