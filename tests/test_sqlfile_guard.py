"""The guard: nothing but reads in a read-only scenario, nothing that a rollback would not undo in the others."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.sqlfiles.guard import check_opened, check_read_only, check_undone

VOUCHED = ("cfg.usp_liste",)
QUERIES = Path(__file__).parent.parent / "nonreg" / "queries"
# Of the shipped queries, those that do more than read: procedures, a lock, the write that must be refused.
MORE_THAN_READING = re.compile(r"\b(?:u?sp_\w+|UPDATE|pg_try_advisory_lock)\b")
READS = {
    "mssql": (
        "SELECT sta_code FROM ref.station",
        "SELECT s.sta_code, n = COUNT(*) FROM [ref].[station] AS s GROUP BY s.sta_code HAVING COUNT(*) > 1",
        "SELECT a FROM prod.mesure WITH (NOLOCK) WHERE etat = N'DELETE FROM t; --' ORDER BY a",
        'SELECT 1 AS [UPDATE], 2 AS "INSERT" /* DROP TABLE /* t */ */',
        "SELECT a FROM t -- DELETE FROM t",
        "SELECT t.receive, t.[load], t.signature FROM ref.t t",
        "SET QUOTED_IDENTIFIER ON; SET ANSI_NULLS ON; SET DEADLOCK_PRIORITY LOW; SELECT 1 AS a",
        "/*\nGO\n*/ SELECT N'a\nGO\nb' AS a",
        "SELECT a FROM t UNION ALL SELECT b FROM u EXCEPT SELECT c FROM v",
        ";(SELECT 1 AS a)",
        ";WITH c AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c OPTION (MAXRECURSION 9)",
        "SELECT x.cap_id FROM ref.capteur x CROSS APPLY prod.tvf_debit(x.cap_id, @d, @f) v",
        "SELECT a FROM t ORDER BY a OFFSET 2 ROWS FETCH NEXT 5 ROWS ONLY",
        "SELECT STUFF((SELECT ',' + b FROM t FOR XML PATH('')), 1, 1, '') AS x",
        "SELECT name FROM msdb.dbo.sysjobs WHERE enabled = 0",
        "DECLARE @n int = (SELECT COUNT(*) FROM t), @d datetime2(3) = SYSUTCDATETIME()",
        "DECLARE @t TABLE (a int NOT NULL PRIMARY KEY, b varchar(3) NULL DEFAULT 'x')",
        "INSERT INTO @t (a, b) VALUES (1, 'x'), (2, NULL)",
        "INSERT @t SELECT a, b FROM t WHERE a > 1",
        "DECLARE @t TABLE (a int NOT NULL, b int NOT NULL, PRIMARY KEY CLUSTERED (a, b DESC), UNIQUE NONCLUSTERED (b))",
        "DECLARE @t AS TABLE (a int PRIMARY KEY WITH (IGNORE_DUP_KEY = ON), b int INDEX ix_b UNIQUE, CHECK (b !< 0), "
        "INDEX ix NONCLUSTERED (a, b), c uniqueidentifier DEFAULT NEWID() ROWGUIDCOL UNIQUE CLUSTERED)",
        "DECLARE @c ref.code_station = 'a', @l AS [dbo].[tt_capteurs], @n int",
        ";WITH c AS (SELECT 1 AS a), d (b) AS (SELECT a FROM c) INSERT INTO @t (a) SELECT b FROM d UNION ALL SELECT 2",
        ";WITH c AS (SELECT 1 AS a) UPDATE t SET t.b = c.a FROM @t AS t JOIN c ON c.a = t.a WHERE t.b IS NULL",
        ";WITH c AS (SELECT 1 AS a) DELETE FROM @t WHERE a IN (SELECT a FROM c)",
        "INSERT TOP (3) INTO @t (a) OUTPUT inserted.a INTO @u (a) SELECT a FROM t ORDER BY a",
        "INSERT @t DEFAULT VALUES",
        "UPDATE @t SET a = 1, b += CASE WHEN c = 1 THEN 2 ELSE 3 END, d = DEFAULT WHERE a IN (SELECT x FROM ref.x)",
        "UPDATE TOP (3) @t SET @n = a = a + 1 OUTPUT deleted.a, inserted.a INTO @u OPTION (RECOMPILE)",
        "UPDATE m SET a = s.b FROM ref.s AS s LEFT JOIN @t m ON s.id = m.id",
        "UPDATE @t SET a = s.b FROM @t AS m JOIN ref.s s ON s.id = m.id",
        "DELETE @t",
        "DELETE FROM @t OUTPUT deleted.a WHERE a NOT IN (SELECT x FROM ref.x)",
        "DELETE m FROM @t AS m JOIN ref.s s ON s.id = m.id",
        "DELETE TOP (1) FROM m FROM ref.s, @t m WHERE m.a = s.a",
        "SELECT @s += x, @n = @n + 1 FROM ref.s ORDER BY x",
        "SET @n -= (SELECT MAX(a) FROM @t)",
        "EXEC cfg.usp_liste 1, @b = 2 WITH RECOMPILE",
        "EXEC cfg.usp_liste WITH RECOMPILE, RESULT SETS ((a int NOT NULL, b numeric(12, 3)), (c nvarchar(3)))",
        "EXEC cfg.usp_liste WITH RESULT SETS NONE",
        "SELECT a FROM t WHERE a !< 1 AND b !> 2 AND c != 3 OR d <> 4",
        "IF @n !> 1 PRINT 'x'",
        "SELECT TRY_PARSE(x AS date USING 'fr-FR') AS d, PARSE(N'1,5' AS numeric(5, 2) USING @c) AS n FROM t",
        ";WITH XMLNAMESPACES (DEFAULT 'http://x', 'u' AS b), c AS (SELECT 1 AS a) SELECT a FROM c FOR XML PATH('x')",
        ";WITH XMLNAMESPACES ('http://x' AS ns) SELECT @x.value('(/ns:a/@b)[1]', 'int') AS b",
        "SELECT * FROM (SELECT a, b FROM t) s PIVOT (SUM(b) FOR a IN ([1], [2])) p",
        "SELECT x.a, y.b FROM t x OUTER APPLY (SELECT TOP (1) b FROM u WHERE u.a = x.a ORDER BY b) y",
        "SELECT a FROM t OPTION (MAXRECURSION 0, RECOMPILE)",
        "SELECT geography::Point(1, 2, 4326).STAsText() AS p",
        "SELECT sys.geography::Point(1, 2, 4326).STAsText() AS p",
        "SET NOCOUNT, XACT_ABORT ON; SET ANSI_PADDING ON; SET NUMERIC_ROUNDABORT OFF",
        "INSERT INTO @t EXEC cfg.usp_liste",
        "SELECT @n = COUNT(*), @m = MAX(a) FROM t",
        "SET @n += 1",
        "SET @n = CASE WHEN @n > 1 THEN 1 ELSE 2 END",
        "SET NOCOUNT ON",
        "SET TRANSACTION ISOLATION LEVEL SNAPSHOT",
        "IF @n > 0 AND NOT EXISTS (SELECT 1 FROM t) THROW 50001, N'trop de lignes', 1",
        "IF CASE WHEN @n = 1 THEN 2 ELSE 3 END = 2 SELECT 1 ELSE IF @n = 2 PRINT N'deux' ELSE SELECT 3",
        "WHILE @i < 3 BEGIN SET @i = @i + 1; IF @i = 2 BREAK; CONTINUE END",
        "BEGIN TRY SELECT 1 / 0 END TRY BEGIN CATCH SELECT ERROR_MESSAGE(); THROW; END CATCH",
        "RAISERROR(N'écart : %d (voir %s)', 16, 1, @n, @m) WITH NOWAIT",
        "PRINT CONCAT(N'vu : ', @n)",
        "EXEC cfg.usp_liste @a = 1, @b = @n OUTPUT",
        "EXECUTE @r = [cfg].[usp_liste] 1, -2, NULL, N'x'",
        "IF @n = 1 RETURN",
    ),
    "postgresql": (
        "SELECT regexp_replace(a, 'x', 'y'), width_bucket(1, 0, 9, 3), clock_timestamp() FROM t",
        "SELECT 1 OPERATOR(pg_catalog.+) 2 AS n, age(now()), pg_typeof(1), array_agg(a ORDER BY a) FROM t",
        "SELECT sta_code FROM ref.station",
        "SELECT a FROM t WHERE b = 'DELETE FROM t; --' OR c = E'it\\'s' OR d = $x$;DROP TABLE t;$x$",
        'SELECT 1 AS "UPDATE" /* DROP TABLE /* t */ */ -- DELETE',
        "VALUES (1, 'a'), (2, NULL)",
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 9) SELECT n FROM c",
        "SELECT count(*) FILTER (WHERE a > 0), string_agg(b, ',' ORDER BY b) FROM t GROUP BY ROLLUP (c)",
        "SELECT DISTINCT ON (a) a, b::numeric(12, 3) FROM t ORDER BY a, b DESC LIMIT 3",
        "SELECT * FROM generate_series(1, 9) g(n) CROSS JOIN LATERAL (SELECT g.n * 2 AS m) x",
        "SELECT a ->> 'b', a @> '{}', x[1], now() AT TIME ZONE 'UTC' + interval '5 minutes' FROM t",
        "SELECT * FROM prod.tvf_debit(1, '2026-01-01', '2026-01-02') v",
        "SELECT * FROM cfg.usp_liste(1)",
        "SELECT pg_total_relation_size('ref.station'), pg_catalog.pg_is_in_recovery()",
        "DO $$ BEGIN IF (SELECT count(*) FROM t) < 1 THEN RAISE EXCEPTION 'aucune : %', 0; END IF; END $$",
        "DO $b$ DECLARE n integer := 3; m numeric(12, 3); BEGIN SELECT count(*), 2 INTO STRICT n, m FROM t; "
        "IF n > 3 THEN RAISE NOTICE 'trop'; ELSIF n = 1 THEN NULL; ELSE n := n + 1; END IF; "
        "PERFORM 1; END $b$ LANGUAGE plpgsql",
        "TABLE ref.station",
        "TABLE ONLY ref.station ORDER BY 1 LIMIT 3",
        "DO $$ <<bloc>> DECLARE r record; BEGIN FOR r IN SELECT a FROM t LOOP "
        "IF r.a > 1 THEN RAISE EXCEPTION 'x %', r.a; END IF; END LOOP; END $$",
        "DO $$ BEGIN FOR i IN REVERSE 10..1 BY 2 LOOP CONTINUE WHEN i = 4; RAISE NOTICE '%', i; END LOOP; END $$",
        "DO $$ DECLARE n int := 0; BEGIN <<b>> WHILE CASE WHEN n < 3 THEN true ELSE false END LOOP n := n + 1; "
        "LOOP EXIT b WHEN n > 2; END LOOP; END LOOP b; END $$",
        "DO $$ DECLARE n int; BEGIN FOREACH n IN ARRAY ARRAY[1, 2] LOOP ASSERT n < 3, 'trop grand'; END LOOP; END $$",
        "DO $$ BEGIN CASE WHEN 1 = 1 THEN NULL; ELSE RAISE EXCEPTION 'x'; END CASE; "
        "BEGIN PERFORM 1 / 0; EXCEPTION WHEN division_by_zero OR SQLSTATE '22003' THEN RAISE; END; END $$",
    ),
}
WRITES = {
    "mssql": (
        "DELETE FROM ref.station",
        "DELETE ref.station",
        "UPDATE ref.station SET sta_libelle = N'x'",
        "INSERT INTO ref.station VALUES (1)",
        "INSERT ref.station DEFAULT VALUES",
        "INSERT INTO #t SELECT 1",
        "MERGE ref.station USING u ON 1 = 1 WHEN MATCHED THEN DELETE;",
        "TRUNCATE TABLE ref.station",
        "DROP TABLE ref.station",
        "CREATE TABLE #t (a int)",
        "ALTER TABLE ref.station ADD x int",
        "SELECT * INTO ref.copie FROM ref.station",
        "SELECT a INTO #t FROM ref.station",
        "INSERT INTO @t OUTPUT inserted.a INTO ref.copie SELECT 1",
        "INSERT INTO @t OUTPUT inserted.a INTO copie SELECT 1",
        "INSERT INTO ref.copie EXEC cfg.usp_liste",
        "EXEC nr.usp_autre",
        "EXECUTE cfg.usp_liste_autre 1",
        "EXEC ('DELETE FROM ref.station')",
        "EXEC @p",
        "EXEC sp_executesql N'DELETE FROM ref.station'",
        "EXEC master.dbo.xp_cmdshell 'dir'",
        "SELECT NEXT VALUE FOR dbo.numero",
        "DECLARE @v int = NEXT VALUE FOR dbo.numero",
        "SET @v = NEXT VALUE FOR dbo.numero",
        "IF 1 < NEXT VALUE FOR dbo.numero PRINT 'x'",
        "INSERT INTO @t SELECT NEXT VALUE FOR dbo.numero",
        "SELECT * FROM OPENROWSET('a', 'b', 'DELETE FROM t')",
        "SELECT * FROM OPENQUERY(autre, 'DELETE FROM t')",
        "SELECT * FROM autre.base.dbo.t",
        "SELECT a FROM t WITH (UPDLOCK)",
        "SELECT a FROM t WITH (SERIALIZABLE)",
        "SELECT a FROM t HOLDLOCK",
        "GRANT SELECT ON ref.station TO public",
        "BACKUP DATABASE x TO DISK = 'y'",
        "DBCC FREEPROCCACHE",
        "SHUTDOWN",
        "KILL 53",
        "COMMIT",
        "BEGIN TRANSACTION",
        "SAVE TRANSACTION x",
        "USE master",
        "DISABLE TRIGGER ALL ON ref.station",
        "SEND ON CONVERSATION @h",
        "RECEIVE TOP (1) * FROM dbo.file",
        "WAITFOR DELAY '00:00:10'",
        "DECLARE c CURSOR FOR SELECT a FROM t FOR UPDATE",
        "SET IDENTITY_INSERT ref.station ON",
        "SET IMPLICIT_TRANSACTIONS OFF",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "RAISERROR('x', 16, 1) WITH LOG",
        "WITH c AS (SELECT a FROM t) DELETE FROM c",
        "GOTO fin",
        "{ CALL nr.usp_autre }",
        "UPDATE t SET a = 1",
        "UPDATE [@t] SET a = 1",
        "UPDATE #t SET a = 1",
        "UPDATE STATISTICS ref.station",
        "UPDATE m SET a = 1 FROM ref.station AS m JOIN @t AS t ON t.a = m.a",
        "UPDATE m SET a = 1 FROM (SELECT a FROM ref.station) AS m, @t t",
        "UPDATE @t SET a = NEXT VALUE FOR dbo.numero",
        "UPDATE TOP (NEXT VALUE FOR dbo.numero) @t SET a = 1",
        "UPDATE @t SET a = 1 OUTPUT inserted.a INTO ref.copie",
        "UPDATE @t SET a = 1 FROM OPENQUERY(autre, 'x') q",
        "DELETE m FROM ref.m JOIN @t AS m ON 1 = 1",
        "DELETE m FROM @t AS m JOIN ref.m ON ref.m.a = 1",
        "DELETE m FROM @t",
        "DELETE m FROM ref.s AS s WHERE a IN (SELECT 1 FROM @t AS m)",
        "DELETE m FROM @t.nodes('/a') AS m(c)",
        "DELETE dbo.m FROM @t AS m",
        "DELETE @t FROM ref.s WITH (UPDLOCK)",
        ";WITH m AS (SELECT a FROM ref.s) DELETE m FROM @t AS m",
        ";WITH c AS (SELECT a FROM @t) UPDATE c SET a = 1",
        ";WITH c AS (SELECT a FROM t) INSERT INTO ref.copie SELECT a FROM c",
        ";WITH c AS (SELECT a FROM t) INSERT INTO @t SELECT NEXT VALUE FOR dbo.numero FROM c",
        "INSERT INTO @t SELECT a FROM (DELETE FROM ref.station OUTPUT deleted.a) AS d",
        "INSERT INTO @t (a) VALUES (1) DELETE ref.station",
        "DECLARE @t TABLE (a int DEFAULT (NEXT VALUE FOR dbo.numero), PRIMARY KEY (a))",
        "DECLARE @t TABLE (a int, PRIMARY KEY (a)) DELETE ref.station",
        "SELECT srv.db.dbo.f(1) AS a",
        "SELECT a FROM t CROSS APPLY srv.db.dbo.f(t.a) x",
        "SELECT a FROM srv...t",
        "SELECT dbo.xp_ecrire(1) AS a",
        "SELECT prive::ecrire(1) AS a",
        "SELECT dbo.geography::Point(1, 2, 4326) AS a",
        "EXEC cfg.usp_liste WITH RESULT SETS ((a int)) EXEC nr.usp_autre",
        "EXEC cfg.usp_liste AT autre",
        "SET NOCOUNT, IMPLICIT_TRANSACTIONS ON",
    ),
    "postgresql": (
        "SELECT usp_efface()",
        "SELECT http_post('a', 'b')",
        "DO $$ BEGIN PERFORM usp_efface(); END $$",
        "SELECT 'a' OPERATOR(nr.===) 'b'",
        "DELETE FROM ref.station",
        "UPDATE ref.station SET sta_libelle = 'x'",
        "INSERT INTO ref.station VALUES (1)",
        "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
        "TRUNCATE ref.station",
        "CREATE TEMPORARY TABLE x (a int)",
        "SELECT * INTO ref.copie FROM ref.station",
        "SELECT * FROM t FOR UPDATE",
        "SELECT * FROM t FOR SHARE",
        "WITH d AS (DELETE FROM t RETURNING a) SELECT a FROM d",
        "WITH d AS (INSERT INTO t VALUES (1) RETURNING a) SELECT a FROM d",
        "CALL nr.usp_x()",
        "SELECT nr.usp_battre('x', 1)",
        'SELECT "nr"."usp_battre" (1)',
        "SELECT nextval('nr.seq_station')",
        "SELECT pg_catalog.setval('nr.seq_station', 3)",
        "SELECT pg_advisory_lock(1)",
        'SELECT "pg_advisory_lock"(1)',
        'SELECT U&"\\0070g_advisory_lock"(1)',
        "SELECT pg_terminate_backend(3)",
        "SELECT pg_notify('a', 'b')",
        "SELECT lo_import('/etc/passwd')",
        "SELECT * FROM dblink('x', 'DELETE FROM t') AS d(a int)",
        "SELECT set_config('transaction_read_only', 'off', true)",
        "SELECT query_to_xml('DELETE FROM t', true, true, '')",
        "SET TRANSACTION READ WRITE",
        "COMMIT",
        "BEGIN",
        "COPY t TO PROGRAM 'x'",
        "EXPLAIN ANALYZE DELETE FROM t",
        "PREPARE p AS DELETE FROM t",
        "LOCK TABLE t",
        "DO $$ BEGIN DELETE FROM t; END $$",
        "DO $$ BEGIN EXECUTE 'DELETE FROM t'; END $$",
        "DO $$ BEGIN PERFORM nr.usp_battre('x', 1); END $$",
        "DO $$ BEGIN IF true THEN UPDATE t SET a = 1; END IF; END $$",
        "DO $$ DECLARE n int := nextval('s'); BEGIN NULL; END $$",
        "DO $$ BEGIN RAISE EXCEPTION '%', nextval('s'); END $$",
        "DO $$ DECLARE r record; BEGIN FOR r IN DELETE FROM t RETURNING a LOOP NULL; END LOOP; END $$",
        "DO LANGUAGE plpython3u $$ x $$",
        "DO $$ BEGIN FOR r IN EXECUTE 'DELETE FROM t' LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN FOR i IN 1..3 LOOP DELETE FROM t; END LOOP; END $$",
        "DO $$ BEGIN FOR i IN 1..nextval('s') LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN FOR i IN nextval('s')..9 BY 2 LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN FOR i IN 1..9 BY nextval('s') LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN WHILE nextval('s') < 3 LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN LOOP EXIT WHEN nextval('s') > 3; END LOOP; END $$",
        "DO $$ BEGIN FOREACH n IN ARRAY nr.usp_x() LOOP NULL; END LOOP; END $$",
        "DO $$ BEGIN ASSERT true, nr.usp_x(); END $$",
        "DO $$ BEGIN CASE nextval('s') WHEN 1 THEN NULL; END CASE; END $$",
        "DO $$ BEGIN CASE 1 WHEN nextval('s') THEN NULL; END CASE; END $$",
        "DO $$ BEGIN NULL; EXCEPTION WHEN others THEN DELETE FROM t; END $$",
        "DO $$ BEGIN RETURN QUERY DELETE FROM t RETURNING a; END $$",
        "DO $$ BEGIN RETURN nextval('s'); END $$",
        "DO $$ BEGIN END x; DELETE FROM t; END $$",
        "TABLE nr.usp_x()",
        "SELECT E'a'\n'b\\'' ; DELETE FROM t; --'",
    ),
}
# Places where a write may hide: `%` is the write. Several of them have no semicolon before it.
PLACES = {
    "mssql": (
        "%",
        "; %",
        "SELECT 1 %",
        "SELECT a FROM t %",
        "SELECT a FROM t AS x %",
        "SELECT a FROM t WHERE a = 'x' %",
        "DECLARE @z int = 1 %",
        "SET @n = 1 %",
        "PRINT 'a' %",
        "EXEC cfg.usp_liste 1 %",
        "IF 1 = 0 %",
        "IF 1 = 0 SELECT 1 ELSE %",
        "IF 1 = 0 BEGIN SELECT 1; % END",
        "WHILE 1 = 0 BEGIN % END",
        "BEGIN TRY % END TRY BEGIN CATCH PRINT 'x' END CATCH",
        "BEGIN TRY SELECT 1 END TRY BEGIN CATCH % END CATCH",
        "/* x */ % -- y",
        "SELECT 'a\\' %",
        "SELECT N'a''' %",
        "SELECT [a]]b] FROM t %",
        "SELECT 1 /* /* */ */ %",
    ),
    "postgresql": (
        "%",
        "; %",
        "/* x */ % -- y",
        "SELECT 'a\\'; %",
        "SELECT E'a\\'b'; %",
        "SELECT $a$'$a$; %",
    ),
}
ENGINES = tuple(READS)


SPELLINGS: tuple[Callable[[str], str], ...] = (str.upper, str.lower, str.swapcase, str)
SEPARATORS = {
    "mssql": ("\n", "\n;\n", "\n ;; ", "\r\n", "\n-- x\n", "\n/* ; */\n"),  # it needs no semicolon
    "postgresql": ("\n;\n", "\n ;; ", "\r\n; -- x\n"),
}


def respell(draw: st.DrawFn, text: str) -> str:
    """The same statement in other letters; not where they count."""
    return text if "$" in text or "E'" in text else draw(st.sampled_from(SPELLINGS))(text)


@st.composite
def batches(draw: st.DrawFn, engine: str, hidden: bool) -> str:
    """Some reads, and among them a write when one is hidden."""
    reads = draw(st.lists(st.sampled_from(READS[engine]), min_size=1, max_size=5))
    statements = [respell(draw, one) for one in reads]
    if hidden:
        write = respell(draw, draw(st.sampled_from(WRITES[engine])))
        place = draw(st.sampled_from(PLACES[engine])).replace("%", write)
        statements.insert(draw(st.integers(0, len(statements))), place)
    return "".join(one + draw(st.sampled_from(SEPARATORS[engine])) for one in statements)


@pytest.mark.parametrize(("engine", "text"), [(engine, text) for engine in ENGINES for text in READS[engine]])
def test_each_way_of_reading_is_accepted(engine: str, text: str) -> None:
    assert check_read_only(text, engine, VOUCHED) == ""


@pytest.mark.parametrize(
    ("engine", "text"), [(engine, text) for engine in ENGINES for text in WRITES[engine]]
)
def test_each_way_of_writing_is_refused_with_its_line(engine: str, text: str) -> None:
    assert re.match(r"ligne [34] : ", check_read_only(f"\n\n{text}", engine, VOUCHED))


@given(
    st.sampled_from(ENGINES).flatmap(lambda engine: st.tuples(st.just(engine), batches(engine, hidden=False)))
)
def test_a_batch_of_reads_is_accepted(case: tuple[str, str]) -> None:
    engine, text = case
    assert check_read_only(text, engine, VOUCHED) == ""


@given(
    st.sampled_from(ENGINES).flatmap(lambda engine: st.tuples(st.just(engine), batches(engine, hidden=True)))
)
def test_a_write_hidden_anywhere_among_reads_is_refused(case: tuple[str, str]) -> None:
    engine, text = case
    assert check_read_only(text, engine, VOUCHED) != ""


NAMES = ("m", "station", "[m n]", "Été")
REAL = (
    "ref.station",
    "ref.[m]",
    "#m",
    "[@t]",
    "AQUAREEL.dbo.x",
    "(SELECT a FROM ref.station)",
    "prod.tvf_x(1)",
    "c",
)

SAME = {"station": "ref.station", "m": "ref.[m]"}


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, bool]:
    """An UPDATE or a DELETE with sources in any order, and whether what it changes is a table variable."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    owned = [draw(st.booleans()) for _ in names]
    tables = [draw(st.sampled_from(("@t", "@u") if own else REAL)) for own in owned]
    sources = [
        f"{table} {draw(st.sampled_from(('', 'AS ')))}{name}"
        for table, name in zip(tables, names, strict=True)
    ]
    text = sources[0]
    for source in sources[1:]:
        text += draw(st.sampled_from((", {}", " JOIN {} ON 1 = 1", "\nCROSS JOIN {}"))).format(source)
    place = draw(st.integers(0, len(names) - 1))
    target, is_own = draw(
        st.sampled_from(
            (
                # Beside a table of that name, which it is cannot be surely told.
                (names[place], owned[place] and SAME.get(names[place], "?") not in " ".join(tables)),
                ("@t", True),
                (names[place].swapcase(), False),
                *((one, False) for one in ("ref.station", "[@t]", "#m", "@@t", "x.m", "c", "autre")),
            )
        )
    )
    verb = draw(
        st.sampled_from(
            ("UPDATE {top}{target} SET a = 1", "DELETE {top}{target}", "DELETE {top}FROM {target}")
        )
    )
    change = verb.format(top=draw(st.sampled_from(("", "TOP (2) "))), target=target)
    before = draw(st.sampled_from(("", ";WITH c AS (SELECT 1 AS a) ")))
    return (
        f"{before}{change} FROM {text}{draw(st.sampled_from(('', ' WHERE 1 = 1', ' OPTION (RECOMPILE)')))}",
        is_own,
    )


