"""What differs between the last good campaign of a scenario and this one; pure.

Facts that vary by nature are left out, clock and disk unless beyond their limit. What was not known before
is no difference; what was known and can no longer be read is one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from nonreg import environment as env
from nonreg.model import Basis, CampaignRun, Difference, Fact, LastGood

Key = tuple[str, str]
DEFAULT_CLOCK_SECONDS = 1.0
ABSENT = "absent"
NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,9})?", re.ASCII)


def find_last_good(basis: Basis, scenario_id: str) -> LastGood | None:
    """The latest campaign in which the scenario was good; the baseline when the history knows none."""
    known = [one for one in basis.last_good if scenario_id in one.scenario_ids]
    if known:
        return max(known, key=lambda one: (one.started_at, one.run_id))
    baseline = basis.baseline
    if baseline is None:
        return None
    good = tuple(one.scenario_id for one in baseline.results if one.outcome.is_good)
    if scenario_id not in good:
        return None
    return LastGood(
        run_id=baseline.run_id,
        started_at=baseline.run_started_at,
        application_version=baseline.application_version,
        dataset=baseline.dataset,
        tool_commit="",
        facts=baseline.facts,
        scenario_ids=good,
    )


def compare_with_last_good(last_good: LastGood, run: CampaignRun) -> tuple[Difference, ...]:
    """Every difference, what is stated first, then facts in the order in which they were read."""
    platform = run.plan.platform
    stated = (
        (env.DELIVERY, env.EXPECTED_VERSION, last_good.application_version, platform.application_version),
        (env.BENCH, env.EXPECTED_DATASET, last_good.dataset, platform.dataset),
        (env.BENCH, env.TOOL_COMMIT, last_good.tool_commit, run.plan.tool_commit),
    )
    told = tuple(
        Difference(subject, name, before, after)
        for subject, name, before, after in stated
        if before != after and not env.is_unknown(before) and not env.is_unknown(after)
    )
    if not run.facts:  # refused before anything was read
        return told
    return told + compare_facts(last_good.facts, run.facts, {one.name: one.value for one in run.plan.limits})


def compare_facts(
    before: tuple[Fact, ...], after: tuple[Fact, ...], limits: Mapping[str, float]
) -> tuple[Difference, ...]:
    """Facts that changed, appeared or disappeared, by subject and name."""
    old, new = index_facts(before), index_facts(after)
    known_before, known_after = find_known_groups(old), find_known_groups(new)
    differences = []
    for key in dict.fromkeys((*new, *old)):
        subject, name = key
        group = (subject, env.group_of(name))
        was, now = old.get(key, ""), new.get(key, "")
        if was == now or group not in known_before or (was and env.is_unknown(was)):
            continue
        if name in env.VARYING and not is_beyond_limit(name, now, limits):
            continue
        if not now and group not in known_after:
            continue  # the group itself could not be read: told once, by the fact that says so
        differences.append(Difference(subject, name, was or ABSENT, now or ABSENT))
    return tuple(differences)


def index_facts(facts: tuple[Fact, ...]) -> dict[Key, str]:
    """Values by subject and name; several of one name are told together."""
    values: dict[Key, list[str]] = {}
    for fact in facts:
        values.setdefault((fact.subject, fact.name), []).append(fact.value)
    return {key: ", ".join(found) for key, found in values.items()}


def find_known_groups(facts: Mapping[Key, str]) -> set[Key]:
    """Subjects and groups of which something was read."""
    return {
        (subject, env.group_of(name)) for (subject, name), value in facts.items() if not env.is_unknown(value)
    }


def is_beyond_limit(name: str, value: str, limits: Mapping[str, float]) -> bool:
    """True for a clock or a disk beyond what was agreed (1 s when no limit is)."""
    number = NUMBER.search(value)
    if number is None:
        return False
    if name == env.CLOCK_OFFSET:
        return abs(float(number[0])) > limits.get("clock_drift_seconds", DEFAULT_CLOCK_SECONDS)
    if name == env.FREE_DISK:
        return float(number[0]) * 1e9 < limits.get("disk_free_bytes", 0.0)
    return False


def describe_difference(difference: Difference) -> str:
    """`SITE-A, Système : « Linux 6.1 » devenu « Linux 6.2 »`."""
    subject, name = difference.subject, difference.name
    return f"{subject}, {name} : « {difference.before} » devenu « {difference.after} »"
