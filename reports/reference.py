"""Chapter 1bis: the promoted baseline, and everything that is not as it was in it."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import Assessment, Baseline, CampaignReport, Change, LimitChange, Outcome, Slowdown
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Column, Items, Pairs, Paragraph, Section, Table, shorten_on_paper

FULL_ROWS_ON_PAPER = 1_500  # scenarios beyond which the PDF says in short what is good
ROWS_ON_PAPER = 500  # of a table whose scenarios are all told elsewhere
NOTE_CHARACTERS = 400


def is_long(cases: Sequence[Case]) -> bool:
    """True when the PDF says in short what is good; the HTML and the JSON say everything."""
    return len(cases) > FULL_ROWS_ON_PAPER


def compare_with_baseline(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return the chapter: the reference, what changed, what slowed down, and every figure with its limit."""
    assessment, baseline = report.assessment, report.basis.baseline
    blocks: list[Block] = [
        *describe_baseline(report),
        Paragraph(_count_changes(cases)),
        _list_changes(cases, baseline is not None),
        *_list_slowdowns(cases),
    ]
    if assessment.removed:
        gone = {result.scenario_id: result.title for result in baseline.results} if baseline else {}
        blocks.append(
            Items(
                "Scénarios de la référence absents de ce plan",
                tuple(
                    f"{name} {text.shorten(gone.get(name, ''), 160)}".strip()
                    for name in assessment.removed[:ROWS_ON_PAPER]
                ),
            )
        )
    if assessment.limit_changes:
        blocks.append(_list_limit_changes(assessment.limit_changes))
    if assessment.scenario_changes:
        label = "Scénarios modifiés depuis la référence : criticité, mesures, limites de mesure"
        changes = [text.shorten(said, 200) for said in assessment.scenario_changes[:ROWS_ON_PAPER]]
        left = len(assessment.scenario_changes) - len(changes)
        changes += [f"… {text.plural(left, 'autre', 'autres')}, voir la source JSON."] if left > 0 else []
        blocks.append(Items(label, tuple(changes)))
    if assessment.reference_changes:
        label = "Fichiers de référence modifiés depuis la promotion"
        blocks.append(Items(label, tuple(text.shorten(name, 200) for name in assessment.reference_changes)))
    blocks += [*_say_machine(assessment), list_measures(cases, "Mesures", is_long(cases))]
    return Section("baselines", "1bis. Baselines et écarts", tuple(blocks))


def describe_baseline(report: CampaignReport) -> list[Block]:
    """Return the reference as the contractual object it is, or that there is none."""
    baseline, tested = report.basis.baseline, report.run.plan.platform.application_version
    if baseline is None:
        name = report.run.plan.platform.baseline
        files = f"« {text.shorten(name, 160)} »"
        other = f" Les contrôles se réfèrent aux fichiers {files}, relus dans git." if name else ""
        return [Paragraph(f"Aucune référence promue pour cette plateforme.{other}", "warn", "!")]
    blocks: list[Block] = [_identify_baseline(baseline)]
    if baseline.application_version != tested:
        said = (
            f"Version testée : {text.known(tested)}, version de la référence : "
            f"{text.known(baseline.application_version)}."
        )
        blocks.append(Paragraph(said, "info", "◇"))
    return blocks


def _identify_baseline(baseline: Baseline) -> Pairs:
    promoted = text.format_moment(baseline.promoted_at) if baseline.promoted_at else text.NOT_KNOWN
    person = f"{baseline.person} ({labels.ROLES[baseline.role]})" if baseline.person else text.NOT_KNOWN
    items = (
        ("Référence", f"n° {baseline.number} de {text.known(baseline.platform)}"),
        ("Version", text.known(baseline.application_version)),
        ("Passage promu", text.known(baseline.run_id)),
        ("Date du passage", text.format_moment(baseline.run_started_at)),
        ("Verdict alors", labels.VERDICTS[baseline.verdict].text),
        ("Jeu de données", text.known(baseline.dataset)),
        ("Promue le", promoted),
        ("Promue par", person),
        ("Ticket", text.known(baseline.ticket)),
        ("Décision", text.known(baseline.decision)),
        ("Motif", text.known(baseline.reason)),
        ("Scénarios", text.format_number(len(baseline.results))),
    )
    short = tuple((label, text.shorten(value, 160, "voir la source JSON")) for label, value in items)
    return Pairs(short, (("SHA-256 de la référence", text.known(baseline.sha256)),))


