"""What is kept of a platform after a failure: enough for a triage, nothing secret, whatever a host does."""

from __future__ import annotations

import dataclasses
import json
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import store
from nonreg.captured import Captured, LogLine, parse_log, read_captured
from nonreg.config import Platform, load_platform
from nonreg.model import CampaignPlan, GuardResult, GuardStatus, Outcome
from nonreg.sandbox.defects import apply_defect
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, Layout
from nonreg.trouble import KEPT_BYTES, KEPT_LINES, capture_trouble, keep_latest, needs_capture
from tests.campaigns import run_campaign
from tests.run_samples import make_plan, make_result, make_run
from tests.test_campaign import find_secrets

FAILING = (
    "from nonreg.model import Criticality\n"
    "from nonreg.recorder import scenario\n"
    "@scenario('BASE-900', 'Faux', Criticality.MAJEURE)\n"
    "def test_failing(witness): witness.expect_equal(1, {wanted}, 'SELECT 1')\n"
)


def write_scenario(folder: Path, wanted: int) -> str:
    folder.mkdir()
    (folder / "test_essai.py").write_text(FAILING.format(wanted=wanted), encoding="utf-8")
    return str(folder)


def log(layout: Layout, service: str, at: datetime, words: str) -> None:
    """Add a line to a service's log, as the service would."""
    stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
    with layout.log_file(ACTIVE, service).open("a", encoding="utf-8") as file:
        file.write(f"{stamp}Z {words}\n")


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Layout, Path]]:
    """A platform with a changed procedure and a changed configuration file, and a run that failed on it."""
    folder = tmp_path_factory.mktemp("panne")
    instance = start_instance(folder / "banc")
    layout, run_dir = instance.layout, folder / "passage"
    try:
        apply_defect(layout, "changed-procedure")
        apply_defect(layout, "changed-configuration")
        now = datetime.now(UTC)
        log(layout, "frontal", now - timedelta(minutes=1), "INFO avant le repère")
        soon = now + timedelta(seconds=60)
        for name, value in layout.secrets().items():
            log(layout, "frontal", soon, f"ERREUR connexion avec {value} pour {name}")
        log(layout, "frontal", soon, "ERREUR appel de +33000000001, essai-astreinte@exemple.invalid")
        log(layout, "frontal", soon, "ERREUR mot_de_passe=jamais-vu-ailleurs")
        run_campaign(layout.platform_file, run_dir, "base", scenarios=write_scenario(folder / "scenarios", 2))
        yield layout, run_dir
    finally:
        stop_instance(instance)


@pytest.fixture
def captured(broken: tuple[Layout, Path]) -> Captured:
    return read_captured(broken[1])


def lines_of(captured: Captured, source: str) -> list[str]:
    return [line for entry in dict(captured.logs)[source] for line in entry.lines]


def test_a_failed_run_with_a_capture_holds_no_secret(broken: tuple[Layout, Path]) -> None:
    layout, run_dir = broken
    assert (run_dir / "trouble" / "logs" / "srv-a" / "frontal.log").is_file()
    assert find_secrets(run_dir, layout) == []
    text = (run_dir / "trouble" / "logs" / "srv-a" / "frontal.log").read_text(encoding="utf-8")
    assert "ERREUR mot_de_passe=***" in text
    assert "ERREUR appel de <téléphone>, <courriel>" in text


def test_every_log_of_every_host_is_kept_from_the_mark_on(captured: Captured) -> None:
    assert captured.missing == ()
    assert {source.split("/")[0] for source, _ in captured.logs} == {"srv-a", "srv-b", "srv-s"}
    found = lines_of(captured, "srv-a/frontal.log")
    assert any("ERREUR mot_de_passe" in line for line in found)
    assert not any("avant le repère" in line for line in found)


def test_a_changed_procedure_is_shown_as_a_difference_once(captured: Captured) -> None:
    removed = [line for line in captured.modules_diff.splitlines() if line.startswith("-    WHERE")]
    assert len(removed) == 1
    assert "h.chr_utc > p_fin" in removed[0]
    assert captured.modules_diff.splitlines()[1].startswith("+++ SITE-A prod.tvf_cumul(")


def test_a_changed_configuration_file_is_named(captured: Captured) -> None:
    assert captured.configuration == (("srv-a", "affinage.json", "modifié"),)


def test_error_lines_that_the_reference_does_not_know_are_named_as_they_were_kept(captured: Captured) -> None:
    new = {one for source, one in captured.new_signatures if source == "srv-a/frontal.log"}
    kept = {entry.signature for entry in dict(captured.logs)["srv-a/frontal.log"]}
    assert any("mot_de_passe" in one for one in new)
    assert new <= kept


def test_a_good_run_is_not_followed_by_a_capture(sandbox: Layout, tmp_path: Path) -> None:
    run_dir = tmp_path / "passage"
    run_campaign(sandbox.platform_file, run_dir, "base", scenarios=write_scenario(tmp_path / "scenarios", 1))
    assert not (run_dir / "trouble").exists()
    assert read_captured(run_dir) == Captured()


def test_a_platform_that_a_guard_refuses_is_looked_at_too(sandbox: Layout, tmp_path: Path) -> None:
    text = sandbox.platform_file.read_text(encoding="utf-8")
    file = tmp_path / "plateforme.toml"
    file.write_text(text.replace("disk_free_bytes = 268435456.0", "disk_free_bytes = 1e18"), encoding="utf-8")
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
        capture_trouble(hung, plan_from(datetime.now(UTC) - timedelta(hours=1)), tmp_path, 6)
    found = read_captured(tmp_path)
    assert found.missing == ("srv-b : relevé non terminé en 6 s.",)
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


@pytest.mark.parametrize("name", ["new_signatures.json", "configuration.json", "modules.diff"])
def test_a_damaged_capture_is_read_as_far_as_it_goes(tmp_path: Path, name: str) -> None:
    (tmp_path / "trouble").mkdir()
    store.write_file(tmp_path / "trouble" / name, b"{\xff")
    found = read_captured(tmp_path)
    assert found.configuration == ()
    assert found.new_signatures == frozenset()


def test_signatures_are_kept_as_json_by_log(broken: tuple[Layout, Path]) -> None:
    found = json.loads((broken[1] / "trouble" / "new_signatures.json").read_text(encoding="utf-8"))
    assert list(found) == ["srv-a/frontal.log"]