@given(changes())
def test_a_change_is_accepted_when_it_surely_changes_a_table_variable_and_never_otherwise(
    case: tuple[str, bool],
) -> None:
    text, is_own = case
    refusal = check_read_only(text, "mssql", VOUCHED)
    assert refusal == "" if is_own else "dans autre chose qu'une variable de table" in refusal


@given(st.sampled_from(ENGINES), st.text(max_size=60))
def test_whatever_the_text_the_guard_answers(engine: str, text: str) -> None:
    assert isinstance(check_read_only(text, engine), str)
    assert isinstance(check_undone(text, engine), str)


@given(st.sampled_from(ENGINES), st.data())
def test_a_read_that_is_cut_or_shuffled_never_becomes_an_error_of_the_guard(
    engine: str, data: st.DataObject
) -> None:
    words = data.draw(st.sampled_from(READS[engine] + WRITES[engine])).split(" ")
    text = " ".join(data.draw(st.permutations(words))[: data.draw(st.integers(0, len(words)))])
    assert isinstance(check_read_only(text, engine, VOUCHED), str)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("SELECT 1\nGO\nSELECT 2", "ligne 2 : « GO » sépare deux lots"),
        ("SELECT 1\n  go 3 -- x\n", "« GO »"),
        ("SET QUOTED_IDENTIFIER OFF; SELECT 1", "réglage SET refusé"),
        ("RAISERROR('x', 5, 1); SELECT 1", "en dessous ce n'est qu'un message"),
        ("-- rien\n/* rien */", "aucune instruction"),
        ("SELECT 'a", "ligne 1 : texte ou nom entre guillemets jamais fermé"),
        ("SELECT (1", "une parenthèse n'est pas fermée"),
        ("SELECT 1)", "parenthèse fermée sans être ouverte"),
        ("SELECT 1 /* /* */", "commentaire jamais fermé"),
        ("SELECT a\u00a0DELETE", "caractère inattendu"),
        ("SELECT 1 -- x\rDELETE FROM t", "caractère invisible ou fin de ligne isolée"),
        ("SELECT 1 -- x\u2028DELETE FROM t", "caractère invisible"),
        ("SELECT 1DELETE FROM t", "un nombre collé à un mot"),
        ("SELECT 0xDELETE FROM t", "un nombre collé à un mot"),
        ("nr.usp_x 1", "instruction inconnue « nr »"),
        ("SELECT a FROM t WHERE", "l'analyseur ne le lit pas"),
        ("SELECT a b c FROM t", "l'analyseur ne le lit pas"),
        ("SELECT COUNT(*) FROM t\nTHROW 50001, N'x', 1", "ligne 2 : mettez un « ; » devant THROW"),
        ("IF @n = 1", "IF sans condition ou sans instruction"),
        ("PRINT", "PRINT sans rien à sa suite"),
        ("SET @x.modify('delete /a')", "SET d'une variable mal écrit"),
        ("EXEC cfg.usp_liste (SELECT 1)", "« ( » n'est ni une constante ni une variable"),
        ("DELETE FROM ref.station", "DELETE dans autre chose qu'une variable de table"),
        ("SELECT 1 FROM srv.db.dbo.t", "« srv.db.dbo.t », un nom en quatre parties, mène à un autre serveur"),
        ("EXEC cfg.usp_liste WITH x", "EXEC … WITH : seuls RECOMPILE et RESULT SETS"),
        ("INSERT INTO @t", "INSERT sans VALUES, SELECT ni EXEC"),
        ("MERGE @t AS t USING u ON 1 = 1 WHEN MATCHED THEN DELETE;", "le mot « MERGE »"),
        ("SELECT a FROM t OPTION (USE HINT ('x'))", "le mot « USE »"),
        ("SELECT a FROM t OPTION (OPTIMIZE FOR (@p = 1))", "l'analyseur ne le lit pas"),
        ("SELECT {d '2026-11-01'}", "caractère inattendu « { »"),
        ("WAITFOR DELAY '00:00:01'", "le mot « WAITFOR »"),
        ("EXEC usp_liste", "EXEC de « usp_liste », qui n'est pas dans « procedures_de_lecture »"),
        ("SELECT " + "(" * 3000 + "1" + ")" * 3000, "l'analyseur ne le lit pas"),
    ],
)
def test_what_is_not_surely_understood_is_refused_with_its_reason(text: str, words: str) -> None:
    assert words in check_read_only(text, "mssql", VOUCHED)


