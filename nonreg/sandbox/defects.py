"""Known defects that the embedded platform can be started with, to show that a campaign finds them.

A defect is applied from outside, as an accident or a bad delivery would: SQL, a kill, a changed file.
Nothing on the platform knows its name, and the same change made by hand is found too.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psycopg

from nonreg.sandbox import control, postgres, processes
from nonreg.sandbox.layout import ACTIVE, DATABASE, DATABASE_SITES, PASSIVE, PORTS, Layout


@dataclass(frozen=True, slots=True)
class Defect:
    """A French title and what is done to a running platform.

    `for_drills`: a lie that only shows while the role moves or a fault goes on, so that only a drill can find it.
    """

    title: str
    apply: Callable[[Layout], None]
    for_drills: bool = False


def run_sql(layout: Layout, site: str, statements: Sequence[str]) -> None:
    """Run statements as the database's administrator."""
    with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE), autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def sql(site: str, *statements: str) -> Callable[[Layout], None]:
    """A defect made of SQL statements on one site."""
    return lambda layout: run_sql(layout, site, statements)


def on_arrival(table: str, moment: str, action: str) -> Callable[[Layout], None]:
    """A defect of what replication brings to a table, on whichever site is passive; nothing the application writes.

    `action` is PL/pgSQL for one row, NEW, and `moment` BEFORE or AFTER.
    """
    name = f"trg_arrivee_{table.replace('.', '_')}_{moment.lower()}"
    statements = (
        f"CREATE FUNCTION ha.{name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {action} RETURN NEW; END $$",
        f"REVOKE EXECUTE ON FUNCTION ha.{name}() FROM PUBLIC",  # a right too many would be refused by PRE-08
        f"CREATE TRIGGER {name} {moment} INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION ha.{name}()",
        f"ALTER TABLE {table} ENABLE REPLICA TRIGGER {name}",
    )

    def apply(layout: Layout) -> None:
        for site in DATABASE_SITES:
            run_sql(layout, site, ("SET session_replication_role = replica", *statements))

    return apply


def both(*applied: Callable[[Layout], None]) -> Callable[[Layout], None]:
    """A defect made of several."""

    def apply(layout: Layout) -> None:
        for one in applied:
            one(layout)

    return apply


def rewrite(function: str, old: str, new: str) -> Callable[[Layout], None]:
    """A defect that delivers a function with one piece of its code replaced, on both sites as a delivery would."""

    def apply(layout: Layout) -> None:
        for site in (ACTIVE, PASSIVE):
            with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE), autocommit=True) as connection:
                row = connection.execute("SELECT pg_get_functiondef(to_regproc(%s))", (function,)).fetchone()
                assert row is not None, f"{function} is unknown"
                assert old in row[0], f"{function} no longer contains: {old}"
                connection.execute(row[0].replace(old, new))

    return apply


def set_service_option(layout: Layout, site: str, service: str, key: str, value: object) -> None:
    """Change one setting of a service and restart it."""
    file = layout.config_file(site, service)
    settings = json.loads(file.read_text(encoding="utf-8"))
    settings[key] = value
    file.write_text(json.dumps(settings, ensure_ascii=False, indent=2), encoding="utf-8")
    control.restart_service(layout, site, service)


def kill_exchange_service(layout: Layout) -> None:
    """Kill the exchange service of the active site, as a crash would."""
    process = processes.find_recorded(layout.pid_file(ACTIVE, "echange"))
    assert process is not None, "the exchange service does not run"
    process.kill()
    process.wait(5)


def point_alarms_elsewhere(layout: Layout) -> None:
    """Both database sites call an address where no operator listens; the alarms stay on their screens."""
    for site in DATABASE_SITES:
        nobody = f"http://{layout.address(site)}:{PORTS['puits']}/appels"
        set_service_option(layout, site, "supervision", "puits", nobody)


def deliver_other_version(layout: Layout) -> None:
    """The client of the active site is another version than the rest."""
    path: Path = layout.site_dir(ACTIVE) / "version" / "client.txt"
    path.write_text("5.1.9\n", encoding="utf-8")
    control.restart_service(layout, ACTIVE, "client")


