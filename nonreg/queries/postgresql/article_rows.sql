-- Operators' names and addresses stay on the server: a short hash stands for them.
SELECT r.article, r.row_key, r.content
FROM (
    SELECT 'cfg.identite_plateforme' AS article, CAST(t.id AS text) AS row_key, CAST(to_jsonb(t) AS text) AS content FROM cfg.identite_plateforme t
    UNION ALL SELECT 'cfg.operateur', CAST(t.ope_id AS text), CAST((to_jsonb(t) - 'ope_nom' - 'ope_tel' - 'ope_mail') || jsonb_build_object('contact',
           left(md5(concat_ws('|', t.ope_nom, t.ope_tel, t.ope_mail)), 8)) AS text) FROM cfg.operateur t
    UNION ALL SELECT 'cfg.parametre', t.prm_code, CAST(to_jsonb(t) AS text) FROM cfg.parametre t
    UNION ALL SELECT 'cfg.tache_export', CAST(t.tac_id AS text), CAST(to_jsonb(t) AS text) FROM cfg.tache_export t
    UNION ALL SELECT 'evt.alarme', CAST(t.ala_id AS text), CAST(to_jsonb(t) AS text) FROM evt.alarme t
    UNION ALL SELECT 'evt.composant', t.com_site || ' ' || t.com_module, CAST(to_jsonb(t) - 'com_vu_utc' AS text) FROM evt.composant t
    UNION ALL SELECT 'evt.evenement', CAST(t.evt_id AS text), CAST(to_jsonb(t) AS text) FROM evt.evenement t
    UNION ALL SELECT 'ha.ordre_schema', CAST(t.ord_id AS text), CAST(to_jsonb(t) AS text) FROM ha.ordre_schema t
    UNION ALL SELECT 'nr.article_essai', CAST(t.id AS text), CAST(to_jsonb(t) AS text) FROM nr.article_essai t
    UNION ALL SELECT 'nr.battement', t.campaign_id || ' ' || t.bat_seq, CAST(to_jsonb(t) AS text) FROM nr.battement t
    UNION ALL SELECT 'nr.marque', t.campaign_id || ' ' || t.sta_code, CAST(to_jsonb(t) AS text) FROM nr.marque t
    UNION ALL SELECT 'prod.derniere', CAST(t.cap_id AS text), CAST(to_jsonb(t) AS text) FROM prod.derniere t
    UNION ALL SELECT 'ref.capteur', CAST(t.cap_id AS text), CAST(to_jsonb(t) AS text) FROM ref.capteur t
    UNION ALL SELECT 'ref.chrono', CAST(t.chr_id AS text), CAST(to_jsonb(t) AS text) FROM ref.chrono t
    UNION ALL SELECT 'ref.courbe', CAST(t.crb_id AS text), CAST(to_jsonb(t) AS text) FROM ref.courbe t
    UNION ALL SELECT 'ref.courbe_point', t.crb_id || ' ' || t.h_aval_mm || ' ' || t.h_mm, CAST(to_jsonb(t) AS text) FROM ref.courbe_point t
    UNION ALL SELECT 'ref.seuil', CAST(t.seu_id AS text), CAST(to_jsonb(t) AS text) FROM ref.seuil t
    UNION ALL SELECT 'ref.station', t.sta_code, CAST(to_jsonb(t) AS text) FROM ref.station t
    UNION ALL SELECT 'tampon.collecte', t.col_source, CAST(to_jsonb(t) AS text) FROM tampon.collecte t
    UNION ALL SELECT 'tampon.mesure', CAST(t.tmp_id AS text), CAST(to_jsonb(t) AS text) FROM tampon.mesure t
) r
WHERE r.article = ANY (CAST(:articles AS text[]))
ORDER BY 1, 2
