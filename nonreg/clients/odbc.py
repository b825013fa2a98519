"""ODBC connections: driver found by name, path or wheel, string built, timeouts and session always set (DOMAIN §3.1).

The only module that imports pyodbc, and only when a connection is opened: its Linux wheels carry no unixODBC.
pyodbc shares modules between threads, not connections: one connection per thread.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nonreg.clients.odbc_wheel import find_wheel_driver
from nonreg.errors import ConfigError

DEFAULT_DRIVER = "ODBC Driver 18 for SQL Server"
SECRET_KEYWORDS = ("PWD", "PASSWORD")
QUERY_TIMEOUT = 0  # SQL_ATTR_QUERY_TIMEOUT
NEEDS_BRACES = re.compile(r"[\[\]{}(),;?*=!@]|^\s|\s$")


def import_pyodbc() -> Any:
    """The module, its pool switched off: a pooled connection would keep a session's lock after its end.

    ConfigError says what to install.
    """
    try:
        import pyodbc
    except ImportError as error:
        raise ConfigError(
            "pyodbc ne se charge pas : installez unixODBC (paquet libodbc2, ou unixODBC selon le système) "
            f"puis recommencez ({error})."
        ) from error
    pyodbc.pooling = False
    return pyodbc


def choose_driver(wanted: str, installed: Sequence[str], wheel: Path | None, *, by_path: bool = True) -> str:
    """The `DRIVER` value: a path that exists, an installed name, or without a wish the default one or the wheel's.

    ConfigError when there is none, with what is installed; also for a mere file where `by_path` is not true: Windows
    knows drivers by the names that they are registered under.
    """
    file = Path(wanted) if os.sep in wanted or wanted.lower().endswith((".so", ".dll", ".dylib")) else None
    if file is not None and not file.is_file():
        raise ConfigError(f"Pilote ODBC introuvable : le fichier {wanted} n'existe pas.")
    if file is None and (wanted or DEFAULT_DRIVER) in installed:
        return wanted or DEFAULT_DRIVER
    if file is None and wanted in ("", DEFAULT_DRIVER):
        file = wheel
    if file is not None and by_path:
        return str(file)
    missing = f"« {wanted or DEFAULT_DRIVER} » (installés : {', '.join(installed) or 'aucun'})"
    if file is not None:
        raise ConfigError(
            f"Pilote ODBC introuvable : {missing}. Windows ne prend pas le fichier {file}, seulement un pilote "
            "installé : installez celui de Microsoft, ou donnez un de ces noms dans [sites.database.odbc] driver."
        )
    raise ConfigError(
        f"Pilote ODBC introuvable : {missing}. Installez-le, ou donnez son nom ou son fichier dans "
        "[sites.database.odbc] driver."
    )


def find_driver(wanted: str) -> str:
    """`choose_driver` on this machine."""
    return choose_driver(wanted, import_pyodbc().drivers(), find_wheel_driver(), by_path=os.name != "nt")


def require_file(certificate: str) -> None:
    """ConfigError for a certificate that is not there: the driver would say that the server's is not recognised."""
    if certificate and not Path(certificate).is_file():
        raise ConfigError(
            f"Certificat introuvable : le fichier {certificate} (server_certificate dans [sites.database.odbc]) "
            "n'existe pas."
        )


def format_keywords(keywords: Mapping[str, str]) -> str:
    """A connection string; a value is braced when it has to be, a closing brace in it doubled."""
    return "".join(f"{name}={quote_value(name, value)};" for name, value in keywords.items())


def quote_value(name: str, value: str) -> str:
    """One value as ODBC reads it back; ConfigError for a NUL, which would end the string."""
    if "\0" in value:
        raise ConfigError(
            f"Valeur refusée pour {name} dans une connexion ODBC : elle contient un caractère nul."
        )
    always = name.upper() in ("DRIVER", *SECRET_KEYWORDS)
    if not always and not NEEDS_BRACES.search(value):
        return value
    return "{" + value.replace("}", "}}") + "}"


def connect(
    keywords: Mapping[str, str],
    login_timeout_seconds: float,
    query_timeout_seconds: float,
    set_up: Callable[[Any], None] | None = None,
    *,
    autocommit: bool = False,
) -> Any:
    """A pyodbc connection with both timeouts, each rounded up to a second (0 would be without end).

    `set_up` gets its first cursor, to set the session or refuse the server. Driver errors leave as `pyodbc.Error`;
    ConfigError without unixODBC.
    """
    pyodbc = import_pyodbc()
    text, seconds = format_keywords(keywords), whole_seconds(query_timeout_seconds)
    options = {"autocommit": autocommit, "timeout": whole_seconds(login_timeout_seconds)}
    connection = pyodbc.connect(text, **options)
    try:
        try:
            connection.timeout = seconds
        except pyodbc.Error:  # a driver that takes it only as what statements begin with
            connection.close()
            connection = pyodbc.connect(text, attrs_before={QUERY_TIMEOUT: seconds}, **options)
        if set_up is not None:
            cursor = connection.cursor()
            set_up(cursor)
            cursor.close()
            if not autocommit:
                connection.commit()
    except BaseException:
        connection.close()
        raise
    return connection


def whole_seconds(seconds: float) -> int:
    """What ODBC takes: whole seconds, at least one."""
    return max(1, math.ceil(seconds))
