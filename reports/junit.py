"""The results as JUnit XML, for the tools that read nothing else.

A KO is a failure, an INCONCLUSIF an error; what was not executed is skipped with its reason. MESURE
and DEROGATION pass, with a property that says so: JUnit has no word for them.
"""

from __future__ import annotations

from collections.abc import Sequence

from junitparser import Error, Failure, Skipped
from junitparser.xunit2 import JUnitXml, TestCase, TestSuite

from nonreg.model import CampaignReport, DrillRecord, Family, GuardResult, GuardStatus, Outcome
from reports import labels, text
from reports.case import Case, join_cases
from reports.drill_facts import ClosingCheck, find_longest_of_all, join_closing, list_differences

MESSAGE_CHARACTERS = 4_000
_SKIPPED = (Outcome.NON_EXECUTE, Outcome.NON_APPLICABLE)


def write_junit(report: CampaignReport) -> str:
    """Return one suite per family of the plan, after the guards' suite and before that of the closing checks."""
    report = text.make_printable(report)
    cases = join_cases(report)
    root = JUnitXml(name=report.run.plan.campaign_id)
    root.add_testsuite(_write_guards(report))
    for family in Family:
        own = [case for case in cases if case.scenario.family is family]
        if own or family in report.run.plan.families:
            root.add_testsuite(_write_family(family, own, report))
    if checks := join_closing(report):
        root.add_testsuite(_write_closing(checks, report))
    root.update_statistics()  # type: ignore[no-untyped-call]
    xml: bytes = root.tostring()  # type: ignore[no-untyped-call]
    return '<?xml version="1.0" encoding="utf-8"?>\n' + xml.decode() + "\n"


def _open_suite(name: str, report: CampaignReport) -> TestSuite:
    suite = TestSuite(name)  # type: ignore[no-untyped-call]
    suite.timestamp = report.run.started_at.isoformat()
    suite.add_property("run_id", report.run.plan.run_id)
    suite.add_property("verdict", report.assessment.verdict.value)
    return suite


def _write_guards(report: CampaignReport) -> TestSuite:
    suite = _open_suite("GARDES", report)
    return _fill(suite, [_write_guard(guard) for guard in report.run.guards])


def _fill(suite: TestSuite, tests: list[TestCase]) -> TestSuite:
    """All tests at once: after each one that is added alone, the library counts those before it again."""
    suite.add_testcases([*tests])
    return suite


def _write_guard(guard: GuardResult) -> TestCase:
    test = TestCase(f"{guard.id} {guard.title}", classname="nonreg.GARDES", time=0.0)
    message = _cut(guard.message or labels.GUARDS[guard.status].text)
    if guard.status is GuardStatus.REFUSED:
        test.result = [Failure(message, "REFUSED")]
    elif guard.status is GuardStatus.UNKNOWN:
        test.result = [Error(message, "UNKNOWN")]
    elif guard.status in (GuardStatus.NOT_APPLICABLE, GuardStatus.NOT_ASKED):
        test.result = [Skipped(message)]
    return test


def _write_family(family: Family, cases: Sequence[Case], report: CampaignReport) -> TestSuite:
    suite = _open_suite(family.value, report)
    records = {record.scenario_id: record for record in report.run.drills}
    tests = []
    for case in cases:
        test = _write_case(case)
        if case.scenario.id in records:
            _add_drill(test, records[case.scenario.id])
        tests.append(test)
    return _fill(suite, tests)


def _add_drill(test: TestCase, record: DrillRecord) -> None:
    """Add the figures of a drill that were measured; what was not is left out."""
    found, recovery, longest = record.accounting, record.recovery, find_longest_of_all(record)
    figures = (
        ("drill longest_interruption_seconds", longest.seconds if longest else None),
        ("drill rto_seconds", recovery.total_seconds if recovery else None),
        ("drill operator_seconds", recovery.operator_seconds if recovery else None),
        ("drill acknowledged_writes", found.acknowledged if found else None),
        ("drill lost_writes", len(found.lost) if found else None),
        ("drill rpo_seconds", found.rpo_seconds if found else None),
    )
    for name, figure in figures:
        if figure is not None:
            test.add_property(name, repr(round(figure, 6)))
    test.add_property("drill left_as_found", "no" if list_differences(record) else "yes")


def _write_closing(checks: Sequence[ClosingCheck], report: CampaignReport) -> TestSuite:
    """Return the checks done again after the drills: one that is not as before fails."""
    suite, tests = _open_suite("CLOTURE", report), []
    for check in checks:
        lasted = check.after.duration_seconds if check.after else 0.0
        name = f"{check.scenario_id} {check.title}".strip()
        test = TestCase(name, classname="nonreg.CLOTURE", time=lasted)
        said = _cut(f"{check.state.text}. {check.after.message if check.after else ''}".strip())
        if check.state.tone == "ko":
            test.result = [Failure(said, "KO")]
        elif check.state.tone == "warn":
            test.result = [Error(said, "INCONCLUSIF")]
        tests.append(test)
    return _fill(suite, tests)


def _write_case(case: Case) -> TestCase:
    scenario, result = case.scenario, case.result
    test = TestCase(
        f"{scenario.id} {scenario.title}",
        classname=f"nonreg.{scenario.family.value}",
        time=sum(attempt.duration_seconds for attempt in case.attempts),
    )
    test.add_property("outcome", case.outcome.value)
    test.add_property("change", case.finding.change.value)
    test.add_property("criticality", scenario.criticality.value)
    if case.triage:
        test.add_property("cause", case.triage.cause.value)
    if case.finding.waiver:
        test.add_property("ticket", case.finding.waiver.ticket)
        test.add_property("decision", case.finding.waiver.decision)
    if scenario.requirement_ids:
        test.add_property("requirements", " ".join(scenario.requirement_ids))
    for measure in result.measures if result else ():
        limit = "" if measure.limit is None else f" (limit {measure.limit!r})"
        test.add_property(f"measure {measure.name}", f"{measure.value!r} {measure.unit}{limit}")
    reason = _cut(case.explain() or case.label.text)
    if case.outcome is Outcome.KO:
        failure = Failure(reason, "KO")
        failure.text = _describe_gaps(case)
        test.result = [failure]
    elif case.outcome is Outcome.INCONCLUSIF:
        test.result = [Error(reason, "INCONCLUSIF")]
    elif case.outcome in _SKIPPED:
        test.result = [Skipped(f"{case.label.text} : {reason}", case.outcome.value)]
    elif case.outcome is Outcome.DEROGATION:
        test.add_property("reason", reason)
    return test


def _describe_gaps(case: Case) -> str:
    gaps = [gap for attempt in case.attempts for gap in attempt.gaps]
    return "\n\n".join(
        f"Requête : {_cut(gap.request)}\nAttendu : {_cut(gap.expected)}\nTrouvé : {_cut(gap.found)}"
        for gap in gaps
    )


def _cut(message: str) -> str:
    return text.shorten(message, MESSAGE_CHARACTERS)
