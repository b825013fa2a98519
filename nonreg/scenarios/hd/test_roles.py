"""HD-001: who is active, as every site sees it."""

from __future__ import annotations

from nonreg.clients.sql import Rows
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.roles import compare_roles, find_active
from nonreg.probes.supervision import SupervisionState, parse_state
from nonreg.recorder import scenario
from nonreg.waiting import observe_until
from nonreg.witness import Witness

SETTLE_SECONDS = 3.0


@scenario("HD-001", "Rôles : un seul site ACTIF, vu de la même façon par chaque site", Criticality.BLOQUANTE)
def test_roles(witness: Witness, campaign: Campaign) -> None:
    expected = {site.code: site.role.value for site in campaign.platform.sites}
    own: dict[str, str] = {}
    views: dict[str, dict[str, str]] = {}
    requests = []
    for site in campaign.platform.sites:
        if site.database is not None:
            with campaign.session(site) as session:
                role, roles = session.query("site_role"), session.query("site_roles")
            own[site.code] = str(role.scalar())
            views[f"base de {site.code}"] = dict(roles.rows)
            requests += [role.request, roles.request]
        request, state = read_settled_state(campaign, site.code, expected)
        own.setdefault(site.code, state.role)
        views[f"supervision de {site.code}"] = state.roles()
        requests.append(request)
    asked = "\n".join(requests)
    witness.expect_equal(", ".join(find_active(own)), campaign.active_site.code, asked)
    differences = compare_roles(expected, views)
    columns = ("vu par", "site", "rôle attendu", "rôle vu")
    witness.expect_no_rows(Rows(columns, tuple(differences), asked), "les mêmes rôles partout")


def read_settled_state(
    campaign: Campaign, code: str, expected: dict[str, str]
) -> tuple[str, SupervisionState]:
    """A module's state and its request; roles take a second to go round, so it may be asked again."""
    site = next(site for site in campaign.platform.sites if site.code == code)
    with campaign.web(site, "supervision") as web:
        answer = observe_until(
            lambda: web.get("/etat"), lambda got: parse_state(got).roles() == expected, SETTLE_SECONDS, 0.2
        )
    return answer.request, parse_state(answer)
