"""Platform files: TOML read, checked and turned into frozen values.

A platform is named (`nonreg/platforms/NAME.toml`) or given as a path. Secrets never stand in the file:
it names environment variables, whose values come from the environment or from `secrets_file`.
"""

from __future__ import annotations

import math
import os
import re
import unicodedata
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from nonreg.errors import ConfigError, UsageError
from nonreg.files import parse_toml, read_text
from nonreg.links import find_address_problem, find_ticket_url_problem
from nonreg.model import Limit, Nature, PlatformIdentity, SiteRole
from nonreg.tracker.settings import TrackerSettings, find_tracker_problem
from nonreg.vpn import Vpn, find_vpn_problem
from nonreg.working_time import WorkingTime, find_problem

T = TypeVar("T")
PLATFORMS_DIR = Path(__file__).parent / "platforms"
PLATFORMS_VARIABLE = "NONREG_PLATFORMS"
STRICT = {"extra": "forbid"}
UNKNOWN_KEY = ("extra_forbidden", "unexpected_keyword_argument")
MAX_HOURS = 10_000.0  # of a limit: more than a year, and no date leaves the calendar
MAX_BY_UNIT = {"hours": MAX_HOURS, "seconds": 3600 * MAX_HOURS}
MAX_LIMIT = 1e15  # of any other limit, bytes for one
MAX_TIMEOUT_SECONDS = 86_400.0
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret's value; its repr never shows it, `reveal()` does, at the last moment."""

    value: str = field(repr=False)

    def reveal(self) -> str:
        """The value itself, for a client that connects now."""
        return self.value


@dataclass(frozen=True, slots=True)
class Odbc:
    """How the driver connects to SQL Server; `driver` is a name or a file, the default one when empty (DOMAIN §3.1)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    driver: str = ""
    encrypt: Literal["yes", "strict", "no"] = "yes"
    trust_server_certificate: bool = False
    hostname_in_certificate: str = ""
    server_certificate: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """How to reach one site's database; timeouts in seconds."""

    __pydantic_config__: ClassVar[Any] = STRICT
    engine: str
    host: str
    port: int
    name: str
    reader_user: str
    reader_password_env: str
    writer_user: str
    writer_password_env: str
    login_timeout_seconds: float
    query_timeout_seconds: float
    odbc: Odbc = Odbc()


@dataclass(frozen=True, slots=True)
class Host:
    """One SSH host: the only key accepted, the pinned host key file, the services it must run."""

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    address: str
    port: int
    user: str
    key_file: str
    known_hosts_file: str
    timeout_seconds: float
    services: tuple[str, ...]
    open_ports: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Web:
    """HTTP addresses of one site, without trailing slash; absent ones are None."""

    __pydantic_config__: ClassVar[Any] = STRICT
    timeout_seconds: float
    frontal: str | None = None
    client: str | None = None
    supervision: str | None = None
    puits: str | None = None
    station_password_env: str | None = None
    client_user: str | None = None
    client_password_env: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """One site of the HD configuration and the role it is expected to have."""

    __pydantic_config__: ClassVar[Any] = STRICT
    code: str
    role: SiteRole
    host: Host
    web: Web
    database: Database | None = None


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the test platform may be and may reach; patterns are shell-like (`*`)."""

    __pydantic_config__: ClassVar[Any] = STRICT
    servers: tuple[str, ...]
    denied_servers: tuple[str, ...]
    recipients: tuple[str, ...]
    export_hosts: tuple[str, ...]


class SwitchoverMode(StrEnum):
    """Who works the switchover tool: a command on the target's host, or a person who is told what to do."""

    COMMANDE = "commande"
    OPERATEUR = "operateur"


class HaKind(StrEnum):
    """The high-availability technology of a platform's databases (DOMAIN §3.4)."""

    TRANSACTIONAL_REPLICATION = "replication_transactionnelle"
    AVAILABILITY_GROUP = "groupe_de_disponibilite"
    MIRRORING = "mise_en_miroir"
    LOG_SHIPPING = "envoi_de_journaux"


