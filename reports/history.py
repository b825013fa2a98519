"""Chapter 1ter: the campaigns before this one, as drawings with their numbers beside."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from nonreg.model import CampaignReport, History, Outcome, PastRun, ScenarioHistory
from reports import charts, labels, text
from reports.case import Case
from reports.document import Block, Cell, Chart, Charts, Column, Matrix, Paragraph, Section, Table
from reports.trends import show_trends

RUNS_SHOWN = 30
MATRIX_ROWS = 40
LETTERS = {outcome.letter: outcome for outcome in Outcome}
NOT_PLANNED = "-"
# Drops the letters that say nothing against a scenario: good ones, and campaigns that did not plan it.
NOTHING_AGAINST = str.maketrans("", "", NOT_PLANNED + "".join(o.letter for o in Outcome if o.is_good))
RUNS_COLUMNS = (
    Column("N°", 6, numeric=True),
    Column("Campagne", 23, mono=True),
    Column("Début (Paris)", 16),
    Column("Version", 9),
    Column("Verdict", 19),
    Column("Prévus", 10, numeric=True),
    Column("Réussis", 11, numeric=True),
    Column("Échoués", 12, numeric=True),
    Column("Autres", 9, numeric=True),
    Column("Durée", 11, numeric=True),
)


def tell_history(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return the chapter; without any campaign before, it says so."""
    history = keep_last(report.basis.history)
    title = "1ter. Historique"
    if not history.runs:
        return Section("historique", title, (Paragraph("Aucune campagne antérieure connue."),))
    runs = (*history.runs, _sum_up(report, cases))
    left_out = len(report.basis.history.runs) - len(history.runs)
    older = f" {text.plural(left_out, 'autre, plus ancienne', 'autres, plus anciennes')}." if left_out else ""
    intro = f"{_count_before(history)}, de la première montrée (n° 1) à celle-ci (n° {len(runs)}).{older}"
    blocks: list[Block] = [
        Charts((_draw_counts(runs), _draw_lengths(runs))),
        Paragraph(intro),
        _list_runs(runs),
        *_show_matrix(history, cases, len(runs)),
        *show_trends(history, cases),
    ]
    return Section("historique", title, tuple(blocks))


def _count_before(history: History) -> str:
    """Return how many campaigns there were, or that these are only the last ones: no more are ever loaded."""
    count = len(history.runs)
    if count >= RUNS_SHOWN:
        return f"Les {count} dernières campagnes antérieures de cette plateforme"
    return f"{text.plural(count, 'campagne antérieure', 'campagnes antérieures')} de cette plateforme"


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
        return [
            Paragraph(
                "Tous les scénarios de cette campagne ont été bons dans toutes les campagnes ci-dessus."
            )
        ]
    rows.sort()
    left = len(rows) - MATRIX_ROWS
    good = text.plural(len(cases) - len(rows), "scénario toujours bon", "scénarios toujours bons")
    always = f"{good} sur ces campagnes"
    others = (
        f", et {text.plural(left, 'autre scénario', 'autres scénarios')} moins souvent" if left > 0 else ""
    )
    return [
        Matrix(
            "Scénarios qui n'ont pas été bons dans toutes ces campagnes",
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
