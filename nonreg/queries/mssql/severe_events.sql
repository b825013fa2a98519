SELECT evt_utc, evt_module, evt_message
FROM evt.evenement
WHERE evt_niveau = 4 AND evt_utc >= CAST(:since AS datetime2)
ORDER BY evt_id
