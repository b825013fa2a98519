"""A pack of a governed platform with a small tracker: counted by hand, kept, sealed, told; broken sources are named."""

from __future__ import annotations

import dataclasses
import json
import shutil
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.documents.draft_file import write_draft
from nonreg.errors import ConfigError, UsageError
from nonreg.evidence.files import MANIFEST
from nonreg.model import Outcome
from nonreg.model.documents import (
    Action,
    DecisionRecord,
    DocumentKind,
    Head,
    OpenQuestion,
    RecordedDecision,
)
from nonreg.model.steering import Figure, Pack, PackKind
from nonreg.steering.pack import CSV, FOLDER, HOURS, HTML, JSON, KIND, PDF, TICKETS, XLSX, compare_packs
from nonreg.steering.periods import find_period
from nonreg.steering.settings import load_steering
from nonreg.store import load_json
from nonreg.tracker.connection import open_tracker
from reports.steering import build_steering_page, say_pack
from tasks.handover_work import Work
from tasks.readiness import keep_readiness, measure_readiness
from tasks.steering import Gathering, keep_pack, prepare_pack
from tests.governed import Governed, publish_run
from tests.pages import check_page, check_pdf

MONDAY = datetime(2026, 11, 23, 6, tzinfo=UTC)
LATER = MONDAY + timedelta(days=7)
WAIVER = """[[waivers]]
scenario = "APP-001"
reason = "Défaut connu"
ticket = "AQ-1"
owner = "titulaire-essai"
decision = "D-0123456789ab"
expires = 2026-12-10T18:00:00+01:00
"""
DEADLINE = """[[deadlines]]
id = "audit"
title = "Audit"
at = 2026-12-01T09:00:00+01:00
person = "titulaire-essai"
ticket = "AQ-1"
"""


def values(pack: Pack, indicator: str, row: str) -> list[float | None]:
    (found,) = [one for one in pack.indicators if one.id == indicator]
    return [None if one.value is None else round(one.value, 2) for one in found.figures if one.row == row]


def named(pack: Pack, list_id: str) -> list[str]:
    (found,) = [one for one in pack.lists if one.id == list_id]
    return [f"{one.ticket} {one.state}" for one in found.items or ()]


def test_the_week_of_a_small_tracker_is_what_one_counts_by_hand(work: Work) -> None:
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert pack.id.startswith("HEBDO-20261123T060000Z-")
    assert values(pack, "delais", "Intervention urgente, urgente") == [2, 50, 8.5]  # 3 h and 14 h
    assert values(pack, "delais", "Anomalie bloquante ou majeure, majeure") == [1, 100, 14]
    assert values(pack, "delais", "Anomalie mineure, mineure") == [0, None, None]  # AQ-1 was late in October
    assert values(pack, "delais", "Qualification, majeure") == [1, 100, 1]
    assert values(pack, "volumes", "Ensemble") == [3, 1, 2]
    assert values(pack, "volumes", "anomalie, majeure") == [1, 0, 1]
    assert values(pack, "volumes", "non classé, non classé") == [0, 0, 0]
    assert values(pack, "backlog", "Ensemble") == [4, 1, 1, 2, 0]
    assert values(pack, "backlog", "urgente") == [1, 1, 0, 0, 0]
    assert values(pack, "reouvertures", "Clôtures") == [3, 1, 33.33]
    assert values(pack, "anomalies", "Ensemble") == [0, None]
    assert values(pack, "forfait", "Forfait support") == [
        15,
        3,
        12,
        20,
        pytest.approx(3 * 365 / 326, abs=0.01),
    ]


