"""A `DO` block of PostgreSQL that only reads and raises: IF, RAISE, assignments and readings. Nothing else is known."""

from __future__ import annotations

import re
from collections.abc import Callable

from nonreg.sqlfiles.tokens import Kind, Token, Unreadable, read_tokens

LEVELS = frozenset({"EXCEPTION", "WARNING", "NOTICE", "INFO", "DEBUG"})  # LOG writes the server's journal
Reading = Callable[[str, int, frozenset[str]], None]


def require_reading_block(
    statement: tuple[Token, ...], procedures: frozenset[str], require_query: Reading
) -> None:
    """Unreadable unless `DO $$ … $$ [LANGUAGE plpgsql]` only reads and raises."""
    words = [token.word for token in statement if token.kind is not Kind.BODY]
    bodies = [token for token in statement if token.kind is Kind.BODY]
    if len(bodies) != 1 or words not in (["DO"], ["DO", "LANGUAGE", "PLPGSQL"]):
        raise Unreadable(f"ligne {statement[0].line} : DO s'écrit ici « DO $$ … $$ »")
    body = bodies[0]
    mark = re.match(r"\$\w*\$", body.text)
    assert mark is not None
    text, line = body.text[mark.end() : -mark.end()], body.line
    Block(text, line, procedures, require_query).require()


class Block:
    """The body of one block, read from its beginning to its end."""

    def __init__(self, text: str, line: int, procedures: frozenset[str], require_query: Reading) -> None:
        self._text, self._line, self._procedures = text, line, procedures
        self._require_query = require_query
        self._tokens = read_tokens(text, "postgresql")
        self._place = 0

    def require(self) -> None:
        """Unreadable for the first thing that is not known to read."""
        if self._word() == "DECLARE":
            self._skip()
            while self._word() != "BEGIN":
                self._declaration()
        if self._word() != "BEGIN":
            raise self._refuse("un bloc commence par BEGIN")
        while self._place < len(self._tokens):
            self._statement()

    def _statement(self) -> None:
        word = self._word()
        if word in ("BEGIN", "ELSE") or self._text_here() == ";":
            self._skip()
        elif word == "END":
            self._until(";")
        elif word in ("IF", "ELSIF", "ELSEIF"):
            self._skip()
            self._value(self._until("THEN"))
        elif word == "PERFORM":
            self._skip()
            self._value(self._until(";"))
        elif word == "SELECT":
            self._query(self._until(";"))
        elif word == "RAISE":
            self._skip()
            self._raise(self._until(";"))
        elif word in ("NULL", "RETURN"):
            if len(self._until(";")) != 1:
                raise self._refuse(f"{word} suivi d'autre chose")
        else:
            self._assignment()

    def _declaration(self) -> None:
        if self._place >= len(self._tokens):
            raise self._refuse("DECLARE sans BEGIN")
        given = self._until(";")
        marks = [place for place, token in enumerate(given) if token.text in ("=", ":")]
        start = marks[0] if marks else len(given)
        default = [place for place, token in enumerate(given) if token.word in ("DEFAULT", "CURSOR")]
        if default and given[default[0]].word == "CURSOR":
            raise self._refuse("un curseur")
        start = min(start, default[0]) if default else start
        value = given[start:]
        while value and (value[0].text in ("=", ":") or value[0].word == "DEFAULT"):
            value = value[1:]
        if value:
            self._value(value)

    def _assignment(self) -> None:
        given = self._until(";")
        signs = [token.text for token in given[1:3]]
        if not given or not given[0].name or signs[:1] not in (["="], [":"]):
            raise self._refuse(f"instruction inconnue « {given[0].text if given else ''} »")
        self._value(given[3:] if signs == [":", "="] else given[2:])

    def _raise(self, given: tuple[Token, ...]) -> None:
        if given and given[0].word in LEVELS:
            given = given[1:]
        if not given or given[0].kind is not Kind.STRING:
            raise self._refuse("RAISE s'écrit ici « RAISE EXCEPTION 'texte', valeurs »")
        if any(token.word == "USING" and not token.depth for token in given):
            raise self._refuse(
                "RAISE … USING (un code d'erreur à soi ne serait pas vu comme un rejet du script)"
            )
        self._value(given)

    def _query(self, given: tuple[Token, ...]) -> None:
        """A SELECT; INTO gives its values to variables here, and makes no table."""
        text, start = self._text, given[0].start
        places = [place for place, token in enumerate(given) if token.word == "INTO" and not token.depth]
        if len(places) > 1:
            raise self._refuse("plusieurs INTO")
        shown = text[start : given[-1].end]
        if places:
            first = last = places[0]
            last += len(given) > last + 1 and given[last + 1].word == "STRICT"
            while last + 1 < len(given) and given[last + 1].name:
                last += 1
                if last + 1 >= len(given) or given[last + 1].text != ",":
                    break
                last += 1
            blank = re.sub(r"[^\n]", " ", text[given[first].start : given[last].end])
            shown = text[start : given[first].start] + blank + text[given[last].end : given[-1].end]
        self._ask(shown, given[0])

    def _value(self, given: tuple[Token, ...]) -> None:
        if not given:
            raise self._refuse("une valeur est attendue")
        self._ask("SELECT " + self._text[given[0].start : given[-1].end], given[0])

    def _ask(self, query: str, first: Token) -> None:
        self._require_query(query, self._line + first.line - 1, self._procedures)

    def _until(self, end: str) -> tuple[Token, ...]:
        """The tokens before that word or sign, which is passed."""
        start = self._place
        while self._place < len(self._tokens):
            token = self._tokens[self._place]
            if not token.depth and (token.word == end or (token.kind is Kind.SIGN and token.text == end)):
                self._place += 1
                return self._tokens[start : self._place - 1]
            self._place += 1
        if end == ";":
            return self._tokens[start:]
        raise self._refuse(f"« {end} » manque")

    def _word(self) -> str:
        return self._tokens[self._place].word if self._place < len(self._tokens) else ""

    def _text_here(self) -> str:
        return self._tokens[self._place].text if self._place < len(self._tokens) else ""

    def _skip(self) -> None:
        self._place += 1

    def _refuse(self, reason: str) -> Unreadable:
        at = min(self._place, len(self._tokens) - 1)
        line = self._line + (self._tokens[at].line - 1 if self._tokens else 0)
        return Unreadable(f"ligne {line} : {reason}")
