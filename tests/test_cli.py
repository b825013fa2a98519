"""The command line as its users meet it: help, exit codes, kills."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from nonreg import store
from nonreg.__main__ import build_parser, main
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout
from nonreg.waiting import wait_until

HEADER = "from nonreg.model import Criticality, Effect\nfrom nonreg.recorder import scenario\n"
GOOD = "@scenario('BASE-900', 'Bon', Criticality.MAJEURE)\ndef test_good(witness): witness.expect_equal(1, 1, 'r')\n"
BAD = "@scenario('BASE-901', 'Faux', Criticality.MAJEURE)\ndef test_bad(witness): witness.expect_equal(1, 2, 'r')\n"
STUCK = (
    "@scenario('BASE-902', 'Bloqué', Criticality.MAJEURE, Effect.WRITES_TEST_DATA)\n"
    "def test_stuck(witness, bench):\n"
    "    import threading\n"
    "    bench.create_station()\n"
    "    bench.session.commit()\n"
    "    witness.expect_equal(1, 1, 'r')\n"
    "    threading.Event().wait(50)\n"
)


def run_cli(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "nonreg", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def write_scenarios(folder: Path, *bodies: str) -> str:
    folder.mkdir()
    (folder / "test_essai.py").write_text(HEADER + "".join(bodies), encoding="utf-8")
    return str(folder)


def only_run(runs_dir: Path) -> Path:
    (found,) = (plan.parent for plan in runs_dir.glob("*/plan.json"))
    return found


def test_the_help_of_every_command_is_french_and_names_its_options() -> None:
    parser = build_parser()
    commands = next(action for action in parser._actions if action.choices).choices
    assert commands is not None
    for name, command in dict(commands).items():
        text = command.format_help()
        assert "utilisation :" in text, name
        for english in ("usage:", "positional", "show this help", "optional arguments"):
            assert english not in text, name
    campaign = dict(commands)["campaign"].format_help()
    for option in (
        "--platform",
        "--families",
        "--select",
        "--ticket",
        "--scenarios",
        "--runs-dir",
        "--project-junit",
    ):
        assert option in campaign
    assert "3 erreur d'utilisation" in parser.format_help()


def list_parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """A parser and every one below it."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield from list_parsers(one)


def test_every_command_that_has_something_signed_offers_it_in_the_same_words() -> None:
    ways: dict[str, set[str | None]] = {}
    offering = 0
    for parser in list_parsers(build_parser()):
        known = {option: action.help for action in parser._actions for option in action.option_strings}
        if "--agent" not in known or parser.prog.endswith(" sign"):
            continue
        offering += 1
        for option in ("--key", "--agent", "--yes"):
            ways.setdefault(option, set()).add(known.get(option))
    assert offering > 7
    assert [len(words) for words in ways.values()] == [1, 1, 1]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("campaign", "--platform", "nulle-part"), "Plateforme inconnue : « nulle-part »"),
        (("campaign", "--platform", "ailleurs/absente.toml"), "Fichier de plateforme introuvable"),
        (("campaign", "--families", "reseau"), "Famille inconnue : « reseau »"),
        (("campaign", "--select", "BASE-99*"), "Sélection vide"),
        (("campaign", "--ticket", "n'importe quoi"), "ticket mal formée"),
        (("campaign", "--scenarios", "ailleurs"), "Dossier de scénarios introuvable"),
        (("campaign", "--inconnue"), "options inconnues : --inconnue"),
        (("campagne",), "choix inconnu"),
        ((), "arguments obligatoires absents : COMMANDE"),
        (("report", "ailleurs"), "Aucun passage de campagne dans ailleurs"),
        (("watch", "ailleurs"), "Passage introuvable"),
    ],
)
def test_a_usage_error_is_one_french_sentence_with_code_3(arguments: tuple[str, ...], sentence: str) -> None:
    done = run_cli(*arguments)
    assert done.returncode == 3
    assert done.stdout == ""
    assert done.stderr.startswith("Erreur : ")
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_runs_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "fichier").write_text("", encoding="utf-8")
    done = run_cli("campaign", "--runs-dir", str(tmp_path / "fichier"), "--select", "BASE-001")
    assert done.returncode == 3
    assert "Dossier des passages impossible à écrire" in done.stderr


def test_scenarios_lists_what_would_be_run() -> None:
    done = run_cli("scenarios", "--families", "base", "--select", "BASE-00*")
    assert done.returncode == 0
    assert "BASE-001 " in done.stdout
    assert done.stdout.splitlines()[-1] == "9 scénario(s)"


