"""A T-SQL batch: its words first, then each plain statement by itself.

A name is taken for what it says. Behind it may be a view or a function, which in T-SQL cannot change data (error 443 as
it is made), or a synonym, which is read like what it stands for. What may still act from there, CLR code and OPENQUERY
inside a view, no text of a scenario shows: only the rights of the account hold it back (docs/scenarios-sql.md).
"""

from __future__ import annotations

from itertools import pairwise

from nonreg.sqlfiles.batches import Piece, PieceKind, cut_batch
from nonreg.sqlfiles.changes import Change, list_queries, read_change
from nonreg.sqlfiles.forbidden import (
    TSQL_FIXED_OPTIONS,
    TSQL_ISOLATION,
    TSQL_NOT_UNDONE,
    TSQL_OPTIONS,
    TSQL_PLACED,
    TSQL_UNEXECUTED,
    TSQL_WORDS,
)
from nonreg.sqlfiles.parsing import DEFINING, READING, parse, require_nodes, require_query
from nonreg.sqlfiles.respelling import find_group, is_variable, respell, split_at_commas
from nonreg.sqlfiles.rights import NEVER_VOUCHED
from nonreg.sqlfiles.tokens import Kind, Token, Unreadable, read_tokens

ISOLATION = ("SET", "TRANSACTION", "ISOLATION", "LEVEL")
RAISE_OPTIONS = frozenset({"NOWAIT", "SETERROR"})  # LOG writes the server's journal
LEAST_SEVERITY = 11
MOST_DOTS = 3  # server.database.schema.procedure
CONSTANT_WORDS = frozenset({"NULL", "DEFAULT", "OUTPUT", "OUT", "ON", "OFF"})


def require_reading(text: str, procedures: frozenset[str]) -> None:
    """Unreadable unless a batch does nothing but read, and run the procedures that are vouched for."""
    tokens = read_tokens(text, "mssql")
    if not tokens:
        raise Unreadable("le fichier ne contient aucune instruction")
    for token in skip_members(skip_isolation(tokens)):
        if token.word in TSQL_WORDS and token.word not in TSQL_PLACED:
            raise Unreadable(
                f"ligne {token.line} : le mot « {token.word} » n'est pas d'une lecture (un nom se met entre [ ])"
            )
    for token, behind in pairwise(tokens):
        if behind.text == "(" and NEVER_VOUCHED.fullmatch(token.name):
            raise Unreadable(f"ligne {token.line} : rien ne dit ce que fait « {token.text} »")
    require_local(tokens)
    pieces = cut_batch(tokens)
    placed: set[int] = set()
    for place, piece in enumerate(pieces):
        following = pieces[place + 1] if place + 1 < len(pieces) else None
        try:
            placed |= {token.start for token in require_piece(text, piece, following, procedures)}
        except Unreadable as error:
            raise Unreadable(f"ligne {piece.line} : {error}") from error
    for token in skip_isolation(tokens):
        if token.word in TSQL_PLACED and token.start not in placed:
            raise Unreadable(f"ligne {token.line} : le mot « {token.word} » n'est pas d'une lecture ici")


def require_undone(text: str) -> None:
    """Unreadable unless a batch leaves the transaction alone, and runs nothing that reaches out of it."""
    tokens = read_tokens(text, "mssql")
    if not tokens:
        raise Unreadable("le fichier ne contient aucune instruction")
    for token in skip_isolation(tokens):
        if token.word in TSQL_NOT_UNDONE:
            raise Unreadable(
                f"ligne {token.line} : le mot « {token.word} » ; la transaction est celle de l'outil, qui l'annule"
            )
        if token.name and NEVER_VOUCHED.fullmatch(token.name):
            raise Unreadable(f"ligne {token.line} : l'effet de « {token.text} » ne s'annule pas")
    require_local(tokens)
    for place, token in enumerate(tokens):
        try:
            if token.word in ("EXEC", "EXECUTE"):
                require_named(tokens[place + 1 :])
            elif token.word == "RAISERROR":
                require_severity(list_arguments(tokens[place + 1 :]))
            elif token.word == "SET":
                require_executed(tokens[place + 1 :])
        except Unreadable as error:
            raise Unreadable(f"ligne {token.line} : {error}") from error


def require_opened(text: str) -> None:
    """Unreadable for what a transaction that is open already cannot take: SNAPSHOT fails there (error 3951)."""
    tokens = read_tokens(text, "mssql")
    words = [token.word for token in tokens]
    for place, token in enumerate(tokens):
        if tuple(words[place : place + 5]) == (*ISOLATION, "SNAPSHOT"):
            raise Unreadable(
                f"ligne {token.line} : l'isolation SNAPSHOT ne se demande pas dans une transaction déjà ouverte ; "
                "sans procédure et sans écriture elle est admise"
            )


