"""Documents from draft to archive, by their commands: prefilled, rendered, validated, followed."""

from __future__ import annotations

import dataclasses
import io
import json
from datetime import date, timedelta
from pathlib import Path

import docx
import pytest
from pypdf import PdfReader

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.clients.sshsig import load_key_file
from nonreg.decision import sign_decision
from nonreg.documents.validation import request_validation
from nonreg.errors import UsageError
from nonreg.evidence.manifest import parse_manifest
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.ledger import LedgerEntry
from nonreg.model import Outcome, Role
from nonreg.model.documents import (
    CorrectionLog,
    DecisionRecord,
    DeliveryNote,
    FinalReport,
    Stamp,
    UrgentReport,
)
from nonreg.model.tracker import TicketState
from nonreg.store import hash_file
from nonreg.tracker.folder import FolderTracker
from nonreg.tracker.folder_files import clean_text, write_ticket
from tasks.documents import make_document, name_version, validate_document
from tasks.handover_work import make_work
from tests.documents.sites import (
    NOW,
    RUN,
    Site,
    at,
    corrections,
    delivery,
    fill_delivery,
    make_site,
    record,
    urgent,
)
from tests.governed import ALL_GOOD, publish_run
from tests.hostile import FEW as HOSTILE
from tests.pages import read_all
from tests.test_reports_docx import change_template
from tests.test_reports_html import Page
from tests.tracker.folders import add_ticket


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path)


def entries(site: Site, kind: str) -> list[LedgerEntry]:
    return [one for one in ledger.read_entries(site.governed.runs_dir / ledger.FILE) if one.kind == kind]


def read_html(site: Site, document_id: str) -> str:
    return Page((site.documents / document_id / "document.html").read_text(encoding="utf-8")).text


def test_a_note_is_prefilled_and_ready_once_a_person_has_filled_it_in(site: Site) -> None:
    document_id = site.start("A.1", "--folder", str(site.delivered))
    draft = site.load(document_id)
    assert isinstance(draft, DeliveryNote)
    assert (draft.tests.run, draft.version, draft.contents[0].description) == (
        RUN,
        "5.2.0",
        "Débit nul après une bascule",
    )
    assert any("Sauvegarde" in one for one in draft.deployment)
    code, said = site.render(document_id)
    assert (code, "Non prête à déployer" in said, "Documentation à jour" in said) == (1, True, True)
    site.save(fill_delivery(draft))
    code, said = site.render(document_id)
    assert (code, "livraison : Prête à déployer" in said) == (0, True), said
    page = read_html(site, document_id)
    assert hash_file(site.delivered / "sql" / "001_debit.sql") in page
    assert hash_file(site.delivered / "aquareel.msi") in page
    assert "le titulaire du marché" in page


def test_a_delivered_file_that_our_manifests_would_leave_out_has_its_hash_too(site: Site) -> None:
    names = ("manifest.json", "prefect.log", "verrou")
    for name in names:
        (site.delivered / name).write_text(name, encoding="utf-8")
    document_id = site.save(delivery(folder=str(site.delivered)))
    site.render(document_id)
    page = read_html(site, document_id)
    assert [hash_file(site.delivered / name) in page for name in names] == [True] * 3


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            lambda site: (site.governed.runs_dir / RUN / "events.jsonl").write_text("{}\n"),
            "ne se vérifie pas",
        ),
        (lambda site: (site.governed.governance / "reviews.toml").unlink(), "Jamais relu"),
        (lambda site: (site.delivered / "lien").symlink_to("/etc/hostname"), "illisibles"),
        (lambda site: (site.tickets / "AQ-12" / "ticket.toml").unlink(), "n'existe pas"),
        (lambda site: site.governed.change_platform('kind = "dossier"', 'kind = "dossier" #'), ""),
    ],
    ids=["run", "reviews", "link", "ticket", "nothing"],
)
def test_a_note_is_not_ready_once_what_it_rests_on_has_changed(site: Site, spoil: object, told: str) -> None:
    document_id = site.save(delivery(folder=str(site.delivered)))
    assert site.render(document_id)[0] == 0
    spoil(site)  # type: ignore[operator]
    code, said = site.render(document_id)
    assert (code, told in said) == (1 if told else 0, True), said
    assert (site.validate(document_id)[0] == 0) is not bool(told)


