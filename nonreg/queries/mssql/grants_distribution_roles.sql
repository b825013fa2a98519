-- Roles that the account has in the distribution database, on a server that is its own distributor.
SELECT N'distribution.' + r.name AS object_name
FROM distribution.sys.database_role_members m
JOIN distribution.sys.database_principals r ON r.principal_id = m.role_principal_id
JOIN distribution.sys.database_principals u ON u.principal_id = m.member_principal_id
WHERE u.sid = SUSER_SID()
ORDER BY 1
