-- id: APP-910
-- titre: Aucune séquence du journal commencée depuis plus d'une heure n'est sans fin
-- criticite: majeure
-- effet: read_only
-- attendu: aucune erreur
-- droits: SELECT evt.evenement

DECLARE @ouvertes int = (
    SELECT COUNT(*)
    FROM evt.evenement e
    WHERE e.evt_fin = 0 AND e.evt_origine_id IS NULL AND e.evt_module <> 'detection'
      AND e.evt_utc BETWEEN DATEADD(DAY, -1, SYSUTCDATETIME()) AND DATEADD(HOUR, -1, SYSUTCDATETIME())
      AND NOT EXISTS (SELECT 1 FROM evt.evenement f WHERE f.evt_origine_id = e.evt_id AND f.evt_fin = 1)
);
DECLARE @dit nvarchar(200) = CONCAT(@ouvertes, N' séquence(s) sans fin');
IF @ouvertes > 0
    THROW 51000, @dit, 1;
PRINT N'Toutes les séquences sont finies.';
