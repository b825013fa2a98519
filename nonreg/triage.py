"""Triage: for each failure, what changed since it was last good, what the logs said, the presumed cause; pure."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Mapping

from nonreg import environment as env
from nonreg.captured import Captured
from nonreg.captured import read_captured as read_captured
from nonreg.causes import Symptoms, presume_cause
from nonreg.differences import compare_with_last_good, find_last_good
from nonreg.excerpts import cut_diff, find_around, find_new_errors, make_excerpts
from nonreg.model import (
    Assessment,
    Basis,
    CampaignRun,
    Change,
    Failure,
    Family,
    Finding,
    GuardStatus,
    Outcome,
    ScenarioResult,
    Triage,
)
from nonreg.probes.logs import NORMALISED
from nonreg.store import INTERRUPTED
from nonreg.triage_page import render_triage_markdown as render_triage_markdown

TRIAGED = (Outcome.KO, Outcome.INCONCLUSIF, Outcome.DEROGATION)
MESSAGE_CHARS, FINGERPRINT_CHARS = 2000, 12
SAME_WAY_SCENARIOS = 3
STOPPED_SERVICE = re.compile(r"(\S+) \((\w+)\)")


def build_triage(
    run: CampaignRun, basis: Basis, assessment: Assessment, captured: Captured
) -> tuple[Triage, ...]:
    """One triage per finding that is KO, INCONCLUSIF, DEROGATION or a REGRESSION, in their order."""
    attempts = group_attempts(run)
    findings = [
        one for one in assessment.findings if one.outcome in TRIAGED or one.change is Change.REGRESSION
    ]
    same_way = find_same_way(run, findings, attempts)
    return tuple(
        triage_one(run, basis, assessment, captured, one, attempts[one.scenario_id], same_way)
        for one in findings
    )


def group_attempts(run: CampaignRun) -> defaultdict[str, list[ScenarioResult]]:
    """Results by scenario, attempts in order."""
    attempts: defaultdict[str, list[ScenarioResult]] = defaultdict(list)
    for result in sorted(run.results, key=lambda one: one.attempt):
        attempts[result.scenario_id].append(result)
    return attempts


def triage_one(
    run: CampaignRun,
    basis: Basis,
    assessment: Assessment,
    captured: Captured,
    finding: Finding,
    attempts: list[ScenarioResult],
    same_way: Mapping[str, tuple[str, ...]],
) -> Triage:
    """The triage of one finding."""
    last_good = find_last_good(basis, finding.scenario_id)
    differences = compare_with_last_good(last_good, run) if last_good else ()
    around = {source: find_around(lines, attempts) for source, lines in captured.logs}
    failed = find_failed(attempts)
    family = find_family(finding.scenario_id)
    died, stopped = find_stopped_services(run)
    cause, why = presume_cause(
        Symptoms(
            failure=kind_of(failed),
            message=read_message(finding, failed),
            family=family,
            executed=bool(attempts) and (failed is None or failed.outcome is not Outcome.NON_EXECUTE),
            refused=find_refusals(run),
            interrupted=was_interrupted(run, failed),
            has_last_good=last_good is not None,
            differences=differences,
            drift=find_drift(run, captured),
            new_errors=find_new_errors(around, captured, family),
            died=died,
            stopped=stopped,
            troubles=find_replication_troubles(run),
            limit_changes=tuple(one.name for one in assessment.limit_changes),
            same_way=same_way.get(finding.scenario_id, ()),
            machine_factor=assessment.machine_factor,
        )
    )
    return Triage(
        scenario_id=finding.scenario_id,
        fingerprint=make_fingerprint(run, finding, failed),
        cause=cause,
        why=why,
        last_good_run=last_good.run_id if last_good else "",
        last_good_at=last_good.started_at if last_good else None,
        differences=differences,
        logs=make_excerpts(around, captured.new_signatures),
        diff=cut_diff(captured.modules_diff),
    )


def find_failed(attempts: list[ScenarioResult]) -> ScenarioResult | None:
    """The first attempt that was not good."""
    return next((one for one in attempts if not one.outcome.is_good), None)


def find_refusals(run: CampaignRun) -> tuple[str, ...]:
    """The guards with which nothing could be executed, and what they said."""
    return tuple(
        f"{guard.id}, {guard.message}"
        for guard in run.guards
        if guard.status.stops and guard.status is not GuardStatus.NOT_ASKED
    )


def was_interrupted(run: CampaignRun, failed: ScenarioResult | None) -> bool:
    """True when the run ended early and took this scenario along, begun or not."""
    early = bool(run.interruption) or run.pytest_exit not in (0, 1)
    return early and (failed is None or failed.message.startswith(INTERRUPTED))


def kind_of(failed: ScenarioResult | None) -> Failure | None:
    """The failure's kind; of a run recorded before kinds were, what its outcome and message say."""
    if failed is None or failed.failure is not None or failed.outcome is Outcome.NON_EXECUTE:
        return failed.failure if failed else None
    if failed.outcome is Outcome.KO:
        return Failure.ECART
    return Failure.CONTROLE if failed.message.startswith("Contrôle défaillant") else Failure.PLATEFORME


def read_message(finding: Finding, failed: ScenarioResult | None) -> str:
    """What the failing attempt said, or the judgement's note."""
    return (failed.message if failed else finding.note)[:MESSAGE_CHARS]


def find_family(scenario_id: str) -> Family:
    """The family of a scenario, BASE when its id tells none."""
    prefix = scenario_id.split("-")[0]
    return Family(prefix) if prefix in set(Family) else Family.BASE


def normalise(message: str) -> str:
    """A message without what varies from day to day: dates, numbers, identifiers, quoted texts."""
    text = message[:MESSAGE_CHARS]
    for pattern, replacement in NORMALISED:
        text = pattern.sub(replacement, text)
    return text.strip()


def make_fingerprint(run: CampaignRun, finding: Finding, failed: ScenarioResult | None) -> str:
    """The same for the same failure of the same scenario on the same platform, on any day."""
    kind = kind_of(failed)
    parts = (
        run.plan.platform.name,
        finding.scenario_id,
        kind.value if kind else "",
        normalise(read_message(finding, failed)),
    )
    digest = hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()
    return digest[:FINGERPRINT_CHARS]


def find_same_way(
    run: CampaignRun, findings: list[Finding], attempts: Mapping[str, list[ScenarioResult]]
) -> dict[str, tuple[str, ...]]:
    """Scenarios that failed alike (kind and normalised message), when they are many and of all planned families."""
    alike: defaultdict[tuple[Failure | None, str], list[str]] = defaultdict(list)
    for finding in findings:
        failed = find_failed(attempts.get(finding.scenario_id, []))
        alike[kind_of(failed), normalise(read_message(finding, failed))].append(finding.scenario_id)
    planned = {scenario.family for scenario in run.plan.scenarios}
    return {
        scenario_id: tuple(ids)
        for ids in alike.values()
        if len(planned) > 1
        and len(ids) >= SAME_WAY_SCENARIOS
        and {find_family(one) for one in ids} == planned
        for scenario_id in ids
    }


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
