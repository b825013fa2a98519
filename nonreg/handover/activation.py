"""Which renforts an activation mobilises, by which runbook, how urgently: a table in data, `flows/activation.toml`.

The first rule that fits decides. Every combination has one, and no rule is idle: the loader refuses any other table.
Source: R20, R28, R41, R46, R56, R61.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from nonreg.config import validate_table
from nonreg.errors import ConfigError, UsageError
from nonreg.files import parse_toml, read_text
from nonreg.handover.runbook_file import ID, RUNBOOKS_DIR
from nonreg.model import Role

TABLE_FILE = RUNBOOKS_DIR.parent / "activation.toml"
STRICT = {"extra": "forbid"}


class Reason(StrEnum):
    """Why a renfort is asked for."""

    PLANNED = "absence-prevue"
    UNPLANNED = "absence-imprevue"
    PEAK = "pointe"
    EXCEPTIONAL = "situation-exceptionnelle"

    @property
    def words(self) -> str:
        """As a sentence says it."""
        return REASON_WORDS[self]


class OpenAnomaly(StrEnum):
    """The worst anomaly that is open, in the words of step A1."""

    BLOQUANTE = "bloquante"
    MAJEURE = "majeure"
    MINEURE = "mineure"
    AUCUNE = "aucune"


class Need(StrEnum):
    """What has to be done."""

    CORRECTION = "correction"
    SCRIPT = "script-ou-base"
    TESTS = "tests"
    DOCUMENTATION = "documentation"
    COORDINATION = "coordination"
    TICKETS = "tickets-et-risques"
    MINUTES = "copil-et-releves"

    @property
    def words(self) -> str:
        """As step A4 of the runbooks writes it."""
        return NEED_WORDS.get(self, self.value)


class Profile(StrEnum):
    """The two profiles of the contract; each has its clock (R28)."""

    TECHNIQUE = "technique"
    PILOTAGE = "pilotage"

    @property
    def role(self) -> Role:
        """Whose profile it is in the people file."""
        return Role(f"renfort_{self.value}")

    @property
    def words(self) -> str:
        """As step A4 of the runbooks writes it."""
        return f"renfort {self.value}"


REASON_WORDS = {
    Reason.PLANNED: "absence prévue du titulaire",
    Reason.UNPLANNED: "absence imprévue du titulaire",
    Reason.PEAK: "pointe d'activité",
    Reason.EXCEPTIONAL: "situation exceptionnelle",
}
NEED_WORDS = {
    Need.SCRIPT: "script ou base",
    Need.TICKETS: "tickets et risques",
    Need.MINUTES: "COPIL et relevés",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the table; a criterion that it does not name takes any value."""

    __pydantic_config__: ClassVar[Any] = STRICT
    profiles: tuple[Profile, ...]
    urgent: bool
    why: str
    reasons: tuple[Reason, ...] = tuple(Reason)
    criticalities: tuple[OpenAnomaly, ...] = tuple(OpenAnomaly)
    needs: tuple[Need, ...] = tuple(Need)

    def fits(self, reason: Reason, anomaly: OpenAnomaly, need: Need) -> bool:
        """True when the rule is for that combination."""
        return reason in self.reasons and anomaly in self.criticalities and need in self.needs


@dataclass(frozen=True, slots=True)
class IntegrationLimits:
    """What an integration must be to count; `read` are the runbooks that its step O7 acknowledges."""

    __pydantic_config__: ClassVar[Any] = STRICT
    max_age_days: int
    read: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BriefingLimits:
    """What goes into the briefing: how far back, how many, what « soon » is."""

    __pydantic_config__: ClassVar[Any] = STRICT
    ticket_days: int
    ticket_events: int
    soon_days: int
    campaigns: int


