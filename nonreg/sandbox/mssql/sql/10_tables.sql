-- Stand-in model of AQUARÉEL (DOMAIN §1.8) for SQL Server 2016 and later: the twin of ../../sql/10_tables.sql.
-- Times are UTC without zone. H in mm, Q in l/s, RR in mm.

CREATE TABLE cfg.identite_plateforme (
    id smallint NOT NULL CONSTRAINT pk_identite PRIMARY KEY CONSTRAINT ck_identite_unique CHECK (id = 1),
    nature varchar(10) NOT NULL CONSTRAINT ck_identite_nature CHECK (nature IN ('TEST', 'DEV', 'PROD')),
    jeton uniqueidentifier NOT NULL,
    version_app varchar(20) NOT NULL
);
-- This node alone, not replicated: the mandate is the number of the last declaration of an active site that it knows;
-- confirmed is the start of the server (its own clock) for which it was let be active.
CREATE TABLE cfg.noeud (
    id smallint NOT NULL CONSTRAINT pk_noeud PRIMARY KEY CONSTRAINT ck_noeud_unique CHECK (id = 1),
    sit_code varchar(20) NOT NULL,
    nod_mandat int NOT NULL CONSTRAINT df_noeud_mandat DEFAULT 1,
    nod_confirme datetime2(3) NULL
);
CREATE TABLE cfg.parametre (
    prm_code varchar(60) NOT NULL CONSTRAINT pk_parametre PRIMARY KEY,
    prm_valeur nvarchar(200) NOT NULL,
    prm_modifiable bit NOT NULL
);
CREATE TABLE cfg.operateur (
    ope_id int NOT NULL CONSTRAINT pk_operateur PRIMARY KEY,
    ope_nom nvarchar(60) NOT NULL,
    ope_ordre smallint NOT NULL CONSTRAINT uk_operateur_ordre UNIQUE,
    ope_tel varchar(20) NOT NULL,
    ope_mail varchar(120) NOT NULL,
    ope_actif bit NOT NULL
);
CREATE TABLE cfg.tache_export (
    tac_id int NOT NULL CONSTRAINT pk_tache_export PRIMARY KEY,
    tac_nom varchar(40) NOT NULL CONSTRAINT uk_tache_export_nom UNIQUE,
    tac_format varchar(10) NOT NULL CONSTRAINT ck_tache_export_format CHECK (tac_format IN ('CSV', 'SANDRE')),
    tac_station char(10) NOT NULL,
    tac_grandeur varchar(2) NOT NULL,
    tac_hote varchar(120) NOT NULL,
    tac_periode_s int NOT NULL CONSTRAINT ck_tache_export_periode CHECK (tac_periode_s > 0),
    tac_active bit NOT NULL
);
-- SQL Server knows time zones by their Windows names, stations by their IANA names. Delivered with the modules, hence
-- no article.
CREATE TABLE cfg.fuseau (
    fus_iana nvarchar(60) NOT NULL CONSTRAINT pk_fuseau PRIMARY KEY,
    fus_windows nvarchar(60) NOT NULL
);
CREATE TABLE securite.utilisateur (
    uti_id int NOT NULL CONSTRAINT pk_utilisateur PRIMARY KEY,
    uti_nom nvarchar(60) NOT NULL,
    uti_mot_de_passe nvarchar(60) NOT NULL
);
GO

