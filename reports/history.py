"""Chapter 1ter: the campaigns before this one, as drawings with their numbers beside."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from nonreg.model import CampaignReport, Change, History, Outcome, PastRun, ScenarioHistory, Slowdown
from reports import charts, labels, text
from reports.case import Case
from reports.document import Block, Cell, Chart, Charts, Column, Matrix, Paragraph, Section, Table

RUNS_SHOWN = 30
TRENDS_SHOWN = 8
MATRIX_ROWS = 40
LETTERS = {outcome.letter: outcome for outcome in Outcome}
NOT_PLANNED = "-"
# Drops the letters that say nothing against a scenario: good ones, and campaigns that did not plan it.
NOTHING_AGAINST = str.maketrans("", "", NOT_PLANNED + "".join(o.letter for o in Outcome if o.is_good))
CHANGED = (Change.REGRESSION, Change.UNSTABLE, Change.FIXED, Change.KNOWN_FAILURE)
RUNS_COLUMNS = (
    Column("N°", 6, numeric=True),
    Column("Campagne", 23, mono=True),
    Column("Début (Paris)", 16),
    Column("Version", 9),
    Column("Verdict", 19),
    Column("Prévus", 10, numeric=True),
    Column("Réussis", 10, numeric=True),
    Column("Échoués", 12, numeric=True),
    Column("Autres", 9, numeric=True),
    Column("Durée", 11, numeric=True),
)


@dataclass(frozen=True, slots=True)
class Series:
    """One figure of one scenario over the campaigns, this one last; None where it is not known."""

    case: Case
    name: str
    unit: str
    values: tuple[float | None, ...]
    slow: Slowdown | None = None


def tell_history(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return the chapter; without any campaign before, it says so."""
    history = keep_last(report.basis.history)
    title = "1ter. Historique"
    if not history.runs:
        return Section("historique", title, (Paragraph("Aucune campagne antérieure connue."),))
    runs = (*history.runs, _sum_up(report, cases))
    said = text.plural(len(history.runs), "campagne antérieure", "campagnes antérieures")
    left_out = len(report.basis.history.runs) - len(history.runs)
    older = f" {text.plural(left_out, 'autre, plus ancienne', 'autres, plus anciennes')}." if left_out else ""
    intro = f"{said} de cette plateforme, de la plus ancienne (n° 1) à celle-ci (n° {len(runs)}).{older}"
    blocks: list[Block] = [
        Charts((_draw_counts(runs), _draw_lengths(runs))),
        Paragraph(intro),
        _list_runs(runs),
        *_show_matrix(history, cases, len(runs)),
        *_show_trends(history, cases),
    ]
    return Section("historique", title, tuple(blocks))


def keep_last(history: History, count: int = RUNS_SHOWN) -> History:
    """Return the last campaigns alone; rows that are not as long as the campaigns are squared."""
    total, first = len(history.runs), max(0, len(history.runs) - count)
    if first == 0 and all(len(past.outcomes) == total for past in history.scenarios):
        return history
    return History(
        history.runs[first:],
        tuple(
            ScenarioHistory(
                past.scenario_id,
                past.outcomes.ljust(total, NOT_PLANNED)[first:total],
                past.durations[first:total],
            )
            for past in history.scenarios
        ),
        tuple(type(m)(m.scenario_id, m.name, m.unit, m.values[first:total]) for m in history.measures),
    )


def _sum_up(report: CampaignReport, cases: Sequence[Case]) -> PastRun:
    """This campaign as the next one will see it."""
    run = report.run
    return PastRun(
        run_id=run.plan.run_id,
        application_version=run.plan.platform.application_version,
        started_at=run.started_at,
        duration_seconds=(run.ended_at - run.started_at).total_seconds() if run.ended_at else None,
        verdict=report.assessment.verdict,
        ticket=run.plan.ticket,
        planned=len(cases),
        passed=sum(case.outcome is Outcome.OK for case in cases),
        failed=sum(case.outcome is Outcome.KO for case in cases),
    )


def _count_others(run: PastRun) -> int:
    return max(0, run.planned - run.passed - run.failed)


