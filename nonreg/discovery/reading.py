"""Whether a module does nothing but read, from its text: the guard of SQL scenarios judges its body. Pure.

A view and an inline function read by construction; they are looked at for what reaches outside of the database. A
procedure that calls another one reads if that one does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from nonreg.discovery.catalog import Module, ModuleKind
from nonreg.sqlfiles.guard import check_read_only
from nonreg.sqlfiles.tokens import Token, Unreadable, read_tokens

NOT_READABLE = "définition chiffrée, ou que le compte ne peut pas lire"
WITH_PARAMETERS = "a des paramètres"
OUTSIDE = frozenset({"OPENROWSET", "OPENQUERY", "OPENDATASOURCE"})
OPTIONS = frozenset({"ENCRYPTION", "RECOMPILE", "SCHEMABINDING", "NATIVE_COMPILATION", "EXECUTE", "EXEC"})
NOT_PROPOSED = {
    ModuleKind.TABLE_FUNCTION: "fonction à plusieurs instructions",
    ModuleKind.SCALAR_FUNCTION: "fonction scalaire",
    ModuleKind.TRIGGER: "déclencheur",
}
PLACES = re.compile(r"^(?:ligne \d+ : )+")  # of the body, not of the module
# What the guard says of a call, in a scenario's words.
UNVOUCHED = re.compile(r"(?:EXEC de )?« (?P<name>[^»]+) »,? (?:qui n'est pas dans|peut écrire).*")


def judge_modules(modules: Iterable[Module], engine: str, accounts_schema: str) -> dict[Module, str]:
    """Why each module is no scenario that only reads; empty for those that are."""
    every = sorted(modules)
    reasons = {module: refuse_module(module, engine, accounts_schema) for module in every}
    procedures = [one for one in every if one.kind is ModuleKind.PROCEDURE and not reasons[one]]
    reading = find_reading(procedures, engine)
    for procedure in procedures:
        reasons[procedure] = reading[procedure]
    for module, reason in reasons.items():
        if not reason and module.parameter_count:
            reasons[module] = WITH_PARAMETERS
    return reasons


def find_reading(procedures: Iterable[Module], engine: str) -> dict[Module, str]:
    """Why each procedure does not surely only read: more and more are vouched for, until no other one is."""
    reasons = dict.fromkeys(procedures, "?")
    vouched: frozenset[str] = frozenset()
    while True:
        for procedure, reason in reasons.items():
            if reason:
                reasons[procedure] = refuse_body(procedure, engine, vouched)
        reading = frozenset(one.full_name.lower() for one, reason in reasons.items() if not reason)
        if reading == vouched:
            return reasons
        vouched = reading


def refuse_module(module: Module, engine: str, accounts_schema: str) -> str:
    """Why a module cannot be proposed, before its statements are looked at."""
    if module.schema.casefold() == accounts_schema.casefold():
        return "schéma des comptes"
    if module.kind in NOT_PROPOSED:
        return NOT_PROPOSED[module.kind]
    if not module.definition:
        return NOT_READABLE
    try:
        tokens = read_tokens(module.definition, engine)
    except Unreadable as error:
        return f"texte non analysable ({error})"
    if names_schema(tokens, accounts_schema):
        return "lit le schéma des comptes"
    if any(token.word in OUTSIDE for token in tokens):
        return "interroge un autre serveur"
    return ""


def names_schema(tokens: tuple[Token, ...], schema: str) -> bool:
    """Whether something of that schema is named."""
    wanted = schema.casefold()
    return any(
        token.name.casefold() == wanted and tokens[place + 1].text == "."
        for place, token in enumerate(tokens[:-1])
    )


def refuse_body(procedure: Module, engine: str, vouched: frozenset[str]) -> str:
    """Why the statements of a procedure do not surely only read."""
    definition = procedure.definition or ""
    try:
        body = find_body(definition) if engine == "mssql" else wrap_block(definition)
    except Unreadable as error:
        return f"texte non analysable ({error})"
    reason = check_read_only(body, engine, vouched)
    if not reason:
        return ""
    words = UNVOUCHED.sub(r"appelle « \g<name> », qui n'est pas une lecture", PLACES.sub("", reason))
    return f"ne fait pas que lire, ou ne se laisse pas analyser : {words}"


def find_body(definition: str) -> str:
    """What follows the AS of CREATE PROCEDURE; Unreadable for a heading that is not understood."""
    tokens = read_tokens(definition, "mssql")
    words = [token.word for token in tokens]
    place = next((at for at, word in enumerate(words) if word in ("PROC", "PROCEDURE")), len(words))
    if words[:1] != ["CREATE"] or place not in (1, 3):
        raise Unreadable("en-tête CREATE PROCEDURE introuvable")
    while place < len(tokens) and words[place] not in ("AS", "WITH", "FOR"):
        place += 1
    if place < len(tokens) and words[place] == "WITH":
        place = skip_options(tokens, place + 1)
    if words[place : place + 2] == ["FOR", "REPLICATION"]:
        place += 2
    if place + 1 >= len(tokens) or words[place] != "AS":
        raise Unreadable("en-tête CREATE PROCEDURE non compris")
    return definition[tokens[place + 1].start :]


def skip_options(tokens: tuple[Token, ...], place: int) -> int:
    """Where the options of a procedure end; `EXECUTE AS OWNER` has an AS of its own."""
    while place < len(tokens) and tokens[place].word in OPTIONS:
        place += 3 if tokens[place].word in ("EXECUTE", "EXEC") else 1
        if place < len(tokens) and tokens[place].text == ",":
            place += 1
    return place


def wrap_block(definition: str) -> str:
    """The body of a function of the embedded platform; one in PL/pgSQL is a block."""
    first = read_tokens(definition, "postgresql")[:1]
    is_block = bool(first) and first[0].word in ("DECLARE", "BEGIN")
    return f"DO $corps$\n{definition}\n$corps$" if is_block else definition