def test_a_note_of_another_version_than_its_run_or_the_reviews_is_not_ready(site: Site) -> None:
    document_id = site.save(delivery(folder=str(site.delivered), version="5.3.0"))
    said = site.render(document_id)[1]
    assert "pas de la version livrée (5.3.0)" in said
    assert said.count("la version déployée est 5.3.0") == 3


def test_the_titulaire_alone_validates_and_his_signature_makes_the_archive(site: Site) -> None:
    document_id = site.save(delivery(folder=str(site.delivered)))
    for person in ("renfort-technique-essai", "renfort-pilotage-essai", "moa-scv-essai"):
        code, said = site.validate(document_id, person)
        assert (code, "seule la signature du titulaire" in said) == (3, True)
    assert entries(site, "validation") == []
    code, said = site.validate(document_id)
    assert (code, "Validé, version 1" in said) == (0, True), said
    folder = site.documents / name_version(document_id, 1)
    manifest = parse_manifest((folder / "manifest.json").read_bytes())
    (signed,) = entries(site, "validation")
    assert [one.decision for one in manifest.signatures] == [signed.decision]
    assert {"projet.toml", "contenu.json", "fiche.txt", "document.pdf", "document.docx", "document.html"} <= {
        *manifest.files
    }
    assert {f"dossier-urgence/{one}.toml" for one in ("installation", "retour-arriere", "acces")} <= {
        *manifest.files
    }
    # « Rapport A.2 joint : oui »: it is, the one that the note names by its hash.
    published = site.governed.runs_dir / RUN
    page = Page((folder / "document.html").read_text(encoding="utf-8")).text
    assert hash_file(folder / "rapport-a2" / "report.json") in page
    joined = {name for name in manifest.files if name.startswith("rapport-a2/")}
    assert joined == {f"rapport-a2/{name}" for name in ("report.json", "report.html", "report.pdf")} & {
        f"rapport-a2/{one.name}" for one in published.iterdir()
    }
    assert signed.decision is not None
    assert hash_file(folder / "fiche.txt") == signed.decision.content_sha256
    assert hash_file(folder / "contenu.json") == signed.data["content_sha256"]
    assert hash_file(folder / "contenu.json") in (folder / "fiche.txt").read_text(encoding="utf-8")
    done = site.governed.cli("ledger", "verify")
    assert done.returncode == 0, done.stderr
    page = Page((folder / "document.html").read_text(encoding="utf-8")).text
    assert (signed.decision.id in page, "Validé, version 1" in page) == (True, True)


@pytest.mark.parametrize("person", ["moa-scv-essai", "renfort-technique-essai"])
def test_a_signature_of_somebody_else_is_refused_whatever_it_says(site: Site, person: str) -> None:
    document_id = site.save(record())
    work = make_work(str(site.governed.platform_file), site.governed.runs_dir)
    made = make_document(work, document_id, NOW)
    holder = work.people.find("titulaire-essai")
    assert holder is not None
    request = request_validation(work.platform, made.sheet, holder, "relu", NOW)
    forged = sign_decision(request, load_key_file(Path(site.governed.key(person))))
    with pytest.raises(Exception, match="la clé qui a signé"):
        validate_document(work, document_id, forged, NOW)
    own = work.people.find(person)
    assert own is not None
    decision = dataclasses.replace(request.decision, person=person, role=own.role)
    key = load_key_file(Path(site.governed.key(person)))
    asked = sign_decision(dataclasses.replace(request, decision=decision), key)
    with pytest.raises(Exception, match="il faut titulaire"):
        validate_document(work, document_id, asked, NOW)
    assert own.role is not Role.TITULAIRE
    assert entries(site, "validation") == []


