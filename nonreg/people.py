"""Who may decide on a platform: the people file, `people.toml` in its governance folder, reviewed in git.

    reserved_for = "<identity token>"   # optional: these people exist on that platform only
    [[people]]
    id = "titulaire-1"                  # what enters the ledger; the name never does
    name = "…"
    role = "titulaire"
    keys = ["ssh-ed25519 AAAA…"]        # SSH public keys, each of one person only
    valid_until = 2027-01-01T00:00:00+01:00     # optional, with a zone; also valid_from
    contract_until = 2027-12-31         # optional: last day of the contract
    nda_signed_on = 2026-01-05          # optional: day on which confidentiality was promised in writing
    accounts = ["p-nom", …]             # optional: accounts on hosts and databases that are this person's alone
    former_keys = [{ key = "ssh-ed25519 AAAA…", until = 2026-09-01T00:00:00+02:00 }]    # optional: replaced since
    former_roles = [{ role = "renfort_technique", until = 2026-09-01T00:00:00+02:00 }]  # optional, oldest first

A key that was replaced and a role that changed stay with their end, never removed: what was signed before it still
verifies as at its time, and nothing since.

A key that any shipped people file reserves for another platform is refused, even copied into a site's file.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from nonreg.clients.sshsig import normalise_public_key
from nonreg.errors import ConfigError, UsageError
from nonreg.files import read_toml
from nonreg.model import Role

GOVERNANCE_DIR = Path(__file__).parent / "governance"
PEOPLE = "people.toml"
ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
MAX_ID_CHARACTERS = 32
REQUIRED, VALIDITY = ("id", "name", "role", "keys"), ("valid_from", "valid_until")
DAYS = ("contract_until", "nda_signed_on")
FORMER_KEYS, FORMER_ROLES = "former_keys", "former_roles"
OPTIONAL = (*VALIDITY, *DAYS, "accounts", FORMER_KEYS, FORMER_ROLES)
PARTICLES = {"de", "du", "des", "la", "le", "les"}
# A civility and the word after it, past particles. `m` alone is metres, `mm` millimetres, `me` a pronoun.
CIVILITY = re.compile(
    r"(?<![\w'’])(?:MM?|Me|(?i:mr|mrs|mmes?|mlles?|messieurs|monsieur|mesdames|madame|mademoiselle|dr|docteur"
    r"|pr|professeur))\b(?!['’])[.\s]+(?:(?i:de|du|des|la|le|les)\s+)*((?i:[dl]['’]\s*)?[^\W_]+)"
)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may decide; `keys` are `type base64`, validity is from (included) to (excluded).

    `contract_until` is the last day of the contract, `accounts` are those on hosts and databases. Former keys and
    roles are with the instant from which on they are none any more; roles in the order of time.
    """

    id: str
    name: str
    role: Role
    keys: tuple[str, ...]
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    contract_until: date | None = None
    nda_signed_on: date | None = None
    accounts: tuple[str, ...] = ()
    former_keys: tuple[tuple[str, datetime], ...] = ()
    former_roles: tuple[tuple[Role, datetime], ...] = ()

    def holds(self, public_key: str, at: datetime) -> bool:
        """True for a key of the person at that instant."""
        until = dict(self.former_keys).get(public_key)
        return public_key in self.keys or (until is not None and at < until)

    def find_role(self, at: datetime) -> Role:
        """The role at that instant."""
        return next((role for role, until in self.former_roles if at < until), self.role)

    def list_keys(self) -> tuple[str, ...]:
        """Every key that is or was the person's."""
        return (*self.keys, *(key for key, _ in self.former_keys))

    def is_valid(self, at: datetime) -> bool:
        """False before `valid_from`, and from `valid_until` on."""
        return (self.valid_from is None or self.valid_from <= at) and (
            self.valid_until is None or at < self.valid_until
        )


