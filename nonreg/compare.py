"""One scenario against what was known before, and the reference against itself. Pure.

Known before is the promoted baseline, then the last campaigns that judged the scenario.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from nonreg.history_records import JUDGED_LETTERS, PASSED_LETTERS, count_flips
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
from nonreg.working_time import PARIS

WORST_FIRST = (
    Outcome.KO,
    Outcome.INCONCLUSIF,
    Outcome.NON_EXECUTE,
    Outcome.DEROGATION,
    Outcome.MESURE,
    Outcome.NON_APPLICABLE,
    Outcome.OK,
)
# Good and bad in turn at least this often over so many campaigns, this one included, is unstable.
UNSTABLE_ALTERNATIONS, UNSTABLE_CAMPAIGNS = 3, 10


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a scenario before this run.

    `baseline` is its outcome in the promoted run, `letters` those of the last campaigns that judged it;
    `worked` is true when it passed in the baseline or since, without a baseline at any time.
    """

    baseline: Outcome | None = None
    letters: str = ""
    worked: bool = False

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
    def failed_last(self) -> bool:
        """True when the last thing judged of it was not good."""
        if self.last:
            return self.last not in PASSED_LETTERS
        return self.baseline in (Outcome.KO, Outcome.DEROGATION)


def group_attempts(results: Iterable[ScenarioResult]) -> dict[str, tuple[ScenarioResult, ...]]:
    """Results by scenario, attempts in order of their numbers."""
    grouped: dict[str, list[ScenarioResult]] = {}
    for result in results:
        grouped.setdefault(result.scenario_id, []).append(result)
    return {key: tuple(sorted(found, key=lambda one: one.attempt)) for key, found in grouped.items()}


def settle(attempts: tuple[ScenarioResult, ...]) -> ScenarioResult:
    """The attempt that counts: the last one when it passed, otherwise the worst of all."""
    if attempts[-1].outcome.is_passed:
        return attempts[-1]
    return min(attempts, key=lambda one: WORST_FIRST.index(one.outcome))


def read_past(basis: Basis) -> dict[str, Past]:
    """What is known of every scenario of the baseline, of the history and of the last good runs."""
    before = {one.scenario_id: one.outcome for one in basis.baseline.results} if basis.baseline else {}
    since = basis.baseline.run_started_at if basis.baseline else None
    is_later = [since is None or run.started_at > since for run in basis.history.runs]
    letters, worked = {}, {key for key, outcome in before.items() if outcome.is_passed}
    for one in basis.history.scenarios:
        letters[one.scenario_id] = "".join(letter for letter in one.outcomes if letter in JUDGED_LETTERS)
        if any(
            later and letter in PASSED_LETTERS for later, letter in zip(is_later, one.outcomes, strict=True)
        ):
            worked.add(one.scenario_id)
    for good in basis.last_good:
        if since is None or good.started_at > since:
            worked |= set(good.scenario_ids)
    return {
        key: Past(before.get(key), letters.get(key, ""), key in worked)
        for key in before.keys() | letters.keys() | worked
    }


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
        note = "Prévu, sans résultat."
        return Finding(scenario_id, Outcome.NON_EXECUTE, Change.MISSING, past.shown, note, waiver)
    result = settle(attempts)
    in_force = waiver is not None and waiver.is_in_force(run.plan.created_at)
    outcome, notes = result.outcome, [result.message]
    if outcome is Outcome.KO and waiver is not None:
        until = f"{waiver.expires_at.astimezone(PARIS):%d/%m/%Y à %H:%M} (heure de Paris)"
        word = "en vigueur jusqu'au" if in_force else "expirée depuis le"
        notes.append(f"Dérogation {waiver.decision} ({waiver.ticket}) {word} {until} : {waiver.reason}")
    if outcome is Outcome.KO and in_force:
        outcome, change = Outcome.DEROGATION, Change.KNOWN_FAILURE
    elif outcome is Outcome.KO:
        change = Change.REGRESSION if past.worked else Change.SAME if past.shown else Change.NEW
    elif not outcome.is_good:
        change = Change.UNJUDGED
    else:
        change, why = judge_good(past, attempts, confirmed)
        notes.append(why)
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


def judge_good(
    past: Past, attempts: tuple[ScenarioResult, ...], confirmed: tuple[Slowdown, ...]
) -> tuple[Change, str]:
    """What has to be said of a scenario that is good now, and why, in French."""
    outcome = settle(attempts).outcome
    if len(attempts) > 1:
        first = attempts[0]
        return Change.UNSTABLE, f"Premier essai : {first.outcome}, {first.message}"
    if not outcome.is_passed:
        return (Change.NEW if past.shown is None else Change.SAME), ""
    recent = (past.letters + outcome.letter)[-UNSTABLE_CAMPAIGNS:]
    if count_flips(recent) >= UNSTABLE_ALTERNATIONS:
        return Change.UNSTABLE, f"Tantôt bon, tantôt en échec aux dernières campagnes : {recent}."
    if confirmed:
        return Change.SLOWER, ""
    if past.shown is None:
        return Change.NEW, ""
    if past.failed_last:
        return Change.FIXED, "En échec la dernière fois qu'il a été jugé."
    return Change.SAME, ""


def find_no_longer_checked(findings: Iterable[Finding], basis: Basis) -> tuple[str, ...]:
    """Scenarios that were judged in the baseline and are only not applicable, or measured without limit, now."""
    if basis.baseline is None:
        return ()
    before = {one.scenario_id: one.outcome for one in basis.baseline.results}
    judged = (Outcome.OK, Outcome.KO, Outcome.DEROGATION)
    return tuple(
        one.scenario_id
        for one in findings
        if one.outcome in (Outcome.NON_APPLICABLE, Outcome.MESURE) and before.get(one.scenario_id) in judged
    )


def compare_scenarios(run: CampaignRun, basis: Basis) -> tuple[str, ...]:
    """In French, what of the scenarios themselves is not as in the baseline: criticality, limits, measures."""
    if basis.baseline is None:
        return ()
    before = {one.scenario_id: one for one in basis.baseline.results}
    final = {key: settle(attempts) for key, attempts in group_attempts(run.results).items()}
    said = []
    for scenario in run.plan.scenarios:
        old = before.get(scenario.id)
        if old is None:
            continue
        if old.criticality is not scenario.criticality:
            said.append(f"{scenario.id} : criticité {old.criticality} → {scenario.criticality}")
        result = final.get(scenario.id)
        if result is None or not result.outcome.is_passed:
            continue
        now = {one.name: one for one in result.measures}
        for measure in old.measures:
            found = now.get(measure.name)
            if found is None:
                said.append(f"{scenario.id} : « {measure.name} » n'est plus mesuré")
            elif found.limit != measure.limit:
                limits = " → ".join(
                    "sans limite" if limit is None else f"{limit:g} {found.unit}"
                    for limit in (measure.limit, found.limit)
                )
                said.append(f"{scenario.id} : limite de « {measure.name} » {limits}")
    return tuple(said)


def find_removed(plan: CampaignPlan, basis: Basis) -> tuple[str, ...]:
    """Scenarios of the baseline that this selection should hold and the plan does not.

    Drills are asked for apart, and those that do more than the campaign may were left out on purpose.
    """
    baseline = basis.baseline
    if baseline is None or baseline.catalog != plan.catalog:
        return ()
    planned = {scenario.id for scenario in plan.scenarios} | {*plan.drills_left_out, *plan.effects_left_out}
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
