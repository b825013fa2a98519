-- Role of this node. Before everything that asks for it: an inline function is bound when it is created.

-- When the server started, by its own clock. tempdb is made anew at each start, and every account sees its row, where
-- the server's own views ask for rights that a module of the database has not.
CREATE FUNCTION ha.tvf_demarrage()
RETURNS TABLE
AS
RETURN (
    SELECT CAST(d.create_date AS datetime2(3)) AS demarrage
    FROM sys.databases d
    WHERE d.name = N'tempdb'
);
GO
-- Role and mandate of this node, and the site that it takes for the active one. An active site whose server started
-- again waits to be confirmed: another site may have become active meanwhile.
CREATE FUNCTION ha.tvf_noeud()
RETURNS TABLE
AS
RETURN (
    SELECT
        CAST(CASE
            WHEN s.sit_role = 'ACTIF' AND (n.nod_confirme IS NULL OR n.nod_confirme <> d.demarrage) THEN 'ATTENTE'
            ELSE s.sit_role
        END AS varchar(12)) AS etat,
        n.nod_mandat AS mandat,
        (SELECT a.sit_code FROM ref.site a WHERE a.sit_role = 'ACTIF') AS site_actif
    FROM cfg.noeud n
    LEFT JOIN ref.site s ON s.sit_code = n.sit_code
    CROSS JOIN ha.tvf_demarrage() d
);
GO
CREATE PROCEDURE ha.usp_etat
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SELECT n.etat AS usp_etat FROM ha.tvf_noeud() n;
END;
GO
CREATE PROCEDURE ha.usp_mandat
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SELECT n.nod_mandat AS usp_mandat FROM cfg.noeud n;
END;
GO
-- Records a role in this node's own table of sites; a new active site makes the former one passive.
CREATE PROCEDURE ha.usp_declarer_role
    @p_role varchar(20),
    @p_site varchar(60) = NULL,
    @p_mandat int = NULL
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_site varchar(60) = COALESCE(@p_site, (SELECT n.sit_code FROM cfg.noeud n));
    DECLARE @v_demarrage datetime2(3) = (SELECT d.demarrage FROM ha.tvf_demarrage() d);
    BEGIN TRANSACTION;
    IF @p_role = 'ACTIF'
        UPDATE ref.site SET sit_role = 'PASSIF' WHERE sit_role = 'ACTIF' AND sit_code <> @v_site;
    UPDATE ref.site SET sit_role = @p_role WHERE sit_code = @v_site;
    UPDATE cfg.noeud
    SET nod_mandat = COALESCE(@p_mandat, nod_mandat),
        nod_confirme = CASE WHEN @p_role = 'ACTIF' AND sit_code = @v_site THEN @v_demarrage ELSE nod_confirme END;
    COMMIT TRANSACTION;
END;
GO
-- Lets an active site act again after a start of its server, under the mandate that the asker knows.
CREATE PROCEDURE ha.usp_confirmer
    @p_mandat int
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    DECLARE @v_lignes int;
    UPDATE n
    SET nod_confirme = d.demarrage
    FROM cfg.noeud n
    JOIN ref.site s ON s.sit_code = n.sit_code
    CROSS JOIN ha.tvf_demarrage() d
    WHERE s.sit_role = 'ACTIF' AND n.nod_mandat = @p_mandat;
    SET @v_lignes = @@ROWCOUNT;
    SELECT CAST(CASE WHEN @v_lignes > 0 THEN 1 ELSE 0 END AS bit) AS usp_confirmer;
END;
GO
-- Records that another site is active under a higher mandate; 0 when this node knows that one already, or a later.
-- The comparison and the declaration are one: a mandate given in between is never undone.
CREATE PROCEDURE ha.usp_ceder
    @p_site varchar(60),
    @p_mandat int
WITH EXECUTE AS OWNER
AS
BEGIN
    SET NOCOUNT ON;
    SET XACT_ABORT ON;
    DECLARE @v_cede bit = 0;
    BEGIN TRANSACTION;
    SELECT @v_cede = 1
    FROM cfg.noeud n WITH (UPDLOCK, HOLDLOCK)
    WHERE n.nod_mandat < @p_mandat AND n.sit_code <> @p_site;
    IF @v_cede = 1
        EXEC ha.usp_declarer_role @p_role = 'ACTIF', @p_site = @p_site, @p_mandat = @p_mandat;
    COMMIT TRANSACTION;
    SELECT @v_cede AS usp_ceder;
END;
GO
-- The sites that are to replicate from this node, and whether the server has each as a subscriber of a published
-- database. How their agents do is told by the distributor, which the campaign asks apart.
CREATE FUNCTION ha.tvf_abonnes()
RETURNS TABLE
AS
RETURN (
    SELECT
        s.sit_code AS abonne,
        CAST(CASE
            WHEN EXISTS (SELECT 1 FROM sys.tables t WHERE t.is_published = 1)
                AND EXISTS (SELECT 1 FROM sys.servers v WHERE v.is_subscriber = 1 AND v.name = s.sit_serveur) THEN 1
            ELSE 0
        END AS bit) AS connecte
    FROM ref.site s
    WHERE s.sit_role = 'PASSIF'
);
GO
-- The tables to publish; whether each is, sys.tables.is_published tells.
CREATE FUNCTION ha.tvf_articles()
RETURNS TABLE
AS
RETURN (SELECT a.art_schema, a.art_table FROM ha.article a);
GO
