SELECT evt.usp_verifier_seuils()
