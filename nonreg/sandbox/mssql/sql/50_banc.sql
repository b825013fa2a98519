-- The test bench (schema nr): the only way in which a campaign writes. All it makes hangs from stations of its own,
-- tagged with its id; usp_nettoyer removes them and tvf_restes proves it.

CREATE PROCEDURE nr.usp_creer_station
    @p_campaign uniqueidentifier,
    @p_type varchar(3) = 'LNS',
    @p_pas_min int = 5,
    @p_transformer bit = 1,
    @p_heure_locale bit = 0,
    @p_fuseau nvarchar(60) = N'UTC'
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_numero int = NEXT VALUE FOR nr.seq_station;
    DECLARE @v_station char(10) = 'Z9' + RIGHT('00000000' + CAST(@v_numero AS varchar(8)), 8);
    DECLARE @v_gradient decimal(12, 3) = (
        SELECT TRY_CAST(p.prm_valeur AS decimal(12, 3)) FROM cfg.parametre p WHERE p.prm_code = 'GRADIENT_MAX_MM_5MIN'
    );
    BEGIN TRANSACTION;
    INSERT INTO ref.station (sta_code, sta_libelle, sta_type, sta_pas_min, sta_transformer, sta_heure_locale, sta_fuseau)
    VALUES (
        @v_station, N'Essai de non-régression', @p_type, @p_pas_min, @p_transformer, @p_heure_locale, @p_fuseau
    );
    INSERT INTO nr.marque (campaign_id, sta_code) VALUES (@p_campaign, @v_station);
    INSERT INTO ref.capteur (sta_code, cap_grandeur, cap_unite, cap_min, cap_max, cap_gradient)
    SELECT @v_station, g.grandeur, g.unite, g.mini, g.maxi, CASE WHEN g.grandeur = 'H' THEN @v_gradient END
    FROM (VALUES ('H', 'mm', -1500, 15000), ('Q', 'l/s', 0, 20000000), ('RR', 'mm', 0, 60)) g (
        grandeur, unite, mini, maxi
    );
    COMMIT TRANSACTION;
    SELECT @v_station AS sta_code, h.cap_id AS cap_h, q.cap_id AS cap_q, r.cap_id AS cap_rr
    FROM ref.capteur h
    JOIN ref.capteur q ON q.sta_code = h.sta_code AND q.cap_grandeur = 'Q'
    JOIN ref.capteur r ON r.sta_code = h.sta_code AND r.cap_grandeur = 'RR'
    WHERE h.sta_code = @v_station AND h.cap_grandeur = 'H';
END;
GO
-- Refuses whatever does not belong to the campaign.
CREATE PROCEDURE nr.usp_exiger
    @p_campaign uniqueidentifier,
    @p_cap int
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    IF NOT EXISTS (
        SELECT 1
        FROM ref.capteur c
        JOIN nr.marque m ON m.sta_code = c.sta_code
        WHERE c.cap_id = @p_cap AND m.campaign_id = @p_campaign
    )
        THROW 50002, N'HORS_CAMPAGNE', 1;
END;
GO
CREATE PROCEDURE nr.usp_regler_capteur
    @p_campaign uniqueidentifier,
    @p_cap int,
    @p_unite varchar(8),
    @p_inhibe bit
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger @p_campaign = @p_campaign, @p_cap = @p_cap;
    SET XACT_ABORT ON;
    UPDATE ref.capteur SET cap_unite = @p_unite, cap_inhibe = @p_inhibe WHERE cap_id = @p_cap;
END;
GO
CREATE PROCEDURE nr.usp_ranger_mesure
    @p_campaign uniqueidentifier,
    @p_cap int,
    @p_utc datetime2(0),
    @p_valeur decimal(12, 3),
    @p_etat varchar(10)
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger @p_campaign = @p_campaign, @p_cap = @p_cap;
    SET XACT_ABORT ON;
    BEGIN TRANSACTION;
    EXEC ref.usp_prolonger_chrono @p_debut = @p_utc, @p_fin = @p_utc;
    INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat)
    SELECT @p_cap, h.chr_id, @p_valeur, @p_etat FROM ref.chrono h WHERE h.chr_utc = @p_utc;
    COMMIT TRANSACTION;
END;
GO
-- The triggers' rules are asked before the write, here and in usp_ajouter_point: an error inside a trigger would end
-- the caller's whole transaction, and with it what a refusal is to be seen in.
CREATE PROCEDURE nr.usp_creer_courbe
    @p_campaign uniqueidentifier,
    @p_cap int,
    @p_loi varchar(10),
    @p_debut datetime2(0),
    @p_fin datetime2(0),
    @p_a decimal(18, 6) = NULL,
    @p_b decimal(18, 6) = NULL,
    @p_c decimal(18, 6) = NULL,
    @p_cap_aval int = NULL
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_station char(10);
    EXEC nr.usp_exiger @p_campaign = @p_campaign, @p_cap = @p_cap;
    SELECT @v_station = c.sta_code FROM ref.capteur c WHERE c.cap_id = @p_cap;
    IF EXISTS (
        SELECT 1 FROM ref.courbe b WHERE b.sta_code = @v_station AND b.crb_deb < @p_fin AND @p_debut < b.crb_fin
    )
        THROW 50003, N'PERIODES_CHEVAUCHANTES', 1;
    SET XACT_ABORT ON;
    INSERT INTO ref.courbe (sta_code, crb_loi, crb_deb, crb_fin, crb_a, crb_b, crb_c, crb_cap_aval)
    VALUES (@v_station, @p_loi, @p_debut, @p_fin, @p_a, @p_b, @p_c, @p_cap_aval);
    SELECT CAST(SCOPE_IDENTITY() AS int) AS usp_creer_courbe;
