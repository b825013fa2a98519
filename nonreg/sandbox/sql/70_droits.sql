-- Accounts and least privilege (DOMAIN §3.2). Passwords are set by dataset.py.
CREATE ROLE aquareel_app LOGIN CONNECTION LIMIT 60;
CREATE ROLE nr_reader LOGIN;
CREATE ROLE nr_writer LOGIN;
CREATE ROLE replicateur LOGIN REPLICATION;
ALTER ROLE nr_reader SET default_transaction_read_only = on;
REVOKE ALL ON DATABASE aquareel FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE aquareel TO aquareel_app, nr_reader, nr_writer, replicateur;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA ref, tampon, prod, evt, cfg, ha, nr FROM PUBLIC;

-- The application writes through procedures only.
GRANT USAGE ON SCHEMA ref, tampon, prod, evt, cfg, ha TO aquareel_app;
GRANT EXECUTE ON FUNCTION
    tampon.usp_inserer, tampon.usp_prendre, tampon.tvf_collecte, evt.tvf_absence,
    prod.usp_affinage, evt.usp_verifier_seuils, evt.usp_marquer_transmise, evt.usp_signaler,
    evt.usp_journaliser, evt.usp_journaliser_alarme, cfg.usp_purge, ha.usp_etat, ha.usp_mandat, ha.tvf_noeud,
    ha.usp_confirmer, ha.usp_ceder, ha.tvf_abonnes, ha.tvf_articles, evt.tvf_alarmes_a_transmettre,
    cfg.tvf_taches_export, cfg.tvf_parametre, ref.tvf_station, prod.tvf_serie, prod.tvf_dernieres, prod.tvf_debit, prod.tvf_cumul,
    prod.tvf_gradient TO aquareel_app;
GRANT SELECT ON prod.v_mesure, evt.v_alarme, ref.v_courbe_active TO aquareel_app;

-- The campaign reads all but the accounts of the application's users.
GRANT USAGE ON SCHEMA ref, tampon, prod, evt, cfg, ha, nr TO nr_reader, nr_writer;
GRANT SELECT ON ALL TABLES IN SCHEMA ref, tampon, prod, evt, cfg, ha, nr TO nr_reader, nr_writer;
GRANT pg_monitor TO nr_reader;
GRANT EXECUTE ON FUNCTION
    ha.usp_etat, ha.usp_mandat, ha.tvf_articles, prod.tvf_debit, prod.tvf_debit_courbe, prod.tvf_debit_segment, prod.tvf_cumul,
    prod.tvf_gradient, prod.tvf_serie, prod.tvf_dernieres, ref.tvf_utc, nr.tvf_restes TO nr_reader, nr_writer;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA nr TO nr_writer;
GRANT EXECUTE ON FUNCTION tampon.usp_inserer, evt.usp_verifier_seuils TO nr_writer;
