"""Is the content of sealed evidence consistent: a run judged again, a record against the lines it tells, a document
against what the titulaire signed.
"""

from __future__ import annotations

from pathlib import Path

from nonreg.documents.validation import SEALED as DOCUMENT
from nonreg.errors import UsageError
from nonreg.evidence.chain import RECORD, RUN, list_purged
from nonreg.evidence.files import EvidenceWrong, mark_file
from nonreg.evidence.manifest import UNKNOWN, Manifest
from nonreg.evidence.verify import Judge, NotJudgedHere
from nonreg.handover.journal import Journal
from nonreg.handover.state import select_entries
from nonreg.ledger import LedgerEntry
from nonreg.model import CampaignPlan, Evidence
from nonreg.store import PLAN, load_json
from nonreg.tool import read_commit
from tasks.document_evidence import judge_document
from tasks.publication import judge_again, require_same_inputs, select_run_entries


def judge_run(folder: Path, manifest: Manifest, entries: tuple[LedgerEntry, ...]) -> str:
    """The run judged again gives the report that was published, from what the ledger first knew of it."""
    plan = load_json(CampaignPlan, folder / PLAN)
    require_same_inputs(folder, select_run_entries(entries, plan.run_id))
    theirs, ours = manifest.tool_commit, read_commit()
    if theirs == UNKNOWN and manifest.is_old:
        theirs = plan.tool_commit
    try:
        report = judge_again(folder)
    except UsageError as error:
        if theirs != ours or ours.endswith("-dirty"):
            raise NotJudgedHere(
                f"{str(error).rstrip('.')} : publié par la version {theirs}, celle-ci est {ours or UNKNOWN} ; "
                "à vérifier avec la version d'origine"
            ) from error
        raise
    return f"jugé de nouveau : {report.assessment.verdict.value}, même rapport"


def judge_record(folder: Path, manifest: Manifest, entries: tuple[LedgerEntry, ...]) -> str:
    """The record's runbook and every proof are those of the ledger's lines; empty without a ledger."""
    own = select_entries(entries, manifest.id)
    if not own:
        return ""
    execution = Journal(folder.parent.parent).build(own)
    proofs = [proof for done in execution.done for proof in done.evidence]
    purged = list_purged(entries)
    for proof in proofs:
        _require_proof(folder, proof, purged)
    return f"{len(execution.done)} étape(s) et {len(proofs)} preuve(s) conformes au registre"


def _require_proof(folder: Path, proof: Evidence, purged: dict[str, int]) -> None:
    file = folder / proof.path
    root = folder.parent.parent.resolve()
    if not file.resolve().is_relative_to(root):
        raise EvidenceWrong(f"la preuve « {proof.title} » sort du dossier des passages")
    if file.is_file():
        if mark_file(file).sha256 != proof.sha256:
            raise EvidenceWrong(f"la preuve « {proof.title} » ({proof.path}) n'est plus celle du registre")
    elif file.resolve().relative_to(root).parts[0] not in purged:
        if file.resolve().is_relative_to(folder.resolve()):
            raise EvidenceWrong(f"la preuve « {proof.title} » ({proof.path}) est absente")
        raise NotJudgedHere(f"la preuve « {proof.title} » ({proof.path}) n'est pas ici")


JUDGES: dict[str, Judge] = {RUN: judge_run, RECORD: judge_record, DOCUMENT: judge_document}
