"""A platform that does not answer, or refuses us: one clear sentence, INCOMPLET, a report, and no secret."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import paramiko
import pytest

from nonreg.model import GuardStatus, Verdict
from nonreg.sandbox.layout import Layout
from reports.render import render_html
from tests.campaigns import run_campaign

pytestmark = pytest.mark.platform

WRONG = "mot-de-passe-faux"


def write_other_key(folder: Path) -> Path:
    """A private key that no host knows."""
    import asyncssh

    file = folder / "autre_cle"
    asyncssh.generate_private_key("ssh-ed25519").write_private_key(str(file))
    return file


def replace_host_keys(text: str, folder: Path) -> str:
    """Known hosts that record another key for every host."""
    key = paramiko.Ed25519Key.from_private_key_file(str(write_other_key(folder)))
    hosts = "".join(f"[{host}]:2222 ssh-ed25519 {key.get_base64()}\n" for host in find_addresses(text))
    (folder / "autres_hotes").write_text(hosts, encoding="utf-8")
    return text.replace('"known_hosts"', f'"{folder / "autres_hotes"}"')


def find_addresses(text: str) -> list[str]:
    return [line.split('"')[1] for line in text.splitlines() if line.startswith("address = ")]


CASES: dict[str, tuple[Callable[[str, Path], str], str, str]] = {
    "base injoignable": (
        lambda text, _: text.replace("port = 5432", "port = 5999", 1),
        "PRE-01",
        "La base de SITE-A (127.77.{n}.11:5999) est injoignable",
    ),
    "base inconnue": (
        lambda text, _: text.replace('name = "aquareel"', 'name = "absente"', 1),
        "PRE-01",
        "La base « absente » n'existe pas",
    ),
    "moteur inconnu": (
        lambda text, _: text.replace('engine = "postgresql"', 'engine = "oracle"', 1),
        "PRE-01",
        "Moteur de base inconnu : « oracle »",
    ),
    "hôte injoignable": (
        lambda text, _: text.replace("port = 2222", "port = 2999", 1),
        "PRE-07",
        "L'hôte srv-a (127.77.{n}.11:2999) est injoignable en SSH",
    ),
    "clé d'hôte changée": (
        replace_host_keys,
        "PRE-07",
        "La clé d'hôte de srv-a (127.77.{n}.11:2222) n'est pas celle qui est enregistrée",
    ),
    "clé refusée": (
        lambda text, folder: text.replace('"id_ed25519"', f'"{write_other_key(folder)}"'),
        "PRE-07",
        "refuse la clé SSH de l'utilisateur « nonreg »",
    ),
    "clé absente": (
        lambda text, _: text.replace('"id_ed25519"', '"nulle_part"'),
        "PRE-07",
        "Fichier de clé SSH introuvable pour srv-a",
    ),
    "supervision muette": (
        lambda text, _: text.replace(".13:8082", ".13:8999"),
        "PRE-02",
        ":8999/etat : connexion refusée",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_platform_that_cannot_be_observed_is_incomplete_with_one_sentence(
    sandbox: Layout, tmp_path: Path, case: str
) -> None:
    change, guard_id, sentence = CASES[case]
    text = sandbox.platform_file.read_text(encoding="utf-8")
    changed = change(text, tmp_path)
    assert changed != text
    file = tmp_path / "plateforme.toml"
    file.write_text(changed, encoding="utf-8")
    report = run_campaign(file, tmp_path / "passage", "base")
    guard = next(found for found in report.run.guards if found.id == guard_id)
    assert guard.status is GuardStatus.UNKNOWN
    assert sentence.format(n=sandbox.network.split(".")[2]) in guard.message
    assert len(guard.message.splitlines()) == 1
    assert report.run.results == ()
    assert report.assessment.verdict is Verdict.INCOMPLET
    assert guard_id in render_html(report)


def test_a_wrong_password_is_said_and_never_shown(
    sandbox: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AQ_READER_PASSWORD", WRONG)
    report = run_campaign(sandbox.platform_file, tmp_path / "passage", "base")
    assert "refuse le compte : vérifiez l'utilisateur et son mot de passe" in report.run.guards[0].message
    assert WRONG not in render_html(report)


def test_an_absent_secret_is_named(sandbox: Layout, tmp_path: Path) -> None:
    text = sandbox.platform_file.read_text(encoding="utf-8").replace('"secrets.env"', '"ailleurs.env"')
    file = tmp_path / "plateforme.toml"
    file.write_text(text, encoding="utf-8")
    report = run_campaign(file, tmp_path / "passage", "base")
    assert "Le secret AQ_READER_PASSWORD est absent" in " ".join(guard.message for guard in report.run.guards)
    assert report.assessment.verdict is Verdict.INCOMPLET


def test_a_host_that_dies_during_the_run_makes_its_scenarios_inconclusive(
    sandbox: Layout, tmp_path: Path
) -> None:
    scenarios = tmp_path / "scenarios"
    scenarios.mkdir()
    (scenarios / "test_panne.py").write_text(
        "import dataclasses\n"
        "from nonreg.clients.sql import open_session\n"
        "from nonreg.model import Criticality\n"
        "from nonreg.recorder import scenario\n"
        "@scenario('BASE-900', 'Base éteinte', Criticality.MAJEURE, queries=('export_tasks',))\n"
        "def test_dead(campaign, witness):\n"
        "    site = campaign.active_site\n"
        "    dead = dataclasses.replace(site, database=dataclasses.replace(site.database, port=5999))\n"
        "    with open_session(campaign.platform, dead) as session:\n"
        "        witness.expect_no_rows(session.query('export_tasks'))\n",
        encoding="utf-8",
    )
    report = run_campaign(sandbox.platform_file, tmp_path / "passage", scenarios=str(scenarios))
    assert report.assessment.verdict is Verdict.INCOMPLET
    assert "est injoignable" in report.run.results[0].message
