-- Accounts and least privilege (DOMAIN §3.2). The logins nr_reader and nr_writer exist already, with their passwords;
-- the application's account has none here: it is only there to hold its rights.
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

-- The campaign reads all but the accounts of the application's users; db_datareader holds the tables, views and inline
-- functions, those of a publication too. Module texts and rights are shown to who may see definitions.
ALTER ROLE db_datareader ADD MEMBER nr_reader;
DENY SELECT ON SCHEMA::securite TO nr_reader;
GRANT VIEW DEFINITION TO nr_reader;
GRANT VIEW DATABASE STATE TO nr_reader;
GRANT EXECUTE ON OBJECT::ha.usp_etat TO nr_reader;
GRANT EXECUTE ON OBJECT::ha.usp_mandat TO nr_reader;
GO

-- It writes through the test bench, and reads what it wrote.
GRANT SELECT ON SCHEMA::ref TO nr_writer;
GRANT SELECT ON SCHEMA::tampon TO nr_writer;
GRANT SELECT ON SCHEMA::prod TO nr_writer;
GRANT SELECT ON SCHEMA::evt TO nr_writer;
GRANT SELECT ON SCHEMA::cfg TO nr_writer;
GRANT SELECT ON SCHEMA::ha TO nr_writer;
GRANT SELECT ON SCHEMA::nr TO nr_writer;
DENY SELECT ON SCHEMA::securite TO nr_writer;
GRANT EXECUTE ON SCHEMA::nr TO nr_writer;
GRANT EXECUTE ON OBJECT::tampon.usp_inserer TO nr_writer;
GRANT EXECUTE ON OBJECT::evt.usp_verifier_seuils TO nr_writer;
GRANT EXECUTE ON OBJECT::ha.usp_etat TO nr_writer;
GRANT EXECUTE ON OBJECT::ha.usp_mandat TO nr_writer;
GO
