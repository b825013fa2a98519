"""Chapter 4: each gap with the request, what was expected, what was found, and the files that prove it."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import Criticality, Evidence, Gap, Outcome, ScenarioResult
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Code, Column, Pairs, Paragraph, Section, Table, shorten_on_paper
from reports.triage import explain_triage, list_facts

ROWS_SHOWN = 20
GAPS_SHOWN = 20
SECTIONS_ON_PAPER = 150  # about as many pages
INDEX_ON_PAPER = 500
WIDEST_TABLE = 7
TITLE_CHARACTERS = 300
ROW_CHARACTERS = 1_200  # shared between the columns: narrow ones get tall soon
REQUEST_CHARACTERS = 20_000
FOUND_CHARACTERS = 4_000


def detail_gaps(cases: Sequence[Case]) -> tuple[Section, ...]:
    """Return chapter 4: each failure, waived or retried ones too, with all that proves and explains it."""
    concerned = [
        case
        for case in cases
        if case.outcome in (Outcome.KO, Outcome.DEROGATION)
        or case.triage
        or len(case.attempts) > 1
        or any(a.gaps for a in case.attempts)
    ]
    order = list(Criticality)
    concerned.sort(key=lambda case: (case.outcome is not Outcome.KO, order.index(case.scenario.criticality)))
    count = text.plural(len(concerned), "écart", "écarts")
    said = (
        f"{count}. Les colonnes de décision sont à remplir par la personne habilitée."
        if concerned
        else "Aucun écart."
    )
    blocks: list[Block] = [Paragraph(said)]
    if len(concerned) > SECTIONS_ON_PAPER:
        blocks.append(_index_gaps(concerned))
    first = Section("ecarts", "4. Écarts et arbitrages", tuple(blocks))
    return (first, *(_detail_gap_case(case, n < SECTIONS_ON_PAPER) for n, case in enumerate(concerned)))


def _index_gaps(concerned: Sequence[Case]) -> Table:
    """Return every gap in a line: a document of hundreds of gaps details the worst ones only on paper."""
    rows = tuple(
        (
            Cell(case.scenario.id),
            case.label,
            Cell(labels.CAUSES[case.triage.cause] if case.triage else text.NOT_KNOWN),
            Cell(case.triage.fingerprint if case.triage else text.NOT_KNOWN),
        )
        for case in concerned
    )
    columns = (
        Column("Scénario", 20),
        Column("Résultat", 20),
        Column("Cause présumée", 25),
        Column("Empreinte", 35, mono=True),
    )
    note = f"Le PDF détaille les {SECTIONS_ON_PAPER} premiers ; le rapport HTML et la source JSON les détaillent tous."
    table = Table("Tous les écarts, les plus graves d'abord", columns, rows, note=note)
    return shorten_on_paper(table, INDEX_ON_PAPER, "voir § 3")


def _detail_gap_case(case: Case, on_paper: bool) -> Section:
    change = labels.CHANGES[case.finding.change].text
    before = labels.OUTCOMES[case.finding.before].text if case.finding.before else text.NOT_KNOWN
    items = (
        ("Résultat", f"{case.label.sign} {case.label.text}"),
        ("Criticité", labels.CRITICALITIES[case.scenario.criticality]),
        ("Évolution", f"{change} (avant : {before})"),
        ("Exigences", text.join_words(case.scenario.requirement_ids)),
        *list_facts(case),
    )
    blocks: list[Block] = [Pairs(items)]
    if case.explain():
        blocks.append(Paragraph(text.shorten(case.explain(), FOUND_CHARACTERS)))
    for number, attempt in enumerate(case.attempts, 1):
        if len(case.attempts) > 1:
            outcome = labels.OUTCOMES[attempt.outcome].text
            said = f"Essai {number} sur {len(case.attempts)} : {outcome}. {attempt.message}".strip()
            blocks.append(Paragraph(text.shorten(said, FOUND_CHARACTERS)))
        blocks += _detail_attempt(attempt, bool(case.evidence))
    if not any(attempt.gaps for attempt in case.attempts):
        blocks.append(Paragraph("Aucun détail d'écart n'a été enregistré."))
    if case.triage:
        blocks += explain_triage(case.triage)
    blocks += [list_evidence(case.evidence, "Preuves"), _leave_decision()]
    title = f"{case.scenario.id} {text.shorten(case.scenario.title, TITLE_CHARACTERS)}"
    return Section(f"ecart-{case.scenario.id}", title, tuple(blocks), 2, on_paper)


def _detail_attempt(attempt: ScenarioResult, attached: bool) -> list[Block]:
    blocks: list[Block] = []
    for gap in attempt.gaps[:GAPS_SHOWN]:
        blocks += [
            Code("Requête ou commande exacte", text.shorten(text.known(gap.request), REQUEST_CHARACTERS)),
            Code("Attendu", text.shorten(text.known(gap.expected), FOUND_CHARACTERS)),
            Code("Trouvé", text.shorten(text.known(gap.found), FOUND_CHARACTERS)),
        ]
        if gap.rows or gap.rows_total:
            blocks.append(_list_failing_rows(gap, attached))
    left = len(attempt.gaps) - GAPS_SHOWN
    if left > 0:
        others = text.plural(left, "autre écart", "autres écarts")
        blocks.append(Paragraph(f"… {others}, voir la source JSON."))
    return blocks


def _list_failing_rows(gap: Gap, attached: bool) -> Table:
    """Return the first failing rows; ragged ones are squared, too many columns become one."""
    width = max([len(gap.columns), *(len(row) for row in gap.rows)], default=0)
    names = [*gap.columns, *(f"Colonne {n}" for n in range(len(gap.columns) + 1, width + 1))]
    rows = [[*row, *[""] * (width - len(row))] for row in gap.rows[:ROWS_SHOWN]]
    total = max(gap.rows_total, len(gap.rows))
    if width > WIDEST_TABLE:
        named = [zip(names, row, strict=True) for row in rows]
        rows = [[" · ".join(f"{name} = {value}" for name, value in row)] for row in named]
        names = ["Ligne en écart"]
    limit = ROW_CHARACTERS // len(names) if names else ROW_CHARACTERS
    left = total - len(rows)
    where = "voir la pièce jointe" if attached else "aucune pièce jointe"
    return Table(
        f"Lignes en écart ({text.format_number(total)})",
        tuple(Column(text.shorten(name, 60, "…"), 10, mono=True) for name in names),
        tuple(tuple(Cell(text.shorten(value, limit)) for value in row) for row in rows),
        empty="Lignes en écart non enregistrées.",
        note=f"… {text.plural(left, 'autre ligne', 'autres lignes')}, {where}." if left > 0 else "",
    )


def _leave_decision() -> Table:
    titles = (
        ("Décision", 30), ("Référence (RD, COPIL)", 22), ("Ticket", 14), ("Responsable", 20), ("Date", 14)
    )  # fmt: skip
    blank = tuple(Cell("") for _ in titles)
    return Table("Décision", tuple(Column(title, weight) for title, weight in titles), (blank,), form=True)


def list_evidence(evidence: tuple[Evidence, ...], caption: str) -> Table:
    """Return the files with the hash that proves they did not change."""
    columns = (Column("Titre", 22), Column("Fichier", 25, mono=True), Column("SHA-256", 53, mono=True))
    rows = tuple((Cell(e.title), Cell(e.path), Cell(text.known(e.sha256))) for e in evidence)
    return Table(caption, columns, rows, empty=f"{caption} : aucune.")
