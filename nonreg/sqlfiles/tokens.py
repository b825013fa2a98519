"""SQL cut into tokens as the servers do it, strictly: what is not surely understood is refused.

It is the guard's second opinion beside the parser: a keyword that a server would read and that a parser would take for
a name (`SELECT 1 DELETE FROM t` is two statements for SQL Server) is a word here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

LETTER = "A-Za-zÀ-ÖØ-öø-ÿŒœŸ_"
# Each alternative starts with what no other can start with, except the prefixed strings, which come before words.
TSQL = re.compile(
    rf"""
    (?P<space>[ \t\n]+|\r\n)
    |(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<string>[nN]?'(?:[^']|'')*')
    |(?P<quoted>\[(?:[^\]]|\]\])+\]|"(?:[^"]|"")+")
    |(?P<number>0[xX][0-9A-Fa-f]*|\$?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d*)?)
    |(?P<word>[{LETTER}@\#$][{LETTER}0-9@\#$]*)
    |(?P<sign>[(),.;:+\-*/%=<>!~&|^])
    """,
    re.VERBOSE,
)
POSTGRES = re.compile(
    rf"""
    (?P<space>[ \t\n]+|\r\n)
    |(?P<comment>--[^\n]*)
    |(?P<block>/\*)
    |(?P<body>\$(?P<tag>[{LETTER}][{LETTER}0-9]*)?\$(?:.*?)\$(?(tag)(?P=tag))\$)
    |(?P<string>[eE]'(?:[^'\\]|''|\\.)*'|[nNbBxX]?'(?:[^']|'')*')
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>(?:\d+(?:\.(?!\.)\d*)?|(?<!\.)\.\d+)(?:[eE][+-]?\d+)?)
    |(?P<word>[{LETTER}][{LETTER}0-9$]*)
    |(?P<sign>[(),.;:+\-*/%=<>!~&|^@\#?\[\]])
    """,
    re.VERBOSE | re.DOTALL,
)
GRAMMARS = {"mssql": TSQL, "postgresql": POSTGRES}
BATCH_END = re.compile(r"^[ \t]*GO(?:[ \t]+\d+)?[ \t]*;?[ \t]*(?:--.*)?\r?$", re.IGNORECASE | re.MULTILINE)
UNSEEN = re.compile(r"[\x00-\x08\x0b-\x0c\x0e-\x1f\x7f\x85\u2028\u2029]|\r(?!\n)")


class Unreadable(Exception):
    """A text that is not surely understood; `str()` says why in French."""


class Kind(StrEnum):
    """What a token is; `BODY` is a dollar-quoted text of PostgreSQL."""

    WORD = "word"
    QUOTED = "quoted"
    STRING = "string"
    NUMBER = "number"
    SIGN = "sign"
    BODY = "body"


@dataclass(frozen=True, slots=True)
class Token:
    """One token of a text, where it stands, and in how many parentheses."""

    kind: Kind
    text: str
    start: int
    end: int
    line: int
    depth: int

    @property
    def word(self) -> str:
        """The keyword or plain name in upper case; empty for anything else."""
        return self.text.upper() if self.kind is Kind.WORD else ""

    @property
    def name(self) -> str:
        """The identifier in lower case, without its quotes; empty for what is no identifier."""
        if self.kind is Kind.WORD:
            return self.text.lower()
        if self.kind is not Kind.QUOTED:
            return ""
        closing = self.text[-1]
        return self.text[1:-1].replace(closing * 2, closing).lower()


def read_tokens(text: str, engine: str) -> tuple[Token, ...]:
    """Tokens of a text without its comments; Unreadable where it is not understood."""
    if found := UNSEEN.search(text):
        raise Unreadable(
            f"ligne {count_line(text, found.start())} : caractère invisible ou fin de ligne isolée"
        )
    tokens: list[Token] = []
    grammar, place, depth, line = GRAMMARS[engine], 0, 0, 1
    while place < len(text):
        found = grammar.match(text, place)
        if found is None:
            raise Unreadable(describe_unknown(text, place, line))
        end = skip_block(text, place, line) if found.lastgroup == "block" else found.end()
        kind = "body" if found.lastgroup == "tag" else str(found.lastgroup)
        if engine == "postgresql":
            check_escapes(text, place, line, kind, tokens)
        if kind not in ("space", "comment", "block"):
            if kind == "number" and re.match(rf"[{LETTER}0-9@#$]", text[end : end + 1]):
                raise Unreadable(f"ligne {line} : un nombre collé à un mot (« {text[place : end + 10]} »)")
            depth -= text[place:end] == ")"
            if depth < 0:
                raise Unreadable(f"ligne {line} : parenthèse fermée sans être ouverte")
            tokens.append(Token(Kind(kind), text[place:end], place, end, line, depth))
            depth += text[place:end] == "("
        line += text.count("\n", place, end)
        place = end
    refuse_batch_ends(text, tokens)
    if depth:
        raise Unreadable("une parenthèse n'est pas fermée")
    return tuple(tokens)


def refuse_batch_ends(text: str, tokens: list[Token]) -> None:
    """Unreadable for a line that is GO: the tools that send scripts cut there. In a comment or a text it is nothing."""
    starts = {token.start for token in tokens if token.word == "GO"}
    for found in BATCH_END.finditer(text):
        if found.start() + len(found[0]) - len(found[0].lstrip()) in starts:
            line = count_line(text, found.start())
            raise Unreadable(f"ligne {line} : « GO » sépare deux lots ; un scénario est un seul lot")


def check_escapes(text: str, place: int, line: int, kind: str, before: list[Token]) -> None:
    """Unreadable for what PostgreSQL reads otherwise than it looks: `U&"…"`, and a text that continues another."""
    if re.match(r"[uU]&['\"]", text[place : place + 3]):
        raise Unreadable(f"ligne {line} : « U& » (échappements Unicode)")
    if kind == "string" and before and before[-1].kind is Kind.STRING:
        raise Unreadable(f"ligne {line} : deux textes à la suite ; écrivez-en un seul, ou « || »")


def skip_block(text: str, start: int, line: int) -> int:
    """End of a block comment; both engines nest them."""
    depth = 0
    for mark in re.finditer(r"/\*|\*/", text[start:]):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return start + mark.end()
    raise Unreadable(f"ligne {line} : commentaire jamais fermé")


def describe_unknown(text: str, place: int, line: int) -> str:
    """Why no token starts here."""
    if text[place] in "'\"[" or text.startswith(("N'", "n'", "E'", "e'"), place):
        return f"ligne {line} : texte ou nom entre guillemets jamais fermé, ou vide"
    return f"ligne {line} : caractère inattendu « {text[place]} »"


def count_line(text: str, place: int) -> int:
    """Number of the line of a place, from 1."""
    return text.count("\n", 0, place) + 1