def test_a_procedure_reads_only_if_it_is_vouched_for_under_its_whole_name() -> None:
    text = "EXEC cfg.usp_liste"
    assert check_read_only(text, "mssql", ("cfg.usp_liste",)) == ""
    for names in ((), ("usp_liste",), ("ref.usp_liste",), ("cfg.usp_liste2",)):
        assert "procedures_de_lecture" in check_read_only(text, "mssql", names)
    assert "un point dans un nom" in check_read_only("EXEC [cfg.usp_liste]", "mssql", ("cfg.usp_liste",))


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        ("mssql", "COMMIT"),
        ("mssql", "INSERT INTO ref.station VALUES (1) COMMIT"),
        ("mssql", "BEGIN TRAN; DELETE FROM t; ROLLBACK"),
        ("mssql", "SET IMPLICIT_TRANSACTIONS OFF"),
        ("mssql", "EXEC ('COMMIT')"),
        ("mssql", "EXEC @p"),
        ("mssql", "EXEC sp_executesql N'COMMIT'"),
        ("mssql", "EXEC sys.sp_sqlexec N'COMMIT'"),
        ("mssql", "EXEC msdb.dbo.sp_start_job 'x'"),
        ("mssql", "EXEC msdb.dbo.sp_stop_job 'x'"),
        ("mssql", "EXEC msdb.dbo.sp_notify_operator @name = N'astreinte'"),
        ("mssql", "EXEC sp_replcmds; EXEC sp_repldone NULL, NULL, 0, 0, 1"),
        ("mssql", "EXEC sys.sp_posttracertoken 'publication'"),
        ("mssql", "EXEC [master].[dbo].[xp_cmdshell] 'dir'"),
        ("mssql", "BACKUP LOG x TO DISK = 'y'"),
        ("mssql", "DELETE FROM t\nGO\nDELETE FROM u"),
        ("mssql", "-- rien"),
        ("mssql", "DECLARE @r int, @p sysname = N'sys.sp_executesql'; EXEC @r = @p N'COMMIT; BEGIN TRAN'"),
        ("mssql", "EXEC @r = (N'COMMIT')"),
        ("mssql", "EXEC srv.AQUAREEL.nr.usp_battre 1, 2"),
        ("mssql", "EXEC @r = [srv].AQUAREEL..usp_battre"),
        ("mssql", "EXEC"),
        ("mssql", "DELETE FROM srv.AQUAREEL.ref.station"),
        ("mssql", "INSERT INTO [srv].AQUAREEL..station VALUES (1)"),
        ("mssql", "DELETE FROM t; RAISERROR(N'3 capteurs', 10, 1)"),
        ("mssql", "RAISERROR(N'3 capteurs', @gravite, 1)"),
        ("postgresql", "DO $$ BEGIN PERFORM dblink_exec('dbname=x', 'DELETE FROM t'); END $$"),
        ("postgresql", "DO $x$ BEGIN EXECUTE 'COPY t TO PROGRAM x'; END $x$"),
        ("postgresql", "DO $a$ BEGIN PERFORM 1; DO $b$ BEGIN COMMIT; END $b$; END $a$"),
        ("postgresql", "SELECT public.dblink_exec('a', 'b')"),
        ("postgresql", "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p"),
        ("postgresql", "ALTER SYSTEM SET work_mem = '1GB'"),
        ("postgresql", "DELETE FROM t; COMMIT"),
        ("postgresql", "DELETE FROM t; END"),
        ("postgresql", "START TRANSACTION"),
        ("postgresql", "PREPARE TRANSACTION 'x'"),
        ("postgresql", "COPY t TO PROGRAM 'x'"),
        ("postgresql", "SELECT dblink_exec('x', 'DELETE FROM t')"),
        ("postgresql", "SELECT pg_terminate_backend(3)"),
        ("postgresql", ""),
    ],
)
def test_what_a_rollback_would_not_undo_is_refused_even_of_a_writer(engine: str, text: str) -> None:
    assert check_undone(text, engine) != ""


