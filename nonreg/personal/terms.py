"""The writings of a person: how a name, an account, a mail or a number may stand in a text. Pure.

A name is found in any order of its words, with initials, behind a civility, without its accents, and as JSON and HTML
write it. A first or a last name alone is not: too many are rivers and places.
"""

from __future__ import annotations

import html
import html.entities
import itertools
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from nonreg.errors import UsageError
from nonreg.people import PARTICLES, holds_name
from nonreg.personal.writings import find_writings, replace_writings

LEAST_CHARACTERS = 4
ERASED = "—"  # the name of somebody who has none any more; exports of evidence write the same
GAP = r"(?:[\s\u00a0\u202f.,_-]|&nbsp;|&#160;|\\u00a0|\\u202f|\\n|\\t){1,3}"
BEFORE, AFTER = r"(?<![^\W_])", r"(?![^\W_])"
CIVILITY = (
    r"(?:MM?|Me|Mr|Mrs|Mmes?|Mlles?|Messieurs|Monsieur|Mesdames|Madame|Mademoiselle|Dr|Docteur|Pr|Professeur)"
)
DIGITS = re.compile(r"\+?[\d\s().\u00a0\u202f-]{8,}")


@dataclass(frozen=True, slots=True)
class Terms:
    """What to look for: the name of the people file (`—` once erased), accounts, mails, numbers, other words."""

    person: str
    name: str
    others: tuple[str, ...] = ()

    def holds(self, text: str) -> bool:
        """True when a text names the person."""
        lowered = text.lower()
        if not any(run in lowered for run in _list_runs(self.name, self.others)):
            return bool(_compile_numbers(self.others).search(text))
        if self.pattern.search(text):
            return True
        return self.name != ERASED and (holds_name(text, self.name) or bool(find_writings(text, self.name)))

    def holds_id(self, text: str) -> bool:
        """True when a text has the person's id."""
        found = self.person in text
        return found and bool(re.search(rf"(?<![a-z0-9-]){re.escape(self.person)}(?![a-z0-9-])", text))

    def replace(self, text: str) -> str:
        """The text with the id in place of the name and of the others."""
        text = self.pattern.sub(self.person, text)
        return text if self.name == ERASED else replace_writings(text, self.name, self.person)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Every writing, the longest first."""
        return _compile(self.name, self.others)


@cache
def _compile(name: str, others: tuple[str, ...]) -> re.Pattern[str]:
    found = [*write_other_forms(others), *(write_name_forms(name) if name != ERASED else ())]
    return re.compile("|".join(found) if found else r"(?!)", re.IGNORECASE)


@cache
def _list_runs(name: str, others: tuple[str, ...]) -> tuple[str, ...]:
    """Letters of which some stand in any text that names the person: most files are passed over by them."""
    names = _list_main_words(name) if name != ERASED else []
    words = [one for one in (*names, *others) if not DIGITS.fullmatch(one)]
    runs = (max(re.findall(r"[a-z0-9]+", one.lower()), key=len, default="") for one in words)
    return tuple(dict.fromkeys(runs))


@cache
def _compile_numbers(others: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(write_other_forms(filter(DIGITS.fullmatch, others))) or r"(?!)")


def make_terms(person: str, name: str, accounts: Iterable[str] = (), others: Iterable[str] = ()) -> Terms:
    """What to look for; UsageError for a word so short that it would be found everywhere."""
    words = tuple(dict.fromkeys(one.strip() for one in (*accounts, *others) if one.strip()))
    short = [one for one in words if len(one) < LEAST_CHARACTERS]
    if short:
        raise UsageError(
            f"« {short[0]} » est trop court pour être cherché : {LEAST_CHARACTERS} caractères au moins."
        )
    # An account that is the id itself names nobody.
    return Terms(person, name, tuple(one for one in words if one.casefold() != person))


def write_name_forms(name: str) -> tuple[str, ...]:
    """Expressions for a name, the longest first."""
    words = [one for one in re.split(r"[\s.,]+", name) if one]
    full = [_write_word(one) for one in words]
    main = _list_main_words(name)
    forms = [GAP.join(full)]
    if len(main) > 1:
        orders = itertools.permutations(main) if len(main) <= 3 else (tuple(main), tuple(reversed(main)))
        forms += [GAP.join(map(_write_word, order)) for order in orders]
        middle = rf"{GAP}[^\W\d_]+\.?{GAP}"
        forms += [middle.join((_write_word(main[0]), _write_word(main[-1])))]
        first, last = main[0], main[-1]
        initial = rf"{_write_word(first[0])}\.?"
        forms += [
            rf"{initial}{GAP}?(?:[^\W\d_]\.{GAP}?)?{_write_word(last)}",
            rf"{_write_word(last)}{GAP}{initial}",
        ]
    forms += [rf"{CIVILITY}\.?{GAP}(?:(?:de|du|des|la|le|les){GAP})*{_write_word(one)}" for one in main]
    return tuple(f"{BEFORE}(?:{form}){AFTER}" for form in forms)


def write_other_forms(others: Iterable[str]) -> tuple[str, ...]:
    """Expressions for accounts, mails, numbers and words, the longest first."""
    found = []
    for one in sorted(others, key=lambda word: (-len(word), word)):
        if DIGITS.fullmatch(one):
            national = _read_national(one)
            gap = r"[\s().\u00a0\u202f/-]{0,3}"
            found.append(
                rf"(?<!\d)(?:\(?(?:\+|00){gap}33{gap}(?:0\)?{gap})?|0){gap.join(('', *national))}(?!\d)"
            )
        else:
            found.append(f"{BEFORE}{_write_word(one)}{AFTER}")
    return tuple(found)


def _list_main_words(name: str) -> list[str]:
    words = [one for one in re.split(r"[\s.,]+", name) if one]
    return [one for one in words if one.casefold() not in PARTICLES] or words


def _read_national(number: str) -> str:
    """The digits of a number after its prefix."""
    return re.sub(r"^(?:00)?33|^0", "", re.sub(r"\D", "", number))


def _write_word(word: str) -> str:
    return "".join(map(_write_character, unicodedata.normalize("NFC", word)))


def _write_character(char: str) -> str:
    """One character: with and without its accent, composed or not, as JSON and HTML write it."""
    plain = "".join(one for one in unicodedata.normalize("NFD", char) if not unicodedata.combining(one))
    forms = {char, char.lower(), char.upper(), unicodedata.normalize("NFD", char), html.escape(char)}
    escaped = set[str]()
    if plain != char:
        forms |= {plain, unicodedata.normalize("NFD", char.upper())}
    if not char.isascii():
        names = [key for key, value in html.entities.html5.items() if value in (char.lower(), char.upper())]
        escaped = {f"&{name}" for name in names if name.endswith(";")}
        for one in (char.lower(), char.upper()):
            escaped |= (
                {f"\\u{ord(one):04x}", f"&#{ord(one)};", f"&#x{ord(one):x};"} if len(one) == 1 else set()
            )
    elif char == "'":
        forms |= {"’", "&#x27;", "&#39;"}
    every = sorted(forms | escaped, key=lambda form: (-len(form), form))
    return f"(?:{'|'.join(map(re.escape, every))})" if len(every) > 1 else re.escape(every[0])
