-- Collection and refinement (affinage), DOMAIN §1.4: the rules live in the database, as in the original.
--
-- Errors, here and after: a refusal (THROW) comes before XACT_ABORT is on, and so leaves the caller's transaction and
-- its savepoints as they are; what fails afterwards undoes the whole transaction, never half a procedure.

-- Parameters are wider than the columns: a longer code must be unknown, not cut to one that exists.
CREATE PROCEDURE tampon.usp_inserer
    @p_station varchar(60),
    @p_grandeur varchar(60),
    @p_horodatage datetime2(0),
    @p_valeur decimal(12, 3),
    @p_source varchar(60),
    @p_site varchar(60),
    @p_dedoublonner bit = 1
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_cap int;
    DECLARE @v_reponse varchar(20) = 'INSERE';
    IF NOT EXISTS (SELECT 1 FROM ha.tvf_noeud() n WHERE n.etat = 'ACTIF')
        THROW 50001, N'SITE_PASSIF', 1;
    SELECT @v_cap = c.cap_id FROM ref.capteur c WHERE c.sta_code = @p_station AND c.cap_grandeur = @p_grandeur;
    IF @v_cap IS NULL
        SET @v_reponse = CASE
            WHEN EXISTS (SELECT 1 FROM ref.station s WHERE s.sta_code = @p_station) THEN 'GRANDEUR_INCONNUE'
            ELSE 'STATION_INCONNUE'
        END
    ELSE IF @p_dedoublonner = 1 AND EXISTS (
        SELECT 1 FROM tampon.mesure t
        WHERE t.cap_id = @v_cap AND t.tmp_horodatage = @p_horodatage
            AND (t.tmp_valeur = @p_valeur OR (t.tmp_valeur IS NULL AND @p_valeur IS NULL))
    )
        SET @v_reponse = 'DOUBLON';
    ELSE
    BEGIN
        SET XACT_ABORT ON;
        INSERT INTO tampon.mesure (cap_id, tmp_horodatage, tmp_valeur, tmp_source, tmp_site)
        VALUES (@v_cap, @p_horodatage, @p_valeur, @p_source, @p_site);
    END;
    SELECT @v_reponse AS usp_inserer;
END;
GO
CREATE FUNCTION tampon.tvf_collecte(@p_source varchar(60))
RETURNS TABLE
AS
RETURN (SELECT c.col_numero AS numero FROM tampon.collecte c WHERE c.col_source = @p_source);
GO
-- Takes a numbered message; 0 when it was taken already. Who asks meanwhile waits for the end of this transaction.
CREATE PROCEDURE tampon.usp_prendre
    @p_source varchar(60),
    @p_numero bigint
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_lignes int;
    UPDATE tampon.collecte SET col_numero = @p_numero WHERE col_source = @p_source AND col_numero < @p_numero;
    SET @v_lignes = @@ROWCOUNT;
    SELECT CAST(CASE WHEN @v_lignes > 0 THEN 1 ELSE 0 END AS bit) AS usp_prendre;
