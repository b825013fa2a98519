-- The names and addresses of operators stay on the server: a short hash stands for them.
SELECT r.article, COUNT(*) AS row_count,
       SUM(CAST(CAST(SUBSTRING(HASHBYTES('SHA2_256', r.content), 1, 8) AS bigint) AS decimal(38, 0))) AS [checksum]
FROM (
    SELECT 'cfg.identite_plateforme' AS article, CAST(t.id AS nvarchar(100)) AS row_key,
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) AS content FROM cfg.identite_plateforme t
    UNION ALL SELECT 'cfg.operateur', CAST(t.ope_id AS nvarchar(100)), (
           SELECT t.ope_id, t.ope_ordre, t.ope_actif, LEFT(CONVERT(varchar(64), HASHBYTES('SHA2_256',
               CONCAT(t.ope_nom, '|', t.ope_tel, '|', t.ope_mail)), 2), 8) AS contact
           FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM cfg.operateur t
    UNION ALL SELECT 'cfg.parametre', CAST(t.prm_code AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM cfg.parametre t
    UNION ALL SELECT 'cfg.tache_export', CAST(t.tac_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM cfg.tache_export t
    UNION ALL SELECT 'evt.alarme', CAST(t.ala_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM evt.alarme t
    UNION ALL SELECT 'evt.composant', CAST(t.com_site + ' ' + t.com_module AS nvarchar(100)),
           (SELECT t.com_site, t.com_module, t.com_version
            FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM evt.composant t
    UNION ALL SELECT 'evt.evenement', CAST(t.evt_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM evt.evenement t
    UNION ALL SELECT 'nr.article_essai', CAST(t.id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM nr.article_essai t
    UNION ALL SELECT 'nr.battement', LOWER(CAST(t.campaign_id AS nvarchar(36))) + ' ' + CAST(t.bat_seq AS nvarchar(20)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM nr.battement t
    UNION ALL SELECT 'nr.marque', LOWER(CAST(t.campaign_id AS nvarchar(36))) + ' ' + t.sta_code,
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM nr.marque t
    UNION ALL SELECT 'prod.derniere', CAST(t.cap_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM prod.derniere t
    UNION ALL SELECT 'ref.capteur', CAST(t.cap_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.capteur t
    UNION ALL SELECT 'ref.chrono', CAST(t.chr_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.chrono t
    UNION ALL SELECT 'ref.courbe', CAST(t.crb_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.courbe t
    UNION ALL SELECT 'ref.courbe_point',
           CAST(t.crb_id AS nvarchar(20)) + ' ' + CAST(t.h_aval_mm AS nvarchar(20)) + ' ' + CAST(t.h_mm AS nvarchar(20)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.courbe_point t
    UNION ALL SELECT 'ref.seuil', CAST(t.seu_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.seuil t
    UNION ALL SELECT 'ref.station', CAST(t.sta_code AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM ref.station t
    UNION ALL SELECT 'tampon.collecte', CAST(t.col_source AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM tampon.collecte t
    UNION ALL SELECT 'tampon.mesure', CAST(t.tmp_id AS nvarchar(100)),
           (SELECT t.* FOR JSON PATH, INCLUDE_NULL_VALUES, WITHOUT_ARRAY_WRAPPER) FROM tampon.mesure t
) r
GROUP BY r.article
ORDER BY r.article