CREATE TABLE ref.site (
    sit_code varchar(20) NOT NULL CONSTRAINT pk_site PRIMARY KEY,
    sit_serveur nvarchar(128) NOT NULL,
    sit_role varchar(12) NOT NULL
        CONSTRAINT ck_site_role CHECK (sit_role IN ('ACTIF', 'PASSIF', 'CONSULT', 'SURVEILLANCE')),
    sit_principal bit NOT NULL
);
CREATE UNIQUE INDEX ux_site_actif ON ref.site (sit_role) WHERE sit_role = 'ACTIF';
CREATE TABLE ref.station (
    sta_code char(10) NOT NULL CONSTRAINT pk_station PRIMARY KEY,
    sta_code_site AS CAST(LEFT(sta_code, 8) AS char(8)) PERSISTED NOT NULL,
    sta_libelle nvarchar(120) NOT NULL,
    sta_type varchar(3) NOT NULL CONSTRAINT ck_station_type CHECK (sta_type IN ('LNS', 'CPL')),
    sta_pas_min smallint NOT NULL CONSTRAINT ck_station_pas CHECK (sta_pas_min IN (5, 6, 10, 15, 30, 60)),
    sta_transformer bit NOT NULL CONSTRAINT df_station_transformer DEFAULT 1,
    sta_heure_locale bit NOT NULL,
    sta_fuseau nvarchar(60) NOT NULL,
    CONSTRAINT ck_station_code CHECK (
        sta_code COLLATE Latin1_General_BIN LIKE '[A-Z0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]'
    )
);
CREATE TABLE ref.capteur (
    cap_id int IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_capteur PRIMARY KEY,
    sta_code char(10) NOT NULL CONSTRAINT fk_capteur_station REFERENCES ref.station (sta_code),
    cap_grandeur varchar(2) NOT NULL CONSTRAINT ck_capteur_grandeur CHECK (cap_grandeur IN ('H', 'Q', 'RR')),
    cap_unite varchar(8) NOT NULL CONSTRAINT ck_capteur_unite CHECK (cap_unite IN ('mm', 'm', 'l/s', 'm3/s')),
    cap_min decimal(12, 3) NULL,
    cap_max decimal(12, 3) NULL,
    cap_gradient decimal(12, 3) NULL,
    cap_inhibe bit NOT NULL CONSTRAINT df_capteur_inhibe DEFAULT 0
);
CREATE UNIQUE INDEX ux_capteur_station_grandeur ON ref.capteur (sta_code, cap_grandeur);
CREATE TABLE ref.courbe (
    crb_id int IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_courbe PRIMARY KEY,
    sta_code char(10) NOT NULL CONSTRAINT fk_courbe_station REFERENCES ref.station (sta_code),
    crb_loi varchar(10) NOT NULL
        CONSTRAINT ck_courbe_loi CHECK (crb_loi IN ('POINT', 'PUISSANCE', 'BARRAGE', 'DOUBLE')),
    crb_deb datetime2(0) NOT NULL,
    crb_fin datetime2(0) NOT NULL,
    crb_active bit NOT NULL CONSTRAINT df_courbe_active DEFAULT 0,
    crb_verrou bit NOT NULL CONSTRAINT df_courbe_verrou DEFAULT 0,
    crb_a decimal(18, 6) NULL,
    crb_b decimal(18, 6) NULL,
    crb_c decimal(18, 6) NULL,
    crb_cap_aval int NULL CONSTRAINT fk_courbe_capteur_aval REFERENCES ref.capteur (cap_id),
    CONSTRAINT ck_courbe_periode CHECK (crb_fin > crb_deb)
);
CREATE UNIQUE INDEX ux_courbe_active ON ref.courbe (sta_code) WHERE crb_active = 1;
CREATE TABLE ref.courbe_point (
    crb_id int NOT NULL CONSTRAINT fk_courbe_point_courbe REFERENCES ref.courbe (crb_id),
    h_aval_mm decimal(12, 3) NOT NULL CONSTRAINT df_courbe_point_aval DEFAULT 0,
    h_mm decimal(12, 3) NOT NULL,
    q_ls decimal(18, 3) NOT NULL,
    CONSTRAINT pk_courbe_point PRIMARY KEY (crb_id, h_aval_mm, h_mm)
);
CREATE TABLE ref.seuil (
    seu_id int IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_seuil PRIMARY KEY,
    cap_id int NOT NULL CONSTRAINT fk_seuil_capteur REFERENCES ref.capteur (cap_id),
    seu_type varchar(10) NOT NULL
        CONSTRAINT ck_seuil_type CHECK (seu_type IN ('STATION', 'JAUNE', 'ORANGE', 'ROUGE')),
    seu_sens varchar(6) NOT NULL CONSTRAINT df_seuil_sens DEFAULT 'HAUSSE'
        CONSTRAINT ck_seuil_sens CHECK (seu_sens IN ('HAUSSE', 'BAISSE')),
    seu_ordre smallint NOT NULL,
    seu_ouverture decimal(12, 3) NOT NULL,
    seu_fermeture decimal(12, 3) NOT NULL,
    seu_actif bit NOT NULL,
    seu_transmissible bit NOT NULL,
    CONSTRAINT ck_seuil_fermeture CHECK (
        (seu_sens = 'HAUSSE' AND seu_fermeture <= seu_ouverture)
        OR (seu_sens = 'BAISSE' AND seu_fermeture >= seu_ouverture)
    )
);
CREATE INDEX ix_seuil_capteur ON ref.seuil (cap_id) INCLUDE (seu_ordre, seu_ouverture, seu_fermeture);
-- Chronodatation: id 1 is 2000-01-01T00:00Z, one id every 5 minutes.
CREATE TABLE ref.chrono (
    chr_id int NOT NULL CONSTRAINT pk_chrono PRIMARY KEY,
    chr_utc datetime2(0) NOT NULL CONSTRAINT ux_chrono UNIQUE,
    CONSTRAINT ck_chrono_pas CHECK (
        chr_utc = DATEADD(minute, (chr_id - 1) * 5, CONVERT(datetime2(0), '2000-01-01T00:00:00', 126))
    )
);
GO

CREATE TABLE tampon.mesure (
    tmp_id bigint IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_tampon PRIMARY KEY,
    cap_id int NOT NULL,
    tmp_horodatage datetime2(0) NOT NULL,
    tmp_valeur decimal(12, 3) NULL,
    tmp_source varchar(12) NOT NULL,
    tmp_site varchar(20) NOT NULL,
    tmp_recu_utc datetime2(3) NOT NULL CONSTRAINT df_tampon_recu DEFAULT SYSUTCDATETIME(),
    tmp_traite_utc datetime2(3) NULL,
    tmp_motif varchar(20) NULL
);
CREATE INDEX ix_tampon_a_traiter ON tampon.mesure (tmp_id) WHERE tmp_traite_utc IS NULL;
CREATE INDEX ix_tampon_capteur ON tampon.mesure (cap_id, tmp_horodatage);
-- The last message taken from each outside source; whichever site takes the next one, each is taken once.
CREATE TABLE tampon.collecte (
    col_source varchar(12) NOT NULL CONSTRAINT pk_collecte PRIMARY KEY,
    col_numero bigint NOT NULL
);