def test_drills_are_listed_when_they_are_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scenarios", "--select", "HD-021"]) == 0
    assert capsys.readouterr().out == "0 scénario(s)\n"
    assert main(["scenarios", "--select", "HD-021", "--drills"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert listed[0].startswith("HD-021    bloquante disruptive        Bascule planifiée")
    assert listed[1:] == ["1 scénario(s)"]


@pytest.mark.prefect
def test_a_campaign_ends_with_the_verdict_its_report_and_nothing_running(
    sandbox: Layout, tmp_path: Path
) -> None:
    scenarios = write_scenarios(tmp_path / "scenarios", GOOD)
    junit = tmp_path / "tests.xml"
    junit.write_text(
        '<testsuite><testcase name="a"/><testcase name="b"><skipped/></testcase></testsuite>', "utf-8"
    )
    done = run_cli(
        *("campaign", "--platform", str(sandbox.platform_file), "--scenarios", scenarios),
        *("--runs-dir", str(tmp_path / "runs"), "--ticket", "AQ-7", "--project-junit", str(junit)),
    )
    assert done.returncode == 0, done.stderr
    assert "Verdict : OK" in done.stdout
    run_dir = only_run(tmp_path / "runs")
    for name in ("report.html", "report.pdf", "report.json", "junit.xml", "manifest.json"):
        assert (run_dir / name).is_file()
        assert name in done.stdout or not name.startswith("report.h")
    html = (run_dir / "report.html").read_text(encoding="utf-8")
    assert "AQ-7" in html
    assert "Unitaires et intégration" in html
    assert not (run_dir / ".prefect").exists()
    assert find_processes(run_dir) == []


@pytest.mark.prefect
def test_a_ko_exits_with_1_and_an_unreachable_platform_with_2(sandbox: Layout, tmp_path: Path) -> None:
    scenarios = write_scenarios(tmp_path / "scenarios", GOOD, BAD)
    runs_dir = tmp_path / "runs"
    done = run_cli(
        *("campaign", "--platform", str(sandbox.platform_file)),
        *("--scenarios", scenarios, "--runs-dir", str(runs_dir)),
    )
    assert done.returncode == 1, done.stderr
    assert "Verdict : KO" in done.stdout
    assert "BASE-901" in done.stdout
    done = run_cli("report", str(only_run(runs_dir)))
    assert done.returncode == 1
    again = run_cli(
        *("campaign", "--platform", str(sandbox.platform_file)),
        *("--scenarios", scenarios, "--runs-dir", str(tmp_path / "autres")),
        AQ_READER_PASSWORD="mot-de-passe-faux",
    )
    assert again.returncode == 2, again.stderr
    assert "Verdict : INCOMPLET" in again.stdout
    assert "refuse le compte" in again.stdout
    assert "mot-de-passe-faux" not in again.stdout + again.stderr


def find_processes(run_dir: Path) -> list[int]:
    """Processes that belong to a run: by their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            values = " ".join(process.environ().values())
        except psutil.Error:
            continue
        if run_dir.name in values:
            found.append(process.pid)
    return found


@pytest.fixture
def killed_run(sandbox: Layout, tmp_path: Path) -> Iterator[Path]:
    """A campaign killed by SIGKILL while a scenario that wrote test data was running."""
    runs_dir = tmp_path / "runs"
    scenarios = write_scenarios(tmp_path / "scenarios", GOOD, STUCK)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nonreg", "campaign", "--platform", str(sandbox.platform_file)),
            *("--scenarios", scenarios, "--runs-dir", str(runs_dir)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )

    def is_stuck() -> bool:
        runs = list(runs_dir.glob("*"))
        return bool(runs) and count_marks(sandbox) == 1

    try:
        wait_until(is_stuck, 120)
        yield only_run(runs_dir)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def count_marks(sandbox: Layout) -> int:
    """Test stations left on the active site."""
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE)) as connection:
        row = connection.execute("SELECT count(*) FROM nr.marque").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.prefect
def test_an_interrupted_campaign_is_stopped_cleaned_and_reported(sandbox: Layout, tmp_path: Path) -> None:
    runs_dir = tmp_path / "runs"
    scenarios = write_scenarios(tmp_path / "scenarios", GOOD, STUCK)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "nonreg", "campaign", "--platform", str(sandbox.platform_file)),
            *("--scenarios", scenarios, "--runs-dir", str(runs_dir)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_until(lambda: any(runs_dir.glob("*/events.jsonl")) and count_marks(sandbox) == 1, 120)
    process.send_signal(signal.SIGINT)
    printed, errors = process.communicate(timeout=90)
    assert process.returncode == 2, errors
    assert errors == ""
    assert "Interrompu : le rapport porte sur ce qui a été enregistré." in printed
    assert "Verdict : INCOMPLET" in printed
    assert (only_run(runs_dir) / "report.pdf").is_file()
    assert count_marks(sandbox) == 0
    assert find_processes(only_run(runs_dir)) == []


@pytest.mark.prefect
def test_a_killed_command_takes_its_flow_and_its_server_along(sandbox: Layout, killed_run: Path) -> None:
    command = next(
        process
        for process in psutil.process_iter(["cmdline"])
        if {"campaign", str(killed_run.parent)} <= set(process.info["cmdline"] or ())  # ours, and no other
    )
    assert len(find_processes(killed_run)) >= 3  # the flow, the Prefect server, pytest
    command.kill()
    wait_until(lambda: find_processes(killed_run) == [], 30)
    wait_until(lambda: not (killed_run / ".prefect").exists(), 20)
    wait_until(lambda: count_marks(sandbox) == 0, 20)


@pytest.mark.prefect
def test_a_killed_campaign_leaves_no_process_is_reported_and_the_next_one_starts_cleanly(
    sandbox: Layout, killed_run: Path, tmp_path: Path
) -> None:
    for process in psutil.process_iter(["cmdline"]):
        words = " ".join(process.info["cmdline"] or ())
        if str(tmp_path / "runs") in words and "nonreg.keeper" not in words:  # the command and its flow
            process.kill()
    wait_until(lambda: find_processes(killed_run) == [], 20)
    done = run_cli("report", str(killed_run))
    assert done.returncode == 2, done.stderr
    assert "Le passage a été interrompu avant sa fin" in done.stdout
    outcomes = {result.scenario_id: result.outcome for result in store.load_run(killed_run).results}
    assert outcomes == {"BASE-900": "OK", "BASE-902": "INCONCLUSIF"}
    assert count_marks(sandbox) == 1
    scenarios = write_scenarios(tmp_path / "suite", GOOD)
    done = run_cli(
        *("campaign", "--platform", str(sandbox.platform_file)),
        *("--scenarios", scenarios, "--runs-dir", str(tmp_path / "suivant")),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert count_marks(sandbox) == 0
    facts = [fact.name for fact in store.load_run(only_run(tmp_path / "suivant")).facts]
    assert any("passage interrompu" in name for name in facts)