END;
GO
-- What the IP frontal must know of a station before it accepts a time with a zone.
CREATE FUNCTION ref.tvf_station(@p_station varchar(60))
RETURNS TABLE
AS
RETURN (SELECT s.sta_heure_locale AS heure_locale FROM ref.station s WHERE s.sta_code = @p_station);
GO
-- Station time to UTC. NULL: the label does not exist (spring). In the repeated autumn hour the first offset is taken
-- (summer); @p_second asks for the other one. The server's choice for a label that exists twice or not at all is not
-- relied on: of three instants around it, those that bear the label are kept.
CREATE FUNCTION ref.tvf_utc(@p_horodatage datetime2(0), @p_locale bit, @p_fuseau nvarchar(60), @p_second bit)
RETURNS TABLE
AS
RETURN (
    SELECT
        CASE
            WHEN @p_locale = 0 THEN @p_horodatage
            WHEN @p_second = 1 THEN MAX(i.instant)
            ELSE MIN(i.instant)
        END AS utc,
        CAST(CASE WHEN @p_locale = 1 AND MIN(i.instant) < MAX(i.instant) THEN 1 ELSE 0 END AS bit) AS ambigu
    FROM (
        SELECT CASE
            WHEN @p_locale = 0 THEN N'UTC'
            ELSE COALESCE((SELECT f.fus_windows FROM cfg.fuseau f WHERE f.fus_iana = @p_fuseau), @p_fuseau)
        END AS nom
    ) z
    CROSS APPLY (
        SELECT CAST(@p_horodatage AT TIME ZONE z.nom AT TIME ZONE N'UTC' AS datetime2(0)) AS instant
    ) lu
    CROSS JOIN (VALUES (-60), (0), (60)) d (minutes)
    CROSS APPLY (SELECT DATEADD(minute, d.minutes, lu.instant) AS instant) i
    WHERE CAST(i.instant AT TIME ZONE N'UTC' AT TIME ZONE z.nom AS datetime2(0)) = @p_horodatage
);
GO
-- Makes the time ids of a period that are not there yet, a slab of numbers at a time.
CREATE PROCEDURE ref.usp_prolonger_chrono
    @p_debut datetime2(3),
    @p_fin datetime2(3)
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_origine datetime2(0) = '2000-01-01T00:00:00';
    DECLARE @v_chr int = 1 + DATEDIFF(minute, @v_origine, @p_debut) / 5;
    DECLARE @v_dernier int = 1 + DATEDIFF(minute, @v_origine, @p_fin) / 5;
    WHILE @v_chr <= @v_dernier
    BEGIN
        INSERT INTO ref.chrono (chr_id, chr_utc)
        SELECT x.chr_id, DATEADD(minute, (x.chr_id - 1) * 5, @v_origine)
        FROM (
            SELECT @v_chr + a.n + 10 * b.n + 100 * c.n + 1000 * d.n AS chr_id
            FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) a (n)
            CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) b (n)
            CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) c (n)
            CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) d (n)
        ) x
        WHERE x.chr_id <= @v_dernier
            AND NOT EXISTS (SELECT 1 FROM ref.chrono h WITH (UPDLOCK, HOLDLOCK) WHERE h.chr_id = x.chr_id);
        SET @v_chr = @v_chr + 10000;
    END;
END;
GO
-- Puts one refined value in production. Rain zeros are not stored; a missing value may be completed later.
-- @p_refus: NULL when stored, otherwise why not.
CREATE PROCEDURE prod.usp_ranger
    @p_cap int,
    @p_grandeur varchar(2),
    @p_chr int,
    @p_valeur decimal(18, 3),
    @p_etat varchar(10),
    @p_refus varchar(10) OUTPUT
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_valeur decimal(12, 3);
    DECLARE @v_etat varchar(10);
    SET @p_refus = NULL;
    SELECT @v_valeur = m.mes_valeur, @v_etat = m.mes_etat
    FROM prod.mesure m
    WHERE m.cap_id = @p_cap AND m.chr_id = @p_chr;
    IF @v_etat <> 'MANQUANTE'
    BEGIN
        SET @p_refus = CASE WHEN @v_valeur = @p_valeur THEN 'DOUBLON' ELSE 'CONFLIT' END;
        RETURN;
    END;
    IF @v_etat = 'MANQUANTE' AND @p_etat = 'MANQUANTE'
    BEGIN
        SET @p_refus = 'DOUBLON';
        RETURN;
    END;
    BEGIN TRANSACTION;
    IF @v_etat IS NOT NULL
        DELETE FROM prod.mesure WHERE cap_id = @p_cap AND chr_id = @p_chr;
    IF @p_grandeur <> 'RR' OR @p_valeur <> 0 OR @p_valeur IS NULL
        INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat)
        VALUES (@p_cap, @p_chr, @p_valeur, @p_etat);
    COMMIT TRANSACTION;