def test_a_document_that_was_changed_after_its_validation_is_a_draft_again_and_the_archive_stays(
    site: Site,
) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    before = (site.documents / name_version(document_id, 1) / "document.html").read_bytes()
    site.save(record(summary="Autre chose."))
    _, said = site.render(document_id)
    assert ("Brouillon ;" in said, "ce qu'il dit a changé depuis" in said) == (True, True), said
    assert "Brouillon" in read_html(site, document_id)
    assert (site.documents / name_version(document_id, 1) / "document.html").read_bytes() == before
    code, said = site.validate(document_id)
    assert (code, "Validé, version 2" in said) == (0, True)
    assert (site.documents / name_version(document_id, 2) / "manifest.json").is_file()


def test_a_signature_made_for_what_a_document_was_is_refused_for_what_it_is(site: Site) -> None:
    document_id = site.save(record())
    done = site.governed.cli("document", "validate", document_id)
    request = next((site.governed.runs_dir / "decisions").glob("D-*.decision.json"))
    request = request.with_name(request.name.replace(".decision", ""))
    assert (done.returncode, main(["sign", str(request), "--key", site.governed.key(), "--yes"])) == (0, 0)
    site.save(record(summary="Autre chose."))
    words = ("document", "validate", document_id, "--decision", str(request.with_suffix(".signed.json")))
    refused = site.governed.cli(*words)
    assert (refused.returncode, "empreinte diffère" in refused.stderr) == (3, True)
    site.save(record())
    assert site.governed.cli(*words).returncode == 0
    again = site.governed.cli(*words)
    assert len(entries(site, "validation")) == 1
    assert again.returncode == 0  # the same decision finishes what it began, and adds nothing


def test_what_a_kill_left_out_after_the_ledger_is_archived_by_the_next_rendering(site: Site) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    folder = site.documents / name_version(document_id, 1)
    folder.rename(folder.with_name("perdu"))
    assert site.render(document_id)[0] == 0
    assert (folder / "manifest.json").is_file()
    assert len(entries(site, "validation")) == 1


def test_a_person_who_is_not_known_any_more_no_longer_makes_a_document_validated(site: Site) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    people = site.governed.governance / "people.toml"
    text = people.read_text(encoding="utf-8")
    people.write_text(
        text.replace("AAAAIBHOsJ5xwci9YRvewo51G", "AAAAIBHOsJ5xwci9YRvewo51H"), encoding="utf-8"
    )
    _, said = site.render(document_id)
    assert ("Brouillon ;" in said, "celle de personne" in said) == (True, True), said


def test_what_is_still_to_be_filled_in_is_seen_and_keeps_a_document_from_being_validated(site: Site) -> None:
    document_id = site.start("A.9", "--held-on", "2026-11-26")
    assert site.render(document_id)[0] == 1
    assert "[à compléter]" in read_html(site, document_id)
    code, said = site.validate(document_id)
    assert (code, "à compléter : Durée" in said) == (3, True)


def test_a_final_report_is_that_of_its_run_with_what_was_decided_of_its_gaps(site: Site) -> None:
    publish_run(
        site.governed, "20261124T060000Z-embarquee-bbbbbb", {**ALL_GOOD, "HD-001": Outcome.KO}, at(24, 7)
    )
    document_id = site.start("A.2")
    draft = site.load(document_id)
    assert isinstance(draft, FinalReport)
    assert draft.run == "20261124T060000Z-embarquee-bbbbbb"
    text = (site.documents / document_id / "projet.toml").read_text(encoding="utf-8")
    text += '\n[[arbitrations]]\nscenario = "HD-001"\ndecision = "Accepté"\nreference = "RD-2026-11"\n'
    (site.documents / document_id / "projet.toml").write_text(text, encoding="utf-8")
    assert site.validate(document_id)[0] == 0
    page = read_html(site, document_id)
    assert ("RD-2026-11" in page, "Validé, version 1" in page, "KO" in page) == (True, True, True)
    # The published run itself stays as it was.
    kept = (site.governed.runs_dir / draft.run / "report.html").read_text(encoding="utf-8")
    assert "Brouillon" in kept
    (site.governed.runs_dir / draft.run / "events.jsonl").write_text("{}\n", encoding="utf-8")
    code, said = site.render(document_id)
    assert (code, "ne se vérifie pas" in said) == (3, True)


