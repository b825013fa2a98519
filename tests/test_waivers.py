"""Waivers: granted by a signed decision, printed, ended by their expiry; a file that is not sound stops everything."""

from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg import ledger
from nonreg.__main__ import main
from nonreg.basis import read_basis
from nonreg.clients.sshsig import load_key_file
from nonreg.decision import sign_decision
from nonreg.errors import ConfigError
from nonreg.model import Change, Outcome, Verdict, Waiver
from nonreg.waivers import FILE
from tasks.publication import judge_folder
from tasks.waiving import grant, request_waiver
from tests.governed import ALL_GOOD, Governed, make_governed, publish_run

KO = {**ALL_GOOD, "HD-001": Outcome.KO}
FAR = "2036-01-01T00:00:00+01:00"


def waive(governed: Governed, *changes: str, key: str = "titulaire-essai", scenario: str = "HD-001") -> Path:
    words = {
        "--owner": "renfort-technique-essai",
        "--ticket": "AQ-7",
        "--reason": "Relais à remplacer",
        "--expires": FAR,
        "--reference": "RD-2026-07",
        **dict(zip(changes[::2], changes[1::2], strict=True)),
    }
    options = [word for pair in words.items() for word in pair]
    done = governed.cli("waive", scenario, *options, "--key", governed.key(key))
    assert done.returncode == 0, done.stderr
    return governed.governance / FILE


