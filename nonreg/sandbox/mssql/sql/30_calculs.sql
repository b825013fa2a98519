-- Computed series: never stored (DOMAIN §0.1). Inline functions, as the house rule wants; who asks sets the order.

-- Linear interpolation between two points of a curve; bounds included.
CREATE FUNCTION prod.tvf_debit_segment(@p_crb int, @p_aval decimal(12, 3), @p_h_mm decimal(12, 3))
RETURNS TABLE
AS
RETURN (
    SELECT
        CASE
            WHEN bas.h_mm = haut.h_mm THEN bas.q_ls
            ELSE bas.q_ls + (haut.q_ls - bas.q_ls) * (@p_h_mm - bas.h_mm) / NULLIF(haut.h_mm - bas.h_mm, 0)
        END AS q
    FROM (
        SELECT TOP (1) p.h_mm, p.q_ls
        FROM ref.courbe_point p
        WHERE p.crb_id = @p_crb AND p.h_aval_mm = @p_aval AND p.h_mm <= @p_h_mm
        ORDER BY p.h_mm DESC
    ) bas
    CROSS JOIN (
        SELECT TOP (1) p.h_mm, p.q_ls
        FROM ref.courbe_point p
        WHERE p.crb_id = @p_crb AND p.h_aval_mm = @p_aval AND p.h_mm >= @p_h_mm
        ORDER BY p.h_mm
    ) haut
);
GO
-- Discharge of one curve at a level. h in mm, q in l/s; barrage and puissance work in m and m3/s. NULL outside the
-- curve: no extrapolation. POWER answers in the type of its first argument, hence float; the guard is inside it, so
-- that no plan computes the power of a negative number.
CREATE FUNCTION prod.tvf_debit_courbe(@p_crb int, @p_h_mm decimal(12, 3), @p_h_aval_mm decimal(12, 3))
RETURNS TABLE
AS
RETURN (
    SELECT CAST(CASE c.crb_loi
        WHEN 'POINT' THEN (SELECT s.q FROM prod.tvf_debit_segment(@p_crb, 0, @p_h_mm) s)
        WHEN 'PUISSANCE' THEN 1000 * c.crb_a * POWER(
            CASE WHEN @p_h_mm > 0 THEN CAST(@p_h_mm AS float) / 1000 END, c.crb_c
        )
        WHEN 'BARRAGE' THEN 1000 * c.crb_a * POWER(
            CASE WHEN @p_h_mm / 1000 + c.crb_b > 0 THEN CAST(@p_h_mm AS float) / 1000 + c.crb_b END, c.crb_c
        )
        WHEN 'DOUBLE' THEN (
            SELECT
                CASE
                    WHEN bas.aval = haut.aval THEN qb.q
                    ELSE qb.q + (qh.q - qb.q) * (@p_h_aval_mm - bas.aval) / NULLIF(haut.aval - bas.aval, 0)
                END
            FROM (
                SELECT MAX(p.h_aval_mm) AS aval
                FROM ref.courbe_point p
                WHERE p.crb_id = @p_crb AND p.h_aval_mm <= @p_h_aval_mm
            ) bas
            CROSS JOIN (
                SELECT MIN(p.h_aval_mm) AS aval
                FROM ref.courbe_point p
                WHERE p.crb_id = @p_crb AND p.h_aval_mm >= @p_h_aval_mm
            ) haut
            CROSS APPLY prod.tvf_debit_segment(@p_crb, bas.aval, @p_h_mm) qb
            CROSS APPLY prod.tvf_debit_segment(@p_crb, haut.aval, @p_h_mm) qh
        )
    END AS decimal(28, 8)) AS q_ls
    FROM ref.courbe c
    WHERE c.crb_id = @p_crb
);
GO
-- Discharge of a level sensor by its station's active curve. The downstream level of a double-entry curve is the one
-- at the same time, or the latest within the previous 2 h.
CREATE FUNCTION prod.tvf_debit(@p_cap int, @p_debut datetime2(0), @p_fin datetime2(0))
RETURNS TABLE
AS
RETURN (
    SELECT h.chr_utc AS horodatage_utc, m.mes_valeur AS h_mm, q.q_ls
    FROM ref.capteur c
    JOIN ref.courbe b ON b.sta_code = c.sta_code AND b.crb_active = 1
    JOIN prod.mesure m ON m.cap_id = c.cap_id
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    OUTER APPLY (
        SELECT TOP (1) a.mes_valeur
        FROM prod.mesure a
        WHERE a.cap_id = b.crb_cap_aval AND a.chr_id BETWEEN m.chr_id - 24 AND m.chr_id AND a.mes_valeur IS NOT NULL
        ORDER BY a.chr_id DESC
    ) aval
    OUTER APPLY prod.tvf_debit_courbe(b.crb_id, m.mes_valeur, aval.mes_valeur) q
    WHERE c.cap_id = @p_cap AND h.chr_utc BETWEEN @p_debut AND @p_fin
);
GO
-- Rain total over the minutes before @p_fin (included). An absent row is 0; a missing one sets the flag.
CREATE FUNCTION prod.tvf_cumul(@p_cap int, @p_fin datetime2(0), @p_minutes int)
RETURNS TABLE
AS
RETURN (
    SELECT
        COALESCE(SUM(COALESCE(m.mes_valeur, 0)), 0) AS cumul_mm,
        CAST(COALESCE(MAX(CASE WHEN m.mes_etat = 'MANQUANTE' THEN 1 ELSE 0 END), 0) AS bit) AS incomplet
    FROM prod.mesure m
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    WHERE m.cap_id = @p_cap AND h.chr_utc > DATEADD(minute, -@p_minutes, @p_fin) AND h.chr_utc <= @p_fin
);
GO
-- Variation over the minutes before @p_fin; NULL with the flag when one of the two ends is missing.
CREATE FUNCTION prod.tvf_gradient(@p_cap int, @p_fin datetime2(0), @p_minutes int)
RETURNS TABLE
AS
RETURN (
    SELECT
        fin.valeur - debut.valeur AS gradient,
        CAST(CASE WHEN fin.valeur IS NULL OR debut.valeur IS NULL THEN 1 ELSE 0 END AS bit) AS incomplet
    FROM (VALUES (@p_fin, DATEADD(minute, -@p_minutes, @p_fin))) bornes (fin_utc, debut_utc)
    OUTER APPLY (
        SELECT m.mes_valeur AS valeur
        FROM prod.mesure m
        JOIN ref.chrono h ON h.chr_id = m.chr_id
        WHERE m.cap_id = @p_cap AND h.chr_utc = bornes.fin_utc
    ) fin
    OUTER APPLY (
        SELECT m.mes_valeur AS valeur
        FROM prod.mesure m
        JOIN ref.chrono h ON h.chr_id = m.chr_id
        WHERE m.cap_id = @p_cap AND h.chr_utc = bornes.debut_utc
    ) debut
);
GO
CREATE FUNCTION prod.tvf_serie(
    @p_station varchar(60), @p_grandeur varchar(60), @p_debut datetime2(0), @p_fin datetime2(0)
)
RETURNS TABLE
AS
RETURN (
    SELECT h.chr_utc AS horodatage_utc, m.mes_valeur AS valeur, m.mes_etat AS etat
    FROM ref.capteur c
    JOIN prod.mesure m ON m.cap_id = c.cap_id
    JOIN ref.chrono h ON h.chr_id = m.chr_id
    WHERE c.sta_code = @p_station AND c.cap_grandeur = @p_grandeur AND h.chr_utc BETWEEN @p_debut AND @p_fin
);
GO
CREATE FUNCTION prod.tvf_dernieres()
RETURNS TABLE
AS
RETURN (
    SELECT
        s.sta_code AS station,
        s.sta_libelle AS libelle,
        c.cap_grandeur AS grandeur,
        h.chr_utc AS horodatage_utc,
        d.mes_valeur AS valeur,
        d.mes_etat AS etat
    FROM prod.derniere d
    JOIN ref.capteur c ON c.cap_id = d.cap_id
    JOIN ref.station s ON s.sta_code = c.sta_code
    JOIN ref.chrono h ON h.chr_id = d.chr_id
);
GO
CREATE VIEW prod.v_mesure AS
SELECT c.sta_code, c.cap_grandeur, h.chr_utc, m.mes_valeur, m.mes_etat
FROM prod.mesure m
JOIN ref.capteur c ON c.cap_id = m.cap_id
JOIN ref.chrono h ON h.chr_id = m.chr_id;
GO
CREATE VIEW evt.v_alarme AS
SELECT a.ala_id, c.sta_code, c.cap_grandeur, s.seu_type, s.seu_ordre, a.ala_ouverte, a.ala_acquittee, a.ala_fermee
FROM evt.alarme a
JOIN ref.seuil s ON s.seu_id = a.seu_id
JOIN ref.capteur c ON c.cap_id = s.cap_id;
GO
CREATE VIEW ref.v_courbe_active AS
SELECT b.sta_code, b.crb_id, b.crb_loi, b.crb_deb, b.crb_fin
FROM ref.courbe b
WHERE b.crb_active = 1;
GO
