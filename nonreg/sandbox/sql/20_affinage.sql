-- Collection and refinement (affinage), DOMAIN §1.4: the rules live in the database, as in the original.

CREATE FUNCTION tampon.usp_inserer(
    p_station text, p_grandeur text, p_horodatage timestamp, p_valeur numeric,
    p_source text, p_site text, p_dedoublonner boolean DEFAULT true
) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_cap integer;
BEGIN
    IF ha.usp_etat() <> 'ACTIF' THEN
        RAISE EXCEPTION 'SITE_PASSIF' USING ERRCODE = '25006';
    END IF;
    SELECT c.cap_id INTO v_cap FROM ref.capteur c WHERE c.sta_code = p_station AND c.cap_grandeur = p_grandeur;
    IF NOT FOUND THEN
        IF EXISTS (SELECT 1 FROM ref.station s WHERE s.sta_code = p_station) THEN
            RETURN 'GRANDEUR_INCONNUE';
        END IF;
        RETURN 'STATION_INCONNUE';
    END IF;
    IF p_dedoublonner AND EXISTS (
        SELECT 1 FROM tampon.mesure t
        WHERE t.cap_id = v_cap AND t.tmp_horodatage = p_horodatage AND t.tmp_valeur IS NOT DISTINCT FROM p_valeur
    ) THEN
        RETURN 'DOUBLON';
    END IF;
    INSERT INTO tampon.mesure (cap_id, tmp_horodatage, tmp_valeur, tmp_source, tmp_site)
    VALUES (v_cap, p_horodatage, p_valeur, p_source, p_site);
    RETURN 'INSERE';
END $$;