@dataclass(frozen=True, slots=True)
class People:
    """The people of one platform, in the order of their file."""

    file: Path
    persons: tuple[Person, ...]

    def find(self, person_id: str) -> Person | None:
        """The person of that id, None when there is none."""
        return next((person for person in self.persons if person.id == person_id), None)

    def find_owner(self, public_key: str) -> Person | None:
        """Whose key it is or was, None when it is nobody's."""
        return next((person for person in self.persons if public_key in person.list_keys()), None)

    def find_name_in(self, text: str) -> Person | None:
        """Somebody whose name stands in the text, None when nobody's does."""
        return next((person for person in self.persons if holds_name(text, person.name)), None)


def simplify_account(account: str) -> str:
    """The account's own name, without its domain, in lower case: `DOM\\Admin` and `admin@dom` are `admin`."""
    return account.rpartition("\\")[2].partition("@")[0].strip().casefold()


def explain_contract(person: Person, day: date) -> str:
    """Why somebody is no longer under contract on that day; empty until its last day, or when no end is written."""
    if person.contract_until is None or day <= person.contract_until:
        return ""
    return f"Le contrat de « {person.id} » a pris fin le {person.contract_until:%d/%m/%Y}."


def load_people(folder: Path, identity_token: str, name: str = PEOPLE) -> People:
    """Read and check `people.toml` of a governance folder, for the platform that has this identity token.

    `name` is that of a copy.
    Raises ConfigError: unreadable file, wrong entry, shared key, or identities reserved for another platform.
    """
    file = folder / name
    data = read_toml(file)
    unknown = sorted(data.keys() - {"reserved_for", "people"})
    if unknown:
        raise ConfigError(f"{file} : clé « {unknown[0]} » inconnue.")
    reserved_for = data.get("reserved_for", identity_token)
    if reserved_for != identity_token:
        raise ConfigError(
            f"{file} : clé « reserved_for » : ces identités sont réservées à une autre plateforme, "
            "elles sont refusées ici."
        )
    persons = _read_persons(data, file)
    _check_unique(persons, file)
    reserved = find_reserved_keys()
    for person in persons:
        for number, key in enumerate(person.list_keys(), 1):
            if reserved.get(key, identity_token) != identity_token:
                raise ConfigError(
                    f"{file} : personne « {person.id} », clé « keys » n° {number} : cette clé SSH est "
                    "réservée à une autre plateforme, elle est refusée ici."
                )
    return People(file, persons)


def find_reserved_keys(folder: Path = GOVERNANCE_DIR) -> dict[str, str]:
    """SSH keys of every shipped people file that is reserved, with the identity token it is reserved for.

    ConfigError when one of them is not sound: its keys could no longer be refused.
    """
    reserved: dict[str, str] = {}
    for file in sorted(folder.glob(f"*/{PEOPLE}")):
        data = read_toml(file)
        if "reserved_for" in data:
            keys = [key for person in _read_persons(data, file) for key in person.list_keys()]
            reserved |= dict.fromkeys(keys, str(data["reserved_for"]))
    return reserved


def holds_name(text: str, name: str) -> bool:
    """True when a text holds a name: its words side by side in any order, initials, or `Mme` and one of them.

    Accents, case and punctuation do not matter, particles (`de`, `la`…) do not count, and a middle word may
    stand between the others. A first or a last name alone is not noticed: too many are also rivers and places.
    A name of one word is noticed at each of its occurrences: there is nothing else to know it by.
    """
    words, parts = _split_words(text), _split_words(name)
    own = [part for part in parts if part not in PARTICLES]
    if any(word in own for word in _list_addressed(text)):
        return True
    if len(own) > 1:  # otherwise the particle is what tells « Yann Le Du » from every other Yann
        words, parts = [word for word in words if word not in PARTICLES], own
    return any(_starts_with_name(words[start:], parts) for start in range(len(words)))


