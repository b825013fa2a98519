"""A `DO` block of PostgreSQL that only reads and raises: IF, CASE, loops, RAISE, ASSERT, assignments and readings.

Each expression is judged as the query that PL/pgSQL makes of it. Nothing else is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from nonreg.sqlfiles.tokens import Kind, Token, Unreadable, read_tokens

LEVELS = frozenset({"EXCEPTION", "WARNING", "NOTICE", "INFO", "DEBUG"})  # LOG writes the server's journal
QUERY_STARTS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})
# They open or close something, and hold nothing themselves.
OPENINGS = frozenset({"BEGIN", "ELSE", "LOOP", "EXCEPTION"})
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
        self._known: dict[str, Callable[[], None]] = {
            **dict.fromkeys(("IF", "ELSIF", "ELSEIF"), self._condition),
            "CASE": self._case,
            "WHEN": self._when,
            "WHILE": lambda: self._value(self._until("LOOP")),
            "FOR": self._for,
            "FOREACH": self._foreach,
            **dict.fromkeys(("PERFORM", "ASSERT"), lambda: self._value(self._until(";"))),
            "RAISE": lambda: self._raise(self._until(";")),
            "RETURN": self._return,
            "NULL": self._nothing,
        }

    def require(self) -> None:
        """Unreadable for the first thing that is not known to read."""
        if self._word() not in ("DECLARE", "BEGIN") and self._text_here() != "<":
            raise self._refuse("un bloc commence par BEGIN")
        while self._place < len(self._tokens):
            self._statement()

    def _statement(self) -> None:
        word = self._word()
        if word in OPENINGS or self._text_here() == ";":
            self._skip()
        elif word == "DECLARE":
            self._skip()
            while self._word() != "BEGIN":
                self._declaration()
        elif word == "END":
            self._end(self._until(";"))
        elif word in ("EXIT", "CONTINUE"):
            self._leave(self._until(";"))
        elif self._text_here() == "<":
            self._label()
        elif word in QUERY_STARTS:
            self._query(self._until(";"))
        elif word in self._known:
            self._skip()
            self._known[word]()
        else:
            self._assignment()

    def _condition(self) -> None:
        self._value(self._until("THEN"))

    def _case(self) -> None:
        """What CASE compares; its branches are statements."""
        if given := self._until("WHEN"):
            self._value(given)
        self._place -= 1

    def _when(self) -> None:
        """A branch of CASE, or the names of the errors that a block catches."""
        given = self._until("THEN")
        if not all(token.name or token.kind is Kind.STRING for token in given):
            self._value(given)

    def _for(self) -> None:
        """FOR over a range or the rows of a query; over a cursor or a text that is made there it is refused."""
        given = self._until("LOOP")
        target = next((place for place, token in enumerate(given) if token.word == "IN"), len(given))
        source = given[target + 1 :]
        if not all(token.name or token.text in ".," for token in given[:target]) or not source:
            raise self._refuse("FOR … IN mal écrit")
        signs = [token.text if not token.depth else "" for token in source]
        dots = next((place for place in range(len(source)) if signs[place : place + 2] == [".", "."]), 0)
        if not dots:
            if source[0].word not in QUERY_STARTS and source[0].text != "(":
                raise self._refuse(f"FOR sur « {source[0].text} », qui n'est ni un intervalle ni une lecture")
            self._ask(self._text[source[0].start : source[-1].end], source[0])
            return
        start = int(source[0].word == "REVERSE")
        step = next(
            (place for place, one in enumerate(source) if one.word == "BY" and not one.depth), len(source)
        )
        self._value(source[start:dots])
        self._value(source[dots + 2 : step])
        if step < len(source):
            self._value(source[step + 1 :])

    def _foreach(self) -> None:
        given = self._until("LOOP")
        words = [token.word for token in given]
        if "ARRAY" not in words or not all(
            token.name or token.text in ".," or token.kind is Kind.NUMBER
            for token in given[: words.index("ARRAY")]
        ):
            raise self._refuse("FOREACH … IN ARRAY mal écrit")
        self._value(given[words.index("ARRAY") + 1 :])

    def _end(self, given: tuple[Token, ...]) -> None:
        """END of a block, IF, CASE or a loop, perhaps with its label."""
        if len(given) > 3 or not all(token.name for token in given):
            raise self._refuse("END mal écrit")

    def _leave(self, given: tuple[Token, ...]) -> None:
        """EXIT and CONTINUE, perhaps with a label and a condition."""
        words = [token.word for token in given]
        end = words.index("WHEN") if "WHEN" in words else len(given)
        if end > 2:
            raise self._refuse(f"{words[0]} mal écrit")
        if end < len(given):
            self._value(given[end + 1 :])

    def _label(self) -> None:
        """`<<name>>` before a block or a loop."""
        given = self._tokens[self._place : self._place + 5]
        if "".join(token.text if token.kind is Kind.SIGN else "x" for token in given) != "<<x>>":
            raise self._refuse(f"instruction inconnue « {given[0].text} »")
        self._place += 5

    def _return(self) -> None:
        given = self._until(";")
        word = given[0].word if given else ""
        if word == "QUERY" and len(given) > 1 and given[1].word != "EXECUTE":
            self._ask(self._text[given[1].start : given[-1].end], given[1])
        elif given[word == "NEXT" :]:
            self._value(given[word == "NEXT" :])

    def _nothing(self) -> None:
        if self._until(";"):
            raise self._refuse("NULL suivi d'autre chose")

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
        if not given:
            return  # the error that is being caught
        if given[0].word in LEVELS:
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
        """The tokens before that word or sign, which is passed; a word inside CASE … END is that expression's own."""
        start, cases = self._place, 0
        while self._place < len(self._tokens):
            token = self._tokens[self._place]
            is_end = token.word == end or (token.kind is Kind.SIGN and token.text == end)
            if end != ";" and not token.depth:
                cases += (token.word == "CASE") - (token.word == "END" and cases > 0)
            if is_end and not token.depth and not cases:
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
