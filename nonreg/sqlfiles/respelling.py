"""T-SQL that the parser does not know, said in words that it does and that mean as much for what is read or written.

Only for the guard: what is sent stays as it was written. Each rule changes what it surely recognises; the rest goes to
the parser as it stands, which then refuses it. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from nonreg.sqlfiles.tokens import Kind, Token

COMPOUND = frozenset("+-*/%&|^")
OPPOSITES = {"<": ">=", ">": "<="}  # of `!<` and `!>`
PARSERS = frozenset({"PARSE", "TRY_PARSE"})
CLUSTERING = frozenset({"CLUSTERED", "NONCLUSTERED"})
KEYS = {("PRIMARY", "KEY"): 2, ("UNIQUE",): 1}

Tokens = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Other words for a part of a text."""

    start: int
    end: int
    words: str = ""


def respell(text: str, tokens: Tokens) -> str:
    """The text of these tokens as the parser reads it."""
    edits = sorted(
        (edit for rule in RULES for edit in rule(text, tokens)), key=lambda edit: (edit.start, edit.end)
    )
    place, parts = tokens[0].start, []
    for edit in edits:
        if edit.start >= place:  # of two that overlap, the outer one
            parts += [text[place : edit.start], edit.words]
            place = edit.end
    return "".join([*parts, text[place : tokens[-1].end]])


def is_variable(token: Token) -> bool:
    """True for `@x`, not for `@@x` nor for a name in brackets."""
    return token.kind is Kind.WORD and token.text.startswith("@") and not token.text.startswith("@@")


def find_closing(tokens: Tokens, opening: int) -> int:
    """Place of the parenthesis that closes the one there."""
    depth = tokens[opening].depth
    return next(
        place
        for place in range(opening + 1, len(tokens))
        if tokens[place].text == ")" and tokens[place].depth == depth
    )


def find_group(tokens: Tokens, place: int) -> int:
    """Behind the parentheses that begin there; the place itself where none do."""
    is_opening = place < len(tokens) and tokens[place].text == "("
    return find_closing(tokens, place) + 1 if is_opening else place


def respell_signs(_text: str, tokens: Tokens) -> Iterator[Edit]:
    """`!<` and `!>`, and `+=` and its like."""
    for place, token in enumerate(tokens[:-1]):
        following = tokens[place + 1]
        if token.kind is not Kind.SIGN or token.end != following.start:
            continue
        if token.text == "!" and following.text in OPPOSITES:
            yield Edit(token.start, following.end, OPPOSITES[following.text])
        elif token.text in COMPOUND and following.text == "=" and place and tokens[place - 1].name:
            yield Edit(token.start, following.end, "=")


def respell_parsers(_text: str, tokens: Tokens) -> Iterator[Edit]:
    """`PARSE(x AS type USING 'fr-FR')`, which is a cast."""
    for place, token in enumerate(tokens[:-1]):
        is_called = token.word in PARSERS and tokens[place + 1].text == "("
        if not is_called or (place and tokens[place - 1].text == "."):
            continue
        yield Edit(token.start, token.end, "TRY_CAST")
        culture = tokens[find_closing(tokens, place + 1) - 2 :][:2]
        if culture[0].word == "USING" and (culture[1].kind is Kind.STRING or is_variable(culture[1])):
            yield Edit(culture[0].start, culture[1].end)


def respell_namespaces(_text: str, tokens: Tokens) -> Iterator[Edit]:
    """`WITH XMLNAMESPACES (…)`, alone or before common table expressions: names for the paths, nothing else."""
    for place, token in enumerate(tokens[:-2]):
        opening = place + 2
        if token.word != "WITH" or tokens[place + 1].word != "XMLNAMESPACES" or tokens[opening].text != "(":
            continue
        closing = find_closing(tokens, opening)
        if not all(
            one.kind is Kind.STRING or one.name or one.text == "," for one in tokens[opening + 1 : closing]
        ):
            continue
        is_first = closing + 1 < len(tokens) and tokens[closing + 1].text == ","
        if is_first:
            yield Edit(tokens[place + 1].start, tokens[closing + 1].end)
        else:
            yield Edit(token.start, tokens[closing].end)


