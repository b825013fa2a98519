"""What is kept of a platform after a failure: enough for a triage, nothing secret, whatever a host does."""

from __future__ import annotations

import dataclasses
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import store
from nonreg.captured import Captured, HostClock, LogLine, parse_log, read_captured
from nonreg.config import Platform, load_platform
from nonreg.model import CampaignPlan, GuardResult, GuardStatus, Outcome
from nonreg.sandbox.layout import Layout
from nonreg.trouble import KEPT_BYTES, KEPT_LINES, capture_trouble, is_own_command, keep_latest, needs_capture
from tests.campaigns import run_campaign
from tests.run_samples import make_plan, make_result, make_run

GOOD = (
    "from nonreg.model import Criticality\n"
    "from nonreg.recorder import scenario\n"
    "@scenario('BASE-900', 'Bon', Criticality.MAJEURE)\n"
    "def test_good(witness): witness.expect_equal(1, 1, 'SELECT 1')\n"
)


def test_a_good_run_is_not_followed_by_a_capture(sandbox: Layout, tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "test_essai.py").write_text(GOOD, encoding="utf-8")
    run_campaign(sandbox.platform_file, run_dir, "base", scenarios=str(tmp_path / "scenarios"))
    assert not (run_dir / "trouble").exists()
    assert read_captured(run_dir) == Captured()


def test_a_platform_that_a_guard_refuses_is_looked_at_too(sandbox: Layout, tmp_path: Path) -> None:
    text = sandbox.platform_file.read_text(encoding="utf-8")
    file = tmp_path / "plateforme.toml"
    file.write_text(text.replace("disk_free_bytes = 268435456.0", "disk_free_bytes = 1e15"), encoding="utf-8")
    report = run_campaign(file, tmp_path / "passage", "base", "BASE-001")
    assert report.run.results == ()
    assert read_captured(tmp_path / "passage").logs


def plan_from(at: datetime) -> CampaignPlan:
    return dataclasses.replace(make_plan("BASE-001"), created_at=at)


def change_port(platform: Platform, port: int) -> Platform:
    """The platform with another SSH port on its passive site."""
    sites = tuple(
        dataclasses.replace(site, host=dataclasses.replace(site.host, port=port))
        if site.code == "SITE-B"
        else site
        for site in platform.sites
    )
    return dataclasses.replace(platform, sites=sites)


def test_a_dead_host_is_named_and_the_others_are_read(sandbox: Layout, tmp_path: Path) -> None:
    platform = change_port(load_platform(str(sandbox.platform_file)), 2999)
    capture_trouble(platform, plan_from(datetime.now(UTC) - timedelta(hours=1)), tmp_path)
    found = read_captured(tmp_path)
    assert {source.split("/")[0] for source, _ in found.logs} == {"srv-a", "srv-s"}
    assert found.missing == ("srv-b : L'hôte srv-b est injoignable en SSH.",)


def test_a_host_that_hangs_is_left_at_the_deadline(sandbox: Layout, tmp_path: Path) -> None:
    platform = load_platform(str(sandbox.platform_file))
    with socket.socket() as silent:
        silent.bind((platform.sites[1].host.address, 0))
        silent.listen()
        hung = change_port(platform, silent.getsockname()[1])
        capture_trouble(hung, plan_from(datetime.now(UTC) - timedelta(hours=1)), tmp_path, 4)
    found = read_captured(tmp_path)
    assert found.missing == ("srv-b : relevé non terminé en 4 s.",)
    assert {source.split("/")[0] for source, _ in found.logs} == {"srv-a", "srv-s"}


def test_a_folder_that_cannot_be_written_breaks_nothing(sandbox: Layout, tmp_path: Path) -> None:
    (tmp_path / "trouble").write_text("un fichier", encoding="utf-8")
    capture_trouble(load_platform(str(sandbox.platform_file)), plan_from(datetime.now(UTC)), tmp_path)
    assert (tmp_path / "trouble").read_text(encoding="utf-8") == "un fichier"


