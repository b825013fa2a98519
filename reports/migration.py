"""The report of a migration: what differs between two platforms, what of it was expected and signed off."""

from __future__ import annotations

from nonreg.model.migration import (
    ComparedSubject,
    ExpectedDifference,
    MigrationChange,
    MigrationDifference,
    MigrationReport,
    MigrationSide,
    MigrationSubject,
    MigrationVerdict,
    NotCompared,
)
from reports import labels, text
from reports.document import (
    Block,
    Cell,
    Code,
    Column,
    Document,
    Figures,
    Items,
    Pairs,
    Paragraph,
    Section,
    Table,
    shorten_on_paper,
)
from reports.visas import leave_visas

TITLE = "Comparaison avant migration"
ROWS_ON_PAPER, DETAILS_ON_PAPER = 300, 60
NAMES_SHOWN = 100
VALUE_CHARACTERS, DETAIL_CHARACTERS, WHY_CHARACTERS = 600, 20_000, 800
VERDICTS: dict[MigrationVerdict, Cell] = {
    MigrationVerdict.CONFORME: Cell("CONFORME", "✓", "ok"),
    MigrationVerdict.AVEC_RESERVES: Cell("AVEC RÉSERVES", "!", "warn"),
    MigrationVerdict.INCOMPLET: Cell("INCOMPLET", "?", "warn"),
    MigrationVerdict.ECARTS: Cell("ÉCARTS", "✗", "ko"),
}
CONCLUSIONS: dict[MigrationVerdict, str] = {
    MigrationVerdict.CONFORME: "Rien ne distingue les deux plateformes que ce qui était attendu et signé.",
    MigrationVerdict.AVEC_RESERVES: "Aucune différence imprévue ; les réserves ci-dessous restent à lever.",
    MigrationVerdict.INCOMPLET: "Aucune différence imprévue, mais tout n'a pas pu être comparé.",
    MigrationVerdict.ECARTS: "Les deux plateformes diffèrent par autre chose que ce qui était attendu.",
}
SUBJECTS: dict[MigrationSubject, str] = {
    MigrationSubject.SCENARIOS: "Scénarios",
    MigrationSubject.COLUMNS: "Colonnes",
    MigrationSubject.CONSTRAINTS: "Contraintes",
    MigrationSubject.INDEXES: "Index",
    MigrationSubject.TRIGGERS: "Déclencheurs",
    MigrationSubject.SEQUENCES: "Séquences",
    MigrationSubject.MODULES: "Procédures, fonctions et vues",
    MigrationSubject.PERMISSIONS: "Droits",
    MigrationSubject.SETTINGS: "Réglages",
    MigrationSubject.DATA: "Données",
}
CHANGES: dict[MigrationChange, str] = {
    MigrationChange.ABSENT: "absent à l'arrivée",
    MigrationChange.ADDED: "ajouté à l'arrivée",
    MigrationChange.CHANGED: "modifié",
    MigrationChange.WORSE: "dégradé à l'arrivée",
    MigrationChange.BETTER: "amélioré à l'arrivée",
    MigrationChange.NOT_LISTED: "non détaillé",
}
UNEXPECTED = Cell("non prévu", "✗", "ko")


def build_migration_page(report: MigrationReport) -> Document:
    """Return the report; page 1 says all that matters, the rest proves it."""
    report = text.make_printable(report)
    differences = sort_differences(report)
    return Document(
        title=TITLE,
        status=report.right.platform.nature.value,
        subject=f"de « {report.left.platform.title} » vers « {report.right.platform.title} »",
        run_id=report.id,
        generated=text.format_moment(report.generated_at),
        alerts=(),
        verdict=VERDICTS[report.verdict],
        conclusion=CONCLUSIONS[report.verdict],
        reasons=report.reasons,
        sections=(
            _summarise(report),
            _list_not_compared(report),
            _list_differences(report, differences),
            _describe_list(report),
            *_detail(differences),
            _explain_rule(),
            leave_visas(),
        ),
        run_label="Comparaison",
    )


def describe(one: NotCompared, limit: int = 4) -> str:
    """Return `Scénarios BASE-001, BASE-002 … et 17 autres, voir le rapport`."""
    names = text.name_ids(one.names, limit, "voir le rapport" if limit < NAMES_SHOWN else "voir la source")
    return f"{one.what} : {names}" if names else one.what


def sort_differences(report: MigrationReport) -> tuple[MigrationDifference, ...]:
    """Return the differences, those that nobody foresaw first."""
    return tuple(sorted(report.found.differences, key=lambda one: one.expected is not None))