def respell_declaration(text: str, tokens: Tokens) -> Iterator[Edit]:
    """DECLARE: a type of the application's own, and what a table variable says of its keys and indexes."""
    if tokens[0].word != "DECLARE":
        return
    for place, token in enumerate(tokens):
        if token.depth or not is_variable(token) or (tokens[place - 1].text != "," and place != 1):
            continue
        kind = place + 1 + (place + 1 < len(tokens) and tokens[place + 1].word == "AS")
        following = tokens[kind : kind + 4]
        if len(following) > 1 and following[0].word == "TABLE" and following[1].text == "(":
            closing = find_closing(tokens, kind + 1)
            inside = tokens[kind + 2 : closing]
            yield Edit(following[1].start, tokens[closing].end, f"({respell_columns(text, inside)})")
        elif len(following) > 2 and following[1].text == "." and following[0].name and following[2].name:
            yield Edit(following[0].start, following[2].end, "sql_variant")


def respell_columns(text: str, inside: Tokens) -> str:
    """The definition of a table variable without its keys and indexes: they name its columns, and do nothing else."""
    shown = []
    for element in split_at_commas(inside):
        kept = drop_keys(element)
        if kept:
            pieces = [respell(text, run) for run in find_runs(kept)]
            shown.append(" ".join(pieces))
    return ", ".join(shown)


def split_at_commas(tokens: Tokens) -> list[Tokens]:
    """What stands between the commas that are in no further parentheses."""
    depth = min((token.depth for token in tokens), default=0)
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "," and token.depth == depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts]


def find_runs(tokens: list[tuple[int, Token]]) -> list[Tokens]:
    """Tokens that stood side by side."""
    runs: list[list[Token]] = []
    before = -2
    for place, token in tokens:
        if place != before + 1:
            runs.append([])
        runs[-1].append(token)
        before = place
    return [tuple(run) for run in runs]


def drop_keys(element: Tokens) -> list[tuple[int, Token]]:
    """A column or a constraint of a table variable, each token with its place, without its keys and indexes."""
    kept: list[tuple[int, Token]] = []
    place = 0
    while place < len(element):
        end = find_key_end(element, place)
        if end == place:
            kept.append((place, element[place]))
            end += 1
        place = end
    return kept


def find_key_end(element: Tokens, place: int) -> int:
    """Behind the key or the index that begins there; the place itself where none does."""
    if element[place].depth != element[0].depth:
        return place
    if element[place].word == "ROWGUIDCOL":
        return place + 1
    words = tuple(token.word for token in element[place : place + 2])
    end = place + next((length for start, length in KEYS.items() if words[: len(start)] == start), 0)
    if end == place and words[:1] == ("INDEX",) and place + 1 < len(element) and element[place + 1].name:
        end = place + 2
        end += end < len(element) and element[end].word == "UNIQUE"
    if end == place:
        return place
    end += end < len(element) and element[end].word in CLUSTERING
    after = find_group(element, end)
    end = after if is_plain(element[end:after]) else end
    if end + 1 < len(element) and element[end].word == "WITH" and element[end + 1].text == "(":
        after = find_group(element, end + 1)
        end = after if is_plain(element[end:after]) else end
    return end


def is_plain(tokens: Tokens) -> bool:
    """True for names and numbers in one pair of parentheses: no value is computed there."""
    return all(token.name or token.kind is Kind.NUMBER or token.text in "(),=" for token in tokens) and (
        sum(token.text == "(" for token in tokens) <= 1
    )


RULES: tuple[Callable[[str, Tokens], Iterator[Edit]], ...] = (
    respell_signs,
    respell_parsers,
    respell_namespaces,
    respell_declaration,
)