def _draw_counts(runs: Sequence[PastRun]) -> Chart:
    bars = [
        charts.Bar(
            str(number),
            labels.VERDICTS[run.verdict].sign,
            max(0, run.failed),
            _count_others(run),
            max(0, run.passed),
        )
        for number, run in enumerate(runs, 1)
    ]
    words = [labels.VERDICTS[run.verdict].text for run in runs]
    verdicts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    failures = [f"n° {number} ({run.failed})" for number, run in enumerate(runs, 1) if run.failed]
    failed = f"Campagnes avec des échecs : {', '.join(failures)}." if failures else "Aucune n'a d'échec."
    description = f"{len(runs)} campagnes, celle-ci en dernier. Verdicts : {verdicts}. {failed}"
    return charts.draw_bars(bars, "graphique-verdicts", "Verdict et scénarios par campagne", description)


def _draw_lengths(runs: Sequence[PastRun]) -> Chart:
    seconds = [run.duration_seconds for run in runs]
    known = [value for value in seconds if value is not None and math.isfinite(value)]
    in_minutes = max(known, default=0.0) > 120
    values = [None if value is None else value / (60 if in_minutes else 1) for value in seconds]
    now = text.NOT_KNOWN if seconds[-1] is None else text.format_duration(seconds[-1])
    description = f"Cette fois : {now}."
    if len(known) > 1:
        usual = text.format_duration(statistics.median(known))
        description += f" Médiane : {usual}, de {text.format_duration(min(known))} à "
        description += f"{text.format_duration(max(known))}."
    return charts.draw_trend(
        values, "graphique-durees", "Durée des campagnes", description, "min" if in_minutes else "s"
    )


def _list_runs(runs: Sequence[PastRun]) -> Table:
    rows = []
    for number, run in enumerate(runs, 1):
        lasted = (
            text.NOT_KNOWN if run.duration_seconds is None else text.format_duration(run.duration_seconds)
        )
        counts = (run.planned, run.passed, run.failed, _count_others(run))
        rows.append(
            (
                Cell(str(number)),
                Cell(text.shorten(text.known(run.run_id), 60, "…")),
                Cell(text.format_day(run.started_at)),
                Cell(text.shorten(text.known(run.application_version), 40, "…")),
                labels.VERDICTS[run.verdict],
                *(Cell(text.format_number(count)) for count in counts),
                Cell(lasted),
            )
        )
    note = f"Le n° {len(runs)} est cette campagne. « Autres » : ni réussi ni échoué."
    return Table("Campagnes", RUNS_COLUMNS, tuple(rows), note=note)


def _show_matrix(history: History, cases: Sequence[Case], runs: int) -> list[Block]:
    """Return the scenarios that were not always good, worst first, one sign a campaign."""
    past = {found.scenario_id: found.outcomes for found in history.scenarios}
    rows = []
    for case in cases:
        letters = past.get(case.scenario.id, NOT_PLANNED * (runs - 1)) + case.outcome.letter
        bad = len(letters.translate(NOTHING_AGAINST))
        if bad:
            rows.append((case.outcome.is_good, -bad, case.scenario.id, letters))
    if not rows:
        return [Paragraph("Tous les scénarios de cette campagne ont toujours été bons.")]
    rows.sort()
    left = len(rows) - MATRIX_ROWS
    always = text.plural(len(cases) - len(rows), "scénario toujours bon", "scénarios toujours bons")
    others = (
        f", et {text.plural(left, 'autre scénario', 'autres scénarios')} moins souvent" if left > 0 else ""
    )
    return [
        Matrix(
            "Scénarios qui n'ont pas toujours été bons",
            "Scénario",
            tuple(str(number) for number in range(1, runs + 1)),
            tuple(
                (text.shorten(name, 40, "…"), tuple(_show_letter(letter) for letter in letters), _say_letters(letters))
                for _, _, name, letters in rows[:MATRIX_ROWS]
            ),
            ", ".join(f"{cell.sign} {cell.text.lower() if cell.text != 'OK' and cell.text != 'KO' else cell.text}"
                      for cell in (*labels.OUTCOMES.values(), _NOT_PLANNED_CELL)),
            f"Numéros des campagnes du tableau ci-dessus. Non montrés : {always}{others}.",
        )
    ]  # fmt: skip