END;
GO
-- Rain measured every 6 minutes: each 5-minute step takes its share of the totals that overlap it, always computed
-- again from the buffer, so that a replay changes nothing. A step is written when its last contribution has come; one
-- of which no contribution has a value is missing.
CREATE PROCEDURE prod.usp_ranger_pluie_6min
    @p_cap int,
    @p_horodatage datetime2(0),
    @p_utc datetime2(0),
    @p_refus varchar(10) OUTPUT
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_origine datetime2(0) = '2000-01-01T00:00:00';
    DECLARE @v_decalage_min int = DATEDIFF(minute, @p_horodatage, @p_utc);
    -- The first step after the beginning of this total, the last one before its end.
    DECLARE @v_chr int = 2 + (DATEDIFF(minute, @v_origine, @p_utc) - 6) / 5;
    DECLARE @v_dernier int = 1 + DATEDIFF(minute, @v_origine, @p_utc) / 5;
    DECLARE @v_pas datetime2(0);
    DECLARE @v_total decimal(18, 3);
    DECLARE @v_etat varchar(10);
    DECLARE @v_refus varchar(10);
    SET @p_refus = 'DOUBLON';
    WHILE @v_chr <= @v_dernier
    BEGIN
        SET @v_pas = DATEADD(minute, (@v_chr - 1) * 5, @v_origine);
        SET @v_total = (
            SELECT ROUND(SUM(u.valeur * DATEDIFF(second, u.debut_commun, u.fin_commune) / 360.0), 3)
            FROM (
                SELECT
                    t.tmp_valeur AS valeur,
                    CASE
                        WHEN p.fin > @v_pas THEN @v_pas ELSE p.fin
                    END AS fin_commune,
                    CASE
                        WHEN DATEADD(minute, -6, p.fin) > DATEADD(minute, -5, @v_pas) THEN DATEADD(minute, -6, p.fin)
                        ELSE DATEADD(minute, -5, @v_pas)
                    END AS debut_commun,
                    ROW_NUMBER() OVER (PARTITION BY t.tmp_horodatage ORDER BY t.tmp_id) AS rang
                FROM tampon.mesure t
                CROSS APPLY (SELECT DATEADD(minute, @v_decalage_min, t.tmp_horodatage) AS fin) p
                WHERE t.cap_id = @p_cap
                    AND t.tmp_horodatage > DATEADD(minute, -5 - @v_decalage_min, @v_pas)
                    AND t.tmp_horodatage < DATEADD(minute, 6 - @v_decalage_min, @v_pas)
            ) u
            WHERE u.rang = 1 AND u.valeur IS NOT NULL
        );
        SET @v_etat = CASE WHEN @v_total IS NULL THEN 'MANQUANTE' ELSE 'OK' END;
        EXEC prod.usp_ranger
            @p_cap = @p_cap, @p_grandeur = 'RR', @p_chr = @v_chr, @p_valeur = @v_total, @p_etat = @v_etat,
            @p_refus = @v_refus OUTPUT;
        IF @v_refus IS NULL
            SET @p_refus = NULL;
        SET @v_chr = @v_chr + 1;
    END;
