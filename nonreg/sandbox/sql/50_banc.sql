-- The test bench (schema nr): the only way in which a campaign writes. All it makes hangs from stations
-- of its own, tagged with its id; usp_nettoyer removes them and usp_restes proves it.

CREATE FUNCTION nr.usp_creer_station(
    p_campaign uuid, p_type text DEFAULT 'LNS', p_pas_min integer DEFAULT 5, p_transformer boolean DEFAULT true,
    p_heure_locale boolean DEFAULT false, p_fuseau text DEFAULT 'UTC'
) RETURNS TABLE (sta_code char, cap_h integer, cap_q integer, cap_rr integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
#variable_conflict use_column
BEGIN
    sta_code := 'Z9' || lpad(nextval('nr.seq_station')::text, 8, '0');
    INSERT INTO ref.station (sta_code, sta_libelle, sta_type, sta_pas_min, sta_transformer, sta_heure_locale, sta_fuseau)
    VALUES (sta_code, 'Essai de non-régression', p_type, p_pas_min, p_transformer, p_heure_locale, p_fuseau);
    INSERT INTO nr.marque (campaign_id, sta_code) VALUES (p_campaign, sta_code);
    INSERT INTO ref.capteur (sta_code, cap_grandeur, cap_unite, cap_min, cap_max, cap_gradient)
    SELECT sta_code, g.grandeur, g.unite, g.mini, g.maxi,
           CASE WHEN g.grandeur = 'H' THEN (SELECT p.prm_valeur::numeric FROM cfg.parametre p WHERE p.prm_code = 'GRADIENT_MAX_MM_5MIN') END
    FROM (VALUES ('H', 'mm', -1500, 15000), ('Q', 'l/s', 0, 20000000), ('RR', 'mm', 0, 60)) g(grandeur, unite, mini, maxi);
    SELECT max(c.cap_id) FILTER (WHERE c.cap_grandeur = 'H'), max(c.cap_id) FILTER (WHERE c.cap_grandeur = 'Q'),
           max(c.cap_id) FILTER (WHERE c.cap_grandeur = 'RR')
    INTO cap_h, cap_q, cap_rr FROM ref.capteur c WHERE c.sta_code = usp_creer_station.sta_code;
    RETURN NEXT;
END $$;

-- Refuses whatever does not belong to the campaign.
CREATE FUNCTION nr.usp_exiger(p_campaign uuid, p_cap integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM ref.capteur c JOIN nr.marque m USING (sta_code)
        WHERE c.cap_id = p_cap AND m.campaign_id = p_campaign
    ) THEN
        RAISE EXCEPTION 'HORS_CAMPAGNE' USING ERRCODE = '42501';
    END IF;
END $$;
CREATE FUNCTION nr.usp_regler_capteur(p_campaign uuid, p_cap integer, p_unite text, p_inhibe boolean) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM nr.usp_exiger(p_campaign, p_cap);
    UPDATE ref.capteur SET cap_unite = p_unite, cap_inhibe = p_inhibe WHERE cap_id = p_cap;
END $$;
CREATE FUNCTION nr.usp_ranger_mesure(p_campaign uuid, p_cap integer, p_utc timestamp, p_valeur numeric, p_etat text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM nr.usp_exiger(p_campaign, p_cap);
    PERFORM ref.usp_prolonger_chrono(p_utc, p_utc);
    INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat)
    SELECT p_cap, h.chr_id, p_valeur, p_etat FROM ref.chrono h WHERE h.chr_utc = p_utc;
END $$;
CREATE FUNCTION nr.usp_creer_courbe(
    p_campaign uuid, p_cap integer, p_loi text, p_debut timestamp, p_fin timestamp,
    p_a numeric DEFAULT NULL, p_b numeric DEFAULT NULL, p_c numeric DEFAULT NULL, p_cap_aval integer DEFAULT NULL
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_crb integer;
BEGIN
    PERFORM nr.usp_exiger(p_campaign, p_cap);
    INSERT INTO ref.courbe (sta_code, crb_loi, crb_deb, crb_fin, crb_a, crb_b, crb_c, crb_cap_aval)
    SELECT c.sta_code, p_loi, p_debut, p_fin, p_a, p_b, p_c, p_cap_aval FROM ref.capteur c WHERE c.cap_id = p_cap
    RETURNING crb_id INTO v_crb;
    RETURN v_crb;
END $$;
CREATE FUNCTION nr.usp_exiger_courbe(p_campaign uuid, p_crb integer) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    SELECT nr.usp_exiger(p_campaign, (SELECT min(c.cap_id) FROM ref.courbe b JOIN ref.capteur c USING (sta_code) WHERE b.crb_id = p_crb))
$$;
CREATE FUNCTION nr.usp_ajouter_point(p_campaign uuid, p_crb integer, p_h_mm numeric, p_q_ls numeric, p_h_aval_mm numeric DEFAULT 0)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM nr.usp_exiger_courbe(p_campaign, p_crb);
    INSERT INTO ref.courbe_point (crb_id, h_aval_mm, h_mm, q_ls) VALUES (p_crb, p_h_aval_mm, p_h_mm, p_q_ls);
END $$;
CREATE FUNCTION nr.usp_activer_courbe(p_campaign uuid, p_crb integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM nr.usp_exiger_courbe(p_campaign, p_crb);
    PERFORM ref.usp_activer_courbe(p_crb);
END $$;
CREATE FUNCTION nr.usp_creer_seuil(
    p_campaign uuid, p_cap integer, p_type text, p_sens text, p_ordre integer, p_ouverture numeric, p_fermeture numeric,
    p_actif boolean DEFAULT true, p_transmissible boolean DEFAULT false
) RETURNS integer LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_seuil integer;
BEGIN
    PERFORM nr.usp_exiger(p_campaign, p_cap);
    INSERT INTO ref.seuil (cap_id, seu_type, seu_sens, seu_ordre, seu_ouverture, seu_fermeture, seu_actif, seu_transmissible)
    VALUES (p_cap, p_type, p_sens, p_ordre, p_ouverture, p_fermeture, p_actif, p_transmissible)
    RETURNING seu_id INTO v_seuil;
    RETURN v_seuil;
END $$;
-- Runs the application's own procedures from inside a test transaction.
CREATE FUNCTION nr.usp_affiner(p_maintenant timestamp DEFAULT NULL)
RETURNS TABLE (traitees integer, inserees integer, rejetees integer)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    SELECT a.traitees, a.inserees, a.rejetees FROM prod.usp_affinage(1000000, p_maintenant) a
$$;
CREATE FUNCTION nr.usp_purger(p_maintenant timestamp)
RETURNS TABLE (mesures bigint, tampon bigint, evenements bigint, bloquee boolean)
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    SELECT p.mesures, p.tampon, p.evenements, p.bloquee FROM cfg.usp_purge(p_maintenant) p
$$;
CREATE FUNCTION nr.usp_mode_crise(p_actif boolean) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    UPDATE cfg.parametre SET prm_valeur = CASE WHEN p_actif THEN '1' ELSE '0' END WHERE prm_code = 'MODE_CRISE'
$$;
-- Refuses on a node that is not the active one, as the collection does: what would be written there is lost.
CREATE FUNCTION nr.usp_exiger_actif() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    IF ha.usp_etat() <> 'ACTIF' THEN
        RAISE EXCEPTION 'SITE_PASSIF' USING ERRCODE = '25006';
    END IF;
END $$;
CREATE FUNCTION nr.usp_battre(p_campaign uuid, p_seq bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    PERFORM nr.usp_exiger_actif();
    INSERT INTO nr.battement (campaign_id, bat_seq, bat_site, bat_utc)
    SELECT p_campaign, p_seq, n.sit_code, clock_timestamp() AT TIME ZONE 'UTC' FROM cfg.noeud n;
END $$;
-- The delays that a drill may shorten for its own time, and nothing else. Returns the former value.
CREATE FUNCTION nr.usp_regler_parametre(p_code text, p_valeur text) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_avant text;
BEGIN
    PERFORM nr.usp_exiger_actif();
    IF p_code NOT IN ('SECOURS_ECHANGE_S', 'SECOURS_INTERNET_S', 'SECOURS_ALARME_S', 'REPLICATION_ALARME_S') THEN
        RAISE EXCEPTION 'HORS_CAMPAGNE' USING ERRCODE = '42501';
    END IF;
    SELECT p.prm_valeur INTO STRICT v_avant FROM cfg.parametre p WHERE p.prm_code = p_code FOR UPDATE;
    UPDATE cfg.parametre SET prm_valeur = p_valeur WHERE prm_code = p_code;
    RETURN v_avant;
END $$;
CREATE FUNCTION nr.tvf_restes(p_campaign uuid) RETURNS TABLE (objet text, lignes bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    WITH capteurs AS (SELECT c.cap_id FROM ref.capteur c JOIN nr.marque m USING (sta_code) WHERE m.campaign_id = p_campaign)
    SELECT o.objet, o.lignes FROM (
        SELECT 'station', count(*) FROM nr.marque m WHERE m.campaign_id = p_campaign
        UNION ALL SELECT 'mesure', count(*) FROM prod.mesure WHERE cap_id IN (SELECT cap_id FROM capteurs)
        UNION ALL SELECT 'tampon', count(*) FROM tampon.mesure WHERE cap_id IN (SELECT cap_id FROM capteurs)
        UNION ALL SELECT 'battement', count(*) FROM nr.battement b WHERE b.campaign_id = p_campaign
    ) o(objet, lignes) WHERE o.lignes > 0
$$;
CREATE FUNCTION nr.usp_nettoyer(p_campaign uuid) RETURNS TABLE (objet text, lignes bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_capteurs integer[];
    v_stations char(10)[];
BEGIN
    RETURN QUERY SELECT r.objet, r.lignes FROM nr.tvf_restes(p_campaign) r;
    SELECT coalesce(array_agg(m.sta_code), '{}') INTO v_stations FROM nr.marque m WHERE m.campaign_id = p_campaign;
    SELECT coalesce(array_agg(c.cap_id), '{}') INTO v_capteurs FROM ref.capteur c WHERE c.sta_code = ANY (v_stations);
    -- First: a refinement at work holds these rows, what it writes is committed once they are deleted.
    DELETE FROM tampon.mesure t WHERE t.cap_id = ANY (v_capteurs);
    DELETE FROM evt.evenement e WHERE e.evt_module = 'detection' AND EXISTS (
        SELECT 1 FROM unnest(v_stations) s(code) WHERE e.evt_message LIKE '%' || s.code || '%');
    DELETE FROM evt.alarme a USING ref.seuil s WHERE s.seu_id = a.seu_id AND s.cap_id = ANY (v_capteurs);
    DELETE FROM ref.seuil s WHERE s.cap_id = ANY (v_capteurs);
    DELETE FROM prod.derniere d WHERE d.cap_id = ANY (v_capteurs);
    DELETE FROM prod.mesure m WHERE m.cap_id = ANY (v_capteurs);
    UPDATE ref.courbe b SET crb_verrou = false WHERE b.sta_code = ANY (v_stations);
    DELETE FROM ref.courbe_point p USING ref.courbe b WHERE b.crb_id = p.crb_id AND b.sta_code = ANY (v_stations);
    DELETE FROM ref.courbe b WHERE b.sta_code = ANY (v_stations);
    DELETE FROM nr.marque m WHERE m.campaign_id = p_campaign;
    DELETE FROM ref.capteur c WHERE c.cap_id = ANY (v_capteurs);
    DELETE FROM ref.station s WHERE s.sta_code = ANY (v_stations);
    DELETE FROM nr.battement b WHERE b.campaign_id = p_campaign;
END $$;
