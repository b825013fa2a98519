-- Accounts. The logins nr_reader and nr_writer exist already, with their passwords; here they may enter, and nothing else:
-- their rights are what the script of `python -m nonreg grants` gives, as on any other platform. The application's account
-- has no login: it is only there to hold its rights.
CREATE USER nr_reader FOR LOGIN nr_reader;
CREATE USER nr_writer FOR LOGIN nr_writer;
CREATE USER aquareel_app WITHOUT LOGIN;
GO

-- The application writes through procedures only.
GRANT EXECUTE ON OBJECT::tampon.usp_inserer TO aquareel_app;
GRANT EXECUTE ON OBJECT::tampon.usp_prendre TO aquareel_app;
GRANT EXECUTE ON OBJECT::prod.usp_affinage TO aquareel_app;
GRANT EXECUTE ON OBJECT::evt.usp_verifier_seuils TO aquareel_app;
GRANT EXECUTE ON OBJECT::evt.usp_marquer_transmise TO aquareel_app;
GRANT EXECUTE ON OBJECT::evt.usp_signaler TO aquareel_app;
GRANT EXECUTE ON OBJECT::evt.usp_journaliser TO aquareel_app;
GRANT EXECUTE ON OBJECT::evt.usp_journaliser_alarme TO aquareel_app;
GRANT EXECUTE ON OBJECT::cfg.usp_purge TO aquareel_app;
GRANT EXECUTE ON OBJECT::ha.usp_etat TO aquareel_app;
GRANT EXECUTE ON OBJECT::ha.usp_mandat TO aquareel_app;
GRANT EXECUTE ON OBJECT::ha.usp_confirmer TO aquareel_app;
GRANT EXECUTE ON OBJECT::ha.usp_ceder TO aquareel_app;
GRANT SELECT ON OBJECT::tampon.tvf_collecte TO aquareel_app;
GRANT SELECT ON OBJECT::evt.tvf_absence TO aquareel_app;
GRANT SELECT ON OBJECT::evt.tvf_alarmes_a_transmettre TO aquareel_app;
GRANT SELECT ON OBJECT::cfg.tvf_taches_export TO aquareel_app;
GRANT SELECT ON OBJECT::cfg.tvf_parametre TO aquareel_app;
GRANT SELECT ON OBJECT::ha.tvf_noeud TO aquareel_app;
GRANT SELECT ON OBJECT::ha.tvf_abonnes TO aquareel_app;
GRANT SELECT ON OBJECT::ha.tvf_articles TO aquareel_app;
GRANT SELECT ON OBJECT::ref.tvf_station TO aquareel_app;
GRANT SELECT ON OBJECT::prod.tvf_serie TO aquareel_app;
GRANT SELECT ON OBJECT::prod.tvf_dernieres TO aquareel_app;
GRANT SELECT ON OBJECT::prod.tvf_debit TO aquareel_app;
GRANT SELECT ON OBJECT::prod.tvf_cumul TO aquareel_app;
GRANT SELECT ON OBJECT::prod.tvf_gradient TO aquareel_app;
GRANT SELECT ON OBJECT::prod.v_mesure TO aquareel_app;
GRANT SELECT ON OBJECT::evt.v_alarme TO aquareel_app;
GRANT SELECT ON OBJECT::ref.v_courbe_active TO aquareel_app;
GO
