"""The stand-in in T-SQL, read without a server: it parses, its names bind, and it is the model of the other engine.

sqlglot reads every statement by itself, and what it would only keep as text (`Command`) is an error but for the few
orders listed in `mssql_reading.PLAIN`: each of those must occur, and rights are then read apart.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from sqlglot import exp

from nonreg.grants.manifest import load_manifest
from nonreg.sandbox.mssql import install
from nonreg.sandbox.mssql.batches import blank_hidden
from nonreg.sandbox.mssql.install import list_batches
from tests.sandbox import mssql_reading
from tests.sandbox.mssql_binding import Names, list_undeclared, list_unfilled
from tests.sandbox.mssql_reading import Model, Module, list_results, name_table


def listed(text: str) -> set[str]:
    return set(text.split())


SCRIPTS = listed(
    "05_base 10_tables 15_role 20_affinage 30_calculs 40_exploitation 50_banc 60_donnees 65_dernieres 70_droits"
)
TABLES = listed("""
    cfg.fuseau cfg.identite_plateforme cfg.noeud cfg.operateur cfg.parametre cfg.tache_export evt.alarme
    evt.composant evt.evenement ha.article nr.article_essai nr.battement nr.marque prod.derniere
    prod.mesure ref.capteur ref.chrono ref.courbe ref.courbe_point ref.seuil ref.site ref.station
    securite.utilisateur tampon.collecte tampon.mesure
""")
PROCEDURES = listed("""
    cfg.usp_purge evt.usp_journaliser evt.usp_journaliser_alarme evt.usp_marquer_transmise
    evt.usp_signaler evt.usp_verifier_seuils ha.usp_ceder ha.usp_confirmer ha.usp_declarer_role
    ha.usp_etat ha.usp_mandat nr.usp_activer_courbe nr.usp_affiner nr.usp_ajouter_point nr.usp_battre
    nr.usp_creer_courbe nr.usp_creer_seuil nr.usp_creer_station nr.usp_exiger nr.usp_exiger_actif
    nr.usp_exiger_courbe nr.usp_mode_crise nr.usp_modifier_article nr.usp_nettoyer nr.usp_purger
    nr.usp_ranger_mesure nr.usp_regler_capteur nr.usp_regler_parametre prod.usp_affinage prod.usp_ranger
    prod.usp_ranger_pluie_6min ref.usp_activer_courbe ref.usp_prolonger_chrono tampon.usp_inserer
    tampon.usp_prendre
""")
FUNCTIONS = listed("""
    cfg.tvf_parametre cfg.tvf_taches_export evt.tvf_absence evt.tvf_alarmes_a_transmettre ha.tvf_abonnes
    ha.tvf_articles ha.tvf_demarrage ha.tvf_noeud nr.tvf_restes prod.tvf_cumul prod.tvf_debit
    prod.tvf_debit_courbe prod.tvf_debit_segment prod.tvf_dernieres prod.tvf_gradient prod.tvf_serie
    ref.tvf_station ref.tvf_utc tampon.tvf_collecte
