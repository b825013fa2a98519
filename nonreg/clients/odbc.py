"""ODBC connections: driver found by name, path or wheel, string built, timeouts and session always set (DOMAIN §3.1).

The only module that imports pyodbc, and only when a connection is opened: its Linux wheels carry no unixODBC.
pyodbc shares modules between threads, not connections: one connection per thread.
"""

from __future__ import annotations

import importlib.util
import math
import os
import platform
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError

DEFAULT_DRIVER = "ODBC Driver 18 for SQL Server"
WHEEL_PACKAGE, WHEEL_LIBRARY = "mssql_python_odbc", "libmsodbcsql-18.*"
MACHINES = {"aarch64": "arm64"}  # what the package calls them
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


def find_wheel_driver() -> Path | None:
    """Microsoft's driver where a Python package carries it, for this system, without importing that package."""
    spec = importlib.util.find_spec(WHEEL_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    found = [path for folder in folders or () for path in Path(folder).rglob(WHEEL_LIBRARY)]
    try:
        system = platform.freedesktop_os_release()
    except OSError:
        system = {}
    return choose_library(found, system, platform.machine())


def choose_library(found: Iterable[Path], system: Mapping[str, str], machine: str) -> Path | None:
    """Of the same library for several systems, the one for this `os-release` and processor; None when there is none."""
    ours = [path for path in found if {machine, MACHINES.get(machine, machine)} & set(path.parts)]
    names = f"{system.get('ID', '')} {system.get('ID_LIKE', '')}".split()
    near = [path for path in ours if any(name in part.split("_") for name in names for part in path.parts)]
    return min(near or ours, default=None)


def choose_driver(wanted: str, installed: Sequence[str], wheel: Path | None) -> str:
    """The `DRIVER` value: a path that exists, an installed name, or without a wish the default one or the wheel's.

    ConfigError when there is none, with what is installed.
    """
    if os.sep in wanted or wanted.lower().endswith((".so", ".dll", ".dylib")):
        if Path(wanted).is_file():
            return wanted
        raise ConfigError(f"Pilote ODBC introuvable : le fichier {wanted} n'existe pas.")
    if (wanted or DEFAULT_DRIVER) in installed:
        return wanted or DEFAULT_DRIVER
    if wheel is not None and wanted in ("", DEFAULT_DRIVER):
        return str(wheel)
    raise ConfigError(
        f"Pilote ODBC introuvable : « {wanted or DEFAULT_DRIVER} » (installés : {', '.join(installed) or 'aucun'}). "
        "Installez-le, ou donnez son nom ou son fichier dans [sites.database.odbc] driver."
    )


def find_driver(wanted: str) -> str:
    """`choose_driver` on this machine."""
    return choose_driver(wanted, import_pyodbc().drivers(), find_wheel_driver())


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


def hide_secrets(keywords: Mapping[str, str]) -> str:
    """The connection string that may be shown."""
    return format_keywords(
        {name: value for name, value in keywords.items() if name.upper() not in SECRET_KEYWORDS}
    )


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
