"""Erasing a person: the id stands in place of the name, wherever nothing sealed it, and in the people file last.

The keys stay under the id, so that old signatures still verify; the ledger, which holds ids alone, gets a line that
says what was asked for. An erasure that was cut is asked for again: nothing is lost, since the name goes last.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from nonreg import baseline, ledger
from nonreg.alerts.outbox import CREATION_LOCK
from nonreg.alerts.outbox import FOLDER as ALERTS
from nonreg.config import Platform
from nonreg.errors import ConfigError, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.files import read_text
from nonreg.ledger import LedgerEntry
from nonreg.model.personal import Fate, Trace
from nonreg.people import PEOPLE, People, Person, load_people
from nonreg.personal.terms import ERASED, Terms
from nonreg.personal.traces import DOCUMENTS, Found
from nonreg.store import write_file

KIND, ERASURE, EXPORT = "donnees-personnelles", "effacement", "export"
WHAT = "L'effacement"
LINES_SHOWN = 5
GONE = ("nda_signed_on", "accounts", "contract_until")


@dataclass(frozen=True, slots=True)
class Place:
    """Whose people, and which runs."""

    platform: Platform
    people: People
    runs_dir: Path

    @property
    def governance(self) -> Path:
        """Where the people file is."""
        return self.people.file.parent


def require_person(people: People, person_id: str) -> Person:
    """The person; UsageError when there is none."""
    person = people.find(person_id)
    if person is None:
        raise UsageError(f"Personne inconnue de {people.file.name} : « {person_id} ».")
    return person


def require_gone(person: Person, now: datetime) -> None:
    """UsageError while somebody may still decide: what they do from now on needs a name to answer for it."""
    if person.valid_until is None or person.valid_until > now:
        raise UsageError(
            f"« {person.id} » est encore habilité : écrivez d'abord sa fin (« valid_until ») dans le fichier des "
            "personnes, et révoquez ses accès."
        )


def rewrite(place: Place, terms: Terms, found: Iterable[Found]) -> tuple[Trace, ...]:
    """Write what may be rewritten without the name; returns what became of each file."""
    done = []
    with ExitStack() as stack:
        for lock in (
            place.governance / baseline.LOCK,
            place.runs_dir / DOCUMENTS / ".verrou",
            place.runs_dir / ALERTS / CREATION_LOCK,
        ):
            if lock.parent.is_dir():
                stack.enter_context(hold_file_lock(lock, WHAT))
        for one in found:
            if one.trace.fate is Fate.REMOVED:
                one.path.unlink(missing_ok=True)
            elif one.trace.fate is Fate.REWRITTEN and one.trace.named and one.path.is_file():
                text = terms.replace(read_text(one.path))
                write_again(one.path, text, place)
                if terms.holds(text):
                    why = explain_left(text, terms)
                    done.append(Trace(one.trace.place, Fate.HAND, True, one.trace.due, why))
                    continue
            done.append(one.trace)
    return tuple(done)


def explain_left(text: str, terms: Terms) -> str:
    """Where a writing stands that may be somebody else's, or that a format holds; and what to do."""
    lines = [number for number, line in enumerate(text.splitlines(), 1) if terms.holds(line)]
    shown = ", ".join(map(str, lines[:LINES_SHOWN])) + (" …" if len(lines) > LINES_SHOWN else "")
    where = f"{'lignes' if len(lines) > 1 else 'ligne'} {shown}" if lines else "à cheval sur plusieurs lignes"
    return f"une écriture inhabituelle du nom ({where}) : si c'est cette personne, mettez l'identifiant à la place"


def write_again(path: Path, text: str, place: Place) -> None:
    """Replace a file by way of one beside the folders: what a kill leaves in a sealed one would be one too many."""
    root = place.runs_dir if path.is_relative_to(place.runs_dir) else place.governance
    draft = root / ".effacement"
    draft.write_text(text, encoding="utf-8", newline="")
    draft.chmod(path.stat().st_mode & 0o777)
    draft.replace(path)


def record(
    place: Place, event: str, person_id: str, ticket: str, traces: Iterable[Trace], at: datetime
) -> None:
    """The line of the ledger: the id, what was asked for, how many files, which sealed ones stay and until when."""
    traces = tuple(traces)
    named = [one for one in traces if one.named]
    sealed = sorted({_name_folder(one.place) for one in named if one.fate is Fate.SEALED})
    data = {
        "event": event,
        "subject": person_id,
        "files": {fate.value: sum(one.fate is fate for one in named) for fate in Fate},
        "sealed": sealed,
    }

    ledger.append(
        place.runs_dir / ledger.FILE,
        kind=KIND,
        platform=place.platform.name,
        person="",
        ticket=ticket,
        data=data,
        at=at,
        people=place.people,
        signed=None,
    )


def is_recorded(entries: Iterable[LedgerEntry], person_id: str, ticket: str) -> bool:
    """True when that erasure has its line already: it was cut before the people file."""
    return any(
        one.kind == KIND
        and one.ticket == ticket
        and (one.data.get("event"), one.data.get("subject")) == (ERASURE, person_id)
        for one in entries
    )


def erase_entry(people: People, terms: Terms, identity_token: str) -> None:
    """Take everything but id, role, keys and validity out of an entry; ConfigError leaves the file as it was."""
    text = read_text(people.file)
    changed = write_without(text, terms)
    draft = people.file.with_name(f".{PEOPLE}.effacement")
    try:
        write_file(draft, changed)
        again = load_people(people.file.parent, identity_token, draft.name)
        person = again.find(terms.person)
        if (
            person is None
            or person.name != ERASED
            or _list_others(again, person) != _list_others(people, person)
        ):
            raise ConfigError(f"{people.file} : l'entrée de « {terms.person} » n'a pas pu être effacée.")
        write_file(people.file, changed)
    finally:
        draft.unlink(missing_ok=True)


def _list_others(people: People, person: Person) -> list[Person | tuple[str, ...]]:
    """What has to be as it was: everybody else, and the keys of the person."""
    return [one.keys if one.id == person.id else one for one in people.persons]


def write_without(text: str, terms: Terms) -> str:
    """The people file with that entry erased, and the person's writings gone from comments."""
    blocks = re.split(r"(?m)^(?=[ \t]*\[\[[ \t]*people[ \t]*\]\])", text)
    own = re.compile(rf"(?m)^\s*id\s*=\s*[\"']{re.escape(terms.person)}[\"']")
    return "".join(_erase_block(one, terms) if own.search(one) else terms.replace(one) for one in blocks)


def _erase_block(block: str, terms: Terms) -> str:
    for key in GONE:
        block = re.sub(rf"(?m)^\s*{key}\s*=\s*(?:\[[^\]]*\]|.*?)[ \t]*(?:#.*)?(?:\n|\Z)", "", block)
    block = re.sub(r"(?m)^(\s*name\s*=\s*).*$", lambda line: f'{line[1]}"{ERASED}"', block)
    return terms.replace(block)


def _name_folder(place: str) -> str:
    """A sealed thing by its folder: files of evidence may be named after anything."""
    parts = place.split("/")
    return "/".join(
        parts[: 2 if parts[0] in ("runbooks", "interventions", "documents", "revues", "purges") else 1]
    )