def test_an_urgent_report_takes_the_stamps_that_the_ticket_tells_and_guesses_none(site: Site) -> None:
    tracker = FolderTracker(site.tickets, "AQ")
    tracker.add_note("AQ-12", "cle-0001", "Diagnostic\nLa courbe est absente.", ())
    tracker.add_note("AQ-12", "cle-0002", "On attend une prise en charge.", ())
    tracker.add_note("AQ-12", "cle-0003", "Prise en charge impossible avant demain.", ())
    tracker.add_note("AQ-12", "cle-0004", "Appel ?", ())
    draft = site.load(site.start("A.3"))
    assert isinstance(draft, UrgentReport)
    assert (draft.alert.source, draft.diagnosed.source) == (
        "suivi, ouverture de AQ-12",
        "suivi, note du ticket",
    )
    assert draft.taken == draft.restored == draft.closed == draft.phone_call == Stamp()
    page_id = site.save(urgent())
    assert site.render(page_id)[0] == 0
    assert "tenu (limite le 27/11/2026 16:00)" in read_html(site, page_id)


def test_stamps_in_disorder_keep_an_urgent_report_from_being_validated(site: Site) -> None:
    document_id = site.save(urgent(taken=Stamp(at(26, 15))))
    code, said = site.validate(document_id)
    assert (code, "est avant « Alerte »" in said) == (3, True)


def test_a_journal_holds_the_tickets_closed_in_its_period_and_what_the_ledger_knows(site: Site) -> None:
    closed = ('etat = "fermé"', 'genre = "Anomalie"')
    add_ticket(site.tickets, "AQ-13", "Étiquette tronquée", *closed, "ferme_le = 2026-11-30")
    add_ticket(site.tickets, "AQ-14", "Trop tard", *closed, "ferme_le = 2026-12-01")
    note = site.save(delivery(folder=str(site.delivered)))
    assert site.validate(note)[0] == 0
    today = entries(site, "document")[0].at.date()
    period = ("--first", "2026-11-01", "--last", "2026-11-30")
    draft = site.load(site.start("A.11", *period))
    assert isinstance(draft, CorrectionLog)
    assert [one.ticket for one in draft.corrections] == ["AQ-13"]
    around = ("--first", str(today - timedelta(days=2)), "--last", str(today + timedelta(days=2)))
    draft = site.load(site.start("A.11", *around))
    assert isinstance(draft, CorrectionLog)
    assert any(note in one.event and one.line > 0 and one.ticket == "AQ-12" for one in draft.events)
    page_id = site.save(corrections())
    assert site.render(page_id)[0] == 0
    assert site.render(site.save(corrections(last=date(2026, 10, 1))))[0] == 1


def test_a_tracker_that_does_not_answer_is_told_and_takes_nothing_else_away(site: Site) -> None:
    (site.tickets).rename(site.governed.root / "ailleurs")
    done = site.governed.cli("document", "new", "A.1", "--ticket", "AQ-12", "--folder", str(site.delivered))
    assert (done.returncode, "Non lu : suivi des tickets" in done.stdout) == (0, True)
    assert RUN in next(site.documents.glob("A1-*/projet.toml")).read_text(encoding="utf-8")


def test_a_site_without_a_tracker_is_told_what_keeps_its_deliveries_from_being_ready(site: Site) -> None:
    platform = site.governed.platform_file
    before, _, after = platform.read_text(encoding="utf-8").partition("\n[tracker]\n")
    rest = after.partition("\n[")
    platform.write_text(before + rest[1] + rest[2], encoding="utf-8")
    document_id = site.save(delivery(folder=str(site.delivered)))
    assert site.render(document_id)[0] == 1
    page = read_html(site, document_id)
    assert "aucune livraison n'y est prête. Reliez-en un ([tracker] du fichier de plateforme)" in page
    assert "un dossier de fichiers suffit" in page