def _count_changes(cases: Sequence[Case]) -> str:
    counts = [(labels.CHANGES[c].text, sum(case.finding.change is c for case in cases)) for c in Change]
    said = ", ".join(f"{name.lower()} : {count}" for name, count in counts if count)
    without = "" if _has_before(cases) else " Aucun résultat antérieur n'est connu."
    return f"Évolutions : {said or 'aucune'}.{without}"


def _has_before(cases: Sequence[Case]) -> bool:
    return any(case.finding.before for case in cases)


def _list_changes(cases: Sequence[Case], has_baseline: bool) -> Table:
    # Without anything known before everything is new: a table of it would say nothing more.
    quiet = (Change.SAME, Change.MISSING) if _has_before(cases) else (Change.SAME, Change.MISSING, Change.NEW)
    rows = tuple(
        (
            Cell(case.scenario.id),
            labels.OUTCOMES[case.finding.before] if case.finding.before else Cell(text.NOT_KNOWN),
            case.label,
            labels.CHANGES[case.finding.change],
            Cell(text.shorten(_note_change(case), NOTE_CHARACTERS)),
        )
        for case in cases
        if case.finding.change not in quiet
    )
    missing = any(case.is_missing for case in cases)
    columns = (
        Column("Scénario", 12),
        Column("Avant", 15),
        Column("Cette fois", 15),
        Column("Évolution", 15),
        Column("Note", 43),
    )
    known = "à la référence" if has_baseline else "au dernier passage"
    empty = "Aucune autre évolution." if missing else "Aucune évolution."
    if not _has_before(cases):
        empty = "Rien à quoi comparer : aucune évolution ne peut être montrée."
    note = "Les scénarios sans résultat sont au § 1." if missing else ""
    table = Table(f"Évolutions par rapport {known}", columns, rows, empty=empty, note=note)
    return shorten_on_paper(table, ROWS_ON_PAPER, "voir § 3")


def _note_change(case: Case) -> str:
    """Return the judgement's note, how often it was tried, the ticket it waits for, and what slowed down."""
    finding, lines = case.finding, []
    if len(case.attempts) > 1:
        lines.append(f"{say_attempts(case)}.")
    if finding.waiver and finding.outcome is Outcome.DEROGATION:
        lines.append(f"Dérogation, ticket {text.known(finding.waiver.ticket)}.")
    if finding.slower:
        lines.append("Plus lentes : " + " ; ".join(found.name for found in finding.slower) + ".")
    if finding.note:
        lines.append(finding.note)
    return "\n".join(lines)


def say_attempts(case: Case) -> str:
    """Return how each attempt ended, e.g. "2 essais : KO puis OK"."""
    tries = " puis ".join(labels.OUTCOMES[attempt.outcome].text for attempt in case.attempts)
    return f"{text.plural(len(case.attempts), 'essai', 'essais')} : {tries}"


def _list_slowdowns(cases: Sequence[Case]) -> list[Block]:
    """Return the measures above their bound, for the second time or the first, with the rule in words."""
    pairs = [
        *((case, found, Cell("Plus lente", "▼", "warn")) for case in cases for found in case.finding.slower),
        *(
            (case, found, Cell("À confirmer", "?", "info"))
            for case in cases
            for found in case.finding.to_confirm
        ),
    ]
    columns = (
        Column("Scénario", 12),
        Column("Mesure", 28),
        Column("Valeur", 12, numeric=True),
        Column("Médiane", 12, numeric=True),
        Column("Borne", 12, numeric=True),
        Column("Valeurs de référence", 11, numeric=True),
        Column("Avis", 14),
    )
    rows = tuple((*_describe_slowdown(case, found), label) for case, found, label in pairs)
    empty = "Aucune durée au-dessus de sa borne."
    table = Table("Durées au-dessus de leur borne", columns, rows, empty=empty)
    where = "voir le rapport HTML ou la source JSON"
    return [shorten_on_paper(table, ROWS_ON_PAPER, where), Paragraph(labels.SLOWER_RULE)]