def test_an_error_nobody_expected_is_named_and_breaks_nothing(
    sandbox: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("nonreg.trouble.save_capture", fail)
    capture_trouble(load_platform(str(sandbox.platform_file)), plan_from(datetime.now(UTC)), tmp_path)
    assert read_captured(tmp_path).missing == ("Relevé interrompu (ZeroDivisionError).",)


PASSED = tuple(GuardResult(f"PRE-{number:02d}", "garde", GuardStatus.PASSED, "") for number in range(1, 11))


def refuse(guard_id: str, status: GuardStatus = GuardStatus.REFUSED) -> tuple[GuardResult, ...]:
    return tuple(dataclasses.replace(one, status=status) if one.id == guard_id else one for one in PASSED)


@pytest.mark.parametrize(
    ("guards", "outcome", "wanted"),
    [
        (PASSED, Outcome.OK, False),
        (PASSED, Outcome.MESURE, False),
        (PASSED, Outcome.KO, True),
        (PASSED, Outcome.INCONCLUSIF, True),
        (refuse("PRE-07"), Outcome.OK, True),
        (refuse("PRE-02", GuardStatus.UNKNOWN), Outcome.OK, True),
        (refuse("PRE-07", GuardStatus.NOT_APPLICABLE), Outcome.OK, False),
        (refuse("PRE-10"), Outcome.OK, False),
        # Not proved to be the test platform, or linked to production: not even read.
        (refuse("PRE-01"), Outcome.KO, False),
        (refuse("PRE-01", GuardStatus.UNKNOWN), Outcome.KO, False),
        (refuse("PRE-09"), Outcome.KO, False),
        ((), Outcome.KO, False),
    ],
)
def test_a_capture_is_made_for_trouble_on_a_proved_test_platform_only(
    guards: tuple[GuardResult, ...], outcome: Outcome, wanted: bool
) -> None:
    run = dataclasses.replace(make_run(make_result("BASE-001", outcome)), guards=guards)
    assert needs_capture(run) is wanted


def test_a_long_log_keeps_its_latest_lines_and_says_how_many_it_left_out() -> None:
    at = datetime(2026, 11, 23, tzinfo=UTC)
    many = [LogLine(at, "INFO", "x", (f"ligne {number}",)) for number in range(KEPT_LINES + 7)]
    kept, left_out = keep_latest(many)
    assert (kept[-1], len(kept), left_out) == (f"ligne {KEPT_LINES + 6}", KEPT_LINES, 7)
    wide = [LogLine(at, "INFO", "x", ("é" * 100_000,)) for _ in range(20)]
    kept, left_out = keep_latest(wide)
    assert sum(len(line.encode()) + 1 for line in kept) <= KEPT_BYTES
    assert (len(kept), left_out) == (4, 16)


def test_lines_that_belong_to_an_entry_stay_with_it() -> None:
    text = (
        "sans date\n"
        "2026-11-23 15:00:00.123 UTC [311] STATEMENT:  INSERT INTO prod.mesure\n"
        "\tVALUES ($1, $2)\n"
        "2026-11-23T15:00:01.000Z INFO suite\n"
    )
    first, second = parse_log(text)
    assert first.lines[1] == "\tVALUES ($1, $2)"
    assert (second.level, second.message) == ("INFO", "suite")


@given(st.text())
def test_no_text_breaks_the_reading_of_a_log(text: str) -> None:
    dated = f"2026-11-23T15:00:01.000Z INFO {text}\n2026-99-99T99:99:99.999Z INFO {text}"
    for entry in parse_log(text) + parse_log(dated):
        assert entry.signature


@pytest.mark.parametrize(
    "name", ["new_signatures.json", "configuration.json", "modules.diff", "horloges.json"]
)
def test_a_damaged_capture_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    (tmp_path / "trouble").mkdir()
    store.write_file(tmp_path / "trouble" / name, b"{\xff")
    found = read_captured(tmp_path)
    assert found.configuration == ()
    assert found.new_signatures == frozenset()
    assert found.clocks == ()


@pytest.mark.parametrize("ahead", ["null", '"x"', "NaN", "Infinity", "[]"])
def test_a_clock_that_is_no_number_is_unknown(tmp_path: Path, ahead: str) -> None:
    (tmp_path / "trouble").mkdir()
    text = f'{{"srv-a": {{"site": "SITE-A", "ahead_seconds": {ahead}}}, "srv-b": 3}}'
    store.write_file(tmp_path / "trouble" / "horloges.json", text)
    assert read_captured(tmp_path).clocks == (HostClock("srv-a", "SITE-A"),)


@pytest.mark.parametrize(
    ("line", "own"),
    [
        ("INFO commande 'tail -n 20000 logs/frontal.log' : code 0", True),
        (
            "INFO commande 'systemctl show -p ActiveState,SubState,MainPID,NRestarts aquareel-x.service' : code 0",
            True,
        ),
        ("INFO commande 'cat config/a.json' : code 1", False),
        ("ERREUR commande 'cat config/a.json' : code 0", False),
        ("INFO commande 'rm -rf logs' : code 0", False),
        ("INFO fichier cat config/a.json", False),
    ],
)
def test_only_what_a_host_says_of_our_own_commands_is_left_out(line: str, own: bool) -> None:
    (entry,) = parse_log(f"2026-11-23T15:00:01.000Z {line}")
    assert is_own_command(entry) is own
