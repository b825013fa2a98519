"""APP-001…003: the application's services run, say so, and are the delivered version."""

from __future__ import annotations

import json

from nonreg.clients.sql import Rows, Session
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.units import read_unit
from nonreg.recorder import scenario
from nonreg.witness import Witness

HTTP_SERVICES = ("frontal", "client", "supervision", "puits")


@scenario("APP-001", "Services en marche sur chaque hôte", Criticality.BLOQUANTE, requirements=("R03", "R04"))
def test_services_running(witness: Witness, campaign: Campaign) -> None:
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            for service in site.host.services:
                result = shell.run("service_state", service=service)
                state = read_unit(result)
                witness.expect(state.is_running, result.request, "active (running)", state)


@scenario(
    "APP-002",
    "Table des composants complète et rafraîchie",
    Criticality.MAJEURE,
    queries=("components",),
    alone=True,
)
def test_components(witness: Witness, active: Session, campaign: Campaign) -> None:
    expected = {(site.code, service) for site in campaign.platform.sites for service in site.host.services}
    rows = active.query("components")
    present = Rows(rows.columns[:2], tuple(row[:2] for row in rows.rows), rows.request)
    absent = sorted(expected - set(present.rows))
    witness.expect_rows(present, sorted(expected))
    ages = [float(age) for site, module, _, age in rows.rows if (site, module) in expected]
    if not absent:
        limit = campaign.limit("component_age_seconds")
        witness.measure(
            "ancienneté du composant le plus ancien", round(max(ages), 3), "s", limit, rows.request
        )


@scenario(
    "APP-003",
    "Versions : fichiers, base, services et composants égaux à la version livrée",
    Criticality.MAJEURE,
    requirements=("R03", "R05"),
    queries=("components", "platform_identity"),
)
def test_versions(witness: Witness, active: Session, passive: Session, campaign: Campaign) -> None:
    delivered = campaign.platform.application_version
    for session in (active, passive):
        identity = session.query("platform_identity")
        witness.expect_equal([row["version_app"] for row in identity.dicts()], [delivered], identity.request)
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            for service in site.host.services:
                result = shell.run("read", path=f"version/{service}.txt")
                witness.expect_equal(result.require().strip(), delivered, result.request)
        for service in HTTP_SERVICES:
            if getattr(site.web, service) is not None:
                with campaign.web(site, service) as web:
                    answer = web.get("/version")
                witness.expect_equal(parse_version(answer.body), delivered, answer.request)
    rows = active.query("components")
    others = tuple(row for row in rows.rows if row[2] != delivered)
    witness.expect_no_rows(
        Rows(rows.columns, others, rows.request), f"tous les composants en version {delivered}"
    )


def parse_version(body: str) -> str:
    """Version in a service's JSON answer; RequestFailed when it gives none."""
    try:
        return str(json.loads(body)["version"])
    except (ValueError, KeyError, TypeError) as error:
        raise RequestFailed(f"Réponse de version illisible : {body.strip()[:200]!r}.") from error
