SELECT objet, lignes FROM nr.usp_nettoyer(CAST(:campaign_id AS uuid))