@pytest.mark.parametrize(
    "setting",
    [
        "SET FMTONLY ON",
        "set noexec on",
        "SET PARSEONLY ON",
        "SET SHOWPLAN_ALL ON",
        "SET SHOWPLAN_TEXT ON",
        "SET SHOWPLAN_XML ON",
        "SET ROWCOUNT 1",
        "SET ROWCOUNT @n",
        "SET NOCOUNT, NOEXEC ON",
        "IF 1 = 1 SET /* x */ NOEXEC ON",
    ],
)
def test_a_setting_that_keeps_a_batch_from_running_whole_is_refused_of_a_writer(setting: str) -> None:
    refusal = check_undone(f"DELETE FROM t\n{setting}\nDELETE FROM u", "mssql")
    assert refusal.startswith("ligne 2 : ")
    assert "ce réglage empêche le lot de s'exécuter en entier" in refusal


def test_snapshot_isolation_is_refused_in_a_transaction_that_is_open_already_and_no_other_level() -> None:
    setting = "SET NOCOUNT ON\nSET TRANSACTION ISOLATION LEVEL {}; SELECT a FROM t WITH (SNAPSHOT)"
    refusal = check_opened(setting.format("snapshot"), "mssql")
    assert refusal.startswith("ligne 2 : l'isolation SNAPSHOT ne se demande pas dans une transaction déjà")
    for level in ("READ COMMITTED", "READ UNCOMMITTED"):
        assert check_opened(setting.format(level), "mssql") == ""
    assert check_opened(setting.format("snapshot"), "postgresql") == ""  # there it is no level