def test_titles_without_end_make_a_draft_that_is_read_back(site: Site) -> None:
    for number in (20, 21):
        add_ticket(site.tickets, f"AQ-{number}", "é" * 3_000_000)
    document_id = site.start("A.9", "--held-on", "2026-11-26")
    draft = site.load(document_id)
    assert isinstance(draft, DecisionRecord)
    titles = [one for one in draft.references if one.startswith("AQ-2")]
    assert [(len(one) < 2100, one.endswith("à lire à la source]")) for one in titles] == [(True, True)] * 2
    assert site.render(document_id)[0] == 1


def test_actions_that_are_still_to_be_done_go_on_to_the_next_releve(site: Site) -> None:
    action = record().actions[0]
    site.save(
        record(actions=(action, dataclasses.replace(action, action="Relire", done_on=date(2026, 11, 27))))
    )
    draft = site.load(site.start("A.9", "--held-on", "2026-12-03"))
    assert isinstance(draft, DecisionRecord)
    assert draft.actions == (action,)
    assert "relevé A9-20261130-0a1b2c" in draft.references


def test_a_releve_is_followed_from_its_sending_to_the_integration_of_its_remarks(site: Site) -> None:
    document_id = site.save(record(held_on=date(2026, 11, 16)))

    def tell(event: str, moment: str, person: str = "titulaire-essai", *more: str) -> tuple[int, str]:
        words = ("document", "event", document_id, event, "--person", person, "--at", moment, *more)
        done = site.governed.cli(*words)
        return done.returncode, done.stdout + done.stderr

    for person in ("moa-scv-essai", "renfort-pilotage-essai"):
        code, said = tell("envoi", "2026-11-20T10:00+01:00", person)
        assert (code, "titulaire" in said) == (3, True)
    assert tell("remarques", "2026-11-21T10:00+01:00")[0] == 3
    assert tell("envoi", "2026-11-20T10:00")[0] == 3
    assert tell("envoi", "2026-11-20T10:00+01:00")[0] == 0
    code, said = tell("envoi", "2026-11-20T11:00+01:00")
    assert (code, "déjà inscrit" in said) == (3, True)
    assert site.validate(document_id)[0] == 0
    assert (
        tell("remarques", "2026-11-23T10:00+01:00", "renfort-pilotage-essai", "--note", "lettre SCV-12")[0]
        == 0
    )
    code, said = tell("integration", "2026-11-24T10:01+01:00")
    assert (code, "Validé, version 1" in said, "remarques intégrées" in said) == (0, True, True), said
    page = read_html(site, document_id)
    assert "intégration hors des 24 h à l'horloge, en jour ouvré (pas en heures d'ouverture)" in page
    assert ("lettre SCV-12" in page, "écartée, des remarques ont été reçues" in page) == (True, True)
    assert [one.data["event"] for one in entries(site, "document-evenement")] == [
        "envoi",
        "remarques",
        "integration",
    ]
    assert {one.ticket for one in entries(site, "document-evenement")} == {"AQ-12"}
    notes = "\n".join(one.text for one in FolderTracker(site.tickets, "AQ").list_notes("AQ-12"))
    assert f"Relevé {document_id} : remarques intégrées le 24/11/2026 à 10:01." in notes


def test_neither_a_name_nor_a_hidden_character_enters_the_ledger_by_a_note(site: Site) -> None:
    document_id = site.save(record(held_on=date(2026, 11, 16)))
    words = ("document", "event", document_id, "envoi", "--person", "titulaire-essai")
    when = ("--at", "2026-11-20T10:00+01:00")
    for note in ("reçu par Hippolyte Sourdebois", "a\u202eb", "x" * 501):
        assert site.governed.cli(*words, *when, "--note", note).returncode == 3
    assert entries(site, "document-evenement") == []


