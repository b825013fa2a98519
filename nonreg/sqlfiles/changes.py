"""INSERT, UPDATE and DELETE of a table variable, the only ones that a reading batch may hold: the target, and the rest.

A table variable lives in the batch alone, and has neither triggers nor foreign keys. The target is a variable itself,
or an alias that the statement's own FROM surely gives to one; anything else is refused. What is left without the verb
and its target is a query, judged as any other. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from nonreg.sqlfiles.batches import CHANGING
from nonreg.sqlfiles.respelling import Tokens, find_group, is_plain, is_variable, respell
from nonreg.sqlfiles.tokens import Token, Unreadable

NOT_A_VARIABLE = "dans autre chose qu'une variable de table (DECLARE @t TABLE …)"
SOURCES_END = frozenset({"WHERE", "OPTION", "OUTPUT"})
SOURCE_STARTS = ("FROM", "JOIN", ",")
ROWS_START = frozenset({"SELECT", "VALUES", "DEFAULT", "WITH"})


@dataclass(frozen=True, slots=True)
class Change:
    """One change, cut: common table expressions, verb, TOP's parentheses, target, what follows the target."""

    before: Tokens
    verb: Token
    top: Tokens
    target: Token
    rest: Tokens
    placed: Tokens  # the words that only a change may hold, where this one holds them


def read_change(tokens: Tokens) -> Change:
    """The parts of a change; Unreadable for one whose target is no table variable."""
    at = next(place for place, token in enumerate(tokens) if token.word in CHANGING and not token.depth)
    verb = tokens[at]
    place = at + 1
    top: Tokens = ()
    if place < len(tokens) and tokens[place].word == "TOP":
        end = find_group(tokens, place + 1)
        top = tokens[place + 1 : end]
        place = end + (end < len(tokens) and tokens[end].word == "PERCENT")
    placed = [verb]
    if place < len(tokens) and (verb.word, tokens[place].word) in (("INSERT", "INTO"), ("DELETE", "FROM")):
        placed.append(tokens[place])
        place += 1
    rest = tokens[place + 1 :]
    placed += [
        token
        for token, following in pairwise(rest)
        if token.word == "INTO" and not token.depth and is_variable(following)  # OUTPUT … INTO @u
    ]
    change = Change(tokens[:at], verb, top, tokens[min(place, len(tokens) - 1)], rest, tuple(placed))
    if not is_variable(change.target) and not is_alias_of_variable(change):
        raise Unreadable(f"{verb.word} {NOT_A_VARIABLE}")
    return change


def is_alias_of_variable(change: Change) -> bool:
    """True when FROM gives the target's name to a table variable, and to nothing else.

    SQL Server looks a name up among the sources before it looks for a table. The letters must be the same: where the
    collation tells cases apart, another case is another name.
    """
    name, sources = change.target, list_sources(change)
    if (
        change.verb.word == "INSERT"
        or not name.name
        or any(token.name == name.name for token in change.before)
    ):
        return False
    if change.rest and change.rest[0].text == ".":
        return False
    named = [
        place
        for place, token in enumerate(sources)
        if token.name == name.name and (place + 1 == len(sources) or sources[place + 1].text != ".")
    ]
    if len(named) != 1 or sources[named[0]].text != name.text or sources[named[0]].depth:
        return False
    place = named[0] - 1
    place -= sources[place].word == "AS"
    return (
        place > 0
        and is_variable(sources[place])
        and (sources[place - 1].word or sources[place - 1].text) in SOURCE_STARTS
    )


def list_sources(change: Change) -> Tokens:
    """What FROM names, from that word on."""
    rest = change.rest
    start = next((at for at, token in enumerate(rest) if token.word == "FROM" and not token.depth), len(rest))
    end = next(
        (at for at in range(start, len(rest)) if rest[at].word in SOURCES_END and not rest[at].depth),
        len(rest),
    )
    return rest[start:end]


def list_queries(text: str, change: Change) -> list[str]:
    """What a change reads, as queries."""
    queries = [f"SELECT {respell(text, change.top)}"] if change.top else []
    before = respell(text, change.before) + " " if change.before else ""
    rest = change.rest
    if change.verb.word == "INSERT":
        told, rest = cut_output(skip_columns(rest, 0) if is_column_list(rest) else rest)
        queries += [f"SELECT {respell(text, told)}"] if told else []
        words = [token.word for token in rest]
        if words == ["DEFAULT", "VALUES"] or not rest:
            return queries
        return [*queries, before + respell(text, rest)]
    if change.verb.word == "UPDATE":
        if not rest or rest[0].word != "SET":
            raise Unreadable("UPDATE sans SET derrière la variable de table")
        end = next((at for at, one in enumerate(rest) if is_clause(one)), len(rest))
        read = [part for part in split_settings(rest[1:end]) if part]
    else:
        if rest and not is_clause(rest[0]):
            raise Unreadable("DELETE mal écrit")
        end, read = 0, []
    told, rest = cut_output(rest[end:])
    shown = ", ".join(["1", *(respell(text, part) for part in (*read, told) if part)])
    return [*queries, f"{before}SELECT {shown} {respell(text, rest) if rest else ''}"]


def is_column_list(rest: Tokens) -> bool:
    """True for the columns behind INSERT's target, and not for a query in parentheses."""
    return len(rest) > 1 and rest[0].text == "(" and rest[1].word not in ROWS_START and rest[1].text != "("


def is_clause(token: Token) -> bool:
    """True for what may follow the settings of UPDATE, and the target of DELETE."""
    return not token.depth and (token.word in SOURCES_END or token.word == "FROM")


def split_settings(tokens: Tokens) -> list[Tokens]:
    """The settings of UPDATE; one to a column's default reads nothing."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.text == "," and not token.depth:
            parts.append([])
        else:
            parts[-1].append(token)
    return [tuple(part) for part in parts if [one.word for one in part[1:]] != ["", "DEFAULT"]]


def cut_output(rest: Tokens) -> tuple[Tokens, Tokens]:
    """What OUTPUT tells, and the rest; where it tells it to a table variable, that is no reading."""
    if not rest or rest[0].word != "OUTPUT":
        return (), rest
    end = next(
        (
            at
            for at, token in enumerate(rest)
            if at and not token.depth and (is_clause(token) or token.word in (*ROWS_START, "INTO"))
        ),
        len(rest),
    )
    told = rest[1:end]
    if end < len(rest) and rest[end].word == "INTO":
        return told, skip_columns(rest, end + 2)
    return told, rest[end:]


def skip_columns(rest: Tokens, place: int) -> Tokens:
    """What follows the column names in parentheses there, or nothing but that place."""
    end = find_group(rest, place)
    if not is_plain(rest[place:end]):
        raise Unreadable("autre chose que des colonnes derrière la variable de table")
    return rest[end:]
