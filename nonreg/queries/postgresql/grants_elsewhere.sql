-- There is no other database here.
SELECT CAST(NULL AS text) AS scope, CAST(NULL AS text) AS object_name, CAST(NULL AS text) AS column_name,
       CAST(NULL AS text) AS privilege
WHERE false
