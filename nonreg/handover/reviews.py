"""When somebody last read each runbook again, and for which version of the application: `reviews.toml`.

    [[reviews]]
    runbook = "deploiement"
    version = "1.0"                     # of the runbook that was read
    application_version = "5.2.0"       # for which it was found true
    reviewed_on = 2026-11-30
    person = "titulaire-1"              # an id, never a name

It lies in the governance folder of a platform, reviewed in git; of several reviews of a runbook the last one counts.
Source: R10, R51.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from nonreg.errors import ConfigError
from nonreg.files import read_toml
from nonreg.people import People

FILE = "reviews.toml"
TEXTS, DAY = ("runbook", "version", "application_version", "person"), "reviewed_on"


@dataclass(frozen=True, slots=True)
class Review:
    """Somebody read a runbook in a version, and found it true for a version of the application."""

    runbook: str
    version: str
    application_version: str
    reviewed_on: date
    person: str


def load_reviews(
    governance: Path, people: People, runbooks: Iterable[str], today: date
) -> tuple[Review, ...]:
    """The reviews of a governance folder, none without a file; ConfigError for the first that is not sound."""
    path, known = governance / FILE, frozenset(runbooks)
    if not path.is_file():
        return ()
    data = read_toml(path)
    entries = data.get("reviews", [])
    if data.keys() - {"reviews"} or not isinstance(entries, list):
        raise ConfigError(f"{path} : seules des tables [[reviews]] sont attendues.")
    found: list[Review] = []
    for number, entry in enumerate(entries, 1):
        where = f"{path}, relecture n° {number}"
        review = _read_entry(entry, where)
        if review.runbook not in known:
            raise ConfigError(f"{where} : runbook inconnu : « {review.runbook} ».")
        if people.find(review.person) is None:
            raise ConfigError(f"{where} : la personne « {review.person} » n'est pas dans {people.file.name}.")
        if review.reviewed_on > today:
            raise ConfigError(f"{where} : « {DAY} » est dans l'avenir.")
        if any((one.runbook, one.reviewed_on) == (review.runbook, review.reviewed_on) for one in found):
            raise ConfigError(
                f"{where} : « {review.runbook} » a déjà une relecture du {review.reviewed_on:%d/%m/%Y}."
            )
        found.append(review)
    return tuple(found)


def find_last_review(reviews: Iterable[Review], runbook: str) -> Review | None:
    """The last review of a runbook; None when nobody ever read it again."""
    own = [one for one in reviews if one.runbook == runbook]
    return max(own, key=lambda one: one.reviewed_on, default=None)


def _read_entry(entry: Any, where: str) -> Review:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} : une table est attendue.")
    unknown = sorted(entry.keys() - {*TEXTS, DAY})
    if unknown:
        raise ConfigError(f"{where} : clé inconnue « {unknown[0]} ».")
    for key in TEXTS:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            raise ConfigError(f"{where} : clé « {key} » absente ou vide.")
    day = entry.get(DAY)
    if not isinstance(day, date) or isinstance(day, datetime):
        raise ConfigError(f"{where} : « {DAY} » doit être un jour, 2026-11-30, sans heure ni guillemets.")
    return Review(entry["runbook"], entry["version"], entry["application_version"], day, entry["person"])
