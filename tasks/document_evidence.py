"""Is an archived document what the titulaire signed: its content, the sheet that names it, the decision on it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from nonreg.decision import DecisionKind, hash_shown
from nonreg.documents.draft_file import load_draft
from nonreg.documents.validation import ROLES, WHOLE, hash_text
from nonreg.evidence.files import EvidenceWrong
from nonreg.evidence.manifest import Manifest
from nonreg.files import read_text
from nonreg.ledger import LedgerEntry
from reports.document_words import goes_on
from tasks.document_archive import CONTENT, SHEET
from tasks.document_drafts import DRAFT


def judge_document(folder: Path, manifest: Manifest, entries: tuple[LedgerEntry, ...]) -> str:
    """The sheet was signed by the titulaire for this document, and holds the hash of the content."""
    document_id = manifest.id.partition("-v")[0]
    shown, content = read_text(folder / SHEET), read_text(folder / CONTENT)
    if load_draft(folder / DRAFT).document.id != document_id:
        raise EvidenceWrong(f"{DRAFT} est celui d'un autre document")
    if hashlib.sha256(content.encode("utf-8")).hexdigest() not in shown:
        raise EvidenceWrong(f"{SHEET} ne porte pas l'empreinte de {CONTENT}")
    beyond = ""
    if goes_on(json.loads(content)) and hash_text(read_text(folder / DRAFT)) not in shown:
        if WHOLE in shown:
            raise EvidenceWrong(f"{SHEET} ne porte pas l'empreinte de {DRAFT}")
        beyond = f", sauf la suite des textes longs, dans {DRAFT}, que le manifeste couvre seul"
    signed = [
        one.decision
        for one in manifest.signatures
        if (one.decision.kind, one.decision.subject) == (DecisionKind.VALIDATION, document_id)
        and one.decision.role in ROLES
        and one.decision.content_sha256 == hash_shown(shown)
    ]
    if not signed:
        raise EvidenceWrong(f"aucune signature du titulaire n'est de {SHEET}")
    return f"validé par {signed[-1].person} (décision {signed[-1].id}), contenu et fiche conformes{beyond}"