@dataclass(frozen=True, slots=True)
class ActivationTable:
    """The whole file."""

    __pydantic_config__: ClassVar[Any] = STRICT
    version: str
    runbooks: dict[Reason, str]
    rules: tuple[Rule, ...]
    integration: IntegrationLimits
    briefing: BriefingLimits

    def find_reason(self, runbook_id: str) -> Reason | None:
        """The reason for which a runbook is opened; None for one that is no activation."""
        return next((reason for reason, one in self.runbooks.items() if one == runbook_id), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """What the table says; `justification` is written with the execution."""

    reason: Reason
    anomaly: OpenAnomaly
    needs: tuple[Need, ...]
    profiles: tuple[Profile, ...]
    runbook: str
    urgent: bool
    justification: str = field(compare=False, default="")


def decide(table: ActivationTable, reason: Reason, anomaly: OpenAnomaly, needs: Iterable[Need]) -> Choice:
    """The profiles of every need together; urgent when one of them is."""
    asked = tuple(need for need in Need if need in set(needs))
    if not asked:
        raise UsageError("Une activation demande au moins un besoin.")
    rules = list(dict.fromkeys(find_rule(table.rules, reason, anomaly, need) for need in asked))
    profiles = {profile for rule in rules for profile in rule.profiles}
    found = f"anomalie ouverte la plus grave : {anomaly.value}"
    words = ", ".join(need.words for need in asked)
    justification = " ".join(
        [f"Motif : {reason.words} ; {found} ; besoin : {words}.", *(rule.why for rule in rules)]
    )
    return Choice(
        reason,
        anomaly,
        asked,
        tuple(profile for profile in Profile if profile in profiles),
        table.runbooks[reason],
        any(rule.urgent for rule in rules),
        justification,
    )


def find_rule(rules: tuple[Rule, ...], reason: Reason, anomaly: OpenAnomaly, need: Need) -> Rule:
    """The first rule that fits; ConfigError when none does."""
    for rule in rules:
        if rule.fits(reason, anomaly, need):
            return rule
    raise ConfigError(f"aucune règle pour : {reason.value}, anomalie {anomaly.value}, besoin {need.value}")


def load_table(path: Path = TABLE_FILE) -> ActivationTable:
    """The table of a file; ConfigError names the file and what is wrong."""
    return read_table(read_text(path), path)


def read_table(text: str, path: Path) -> ActivationTable:
    """As `load_table`, from the text of a file."""
    table = validate_table(ActivationTable, parse_toml(text, path), text, path)
    if problem := find_problem(table):
        raise ConfigError(f"{path} : {problem}.")
    return table


def find_problem(table: ActivationTable) -> str:
    """What makes it no table, in French; empty when it is sound."""
    if missing := [reason.value for reason in Reason if reason not in table.runbooks]:
        return f"[runbooks] : aucun runbook pour « {missing[0]} »"
    ids = [*table.runbooks.values(), *table.integration.read]
    if wrong := [one for one in ids if not ID.fullmatch(one)]:
        return f"« {wrong[0]} » n'est pas un identifiant de runbook"
    if len(set(table.runbooks.values())) < len(table.runbooks):
        return "[runbooks] : deux motifs ont le même runbook"
    limits = table.briefing
    counts = (table.integration.max_age_days, limits.ticket_days, limits.ticket_events, limits.soon_days)
    if min(*counts, limits.campaigns) < 1:
        return "les durées et les nombres sont d'au moins 1"
    return find_rule_problem(table.rules)


def find_rule_problem(rules: tuple[Rule, ...]) -> str:
    """The first combination without a rule, or the first rule that is wrong or never used."""
    for number, rule in enumerate(rules, 1):
        if not rule.profiles or len(set(rule.profiles)) < len(rule.profiles):
            return f"règle n° {number} : profiles : un ou deux profils, chacun une fois"
        if not rule.why.strip():
            return f"règle n° {number} : why : une phrase de justification est attendue"
    used = set()
    for reason, anomaly, need in itertools.product(Reason, OpenAnomaly, Need):
        try:
            used.add(id(find_rule(rules, reason, anomaly, need)))
        except ConfigError as error:
            return str(error)
    idle = next((number for number, rule in enumerate(rules, 1) if id(rule) not in used), None)
    return f"règle n° {idle} : elle ne sert jamais, une règle au-dessus convient toujours" if idle else ""
