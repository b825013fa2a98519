"""Writings of a name that an expression does not foresee, and that can be nobody else's: the words tell, not the signs.

All the words of the name, in its order or the last name first, or initials for the first name; whatever the accents,
the case, the hyphens, and the line end between them. What a sign of a format stands in (a quote, a semicolon) is left
to a person: a replaced name must not break the file. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from nonreg.people import PARTICLES, fold

WORD = re.compile(r"(?:[^\W\d_][\u0300-\u036f]*)+")
ELIDED = ("d", "l")
APOSTROPHES = "'’"
MOST_GAP = 60
# Between two words of one name: blanks, hyphens of any kind, one line end with the sign of a comment or a quotation.
GAP = re.compile(
    r"[ \t\u00a0\u202f_.,'’\u2010-\u2015-]*(?:\r?\n[ \t]*(?:[#>*]+[ \t]*)?)?[ \t\u00a0\u202f_.,'’\u2010-\u2015-]*"
)
SENTENCE = re.compile(r"[.!?]\s")


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str
    is_capital: bool


def replace_writings(text: str, name: str, by: str) -> str:
    """The text with something else in place of each of them."""
    found, done = [], 0
    for start, end in find_writings(text, name):
        found += [text[done:start], by]
        done = end
    return "".join(found) + text[done:] if found else text


def find_writings(text: str, name: str) -> list[tuple[int, int]]:
    """Where they stand, from left to right; nothing for a name of one word."""
    first, last = split_name(name)
    if not last:
        return []
    forms = list_forms(first, last)
    tokens = [one for one in _list_tokens(text) if one.word not in PARTICLES]
    found: list[tuple[int, int]] = []
    place = 0
    while place < len(tokens):
        for form in forms:
            window = tokens[place : place + len(form)]
            if _is_form(window, form) and _are_together(text, window, form):
                found.append((window[0].start, window[-1].end))
                place += len(form)
                break
        else:
            place += 1
    return found


def split_name(name: str) -> tuple[list[str], list[str]]:
    """Words of the first name, then of the last, without particles."""
    first, *rest = re.split(r"[\s.,]+", name.strip())
    return _fold_words(first), [word for one in rest for word in _fold_words(one) if word not in PARTICLES]


def list_forms(first: list[str], last: list[str]) -> list[list[str]]:
    """What may stand side by side, the longest first; an initial is one letter, several of them may be glued."""
    initials = [one[0] for one in first]
    ways = [first, initials, *([["".join(initials)]] if len(first) > 1 else []), initials[:1]]
    forms = [form for way in ways for form in ([*way, *last], [*last, *way])]
    return sorted(forms, key=lambda form: (-len(form), -sum(map(len, form))))


def _fold_words(text: str) -> list[str]:
    return [one.word for one in _list_tokens(text)]


def _list_tokens(text: str) -> list[_Token]:
    found = []
    for match in WORD.finditer(text):
        word = fold(match[0])
        if word in ELIDED and text[match.end() : match.end() + 1] in tuple(APOSTROPHES):
            continue
        found.append(_Token(match.start(), match.end(), word, match[0][:1].isupper()))
    return found


def _is_form(window: list[_Token], form: list[str]) -> bool:
    """True for the same words; an initial is a capital."""
    return len(window) == len(form) and all(
        token.word == word and (len(word) > 1 or token.is_capital)
        for token, word in zip(window, form, strict=True)
    )


def _are_together(text: str, window: list[_Token], form: list[str]) -> bool:
    """True when nothing but blanks and hyphens, and particles, stands between them."""
    for before, after, word in zip(window, window[1:], form, strict=False):
        between = text[before.end : after.start]
        if len(between) > MOST_GAP:
            return False
        signs = WORD.sub("", between)
        if not GAP.fullmatch(signs) or (len(word) > 2 and SENTENCE.search(between)):
            return False
    return True
