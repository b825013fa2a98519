-- Settings and synthetic measures. Every value is a function of the seed (`aquareel.graine`), the sensor and the
-- instant alone: the same instant always has the same value. `aquareel.fin` is the last instant.

INSERT INTO cfg.identite_plateforme VALUES (1, 'TEST', '5b0f6c1e-2f5d-4c57-9a39-1d3a7be0c0de', '5.2.0');
INSERT INTO cfg.parametre VALUES
    ('PAS_BASE_MIN', '5', false),
    ('RETENTION_MESURES_J', '90', true),
    ('RETENTION_TAMPON_J', '15', true),
    ('RETENTION_EVENEMENTS_J', '15', true),
    ('PROFONDEUR_COLLECTE_J', '90', true),
    ('GRADIENT_MAX_MM_5MIN', '600', true),
    ('AFFINAGE_ALERTE_S', '60', true),
    ('REPLICATION_ALARME_S', '1200', true),
    ('SECOURS_ECHANGE_S', '1800', true),
    ('SECOURS_INTERNET_S', '1800', true),
    ('SECOURS_ALARME_S', '10', true),
    ('MODE_CRISE', '0', true),
    ('DERNIERE_SAUVEGARDE_UTC', current_setting('aquareel.fin') || 'Z', false),
    ('JEU_DE_DONNEES', 'grand-delta-1', false);
INSERT INTO cfg.operateur VALUES
    (1, 'Astreinte d''essai', 1, '+33000000001', 'essai-astreinte@exemple.invalid', true),
    (2, 'Renfort d''essai', 2, '+33000000002', 'essai-renfort@exemple.invalid', true);
INSERT INTO cfg.tache_export VALUES
    (1, 'anduze_csv', 'CSV', 'V714401001', 'H', 'puits.exemple.invalid', 3600, true),
    (2, 'anduze_sandre', 'SANDRE', 'V714401001', 'H', 'puits.exemple.invalid', 3600, true);
INSERT INTO tampon.collecte VALUES ('LORAWAN', 0);
INSERT INTO securite.utilisateur VALUES (1, 'consultation', 'jamais lu');

INSERT INTO ref.capteur (cap_id, sta_code, cap_grandeur, cap_unite, cap_min, cap_max, cap_gradient)
SELECT (dense_rank() OVER (ORDER BY s.sta_code) - 1) * 3 + g.rang, s.sta_code, g.grandeur, g.unite, g.mini, g.maxi, g.gradient
FROM ref.station s
CROSS JOIN (VALUES (1, 'H', 'mm', -1500, 15000, 600), (2, 'Q', 'l/s', 0, 20000000, NULL), (3, 'RR', 'mm', 0, 60, NULL))
    g(rang, grandeur, unite, mini, maxi, gradient);
SELECT setval(pg_get_serial_sequence('ref.capteur', 'cap_id'), 10000);

INSERT INTO ref.seuil (cap_id, seu_type, seu_ordre, seu_ouverture, seu_fermeture, seu_actif, seu_transmissible)
SELECT c.cap_id, t.type, t.ordre, t.ouverture, t.ouverture - 200, true, true
FROM ref.capteur c
CROSS JOIN (VALUES ('JAUNE', 1, 2500), ('ORANGE', 2, 4000), ('ROUGE', 3, 6000)) t(type, ordre, ouverture)
WHERE c.cap_grandeur = 'H';
INSERT INTO ref.courbe (crb_id, sta_code, crb_loi, crb_deb, crb_fin, crb_active)
SELECT row_number() OVER (ORDER BY s.sta_code), s.sta_code, 'POINT', timestamp '2000-01-01', timestamp '2050-01-01', true
FROM ref.station s;
INSERT INTO ref.courbe_point (crb_id, h_mm, q_ls)
SELECT b.crb_id, p.h, p.q FROM ref.courbe b
CROSS JOIN (VALUES (0, 0), (300, 2000), (500, 8000), (1000, 45000), (2000, 220000), (3000, 520000), (5000, 1600000)) p(h, q);
UPDATE ref.courbe SET crb_verrou = true;
SELECT setval(pg_get_serial_sequence('ref.courbe', 'crb_id'), 10000);

SELECT ref.usp_prolonger_chrono(
    current_setting('aquareel.fin')::timestamp - interval '100 days', current_setting('aquareel.fin')::timestamp + interval '60 days');

