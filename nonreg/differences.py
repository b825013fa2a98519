"""What differs between the last good campaign of a scenario and this one; pure.

Facts that vary by nature are left out, clock and disk unless beyond their limit. What was not known before
is no difference; what was known and can no longer be read is one.
"""

from __future__ import annotations

import dataclasses
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from nonreg import environment as env
from nonreg.model import Baseline, Basis, CampaignRun, Difference, Fact, LastGood
from nonreg.wording import plural

Key = tuple[str, str]
DEFAULT_CLOCK_SECONDS = 1.0
ABSENT = "absent"
# With the decimal comma of today's facts, or the point of older ones.
NUMBER = re.compile(r"-?\d{1,15}(?:[.,]\d{1,9})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The last good campaign of a scenario against this one.

    `compared` is False when the environment of either is unknown: having found no difference then says
    nothing. `notes` are French sentences on what could not be compared, or was compared with something else.
    """

    last_good: LastGood | None = None
    differences: tuple[Difference, ...] = ()
    compared: bool = False
    notes: tuple[str, ...] = ()


def compare_scenarios(basis: Basis, run: CampaignRun, scenario_ids: Iterable[str]) -> dict[str, Comparison]:
    """One comparison a scenario; scenarios of the same last good campaign share theirs."""
    latest = {
        scenario_id: one
        for one in sorted(basis.last_good, key=lambda one: (one.started_at, one.run_id))
        for scenario_id in one.scenario_ids
    }
    promoted = describe_baseline(basis.baseline) if basis.baseline is not None else None
    good_then = frozenset(promoted.scenario_ids) if promoted is not None else frozenset()
    made: dict[tuple[int, bool], Comparison] = {}
    found = {}
    for scenario_id in scenario_ids:
        fallback = promoted if scenario_id in good_then else None
        last_good = latest.get(scenario_id, fallback)
        if last_good is None:
            found[scenario_id] = Comparison()
            continue
        key = (id(last_good), fallback is not None)
        if key not in made:
            number = basis.baseline.number if basis.baseline is not None else 0
            made[key] = compare_campaigns(last_good, fallback, number, run)
        found[scenario_id] = made[key]
    return found


def describe_baseline(baseline: Baseline) -> LastGood:
    """The promoted run as a good one of the scenarios that were good in it."""
    return LastGood(
        run_id=baseline.run_id,
        started_at=baseline.run_started_at,
        application_version=baseline.application_version,
        dataset=baseline.dataset,
        tool_commit="",
        facts=baseline.facts,
        scenario_ids=tuple(one.scenario_id for one in baseline.results if one.outcome.is_good),
    )


def compare_campaigns(
    last_good: LastGood, promoted: LastGood | None, number: int, run: CampaignRun
) -> Comparison:
    """The last good campaign against this one; the promoted one lends its environment when the former's is gone."""
    notes = []
    known = last_good
    if not last_good.facts and promoted is not None and promoted.facts:
        dataset = last_good.dataset or promoted.dataset
        known = dataclasses.replace(last_good, facts=promoted.facts, dataset=dataset)
        notes.append(
            "Environnement du dernier bon passage inconnu : comparaison avec celui de la référence promue "
            f"n° {number} (passage {promoted.run_id}), où ce scénario était bon."
        )
    elif not last_good.facts:
        notes.append("Environnement du dernier bon passage inconnu : il n'a pas pu être comparé.")
    if not run.facts:
        notes.append(
            "Environnement de ce passage inconnu : rien n'en a été relevé, rien n'a pu être comparé."
        )
    notes += describe_unread(known.facts, run.facts)
    return Comparison(
        last_good, compare_with_last_good(known, run), bool(known.facts and run.facts), tuple(notes)
    )


def describe_unread(before: tuple[Fact, ...], after: tuple[Fact, ...]) -> list[str]:
    """What is known now and could not be read then, counted by subject: nobody can say whether it changed."""
    now = {(fact.subject, fact.name) for fact in after if not env.is_unknown(fact.value)}
    unread = Counter(
        fact.subject
        for fact in before
        if env.is_unknown(fact.value) and fact.name not in env.VARYING and (fact.subject, fact.name) in now
    )
    if not unread:
        return []
    counted = [f"{subject} ({plural(count, 'élément', 'éléments')})" for subject, count in unread.items()]
    return [f"Illisible au dernier bon passage, donc non comparé : {', '.join(counted)}."]


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
    number = read_number(value)
    if number is None:
        return False
    if name == env.CLOCK_OFFSET:
        return abs(number) > limits.get("clock_drift_seconds", DEFAULT_CLOCK_SECONDS)
    if name == env.FREE_DISK:
        return number * 1e9 < limits.get("disk_free_bytes", 0.0)
    return False


def read_number(value: str) -> float | None:
    """The first number of a fact's value, `-3,1 s` say."""
    number = NUMBER.search(value)
    return None if number is None else float(number[0].replace(",", "."))


def describe_difference(difference: Difference) -> str:
    """`SITE-A, Système : « Linux 6.1 » devenu « Linux 6.2 »`."""
    subject, name = difference.subject, difference.name
    return f"{subject}, {name} : « {difference.before} » devenu « {difference.after} »"
