"""Where alerts go and what is watched: the TOML file that NONREG_ALERTS names (docs/alertes.md shows one).

Secrets never stand in it: it names environment variables, read at the last moment.
"""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, Literal

from nonreg.alerts.deadlines import check_thresholds
from nonreg.alerts.facts import Kind
from nonreg.alerts.nights import Nightly, parse_cron
from nonreg.config import MAX_PORT, Secret, validate_table
from nonreg.errors import ConfigError
from nonreg.files import parse_toml, read_text

VARIABLE = "NONREG_ALERTS"
STRICT = {"extra": "forbid"}
ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
HOST = re.compile(r"[A-Za-z0-9.:-]{1,253}")
LOOPBACK = ("127.0.0.1", "localhost", "::1")
ALL_KINDS = tuple(Kind)
MAX_SECONDS = 86_400.0 * 30


@dataclass(frozen=True, slots=True)
class MailSettings:
    """An SMTP server and who is written to; without `user` nobody logs in."""

    __pydantic_config__: ClassVar[Any] = STRICT
    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    security: Literal["starttls", "tls", "aucune"] = "starttls"
    user: str = ""
    password_env: str = ""
    ca_file: str = ""
    timeout_seconds: float = 20.0
    kinds: tuple[Kind, ...] = ALL_KINDS


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """An address that takes JSON; `{secret}` in it stands for the value of `secret_env`.

    With `signature_env` the body is signed (HMAC-SHA256).
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    url: str = field(repr=False)
    secret_env: str = ""
    signature_env: str = ""
    timeout_seconds: float = 20.0
    kinds: tuple[Kind, ...] = ALL_KINDS


@dataclass(frozen=True, slots=True)
class NightlySettings:
    """A campaign that must have run: the cron is the one of its deployment, at the time of Paris."""

    __pydantic_config__: ClassVar[Any] = STRICT
    platform: str
    cron: str
    deployment: str = "nuit"
    tolerance_minutes: float = 180.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """How many workers a pool must have, and how long silence is normal."""

    __pydantic_config__: ClassVar[Any] = STRICT
    pool: str = "aquareel"
    workers: int = 1
    worker_silence_seconds: float = 120.0
    server_silence_seconds: float = 300.0


@dataclass(frozen=True, slots=True)
class AlertSettings:
    """Everything that the alerts need to know; `verdicts` are the deployments whose KO and INCOMPLET are told.

    `governance` are folders with deadlines and waivers; `platforms` are those whose handover is watched, by name or
    file; relative paths start from the file's own folder.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    mail: MailSettings | None = None
    webhook: WebhookSettings | None = None
    verdicts: tuple[str, ...] = ("nuit",)
    nightlies: tuple[NightlySettings, ...] = ()
    server: ServerSettings | None = None
    governance: tuple[str, ...] = ()
    runs_dir: str = "runs"
    thresholds_hours: tuple[float, ...] = (72.0, 24.0)
    undelivered_after_minutes: float = 60.0
    platforms: tuple[str, ...] = ()
    follow_up_days: float = 8.0  # a week, and a day for whoever was late
    base_dir: Path = field(default=Path())

    def nights(self) -> tuple[Nightly, ...]:
        """The planned campaigns."""
        return tuple(
            Nightly(
                one.platform,
                one.deployment,
                parse_cron(one.cron),
                timedelta(minutes=one.tolerance_minutes),
            )
            for one in self.nightlies
        )

    def folder(self) -> Path:
        """The runs' folder."""
        return self.base_dir / self.runs_dir


def find_settings(path: str = "") -> AlertSettings | None:
    """The settings of that file, or of the one that NONREG_ALERTS names; None when there is neither."""
    named = path or os.environ.get(VARIABLE, "")
    return load_settings(Path(named)) if named else None


