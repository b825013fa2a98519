"""Batches for the guard of SQL scenarios: reads and writes in pieces, put together and spoilt in every way."""

from __future__ import annotations

import re

from hypothesis import strategies as st

from tests.test_sqlfile_guard import PLACES, READS, WRITES
from tests.tsql.writing import list_words

READING = (
    *READS["mssql"],
    "WITH a AS (SELECT 1 AS n), b (m) AS (SELECT n FROM a) SELECT m FROM b JOIN a ON a.n = b.m",
    "SELECT x.n, SUM(x.n) OVER (PARTITION BY x.g ORDER BY x.n ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t x",
    "SELECT TOP (3) WITH TIES a FROM t OUTER APPLY (SELECT TOP 1 b FROM u WHERE u.a = t.a ORDER BY b) v ORDER BY a",
    "SELECT p.[1], p.[2] FROM (SELECT a, b FROM t) s PIVOT (MAX(a) FOR b IN ([1], [2])) p",
    "SELECT * FROM OPENJSON(@j) WITH (a int '$.a') AS j",
    "SELECT a FROM t WHERE b IN (SELECT c FROM u) GROUP BY ROLLUP (a) OPTION (RECOMPILE, MAXDOP 1)",
    "SELECT a AS [into], 'insert' AS b FROM @t AS [update] FOR JSON PATH",
    "SELECT @s += a, @n = @n + 1 FROM t",
    "DECLARE @x xml = N'<a/>'",
    "DECLARE @t TABLE (a int IDENTITY(1, 1) PRIMARY KEY CLUSTERED, b nvarchar(max), CHECK (a > 0), UNIQUE (a, b))",
    "INSERT @t DEFAULT VALUES",
    "INSERT TOP (1) INTO @t (a) OUTPUT inserted.a SELECT a FROM t",
    "INSERT INTO @t (a) OUTPUT inserted.a INTO @u VALUES (1)",
    "WITH c AS (SELECT a FROM t) INSERT INTO @t SELECT a FROM c",
    "UPDATE @t SET a = 1 WHERE b = 2",
    "UPDATE @t SET a += 1, @n = a OUTPUT deleted.a FROM ref.station s WHERE s.a = b",
    "UPDATE x SET a = 1 FROM @t AS x JOIN ref.station s ON s.a = x.a",
    "DELETE FROM @t WHERE a = 1",
    "DELETE @t",
    "DELETE TOP (1) FROM @t OUTPUT deleted.a INTO @u (a) FROM ref.station s WHERE s.a = b",
    "DELETE x FROM @t AS x WHERE x.a = 1",
    "UPDATE @t SET x.modify('delete /a'), b.WRITE(N'a', 0, 1)",
    "SELECT IIF(a > 1, 2, 3), TRY_CONVERT(int, b), c COLLATE French_CI_AS, d AT TIME ZONE 'UTC' FROM t FOR BROWSE",
    "SELECT PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY a) OVER (), a.b.c.value('(/a)[1]', 'int') FROM t (NOLOCK)",
    "SELECT a FROM t WHERE CONTAINS(a, 'x') AND b > ALL (SELECT c FROM u) GROUP BY GROUPING SETS ((a), ())",
    "IF EXISTS (SELECT 1 FROM t) SELECT 1 ELSE SELECT 2",
    "WHILE (SELECT COUNT(*) FROM @t) > 0 DELETE TOP (1) FROM @t",
    "BEGIN TRY THROW 50001, N'x', 1 END TRY BEGIN CATCH IF ERROR_NUMBER() <> 50001 THROW; END CATCH",
    "RETURN",
)
WRITING = (
    *WRITES["mssql"],
    "SELECT a INTO [t2] FROM t",
    "SELECT @n = 1 INTO t2",
    "WITH c AS (SELECT 1 AS a) SELECT a INTO t2 FROM c",
    "SELECT a FROM (DELETE FROM t OUTPUT deleted.a) AS x",
    "INSERT INTO @t SELECT a FROM (DELETE FROM t OUTPUT deleted.a) AS x",
    "INSERT INTO @t SELECT a FROM (UPDATE t SET a = 1 OUTPUT inserted.a) AS x WHERE a > 1",
    "INSERT INTO @t SELECT a FROM (MERGE t USING u ON 1 = 1 WHEN MATCHED THEN DELETE OUTPUT deleted.a) AS x",
    "INSERT INTO [@t] SELECT 1",
    'INSERT INTO "@t" SELECT 1',
    "INSERT t SELECT * FROM @t",
    "INSERT TOP (1) t SELECT 1",
    "INSERT INTO @t EXEC ('DELETE FROM t')",
    "INSERT INTO @t EXEC nr.usp_autre",
    "INSERT INTO @t OUTPUT inserted.a INTO t2 VALUES (1)",
    "INSERT INTO t2 OUTPUT inserted.a INTO @t VALUES (1)",
    "INSERT BULK t (a int)",
    "UPDATE t SET a = 1 FROM @t",
    "UPDATE t SET a = 1 FROM @t AS x",
    "UPDATE x SET a = 1 FROM t AS x JOIN @t AS y ON x.a = y.a",
    "UPDATE X SET a = 1 FROM @t AS x",
    "UPDATE dbo.x SET a = 1 FROM @t AS x",
    "UPDATE [@t] SET a = 1",
    "UPDATE @t SET a = 1 OUTPUT deleted.a INTO t2",
    "UPDATE TOP (1) t SET a = 1",
    "UPDATE @t SET a = NEXT VALUE FOR dbo.numero",
    "UPDATE x SET a = 1 FROM (SELECT a FROM @t AS x) y, x",
    "UPDATE STATISTICS t",
    "WITH c AS (SELECT a FROM t) UPDATE c SET a = 1",
    "WITH c AS (SELECT a FROM t) INSERT INTO c SELECT 1",
    "DELETE t FROM @t",
    "DELETE FROM t FROM @t AS x WHERE x.a = t.a",
    "DELETE y FROM @t AS x JOIN t AS y ON x.a = y.a",
    "DELETE TOP (1) t",
    "DELETE @t OUTPUT deleted.a INTO t2",
    "DELETE FROM OPENQUERY(srv, 'SELECT 1')",
    "EXEC @r = nr.usp_autre",
    "EXEC cfg.usp_liste;2",
    "EXEC srv.base.cfg.usp_liste",
    "EXEC ('DELETE FROM t') AT srv",
    "EXEC (N'DELETE FROM t') AS USER = 'x'",
    "EXEC cfg.usp_liste @p = 1, @q = DEFAULT WITH RECOMPILE EXEC ('DELETE FROM t')",
    "EXECUTE AS USER = 'dbo'",
    "REVERT",
    "SELECT * FROM OPENROWSET(BULK 'c:\\x', SINGLE_CLOB) AS x",
    "SELECT * FROM OPENDATASOURCE('a', 'b').c.d.e",
    "SET ROWCOUNT 1 DELETE FROM t",
    "SET @c = CURSOR FOR SELECT 1",
    "SET NOEXEC ON",
    "SET CONTEXT_INFO 0x01 DELETE FROM t",
    "DECLARE @t TABLE (a int DEFAULT (NEXT VALUE FOR dbo.numero))",
    "WAITFOR (RECEIVE * FROM file_a), TIMEOUT 10",
    "CREATE PROCEDURE p AS SELECT 1",
    "BEGIN DISTRIBUTED TRANSACTION",
    "BEGIN TRAN",
    "ROLLBACK",
    "RECONFIGURE",
    "DROP TABLE IF EXISTS #t",
    "SELECT a FROM t (SERIALIZABLE)",
    "SELECT a FROM t AS x WITH (NOLOCK, REPEATABLEREAD)",
    "SELECT a FROM t OPTION (TABLE HINT(t, UPDLOCK))",
    "SET NOCOUNT, ANSI_DEFAULTS ON",
    "UPDATE m SET a = 1 FETCH FROM @t m: SELECT 1",
    "DELETE m FETCH NEXT FROM @t m: SELECT 1",
    "DELETE m FROM @t AS m, t AS [M]",
    "DELETE m FROM t WHERE a = 1 OR b IN (SELECT a FROM @t AS m)",
    "SELECT prive::ecrire(1) AS a",
    "MOVE CONVERSATION @h TO @g",
    "ADD SIGNATURE TO p BY CERTIFICATE c",
    "DBCC SHRINKFILE (1) WITH NO_INFOMSGS",
)
NESTED = (
    *PLACES["mssql"],
    "IF EXISTS (SELECT 1 FROM t) %",
    "IF @n = CASE WHEN @n = 1 THEN 1 END %",
    "IF @n = 1 SELECT 1 ELSE IF @n = 2 % ELSE SELECT 3",
    "WHILE @n < 3 %",
    "BEGIN % END",
    "BEGIN; %; END",
    "IF 1 = 1 BEGIN TRY % END TRY BEGIN CATCH THROW END CATCH",
    "INSERT INTO @t SELECT 1 %",
    "INSERT INTO @t VALUES (1) %",
    "INSERT INTO @t EXEC cfg.usp_liste %",
    "UPDATE @t SET a = 1 %",
    "DELETE @t %",
    "DELETE FROM @t WHERE a = 1 %",
    "DECLARE @y TABLE (a int) %",
    "WITH c AS (SELECT 1 AS a) %",
    ";WITH c AS (SELECT 1 AS a) SELECT a FROM c %",
    "RAISERROR('x', 16, 1) %",
    "THROW 50001, N'x', 1; %",
    "RETURN %",
    "SET NOCOUNT ON %",
    "SELECT (%) AS a",
    "SELECT a FROM (%) AS x",
    "INSERT INTO @t %",
    "SELECT CASE WHEN 1 = 1 THEN 1 END %",
    "SELECT 1 AS [a]%",
    "SELECT 'a'%",
)
# What may stand before the statements of a procedure.
HEADINGS = (
    "CREATE PROCEDURE evt.p AS ",
    "create proc [evt].[p] @a int = 1, @b AS nvarchar(9) = N'AS' OUTPUT, @as xml = NULL AS ",
    "CREATE PROCEDURE evt.p (@a dbo.tt READONLY) WITH RECOMPILE, EXECUTE AS OWNER AS ",
    "-- AS\nCREATE /* AS */ PROCEDURE evt.p WITH EXECUTE AS 'AS' AS ",
    "CREATE PROCEDURE evt.p;2 AS ",
    "CREATE PROCEDURE evt.[AS] FOR REPLICATION AS ",
    "CREATE OR ALTER PROCEDURE evt.p AS ",
    "CREATE PROCEDURE evt.p @a cursor VARYING OUTPUT AS ",
)
# Words that a mutation puts anywhere.
VOCABULARY = list_words(
    """
    SELECT INTO FROM WHERE WITH AS SET IF ELSE WHILE BEGIN END TRY CATCH CASE WHEN THEN INSERT UPDATE DELETE MERGE
    OUTPUT inserted.a deleted EXEC EXECUTE TRUNCATE TABLE DROP CREATE DECLARE VALUES DEFAULT UNION ALL TOP (1)
    STATISTICS @t @u @n t ref.station [t] #t x ; , ( ) = += . * 'x' N'x' 1 TRANSACTION COMMIT FOR OPENQUERY OPENROWSET
    RETURN PRINT THROW NEXT VALUE OVER ORDER BY OPTION JOIN ON APPLY PROCEDURE
    """
)
JOINTS = (" ", "\n", "\n;\n", ";", " ;; ", "\t", "\r\n", "\n-- x\n", "/* ; */", "\n/* /* -- */ */\n", "")
TOKEN = re.compile(r"--[^\n]*|/\*.*?\*/|N?'(?:[^']|'')*'|\[[^\]]*\]|\"[^\"]*\"|[@#\w]+|\s+|.", re.DOTALL)