END;
GO
CREATE PROCEDURE nr.usp_exiger_courbe
    @p_campaign uniqueidentifier,
    @p_crb int
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_cap int = (
        SELECT MIN(c.cap_id) FROM ref.courbe b JOIN ref.capteur c ON c.sta_code = b.sta_code WHERE b.crb_id = @p_crb
    );
    EXEC nr.usp_exiger @p_campaign = @p_campaign, @p_cap = @v_cap;
END;
GO
CREATE PROCEDURE nr.usp_ajouter_point
    @p_campaign uniqueidentifier,
    @p_crb int,
    @p_h_mm decimal(12, 3),
    @p_q_ls decimal(18, 3),
    @p_h_aval_mm decimal(12, 3) = 0
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger_courbe @p_campaign = @p_campaign, @p_crb = @p_crb;
    IF EXISTS (SELECT 1 FROM ref.courbe b WHERE b.crb_id = @p_crb AND b.crb_verrou = 1)
        THROW 50004, N'COURBE_VERROUILLEE', 1;
    SET XACT_ABORT ON;
    INSERT INTO ref.courbe_point (crb_id, h_aval_mm, h_mm, q_ls) VALUES (@p_crb, @p_h_aval_mm, @p_h_mm, @p_q_ls);
END;
GO
CREATE PROCEDURE nr.usp_activer_courbe
    @p_campaign uniqueidentifier,
    @p_crb int
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger_courbe @p_campaign = @p_campaign, @p_crb = @p_crb;
    EXEC ref.usp_activer_courbe @p_crb = @p_crb;
END;
GO
CREATE PROCEDURE nr.usp_creer_seuil
    @p_campaign uniqueidentifier,
    @p_cap int,
    @p_type varchar(10),
    @p_sens varchar(6),
    @p_ordre int,
    @p_ouverture decimal(12, 3),
    @p_fermeture decimal(12, 3),
    @p_actif bit = 1,
    @p_transmissible bit = 0
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger @p_campaign = @p_campaign, @p_cap = @p_cap;
    SET XACT_ABORT ON;
    INSERT INTO ref.seuil (
        cap_id, seu_type, seu_sens, seu_ordre, seu_ouverture, seu_fermeture, seu_actif, seu_transmissible
    )
    VALUES (@p_cap, @p_type, @p_sens, @p_ordre, @p_ouverture, @p_fermeture, @p_actif, @p_transmissible);
    SELECT CAST(SCOPE_IDENTITY() AS int) AS usp_creer_seuil;
END;
GO
-- Runs the application's own procedures from inside a test transaction.
CREATE PROCEDURE nr.usp_affiner
    @p_maintenant datetime2(3) = NULL
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC prod.usp_affinage @p_max_rows = 1000000, @p_maintenant = @p_maintenant;
END;
GO
CREATE PROCEDURE nr.usp_purger
    @p_maintenant datetime2(3)
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC cfg.usp_purge @p_maintenant = @p_maintenant;
END;
GO
CREATE PROCEDURE nr.usp_mode_crise
    @p_actif bit
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    UPDATE cfg.parametre
    SET prm_valeur = CASE WHEN @p_actif = 1 THEN N'1' ELSE N'0' END
    WHERE prm_code = 'MODE_CRISE';
END;
GO
-- Refuses on a node that is not the active one, as the collection does: what would be written there is lost.
CREATE PROCEDURE nr.usp_exiger_actif
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    IF NOT EXISTS (SELECT 1 FROM ha.tvf_noeud() n WHERE n.etat = 'ACTIF')
        THROW 50001, N'SITE_PASSIF', 1;
END;
GO
CREATE PROCEDURE nr.usp_battre
    @p_campaign uniqueidentifier,
    @p_seq bigint
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    EXEC nr.usp_exiger_actif;
    SET XACT_ABORT ON;
    INSERT INTO nr.battement (campaign_id, bat_seq, bat_site, bat_utc)
    SELECT @p_campaign, @p_seq, n.sit_code, SYSUTCDATETIME() FROM cfg.noeud n;
