-- What the account may do beyond reading: on the server, in this database, on its schemas and objects, as somebody else.
-- Names of the server have its collation, which may not be the database's.
SELECT N'server' AS scope, N'SERVER' AS object_name, x.privilege
FROM (VALUES (N'CONTROL SERVER'), (N'ALTER ANY LOGIN'), (N'ALTER ANY SERVER ROLE'), (N'ALTER ANY DATABASE'),
             (N'CREATE ANY DATABASE'), (N'ALTER SETTINGS'), (N'ALTER SERVER STATE'), (N'ALTER RESOURCES'),
             (N'ALTER TRACE'), (N'ALTER ANY CREDENTIAL'), (N'ALTER ANY LINKED SERVER'), (N'ALTER ANY ENDPOINT'),
             (N'ADMINISTER BULK OPERATIONS'), (N'AUTHENTICATE SERVER'), (N'IMPERSONATE ANY LOGIN'),
             (N'SELECT ALL USER SECURABLES'), (N'CONNECT ANY DATABASE'), (N'EXTERNAL ACCESS ASSEMBLY'),
             (N'UNSAFE ASSEMBLY'), (N'SHUTDOWN'), (N'VIEW SERVER STATE'), (N'VIEW ANY DEFINITION')) AS x(privilege)
WHERE HAS_PERMS_BY_NAME(NULL, NULL, x.privilege) = 1
UNION ALL
SELECT N'database', N'DATABASE', x.privilege
FROM (VALUES (N'CONTROL'), (N'ALTER'), (N'TAKE OWNERSHIP'), (N'AUTHENTICATE'), (N'ALTER ANY SCHEMA'),
             (N'ALTER ANY USER'), (N'ALTER ANY ROLE'), (N'ALTER ANY APPLICATION ROLE'), (N'ALTER ANY ASSEMBLY'),
             (N'ALTER ANY DATABASE DDL TRIGGER'), (N'ALTER ANY DATASPACE'), (N'CREATE SCHEMA'), (N'CREATE TABLE'),
             (N'CREATE VIEW'), (N'CREATE PROCEDURE'), (N'CREATE FUNCTION'), (N'CREATE SYNONYM'), (N'CREATE TYPE'),
             (N'CREATE ROLE'), (N'CREATE ASSEMBLY'), (N'BACKUP DATABASE'), (N'BACKUP LOG'), (N'CHECKPOINT'),
             (N'KILL DATABASE CONNECTION'), (N'REFERENCES'), (N'INSERT'), (N'UPDATE'), (N'DELETE'), (N'EXECUTE'),
             (N'UNMASK'), (N'VIEW DEFINITION'), (N'VIEW DATABASE STATE')) AS x(privilege)
WHERE HAS_PERMS_BY_NAME(DB_NAME(), N'DATABASE', x.privilege) = 1
UNION ALL
SELECT N'schema', s.name, x.privilege
FROM sys.schemas s
CROSS JOIN (VALUES (N'CONTROL'), (N'ALTER'), (N'TAKE OWNERSHIP'), (N'CREATE SEQUENCE')) AS x(privilege)
WHERE HAS_PERMS_BY_NAME(QUOTENAME(s.name), N'SCHEMA', x.privilege) = 1
UNION ALL
SELECT N'object', s.name + N'.' + o.name, x.privilege
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
CROSS JOIN (VALUES (N'SELECT'), (N'INSERT'), (N'UPDATE'), (N'DELETE'), (N'EXECUTE'), (N'REFERENCES'), (N'ALTER'),
                   (N'CONTROL'), (N'TAKE OWNERSHIP')) AS x(privilege)
WHERE o.is_ms_shipped = 0 AND o.type IN (N'U', N'V', N'P', N'PC', N'FN', N'FS', N'IF', N'TF', N'FT', N'SO', N'SN')
  AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', x.privilege) = 1
UNION ALL
SELECT DISTINCT N'column', s.name + N'.' + o.name, x.privilege
FROM sys.objects o
JOIN sys.schemas s ON s.schema_id = o.schema_id
JOIN sys.columns c ON c.object_id = o.object_id
CROSS JOIN (VALUES (N'SELECT'), (N'UPDATE'), (N'REFERENCES')) AS x(privilege)
WHERE o.is_ms_shipped = 0 AND o.type IN (N'U', N'V')
  AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', x.privilege, c.name, N'COLUMN') = 1
  AND HAS_PERMS_BY_NAME(QUOTENAME(s.name) + N'.' + QUOTENAME(o.name), N'OBJECT', x.privilege) = 0
UNION ALL
SELECT N'server role', r.name COLLATE DATABASE_DEFAULT, N'MEMBER'
FROM sys.server_principals r
WHERE r.type = N'R' AND r.name <> N'public' AND IS_SRVROLEMEMBER(r.name) = 1
UNION ALL
SELECT N'role', r.name, N'MEMBER'
FROM sys.database_principals r
WHERE r.type = N'R' AND r.name <> N'public' AND IS_ROLEMEMBER(r.name) = 1
UNION ALL
SELECT N'user', u.name, N'IMPERSONATE'
FROM sys.database_principals u
WHERE u.type IN (N'S', N'U') AND u.name <> USER_NAME() AND HAS_PERMS_BY_NAME(QUOTENAME(u.name), N'USER', N'IMPERSONATE') = 1
UNION ALL
SELECT N'login', l.name COLLATE DATABASE_DEFAULT, N'IMPERSONATE'
FROM sys.server_principals l
WHERE l.type IN (N'S', N'U') AND l.name <> SUSER_SNAME() AND HAS_PERMS_BY_NAME(QUOTENAME(l.name), N'LOGIN', N'IMPERSONATE') = 1
UNION ALL
SELECT N'elsewhere', d.name COLLATE DATABASE_DEFAULT, CASE WHEN HAS_DBACCESS(d.name) = 1 THEN N'CONNECT' ELSE N'REFUSED' END
FROM sys.databases d
WHERE d.name <> DB_NAME()
ORDER BY 1, 2, 3
