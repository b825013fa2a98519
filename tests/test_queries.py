"""Named queries: PostgreSQL's and SQL Server's say the same, and SQL Server's are checked without a server."""

from __future__ import annotations

import re
import tomllib

import pytest
from sqlglot import exp

from nonreg.clients.sql import QUERIES_DIR, load_query
from tests.query_texts import (
    list_module_columns,
    list_parameters,
    list_runs,
    list_used_columns,
    list_words,
    name_columns,
    name_procedure,
    name_relation,
    parse,
    read_modules,
    read_relations,
)

POSTGRESQL, MSSQL = (
    sorted(path.stem for path in (QUERIES_DIR / engine).glob("*.sql")) for engine in ("postgresql", "mssql")
)
TWINS = [name for name in POSTGRESQL if name in MSSQL]
ABSENT, ABSENT_POSTGRESQL = (
    tomllib.loads((QUERIES_DIR / engine / "ABSENTES.toml").read_text("utf-8"))["absentes"]
    for engine in ("mssql", "postgresql")
)

# Asked after another one that PostgreSQL has no equivalent of.
ONLY_ASKED_OF_SQL_SERVER = {"distribution_history", "grants_elsewhere"}
# What a procedure that a query is made of answers with; the stand-in's own text is held to it.
PROCEDURES = {
    "evt.usp_verifier_seuils": ("usp_verifier_seuils",),
    "nr.usp_affiner": ("traitees", "inserees", "rejetees"),
    "nr.usp_creer_courbe": ("usp_creer_courbe",),
    "nr.usp_creer_seuil": ("usp_creer_seuil",),
    "nr.usp_creer_station": ("sta_code", "cap_h", "cap_q", "cap_rr"),
    "nr.usp_modifier_article": ("usp_modifier_article",),
    "nr.usp_nettoyer": ("objet", "lignes"),
    "nr.usp_purger": ("mesures", "tampon", "evenements", "bloquee"),
    "nr.usp_regler_parametre": ("usp_regler_parametre",),
    "tampon.usp_inserer": ("usp_inserer",),
}
# The server's own procedures that only read, each for the one query that is made of it.
READING = {
    "replication_monitor": "distribution.sys.sp_replmonitorhelpsubscription",
}
SYSTEM_PROCEDURE = re.compile(r"(\w+\.)?sys\.sp_\w+")
# Queries that answer nothing, or what a procedure of the server does.
SILENT = {"forbidden_write", "tracer_history", *READING}
# Queries that may write, or take something of the server.
WRITERS = re.compile(r"(bench|drill|tracer|forbidden)_\w+|lock_take")
WRITING = {
    *("INSERT", "UPDATE", "DELETE", "MERGE", "TRUNCATE", "INTO", "EXEC", "EXECUTE"),
    *("CREATE", "ALTER", "DROP", "GRANT", "REVOKE", "DENY"),
}
# What SQL Server 2016 does not know, and what the house does without.
TOO_NEW = {
    *(
        "STRING_AGG",
        "TRIM",
        "CONCAT_WS",
        "TRANSLATE",
        "REGEXP_LIKE",
        "GREATEST",
        "LEAST",
        "APPROX_COUNT_DISTINCT",
    ),
    *(
        "GENERATE_SERIES",
        "DATETRUNC",
        "DATE_BUCKET",
        "JSON_OBJECT",
        "JSON_ARRAY",
        "JSON_ARRAYAGG",
        "JSON_OBJECTAGG",
    ),
    *("JSON_PATH_EXISTS", "LEFT_SHIFT", "RIGHT_SHIFT", "BIT_COUNT", "GET_BIT", "SET_BIT", "WINDOW"),
    *("MERGE", "CHECKSUM_AGG"),
}
NEW_PHRASES = re.compile(
    r"\bIS (NOT )?DISTINCT FROM\b|\bCREATE OR ALTER\b|\b(IGNORE|RESPECT) NULLS\b|\bSTRING_SPLIT \( [^()]+ , 1 \)"
)


def list_answers(engine: str, name: str) -> list[list[tuple[str, ...]]]:
    """For each way through a query, the columns of each of its result sets."""
    answers = []
    for run in list_runs(parse(engine, name)):
        found = [
            PROCEDURES.get(name_procedure(one), ()) if isinstance(one, exp.Execute) else name_columns(one)
            for one in run
        ]
        answers.append([columns for columns in found if columns])
    return answers


def list_calls(name: str) -> list[exp.Execute]:
    """The EXEC of a SQL Server query."""
    return [one for run in list_runs(parse("mssql", name)) for one in run if isinstance(one, exp.Execute)]


def test_each_query_has_its_twin_or_a_reason_to_have_none() -> None:
    """Never both and never neither; a reason is one French sentence, for a query that exists."""
    assert sorted(set(POSTGRESQL) - set(MSSQL)) == sorted(ABSENT)
    assert sorted(set(MSSQL) - set(POSTGRESQL) - ONLY_ASKED_OF_SQL_SERVER) == sorted(ABSENT_POSTGRESQL)
    reasons = (ABSENT | ABSENT_POSTGRESQL).items()
    assert [name for name, reason in reasons if not re.fullmatch(r"[A-ZÀÉ].{30,}\.", reason)] == []


