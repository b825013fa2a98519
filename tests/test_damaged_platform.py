"""One really damaged platform: what is kept of it after a failure, and what the triage says of each defect."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg import environment as env
from nonreg.captured import Captured, read_captured
from nonreg.config import load_platform
from nonreg.model import CampaignRun, Cause, Fact, Failure, Triage
from nonreg.probes.clock import parse_clock
from nonreg.probes.facts import read_facts
from nonreg.sandbox.defects import apply_defect
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, Layout
from nonreg.triage import render_triage_markdown
from nonreg.trouble import capture_trouble
from tests.campaigns import run_campaign
from tests.run_samples import make_plan
from tests.test_campaign import find_secrets
from tests.triaged import triage_run

pytestmark = [pytest.mark.platform, pytest.mark.xdist_group("damaged")]  # one platform
DEFECTS = ("changed-procedure", "changed-configuration", "cut-replication-link")
APPLICATION, REPLICATION = "BASE-013", "HD-003"  # what finds the first and the last of them
BROKEN_CHECK = (
    "from nonreg.model import Criticality\n"
    "from nonreg.recorder import scenario\n"
    "@scenario('BASE-900', 'Contrôle cassé', Criticality.MAJEURE)\n"
    "def test_broken(witness): witness.nothing_of_that_name()\n"
)


def log(layout: Layout, service: str, at: datetime, words: str) -> None:
    """Add a line to a service's log, as the service would."""
    stamp = f"{at:%Y-%m-%dT%H:%M:%S.%f}"[:-3]
    with layout.log_file(ACTIVE, service).open("a", encoding="utf-8") as file:
        file.write(f"{stamp}Z {words}\n")


@dataclasses.dataclass(frozen=True)
class Broken:
    """A platform with known defects, and a run that failed on it."""

    layout: Layout
    run_dir: Path
    run: CampaignRun

    def lines_of(self, captured: Captured, source: str) -> list[str]:
        return [line for entry in dict(captured.logs)[source] for line in entry.lines]


@pytest.fixture(scope="module")
def good_facts(sandbox: Layout) -> tuple[Fact, ...]:
    """What a sound platform says of itself: a damaged one of the same kind is compared with it."""
    return read_facts(load_platform(str(sandbox.platform_file)))


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broken]:
    folder = tmp_path_factory.mktemp("panne")
    instance = start_instance(folder / "banc")
    layout, run_dir = instance.layout, folder / "passage"
    try:
        for name in DEFECTS:
            apply_defect(layout, name)
        now = datetime.now(UTC)
        log(layout, "frontal", now - timedelta(minutes=1), "INFO avant le repère")
        soon = now + timedelta(seconds=60)
        for name, value in layout.secrets().items():
            log(layout, "frontal", soon, f"ERREUR connexion avec {value} pour {name}")
        log(layout, "frontal", soon, "ERREUR appel de +33000000001, essai-astreinte@exemple.invalid")
        log(layout, "frontal", soon, "ERREUR mot_de_passe=jamais-vu-ailleurs")
        selected = f"{APPLICATION},{REPLICATION}"
        report = run_campaign(layout.platform_file, run_dir, "base,hd", selected)
        yield Broken(layout, run_dir, report.run)
    finally:
        stop_instance(instance)


@pytest.fixture
def captured(broken: Broken) -> Captured:
    return read_captured(broken.run_dir)


@pytest.fixture(scope="module")
def triages(broken: Broken, good_facts: tuple[Fact, ...]) -> dict[str, Triage]:
    return triage_run(broken.run, broken.run_dir, good_facts)


def test_a_failed_run_with_a_capture_holds_no_secret(broken: Broken) -> None:
    text = (broken.run_dir / "trouble" / "logs" / "srv-a" / "frontal.log").read_text(encoding="utf-8")
    assert find_secrets(broken.run_dir, broken.layout) == []
    assert "ERREUR mot_de_passe=***" in text
    assert "ERREUR appel de <téléphone>, <courriel>" in text


def test_every_log_of_every_host_is_kept_from_the_mark_on(broken: Broken, captured: Captured) -> None:
    assert captured.missing == ()
    assert {source.split("/")[0] for source, _ in captured.logs} == {"srv-a", "srv-b", "srv-s"}
    found = broken.lines_of(captured, "srv-a/frontal.log")
    assert any("ERREUR mot_de_passe" in line for line in found)
    assert not any("avant le repère" in line for line in found)


