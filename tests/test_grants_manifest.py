"""The manifest of rights is literal, and true: it is compared with every named query, whoever runs it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from nonreg.clients.sql import QUERIES_DIR
from nonreg.errors import ConfigError
from nonreg.grants.declared import read_declared
from nonreg.grants.manifest import (
    MEMBER,
    SERVER,
    Account,
    Manifest,
    Queries,
    Right,
    load_manifest,
    merge_rights,
)
from nonreg.grants.needs import Need, UnknownNeed, find_columns, find_needs
from nonreg.model import DeclaredQueries
from nonreg.plan import SCENARIOS_DIR, collect_scenarios, list_declared

MANIFEST = load_manifest()
DIALECTS = {"mssql": "tsql", "postgresql": "postgres"}
PACKAGE = Path(__file__).parent.parent / "nonreg"
QUERIES = {engine: sorted((QUERIES_DIR / engine).glob("*.sql")) for engine in DIALECTS}
# The parser does not read these; their needs are read by a person.
BY_HAND = {("postgresql", "bench_store_series"): {Need("nr.usp_ranger_mesure", "EXECUTE")}}
# The server's own part of what a query names: no object of the application.
GIVEN_BY_ROLES = {("pg_monitor", MEMBER)}
NAMED = re.compile(
    r"\b(?:msdb\.dbo\.\w+|distribution\.dbo\.\w+|(?<![.\w])(?:ref|tampon|prod|evt|cfg|ha|nr|securite|dbo)\.\w+)"
)
CALLS = {"query", "try_query", "call"}


def needs_of(path: Path, engine: str) -> set[Need]:
    """What one named query needs."""
    if (engine, path.stem) in BY_HAND:
        return BY_HAND[engine, path.stem]
    return set(find_needs(path.read_text(encoding="utf-8"), DIALECTS[engine]))


def derive(engine: str) -> dict[tuple[Account, str, str], set[str]]:
    """Who needs what, from the named queries of one engine."""
    found: dict[tuple[Account, str, str], set[str]] = {}
    for path in QUERIES[engine]:
        for account in MANIFEST.queries.accounts(path.stem):
            for need in needs_of(path, engine):
                found.setdefault((account, need.object, need.right), set()).add(path.stem)
    return found


@pytest.mark.parametrize("engine", DIALECTS)
def test_the_manifest_says_what_the_queries_of_each_engine_need_and_nothing_else(engine: str) -> None:
    stems = {path.stem for path in QUERIES[engine]}
    derived = derive(engine)
    written = {
        right.key: set(right.needed_by) & stems
        for right in MANIFEST.on(engine)
        if (right.object, right.right) not in GIVEN_BY_ROLES
    }
    absent = {key: users for key, users in derived.items() if key not in written}
    assert absent == {}, "à écrire dans nonreg/grants/manifest.toml"
    useless = {key for key in written if key not in derived}
    assert useless == set(), "à retirer de nonreg/grants/manifest.toml"
    both = {path.stem for other in QUERIES.values() for path in other}
    other = derive("postgresql" if engine == "mssql" else "mssql")
    for right in MANIFEST.rights:
        if right.engine in ("", engine) and right.key in derived:
            expected = derived[right.key] | (other.get(right.key, set()) if not right.engine else set())
            assert set(right.needed_by) == expected, f"needed_by de {right.key}"
            assert expected <= both


def test_a_right_on_columns_names_those_that_its_queries_read_and_no_other() -> None:
    on_columns = [right for right in MANIFEST.rights if right.columns]
    for right in on_columns:
        read = {
            column
            for name in right.needed_by
            for column in find_columns(
                (QUERIES_DIR / "mssql" / f"{name}.sql").read_text("utf-8"), right.object
            )
        }
        assert set(right.columns) == read, right.object


@pytest.mark.parametrize("name", ["msdb.dbo.sysjobsteps", "distribution.dbo.MSrepl_commands"])
def test_what_holds_secrets_or_data_is_never_given_whole(name: str) -> None:
    """The commands of a job's steps, and those of replication, which are the application's rows."""
    for right in MANIFEST.on("mssql"):
        assert right.object != name or right.columns, right


@pytest.mark.parametrize(
    ("statement", "columns"),
    [
        ("SELECT s.a FROM msdb.dbo.t s WHERE s.b = 1", {"a", "b"}),
        ("SELECT o.x FROM ref.o o JOIN msdb.dbo.t s ON s.a = o.y", {"a"}),
        ("SELECT o.x FROM ref.o o WHERE EXISTS (SELECT 1 FROM msdb.dbo.t s WHERE s.c = o.y)", {"c"}),
        ("SELECT q.n FROM (SELECT DATALENGTH(s.d) AS n FROM MSDB.dbo.T s) q", {"d"}),
        ("IF 1 = 1 SELECT s.a FROM msdb.dbo.t s ELSE SELECT s.b FROM msdb.dbo.t s", {"a", "b"}),
        ("SELECT s.a FROM ref.t s", set()),
    ],
)
def test_the_columns_that_a_statement_reads_are_found(statement: str, columns: set[str]) -> None:
    assert find_columns(statement, "msdb.dbo.t") == columns


@pytest.mark.parametrize(
    "statement", ["SELECT a FROM msdb.dbo.t s", "SELECT s.* FROM msdb.dbo.t s", "SELECT * FROM msdb.dbo.t"]
)
def test_a_column_whose_table_is_not_written_is_an_error(statement: str) -> None:
    with pytest.raises(UnknownNeed):
        find_columns(statement, "msdb.dbo.t")


@pytest.mark.parametrize("path", QUERIES["mssql"], ids=lambda path: path.stem)
def test_no_object_that_a_query_names_escapes_the_parser(path: Path) -> None:
    if not MANIFEST.queries.accounts(path.stem):
        return
    text = re.sub(r"--[^\n]*|'(?:[^']|'')*'", " ", path.read_text(encoding="utf-8"))
    named = {name.lower() for name in NAMED.findall(text)}
    assert named <= {need.object.lower() for need in needs_of(path, "mssql")}


def test_what_is_not_given_needs_what_a_campaign_may_not_have() -> None:
    known = {path.stem for paths in QUERIES.values() for path in paths}
    queries = MANIFEST.queries
    assert {*queries.writer, *queries.both, *queries.not_given, *queries.itself} <= known
    for name in queries.not_given:
        text = (QUERIES_DIR / "mssql" / f"{name}.sql").read_text(encoding="utf-8")
        try:
            needs = find_needs(text, "tsql")
        except UnknownNeed:
            continue
        assert all(
            need.object.startswith(f"{MANIFEST.accounts_schema}.") or need.right == "UPDATE" for need in needs
        )


def test_the_writer_writes_through_the_bench_and_two_procedures_only() -> None:
    executed = {right.object for right in MANIFEST.on("mssql") if right.right == "EXECUTE"}
    assert {name for name in executed if not name.startswith("nr.")} == {
        "tampon.usp_inserer",
        "evt.usp_verifier_seuils",
    }
    assert {right.right for right in MANIFEST.rights if "." in right.object} == {"SELECT", "EXECUTE", MEMBER}
    assert not [
        right for right in MANIFEST.on("mssql") if right.right == "EXECUTE" and right.account == "reader"
    ]


def find_writer_calls(path: Path) -> Iterator[tuple[str, bool]]:
    """Named queries that a module runs, and whether the writer's session runs them."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    writers_own = path.name in ("bench.py", "lock.py", "writers.py")
    inside: dict[int, set[str]] = {}
    for node in ast.walk(tree):
        for item in node.items if isinstance(node, ast.With) else ():
            if "'writer'" in ast.unparse(item.context_expr) and item.optional_vars is not None:
                for part in ast.walk(node):
                    inside.setdefault(id(part), set()).add(ast.unparse(item.optional_vars))
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        name = node.args[0]
        if node.func.attr in CALLS and isinstance(name, ast.Constant) and isinstance(name.value, str):
            receiver = ast.unparse(node.func.value)
            bench = receiver in ("trial", "bench") or receiver.endswith(("trial.session", "bench.session"))
            own = writers_own and receiver != "reader"
            yield name.value, own or bench or receiver in inside.get(id(node), ())


