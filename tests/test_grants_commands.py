"""The commands without a server: the script is written, what cannot be is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from nonreg.__main__ import main
from nonreg.commands import EXIT_OK
from nonreg.config import PLATFORMS_DIR
from nonreg.french import EXIT_USAGE


@pytest.fixture
def platform_file(tmp_path: Path) -> Path:
    """A platform on SQL Server that nobody runs, with no secret anywhere."""
    text = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8")
    path = tmp_path / "essai.toml"
    path.write_text(
        text.replace('engine = "postgresql"', 'engine = "mssql"')
        .replace('name = "aquareel"', 'name = "AQUAREEL"')
        .replace("nr_reader", "lecteur")
        .replace("127.77.0.", "127.78.250."),
        encoding="utf-8",
    )
    return path


def test_the_script_names_the_platforms_accounts_and_needs_neither_server_nor_secret(
    platform_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "droits.sql"
    assert main(["grants", "--platform", str(platform_file), "--output", str(output)]) == EXIT_OK
    script = output.read_text(encoding="utf-8")
    assert "CREATE USER [lecteur] FOR LOGIN [lecteur];" in script
    assert "USE [AQUAREEL];" in script
    assert str(output) in capsys.readouterr().out
    assert main(["grants", "--platform", str(platform_file)]) == EXIT_OK
    assert capsys.readouterr().out == script


def test_a_platform_without_sql_server_is_told_that_the_script_is_not_for_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["grants", "--platform", "embarquee"]) == EXIT_OK
    told = capsys.readouterr()
    assert "pour relecture seulement" in told.err
    assert "GRANT SELECT" in told.out


def test_rights_of_a_scenarios_folder_are_in_the_script(
    platform_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "BASE-400-essai.sql").write_text(
        "-- id: BASE-400\n-- titre: Essai\n-- criticite: mineure\n-- effet: read_only\n-- attendu: aucune ligne\n"
        "-- droits: SELECT prod.v_essai\n\nSELECT a FROM prod.v_essai;\n",
        encoding="utf-8",
    )
    assert main(["grants", "--platform", str(platform_file), "--scenarios", str(folder)]) == EXIT_OK
    expected = "    -- pour BASE-400\n    GRANT SELECT ON OBJECT::[prod].[v_essai] TO [lecteur];"
    assert expected in capsys.readouterr().out


PYTHON = """
from nonreg.model import Criticality, Effect
from nonreg.recorder import scenario

@scenario("BASE-401", "Lit", Criticality.MINEURE, queries=("heavy_latest_values", "rain_total"))
def test_read(active): ...

@scenario("BASE-402", "Écrit", Criticality.MINEURE, Effect.WRITES_TEST_DATA, queries=("discharges", "site_role"))
def test_write(bench): ...
"""


def test_the_script_holds_the_rights_of_the_folders_scenarios_and_of_the_tool_and_names_who_needs_each(
    platform_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (folder / "test_essai.py").write_text(PYTHON, encoding="utf-8")
    assert main(["grants", "--platform", str(platform_file), "--scenarios", str(folder)]) == EXIT_OK
    script = capsys.readouterr().out
    for name, reason in {
        "[prod].[tvf_dernieres] TO [lecteur]": "BASE-401",
        "[prod].[tvf_cumul] TO [lecteur]": "BASE-401",
        "[prod].[tvf_debit] TO [lecteur]": "BASE-402",
        "[prod].[tvf_debit] TO [nr_writer]": "BASE-402",
        "[ha].[tvf_noeud] TO [nr_writer]": "BASE-402",
        "[nr].[usp_nettoyer] TO [nr_writer]": "BASE-402",
        "[nr].[tvf_restes] TO [lecteur]": "BASE-402",
        "[cfg].[operateur] TO [lecteur]": "operators",
    }.items():
        assert re.search(rf"-- pour {reason}\n +GRANT \w+ ON OBJECT::{re.escape(name)};", script), name
    for name in ("tvf_cumul] TO [nr_writer]", "[ref].[capteur]", "[nr].[usp_battre]"):
        assert name not in script, name


def test_a_folder_whose_scenarios_cannot_be_read_gives_no_script(
    platform_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "test_essai.py").write_text(PYTHON.replace("rain_total", "pluie"), encoding="utf-8")
    assert main(["grants", "--platform", str(platform_file), "--scenarios", str(tmp_path)]) == EXIT_USAGE
    told = capsys.readouterr()
    assert (told.out, "« pluie »" in told.err) == ("", True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["grants", "--platform", "embarquee", "--check", "--output", "x.sql"], "--output"),
        (["grants", "--platform", "absente"], "Plateforme inconnue"),
        (["grants", "--platform", "embarquee", "--scenarios", "/absent"], "Dossier de scénarios introuvable"),
        (
            ["grants", "--platform", "embarquee", "--manifest", "/absent.toml"],
            "/absent.toml : lecture impossible",
        ),
        (["grants", "--platform", "embarquee", "--output", "/absent/x.sql"], "écriture impossible"),
        (["discover", "--platform", "absente", "--output", "x"], "Plateforme inconnue"),
    ],
)
def test_a_wrong_use_is_one_french_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == EXIT_USAGE
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_discovery_without_a_server_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8").replace("127.77.0.", "127.78.250.")
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    monkeypatch.setenv("AQ_READER_PASSWORD", "x")
    output = tmp_path / "decouverte"
    assert main(["discover", "--platform", str(path), "--output", str(output)]) == EXIT_USAGE
    assert "injoignable" in capsys.readouterr().err
    assert not output.exists()


def test_a_check_that_could_not_be_made_is_not_green(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8").replace("127.77.0.", "127.78.250.")
    path = tmp_path / "essai.toml"
    path.write_text(text, encoding="utf-8")
    for name in ("AQ_READER_PASSWORD", "AQ_WRITER_PASSWORD"):
        monkeypatch.setenv(name, "x")
    assert main(["grants", "--platform", str(path), "--check"]) == 2
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert all("non vérifiés" in line and "injoignable" in line for line in told)
