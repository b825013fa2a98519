"""What the records of the drills come to: times in words, the platform as it was left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nonreg.model import (
    CampaignReport,
    ClientSummary,
    DrillEvent,
    DrillRecord,
    Interruption,
    Outcome,
    ScenarioResult,
)
from reports import text
from reports.document import Cell

NO_PART = "sans objet"
AS_BEFORE = Cell("Comme avant", "✓", "ok")
BETTER = Cell("Bon, ne l'était pas avant", "✓", "ok")
STILL_BAD = Cell("En échec, comme avant", "!", "warn")
CHANGED = Cell("Plus comme avant", "✗", "ko")
NOT_PROVED = Cell("Sans résultat", "○", "warn")


@dataclass(frozen=True, slots=True)
class ClosingCheck:
    """One check done again after the drills; a result is None where there is none."""

    scenario_id: str
    title: str
    before: ScenarioResult | None
    after: ScenarioResult | None

    @property
    def state(self) -> Cell:
        """Whether it proves that the platform is as it was."""
        if self.after is None or self.after.outcome in (Outcome.NON_EXECUTE, Outcome.INCONCLUSIF):
            return NOT_PROVED
        was_good = self.before is None or self.before.outcome.is_good
        if self.after.outcome.is_good:
            return AS_BEFORE if was_good else BETTER
        return CHANGED if was_good else STILL_BAD


def say_seconds(seconds: float | None, unknown: str = text.NOT_KNOWN) -> str:
    """Return a time of a drill: milliseconds below a tenth of a second, then seconds with fewer decimals."""
    if seconds is None or not math.isfinite(seconds):
        return unknown
    if seconds and abs(seconds) < 0.1:
        return text.format_quantity(float(f"{seconds * 1000:.2g}"), "ms")
    return f"{point_seconds(seconds)}\u00a0s"


def say_interruption(gap: Interruption) -> str:
    """Return how long an interruption was; at least that, where no answer came after it."""
    return f"≥\u00a0{say_seconds(gap.seconds)}" if gap.open_ended else say_seconds(gap.seconds)


def point_seconds(seconds: float) -> str:
    """Return seconds without their unit: two decimals below a hundred, one below ten thousand."""
    if not math.isfinite(seconds) or abs(seconds) >= 1e12:
        return text.format_number(seconds)
    decimals = 2 if abs(seconds) < 99.995 else 1 if abs(seconds) < 9_999.95 else 0
    return f"{seconds:,.{decimals}f}".replace(",", "\u202f").replace(".", ",").replace("-", "−")


def order_events(record: DrillRecord) -> tuple[DrillEvent, ...]:
    """Return the moments in the order of their times, which is the one they are numbered in, from 1."""
    return tuple(
        sorted(
            record.events,
            key=lambda event: (
                not math.isfinite(event.at_seconds),
                event.at_seconds if math.isfinite(event.at_seconds) else 0.0,
            ),
        )
    )


def find_longest(client: ClientSummary) -> Interruption | None:
    """Return the longest interruption that a client saw."""
    return max(client.interruptions, key=lambda interruption: interruption.seconds, default=None)


def find_longest_of_all(record: DrillRecord) -> Interruption | None:
    """Return the longest interruption that any client saw."""
    seen = (gap for client in record.clients for gap in client.interruptions)
    return max(seen, key=lambda gap: gap.seconds, default=None)


def list_faults_at(record: DrillRecord) -> list[float]:
    """Return when the faults were injected, in seconds, in order."""
    return sorted(
        healing.injected_seconds
        for healing in record.healings
        if healing.injected_seconds is not None and math.isfinite(healing.injected_seconds)
    )


def list_differences(record: DrillRecord) -> tuple[str, ...]:
    """Return what a drill did not leave as it found it, faults that were never healed included, none twice."""
    faults = []
    for healing in record.healings:
        unhealed = healing.injected_seconds is not None and healing.healed_seconds is None
        is_said = healing.error and any(healing.error in said for said in record.left_as_found)
        if (unhealed or healing.error) and not is_said:
            state = " non guérie" if unhealed else ""
            error = f" : {healing.error}" if healing.error else "."
            faults.append(f"Panne {text.known(healing.fault_id)}{state}{error}")
    return (*record.left_as_found, *faults)


def join_closing(report: CampaignReport) -> tuple[ClosingCheck, ...]:
    """Return the closing checks beside those of before, planned ones first, then what nobody planned."""
    run = report.run
    titles = {scenario.id: scenario.title for scenario in run.plan.closing}
    before, after = _keep_last(run.results), _keep_last(run.closing)
    return tuple(
        ClosingCheck(name, titles.get(name, ""), before.get(name), after.get(name))
        for name in dict.fromkeys((*titles, *after))
    )


def _keep_last(results: Sequence[ScenarioResult]) -> Mapping[str, ScenarioResult]:
    return {result.scenario_id: result for result in sorted(results, key=lambda result: result.attempt)}


def say_left_as_found(report: CampaignReport, checks: Sequence[ClosingCheck]) -> tuple[str, Cell]:
    """Return in a sentence whether the platform was left as found, and that with its sign and tone."""
    changed = [check.scenario_id for check in checks if check.state == CHANGED]
    unproved = [check.scenario_id for check in checks if check.state in (NOT_PROVED, STILL_BAD)]
    drills = [record.scenario_id for record in report.run.drills if list_differences(record)]
    causes = []
    if changed:
        causes.append(f"contrôles qui ne sont plus comme avant : {text.name_ids(changed, 12, 'voir § 5bis')}")
    if drills:
        causes.append(f"exercices qui ont laissé une différence : {text.name_ids(drills, 12, 'voir § 5bis')}")
    if causes:
        return f"Plateforme non laissée comme trouvée : {' ; '.join(causes)}.", CHANGED
    if not checks:
        return (
            "Rien ne prouve que la plateforme a été laissée comme trouvée : aucun contrôle de clôture.",
            NOT_PROVED,
        )
    if unproved:
        names = text.name_ids(unproved, 12, "voir § 5bis")
        return f"Il n'est pas prouvé que la plateforme a été laissée comme trouvée : {names}.", NOT_PROVED
    good = text.plural(len(checks), "contrôle de clôture bon", "contrôles de clôture, tous bons")
    return f"Plateforme laissée comme trouvée : {good}.", AS_BEFORE
