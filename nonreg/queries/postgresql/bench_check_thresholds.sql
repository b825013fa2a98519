SELECT evt.usp_verifier_seuils() AS usp_verifier_seuils
