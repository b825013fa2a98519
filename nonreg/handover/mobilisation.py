"""Who is mobilised for a profile, and what an urgency must show before anything is opened. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from nonreg.errors import UsageError
from nonreg.handover.activation import Choice, Profile
from nonreg.model.handover import Runbook, Said
from nonreg.people import People, Person, explain_contract
from nonreg.working_time import PARIS

URGENCY = "R61"  # an urgency is a ticket and a call: a runbook that asks for both has a step for it
MOTIVE, ANOMALY, NEEDS, PROFILE = "motif", "anomalie la plus grave", "besoin", "profil"
PROFILES, URGENT, CALL, WHY, FIRST = (
    "profils",
    "urgence",
    "appel passé le",
    "justification",
    "avec l'exécution",
)


def explain_unfit(person: Person, profile: Profile, at: datetime) -> str:
    """Why somebody cannot be mobilised for a profile, in French; empty when they can."""
    if person.role is not profile.role:
        return f"« {person.id} » n'est pas {profile.words} dans le fichier des personnes."
    if not person.is_valid(at):
        return f"« {person.id} » n'est pas habilité(e) à cette date."
    return explain_contract(person, at.astimezone(PARIS).date())


def list_fit(people: People, profile: Profile, at: datetime) -> tuple[Person, ...]:
    """Everybody who can be mobilised for a profile, in the order of the people file."""
    return tuple(person for person in people.persons if not explain_unfit(person, profile, at))


def choose_subject(people: People, profile: Profile, asked: str, at: datetime) -> Person:
    """The person asked for, otherwise the first who can be mobilised; UsageError says why nobody can."""
    if asked:
        person = people.find(asked)
        why = (
            explain_unfit(person, profile, at)
            if person
            else f"La personne « {asked} » n'est pas dans {people.file.name}."
        )
        if person is None or why:
            raise UsageError(f"{profile.words.capitalize()} : {why}")
        return person
    fit = list_fit(people, profile, at)
    if not fit:
        known = [person for person in people.persons if person.role is profile.role]
        why = " ".join(explain_unfit(person, profile, at) for person in known) or "Il n'y en a aucun."
        raise UsageError(f"Personne n'est mobilisable comme {profile.words} dans {people.file.name}. {why}")
    return fit[0]


def require_proof(choice: Choice, runbook: Runbook, ticket: str, called_at: datetime | None) -> None:
    """UsageError for an urgency without its ticket, or without its call where no step of the runbook asks for it."""
    if not choice.urgent:
        return
    if not ticket:
        raise UsageError(
            "Cette activation est urgente : une urgence est un ticket et un appel. Donnez la référence du ticket."
        )
    asks_for_call = any(URGENCY in step.requirement_ids for step in runbook.steps)
    if called_at is None and not asks_for_call:
        raise UsageError(
            "Cette activation est urgente : une urgence est un ticket et un appel. Passez l'appel, puis donnez son "
            f"instant (le runbook « {runbook.id} » ne le demande pas)."
        )


def write_parameters(
    choice: Choice, profile: Profile, called_at: datetime | None, others: Iterable[str] = ()
) -> tuple[Said, ...]:
    """What was chosen and why, as it is kept with the execution of one profile."""
    said = (
        (MOTIVE, choice.reason.words),
        (ANOMALY, choice.anomaly.value),
        (NEEDS, ", ".join(need.words for need in choice.needs)),
        (PROFILE, profile.words),
        (PROFILES, ", ".join(one.words for one in choice.profiles)),
        (URGENT, "oui, par un ticket et un appel" if choice.urgent else "non"),
        (CALL, called_at.astimezone(PARIS).isoformat(timespec="minutes") if called_at else ""),
        (WHY, choice.justification),
        (FIRST, ", ".join(others)),
    )
    return tuple(Said(name, value) for name, value in said if value)
