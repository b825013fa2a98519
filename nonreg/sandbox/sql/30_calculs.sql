-- Computed series: never stored (DOMAIN §0.1). Inline functions, as the house rule wants.

-- Linear interpolation between two points of a curve; bounds included.
CREATE FUNCTION prod.tvf_debit_segment(p_crb integer, p_aval numeric, p_h_mm numeric)
RETURNS TABLE (q numeric) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT CASE WHEN bas.h_mm = haut.h_mm THEN bas.q_ls
                ELSE bas.q_ls + (haut.q_ls - bas.q_ls) * (p_h_mm - bas.h_mm) / (haut.h_mm - bas.h_mm) END
    FROM (SELECT p.h_mm, p.q_ls FROM ref.courbe_point p
          WHERE p.crb_id = p_crb AND p.h_aval_mm = p_aval AND p.h_mm <= p_h_mm
          ORDER BY p.h_mm DESC LIMIT 1) bas
    CROSS JOIN (SELECT p.h_mm, p.q_ls FROM ref.courbe_point p
                WHERE p.crb_id = p_crb AND p.h_aval_mm = p_aval AND p.h_mm >= p_h_mm
                ORDER BY p.h_mm LIMIT 1) haut
$$;

-- Discharge of one curve at a level. h in mm, q in l/s; barrage and puissance work in m and m3/s.
-- NULL outside the curve: no extrapolation.
CREATE FUNCTION prod.tvf_debit_courbe(p_crb integer, p_h_mm numeric, p_h_aval_mm numeric)
RETURNS TABLE (q_ls numeric) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT CASE c.crb_loi
        WHEN 'POINT' THEN (SELECT s.q FROM prod.tvf_debit_segment(p_crb, 0, p_h_mm) s)
        WHEN 'PUISSANCE' THEN CASE WHEN p_h_mm > 0 THEN 1000 * c.crb_a * power(p_h_mm / 1000, c.crb_c) END
        WHEN 'BARRAGE' THEN
            CASE WHEN p_h_mm / 1000 + c.crb_b > 0
                 THEN 1000 * c.crb_a * power(p_h_mm / 1000 + c.crb_b, c.crb_c) END
        WHEN 'DOUBLE' THEN (
            SELECT CASE WHEN bas.aval = haut.aval THEN qb.q
                        ELSE qb.q + (qh.q - qb.q) * (p_h_aval_mm - bas.aval) / (haut.aval - bas.aval) END
            FROM (SELECT max(p.h_aval_mm) AS aval FROM ref.courbe_point p
                  WHERE p.crb_id = p_crb AND p.h_aval_mm <= p_h_aval_mm) bas
            CROSS JOIN (SELECT min(p.h_aval_mm) AS aval FROM ref.courbe_point p
                        WHERE p.crb_id = p_crb AND p.h_aval_mm >= p_h_aval_mm) haut
            CROSS JOIN LATERAL prod.tvf_debit_segment(p_crb, bas.aval, p_h_mm) qb
            CROSS JOIN LATERAL prod.tvf_debit_segment(p_crb, haut.aval, p_h_mm) qh
        )
    END
    FROM ref.courbe c WHERE c.crb_id = p_crb
$$;

-- Discharge of a level sensor by its station's active curve. The downstream level of a double-entry curve
-- is the one at the same time, or the latest within the previous 2 h.
CREATE FUNCTION prod.tvf_debit(p_cap integer, p_debut timestamp, p_fin timestamp)
RETURNS TABLE (horodatage_utc timestamp, h_mm numeric, q_ls numeric)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT h.chr_utc, m.mes_valeur, q.q_ls
    FROM ref.capteur c
    JOIN ref.courbe b ON b.sta_code = c.sta_code AND b.crb_active
    JOIN prod.mesure m ON m.cap_id = c.cap_id
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    LEFT JOIN LATERAL (
        SELECT a.mes_valeur FROM prod.mesure a
        WHERE a.cap_id = b.crb_cap_aval AND a.chr_id BETWEEN m.chr_id - 24 AND m.chr_id AND a.mes_valeur IS NOT NULL
        ORDER BY a.chr_id DESC LIMIT 1
    ) aval ON true
    LEFT JOIN LATERAL prod.tvf_debit_courbe(b.crb_id, m.mes_valeur, aval.mes_valeur) q ON true
    WHERE c.cap_id = p_cap AND h.chr_utc BETWEEN p_debut AND p_fin