@pytest.fixture(scope="module")
def granted(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """One waiver granted by the command, to copy."""
    governed = make_governed(tmp_path_factory.mktemp("derogation"))
    waive(governed)
    return governed


@pytest.fixture
def waived(granted: Governed, tmp_path: Path) -> Governed:
    return Governed(Path(shutil.copytree(granted.root, tmp_path / "copie")))


def test_a_waiver_in_force_makes_a_ko_a_known_failure_and_the_campaign_ok_with_reserves(
    waived: Governed,
) -> None:
    run_dir = publish_run(waived, "un", KO, datetime.now(UTC))
    report = judge_folder(run_dir)
    found = next(one for one in report.assessment.findings if one.scenario_id == "HD-001")
    assert (found.outcome, found.change) == (Outcome.DEROGATION, Change.KNOWN_FAILURE)
    assert report.assessment.verdict is Verdict.OK_AVEC_RESERVES
    html = (run_dir / "report.html").read_text(encoding="utf-8")
    front = html.split("1. Synthèse")[1].split("1bis.")[0]
    for said in (
        "AQ-7",
        "Relais à remplacer",
        "renfort-technique-essai",
        read_basis(run_dir).waivers[0].decision,
    ):
        assert said in front


def test_the_day_after_its_expiry_the_same_ko_is_ko(governed: Governed) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    waive(governed, "--expires", soon.isoformat(timespec="seconds"))
    before = publish_run(governed, "un", KO, soon - timedelta(minutes=1))
    after = publish_run(governed, "deux", KO, soon + timedelta(seconds=1))
    assert judge_folder(before).assessment.verdict is Verdict.OK_AVEC_RESERVES
    assert judge_folder(after).assessment.verdict is Verdict.KO
    assert any("dérogation(s) expirée(s)" in reason for reason in judge_folder(after).assessment.reasons)


def test_granting_is_in_the_ledger_and_the_moa_may_grant_too(governed: Governed) -> None:
    waive(governed, key="moa-scv-essai")
    entry = ledger.read_entries(governed.runs_dir / ledger.FILE)[-1]
    assert (entry.kind, entry.person, entry.ticket) == ("derogation", "moa-scv-essai", "AQ-7")


def test_a_second_waiver_is_added_to_the_file_and_the_first_stays(waived: Governed) -> None:
    path = waive(waived, "--ticket", "AQ-8", scenario="BASE-001")
    assert path.read_text(encoding="utf-8").count("[[waivers]]") == 2
    waivers = read_basis(publish_run(waived, "un")).waivers
    assert [waiver.ticket for waiver in waivers] == ["AQ-7", "AQ-8"]


@pytest.mark.parametrize(
    ("before", "after", "sentence"),
    [
        ('"HD-001"', '"HD-999"', "scénario inconnu : « HD-999 »"),
        ('"HD-001"', '"APP-001"', "n'est pas accordée"),
        ("Relais à remplacer", "Autre chose", "n'est pas accordée"),
        ("2036-01-01", "2037-01-01", "n'est pas accordée"),
        ("+01:00", "", "avec leur fuseau"),
        ('"renfort-technique-essai"', '"personne"', "porteur inconnu"),
        ('ticket = "AQ-7"', 'ticket = ""', "« ticket » absente ou vide"),
        ("owner =", "porteur =", "« owner » absente ou vide"),
        ("reference =", "autre =", "clé inconnue « autre »"),
        ("[[waivers]]", "[waivers]", "des tables [[waivers]]"),
        ("[[waivers]]", "[[waivers", "TOML mal formé"),
        ('"D-', '"D-0', "n'est pas accordée"),
    ],
)
def test_a_waiver_that_is_not_what_was_signed_is_refused_in_one_sentence(
    waived: Governed, before: str, after: str, sentence: str
) -> None:
    path = waived.governance / FILE
    text = path.read_text(encoding="utf-8")
    assert before in text
    path.write_text(text.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        publish_run(waived, "un", KO)
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)


def test_without_its_decision_file_a_waiver_is_refused(waived: Governed) -> None:
    for file in (waived.governance / "decisions").iterdir():
        file.unlink()
    with pytest.raises(ConfigError, match="n'est pas accordée"):
        publish_run(waived, "un", KO)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (("--expires", "2036-01-01T00:00:00"), "n'a pas de fuseau"),
        (("--expires", "demain"), "Échéance illisible"),
        (("--expires", "2036-12-31T18:00:00+01:00:30"), "ne serait pas relue"),
        (("--expires", "9999-12-31T23:59:59-12:00"), "hors de toute mesure"),
        (("--reference", "vu avec Ondine Rivelune"), "pas le nom de la personne"),
        (("--expires", "2020-01-01T00:00:00+01:00"), "déjà passée"),
        (("--owner", "personne"), "Porteur inconnu"),
        (("--reason", " "), "a un motif"),
        (("--ticket", "x"), "mal formée"),
    ],
)
def test_a_wrong_request_is_answered_with_one_sentence_and_writes_nothing(
    governed: Governed, changes: tuple[str, str], sentence: str
) -> None:
    words = {"--owner": "titulaire-essai", "--ticket": "AQ-7", "--reason": "Motif", "--expires": FAR}
    words[changes[0]] = changes[1]
    options = [word for pair in words.items() for word in pair]
    done = governed.cli("waive", "HD-001", *options, "--key", governed.key())
    assert done.returncode == 3
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (governed.governance / FILE).exists()


def test_a_renfort_cannot_grant_a_waiver(governed: Governed) -> None:
    options = ("--owner", "titulaire-essai", "--ticket", "AQ-7", "--reason", "Motif", "--expires", FAR)
    done = governed.cli("waive", "HD-001", *options, "--key", governed.key("renfort-technique-essai"))
    assert done.returncode == 3
    assert "ne peut pas prendre une décision de derogation" in done.stderr
    assert not (governed.governance / FILE).exists()


def test_a_waiver_decided_in_the_future_is_refused(governed: Governed) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    platform, people = governed.platform, governed.people
    person = people.find("titulaire-essai")
    assert person is not None
    expires = datetime.fromisoformat(FAR)
    waiver = Waiver("HD-001", "Motif", "AQ-7", "titulaire-essai", "", expires)
    request = request_waiver(platform, waiver, person, later)
    signed = sign_decision(request, load_key_file(Path(governed.key())))
    grant(platform, people, waiver, signed, governed.runs_dir, later)
    with pytest.raises(ConfigError, match="datée du futur"):
        publish_run(governed, "un")


