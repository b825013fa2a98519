"""The last chapters: guards, conclusion, files and visas."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model import CampaignReport
from reports import labels, text
from reports.case import Case
from reports.document import Block, Cell, Code, Column, Items, Pairs, Paragraph, Section, Table
from reports.gaps import list_evidence
from reports.reserves import list_remarks, list_reserves, say_conclusion
from reports.summary import tally

MESSAGE_CHARACTERS = 600
REASON_CHARACTERS = 4_000
ALL_GUARDS = tuple(f"PRE-{number:02d}" for number in range(1, 11))


def list_guards(report: CampaignReport) -> Section:
    """Return chapter 7: the answer of each guard, and the ones that never answered."""
    columns = (Column("Garde", 10), Column("Vérification", 35), Column("Réponse", 17), Column("Détail", 38))
    rows = tuple(
        (
            Cell(guard.id),
            Cell(guard.title),
            labels.GUARDS[guard.status],
            Cell(text.shorten(guard.message, MESSAGE_CHARACTERS)),
        )
        for guard in report.run.guards
    )
    absent = [guard for guard in ALL_GUARDS if guard not in {g.id for g in report.run.guards}]
    note = f"Sans réponse enregistrée : {', '.join(absent)}." if absent else ""
    caption = tally([labels.GUARDS[guard.status] for guard in report.run.guards], "garde", "gardes")
    table = Table(caption, columns, rows, empty="Aucune garde enregistrée.", note=note)
    stopped = any(guard.status.stops for guard in report.run.guards)
    blocks: list[Block] = [table]
    if stopped:
        blocks.insert(0, Paragraph("Une garde qui refuse ou ne répond pas arrête la campagne.", "ko", "✗"))
    return Section("gardes", "7. Gardes", tuple(blocks))


def conclude(report: CampaignReport, cases: Sequence[Case]) -> Section:
    """Return chapter 8: all the reasons of the verdict, all the reserves and remarks."""
    verdict = report.assessment.verdict
    label = labels.VERDICTS[verdict]
    reasons = tuple(text.shorten(reason, REASON_CHARACTERS) for reason in report.assessment.reasons)
    blocks = (
        Paragraph(f"Verdict : {label.text}. {say_conclusion(report, cases)}", label.tone, label.sign),
        Items("Motifs du verdict", reasons, empty="Aucun motif enregistré."),
        list_reserves(report, cases),
        list_remarks(report, cases),
        Paragraph("Ce rapport est une preuve de test ; il ne vaut ni procès-verbal ni décision."),
    )
    return Section("conclusion", "8. Réserves et conclusion", blocks)


def list_annexes(report: CampaignReport, source_sha256: str) -> Section:
    """Return chapter 9: every file kept as proof, and how to make this report again."""
    evidence = dict.fromkeys(item for result in report.run.results for item in result.evidence)
    source = Pairs((("Source", "rapport au format JSON"),), (("SHA-256 de la source", source_sha256),))
    command = Code("Commande de génération", text.known(report.run.plan.command))
    files = list_evidence(tuple(evidence), "Pièces jointes")
    return Section("annexes", "9. Annexes", (files, source, command))


def leave_visas() -> Section:
    """Return the visas, empty: only a real approval fills them."""
    titles = ("Visa", "Rôle", "Nom", "Date", "Signature")
    names = ("Rédigé", "Vérifié", "Validé")
    rows = tuple((Cell(name), *(Cell("") for _ in titles[1:])) for name in names)
    weights = (14, 24, 26, 14, 22)
    columns = tuple(Column(title, weight) for title, weight in zip(titles, weights, strict=True))
    return Section("visas", "Visas", (Table("À remplir à la main", columns, rows, form=True),))