@dataclass(frozen=True, slots=True)
class DrillSettings:
    """What drills need to know of a platform.

    `state_dir` holds the register of what is to be healed, shared by all who run campaigns on it; `hypervisor`
    is the host that switches the sites' machines off and on; `link_control` the HTTP address that cuts the link
    between the sites; `replace` names, for a kind of fault, the one that takes its place here (`by_hand`
    for a person); `faults` is a folder of further faults.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    state_dir: str = "exercices"
    switchover: SwitchoverMode = SwitchoverMode.OPERATEUR
    hypervisor: Host | None = None
    link_control: str | None = None
    replace: dict[str, str] = field(default_factory=dict)
    faults: str = ""


@dataclass(frozen=True, slots=True)
class Platform:
    """A platform under test.

    `limits` are the agreed ones by name, in the unit that the name carries; `scope` says of each part
    whether it is real or stands in for it. `baseline` and `governance` name folders of
    `nonreg/baselines` and `nonreg/governance`, or are paths from the file's own folder. `ticket_url` is the
    address of a ticket, `reports_url` that of the folder of runs, for whoever watches from elsewhere. `vpn` is what
    leads there from a workstation, None where nothing has to; `tracker` where its tickets are, None where nobody said.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    title: str
    nature: Nature
    identity_token: str
    application_version: str
    dataset: str
    baseline: str
    allowed: Allowed
    sites: tuple[Site, ...]
    limits: dict[str, float] = field(default_factory=dict)
    scope: dict[str, str] = field(default_factory=dict)
    drills: DrillSettings = field(default_factory=DrillSettings)
    working_time: WorkingTime = field(default_factory=WorkingTime)
    ha: HaKind = HaKind.TRANSACTIONAL_REPLICATION
    governance: str = ""
    default_ticket: str = ""
    ticket_url: str = ""
    reports_url: str = ""
    base_dir: str = ""
    secrets_file: str = ""
    vpn: Vpn | None = None
    tracker: TrackerSettings | None = None

    def site(self, role: SiteRole) -> Site:
        """The one site of that role (checked when the file was read)."""
        return next(site for site in self.sites if site.role is role)

    def path(self, relative: str) -> Path:
        """A path of the file, from `base_dir`."""
        return Path(self.base_dir) / relative

    def identity(self) -> PlatformIdentity:
        """What a report may say of the platform."""
        return PlatformIdentity(
            name=self.name,
            title=self.title,
            nature=self.nature,
            application_version=self.application_version,
            dataset=self.dataset,
            baseline=Path(self.baseline).name,
            sites=tuple(f"{site.code} ({site.role})" for site in self.sites),
            identity_token=self.identity_token,
        )

    def list_limits(self) -> tuple[Limit, ...]:
        """The agreed limits, by name."""
        return tuple(Limit(name, value) for name, value in sorted(self.limits.items()))

    def secret(self, variable: str | None) -> Secret:
        """Value of a secret by its variable's name; ConfigError when it is nowhere."""
        if not variable:
            raise ConfigError(f"La plateforme « {self.name} » ne nomme pas de variable pour ce secret.")
        value = os.environ.get(variable) or self._secrets_from_file().get(variable)
        if not value:
            raise ConfigError(
                f"Le secret {variable} est absent : définissez la variable d'environnement {variable}"
                + (f" ou renseignez {self.path(self.secrets_file)}." if self.secrets_file else ".")
            )
        return Secret(value)

    def _secrets_from_file(self) -> dict[str, str]:
        path = self.path(self.secrets_file)
        if not self.secrets_file or not path.is_file():
            return {}
        lines = read_text(path).splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def find_platform_file(name_or_path: str) -> Path:
    """The TOML file meant by `--platform`; UsageError names the known ones when there is none."""
    path = Path(name_or_path)
    if path.suffix == ".toml" or "/" in name_or_path:
        if not path.is_file():
            raise UsageError(f"Fichier de plateforme introuvable : {name_or_path}")
        return path
    folders = list_platform_folders()
    for folder in folders:
        path = folder / f"{name_or_path}.toml"
        if path.is_file():
            return path
    known = ", ".join(sorted({path.stem for folder in folders for path in folder.glob("*.toml")}))
    raise UsageError(f"Plateforme inconnue : « {name_or_path} » (connues : {known}).")