CREATE FUNCTION tampon.tvf_collecte(p_source text) RETURNS TABLE (numero bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT c.col_numero FROM tampon.collecte c WHERE c.col_source = p_source
$$;
-- Takes a numbered message; false when it was taken already. Who asks meanwhile waits for the end of this transaction.
CREATE FUNCTION tampon.usp_prendre(p_source text, p_numero bigint) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
    UPDATE tampon.collecte SET col_numero = p_numero WHERE col_source = p_source AND col_numero < p_numero;
    RETURN FOUND;
END $$;

-- What the IP frontal must know of a station before it accepts a time with a zone.
CREATE FUNCTION ref.tvf_station(p_station text) RETURNS TABLE (heure_locale boolean)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT s.sta_heure_locale FROM ref.station s WHERE s.sta_code = p_station
$$;

-- Station time to UTC. NULL: the label does not exist (spring). In the repeated autumn hour the first
-- offset is taken (summer); `p_second` asks for the other one.
CREATE FUNCTION ref.tvf_utc(p_horodatage timestamp, p_locale boolean, p_fuseau text, p_second boolean)
RETURNS TABLE (utc timestamp, ambigu boolean) LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
    SELECT CASE
        WHEN NOT p_locale THEN p_horodatage
        WHEN (late.instant AT TIME ZONE p_fuseau) <> p_horodatage THEN NULL
        WHEN early.same_label AND NOT p_second THEN early.instant AT TIME ZONE 'UTC'
        ELSE late.instant AT TIME ZONE 'UTC'
    END, p_locale AND early.same_label
    FROM (SELECT p_horodatage AT TIME ZONE p_fuseau AS instant) late
    CROSS JOIN LATERAL (
        SELECT late.instant - interval '1 hour' AS instant,
               ((late.instant - interval '1 hour') AT TIME ZONE p_fuseau) = p_horodatage AS same_label
    ) early
$$;

CREATE FUNCTION ref.usp_prolonger_chrono(p_debut timestamp, p_fin timestamp)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = '' AS $$
    INSERT INTO ref.chrono (chr_id, chr_utc)
    SELECT g, timestamp '2000-01-01' + (g - 1) * interval '5 minutes'
    FROM generate_series(
        1 + floor(extract(epoch FROM p_debut - timestamp '2000-01-01') / 300)::integer,
        1 + floor(extract(epoch FROM p_fin - timestamp '2000-01-01') / 300)::integer
    ) g
    ON CONFLICT DO NOTHING
$$;

-- Puts one refined value in production. Rain zeros are not stored; a missing value may be completed later.
-- Returns NULL when stored, otherwise why not.
CREATE FUNCTION prod.usp_ranger(p_cap integer, p_grandeur text, p_chr integer, p_valeur numeric, p_etat text)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_ancienne record;
BEGIN
    SELECT m.mes_valeur, m.mes_etat INTO v_ancienne FROM prod.mesure m WHERE m.cap_id = p_cap AND m.chr_id = p_chr;
    IF FOUND AND v_ancienne.mes_etat <> 'MANQUANTE' THEN
        RETURN CASE WHEN v_ancienne.mes_valeur IS NOT DISTINCT FROM p_valeur THEN 'DOUBLON' ELSE 'CONFLIT' END;
    ELSIF FOUND AND p_etat = 'MANQUANTE' THEN
        RETURN 'DOUBLON';
    ELSIF FOUND THEN
        DELETE FROM prod.mesure m WHERE m.cap_id = p_cap AND m.chr_id = p_chr;
    END IF;
    IF p_grandeur = 'RR' AND p_valeur = 0 THEN
        RETURN NULL;
    END IF;
    INSERT INTO prod.mesure (cap_id, chr_id, mes_valeur, mes_etat) VALUES (p_cap, p_chr, p_valeur, p_etat);
    RETURN NULL;
END $$;

CREATE FUNCTION prod.usp_affinage(p_max_rows integer DEFAULT 5000, p_maintenant timestamp DEFAULT NULL)
RETURNS TABLE (traitees integer, inserees integer, rejetees integer)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_maintenant timestamp := coalesce(p_maintenant, clock_timestamp() AT TIME ZONE 'UTC');
    v_profondeur interval;
    r record;
    v_utc timestamp;
    v_ambigu boolean;
    v_chr integer;
    v_valeur numeric;
    v_etat text;
    v_motif text;
    v_refus text;
    v_avant record;
    v_pas integer;
    i integer;
BEGIN
    traitees := 0; inserees := 0; rejetees := 0;
    SELECT make_interval(days => p.prm_valeur::integer) INTO v_profondeur
    FROM cfg.parametre p WHERE p.prm_code = 'PROFONDEUR_COLLECTE_J';
    FOR r IN
        SELECT t.tmp_id, t.cap_id, t.tmp_horodatage, t.tmp_valeur, t.tmp_source, c.cap_grandeur, c.cap_unite,
               c.cap_min, c.cap_max, c.cap_gradient, c.cap_inhibe, s.sta_pas_min, s.sta_transformer,
               s.sta_heure_locale, s.sta_fuseau
        FROM (
            SELECT a.* FROM tampon.mesure a WHERE a.tmp_traite_utc IS NULL
            ORDER BY a.tmp_id LIMIT p_max_rows FOR UPDATE SKIP LOCKED
        ) t
        JOIN ref.capteur c ON c.cap_id = t.cap_id
        JOIN ref.station s ON s.sta_code = c.sta_code
        ORDER BY t.cap_id, t.tmp_horodatage, t.tmp_id
    LOOP
        traitees := traitees + 1;
        v_motif := NULL;
        v_valeur := r.tmp_valeur * CASE WHEN r.cap_unite IN ('m', 'm3/s') THEN 1000 ELSE 1 END;
        v_etat := CASE WHEN v_valeur IS NULL THEN 'MANQUANTE' ELSE 'OK' END;
        v_pas := r.sta_pas_min / 5;
        SELECT u.utc, u.ambigu INTO v_utc, v_ambigu
        FROM ref.tvf_utc(r.tmp_horodatage, r.sta_heure_locale, r.sta_fuseau, false) u;
        IF v_ambigu AND EXISTS (
            SELECT 1 FROM prod.mesure m JOIN ref.chrono h USING (chr_id) WHERE m.cap_id = r.cap_id AND h.chr_utc = v_utc
        ) THEN
            SELECT u.utc INTO v_utc FROM ref.tvf_utc(r.tmp_horodatage, r.sta_heure_locale, r.sta_fuseau, true) u;
        END IF;
        IF r.cap_inhibe THEN
            v_motif := 'INHIBE';
        ELSIF v_utc IS NULL THEN
            v_motif := 'HEURE_INEXISTANTE';
        ELSIF extract(epoch FROM v_utc)::bigint % (r.sta_pas_min * 60) <> 0 THEN
            v_motif := 'PAS_INCORRECT';
        ELSIF v_utc > v_maintenant + interval '5 minutes' THEN
            v_motif := 'FUTUR';
        ELSIF v_utc < v_maintenant - v_profondeur THEN
            v_motif := 'TROP_ANCIEN';
        END IF;
        IF v_motif IS NOT NULL THEN
            rejetees := rejetees + 1;
            UPDATE tampon.mesure t SET tmp_traite_utc = v_maintenant, tmp_motif = v_motif WHERE t.tmp_id = r.tmp_id;
            CONTINUE;
        END IF;
        v_chr := 1 + extract(epoch FROM v_utc - timestamp '2000-01-01')::bigint / 300;
        PERFORM ref.usp_prolonger_chrono(v_utc - make_interval(mins => r.sta_pas_min), v_utc)
        WHERE r.sta_pas_min <> 5 OR NOT EXISTS (SELECT 1 FROM ref.chrono h WHERE h.chr_id = v_chr);
        SELECT m.mes_valeur, m.mes_etat INTO v_avant
        FROM prod.mesure m WHERE m.cap_id = r.cap_id AND m.chr_id = v_chr - greatest(v_pas, 1);
        -- Aberration: outside min/max, or (water level only) too steep against the value just before.
        IF v_etat = 'OK' AND (
            v_valeur < r.cap_min OR v_valeur > r.cap_max
            OR (r.cap_grandeur = 'H' AND v_avant.mes_valeur IS NOT NULL
                AND abs(v_valeur - v_avant.mes_valeur) > r.cap_gradient * greatest(v_pas, 1))
        ) THEN
            v_motif := 'ABERRATION';
            IF v_avant.mes_etat = 'OK' THEN
                v_valeur := v_avant.mes_valeur;
                v_etat := 'REMPLACEE';
            ELSE
                v_valeur := NULL;
                v_etat := 'MANQUANTE';
            END IF;
        END IF;
        IF r.cap_grandeur = 'RR' AND r.sta_pas_min = 6 THEN
            v_refus := prod.usp_ranger_pluie_6min(r.cap_id, r.tmp_horodatage, v_utc);
        ELSIF r.cap_grandeur = 'RR' AND v_pas > 1 AND r.sta_transformer AND v_valeur IS NOT NULL THEN
            -- A total over n steps is shared equally between them.
            FOR i IN 0..v_pas - 1 LOOP
                v_refus := prod.usp_ranger(r.cap_id, 'RR', v_chr - i, round(v_valeur / v_pas, 3), v_etat);
            END LOOP;
        ELSE
            v_refus := prod.usp_ranger(r.cap_id, r.cap_grandeur, v_chr, v_valeur, v_etat);
            IF v_refus IS NULL AND v_pas > 1 AND r.sta_transformer AND v_avant.mes_valeur IS NOT NULL
               AND v_valeur IS NOT NULL THEN
                FOR i IN 1..v_pas - 1 LOOP
                    PERFORM prod.usp_ranger(r.cap_id, r.cap_grandeur, v_chr - v_pas + i,
                        round(v_avant.mes_valeur + (v_valeur - v_avant.mes_valeur) * i / v_pas, 3), 'OK');
                END LOOP;
            END IF;
        END IF;
        IF v_refus IS NULL THEN
            inserees := inserees + 1;
        ELSE
            rejetees := rejetees + 1;
        END IF;
        UPDATE tampon.mesure t SET tmp_traite_utc = v_maintenant, tmp_motif = coalesce(v_refus, v_motif)
        WHERE t.tmp_id = r.tmp_id;
        IF v_refus IS NULL AND r.tmp_source <> 'INHIBE_TR' THEN
            INSERT INTO prod.derniere AS d (cap_id, chr_id, mes_valeur, mes_etat)
            VALUES (r.cap_id, v_chr, v_valeur, v_etat)
            ON CONFLICT (cap_id) DO UPDATE
            SET chr_id = excluded.chr_id, mes_valeur = excluded.mes_valeur, mes_etat = excluded.mes_etat
            WHERE d.chr_id <= excluded.chr_id;
        END IF;
    END LOOP;
    IF rejetees > 0 THEN
        INSERT INTO evt.evenement (evt_module, evt_niveau, evt_fin, evt_message)
        VALUES ('affinage', 2, true, format('%s valeur(s) non conforme(s) sur %s', rejetees, traitees));
    END IF;
    RETURN NEXT;
END $$;

-- Rain measured every 6 minutes: each 5-minute step takes its share of the totals that overlap it,
-- always computed again from the buffer, so that a replay changes nothing. A step is written when its
-- last contribution has come.
CREATE FUNCTION prod.usp_ranger_pluie_6min(p_cap integer, p_horodatage timestamp, p_utc timestamp)
RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
    v_decalage interval := p_utc - p_horodatage;
    v_pas timestamp;
    v_total numeric;
    v_refus text := 'DOUBLON';
BEGIN
    FOR v_pas IN
        SELECT g FROM generate_series(
            timestamp '2000-01-01'
                + ceil(extract(epoch FROM p_utc - interval '6 minutes' + interval '1 second' - timestamp '2000-01-01') / 300)
                * interval '5 minutes',
            p_utc, interval '5 minutes') g
    LOOP
        SELECT sum(u.valeur * extract(epoch FROM least(v_pas, u.fin) - greatest(v_pas - interval '5 minutes', u.debut)) / 360)
        INTO v_total
        FROM (
            SELECT DISTINCT ON (t.tmp_horodatage) t.tmp_valeur AS valeur,
                   t.tmp_horodatage + v_decalage - interval '6 minutes' AS debut, t.tmp_horodatage + v_decalage AS fin
            FROM tampon.mesure t WHERE t.cap_id = p_cap
            ORDER BY t.tmp_horodatage, t.tmp_id
        ) u
        WHERE u.debut < v_pas AND u.fin > v_pas - interval '5 minutes';
        IF prod.usp_ranger(p_cap, 'RR', 1 + (extract(epoch FROM v_pas - timestamp '2000-01-01') / 300)::integer,
                           round(v_total, 3), CASE WHEN v_total IS NULL THEN 'MANQUANTE' ELSE 'OK' END) IS NULL THEN
            v_refus := NULL;
        END IF;
    END LOOP;
    RETURN v_refus;
END $$;
