SELECT pubname AS publication, pubinsert AS inserts, pubupdate AS updates, pubdelete AS deletes, pubtruncate AS truncates
FROM pg_publication
ORDER BY 1
