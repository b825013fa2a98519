-- Whether the account may do that to that object, which may be in another database, or to that column of it.
SELECT CASE WHEN OBJECT_ID(x.object_name) IS NULL THEN 0 ELSE 1 END AS is_there,
       CASE WHEN CAST(:column_name AS nvarchar(128)) = N''
            THEN COALESCE(HAS_PERMS_BY_NAME(x.object_name, N'OBJECT', CAST(:privilege AS nvarchar(128))), 0)
            ELSE COALESCE(HAS_PERMS_BY_NAME(x.object_name, N'OBJECT', CAST(:privilege AS nvarchar(128)),
                                            CAST(:column_name AS nvarchar(128)), N'COLUMN'), 0) END AS is_granted
FROM (
    SELECT CASE WHEN CAST(:database_name AS nvarchar(128)) = N'' THEN N''
                ELSE QUOTENAME(CAST(:database_name AS nvarchar(128))) + N'.' END
           + QUOTENAME(CAST(:schema_name AS nvarchar(128))) + N'.'
           + QUOTENAME(CAST(:item_name AS nvarchar(128))) AS object_name
) AS x
