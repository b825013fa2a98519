"""Who may stop the clock of an execution, let it run again, or give the execution up. Pure.

« 48h ouvrées » is what the titulaire owes the MOA: whoever's delay it measures does not stop it, and the person whom
the runbook is about decides nothing of it, by whatever role or delegation. The table is `[execution]` of
`flows/profiles.toml`. Source: DOMAIN §4, R28, R58.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from nonreg.errors import UsageError
from nonreg.handover.profiles import Act, Profiles
from nonreg.handover.signing import Delegation, is_delegate
from nonreg.model import Role
from nonreg.model.handover import Execution
from nonreg.people import People, Person

DOES_NOT = {
    Act.SUSPEND: "ne suspend pas l'horloge",
    Act.RESUME: "ne fait pas repartir l'horloge",
    Act.GIVE_UP: "n'abandonne pas l'exécution",
}
SAY_WHO = {
    Act.SUSPEND: "Dites qui suspend l'horloge",
    Act.RESUME: "Dites qui fait repartir l'horloge",
    Act.GIVE_UP: "Dites qui abandonne l'exécution",
}


@dataclass(frozen=True, slots=True)
class GivingUp:
    """An execution that somebody gives up, and why; neither is checked yet."""

    person: str
    reason: str


def list_who_may_act(
    profiles: Profiles,
    people: People,
    execution: Execution,
    act: Act,
    at: datetime,
    delegations: tuple[Delegation, ...] = (),
) -> tuple[Person, ...]:
    """Those of the table who are entitled then, and delegates of the titulaire; never the subject."""
    roles = profiles.execution[act]
    return tuple(
        person
        for person in people.persons
        if person.is_valid(at)
        and person.id != execution.subject
        and (person.role in roles or (Role.TITULAIRE in roles and is_delegate(person, delegations, at)))
    )


def require_act(
    profiles: Profiles,
    people: People,
    execution: Execution,
    person_id: str,
    act: Act,
    at: datetime,
    delegations: tuple[Delegation, ...] = (),
) -> None:
    """UsageError that names who may, unless that person, known and entitled then, may."""
    if not person_id:
        raise UsageError(f"{SAY_WHO[act]} : l'identifiant d'une personne de {people.file.name}.")
    allowed = list_who_may_act(profiles, people, execution, act, at, delegations)
    if person_id in {one.id for one in allowed}:
        return
    person = people.find(person_id)
    if person is None or not person.is_valid(at):
        raise UsageError(f"La personne « {person_id} » n'est pas habilitée dans {people.file.name}.")
    able = [f"{one.id} ({profiles.profiles[one.role].title})" for one in allowed]
    own = ", la personne concernée" if person_id == execution.subject else ""
    raise UsageError(
        f"« {person_id} » ({profiles.profiles[person.role].title}{own}) {DOES_NOT[act]} : "
        f"il faut {', '.join(able) or 'quelqu’un d’habilité'}."
    )
