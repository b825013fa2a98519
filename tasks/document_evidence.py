"""Is an archived document what the titulaire signed: its content, the sheet that names it, the decision on it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from nonreg.decision import DecisionKind, hash_shown
from nonreg.documents.draft_file import load_draft
from nonreg.documents.validation import ROLES
from nonreg.evidence.files import EvidenceWrong
from nonreg.evidence.manifest import Manifest
from nonreg.files import read_text
from nonreg.ledger import LedgerEntry
from tasks.document_drafts import DRAFT
from tasks.documents import CONTENT, SHEET


def judge_document(folder: Path, manifest: Manifest, entries: tuple[LedgerEntry, ...]) -> str:
    """The sheet was signed by the titulaire for this document, and holds the hash of the content."""
    document_id = manifest.id.partition("-v")[0]
    shown, content = read_text(folder / SHEET), read_text(folder / CONTENT)
    if load_draft(folder / DRAFT).document.id != document_id:
        raise EvidenceWrong(f"{DRAFT} est celui d'un autre document")
    if hashlib.sha256(content.encode("utf-8")).hexdigest() not in shown:
        raise EvidenceWrong(f"{SHEET} ne porte pas l'empreinte de {CONTENT}")
    signed = [
        one.decision
        for one in manifest.signatures
        if (one.decision.kind, one.decision.subject) == (DecisionKind.VALIDATION, document_id)
        and one.decision.role in ROLES
        and one.decision.content_sha256 == hash_shown(shown)
    ]
    if not signed:
        raise EvidenceWrong(f"aucune signature du titulaire n'est de {SHEET}")
    return f"validé par {signed[-1].person} (décision {signed[-1].id}), contenu et fiche conformes"
