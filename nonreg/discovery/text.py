"""The text of a proposed scenario: a header, what it is about, one batch. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from nonreg.clients.sql import load_query
from nonreg.discovery.known import PROPOSAL
from nonreg.discovery.proposals import Draft, Sort
from nonreg.model import Criticality

FIRST_ROWS = 100
MARK = "-- Proposé par « python -m nonreg discover » : à relire, à compléter, puis à renommer en .sql."
KEEP = (
    "-- La liste VALUES dit ce que ce fichier couvre : une ligne mise en commentaire ne sera pas reproposée."
)
COMPLETE = "-- À compléter : les colonnes, leur ordre, et « attendu: fichier … » si le résultat est connu."
DEFINITIONS = {"mssql": "VIEW DEFINITION", "postgresql": ""}
MAX_SLUG = 60


@dataclass(frozen=True, slots=True)
class Words:
    """What a sort of proposal says in its header."""

    title: str
    criticality: Criticality
    expectation: str
    rights: str = ""
    procedures: str = ""
    note: str = COMPLETE


def write_scenario(draft: Draft, its_id: str, engine: str) -> str:
    """The whole file."""
    words, batch = WRITERS[draft.sort](draft, engine)
    header = {
        "id": its_id,
        "titre": words.title,
        "criticite": words.criticality,
        "effet": "read_only",
        "moteur": engine,
        "site": "actif",
        "attendu": words.expectation,
        "droits": words.rights,
        "procedures_de_lecture": words.procedures,
    }
    lines = [f"-- {key}: {value}" for key, value in header.items() if value]
    return "\n".join([*lines, "--", MARK, f"-- objet : {draft.subject}", words.note, "", batch]) + "\n"


def name_file(draft: Draft, its_id: str) -> str:
    """A file name that says what is in it, whatever the objects are called."""
    plain = unicodedata.normalize("NFKD", draft.subject).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^\w]+", "-", plain).strip("-")[:MAX_SLUG]
    return f"{its_id}-{slug}{PROPOSAL}"


def write_view(draft: Draft, engine: str) -> tuple[Words, str]:
    """Its first rows can be read."""
    name = f"{draft.schema}.{draft.name}"
    words = Words(f"Vue {name} lisible", Criticality.MINEURE, "aucune erreur", f"SELECT {name.lower()}")
    return words, select_some(f"{quote_name(draft.schema, engine)}.{quote_name(draft.name, engine)}", engine)


def write_function(draft: Draft, engine: str) -> tuple[Words, str]:
    """Its first rows can be read."""
    name = f"{draft.schema}.{draft.name}"
    words = Words(
        f"Fonction {name} exécutable", Criticality.MINEURE, "aucune erreur", f"SELECT {name.lower()}"
    )
    return words, select_some(
        f"{quote_name(draft.schema, engine)}.{quote_name(draft.name, engine)}()", engine
    )


def write_procedure(draft: Draft, engine: str) -> tuple[Words, str]:
    """It ends without an error."""
    name, called = f"{draft.schema}.{draft.name}", quote_name(draft.schema, engine)
    called = f"{called}.{quote_name(draft.name, engine)}"
    words = Words(
        f"Procédure {name} exécutable",
        Criticality.MINEURE,
        "aucune erreur",
        f"EXECUTE {name.lower()}",
        name.lower(),
    )
    return words, f"EXEC {called};" if engine == "mssql" else f"SELECT * FROM {called}();"  # noqa: S608 - a quoted name


def write_constraints(draft: Draft, engine: str) -> tuple[Words, str]:
    """Each of them is there, enabled and trusted."""
    words = Words(
        f"Contraintes du schéma {draft.schema} présentes, actives et vérifiées",
        Criticality.MAJEURE,
        "aucune ligne",
        DEFINITIONS[engine],
        note=KEEP,
    )
    here = " COLLATE DATABASE_DEFAULT" if engine == "mssql" else ""
    text = literal(engine)
    return words, (
        "SELECT e.schema_name, e.table_name, e.constraint_name,\n"
        f"       CASE WHEN f.constraint_name IS NULL THEN {text('absente')}\n"
        f"            WHEN f.is_enabled = 0 THEN {text('désactivée')} ELSE {text('non vérifiée')} END AS ecart\n"
        f"FROM {write_values(draft, engine)} AS e (schema_name, table_name, constraint_name)\n"
        f"LEFT JOIN {embed('discover_constraints', engine)} AS f\n"
        f"    ON f.schema_name{here} = e.schema_name AND f.table_name{here} = e.table_name\n"
        f"    AND f.constraint_name{here} = e.constraint_name\n"
        "WHERE f.constraint_name IS NULL OR f.is_enabled = 0 OR f.is_trusted = 0\n"
        "ORDER BY 1, 2, 3;"
    )


def write_hashes(draft: Draft, engine: str) -> tuple[Words, str]:
    """Each of them has the text that it had."""
    words = Words(
        f"Code des modules du schéma {draft.schema} inchangé",
        Criticality.MAJEURE,
        "aucune ligne",
        DEFINITIONS[engine],
        note=KEEP,
    )
    here = " COLLATE DATABASE_DEFAULT" if engine == "mssql" else ""
    text = literal(engine)
    return words, (
        "SELECT e.schema_name, e.module_name,\n"
        f"       CASE WHEN f.module_name IS NULL THEN {text('absent')} WHEN f.sha256 IS NULL THEN {text('illisible')}\n"
        f"            ELSE {text('modifié')} END AS ecart,\n"
        "       e.sha256 AS attendu, f.sha256 AS obtenu\n"
        f"FROM {write_values(draft, engine)} AS e (schema_name, module_name, sha256)\n"
        f"LEFT JOIN {embed('discover_hashes', engine)} AS f\n"
        f"    ON f.schema_name{here} = e.schema_name AND f.module_name{here} = e.module_name\n"
        f"WHERE f.sha256 IS NULL OR f.sha256{here} <> e.sha256\n"
        "ORDER BY 1, 2;"
    )


WRITERS: dict[Sort, Callable[[Draft, str], tuple[Words, str]]] = {
    Sort.VIEW: write_view,
    Sort.FUNCTION: write_function,
    Sort.PROCEDURE: write_procedure,
    Sort.CONSTRAINTS: write_constraints,
    Sort.HASHES: write_hashes,
}


def select_some(source: str, engine: str) -> str:
    """Some rows of it, so that every column is worked out."""
    if engine == "mssql":
        return f"SELECT TOP ({FIRST_ROWS}) *\nFROM {source};"
    return f"SELECT *\nFROM {source}\nLIMIT {FIRST_ROWS};"


def write_values(draft: Draft, engine: str) -> str:
    """The rows of a group as a derived table."""
    text = literal(engine)
    rows = ",\n".join(f"    ({', '.join(text(value) for value in row)})" for row in draft.rows)
    return f"(VALUES\n{rows}\n)"


def embed(query: str, engine: str) -> str:
    """A named query as a derived table, so that the scenario asks what the discovery asked."""
    lines = [line for line in load_query(engine, query).split("\n") if not line.startswith("--")]
    return "(\n" + "\n".join(f"    {line}" for line in lines) + "\n)"


def literal(engine: str) -> Callable[[str], str]:
    """How a text is written."""
    prefix = "N'" if engine == "mssql" else "'"
    return lambda text: prefix + text.replace("'", "''") + "'"


def quote_name(name: str, engine: str) -> str:
    """A name as an identifier."""
    if engine == "mssql":
        return "[" + name.replace("]", "]]") + "]"
    return '"' + name.replace('"', '""') + '"'
