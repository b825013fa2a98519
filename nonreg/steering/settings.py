"""What a site says of its indicators: `steering.toml` in its governance folder, reviewed in git.

    [severities]                  # a word of the tracker (its priority, otherwise its kind) → how bad it is
    "Immédiat" = "bloquante"      # urgente, bloquante, majeure, mineure
    [kinds]                       # a word of the tracker (its kind) → a type; « anomalie » is the one that is followed
    "Anomalie" = "anomalie"
    [team]
    authors = ["n.titulaire"]     # who answers for the titulaire, as the tracker names them
    [[delays]]                    # without any, those of the contract
    name = "Intervention urgente"
    severities = ["urgente"]
    until = "première réponse"    # or « clôture »
    working_days = 1              # or days, or months
    [forfait]
    days = 15.0
    hours_a_day = 7.0
    since = 2026-01-01            # first day of a contract year, any of them
    activities = ["Forfait"]      # those that count; without any, all hours do
    alert_percent = 80.0
    [copil]
    months = 1                    # how many months one COPIL looks back
    [watch]
    weekly_days = 14              # what is due that soon is at risk
    copil_days = 45
    waiver_days = 30

A word that stands nowhere is « non classé »: it is shown, and never guessed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from nonreg.config import validate_table
from nonreg.errors import ConfigError
from nonreg.files import parse_toml, read_text
from nonreg.model.steering import Severity

FILE = "steering.toml"
STRICT = {"extra": "forbid"}
ANOMALY = "anomalie"
MOST_DAYS, MOST_MONTHS = 366, 12


class Until(StrEnum):
    """What stops the clock of a ticket."""

    ANSWER = "première réponse"
    CLOSING = "clôture"


@dataclass(frozen=True, slots=True)
class DelayRule:
    """A delay of the contract, from the opening of a ticket: one of the three numbers says how long.

    Without `kinds` it holds for tickets of any type.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    severities: tuple[Severity, ...]
    until: Until
    working_days: int = 0
    days: int = 0
    months: int = 0
    kinds: tuple[str, ...] = ()


# DOMAIN §4.2. « Intervention » is a diagnosis really started and a first feedback; which event ends the two working
# days of an anomaly is said nowhere: its closing is the stricter reading.
CONTRACT = (
    DelayRule("Intervention urgente", (Severity.URGENT,), Until.ANSWER, working_days=1),
    DelayRule(
        "Anomalie bloquante ou majeure",
        (Severity.BLOCKING, Severity.MAJOR),
        Until.CLOSING,
        working_days=2,
        kinds=(ANOMALY,),
    ),
    DelayRule("Anomalie mineure", (Severity.MINOR,), Until.CLOSING, months=1, kinds=(ANOMALY,)),
    DelayRule(
        "Qualification",
        (Severity.BLOCKING, Severity.MAJOR, Severity.MINOR, Severity.UNKNOWN),
        Until.ANSWER,
        days=7,
        kinds=(ANOMALY,),
    ),
)


@dataclass(frozen=True, slots=True)
class Team:
    """Who answers for the titulaire, as the tracker names them."""

    __pydantic_config__: ClassVar[Any] = STRICT
    authors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Forfait:
    """The days of support of a contract year; `since` is the first day of any of them, None for the civil year."""

    __pydantic_config__: ClassVar[Any] = STRICT
    days: float = 15.0
    hours_a_day: float = 7.0
    since: date | None = None
    activities: tuple[str, ...] = ()
    alert_percent: float = 80.0


@dataclass(frozen=True, slots=True)
class Copil:
    """How many months one COPIL looks back."""

    __pydantic_config__: ClassVar[Any] = STRICT
    months: int = 1


@dataclass(frozen=True, slots=True)
class Watch:
    """How many days ahead something is at risk."""

    __pydantic_config__: ClassVar[Any] = STRICT
    weekly_days: int = 14
    copil_days: int = 45
    waiver_days: int = 30


