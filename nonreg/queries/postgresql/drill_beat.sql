-- No row: this node is not the active one, and nothing was written.
SELECT nr.usp_battre(CAST(:campaign_id AS uuid), :sequence) AS usp_battre
WHERE ha.usp_etat() = 'ACTIF'
