"""What a scenario may ask for. Each scenario opens its own connections; none is shared.

`campaign` gives the platform and the ids; `active`/`passive` read; `bench` writes tagged test data and
proves at the end that nothing is left; `trial` writes inside a transaction that is always rolled back;
`drill` breaks what was approved, and always heals it.

Each fixture declares the named queries that it runs by itself; a scenario declares the others (`nonreg.recorder`).
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest

from nonreg.bench import Bench, open_bench
from nonreg.clients.sql import Session, open_session
from nonreg.clients.ssh import Shell, open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site, load_platform
from nonreg.drills.drill import DrillRun, open_drill
from nonreg.drills.fleet import READS, SEEN, WRITES
from nonreg.errors import DrillRefused
from nonreg.model import CampaignPlan, SiteRole
from nonreg.recorder import PLATFORM_VARIABLE, RUN_VARIABLE, WITNESS, read_scenario, runs_queries
from nonreg.store import PLAN, load_json
from nonreg.witness import NotRestored, Witness

DEFAULT_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Campaign:
    """The campaign that a scenario belongs to."""

    platform: Platform
    plan: CampaignPlan
    run_dir: Path

    @property
    def id(self) -> str:
        """Tag (UUID) of everything the campaign writes."""
        return self.plan.campaign_id

    @property
    def active_site(self) -> Site:
        """Site expected to be active."""
        return self.platform.site(SiteRole.ACTIF)

    @property
    def passive_site(self) -> Site:
        """Site expected to be passive."""
        return self.platform.site(SiteRole.PASSIF)

    @property
    def witness_site(self) -> Site:
        """The surveillance site."""
        return self.platform.site(SiteRole.SURVEILLANCE)

    def limit(self, name: str) -> float | None:
        """The agreed limit of that name, None when there is none."""
        return self.platform.limits.get(name)

    def patience(self, name: str) -> float:
        """Seconds to wait for what that limit bounds: a little more than the limit, so that it is judged."""
        limit = self.limit(name)
        return DEFAULT_PATIENCE_SECONDS if limit is None else limit + 1

    def shell(self, site: Site) -> AbstractContextManager[Shell]:
        """An SSH connection to a site's host."""
        return open_shell(self.platform, site.host)

    def session(self, site: Site, account: str = "reader") -> AbstractContextManager[Session]:
        """A database connection to a site."""
        return open_session(self.platform, site, account)

    def web(self, site: Site, service: str) -> WebSession:
        """An HTTP session with one of a site's services."""
        url = getattr(site.web, service)
        assert url is not None, f"pas d'adresse {service} pour {site.code}"
        return WebSession(url, site.web.timeout_seconds)


@pytest.fixture
def campaign() -> Campaign:
    run_dir = Path(os.environ[RUN_VARIABLE])
    return Campaign(load_platform(os.environ[PLATFORM_VARIABLE]), read_plan(run_dir), run_dir)


@functools.cache
def read_plan(run_dir: Path) -> CampaignPlan:
    """The plan of the run that this process is for: it does not change, and a long one takes long to read."""
    return load_json(CampaignPlan, run_dir / PLAN)


@pytest.fixture
def witness(request: pytest.FixtureRequest) -> Witness:
    found: Witness = request.node.stash[WITNESS]
    return found


@pytest.fixture
def active(campaign: Campaign) -> Iterator[Session]:
    with campaign.session(campaign.active_site) as session:
        yield session


@pytest.fixture
def passive(campaign: Campaign) -> Iterator[Session]:
    with campaign.session(campaign.passive_site) as session:
        yield session


@pytest.fixture
@runs_queries("test_data_left")
def trial(campaign: Campaign, active: Session) -> Iterator[Bench]:
    """Test data in a transaction that is rolled back, then looked for: none may be left."""
    with campaign.session(campaign.active_site, "writer") as session:
        yield Bench(session, campaign.id)
    require_nothing_left(active, campaign.id)


@pytest.fixture
@runs_queries("bench_clean", "test_data_left")
def bench(campaign: Campaign, active: Session) -> Iterator[Bench]:
    """Committed test data under the campaign's id, cleaned at the end and proved clean."""
    with open_bench(campaign.platform, campaign.active_site, campaign.id) as opened:
        yield opened
    require_nothing_left(active, campaign.id)


@pytest.fixture
@runs_queries(
    "bench_clean",
    "bench_create_station",
    "bench_create_threshold",
    "distributor",
    "drill_beat",
    "drill_beats",
    "drill_frames",
    "drill_node",
    "latest_values",
    "publisher_agents",
    "site_role",
    "subscriber_agents",
    "subscriptions",
    "test_data_left",
)
def drill(request: pytest.FixtureRequest, campaign: Campaign, witness: Witness) -> Iterator[DrillRun]:
    """The approved drill of this scenario, begun in the steady state and ended in it."""
    scenario_id = read_scenario(request.node).id
    planned = next((one for one in campaign.plan.drills if one.scenario_id == scenario_id), None)
    if planned is None:
        raise DrillRefused(f"{scenario_id} n'est pas un exercice autorisé de ce passage.")
    try:
        with open_drill(campaign.platform, campaign.plan, planned, campaign.run_dir) as run:
            yield run
            witness.missed += [f"panne prévue, jamais injectée : {one}" for one in run.list_never_injected()]
    finally:
        for title, name in (
            ("registre des écritures", WRITES),
            ("lectures", READS),
            ("rôles et alarmes vus", SEEN),
        ):
            path = campaign.run_dir / "evidence" / scenario_id / name
            if path.is_file():
                witness.keep_file(title, path)


def require_nothing_left(active: Session, campaign_id: str) -> None:
    """NotRestored that names what test data of the campaign is still there."""
    left = active.query("test_data_left", campaign_id=campaign_id)
    if left.rows:
        raise NotRestored(
            "Données d'essai restantes : " + ", ".join(f"{count} {what}" for what, count in left.rows)
        )
