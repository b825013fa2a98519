-- Effective rights to write a table directly that the application has, by itself, by public or by a role, at the level
-- of the table, its schema or the database, or as its owner; what is denied anywhere is not a right. TRUNCATE needs ALTER.
-- Right: VIEW ANY DEFINITION, without which others' permissions are not shown.
WITH identities (principal_id) AS (
    SELECT p.principal_id FROM sys.database_principals p WHERE p.name IN ('aquareel_app', 'public')
    UNION ALL
    SELECT m.role_principal_id
    FROM sys.database_role_members m JOIN identities i ON i.principal_id = m.member_principal_id
), permissions (class, major_id, state, permission_name) AS (
    SELECT p.class, p.major_id, p.state COLLATE DATABASE_DEFAULT, p.permission_name COLLATE DATABASE_DEFAULT
    FROM sys.database_permissions p JOIN identities i ON i.principal_id = p.grantee_principal_id
    UNION ALL
    SELECT 0, 0, f.state, f.permission_name
    FROM sys.database_principals r
    JOIN identities i ON i.principal_id = r.principal_id
    JOIN (VALUES ('db_owner', 'G', 'CONTROL'), ('db_datawriter', 'G', 'INSERT'), ('db_datawriter', 'G', 'UPDATE'),
                 ('db_datawriter', 'G', 'DELETE'), ('db_ddladmin', 'G', 'ALTER'), ('db_denydatawriter', 'D', 'INSERT'),
                 ('db_denydatawriter', 'D', 'UPDATE'), ('db_denydatawriter', 'D', 'DELETE'))
        AS f (role_name, state, permission_name) ON f.role_name = r.name
)
SELECT s.name AS schema_name, t.name AS table_name, x.privilege
FROM sys.tables t
JOIN sys.schemas s ON s.schema_id = t.schema_id
CROSS JOIN (VALUES ('INSERT', 'INSERT'), ('UPDATE', 'UPDATE'), ('DELETE', 'DELETE'), ('TRUNCATE', 'ALTER'))
    AS x (privilege, permission_name)
WHERE t.is_ms_shipped = 0
  AND (
      EXISTS (SELECT 1 FROM identities i WHERE i.principal_id = COALESCE(t.principal_id, s.principal_id))
      OR EXISTS (
          SELECT 1 FROM permissions p
          WHERE p.permission_name IN (x.permission_name, 'CONTROL') AND p.state IN ('G', 'W')
            AND (p.class = 0 OR (p.class = 3 AND p.major_id = t.schema_id) OR (p.class = 1 AND p.major_id = t.object_id))
      )
  )
  AND NOT EXISTS (
      SELECT 1 FROM permissions p
      WHERE p.permission_name IN (x.permission_name, 'CONTROL') AND p.state = 'D'
        AND (p.class = 0 OR (p.class = 3 AND p.major_id = t.schema_id) OR (p.class = 1 AND p.major_id = t.object_id))
  )
ORDER BY s.name, t.name, x.privilege
