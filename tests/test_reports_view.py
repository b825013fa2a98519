"""What the report says, before it is set as HTML or PDF."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from nonreg.model import (
    Assessment,
    CampaignReport,
    Change,
    Evidence,
    Finding,
    Gap,
    Outcome,
    ScenarioResult,
    Verdict,
)
from reports.document import Code, Document, Figures, Items, Paragraph, Section, Table
from reports.source import render_json
from reports.view import build_document
from tests.report_samples import (
    change_case,
    green_report,
    interrupted_report,
    plan_sample,
    refused_report,
    rich_report,
)


def find_section(document: Document, anchor: str) -> Section:
    """Return the section with this anchor."""
    return next(section for section in document.sections if section.anchor == anchor)


def read_tables(section: Section) -> list[list[list[str]]]:
    """Return the texts of every table of a section."""
    tables = [block for block in section.blocks if isinstance(block, Table)]
    return [[[cell.text for cell in row] for row in table.rows] for table in tables]


def read_table(section: Section, caption: str) -> list[list[str]]:
    """Return the texts of the table whose caption begins so."""
    tables = [block for block in section.blocks if isinstance(block, Table)]
    (found,) = [table for table in tables if table.caption.startswith(caption)]
    return [[cell.text for cell in row] for row in found.rows]


def read_text(section: Section) -> str:
    """Return everything a section says, one line per text."""
    said: list[str] = []
    for block in section.blocks:
        if isinstance(block, Table):
            said += [block.caption, block.empty if not block.rows else "", block.note]
            said += [cell.text for row in block.rows for cell in row]
        elif isinstance(block, Items):
            said += [block.label, *block.items, "" if block.items else block.empty]
        elif isinstance(block, Paragraph | Code):
            said.append(block.text)
    return "\n".join(said)


def fail_with(gap: Gap, *evidence: Evidence) -> Section:
    """Return the section of one failed scenario with this gap."""
    result = ScenarioResult("HD-008", Outcome.KO, "", gaps=(gap,), evidence=evidence)
    report = change_case(green_report(), result, Finding("HD-008", Outcome.KO, Change.REGRESSION))
    return find_section(build_document(report), "ecart-HD-008")


@pytest.mark.parametrize(
    ("report", "figures"),
    [
        (green_report(), ["48", "48", "0", "0", "0", "0", "00:42:07"]),
        (rich_report(), ["44", "38", "2", "1", "3", "2", "00:42:07"]),
        (interrupted_report(), ["20", "20", "0", "0", "28", "0", "n.d."]),
        (refused_report(), ["0", "0", "0", "0", "48", "0", "00:00:03"]),
    ],
    ids=["green", "rich", "interrupted", "refused"],
)
def test_the_figures_count_every_planned_scenario(report: CampaignReport, figures: list[str]) -> None:
    strip = find_section(build_document(report), "synthese").blocks[0]
    assert isinstance(strip, Figures)
    assert [value for value, _, _ in strip.items] == figures


def test_the_sum_of_the_figures_is_written_out() -> None:
    said = read_text(find_section(build_document(rich_report()), "synthese"))
    assert "48 scénarios prévus = 44 exécutés + 3 non exécutés + 1 non applicable." in said
    assert "44 exécutés = 38 réussis + 2 échoués + 2 inconclusifs + 1 mesure non jugée + 1 dérog" in said


def test_what_was_not_checked_is_listed_with_its_reason_worst_first() -> None:
    rows = read_table(find_section(build_document(rich_report()), "synthese"), "Scénarios non exécutés")
    assert [row[0] for row in rows] == ["Inconclusif", "Non exécuté", "Inconclusif", "Sans résultat"]
    assert rows[1][1:] == [
        "HD-013, HD-015 (2 scénarios, dont 1 bloquant)",
        "Scénario perturbateur sans approbation.",
    ]
    assert rows[3][2] == "Prévu, mais aucun résultat n'a été enregistré."


def test_a_guard_that_refuses_or_does_not_answer_comes_before_the_scenarios() -> None:
    section = find_section(build_document(refused_report()), "synthese")
    assert [row[:2] for row in read_tables(section)[0]] == [
        ["PRE-01 La cible est la plateforme de test", "Refusée"],
        ["PRE-02 Les trois sites déclarent le rôle attendu", "Sans réponse"],
    ]
    assert len(read_table(section, "Scénarios non exécutés")) == 1


def test_a_guard_that_was_never_asked_is_named() -> None:
    said = read_text(find_section(build_document(refused_report()), "gardes"))
    assert "Sans réponse enregistrée : PRE-10." in said


def test_a_planned_scenario_without_judgement_or_result_is_not_forgotten() -> None:
    report = green_report()
    run = replace(report.run, results=())
    report = replace(report, run=run, assessment=Assessment(Verdict.INCOMPLET, (), ()))
    document = build_document(report)
    for scenario in plan_sample().scenarios:
        section = find_section(document, f"resultats-{scenario.family.value.lower()}")
        row = next(row for row in read_tables(section)[0] if row[0] == scenario.id)
        assert row[3] == "Sans résultat"
    assert document.reasons == ("Aucun motif enregistré.",)


def test_the_judged_outcome_is_shown_not_the_recorded_one() -> None:
    section = find_section(build_document(rich_report()), "resultats-app")
    row = next(row for row in read_tables(section)[0] if row[0] == "APP-015")
    assert row[3] == "Dérogation"


def test_a_result_that_nobody_planned_is_shown_apart() -> None:
    report = green_report()
    stray = ScenarioResult("HD-099", Outcome.KO, "inattendu")
    report = replace(report, run=replace(report.run, results=(*report.run.results, stray)))
    section = find_section(build_document(report), "resultats-hors-plan")
    assert read_tables(section) == [[["HD-099", "KO", "inattendu"]]]


def test_a_retry_that_passes_keeps_its_first_failure() -> None:
    report = green_report()
    gap = Gap("SELECT 1", "1", "aucune réponse")
    first = ScenarioResult("APP-004", Outcome.KO, "premier essai", gaps=(gap,))
    kept = tuple(r for r in report.run.results if r.scenario_id != "APP-004")
    second = ScenarioResult("APP-004", Outcome.OK)
    report = replace(report, run=replace(report.run, results=(*kept, first, second)))
    document = build_document(report)
    row = next(r for r in read_tables(find_section(document, "resultats-app"))[0] if r[0] == "APP-004")
    assert row[3] == "OK"
    assert "2 essais : KO puis OK." in row[5]
    assert "aucune réponse" in read_text(find_section(document, "ecart-APP-004"))


def test_a_failure_shows_its_request_what_was_expected_and_what_was_found() -> None:
    section = find_section(build_document(rich_report()), "ecart-BASE-003")
    codes = [block for block in section.blocks if isinstance(block, Code)]
    assert [code.label for code in codes] == ["Requête ou commande exacte", "Attendu", "Trouvé"]
    assert codes[0].text.endswith("AND i.indexname = 'ix_mesure_station_horodatage'")
    decision = read_tables(section)[-1]
    assert decision == [[""] * 5]


def test_every_failure_has_its_section_and_nothing_else_has() -> None:
    anchors = [section.anchor for section in build_document(rich_report()).sections]
    found = [anchor for anchor in anchors if anchor.startswith("ecart-")]
    assert found == ["ecart-BASE-003", "ecart-HD-008", "ecart-APP-015"]


def test_long_lists_of_failing_rows_stop_at_twenty_and_say_how_many_more() -> None:
    rows = tuple((str(n),) for n in range(21))
    evidence = Evidence("lignes", "l.csv", "0" * 64)
    section = fail_with(Gap("q", "e", "f", ("n",), rows, 40), evidence)
    table = next(b for b in section.blocks if isinstance(b, Table))
    assert len(table.rows) == 20
    assert table.note == "… 20 autres lignes, voir la pièce jointe."
    table = next(b for b in fail_with(Gap("q", "e", "f", ("n",), rows)).blocks if isinstance(b, Table))
    assert table.note == "… 1 autre ligne, aucune pièce jointe."


def test_ragged_rows_are_squared_so_that_no_value_changes_column() -> None:
    gap = Gap("q", "e", "f", ("a", "b"), (("1",), ("1", "2", "3")), 2)
    table = next(block for block in fail_with(gap).blocks if isinstance(block, Table))
    assert [column.title for column in table.columns] == ["a", "b", "Colonne 3"]
    assert [[cell.text for cell in row] for row in table.rows] == [["1", "", ""], ["1", "2", "3"]]


def test_a_row_too_wide_for_the_page_becomes_one_cell_that_names_its_values() -> None:
    names = tuple(f"c{n}" for n in range(9))
    gap = Gap("q", "e", "f", names, (tuple(str(n) for n in range(9)),), 1)
    table = next(block for block in fail_with(gap).blocks if isinstance(block, Table))
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["c0 = 0 · c1 = 1 · c2 = 2 · c3 = 3 · c4 = 4 · c5 = 5 · c6 = 6 · c7 = 7 · c8 = 8"]
    ]


def test_a_measure_without_an_agreed_limit_says_so_and_is_remarked() -> None:
    document = build_document(rich_report())
    measures = read_table(find_section(document, "baselines"), "Mesures")
    assert measures[0][1:4] == ["Dernières valeurs, médiane", "0,184\u00a0s", "3\u00a0s"]
    assert measures[1][3] == "sans limite convenue"
    assert "3 mesures sans limite convenue : non jugées." in read_text(find_section(document, "conclusion"))


def test_what_is_not_known_is_shown_as_such() -> None:
    document = build_document(green_report())
    rows = read_tables(find_section(document, "environnement"))[0]
    assert rows[-1] == ["Site P", "Niveau de correctif", "n.d."]
    nothing = build_document(refused_report())
    assert "Environnement : n.d." in read_text(find_section(nothing, "environnement"))
    assert "Part du réel et du simulé : n.d." in read_text(find_section(nothing, "perimetre"))


def test_an_interrupted_run_says_it_before_the_verdict() -> None:
    (alert,) = build_document(interrupted_report()).alerts
    assert alert.text.startswith("Campagne interrompue : processus d'exécution arrêté (signal 9).")
    assert "sans fin enregistrée" in alert.text
    assert (alert.tone, alert.sign) == ("ko", "✗")
    assert build_document(green_report()).alerts == ()


def test_a_run_without_an_end_is_interrupted_even_if_nobody_recorded_why() -> None:
    report = interrupted_report()
    (alert,) = build_document(replace(report, run=replace(report.run, interruption=""))).alerts
    assert alert.text.startswith("Campagne interrompue : cause non enregistrée.")


def test_a_campaign_where_all_is_well_reads_well() -> None:
    document = build_document(green_report())
    assert "Aucun scénario non exécuté" in read_text(find_section(document, "synthese"))
    assert "Aucune évolution." in read_text(find_section(document, "baselines"))
    assert read_text(find_section(document, "ecarts")) == "Aucun écart."
    assert "Aucune réserve." in read_text(find_section(document, "conclusion"))
    assert "Pièces jointes : aucune." in read_text(find_section(document, "annexes"))


def test_long_reasons_stay_short_under_the_verdict_and_whole_in_the_conclusion() -> None:
    report = green_report()
    reasons = tuple(f"motif {n} " + "x" * 300 for n in range(8))
    document = build_document(replace(report, assessment=replace(report.assessment, reasons=reasons)))
    assert len(document.reasons) == 6
    assert document.reasons[-1] == "… 3 autres motifs, voir § 8."
    assert max(map(len, document.reasons)) < 300
    conclusion = next(b for b in find_section(document, "conclusion").blocks if isinstance(b, Items))
    assert conclusion.items == reasons


def test_the_document_names_the_hash_of_the_source_it_was_made_from() -> None:
    report = rich_report()
    expected = hashlib.sha256(render_json(report).encode()).hexdigest()
    assert build_document(report).source_sha256 == expected


def test_only_a_real_approval_fills_the_visas() -> None:
    (visas,) = read_tables(find_section(build_document(green_report()), "visas"))
    assert [row[0] for row in visas] == ["Rédigé", "Vérifié", "Validé"]
    assert {cell for row in visas for cell in row[1:]} == {""}
