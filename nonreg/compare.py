"""One scenario against what was known before, and the reference against itself. Pure.

Known before is the promoted baseline, then the last campaigns that judged the scenario.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

from nonreg.model import (
    Basis,
    CampaignPlan,
    CampaignRun,
    Change,
    Finding,
    LimitChange,
    Outcome,
    ScenarioResult,
    Slowdown,
    Waiver,
)
from nonreg.selection import is_selected

WORST_FIRST = (
    Outcome.KO,
    Outcome.INCONCLUSIF,
    Outcome.NON_EXECUTE,
    Outcome.DEROGATION,
    Outcome.MESURE,
    Outcome.NON_APPLICABLE,
    Outcome.OK,
)
GOOD_LETTERS = "".join(outcome.letter for outcome in Outcome if outcome.is_good)
# A campaign that could not judge a scenario says nothing of it.
JUDGED_LETTERS = GOOD_LETTERS + Outcome.KO.letter + Outcome.DEROGATION.letter
# Good and bad in turn at least this often over so many campaigns, this one included, is unstable.
UNSTABLE_ALTERNATIONS, UNSTABLE_CAMPAIGNS = 3, 10


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a scenario before this run: in the baseline, and in the last campaigns that judged it."""

    baseline: Outcome | None
    letters: str

    @property
    def last(self) -> str:
        """Letter of the last campaign that judged it, empty when none did."""
        return self.letters[-1:]

    @property
    def shown(self) -> Outcome | None:
        """The outcome to compare with: the baseline's, else the last campaign's."""
        if self.baseline is not None or not self.letters:
            return self.baseline
        return next(outcome for outcome in Outcome if outcome.letter == self.last)

    @property
    def worked(self) -> bool:
        """True when it was good in the baseline or in the last campaign."""
        return bool(self.baseline and self.baseline.is_good) or (
            self.last != "" and self.last in GOOD_LETTERS
        )

    @property
    def failed_last(self) -> bool:
        """True when the last thing known of it is not good."""
        if self.last:
            return self.last not in GOOD_LETTERS
        return self.baseline is not None and not self.baseline.is_good


def group_attempts(results: Iterable[ScenarioResult]) -> dict[str, tuple[ScenarioResult, ...]]:
    """Results by scenario, attempts in order of their numbers."""
    grouped: dict[str, list[ScenarioResult]] = {}
    for result in results:
        grouped.setdefault(result.scenario_id, []).append(result)
    return {key: tuple(sorted(found, key=lambda one: one.attempt)) for key, found in grouped.items()}


def settle(attempts: tuple[ScenarioResult, ...]) -> ScenarioResult:
    """The attempt that counts: the last one when it is good, otherwise the worst of all."""
    if attempts[-1].outcome.is_good:
        return attempts[-1]
    return min(attempts, key=lambda one: WORST_FIRST.index(one.outcome))


def read_past(basis: Basis) -> dict[str, Past]:
    """What is known of every scenario of the baseline and of the history."""
    before = {one.scenario_id: one.outcome for one in basis.baseline.results} if basis.baseline else {}
    letters = {
        one.scenario_id: "".join(letter for letter in one.outcomes if letter in JUDGED_LETTERS)
        for one in basis.history.scenarios
    }
    return {key: Past(before.get(key), letters.get(key, "")) for key in before.keys() | letters.keys()}


def choose_waiver(waivers: Iterable[Waiver], scenario_id: str) -> Waiver | None:
    """The waiver of a scenario that lasts longest: one in force before any expired one."""
    own = [waiver for waiver in waivers if waiver.scenario_id == scenario_id]
    return max(own, key=lambda waiver: (waiver.expires_at, waiver.decision), default=None)


def compare(
    scenario_id: str,
    attempts: tuple[ScenarioResult, ...],
    past: Past,
    waiver: Waiver | None,
    run: CampaignRun,
    slow: tuple[Slowdown, ...],
    confirmed: tuple[Slowdown, ...],
) -> Finding:
    """One scenario against baseline and last campaigns; without a result it is MISSING, never forgotten."""
    if not attempts:
        note = "Planifié, sans résultat."
        return Finding(scenario_id, Outcome.NON_EXECUTE, Change.MISSING, past.shown, note, waiver)
    result = settle(attempts)
    in_force = waiver is not None and waiver.is_in_force(run.plan.created_at)
    outcome, notes = result.outcome, [result.message]
    if outcome is Outcome.KO and waiver is not None:
        until = f"{waiver.expires_at:%d/%m/%Y %H:%M UTC%z}"
        word = "en vigueur jusqu'au" if in_force else "expirée depuis le"
        notes.append(f"Dérogation {waiver.decision} ({waiver.ticket}) {word} {until} : {waiver.reason}")
    if outcome is Outcome.KO and in_force:
        outcome, change = Outcome.DEROGATION, Change.KNOWN_FAILURE
    elif not outcome.is_good:
        change = Change.REGRESSION if past.worked else Change.SAME if past.shown else Change.NEW
    else:
        retried = len(attempts) > 1
        if retried:
            notes.append(
                f"{len(attempts)} essais ; le premier : {attempts[0].outcome}, {attempts[0].message}"
            )
        change = judge_good(past, result, retried, confirmed)
    return Finding(
        scenario_id,
        outcome,
        change,
        past.shown,
        " ".join(filter(None, notes)),
        waiver,
        slower=confirmed,
        to_confirm=tuple(one for one in slow if one not in confirmed),
    )


def judge_good(past: Past, result: ScenarioResult, retried: bool, confirmed: tuple[Slowdown, ...]) -> Change:
    """What has to be said of a scenario that is good now."""
    recent = [
        letter in GOOD_LETTERS for letter in (past.letters + result.outcome.letter)[-UNSTABLE_CAMPAIGNS:]
    ]
    turns = sum(one != other for one, other in itertools.pairwise(recent))
    if retried or turns >= UNSTABLE_ALTERNATIONS:
        return Change.UNSTABLE
    if confirmed:
        return Change.SLOWER
    if past.shown is None:
        return Change.NEW
    return Change.FIXED if past.failed_last else Change.SAME


def find_removed(plan: CampaignPlan, basis: Basis) -> tuple[str, ...]:
    """Scenarios of the baseline that this selection should hold and the plan does not."""
    baseline = basis.baseline
    if baseline is None or baseline.catalog != plan.catalog:
        return ()
    planned = {scenario.id for scenario in plan.scenarios}
    families = {family.value for family in plan.families}
    return tuple(
        one.scenario_id
        for one in baseline.results
        if one.scenario_id not in planned
        and one.scenario_id.split("-")[0] in families
        and is_selected(one.scenario_id, plan.selection)
    )


def compare_limits(plan: CampaignPlan, basis: Basis) -> tuple[LimitChange, ...]:
    """Agreed limits that are not those of the baseline, by name."""
    if basis.baseline is None:
        return ()
    before = {limit.name: limit.value for limit in basis.baseline.limits}
    after = {limit.name: limit.value for limit in plan.limits}
    return tuple(
        LimitChange(name, before.get(name), after.get(name))
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    )


def compare_files(basis: Basis) -> tuple[str, ...]:
    """Names of the reference files that are not those of the promotion."""
    if basis.baseline is None:
        return ()
    return tuple(sorted({name for name, _ in {*basis.baseline.files} ^ {*basis.files}}))