def _describe_slowdown(case: Case, found: Slowdown) -> tuple[Cell, ...]:
    return (
        Cell(case.scenario.id),
        Cell(text.shorten(found.name, 120)),
        *(
            Cell(text.format_quantity(value, found.unit))
            for value in (found.value, found.median, found.bound)
        ),
        Cell(text.format_number(found.samples)),
    )


def _list_limit_changes(changes: Sequence[LimitChange]) -> Table:
    rows = tuple(
        (Cell(text.shorten(change.name, 120)), _show_limit(change.before), _show_limit(change.after),
         _qualify_limit(change))
        for change in changes
    )  # fmt: skip
    columns = (
        Column("Limite", 46),
        Column("Référence", 16, numeric=True),
        Column("Cette fois", 16, numeric=True),
        Column("Sens", 22),
    )
    return Table("Seuils modifiés depuis la référence", columns, rows)


def _show_limit(value: float | None) -> Cell:
    return Cell("aucune" if value is None else text.format_number(value))


def _qualify_limit(change: LimitChange) -> Cell:
    """A lower limit asks more, except for what must at least be there."""
    if change.before is None:
        return Cell("ajouté", "+", "info")
    if change.after is None:
        return Cell("retiré", "−", "warn")
    asks_more = (change.after < change.before) != (change.name in labels.LOWER_BOUNDS)
    arrow = "↓" if change.after < change.before else "↑"
    return Cell("durci", arrow, "ok") if asks_more else Cell("assoupli", arrow, "warn")


def _say_machine(assessment: Assessment) -> list[Block]:
    factor = assessment.machine_factor
    if abs(factor - 1) < 0.005:
        return []
    word = "plus lente" if factor > 1 else "plus rapide"
    said = f"La machine entière était {word} que d'habitude : facteur {text.format_number(round(factor, 2))}."
    return [Paragraph(said, "info", "◇")]


def list_measures(cases: Sequence[Case], caption: str, is_long_report: bool) -> Table:
    """Return every measure with its unit and its agreed limit, if there is one."""
    columns = (
        Column("Scénario", 12),
        Column("Mesure", 38),
        Column("Valeur", 16, numeric=True),
        Column("Limite convenue", 18),
        Column("Résultat", 16),
    )
    table = Table(caption, columns, _list_figures(cases), empty="Aucune mesure enregistrée.")
    if not is_long_report:
        return table
    told = [case for case in cases if not case.is_quiet]
    rows = _list_figures(told)
    left = len(table.rows) - len(rows[:ROWS_ON_PAPER])
    note = (
        f"{text.plural(left, 'autre mesure', 'autres mesures')}, d'abord celles des scénarios bons et inchangés : "
        "voir le rapport HTML ou la source JSON."
    )
    short = Table(caption, columns, rows[:ROWS_ON_PAPER], empty=f"{caption} : aucune à signaler.", note=note)
    return Table(table.caption, table.columns, table.rows, table.empty, on_paper=(short,))


def _list_figures(cases: Sequence[Case]) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        (
            Cell(case.scenario.id),
            Cell(text.shorten(measure.name, 120)),
            Cell(text.format_quantity(measure.value, measure.unit)),
            Cell(
                "sans limite convenue"
                if measure.limit is None
                else text.format_quantity(measure.limit, measure.unit)
            ),
            case.label,
        )
        for case in cases
        if case.result
        for measure in case.result.measures
    )
