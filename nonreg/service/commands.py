"""The single processes of an installation, in the foreground: for `up`, systemd units and containers alike.

What they need stands in the environment, secrets in files: NONREG_AUTH_FILE and NONREG_DATABASE_FILE, or
systemd's credentials `secret` and `base`. Each becomes the process that it starts, so that signals reach it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from nonreg.errors import PlatformError, Unreachable, UsageError
from nonreg.files import read_text
from nonreg.prefect_home import describe_home
from nonreg.service.identity import INSTALLATION, Access, NotOurs, claim, require_ours
from nonreg.service.pool import POOL, ask_recovery, create_pool
from nonreg.waiting import DeadlinePassed, wait_until

AUTH_FILE, DATABASE_FILE = "NONREG_AUTH_FILE", "NONREG_DATABASE_FILE"
AUTH, DATABASE = "secret", "base"
OWN_FILE = "sqlite"  # instead of an address: a file in Prefect's home
ALERTS = "NONREG_ALERTS"  # the file of settings that the watch reads
POLL_SECONDS = 0.5


def read_access(environment: Mapping[str, str]) -> Access:
    """UsageError names the variable that is missing."""
    url, installation = environment.get("PREFECT_API_URL"), environment.get(INSTALLATION)
    for name, value in (("PREFECT_API_URL", url), (INSTALLATION, installation)):
        if not value:
            raise UsageError(
                f"La variable {name} est absente : ce processus ne sait pas de quelle installation il est."
            )
    return Access(str(url), read_secret(environment, AUTH_FILE, AUTH), str(installation))


def read_secret(environment: Mapping[str, str], variable: str, credential: str) -> str:
    """One line of the file that a variable names, or of systemd's credential."""
    file = find_secret(environment, variable, credential)
    if file is None:
        raise UsageError(
            f"Le secret est absent : donnez un fichier par {variable}, ou l'accréditation « {credential} »."
        )
    return read_text(file).strip()


def find_secret(environment: Mapping[str, str], variable: str, credential: str) -> Path | None:
    """The file of a secret; None when nobody gave one."""
    if environment.get(variable):
        return Path(environment[variable])
    given = environment.get("CREDENTIALS_DIRECTORY")
    if not given:
        return None
    file = Path(given) / credential
    try:
        return file if file.is_file() else None
    except PermissionError:  # it is there: whoever reads it says what is wrong
        return file


def own_home(environment: Mapping[str, str]) -> dict[str, str]:
    """Prefect's home; UsageError rather than the profile of whoever starts us."""
    if not environment.get("PREFECT_HOME"):
        raise UsageError("La variable PREFECT_HOME est absente : le profil de ce compte ne doit pas servir.")
    return describe_home(Path(environment["PREFECT_HOME"]))


def become(words: list[str], more: Mapping[str, str]) -> NoReturn:
    """Python with other arguments, in this process."""
    os.execve(sys.executable, [sys.executable, "-m", *words], {**os.environ, **more})  # noqa: S606 - no shell


def run_server(host: str, port: int) -> NoReturn:
    """Prefect's server, which asks for the installation's secret."""
    settings = own_home(os.environ) | {
        "PREFECT_SERVER_API_AUTH_STRING": read_secret(os.environ, AUTH_FILE, AUTH),
        # Its default is Prefect's own package, which other accounts share and a hardened unit may not write.
        "PREFECT_UI_STATIC_DIRECTORY": str(Path(os.environ["PREFECT_HOME"]) / "interface"),
    }
    if find_secret(os.environ, DATABASE_FILE, DATABASE) is not None:
        url = read_secret(os.environ, DATABASE_FILE, DATABASE)
        if url != OWN_FILE:
            settings["PREFECT_SERVER_DATABASE_CONNECTION_URL"] = url
    become(["prefect", "server", "start", "--host", host, "--port", str(port)], settings)


def run_worker(name: str, wait_seconds: float) -> NoReturn:
    """A worker of the pool, once the server is known to be ours; what the one before it left is taken up first."""
    settings = enter(wait_seconds)
    try:
        ask_recovery(read_access(os.environ))
    except PlatformError as error:  # it is asked for again every few hours
        sys.stderr.write(f"{error}\n")
    become(["prefect", "worker", "start", "--pool", POOL, "--type", "process", "--name", name], settings)


def run_deploy(wait_seconds: float) -> NoReturn:
    """Every deployment of prefect.yaml on our server, with the pool that they name."""
    settings = enter(wait_seconds)
    create_pool(read_access(os.environ))
    become(["prefect", "--no-prompt", "deploy", "--all"], settings)


def run_watch(wait_seconds: float) -> NoReturn:
    """The watch that sends the alerts: a server that is away, or not ours, is one of the things that it tells."""
    access = read_access(os.environ)
    with suppress(Unreachable, NotOurs):
        wait_for(lambda: require_ours(access.url, access.auth, access.installation), wait_seconds)
    become(["nonreg.alerts", "watch"], own_home(os.environ) | {"PREFECT_API_AUTH_STRING": access.auth})


def run_claim(wait_seconds: float) -> None:
    """Give the server the installation's id, or make sure that it has it."""
    access = read_access(os.environ)
    wait_for(lambda: claim(access.url, access.auth, access.installation), wait_seconds)


def enter(wait_seconds: float) -> dict[str, str]:
    """Environment of a client of our server; NotOurs for any other."""
    home, access = own_home(os.environ), read_access(os.environ)
    wait_for(lambda: require_ours(access.url, access.auth, access.installation), wait_seconds)
    return home | {"PREFECT_API_AUTH_STRING": access.auth}


def wait_for(action: Callable[[], None], wait_seconds: float) -> None:
    """Do it once the server answers; Unreachable when it does not in time."""
    silent: list[Unreachable] = []

    def attempt() -> bool:
        try:
            action()
        except Unreachable as error:
            silent.append(error)
            return False
        return True

    try:
        wait_until(attempt, wait_seconds, poll_seconds=POLL_SECONDS)
    except DeadlinePassed:
        raise silent[-1] from None