def test_the_list_names_every_document_and_one_that_is_broken_hides_no_other(site: Site) -> None:
    site.save(record())
    broken = site.save(urgent())
    (site.documents / broken / "projet.toml").write_text("[document\n", encoding="utf-8")
    done = site.governed.cli("document", "list")
    assert (done.returncode, "2 document(s)" in done.stdout) == (0, True)
    assert "illisible" in next(line for line in done.stdout.splitlines() if line.startswith(broken))


def test_a_document_of_another_platform_or_folder_is_refused(site: Site) -> None:
    document_id = site.save(record())
    folder = site.documents / "A9-20261130-ffffff"
    (site.documents / document_id).rename(folder)
    done = site.governed.cli("document", "render", folder.name)
    assert (done.returncode, "ce projet est celui de" in done.stderr) == (3, True)
    assert site.governed.cli("document", "render", "../..").returncode == 3
    for words in (("render", "A9-20261130-eeeeee"), ("validate", "A9-20261130-eeeeee", "--decision", "rien")):
        absent = site.governed.cli("document", *words)
        assert absent.returncode == 3, words


def test_every_form_says_the_same_and_the_validated_ones_are_told_by_their_ticket(site: Site) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    folder = site.documents / name_version(document_id, 1)
    word = docx.Document(io.BytesIO((folder / "document.docx").read_bytes()))
    cells = [
        cell.text.replace("\u00a0", " ") for table in word.tables for row in table.rows for cell in row.cells
    ]
    pdf = read_all(PdfReader(folder / "document.pdf"))
    html = Page((folder / "document.html").read_text(encoding="utf-8")).text
    for words in ("Quand basculer ?", "Livrer 5.2.1", "11/12/2026"):
        assert words in cells
        assert words.replace(" ", "") in pdf
        assert words in html
    content = json.loads((folder / "contenu.json").read_text(encoding="utf-8"))
    assert "Livrer 5.2.1" in json.dumps(content, ensure_ascii=False)
    # An event that comes later changes nothing that was signed.
    assert not any(one.get("anchor") == "suivi" for one in content[3])


def test_a_validated_document_is_told_in_its_ticket_once_with_its_pdf(site: Site) -> None:
    site.governed.cli("tracker", "deliver")  # what happened before a tracker is connected is left alone
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    assert site.render(document_id)[0] == 0
    notes = [one.text for one in FolderTracker(site.tickets, "AQ").list_notes("AQ-12")]
    (told,) = [one for one in notes if "ocument validé" in one]
    assert (document_id in told, "titulaire-essai, titulaire" in told) == (True, True)
    pdf = site.documents / name_version(document_id, 1) / "document.pdf"
    assert [hash_file(one) for one in site.tickets.glob("AQ-12/pieces/*/*.pdf")] == [hash_file(pdf)]


def test_an_archive_verifies_offline_and_one_that_was_sealed_again_over_something_else_does_not(
    site: Site,
) -> None:
    document_id = site.save(record())
    assert site.validate(document_id)[0] == 0
    folder = site.documents / name_version(document_id, 1)
    words = ["verify", str(folder), "--platform", str(site.governed.platform_file)]
    assert main(words) == 0
    (signed,) = entries(site, "validation")
    assert signed.decision is not None
    platform = site.governed.platform
    thing = Thing(
        "document",
        folder.name,
        platform.name,
        platform.identity_token,
        NOW,
        decisions=(signed.decision.id,),
    )
    for name in ("contenu.json", "fiche.txt"):
        whole = (folder / name).read_text(encoding="utf-8")
        (folder / name).write_text(whole.replace("novembre", "octobre"), encoding="utf-8")
        seal_folder(folder, thing, site.governed.runs_dir)
        assert main(words) == 1, name
        (folder / name).write_text(whole, encoding="utf-8")
        seal_folder(folder, thing, site.governed.runs_dir)
        assert main(words) == 0


