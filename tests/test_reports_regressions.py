"""What the report says of regressions, waivers, the baseline and triage, before it is set as HTML or PDF."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from junitparser.xunit2 import JUnitXml
from pypdf import PdfReader

from nonreg.model import (
    CampaignReport,
    Change,
    Criticality,
    Family,
    Finding,
    LimitChange,
    Outcome,
    ScenarioResult,
    Slowdown,
    Verdict,
    Waiver,
)
from reports.case import join_cases
from reports.document import Cell, Code, Column, Document, Items, Pairs, Paragraph, Section, Table
from reports.render import render_junit, render_pdf, write_html, write_pdf
from reports.view import build_document
from tests.report_past_samples import (
    explain_failure,
    large_report,
    past_runs,
    past_waivers,
    regression_report,
)
from tests.report_samples import STARTED, change_case, green_report, hash_text, rich_report
from tests.test_reports_view import find_section, read_table, read_text


def say(report: CampaignReport, anchor: str) -> str:
    """Return everything a section of the report says, pairs included."""
    section = find_section(build_document(report), anchor)
    pairs = [block for block in section.blocks if isinstance(block, Pairs)]
    said = [f"{label} : {value}" for block in pairs for label, value in (*block.items, *block.wide)]
    return "\n".join((*said, read_text(section)))


def read_first_page(report: CampaignReport) -> str:
    """Return the text of page 1 of the PDF, blanks folded and cut words joined."""
    page = PdfReader(io.BytesIO(render_pdf(report))).pages[0]
    return " ".join(page.extract_text().split()).replace("- ", "-")


def test_regressions_are_on_page_1_worst_first_with_last_good_run_cause_and_ticket() -> None:
    section = find_section(build_document(regression_report()), "synthese")
    last = "27/03/2026 00:30, 2026-03-26T2330Z-001c"
    assert read_table(section, "Régressions") == [
        ["BASE-003 Index identiques à la référence, aucun désactivé", "KO", "Bloquante", last, "Application",
         "aucune"],
        ["BASE-004 Code des procédures, vues et fonctions conforme à la version livrée", "KO", "Majeure", last,
         "Application", "#4099 (expirée)"],
        ["HD-005 Latence de réplication sur 20 échantillons", "Inconclusif", "Mineure", last, "Environnement",
         "aucune"],
        ["APP-015 Fichiers de configuration identiques à la référence", "Dérogation", "Bloquante", "n.d.",
         "Application", "#4102"],
    ]  # fmt: skip


def test_a_failure_that_is_no_regression_is_told_apart() -> None:
    result = ScenarioResult("HD-001", Outcome.KO, "deux actifs")
    report = change_case(regression_report(), result, Finding("HD-001", Outcome.KO, Change.SAME, Outcome.KO))
    assert "1 autre échec, sans régression : HD-001 (identique)." in say(report, "synthese")
    assert "autre échec" not in say(regression_report(), "synthese")


def test_every_waiver_in_force_is_on_page_1_with_who_what_and_until_when() -> None:
    section = find_section(build_document(regression_report()), "synthese")
    rows = read_table(section, "Dérogations")
    until = "30/06/2026 à 23:59:59 (Paris,\u00a0UTC+2)"
    assert [row[-1] for row in rows] == ["expirée", "a servi", "n'a pas servi"]
    assert rows[1] == [
        "APP-015", "3 clés de configuration livrées en avance", "#4102", "p-renfort-1",
        "d-0007 (RD-2026-07)", until, "a servi",
    ]  # fmt: skip
    page = read_first_page(regression_report())
    assert all(f"#{ticket}" in page for ticket in (4099, 4102, 4180))


def test_a_waived_failure_of_an_old_report_is_on_page_1_without_its_waiver() -> None:
    rows = read_table(find_section(build_document(rich_report()), "synthese"), "Dérogations")
    assert [(row[0], row[2], row[-1]) for row in rows] == [("APP-015", "n.d.", "a servi")]
    assert "RD-2026-07" in rows[0][1]


def test_a_waiver_is_in_force_until_the_instant_of_its_expiry_at_the_time_of_the_plan() -> None:
    report = regression_report()
    at = report.run.plan.created_at
    for expiry, said in ((at, "expirée"), (at + timedelta(microseconds=1), "n'a pas servi")):
        waiver = Waiver("HD-001", "r", "#1", "p-1", "d-1", expiry)
        changed = replace(report, basis=replace(report.basis, waivers=(waiver,)))
        rows = read_table(find_section(build_document(changed), "synthese"), "Dérogations")
        assert [row[-1] for row in rows] == [said]


def test_an_expired_waiver_of_another_selection_is_left_out_and_one_in_force_is_not() -> None:
    report = regression_report()
    later = report.run.plan.created_at + timedelta(days=1)
    waivers = (
        Waiver("BASE-777", "r", "#1", "p-1", "d-1", report.run.plan.created_at),
        Waiver("BASE-778", "r", "#2", "p-1", "d-2", later),
    )
    changed = replace(report, basis=replace(report.basis, waivers=waivers))
    rows = read_table(find_section(build_document(changed), "synthese"), "Dérogations")
    assert [(row[0], row[-1]) for row in rows] == [("BASE-778", "scénario hors du plan")]


def test_page_1_names_regressions_waivers_and_what_was_not_checked_even_by_the_dozen() -> None:
    report = green_report()
    plan = report.run.plan
    findings, triages, waivers = [], [], []
    for number, scenario in enumerate(plan.scenarios):
        outcome = Outcome.KO if number < 30 else Outcome.INCONCLUSIF
        findings.append(
            Finding(scenario.id, outcome, Change.REGRESSION, Outcome.OK, f"motif {number} " + "long " * 60)
        )
        triages.append(explain_failure(scenario.id, past_runs()[0]))
        waivers.append(
            Waiver(scenario.id, "motif " * 90, f"#{8000 + number}", "p-1", "d-1", STARTED + timedelta(days=9))
        )
    assessment = replace(
        report.assessment,
        verdict=Verdict.KO,
        findings=tuple(findings),
        reasons=tuple("motif du verdict " * 30 for _ in range(12)),
    )
    basis = replace(report.basis, waivers=tuple(waivers))
    report = replace(report, assessment=assessment, triage=tuple(triages), basis=basis)
    page = read_first_page(report)
    assert "48 régressions :" in page
    assert [s.id for s in plan.scenarios if page.count(s.id) < 2] == []
    assert [w.ticket for w in waivers if f"({w.ticket})" not in page] == []


def test_the_baseline_is_named_as_the_contractual_object_it_is() -> None:
    said = say(regression_report(), "baselines")
    for words in (
        "Référence : n° 4 de bac-a-sable",
        "Version : 7.4.1",
        "Passage promu : 2026-03-02T2330Z-11aa",
        "Promue le : 04/03/2026 à 00:30:00 (Paris,\u00a0UTC+1)",
        "Promue par : p-titulaire (titulaire)",
        "Ticket : #4188",
        "Décision : d-0005",
        f"SHA-256 de la référence : {hash_text('baseline 4')}",
        "Version testée : 7.4.2, version de la référence : 7.4.1.",
    ):
        assert words in said
    assert "Aucune référence promue pour cette plateforme." in say(green_report(), "baselines")


def test_where_nothing_is_promoted_no_name_reads_as_if_something_were() -> None:
    report = green_report()
    platform = replace(report.run.plan.platform, baseline="embarquee")
    findings = tuple(Finding(one.scenario_id, Outcome.OK, Change.NEW) for one in report.assessment.findings)
    report = replace(
        report,
        run=replace(report.run, plan=replace(report.run.plan, platform=platform)),
        assessment=replace(report.assessment, findings=findings),
    )
    assert "Référence : aucune promue (§ 1bis)" in say(report, "metadonnees")
    assert "embarquee" not in say(report, "metadonnees")
    said = say(report, "baselines")
    assert "nouveau : 48" in said
    assert "Rien à quoi comparer : aucune évolution ne peut être montrée." in said
    assert "Aucune évolution." not in said
    assert "aux fichiers « embarquee », relus dans git." in said


def test_slow_measures_whose_names_hold_commas_are_told_apart() -> None:
    slow = Slowdown("Dernières valeurs, p95", 0.9, "s", 0.4, 0.6, 24)
    finding = Finding("HD-001", Outcome.OK, Change.SLOWER, Outcome.OK, slower=(slow, replace(slow, name="b")))
    report = change_case(green_report(), ScenarioResult("HD-001", Outcome.OK), finding)
    assert "Plus lentes : Dernières valeurs, p95 ; b." in say(report, "baselines")


def test_what_was_not_judged_is_neither_a_regression_nor_the_same() -> None:
    result = ScenarioResult("HD-001", Outcome.INCONCLUSIF, "Site P injoignable.")
    finding = Finding("HD-001", Outcome.INCONCLUSIF, Change.UNJUDGED, Outcome.OK)
    report = change_case(green_report(), result, finding)
    section = find_section(build_document(report), "baselines")
    assert read_table(section, "Évolutions") == [["HD-001", "OK", "Inconclusif", "Non jugé", ""]]
    assert "Aucune régression." in say(report, "synthese")


def test_a_scenario_that_did_not_apply_before_did_not_work() -> None:
    waiver = replace(past_waivers()[0], scenario_id="HD-001")
    result = ScenarioResult("HD-001", Outcome.KO, "faux")
    for before, count in ((Outcome.NON_APPLICABLE, 0), (Outcome.OK, 1)):
        finding = Finding("HD-001", Outcome.DEROGATION, Change.KNOWN_FAILURE, before, "", waiver)
        report = change_case(green_report(), result, finding)
        found = read_table(find_section(build_document(report), "synthese"), "Régressions")
        assert len(found) == count


def test_each_change_is_shown_with_its_word_and_what_explains_it() -> None:
    section = find_section(build_document(regression_report()), "baselines")
    rows = {row[0]: row for row in read_table(section, "Évolutions")}
    assert {key: row[3] for key, row in rows.items()} == {
        "BASE-003": "Régression", "BASE-004": "Régression", "HD-005": "Régression", "APP-015": "Échec connu",
        "BASE-016": "Plus lent", "APP-002": "Corrigé", "HD-012": "Nouveau", "APP-004": "Instable",
    }  # fmt: skip
    assert rows["APP-004"][4].startswith("2 essais : KO puis OK.")
    assert "ticket #4102" in rows["APP-015"][4]


def test_slow_measures_come_with_median_bound_and_samples_and_the_rule_in_words() -> None:
    section = find_section(build_document(regression_report()), "baselines")
    assert read_table(section, "Durées") == [
        ["BASE-016", "Dernières valeurs, p95", "0,912\u00a0s", "0,402\u00a0s", "0,603\u00a0s", "24", "Plus lente"],
        ["HD-004", "Latence de réplication, p95", "0,31\u00a0s", "0,087\u00a0s", "0,131\u00a0s", "24",
         "À confirmer"],
    ]  # fmt: skip
    assert "Une mesure de durée est dite plus lente quand" in read_text(section)


def test_what_moved_in_the_reference_is_told() -> None:
    said = say(regression_report(), "baselines")
    assert "BASE-099 Ancien contrôle des vues" in said
    assert "schema.json" in said
    assert "facteur 1,12" in said
    report = regression_report()
    changes = ("HD-005 : criticité bloquante → mineure", "BASE-016 : « p95 » n'est plus mesuré")
    moved = replace(report, assessment=replace(report.assessment, scenario_changes=changes))
    assert "\n".join(changes) in say(moved, "baselines")
    assert "Scénarios modifiés depuis la référence" not in said
    assert "facteur" not in say(green_report(), "baselines")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (LimitChange("page_seconds", 3.0, 2.0), ["3", "2", "durci"]),
        (LimitChange("page_seconds", 2.0, 3.0), ["2", "3", "assoupli"]),
        (LimitChange("page_seconds", None, 3.0), ["aucune", "3", "ajouté"]),
        (LimitChange("page_seconds", 3.0, None), ["3", "aucune", "retiré"]),
        (LimitChange("disk_free_bytes", 100.0, 200.0), ["100", "200", "durci"]),
        (LimitChange("disk_free_bytes", 200.0, 100.0), ["200", "100", "assoupli"]),
    ],
)
def test_a_limit_that_changed_says_in_which_sense(change: LimitChange, said: list[str]) -> None:
    report = green_report()
    report = replace(report, assessment=replace(report.assessment, limit_changes=(change,)))
    rows = read_table(find_section(build_document(report), "baselines"), "Seuils")
    assert rows == [[change.name, *said]]


def test_a_gap_says_its_presumed_cause_what_changed_since_it_was_good_logs_and_diff() -> None:
    section = find_section(build_document(regression_report()), "ecart-BASE-003")
    said = say(regression_report(), "ecart-BASE-003")
    assert "Cause présumée : Application" in said
    assert "Dernier bon passage : 27/03/2026 00:30, 2026-03-26T2330Z-001c" in said
    assert "Une procédure diffère de la référence." in said
    assert read_table(section, "Ce qui a changé")[:1] == [["Application", "Version", "7.4.1", "7.4.2"]]
    codes = {block.label: block.text for block in section.blocks if isinstance(block, Code)}
    assert "ERROR affiner_lot" in codes["Journal : aquareel-affinage (site A) (17 autres lignes)"]
    assert "+  WHERE t.etat <> 'REJETE'" in codes["Procédures qui diffèrent de la référence"]
    assert "Aucun bon passage connu" in say(regression_report(), "ecart-APP-015")


def test_a_regression_that_could_not_be_judged_has_its_section_too() -> None:
    assert "Le site P ne s'est pas laissé observer." in say(regression_report(), "ecart-HD-005")


def test_all_attempts_of_a_retried_scenario_are_in_its_section_and_the_worst_one_counts() -> None:
    said = say(regression_report(), "ecart-APP-004")
    assert "Essai 1 sur 2 : KO. Deux valeurs au lieu d'une." in said
    assert "Essai 2 sur 2 : OK." in said
    second = ScenarioResult("HD-001", Outcome.INCONCLUSIF, "second essai", attempt=2)
    first = ScenarioResult("HD-001", Outcome.KO, "premier essai")
    report = change_case(green_report(), second, Finding("HD-001", Outcome.KO, Change.REGRESSION, Outcome.OK))
    report = replace(report, run=replace(report.run, results=(*report.run.results, first)))
    case = next(case for case in join_cases(report) if case.scenario.id == "HD-001")
    assert [attempt.attempt for attempt in case.attempts] == [1, 2]
    assert case.result is not None
    assert case.result.message == "premier essai"


def test_a_retry_that_did_not_apply_does_not_replace_the_failure_before_it() -> None:
    second = ScenarioResult("HD-001", Outcome.NON_APPLICABLE, "second essai", attempt=2)
    report = change_case(green_report(), second, Finding("HD-001", Outcome.KO, Change.REGRESSION, Outcome.OK))
    first = ScenarioResult("HD-001", Outcome.KO, "premier essai")
    report = replace(report, run=replace(report.run, results=(*report.run.results, first)))
    case = next(case for case in join_cases(report) if case.scenario.id == "HD-001")
    assert case.result == first


def test_junit_names_the_cause_and_the_ticket_of_the_waiver() -> None:
    suites = JUnitXml.fromstring(render_junit(regression_report()).encode())
    cases = {case.name.split()[0]: case for suite in suites for case in suite}
    waived = {p.name: p.value for p in cases["APP-015"].properties()}
    assert (waived["cause"], waived["ticket"], waived["decision"]) == ("application", "#4102", "d-0007")
    assert {"cause", "ticket"}.isdisjoint(p.name for p in cases["BASE-001"].properties())


def test_another_page_than_a_report_is_set_by_the_same_writers() -> None:
    page = Document(
        title="Avis avant intervention",
        status="",
        subject="Bascule du site A",
        run_id="i-0001",
        generated="24/11/2026",
        alerts=(),
        verdict=Cell("NO-GO", "✗", "ko"),
        conclusion="L'intervention ne doit pas commencer.",
        reasons=("Une régression est connue.",),
        sections=(Section("motifs", "Motifs", (Paragraph("Un motif."),)),),
        verdict_label="Réponse",
        run_label="Décision",
        generated_label="établie le",
    )
    html = write_html(page)
    assert "Décision i-0001, établie le 24/11/2026" in html
    assert "rapport généré" not in html
    assert 'Réponse : <span aria-hidden="true">✗</span> NO-GO' in html
    assert "Source JSON" not in html
    assert "Verdict" not in html
    (pdf_page,) = PdfReader(io.BytesIO(write_pdf(page, datetime(2026, 1, 1, tzinfo=UTC)))).pages
    text = pdf_page.extract_text()
    assert "Réponse\u00a0: ✗ NO-GO" in text
    assert "Décision i-0001" in text


def test_what_is_not_meant_for_paper_is_in_the_page_and_not_in_the_pdf() -> None:
    short = Paragraph("Forme courte.")
    table = Table("Légende", (Column("Colonne"),), ((Cell("Forme longue."),),), on_paper=(short,))
    sections = (
        Section("un", "Un", (table,)),
        Section("deux", "Deux", (Paragraph("Écran seulement."),), on_paper=False),
    )
    page = replace(build_document(green_report()), sections=sections)
    html = write_html(page)
    (pdf_page,) = PdfReader(io.BytesIO(write_pdf(page, STARTED))).pages
    text = pdf_page.extract_text()
    assert ("Forme longue." in html, "Écran seulement." in html, "Forme courte." in html) == (
        True,
        True,
        False,
    )
    assert ("Forme longue." in text, "Écran seulement." in text, "Forme courte." in text) == (
        False,
        False,
        True,
    )


def test_a_long_report_stays_bounded_on_paper_and_still_names_every_scenario() -> None:
    report = large_report(10_000)
    reader = PdfReader(io.BytesIO(render_pdf(report)))
    assert len(reader.pages) <= 130
    text = "".join(page.extract_text() for page in reader.pages).replace("\n", "")
    assert [s.id for s in report.run.plan.scenarios if s.id not in text] == []


def test_a_long_report_says_in_short_only_what_is_good_and_unchanged() -> None:
    report = large_report(2_000)
    document = build_document(report)
    told = {
        found.scenario_id
        for found in report.assessment.findings
        if found.outcome is not Outcome.OK or found.change is not Change.SAME
    }
    seen = set()
    for family in Family:
        (table,) = find_section(document, f"resultats-{family.value.lower()}").blocks
        assert isinstance(table, Table)
        own = [s.id for s in report.run.plan.scenarios if s.family is family]
        assert [row[0].text for row in table.rows] == own
        short, *_ = table.on_paper
        assert isinstance(short, Table)
        seen |= {row[0].text for row in short.rows}
    assert seen == told
    (table,) = find_section(build_document(large_report(1_000)), "resultats-base").blocks
    assert isinstance(table, Table)
    assert table.on_paper == ()


def test_hundreds_of_failures_are_all_named_on_paper_and_the_worst_ones_detailed() -> None:
    report = large_report(1_600)
    findings = tuple(
        Finding(s.id, Outcome.KO, Change.REGRESSION, Outcome.OK) for s in report.run.plan.scenarios
    )
    report = replace(report, assessment=replace(report.assessment, findings=findings))
    document = build_document(report)
    details = [section for section in document.sections if section.anchor.startswith("ecart-")]
    assert len(details) == 1_600
    printed = {section.anchor.removeprefix("ecart-") for section in details if section.on_paper}
    criticality = {s.id: s.criticality for s in report.run.plan.scenarios}
    assert len(printed) == 150
    assert {criticality[name] for name in printed} == {Criticality.BLOQUANTE}
    named = [
        block
        for family in Family
        for table in find_section(document, f"resultats-{family.value.lower()}").blocks
        if isinstance(table, Table)
        for block in table.on_paper
        if isinstance(block, Items)
    ]
    assert sum(len(block.items) for block in named) == 1_600
