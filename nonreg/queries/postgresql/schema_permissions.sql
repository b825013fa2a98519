SELECT g.grantee, g.object_kind, g.object_name, g.privilege
FROM (
    SELECT COALESCE(r.rolname, 'PUBLIC') AS grantee, 'relation' AS object_kind,
           n.nspname || '.' || c.relname AS object_name, a.privilege_type AS privilege
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(c.relacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND a.grantee <> c.relowner
    UNION ALL
    SELECT COALESCE(r.rolname, 'PUBLIC'), 'module',
           n.nspname || '.' || p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', a.privilege_type
    FROM pg_proc p
    JOIN pg_namespace n ON n.oid = p.pronamespace
    CROSS JOIN LATERAL aclexplode(COALESCE(p.proacl, acldefault('f', p.proowner))) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND a.grantee <> p.proowner
    UNION ALL
    SELECT COALESCE(r.rolname, 'PUBLIC'), 'schema', n.nspname, a.privilege_type
    FROM pg_namespace n
    CROSS JOIN LATERAL aclexplode(n.nspacl) a
    LEFT JOIN pg_roles r ON r.oid = a.grantee
    WHERE n.nspname NOT LIKE 'pg\_%' AND n.nspname <> 'information_schema' AND a.grantee <> n.nspowner
    UNION ALL
    SELECT m.rolname, 'role', r.rolname, 'MEMBER'
    FROM pg_auth_members am
    JOIN pg_roles r ON r.oid = am.roleid
    JOIN pg_roles m ON m.oid = am.member
    WHERE m.rolname NOT LIKE 'pg\_%'
    UNION ALL
    SELECT r.rolname, 'server', 'attribut', x.attribute
    FROM pg_roles r
    CROSS JOIN LATERAL (VALUES ('SUPERUSER', r.rolsuper), ('CREATEDB', r.rolcreatedb), ('CREATEROLE', r.rolcreaterole),
                               ('REPLICATION', r.rolreplication), ('BYPASSRLS', r.rolbypassrls), ('LOGIN', r.rolcanlogin))
        x(attribute, granted)
    WHERE x.granted AND r.rolname NOT LIKE 'pg\_%'
) g
ORDER BY 1, 2, 3, 4
