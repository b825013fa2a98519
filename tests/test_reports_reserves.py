"""What the report says around the verdict: one true sentence, every reserve, and what was not run at all."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.assess import assess
from nonreg.model import (
    Basis,
    CampaignReport,
    Change,
    EffectLimit,
    Family,
    Finding,
    History,
    Measure,
    Outcome,
    ScenarioResult,
    Slowdown,
    Verdict,
)
from reports.document import Items, Pairs
from reports.view import build_document
from tests.report_past_samples import past_runs, past_waivers, promoted_baseline, regression_report
from tests.report_samples import change_case, green_report, interrupted_report
from tests.test_reports_view import find_section, read_text

EXECUTED = "Aucune régression constatée sur le périmètre exécuté."
RESERVES = "Les réserves sont à examiner (§ 8)."


def with_baseline(report: CampaignReport) -> CampaignReport:
    """The report with a promoted reference of the same version."""
    plan = report.run.plan
    results = tuple(one for one in promoted_baseline().results if one.scenario_id != "BASE-099")
    version = plan.platform.application_version
    baseline = replace(promoted_baseline(), application_version=version, results=results, limits=())
    return replace(report, basis=Basis(baseline=baseline, files=baseline.files))


def give_verdict(report: CampaignReport, verdict: Verdict, *reasons: str) -> CampaignReport:
    return replace(report, assessment=replace(report.assessment, verdict=verdict, reasons=reasons))


def list_items(report: CampaignReport, label: str) -> tuple[str, ...]:
    """The lines of a list of chapter 8."""
    blocks = find_section(build_document(report), "conclusion").blocks
    (found,) = [block for block in blocks if isinstance(block, Items) and block.label == label]
    return found.items


def test_a_campaign_against_its_reference_where_all_passed_concludes_so_on_what_was_executed() -> None:
    report = with_baseline(green_report())
    assert build_document(report).conclusion == EXECUTED
    assert EXECUTED in read_text(find_section(build_document(report), "conclusion"))


def test_without_a_reference_nothing_is_established() -> None:
    report = give_verdict(green_report(), Verdict.OK_AVEC_RESERVES, "Aucune référence promue.")
    said = build_document(report).conclusion
    assert said == (
        "Aucune référence promue : la non-régression n'est pas établie, il n'y a rien à quoi comparer. "
        f"{RESERVES}"
    )
    past = replace(report, basis=Basis(history=History(runs=past_runs(3))))
    assert "seules les campagnes passées sont comparées." in build_document(past).conclusion
    assert EXECUTED not in said


def test_a_waived_regression_is_told_in_the_conclusion() -> None:
    (waiver, *_) = past_waivers()
    known = Finding("APP-015", Outcome.DEROGATION, Change.KNOWN_FAILURE, Outcome.KO, "", waiver)
    result = ScenarioResult("APP-015", Outcome.KO, "3 clés nouvelles.")
    report = give_verdict(
        change_case(with_baseline(green_report()), result, known), Verdict.OK_AVEC_RESERVES, "1 dérogation."
    )
    assert build_document(report).conclusion == f"{EXECUTED} 1 échec couvert par une dérogation. {RESERVES}"
    worse = change_case(report, result, replace(known, before=Outcome.OK))
    assert build_document(worse).conclusion == (
        f"1 échec couvert par une dérogation, dont 1 régression. {RESERVES}"
    )


def test_a_minor_scenario_that_was_not_judged_is_told_in_the_conclusion() -> None:
    report = with_baseline(green_report())
    result = ScenarioResult("HD-008", Outcome.INCONCLUSIF, "Site P injoignable.")
    report = change_case(report, result, Finding("HD-008", Outcome.INCONCLUSIF, Change.UNJUDGED, Outcome.OK))
    report = give_verdict(report, Verdict.OK_AVEC_RESERVES, "1 mineur.")
    assert build_document(report).conclusion == f"{EXECUTED} 1 contrôle mineur non jugé. {RESERVES}"


def test_an_incomplete_or_failed_campaign_says_what_is_missing_and_nothing_else() -> None:
    assert build_document(interrupted_report()).conclusion == (
        "La non-régression n'est pas établie : la campagne n'est pas allée à son terme ; "
        "19 contrôles bloquants ou majeurs non jugés."
    )
    removed = give_verdict(with_baseline(green_report()), Verdict.INCOMPLET, "absent")
    removed = replace(removed, assessment=replace(removed.assessment, removed=("BASE-099",)))
    assert build_document(removed).conclusion == (
        "La non-régression n'est pas établie : 1 scénario de la référence absent du plan."
    )
    bare = give_verdict(with_baseline(green_report()), Verdict.INCOMPLET, "pytest a échoué.")
    assert build_document(bare).conclusion == "La non-régression n'est pas établie : voir les motifs."
    assert build_document(regression_report()).conclusion == (
        "La non-régression n'est pas établie : 2 contrôles en échec."
    )


def test_no_reserve_of_the_verdict_is_missing_from_the_list_of_reserves() -> None:
    report = with_baseline(green_report())
    basis = replace(report.basis, baseline=None, warnings=("Historique indisponible : fichier illisible.",))
    report = replace(report, basis=basis)
    report = replace(report, assessment=assess(report.run, basis))
    assert report.assessment.verdict is Verdict.OK_AVEC_RESERVES
    assert len(report.assessment.reasons) == 2
    assert list_items(report, "Réserves") == report.assessment.reasons


def test_what_moved_since_the_promotion_is_a_reserve_under_a_worse_verdict_too() -> None:
    report = regression_report()
    basis = replace(report.basis, warnings=("Registre rompu, ligne 3.",))
    report = replace(report, basis=basis, assessment=assess(report.run, basis))
    assert report.assessment.verdict is Verdict.KO
    said = "\n".join(list_items(report, "Réserves"))
    for words in (
        "Registre rompu, ligne 3.",
        "La référence est de la version 7.4.1",
        "limite(s) changée(s) depuis la promotion : latence_replication_secondes",
        "APP-015 : dérogation.",
        "APP-004 : instable.",
    ):
        assert words in said
    assert "scénario(s) KO" not in said


def test_what_does_not_apply_and_what_has_no_limit_are_remarks_and_no_reserves() -> None:
    report = with_baseline(green_report())
    slow = Slowdown("p95", 0.9, "s", 0.4, 0.6, 24)
    measures = (Measure("p95", 0.9, "s"),)
    report = change_case(
        report,
        ScenarioResult("BASE-016", Outcome.OK, "", measures=measures),
        Finding("BASE-016", Outcome.OK, Change.SAME, Outcome.OK, to_confirm=(slow,)),
    )
    result = ScenarioResult("HD-004", Outcome.NON_APPLICABLE, "Pas de radio ici.")
    report = change_case(report, result, Finding("HD-004", Outcome.NON_APPLICABLE, Change.SAME, Outcome.OK))
    assert list_items(report, "Réserves") == ()
    assert list_items(report, "Remarques") == (
        "HD-004 : non applicable. Pas de radio ici.",
        "1 mesure sans limite convenue : non jugée.",
        "1 durée au-dessus de sa borne pour la première fois, à confirmer (§ 1bis).",
    )


@pytest.mark.parametrize(
    ("families", "selection", "said"),
    [
        ((Family.BASE, Family.HD), "", "familles BASE, HD, sélection tous les scénarios."),
        (tuple(Family), "HD-00*", "familles BASE, APPLICATIF, HD, sélection « HD-00* »."),
        ((Family.HD,), "HD-00*", "familles HD, sélection « HD-00* »."),
    ],
)
def test_a_partial_campaign_says_so_before_its_verdict(
    families: tuple[Family, ...], selection: str, said: str
) -> None:
    report = green_report()
    plan = replace(report.run.plan, families=families, selection=selection)
    (alert,) = build_document(replace(report, run=replace(report.run, plan=plan))).alerts
    assert alert.text == f"Campagne partielle : {said} Le verdict ne vaut que pour 48 scénarios."
    assert (alert.tone, alert.sign) == ("warn", "!")


def test_a_read_only_campaign_says_what_it_left_out() -> None:
    report = green_report()
    plan = replace(report.run.plan, effects=EffectLimit.LECTURE, effects_left_out=("BASE-101", "HD-104"))
    document = build_document(replace(report, run=replace(report.run, plan=plan)))
    (alert,) = document.alerts
    assert "en lecture seule, sans 2 scénarios qui écrivent. Le verdict ne vaut" in alert.text
    (pairs,) = [block for block in find_section(document, "perimetre").blocks if isinstance(block, Pairs)]
    assert dict(pairs.items)["Effets permis"] == "lecture seule"
    assert dict(pairs.items)["Laissés de côté, car ils écrivent"] == "BASE-101, HD-104"


def test_a_whole_campaign_selects_all_scenarios() -> None:
    document = build_document(green_report())
    assert document.alerts == ()
    (pairs,) = [block for block in find_section(document, "perimetre").blocks if isinstance(block, Pairs)]
    assert dict(pairs.items)["Sélection"] == "tous les scénarios"


@given(words=st.sampled_from(["Le passage a été interrompu avant sa fin.", "Arrêt...", "PRE-01 refuse.", ""]))
def test_the_alert_of_an_interruption_is_one_clean_sentence(words: str) -> None:
    report = interrupted_report()
    alert = build_document(replace(report, run=replace(report.run, interruption=words))).alerts[0].text
    assert ".." not in alert
    assert not alert.startswith("Campagne interrompue : Le")
    assert ("PRE-01 refuse. Commencée" in alert) == words.startswith("PRE")
