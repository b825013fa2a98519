-- Settings of the server and of this database on which results depend. Right: none beyond access to the database.
SELECT 'server_version_major' AS name,
       PARSENAME(CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), 4) COLLATE DATABASE_DEFAULT AS setting
UNION ALL
SELECT 'server_collation', CAST(SERVERPROPERTY('Collation') AS nvarchar(128)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT 'windows_authentication_only', CAST(SERVERPROPERTY('IsIntegratedSecurityOnly') AS nvarchar(128)) COLLATE DATABASE_DEFAULT
UNION ALL
SELECT x.name, x.setting
FROM sys.databases d
CROSS APPLY (VALUES
    ('database_collation', d.collation_name COLLATE DATABASE_DEFAULT),
    ('compatibility_level', CAST(d.compatibility_level AS nvarchar(128))),
    ('recovery_model', d.recovery_model_desc COLLATE DATABASE_DEFAULT),
    ('page_verify', d.page_verify_option_desc COLLATE DATABASE_DEFAULT),
    ('read_committed_snapshot', CAST(d.is_read_committed_snapshot_on AS nvarchar(128))),
    ('snapshot_isolation', d.snapshot_isolation_state_desc COLLATE DATABASE_DEFAULT),
    ('auto_close', CAST(d.is_auto_close_on AS nvarchar(128))),
    ('auto_shrink', CAST(d.is_auto_shrink_on AS nvarchar(128))),
    ('auto_create_statistics', CAST(d.is_auto_create_stats_on AS nvarchar(128))),
    ('auto_update_statistics', CAST(d.is_auto_update_stats_on AS nvarchar(128))),
    ('parameterization_forced', CAST(d.is_parameterization_forced AS nvarchar(128))),
    ('recursive_triggers', CAST(d.is_recursive_triggers_on AS nvarchar(128))),
    ('trustworthy', CAST(d.is_trustworthy_on AS nvarchar(128))),
    ('delayed_durability', d.delayed_durability_desc COLLATE DATABASE_DEFAULT),
    ('containment', d.containment_desc COLLATE DATABASE_DEFAULT)
) AS x (name, setting)
WHERE d.database_id = DB_ID()
UNION ALL
SELECT c.name COLLATE DATABASE_DEFAULT, CAST(CAST(c.value_in_use AS bigint) AS nvarchar(128)) COLLATE DATABASE_DEFAULT
FROM sys.configurations c
WHERE c.name IN ('backup checksum default', 'backup compression default', 'clr enabled', 'cost threshold for parallelism',
                 'cross db ownership chaining', 'max degree of parallelism', 'max text repl size (B)', 'nested triggers',
                 'Ole Automation Procedures', 'remote query timeout (s)', 'xp_cmdshell')
ORDER BY name
