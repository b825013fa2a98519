"""Chapter 5bis: what was approved, what each drill lost and interrupted, and how the platform was left."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser.xunit2 import TestSuite
from pypdf import PdfReader

from nonreg.model import (
    Accounting,
    AlarmSeen,
    CampaignReport,
    ClientSummary,
    DrillEvent,
    DrillEventKind,
    DrillRecord,
    DrillStage,
    Evidence,
    Healing,
    Interruption,
    Outcome,
    RecoveryTime,
    ScenarioResult,
)
from reports.document import Charts, Figures, Items, Pairs, Paragraph, Section, Table
from reports.drill_facts import list_differences, say_seconds
from reports.drill_writes import judge_loss
from reports.render import render_all, render_html, render_junit, render_pdf
from reports.source import parse_json, render_json
from reports.view import build_document
from tests.drill_samples import (
    approve,
    damaged_report,
    drilled_report,
    many_drills_report,
    plan_loss,
    plan_switchover,
    record_cut,
    record_loss,
    record_switchover,
    switchover_report,
    with_drills,
)
from tests.report_samples import (
    STARTED,
    green_report,
    hash_text,
    interrupted_report,
    refused_report,
    rich_report,
)
from tests.test_reports_html import Page
from tests.test_reports_junit import find_case, read_result, read_suites
from tests.test_reports_pdf import read_page
from tests.test_reports_view import find_section, read_table, read_text

NASTY = st.text(alphabet=st.characters(), max_size=30) | st.text(
    alphabet="<>&\"'#$*_`@\\[]{}\x00\ud800😀中", max_size=30
)


def plain(said: str) -> str:
    """Return a text with plain spaces."""
    return said.replace("\u00a0", " ").replace("\u202f", " ")


def tell(report: CampaignReport, anchor: str) -> str:
    """Return what a section says, with plain spaces."""
    return plain(read_text(find_section(build_document(report), anchor)))


def read_rows(report: CampaignReport, anchor: str, caption: str) -> list[list[str]]:
    """Return the rows of a table of a section, with plain spaces."""
    rows = read_table(find_section(build_document(report), anchor), caption)
    return [[plain(cell) for cell in row] for row in rows]


def read_pairs(section: Section) -> dict[str, str]:
    """Return the labels and values of a section."""
    blocks = [block for block in section.blocks if isinstance(block, Pairs)]
    return {label: plain(value) for block in blocks for label, value in (*block.items, *block.wide)}


def list_notices(section: Section) -> list[tuple[str, str]]:
    """Return the tone and the text of the notices of a section."""
    return [(b.tone, plain(b.text)) for b in section.blocks if isinstance(b, Paragraph) and b.tone]


def change_record(report: CampaignReport, change: Callable[[DrillRecord], DrillRecord]) -> CampaignReport:
    """Return the report where its first drill was recorded otherwise."""
    first, *others = report.run.drills
    return replace(report, run=replace(report.run, drills=(change(first), *others)))


@pytest.mark.parametrize("make", [green_report, rich_report, interrupted_report, refused_report])
def test_a_report_without_drills_says_nothing_of_them(make: Callable[[], CampaignReport]) -> None:
    report = make()
    anchors = [section.anchor for section in build_document(report).sections]
    assert not [anchor for anchor in anchors if "exercice" in anchor]
    html = render_html(report)
    assert "xercice" not in html
    assert "laissée comme trouvée" not in html
    assert "CLOTURE" not in render_junit(report)
    assert "drill" not in render_junit(report)


def test_the_chapter_comes_after_the_checks_of_high_availability_with_a_part_for_each_drill() -> None:
    document = build_document(drilled_report())
    anchors = [section.anchor for section in document.sections]
    first = anchors.index("exercices-hd")
    assert anchors[first - 1] == "controles-hd"
    assert anchors[first : first + 7] == [
        "exercices-hd", "autorisation-exercices", "exercice-1", "exercice-2", "exercice-3", "cloture-exercices",
        "environnement",
    ]  # fmt: skip
    assert document.sections[first].title == "5bis. Exercices de haute disponibilité"


def test_the_first_page_says_how_many_drills_were_approved_by_whom_and_until_when() -> None:
    page = read_page(PdfReader(io.BytesIO(render_pdf(drilled_report()))))
    said = "3 exercices de haute disponibilité autorisés par titulaire jusqu'au 29/03/2026 à 05:30:00"
    assert said in plain(page)
    report = drilled_report()
    plan = replace(report.run.plan, approval=None)
    unapproved = replace(report, run=replace(report.run, plan=plan))
    assert "sans autorisation enregistrée" in tell(unapproved, "synthese")
    assert "Aucune autorisation enregistrée." in tell(unapproved, "autorisation-exercices")


def test_what_an_earlier_run_had_broken_is_said_before_the_verdict() -> None:
    report = damaged_report()
    alerts = build_document(report).alerts
    assert alerts[0].text.endswith(
        "celle-ci a remis en état :\n"
        "– Service d'échange de A redémarré (arrêté par l'exécution 2026-03-27T2330Z-01aa)"
    )
    page = read_page(PdfReader(io.BytesIO(render_pdf(report))))
    assert page.index("Service d'échange de A redémarré") < page.index("Verdict :")
    green = green_report()
    healed = replace(green, run=replace(green.run, healed=("Lien rétabli",)))
    assert "– Lien rétabli" in build_document(healed).alerts[0].text
    many = replace(green, run=replace(green.run, healed=tuple(f"Remise {n}" for n in range(9))))
    assert build_document(many).alerts[0].text.endswith("… 4 autres, voir la source JSON.")


def test_a_platform_that_is_not_left_as_found_is_said_before_the_verdict() -> None:
    said = [alert.text for alert in build_document(damaged_report()).alerts]
    assert said[1] == (
        "Plateforme non laissée comme trouvée : contrôles qui ne sont plus comme avant : HD-001 ; "
        "exercices qui ont laissé une différence : HD-024."
    )
    assert build_document(drilled_report()).alerts == ()


def test_the_approval_is_shown_with_exactly_what_was_approved() -> None:
    report = drilled_report()
    section = find_section(build_document(report), "autorisation-exercices")
    assert read_pairs(section) == {
        "Décision": "2026-03-28T2312Z-exercices-4f1c",
        "Personne": "titulaire",
        "Décidée le": "29/03/2026 à 00:12:00 (Paris, UTC+1)",
        "Valable jusqu'au": "29/03/2026 à 05:30:00 (Paris, UTC+2)",
        "SHA-256 du texte montré": hash_text("plan"),
    }
    drills = read_rows(report, "autorisation-exercices", "Exercices autorisés")
    assert drills[0] == [
        "HD-021 Bascule planifiée : aucune écriture acquittée perdue",
        "Bascule planifiée",
        "1. Dans le gestionnaire de bascule, lancer la bascule de A vers P, sans forcer\n"
        "2. Confirmer que P est affiché « actif » dans le client lourd",
        hash_text("HD-021"),
    ]
    faults = read_rows(report, "autorisation-exercices", "Pannes autorisées")
    assert len(faults) == 3
    assert faults[2] == [
        "HD-023\nHD-023.1\nbase_arretee\nmode = immediate",
        "site A\na-bdd",
        "systemctl kill --signal=KILL postgresql@16-aquareel.service",
        "systemctl start postgresql@16-aquareel.service",
        "systemd-run --on-active=300 systemctl start postgresql@16-aquareel.service",
        "300 s",
    ]


def test_a_hash_that_all_drills_share_is_told_once() -> None:
    shared = tuple(replace(one, code_sha256=hash_text("code")) for one in (plan_switchover(), plan_loss()))
    section = find_section(build_document(with_drills(shared, ())), "autorisation-exercices")
    (table,) = (
        one for one in section.blocks if isinstance(one, Table) and one.caption == "Exercices autorisés"
    )
    assert table.note == f"SHA-256 du code, le même pour tous : {hash_text('code')}"
    assert [len(row) for row in table.rows] == [3, 3]


def test_a_fault_that_only_a_person_can_heal_stands_out() -> None:
    assert read_rows(damaged_report(), "autorisation-exercices", "Pannes autorisées")[3][4] == (
        "Aucun : à la main seulement"
    )


def test_a_drill_that_began_after_the_approval_expired_is_named() -> None:
    report = drilled_report()
    approval = replace(approve(), expires_at=record_cut().started_at)
    late = replace(report, run=replace(report.run, plan=replace(report.run.plan, approval=approval)))
    said = "Commencés après l'échéance de l'autorisation : HD-025."
    assert said in tell(late, "autorisation-exercices")
    assert "échéance" not in tell(report, "autorisation-exercices")


def test_every_drill_is_summed_up_in_a_line() -> None:
    assert [row[1:] for row in read_rows(damaged_report(), "exercices-hd", "4 exercices")] == [
        ["Bascule planifiée", "OK", "0,80 s", "1,35 s", "0", "Comme avant"],
        ["Réseau", "OK", "sans objet", "50,70 s", "0", "Comme avant"],
        ["Perte non planifiée", "OK", "71,80 s", "73,90 s", "37", "Comme avant"],
        ["Perte non planifiée", "Inconclusif", "n.d.", "≥ 25,10 s", "n.d.", "3 différences"],
    ]


def test_a_planned_switchover_must_lose_nothing() -> None:
    section = find_section(build_document(switchover_report()), "exercice-1")
    assert ("ok", "Écritures, opération planifiée : 0 perdue exigé. Constaté : 0 perdue.") in list_notices(
        section
    )
    lost = judge_loss(Accounting(9, 7, lost=("a:1", "a:2")), DrillStage.PLANIFIE)
    assert lost.tone == "ko"
    assert lost.text.endswith("0 perdue exigé. Constaté : 2 écritures acquittées perdues.")


def test_a_planned_switchover_whose_history_is_not_sure_is_not_called_good() -> None:
    doubtful = judge_loss(Accounting(9, 9, problems=("horloge reculée",)), DrillStage.PLANIFIE)
    assert doubtful.tone == "warn"
    assert "0, sur un historique qui n'est pas sûr." in doubtful.text


def test_the_loss_of_an_unplanned_drill_is_measured_and_never_promised() -> None:
    said = tell(drilled_report(), "exercice-3")
    assert (
        "les écritures perdues sont mesurées et listées. Mesuré cette fois : 37 écritures acquittées" in said
    )
    for found in (record_loss().accounting, Accounting(9, 9)):
        assert found is not None
        notice = judge_loss(found, DrillStage.PERTE)
        assert notice.tone == "info"
        assert not [word for word in ("exigé", "zéro", "aucune perte") if word in notice.text]
    assert judge_loss(Accounting(9, 9), DrillStage.PERTE).text.endswith(
        "Cette mesure n'est pas une garantie."
    )


def test_the_writes_are_counted_and_the_first_twenty_of_each_kind_named() -> None:
    section = find_section(build_document(drilled_report()), "exercice-3")
    (figures,) = [block for block in section.blocks if isinstance(block, Figures)]
    assert [(plain(value), label) for value, label, _ in figures.items] == [
        ("4 131", "acquittées"), ("4 096", "présentes"), ("37", "perdues"), ("0", "fantômes"), ("0", "en double"),
        ("2", "inconnues retrouvées"), ("2", "inconnues absentes"),
    ]  # fmt: skip
    pairs = read_pairs(section)
    assert pairs["RPO en écritures"] == "37 écritures perdues"
    assert pairs["RPO en temps"] == "3,70 s (de la plus ancienne perdue à la panne)"
    rows = {row[0]: row[2:] for row in read_rows(drilled_report(), "exercice-3", "Écritures")}
    count, names = rows["Perdues"]
    assert count == "37"
    assert names.startswith("ecrivain-1:000214, ecrivain-2:000214, ")
    assert names.count("ecrivain") == 20
    assert names.endswith(" … et 17 autres : liste entière dans les preuves")
    assert rows["Inconnues absentes"] == ["2", "ecrivain-1:000233, ecrivain-2:000234"]
    assert rows["Fantômes"] == ["0", "aucune"]


def test_problems_of_the_history_are_said_before_its_figures() -> None:
    accounting = replace(
        record_switchover().accounting or Accounting(0, 0), problems=("ecrivain-2 s'est tu 4 s",)
    )
    report = change_record(switchover_report(), lambda record: replace(record, accounting=accounting))
    section = find_section(build_document(report), "exercice-1")
    tone, said = next(notice for notice in list_notices(section) if "historique" in notice[1])
    assert tone == "ko"
    assert said.endswith("\n– ecrivain-2 s'est tu 4 s")
    kinds = [type(block) for block in section.blocks]
    places = [
        n for n, b in enumerate(section.blocks) if isinstance(b, Paragraph) and "– ecrivain-2" in b.text
    ]
    assert places[0] < kinds.index(Figures)


def test_a_drill_without_accounting_says_that_nothing_is_known_and_shows_no_figure() -> None:
    section = find_section(build_document(damaged_report()), "exercice-4")
    said = "Écritures : n.d. Elles n'ont pas été comptées : rien ne peut être dit de leur perte."
    assert ("warn", said) in list_notices(section)
    assert not [block for block in section.blocks if isinstance(block, Figures)]
    reader = replace(record_cut().clients[1], writes=False)
    quiet = with_drills((plan_loss(),), (replace(record_loss(), clients=(reader,), accounting=None),))
    assert "Écritures : sans objet, aucun client n'écrivait" in tell(quiet, "exercice-1")


def test_each_client_has_its_longest_interruption_how_finely_it_looked_and_what_looking_costs() -> None:
    rows = read_rows(drilled_report(), "exercice-3", "Interruption vue par chaque client")
    assert rows[2] == [
        "Lecture en base\nlit", "2 101, dont 2 029 bons, 72 en erreur", "71,70 s", "45,20 → 116,9", "70",
        "1 (0,60 s)", "200 ms", "3,4 ms",
    ]  # fmt: skip
    assert "2 inconnus" in rows[0][1]
    assert read_rows(drilled_report(), "exercice-1", "Interruption vue par")[2][2:6] == [
        "aucune",
        "–",
        "0",
        "aucune",
    ]
    assert "Résolution : 250 ms, plus que les 50 ms voulues ;" in tell(drilled_report(), "exercice-1")


def test_an_interruption_that_nothing_ended_is_said_to_have_lasted_at_least_that() -> None:
    row = read_rows(damaged_report(), "exercice-4", "Interruption vue par chaque client")[0]
    assert row[2:5] == ["≥ 25,10 s", "11,90 → …", "125"]


def test_the_answers_of_the_operator_are_timed_even_outside_of_the_interruption() -> None:
    rows = read_rows(switchover_report(), "exercice-1", "Gestes de l'opérateur")
    assert rows[0] == ["Bascule de A vers P", "5,40", "31,02", "25,62 s", "Confirmé par le titulaire"]
    silent = tuple(event for event in record_switchover().events if event.text != "Confirmé par le titulaire")
    report = change_record(switchover_report(), lambda record: replace(record, events=silent))
    assert read_rows(report, "exercice-1", "Gestes de l'opérateur")[0][2:] == ["–", "–", "sans réponse"]
    assert "Gestes de l'opérateur" not in tell(drilled_report(), "exercice-2")


def test_the_drills_of_the_catalog_that_were_left_out_are_named() -> None:
    report = drilled_report()
    plan = replace(report.run.plan, drills_left_out=("HD-027", "HD-028"))
    html = render_html(replace(report, run=replace(report.run, plan=plan)))
    assert "Hors de ce plan, 2 exercices du catalogue : HD-027, HD-028." in plain(Page(html).text)
    assert "Hors de ce plan" not in render_html(report)


def test_the_rto_is_split_with_the_time_of_the_person_apart() -> None:
    rows = read_rows(drilled_report(), "exercice-3", "Temps de rétablissement")
    assert [(row[1], row[3]) for row in rows] == [
        ("Détection", "6,40 s"),
        ("Opérateur", "61,80 s"),
        ("Bascule", "2,70 s"),
        ("Reconnexion", "0,80 s"),
        ("RTO (total)", "71,80 s"),
        ("Temps technique", "9,90 s"),
    ]
    assert read_rows(drilled_report(), "exercice-1", "Temps de rétablissement")[0][3] == "sans objet"
    assert "Temps de rétablissement (RTO) : n.d." in tell(drilled_report(), "exercice-2")


def test_alarms_are_told_expected_or_not_with_their_delay_after_the_fault() -> None:
    assert read_rows(drilled_report(), "exercice-3", "Alarmes") == [
        ["Base injoignable", "exploitation", "Attendue, reçue", "51,70", "6,40 s", "351,0"],
        ["Réplication en échec", "exploitation", "Attendue, absente", "–", "–", "–"],
        ["Disque presque plein", "astreinte", "Imprévue", "90,20", "44,90 s", "non refermée"],
    ]
    assert read_rows(drilled_report(), "exercice-2", "Alarmes")[0][4] == "6,30 s"  # after the second fault


def test_an_alarm_has_the_delay_that_was_judged_and_says_that_it_was_opened_again() -> None:
    told_late = AlarmSeen("Site muet", "astreinte", True, 90.0, 95.0, delay_seconds=3.25, openings=2)
    report = with_drills((plan_loss(),), (replace(record_loss(), alarms=(told_late,)),))
    assert read_rows(report, "exercice-1", "Alarmes")[0][2:5] == [
        "Attendue, reçue, 2 fois",
        "90,00",
        "3,25 s",
    ]


def test_a_detection_without_a_takeover_is_no_part_of_the_rto() -> None:
    lost_witness = replace(record_loss(), recovery=RecoveryTime(0.12, 3.25), resolution_seconds=0.0)
    report = with_drills((plan_loss(),), (lost_witness,))
    rows = read_rows(report, "exercice-1", "Temps de rétablissement")
    assert [row[3] for row in rows] == ["3,25 s", *["sans objet"] * 3, "0,12 s"]
    said = tell(report, "exercice-1")
    assert "Aucun site n'a été déclaré actif à la place d'un autre" in said
    assert "leur somme" not in said
    assert "Résolution : n.d. ;" in said


def test_each_fault_is_told_with_its_end() -> None:
    rows = read_rows(damaged_report(), "exercice-4", "Guérison")
    assert rows[0][2:] == ["12,00", "–", "–", "Non guérie : hyperviseur injoignable (délai dépassé)"]
    assert read_rows(drilled_report(), "exercice-2", "Guérison")[1][2:] == [
        "60,00",
        "110,0",
        "50,00 s",
        "Guérie",
    ]


def test_what_a_drill_left_is_listed_first_and_a_fault_that_it_already_names_only_once() -> None:
    section = find_section(build_document(damaged_report()), "exercice-4")
    first = section.blocks[0]
    assert isinstance(first, Paragraph)
    assert first.tone == "ko"
    assert "– Machine a-bdd éteinte, elle était allumée" in first.text
    assert first.text.endswith("– Panne HD-024.1 non guérie : hyperviseur injoignable (délai dépassé)")
    healing = Healing("F", "arrêt", 1.0, None, "machine injoignable")
    record = replace(record_loss(), healings=(healing,), left_as_found=("arrêt : machine injoignable",))
    assert list_differences(record) == ("arrêt : machine injoignable",)


def test_the_closing_checks_are_beside_those_of_before() -> None:
    rows = read_rows(damaged_report(), "cloture-exercices", "Contrôles de clôture")
    assert len(rows) == 9
    assert rows[0] == [
        "HD-001", "Un seul site actif, vu de même depuis chaque site", "OK", "KO", "Plus comme avant",
        "Deux sites actifs.",
    ]  # fmt: skip
    assert rows[1][2:5] == ["OK", "OK", "Comme avant"]
    good = "Plateforme laissée comme trouvée : 9 contrôles de clôture, tous bons."
    assert good in tell(drilled_report(), "cloture-exercices")
    assert good in tell(drilled_report(), "exercices-hd")


def test_a_closing_check_without_result_proves_nothing_and_one_that_failed_before_too() -> None:
    report = drilled_report()
    run = report.run
    missing = replace(report, run=replace(run, closing=run.closing[:-1]))
    assert read_rows(missing, "cloture-exercices", "Contrôles de clôture")[8][3:5] == ["Sans résultat"] * 2
    assert build_document(missing).alerts[0].text.startswith("Il n'est pas prouvé que la plateforme")
    bad = replace(run.closing[0], outcome=Outcome.KO)
    results = tuple(replace(r, outcome=Outcome.KO) if r.scenario_id == "HD-001" else r for r in run.results)
    still = replace(report, run=replace(run, results=results, closing=(bad, *run.closing[1:])))
    assert read_rows(still, "cloture-exercices", "Contrôles de clôture")[0][4] == "En échec, comme avant"
    better = replace(report, run=replace(run, results=results))
    assert read_rows(better, "cloture-exercices", "Contrôles de clôture")[0][4] == "Bon, ne l'était pas avant"


def test_drills_without_any_closing_check_prove_nothing_of_the_platform() -> None:
    report = drilled_report()
    plan = replace(report.run.plan, closing=())
    bare = replace(report, run=replace(report.run, plan=plan, closing=()))
    assert "aucun contrôle de clôture" in build_document(bare).alerts[0].text
    assert "Aucun contrôle de clôture prévu." in tell(bare, "cloture-exercices")


def test_the_evidence_of_the_closing_checks_is_listed() -> None:
    report = drilled_report()
    proof = Evidence("Empreintes", "preuves/cloture-HD-009.json", hash_text("closing"))
    first, *others = report.run.closing
    run = replace(report.run, closing=(replace(first, evidence=(proof,)), *others))
    rows = read_rows(replace(report, run=run), "cloture-exercices", "Preuves")
    assert rows == [["Empreintes", "preuves/cloture-HD-009.json", hash_text("closing")]]


def test_a_planned_drill_that_nothing_was_recorded_of_is_said() -> None:
    report = with_drills((plan_switchover(), plan_loss()), (record_switchover(),))
    assert "Aucun enregistrement de cet exercice" in tell(report, "exercice-2")
    assert read_rows(report, "exercices-hd", "2 exercices")[1][3:] == [
        "n.d.",
        "n.d.",
        "n.d.",
        "Sans enregistrement",
    ]
    assert "2 exercices de haute disponibilité autorisés" in tell(report, "synthese")
    assert "1 enregistré (§ 5bis)." in tell(report, "synthese")


def test_a_drill_that_nobody_planned_is_shown_as_such() -> None:
    report = with_drills((plan_switchover(),), (record_switchover(), record_loss()))
    section = find_section(build_document(report), "exercice-2")
    assert section.title == "HD-023 hors du plan"
    assert read_pairs(section)["Étape"] == "hors du plan"


def test_thirty_drills_stay_readable_and_each_has_its_drawing() -> None:
    report = many_drills_report(30)
    document = build_document(report)
    assert len(read_rows(report, "exercices-hd", "30 exercices")) == 30
    html = render_html(report)
    page = Page(html)
    assert page.faults == []
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    own = [s for s in document.sections if s.anchor.startswith("exercice-")]
    assert len([b for section in own for b in section.blocks if isinstance(b, Charts)]) == 30
    assert all(
        len(cell.text) < 2_000
        for s in own
        for b in s.blocks
        if isinstance(b, Table)
        for row in b.rows
        for cell in row
    )
    assert sum(len(s.blocks) for s in own if s.on_paper) == sum(len(s.blocks) for s in own)
    over = build_document(many_drills_report(45))
    assert sum(not s.on_paper for s in over.sections) == 5


def test_hundreds_of_moments_are_bounded_on_paper_and_on_screen() -> None:
    events = tuple(DrillEvent(float(n), DrillEventKind.NOTE, "", f"moment {n}") for n in range(900))
    report = change_record(switchover_report(), lambda record: replace(record, events=events))
    section = find_section(build_document(report), "exercice-1")
    (moments,) = [b for b in section.blocks if isinstance(b, Table) and b.caption == "Moments"]
    assert len(moments.rows) == 400
    assert "… 500 autres moments, voir la source JSON." in moments.note
    (short,) = moments.on_paper
    assert isinstance(short, Table)
    assert len(short.rows) == 40
    assert "650 moments non dessinés" in tell_drawing(section)


def tell_drawing(section: Section) -> str:
    """Return what is said of the drawing of a drill."""
    (charts,) = [block for block in section.blocks if isinstance(block, Charts)]
    return plain(charts.items[0].description)


def read_figures(suite: TestSuite, scenario_id: str) -> dict[str, str]:
    """Return the properties of a test case."""
    case = find_case({suite.name: suite}, scenario_id)
    return {found.name: found.value for found in case.properties()}  # type: ignore[no-untyped-call]


def test_the_json_carries_the_drills_and_junit_their_figures() -> None:
    report = damaged_report()
    assert parse_json(render_json(report)) == report
    suites = read_suites(report)
    assert list(suites) == ["GARDES", "BASE", "APP", "HD", "CLOTURE"]
    figures = read_figures(suites["HD"], "HD-023")
    assert figures["drill rto_seconds"] == "71.8"
    assert figures["drill operator_seconds"] == "61.8"
    assert figures["drill lost_writes"] == "37"
    assert figures["drill rpo_seconds"] == "3.7"
    assert figures["drill left_as_found"] == "yes"
    figures = read_figures(suites["HD"], "HD-024")
    assert "drill lost_writes" not in figures
    assert figures["drill left_as_found"] == "no"
    closing = {"CLOTURE": suites["CLOTURE"]}
    assert read_result(find_case(closing, "HD-001")) == ("Failure", "Plus comme avant. Deux sites actifs.")
    assert read_result(find_case(closing, "HD-002"))[0] == "passed"


def test_the_page_and_the_pdf_are_sound_and_say_the_same() -> None:
    rendered = render_all(damaged_report())
    page = Page(rendered.html)
    assert page.faults == []
    tags = [tag for tag, _ in page.tags]
    assert tags.count("caption") == tags.count("table")
    assert tags.count("svg") == 4
    reader = PdfReader(io.BytesIO(rendered.pdf))
    words = plain(" ".join(read_page(reader, number) for number in range(len(reader.pages))))
    for said in ("5bis. Exercices de haute disponibilité", "0 perdue exigé", "25,62 s", "Plus comme"):
        assert said in words
        assert said in plain(page.text)


@settings(max_examples=12)
@given(NASTY, NASTY)
def test_no_text_of_a_drill_breaks_any_form(said: str, name: str) -> None:
    record = DrillRecord(
        name,
        STARTED,
        60.0,
        (
            DrillEvent(1.0, DrillEventKind.ROLE, name, said),
            DrillEvent(2.0, DrillEventKind.OPERATOR, name, said),
        ),
        (ClientSummary(name, said, True, 9, 8, 1, 0, 0.2, 0.01, (Interruption(3.0, 5.0, 2),)),),
        Accounting(9, 8, (said,), (name,), (said,), (name,), (said,), (said,), 1.5),
        RecoveryTime(2.0, 0.1, 0.2, 0.3, 0.4),
        (AlarmSeen(said, name, True, 4.0, None),),
        (Healing(name, said, 3.0, None, said),),
        (said, name),
        0.25,
    )
    report = with_drills((replace(plan_loss(), scenario_id=name, title=said),), (record,))
    report = replace(report, run=replace(report.run, healed=(said,)))
    rendered = render_all(report)
    assert Page(rendered.html).faults == []
    assert rendered.pdf.startswith(b"%PDF")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.0034, "3,4 ms"), (0.0, "0,00 s"), (0.8, "0,80 s"), (71.8, "71,80 s"), (99.996, "100,0 s"),
        (428.5, "428,5 s"), (1234.4, "1 234,4 s"), (12345.6, "12 346 s"), (None, "n.d."), (float("nan"), "n.d."),
    ],
)  # fmt: skip
def test_a_time_is_said_in_the_unit_that_fits(seconds: float | None, said: str) -> None:
    assert plain(say_seconds(seconds)) == said


def test_a_run_whose_drills_were_refused_does_not_cry_that_the_platform_changed() -> None:
    report = with_drills((plan_switchover(),), ())
    run = replace(report.run, closing=(), drills=())
    alerts = build_document(replace(report, run=run)).alerts
    assert [alert.text for alert in alerts if "Plateforme" in alert.text or "plateforme" in alert.text] == []


def test_the_items_that_the_drills_left_are_named_again_at_the_end() -> None:
    section = find_section(build_document(damaged_report()), "cloture-exercices")
    (left,) = [block for block in section.blocks if isinstance(block, Items)]
    assert left.items[0] == "HD-024 : Machine a-bdd éteinte, elle était allumée"


def test_a_retried_closing_check_counts_as_it_ended() -> None:
    report = drilled_report()
    first = report.run.closing[0]
    results = (
        replace(first, outcome=Outcome.KO, attempt=1),
        replace(first, attempt=2),
        *report.run.closing[1:],
    )
    again = replace(report, run=replace(report.run, closing=results))
    assert read_rows(again, "cloture-exercices", "Contrôles de clôture")[0][4:] == ["Comme avant", "Essai 2."]
    stray = ScenarioResult("HD-099", Outcome.OK)
    more = replace(report, run=replace(report.run, closing=(*report.run.closing, stray)))
    assert read_rows(more, "cloture-exercices", "Contrôles de clôture")[9][:3] == [
        "HD-099",
        "",
        "Non joué avant",
    ]
