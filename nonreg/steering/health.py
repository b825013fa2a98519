"""The non-regression campaigns: what passes, what is unstable, when a family was last green, KO month by month. Pure.

A scenario's family is the beginning of its id. A month without a campaign of a family has no count: it is no 0.
Source: R65, R66, DOMAIN §4.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from nonreg.history_records import (
    JUDGED_LETTERS,
    NOT_PLANNED,
    NOT_TRIED,
    PASSED_LETTERS,
    UNSTABLE_FLIPS,
    count_flips,
)
from nonreg.model import Family, History, Outcome, ScenarioHistory
from nonreg.model.steering import Figure, Indicator, Line, Period, Proof, Series
from nonreg.steering.periods import list_months, name_month
from nonreg.working_time import PARIS

UNSTABLE_RUNS = 30
KNOWN_DAYS = 30
NO_CAMPAIGN = "aucune campagne"
TOTAL = "Ensemble"
REPORT = "report.html"


def measure_health(
    history: History | None, period: Period, source: str, missing: str = "", since: datetime | None = None
) -> Indicator:
    """Pass rate, unstable tests, age of the last green campaign and number of scenarios, family by family.

    `since` is where the history begins when there is more of it than was read.
    """
    names = (TOTAL, *(family.value for family in Family))
    columns = (
        ("Passages", ""),
        ("Taux de réussite", "%"),
        ("Tests instables", ""),
        ("Dernier passage vert", "j"),
        ("Scénarios", ""),
    )
    if history is None:
        figures = [Figure(name, column, None, unit, missing) for name in names for column, unit in columns]
        return Indicator("sante-nr", "Santé de la non-régression", period, source, figures=tuple(figures))
    places = [place for place, run in enumerate(history.runs) if run.started_at < period.end]
    figures, proofs = [], list[Proof]()
    for name in names:
        own = [one for one in history.scenarios if name in (TOTAL, one.scenario_id.split("-")[0])]
        inside = [
            place
            for place in places
            if period.holds(history.runs[place].started_at) and _has_tried(own, place)
        ]
        green = next(
            (place for place in reversed(places) if is_green(own, place) and is_whole(own, history, place)),
            None,
        )
        figures += [
            Figure(name, "Passages", len(inside)),
            _measure_passing(name, own, inside),
            _count_unstable(name, own, places),
            _date_green(name, history, green, period.end),
            _count_scenarios(name, own, history, period),
        ]
        if name == TOTAL and inside:
            last = history.runs[inside[-1]].run_id
            proofs.append(Proof(f"dernière campagne de la période, {last}", f"{last}/{REPORT}"))
        elif green is not None:
            run_id = history.runs[green].run_id
            proofs.append(Proof(f"dernier passage vert {name}, {run_id}", f"{run_id}/{REPORT}"))
    return Indicator(
        "sante-nr",
        "Santé de la non-régression",
        period,
        source,
        tuple(proofs),
        tuple(figures),
        (count_failures(history, period.end, since),),
    )


def _has_tried(own: Iterable[ScenarioHistory], place: int) -> bool:
    return any(one.outcomes[place] not in (NOT_PLANNED, NOT_TRIED) for one in own)


def is_green(own: Sequence[ScenarioHistory], place: int) -> bool:
    """True for a campaign that judged some of these scenarios, and failed none of those it planned."""
    letters = [one.outcomes[place] for one in own if one.outcomes[place] != NOT_PLANNED]
    harmless = PASSED_LETTERS | {Outcome.NON_APPLICABLE.letter}
    return any(letter in PASSED_LETTERS for letter in letters) and all(one in harmless for one in letters)


def is_whole(own: Sequence[ScenarioHistory], history: History, place: int) -> bool:
    """True for a campaign that planned at least half of what others did in the 30 days before: no chosen few."""
    at = history.runs[place].started_at
    near = [
        other
        for other, run in enumerate(history.runs)
        if at - timedelta(days=KNOWN_DAYS) <= run.started_at <= at
    ]
    planned = [sum(one.outcomes[other] != NOT_PLANNED for one in own) for other in (place, *near)]
    return 2 * planned[0] >= max(planned)


def _measure_passing(name: str, own: Sequence[ScenarioHistory], inside: Sequence[int]) -> Figure:
    letters = [one.outcomes[place] for one in own for place in inside]
    judged = [letter for letter in letters if letter in JUDGED_LETTERS]
    passed = sum(letter in PASSED_LETTERS for letter in judged)
    return Figure(
        name,
        "Taux de réussite",
        100 * passed / len(judged) if judged else None,
        "%",
        "" if judged else f"{NO_CAMPAIGN} dans la période",
        f"{passed} sur {len(judged)} jugés" if judged else "",
    )


def _count_unstable(name: str, own: Sequence[ScenarioHistory], places: Sequence[int]) -> Figure:
    column = "Tests instables"
    if not own or not places:
        return Figure(name, column, None, "", NO_CAMPAIGN)
    unstable = []
    for one in own:
        tried = [
            one.outcomes[place] for place in places if one.outcomes[place] not in (NOT_PLANNED, NOT_TRIED)
        ]
        if count_flips("".join(tried[-UNSTABLE_RUNS:])) >= UNSTABLE_FLIPS:
            unstable.append(one.scenario_id)
    shown = ", ".join(unstable[:5]) + (" …" if len(unstable) > 5 else "")
    return Figure(name, column, len(unstable), "", "", shown)


def _date_green(name: str, history: History, green: int | None, end: datetime) -> Figure:
    column = "Dernier passage vert"
    if green is None:
        return Figure(name, column, None, "j", "aucun passage vert")
    at = history.runs[green].started_at.astimezone(PARIS)
    last_day = (end - timedelta(microseconds=1)).astimezone(PARIS).date()
    return Figure(name, column, (last_day - at.date()).days, "j", "", f"le {at:%d/%m/%Y}")


def _count_scenarios(name: str, own: Sequence[ScenarioHistory], history: History, period: Period) -> Figure:
    """Those planned in the last 30 days, and how many more that is than at the start of the period."""
    now, before = (
        count_planned(own, history, Period(end - timedelta(days=KNOWN_DAYS), end))
        for end in (period.end, period.start)
    )
    if now is None:
        return Figure(name, "Scénarios", None, "", f"{NO_CAMPAIGN} en {KNOWN_DAYS} jours")
    grown = "" if before in (None, now) else f"{now - before:+d} depuis le début de la période"
    return Figure(name, "Scénarios", now, "", "", grown.replace("-", "−"))


def count_planned(own: Sequence[ScenarioHistory], history: History, period: Period) -> int | None:
    """How many of these scenarios a campaign of a period planned; None when there was no campaign."""
    places = [place for place, run in enumerate(history.runs) if period.holds(run.started_at)]
    if not places:
        return None
    return sum(any(one.outcomes[place] != NOT_PLANNED for place in places) for one in own)


def count_failures(history: History, end: datetime, since: datetime | None = None) -> Series:
    """KO of each family in each of the last whole months; nothing is said of one that was not read whole."""
    months = list_months(end)
    lines = []
    for family in Family:
        own = [one for one in history.scenarios if one.scenario_id.split("-")[0] == family.value]
        values: list[float | None] = []
        for month in months:
            places = [
                place
                for place, run in enumerate(history.runs)
                if month.holds(run.started_at) and _has_tried(own, place)
            ]
            failed = sum(one.outcomes[place] == Outcome.KO.letter for one in own for place in places)
            is_whole_month = since is None or month.start >= since
            values.append(float(failed) if places and is_whole_month else None)
        lines.append(Line(family.value, tuple(values)))
    return Series("KO de non-régression par mois", tuple(map(name_month, months)), tuple(lines))
