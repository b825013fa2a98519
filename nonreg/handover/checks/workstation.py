"""« poste »: what a workstation needs: Python, packages, ODBC driver, clock, disk, git, time zone (R31)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nonreg.clients.odbc import find_driver
from nonreg.clients.ssh import open_shell
from nonreg.config import Host, Platform
from nonreg.errors import ConfigError, NonregError, PlatformError
from nonreg.french import explain_os_error
from nonreg.handover.checks import ssh
from nonreg.handover.checks.packages import LOCK, find_package_problems, read_installed
from nonreg.handover.checks.result import (
    CheckContext,
    CheckResult,
    NotRight,
    Point,
    ask_point,
    give_result,
    list_hosts,
)
from nonreg.probes.clock import SAMPLES, estimate_drift, parse_clock, take_sample
from nonreg.wording import decimal

LEAST_PYTHON = (3, 11)
CLOCK_SECONDS = 2.0  # when the platform has agreed on nothing
FREE_BYTES = 2.0**30
ZONE = "Europe/Paris"
SUMMER, OFFSET = datetime(2026, 7, 1, 12), timedelta(hours=2)  # noqa: DTZ001 - the zone is what is looked at
GIT_SECONDS = 30.0


def check_workstation(context: CheckContext) -> CheckResult:
    """Everything that can be seen from here."""
    platform = context.platform
    points = [
        ask("Version de Python", tell_python),
        ask("Paquets verrouillés", tell_packages),
        *(ask(f"Pilote ODBC de {code}", tell) for code, tell in list_drivers(platform)),
        *(tell_clock(platform, host) for host in list_hosts(platform)),
        ask("Espace disque des passages", lambda: tell_disk(context.runs_dir, platform)),
        ask("Git", tell_git),
        ask(f"Fuseau horaire {ZONE}", tell_zone),
    ]
    return give_result(context, points)


def ask(title: str, tell: Callable[[], str]) -> Point:
    """A point that only this machine answers."""
    return ask_point(title, tell, lambda _error: "Corrigez ce qu'indique ce message, puis recommencez.")


def tell_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> str:
    """The version; NotRight when it is too old."""
    told, least = ".".join(map(str, version)), ".".join(map(str, LEAST_PYTHON))
    if version < LEAST_PYTHON:
        raise NotRight(
            f"Python {told}, {least} au moins est attendu.",
            f"Installez Python {least} ou plus récent, puis refaites l'environnement (« make setup »).",
        )
    return f"Python {told}."


def tell_packages(lock: Path = LOCK) -> str:
    """How many packages are as locked; NotRight for those that are not."""
    if not lock.is_file():
        raise NotRight(
            "Le fichier requirements.lock n'est pas avec le projet.",
            "Travaillez depuis une copie de travail complète du dépôt.",
        )
    problems, count = find_package_problems(lock.read_text(encoding="utf-8"), read_installed())
    if problems:
        raise NotRight(
            f"{' ; '.join(problems)}.",
            "Refaites l'environnement avec « make setup » : il installe les versions verrouillées.",
        )
    return f"{count} paquets importables, aux versions verrouillées."


def list_drivers(platform: Platform) -> list[tuple[str, Callable[[], str]]]:
    """For each SQL Server, what says that its driver is there."""

    def find(wanted: str) -> str:
        try:
            return f"Pilote trouvé : {Path(find_driver(wanted)).name}."
        except ConfigError as error:
            raise NotRight(
                str(error),
                "Installez le pilote ODBC de Microsoft et unixODBC sur ce poste, ou nommez un autre pilote dans "
                "[sites.database.odbc].",
            ) from error

    return [
        (site.code, partial(find, site.database.odbc.driver))
        for site in platform.sites
        if site.database is not None and site.database.engine == "mssql"
    ]


def tell_clock(platform: Platform, host: Host) -> Point:
    """How far this workstation's clock is from the host's."""
    limit = platform.limits.get("clock_drift_seconds", CLOCK_SECONDS)

    def measure() -> str:
        with open_shell(platform, host) as shell:
            samples = [take_sample(lambda: parse_clock(shell.run("clock").require())) for _ in range(SAMPLES)]
        best = estimate_drift(samples)
        return judge_clock(best.drift, best.round_trip, limit)

    def explain(error: NonregError) -> str:
        if isinstance(error, PlatformError | ConfigError):
            return ssh.explain(host, error)
        return "Corrigez ce qu'indique ce message, puis recommencez."

    return ask_point(f"Horloge, par rapport à {host.name}", measure, explain)


def judge_clock(drift: float, round_trip: float, limit: float) -> str:
    """What to say of a drift in seconds, known to half of the round trip; NotRight when it may be too great. Pure."""
    if round_trip / 2 > limit:
        raise NotRight(
            f"Aller-retour de {decimal(round_trip)} s, trop long pour juger l'heure à {decimal(limit)} s près.",
            "Recommencez quand la liaison avec la plateforme est plus rapide.",
        )
    if abs(drift) > limit:
        raise NotRight(
            f"Écart de {decimal(drift)} s, {decimal(limit)} s au plus.",
            "Synchronisez l'horloge de ce poste (NTP), ou faites vérifier celle de l'hôte si les autres concordent.",
        )
    return f"Écart de {decimal(abs(drift), 2)} s, {decimal(limit)} s au plus."


def tell_disk(folder: Path, platform: Platform) -> str:
    """The free space where runs are written, which may not be there yet; NotRight when it is too little."""
    least = platform.limits.get("disk_free_bytes", FREE_BYTES)
    place = folder.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    try:
        free = shutil.disk_usage(place).free
    except OSError as error:
        raise NotRight(
            f"L'espace libre ne se lit pas ({explain_os_error(error)}).",
            "Vérifiez que le disque des passages est monté.",
        ) from error
    if free < least:
        raise NotRight(
            f"{free / 1e6:.0f} Mo libres, {least / 1e6:.0f} Mo au moins sont attendus.",
            "Libérez de la place sur ce disque, ou choisissez un autre dossier de passages (--runs-dir).",
        )
    return f"{free / 1e6:.0f} Mo libres, {least / 1e6:.0f} Mo au moins."


def tell_git(command: str = "git") -> str:
    """Git's version; NotRight when it is not there or does not start."""
    remedy = "Installez git et vérifiez qu'il est dans le PATH : l'état des sources en dépend."
    if shutil.which(command) is None:
        raise NotRight("Git n'est pas installé sur ce poste.", remedy)
    try:
        done = subprocess.run(
            [command, "--version"], capture_output=True, text=True, timeout=GIT_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise NotRight(f"Git ne se lance pas ({type(error).__name__}).", remedy) from error
    if done.returncode != 0:
        raise NotRight(f"Git ne se lance pas (code {done.returncode}).", remedy)
    return f"Version {done.stdout.strip().removeprefix('git version ')}."


def tell_zone(key: str = ZONE) -> str:
    """That the time zone is known and keeps summer time; NotRight otherwise."""
    remedy = "Installez le paquet Python tzdata (« make setup »), ou les fuseaux horaires du système."
    try:
        offset = SUMMER.replace(tzinfo=ZoneInfo(key)).utcoffset()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise NotRight(f"Le fuseau {key} est inconnu de ce poste.", remedy) from error
    if offset != OFFSET:
        raise NotRight(f"Le fuseau {key} n'a pas l'heure d'été attendue.", remedy)
    return "Connu, avec l'heure d'été."
