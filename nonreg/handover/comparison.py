"""A renfort's campaign against the last run of somebody else: same scenarios, same results, or why not. Pure.

It says whether the person and the workstation find what the titulaire finds; the verdict says whether that is good.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nonreg.handover.checks.result import Point
from nonreg.model import CampaignPlan, CampaignReport, Outcome
from nonreg.wording import plural

TITLE = "Mêmes résultats que le dernier passage d'un autre"


class Kind(StrEnum):
    """What became of one scenario between both runs."""

    REGRESSED = "regression"
    FIXED = "corrige"
    OTHER = "autre"  # both good, or both bad, and not the same
    MISSING = "absent"  # of his run: only the other one has it
    NEW = "nouveau"


READING = {
    Kind.REGRESSED: "bon à l'autre passage, plus au sien : rejouer ce scénario par les deux comptes ; en échec par le "
    "sien seul, ce sont ses droits ou son poste ; par les deux, c'est l'application ou la plateforme qui a changé",
    Kind.FIXED: "en échec à l'autre passage, bon au sien : la cause a disparu entre les deux, à dire au ticket",
    Kind.OTHER: "pas le même résultat, sans gravité nouvelle : lire les deux messages",
    Kind.MISSING: "seul l'autre passage l'a : il n'était pas dans cette sélection",
    Kind.NEW: "l'autre passage ne l'a pas : rien à quoi le comparer",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One scenario that did not end alike; None where the run does not have it."""

    scenario_id: str
    kind: Kind
    before: Outcome | None
    after: Outcome | None
    reading: str


@dataclass(frozen=True, slots=True)
class RunComparison:
    """Both runs, what differs between them, and how many scenarios ended alike; of one version of the application."""

    run_id: str
    earlier_run_id: str
    earlier_at: datetime
    application_version: str
    alike: int
    differences: tuple[Difference, ...]

    def list_of(self, kind: Kind) -> tuple[Difference, ...]:
        """The differences of one kind."""
        return tuple(one for one in self.differences if one.kind is kind)


def is_comparable(earlier: CampaignPlan, plan: CampaignPlan, own_runs: frozenset[str]) -> bool:
    """Whether it is an earlier run of the same platform, families and version, and somebody else's.

    His own are those that his runbooks began, and those of his own platform file, whose accounts are his.
    """
    return (
        earlier.run_id != plan.run_id
        and earlier.run_id not in own_runs
        and earlier.platform.identity_token == plan.platform.identity_token
        and earlier.platform.application_version == plan.platform.application_version
        and set(earlier.families) >= set(plan.families)
        and earlier.created_at <= plan.created_at
        and name_file(earlier) != name_file(plan)
    )


def name_file(plan: CampaignPlan) -> str:
    """The platform file that a run was started with, as its command tells it."""
    words = shlex.split(plan.command)
    return words[words.index("--platform") + 1] if "--platform" in words[:-1] else ""


def choose_earlier(earlier: Iterable[CampaignPlan], plan: CampaignPlan) -> CampaignPlan | None:
    """The last of those that hold every scenario of a run, otherwise the last that holds the most of them."""
    found: CampaignPlan | None = None
    most = 0
    for one in sorted(earlier, key=lambda one: (one.created_at, one.run_id), reverse=True):
        held = len({mine.id for mine in plan.scenarios} & {theirs.id for theirs in one.scenarios})
        if held == len(plan.scenarios):
            return one
        if held > most:
            found, most = one, held
    return found


def compare_runs(earlier: CampaignReport, his: CampaignReport) -> RunComparison:
    """Scenario by scenario, as both were judged."""
    before = {one.scenario_id: one.outcome for one in earlier.assessment.findings}
    after = {one.scenario_id: one.outcome for one in his.assessment.findings}
    differences = []
    for scenario_id in sorted(before.keys() | after.keys()):
        old, new = before.get(scenario_id), after.get(scenario_id)
        if old is not new:
            kind = classify(old, new)
            differences.append(Difference(scenario_id, kind, old, new, READING[kind]))
    return RunComparison(
        his.run.plan.run_id,
        earlier.run.plan.run_id,
        earlier.run.started_at,
        his.run.plan.platform.application_version,
        sum(before.get(one) is outcome for one, outcome in after.items()),
        tuple(differences),
    )


def classify(before: Outcome | None, after: Outcome | None) -> Kind:
    """What became of a scenario whose outcomes are not the same."""
    if before is None:
        return Kind.NEW
    if after is None:
        return Kind.MISSING
    if before.is_good and not after.is_good:
        return Kind.REGRESSED
    if after.is_good and not before.is_good:
        return Kind.FIXED
    # A check that was made and no longer is proves nothing any more, good as its outcome may be called.
    return Kind.REGRESSED if before.is_passed and not after.is_passed else Kind.OTHER


def judge_comparison(comparison: RunComparison) -> Point:
    """Not right when something regressed; everything else is told."""
    regressed = comparison.list_of(Kind.REGRESSED)
    told = f"Comparé au passage {comparison.earlier_run_id}, version {comparison.application_version} : "
    told += f"{plural(comparison.alike, 'scénario identique', 'scénarios identiques')}"
    others = [
        f"{len(found)} {word}"
        for kind, word in (
            (Kind.FIXED, "en échec avant et bon(s) maintenant"),
            (Kind.OTHER, "autre(s) sans gravité nouvelle"),
            (Kind.NEW, "sans rien à quoi le(s) comparer"),
        )
        if (found := comparison.list_of(kind))
    ]
    told += "".join(f", {one}" for one in others)
    if not regressed:
        return Point(TITLE, True, f"{told}.")
    named = ", ".join(f"{one.scenario_id} ({one.before} → {one.after})" for one in regressed)
    return Point(
        TITLE,
        False,
        f"{told} ; bon(s) alors et plus maintenant : {named}.",
        "Rejouez ces scénarios par les deux comptes (« campaign --select ») : en échec par le sien seul, refaites les "
        "contrôles « droits » et « poste » ; par les deux, c'est l'application ou la plateforme qui a changé, à ranger "
        "au ticket. Puis réessayez.",
    )


def tell_nothing_to_compare(plan: CampaignPlan) -> Point:
    """There is no run of somebody else to compare with: said, and no failure."""
    return Point(
        TITLE,
        True,
        f"Aucun passage antérieur d'un autre, en version {plan.platform.application_version} et sur ces familles : "
        "rien à quoi comparer.",
    )
