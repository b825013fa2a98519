-- SHA-256 of every module's text (UTF-16) once normalised: line ends, trailing blanks (127 spaces and 7 tabs at most, a
-- function has no loop) and blank lines at both ends do not count. NULL where it is encrypted or may not be read.
-- Stands in the scenarios that it proposes, as a derived table: no ORDER BY. Right: VIEW DEFINITION on the database.
SELECT s.name AS schema_name, o.name AS module_name,
       LOWER(CONVERT(varchar(64), HASHBYTES('SHA2_256', e.body), 2)) AS sha256
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
LEFT JOIN sys.sql_modules m ON m.object_id = o.object_id
CROSS APPLY (
    SELECT REPLACE(m.[definition] COLLATE Latin1_General_BIN2, NCHAR(13) + NCHAR(10), NCHAR(10)) + NCHAR(10) AS body
) a
CROSS APPLY (
    SELECT REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(REPLACE(a.body,
               REPLICATE(N' ', 64) + NCHAR(10), NCHAR(10)), REPLICATE(N' ', 32) + NCHAR(10), NCHAR(10)),
               REPLICATE(N' ', 16) + NCHAR(10), NCHAR(10)), REPLICATE(N' ', 8) + NCHAR(10), NCHAR(10)),
               REPLICATE(N' ', 4) + NCHAR(10), NCHAR(10)), REPLICATE(N' ', 2) + NCHAR(10), NCHAR(10)),
               N' ' + NCHAR(10), NCHAR(10)) AS body
) b
CROSS APPLY (
    SELECT REPLACE(REPLACE(REPLACE(b.body,
               REPLICATE(NCHAR(9), 4) + NCHAR(10), NCHAR(10)), REPLICATE(NCHAR(9), 2) + NCHAR(10), NCHAR(10)),
               NCHAR(9) + NCHAR(10), NCHAR(10)) AS body
) c
CROSS APPLY (
    SELECT SUBSTRING(c.body, PATINDEX(N'%[^' + NCHAR(10) + N']%', c.body), LEN(c.body)) AS body
) d
CROSS APPLY (
    SELECT LEFT(d.body, LEN(d.body) - PATINDEX(N'%[^' + NCHAR(10) + N']%', REVERSE(d.body)) + 1) AS body
) e
WHERE o.is_ms_shipped = 0 AND o.type IN ('P', 'FN', 'IF', 'TF', 'V', 'TR')
