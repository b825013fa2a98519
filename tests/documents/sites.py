"""A governed platform with tracker, reviews, a good run and a folder to deliver; drafts as a person fills them."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from nonreg.documents.draft_file import load_draft, write_draft
from nonreg.model.documents import (
    Action,
    Content,
    CorrectionLog,
    DecisionRecord,
    DeliveryNote,
    DeliveryTests,
    DocumentKind,
    Draft,
    Head,
    OpenQuestion,
    RecordedDecision,
    Rollback,
    Stamp,
    UrgentReport,
)
from nonreg.people import GOVERNANCE_DIR
from nonreg.working_time import PARIS
from tests.governed import Governed, make_governed, publish_run
from tests.tracker.folders import add_ticket

RUN = "20261123T060000Z-embarquee-aaaaaa"
TICKETS = "suivi-d-essai"


@dataclass(frozen=True, slots=True)
class Site:
    """Where everything is; the commands of documents."""

    governed: Governed

    @property
    def documents(self) -> Path:
        return self.governed.runs_dir / "documents"

    @property
    def tickets(self) -> Path:
        return self.governed.root / TICKETS

    @property
    def delivered(self) -> Path:
        return self.governed.root / "livraison"

    def start(self, kind: str, *options: str) -> str:
        """A new document; its id."""
        done = self.governed.cli("document", "new", kind, "--ticket", "AQ-12", *options)
        assert done.returncode == 0, done.stderr
        found = re.search(r"documents/([^/]+)/projet\.toml", done.stdout)
        assert found is not None
        return found[1]

    def load(self, document_id: str) -> Draft:
        return load_draft(self.documents / document_id / "projet.toml")

    def save(self, draft: Draft) -> str:
        """Keep a draft as a person leaves it; its id."""
        folder = self.documents / draft.document.id
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "projet.toml").write_text(write_draft(draft), encoding="utf-8")
        return draft.document.id

    def validate(self, document_id: str, person: str = "titulaire-essai") -> tuple[int, str]:
        done = self.governed.cli(
            "document", "validate", document_id, "--key", self.governed.key(person), "--yes"
        )
        return done.returncode, done.stdout + done.stderr

    def render(self, document_id: str) -> tuple[int, str]:
        done = self.governed.cli("document", "render", document_id)
        return done.returncode, done.stdout + done.stderr


def make_site(root: Path) -> Site:
    """The site, all of whose sources answer."""
    governed = make_governed(root)
    for name in ("reviews.toml", "site.toml"):
        shutil.copy(GOVERNANCE_DIR / "embarquee" / name, governed.governance / name)
    governed.change_platform('base_dir = ".sandbox"', f'base_dir = "{root}"')
    text = governed.platform_file.read_text(encoding="utf-8")
    table = f'\n[tracker]\nkind = "dossier"\nfolder = "{TICKETS}"\nprefix = "AQ"\n'
    governed.platform_file.write_text(text + table, encoding="utf-8")
    site = Site(governed)
    add_ticket(site.tickets, "AQ-12", "Débit nul après une bascule", 'genre = "Correction"')
    publish_run(governed, RUN)
    (site.delivered / "sql").mkdir(parents=True)
    (site.delivered / "sql" / "001_debit.sql").write_text("SELECT 1;\n", encoding="utf-8")
    (site.delivered / "aquareel.msi").write_bytes(bytes(4000))
    return site


def at(day: int, hour: int, minute: int = 0, month: int = 11) -> datetime:
    """An hour of Paris in 2026."""
    return datetime(2026, month, day, hour, minute, tzinfo=PARIS)


def head(kind: DocumentKind, digits: str = "0a1b2c") -> Head:
    return Head(f"{kind.value.replace('.', '')}-20261130-{digits}", kind, "embarquee", "AQ-12")


def fill_delivery(note: DeliveryNote) -> DeliveryNote:
    """A note of which nothing is missing."""
    return replace(
        note,
        market="Maintenance AQUARÉEL",
        delivery="mise à jour",
        nature="MC",
        targets=("SITE-A", "SITE-B"),
        prerequisites=("aucun",),
        goal="Rendre le débit juste après une bascule.",
        impact="Interruption de dix minutes.",
        risks="Retour arrière éprouvé.",
        watch="Débits et latence pendant deux jours.",
        documents=("Dossier d'exploitation, 2.1",),
        rollback=Rollback("Débit nul à J+1.", ("Arrêter", "Restaurer"), "Débit juste."),
        tests=replace(note.tests, high_availability="Bascule jouée.", acceptance="VA prévue."),
        contents=(Content("AQ-12", "correction", "Débit", "service affinage"),),
    )


def delivery(**changes: object) -> DeliveryNote:
    note = DeliveryNote(
        head(DocumentKind.DELIVERY),
        version="5.2.0",
        tickets=("AQ-12",),
        folder="livraison",
        deployment=("Installer",),
        tests=DeliveryTests(run=RUN),
    )
    return replace(fill_delivery(note), **changes)  # type: ignore[arg-type]


def urgent(**changes: object) -> UrgentReport:
    report = UrgentReport(
        head(DocumentKind.URGENT),
        subject="Débit nul",
        symptoms="Plus de débit.",
        cause="Fichier de courbe absent.",
        work="Courbe remise.",
        consequences="Aucune donnée perdue.",
        alert=Stamp(at(26, 16), "suivi, ouverture de AQ-12"),
        phone_call=Stamp(at(26, 16, 5), "déclaré"),
        taken=Stamp(at(26, 16, 10), "déclaré"),
        diagnosed=Stamp(at(27, 10), "suivi, note du ticket"),
        restored=Stamp(at(27, 11), "déclaré"),
        closed=Stamp(at(27, 17), "suivi"),
    )
    return replace(report, **changes)  # type: ignore[arg-type]


def record(**changes: object) -> DecisionRecord:
    found = DecisionRecord(
        head(DocumentKind.MINUTES),
        held_on=date(2026, 11, 26),
        duration="1 h 30",
        format="visioconférence",
        subject="Revue de novembre",
        participants=("titulaire-essai", "moa-scv-essai"),
        references=("AQ-12",),
        summary="Débit corrigé.",
        alerts=("Forfait à 80 %.",),
        conditions=("Après la vérification d'aptitude.",),
        decisions=(RecordedDecision("Livrer 5.2.1", "Débit", "moa-scv-essai", date(2026, 12, 4)),),
        actions=(Action("Livrer", "titulaire-essai", date(2026, 12, 4), "AQ-12"),),
        questions=(OpenQuestion("Quand basculer ?", "moa-scv-essai", date(2026, 12, 11)),),
    )
    return replace(found, **changes)  # type: ignore[arg-type]


def corrections(**changes: object) -> CorrectionLog:
    log = CorrectionLog(
        head(DocumentKind.CORRECTIONS), date(2026, 11, 1), date(2026, 11, 30), "Un mois calme."
    )
    return replace(log, **changes)  # type: ignore[arg-type]


NOW = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