def test_what_is_due_and_what_is_left_are_listed_with_who_has_it(work: Work) -> None:
    (work.people.file.parent / "waivers.toml").write_text(WAIVER, encoding="utf-8")
    (work.people.file.parent / "deadlines.toml").write_text(DEADLINE, encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert named(pack, "derogations") == ["AQ-1 dans 17 jours"]
    assert named(pack, "echeances") == [
        "AQ-1 dépassée depuis 53 jours",  # a month for a minor anomaly
        "AQ-1 dans 2 jours",
        "AQ-1 dans 8 jours",
    ]
    assert [one.partition(",")[0] for one in named(pack, "reste-a-faire")] == [
        "AQ-3 non classé",
        "AQ-1 anomalie",
        "AQ-5 documentation",
        "AQ-6 non classé",
    ]
    assert named(prepare_pack(work, PackKind.WEEKLY, datetime(2026, 12, 20, tzinfo=UTC)), "derogations") == [
        "AQ-1 dépassée depuis 10 jours"
    ]


def test_a_waiver_that_was_renewed_is_not_about_to_end(work: Work) -> None:
    renewed = WAIVER.replace("2026-12-10", "2027-12-10").replace("D-0123456789ab", "D-ba9876543210")
    (work.people.file.parent / "waivers.toml").write_text(WAIVER + renewed, encoding="utf-8")
    assert named(prepare_pack(work, PackKind.WEEKLY, MONDAY), "derogations") == []


def test_the_open_actions_of_the_last_releve_are_followed_and_one_that_cannot_be_read_is_named(
    work: Work,
) -> None:
    (empty,) = [one for one in prepare_pack(work, PackKind.WEEKLY, MONDAY).lists if one.id == "actions"]
    assert (empty.items, empty.empty) == ((), "Aucun relevé de décisions.")
    for name, held_on in (
        ("A9-20261001-aaaaaa", date(2026, 10, 1)),
        ("A9-20261105-bbbbbb", date(2026, 11, 5)),
    ):
        head = Head(name, DocumentKind.MINUTES, work.platform.name, "AQ-1")
        actions = (
            Action(f"Chiffrer {name}", "titulaire-essai", date(2026, 11, 20), "AQ-1"),
            Action("Relancer l'hébergeur", "moa-scv-essai", "n.d."),
            Action("Faite", "titulaire-essai", date(2026, 11, 10), done_on=date(2026, 11, 9)),
        )
        folder = work.runs_dir / "documents" / name
        folder.mkdir(parents=True)
        draft = write_draft(DecisionRecord(head, held_on=held_on, actions=actions))
        (folder / "projet.toml").write_text(draft, encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert named(pack, "actions") == ["AQ-1 dépassée depuis 3 jours", " échéance n.d."]
    (folder / "projet.toml").write_text("faux = ", encoding="utf-8")
    broken = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert named(broken, "actions")[0] == "AQ-1 dépassée depuis 3 jours"
    assert any(one.startswith("relevé A9-20261105-bbbbbb") for one in broken.missing)


def test_a_meeting_goes_through_the_decisions_of_its_period_and_the_questions_that_are_left(
    work: Work,
) -> None:
    for name, held_on in (
        ("A9-20261110-aaaaaa", date(2026, 11, 10)),
        ("A9-20261118-bbbbbb", date(2026, 11, 18)),
    ):
        decision = RecordedDecision(f"Livrer {name}", "Débit", "moa-scv-essai", date(2026, 12, 4))
        question = OpenQuestion(f"Quand {name} ?", "moa-scv-essai", date(2026, 11, 20))
        head = Head(name, DocumentKind.MINUTES, work.platform.name, "AQ-1")
        draft = DecisionRecord(head, held_on=held_on, decisions=(decision,), questions=(question,))
        folder = work.runs_dir / "documents" / name
        folder.mkdir(parents=True)
        (folder / "projet.toml").write_text(write_draft(draft), encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)  # from the 16th to the 22nd
    (found,) = [one for one in pack.lists if one.id == "decisions"]
    assert [(one.title, one.state) for one in found.items or ()] == [
        ("Livrer A9-20261118-bbbbbb", "décidé le 18/11/2026"),
        ("Quand A9-20261118-bbbbbb ?", "question en suspens, dépassée depuis 3 jours"),
    ]


def test_campaigns_and_the_last_measure_of_the_readiness_are_counted_with_their_evidence(
    work: Work, governed: Governed
) -> None:
    day = datetime(2026, 12, 1, 1, tzinfo=UTC)  # the day after the reviews of the embedded platform
    publish_run(governed, "P-1", started_at=day)
    publish_run(governed, "P-2", {"BASE-001": Outcome.KO, "APP-001": Outcome.OK}, day + timedelta(days=1))
    kept = keep_readiness(work, measure_readiness(work, day))
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY + timedelta(days=14))
    assert values(pack, "sante-nr", "Ensemble") == [2, 80, 0, 5, 3]
    assert values(pack, "sante-nr", "BASE") == [2, 50, 0, 5, 1]
    (runbooks,) = [one for one in pack.indicators if one.id == "runbooks"]
    assert values(pack, "runbooks", "Procédures du dossier d'urgence relues") == [7, 7, 100]
    paths = [proof.path for one in pack.indicators for proof in one.proofs]
    assert f"disponibilite/{kept.name}" in [proof.path for proof in runbooks.proofs]
    assert "P-2/report.html" in paths
    keep_pack(work, pack)
    assert all((governed.runs_dir / path).is_file() for path in paths)


def test_a_pack_says_what_each_figure_was_in_the_last_one_of_its_kind_and_of_an_earlier_period(
    work: Work,
) -> None:
    first = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert first.previous == ""
    assert {one.before for indicator in first.indicators for one in indicator.figures} == {None}
    keep_pack(work, first)
    again = prepare_pack(work, PackKind.WEEKLY, MONDAY + timedelta(hours=1))  # the same week, made anew
    assert again.previous == ""
    keep_pack(work, prepare_pack(work, PackKind.COPIL, MONDAY))
    second = prepare_pack(work, PackKind.WEEKLY, LATER)
    assert second.previous == first.id
    stock = second.find("backlog", "Ensemble", "Stock")
    assert stock is not None
    assert (stock.before, stock.change) == (4, 0)
    used = second.find("forfait", "Forfait support", "Utilisés")
    assert used is not None
    assert used.change == 1


def test_a_pack_of_an_older_period_that_was_made_since_is_not_the_last_one(work: Work) -> None:
    first = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    keep_pack(work, first)
    older = prepare_pack(work, PackKind.WEEKLY, MONDAY, of=MONDAY - timedelta(days=21))
    keep_pack(work, older)
    assert prepare_pack(work, PackKind.WEEKLY, LATER).previous == first.id


def test_a_last_pack_that_was_changed_since_gives_no_deltas_and_is_named(work: Work) -> None:
    page = keep_pack(work, prepare_pack(work, PackKind.WEEKLY, MONDAY))
    file = page.parent / JSON
    file.write_text(
        file.read_text(encoding="utf-8").replace('"value": 4.0', '"value": 1.0'), encoding="utf-8"
    )
    second = prepare_pack(work, PackKind.WEEKLY, LATER)
    assert second.previous == ""
    assert [one for one in second.missing if one.startswith("revue précédente")]


def test_a_kept_pack_is_five_files_a_line_of_the_ledger_and_a_manifest(work: Work) -> None:
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    page = keep_pack(work, pack)
    assert {one.name for one in page.parent.iterdir()} == {
        HTML,
        PDF,
        JSON,
        CSV,
        XLSX,
        TICKETS,
        HOURS,
        MANIFEST,
    }
    assert page.parent == work.runs_dir / FOLDER / pack.id
    (entry,) = [one for one in ledger.read_entries(work.journal.file) if one.kind == KIND]
    assert entry.ticket == work.platform.default_ticket
    assert entry.data["forfait"] == {"year": "2026-01-01", "percent": 20, "alert_percent": 80}
    assert load_json(Pack, page.parent / JSON) == pack
    links = [words["href"] or "" for tag, words in check_page(build_steering_page(pack)).tags if tag == "a"]
    outer = [link for link in links if not link.startswith("#")]
    assert f"../../{FOLDER}/{pack.id}/{TICKETS}" in outer
    assert all((page.parent / link).resolve().is_file() for link in outer)
    counted = (page.parent / TICKETS).read_text(encoding="utf-8-sig").splitlines()
    assert len(counted) == 1 + 6
    assert counted[3] == "AQ-3;non classé;urgente;17/11/2026 10:00;19/11/2026 10:00;;"
    assert len((page.parent / HOURS).read_text(encoding="utf-8-sig").splitlines()) == 1 + 3
    check_pdf(build_steering_page(pack))


@pytest.mark.parametrize(
    ("damage", "named_source", "blank", "kept"),
    [
        ("ticket", "suivi des tickets", ("volumes", "delais", "backlog"), "forfait"),
        ("hours", "temps passés", ("forfait",), "volumes"),
        ("deadlines", "échéances", (), "volumes"),
        ("waivers", "dérogations", (), "volumes"),
        ("no folder", "suivi des tickets", ("volumes", "forfait"), ""),
    ],
)
def test_a_source_that_is_broken_is_named_and_takes_nothing_else_away(
    work: Work, governed: Governed, damage: str, named_source: str, blank: tuple[str, ...], kept: str
) -> None:
    folder, governance = governed.root / "suivi", work.people.file.parent
    match damage:
        case "ticket":
            (folder / "AQ-3" / "ticket.toml").write_text("titre = ", encoding="utf-8")
        case "hours":
            (folder / "temps.csv").unlink()
        case "no folder":
            folder.rename(governed.root / "ailleurs")
        case name:
            (governance / f"{name}.toml").write_text("faux = 1\n", encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    assert any(one.startswith(named_source) for one in pack.missing)
    assert f"{len(pack.missing)} source" in say_pack(pack)
    for indicator in pack.indicators:
        if indicator.id in blank:
            own = [one for one in indicator.figures if one.column != "Jours du forfait"]
            assert {one.value for one in own} == {None}
            assert all(one.missing for one in own)
        if indicator.id == kept:
            assert any(one.value for one in indicator.figures)
    page = build_steering_page(pack)
    assert page.verdict.tone == "warn"


def test_a_tracker_that_falls_silent_leaves_what_the_fields_say_and_is_asked_no_more(
    work: Work, governed: Governed
) -> None:
    period = find_period(PackKind.WEEKLY, MONDAY)
    gathering = Gathering(work, PackKind.WEEKLY, period, load_steering(governed.governance), MONDAY)
    tracker = open_tracker(work.platform)
    assert tracker is not None
    tickets = tracker.list_tickets(open_only=False)
    shutil.rmtree(governed.root / "suivi" / "AQ-2")
    stories = gathering.tell_stories(tracker, tickets)
    assert [one.reference for one in stories if not one.has_notes] == ["AQ-2"]
    assert [one.partition(" (")[0] for one in gathering.missing] == ["notes de AQ-2"]
    (governed.root / "suivi").rename(governed.root / "ailleurs")
    stories = gathering.tell_stories(tracker, tickets)
    assert not any(one.has_notes for one in stories)
    assert [one.partition(" (")[0] for one in gathering.missing] == ["notes de AQ-2", "notes du suivi"]
    blind = gathering.measure_tickets(stories, "Suivi")[0]
    assert {one.value for one in blind.figures if one.row.startswith("Intervention")} == {None}


def test_a_platform_without_a_tracker_has_a_pack_all_the_same(work: Work) -> None:
    alone = dataclasses.replace(work, platform=dataclasses.replace(work.platform, tracker=None))
    pack = prepare_pack(alone, PackKind.COPIL, MONDAY)
    assert any("aucun suivi de tickets n'est relié" in one for one in pack.missing)
    assert values(pack, "volumes", "Ensemble") == [None, None, None]
    keep_pack(alone, pack)


def test_a_wrong_settings_file_and_a_closed_ticket_are_refused_in_one_sentence(work: Work) -> None:
    with pytest.raises(UsageError, match="AQ-4 refusé : il est fermé"):
        prepare_pack(work, PackKind.WEEKLY, MONDAY, "AQ-4")
    file = work.people.file.parent / "steering.toml"
    file.write_text("[forfait]\ndays = -1\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"steering\.toml"):
        prepare_pack(work, PackKind.WEEKLY, MONDAY)


def test_what_may_not_leave_stays_out_of_a_pack(work: Work, governed: Governed) -> None:
    file = governed.root / "suivi" / "AQ-3" / "ticket.toml"
    text = file.read_text(encoding="utf-8").replace("=1+1 alerte", "Appeler 06 12 34 56 78, a.b@exemple.fr")
    file.write_text(text, encoding="utf-8")
    page = keep_pack(work, prepare_pack(work, PackKind.WEEKLY, MONDAY))
    for name in (HTML, JSON, CSV):
        shown = (page.parent / name).read_text(encoding="utf-8")
        assert "AQ-3" in shown or name == CSV
        assert "06 12 34" not in shown
        assert "exemple.fr" not in shown


def test_the_command_tells_what_to_act_upon_and_where_the_pack_is(work: Work, governed: Governed) -> None:
    done = governed.cli("steering", "copil", "--at", "2026-11-20")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("COPIL du 01/10/2026 au 31/10/2026 : ")
    page = Path(done.stdout.strip().splitlines()[-1].removeprefix("Page : "))
    assert page.is_file()
    assert json.loads((page.parent / JSON).read_text(encoding="utf-8"))["kind"] == "copil"
    for words, sentence in (
        (("--at", "hier"), "un jour est attendu"),
        (("--at", "2999-01-01"), "est dans l'avenir"),
        (("--ticket", "AQ-4"), "AQ-4 refusé"),
    ):
        refused = governed.cli("steering", "hebdo", *words)
        assert (refused.returncode, sentence in refused.stderr) == (3, True)


def test_the_first_thing_that_is_ever_done_may_be_a_pack_and_it_is_told_in_its_ticket(
    work: Work, governed: Governed
) -> None:
    governed.runs_dir.rmdir()
    done = governed.cli("steering", "hebdo", "--at", "2026-11-23", "--ticket", "AQ-1")
    assert done.returncode == 0, done.stderr
    assert "n.d. : historique des campagnes (aucune campagne de cette plateforme)" in done.stdout
    notes = (governed.root / "suivi" / "AQ-1" / "notes").iterdir()
    (told,) = [
        text for one in notes if "Revue hebdomadaire HEBDO-" in (text := one.read_text(encoding="utf-8"))
    ]
    assert "Pièce : revue-HEBDO-" in told


def test_hours_that_nobody_told_leave_no_file_that_looks_like_none(work: Work, governed: Governed) -> None:
    (governed.root / "suivi" / "temps.csv").unlink()
    page = keep_pack(work, prepare_pack(work, PackKind.WEEKLY, MONDAY))
    assert not (page.parent / HOURS).exists()
    assert (page.parent / TICKETS).exists()


def test_a_figure_that_is_new_or_of_another_unit_is_compared_with_nothing(work: Work) -> None:
    pack = prepare_pack(work, PackKind.WEEKLY, MONDAY)
    indicator = dataclasses.replace(
        pack.indicators[0], figures=(Figure("a", "b", 1.0, "h"), Figure("c", "d", 1.0))
    )
    last = dataclasses.replace(
        pack, indicators=(dataclasses.replace(indicator, figures=(Figure("a", "b", 9.0, "j"),)),)
    )
    found = compare_packs(dataclasses.replace(pack, indicators=(indicator,)), last)
    assert [one.before for one in found.indicators[0].figures] == [None, None]