@pytest.mark.parametrize(
    ("engine", "text"),
    [
        ("mssql", "UPDATE t SET noexec = 1, rowcount += 2; UPDATE t SET parseonly.WRITE(N'x', 0, 1)"),
        ("mssql", "UPDATE t SET t.rowcount = @@ROWCOUNT; SET NOCOUNT, XACT_ABORT ON"),
        ("mssql", "EXEC nr.usp_creer_station @c; UPDATE ref.station SET a = N'COMMIT' WHERE b = 1"),
        ("mssql", "EXEC @r = nr.usp_creer_station 1"),
        ("mssql", "EXEC AQUAREEL.nr.usp_battre 1, 2; EXEC @r = AQUAREEL..usp_x @p = 1.5"),
        ("mssql", "RAISERROR(N'%d, (dont %d)', 16, 1, @n, @m) WITH NOWAIT"),
        ("mssql", "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; DELETE FROM t"),
        ("mssql", "BEGIN TRY DELETE FROM t END TRY BEGIN CATCH THROW; END CATCH"),
        ("mssql", "CREATE TABLE #t (a int); INSERT INTO #t EXEC nr.usp_liste"),
        ("postgresql", "INSERT INTO t VALUES (1); SELECT nr.usp_creer_station('x')"),
        ("postgresql", "DO $$ BEGIN DELETE FROM t; END $$"),
        ("postgresql", "SELECT nextval('nr.seq_station')"),
    ],
)
def test_a_writer_may_write(engine: str, text: str) -> None:
    assert check_undone(text, engine) == ""


@pytest.mark.parametrize("engine", ENGINES)
def test_of_the_shipped_queries_those_that_only_read_are_accepted_and_no_other(engine: str) -> None:
    value = "@v" if engine == "mssql" else "NULL"
    queries = [path.read_text(encoding="utf-8") for path in sorted((QUERIES / engine).glob("*.sql"))]
    for text in queries:
        refusal = check_read_only(re.sub(r"(?<!:):[a-z_]+", value, text), engine)
        code = re.sub(r"--[^\n]*|'(?:[^']|'')*'", "", text)
        assert bool(refusal) is bool(MORE_THAN_READING.search(code)), f"{refusal}\n{text}"
