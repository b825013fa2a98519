-- Rows of articles that were not brought by replication, since the subscription took them in charge.
SELECT w.article, c.timestamp AT TIME ZONE 'UTC' AS written_utc, w.row_count
FROM (
    SELECT 'cfg.identite_plateforme' AS article, xmin, count(*) AS row_count FROM cfg.identite_plateforme GROUP BY xmin
    UNION ALL SELECT 'cfg.operateur', xmin, count(*) FROM cfg.operateur GROUP BY xmin
    UNION ALL SELECT 'cfg.parametre', xmin, count(*) FROM cfg.parametre GROUP BY xmin
    UNION ALL SELECT 'cfg.tache_export', xmin, count(*) FROM cfg.tache_export GROUP BY xmin
    UNION ALL SELECT 'evt.alarme', xmin, count(*) FROM evt.alarme GROUP BY xmin
    UNION ALL SELECT 'evt.composant', xmin, count(*) FROM evt.composant GROUP BY xmin
    UNION ALL SELECT 'evt.evenement', xmin, count(*) FROM evt.evenement GROUP BY xmin
    UNION ALL SELECT 'ha.ordre_schema', xmin, count(*) FROM ha.ordre_schema GROUP BY xmin
    UNION ALL SELECT 'nr.article_essai', xmin, count(*) FROM nr.article_essai GROUP BY xmin
    UNION ALL SELECT 'nr.battement', xmin, count(*) FROM nr.battement GROUP BY xmin
    UNION ALL SELECT 'nr.marque', xmin, count(*) FROM nr.marque GROUP BY xmin
    UNION ALL SELECT 'prod.derniere', xmin, count(*) FROM prod.derniere GROUP BY xmin
    UNION ALL SELECT 'prod.mesure', xmin, count(*) FROM prod.mesure GROUP BY xmin
    UNION ALL SELECT 'ref.capteur', xmin, count(*) FROM ref.capteur GROUP BY xmin
    UNION ALL SELECT 'ref.chrono', xmin, count(*) FROM ref.chrono GROUP BY xmin
    UNION ALL SELECT 'ref.courbe', xmin, count(*) FROM ref.courbe GROUP BY xmin
    UNION ALL SELECT 'ref.courbe_point', xmin, count(*) FROM ref.courbe_point GROUP BY xmin
    UNION ALL SELECT 'ref.seuil', xmin, count(*) FROM ref.seuil GROUP BY xmin
    UNION ALL SELECT 'ref.station', xmin, count(*) FROM ref.station GROUP BY xmin
    UNION ALL SELECT 'tampon.collecte', xmin, count(*) FROM tampon.collecte GROUP BY xmin
    UNION ALL SELECT 'tampon.mesure', xmin, count(*) FROM tampon.mesure GROUP BY xmin
) w
JOIN pg_subscription_rel r ON r.srrelid = CAST(w.article AS regclass)
CROSS JOIN LATERAL pg_xact_commit_timestamp_origin(w.xmin) c
WHERE c.roident = 0 AND c.timestamp > pg_xact_commit_timestamp(r.xmin)
ORDER BY 2, 1
