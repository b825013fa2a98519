"""« Intégration à jour »: somebody was integrated here, not too long ago, is under contract, has read what is current.

The runbooks that were read are those whose hashes the step O7 keeps, as they were installed when they were
acknowledged. One that has changed since is read again: the step O7 of a newer execution of `integration` counts, ended
or not. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from nonreg.handover.activation import IntegrationLimits
from nonreg.handover.checks import Point
from nonreg.model import Evidence
from nonreg.model.handover import Execution, Outcome
from nonreg.people import People, explain_contract
from nonreg.working_time import PARIS

RUNBOOK, READ_STEP = "integration", "O7"
READ_TITLE = re.compile(r"Runbook « ([a-z0-9-]+) », version .*")
OPEN = "Ouvrez « integration » pour cette personne (`python -m nonreg runbook open integration`)"
READ_AGAIN = (
    "Faites relire ces runbooks : ouvrez « integration » pour cette personne, sa nouvelle étape O7 suffit."
)


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading that was acknowledged; `hashes` are of the runbooks that were read, by their ids, SHA-256."""

    at: datetime
    hashes: Mapping[str, str]


def name_runbook(runbook_id: str, version: str) -> str:
    """The title of a runbook among what was read."""
    return f"Runbook « {runbook_id} », version {version}"


def list_read(evidence: Iterable[Evidence]) -> dict[str, str]:
    """The hash of each runbook among what was read, by its id."""
    found = ((READ_TITLE.fullmatch(one.title), one.sha256) for one in evidence)
    return {title[1]: sha256 for title, sha256 in found if title is not None}


def list_integrations(
    executions: Iterable[Execution], *, subject: str, platform: str, rehearsal: bool
) -> tuple[Execution, ...]:
    """Executions of the integration of somebody on a platform, oldest first; what was played counts in plays only."""
    found = (
        one
        for one in executions
        if (one.runbook.id, one.subject, one.platform) == (RUNBOOK, subject, platform)
        and (rehearsal or not one.rehearsal)
    )
    return tuple(sorted(found, key=lambda one: one.opened_at))


def find_complete(integrations: Iterable[Execution]) -> Execution | None:
    """The last one that went to its end: closed, with each of its steps done."""
    ended = [
        one
        for one in integrations
        if one.closed_at is not None and not one.abandoned and len(one.done) == len(one.runbook.steps)
    ]
    return max(ended, key=lambda one: one.closed_at or one.opened_at, default=None)


def find_reading(integrations: Iterable[Execution]) -> Reading | None:
    """The last reading that was acknowledged, whatever became of its execution."""
    readings = []
    for one in integrations:
        read = one.find(READ_STEP)
        if read is not None and read.outcome is Outcome.DONE:
            readings.append(Reading(read.at, list_read(read.evidence)))
    return max(readings, key=lambda one: one.at, default=None)


def list_points(
    subject: str,
    people: People,
    complete: Execution | None,
    reading: Reading | None,
    now: Mapping[str, str],
    limits: IntegrationLimits,
    at: datetime,
) -> tuple[Point, ...]:
    """Each thing that was looked at; `now` are the hashes of today's runbooks."""
    return (
        check_complete(complete),
        check_age(complete, limits.max_age_days, at),
        check_contract(subject, people, at),
        *(check_runbook(one, reading, now) for one in limits.read),
    )


def check_complete(complete: Execution | None) -> Point:
    """There is one that went to its end."""
    title = "Intégration menée à son terme"
    if complete is None or complete.closed_at is None:
        return Point(title, False, "Aucune sur cette plateforme.", f"{OPEN}, jusqu'à O11.")
    played = " (répétition)" if complete.rehearsal else ""
    return Point(
        title, True, f"{complete.id}{played}, close le {complete.closed_at.astimezone(PARIS):%d/%m/%Y}."
    )


def check_age(complete: Execution | None, max_age_days: int, at: datetime) -> Point:
    """It is not too old."""
    title = f"Intégration de moins de {max_age_days} jours"
    if complete is None or complete.closed_at is None:
        return Point(title, False, "n.d.", f"{OPEN}, jusqu'à O11.")
    age = at - complete.closed_at
    found = f"Close il y a {age.days} jour{'s' if age.days > 1 else ''}."
    if age < timedelta(days=max_age_days):
        return Point(title, True, found)
    return Point(title, False, found, f"{OPEN}, jusqu'à O11 : accès, lectures et campagnes se revoient.")


def check_contract(subject: str, people: People, at: datetime) -> Point:
    """The person may act, and their contract runs."""
    title, person = "Contrat en cours", people.find(subject)
    if person is None or not person.is_valid(at):
        return Point(
            title,
            False,
            f"« {subject} » n'est pas habilité(e) dans {people.file.name}.",
            "Faites valider la personne par la MOA et inscrivez-la, ou mobilisez quelqu'un d'autre.",
        )
    why = explain_contract(person, at.astimezone(PARIS).date())
    if why:
        remedy = "Faites prolonger le contrat et inscrivez sa fin (contract_until), ou mobilisez quelqu'un d'autre."
        return Point(title, False, why, remedy)
    until = person.contract_until
    return Point(title, True, f"Jusqu'au {until:%d/%m/%Y}." if until else "Aucune fin n'est inscrite.")


def check_runbook(runbook_id: str, reading: Reading | None, now: Mapping[str, str]) -> Point:
    """A runbook is the one that was read."""
    title = f"Runbook « {runbook_id} » lu dans sa version actuelle"
    if runbook_id not in now:
        return Point(
            title,
            False,
            "Il n'est pas installé ici.",
            "Remettez le fichier du runbook à sa place, puis relancez.",
        )
    if reading is None:
        return Point(title, False, "Aucune lecture confirmée (étape O7).", READ_AGAIN)
    then = reading.hashes
    read_on = f"lu le {reading.at.astimezone(PARIS):%d/%m/%Y}"
    if runbook_id not in then:
        return Point(title, False, f"Version inconnue de ce qui a été {read_on}.", READ_AGAIN)
    if then[runbook_id] != now[runbook_id]:
        found = (
            f"Il a changé depuis : {read_on}, {then[runbook_id][:8]} alors, {now[runbook_id][:8]} maintenant."
        )
        return Point(title, False, found, READ_AGAIN)
    return Point(title, True, f"Le même que celui qui a été {read_on} ({now[runbook_id][:8]}).")
