-- Last value of each sensor, from the measures that were loaded before it.
INSERT INTO prod.derniere (cap_id, chr_id, mes_valeur, mes_etat)
SELECT m.cap_id, m.chr_id, m.mes_valeur, m.mes_etat
FROM prod.mesure m
JOIN (SELECT n.cap_id, MAX(n.chr_id) AS chr_id FROM prod.mesure n GROUP BY n.cap_id) d
    ON d.cap_id = m.cap_id AND d.chr_id = m.chr_id;
GO
