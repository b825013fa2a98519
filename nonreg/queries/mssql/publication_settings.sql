-- Settings of the publications of this database on which their behaviour depends, and the number of their articles.
-- retention_hours: how long a subscription that does not synchronise is kept. Right: SELECT on dbo.syspublications and
-- dbo.sysarticles, which exist only in a published database.
SELECT p.name AS publication, CAST(p.status AS bit) AS is_active, p.repl_freq, p.sync_method, p.independent_agent,
       p.immediate_sync, p.allow_push, p.allow_pull, p.allow_anonymous, p.allow_initialize_from_backup,
       CAST(p.replicate_ddl AS bit) AS replicate_ddl, p.retention AS retention_hours,
       (SELECT COUNT(*) FROM dbo.sysarticles a WHERE a.pubid = p.pubid) AS articles
FROM dbo.syspublications p
ORDER BY p.name
