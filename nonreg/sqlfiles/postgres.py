"""A PostgreSQL batch: cut at its semicolons, each statement by its first word, each call by its name."""

from __future__ import annotations

from sqlglot import exp

from nonreg.sqlfiles.forbidden import (
    POSTGRES_BODY_NEVER,
    POSTGRES_KNOWN,
    POSTGRES_NEVER,
    POSTGRES_NOT_UNDONE,
    POSTGRES_OUTSIDE,
    POSTGRES_OWN_READING,
    POSTGRES_READING,
    POSTGRES_SYSTEM,
    POSTGRES_WORDS,
    POSTGRES_WRITING,
)
from nonreg.sqlfiles.parsing import require_query
from nonreg.sqlfiles.plpgsql import require_reading_block
from nonreg.sqlfiles.tokens import Kind, Token, Unreadable, read_tokens

QUERY_STARTS = frozenset({"SELECT", "WITH", "VALUES", "TABLE"})


def require_reading(text: str, procedures: frozenset[str]) -> None:
    """Unreadable unless a batch does nothing but read."""
    statements = cut_at_semicolons(read_tokens(text, "postgresql"))
    if not statements:
        raise Unreadable("le fichier ne contient aucune instruction")
    for statement in statements:
        first, part = statement[0], text[statement[0].start : statement[-1].end]
        if first.word == "DO":
            require_reading_block(statement, procedures, require_reading_query)
        elif first.word in QUERY_STARTS or first.text == "(":
            require_reading_query(part, first.line, procedures)
        else:
            raise Unreadable(f"ligne {first.line} : « {first.text} » n'est pas une lecture")


def require_reading_query(text: str, line: int, procedures: frozenset[str]) -> None:
    """Unreadable unless a query, which stands at that line, does nothing but read."""
    tokens = read_tokens(text, "postgresql")
    for token in tokens:
        if token.word in POSTGRES_WORDS:
            at = line + token.line - 1
            raise Unreadable(f"ligne {at} : le mot « {token.word} » écrit (un nom se met entre guillemets)")
    for schema, name, token in list_calls(tokens):
        if reason := refuse_call(schema, name, procedures):
            raise Unreadable(f"ligne {line + token.line - 1} : {reason}")
    for place, token in enumerate(tokens):
        if token.word == "OPERATOR" and [one.text.lower() for one in tokens[place + 1 : place + 3]] != [
            "(",
            "pg_catalog",
        ]:
            raise Unreadable(f"ligne {line + token.line - 1} : un opérateur d'ailleurs que pg_catalog")
    try:
        require_known(require_query(text, "postgresql"))
    except Unreadable as error:
        raise Unreadable(f"ligne {line} : {error}") from error


def require_known(tree: exp.Expr) -> None:
    """Unreadable for a call without a schema of what is no function of the server that reads."""
    for call in tree.find_all(exp.Anonymous):
        name, above = call.name.lower(), call.parent
        has_schema = isinstance(above, exp.Dot) or (isinstance(above, exp.Table) and bool(above.db))
        if not has_schema and name not in POSTGRES_KNOWN and not POSTGRES_READING.fullmatch(name):
            raise Unreadable(f"la fonction « {name} », sans schéma, n'est pas connue comme une lecture")


def require_undone(text: str) -> None:
    """Unreadable unless a batch leaves the transaction alone, and calls nothing that reaches out of it."""
    tokens = read_tokens(text, "postgresql")
    statements = cut_at_semicolons(tokens)
    if not statements:
        raise Unreadable("le fichier ne contient aucune instruction")
    for statement in statements:
        first, words = statement[0], tuple(token.word for token in statement[:2])
        if first.word in POSTGRES_NOT_UNDONE:
            raise Unreadable(
                f"ligne {first.line} : « {first.word} » ; la transaction est celle de l'outil, qui l'annule"
            )
        if words in POSTGRES_OUTSIDE:
            raise Unreadable(f"ligne {first.line} : l'effet de « {' '.join(words)} » ne s'annule pas")
    require_calls_undone(tokens, 0)


def require_calls_undone(tokens: tuple[Token, ...], lines_before: int) -> None:
    """Unreadable when a call reaches out of the transaction, in a `$$` body too, or a body makes its own text."""
    for _, name, token in list_calls(tokens):
        if reaches_out(name):
            raise Unreadable(f"ligne {lines_before + token.line} : l'effet de « {name} » ne s'annule pas")
    for token in tokens:
        if token.kind is not Kind.BODY:
            continue
        before = lines_before + token.line - 1
        inside = read_tokens(
            token.text[token.text.index("$", 1) + 1 : token.text.rindex("$", 0, -1)], "postgresql"
        )
        for one in inside:
            if one.word in POSTGRES_BODY_NEVER:
                raise Unreadable(
                    f"ligne {before + one.line} : « {one.word} » dans un bloc, dont l'effet n'est pas connu"
                )
        require_calls_undone(inside, before)


def reaches_out(name: str) -> bool:
    """True for a function of the server that runs a text, or whose effect outlives the transaction."""
    return bool(
        POSTGRES_NEVER.fullmatch(name) or (name.startswith("pg_") and not POSTGRES_READING.fullmatch(name))
    )


def refuse_call(schema: str, name: str, procedures: frozenset[str]) -> str:
    """Why a reading may not call this function; empty when it may."""
    full = f"{schema}.{name}" if schema else name
    if schema and schema not in POSTGRES_SYSTEM:
        if POSTGRES_OWN_READING.fullmatch(name) or full in procedures:
            return ""
        return f"« {full} » peut écrire : une procédure qui ne fait que lire se dit dans « procedures_de_lecture »"
    if reaches_out(name) or POSTGRES_WRITING.fullmatch(name):
        return f"la fonction « {full} » n'est pas connue comme une lecture"
    return ""


def list_calls(tokens: tuple[Token, ...]) -> list[tuple[str, str, Token]]:
    """Schema (empty without one), name and place of everything that looks like a call."""
    calls = []
    for place, token in enumerate(tokens[:-1]):
        if token.name and tokens[place + 1].text == "(":
            qualified = place >= 2 and tokens[place - 1].text == "."
            calls.append((tokens[place - 2].name if qualified else "", token.name, token))
    return calls


def cut_at_semicolons(tokens: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """Statements between semicolons, without empty ones."""
    statements: list[tuple[Token, ...]] = []
    current: list[Token] = []
    for token in tokens:
        if token.kind is Kind.SIGN and token.text == ";":
            statements.append(tuple(current))
            current = []
        else:
            current.append(token)
    return [one for one in (*statements, tuple(current)) if one]
