SELECT 'cfg.identite_plateforme' AS article, COUNT(*) AS row_count FROM cfg.identite_plateforme
UNION ALL SELECT 'cfg.operateur', COUNT(*) FROM cfg.operateur
UNION ALL SELECT 'cfg.parametre', COUNT(*) FROM cfg.parametre
UNION ALL SELECT 'cfg.tache_export', COUNT(*) FROM cfg.tache_export
UNION ALL SELECT 'evt.alarme', COUNT(*) FROM evt.alarme
UNION ALL SELECT 'evt.composant', COUNT(*) FROM evt.composant
UNION ALL SELECT 'evt.evenement', COUNT(*) FROM evt.evenement
UNION ALL SELECT 'nr.article_essai', COUNT(*) FROM nr.article_essai
UNION ALL SELECT 'nr.battement', COUNT(*) FROM nr.battement
UNION ALL SELECT 'nr.marque', COUNT(*) FROM nr.marque
UNION ALL SELECT 'prod.derniere', COUNT(*) FROM prod.derniere
UNION ALL SELECT 'prod.mesure', COUNT(*) FROM prod.mesure
UNION ALL SELECT 'ref.capteur', COUNT(*) FROM ref.capteur
UNION ALL SELECT 'ref.chrono', COUNT(*) FROM ref.chrono
UNION ALL SELECT 'ref.courbe', COUNT(*) FROM ref.courbe
UNION ALL SELECT 'ref.courbe_point', COUNT(*) FROM ref.courbe_point
UNION ALL SELECT 'ref.seuil', COUNT(*) FROM ref.seuil
UNION ALL SELECT 'ref.station', COUNT(*) FROM ref.station
UNION ALL SELECT 'tampon.collecte', COUNT(*) FROM tampon.collecte
UNION ALL SELECT 'tampon.mesure', COUNT(*) FROM tampon.mesure
ORDER BY article
