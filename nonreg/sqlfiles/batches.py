"""A T-SQL batch cut into its plain statements, without its control flow. Pure, and without knowing what they do.

SQL Server needs no semicolon between statements: they are cut at the words that it reserves for their beginning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from nonreg.sqlfiles.tokens import Kind, Token, Unreadable

SET_OPERATORS = frozenset({"UNION", "ALL", "EXCEPT", "INTERSECT"})
BLOCK_ENDS = frozenset({"TRY", "CATCH"})
SINGLE = frozenset({"ELSE", "BREAK", "CONTINUE"})
EXPECTS_MORE = frozenset({"IF", "WHILE"})
CHANGING = frozenset({"INSERT", "UPDATE", "DELETE"})


class PieceKind(StrEnum):
    """What a plain statement is, by its first word."""

    QUERY = "query"  # SELECT, WITH, (
    EXPRESSION = "expression"  # the condition of IF and WHILE, the value of SET @x, PRINT and RETURN
    ARGUMENTS = "arguments"  # of THROW and RAISERROR
    DECLARE = "declare"
    OPTION = "option"  # SET without a variable
    INSERT = "insert"
    CHANGE = "change"  # UPDATE, DELETE, and INSERT behind WITH
    EXECUTE = "execute"


STARTS = {
    "SELECT": PieceKind.QUERY,
    "WITH": PieceKind.QUERY,
    "DECLARE": PieceKind.DECLARE,
    "SET": PieceKind.OPTION,
    "INSERT": PieceKind.INSERT,
    "UPDATE": PieceKind.CHANGE,
    "DELETE": PieceKind.CHANGE,
    "EXEC": PieceKind.EXECUTE,
    "EXECUTE": PieceKind.EXECUTE,
    "PRINT": PieceKind.EXPRESSION,
    "RETURN": PieceKind.EXPRESSION,
    "THROW": PieceKind.ARGUMENTS,
    "RAISERROR": PieceKind.ARGUMENTS,
}
CUTS = (frozenset(STARTS) - {"WITH"}) | SINGLE | EXPECTS_MORE | {"BEGIN", "END"}


@dataclass(frozen=True, slots=True)
class Piece:
    """One plain statement; its first token is its first word, except of a condition or a value."""

    kind: PieceKind
    tokens: tuple[Token, ...]
    word: str
    line: int


def cut_batch(tokens: tuple[Token, ...]) -> tuple[Piece, ...]:
    """The plain statements of a batch, in order; Unreadable for one that begins with an unknown word."""
    pieces: list[Piece] = []
    place = 0
    while place < len(tokens):
        token = tokens[place]
        if token.text == ";" or token.word in SINGLE:
            place += 1
        elif token.word in ("BEGIN", "END"):
            place += 2 if place + 1 < len(tokens) and tokens[place + 1].word in BLOCK_ENDS else 1
        elif token.word in EXPECTS_MORE:
            end = find_end(tokens, place + 1, token.word)
            if end == place + 1 or end == len(tokens) or tokens[end].text == ";":
                raise Unreadable(f"ligne {token.line} : {token.word} sans condition ou sans instruction")
            pieces.append(Piece(PieceKind.EXPRESSION, tokens[place + 1 : end], token.word, token.line))
            place = end
        elif token.word in STARTS or token.text == "(":
            place = cut_statement(tokens, place, pieces)
        else:
            raise Unreadable(f"ligne {token.line} : instruction inconnue « {token.text} »")
    return tuple(pieces)


def cut_statement(tokens: tuple[Token, ...], place: int, pieces: list[Piece]) -> int:
    """Add the statement that starts here; where the next one does."""
    word = tokens[place].word
    kind = STARTS.get(word, PieceKind.QUERY)
    end = find_end(tokens, place + 1, word)
    if end < len(tokens) and tokens[end].word == "THROW":
        raise Unreadable(
            f"ligne {tokens[end].line} : mettez un « ; » devant THROW, sinon il est lu comme un alias"
        )
    body = tokens[place:end]
    if word == "WITH" and any(token.word in CHANGING and not token.depth for token in body):
        kind = PieceKind.CHANGE
    if kind is PieceKind.OPTION and len(body) > 1 and body[1].text.startswith("@"):
        kind, body = PieceKind.EXPRESSION, skip_assignment(body)
    elif kind is PieceKind.EXPRESSION:
        body = body[1:]
        if not body and word == "RETURN":
            return end
    pieces.append(Piece(kind, body, word, tokens[place].line))
    return end


def skip_assignment(body: tuple[Token, ...]) -> tuple[Token, ...]:
    """The value in `SET @x = value` or `SET @x += value`."""
    signs = [token.text for token in body[2:4]]
    if signs[:1] == ["="]:
        return body[3:]
    if len(signs) == 2 and signs[1] == "=" and signs[0] in "+-*/%&|^" and body[2].end == body[3].start:
        return body[4:]
    raise Unreadable(f"ligne {body[0].line} : SET d'une variable mal écrit")


def find_end(tokens: tuple[Token, ...], start: int, first: str) -> int:
    """Where the statement ends that begins with this word and goes on at `start`.

    A SELECT goes on behind a set operator, one more behind INSERT, a SET behind UPDATE; behind WITH comes any of them.
    """
    selects, sets, verbs = int(first == "INSERT"), int(first == "UPDATE"), int(first == "WITH")
    cases = 0
    for place in range(start, len(tokens)):
        token = tokens[place]
        if token.depth:
            continue
        if token.text == ";" and token.kind is Kind.SIGN:
            return place
        if token.word == "CASE":
            cases += 1
        elif cases and token.word in ("END", "ELSE"):
            cases -= token.word == "END"
        elif verbs and (token.word == "SELECT" or token.word in CHANGING):
            selects, sets, verbs = int(token.word == "INSERT"), int(token.word == "UPDATE"), 0
        elif token.word == "VALUES":
            selects = 0
        elif token.word == "SELECT" and (selects or tokens[place - 1].word in SET_OPERATORS):
            selects = max(0, selects - 1)
        elif token.word == "SET" and sets:
            sets = 0
        elif token.word in CUTS:
            return place
    return len(tokens)