-- 3 days for every station, 90 days for the first five of the fixture. A flood every 30 days per station.
CREATE TEMPORARY TABLE graine ON COMMIT DROP AS
SELECT c.cap_id, c.cap_grandeur, h.chr_id,
       ((h.chr_id::bigint * 7919 + c.cap_id * 104729 + current_setting('aquareel.graine')::bigint) % 2147483648 * 2654435761 % 4294967296) / 4294967296.0::float8 AS bruit,
       (h.chr_id + s.rang * 397) % 8640 AS phase_crue,
       (h.chr_id + s.rang * 211) % 2016 AS phase_pluie,
       250 + (s.rang * 37) % 450 AS etiage_mm
FROM (SELECT sta_code, row_number() OVER (ORDER BY sta_code) AS rang,
             CASE WHEN sta_code IN ('V714401001', 'V715501001', 'V547401501', 'Y345401001', 'V505401001')
                  THEN interval '90 days' ELSE interval '3 days' END AS duree
      FROM ref.station) s
JOIN ref.capteur c ON c.sta_code = s.sta_code
JOIN ref.chrono h ON h.chr_utc > current_setting('aquareel.fin')::timestamp - s.duree
                 AND h.chr_utc <= current_setting('aquareel.fin')::timestamp
WHERE c.cap_grandeur <> 'RR' OR (h.chr_id + s.rang * 211) % 2016 < 72;

INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat)
SELECT v.cap_id, v.chr_id, CASE WHEN v.manquante THEN NULL ELSE v.valeur END, CASE WHEN v.manquante THEN 'MANQUANTE' ELSE 'OK' END
FROM (
    SELECT g.cap_id, g.chr_id, g.cap_grandeur, g.bruit < 0.001 AS manquante,
           CASE g.cap_grandeur
               WHEN 'H' THEN round((g.etiage_mm + 4 * g.bruit + c.crue_mm)::numeric, 0)
               WHEN 'Q' THEN round((60 * (g.etiage_mm + c.crue_mm) + 50 * g.bruit)::numeric, 0)
               ELSE round(trunc(g.bruit * 40)::numeric * 0.2 - 1.0, 1)
           END AS valeur
    FROM graine g
    CROSS JOIN LATERAL (
        SELECT CASE WHEN g.phase_crue < 400 THEN 1500.0 * g.phase_crue / 48 * exp(1 - g.phase_crue / 48.0) ELSE 0 END AS crue_mm
    ) c
) v
WHERE v.cap_grandeur <> 'RR' OR v.valeur > 0 OR v.manquante;

ALTER TABLE prod.mesure
    ADD CONSTRAINT pk_mesure PRIMARY KEY (cap_id, chr_id),
    ADD CONSTRAINT fk_mesure_capteur FOREIGN KEY (cap_id) REFERENCES ref.capteur,
    ADD CONSTRAINT fk_mesure_chrono FOREIGN KEY (chr_id) REFERENCES ref.chrono,
    ADD CONSTRAINT ck_mesure_etat CHECK (mes_etat IN ('OK', 'REMPLACEE', 'MANQUANTE')),
    ADD CONSTRAINT ck_mesure_manquante CHECK ((mes_etat = 'MANQUANTE') = (mes_valeur IS NULL));
CREATE INDEX ix_mesure_chrono ON prod.mesure (chr_id) INCLUDE (mes_etat);
INSERT INTO prod.derniere (cap_id, chr_id, mes_valeur, mes_etat)
SELECT DISTINCT ON (m.cap_id) m.cap_id, m.chr_id, m.mes_valeur, m.mes_etat FROM prod.mesure m ORDER BY m.cap_id, m.chr_id DESC;

INSERT INTO ha.article VALUES
    ('cfg', 'identite_plateforme'), ('cfg', 'parametre'), ('cfg', 'operateur'), ('cfg', 'tache_export'),
    ('ref', 'station'), ('ref', 'capteur'), ('ref', 'courbe'), ('ref', 'courbe_point'), ('ref', 'seuil'), ('ref', 'chrono'),
    ('tampon', 'mesure'), ('tampon', 'collecte'), ('prod', 'mesure'), ('prod', 'derniere'),
    ('evt', 'evenement'), ('evt', 'alarme'), ('evt', 'composant'), ('nr', 'marque'), ('nr', 'battement');