_NOT_PLANNED_CELL = Cell("Non prévu", "·", "muted")


def _show_letter(letter: str) -> Cell:
    outcome = LETTERS.get(letter)
    return labels.OUTCOMES[outcome] if outcome else _NOT_PLANNED_CELL


def _say_letters(letters: str) -> str:
    """Return the row in words, for those who do not see it: how many of each, and how it ended."""
    words = [_show_letter(letter).text for letter in letters]
    counts = ", ".join(f"{words.count(word)} {word.lower()}" for word in dict.fromkeys(words))
    return f"{counts} ; cette fois : {words[-1].lower()}"


def _show_trends(history: History, cases: Sequence[Case]) -> list[Block]:
    chosen = _choose_series(history, cases)
    if not chosen:
        return []
    shown = chosen[:TRENDS_SHOWN]
    left = len(chosen) - len(shown)
    note = f"… {text.plural(left, 'autre série', 'autres séries')}, voir la source JSON." if left > 0 else ""
    rows = tuple(_sum_series(series) for series in shown)
    columns = (
        Column("Scénario", 14),
        Column("Série", 30),
        Column("Valeurs", 9, numeric=True),
        Column("Minimum", 12, numeric=True),
        Column("Médiane", 12, numeric=True),
        Column("Maximum", 12, numeric=True),
        Column("Cette fois", 12, numeric=True),
    )
    drawings = tuple(_draw_series(series, f"graphique-serie-{n}") for n, series in enumerate(shown, 1))
    return [
        Charts(drawings, small=True),
        Table("Scénarios qui ont changé ou ralenti", columns, rows, note=note),
    ]


def _choose_series(history: History, cases: Sequence[Case]) -> list[Series]:
    """Return the measures that are slow, then the durations of the scenarios that changed."""
    measures = {(m.scenario_id, m.name): m.values for m in history.measures}
    durations = {past.scenario_id: past.durations for past in history.scenarios}
    slow, changed = [], []
    for case in cases:
        for found in (*case.finding.slower, *case.finding.to_confirm):
            values = (*measures.get((case.scenario.id, found.name), ()), found.value)
            slow.append(Series(case, found.name, found.unit, values, found))
        if case.finding.change in CHANGED and case.result and case.result.started_at:
            values = (*durations.get(case.scenario.id, ()), case.result.duration_seconds)
            changed.append(Series(case, "Durée du scénario", "s", values))
    return [series for series in (*slow, *changed) if sum(v is not None for v in series.values) > 2]


def _draw_series(series: Series, key: str) -> Chart:
    case, slow = series.case, series.slow
    name = text.shorten(f"{case.scenario.id}, {series.name}", 90, "…")
    levels = [charts.Level(slow.median, "médiane"), charts.Level(slow.bound, "borne")] if slow else []
    now = series.values[-1]
    said = f"{labels.CHANGES[case.finding.change].text}. Cette fois : {_say(now, series.unit)}."
    if slow:
        said += f" Médiane {_say(slow.median, slow.unit)}, borne {_say(slow.bound, slow.unit)}."
    return charts.draw_trend(series.values, key, name, said, _unit(series.unit), levels, small=True)


def _unit(unit: str) -> str:
    """A unit of the platform's is drawn only when the font surely can."""
    return unit if unit.isascii() and unit.isprintable() and len(unit) <= 6 else ""


def _say(value: float | None, unit: str) -> str:
    return text.NOT_KNOWN if value is None else text.format_quantity(value, unit)


def _sum_series(series: Series) -> tuple[Cell, ...]:
    past = [v for v in series.values[:-1] if v is not None and math.isfinite(v)]
    figures = (min(past), statistics.median(past), max(past)) if past else (None, None, None)
    return (
        Cell(series.case.scenario.id),
        Cell(text.shorten(series.name, 120)),
        Cell(str(len(past))),
        *(Cell(_say(figure, series.unit)) for figure in figures),
        Cell(_say(series.values[-1], series.unit)),
    )
