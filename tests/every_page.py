"""Every kind of page and PDF that the project makes, each from a sample: a new kind is one line of `PAGES`.

A maker is given a function that changes texts: the identity for a page as it is read at work, something hostile for
one whose values come from a platform, a tracker or a person that wishes it ill.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from nonreg.handover.activation import Reason
from nonreg.handover.notice import make_notice
from nonreg.handover.runbook_file import find_runbook
from nonreg.model import (
    Acceptance,
    Answer,
    CampaignReport,
    Family,
    Intervention,
    InterventionDecision,
    InterventionKind,
    Nature,
    Outcome,
    PlatformIdentity,
    ReservesAnswer,
    Role,
    Verdict,
)
from nonreg.model.briefing import (
    Briefing,
    DueView,
    Fact,
    FamilyView,
    HandoverPlan,
    HdCheck,
    HdView,
    RunbookView,
    RunningView,
    TicketEvent,
    TicketView,
    TrackedTicket,
    WaiverView,
)
from nonreg.model.contacts import Duty
from nonreg.model.documents import Arbitration, DocumentKind, FinalReport
from nonreg.model.migration import (
    Compared,
    ComparedSubject,
    ExpectedDifference,
    MigrationChange,
    MigrationDifference,
    MigrationReport,
    MigrationSide,
    MigrationSubject,
    MigrationVerdict,
    NotCompared,
    SignOff,
)
from nonreg.model.personal import Fate, Held, Trace
from nonreg.model.retention import Item, ItemKind, Judged, RetentionPlan
from reports.briefing import build_briefing, build_ticket_history
from reports.document import (
    Cell,
    Chart,
    Charts,
    Code,
    Column,
    Document,
    Figures,
    Items,
    Listing,
    Matrix,
    Names,
    Pairs,
    Paragraph,
    Prose,
    Section,
    Span,
    Table,
)
from reports.document_words import DocumentStatus, dress
from reports.execution import build_record
from reports.final_report import build_final_report
from reports.handover_plan import build_handover_plan
from reports.intervention import build_intervention_page
from reports.migration import build_migration_page
from reports.notice import build_notice
from reports.personal import build_person_page
from reports.readiness import build_readiness_page
from reports.retention import build_purge_page
from reports.runbook import build_binder_page
from reports.steering import build_steering_page
from reports.text import map_texts
from reports.view import build_document
from tests.documents.sites import head
from tests.documents.test_rendering import DRAFTS, build
from tests.drill_samples import damaged_report, drilled_report
from tests.execution_samples import end, play, read, suspend
from tests.handover.prepared import measure, prepare
from tests.handover.test_notice import execute
from tests.report_past_samples import regression_report
from tests.report_samples import green_report, interrupted_report, refused_report, rich_report
from tests.steering.samples import make_pack

Change = Callable[[str], str]
AT = datetime(2026, 11, 30, 10, 0, tzinfo=UTC)
LATER = AT + timedelta(days=4)


def _campaign(make: Callable[[], CampaignReport]) -> Callable[[Change], Document]:
    return lambda change: build_document(map_texts(make(), change))


def _draft(kind: str) -> Callable[[Change], Document]:
    def make(change: Change) -> Document:
        draft = DRAFTS[kind]
        spoilt: Any = dataclasses.replace(map_texts(draft, change), document=draft.document)
        return dress(build(spoilt), (change("marché"),), DocumentStatus(None, change("marché")))

    return make


def _final(change: Change) -> Document:
    arbitration = Arbitration("HD-005", "Corrigé dans la version suivante.", "COPIL de novembre")
    draft = FinalReport(head(DocumentKind.TEST_REPORT), "P-1", "Lu avec le SCV.", (arbitration,))
    spoilt = dataclasses.replace(map_texts(draft, change), document=draft.document)
    return dress(build_final_report(spoilt, rich_report()), (), DocumentStatus())


def make_briefing() -> Briefing:
    """A pack in which there is something of everything."""
    event = TicketEvent(AT, "campagne : KO, 2 régressions", "titulaire-essai", 12)
    tracked = TrackedTicket("AQ-150", "Export horaire", "en cours", LATER)
    return Briefing(
        platform="embarquee",
        application_version="5.2.0",
        at=AT,
        tickets=(
            TicketView("AQ-150", (event, event), 9, ("échéance",), tracked),
            TicketView("AQ-7", (), 0, ("dérogation",)),
        ),
        families=(FamilyView(Family.HD, "P-1", AT, Verdict.KO, 20, 18, ("HD-001", "HD-002"), ("HD-002",)),),
        waivers=(WaiverView("HD-001", LATER, "AQ-7", "titulaire-essai", "Correctif attendu."),),
        deadlines=(DueView("Livraison du lot", LATER, "titulaire-essai", "AQ-8"),),
        runbooks=(RunbookView("acces", "Accès", "1", True, None, AT, False, 2),),
        running=(RunningView("RB-1", "Activation", "renfort", "AQ-9", True, "O1, contrat", "titulaire"),),
        contacts=(Fact("Astreinte", "06 00 00 00 00"), Fact("Adresse", "")),
        duties=(Duty("titulaire-essai", Role.TITULAIRE, date(2026, 11, 30), None, "3", "RB-1"),),
        hd=HdView("P-1", AT, (HdCheck("HD-001", "Latence", Outcome.OK, "12 ms"),)),
        missing=("suivi des tickets : pas de réponse",),
    )


def _plan(change: Change) -> Document:
    facts = (Fact("Du", "07/12/2026"), Fact("Au", ""))
    plan = HandoverPlan(make_briefing(), facts, facts, facts, facts, ("Un risque relevé.",))
    return build_handover_plan(map_texts(plan, change), map_texts(execute(Reason.PLANNED), change))


def _notice(change: Change) -> Document:
    execution = execute(Reason.EXCEPTIONAL)
    notice = make_notice(execution, Reason.EXCEPTIONAL, {})
    return build_notice(map_texts(notice, change), map_texts(execution, change), AT)


def make_decision() -> InterventionDecision:
    """A GO with reserves that somebody is to accept."""
    return InterventionDecision(
        id="GO-1",
        platform="embarquee",
        application_version="5.2.0",
        intervention=Intervention("AQ-31", InterventionKind.SCRIPT_SQL, True, False, "Aucune table publiée."),
        answer=Answer.GO_AVEC_RESERVES,
        reasons=("Deux réserves.",),
        decided_at=AT,
        expires_at=LATER,
        person="titulaire-essai",
        run_id="P-1",
        run_started_at=AT,
        verdict=Verdict.OK_AVEC_RESERVES,
        report_sha256="ab" * 32,
        baseline=3,
        max_age_hours=24.0,
        identity_token="jeton",
        outside_hours="Un samedi.",
        acceptance_required=True,
    )


def _intervention(change: Change) -> Document:
    said = ReservesAnswer("GO-1", "ab" * 32, Acceptance.ACCEPTED, AT, "moa-scv-essai", "Vu.")
    return build_intervention_page(
        map_texts(make_decision(), change), map_texts(rich_report(), change), map_texts(said, change)
    )


def make_migration() -> MigrationReport:
    """A migration with differences, foreseen and not."""
    sides = [
        MigrationSide(
            PlatformIdentity(name, name.title(), Nature.TEST, "5.2.0", "jeu", ("SITE-A", "SITE-B")),
            "SITE-A",
            (("Serveur", "16.4"),),
            "P-1",
            AT,
            Verdict.OK,
        )
        for name in ("depart", "arrivee")
    ]
    expected = ExpectedDifference(
        MigrationSubject.COLUMNS, "mesure.*", MigrationChange.CHANGED, "Type plus large.", "AQ-40"
    )
    found = Compared(
        (ComparedSubject(MigrationSubject.COLUMNS, 120, 118),),
        (
            MigrationDifference(
                MigrationSubject.COLUMNS,
                "mesure.valeur",
                MigrationChange.CHANGED,
                "float",
                "double",
                expected=expected,
            ),
            MigrationDifference(
                MigrationSubject.MODULES,
                "affiner",
                MigrationChange.CHANGED,
                "v1",
                "v2",
                "-SELECT 1\n+SELECT 2",
            ),
        ),
        (NotCompared("Scénarios", "injoignable", ("BASE-001", "BASE-002")),),
        ("HD-001",),
        ("Une heure sépare les deux mesures.",),
    )
    return MigrationReport(
        "M-1",
        *sides,
        found,
        MigrationVerdict.ECARTS,
        ("Une différence non prévue.",),
        AT,
        AT,
        "abcdef0",
        "AQ-40",
        (expected,),
        (expected,),
        "ab" * 32,
        SignOff("D-1", "titulaire-essai", Role.TITULAIRE, "AQ-40", AT, LATER),
    )


def make_blocks(change: Change) -> Document:
    """A page with every kind of block in it, as no report has them all."""
    cell = Cell("valeur", "✗", "ko")
    svg = (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" role="img" aria-label="dessin">'
        '<rect width="9" height="9" fill="#1b2229"/></svg>'
    )
    blocks = (
        Table(
            "Légende", (Column("Colonne"), Column("Nombre", numeric=True)), ((cell, Cell("12")),), note="note"
        ),
        Table("À remplir", (Column("Nom"), Column("Visa")), ((Cell("SCV"), Cell("")),), form=True),
        Table("Vide", (Column("Nom"),), (), empty="rien du tout"),
        Paragraph("paragraphe"),
        Paragraph("avis", "warn", "!"),
        Pairs((("étiquette", "contenu"),), (("large", "empreinte"),)),
        Figures((("3", "tests", "ok"), ("4", "échecs", "ko"))),
        Code("titre de code", "ligne 1\n\tligne 2"),
        Code("", "code seul"),
        Items("liste", ("premier",)),
        Items("autre", (), empty="rien"),
        Names("noms", ("A", "B")),
        Prose((Span("phrase "), Span("gras", "strong"), Span("code", "code"))),
        Listing(((Span("puce"),),), depth=1),
        Listing(((Span("sept"),),), start=7),
        Charts((Chart("dessin", "ce qu'il montre", ""),), small=True),
        Matrix("matrice", "coin", ("tête",), (("rang", (cell,), "dit"),), "légende"),
    )
    inner = Section("deux", "1.1 Sous-chapitre", (Paragraph("dedans"),), 2, together=True)
    document = Document(
        "Essai",
        "Brouillon",
        "objet",
        "X-1",
        "hier",
        (Paragraph("alerte", "warn", "!"),),
        Cell("bon", "✓", "ok"),
        "fin",
        ("raison",),
        (Section("synthese", "1. Chapitre", blocks), inner),
        "ab" * 32,
    )
    spoilt = map_texts(document, lambda one: one if one in _FIXED else change(one))
    return _draw(spoilt, svg)


# Words of the layout, no texts: anchors, tones and styles, signs.
_FIXED = {
    "",
    "synthese",
    "deux",
    "ok",
    "ko",
    "warn",
    "strong",
    "code",
    "✓",
    "✗",
    "!",
    "table",
    "paragraph",
} | {*("pairs", "figures", "items", "names", "prose", "listing", "charts", "matrix")}


def _draw(document: Document, svg: str) -> Document:
    """The page, its drawing put in: an SVG is made by the project, and its texts escaped by it."""

    def draw(block: Any) -> Any:
        if not isinstance(block, Charts):
            return block
        items = tuple(dataclasses.replace(chart, svg=svg) for chart in block.items)
        return dataclasses.replace(block, items=items)

    sections = tuple(
        dataclasses.replace(one, blocks=tuple(map(draw, one.blocks))) for one in document.sections
    )
    return dataclasses.replace(document, sections=sections)


def make_held(change: Change) -> Held:
    """Everything about a person: an entry, a line of the ledger, files, a note."""
    return Held(
        person="renfort-technique-essai",
        platform="embarquee",
        at=AT,
        entry={"nom": change("Camille Martin"), "adresses": (change("camille@exemple.invalid"),)},
        lines=(
            {"sequence": 3, "at": AT, "kind": change("runbook"), "ticket": change("AQ-7"), "decision": "D-1"},
        ),
        traces=(
            Trace(change("RB-1/record.html"), Fate.SEALED, True, LATER),
            Trace(change("/etc/acces.log"), Fate.HAND, True, None, change("Hors du dossier des passages.")),
        ),
        notes=(
            {"ticket": change("AQ-7"), "at": change("30/11/2026"), "text": change("Vu avec Camille Martin.")},
        ),
        recipients=(change("camille@exemple.invalid"),),
        missing=(change("suivi : pas de réponse"),),
    )


def make_purge() -> RetentionPlan:
    """A purge that removes something and keeps something."""
    item = Item(ItemKind.RUN, "P-1", "P-1", AT, "ab" * 32, "AQ-7")
    kept = Judged(item, LATER, ("Une référence en dépend.",))
    return RetentionPlan(
        "embarquee", AT, ((ItemKind.RUN, 12),), (item,), (kept,), 4, ("Un dossier illisible.",)
    )


PAGES: dict[str, Callable[[Change], Document]] = {
    "blocks": make_blocks,
    "campaign, green": _campaign(green_report),
    "campaign, of everything": _campaign(rich_report),
    "campaign, interrupted": _campaign(interrupted_report),
    "campaign, refused": _campaign(refused_report),
    "campaign, triage, history and reserves": _campaign(regression_report),
    "campaign, drills": _campaign(drilled_report),
    "campaign, drills that leave damage": _campaign(damaged_report),
    "record, running": lambda change: _record(suspend(play(7)), change),
    "record, ended": lambda change: _record(end(), change),
    "runbook": lambda change: build_binder_page(map_texts(find_runbook("integration"), change)),
    "briefing": lambda change: build_briefing(
        map_texts(make_briefing(), change), map_texts(play(3), change), 1
    ),
    "tickets": lambda change: build_ticket_history(
        map_texts(make_briefing(), change), map_texts(play(3), change)
    ),
    "handover plan": _plan,
    "notice": _notice,
    "readiness": lambda change: build_readiness_page(map_texts(measure(prepare()), change)),
    "intervention": _intervention,
    "migration": lambda change: build_migration_page(map_texts(make_migration(), change)),
    "steering": lambda change: build_steering_page(map_texts(make_pack(), change)),
    "person": lambda change: build_person_page(make_held(change)),
    "purge": lambda change: build_purge_page(map_texts(make_purge(), change), "C-1"),
    "A.1": _draft("A.1"),
    "A.2, final": _final,
    "A.3": _draft("A.3"),
    "A.9": _draft("A.9"),
    "A.11": _draft("A.11"),
}


def _record(execution: Any, change: Change) -> Document:
    return build_record(map_texts(execution, change), read(execution, LATER), LATER)


def make_page(name: str) -> Document:
    """The page as it is read at work."""
    return PAGES[name](lambda one: one)
