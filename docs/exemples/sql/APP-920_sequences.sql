-- id: APP-920
-- titre: Aucune séquence du journal commencée depuis plus d'une heure n'est sans fin (PostgreSQL)
-- criticite: majeure
-- effet: read_only
-- moteur: postgresql
-- attendu: aucune erreur
-- droits: SELECT evt.evenement

DO $$
DECLARE
    ouvertes integer;
BEGIN
    SELECT count(*) INTO ouvertes
    FROM evt.evenement e
    WHERE NOT e.evt_fin AND e.evt_origine_id IS NULL AND e.evt_module <> 'detection'
      AND e.evt_utc BETWEEN (now() AT TIME ZONE 'UTC') - interval '1 day' AND (now() AT TIME ZONE 'UTC') - interval '1 hour'
      AND NOT EXISTS (SELECT 1 FROM evt.evenement f WHERE f.evt_origine_id = e.evt_id AND f.evt_fin);
    IF ouvertes > 0 THEN
        RAISE EXCEPTION '% séquence(s) sans fin', ouvertes;
    END IF;
END $$;
SELECT 'Toutes les séquences sont finies.' AS constat;