def test_neither_numbers_that_ring_nor_secrets_stand_in_a_document(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AQ_WRITER_PASSWORD", "coquelicot-bleu")
    said = "Joindre au 06 12 34 56 78 ou a.b@exemple.fr, sésame coquelicot-bleu."
    document_id = site.save(record(summary=said))
    assert site.render(document_id)[0] == 0
    folder = site.documents / document_id
    word = docx.Document(io.BytesIO((folder / "document.docx").read_bytes()))
    texts = (
        read_html(site, document_id),
        read_all(PdfReader(folder / "document.pdf")),
        "\n".join(one.text for one in word.paragraphs),
    )
    for text in texts:
        assert "sésame" in text
        assert not [one for one in ("12 34 56", "12345678", "a.b@", "coquelicot") if one in text]


def test_a_template_of_the_site_is_used_and_one_that_is_none_is_refused(site: Site) -> None:
    document_id = site.save(record())
    own = site.governed.governance / "document.docx"
    own.write_bytes(change_template({"word/document.xml": ("{{titre}}", "Le site : {{titre}}")}))
    assert site.render(document_id)[0] == 0
    word = docx.Document(io.BytesIO((site.documents / document_id / "document.docx").read_bytes()))
    assert word.paragraphs[0].text == "Le site : Relevé de décisions (A.9)"
    own.write_bytes(b"rien")
    code, said = site.render(document_id)
    assert (code, "n'est pas un fichier .docx" in said) == (3, True)


@pytest.mark.parametrize("kind", ["A.1", "A.3", "A.9", "A.11"])
@pytest.mark.parametrize("words", [" ".join(HOSTILE), "x" * 1_000_000], ids=["all", "long"])
def test_a_hostile_ticket_makes_a_draft_that_renders(site: Site, kind: str, words: str) -> None:
    tracker = FolderTracker(site.tickets, "AQ")
    title = clean_text(words)
    ticket = dataclasses.replace(tracker.find_ticket("AQ-12"), title=title, kind=title)
    (site.tickets / "AQ-12" / "ticket.toml").write_text(write_ticket(ticket), encoding="utf-8")
    tracker.add_note("AQ-12", "cle-0001", f"Diagnostic\n{words}", ())
    closed = dataclasses.replace(ticket, reference="AQ-13", state=TicketState.CLOSED, closed_at=at(20, 9))
    add_ticket(site.tickets, "AQ-13", "à remplacer")
    (site.tickets / "AQ-13" / "ticket.toml").write_text(write_ticket(closed), encoding="utf-8")
    period = ("--first", "2026-11-01", "--last", "2026-11-30") if kind == "A.11" else ()
    document_id = site.start(kind, *period)
    code, said = site.render(document_id)
    assert (code, "[à compléter]" in read_html(site, document_id)) == (1, True), said
    html = (site.documents / document_id / "document.html").read_text(encoding="utf-8")
    assert not [one for one in ("<script", "\x1b", "\u202e", "\x00") if one in html]


def test_a_hidden_character_is_shown_in_the_sheet_that_is_signed(site: Site) -> None:
    document_id = site.save(record(subject="revue\u00ad de\u180e novembre"))
    code, said = site.validate(document_id)
    assert (code, "Objet : revue[U+00AD] de[U+180E] novembre" in said) == (0, True), said


def test_even_a_genuine_signature_does_not_validate_what_is_still_to_be_filled_in_or_not_ready(
    site: Site,
) -> None:
    work = make_work(str(site.governed.platform_file), site.governed.runs_dir)
    holder, key = work.people.find("titulaire-essai"), load_key_file(Path(site.governed.key()))
    assert holder is not None
    for document_id in (site.save(record(summary="")), site.save(delivery(folder="absent"))):
        made = make_document(work, document_id, NOW)
        signed = sign_decision(request_validation(work.platform, made.sheet, holder, "relu", NOW), key)
        with pytest.raises(UsageError, match="ne peut pas être validé"):
            validate_document(work, document_id, signed, NOW)
    assert entries(site, "validation") == []
