"""Whole campaigns on the embedded platform: sound it is OK, and each known defect is found by name."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nonreg import baseline
from nonreg.clients.sql import watch_queries
from nonreg.grants.manifest import load_manifest
from nonreg.model import CampaignReport, GuardStatus, Outcome, Verdict
from nonreg.sandbox.defects import DEFECTS
from nonreg.sandbox.launch import Instance
from nonreg.sandbox.layout import Layout
from nonreg.store import hash_file
from reports.render import render_html
from tasks.publication import publish_report
from tests.campaigns import run_campaign

# Those of drills are found by drills only (tests/sandbox/test_lies.py shows that they are lies).
STEADY_DEFECTS = {name for name, defect in DEFECTS.items() if not defect.for_drills}
# What must name each defect: a scenario that is KO, or a guard that refuses; and the families it needs.
FOUND_BY = {
    "changed-configuration": "APP-028",
    "changed-procedure": "BASE-013",
    "changed-sign": "HD-009",
    "changed-threshold": "BASE-035",
    "crisis-mode": "PRE-05",
    "cut-replication-link": "HD-003",
    "dead-service": "APP-001",
    "direct-write-right": "BASE-025",
    "disabled-trigger": "BASE-005",
    "diverged-row": "HD-009",
    "duplicate-frames": "APP-007",
    "exchanged-values": "HD-009",
    "flood-erasing-gradient": "BASE-016",
    "missing-index": "BASE-003",
    "production-marker": "PRE-01",
    "purge-boundary": "BASE-024",
    "rating-curve-bound": "BASE-009",
    "real-recipient": "PRE-03",
    "stalled-replication": "HD-003",
    "stored-rain-zeros": "BASE-021",
    "two-active-sites": "PRE-02",
    "untrusted-constraint": "BASE-002",
    "wrong-version": "APP-003",
}
# The scenario that must find a defect is run alone; `make test-defects` runs its whole family.
WHOLE_FAMILIES = os.environ.get("WHOLE_FAMILIES") == "1"
# One of the data, one of the guards; `make test-defects` plays all, each against a whole family.
SAMPLED = {"diverged-row", "production-marker"}
LEFT = pytest.mark.skip(reason="make test-defects")
PLANNED = {finder for finder in FOUND_BY.values() if not finder.startswith("PRE")}
FAMILIES = {"BASE": "base", "APP": "applicatif", "HD": "hd", "PRE": "base"}


def list_problems(report: CampaignReport) -> str:
    """What went wrong, for a failing test."""
    results = [
        f"{r.scenario_id} {r.outcome}: {r.message}" for r in report.run.results if r.outcome is not Outcome.OK
    ]
    guards = [f"{g.id} {g.message}" for g in report.run.guards if g.status is not GuardStatus.PASSED]
    return "\n".join([*guards, *results, *report.assessment.reasons])


def hash_references() -> dict[str, str]:
    """Every shipped file that a campaign is judged against."""
    folders = (baseline.ROOT / name for name in ("baselines", "datasets", "governance"))
    return {str(path): hash_file(path) for folder in folders for path in folder.rglob("*") if path.is_file()}


def test_a_sound_platform_is_ok_in_all_families_nothing_secret_is_recorded_and_no_reference_rewritten(
    fresh_sandbox: Layout, tmp_path: Path
) -> None:
    before = hash_references()
    run_dir = tmp_path / "passage"
    asked: set[str] = set()
    with watch_queries(asked.add):  # scenarios run in a process of their own
        report = run_campaign(fresh_sandbox.platform_file, run_dir)
    assert report.assessment.verdict is Verdict.OK, list_problems(report)
    assert all(count.failed == 0 for count in report.counts)
    publish_report(run_dir, report)
    assert find_secrets(run_dir, fresh_sandbox) == []
    assert hash_references() == before
    queries = load_manifest().queries
    known = {*queries.tool_reader, *queries.tool_writer, *queries.itself, *queries.not_given}
    assert {"lock_take", "operators", "bench_clean"} < asked <= known, "tool_reader, tool_writer du manifeste"


def find_secrets(folder: Path, layout: Layout) -> list[str]:
    """Files below a folder that hold one of the platform's secrets, and which."""
    secrets = layout.secrets() | {"téléphone": "+33000000001", "courriel": "essai-astreinte@exemple.invalid"}
    return [
        f"{path.name} : {name}"
        for path in folder.rglob("*")
        if path.is_file()
        for name, value in secrets.items()
        if value.encode() in path.read_bytes()
    ]


def test_a_secret_in_a_run_folder_would_be_found(sandbox: Layout, tmp_path: Path) -> None:
    leak = f"x{sandbox.secrets()['AQ_READER_PASSWORD']}y"
    (tmp_path / "piece.txt").write_text(leak, encoding="utf-8")
    assert find_secrets(tmp_path, sandbox) == ["piece.txt : AQ_READER_PASSWORD"]


def test_every_defect_has_an_expected_finder() -> None:
    assert set(FOUND_BY) == STEADY_DEFECTS
    assert len(FOUND_BY) >= 12


@pytest.mark.parametrize(
    "name",
    [
        name if name in SAMPLED or WHOLE_FAMILIES else pytest.param(name, marks=LEFT)
        for name in sorted(STEADY_DEFECTS)
    ],
)
def test_each_defect_is_found_and_named_in_the_report(
    start_sandbox: Callable[..., Instance], tmp_path: Path, name: str
) -> None:
    finder = FOUND_BY[name]
    platform_file = start_sandbox(defect=name).layout.platform_file
    family = FAMILIES[finder.split("-")[0]]
    select = "" if WHOLE_FAMILIES else finder if finder in PLANNED else "BASE-001"
    report = run_campaign(platform_file, tmp_path / "passage", family, select)
    assert report.assessment.verdict in (Verdict.KO, Verdict.INCOMPLET), list_problems(report)
    refused = {guard.id for guard in report.run.guards if guard.status is GuardStatus.REFUSED}
    failed = {found.scenario_id for found in report.assessment.findings if found.outcome is Outcome.KO}
    assert finder in refused | failed, list_problems(report)
    assert f"{finder}" in render_html(report).split("Résultats détaillés")[0]
