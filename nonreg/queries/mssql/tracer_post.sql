-- Posts a tracer token in the log of the published database, outside a transaction, and returns its number.
-- Right: sysadmin or db_owner, or a signed wrapper; the heartbeats of nr.usp_battre measure the latency without it.
SET NOCOUNT ON;
DECLARE @tracer int;
EXEC sys.sp_posttracertoken @publication = :publication, @tracer_token_id = @tracer OUTPUT;
SELECT @tracer AS tracer_id