def list_platform_folders() -> list[Path]:
    """Where platforms are found by name: the folder of the installation, if there is one, then the project's."""
    own = os.environ.get(PLATFORMS_VARIABLE)
    return [*([Path(own)] if own else []), PLATFORMS_DIR]


def load_platform(name_or_path: str) -> Platform:
    """Read one platform; ConfigError names the file, the key and the line."""
    path = find_platform_file(name_or_path)
    text = read_text(path)
    platform = _validate(parse_toml(text, path), text, path)
    _check_sites(platform, path)
    _check_numbers(platform, text, path)
    _check_working_time(platform, text, path)
    _check_addresses(platform, text, path)
    _check_tables(platform, text, path)
    return platform


def _validate(data: dict[str, Any], text: str, path: Path) -> Platform:
    data.setdefault("base_dir", str(path.resolve().parent))
    for key in ("baseline", "governance"):
        if isinstance(data.get(key), str) and "/" in data[key] and "\0" not in data[key]:
            data[key] = str((path.resolve().parent / data[key]).resolve())
    for key in ("name", "identity_token"):  # what decisions name, in NFC as everything signed
        if isinstance(data.get(key), str):
            data[key] = unicodedata.normalize("NFC", data[key])
    return validate_table(Platform, data, text, path)


def validate_table(kind: type[T], data: dict[str, Any], text: str, path: Path) -> T:
    """The TOML table as a value of that class; ConfigError names the file, the first wrong key and its line."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_python(data)
    except ValidationError as error:
        # A misspelt key is both unknown and missing: the unknown one has a line to show.
        first = min(error.errors(), key=lambda one: one["type"] not in UNKNOWN_KEY)
        keys = [str(part) for part in first["loc"]]
        line = find_key_line(text, keys)
        where = f"clé « {'.'.join(keys)} »" + (f", ligne {line}" if line else "")
        raise ConfigError(f"{path} : {where} : {_translate_validation(first)}.") from error


def _check_sites(platform: Platform, path: Path) -> None:
    for role in SiteRole:
        count = sum(site.role is role for site in platform.sites)
        if count != 1:
            raise ConfigError(f"{path} : il faut exactement un site {role} dans [[sites]], trouvé {count}.")
    for site in platform.sites:
        if site.role is not SiteRole.SURVEILLANCE and site.database is None:
            raise ConfigError(f"{path} : le site {site.code} ({site.role}) n'a pas de [sites.database].")


def _check_numbers(platform: Platform, text: str, path: Path) -> None:
    """ConfigError for the first number that no clock, socket or calendar could take."""
    bounds: list[tuple[list[str], float, float]] = []
    for name, value in platform.limits.items():
        bounds.append((["limits", name], value, MAX_BY_UNIT.get(name.rsplit("_", 1)[-1], MAX_LIMIT)))
    for number, site in enumerate(platform.sites):
        where = ["sites", str(number)]
        bounds += [
            ([*where, "host", "timeout_seconds"], site.host.timeout_seconds, MAX_TIMEOUT_SECONDS),
            ([*where, "host", "port"], site.host.port, MAX_PORT),
            *(([*where, "host", "open_ports"], port, MAX_PORT) for port in site.host.open_ports),
            ([*where, "web", "timeout_seconds"], site.web.timeout_seconds, MAX_TIMEOUT_SECONDS),
        ]
        if site.database is not None:
            for key in ("login_timeout_seconds", "query_timeout_seconds"):
                value = getattr(site.database, key)
                bounds.append(([*where, "database", key], value, MAX_TIMEOUT_SECONDS))
            bounds.append(([*where, "database", "port"], site.database.port, MAX_PORT))
    if platform.vpn is not None:
        bounds.append((["vpn", "timeout_seconds"], platform.vpn.timeout_seconds, MAX_TIMEOUT_SECONDS))
    for keys, value, maximum in bounds:
        least = 0.0 if keys[0] == "limits" else math.ulp(0.0)  # no timeout and no port is zero
        if not (math.isfinite(value) and least <= value <= maximum):
            line = find_key_line(text, keys)
            raise ConfigError(
                f"{path} : clé « {'.'.join(keys)} »"
                + (f", ligne {line}" if line else "")
                + f" : un nombre positif, au plus {maximum:.0f}, est attendu, pas « {value:g} »."
            )


def _check_addresses(platform: Platform, text: str, path: Path) -> None:
    for key, problem in (
        ("ticket_url", find_ticket_url_problem(platform.ticket_url)),
        ("reports_url", find_address_problem(platform.reports_url)),
    ):
        if problem:
            line = find_key_line(text, [key])
            where = f"clé « {key} »" + (f", ligne {line}" if line else "")
            raise ConfigError(f"{path} : {where} : {problem}.")


def _check_working_time(platform: Platform, text: str, path: Path) -> None:
    problem = find_problem(platform.working_time)
    if problem:
        line = find_key_line(text, ["working_time", "openings"])
        where = "clé « working_time.openings »" + (f", ligne {line}" if line else "")
        raise ConfigError(f"{path} : {where} : {problem}.")


def _check_tables(platform: Platform, text: str, path: Path) -> None:
    """ConfigError for the first key that makes no sense with the others of its table."""
    problems = {
        "vpn": find_vpn_problem(platform.vpn) if platform.vpn is not None else None,
        "tracker": find_tracker_problem(platform.tracker) if platform.tracker is not None else None,
    }
    for table, found in problems.items():
        if found is None:
            continue
        key, problem = found
        line = find_key_line(text, [table, key])
        where = f"clé « {table}.{key} »" + (f", ligne {line}" if line else "")
        raise ConfigError(f"{path} : {where} : {problem}.")


def _translate_validation(error: Any) -> str:
    kind, given = error["type"], error.get("input")
    if kind == "missing":
        return "clé obligatoire absente"
    if kind in UNKNOWN_KEY:
        return "clé inconnue"
    if kind in ("enum", "literal_error"):
        return f"valeur « {given} » refusée (attendu : {error['ctx']['expected']})".replace(" or ", " ou ")
    wanted = {
        "int": "un nombre entier",
        "float": "un nombre",
        "string": "un texte",
        "date": "une date (2026-05-15, sans guillemets)",
        "time": "une heure (09:00:00, sans guillemets)",
        "tuple": "une liste",
        "dataclass": "une table",
        "dict": "une table",
    }.get(kind.split("_")[0], "une valeur valide")
    return f"il faut {wanted}, pas « {given} »"


def find_key_line(text: str, keys: list[str]) -> int | None:
    """1-based line of a dotted key in a TOML text; for a missing key, the line of its table."""
    table: list[str] = []
    best: int | None = None
    counters: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*(\[\[?)\s*([\w.\-]+)\s*\]\]?", line)
        if header:
            name = header[2]
            if header[1] == "[[":
                counters[name] = counters.get(name, -1) + 1
            parts = name.split(".")
            table = []
            for depth, part in enumerate(parts, start=1):
                table.append(part)
                prefix = ".".join(parts[:depth])
                if prefix in counters:
                    table.append(str(counters[prefix]))
            if keys[: len(table)] == table:
                best = number
        entry = re.match(r"\s*([\w\-]+)\s*=", line)
        if entry and [*table, entry[1]] == keys[: len(table) + 1]:
            return number
    return best
