-- Everything that the account may do, whatever it is called: on the server, in this database, on its schemas, objects and
-- columns, through roles, as somebody else; and which other databases it may enter. Left out: what every login and every
-- user has by `public` from the start. In the application's database what `public` was given on its objects is the
-- account's too, and is told (for example SSMS's database diagrams). Objects of the server's own and the other kinds of
-- things: what is granted to it by name.
-- Names of the server have its collation, which may not be the database's.
SELECT N'server' AS scope, N'SERVER' AS object_name, N'' AS column_name, p.permission_name COLLATE DATABASE_DEFAULT AS privilege
FROM sys.fn_my_permissions(NULL, N'SERVER') p
WHERE p.permission_name NOT IN (N'CONNECT SQL', N'VIEW ANY DATABASE')
UNION ALL
SELECT N'database', N'DATABASE', N'', p.permission_name COLLATE DATABASE_DEFAULT
FROM sys.fn_my_permissions(NULL, N'DATABASE') p
WHERE p.permission_name NOT IN (N'CONNECT', N'VIEW ANY COLUMN ENCRYPTION KEY DEFINITION',
                                N'VIEW ANY COLUMN MASTER KEY DEFINITION')
UNION ALL
SELECT N'schema', s.name, N'', p.permission_name COLLATE DATABASE_DEFAULT
FROM sys.schemas s
CROSS APPLY sys.fn_my_permissions(QUOTENAME(s.name), N'SCHEMA') p
WHERE s.name NOT IN (N'sys', N'INFORMATION_SCHEMA')
UNION ALL
SELECT CASE WHEN COALESCE(p.subentity_name, N'') = N'' THEN N'object' ELSE N'column' END, s.name + N'.' + o.name,
       COALESCE(p.subentity_name COLLATE DATABASE_DEFAULT, N''), p.permission_name COLLATE DATABASE_DEFAULT
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
CROSS APPLY sys.fn_my_permissions(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT') p
WHERE o.is_ms_shipped = 0
  AND o.type IN (N'U', N'V', N'P', N'PC', N'X', N'FN', N'FS', N'IF', N'TF', N'FT', N'AF', N'SO', N'SN', N'SQ')
  AND (COALESCE(p.subentity_name, N'') = N''
       OR HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', p.permission_name) = 0)
UNION ALL
SELECT CASE WHEN p.class = 0 THEN N'database' WHEN p.class = 3 THEN N'schema' WHEN p.class <> 1 THEN N'other'
            WHEN p.minor_id > 0 THEN N'column' ELSE N'object' END,
       CASE p.class WHEN 0 THEN N'DATABASE' WHEN 3 THEN COALESCE(SCHEMA_NAME(p.major_id), N'')
                    WHEN 1 THEN COALESCE(SCHEMA_NAME(o.schema_id) + N'.' + o.name, CAST(p.major_id AS nvarchar(20)))
                    ELSE LOWER(p.class_desc COLLATE DATABASE_DEFAULT) + N' ' + CAST(p.major_id AS nvarchar(20)) END,
       COALESCE(c.name, N''),
       p.permission_name COLLATE DATABASE_DEFAULT + CASE p.state WHEN 'W' THEN N' WITH GRANT OPTION' ELSE N'' END
FROM sys.database_permissions p
LEFT JOIN sys.all_objects o ON p.class = 1 AND o.object_id = p.major_id
LEFT JOIN sys.all_columns c ON p.class = 1 AND p.minor_id > 0 AND c.object_id = p.major_id AND c.column_id = p.minor_id
WHERE p.grantee_principal_id = DATABASE_PRINCIPAL_ID()
  AND (p.state = 'W' OR (p.state = 'G' AND (p.class NOT IN (0, 1, 3) OR o.is_ms_shipped = 1)))
  AND NOT (p.class = 4 AND p.permission_name = N'IMPERSONATE')
UNION ALL
SELECT CASE p.class WHEN 100 THEN N'server' ELSE N'other' END,
       CASE p.class WHEN 100 THEN N'SERVER'
                    ELSE LOWER(p.class_desc COLLATE DATABASE_DEFAULT) + N' ' + CAST(p.major_id AS nvarchar(20)) END,
       N'', p.permission_name COLLATE DATABASE_DEFAULT + CASE p.state WHEN 'W' THEN N' WITH GRANT OPTION' ELSE N'' END
FROM sys.server_permissions p
JOIN sys.server_principals l ON l.principal_id = p.grantee_principal_id
WHERE l.sid = SUSER_SID() AND (p.state = 'W' OR (p.state = 'G' AND p.class <> 100))
  AND NOT (p.class = 101 AND p.permission_name = N'IMPERSONATE')
UNION ALL
SELECT N'server role', r.name COLLATE DATABASE_DEFAULT, N'', N'MEMBER'
FROM sys.server_principals r
WHERE r.type = N'R' AND r.name <> N'public' AND IS_SRVROLEMEMBER(r.name) = 1
UNION ALL
SELECT N'role', r.name, N'', N'MEMBER'
FROM sys.database_principals r
WHERE r.type = N'R' AND r.name <> N'public' AND IS_ROLEMEMBER(r.name) = 1
UNION ALL
SELECT N'user', u.name, N'', N'IMPERSONATE'
FROM sys.database_principals u
WHERE u.type IN (N'S', N'U') AND u.name <> USER_NAME() AND HAS_PERMS_BY_NAME(QUOTENAME(u.name), N'USER', N'IMPERSONATE') = 1
UNION ALL
SELECT N'login', l.name COLLATE DATABASE_DEFAULT, N'', N'IMPERSONATE'
FROM sys.server_principals l
WHERE l.type IN (N'S', N'U') AND l.name <> SUSER_SNAME() AND HAS_PERMS_BY_NAME(QUOTENAME(l.name), N'LOGIN', N'IMPERSONATE') = 1
UNION ALL
SELECT N'elsewhere', d.name COLLATE DATABASE_DEFAULT, N'', CASE WHEN HAS_DBACCESS(d.name) = 1 THEN N'CONNECT' ELSE N'REFUSED' END
FROM sys.databases d
WHERE d.name <> DB_NAME()
ORDER BY 1, 2, 3, 4
