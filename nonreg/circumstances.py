"""What a run itself shows of its failures' circumstances, the same for all of them; pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nonreg import environment as env
from nonreg.captured import Captured
from nonreg.model import CampaignRun, GuardStatus

STOPPED_SERVICE = re.compile(r"(\S+) \((\w+)\)")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """French sentences, without final point.

    `refused`: guards with which nothing could be executed; `drift`: what is not as delivered; `died`, `stopped`:
    services, when the run began; `troubles`: what did not run of the replication.
    """

    refused: tuple[str, ...]
    drift: tuple[str, ...]
    died: tuple[str, ...]
    stopped: tuple[str, ...]
    troubles: tuple[str, ...]


def read_circumstances(run: CampaignRun, captured: Captured) -> Circumstances:
    """All of them, worked out once a run."""
    died, stopped = find_stopped_services(run)
    return Circumstances(
        find_refusals(run), find_drift(run, captured), died, stopped, find_replication_troubles(run)
    )


def find_refusals(run: CampaignRun) -> tuple[str, ...]:
    """The guards with which nothing could be executed, and what they said."""
    return tuple(
        f"{guard.id}, {guard.message}"
        for guard in run.guards
        if guard.status.stops and guard.status is not GuardStatus.NOT_ASKED
    )


def find_drift(run: CampaignRun, captured: Captured) -> tuple[str, ...]:
    """What differs from the delivery: modules, configuration files, versions."""
    modules = [
        line.removeprefix("+++ ") for line in captured.modules_diff.splitlines() if line.startswith("+++ ")
    ]
    files = [f"{host}/{name} ({change})" for host, name, change in captured.configuration]
    delivered = run.plan.platform.application_version
    versions = [
        f"{fact.subject}, {fact.name} : {fact.value}, {delivered} attendue"
        for fact in run.facts
        if fact.name.startswith((env.SERVICE_VERSION, env.APPLICATION_VERSION))
        and not env.is_unknown(fact.value)
        and fact.value != delivered
    ]
    return (*modules, *files, *versions)


def find_stopped_services(run: CampaignRun) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Services that had died and those that somebody had stopped, when the run began."""
    found: dict[str, list[str]] = {env.DIED: [], env.STOPPED: []}
    for fact in run.facts:
        if fact.name == env.STOPPED_SERVICES and not env.is_unknown(fact.value):
            for service, how in STOPPED_SERVICE.findall(fact.value):
                found.get(how, []).append(f"{service}, {fact.subject}")
    return tuple(found[env.DIED]), tuple(found[env.STOPPED])


def find_replication_troubles(run: CampaignRun) -> tuple[str, ...]:
    """Agents that did not run and subscriptions that were disabled, when the run began."""
    troubles = []
    for fact in run.facts:
        if env.is_unknown(fact.value):
            continue
        if fact.name == env.AGENTS:
            agents = [one for one in fact.value.split(", ") if " : " in one and not one.endswith("en marche")]
            troubles += [f"Agent de réplication, {fact.subject} : {one}" for one in agents]
        elif fact.name == env.SUBSCRIPTIONS and "désactivé" in fact.value:
            troubles.append(f"Abonnement, {fact.subject} : {fact.value}")
    return tuple(troubles)