END;
GO
CREATE PROCEDURE prod.usp_affinage
    @p_max_rows int = 5000,
    @p_maintenant datetime2(3) = NULL
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_maintenant datetime2(3) = COALESCE(@p_maintenant, SYSUTCDATETIME());
    DECLARE @v_profondeur_j int = (
        SELECT TRY_CAST(p.prm_valeur AS int) FROM cfg.parametre p WHERE p.prm_code = 'PROFONDEUR_COLLECTE_J'
    );
    DECLARE @v_lot TABLE (
        rang int NOT NULL PRIMARY KEY,
        tmp_id bigint NOT NULL,
        cap_id int NOT NULL,
        horodatage datetime2(0) NOT NULL,
        valeur decimal(18, 3) NULL,
        source varchar(12) NOT NULL,
        grandeur varchar(2) NOT NULL,
        mini decimal(12, 3) NULL,
        maxi decimal(12, 3) NULL,
        gradient decimal(12, 3) NULL,
        inhibe bit NOT NULL,
        pas_min int NOT NULL,
        transformer bit NOT NULL,
        heure_locale bit NOT NULL,
        fuseau nvarchar(60) NOT NULL
    );
    DECLARE @v_rang int = 1;
    DECLARE @v_traitees int;
    DECLARE @v_inserees int = 0;
    DECLARE @v_rejetees int = 0;
    DECLARE @r_tmp_id bigint;
    DECLARE @r_cap_id int;
    DECLARE @r_horodatage datetime2(0);
    DECLARE @r_source varchar(12);
    DECLARE @r_grandeur varchar(2);
    DECLARE @r_mini decimal(12, 3);
    DECLARE @r_maxi decimal(12, 3);
    DECLARE @r_gradient decimal(12, 3);
    DECLARE @r_inhibe bit;
    DECLARE @r_pas_min int;
    DECLARE @r_transformer bit;
    DECLARE @r_heure_locale bit;
    DECLARE @r_fuseau nvarchar(60);
    DECLARE @v_utc datetime2(0);
    DECLARE @v_debut datetime2(0);
    DECLARE @v_ambigu bit;
    DECLARE @v_chr int;
    DECLARE @v_chr_voisin int;
    DECLARE @v_valeur decimal(18, 3);
    DECLARE @v_part decimal(18, 3);
    DECLARE @v_etat varchar(10);
    DECLARE @v_motif varchar(20);
    DECLARE @v_refus varchar(10);
    DECLARE @v_ignore varchar(10);
    DECLARE @v_avant_valeur decimal(12, 3);
    DECLARE @v_avant_etat varchar(10);
    DECLARE @v_pas int;
    DECLARE @v_pas_avant int;
    DECLARE @v_i int;
    BEGIN TRANSACTION;
    -- Rows that another refinement holds are left to it.
    INSERT INTO @v_lot (
        rang, tmp_id, cap_id, horodatage, valeur, source, grandeur, mini, maxi, gradient, inhibe, pas_min, transformer,
        heure_locale, fuseau
    )
    SELECT
        ROW_NUMBER() OVER (ORDER BY t.cap_id, t.tmp_horodatage, t.tmp_id),
        t.tmp_id,
        t.cap_id,
        t.tmp_horodatage,
        CAST(t.tmp_valeur * CASE WHEN c.cap_unite IN ('m', 'm3/s') THEN 1000 ELSE 1 END AS decimal(18, 3)),
        t.tmp_source,
        c.cap_grandeur,
        c.cap_min,
        c.cap_max,
        c.cap_gradient,
        c.cap_inhibe,
        s.sta_pas_min,
        s.sta_transformer,
        s.sta_heure_locale,
        s.sta_fuseau
    FROM (
        SELECT TOP (@p_max_rows) a.tmp_id, a.cap_id, a.tmp_horodatage, a.tmp_valeur, a.tmp_source
        FROM tampon.mesure a WITH (UPDLOCK, READPAST, ROWLOCK)
        WHERE a.tmp_traite_utc IS NULL
        ORDER BY a.tmp_id
    ) t
    JOIN ref.capteur c ON c.cap_id = t.cap_id
    JOIN ref.station s ON s.sta_code = c.sta_code;
    SET @v_traitees = @@ROWCOUNT;
    WHILE @v_rang <= @v_traitees
    BEGIN
        SELECT
            @r_tmp_id = l.tmp_id,
            @r_cap_id = l.cap_id,
            @r_horodatage = l.horodatage,
            @v_valeur = l.valeur,
            @r_source = l.source,
            @r_grandeur = l.grandeur,
            @r_mini = l.mini,
            @r_maxi = l.maxi,
            @r_gradient = l.gradient,
            @r_inhibe = l.inhibe,
            @r_pas_min = l.pas_min,
            @r_transformer = l.transformer,
            @r_heure_locale = l.heure_locale,
            @r_fuseau = l.fuseau
        FROM @v_lot l
        WHERE l.rang = @v_rang;
        SET @v_rang = @v_rang + 1;
        SET @v_motif = NULL;
        SET @v_etat = CASE WHEN @v_valeur IS NULL THEN 'MANQUANTE' ELSE 'OK' END;
        SET @v_pas = @r_pas_min / 5;
        SET @v_pas_avant = CASE WHEN @v_pas > 1 THEN @v_pas ELSE 1 END;
        SELECT @v_utc = u.utc, @v_ambigu = u.ambigu
        FROM ref.tvf_utc(@r_horodatage, @r_heure_locale, @r_fuseau, 0) u;
        IF @v_ambigu = 1 AND EXISTS (
            SELECT 1
            FROM prod.mesure m
            JOIN ref.chrono h ON h.chr_id = m.chr_id
            WHERE m.cap_id = @r_cap_id AND h.chr_utc = @v_utc
        )
            SELECT @v_utc = u.utc FROM ref.tvf_utc(@r_horodatage, @r_heure_locale, @r_fuseau, 1) u;
        -- Every step divides the hour.
        SET @v_motif = CASE
            WHEN @r_inhibe = 1 THEN 'INHIBE'
            WHEN @v_utc IS NULL THEN 'HEURE_INEXISTANTE'
            WHEN DATEPART(minute, @v_utc) % @r_pas_min <> 0 OR DATEPART(second, @v_utc) <> 0 THEN 'PAS_INCORRECT'
            WHEN @v_utc > DATEADD(minute, 5, @v_maintenant) THEN 'FUTUR'
            WHEN @v_utc < DATEADD(day, -@v_profondeur_j, @v_maintenant) THEN 'TROP_ANCIEN'
        END;
        IF @v_motif IS NOT NULL
        BEGIN
            SET @v_rejetees = @v_rejetees + 1;
            UPDATE tampon.mesure SET tmp_traite_utc = @v_maintenant, tmp_motif = @v_motif WHERE tmp_id = @r_tmp_id;
            CONTINUE;
        END;
        SET @v_chr = 1 + DATEDIFF(minute, CAST('2000-01-01T00:00:00' AS datetime2(0)), @v_utc) / 5;
        IF @r_pas_min <> 5 OR NOT EXISTS (SELECT 1 FROM ref.chrono h WHERE h.chr_id = @v_chr)
        BEGIN
            SET @v_debut = DATEADD(minute, -@r_pas_min, @v_utc);
            EXEC ref.usp_prolonger_chrono @p_debut = @v_debut, @p_fin = @v_utc;
        END;
        -- No row leaves a variable as it is.
        SET @v_avant_valeur = NULL;
        SET @v_avant_etat = NULL;
        SELECT @v_avant_valeur = m.mes_valeur, @v_avant_etat = m.mes_etat
        FROM prod.mesure m
        WHERE m.cap_id = @r_cap_id AND m.chr_id = @v_chr - @v_pas_avant;
        -- Aberration: outside min/max, or (water level only) too steep against the value just before.
        IF @v_etat = 'OK' AND (
            @v_valeur < @r_mini OR @v_valeur > @r_maxi
            OR (@r_grandeur = 'H' AND ABS(@v_valeur - @v_avant_valeur) > @r_gradient * @v_pas_avant)
        )
        BEGIN
            SET @v_motif = 'ABERRATION';
            IF @v_avant_etat = 'OK'
            BEGIN
                SET @v_valeur = @v_avant_valeur;
                SET @v_etat = 'REMPLACEE';
            END
            ELSE
            BEGIN
                SET @v_valeur = NULL;
                SET @v_etat = 'MANQUANTE';
            END;
        END;
        IF @r_grandeur = 'RR' AND @r_pas_min = 6
            EXEC prod.usp_ranger_pluie_6min
                @p_cap = @r_cap_id, @p_horodatage = @r_horodatage, @p_utc = @v_utc, @p_refus = @v_refus OUTPUT;
        ELSE IF @r_grandeur = 'RR' AND @v_pas > 1 AND @r_transformer = 1 AND @v_valeur IS NOT NULL
        BEGIN
            -- A total over n steps is shared equally between them.
            SET @v_part = ROUND(@v_valeur / @v_pas, 3);
            SET @v_i = 0;
            WHILE @v_i < @v_pas
            BEGIN
                SET @v_chr_voisin = @v_chr - @v_i;
                EXEC prod.usp_ranger
                    @p_cap = @r_cap_id, @p_grandeur = 'RR', @p_chr = @v_chr_voisin, @p_valeur = @v_part,
                    @p_etat = @v_etat, @p_refus = @v_refus OUTPUT;
                SET @v_i = @v_i + 1;
            END;
        END
        ELSE
        BEGIN
            EXEC prod.usp_ranger
                @p_cap = @r_cap_id, @p_grandeur = @r_grandeur, @p_chr = @v_chr, @p_valeur = @v_valeur,
                @p_etat = @v_etat, @p_refus = @v_refus OUTPUT;
            SET @v_i = 1;
            WHILE @v_refus IS NULL AND @r_transformer = 1 AND @v_avant_valeur IS NOT NULL AND @v_valeur IS NOT NULL
                AND @v_i < @v_pas
            BEGIN
                SET @v_chr_voisin = @v_chr - @v_pas + @v_i;
                SET @v_part = ROUND(@v_avant_valeur + (@v_valeur - @v_avant_valeur) * @v_i / @v_pas, 3);
                EXEC prod.usp_ranger
                    @p_cap = @r_cap_id, @p_grandeur = @r_grandeur, @p_chr = @v_chr_voisin, @p_valeur = @v_part,
                    @p_etat = 'OK', @p_refus = @v_ignore OUTPUT;
                SET @v_i = @v_i + 1;
            END;
        END;
        IF @v_refus IS NULL
            SET @v_inserees = @v_inserees + 1;
        ELSE
            SET @v_rejetees = @v_rejetees + 1;
        UPDATE tampon.mesure
        SET tmp_traite_utc = @v_maintenant, tmp_motif = COALESCE(@v_refus, @v_motif)
        WHERE tmp_id = @r_tmp_id;
        IF @v_refus IS NULL AND @r_source <> 'INHIBE_TR'
        BEGIN
            UPDATE prod.derniere
            SET chr_id = @v_chr, mes_valeur = @v_valeur, mes_etat = @v_etat
            WHERE cap_id = @r_cap_id AND chr_id <= @v_chr;
            INSERT INTO prod.derniere (cap_id, chr_id, mes_valeur, mes_etat)
            SELECT @r_cap_id, @v_chr, @v_valeur, @v_etat
            WHERE NOT EXISTS (
                SELECT 1 FROM prod.derniere d WITH (UPDLOCK, HOLDLOCK) WHERE d.cap_id = @r_cap_id
            );
        END;
    END;
    IF @v_rejetees > 0
        INSERT INTO evt.evenement (evt_module, evt_niveau, evt_fin, evt_message)
        VALUES ('affinage', 2, 1, CONCAT(@v_rejetees, N' valeur(s) non conforme(s) sur ', @v_traitees));
    COMMIT TRANSACTION;
    SELECT @v_traitees AS traitees, @v_inserees AS inserees, @v_rejetees AS rejetees;
END;
GO