def _list_addressed(text: str) -> list[str]:
    """The word that follows each civility, particles apart; initials are none."""
    found = (_split_words(match[1]) for match in CIVILITY.finditer(text))
    return [words[0] for words in found if words and len(words[0]) > 1]


def _starts_with_name(words: list[str], parts: list[str]) -> bool:
    """True when the words begin with the parts of a name, in any order, or with them around a middle word."""
    count = len(parts)
    if len(words) >= count and _is_name(words[:count], parts):
        return True
    if count < 2 or len(words) <= count:
        return False
    for place in range(1, count):
        middle, around = words[place], words[:place] + words[place + 1 : count + 1]
        # « O. M. Rivelune » and « Ondine Marie Rivelune », not « o plus Rivelune ».
        alike = middle.isalpha() and (len(middle) == 1 or all(len(word) > 1 for word in around))
        if alike and _is_name(around, parts):
            return True
    return False


def _is_name(window: list[str], parts: list[str]) -> bool:
    left = list(parts)
    whole = False
    for word in sorted(window, key=len, reverse=True):
        found = next((part for part in left if word == part), None)
        whole = whole or len(word) > 1
        found = found or next((part for part in left if len(word) == 1 and part.startswith(word)), None)
        if found is None:
            return False
        left.remove(found)
    return whole


def _split_words(text: str) -> list[str]:
    """Words without accents, case, punctuation and elided particles (`d'`, `l'`)."""
    return re.findall(r"[^\W_]+", re.sub(r"(?<!\w)[dl]['’]", " ", fold(text)))


