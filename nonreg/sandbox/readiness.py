"""Is a platform settled: replication streams, every service has signed in, the sites see each other."""

from __future__ import annotations

import json
import urllib.request
from http.client import HTTPException

import psycopg

from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, PORTS, SERVICES, SITES, Layout

ANSWER_SECONDS = 2.0
UNSETTLED_ROLES = (None, "INCONNU", "ATTENTE")


def find_unsettled(layout: Layout) -> list[str]:
    """What is not as it must be yet, in French; empty when all is well."""
    return _find_database_gaps(layout) + [gap for site in SITES for gap in _find_blind_spots(layout, site)]


def _find_database_gaps(layout: Layout) -> list[str]:
    try:
        with psycopg.connect(postgres.admin_dsn(layout, ACTIVE, DATABASE), autocommit=True) as connection:
            streaming = "SELECT count(*) FROM pg_stat_replication WHERE state = 'streaming'"
            gaps = [] if connection.execute(streaming).fetchone() == (1,) else ["réplication"]
            signed = set(connection.execute("SELECT com_site, com_module FROM evt.composant").fetchall())
    except psycopg.Error as error:
        return [f"base de {ACTIVE} ({' '.join(str(error).split())[:120]})"]
    expected = {(site, name) for site in SITES for name in SERVICES[site] if name != "ssh"}
    return gaps + [f"présence de {name} de {site}" for site, name in sorted(expected - signed)]


def _find_blind_spots(layout: Layout, site: str) -> list[str]:
    url = f"http://{layout.address(site)}:{PORTS['supervision']}/etat"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ANSWER_SECONDS) as reply:
            state = json.load(reply)
    except (OSError, HTTPException, ValueError):
        return [f"supervision de {site}"]
    blind = [other for other, seen in state["pairs"].items() if seen["role"] in UNSETTLED_ROLES]
    gaps = [f"{other} vu par {site}" for other in blind]
    return gaps + ([f"rôle de {site}"] if state["role"] in UNSETTLED_ROLES else [])