def require_executed(given: tuple[Token, ...]) -> None:
    """Unreadable for a SET of options that keep a batch from running whole; a column that is so named is assigned."""
    names = given[:1]
    for comma, name in zip(given[1::2], given[2::2], strict=False):
        if comma.text != ",":
            break
        names = (*names, name)
    behind = given[2 * len(names) - 1 : 2 * len(names) + 1]
    if not any(name.word in TSQL_UNEXECUTED for name in names):
        return
    if not any(token.text in ("=", ".") for token in behind):
        words = ", ".join(name.text for name in names)
        raise Unreadable(f"SET {words} : ce réglage empêche le lot de s'exécuter en entier")


def require_named(given: tuple[Token, ...]) -> None:
    """Unreadable unless what EXEC runs is a procedure of this server, by its name."""
    if len(given) > 2 and is_variable(given[0]) and given[1].text == "=":
        given = given[2:]
    if not given or not given[0].name or is_variable(given[0]):
        raise Unreadable("EXEC d'un texte ou d'une variable")
    dots = 0
    for before, token in pairwise((given[0], *given)):
        if token.text == ".":
            dots += 1
        elif token is not given[0] and before.text != ".":
            break
    if dots >= MOST_DOTS:
        raise Unreadable("EXEC sur un autre serveur, où rien ne s'annule")


def list_arguments(given: tuple[Token, ...]) -> list[tuple[Token, ...]]:
    """What stands between the commas of the parentheses that begin here."""
    if not given or given[0].text != "(":
        return []
    depth = given[0].depth
    parts: list[tuple[Token, ...]] = []
    current: list[Token] = []
    for token in given[1:]:
        if token.text == ")" and token.depth == depth:
            break
        if token.text == "," and token.depth == depth + 1:
            parts.append(tuple(current))
            current = []
        else:
            current.append(token)
    return [*parts, tuple(current)]


def require_severity(arguments: list[tuple[Token, ...]]) -> None:
    """Unreadable for a RAISERROR that only prints: from 0 to 10 it is no error, whatever it says."""
    severity = arguments[1] if len(arguments) > 1 else ()
    digits = severity[0].text if len(severity) == 1 and severity[0].kind is Kind.NUMBER else ""
    if not digits.isdigit() or int(digits) < LEAST_SEVERITY:
        raise Unreadable(
            f"RAISERROR sans gravité écrite en chiffres, {LEAST_SEVERITY} ou plus : en dessous ce n'est qu'un message, "
            "qui s'écrit avec PRINT"
        )


def skip_isolation(tokens: tuple[Token, ...]) -> list[Token]:
    """The tokens without `SET TRANSACTION ISOLATION LEVEL`, which is no transaction."""
    words = [token.word for token in tokens]
    kept = set(range(len(tokens)))
    for place in range(len(tokens)):
        if tuple(words[place : place + 4]) == ISOLATION:
            kept.discard(place + 1)
    return [token for place, token in enumerate(tokens) if place in kept]


def skip_members(tokens: list[Token]) -> list[Token]:
    """The tokens without those behind a dot, which are names whatever they say."""
    before = [None, *tokens[:-1]]
    return [token for token, one in zip(tokens, before, strict=True) if one is None or one.text != "."]


def require_local(tokens: tuple[Token, ...]) -> None:
    """Unreadable for a name of four parts: it leads to another server, which only its rights would hold back."""
    for place, token in enumerate(tokens):
        if token.text != "." or not place or tokens[place - 1].text == ".":
            continue
        end, dots = place, 0
        while end < len(tokens) and (
            tokens[end].text == "." or (tokens[end].name and tokens[end - 1].text == ".")
        ):
            dots += tokens[end].text == "."
            end += 1
        if dots >= MOST_DOTS:
            name = "".join(one.text for one in tokens[place - 1 : end])
            raise Unreadable(
                f"ligne {token.line} : « {name} », un nom en quatre parties, mène à un autre serveur "
                "(une colonne se nomme par l'alias de sa table)"
            )


def require_piece(
    text: str, piece: Piece, following: Piece | None, procedures: frozenset[str]
) -> tuple[Token, ...]:
    """Unreadable unless one statement only reads; its words that only it may hold, where it holds them."""
    if not piece.tokens:
        raise Unreadable(f"{piece.word} sans rien à sa suite")
    if piece.kind in (PieceKind.INSERT, PieceKind.CHANGE):
        change = read_change(piece.tokens)
        require_own_change(text, change, following)
        return change.placed
    if piece.kind is PieceKind.EXECUTE:
        require_vouched(piece, procedures)
        return piece.tokens[:1]
    if piece.kind is PieceKind.ARGUMENTS:
        require_arguments(text, piece)
    elif piece.kind is PieceKind.OPTION:
        require_option(piece)
    else:
        part = respell(text, piece.tokens)
        if piece.kind is PieceKind.QUERY:
            require_query(part, "mssql")
        elif piece.kind is PieceKind.DECLARE:
            require_nodes(parse(part, "mssql"), (*READING, *DEFINING))
        else:
            require_expression(part, is_condition=piece.word in ("IF", "WHILE"))
    return ()