def load_settings(path: Path) -> AlertSettings:
    """Read and check a settings file; ConfigError names the file and the key."""
    text = read_text(path)
    data = parse_toml(text, path)
    if "base_dir" in data:
        raise ConfigError(f"{path} : clé « base_dir » : clé inconnue.")
    settings = replace(validate_table(AlertSettings, data, text, path), base_dir=path.resolve().parent)
    if settings.mail is not None and settings.mail.ca_file:
        ca_file = settings.base_dir / settings.mail.ca_file
        settings = replace(settings, mail=replace(settings.mail, ca_file=str(ca_file)))
    if settings.mail is None and settings.webhook is None:
        raise ConfigError(f"{path} : aucun canal : il faut une table [mail], [webhook] ou les deux.")
    check_thresholds(settings.thresholds_hours, str(path))
    _check_numbers(settings, path)
    if settings.mail is not None:
        _check_mail(settings.mail, path)
    if settings.webhook is not None:
        _check_webhook(settings.webhook, path)
    try:
        settings.nights()
    except ConfigError as error:
        raise ConfigError(f"{path} : clé « nightlies.cron » : {error}.") from error
    return settings


def read_secret(variable: str) -> Secret:
    """A secret by its variable's name; ConfigError when it has no value."""
    value = os.environ.get(variable, "")
    if not value:
        raise ConfigError(
            f"Le secret {variable} est absent : définissez la variable d'environnement {variable}."
        )
    return Secret(value)


def _check_mail(mail: MailSettings, path: Path) -> None:
    if not HOST.fullmatch(mail.host):
        raise ConfigError(f"{path} : clé « mail.host » : un nom de machine est attendu.")
    if not 0 < mail.port <= MAX_PORT:
        raise ConfigError(f"{path} : clé « mail.port » : un port de 1 à {MAX_PORT} est attendu.")
    for key, address in (("sender", mail.sender), *(("recipients", one) for one in mail.recipients)):
        if not ADDRESS.fullmatch(address):
            raise ConfigError(f"{path} : clé « mail.{key} » : une adresse de courriel simple est attendue.")
    if not mail.recipients:
        raise ConfigError(f"{path} : clé « mail.recipients » : il faut au moins un destinataire.")
    if bool(mail.user) != bool(mail.password_env):
        raise ConfigError(f"{path} : table [mail] : « user » et « password_env » vont ensemble.")
    if mail.user and mail.security == "aucune":
        raise ConfigError(
            f"{path} : clé « mail.security » : un mot de passe ne part pas en clair (starttls ou tls)."
        )


def _check_webhook(webhook: WebhookSettings, path: Path) -> None:
    found = re.fullmatch(r"(https?)://(\[[0-9A-Fa-f:]+\]|[^\s/:?#@]+)(:\d+)?(/\S*)?", webhook.url)
    if not found:
        raise ConfigError(f"{path} : clé « webhook.url » : une adresse https://machine/chemin est attendue.")
    if found[1] == "http" and found[2].strip("[]") not in LOOPBACK:
        raise ConfigError(
            f"{path} : clé « webhook.url » : https est obligatoire hors de la machine elle-même."
        )
    if ("{secret}" in webhook.url) != bool(webhook.secret_env):
        raise ConfigError(
            f"{path} : table [webhook] : « {{secret}} » dans l'adresse et « secret_env » vont ensemble."
        )


def _check_numbers(settings: AlertSettings, path: Path) -> None:
    bounds = [("undelivered_after_minutes", settings.undelivered_after_minutes * 60)]
    bounds += [("follow_up_days", settings.follow_up_days * 86_400)]
    bounds += [("nightlies.tolerance_minutes", one.tolerance_minutes * 60) for one in settings.nightlies]
    channels = {"mail": settings.mail, "webhook": settings.webhook}
    bounds += [(f"{name}.timeout_seconds", one.timeout_seconds) for name, one in channels.items() if one]
    if settings.server is not None:
        bounds += [
            ("server.workers", float(settings.server.workers)),
            ("server.worker_silence_seconds", settings.server.worker_silence_seconds),
            ("server.server_silence_seconds", settings.server.server_silence_seconds),
        ]
    for key, seconds in bounds:
        if not (math.isfinite(seconds) and 0 < seconds <= MAX_SECONDS):
            raise ConfigError(f"{path} : clé « {key} » : un nombre positif et raisonnable est attendu.")