def test_what_hosts_say_of_our_own_commands_is_not_kept(broken: Broken, captured: Captured) -> None:
    written = broken.layout.log_file(ACTIVE, "ssh").read_text(encoding="utf-8")
    assert "tail -n 20000" in written
    assert broken.lines_of(captured, "srv-a/ssh.log") == []


def test_the_clock_of_every_host_is_measured(captured: Captured) -> None:
    assert {clock.host: clock.site for clock in captured.clocks} == {
        "srv-a": "SITE-A", "srv-b": "SITE-B", "srv-s": "SITE-S",
    }  # fmt: skip
    assert all(clock.ahead_seconds is not None for clock in captured.clocks)


def test_logs_are_cut_by_the_clock_of_their_host(
    broken: Broken, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ahead = timedelta(hours=2)
    monkeypatch.setattr("nonreg.trouble.parse_clock", lambda text: parse_clock(text) + ahead.total_seconds())
    mark = datetime.now(UTC)
    log(broken.layout, "frontal", mark + timedelta(minutes=2), "INFO deux heures avant le repère")
    log(broken.layout, "frontal", mark + ahead + timedelta(minutes=1), "INFO après le repère")
    plan = dataclasses.replace(make_plan("BASE-001"), created_at=mark)
    capture_trouble(load_platform(str(broken.layout.platform_file)), plan, tmp_path)
    found = broken.lines_of(read_captured(tmp_path), "srv-a/frontal.log")
    assert [line.split("INFO ")[1] for line in found] == ["après le repère"]


def test_a_changed_procedure_is_shown_as_a_difference_once(captured: Captured) -> None:
    removed = [line for line in captured.modules_diff.splitlines() if line.startswith("-    WHERE")]
    assert len(removed) == 1
    assert "h.chr_utc > p_fin" in removed[0]
    assert captured.modules_diff.splitlines()[1].startswith("+++ SITE-A prod.tvf_cumul(")


def test_a_changed_configuration_file_is_named(captured: Captured) -> None:
    assert captured.configuration == (("srv-a", "affinage.json", "modifié"),)


def test_error_lines_that_the_reference_does_not_know_are_named_as_they_were_kept(
    broken: Broken, captured: Captured
) -> None:
    new = {one for source, one in captured.new_signatures if source == "srv-a/frontal.log"}
    kept = {entry.signature for entry in dict(captured.logs)["srv-a/frontal.log"]}
    assert any("mot_de_passe" in one for one in new)
    assert new <= kept
    text = (broken.run_dir / "trouble" / "new_signatures.json").read_text(encoding="utf-8")
    assert sorted(json.loads(text)["srv-a/frontal.log"]) == sorted(new)


def test_a_defect_of_the_application_is_called_so_and_its_changed_line_is_in_the_pack(
    broken: Broken, triages: dict[str, Triage]
) -> None:
    found = triages[APPLICATION]
    assert found.cause is Cause.APPLICATION, found.why
    assert ("SITE-A", env.MODULES) in {(one.subject, one.name) for one in found.differences}
    assert "srv-a/affinage.json (modifié)" in found.drift
    text = render_triage_markdown(found, broken.run)
    assert "+++ SITE-A prod.tvf_cumul(" in text
    assert "AND h.chr_utc >= p_fin" in text
    private = (*broken.layout.secrets().values(), broken.layout.network, "nr_reader", "nr_writer")
    assert [word for word in private if word in text.replace("\\", "")] == []


def test_a_cut_replication_link_is_the_environment(broken: Broken, triages: dict[str, Triage]) -> None:
    found = triages[REPLICATION]
    assert found.cause is Cause.ENVIRONNEMENT, found.why
    assert {env.AGENTS, env.STOPPED_SERVICES} <= {one.name for one in found.differences}
    assert any("could not connect to the publisher" in line for one in found.logs for line in one.lines)


def test_a_broken_check_is_the_bench_and_the_platform_is_as_it_was(
    sandbox: Layout, good_facts: tuple[Fact, ...], tmp_path: Path
) -> None:
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "scenarios" / "test_casse.py").write_text(BROKEN_CHECK, encoding="utf-8")
    run_dir = tmp_path / "passage"
    run = run_campaign(sandbox.platform_file, run_dir, scenarios=str(tmp_path / "scenarios")).run
    assert run.results[0].failure is Failure.CONTROLE
    found = triage_run(run, run_dir, good_facts)["BASE-900"]
    assert (found.cause, found.differences, found.diff) == (Cause.BANC_DE_TEST, (), "")