DEFECTS: dict[str, Defect] = {
    "changed-procedure": Defect(
        "Cumul de pluie livré avec une borne fausse",
        rewrite("prod.tvf_cumul", "h.chr_utc > p_fin", "h.chr_utc >= p_fin"),
    ),
    "changed-configuration": Defect(
        "Fichier de configuration d'un service modifié",
        lambda layout: set_service_option(layout, ACTIVE, "affinage", "max_lignes", 7),
    ),
    "changed-sign": Defect(
        "Une mesure de signe contraire sur le site passif",
        sql(
            PASSIVE,
            "UPDATE prod.mesure SET mes_valeur = -mes_valeur WHERE (cap_id, chr_id) = "
            "(SELECT cap_id, min(chr_id) FROM prod.mesure WHERE mes_valeur > 0 AND cap_id = 1 GROUP BY cap_id)",
        ),
    ),
    "changed-threshold": Defect(
        "Un seuil qui n'est plus celui du jeu de référence",
        sql(ACTIVE, "UPDATE ref.seuil SET seu_fermeture = seu_fermeture - 1 WHERE seu_id = 2"),
    ),
    "crisis-mode": Defect(
        "Mode crise resté actif",
        sql(ACTIVE, "UPDATE cfg.parametre SET prm_valeur = '1' WHERE prm_code = 'MODE_CRISE'"),
    ),
    "cut-replication-link": Defect(
        "Lien de réplication coupé entre les sites",
        lambda layout: control.stop_service(layout, PASSIVE, "relais"),
    ),
    "dead-service": Defect("Service d'échange du site actif mort", kill_exchange_service),
    "direct-write-right": Defect(
        "L'application peut écrire directement dans une table",
        sql(ACTIVE, "GRANT UPDATE ON prod.mesure TO aquareel_app"),
    ),
    "disabled-trigger": Defect(
        "Déclencheur du journal des alarmes désactivé",
        sql(ACTIVE, "ALTER TABLE evt.alarme DISABLE TRIGGER trg_alarme_journal"),
    ),
    "diverged-row": Defect(
        "Une mesure différente sur le site passif",
        sql(
            PASSIVE,
            "UPDATE prod.mesure SET mes_valeur = mes_valeur + 1 WHERE (cap_id, chr_id) = "
            "(SELECT cap_id, max(chr_id) - 300 FROM prod.mesure WHERE cap_id = 1 GROUP BY cap_id)",
        ),
    ),
    "duplicate-frames": Defect(
        "Frontal qui accepte deux fois la même trame",
        lambda layout: set_service_option(layout, ACTIVE, "frontal", "dedoublonner", False),
    ),
    "exchanged-values": Defect(
        "Deux mesures échangées sur le site passif",
        sql(
            PASSIVE,
            "UPDATE prod.mesure m SET mes_valeur = o.mes_valeur FROM prod.mesure o, "
            "(SELECT a.chr_id AS a, min(b.chr_id) AS b FROM prod.mesure a JOIN prod.mesure b USING (cap_id) "
            "WHERE cap_id = 4 AND a.chr_id = (SELECT min(chr_id) FROM prod.mesure WHERE cap_id = 4) "
            "AND b.mes_valeur <> a.mes_valeur GROUP BY a.chr_id) k "
            "WHERE m.cap_id = 4 AND o.cap_id = 4 AND (m.chr_id, o.chr_id) IN ((k.a, k.b), (k.b, k.a))",
        ),
    ),
    "early-acknowledgement": Defect(
        "Frontal qui acquitte les trames avant de les enregistrer",
        lambda layout: set_service_option(layout, ACTIVE, "frontal", "acquittement_anticipe", True),
        for_drills=True,
    ),
    "flood-erasing-gradient": Defect(
        "Limite de gradient qui effacerait une vraie crue",
        sql(
            ACTIVE,
            "UPDATE ref.capteur SET cap_gradient = 300 WHERE cap_grandeur = 'H'",
            "UPDATE cfg.parametre SET prm_valeur = '300' WHERE prm_code = 'GRADIENT_MAX_MM_5MIN'",
        ),
    ),
    "lossy-switchover": Defect(
        "Réplication qui perd une ligne sur mille",
        both(
            on_arrival("nr.battement", "BEFORE", "IF NEW.bat_seq % 1000 = 7 THEN RETURN NULL; END IF;"),
            on_arrival("tampon.mesure", "BEFORE", "IF NEW.tmp_id % 1000 = 7 THEN RETURN NULL; END IF;"),
        ),
        for_drills=True,
    ),
    "missing-index": Defect(
        "Index des mesures par date absent", sql(ACTIVE, "DROP INDEX prod.ix_mesure_chrono")
    ),
    "production-marker": Defect(
        "La base porte le marqueur de production",
        sql(ACTIVE, "UPDATE cfg.identite_plateforme SET nature = 'PROD'"),
    ),
    "purge-boundary": Defect(
        "Purge qui efface le jour limite",
        rewrite("cfg.usp_purge", "h.chr_utc < v_maintenant", "h.chr_utc <= v_maintenant"),
    ),
    "rating-curve-bound": Defect(
        "Courbe de tarage qui perd sa borne haute",
        rewrite("prod.tvf_debit_segment", "p.h_mm >= p_h_mm", "p.h_mm > p_h_mm"),
    ),
    "real-recipient": Defect(
        "Alarmes envoyées à un vrai numéro",
        sql(ACTIVE, "UPDATE cfg.operateur SET ope_tel = '+33199000000' WHERE ope_id = 1"),
    ),
    "replaying-switchover": Defect(
        "Réplication qui rejoue une mesure sur mille",
        # The seventh of every sensor, so that a short drill meets one; negative numbers are nobody's.
        on_arrival(
            "tampon.mesure",
            "AFTER",
            "IF NEW.tmp_id > 0 AND (SELECT count(*) FROM tampon.mesure t WHERE t.cap_id = NEW.cap_id) % 1000 = 7 THEN"
            " NEW.tmp_id := -NEW.tmp_id; INSERT INTO tampon.mesure SELECT NEW.*; END IF;",
        ),
        for_drills=True,
    ),
    "silent-supervision": Defect(
        "Alarmes techniques qui ne sont pas envoyées", point_alarms_elsewhere, for_drills=True
    ),
    "stalled-replication": Defect(
        "Réplication suspendue sur le site passif", sql(PASSIVE, "ALTER SUBSCRIPTION sub_site_b DISABLE")
    ),
    "stored-rain-zeros": Defect(
        "Zéros de pluie stockés",
        sql(
            ACTIVE,
            "INSERT INTO prod.mesure SELECT 3, h.chr_id, 0, 'OK' FROM ref.chrono h "
            "WHERE h.chr_utc < now() AT TIME ZONE 'UTC' ORDER BY h.chr_id DESC LIMIT 12 ON CONFLICT DO NOTHING",
        ),
    ),
    "two-active-sites": Defect(
        "Deux sites se déclarent actifs",
        sql(PASSIVE, "SELECT ha.usp_declarer_role('ACTIF')"),
    ),
    "unfenced-return": Defect(
        "Ancien site actif qui revient actif sans confirmation",
        rewrite("ha.usp_etat", "n.nod_confirme IS DISTINCT FROM pg_postmaster_start_time()", "false"),
        for_drills=True,
    ),
    "untrusted-constraint": Defect(
        "Contrainte recréée sans vérification",
        sql(
            ACTIVE,
            "ALTER TABLE ref.seuil DROP CONSTRAINT ck_seuil_fermeture",
            "ALTER TABLE ref.seuil ADD CONSTRAINT ck_seuil_fermeture CHECK ("
            "(seu_sens = 'HAUSSE' AND seu_fermeture <= seu_ouverture) "
            "OR (seu_sens = 'BAISSE' AND seu_fermeture >= seu_ouverture)) NOT VALID",
        ),
    ),
    "wrong-version": Defect("Client léger d'une autre version que la livraison", deliver_other_version),
}


def apply_defect(layout: Layout, name: str) -> None:
    """Apply one defect to a running platform; KeyError when there is none of that name."""
    DEFECTS[name].apply(layout)