@dataclass(frozen=True, slots=True)
class SteeringSettings:
    """The whole file; without one, nothing is classed and the delays are those of the contract."""

    __pydantic_config__: ClassVar[Any] = STRICT
    severities: Mapping[str, Severity] = field(default_factory=dict)
    kinds: Mapping[str, str] = field(default_factory=dict)
    team: Team = Team()
    delays: tuple[DelayRule, ...] = CONTRACT
    forfait: Forfait = Forfait()
    copil: Copil = Copil()
    watch: Watch = Watch()

    def class_severity(self, priority: str, kind: str) -> Severity:
        """How bad a ticket is: by its priority, otherwise by its kind."""
        known = {fold(word): severity for word, severity in self.severities.items()}
        return known.get(fold(priority)) or known.get(fold(kind)) or Severity.UNKNOWN

    def class_kind(self, kind: str) -> str:
        """The type of a ticket."""
        return {fold(word): name for word, name in self.kinds.items()}.get(fold(kind), Severity.UNKNOWN.value)

    def is_of_team(self, author: str) -> bool:
        """True for whoever answers for the titulaire."""
        return fold(author) in {fold(one) for one in self.team.authors}


def fold(word: str) -> str:
    """A word as it is compared: neither its case nor how its accents were typed counts."""
    return " ".join(unicodedata.normalize("NFC", word).casefold().split())


def load_steering(governance: Path) -> SteeringSettings:
    """The settings of a governance folder, the defaults where there is no file; ConfigError names the file and key."""
    path = governance / FILE
    if not path.is_file():
        return SteeringSettings()
    text = read_text(path)
    settings = validate_table(SteeringSettings, parse_toml(text, path), text, path)
    problem = find_problem(settings)
    if problem:
        raise ConfigError(f"{path} : {problem}.")
    return settings


def find_problem(settings: SteeringSettings) -> str:
    """What is wrong with the values, in French; empty when they are sound."""
    if Severity.UNKNOWN in settings.severities.values():
        return f"table [severities] : « {Severity.UNKNOWN} » ne se déclare pas, c'est ce qui n'y figure pas"
    words: tuple[tuple[str, Mapping[str, str]], ...] = (
        ("severities", settings.severities),
        ("kinds", settings.kinds),
    )
    for table, known in words:
        folded = [fold(word) for word in known]
        same = next((word for word in folded if folded.count(word) > 1), None)
        if same is not None:
            return f"table [{table}] : « {same} » y est deux fois, la casse et les espaces ne comptent pas"
    if not all(name.strip() for name in settings.kinds.values()):
        return "table [kinds] : un type vide"
    for rule in settings.delays:
        told = [number for number in (rule.working_days, rule.days, rule.months) if number]
        if len(told) != 1 or not 0 < told[0] <= MOST_DAYS or not rule.name.strip() or not rule.severities:
            return (
                f"délai « {rule.name} » : un nom, des gravités et un seul de working_days, days ou months, positif et "
                f"d'au plus {MOST_DAYS}, sont attendus"
            )
    names = [rule.name for rule in settings.delays]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        return f"deux délais ont le nom « {twice} »"
    forfait = settings.forfait
    if not (0 < forfait.days <= MOST_DAYS and 0 < forfait.hours_a_day <= 24):
        return "table [forfait] : des jours et des heures par jour positifs sont attendus"
    if not 0 < forfait.alert_percent <= 100:
        return "table [forfait] : « alert_percent » va de 1 à 100"
    if not 0 < settings.copil.months <= MOST_MONTHS:
        return f"table [copil] : « months » va de 1 à {MOST_MONTHS}"
    watch = settings.watch
    if not all(0 < days <= MOST_DAYS for days in (watch.weekly_days, watch.copil_days, watch.waiver_days)):
        return f"table [watch] : des nombres de jours de 1 à {MOST_DAYS} sont attendus"
    return ""
