"""Which events of the ledger are told in tickets, and in which words. Pure.

    campagne                     verdict, reasons, drills; the report is joined; its regressions open or follow tickets
    runbook                      each step, failure and stop of the clock
    constat                      a closed execution of a runbook: its record is joined
    intervention, reserves       the answer, its page
    migration                    the verdict, its report
    validation                   which document, its version; the validated PDF is joined
    revue                        the alerts of a weekly review or COPIL; its pages are joined
    any other with a ticket      one sentence (decisions: promotion, dérogation, exercice, confirmation, clôture…)

Not told: what the ledger itself opens, the nightly readiness, a step that only begins (its campaign tells of itself).
Texts are concealed, on lines that we begin: nothing that a platform or a person typed starts a line, where trackers
see commands (`/close`), nor mentions anybody (`@all`).
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from nonreg.decision import INVISIBLE
from nonreg.documents.validation import KIND as VALIDATION
from nonreg.evidence.chain import RECORD, read_seal
from nonreg.handover.state import KIND as RUNBOOK
from nonreg.handover.state import Event
from nonreg.handover.ticket_history import describe
from nonreg.ledger import OPENING, LedgerEntry
from nonreg.masking import NO_SECRET_KNOWN, Mask, conceal
from nonreg.model import CampaignReport, Change, Finding, Outcome, Triage
from nonreg.steering.pack import KIND as PACK
from nonreg.tracker.items import Item, ItemKind, PieceRef, Regression
from nonreg.wording import plural

CAMPAIGN, INTERVENTION, RESERVES, MIGRATION, READINESS, CLOSING = (
    "campagne",
    "intervention",
    "reserves",
    "migration",
    "disponibilite",
    "cloture",
)
SILENT = frozenset({OPENING, READINESS})
PDF, MARKDOWN = "application/pdf", "text/markdown"
SHOWN, MAX_CHARS, MAX_TITLE = 8, 600, 120


@dataclass(frozen=True, slots=True)
class Words:
    """How texts are made fit to leave, and where reports are read (empty when nobody said)."""

    mask: Mask = NO_SECRET_KNOWN
    reports_url: str = ""

    def fit(self, text: object, limit: int = MAX_CHARS) -> str:
        """One line without secrets, addresses, invisible characters and mentions, and of a bounded length."""
        line = " ".join(str(text)[: 20 * limit].split())
        visible = "".join(char for char in line if unicodedata.category(char) not in INVISIBLE)
        said = conceal(self.mask.apply(visible)).replace("@", "@ ")
        return said if len(said) <= limit else said[: limit - 1].rstrip() + "…"


def is_told(entry: LedgerEntry) -> bool:
    """True for an event that belongs in a ticket."""
    begins = entry.kind == RUNBOOK and entry.data.get("event") == Event.BEGUN
    return bool(entry.ticket) and entry.kind not in SILENT and not begins


def collect_entry(
    entry: LedgerEntry, titles: Mapping[str, str], words: Words, report: CampaignReport | None = None
) -> Item | None:
    """The note of an event in its own ticket; None when nothing is told. `report` is that of a campaign, if known."""
    if not is_told(entry):
        return None
    lines = [f"{capitalise(words.fit(_tell(entry, titles)))}."]
    lines += _tell_details(entry, words, report)
    if entry.person:
        role = f", {entry.decision.role}" if entry.decision is not None else ""
        lines.append(f"Par : {words.fit(entry.person)}{role}.")
    lines.append(f"Plateforme {words.fit(entry.platform)}, registre ligne {entry.sequence}.")
    return Item(
        key=f"registre-{entry.sha256[:40]}",
        sequence=entry.sequence,
        index=0,
        kind=ItemKind.NOTE,
        at=entry.at,
        ticket=entry.ticket,
        text="\n".join(lines),
        pieces=tuple(ref for ref in _list_pieces(entry) if is_inside(ref.path)),
    )


def collect_regressions(
    entry: LedgerEntry, report: CampaignReport, known: Mapping[str, Regression], words: Words
) -> tuple[tuple[Item, ...], dict[str, Regression]]:
    """What a campaign says of regressions, and what is known of them afterwards.

    A new one is a KO where the reference was good; one that has its ticket is told whenever it shows again, and once
    when its scenario passes. A run that is judged again adds nothing for a failure that it told of already. A platform
    that did not answer makes no ticket: the note of the campaign says so once.
    """
    run_id = report.run.plan.run_id
    after, items = dict(known), list[Item]()
    findings = {one.scenario_id: one for one in report.assessment.findings}
    shown = {one.fingerprint: one for one in report.triage}
    titles = {one.id: one.title for one in report.run.plan.scenarios}

    def add(
        kind: ItemKind, fingerprint: str, title: str, text: str, pieces: tuple[PieceRef, ...] = ()
    ) -> None:
        mark = hashlib.sha256(f"{kind}\n{fingerprint}\n{run_id}".encode("utf-8", "replace")).hexdigest()[:24]
        items.append(
            Item(
                f"{kind}-{mark}",
                entry.sequence,
                len(items) + 1,
                kind,
                entry.at,
                "",
                text,
                title,
                fingerprint,
                pieces,
            )
        )

    for fingerprint, triage in shown.items():
        finding, before = findings.get(triage.scenario_id), known.get(fingerprint)
        if finding is None or finding.outcome is not Outcome.KO:
            continue
        if before is None and finding.change is not Change.REGRESSION:
            continue
        if before is not None and before.last_run == run_id:
            continue
        title = words.fit(
            f"Régression {triage.scenario_id} — {titles.get(triage.scenario_id, '')}", MAX_TITLE
        )
        first = before.first_run if before else run_id
        after[fingerprint] = Regression(triage.scenario_id, title, first, run_id, True)
        text = _tell_regression(entry, report, triage, finding, before, words)
        fiche = PieceRef(
            f"{run_id}/triage/{triage.scenario_id}.md", f"triage-{triage.scenario_id}.md", MARKDOWN
        )
        add(ItemKind.SEEN, fingerprint, title, text, (fiche,) if is_inside(fiche.path) else ())
    for fingerprint, one in known.items():
        finding = findings.get(one.scenario_id)
        if one.is_open and finding is not None and finding.outcome.is_passed and one.last_run != run_id:
            after[fingerprint] = replace(one, last_run=run_id, is_open=False)
            fixed = [
                f"Corrigée : le scénario {words.fit(one.scenario_id)} passe ({finding.outcome}).",
                f"Passage {words.fit(run_id)}, version {words.fit(report.run.plan.platform.application_version)}, "
                f"registre ligne {entry.sequence}. La clôture du ticket revient à une personne.",
            ]
            add(ItemKind.FIXED, fingerprint, one.title, "\n".join([*fixed, *_link(words, run_id)]))
    return tuple(items), after


def _tell_regression(
    entry: LedgerEntry,
    report: CampaignReport,
    triage: Triage,
    finding: Finding,
    before: Regression | None,
    words: Words,
) -> str:
    plan = report.run.plan
    again = "Toujours là" if before is not None and before.is_open else "Réapparue"
    first = again if before is not None else "Régression"
    lines = [
        f"{first} : {words.fit(triage.scenario_id)} — {finding.outcome}.",
        f"Passage {words.fit(plan.run_id)}, version {words.fit(plan.platform.application_version)}, "
        f"plateforme {words.fit(entry.platform)}, ticket de la campagne {words.fit(entry.ticket)}, "
        f"registre ligne {entry.sequence}.",
        f"Constat : {words.fit(finding.note) or '—'}",
        f"Cause présumée : {triage.cause.value.replace('_', ' ')}"
        + (f" ({words.fit(' '.join(triage.why))})" if triage.why else "")
        + ".",
    ]
    if triage.last_good_run:
        lines.append(f"Bon pour la dernière fois au passage {words.fit(triage.last_good_run)}.")
    lines.append(f"Empreinte de l'échec : {words.fit(triage.fingerprint)}.")
    return "\n".join([*lines, *_link(words, plan.run_id)])


def _tell(entry: LedgerEntry, titles: Mapping[str, str]) -> str:
    if entry.kind == RECORD:
        execution = find_execution(entry)
        return f"relevé complet de {titles.get(execution, 'runbook')} ({execution})"
    return describe(entry, titles)


def find_execution(entry: LedgerEntry) -> str:
    """The execution of an event of a runbook, or of the seal of its record; empty when it names none."""
    seal = read_seal(entry)
    return seal.id if seal is not None else str(entry.data.get("execution") or "")


def _tell_details(entry: LedgerEntry, words: Words, report: CampaignReport | None) -> list[str]:
    data = entry.data
    lines: list[str] = []
    if entry.kind == CAMPAIGN:
        lines.append(f"Version {words.fit(data.get('application_version'))}.")
        if data.get("drills"):
            drills = ", ".join(words.fit(one) for one in data["drills"])
            lines.append(f"Exercices HD : {drills} (autorisation {words.fit(data.get('approval'))}).")
        if report is not None:
            lines += _bullets("Motifs", report.assessment.reasons, words)
        lines += _link(words, str(data.get("run_id", "")))
    elif entry.kind == RUNBOOK:
        lines += _bullets("Preuves", _list_evidence(data), words)
        if data.get("remedy"):
            lines.append(f"À faire : {words.fit(data['remedy'])}")
        if data.get("note"):
            lines.append(f"Note : {words.fit(data['note'])}")
    elif entry.kind == PACK:
        lines += _bullets("Alertes", map(str, data.get("warnings", ())), words)
    elif entry.kind == CLOSING:
        lines += _bullets("Documents mis à jour", map(str, data.get("documents", ())), words)
        if data.get("no_impact_because"):
            lines.append(f"Aucun document concerné : {words.fit(data['no_impact_because'])}")
    elif entry.kind == VALIDATION:
        lines.append(f"Document {words.fit(data.get('genre'))}, version {words.fit(data.get('version'))}.")
    if entry.decision is not None and entry.decision.reason:
        lines.append(f"Motif : {words.fit(entry.decision.reason)}")
    return lines


def _list_evidence(data: Mapping[str, Any]) -> list[str]:
    found = data.get("evidence") or ()
    return [f"{one.get('title')} (SHA-256 {one.get('sha256')})" for one in found if isinstance(one, Mapping)]


def _bullets(title: str, lines: Iterable[str], words: Words) -> list[str]:
    kept = [words.fit(one) for one in lines]
    more = len(kept) - SHOWN
    return [
        *([f"{title} :"] if kept else []),
        *(f"- {one}" for one in kept[:SHOWN]),
        *([f"- … et {plural(more, 'autre', 'autres')}."] if more > 0 else []),
    ]


def _link(words: Words, run_id: str) -> list[str]:
    """Where the report is read: an address of ours, that is not concealed."""
    return (
        [f"En ligne : {words.reports_url}/{quote(run_id)}/report.html"]
        if words.reports_url and run_id
        else []
    )


def _list_pieces(entry: LedgerEntry) -> tuple[PieceRef, ...]:
    """Files that belong to an event; those that are made anew are of this moment, or awaited."""
    data = entry.data
    match entry.kind:
        case "campagne":
            run_id = data.get("run_id")
            return (PieceRef(f"{run_id}/report.pdf", f"rapport-{_file_name(run_id)}.pdf", PDF),)
        case "intervention" | "reserves":
            made = entry.at if entry.kind == RESERVES else None
            decision = data.get("decision")
            return (
                PieceRef(f"interventions/{decision}/page.pdf", f"avis-{_file_name(decision)}.pdf", PDF, made),
            )
        case kind if kind == VALIDATION:
            name = f"{data.get('document')}-v{data.get('version')}"
            return (PieceRef(f"documents/{name}/document.pdf", f"{_file_name(name)}.pdf", PDF),)
        case "migration":
            migration = data.get("migration")
            return (PieceRef(f"{migration}/rapport.pdf", f"migration-{_file_name(migration)}.pdf", PDF),)
        case kind if kind == PACK:
            pack = data.get("pack")
            return (PieceRef(f"revues/{pack}/revue.pdf", f"revue-{_file_name(pack)}.pdf", PDF),)
        case kind if kind == RECORD:
            execution = find_execution(entry)
            return (PieceRef(f"runbooks/{execution}/releve.pdf", f"releve-{_file_name(execution)}.pdf", PDF),)
    return ()


def is_inside(path: str) -> bool:
    """False for what leads out of the folder of runs."""
    pure = PurePosixPath(path)
    return not pure.is_absolute() and ".." not in pure.parts


def _file_name(text: object) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", str(text))[:80]


def capitalise(text: str) -> str:
    """The text with a capital first."""
    return text[:1].upper() + text[1:]
