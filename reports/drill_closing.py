"""The end of the chapter on drills: the checks done again after them, beside those of before."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import CampaignReport
from reports import labels, text
from reports.document import Block, Cell, Column, Items, Paragraph, Section, Table
from reports.drill_facts import ClosingCheck, list_differences, say_left_as_found
from reports.gaps import list_evidence

TITLE_CHARACTERS = 160
SAID_CHARACTERS = 400
DIFFERENCES_SHOWN = 40


def say_state(report: CampaignReport, checks: Sequence[ClosingCheck]) -> Paragraph:
    """Return whether the platform was left as found."""
    said, state = say_left_as_found(report, checks)
    return Paragraph(said, state.tone, state.sign)


def _comment(check: ClosingCheck) -> str:
    if check.after is None:
        return ""
    attempt = f"Essai {check.after.attempt}." if check.after.attempt > 1 else ""
    return f"{attempt} {text.shorten(check.after.message, SAID_CHARACTERS)}".strip()


def close_drills(report: CampaignReport, checks: Sequence[ClosingCheck]) -> Section:
    """Return the closing checks beside those of before."""
    rows = tuple(
        (
            Cell(check.scenario_id),
            Cell(text.shorten(check.title, TITLE_CHARACTERS)),
            labels.OUTCOMES[check.before.outcome] if check.before else Cell("Non joué avant", "–", "muted"),
            labels.OUTCOMES[check.after.outcome] if check.after else labels.MISSING,
            check.state,
            Cell(_comment(check)),
        )
        for check in checks
    )
    columns = (
        Column("Id", 10),
        Column("Contrôle", 28),
        Column("Avant", 14),
        Column("Après", 14),
        Column("Constat", 14),
        Column("Commentaire", 20),
    )
    empty = "Aucun contrôle de clôture prévu."
    blocks: list[Block] = [
        say_state(report, checks),
        Table("Contrôles de clôture", columns, rows, empty=empty),
    ]
    differences = [
        f"{record.scenario_id} : {text.shorten(said, SAID_CHARACTERS)}"
        for record in report.run.drills
        for said in list_differences(record)
    ]
    if differences:
        blocks.append(Items("Ce que les exercices ont laissé", tuple(differences[:DIFFERENCES_SHOWN])))
    evidence = tuple(dict.fromkeys(item for result in report.run.closing for item in result.evidence))
    if evidence:
        blocks.append(list_evidence(evidence, "Preuves des contrôles de clôture"))
    return Section("cloture-exercices", "Plateforme laissée comme trouvée", tuple(blocks), 2)
