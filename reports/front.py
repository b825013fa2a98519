"""What page 1 says before everything else: what regressed, and what is accepted for a time.

Each list has its short form: with hundreds of entries the page names them all first, as far as it can hold
them, and the tables follow.
"""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import CampaignReport, Change, Outcome, Waiver
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Column, Paragraph, Table

IDS_ON_FRONT = 80
WAIVERS_ON_FRONT = 150
REGRESSIONS_ON_FRONT = 30
REASON_CHARACTERS = 200
SERVED, NOT_NEEDED, NOT_SELECTED = "a servi", "n'a pas servi", "scénario hors du plan"


def find_regressions(cases: Sequence[Case]) -> list[Case]:
    """Return what worked and no longer does, worst criticality first; waived ones last."""
    found = [
        case for case in cases if case.finding.change is Change.REGRESSION or _is_waived_regression(case)
    ]
    order = ("bloquante", "majeure", "mineure")
    return sorted(
        found,
        key=lambda case: (
            case.outcome is Outcome.DEROGATION,
            order.index(case.scenario.criticality.value),
            case.outcome is not Outcome.KO,
        ),
    )


def _is_waived_regression(case: Case) -> bool:
    before = case.finding.before
    return case.finding.change is Change.KNOWN_FAILURE and before is not None and before.is_passed


def list_regressions(regressions: Sequence[Case]) -> Table:
    """Return the table of regressions, with what helps to know where to look."""
    rows = tuple(
        (
            Cell(f"{case.scenario.id} {text.shorten(case.scenario.title, 90, 'voir § 3')}"),
            case.label,
            Cell(labels.CRITICALITIES[case.scenario.criticality]),
            Cell(say_last_good(case)),
            Cell(labels.CAUSES[case.triage.cause] if case.triage else text.NOT_KNOWN),
            Cell(_say_waiver(case)),
        )
        for case in regressions[:REGRESSIONS_ON_FRONT]
    )
    columns = (
        Column("Scénario", 30),
        Column("Résultat", 14),
        Column("Criticité", 11),
        Column("Dernier bon passage", 20),
        Column("Cause présumée", 13),
        Column("Dérogation", 12),
    )
    left = len(regressions) - len(rows)
    note = (
        f"… {text.plural(left, 'autre régression', 'autres régressions')}, voir § 1bis et § 4."
        if left > 0
        else ""
    )
    return Table("Régressions", columns, rows, empty="Aucune régression.", note=note)


def say_last_good(case: Case) -> str:
    """Return when the scenario was last good, and in which run."""
    triage = case.triage
    if triage is None or not triage.last_good_run:
        return text.NOT_KNOWN
    day = f"{text.format_day(triage.last_good_at)}, " if triage.last_good_at else ""
    return f"{day}{text.shorten(triage.last_good_run, 60, '…')}"


def _say_waiver(case: Case) -> str:
    waiver = case.finding.waiver
    if waiver is None:
        return "aucune"
    return f"{waiver.ticket}{'' if case.outcome is Outcome.DEROGATION else ' (expirée)'}"


def say_other_failures(cases: Sequence[Case], regressions: Sequence[Case]) -> list[Block]:
    """Return the failures that are no regression: new scenarios, or not better before."""
    regressed = {case.scenario.id for case in regressions}
    others = [case for case in cases if case.outcome is Outcome.KO and case.scenario.id not in regressed]
    if not others:
        return []
    names = text.name_ids(
        [f"{case.scenario.id} ({labels.CHANGES[case.finding.change].text.lower()})" for case in others],
        IDS_ON_FRONT,
        "voir § 4",
    )
    count = text.plural(len(others), "autre échec", "autres échecs")
    return [Paragraph(f"{count}, sans régression : {names}.", "ko", "✗")]


def choose_waivers(report: CampaignReport) -> tuple[list[Waiver], list[Waiver]]:
    """Return the waivers in force when the run was planned, and the expired ones of planned scenarios."""
    at, planned = report.run.plan.created_at, {scenario.id for scenario in report.run.plan.scenarios}
    waivers = sorted(report.basis.waivers, key=lambda waiver: (waiver.scenario_id, waiver.expires_at))
    in_force = [waiver for waiver in waivers if waiver.is_in_force(at)]
    replaced = {waiver.scenario_id for waiver in in_force}
    expired = [
        waiver
        for waiver in waivers
        if not waiver.is_in_force(at) and waiver.scenario_id in planned and waiver.scenario_id not in replaced
    ]
    return in_force, expired


def list_waivers(report: CampaignReport, cases: Sequence[Case]) -> Table:
    """Return every waiver in force, whether it served, and those that no longer help."""
    in_force, expired = choose_waivers(report)
    by_id = {case.scenario.id: case for case in cases}
    rows = [(*_describe_waiver(waiver), Cell("expirée", "✗", "ko")) for waiver in expired]
    for waiver in in_force:
        case = by_id.get(waiver.scenario_id)
        used = case is not None and case.outcome is Outcome.DEROGATION and case.finding.waiver == waiver
        served = Cell(SERVED, "!", "warn") if used else Cell(NOT_NEEDED if case else NOT_SELECTED)
        rows.append((*_describe_waiver(waiver), served))
    for case in cases:
        if (
            case.outcome is Outcome.DEROGATION and case.finding.waiver is None
        ):  # a report of before the waivers' file
            why = text.shorten(case.explain(), REASON_CHARACTERS, "voir § 3")
            blanks = (Cell(text.NOT_KNOWN),) * 4
            rows.append((Cell(case.scenario.id), Cell(why), *blanks, Cell(SERVED, "!", "warn")))
    columns = (
        Column("Scénario", 11),
        Column("Motif", 26),
        Column("Ticket", 9),
        Column("Responsable", 13),
        Column("Décision", 13),
        Column("Échéance", 16),
        Column("Effet", 12),
    )
    return Table(
        "Dérogations en vigueur, et expirées", columns, tuple(rows), empty="Aucune dérogation en vigueur."
    )


def _describe_waiver(waiver: Waiver) -> tuple[Cell, ...]:
    reference = f" ({waiver.reference})" if waiver.reference else ""
    return (
        Cell(waiver.scenario_id),
        Cell(text.shorten(waiver.reason, REASON_CHARACTERS, "voir la source JSON")),
        Cell(text.known(waiver.ticket)),
        Cell(text.known(waiver.owner)),
        Cell(f"{text.known(waiver.decision)}{reference}"),
        Cell(text.format_moment(waiver.expires_at)),
    )


def name_regressions(regressions: Sequence[Case]) -> Paragraph:
    """Return the short form of the table of regressions."""
    names = text.name_ids([case.scenario.id for case in regressions], IDS_ON_FRONT, "voir § 4")
    return Paragraph(f"{text.plural(len(regressions), 'régression', 'régressions')} : {names}.", "ko", "↓")


def name_waivers(report: CampaignReport) -> Paragraph:
    """Return the short form of the table of waivers."""
    in_force, expired = choose_waivers(report)
    names = text.name_ids(
        [f"{w.scenario_id} ({w.ticket})" for w in in_force], WAIVERS_ON_FRONT, "voir plus bas"
    )
    said = f"{text.plural(len(in_force), 'dérogation', 'dérogations')} en vigueur : {text.known(names)}."
    if expired:
        said += (
            f" Expirées : {text.name_ids([w.scenario_id for w in expired], IDS_ON_FRONT, 'voir plus bas')}."
        )
    return Paragraph(said, "warn", "!")
