-- Which right comes with which other one, of the same thing or of what holds it, as this version of the server has it.
SELECT LOWER(b.class_desc) AS scope, b.permission_name AS privilege, LOWER(c.scope) AS covering_scope,
       c.privilege AS covering_privilege
FROM sys.fn_builtin_permissions(DEFAULT) b
CROSS APPLY (VALUES (b.class_desc, b.covering_permission_name),
                    (b.parent_class_desc, b.parent_covering_permission_name)) AS c(scope, privilege)
WHERE b.class_desc IN (N'SERVER', N'DATABASE', N'SCHEMA', N'OBJECT')
  AND c.scope IN (N'SERVER', N'DATABASE', N'SCHEMA', N'OBJECT') AND c.privilege <> N''
ORDER BY 1, 2, 3, 4
