"""A.2 in its final form: the report of a run, with what was decided of its gaps and the titulaire's signature."""

from __future__ import annotations

from dataclasses import replace

from nonreg.model import CampaignReport
from nonreg.model.documents import FinalReport
from reports.document import Document, Pairs, Paragraph, Section
from reports.document_words import describe_head, say, tabulate
from reports.view import build_document


def build_final_report(draft: FinalReport, report: CampaignReport) -> Document:
    """Return the report of the run, whose own chapters do not change, with one more."""
    document = build_document(report)
    arbitrations = tabulate(
        "Arbitrages",
        draft.arbitrations,
        (("scenario", "Scénario", 14), ("decision", "Décision", 56), ("reference", "Référence", 30)),
        "Aucun arbitrage n'est inscrit.",
    )
    remarks = (Paragraph(f"Observations : {say(draft.remarks)}"),) if draft.remarks.strip() else ()
    added = Section(
        "arbitrages",
        "10. Arbitrages et observations du titulaire",
        (Pairs(describe_head(draft.document)), arbitrations, *remarks),
    )
    kept = tuple(one for one in document.sections if one.anchor != "visas")
    return replace(document, sections=(*kept, added))
