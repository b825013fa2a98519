"""Is the platform in its steady state: nominal roles, replication streaming, services up, sites hearing each other?"""

from __future__ import annotations

from nonreg.clients.ssh import open_shell
from nonreg.clients.web import WebSession
from nonreg.config import Platform, Site
from nonreg.errors import NonregError
from nonreg.ha.driver import choose_driver
from nonreg.probes.supervision import judge_peers, parse_state
from nonreg.probes.units import read_unit
from nonreg.waiting import observe_until, sample

POLL_SECONDS = 0.2
AGAIN_SECONDS = 0.7
DEFAULT_FRESH_SECONDS = 60.0


def wait_steady(platform: Platform, within_seconds: float) -> tuple[str, ...]:
    """What is not as it must be at the deadline, in French; empty once two looks in a row found all well.

    A service that dies at its start is seen running once.
    """

    def look_twice() -> tuple[str, ...]:
        first, second = sample(lambda: find_unsteady(platform), 2, AGAIN_SECONDS)
        return first or second

    return observe_until(look_twice, lambda found: not found, within_seconds, POLL_SECONDS)


def find_unsteady(platform: Platform) -> tuple[str, ...]:
    """What is not as it must be now; a question that cannot be asked counts."""
    return (
        *find_wrong_nodes(platform),
        *(problem for site in platform.sites for problem in find_stopped_services(platform, site)),
        *(problem for site in platform.sites for problem in find_blind_spots(platform, site)),
    )


def find_wrong_nodes(platform: Platform) -> tuple[str, ...]:
    """Roles and replication of the database nodes, judged as one group."""
    return choose_driver(platform).health().problems


def find_stopped_services(platform: Platform, site: Site) -> tuple[str, ...]:
    """Services of a host that do not run."""
    try:
        with open_shell(platform, site.host) as shell:
            states = {
                name: read_unit(shell.run("service_state", service=name)) for name in site.host.services
            }
    except NonregError as error:
        return (str(error),)
    return tuple(
        f"service {name} de {site.code} : {state}" for name, state in states.items() if not state.is_running
    )


def find_blind_spots(platform: Platform, site: Site) -> tuple[str, ...]:
    """What a site's supervision does not see as it must: the others, their roles, an alarm still open."""
    if site.web.supervision is None:
        return ()
    codes = frozenset(one.code for one in platform.sites)
    fresh = platform.limits.get("heartbeat_age_seconds", DEFAULT_FRESH_SECONDS)
    try:
        with WebSession(site.web.supervision, site.web.timeout_seconds) as web:
            state = parse_state(web.get("/etat"))
    except NonregError as error:
        return (str(error),)
    expected = {one.code: one.role.value for one in platform.sites}
    wrong = [
        f"{site.code} voit {code} {role}"
        for code, role in state.roles().items()
        if role != expected.get(code)
    ]
    unheard = [f"{site.code} : {other} {problem}" for other, problem in judge_peers(state, codes, fresh)]
    return (*wrong, *unheard, *(f"alarme ouverte : {label}" for label in state.alarms))
