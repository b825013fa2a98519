"""APP-028…030: configuration, clocks and open ports of the hosts."""

from __future__ import annotations

from nonreg import baseline
from nonreg.clients.sql import Rows
from nonreg.errors import RequestFailed
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.clock import SAMPLES, ClockSample, estimate_drift, parse_clock, take_sample
from nonreg.probes.configuration import read_configuration
from nonreg.probes.ports import find_exposed_ports, parse_listeners
from nonreg.recorder import scenario
from nonreg.witness import Witness


@scenario("APP-028", "Fichiers de configuration identiques à la référence", Criticality.MAJEURE)
def test_configuration(witness: Witness, campaign: Campaign) -> None:
    reference = baseline.load_reference(campaign.platform.baseline, "configuration")
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            found = read_configuration(shell)
        request = f"ssh {site.host.name} cat config/*, valeurs locales et secrets masqués, SHA-256"
        expected = sorted(reference.get(site.host.name, {}).items())
        witness.expect_rows(Rows(("fichier", "sha256"), tuple(sorted(found.items())), request), expected)


@scenario(
    "APP-029",
    "Horloges des hôtes et des bases à l'heure",
    Criticality.MAJEURE,
    queries=("node_clock",),
    alone=True,
)
def test_clocks(witness: Witness, campaign: Campaign) -> None:
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            samples = [
                take_sample(lambda shell=shell: parse_clock(shell.run("clock").require()))  # type: ignore[misc]
                for _ in range(SAMPLES)
            ]
        expect_on_time(
            witness, campaign, f"hôte {site.host.name}", f"ssh {site.host.name} date -u +%s.%N", samples
        )
        if site.database is not None:
            with campaign.session(site) as session:
                request = session.query("node_clock").request
                samples = [
                    take_sample(lambda session=session: float(session.query("node_clock").scalar()))  # type: ignore[misc]
                    for _ in range(SAMPLES)
                ]
            expect_on_time(witness, campaign, f"base de {site.code}", request, samples)


def expect_on_time(
    witness: Witness, campaign: Campaign, node: str, request: str, samples: list[ClockSample]
) -> None:
    """The node's clock is ours within the limit; RequestFailed when the answer takes too long to say."""
    best, limit = estimate_drift(samples), campaign.limit("clock_drift_seconds")
    if limit is not None and best.round_trip / 2 > limit:
        raise RequestFailed(
            f"{request} : aller-retour de {best.round_trip:.3f} s, trop long pour juger l'heure."
        )
    witness.measure(f"écart d'horloge, {node}", round(abs(best.drift), 4), "s", limit, request)


@scenario("APP-030", "Ports attendus ouverts, aucun autre", Criticality.MAJEURE)
def test_ports(witness: Witness, campaign: Campaign) -> None:
    for site in campaign.platform.sites:
        with campaign.shell(site) as shell:
            result = shell.run("listening")
        found = find_exposed_ports(parse_listeners(result.require()), site.host.address)
        rows = Rows(("port",), tuple((port,) for port in found), result.request)
        witness.expect_rows(rows, [(port,) for port in sorted(site.host.open_ports)])