def _summarise(report: MigrationReport) -> Section:
    found = report.found
    expected = sum(one.expected is not None for one in found.differences)
    unexpected = len(found.differences) - expected
    compared, same = (sum(getattr(one, name) for one in found.subjects) for name in ("compared", "same"))
    figures = Figures(
        (
            (text.format_number(unexpected), "différences non prévues", "ko" if unexpected else "ok"),
            (text.format_number(expected), "différences attendues", ""),
            (
                text.format_number(len(found.not_compared)),
                "comparaisons impossibles",
                "warn" if found.not_compared else "ok",
            ),
            (text.format_number(same), f"objets identiques sur {text.format_number(compared)}", ""),
        )
    )
    blocks: list[Block] = [figures, _describe_sides(report), _count_subjects(report)]
    if found.failing:
        said = text.plural(len(found.failing), "scénario est", "scénarios sont")
        names = text.name_ids(found.failing, 12, "voir les rapports des passages")
        blocks.append(
            Paragraph(
                f"{said} en échec des deux côtés : {names}. Ce n'est pas une différence, et ce n'est pas bon.",
                "warn",
                "!",
            )
        )
    return Section("synthese", "1. Synthèse", tuple(blocks))


def _describe_sides(report: MigrationReport) -> Table:
    sides = report.left, report.right
    labels_found = list(dict.fromkeys(label for side in sides for label, _ in side.versions))
    rows = [
        ("Plateforme", *(side.platform.name for side in sides)),
        ("Version annoncée", *(side.platform.application_version for side in sides)),
        *(
            (
                label,
                *(
                    text.known(text.shorten(dict(side.versions).get(label, ""), 160, "voir la source"))
                    for side in sides
                ),
            )
            for label in labels_found
        ),
        ("Site comparé", *(side.site for side in sides)),
        ("Passage", *(_describe_run(side) for side in sides)),
    ]
    columns = (Column("Caractéristique", 20), Column("Départ", 40), Column("Arrivée", 40))
    return Table("Plateformes", columns, tuple(tuple(Cell(one) for one in row) for row in rows))


def _describe_run(side: MigrationSide) -> str:
    if side.verdict is None or side.run_started_at is None:
        return "aucun"
    moment = text.format_moment(side.run_started_at)
    return f"{side.run_id}, {labels.VERDICTS[side.verdict].text}, commencé le {moment}"


def _count_subjects(report: MigrationReport) -> Table:
    rows = tuple(_count_subject(one, report) for one in report.found.subjects)
    columns = (
        Column("Sujet", 36),
        Column("Comparés", 16, numeric=True),
        Column("Identiques", 16, numeric=True),
        Column("Différences", 16, numeric=True),
        Column("dont non prévues", 16, numeric=True),
    )
    note = "Données : une table est un objet, chaque ligne qui diffère est une différence." if rows else ""
    return Table("Ce qui a été comparé", columns, rows, empty="Rien n'a pu être comparé.", note=note)


def _count_subject(counted: ComparedSubject, report: MigrationReport) -> tuple[Cell, ...]:
    differences = [one for one in report.found.differences if one.subject is counted.subject]
    unexpected = sum(one.expected is None for one in differences)
    return (
        Cell(SUBJECTS[counted.subject]),
        Cell(text.format_number(counted.compared)),
        Cell(text.format_number(counted.same)),
        Cell(text.format_number(len(differences))),
        Cell(text.format_number(unexpected), "✗", "ko") if unexpected else Cell("0"),
    )


def _list_not_compared(report: MigrationReport) -> Section:
    rows = tuple(
        (
            Cell(describe(one, NAMES_SHOWN)),
            Cell(text.shorten(one.why, WHY_CHARACTERS, "voir la source")),
        )
        for one in report.found.not_compared
    )
    table = Table(
        "Ce qui n'a pas pu être comparé, et n'est donc pas tenu pour identique",
        (Column("Quoi", 35), Column("Pourquoi", 65)),
        rows,
        empty="Tout ce qui était demandé a été comparé.",
    )
    return Section(
        "non-compare",
        "2. Comparaisons impossibles",
        (shorten_on_paper(table, ROWS_ON_PAPER, "voir la page HTML"),),
    )


def _list_differences(report: MigrationReport, differences: tuple[MigrationDifference, ...]) -> Section:
    details = number_details(differences)
    rows = tuple(
        (
            Cell(SUBJECTS[one.subject]),
            Cell("\n".join(filter(None, (one.object, one.title)))),
            Cell(CHANGES[one.change]),
            Cell(_shorten(one.before)),
            Cell(
                "\n".join(
                    filter(
                        None, (_shorten(one.after), f"Détail n° {details[place]}" if place in details else "")
                    )
                )
            ),
            _tell_reason(one, report),
        )
        for place, one in enumerate(differences)
    )
    columns = (
        Column("Sujet", 13),
        Column("Objet", 22),
        Column("Changement", 11),
        Column("Départ", 18),
        Column("Arrivée", 18),
        Column("Motif, ticket", 18),
    )
    table = Table("Les non prévues d'abord", columns, rows, empty="Aucune différence.")
    return Section(
        "differences", "3. Différences", (shorten_on_paper(table, ROWS_ON_PAPER, "voir la page HTML"),)
    )


