"""Which modules only read, decided from their text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nonreg.discovery.catalog import Module, ModuleKind
from nonreg.discovery.reading import judge_modules
from tests.discovered import function, procedure, reading, view


def judge(*modules: Module, engine: str = "mssql") -> dict[str, str]:
    """Reasons by the module's name."""
    return {module.name: reason for module, reason in judge_modules(modules, engine, "securite").items()}


def judge_body(body: str) -> str:
    """The reason for a procedure with that body."""
    return judge(procedure("usp_essai", f"CREATE PROCEDURE evt.usp_essai AS {body}"))["usp_essai"]


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE PROCEDURE evt.usp_x AS SELECT a FROM ref.station",
        "create proc [evt].[usp_x] as begin set nocount on; select a from ref.station; end",
        "-- liste\r\nCREATE OR ALTER PROCEDURE evt.usp_x\r\nWITH EXECUTE AS OWNER, RECOMPILE\r\nAS\r\nSELECT 1 AS a;",
        "CREATE PROCEDURE evt.usp_x FOR REPLICATION AS SELECT 1 AS a",
        "CREATE PROC evt.usp_x AS BEGIN TRY SELECT 1 AS a END TRY BEGIN CATCH THROW; END CATCH",
        "CREATE PROC evt.usp_x AS DECLARE @n int = 2; IF @n > 1 SELECT a FROM ref.station ELSE SELECT 1 AS a",
        "CREATE PROC evt.usp_x AS /* DELETE */ SELECT 'UPDATE' AS [delete] -- DROP",
        "CREATE PROC evt.usp_x AS DECLARE @t TABLE (a int); INSERT INTO @t SELECT 1; SELECT a FROM @t",
    ],
)
def test_a_procedure_that_only_reads_is_a_scenario(definition: str) -> None:
    assert judge(procedure("usp_x", definition)) == {"usp_x": ""}


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("DELETE FROM ref.station", "DELETE"),
        ("SELECT 1 AS a UPDATE ref.station SET a = 1", "UPDATE"),
        ("IF 1 = 1 BEGIN SELECT 1 AS a INSERT INTO ref.station VALUES (1) END", "INSERT"),
        ("MERGE ref.s AS t USING u ON 1 = 1 WHEN MATCHED THEN DELETE;", "MERGE"),
        ("SELECT a INTO ref.copie FROM ref.station", "INTO"),
        ("SELECT a INTO #t FROM ref.station", "INTO"),
        ("TRUNCATE TABLE ref.station", "TRUNCATE"),
        ("DECLARE @s nvarchar(20) = N'x'; EXEC (@s)", "EXEC"),
        ("EXEC sp_executesql N'SELECT 1'", "sp_executesql"),
        ("SELECT NEXT VALUE FOR nr.seq AS n", "NEXT VALUE FOR"),
        ("BEGIN TRAN; SELECT 1 AS a; COMMIT", "TRAN"),
        ("WAITFOR DELAY '0:00:01'", "WAITFOR"),
        ("SELECT a FROM ref.station WITH (XLOCK)", "XLOCK"),
        ("DBCC CHECKDB", "DBCC"),
    ],
)
def test_a_procedure_that_does_anything_else_is_left_out_with_the_reason(body: str, word: str) -> None:
    reason = judge_body(body)
    assert reason.startswith("ne fait pas que lire, ou ne se laisse pas analyser : ")
    assert word in reason


@pytest.mark.parametrize(
    "definition", ["CREATE PROCEDURE evt.usp_x", "SELECT 1", "CREATE PROC evt.usp_x AS SELECT 'sans fin", ""]
)
def test_a_text_that_is_not_understood_is_left_out(definition: str) -> None:
    assert judge(procedure("usp_x", definition or None))["usp_x"] != ""


def test_an_encrypted_procedure_is_left_out() -> None:
    assert judge(procedure("usp_x", None)) == {
        "usp_x": "définition chiffrée, ou que le compte ne peut pas lire"
    }


def test_a_procedure_that_calls_another_reads_if_that_one_does() -> None:
    calling = procedure("usp_appelle", "CREATE PROC evt.usp_appelle AS EXEC evt.usp_lister")
    assert judge(calling, reading("usp_lister")) == {"usp_appelle": "", "usp_lister": ""}
    writing = procedure("usp_lister", "CREATE PROC evt.usp_lister AS DELETE FROM ref.station")
    assert "evt.usp_lister" in judge(calling, writing)["usp_appelle"]
    assert "qui n'est pas une lecture" in judge(calling)["usp_appelle"]


