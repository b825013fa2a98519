"""HD-001: who is active, as every site sees it."""

from __future__ import annotations

from collections.abc import Callable

from nonreg.clients.sql import Rows
from nonreg.config import Site
from nonreg.errors import PlatformError
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.roles import Sighting, compare_roles, find_active
from nonreg.probes.supervision import parse_state
from nonreg.recorder import scenario
from nonreg.waiting import observe_until
from nonreg.witness import Witness

SETTLE_SECONDS = 3.0


@scenario(
    "HD-001",
    "Rôles : un seul site ACTIF, vu de la même façon par chaque site",
    Criticality.BLOQUANTE,
    queries=("site_role", "site_roles"),
)
def test_roles(witness: Witness, campaign: Campaign) -> None:
    expected = {site.code: site.role.value for site in campaign.platform.sites}
    sightings, silent = look_everywhere(campaign, expected)
    asked = "\n".join(one.request for one in sightings)
    # A site that is silent must not hide what the others say; it is told at the end.
    heard = [campaign.active_site.code for one in sightings if one.site == campaign.active_site.code]
    witness.expect_equal(", ".join(find_active(sightings)), ", ".join(dict.fromkeys(heard)), asked)
    columns = ("vu par", "site", "rôle attendu", "rôle vu")
    differences = tuple(compare_roles(expected, sightings))
    witness.expect_no_rows(Rows(columns, differences, asked), "les mêmes rôles partout")
    if silent:
        raise silent[0]


def look_everywhere(
    campaign: Campaign, expected: dict[str, str]
) -> tuple[list[Sighting], list[PlatformError]]:
    """What each database and each supervision module says, and why some said nothing."""
    sightings, silent = [], []
    for site in campaign.platform.sites:
        looks: list[Callable[[Campaign, Site, dict[str, str]], Sighting]] = [ask_supervision]
        if site.database is not None:
            looks.append(ask_database)
        for look in looks:
            try:
                sightings.append(look(campaign, site, expected))
            except PlatformError as error:
                silent.append(error)
    return sightings, silent


def ask_database(campaign: Campaign, site: Site, _expected: dict[str, str]) -> Sighting:
    """A node's own role and its table of sites."""
    with campaign.session(site) as session:
        own, roles = session.query("site_role"), session.query("site_roles")
    request = f"{own.request}\n{roles.request}"
    return Sighting(f"base de {site.code}", site.code, str(own.scalar()), dict(roles.rows), request)


def ask_supervision(campaign: Campaign, site: Site, expected: dict[str, str]) -> Sighting:
    """What a supervision module knows; roles take a second to go round, so it may be asked again."""
    with campaign.web(site, "supervision") as web:
        answer = observe_until(
            lambda: web.get("/etat"), lambda got: parse_state(got).roles() == expected, SETTLE_SECONDS, 0.2
        )
    state = parse_state(answer)
    return Sighting(f"supervision de {site.code}", site.code, state.role, state.roles(), answer.request)