$$;

-- Rain total over the minutes before p_fin (included). An absent row is 0; a missing one sets the flag.
CREATE FUNCTION prod.tvf_cumul(p_cap integer, p_fin timestamp, p_minutes integer)
RETURNS TABLE (cumul_mm numeric, incomplet boolean) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT coalesce(sum(m.mes_valeur), 0), coalesce(bool_or(m.mes_etat = 'MANQUANTE'), false)
    FROM prod.mesure m
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    WHERE m.cap_id = p_cap AND h.chr_utc > p_fin - make_interval(mins => p_minutes) AND h.chr_utc <= p_fin
$$;

-- Variation over the minutes before p_fin; NULL with the flag when one of the two ends is missing.
CREATE FUNCTION prod.tvf_gradient(p_cap integer, p_fin timestamp, p_minutes integer)
RETURNS TABLE (gradient numeric, incomplet boolean) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT max(m.mes_valeur) FILTER (WHERE h.chr_utc = p_fin)
           - max(m.mes_valeur) FILTER (WHERE h.chr_utc = p_fin - make_interval(mins => p_minutes)),
           count(m.mes_valeur) FILTER (WHERE h.chr_utc IN (p_fin, p_fin - make_interval(mins => p_minutes))) < 2
    FROM prod.mesure m
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    WHERE m.cap_id = p_cap AND h.chr_utc BETWEEN p_fin - make_interval(mins => p_minutes) AND p_fin
$$;

CREATE FUNCTION prod.tvf_serie(p_station text, p_grandeur text, p_debut timestamp, p_fin timestamp)
RETURNS TABLE (horodatage_utc timestamp, valeur numeric, etat varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT h.chr_utc, m.mes_valeur, m.mes_etat
    FROM ref.capteur c
    JOIN prod.mesure m ON m.cap_id = c.cap_id
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    WHERE c.sta_code = p_station AND c.cap_grandeur = p_grandeur AND h.chr_utc BETWEEN p_debut AND p_fin
    ORDER BY h.chr_utc
$$;

CREATE FUNCTION prod.tvf_dernieres()
RETURNS TABLE (station char, libelle varchar, grandeur varchar, horodatage_utc timestamp, valeur numeric, etat varchar)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT s.sta_code, s.sta_libelle, c.cap_grandeur, h.chr_utc, d.mes_valeur, d.mes_etat
    FROM prod.derniere d
    JOIN ref.capteur c ON c.cap_id = d.cap_id
    JOIN ref.station s ON s.sta_code = c.sta_code
    JOIN ref.chrono h ON h.chr_id = d.chr_id
    ORDER BY s.sta_code, c.cap_grandeur
$$;

CREATE VIEW prod.v_mesure AS
    SELECT c.sta_code, c.cap_grandeur, h.chr_utc, m.mes_valeur, m.mes_etat
    FROM prod.mesure m
    JOIN ref.capteur c ON c.cap_id = m.cap_id
    JOIN ref.chrono h ON h.chr_id = m.chr_id;
CREATE VIEW evt.v_alarme AS
    SELECT a.ala_id, c.sta_code, c.cap_grandeur, s.seu_type, s.seu_ordre, a.ala_ouverte, a.ala_acquittee, a.ala_fermee
    FROM evt.alarme a
    JOIN ref.seuil s ON s.seu_id = a.seu_id
    JOIN ref.capteur c ON c.cap_id = s.cap_id;
CREATE VIEW ref.v_courbe_active AS
    SELECT b.sta_code, b.crb_id, b.crb_loi, b.crb_deb, b.crb_fin FROM ref.courbe b WHERE b.crb_active;