def require_expression(part: str, *, is_condition: bool) -> None:
    """Unreadable unless a condition or a value only reads."""
    tree = parse(f"SELECT CASE WHEN {part}\nTHEN 1 END" if is_condition else f"SELECT {part}", "mssql")
    require_nodes(tree, READING)


def require_arguments(text: str, piece: Piece) -> None:
    """Unreadable unless THROW or RAISERROR only speaks."""
    given, word = piece.tokens[1:], piece.word
    if word == "RAISERROR":
        end = next((place for place, token in enumerate(given) if token.word == "WITH"), len(given))
        options = [token.word for token in given[end + 1 :] if token.text != ","]
        if not set(options) <= RAISE_OPTIONS:
            raise Unreadable("RAISERROR … WITH LOG écrit dans le journal du serveur")
        given = given[:end]
        if len(given) < 3 or given[0].text != "(" or given[-1].text != ")":
            raise Unreadable("RAISERROR mal écrit")
        require_severity(list_arguments(given))
        given = given[1:-1]
    if given:
        require_expression(respell(text, given), is_condition=False)


def require_option(piece: Piece) -> None:
    """Unreadable for a setting that is not in the list."""
    words = [token.word for token in piece.tokens]
    if tuple(words[:4]) == ISOLATION:
        if " ".join(words[4:]) not in TSQL_ISOLATION:
            raise Unreadable(f"niveau d'isolation refusé (admis : {', '.join(sorted(TSQL_ISOLATION))})")
        return
    names, value = " ".join(token.text.upper() for token in piece.tokens[1:-1]).split(" , "), words[-1]
    if not all(name in TSQL_OPTIONS or (name, value) in TSQL_FIXED_OPTIONS for name in names):
        fixed = sorted(" ".join(one) for one in TSQL_FIXED_OPTIONS)
        raise Unreadable(f"réglage SET refusé (admis : {', '.join((*sorted(TSQL_OPTIONS), *fixed))})")


def require_own_change(text: str, change: Change, following: Piece | None) -> None:
    """Unreadable unless what a change of a table variable reads is a reading."""
    queries = list_queries(text, change)
    if (
        change.verb.word == "INSERT"
        and not change.rest
        and (following is None or following.kind is not PieceKind.EXECUTE)
    ):
        raise Unreadable("INSERT sans VALUES, SELECT ni EXEC")
    for query in queries:
        require_query(query, "mssql")


def require_vouched(piece: Piece, procedures: frozenset[str]) -> None:
    """Unreadable unless a procedure is called by its name, and somebody vouches that it reads."""
    given = piece.tokens[1:]
    if len(given) > 2 and is_variable(given[0]) and given[1].text == "=":
        given = given[2:]
    parts: list[str] = []
    while given and given[0].name and not is_variable(given[0]):
        if "." in given[0].name:
            raise Unreadable(f"EXEC de « {given[0].text} » : un point dans un nom")
        parts.append(given[0].name)
        given = given[1:]
        if not given or given[0].text != ".":
            break
        given = given[1:]
    name = ".".join(parts)
    if not name:
        raise Unreadable("EXEC d'un texte ou d'une variable : on ne sait pas ce qui sera exécuté")
    if name not in procedures:
        raise Unreadable(f"EXEC de « {name} », qui n'est pas dans « procedures_de_lecture »")
    for token in given[: require_execute_options(given)]:
        constant = token.kind in (Kind.STRING, Kind.NUMBER, Kind.QUOTED) or token.word in CONSTANT_WORDS
        if not constant and not is_variable(token) and token.text not in (",", "=", "-", "+"):
            raise Unreadable(
                f"paramètre de « {name} » : « {token.text} » n'est ni une constante ni une variable"
            )


def require_execute_options(given: tuple[Token, ...]) -> int:
    """Where the WITH of EXEC stands, the end without one; Unreadable for what does more than shape a result."""
    start = next(
        (place for place, one in enumerate(given) if one.word == "WITH" and not one.depth), len(given)
    )
    for option in split_at_commas(given[start + 1 :]) if start < len(given) else ():
        words = tuple(one.word for one in option)
        shapes = option[2:] if words[:2] == ("RESULT", "SETS") else ()
        is_known = words == ("RECOMPILE",) or words[2:] in (("NONE",), ("UNDEFINED",))
        is_table = bool(shapes) and find_group(shapes, 0) == len(shapes)
        is_plain = all(one.name or one.kind is Kind.NUMBER or one.text in "(),." for one in shapes)
        if not is_known and not (is_table and is_plain):
            raise Unreadable("EXEC … WITH : seuls RECOMPILE et RESULT SETS (colonnes) sont compris")
    return start
