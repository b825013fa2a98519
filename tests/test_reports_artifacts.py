"""A judged campaign as Prefect shows it, from values alone."""

from __future__ import annotations

import dataclasses
import re
from pathlib import PurePosixPath

from markdown_it import MarkdownIt

from nonreg.model import CampaignReport, Change, Outcome, Verdict
from reports.artifacts import (
    COMMENT_CHARACTERS,
    ITEMS,
    Links,
    describe_verdict,
    explain_shortly,
    list_families,
    say_file,
    summarise,
)
from tests.hostile import HOSTILE
from tests.report_past_samples import regression_report
from tests.report_samples import green_report

FOLDER = PurePosixPath("/srv/aquareel/runs/20261123T003000Z-essai-0001")
HERE = Links(FOLDER, "srv-essai")
ELSEWHERE = Links(
    FOLDER,
    "srv-essai",
    "https://rapports.exemple/runs/20261123T003000Z-essai-0001",
    lambda reference: f"https://suivi.exemple/{reference.strip('#')}",
)


def change_notes(report: CampaignReport, note: str) -> CampaignReport:
    findings = tuple(dataclasses.replace(one, note=note) for one in report.assessment.findings)
    reasons = (note, *report.assessment.reasons)
    assessment = dataclasses.replace(report.assessment, findings=findings, reasons=reasons)
    return dataclasses.replace(report, assessment=assessment)


def test_each_planned_scenario_stands_once_in_the_table_of_its_family() -> None:
    report = regression_report()
    tables = list_families(report)
    assert [shown.family.name for shown in tables] == ["BASE", "APPLICATIF", "HD"]
    shown_ids = [row["Id"] for shown in tables for row in shown.rows]
    assert sorted(shown_ids) == sorted(found.id for found in report.run.plan.scenarios)


def test_a_table_begins_with_what_went_wrong_and_its_heading_counts_it() -> None:
    base = list_families(regression_report())[0]
    assert [(row["Id"], row["Résultat"]) for row in base.rows[:3]] == [
        ("BASE-003", "✗ KO"),
        ("BASE-004", "✗ KO"),
        ("BASE-006", "✓ OK"),
    ]
    assert base.description == "BASE (base de données) — 2 KO, 13 OK, 1 mesure"


def test_a_row_says_criticality_evolution_and_duration_and_a_scenario_never_tried_has_none() -> None:
    hd = {row["Id"]: row for row in list_families(regression_report())[2].rows}
    assert hd["HD-005"]["Évolution"] == "Régression"
    assert (hd["HD-005"]["Criticité"], hd["HD-005"]["Durée"]) == ("Mineure", "20,20\u00a0s")
    assert (hd["HD-014"]["Résultat"], hd["HD-014"]["Durée"]) == ("○ Non exécuté", "n.d.")


def test_a_long_comment_is_cut_in_a_table() -> None:
    rows = list_families(change_notes(green_report(), "x" * 5000))[0].rows
    assert all(len(row["Commentaire"]) < COMMENT_CHARACTERS + 80 for row in rows)


def test_hostile_comments_neither_break_the_verdict_nor_bring_tags_and_links() -> None:
    plain = describe_verdict(change_notes(regression_report(), "anodin"), HERE)
    for text in HOSTILE:
        shown = describe_verdict(change_notes(regression_report(), text), HERE)
        reader = MarkdownIt("commonmark").enable("table")
        tags = re.findall(r"<(\w+)", reader.render(plain))
        assert re.findall(r"<(\w+)", reader.render(shown)) == tags, text


def test_the_verdict_gives_reasons_regressions_with_their_cause_and_other_gaps() -> None:
    shown = describe_verdict(regression_report(), ELSEWHERE)
    assert shown.startswith("# KO\n")
    assert "- 2 scénarios KO : BASE-003, BASE-004." in shown
    regressions = shown.split("## Régressions (3)")[1].split("##")[0]
    assert "**BASE-003**" in regressions
    assert "cause présumée : **application**" in regressions
    assert "cause présumée : **environnement**" in regressions
    assert "**HD-014**" in shown.split("## Autres écarts (1)")[1].split("##")[0]


def test_a_known_failure_names_its_waiver_ticket_and_expiry_and_an_expired_one_says_so() -> None:
    shown = describe_verdict(regression_report(), ELSEWHERE)
    known = shown.split("## Échecs connus (1)")[1].split("##")[0]
    assert "**APP-015**" in known
    assert (
        "dérogation d-0007, ticket [\\#4102](https://suivi.exemple/4102), échéance 30/06/2026 23:59" in known
    )
    assert "[\\#4099](https://suivi.exemple/4099), **échue** le 28/03/2026 00:30" in shown


def test_the_campaigns_ticket_is_a_link_when_tickets_have_an_address() -> None:
    ticket = regression_report().run.plan.ticket
    assert f"(https://suivi.exemple/{ticket.strip('#')})" in describe_verdict(regression_report(), ELSEWHERE)
    assert "](" not in describe_verdict(regression_report(), HERE)


def test_the_report_is_a_link_when_runs_have_an_address_and_otherwise_a_path_to_copy() -> None:
    assert f"[Rapport de tests A.2]({ELSEWHERE.report}/report.html) · [PDF]" in describe_verdict(
        green_report(), ELSEWHERE
    )
    shown = describe_verdict(green_report(), HERE)
    assert f"(machine srv-essai) :\n\n```\n{FOLDER}/report.html\n{FOLDER}/report.pdf\n```" in shown
    assert "file:" not in shown
    assert say_file("page.html", "Décision", ELSEWHERE) == [f"[Décision]({ELSEWHERE.report}/page.html)"]
    assert f"{FOLDER}/page.html" in say_file("page.html", "Décision", HERE)


def test_one_sentence_gives_verdict_regressions_and_report() -> None:
    assert summarise(regression_report(), HERE) == (
        f"KO — 3 régressions : BASE-003, BASE-004, HD-005 — rapport {FOLDER}/report.html"
    )


def test_the_sentence_of_a_campaign_without_regression_gives_its_first_reason() -> None:
    report = green_report()
    assert explain_shortly(report) == f"OK — {report.assessment.reasons[0].rstrip('.')}"
    nothing = dataclasses.replace(report.assessment, reasons=(), verdict=Verdict.INCOMPLET)
    said = explain_shortly(dataclasses.replace(report, assessment=nothing))
    assert said == "INCOMPLET — aucun motif enregistré"


def test_a_thousand_regressions_stay_a_page_and_a_sentence() -> None:
    report = regression_report()
    one = next(found for found in report.assessment.findings if found.change is Change.REGRESSION)
    assert one.outcome is Outcome.KO
    many = dataclasses.replace(report.assessment, findings=(one,) * 1000)
    report = dataclasses.replace(report, assessment=many)
    shown = describe_verdict(report, HERE)
    assert shown.count("\n- **BASE-003**") == ITEMS
    assert "- … et 970 de plus, voir le rapport." in shown
    assert len(explain_shortly(report)) < 200
