"""What is published of a run: the same whenever it is judged again, kept in ledger and history, lost to nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.history import default_url, open_history
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import CampaignReport, Outcome, Verdict
from nonreg.store import load_json
from reports.render import Rendered, render_all
from reports.text import format_moment
from tasks.publication import find_altered, judge_folder, load_unaltered, publish_report
from tests.governed import ALL_GOOD, NOW, Governed, publish_run
from tests.test_promotion import promote_run
from tests.test_waivers import waive

SOON, LATER = NOW + timedelta(days=10), NOW + timedelta(days=400)


def render_again(run_dir: Path, at: object = NOW) -> Rendered:
    return render_all(judge_folder(run_dir, generated_at=at))  # type: ignore[arg-type]


@pytest.fixture
def rich_run(governed: Governed) -> Path:
    """A run with a baseline, campaigns before it and a regression."""
    promote_run(governed, publish_run(governed, "un"))
    publish_run(governed, "deux", started_at=NOW + timedelta(hours=1))
    return publish_run(
        governed, "trois", {**ALL_GOOD, "HD-001": Outcome.KO}, started_at=NOW + timedelta(hours=2)
    )


def test_judging_a_saved_run_again_gives_the_same_report_byte_for_byte(rich_run: Path) -> None:
    at = NOW + timedelta(hours=2)
    again = render_again(rich_run, at)
    assert again.json == (rich_run / "report.json").read_text(encoding="utf-8")
    assert again.html == (rich_run / "report.html").read_text(encoding="utf-8")
    assert again.pdf == (rich_run / "report.pdf").read_bytes()
    assert again.junit == (rich_run / "junit.xml").read_text(encoding="utf-8")


def test_only_the_generation_stamp_and_what_is_hashed_from_it_change_with_time(rich_run: Path) -> None:
    before, after = render_again(rich_run, SOON), render_again(rich_run, LATER)
    stamp = ('"generated_at": "2026-12-03T06:00:00Z"', '"generated_at": "2027-12-28T06:00:00Z"')
    assert after.json == before.json.replace(*stamp)
    source = find_source(before.html), find_source(after.html)
    assert after.html == before.html.replace(format_moment(SOON), format_moment(LATER)).replace(*source)
    assert after.junit == before.junit


def find_source(html: str) -> str:
    return html.rsplit('<span class="mono">', 1)[1][:64]


def test_what_is_decided_afterwards_changes_nothing_in_a_report(governed: Governed, rich_run: Path) -> None:
    before = render_again(rich_run)
    waive(governed)
    publish_run(governed, "quatre", started_at=NOW + timedelta(hours=3))
    promote_run(governed, publish_run(governed, "cinq", started_at=NOW + timedelta(hours=4)))
    governed.change_platform("page_seconds = 3.0", "page_seconds = 30.0")
    assert render_again(rich_run) == before


def test_a_published_run_is_in_the_history_and_in_the_ledger_whose_head_it_keeps(rich_run: Path) -> None:
    runs_dir = rich_run.parent
    past = open_history(default_url(runs_dir)).list_runs("embarquee", 10)
    assert [one.run_id for one in past] == ["un", "deux", "trois"]
    assert past[-1].verdict is Verdict.KO
    manifest = json.loads((rich_run / "manifest.json").read_text(encoding="utf-8"))
    entry = ledger.read_entries(runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.data["run_id"], entry.data["verdict"]) == ("campagne", "trois", "KO")
    assert entry.data["report_sha256"] == manifest["files"]["report.json"]["sha256"]
    assert manifest["ledger"] == {
        "ledger_id": ledger.read_entries(runs_dir / ledger.FILE)[0].previous,
        "sequence": entry.sequence,
        "sha256": entry.sha256,
    }


def test_results_of_the_project_are_kept_under_a_name_that_verifies_and_may_be_given_again(
    governed: Governed, tmp_path: Path
) -> None:
    run_dir = publish_run(governed, "un")
    file = tmp_path / "r\u200bé:sultats\\1.xml"
    file.write_text('<testsuite><testcase classname="a" name="b"/></testsuite>', encoding="utf-8")
    publish_report(run_dir, judge_folder(run_dir, (file,)))
    (kept,) = (run_dir / "projet").iterdir()
    assert kept.name == "01-r_é_sultats_1.xml"
    assert load_unaltered(run_dir).run.plan.run_id == "un"
    publish_report(run_dir, judge_folder(run_dir, (kept,)))
    (again,) = (run_dir / "projet").iterdir()
    assert again.read_bytes() == file.read_bytes()
    assert find_altered(run_dir) == ()


def test_a_regression_has_a_pack_to_paste_in_its_ticket(rich_run: Path) -> None:
    text = (rich_run / "triage" / "HD-001.md").read_text(encoding="utf-8")
    assert "HD-001" in text
    assert "deux" in text  # the last good run
    assert not (rich_run / "triage" / "BASE-001.md").exists()


@pytest.mark.parametrize("name", ["report.json", "report.pdf", "events.jsonl", "basis.json"])
def test_a_file_changed_or_removed_after_publication_is_named(rich_run: Path, name: str) -> None:
    assert find_altered(rich_run) == ()
    file = rich_run / name
    file.write_bytes(file.read_bytes() + b" ")
    assert set(find_altered(rich_run)) == {name}
    file.unlink()
    assert name in find_altered(rich_run)


def test_a_ledger_that_lost_its_last_lines_is_told_on_the_next_report_with_the_place(
    governed: Governed, rich_run: Path
) -> None:
    path = governed.runs_dir / ledger.FILE
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:-1]))
    run_dir = publish_run(governed, "quatre", started_at=NOW + timedelta(hours=3))
    report = load_json(CampaignReport, run_dir / "report.json")
    assert report.assessment.verdict is Verdict.OK_AVEC_RESERVES
    assert any(f"ligne {len(lines)}" in reason for reason in report.assessment.reasons)


def test_a_promoted_baseline_in_git_is_a_witness_of_the_ledger_it_names_and_of_no_other(
    governed: Governed, tmp_path: Path
) -> None:
    run_dir = publish_run(governed, "un")
    promote_run(governed, run_dir)
    path = governed.runs_dir / ledger.FILE
    whole = path.read_bytes()
    path.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(ledger.LedgerBroken, match=r"0001-5\.2\.0\.json"):
        verify_ledger(path, collect_witnesses(governed.runs_dir, governed.governance))
    other = tmp_path / "ailleurs"
    other.mkdir()
    ledger.append(
        other / ledger.FILE,
        kind="essai",
        platform="",
        person="",
        ticket="",
        data={},
        at=NOW,
        people=None,
        signed=None,
    )
    assert verify_ledger(other / ledger.FILE, collect_witnesses(other, governed.governance)).witnesses == 0


def test_a_history_that_cannot_be_read_stops_no_campaign_and_is_told(governed: Governed) -> None:
    (governed.runs_dir / "history.sqlite").write_bytes(b"x" * 4096)
    run_dir = publish_run(governed, "un")
    report = load_json(CampaignReport, run_dir / "report.json")
    assert any("Historique indisponible" in reason for reason in report.assessment.reasons)
    assert publish_report(run_dir, report).problems != ()
    assert governed.cli("history", "--rebuild").returncode == 0
    assert publish_report(run_dir, report).problems == ()


def test_two_campaigns_that_publish_at_the_same_moment_are_both_kept(governed: Governed) -> None:
    names = [f"ensemble-{number}" for number in range(4)]
    for name in names:
        publish_run(governed, name)
    (governed.runs_dir / "history.sqlite").unlink()
    (governed.runs_dir / ledger.FILE).unlink()
    code = (
        "import sys; from pathlib import Path; from tasks.publication import judge_folder, publish_report\n"
        "folder = Path(sys.argv[1]); sys.exit(len(publish_report(folder, judge_folder(folder)).problems))"
    )
    processes = [
        subprocess.Popen([sys.executable, "-c", code, str(governed.runs_dir / name)]) for name in names
    ]
    assert [process.wait(120) for process in processes] == [0] * len(names)
    past = open_history(default_url(governed.runs_dir)).list_runs("embarquee", 10)
    assert sorted(one.run_id for one in past) == names
    check = verify_ledger(governed.runs_dir / ledger.FILE, collect_witnesses(governed.runs_dir))
    assert sorted(str(entry.data["run_id"]) for entry in check.entries[1:]) == names