def test_the_queries_that_the_writer_runs_are_those_that_the_manifest_names() -> None:
    by_writer, by_reader = set(), set()
    for path in sorted(PACKAGE.rglob("*.py")):
        if "sandbox" not in path.parts:
            for name, writes in find_writer_calls(path):
                (by_writer if writes else by_reader).add(name)
    queries = MANIFEST.queries
    assert by_writer - {*queries.not_given} == {*queries.writer, *queries.both}
    assert not by_reader & set(queries.writer)
    assert len(by_writer) > 20, "plus rien n'est trouvé dans le code"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("SELECT a FROM ref.station s JOIN prod.tvf_x(:a) t ON t.a = s.a", {"SELECT ref.station", "SELECT prod.tvf_x"}),
        ("WITH c AS (SELECT 1 AS a) SELECT a FROM c", set()),
        ("SELECT a FROM ref.capteur c CROSS APPLY prod.tvf_x(c.a) t", {"SELECT ref.capteur", "SELECT prod.tvf_x"}),
        ("EXEC nr.usp_battre @p_seq = :n", {"EXECUTE nr.usp_battre"}),
        ("DECLARE @r int; EXEC @r = sp_getapplock @Resource = 'x'; SELECT @r AS r", set()),
        ("IF 1 = 1 BEGIN SELECT a FROM ref.a END ELSE EXEC nr.usp_b", {"SELECT ref.a", "EXECUTE nr.usp_b"}),
        ("IF EXISTS (SELECT 1 FROM ref.c) SELECT 1 AS a", {"SELECT ref.c"}),
        ("DECLARE @t TABLE (a int); INSERT INTO @t EXEC nr.usp_b; SELECT a FROM @t", {"EXECUTE nr.usp_b"}),
        ("SELECT name FROM sys.objects", {"VIEW DEFINITION DATABASE"}),
        ("SELECT name FROM sys.server_principals", {"VIEW ANY DEFINITION SERVER"}),
        ("SELECT 1 AS a FROM sys.dm_os_a r CROSS APPLY sys.dm_exec_sql_text(r.h) t", {"VIEW SERVER STATE SERVER"}),
        ("SELECT job_id FROM msdb.dbo.sysjobs", {"SELECT msdb.dbo.sysjobs"}),
        ("EXEC distribution.sys.sp_replmonitorhelpsubscription @mode = 0", {"MEMBER distribution.replmonitor"}),
        ("SELECT x.n.value('.', 'int') AS v FROM ref.a CROSS APPLY c.nodes('/b') AS x(n)", {"SELECT ref.a"}),
        ("SELECT [key] AS k FROM OPENJSON(:a) j", set()),
        ("SELECT ref.fn_x(1) AS a", {"EXECUTE ref.fn_x"}),
    ],
)  # fmt: skip
def test_what_a_statement_needs_is_read_from_it(statement: str, expected: set[str]) -> None:
    assert {f"{need.right} {need.object}" for need in find_needs(statement, "tsql")} == expected


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT a FROM station",
        "EXEC sys.sp_configure",
        "EXEC xp_cmdshell 'x'",
        "SELECT NEXT VALUE FOR nr.seq AS n",
        "UPDATE s SET a = 1 FROM ref.station s",
        "SELECT FROM WHERE",
        "GRANT SELECT ON ref.station TO x",
    ],
)
def test_what_is_not_known_is_an_error_and_never_nothing(statement: str) -> None:
    with pytest.raises(UnknownNeed):
        find_needs(statement, "tsql")


