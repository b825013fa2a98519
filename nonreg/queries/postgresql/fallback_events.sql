SELECT evt_utc, evt_message FROM evt.evenement
WHERE evt_module = :module AND evt_utc >= CAST(:since AS timestamptz) AT TIME ZONE 'UTC' AND evt_message LIKE '%secours%'
ORDER BY evt_id
