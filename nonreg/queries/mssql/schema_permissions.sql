-- Permissions of the database (grants and denials), members of its roles, and what the logins of its users may do on
-- the whole server. Right: VIEW ANY DEFINITION, without which others' permissions are not shown.
SELECT g.grantee, g.object_kind, g.object_name, g.privilege
FROM (
    SELECT r.name AS grantee,
           CASE WHEN p.class = 0 THEN N'base' WHEN p.class = 3 THEN N'schema'
                WHEN o.type IN ('U', 'V', 'S', 'SO', 'SN') THEN N'relation' WHEN p.class = 1 THEN N'module'
                ELSE p.class_desc COLLATE DATABASE_DEFAULT END AS object_kind,
           CASE p.class WHEN 0 THEN N'base' WHEN 3 THEN SCHEMA_NAME(p.major_id)
                WHEN 1 THEN SCHEMA_NAME(o.schema_id) + N'.' + o.name + COALESCE(N'.' + c.name, N'')
                ELSE CAST(p.major_id AS nvarchar(20)) END AS object_name,
           CASE p.state WHEN 'D' THEN N'DENY ' WHEN 'R' THEN N'REVOKE ' ELSE N'' END
           + p.permission_name COLLATE DATABASE_DEFAULT
           + CASE p.state WHEN 'W' THEN N' WITH GRANT OPTION' ELSE N'' END AS privilege
    FROM sys.database_permissions p
    JOIN sys.database_principals r ON r.principal_id = p.grantee_principal_id
    LEFT JOIN sys.objects o ON p.class = 1 AND o.object_id = p.major_id
    LEFT JOIN sys.columns c ON p.class = 1 AND p.minor_id > 0 AND c.object_id = p.major_id AND c.column_id = p.minor_id
    WHERE p.class <> 1 OR o.is_ms_shipped = 0
    UNION ALL
    SELECT m.name, N'role', r.name, N'MEMBER'
    FROM sys.database_role_members x
    JOIN sys.database_principals r ON r.principal_id = x.role_principal_id
    JOIN sys.database_principals m ON m.principal_id = x.member_principal_id
    WHERE m.principal_id > 4
    UNION ALL
    SELECT u.name, N'server', N'permission',
           CASE p.state WHEN 'D' THEN N'DENY ' ELSE N'' END + p.permission_name COLLATE DATABASE_DEFAULT
    FROM sys.database_principals u
    JOIN sys.server_principals l ON l.sid = u.sid
    JOIN sys.server_permissions p ON p.grantee_principal_id = l.principal_id AND p.class = 100
    WHERE u.principal_id > 4
    UNION ALL
    SELECT u.name, N'server', N'role', r.name COLLATE DATABASE_DEFAULT
    FROM sys.database_principals u
    JOIN sys.server_principals l ON l.sid = u.sid
    JOIN sys.server_role_members x ON x.member_principal_id = l.principal_id
    JOIN sys.server_principals r ON r.principal_id = x.role_principal_id
    WHERE u.principal_id > 4
) g
ORDER BY g.grantee, g.object_kind, g.object_name, g.privilege