HEAD = 'accounts_schema = "securite"\n'
RIGHT = '[[rights]]\naccount = "{}"\nright = "{}"\nobject = "{}"\nneeded_by = ["x"]\n'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (RIGHT.format("reader", "SELECT", "securite.utilisateur"), "ne se lit jamais"),
        (RIGHT.format("writer", "SELECT", "Securite.utilisateur"), "ne se lit jamais"),
        (RIGHT.format("writer", "CONTROL", "ref.station"), "n'a pas à le demander"),
        (RIGHT.format("reader", "INSERT", "ref.station"), "n'a pas à le demander"),
        (RIGHT.format("reader", "CONTROL SERVER", "SERVER"), "n'a pas à le demander"),
        (RIGHT.format("writer", "MEMBER", "db_owner"), "n'a pas à le demander"),
        (RIGHT.format("writer", "SELECT", "station"), "n'a pas à le demander"),
        (RIGHT.format("writer", "SELECT", "ref.s]; DROP TABLE x; --"), "n'a pas à le demander"),
        (RIGHT.format("reader", "SELECT", "ref.a").replace('["x"]', "[]"), "sans raison"),
        (RIGHT.format("reader", "SELECT", "ref.a") * 2, "écrit deux fois"),
        (RIGHT.format("writer", "INSERT", "ref.a") + 'columns = ["a"]\n', "n'a pas à le demander"),
        (RIGHT.format("reader", "SELECT", "ref.a") + 'columns = ["a) TO x; --"]\n', "n'a pas à le demander"),
        (RIGHT.format("sa", "SELECT", "ref.a"), "rights.0.account"),
        (RIGHT.format("reader", "SELECT", "ref.a") + "autre = 1\n", "rights.0.autre"),
    ],
)
def test_a_manifest_that_asks_too_much_or_is_not_sound_is_refused(
    tmp_path: Path, text: str, words: str
) -> None:
    path = tmp_path / "droits.toml"
    path.write_text(HEAD + text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_manifest(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


SCENARIO = """-- id: BASE-310
-- titre: Essai
-- criticite: mineure
-- effet: {effect}
-- attendu: aucune ligne
-- droits: {rights}
{more}
SELECT 1 AS a WHERE 1 = 0;
"""


def write_scenario(folder: Path, rights: str, effect: str = "read_only", more: str = "") -> None:
    """A scenario file that declares rights."""
    text = SCENARIO.format(effect=effect, rights=rights, more=more)
    (folder / "BASE-310-essai.sql").write_text(text, encoding="utf-8")


def test_rights_of_scenario_files_join_the_manifest(tmp_path: Path) -> None:
    write_scenario(
        tmp_path,
        "SELECT prod.v_mesure, VIEW ANY DEFINITION, VIEW DATABASE STATE",
        more="-- procedures_de_lecture: evt.usp_lister\n",
    )
    declared = read_declared(tmp_path)
    assert {(right.right, right.object) for right in declared} == {
        ("SELECT", "prod.v_mesure"),
        ("VIEW ANY DEFINITION", SERVER),
        ("VIEW DATABASE STATE", "DATABASE"),
        ("EXECUTE", "evt.usp_lister"),
    }
    assert {(right.account, right.engine, right.needed_by) for right in declared} == {
        (Account.READER, "mssql", ("BASE-310",))
    }
    joined = Manifest("securite", ()).having(declared)
    assert len(joined.on("mssql")) == 4
    assert joined.on("postgresql") == ()


def test_a_scenario_that_writes_asks_for_the_writer(tmp_path: Path) -> None:
    write_scenario(tmp_path, "INSERT ref.station", effect="writes_test_data")
    (right,) = read_declared(tmp_path)
    assert (right.account, right.right, right.object) == (Account.WRITER, "INSERT", "ref.station")


def test_a_scenario_that_asks_for_the_accounts_is_refused(tmp_path: Path) -> None:
    write_scenario(tmp_path, "SELECT securite.utilisateur")
    with pytest.raises(ConfigError, match="schéma des comptes"):
        MANIFEST.having(read_declared(tmp_path))


TOOL = Queries(
    writer=("lock_take",),
    both=("site_role",),
    tool_reader=("operators", "site_role"),
    tool_writer=("lock_take",),
)
LITERAL = Manifest(
    "securite",
    (
        Right(Account.READER, "cfg.operateur", "SELECT", "", ("local_writes", "operators")),
        Right(Account.READER, "cfg.identite", "SELECT", "", ("local_writes", "a_persons_reason")),
        Right(Account.READER, "prod.mesure", "SELECT", "mssql", ("measure_count",)),
        Right(Account.READER, "ha.tvf_noeud", "SELECT", "", ("site_role",)),
        Right(Account.WRITER, "ha.tvf_noeud", "SELECT", "", ("site_role",)),
    ),
    TOOL,
)


def list_needs(manifest: Manifest) -> dict[tuple[Account, str], tuple[str, ...]]:
    """Who needs each right on SQL Server."""
    return {(right.account, right.object): right.needed_by for right in manifest.on("mssql")}


def test_a_right_is_for_the_scenarios_that_declare_its_queries_else_for_what_the_tool_runs() -> None:
    declared = (
        DeclaredQueries("HD-011b", ("local_writes",), writes=False),
        DeclaredQueries("HD-001", ("site_role",), writes=False),
        DeclaredQueries("BASE-900", ("local_writes", "site_role"), writes=True),
    )
    assert list_needs(LITERAL.needed_for(declared)) == {
        (Account.READER, "cfg.operateur"): ("BASE-900", "HD-011b", "operators"),
        (Account.READER, "cfg.identite"): ("BASE-900", "HD-011b", "a_persons_reason"),
        (Account.READER, "ha.tvf_noeud"): ("BASE-900", "HD-001"),
        (Account.WRITER, "ha.tvf_noeud"): ("BASE-900",),
    }


def test_what_no_scenario_of_the_folder_needs_is_not_asked_for_and_what_the_tool_needs_is() -> None:
    needed = LITERAL.needed_for(())
    assert list_needs(needed) == {
        (Account.READER, "cfg.operateur"): ("operators",),
        (Account.READER, "cfg.identite"): ("a_persons_reason",),
        (Account.READER, "ha.tvf_noeud"): ("site_role",),
    }
    assert [right.object for right in needed.spare_on("mssql")] == ["prod.mesure", "ha.tvf_noeud"]
    assert [right.object for right in needed.spare_on("postgresql")] == ["ha.tvf_noeud"]


def test_what_a_file_declares_is_asked_for_where_the_manifest_had_it_for_nobody() -> None:
    file = Right(Account.READER, "prod.mesure", "SELECT", "mssql", ("BASE-310",))
    joined = LITERAL.needed_for(()).having((file,))
    assert list_needs(joined)[Account.READER, "prod.mesure"] == ("BASE-310",)


def test_all_that_the_manifest_lists_is_for_a_shipped_scenario_or_for_the_tool() -> None:
    manifest = MANIFEST.needed_for(list_declared(collect_scenarios(SCENARIOS_DIR)))
    for engine in DIALECTS:
        assert manifest.spare_on(engine) == ()
        assert [right.key for right in manifest.on(engine)] == [right.key for right in MANIFEST.on(engine)]
        scenarios = [user for right in manifest.on(engine) for user in right.needed_by if "-" in user]
        assert len(scenarios) > 300, "plus aucun scénario n'est nommé"


def test_a_right_that_two_things_need_is_one_right() -> None:
    rights = [
        Right(Account.READER, "ref.a", "SELECT", "", ("x",)),
        Right(Account.READER, "ref.a", "SELECT", "mssql", ("y", "x")),
    ]
    assert [right.needed_by for right in merge_rights(rights)] == [("x", "y")]