CREATE TABLE prod.mesure (
    cap_id int NOT NULL CONSTRAINT fk_mesure_capteur REFERENCES ref.capteur (cap_id),
    chr_id int NOT NULL CONSTRAINT fk_mesure_chrono REFERENCES ref.chrono (chr_id),
    mes_valeur decimal(12, 3) NULL,
    mes_etat varchar(10) NOT NULL CONSTRAINT ck_mesure_etat CHECK (mes_etat IN ('OK', 'REMPLACEE', 'MANQUANTE')),
    CONSTRAINT pk_mesure PRIMARY KEY (cap_id, chr_id),
    CONSTRAINT ck_mesure_manquante CHECK (
        (mes_etat = 'MANQUANTE' AND mes_valeur IS NULL) OR (mes_etat <> 'MANQUANTE' AND mes_valeur IS NOT NULL)
    )
);
CREATE INDEX ix_mesure_chrono ON prod.mesure (chr_id) INCLUDE (mes_etat);
CREATE TABLE prod.derniere (
    cap_id int NOT NULL CONSTRAINT pk_derniere PRIMARY KEY
        CONSTRAINT fk_derniere_capteur REFERENCES ref.capteur (cap_id),
    chr_id int NOT NULL CONSTRAINT fk_derniere_chrono REFERENCES ref.chrono (chr_id),
    mes_valeur decimal(12, 3) NULL,
    mes_etat varchar(10) NOT NULL
);

CREATE TABLE evt.evenement (
    evt_id bigint IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_evenement PRIMARY KEY,
    evt_utc datetime2(3) NOT NULL CONSTRAINT df_evenement_utc DEFAULT SYSUTCDATETIME(),
    evt_module varchar(20) NOT NULL,
    evt_niveau smallint NOT NULL CONSTRAINT ck_evenement_niveau CHECK (evt_niveau BETWEEN 1 AND 4),
    evt_origine_id bigint NULL CONSTRAINT fk_evenement_origine REFERENCES evt.evenement (evt_id),
    evt_fin bit NOT NULL CONSTRAINT df_evenement_fin DEFAULT 0,
    evt_message nvarchar(500) NOT NULL
);
CREATE INDEX ix_evenement_origine ON evt.evenement (evt_origine_id) WHERE evt_origine_id IS NOT NULL;
CREATE TABLE evt.alarme (
    ala_id bigint IDENTITY (1, 1) NOT FOR REPLICATION NOT NULL CONSTRAINT pk_alarme PRIMARY KEY,
    seu_id int NOT NULL CONSTRAINT fk_alarme_seuil REFERENCES ref.seuil (seu_id),
    ala_ouverte datetime2(0) NOT NULL,
    ala_acquittee datetime2(0) NULL,
    ala_fermee datetime2(0) NULL,
    ala_transmise datetime2(0) NULL
);
CREATE UNIQUE INDEX ux_alarme_ouverte ON evt.alarme (seu_id) WHERE ala_fermee IS NULL;
CREATE TABLE evt.composant (
    com_site varchar(20) NOT NULL,
    com_module varchar(20) NOT NULL,
    com_version varchar(20) NOT NULL,
    com_vu_utc datetime2(3) NOT NULL,
    CONSTRAINT pk_composant PRIMARY KEY (com_site, com_module)
);

CREATE TABLE ha.article (
    art_schema varchar(63) NOT NULL,
    art_table varchar(63) NOT NULL,
    CONSTRAINT pk_article PRIMARY KEY (art_schema, art_table)
);

-- The test bench: what a campaign made is tagged with its id, so that it can be removed and proved removed.
CREATE TABLE nr.marque (
    campaign_id uniqueidentifier NOT NULL,
    sta_code char(10) NOT NULL,
    CONSTRAINT pk_marque PRIMARY KEY (campaign_id, sta_code)
);
CREATE TABLE nr.battement (
    campaign_id uniqueidentifier NOT NULL,
    bat_seq bigint NOT NULL,
    bat_site varchar(20) NOT NULL,
    bat_utc datetime2(3) NOT NULL,
    CONSTRAINT pk_battement PRIMARY KEY (campaign_id, bat_seq)
);
-- What a drill adds a column to, and takes it back from.
CREATE TABLE nr.article_essai (
    id int NOT NULL CONSTRAINT pk_article_essai PRIMARY KEY,
    valeur decimal(12, 3) NULL
);
CREATE SEQUENCE nr.seq_station AS int START WITH 1 INCREMENT BY 1 MINVALUE 1 MAXVALUE 99999999 CYCLE;
GO
