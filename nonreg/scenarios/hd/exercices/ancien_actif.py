"""What the site that gave its role must no longer do as active: collect, alarm, export."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from nonreg.clients.sftp import open_share
from nonreg.clients.sql import Rows
from nonreg.config import Site
from nonreg.fixtures import Campaign
from nonreg.probes.alarm_sink import read_calls
from nonreg.probes.replication import read_fresh
from nonreg.scenarios.applicatif.steps import ORDERS, OUTBOX
from nonreg.simulator import last_step
from nonreg.waiting import observe_until
from nonreg.witness import Witness

ORDER_SECONDS = 3.0  # an active site exports at its start, and obeys an order within a second


def list_exports(campaign: Campaign, site: Site) -> set[str]:
    """The export files of a site."""
    with campaign.shell(site) as shell, open_share(shell) as share:
        return set(share.list_files(OUTBOX))


def judge_collection(witness: Witness, campaign: Campaign, station: str) -> None:
    """A message at the LoRaWAN operator is collected by the new active site, once."""
    if campaign.witness_site.web.puits is None:
        return
    at, value, new = last_step(datetime.now(UTC)) - timedelta(hours=1), Decimal(501), campaign.passive_site
    message = {"station": station, "grandeur": "H", "horodatage": at.isoformat(), "valeur": int(value)}
    with campaign.web(campaign.witness_site, "puits") as operator:
        answer = operator.post("/lorawan/messages", json.dumps(message).encode(), "application/json")
    witness.expect(answer.status in (200, 201), answer.request, "message pris", answer.status)
    with campaign.session(new) as session:
        rows = observe_until(
            lambda: read_fresh(session, "buffer_origins", station=station),
            lambda found: any(row[1] == at for row in found.rows),
            campaign.patience("fallback_seconds"),
            0.1,
        )
    signers = [str(row[3]) for row in rows.rows if row[1] == at]
    witness.expect_equal(signers, [new.code], f"{rows.request}\n-- message LoRaWAN de {at:%H:%M}")


def judge_call(witness: Witness, campaign: Campaign, station: str) -> None:
    """The threshold that was crossed is told once, and not by the old active site."""
    if campaign.witness_site.web.puits is None:
        return
    with campaign.web(campaign.witness_site, "puits") as sink:
        observe_until(lambda: read_calls(sink, station)[1], bool, campaign.patience("alarm_seconds"), 0.1)
        answer, calls = observe_until(
            lambda: read_calls(sink, station), lambda got: len(got[1]) > 1, ORDER_SECONDS, 0.2
        )
    told = [(call.text, call.site or campaign.passive_site.code) for call in calls]
    witness.expect_equal(told, [(f"JAUNE {station} H", campaign.passive_site.code)], answer.request)


def judge_exports(witness: Witness, campaign: Campaign, old: Site, exported: set[str]) -> None:
    """The old active site wrote no export since it was lost, though one is ordered from it."""
    with campaign.session(campaign.passive_site) as session:
        order = f"{session.query('export_tasks').dicts()[0]['tac_nom']}.ordre"
    with campaign.shell(old) as shell, open_share(shell) as share:
        share.drop(ORDERS, order, b"")
        try:
            new_files = observe_until(
                lambda: set(share.list_files(OUTBOX)) - exported, bool, ORDER_SECONDS, 0.1
            )
        finally:
            if order in share.list_files(ORDERS):  # it would be obeyed once the site is active again
                share.remove(f"{ORDERS}/{order}")
    request = f"fichiers exportés par {old.code} depuis son arrêt, malgré l'ordre {order}"
    shown = Rows(("fichier",), tuple((name,) for name in sorted(new_files)), request)
    witness.expect_no_rows(shown, "aucun export de l'ancien actif")
