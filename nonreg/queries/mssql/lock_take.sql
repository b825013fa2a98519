-- True when this session has the lock, once more if it had it already; it is lost with the session. Codes 0 and 1 of
-- sp_getapplock say granted, -1 says that another session has it.
SET NOCOUNT ON;
DECLARE @code int;
EXEC @code = sys.sp_getapplock
    @Resource = N'aquareel-nonreg', @LockMode = 'Exclusive', @LockOwner = 'Session', @LockTimeout = 0;
SELECT CAST(CASE WHEN @code >= 0 THEN 1 ELSE 0 END AS bit) AS taken
