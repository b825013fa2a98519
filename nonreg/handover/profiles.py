"""What each profile may start: `flows/profiles.toml`, role → deployments, runbooks, commands, and a sentence.

What is not named is refused. The table refuses honest mistakes: open-source Prefect proves no identity, a person is
declared; what engages is signed (nonreg.handover.signing). A delegate of the titulaire, by a reference of the MOA, may
start what the titulaire may. Its `[execution]` table says who stops a clock and who gives an execution up
(nonreg.handover.control).
Source: R11, R26, R27, R28, R34, R35, R58.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from nonreg.config import validate_table
from nonreg.errors import ConfigError, UsageError
from nonreg.files import parse_toml, read_text
from nonreg.handover.runbook_file import RUNBOOKS_DIR, list_runbooks
from nonreg.handover.signing import Delegation, is_delegate
from nonreg.model import Role
from nonreg.people import People, Person

PROFILES_FILE = RUNBOOKS_DIR.parent / "profiles.toml"
DEPLOYMENTS_FILE = RUNBOOKS_DIR.parents[1] / "prefect.yaml"
DEPLOYMENT = re.compile(r"^  - name: ['\"]?([\w-]+)['\"]?\s*(?:#.*)?$", re.MULTILINE)
EVERY = "*"
RENFORTS = (Role.RENFORT_TECHNIQUE, Role.RENFORT_PILOTAGE)
STRICT = {"extra": "forbid"}


class Thing(StrEnum):
    """What is started."""

    DEPLOYMENT = "déploiement"
    RUNBOOK = "runbook"
    COMMAND = "commande"


class Act(StrEnum):
    """What is done to an execution besides its steps."""

    SUSPEND = "suspension"
    RESUME = "reprise"
    GIVE_UP = "abandon"


@dataclass(frozen=True, slots=True)
class Profile:
    """What one role may start; `avis_moa` when it may send or confirm a notice to the MOA."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    scope: str
    deployments: tuple[str, ...]
    runbooks: tuple[str, ...]
    commands: tuple[str, ...]
    avis_moa: bool = False

    def may(self, thing: Thing, name: str) -> bool:
        """True when it is named."""
        named = {
            Thing.DEPLOYMENT: self.deployments,
            Thing.RUNBOOK: self.runbooks,
            Thing.COMMAND: self.commands,
        }[thing]
        return name in named or (thing is Thing.RUNBOOK and EVERY in named)


@dataclass(frozen=True, slots=True)
class Profiles:
    """The whole table."""

    __pydantic_config__: ClassVar[Any] = STRICT
    profiles: dict[Role, Profile]
    execution: dict[Act, tuple[Role, ...]]

    def list_roles(self, thing: Thing, name: str) -> tuple[Role, ...]:
        """The roles that may start it."""
        return tuple(role for role, profile in self.profiles.items() if profile.may(thing, name))


def may_start(role: Role, deployment: str, profiles: Profiles | None = None) -> bool:
    """True when that role may start that deployment."""
    return (profiles or load_profiles()).profiles[role].may(Thing.DEPLOYMENT, deployment)


def may_person(
    profiles: Profiles,
    person: Person,
    thing: Thing,
    name: str,
    at: datetime,
    delegations: Iterable[Delegation] = (),
) -> bool:
    """True when that person may: by the role, or in the titulaire's place."""
    if not person.is_valid(at):
        return False
    roles = profiles.list_roles(thing, name)
    return person.role in roles or (Role.TITULAIRE in roles and is_delegate(person, delegations, at))


def require_may(
    profiles: Profiles,
    people: People,
    person: Person,
    thing: Thing,
    name: str,
    at: datetime,
    delegations: tuple[Delegation, ...] = (),
) -> None:
    """UsageError that names who may, unless that person may."""
    if may_person(profiles, person, thing, name, at, delegations):
        return
    own = profiles.profiles[person.role]
    able = [
        f"{one.id} ({profiles.profiles[one.role].title})"
        for one in people.persons
        if may_person(profiles, one, thing, name, at, delegations)
    ]
    raise UsageError(
        f"« {person.id} » ({own.title}) ne lance pas {'la' if thing is Thing.COMMAND else 'le'} {thing} « {name} » : "
        f"il faut {', '.join(able) or 'quelqu’un d’habilité'}."
    )


def load_profiles(path: Path = PROFILES_FILE, deployments: Iterable[str] | None = None) -> Profiles:
    """The table, checked against the deployments of prefect.yaml and the runbooks; ConfigError says what is wrong."""
    known = list_deployments() if deployments is None else tuple(deployments)
    text = read_text(path)
    found = validate_table(Profiles, parse_toml(text, path), text, path)
    if problem := find_problem(found, known, list_runbooks()):
        raise ConfigError(f"{path} : {problem}.")
    return found


def list_deployments(path: Path = DEPLOYMENTS_FILE) -> tuple[str, ...]:
    """The names of the deployments of prefect.yaml; ConfigError for a file in which none is found."""
    found = tuple(DEPLOYMENT.findall(read_text(path)))
    if not found:
        raise ConfigError(f"{path} : aucun déploiement trouvé.")
    return found


def find_problem(table: Profiles, deployments: Iterable[str], runbooks: Iterable[str]) -> str:
    """What makes the table unsound, in French; empty when it is sound."""
    known = {Thing.DEPLOYMENT: set(deployments), Thing.RUNBOOK: {*runbooks, EVERY}}
    if missing := [role for role in Role if role not in table.profiles]:
        return f"profil « {missing[0]} » absent"
    for role, profile in table.profiles.items():
        for thing, names in ((Thing.DEPLOYMENT, profile.deployments), (Thing.RUNBOOK, profile.runbooks)):
            if unknown := [name for name in names if name not in known[thing]]:
                return f"profil « {role} » : {thing} inconnu : « {unknown[0]} »"
        if role in RENFORTS and profile.avis_moa:
            return f"profil « {role} » : avis_moa : un renfort n'écrit pas à la MOA"
        if role is not Role.TITULAIRE and EVERY in profile.runbooks:
            return f"profil « {role} » : « {EVERY} » n'est que pour le titulaire"
        if not profile.scope.strip() or not profile.title.strip():
            return f"profil « {role} » : title et scope ne sont pas vides"
    if problem := find_act_problem(table):
        return f"[execution] : {problem}"
    own = table.profiles[Role.TITULAIRE].deployments
    if unnamed := [name for name in deployments if name not in own]:
        return f"déploiement « {unnamed[0]} » : prefect.yaml le déclare, le titulaire au moins doit pouvoir le lancer"
    return ""


def find_act_problem(table: Profiles) -> str:
    """Why somebody could stop the clock of their own delay, or nobody any clock; empty when it is sound (R28)."""
    for act in Act:
        if act not in table.execution:
            return f"« {act} » absent"
        roles = table.execution[act]
        if not roles:
            return f"« {act} » : personne n'y est"
        if any(role in RENFORTS for role in roles):
            return f"« {act} » : un renfort n'y est pas, c'est sa mise en capacité que mesure l'horloge"
    if Role.TITULAIRE in table.execution[Act.SUSPEND]:
        return (
            f"« {Act.SUSPEND} » : le titulaire s'est engagé sur ce délai, il n'arrête pas sa propre horloge"
        )
    return ""