def _shorten(value: str) -> str:
    return text.shorten(value, VALUE_CHARACTERS, "voir la source")


def _tell_reason(difference: MigrationDifference, report: MigrationReport) -> Cell:
    line = difference.expected
    if line is None:
        return UNEXPECTED
    said = f"{line.reason} ({line.ticket})"
    return Cell(said) if report.signed is not None else Cell(f"{said}, non signé", "!", "warn")


def number_details(differences: tuple[MigrationDifference, ...]) -> dict[int, int]:
    """Return the number of the detail of each difference that has one, by its place."""
    places = [place for place, one in enumerate(differences) if one.detail]
    return {place: number for number, place in enumerate(places, 1)}


def _describe_list(report: MigrationReport) -> Section:
    if not report.list_sha256 and not report.unsigned:
        said = "Aucune liste n'a été donnée (--expected) : toute différence est non prévue."
        return Section("attendues", "4. Différences attendues", (Paragraph(said),))
    signed = report.signed
    blocks: list[Block] = []
    if signed is None:
        blocks.append(Paragraph(report.unsigned, "warn", "!"))
    else:
        items = (
            ("Décision", signed.decision),
            ("Signée par", f"{signed.person}, {labels.ROLES[signed.role]}"),
            ("Ticket", text.known(signed.ticket)),
            ("Signée le", text.format_moment(signed.decided_at)),
            ("Valable jusqu'au", text.format_moment(signed.expires_at)),
        )
        blocks.append(Pairs(items, (("SHA-256 de la liste", report.list_sha256),)))
    columns = (
        Column("Sujet", 13),
        Column("Objet (motif)", 25, mono=True),
        Column("Changement", 14),
        Column("Motif", 30),
        Column("Ticket", 8),
        Column("Trouvées", 10, numeric=True),
    )
    rows = tuple(_count_line(line, report) for line in report.expected)
    blocks.append(Table("La liste, ligne à ligne", columns, rows, empty="La liste est vide."))
    return Section("attendues", "4. Différences attendues", tuple(blocks))


def _count_line(line: ExpectedDifference, report: MigrationReport) -> tuple[Cell, ...]:
    count = sum(one.expected == line for one in report.found.differences)
    if count:
        found = Cell(text.format_number(count))
    elif line in report.unmatched:
        found = Cell("aucune", "!", "warn")
    elif any(one.subject is line.subject and one.compared for one in report.found.subjects):
        found = Cell("0, déjà prévues")
    else:
        found = Cell("non comparé", "?", "warn")
    return (
        Cell(SUBJECTS[line.subject]),
        Cell(line.object),
        Cell(CHANGES[line.change]),
        Cell(line.reason),
        Cell(line.ticket),
        found,
    )


def _detail(differences: tuple[MigrationDifference, ...]) -> tuple[Section, ...]:
    details = number_details(differences)
    blocks = [
        Code(
            f"Détail n° {number} : {SUBJECTS[differences[place].subject].lower()}, {differences[place].object}",
            text.shorten(differences[place].detail, DETAIL_CHARACTERS, "voir la source"),
        )
        for place, number in details.items()
    ]
    if not blocks:
        return ()
    left_out = len(blocks) - DETAILS_ON_PAPER
    on_paper = Section("details", "5. Détails", tuple(blocks[:DETAILS_ON_PAPER]))
    if left_out <= 0:
        return (on_paper,)
    said = Items("", (f"{text.plural(left_out, 'autre détail', 'autres détails')}, voir la page HTML.",))
    rest = Section("details-suite", "Autres détails", tuple(blocks[DETAILS_ON_PAPER:]), 2, on_paper=False)
    return (Section("details", "5. Détails", (*on_paper.blocks, said)), rest)


def _explain_rule() -> Section:
    said = (
        "CONFORME : aucune différence, ou toutes attendues, par une liste signée. AVEC RÉSERVES : une différence est "
        "attendue sans être signée, une différence attendue n'a pas été trouvée, ou ce qui a été comparé est moins que "
        "ce qu'il semble. ÉCARTS : une différence au moins n'était pas attendue. INCOMPLET : quelque chose n'a pas pu "
        "être comparé. Le pire l'emporte, ÉCARTS avant INCOMPLET. La structure et les données sont celles des sites "
        "actifs. Un scénario qui n'a pas été observé d'un côté n'est jamais tenu pour identique. La signature porte "
        "sur la liste entière, les deux plateformes et leurs versions : ce qui en change est à signer de nouveau."
    )
    return Section("regle", "6. Règle appliquée", (Paragraph(said),))