def spell(draw: st.DrawFn, text: str) -> str:
    """The same in other letters and blanks."""
    changed = draw(st.sampled_from((str, str.upper, str.lower, str.swapcase)))(text)
    blank = draw(st.sampled_from((" ", " ", " ", "\n", "\t", " /* x */ ", " -- x\n", "\u00a0")))
    return changed.replace(" ", blank) if "'" not in text else changed


@st.composite
def composed(draw: st.DrawFn, statements: tuple[str, ...]) -> str:
    """Some statements one after the other, some inside others."""
    parts = [spell(draw, one) for one in draw(st.lists(st.sampled_from(statements), min_size=1, max_size=4))]
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(parts) - 1))
        parts[at] = draw(st.sampled_from(NESTED)).replace("%", parts[at])
    return "".join(one + draw(st.sampled_from(JOINTS)) for one in parts)


@st.composite
def spoilt(draw: st.DrawFn, statements: tuple[str, ...]) -> str:
    """A batch some of whose words were taken away, doubled, moved or replaced."""
    tokens = TOKEN.findall(draw(composed(statements)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(tokens)))
        sort = draw(st.integers(0, 3))
        if sort == 0:
            del tokens[at : at + draw(st.integers(1, 3))]
        elif sort == 1:
            tokens[at:at] = [" ", draw(st.sampled_from(sorted(VOCABULARY))), " "]
        elif sort == 2:
            tokens[at : at + 1] = [draw(st.sampled_from(sorted(VOCABULARY)))]
        else:
            other = draw(st.integers(0, len(tokens)))
            tokens[at:at] = tokens[other : other + draw(st.integers(1, 4))]
    return "".join(tokens)
