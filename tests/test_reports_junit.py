"""JUnit XML, read back as a tool would."""

from __future__ import annotations

from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from nonreg.model import CampaignReport
from reports.render import render_junit
from tests.report_samples import green_report, interrupted_report, refused_report, rich_report


def read_suites(report: CampaignReport) -> dict[str, TestSuite]:
    """Return the suites by name."""
    return {suite.name: suite for suite in JUnitXml.fromstring(render_junit(report).encode())}


def find_case(suites: dict[str, TestSuite], scenario_id: str) -> TestCase:
    """Return the test case whose name starts with this id."""
    cases = [case for suite in suites.values() for case in suite]
    return next(case for case in cases if case.name.startswith(f"{scenario_id} "))


def read_result(case: TestCase) -> tuple[str, str]:
    """Return the kind and message of a case, or passed."""
    (result,) = case.result or [None]
    return (type(result).__name__, result.message) if result else ("passed", "")


def test_there_is_one_suite_per_family_and_one_for_the_guards() -> None:
    suites = read_suites(rich_report())
    assert list(suites) == ["GARDES", "BASE", "APP", "HD"]
    assert [len(list(suite)) for suite in suites.values()] == [10, 16, 16, 16]


def test_each_outcome_becomes_what_junit_can_say() -> None:
    suites = read_suites(rich_report())
    assert read_result(find_case(suites, "BASE-003")) == (
        "Failure",
        "Un index est absent.\nRéussi dans la référence.",
    )
    assert read_result(find_case(suites, "HD-003")) == ("Error", "Délai de 60 s dépassé sur le site P.")
    assert read_result(find_case(suites, "HD-014")) == (
        "Skipped",
        "Sans résultat : Prévu, mais aucun résultat n'a été enregistré.",
    )
    assert read_result(find_case(suites, "BASE-007"))[0] == "Skipped"
    assert read_result(find_case(suites, "APP-015"))[0] == "passed"
    assert read_result(find_case(suites, "BASE-016"))[0] == "passed"
    assert read_result(find_case(suites, "BASE-001"))[0] == "passed"


def test_a_waiver_and_a_measure_pass_with_a_property_that_says_so() -> None:
    suites = read_suites(rich_report())
    waiver = {p.name: p.value for p in find_case(suites, "APP-015").properties()}
    assert waiver["outcome"] == "DEROGATION"
    assert "RD-2026-07" in waiver["reason"]
    measure = {p.name: p.value for p in find_case(suites, "BASE-016").properties()}
    assert measure["outcome"] == "MESURE"
    assert measure["measure Dernières valeurs, médiane"] == "0.184 s (limit 3.0)"
    assert measure["measure Dernières valeurs, p95"] == "0.412 s"


def test_a_failure_carries_the_request_and_both_values() -> None:
    (failure,) = find_case(read_suites(rich_report()), "BASE-003").result
    assert "Requête : SELECT i.schemaname" in failure.text
    assert "Trouvé : 0 ligne" in failure.text


def test_totals_are_those_of_the_report() -> None:
    xml = JUnitXml.fromstring(render_junit(rich_report()).encode())
    assert (xml.tests, xml.failures, xml.errors) == (58, 2, 2)
    assert [suite.skipped for suite in xml] == [0, 1, 0, 3]


def test_refused_and_silent_guards_are_not_green() -> None:
    suites = read_suites(refused_report())
    assert read_result(find_case(suites, "PRE-01"))[0] == "Failure"
    assert read_result(find_case(suites, "PRE-02"))[0] == "Error"
    assert read_result(find_case(suites, "PRE-07"))[0] == "Skipped"
    assert read_result(find_case(suites, "PRE-03"))[0] == "passed"


def test_an_interrupted_campaign_has_no_test_passed_by_omission() -> None:
    suites = read_suites(interrupted_report())
    passed = [case for name in ("BASE", "APP", "HD") for case in suites[name] if not case.result]
    assert len(passed) == 20
    assert len([case for suite in read_suites(green_report()).values() for case in suite if case.result]) == 0
