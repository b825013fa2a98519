-- What the account may do in this database of the server's own (msdb, distribution, master) beyond what `public` has there,
-- which differs from one to the other: rights on the whole database, roles, and what is granted to it by name.
-- Same columns as grants_effective. Everybody sees their own.
SELECT N'database' AS scope, N'DATABASE' AS object_name, N'' AS column_name, p.permission_name COLLATE DATABASE_DEFAULT AS privilege
FROM sys.fn_my_permissions(NULL, N'DATABASE') p
WHERE p.permission_name NOT IN (N'CONNECT', N'VIEW ANY COLUMN ENCRYPTION KEY DEFINITION',
                                N'VIEW ANY COLUMN MASTER KEY DEFINITION')
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
WHERE p.grantee_principal_id = DATABASE_PRINCIPAL_ID() AND p.grantee_principal_id <> DATABASE_PRINCIPAL_ID(N'guest')
  AND p.state IN ('G', 'W') AND NOT (p.class = 0 AND p.state = 'G')
UNION ALL
SELECT N'role', r.name, N'', N'MEMBER'
FROM sys.database_principals r
WHERE r.type = N'R' AND r.name <> N'public' AND IS_ROLEMEMBER(r.name) = 1
ORDER BY 1, 2, 3, 4