def test_twins_take_the_same_parameters() -> None:
    found = {name: (list_parameters("mssql", name), list_parameters("postgresql", name)) for name in TWINS}
    assert {name: both for name, both in found.items() if both[0] != both[1]} == {}


def test_twins_answer_with_the_same_columns_in_the_same_order() -> None:
    """Whatever way a branch takes; each column bears a name that the text gives it."""
    differences = {}
    for name in TWINS:
        expected, found = list_answers("postgresql", name), list_answers("mssql", name)
        if len(expected) != 1 or any(answer != expected[0] for answer in found):
            differences[name] = (expected, found)
    assert differences == {}


def test_a_query_answers_with_one_result_set() -> None:
    """The client reads one; without NOCOUNT a count of rows would come before it."""
    wrong = {}
    for name in MSSQL:
        sets = {len(answer) for answer in list_answers("mssql", name)}
        if sets != ({0} if name in SILENT else {1}):
            wrong[name] = f"{sets} result sets"
        elif len(parse("mssql", name)) > 1 and list_words(name)[:4] != ["SET", "NOCOUNT", "ON", ";"]:
            wrong[name] = "no SET NOCOUNT ON"
    assert wrong == {}


def test_the_parser_understands_every_statement(caplog: pytest.LogCaptureFixture) -> None:
    """What it does not understand it keeps as a text, into which no check looks."""
    statements = {name: parse("mssql", name) for name in MSSQL}
    assert [name for name, found in statements.items() if not found] == []
    assert [name for name, found in statements.items() for one in found if one.find(exp.Command)] == []
    assert caplog.messages == []


def test_nothing_is_newer_than_sql_server_2016() -> None:
    found = {name: sorted(TOO_NEW & set(list_words(name))) for name in MSSQL}
    phrases = [name for name in MSSQL if NEW_PHRASES.search(" ".join(list_words(name)))]
    assert ({name: words for name, words in found.items() if words}, phrases) == ({}, [])


def test_no_text_holds_a_question_mark() -> None:
    """ODBC's mark of a parameter."""
    assert [name for name in MSSQL if "?" in load_query("mssql", name)] == []


def test_a_read_only_reads() -> None:
    """No word of it writes; of the server's procedures, only those that read."""
    wrong = {}
    for name in (name for name in MSSQL if not WRITERS.fullmatch(name)):
        words = WRITING & set(list_words(name))
        if name in READING and [name_procedure(one) for one in list_calls(name)] == [READING[name]]:
            words -= {"EXEC"}
        if words:
            wrong[name] = words
    assert wrong == {}


def test_a_query_of_sql_server_alone_says_what_it_returns_and_what_it_may_do() -> None:
    silent = []
    for name in (name for name in MSSQL if name not in POSTGRESQL):
        lines = [line for line in load_query("mssql", name).splitlines() if line.startswith("-- ")]
        if len(lines) < 2 or not re.search(
            r"Right: \w", " ".join(line.removeprefix("-- ") for line in lines)
        ):
            silent.append(name)
    assert silent == []


def test_procedures_answer_as_the_stand_in_ends_them() -> None:
    """The table above is what their text says; one that is not in it answers nothing."""
    modules = read_modules()
    called = {name_procedure(one) for name in MSSQL for one in list_calls(name)}
    ours = {name for name in called if not SYSTEM_PROCEDURE.fullmatch(name)}
    assert PROCEDURES.keys() <= ours
    assert {name: list_module_columns(modules, name) for name in ours} == dict.fromkeys(ours, ()) | PROCEDURES


def test_procedures_and_functions_are_called_as_the_stand_in_declares_them() -> None:
    """A procedure by the names of its parameters, none missing; a function by as many arguments as it has."""
    modules, wrong = read_modules(), []
    for name in MSSQL:
        for call in list_calls(name):
            module = modules.get(name_procedure(call))
            given = {one.this.this.name for one in call.expressions}
            if module is not None and not module.required <= given <= set(module.parameters):
                wrong.append((name, module.name, given ^ set(module.parameters)))
        for source in (one for statement in parse("mssql", name) for one in statement.find_all(exp.Table)):
            module = modules.get(name_relation(source)) if isinstance(source.this, exp.Func) else None
            if module is not None and len(source.this.expressions) != len(module.parameters):
                wrong.append((name, module.name, set(module.parameters)))
    assert wrong == []


def test_columns_are_those_of_the_stand_in() -> None:
    """Each column that names its table is one of that table's."""
    relations, unknown = read_relations(), []
    schemas = {relation.split(".")[0] for relation in relations}
    for name in MSSQL:
        for relation, column in list_used_columns(parse("mssql", name)):
            if relation.split(".")[0] in schemas and column not in relations.get(relation, set()):
                unknown.append((name, relation, column))
    assert unknown == []
