SELECT evt_utc, evt_message FROM evt.evenement
WHERE evt_module = :module AND evt_message LIKE '%secours%'
  AND evt_utc >= CAST(SWITCHOFFSET(CAST(:since AS datetimeoffset), '+00:00') AS datetime2)
ORDER BY evt_id