""")
VIEWS = {"evt.v_alarme", "prod.v_mesure", "ref.v_courbe_active"}
TRIGGERS = {"evt.trg_alarme_journal", "ref.trg_courbe_periode", "ref.trg_courbe_verrou"}

# What the two engines have differently on purpose.
ONLY_POSTGRESQL = {"ha.ordre_schema"}  # SQL Server's replication carries ALTER TABLE itself
ONLY_MSSQL = {
    "cfg.fuseau",
    "ha.tvf_demarrage",
}  # Windows names of zones; the server's start, asked in several places
OTHER_TYPES = {
    "cfg.noeud.nod_confirme": ("TIMESTAMPTZ", "TIMESTAMP(3)")
}  # of the server's own clock, only compared
SAME_CHECKS = {"ck_station_code", "ck_chrono_pas"}  # the same rule, written with other literals
BY_OUTPUT = {
    "prod.usp_ranger",
    "prod.usp_ranger_pluie_6min",
}  # called row by row: an OUTPUT parameter, no result set
ONLY_POSTGRESQL_ARTICLES = {("ha", "ordre_schema")}

ERRORS = {
    "SITE_PASSIF": 50001,
    "HORS_CAMPAGNE": 50002,
    "PERIODES_CHEVAUCHANTES": 50003,
    "COURBE_VERROUILLEE": 50004,
    "PARAMETRE_INCONNU": 50005,  # PostgreSQL's own « query returned no rows »
}
NEWER_THAN_2016 = (
    r"STRING_AGG|TRIM|CONCAT_WS|TRANSLATE|GREATEST|LEAST|GENERATE_SERIES|DATETRUNC|DATE_BUCKET|APPROX_\w+|JSON_OBJECT|"
    r"JSON_ARRAY\w*|JSON_PATH_EXISTS|BIT_COUNT|GET_BIT|SET_BIT|LEFT_SHIFT|RIGHT_SHIFT|REGEXP_\w+|UNISTR|CURRENT_DATE|"
    r"IGNORE\s+NULLS|RESPECT\s+NULLS|DISTINCT\s+FROM|WINDOW|LEDGER|RESUMABLE|OPTIMIZE_FOR_SEQUENTIAL_KEY|JSON"
)
NOT_PLAIN = r"OR\s+ALTER|MERGE|CHECKSUM_AGG|CURSOR|FETCH|STRING_SPLIT|OPENJSON|NOLOCK|READ\s+UNCOMMITTED"
FORBIDDEN = re.compile(rf"\b(?:{NEWER_THAN_2016}|{NOT_PLAIN})\b", re.IGNORECASE)
WRITES = (exp.Insert, exp.Update, exp.Delete, exp.Alter)


@cache
def modules() -> dict[str, Module]:
    return mssql_reading.read_modules()


@cache
def statements() -> tuple[exp.Expr, ...]:
    return tuple(mssql_reading.parse_mssql())


@cache
def model() -> Model:
    return mssql_reading.read_model(list(statements()))


@cache
def other() -> Model:
    return mssql_reading.read_model(mssql_reading.parse_postgresql())


def names(kind: str) -> set[str]:
    return {module.name for module in modules().values() if module.kind == kind}


def is_write(statement: exp.Expr) -> bool:
    """Writes to a table that lasts: a table variable is not one."""
    target = statement.find(exp.Table)
    return isinstance(statement, WRITES) and target is not None and not isinstance(target.this, exp.Parameter)


def list_orders() -> list[exp.Expr]:
    """Every statement of the scripts, in modules or not."""
    return [*statements(), *(one for module in modules().values() for one in module.statements)]


# Parsing and names


def test_every_statement_is_read_by_the_parser_but_a_few_plain_orders() -> None:
    assert {batch.script.removesuffix(".sql") for batch in list_batches()} == SCRIPTS
    kept = {" ".join(one.name.split()[:2]) for one in list_orders() if isinstance(one, exp.Command)}
    assert {re.sub(r"^(THROW|GRANT).*", r"\1", one) for one in kept} == {
        "CONTINUE",
        "CREATE USER",
        "DBCC CHECKIDENT",
        "GRANT",
        "RETURN",
        "SET IDENTITY_INSERT",
        "THROW",
    }
    assert len(list_orders()) > 450


def test_the_scripts_make_the_tables_and_modules_of_the_list_and_no_others() -> None:
    assert set(model().columns) == TABLES
    assert names("PROCEDURE") == PROCEDURES
    assert names("FUNCTION") == FUNCTIONS
    assert names("VIEW") == VIEWS
    assert names("TRIGGER") == TRIGGERS


def test_a_batch_that_creates_a_module_or_a_schema_holds_nothing_else() -> None:
    for batch in list_batches():
        shown = blank_hidden(batch.text)
        created = re.findall(r"\bCREATE\s+(PROCEDURE|FUNCTION|TRIGGER|VIEW|SCHEMA)\b", shown)
        assert len(created) <= 1, batch
        if created:
            assert shown.lstrip().startswith("CREATE"), batch
            last = {"PROCEDURE": "END;", "TRIGGER": "END;", "FUNCTION": ");", "VIEW": ";", "SCHEMA": ";"}[
                created[0]
            ]
            assert shown.rstrip().endswith(last), batch
            assert created[0] in ("PROCEDURE", "TRIGGER") or shown.count(";") == 1, batch


def test_every_table_column_procedure_parameter_and_variable_that_is_named_exists() -> None:
    bound = Names(model(), modules())
    breaches = [
        f"{module.name}: {breach}"
        for module in modules().values()
        for statement in module.statements
        for breach in bound.list_breaches(statement, module)
    ]
    own = [
        mssql_reading.parse(one.replace("?", "NULL"))
        for one in (
            install.INSERT_STATION,
            install.INSERT_SITE,
            install.INSERT_NODE,
            install.INSERT_MEASURE,
            install.CONFIRM,
        )
    ]
    for statement in (*statements(), *own):
        if isinstance(statement, (exp.Query, *WRITES, exp.Execute)) and statement.find(exp.Index) is None:
            breaches += bound.list_breaches(statement)
    for module in modules().values():
        breaches += [f"{module.name}: variable @{one}" for one in sorted(list_undeclared(module))]
    assert breaches == []


def test_every_insert_gives_the_columns_that_nothing_else_fills() -> None:
    inserts = [one for statement in list_orders() for one in statement.find_all(exp.Insert)]
    inserts = [one for one in inserts if one.this.this.db]
    assert len(inserts) == 35
    for one in inserts:
        assert list_unfilled(one, model().columns[name_table(one.this.this)]) == [], one.sql("tsql")


# The same model as PostgreSQL's


def test_tables_have_the_columns_of_the_other_engine_in_their_order() -> None:
    assert set(other().columns) - TABLES == ONLY_POSTGRESQL
    assert TABLES - set(other().columns) == ONLY_MSSQL & TABLES
    for table in set(other().columns) & TABLES:
        expected = [(table, one.name, one.type, one.required, one.filled) for one in other().columns[table]]
        found = [(table, one.name, one.type, one.required, one.filled) for one in model().columns[table]]
        for index, one in enumerate(expected):
            if types := OTHER_TYPES.get(f"{table}.{one[1]}"):
                assert (one[2], found[index][2]) == types
                expected[index] = (*one[:2], types[1], *one[3:])
        assert found == expected


def test_constraints_have_the_names_and_the_targets_of_the_other_engine() -> None:
    def simplify(found: frozenset[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
        return {(kind, name, "" if name in SAME_CHECKS else about) for kind, name, about in found}

    for table in set(other().columns) & TABLES:
        assert simplify(model().constraints[table]) == simplify(other().constraints[table]), table
    assert not [(table, one) for table, found in model().constraints.items() for one in found if not one[1]]
    checks = {name for found in model().constraints.values() for kind, name, _ in found if kind == "CHECK"}
    assert checks >= SAME_CHECKS


def test_indexes_sequences_and_schemas_are_those_of_the_other_engine() -> None:
    assert model().indexes == other().indexes
    assert model().others == other().others
    assert len(model().indexes) == 9


def test_modules_have_the_parameters_and_the_result_columns_of_the_other_engine() -> None:
    functions = mssql_reading.read_postgresql_functions()
    assert set(functions) | (ONLY_MSSQL & FUNCTIONS) == PROCEDURES | FUNCTIONS
    for name, function in functions.items():
        parameters = dict(modules()[name].parameters)
        if name in BY_OUTPUT:
            assert parameters.pop("p_refus") is False
            assert list_results(modules(), name) == ()
        else:
            assert list_results(modules(), name) == function.results, name
        assert list(parameters.items()) == list(function.parameters.items()), name


def test_triggers_are_those_of_the_other_engine_and_not_for_what_replication_brings() -> None:
    found = {
        f"{module.table} {module.name.partition('.')[2]}" for module in modules().values() if module.table
    }
    assert found | {"ha.ordre_schema trg_ordre_schema"} == mssql_reading.read_triggers()
    for name in TRIGGERS:
        assert re.search(r"\nNOT FOR REPLICATION\n", modules()[name].text), name


def test_refusals_have_the_words_of_the_other_engine_each_with_its_number() -> None:
    text = "".join(module.text for module in modules().values())
    thrown = re.findall(r"\bTHROW\s+(.*?);", text)
    assert {re.fullmatch(r"(\d+), N'(\w+)', 1", one).groups() for one in thrown} == {  # type: ignore[union-attr]
        (str(number), words) for words, number in ERRORS.items()
    }
    raised = {
        words
        for path in mssql_reading.POSTGRESQL_DIR.glob("*.sql")
        for words in re.findall(r"RAISE EXCEPTION '(\w+)'", path.read_text(encoding="utf-8"))
    }
    assert raised - {"ORDRE_NON_PROPAGEABLE"} == set(ERRORS) - {"PARAMETRE_INCONNU"}


@pytest.mark.parametrize("table", ["cfg.parametre", "cfg.operateur", "cfg.tache_export", "ha.article"])
def test_settings_are_those_of_the_other_engine(table: str) -> None:
    def read(found: list[exp.Expr], columns: int) -> set[tuple[str, ...]]:
        rows = set()
        for one in found:
            if isinstance(one, exp.Insert) and name_table(next(one.find_all(exp.Table))) == table:
                rows |= {
                    tuple(cell.name for cell in row.expressions[:columns])
                    for row in one.expression.expressions
                }
        return rows

    # Flags, which come last, are written otherwise.
    width = {"cfg.operateur": 5, "cfg.tache_export": 7}.get(table, 2)
    mine, theirs = read(list(statements()), width), read(mssql_reading.parse_postgresql(), width)
    if table == "cfg.parametre":  # the last backup is as old as the stand-in
        mine, theirs = (
            {row for row in rows if row[0] != "DERNIERE_SAUVEGARDE_UTC"} for rows in (mine, theirs)
        )
    if table == "ha.article":
        assert mine == theirs - ONLY_POSTGRESQL_ARTICLES
    else:
        assert mine == theirs
    assert len(mine) >= 2


def test_the_platform_says_its_identity_and_version_as_the_other_engine_does() -> None:
    text = "\n".join(batch.text for batch in list_batches())
    theirs = (mssql_reading.POSTGRESQL_DIR / "60_donnees.sql").read_text(encoding="utf-8")
    identity = re.search(r"\(1, 'TEST', '[0-9a-f-]{36}', '[\d.]+'\)", theirs)
    assert identity is not None
    assert identity[0] in text
    assert install.TOKEN in identity[0]


# House rules


def test_nothing_is_newer_than_2016_nor_other_than_plain_t_sql() -> None:
    for batch in list_batches():
        assert FORBIDDEN.findall(blank_hidden(batch.text)) == [], batch
    for name, value in vars(install).items():
        if name.isupper() and isinstance(value, str):
            assert FORBIDDEN.findall(value) == [], name


@pytest.mark.parametrize(
    "text",
    [
        "SELECT trim(a)",
        "MERGE INTO a",
        "SELECT a IS NOT DISTINCT FROM b",
        "CREATE OR  ALTER VIEW v",
        "nolock",
    ],
)
def test_the_words_that_are_refused_are_found(text: str) -> None:
    assert FORBIDDEN.search(text)


def test_functions_are_inline_and_procedures_run_as_their_owner() -> None:
    for module in modules().values():
        shown = blank_hidden(module.text)
        if module.kind == "FUNCTION":
            assert re.search(r"\)\s*RETURNS TABLE\s+AS\s+RETURN \(", shown), module.name
            assert not re.search(r"\b(BEGIN|INSERT|UPDATE|DELETE|EXEC)\b", shown), module.name
        if module.kind == "PROCEDURE":
            assert "\nWITH EXECUTE AS OWNER\nAS\nBEGIN\n    SET NOCOUNT ON;\n" in module.text, module.name


def test_identities_are_not_for_replication() -> None:
    tables = "".join(batch.text for batch in list_batches() if batch.script == "10_tables.sql")
    identities = sum(one.filled == "IDENTITY" for columns in model().columns.values() for one in columns)
    assert identities == 6
    assert len(re.findall(r"IDENTITY \(1, 1\) NOT FOR REPLICATION NOT NULL", tables)) == identities


def test_a_refusal_comes_before_the_setting_that_would_end_the_callers_transaction() -> None:
    for module in modules().values():
        before, _, after = module.text.partition("SET XACT_ABORT ON;")
        assert "THROW" not in after, module.name
        assert "nr.usp_exiger" not in after, module.name
        if "THROW" in module.text and module.kind == "PROCEDURE":
            assert not re.search(r"\b(INSERT INTO|UPDATE|DELETE|ALTER TABLE)\b", before), module.name


def test_a_procedure_that_writes_twice_does_it_in_one_transaction() -> None:
    several = 0
    for module in modules().values():
        if module.kind != "PROCEDURE":
            continue
        begun, ended = module.text.count("BEGIN TRANSACTION;"), module.text.count("COMMIT TRANSACTION;")
        assert begun == ended, module.name
        writes = [one for one in module.statements if is_write(one)]
        exclusive = module.name in (
            "ref.usp_prolonger_chrono",
            "nr.usp_modifier_article",
        )  # one write each time
        if len(writes) > 1 and not exclusive:
            several += 1
            assert begun == 1, module.name
            assert "SET XACT_ABORT ON;" in module.text.partition("BEGIN TRANSACTION;")[0], module.name
    assert several >= 9


# Rights


GRANT = re.compile(r"^(GRANT|DENY) (.+?)(?: ON (OBJECT|SCHEMA)::([\w.]+))? TO (\w+);$", re.MULTILINE)


def read_rights() -> list[tuple[str, ...]]:
    return [
        one.groups("")
        for batch in list_batches()
        if batch.script == "70_droits.sql"
        for one in GRANT.finditer(batch.text)
    ]


def test_the_application_has_the_rights_of_the_other_engine_and_none_on_a_table() -> None:
    text = (mssql_reading.POSTGRESQL_DIR / "70_droits.sql").read_text(encoding="utf-8")
    expected = {
        name.strip()
        for listed in re.findall(r"GRANT (?:EXECUTE ON FUNCTION|SELECT ON)\s([^;]*?) TO aquareel_app;", text)
        for name in listed.split(",")
    }
    rights = [one for one in read_rights() if one[4] == "aquareel_app"]
    assert {one[3] for one in rights} == expected
    for verb, right, scope, name, _ in rights:
        assert (verb, scope) == ("GRANT", "OBJECT")
        assert (right == "EXECUTE") == (name in PROCEDURES)
        assert name in PROCEDURES | FUNCTIONS | VIEWS


def test_the_campaigns_accounts_may_enter_and_nothing_else() -> None:
    """Their rights are the script's (`nonreg grants`), which the SQL Server suite proves to give them."""
    assert {one[4] for one in read_rights()} == {"aquareel_app"}
    text = "".join(batch.text for batch in list_batches())
    for account in (install.READER, install.WRITER):
        assert re.findall(rf"^.*\b{account}\b.*;$", text, re.MULTILINE) == [
            f"CREATE USER {account} FOR LOGIN {account};"
        ]


def test_every_right_of_the_manifest_is_on_something_that_the_stand_in_makes() -> None:
    """Else the script, which gives all or nothing, would give nothing."""
    own = [right for right in load_manifest().on("mssql") if "." in right.object and not right.is_optional]
    mine = [right for right in own if not right.database]
    assert len(mine) > 40
    for right in mine:
        assert (right.right == "EXECUTE") == (right.object in PROCEDURES), right
        assert right.object in PROCEDURES | FUNCTIONS | VIEWS | TABLES, right


def test_no_script_holds_a_password() -> None:
    for batch in list_batches():
        assert not re.search(r"\b(PASSWORD|LOGIN\s+\w+\s+WITH)\b", blank_hidden(batch.text), re.IGNORECASE), (
            batch
        )
