"""Tests counted by nature: the scenario families, and the project's own tests when their JUnit file is given."""

from __future__ import annotations

from pathlib import Path

from junitparser import Error, Failure, JUnitXml, Skipped, TestSuite

from nonreg.model import Assessment, CampaignRun, Family, NatureCount, Outcome

FAMILY_LABELS = {Family.BASE: "Base", Family.APPLICATIF: "Applicatif", Family.HD: "Haute disponibilité"}


def count_natures(
    run: CampaignRun, assessment: Assessment, junit_files: tuple[Path, ...]
) -> tuple[NatureCount, ...]:
    """One count a nature; a nature without test is listed with the reason, not left out."""
    outcomes = {found.scenario_id: found.outcome for found in assessment.findings}
    counts = []
    for family, label in FAMILY_LABELS.items():
        of_family = [outcomes.get(found.id) for found in run.plan.scenarios if found.family is family]
        passed = of_family.count(Outcome.OK)
        failed = of_family.count(Outcome.KO)
        note = "" if of_family else "Aucun scénario de cette famille dans la sélection."
        counts.append(
            NatureCount(label, len(of_family), passed, failed, len(of_family) - passed - failed, note)
        )
    return (*counts, count_project_tests(junit_files))


def count_project_tests(junit_files: tuple[Path, ...]) -> NatureCount:
    """The project's unit and integration tests, from the JUnit files that pytest wrote."""
    label = "Unitaires et intégration (outil)"
    unread = []
    planned = failed = skipped = 0
    for file in junit_files:
        try:
            document = JUnitXml.fromfile(str(file))
        except Exception as error:  # the file is anybody's: whatever is wrong with it is said, not raised
            unread.append(f"{file.name} illisible ({type(error).__name__})")
            continue
        suites = [document] if isinstance(document, TestSuite) else list(document)
        for case in (case for suite in suites for case in suite):
            planned += 1
            failed += any(isinstance(result, (Failure, Error)) for result in case.result)
            skipped += any(isinstance(result, Skipped) for result in case.result)
    note = "Fichier JUnit non fourni." if not junit_files else " ; ".join(unread)
    return NatureCount(label, planned, planned - failed - skipped, failed, skipped, note)
