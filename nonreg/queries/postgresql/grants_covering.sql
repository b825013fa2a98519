-- Here no right comes with another one.
SELECT CAST(NULL AS text) AS scope, CAST(NULL AS text) AS privilege, CAST(NULL AS text) AS covering_scope,
       CAST(NULL AS text) AS covering_privilege
WHERE false