END;
GO
-- The delays that a drill may shorten for its own time, and nothing else. Gives the former value.
CREATE PROCEDURE nr.usp_regler_parametre
    @p_code varchar(60),
    @p_valeur nvarchar(200)
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_avant nvarchar(200);
    EXEC nr.usp_exiger_actif;
    IF @p_code NOT IN ('SECOURS_ECHANGE_S', 'SECOURS_INTERNET_S', 'SECOURS_ALARME_S', 'REPLICATION_ALARME_S')
        THROW 50002, N'HORS_CAMPAGNE', 1;
    IF NOT EXISTS (SELECT 1 FROM cfg.parametre p WHERE p.prm_code = @p_code)
        THROW 50005, N'PARAMETRE_INCONNU', 1;
    SET XACT_ABORT ON;
    -- In one statement: nobody changes it between the reading and the writing.
    UPDATE cfg.parametre SET @v_avant = prm_valeur, prm_valeur = @p_valeur WHERE prm_code = @p_code;
    SELECT @v_avant AS usp_regler_parametre;
END;
GO
CREATE FUNCTION nr.tvf_restes(@p_campaign uniqueidentifier)
RETURNS TABLE
AS
RETURN (
    SELECT o.objet, o.lignes
    FROM (
        SELECT 'station' AS objet, COUNT_BIG(*) AS lignes FROM nr.marque m WHERE m.campaign_id = @p_campaign
        UNION ALL
        SELECT 'mesure', COUNT_BIG(*)
        FROM prod.mesure p
        JOIN ref.capteur c ON c.cap_id = p.cap_id
        JOIN nr.marque m ON m.sta_code = c.sta_code
        WHERE m.campaign_id = @p_campaign
        UNION ALL
        SELECT 'tampon', COUNT_BIG(*)
        FROM tampon.mesure t
        JOIN ref.capteur c ON c.cap_id = t.cap_id
        JOIN nr.marque m ON m.sta_code = c.sta_code
        WHERE m.campaign_id = @p_campaign
        UNION ALL
        SELECT 'battement', COUNT_BIG(*) FROM nr.battement b WHERE b.campaign_id = @p_campaign
    ) o
    WHERE o.lignes > 0
);
GO
CREATE PROCEDURE nr.usp_nettoyer
    @p_campaign uniqueidentifier
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_restes TABLE (objet varchar(20) NOT NULL, lignes bigint NOT NULL);
    DECLARE @v_stations TABLE (sta_code char(10) NOT NULL PRIMARY KEY);
    DECLARE @v_capteurs TABLE (cap_id int NOT NULL PRIMARY KEY);
    BEGIN TRANSACTION;
    INSERT INTO @v_restes (objet, lignes) SELECT r.objet, r.lignes FROM nr.tvf_restes(@p_campaign) r;
    INSERT INTO @v_stations (sta_code) SELECT m.sta_code FROM nr.marque m WHERE m.campaign_id = @p_campaign;
    INSERT INTO @v_capteurs (cap_id)
    SELECT c.cap_id FROM ref.capteur c WHERE c.sta_code IN (SELECT s.sta_code FROM @v_stations s);
    -- First: a refinement at work holds these rows, what it writes is committed once they are deleted.
    DELETE FROM tampon.mesure WHERE cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    DELETE e
    FROM evt.evenement e
    WHERE e.evt_module = 'detection'
        AND EXISTS (SELECT 1 FROM @v_stations s WHERE CHARINDEX(s.sta_code, e.evt_message) > 0);
    DELETE a
    FROM evt.alarme a
    JOIN ref.seuil s ON s.seu_id = a.seu_id
    WHERE s.cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    DELETE FROM ref.seuil WHERE cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    DELETE FROM prod.derniere WHERE cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    DELETE FROM prod.mesure WHERE cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    UPDATE ref.courbe SET crb_verrou = 0 WHERE sta_code IN (SELECT s.sta_code FROM @v_stations s);
    DELETE p
    FROM ref.courbe_point p
    JOIN ref.courbe b ON b.crb_id = p.crb_id
    WHERE b.sta_code IN (SELECT s.sta_code FROM @v_stations s);
    DELETE FROM ref.courbe WHERE sta_code IN (SELECT s.sta_code FROM @v_stations s);
    DELETE FROM nr.marque WHERE campaign_id = @p_campaign;
    DELETE FROM ref.capteur WHERE cap_id IN (SELECT c.cap_id FROM @v_capteurs c);
    DELETE FROM ref.station WHERE sta_code IN (SELECT s.sta_code FROM @v_stations s);
    DELETE FROM nr.battement WHERE campaign_id = @p_campaign;
    COMMIT TRANSACTION;
    SELECT r.objet, r.lignes FROM @v_restes r;
END;
GO
-- The test article gets its optional column, or loses it; nothing happens when that is so already. The publication
-- carries the change to the subscriber.
CREATE PROCEDURE nr.usp_modifier_article
    @p_ajouter bit
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_presente bit = CASE WHEN COL_LENGTH(N'nr.article_essai', N'complement') IS NULL THEN 0 ELSE 1 END;
    DECLARE @v_modifie bit = 0;
    EXEC nr.usp_exiger_actif;
    SET XACT_ABORT ON;
    IF @v_presente <> @p_ajouter
    BEGIN
        IF @p_ajouter = 1
            ALTER TABLE nr.article_essai ADD complement varchar(40) NULL;
        ELSE
            ALTER TABLE nr.article_essai DROP COLUMN complement;
        SET @v_modifie = 1;
    END;
    SELECT @v_modifie AS usp_modifier_article;
END;
GO
