SELECT 'cfg.identite_plateforme' AS article, count(*) AS row_count FROM cfg.identite_plateforme
UNION ALL SELECT 'cfg.operateur', count(*) FROM cfg.operateur
UNION ALL SELECT 'cfg.parametre', count(*) FROM cfg.parametre
UNION ALL SELECT 'cfg.tache_export', count(*) FROM cfg.tache_export
UNION ALL SELECT 'evt.alarme', count(*) FROM evt.alarme
UNION ALL SELECT 'evt.composant', count(*) FROM evt.composant
UNION ALL SELECT 'evt.evenement', count(*) FROM evt.evenement
UNION ALL SELECT 'ha.ordre_schema', count(*) FROM ha.ordre_schema
UNION ALL SELECT 'nr.article_essai', count(*) FROM nr.article_essai
UNION ALL SELECT 'nr.battement', count(*) FROM nr.battement
UNION ALL SELECT 'nr.marque', count(*) FROM nr.marque
UNION ALL SELECT 'prod.derniere', count(*) FROM prod.derniere
UNION ALL SELECT 'prod.mesure', count(*) FROM prod.mesure
UNION ALL SELECT 'ref.capteur', count(*) FROM ref.capteur
UNION ALL SELECT 'ref.chrono', count(*) FROM ref.chrono
UNION ALL SELECT 'ref.courbe', count(*) FROM ref.courbe
UNION ALL SELECT 'ref.courbe_point', count(*) FROM ref.courbe_point
UNION ALL SELECT 'ref.seuil', count(*) FROM ref.seuil
UNION ALL SELECT 'ref.station', count(*) FROM ref.station
UNION ALL SELECT 'tampon.collecte', count(*) FROM tampon.collecte
UNION ALL SELECT 'tampon.mesure', count(*) FROM tampon.mesure
ORDER BY 1