def fold(text: str) -> str:
    """A text without accents, ligatures and case, as names are compared."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(char for char in plain if not unicodedata.combining(char))
    return letters.replace("œ", "oe").replace("æ", "ae")


def _read_persons(data: dict[str, Any], file: Path) -> tuple[Person, ...]:
    entries = data.get("people")
    if not isinstance(entries, list) or not entries:
        raise ConfigError(f"{file} : clé « people » : il faut au moins une personne dans [[people]].")
    return tuple(
        _read_person(entry, f"{file} : [[people]] n° {number}") for number, entry in enumerate(entries, 1)
    )


def _read_person(entry: Any, where: str) -> Person:
    if not isinstance(entry, dict):
        raise ConfigError(f"{where} : une table est attendue.")
    if isinstance(entry.get("id"), str):
        where += f" (« {entry['id']} »)"
    unknown = sorted(entry.keys() - {*REQUIRED, *OPTIONAL})
    absent = [key for key in REQUIRED if key not in entry]
    if unknown or absent:
        key, why = (unknown[0], "inconnue") if unknown else (absent[0], "obligatoire absente")
        raise ConfigError(f"{where} : clé « {key} » {why}.")
    for key in ("id", "name", "role"):
        if not isinstance(entry[key], str) or not entry[key].strip():
            raise ConfigError(f"{where} : clé « {key} » : un texte non vide est attendu.")
    former_keys = tuple(
        (_read_keys([value], where, FORMER_KEYS)[0], until)
        for value, until in _read_former(entry, FORMER_KEYS, "key", where)
    )
    former_roles = tuple(
        (_read_role(value, where), until) for value, until in _read_former(entry, FORMER_ROLES, "role", where)
    )
    if list(former_roles) != sorted(former_roles, key=lambda one: one[1]):
        raise ConfigError(f"{where} : clé « {FORMER_ROLES} » : le plus ancien rôle s'écrit en premier.")
    name = " ".join(unicodedata.normalize("NFC", entry["name"]).split())
    return Person(
        _check_id(entry["id"], name, where),
        name,
        _read_role(entry["role"], where),
        _read_keys(entry["keys"], where),
        *_read_validity(entry, where),
        _read_day(entry, "contract_until", where),
        _read_day(entry, "nda_signed_on", where),
        _read_accounts(entry.get("accounts", []), where),
        former_keys,
        former_roles,
    )


def _read_former(entry: dict[str, Any], name: str, what: str, where: str) -> list[tuple[str, datetime]]:
    """Values with their end."""
    values = entry.get(name, [])
    found = []
    for number, one in enumerate(values if isinstance(values, list) else [None], 1):
        if not isinstance(one, dict) or set(one) != {what, "until"} or not isinstance(one[what], str):
            raise ConfigError(
                f'{where} : clé « {name} » n° {number} : {{ {what} = "…", until = … }} est attendu.'
            )
        if not isinstance(one["until"], datetime) or one["until"].tzinfo is None:
            raise ConfigError(
                f"{where} : clé « {name} » n° {number}, « until » : une date et une heure avec fuseau sont attendues."
            )
        found.append((one[what], one["until"]))
    return found


def _check_id(person_id: str, name: str, where: str) -> str:
    if not ID.fullmatch(person_id) or len(person_id) > MAX_ID_CHARACTERS:
        raise ConfigError(
            f"{where} : clé « id » : minuscules, chiffres et tirets sont attendus, "
            f"{MAX_ID_CHARACTERS} caractères au plus."
        )
    if {word for word in _split_words(name) if len(word) > 2} & set(_split_words(person_id)):
        raise ConfigError(
            f"{where} : clé « id » : l'identifiant entre dans le registre, le nom n'y entre pas."
        )
    return person_id


def _read_role(value: str, where: str) -> Role:
    if value not in list(Role):
        raise ConfigError(f"{where} : clé « role » : « {value} » est inconnu (attendu : {', '.join(Role)}).")
    return Role(value)


def _read_keys(values: Any, where: str, name: str = "keys") -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{where} : clé « {name} » : une liste de clés publiques SSH est attendue.")
    keys = []
    for number, value in enumerate(values, 1):
        try:
            keys.append(normalise_public_key(value))
        except UsageError as error:
            raise ConfigError(f"{where} : clé « {name} » n° {number} : {error}.") from error
    return tuple(keys)


def _read_validity(entry: dict[str, Any], where: str) -> tuple[datetime | None, datetime | None]:
    for key in VALIDITY:
        value = entry.get(key)
        if value is not None and (not isinstance(value, datetime) or value.tzinfo is None):
            raise ConfigError(
                f"{where} : clé « {key} » : une date et une heure avec fuseau sont attendues, "
                "par exemple 2027-01-01T00:00:00+01:00."
            )
    start, end = entry.get("valid_from"), entry.get("valid_until")
    if start is not None and end is not None and end <= start:
        raise ConfigError(f"{where} : clé « valid_until » : la fin doit suivre le début (« valid_from »).")
    return start, end


def _read_day(entry: dict[str, Any], key: str, where: str) -> date | None:
    value = entry.get(key)
    if value is None:
        return None
    if not isinstance(value, date) or isinstance(value, datetime):  # an instant is a date too
        raise ConfigError(
            f"{where} : clé « {key} » : une date sans heure est attendue, par exemple 2027-12-31."
        )
    return value


def _read_accounts(values: Any, where: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) and value.strip() for value in values):
        raise ConfigError(f"{where} : clé « accounts » : une liste de noms de comptes est attendue.")
    return tuple(unicodedata.normalize("NFC", value.strip()) for value in values)


def _check_unique(persons: tuple[Person, ...], file: Path) -> None:
    owners: dict[str, str] = {}
    seen: set[str] = set()
    for person in persons:
        if person.id in seen:
            raise ConfigError(
                f"{file} : personne « {person.id} » : clé « id » : deux personnes ont celui-ci."
            )
        seen.add(person.id)
        for number, key in enumerate(person.list_keys(), 1):
            if key in owners:
                raise ConfigError(
                    f"{file} : personne « {person.id} », clé « keys » n° {number} : cette clé SSH est déjà "
                    f"celle de « {owners[key]} »."
                )
            owners[key] = person.id
