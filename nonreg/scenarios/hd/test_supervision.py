"""HD-014: the three supervision modules hear each other and see their services."""

from __future__ import annotations

from nonreg.clients.sql import Rows
from nonreg.clients.web import Answer
from nonreg.config import Site
from nonreg.errors import PlatformError
from nonreg.fixtures import Campaign
from nonreg.model import Criticality
from nonreg.probes.supervision import judge_peers, parse_state
from nonreg.recorder import scenario
from nonreg.waiting import observe_until
from nonreg.witness import Witness

SETTLE_SECONDS = 3.0
FRESH_WITHOUT_LIMIT_SECONDS = 60.0


@scenario(
    "HD-014",
    "Supervision : les trois modules s'entendent, quorum atteint, battements frais",
    Criticality.MAJEURE,
    alone=True,
)
def test_supervision(witness: Witness, campaign: Campaign) -> None:
    codes = frozenset(site.code for site in campaign.platform.sites)
    limit = campaign.limit("heartbeat_age_seconds")
    fresh = FRESH_WITHOUT_LIMIT_SECONDS if limit is None else limit
    silent = []
    for site in campaign.platform.sites:
        try:
            answer = ask_settled(campaign, site, codes, fresh)
        except PlatformError as error:
            silent.append(error)  # the others tell whether they hear it
            continue
        state = parse_state(answer)
        witness.expect_equal(state.site, site.code, answer.request)
        witness.expect(state.quorum, answer.request, f"quorum atteint pour {site.code}", "quorum perdu")
        problems = tuple(judge_peers(state, codes, fresh))
        witness.expect_no_rows(
            Rows(("site", "écart"), problems, answer.request), f"{site.code} entend les autres"
        )
        ages = [peer.age_seconds for peer in state.peers.values() if peer.age_seconds is not None]
        if ages:
            name = f"âge du plus vieux battement entendu par {site.code}"
            witness.measure(name, max(ages), "s", limit, answer.request)
        stopped = ", ".join(name for name, is_running in state.services.items() if not is_running)
        running = f"chaque service de {site.code} en marche"
        witness.expect(not stopped, answer.request, running, f"arrêtés : {stopped}")
    if silent:
        raise silent[0]


def ask_settled(campaign: Campaign, site: Site, codes: frozenset[str], fresh: float) -> Answer:
    """The module's answer; it may be asked again for a few seconds, as after a restart of another one."""
    with campaign.web(site, "supervision") as web:
        return observe_until(
            lambda: web.get("/etat"),
            lambda got: not judge_peers(parse_state(got), codes, fresh),
            SETTLE_SECONDS,
            0.2,
        )
