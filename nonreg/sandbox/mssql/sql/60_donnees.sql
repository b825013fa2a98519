-- Settings of the stand-in, sensors, thresholds and curves of the stations that were loaded before it.

INSERT INTO cfg.identite_plateforme (id, nature, jeton, version_app)
VALUES (1, 'TEST', '5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de', '5.2.0');
INSERT INTO cfg.parametre (prm_code, prm_valeur, prm_modifiable)
VALUES
('PAS_BASE_MIN', N'5', 0),
('RETENTION_MESURES_J', N'90', 1),
('RETENTION_TAMPON_J', N'15', 1),
('RETENTION_EVENEMENTS_J', N'15', 1),
('PROFONDEUR_COLLECTE_J', N'90', 1),
('GRADIENT_MAX_MM_5MIN', N'600', 1),
('AFFINAGE_ALERTE_S', N'60', 1),
('REPLICATION_ALARME_S', N'1200', 1),
('SECOURS_ECHANGE_S', N'1800', 1),
('SECOURS_INTERNET_S', N'1800', 1),
('SECOURS_ALARME_S', N'10', 1),
('MODE_CRISE', N'0', 1),
('DERNIERE_SAUVEGARDE_UTC', CONVERT(varchar(19), SYSUTCDATETIME(), 120) + 'Z', 0),
('JEU_DE_DONNEES', N'grand-delta-1', 0);
INSERT INTO cfg.operateur (ope_id, ope_nom, ope_ordre, ope_tel, ope_mail, ope_actif)
VALUES
(1, N'Astreinte d''essai', 1, '+33000000001', 'essai-astreinte@exemple.invalid', 1),
(2, N'Renfort d''essai', 2, '+33000000002', 'essai-renfort@exemple.invalid', 1);
INSERT INTO cfg.tache_export (
    tac_id, tac_nom, tac_format, tac_station, tac_grandeur, tac_hote, tac_periode_s, tac_active
)
VALUES
(1, 'anduze_csv', 'CSV', 'V714401001', 'H', 'puits.exemple.invalid', 3600, 1),
(2, 'anduze_sandre', 'SANDRE', 'V714401001', 'H', 'puits.exemple.invalid', 3600, 1);
-- Legal time of the territories, and the fixed winter time of some loggers.
INSERT INTO cfg.fuseau (fus_iana, fus_windows)
VALUES
(N'UTC', N'UTC'),
(N'Etc/UTC', N'UTC'),
(N'Etc/GMT-1', N'W. Central Africa Standard Time'),
(N'Europe/Paris', N'Romance Standard Time'),
(N'America/Martinique', N'SA Western Standard Time'),
(N'America/Guadeloupe', N'SA Western Standard Time'),
(N'America/Cayenne', N'SA Eastern Standard Time'),
(N'Indian/Reunion', N'Mauritius Standard Time'),
(N'Indian/Mayotte', N'E. Africa Standard Time');
INSERT INTO tampon.collecte (col_source, col_numero) VALUES ('LORAWAN', 0);
INSERT INTO securite.utilisateur (uti_id, uti_nom, uti_mot_de_passe) VALUES (1, N'consultation', N'jamais lu');
GO

SET IDENTITY_INSERT ref.capteur ON;
INSERT INTO ref.capteur (cap_id, sta_code, cap_grandeur, cap_unite, cap_min, cap_max, cap_gradient)
SELECT (DENSE_RANK() OVER (ORDER BY s.sta_code) - 1) * 3 + g.rang, s.sta_code, g.grandeur, g.unite, g.mini, g.maxi, g.gradient
FROM ref.station s
CROSS JOIN (
    VALUES (1, 'H', 'mm', -1500, 15000, 600), (2, 'Q', 'l/s', 0, 20000000, NULL), (3, 'RR', 'mm', 0, 60, NULL)
) g (rang, grandeur, unite, mini, maxi, gradient);
SET IDENTITY_INSERT ref.capteur OFF;
DBCC CHECKIDENT ('ref.capteur', RESEED, 10000) WITH NO_INFOMSGS;
INSERT INTO ref.seuil (cap_id, seu_type, seu_ordre, seu_ouverture, seu_fermeture, seu_actif, seu_transmissible)
SELECT c.cap_id, t.type, t.ordre, t.ouverture, t.ouverture - 200, 1, 1
FROM ref.capteur c
CROSS JOIN (VALUES ('JAUNE', 1, 2500), ('ORANGE', 2, 4000), ('ROUGE', 3, 6000)) t (type, ordre, ouverture)
WHERE c.cap_grandeur = 'H';
SET IDENTITY_INSERT ref.courbe ON;
INSERT INTO ref.courbe (crb_id, sta_code, crb_loi, crb_deb, crb_fin, crb_active)
SELECT ROW_NUMBER() OVER (ORDER BY s.sta_code), s.sta_code, 'POINT', '2000-01-01T00:00:00', '2050-01-01T00:00:00', 1
FROM ref.station s;
SET IDENTITY_INSERT ref.courbe OFF;
DBCC CHECKIDENT ('ref.courbe', RESEED, 10000) WITH NO_INFOMSGS;
INSERT INTO ref.courbe_point (crb_id, h_mm, q_ls)
SELECT b.crb_id, p.h, p.q
FROM ref.courbe b
CROSS JOIN (
    VALUES (0, 0), (300, 2000), (500, 8000), (1000, 45000), (2000, 220000), (3000, 520000), (5000, 1600000)
) p (h, q);
UPDATE ref.courbe SET crb_verrou = 1;
GO

-- 100 days back and 60 ahead; what a scenario needs beyond is made when it asks.
DECLARE @v_debut datetime2(3) = DATEADD(day, -100, SYSUTCDATETIME());
DECLARE @v_fin datetime2(3) = DATEADD(day, 60, SYSUTCDATETIME());
EXEC ref.usp_prolonger_chrono @p_debut = @v_debut, @p_fin = @v_fin;
INSERT INTO ha.article (art_schema, art_table)
VALUES
('cfg', 'identite_plateforme'), ('cfg', 'parametre'), ('cfg', 'operateur'), ('cfg', 'tache_export'),
('ref', 'station'), ('ref', 'capteur'), ('ref', 'courbe'), ('ref', 'courbe_point'), ('ref', 'seuil'), ('ref', 'chrono'),
('tampon', 'mesure'), ('tampon', 'collecte'), ('prod', 'mesure'), ('prod', 'derniere'),
('evt', 'evenement'), ('evt', 'alarme'), ('evt', 'composant'),
('nr', 'marque'), ('nr', 'battement'), ('nr', 'article_essai');
GO
