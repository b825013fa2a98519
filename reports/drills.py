"""Chapter 5bis: the high-availability drills, what was approved, what was seen, how the platform was left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nonreg.model import CampaignReport, DrillRecord, PlannedDrill
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Charts, Column, Names, Pairs, Paragraph, Section, Table
from reports.drill_approval import describe_approval
from reports.drill_clients import list_clients, say_milliseconds
from reports.drill_closing import close_drills, say_state
from reports.drill_facts import (
    AS_BEFORE,
    CHANGED,
    NO_PART,
    NOT_PROVED,
    find_longest_of_all,
    join_closing,
    list_differences,
    say_interruption,
    say_seconds,
)
from reports.drill_tables import (
    list_alarms,
    list_answers,
    list_healings,
    list_moments,
    split_recovery,
)
from reports.drill_timeline import draw_timeline
from reports.drill_writes import account_writes

DRILLS_ON_PAPER = 40
TITLE_CHARACTERS = 160
SAID_CHARACTERS = 400
DIFFERENCES_SHOWN = 40


def has_drills(report: CampaignReport) -> bool:
    """True when the campaign planned drills or closing checks, or recorded some."""
    run = report.run
    return bool(run.plan.drills or run.drills or run.plan.closing or run.closing)


def tell_drills(report: CampaignReport, cases: Sequence[Case]) -> tuple[Section, ...]:
    """Return the chapter and its parts; nothing for a campaign without drills."""
    if not has_drills(report):
        return ()
    planned = {drill.scenario_id: drill for drill in report.run.plan.drills}
    records = {record.scenario_id: record for record in report.run.drills}
    by_id = {case.scenario.id: case for case in cases}
    names = list(dict.fromkeys((*planned, *records)))
    checks = join_closing(report)
    return (
        Section(
            "exercices-hd",
            "5bis. Exercices de haute disponibilité",
            (
                say_state(report, checks),
                _list_drills(names, planned, records, by_id),
                *_name_left_out(report.run.plan.drills_left_out),
            ),
        ),
        describe_approval(report),
        *(
            _tell_drill(number, name, planned.get(name), records.get(name), by_id.get(name))
            for number, name in enumerate(names, 1)
        ),
        close_drills(report, checks),
    )


def _list_drills(
    names: Sequence[str],
    planned: Mapping[str, PlannedDrill],
    records: Mapping[str, DrillRecord],
    cases: Mapping[str, Case],
) -> Table:
    """Return every drill in a line."""
    rows = tuple(_sum_drill(name, planned.get(name), records.get(name), cases.get(name)) for name in names)
    columns = (
        Column("Exercice", 28),
        Column("Étape", 14),
        Column("Résultat", 13),
        Column("RTO", 10, numeric=True),
        Column("Plus longue interruption", 14, numeric=True),
        Column("Perdues", 11, numeric=True),
        Column("Plateforme", 14),
    )
    note = (
        "RTO : interruption des écritures, temps de l'opérateur compris. Perdues : écritures acquittées, absentes "
        "ensuite. Plateforme : ce que l'exercice lui-même a constaté à sa fin."
    )
    caption = text.plural(len(names), "exercice", "exercices")
    return Table(caption, columns, rows, empty="Aucun exercice prévu.", note=note if rows else "")


def _name_left_out(ids: Sequence[str]) -> list[Names]:
    """Return the drills of the catalog that this plan does not hold: a partial campaign must not look whole."""
    count = text.plural(len(ids), "exercice du catalogue", "exercices du catalogue")
    return [Names(f"Hors de ce plan, {count} :", tuple(ids))] if ids else []


def _sum_drill(
    name: str, planned: PlannedDrill | None, record: DrillRecord | None, case: Case | None
) -> tuple[Cell, ...]:
    title = planned.title if planned else case.scenario.title if case else ""
    rto = record.recovery.total_seconds if record and record.recovery else None
    lost = len(record.accounting.lost) if record and record.accounting else None
    return (
        Cell(f"{name} {text.shorten(title, TITLE_CHARACTERS, 'voir plus bas')}".strip()),
        Cell(labels.DRILL_STAGES[planned.stage] if planned else "hors du plan"),
        case.label if case else Cell(text.NOT_KNOWN),
        Cell(say_seconds(rto, NO_PART if record and record.accounting else text.NOT_KNOWN)),
        Cell(_say_longest(record)),
        Cell(text.NOT_KNOWN if lost is None else text.format_number(lost)),
        _say_drill_state(record),
    )


def _say_longest(record: DrillRecord | None) -> str:
    if record is None or not record.clients:
        return text.NOT_KNOWN
    longest = find_longest_of_all(record)
    return say_interruption(longest) if longest else "aucune"


def _say_drill_state(record: DrillRecord | None) -> Cell:
    if record is None:
        return Cell("Sans enregistrement", NOT_PROVED.sign, NOT_PROVED.tone)
    count = len(list_differences(record))
    if count:
        return Cell(text.plural(count, "différence", "différences"), CHANGED.sign, CHANGED.tone)
    return AS_BEFORE


def _tell_drill(
    number: int, name: str, planned: PlannedDrill | None, record: DrillRecord | None, case: Case | None
) -> Section:
    """Return everything that was recorded of one drill."""
    title = planned.title if planned else case.scenario.title if case else "hors du plan"
    blocks: list[Block] = []
    if record is None:
        why = case.explain() if case else ""
        said = "Aucun enregistrement de cet exercice : il n'a pas eu lieu, ou rien n'en a été gardé."
        blocks.append(Paragraph(f"{said}\n{text.shorten(why, SAID_CHARACTERS)}".strip(), "warn", "○"))
    else:
        blocks += _detail_drill(number, planned, record, case)
    return Section(
        f"exercice-{number}",
        f"{name} {text.shorten(title, TITLE_CHARACTERS, '…')}",
        tuple(blocks),
        2,
        number <= DRILLS_ON_PAPER,
    )


def _detail_drill(
    number: int, planned: PlannedDrill | None, record: DrillRecord, case: Case | None
) -> list[Block]:
    differences = list_differences(record)
    blocks: list[Block] = []
    if differences:
        blocks.append(_list_differences(differences))
    result = f"{case.label.sign} {case.label.text}" if case else text.NOT_KNOWN
    items = (
        ("Étape", labels.DRILL_STAGES[planned.stage] if planned else "hors du plan"),
        ("Résultat", result),
        ("Début", text.format_moment(record.started_at)),
        ("Durée", say_seconds(record.duration_seconds)),
        ("Résolution", say_milliseconds(record.resolution_seconds)),
        ("À la fin", "voir ci-dessus" if differences else "rien ne diffère d'avant"),
    )
    seen = record.events or record.clients or record.healings
    return [
        *blocks,
        Pairs(items),
        *([Charts((draw_timeline(record, f"chronologie-{number}"),))] if seen else []),
        list_moments(record),
        *account_writes(record, planned.stage if planned else None),
        list_clients(record),
        split_recovery(record),
        *list_answers(record),
        list_alarms(record),
        list_healings(record),
    ]


def _list_differences(differences: Sequence[str]) -> Paragraph:
    shown = [f"– {text.shorten(said, SAID_CHARACTERS)}" for said in differences[:DIFFERENCES_SHOWN]]
    left = len(differences) - len(shown)
    shown += [f"… {text.plural(left, 'autre', 'autres')}, voir la source JSON."] if left > 0 else []
    return Paragraph(
        "\n".join(("L'exercice n'a pas laissé la plateforme comme il l'a trouvée :", *shown)), "ko", "✗"
    )