def test_a_decision_that_lasts_longer_than_its_waiver_grants_nothing(governed: Governed) -> None:
    now = datetime.now(UTC)
    person = governed.people.find("titulaire-essai")
    assert person is not None
    waiver = Waiver("HD-001", "Motif", "AQ-7", "titulaire-essai", "", datetime.fromisoformat(FAR))
    request = request_waiver(governed.platform, waiver, person, now)
    longer = dataclasses.replace(request.decision, expires_at=waiver.expires_at + timedelta(days=1))
    signed = sign_decision(dataclasses.replace(request, decision=longer), load_key_file(Path(governed.key())))
    grant(governed.platform, governed.people, waiver, signed, governed.runs_dir, now)
    with pytest.raises(ConfigError, match="n'est pas celle de la décision"):
        publish_run(governed, "un")


def find_requests(governed: Governed) -> list[Path]:
    """The requests that wait for a signature."""
    return [
        path
        for path in (governed.runs_dir / "decisions").iterdir()
        if re.fullmatch(r"D-\w+\.json", path.name)
    ]


def sign_waiver(governed: Governed) -> tuple[tuple[str, ...], Path]:
    """The words of a waiver asked for without a key, and its decision once signed."""
    words = ("waive", "HD-001", "--owner", "titulaire-essai", "--ticket", "AQ-7", "--reason", "Motif")
    words = (*words, "--expires", FAR)
    assert governed.cli(*words).returncode == 0
    (request,) = find_requests(governed)
    assert main(["sign", str(request), "--key", governed.key()]) == 0
    return words, request.with_suffix(".signed.json")


def test_a_waiver_that_was_cut_between_ledger_and_file_is_finished_by_the_same_decision(
    governed: Governed,
) -> None:
    words, decision = sign_waiver(governed)
    assert governed.cli(*words, "--decision", str(decision)).returncode == 0
    path = governed.governance / FILE
    whole = path.read_bytes()
    path.unlink()
    shutil.rmtree(governed.governance / "decisions")
    assert governed.cli(*words, "--decision", str(decision)).returncode == 0
    assert path.read_bytes() == whole
    kinds = [entry.kind for entry in ledger.read_entries(governed.runs_dir / ledger.FILE)]
    assert kinds.count("derogation") == 1


def test_a_decision_grants_one_waiver_once(governed: Governed) -> None:
    words, decision = sign_waiver(governed)
    assert governed.cli(*words, "--decision", str(decision)).returncode == 0
    done = governed.cli(*words, "--decision", str(decision))
    assert done.returncode == 3
    assert "est déjà dans" in done.stderr
    other = tuple("BASE-001" if word == "HD-001" else word for word in words)
    assert governed.cli(*other, "--decision", str(decision)).returncode == 3


def test_two_waivers_granted_at_the_same_moment_are_both_kept(governed: Governed) -> None:
    processes = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "nonreg", "waive", scenario, "--owner", "titulaire-essai"),
                *("--ticket", "AQ-7", "--reason", "Motif", "--expires", FAR, "--key", governed.key()),
                *("--platform", str(governed.platform_file), "--runs-dir", str(governed.runs_dir)),
            ],
            stdout=subprocess.DEVNULL,
        )
        for scenario in ("HD-001", "BASE-001", "APP-001")
    ]
    assert [process.wait(120) for process in processes] == [0, 0, 0]
    waived = {waiver.scenario_id for waiver in read_basis(publish_run(governed, "un")).waivers}
    assert waived == {"HD-001", "BASE-001", "APP-001"}


def test_a_folder_that_cannot_be_written_is_one_sentence(governed: Governed) -> None:
    words, decision = sign_waiver(governed)
    (governed.governance / "decisions").write_text("", encoding="utf-8")
    done = governed.cli(*words, "--decision", str(decision))
    assert done.returncode == 2
    assert done.stderr.startswith("Erreur : ")
    assert len(done.stderr.splitlines()) == 1
