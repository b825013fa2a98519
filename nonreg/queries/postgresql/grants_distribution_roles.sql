-- There is no distribution database here.
SELECT CAST(NULL AS text) AS object_name WHERE false