def test_a_reading_procedure_with_parameters_vouches_for_its_caller_and_is_left_out_itself() -> None:
    called = procedure("usp_lister", "CREATE PROC evt.usp_lister @n int AS SELECT @n AS n", parameters=1)
    calling = procedure("usp_appelle", "CREATE PROC evt.usp_appelle AS EXEC evt.usp_lister @n = 1")
    assert judge(calling, called) == {"usp_appelle": "", "usp_lister": "a des paramètres"}


def test_two_procedures_that_call_each_other_are_left_out() -> None:
    first = procedure("usp_a", "CREATE PROC evt.usp_a AS EXEC evt.usp_b")
    second = procedure("usp_b", "CREATE PROC evt.usp_b AS EXEC evt.usp_a")
    assert all(judge(first, second).values())


def test_whatever_reads_the_schema_of_accounts_is_left_out() -> None:
    hidden = view("v_cache", "CREATE VIEW prod.v_cache AS SELECT uti_nom FROM [Securite] . [utilisateur]")
    body = "CREATE PROC evt.usp_x AS SELECT uti_nom FROM securite.utilisateur"
    inside = Module("securite", "v_noms", ModuleKind.VIEW, 0, "CREATE VIEW securite.v_noms AS SELECT 1 AS a")
    assert judge(hidden, procedure("usp_x", body), inside) == {
        "v_cache": "lit le schéma des comptes",
        "usp_x": "lit le schéma des comptes",
        "v_noms": "schéma des comptes",
    }


def test_a_word_in_a_comment_or_a_text_is_no_access_to_the_accounts() -> None:
    text = "CREATE VIEW prod.v AS SELECT 'securite.utilisateur' AS a -- securite.utilisateur"
    assert judge(view("v", text)) == {"v": ""}


def test_a_view_of_another_server_is_left_out() -> None:
    far = view("v", "CREATE VIEW prod.v AS SELECT * FROM OPENQUERY(loin, 'DELETE FROM x')")
    assert judge(far) == {"v": "interroge un autre serveur"}


def test_other_kinds_and_parameters_are_left_out() -> None:
    others = [
        Module("ref", kind.value, kind, 0, "CREATE …")
        for kind in (ModuleKind.TABLE_FUNCTION, ModuleKind.SCALAR_FUNCTION, ModuleKind.TRIGGER)
    ]
    assert judge(*others, function("tvf_x", parameters=1)) == {
        "table_function": "fonction à plusieurs instructions",
        "scalar_function": "fonction scalaire",
        "trigger": "déclencheur",
        "tvf_x": "a des paramètres",
    }


@pytest.mark.parametrize(
    ("body", "reads"),
    [
        ("SELECT a FROM ref.station", True),
        ("BEGIN RAISE NOTICE 'ici'; PERFORM 1; END", True),
        ("UPDATE ref.station SET a = 1 RETURNING a", False),
        ("BEGIN DELETE FROM ref.station; END", False),
        ("BEGIN EXECUTE 'SELECT 1'; END", False),
        ("SELECT nextval('nr.seq_station')", False),
    ],
)
def test_the_embedded_platform_is_judged_alike(body: str, reads: bool) -> None:
    assert (judge(procedure("usp_x", body), engine="postgresql")["usp_x"] == "") is reads


STAND_IN = Path(__file__).parent.parent / "nonreg/sandbox/mssql/sql"
MODULE = re.compile(
    r"CREATE (PROCEDURE|FUNCTION|VIEW) (\w+)\.(\w+)(.*?)(?:\bRETURNS TABLE\b|\bAS\b)", re.DOTALL
)
KINDS = {
    "PROCEDURE": ModuleKind.PROCEDURE,
    "FUNCTION": ModuleKind.INLINE_FUNCTION,
    "VIEW": ModuleKind.VIEW,
}


def read_stand_in() -> list[Module]:
    """The modules of the T-SQL stand-in as its catalog would give them."""
    batches = [
        batch.strip()
        for path in sorted(STAND_IN.glob("*.sql"))
        for batch in re.split(r"^GO\s*$", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    ]
    found = [(MODULE.search(batch), batch) for batch in batches]
    return [
        Module(one[2], one[3], KINDS[one[1]], one[4].count("@"), batch)
        for one, batch in found
        if one is not None
    ]


def test_of_the_stand_ins_procedures_only_those_that_read_are_proposed() -> None:
    modules = read_stand_in()
    proposed = {
        one.full_name for one, reason in judge_modules(modules, "mssql", "securite").items() if not reason
    }
    procedures = {one.full_name for one in modules if one.kind is ModuleKind.PROCEDURE}
    assert len(procedures) > 30
    assert proposed & procedures == {"ha.usp_etat", "ha.usp_mandat", "nr.usp_exiger_actif"}
    assert {"prod.v_mesure", "evt.v_alarme", "ref.v_courbe_active", "prod.tvf_dernieres"} <= proposed
