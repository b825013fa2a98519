SET NOCOUNT ON;
DECLARE @i int = 0, @values int = :values, @start datetime2(0) = :start, @at datetime2(0), @value decimal(12, 3);
DECLARE @campaign uniqueidentifier = :campaign_id, @sensor int = :sensor;
WHILE @i < @values
BEGIN
    SET @at = DATEADD(minute, 5 * @i, @start);
    SET @value = 100 + @i % 400;
    EXEC nr.usp_ranger_mesure @p_campaign = @campaign, @p_cap = @sensor, @p_utc = @at, @p_valeur = @value, @p_etat = 'OK';
    SET @i = @i + 1;
END;
SELECT @i AS stored
