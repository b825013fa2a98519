"""Delays, volumes, backlog, reopenings and anomalies, from the stories of the tickets. Pure.

A ticket counts for a delay in the one period in which it was settled: when it was stopped in time, or when its
deadline passed; one that is opened again past its deadline was not corrected in time, it is late from then on. So each
is counted once, whatever periods one looks at. An instant is in a period from its start on,
and a stock is what was open just before its end: stock = former stock + opened + reopened − closed.
Source: R65, R66, R70, R76, DOMAIN §4.2, §4.5.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median

from nonreg.delays import add_working_days, measure_working_time
from nonreg.model.steering import Figure, Indicator, Line, Period, Series, Severity
from nonreg.model.tracker import TicketState
from nonreg.steering.periods import begin, list_months, list_weeks, move_months, name_day, name_month
from nonreg.steering.settings import ANOMALY, DelayRule, Until
from nonreg.steering.stories import Story
from nonreg.working_time import PARIS, WorkingTime

DAYS_OF_REOPENING = 90
AGES = ((7, "≤ 7 j"), (30, "8 à 30 j"), (90, "31 à 90 j"), (None, "> 90 j"))
SLOPE_MONTHS = 3
TOTAL = "Ensemble"
NO_NOTES = "notes du suivi non lues"
NO_TEAM = "auteurs de l'équipe non déclarés ([team] de steering.toml)"
NO_TICKET = "aucun ticket"


def find_deadline(story: Story, rule: DelayRule, working: WorkingTime) -> datetime:
    """Until when a ticket is to be answered, or closed."""
    opened = story.opened_at.astimezone(PARIS)
    if rule.working_days:
        return add_working_days(opened, rule.working_days, working)
    day = move_months(opened.date(), rule.months) + timedelta(days=rule.days)
    return datetime.combine(day, opened.time(), PARIS)


def find_stop(story: Story, rule: DelayRule) -> datetime | None:
    """When its clock stopped; None while it runs. What was closed without an answer was answered by its closing."""
    if rule.until is Until.CLOSING:
        return story.closed_at
    return min((at for at in (story.answered_at, *story.list_closings()) if at is not None), default=None)


def settle(story: Story, rule: DelayRule, working: WorkingTime) -> tuple[datetime, bool]:
    """When a ticket counts for a delay, and whether it was in time; a closing that did not hold settles nothing."""
    deadline, stop = find_deadline(story, rule, working), find_stop(story, rule)
    if rule.until is Until.ANSWER:
        return (deadline, False) if stop is None or stop > deadline else (stop, True)
    kept = [move for move in story.moves if move.at <= deadline][-1]
    if kept.state is TicketState.OPEN:
        return deadline, False
    again = next((at for at in story.list_reopenings() if at > deadline), None)
    return (kept.at, True) if again is None else (again, False)


def concerns(rule: DelayRule, story: Story) -> bool:
    """True for the tickets that a rule is about."""
    return story.severity in rule.severities and (not rule.kinds or story.kind in rule.kinds)


def measure_delays(
    stories: Sequence[Story],
    rules: Sequence[DelayRule],
    period: Period,
    working: WorkingTime,
    has_team: bool,
    source: str,
) -> Indicator:
    """How many were settled, which share in time, and the median office time of those that stopped."""
    figures: list[Figure] = []
    for rule in rules:
        for severity in rule.severities:
            own = [one for one in stories if one.severity is severity and concerns(rule, one)]
            row = f"{rule.name}, {severity}"
            blind = _explain_blind(own, rule, period, working, has_team)
            if blind:
                figures += [
                    Figure(row, column, None, unit, blind)
                    for column, unit in (("Échus", ""), ("Dans les délais", "%"), ("Médiane ouvrée", "h"))
                ]
                continue
            figures += _measure_delay(row, own, rule, period, working)
    return Indicator("delais", "Délais d'intervention", period, source, figures=tuple(figures))


def _explain_blind(
    own: Sequence[Story], rule: DelayRule, period: Period, working: WorkingTime, has_team: bool
) -> str:
    if rule.until is not Until.ANSWER or not own:
        return ""
    if not has_team:
        return NO_TEAM
    # What was settled before the period, whatever its notes say, hides nothing of it.
    unread = (
        one.is_untold(period.start)
        or (not one.has_notes and find_deadline(one, rule, working) >= period.start)
        for one in own
    )
    return NO_NOTES if any(unread) else ""


def _measure_delay(
    row: str, own: Sequence[Story], rule: DelayRule, period: Period, working: WorkingTime
) -> list[Figure]:
    in_time = late = undone = 0
    took: list[float] = []
    for one in own:
        settled, is_in_time = settle(one, rule, working)
        if period.holds(settled):
            in_time += is_in_time
            late += not is_in_time
            undone += not is_in_time and settled in one.list_reopenings()
        stop = find_stop(one, rule)
        if stop is not None and period.holds(stop):
            took.append(measure_working_time(one.opened_at, stop, working).total_seconds() / 3600)
    settled_count = in_time + late
    return [
        Figure(row, "Échus", settled_count, detail=f"dont {undone} par réouverture" if undone else ""),
        Figure(
            row,
            "Dans les délais",
            100 * in_time / settled_count if settled_count else None,
            "%",
            "" if settled_count else f"{NO_TICKET} échu",
        ),
        Figure(
            row, "Médiane ouvrée", median(took) if took else None, "h", "" if took else f"{NO_TICKET} arrêté"
        ),
    ]


def count_volumes(stories: Sequence[Story], period: Period, source: str) -> Indicator:
    """What was opened, reopened and closed, by type and severity; a line for each that exists.

    Without its notes nobody knows how often a ticket was closed and opened again.
    """
    pairs = sorted(
        {(one.kind, one.severity) for one in stories}, key=lambda pair: (pair[0], [*Severity].index(pair[1]))
    )
    figures: list[Figure] = []
    for name, own in (
        (TOTAL, list(stories)),
        *(
            (f"{kind}, {severity}", [one for one in stories if (one.kind, one.severity) == (kind, severity)])
            for kind, severity in pairs
        ),
    ):
        opened, reopened, closed = count_moves(own, period)
        why = _explain_untold(own, period)
        figures += [
            Figure(name, "Ouverts", opened),
            Figure(name, "Rouverts", None if why else reopened, "", why),
            Figure(name, "Clos", None if why else closed, "", why),
        ]
    return Indicator("volumes", "Volumétrie", period, source, figures=tuple(figures))


def _explain_untold(own: Sequence[Story], period: Period) -> str:
    return NO_NOTES if any(one.is_untold(period.start) for one in own) else ""


def count_moves(stories: Sequence[Story], period: Period) -> tuple[int, int, int]:
    """Openings, reopenings and closings in a period."""
    return (
        sum(period.holds(one.opened_at) for one in stories),
        sum(period.holds(at) for one in stories for at in one.list_reopenings()),
        sum(period.holds(at) for one in stories for at in one.list_closings()),
    )


def count_backlog(stories: Sequence[Story], period: Period, by_week: bool, source: str) -> Indicator:
    """What was open at the end, by severity and age, and how that stock moved."""
    figures: list[Figure] = []
    for name, own in (
        (TOTAL, list(stories)),
        *((severity.value, [one for one in stories if one.severity is severity]) for severity in Severity),
    ):
        stock = [one for one in own if one.is_open(period.end)]
        ages = Counter(find_age(one, period.end) for one in stock)
        figures.append(Figure(name, "Stock", len(stock)))
        figures += [Figure(name, words, ages[words]) for _, words in AGES]
    moments = list_weeks(period.end) if by_week else list_months(period.end)
    first = min((one.opened_at for one in stories), default=period.end)
    stocks = tuple(
        float(sum(one.is_open(moment.end) for one in stories)) if moment.end > first else None
        for moment in moments
    )
    labels = tuple(name_day(one.end) if by_week else name_month(one) for one in moments)
    words = "Stock à la fin de chaque " + ("semaine" if by_week else "mois")
    return Indicator(
        "backlog",
        "Backlog",
        period,
        source,
        figures=tuple(figures),
        series=(Series(words, labels, (Line("Tickets ouverts", stocks),)),),
    )


def find_age(story: Story, at: datetime) -> str:
    """The age of a ticket since its first opening, in days of Paris."""
    days = (at.astimezone(PARIS) - story.opened_at.astimezone(PARIS)).days
    return next(words for limit, words in AGES if limit is None or days <= limit)


def measure_reopenings(stories: Sequence[Story], end: datetime, source: str) -> Indicator:
    """Which share of the closings of the last 90 days did not hold."""
    period = Period(begin(end.astimezone(PARIS).date() - timedelta(days=DAYS_OF_REOPENING)), end)
    closings = [(one, at) for one in stories for at in one.list_closings() if period.holds(at)]
    undone = sum(
        any(closed < at < period.end for at in one.list_reopenings()) or closed in one.list_reopenings()
        for one, closed in closings
    )
    row, why = "Clôtures", _explain_untold(stories, period)
    rate = 100 * undone / len(closings) if closings and not why else None
    return Indicator(
        "reouvertures",
        "Taux de réouverture",
        period,
        source,
        figures=(
            Figure(row, "Clôtures", None if why else len(closings), "", why),
            Figure(row, "Suivies d'une réouverture", None if why else undone, "", why),
            Figure(row, "Taux", rate, "%", why or ("" if closings else "aucune clôture")),
        ),
    )


def follow_anomalies(stories: Sequence[Story], end: datetime, source: str) -> Indicator:
    """Anomalies opened each month, by severity, and the slope of the last three whole months."""
    months = list_months(end)
    period = Period(months[0].start, months[-1].end)
    own = [one for one in stories if one.kind == ANOMALY]
    first = min((one.opened_at for one in stories), default=period.end)
    known = any(one.kind == ANOMALY for one in stories) or not stories
    lines = []
    for name, some in (
        (TOTAL, own),
        *((severity.value, [one for one in own if one.severity is severity]) for severity in Severity),
    ):
        values = tuple(
            float(sum(month.holds(one.opened_at) for one in some)) if month.end > first else None
            for month in months
        )
        lines.append(Line(name, values))
    figures: list[Figure] = []
    for line in lines:
        slope = find_slope(line.values[-SLOPE_MONTHS:])
        figures += [
            Figure(
                line.name,
                "Dernier mois",
                line.values[-1],
                "",
                "" if line.values[-1] is not None else "suivi plus récent",
            ),
            Figure(
                line.name,
                "Pente sur 3 mois",
                slope,
                "par mois",
                "" if slope is not None else "moins de 3 mois suivis",
            ),
        ]
    note = "" if known else f" Aucun genre du suivi n'est déclaré « {ANOMALY} » ([kinds] de steering.toml)."
    return Indicator(
        "anomalies",
        "Tendance des anomalies",
        period,
        source + note,
        figures=tuple(figures if known else [_forget(one) for one in figures]),
        series=(Series("Anomalies ouvertes par mois", tuple(map(name_month, months)), tuple(lines)),)
        if known
        else (),
    )


def _forget(figure: Figure) -> Figure:
    return Figure(figure.row, figure.column, None, figure.unit, "aucun genre n'est déclaré « anomalie »")


def find_slope(values: Sequence[float | None]) -> float | None:
    """The slope of the line that fits best, a value a step; None with fewer than two values, or a gap among them."""
    known = [value for value in values if value is not None]
    if len(known) < max(2, len(values)) or len(values) < 2:
        return None
    middle = (len(known) - 1) / 2
    mean = sum(known) / len(known)
    over = sum((place - middle) * (value - mean) for place, value in enumerate(known))
    return over / sum((place - middle) ** 2 for place in range(len(known)))
