"""Rounds of the watch over a runs' folder: each fact told once, whatever happens in between."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nonreg.alerts.__main__ import main
from nonreg.alerts.evidence import Trigger, read_trigger, save_trigger
from nonreg.alerts.facts import Kind
from nonreg.alerts.outbox import Outbox
from nonreg.alerts.patrol import make_round
from nonreg.alerts.server import PrefectServer, find_server
from nonreg.alerts.settings import (
    AlertSettings,
    MailSettings,
    NightlySettings,
    ServerSettings,
    WebhookSettings,
)
from nonreg.errors import CertificateRefused
from nonreg.model import Outcome
from nonreg.waiting import wait_until
from tasks.alerting import alert_verdict, note_trigger
from tasks.publication import judge_folder
from tests.alert_receivers import Postman, make_certificate, start_hook, start_smtp
from tests.governed import Governed, publish_run
from tests.test_alerts_mail import FACT, settings_for
from tests.test_alerts_outbox import ROOT, write_settings

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
NIGHT = datetime(2026, 11, 23, 0, 30, tzinfo=UTC)
BAD = {"BASE-001": Outcome.KO, "APP-001": Outcome.OK, "HD-001": Outcome.OK}


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def mail(postman: Postman) -> Iterator[MailSettings]:
    with start_smtp(postman) as port:
        yield settings_for(port)


def settings_of(folder: Path, mail: MailSettings | None, **changes: Any) -> AlertSettings:
    return replace(AlertSettings(mail=mail, base_dir=folder, runs_dir="."), **changes)


def publish_deployed(governed: Governed, deployment: str = "nuit", at: datetime = NIGHT) -> Path:
    """A published KO that a deployment started."""
    run_dir = publish_run(governed, f"passage-{deployment}-{at:%d}", BAD, at)
    save_trigger(
        run_dir, Trigger(deployment, f"NUIT {at:%Y-%m-%d} embarquee v5.2.0", governed.platform.name, at)
    )
    return run_dir


def test_a_ko_that_its_publisher_did_not_live_to_tell_is_told_by_the_watch_once(
    governed: Governed, mail: MailSettings, postman: Postman
) -> None:
    publish_deployed(governed)
    publish_deployed(governed, "a-la-demande")
    publish_run(governed, "terminal", BAD, NIGHT)
    settings = settings_of(governed.runs_dir, mail)
    for hours in range(3):
        make_round(settings, None, NOW + timedelta(hours=hours))
    assert [one["Subject"] for one in postman.mails()] == ["[AQUARÉEL] KO — NUIT 2026-11-23 embarquee v5.2.0"]


def test_the_publisher_tells_at_once_and_neither_the_watch_nor_a_new_judgement_tell_again(
    governed: Governed, mail: MailSettings, postman: Postman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONREG_ALERTS", str(write_settings(governed.runs_dir.parent, mail.port)))
    run_dir = publish_deployed(governed)
    report = judge_folder(run_dir)
    (line,) = alert_verdict(run_dir, report)
    assert line == "Alerte : mail, transmise — KO — NUIT 2026-11-23 embarquee v5.2.0"
    assert alert_verdict(run_dir, judge_folder(run_dir)) == ()
    assert main(["check"]) == 0
    assert len(postman.received) == 1


def test_without_settings_a_deployed_campaign_says_so_and_one_of_a_terminal_nothing(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NONREG_ALERTS", raising=False)
    run_dir = publish_deployed(governed)
    report = judge_folder(run_dir)
    (said,) = alert_verdict(run_dir, report)
    assert (
        said == "Aucune alerte d'ici, NONREG_ALERTS n'est pas définie : la veille la fait, s'il y en a une."
    )
    (run_dir / "trigger.json").unlink()
    assert alert_verdict(run_dir, report) == ()


@pytest.mark.parametrize("text", ["[mail", "[mail]\nhost = 1\n"])
def test_wrong_settings_never_fail_a_campaign(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "alertes.toml"
    file.write_text(text, encoding="utf-8")
    monkeypatch.setenv("NONREG_ALERTS", str(file))
    run_dir = publish_deployed(governed)
    (line,) = alert_verdict(run_dir, judge_folder(run_dir))
    assert line.startswith("L'alerte n'a pas pu être faite : ")


def test_a_run_knows_which_deployment_started_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert note_trigger(tmp_path, "essai") == ""
    assert read_trigger(tmp_path) is None  # a campaign of a terminal
    monkeypatch.setenv("PREFECT__RUNTIME__DEPLOYMENT__NAME", "nuit")
    monkeypatch.setenv("PREFECT__RUNTIME__FLOW_RUN__NAME", "NUIT 2026-11-23 essai v5.2.0")
    assert note_trigger(tmp_path, "essai") == ""
    found = read_trigger(tmp_path)
    assert found is not None
    assert (found.deployment, found.flow_run, found.platform) == (
        "nuit",
        "NUIT 2026-11-23 essai v5.2.0",
        "essai",
    )


def test_a_night_without_a_report_is_told_once_even_when_its_run_is_there(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(
        tmp_path, mail, nightlies=(NightlySettings("embarquee", "30 1 * * *", tolerance_minutes=120),)
    )
    make_round(settings, None, NIGHT - timedelta(hours=1))
    make_round(settings, None, NIGHT + timedelta(minutes=119))
    assert postman.received == []
    cut = tmp_path / "passage-coupe"
    cut.mkdir()
    save_trigger(cut, Trigger("nuit", "NUIT", "embarquee", NIGHT))
    for minutes in (120, 121, 600):
        make_round(settings, None, NIGHT + timedelta(minutes=minutes))
    (told,) = postman.mails()
    assert told["Subject"] == "[AQUARÉEL] Nuit manquée — nuit 2026-11-23 embarquee"
    assert "Passage passage-coupe : commencé" in told.get_content()
    make_round(settings, None, NIGHT + timedelta(hours=26))
    assert len(postman.received) == 2  # the next night is another fact


def test_a_published_night_is_not_missed(governed: Governed, mail: MailSettings, postman: Postman) -> None:
    settings = settings_of(
        governed.runs_dir,
        mail,
        nightlies=(NightlySettings(governed.platform.name, "30 1 * * *"),),
        verdicts=(),
    )
    make_round(settings, None, NIGHT - timedelta(hours=1))
    publish_deployed(governed)
    make_round(settings, None, NIGHT + timedelta(hours=12))
    assert postman.received == []


def test_a_server_that_does_not_answer_is_told_after_a_while_once_for_each_silence(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(tmp_path, mail, server=ServerSettings(server_silence_seconds=300))
    gone = PrefectServer("http://127.0.0.1:9/api", "compte:secret")
    for seconds in (0, 299, 300, 900):
        make_round(settings, gone, NOW + timedelta(seconds=seconds))
    (told,) = postman.mails()
    assert told["Subject"] == "[AQUARÉEL] Serveur Prefect injoignable"
    with start_hook() as hook:  # something answers, which is not Prefect
        done = make_round(settings, PrefectServer(hook.url), NOW + timedelta(seconds=960))
    assert done.told == ()
    assert "secret" not in repr(gone)


def heard(at: datetime) -> bytes:
    """What Prefect's API answers of a pool with one worker."""
    return json.dumps([{"name": "travailleur-1", "last_heartbeat_time": at.isoformat()}]).encode()


def test_a_worker_that_its_server_has_not_heard_again_yet_is_not_told(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(tmp_path, mail, server=ServerSettings())
    now = datetime.now(UTC)
    with start_hook() as hook:
        api = PrefectServer(hook.url)
        hook.body = heard(now - timedelta(hours=8))  # the machine, or the server, was away for the night
        make_round(settings, api, now)
        hook.body = heard(now)
        make_round(settings, api, now + timedelta(seconds=60))
        assert postman.received == []
        hook.body = heard(now - timedelta(hours=8))
        for seconds in (120, 179, 180, 600):
            make_round(settings, api, now + timedelta(seconds=seconds))
            assert bool(postman.received) is (seconds >= 180)
    (told,) = postman.mails()
    assert "Travailleur absent" in told["Subject"]


def test_a_pool_that_never_had_a_worker_is_told_each_time_that_it_begins_anew(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(tmp_path, mail, server=ServerSettings())
    now = datetime.now(UTC)
    with start_hook() as hook:
        api = PrefectServer(hook.url)
        for minutes, body in ((0, b"[]"), (1, b"[]"), (2, b"[]"), (3, heard(now)), (4, b"[]"), (5, b"[]")):
            hook.body = body
            make_round(settings, api, now + timedelta(minutes=minutes))
    assert len(postman.received) == 2


def test_an_account_in_the_address_of_the_server_is_told_nobody(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(tmp_path, mail, server=ServerSettings(server_silence_seconds=1))
    gone = PrefectServer("http://compte:mot-de-passe-du-serveur@127.0.0.1:9/api")
    for seconds in (0, 60):
        make_round(settings, gone, NOW + timedelta(seconds=seconds))
    (told,) = postman.mails()
    assert "connexion refusée" in told.get_content()
    files = [path.read_text("utf-8") for path in (tmp_path / "alertes").iterdir()]
    assert not any("mot-de-passe" in text for text in (told.get_content(), *files))


def test_a_foreign_server_at_our_address_gets_no_secret_and_is_told_as_ours_being_away(
    tmp_path: Path, mail: MailSettings, postman: Postman, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "aquareel:secret")
    monkeypatch.setenv("NONREG_INSTALLATION", "3bfd8bbd58b346b2")
    settings = settings_of(tmp_path, mail, server=ServerSettings(server_silence_seconds=60))
    with start_hook() as hook:  # it asks for no secret
        hook.body = heard(datetime.now(UTC))
        for seconds in (0, 60):
            make_round(settings, find_server(hook.url), NOW + timedelta(seconds=seconds))
        assert not any("Authorization" in headers for _, headers, _ in hook.posts)
    (told,) = postman.mails()
    assert told["Subject"] == "[AQUARÉEL] Serveur Prefect injoignable"
    assert "n'est pas le nôtre" in " ".join(told.get_content().split())


def test_a_secret_that_no_header_carries_does_not_end_the_watch(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(tmp_path, mail, server=ServerSettings(server_silence_seconds=1))
    for seconds in (0, 60):
        make_round(
            settings, PrefectServer("http://127.0.0.1:9/api", "a:cl€f"), NOW + timedelta(seconds=seconds)
        )
    (told,) = postman.mails()
    assert "sans accent" in told.get_content()
    assert "cl€f" not in told.get_content()


def test_the_authority_that_prefect_trusts_is_trusted_by_the_watch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, context = make_certificate(tmp_path)
    with start_hook(context) as hook:
        hook.body = b"[]"
        server = PrefectServer(hook.url.replace("http://", "https://"))
        with pytest.raises(CertificateRefused):
            server.read_workers("aquareel")
        monkeypatch.setenv("PREFECT_API_SSL_CERT_FILE", str(certificate))
        assert server.read_workers("aquareel")[0] == ()


def test_a_mail_that_does_not_leave_is_told_by_the_webhook_once(tmp_path: Path, postman: Postman) -> None:
    postman.answers["RCPT"] = "450 4.2.0 later"
    with start_smtp(postman) as port, start_hook() as hook:
        settings = settings_of(
            tmp_path,
            settings_for(port),
            webhook=WebhookSettings(hook.url, kinds=(Kind.OUTBOX,)),
            nightlies=(NightlySettings("embarquee", "30 1 * * *"),),
        )
        began = datetime.now(UTC) - timedelta(days=1)
        make_round(settings, None, began)
        for hours in (2, 4, 6, 10):
            make_round(settings, None, datetime.now(UTC) + timedelta(hours=hours))
        subjects = [json.loads(body)["subject"] for _, _, body in hook.posts]
    assert subjects == ["[AQUARÉEL] Boîte d'envoi bloquée — mail"]


def test_what_cannot_be_looked_at_is_told_and_does_not_hide_the_rest(
    governed: Governed, mail: MailSettings, postman: Postman
) -> None:
    publish_deployed(governed)
    (governed.governance / "deadlines.toml").write_text("[[deadlines]]\n", encoding="utf-8")
    settings = settings_of(governed.runs_dir, mail, governance=(str(governed.governance), "absent"))
    done = make_round(settings, None, NOW)
    assert len(postman.received) == 1
    wrong, absent = done.problems
    assert "clé « id » absente ou vide" in wrong
    assert "dossier de gouvernance absent" in absent


def test_a_run_that_cannot_be_read_is_told_and_makes_no_night_missed(
    governed: Governed, mail: MailSettings, postman: Postman
) -> None:
    settings = settings_of(
        governed.runs_dir, mail, nightlies=(NightlySettings(governed.platform.name, "30 1 * * *"),)
    )
    make_round(settings, None, NIGHT - timedelta(hours=1))
    publish_deployed(governed)
    before = publish_deployed(governed, at=NIGHT - timedelta(days=1))
    (before / "report.json").write_text("{", encoding="utf-8")
    (governed.runs_dir / "abime").mkdir()
    (governed.runs_dir / "abime" / "trigger.json").write_text("{", encoding="utf-8")
    done = make_round(settings, None, NOW)
    assert len(done.problems) == 2
    assert [one["Subject"] for one in postman.mails()] == ["[AQUARÉEL] KO — NUIT 2026-11-23 embarquee v5.2.0"]


def test_a_trial_message_reaches_each_channel_and_says_so(
    tmp_path: Path, postman: Postman, capsys: pytest.CaptureFixture[str]
) -> None:
    with start_smtp(postman) as port:
        file = write_settings(tmp_path, port)
        assert main(["test", "--settings", str(file)]) == 0
        assert "mail, transmise — Message d'essai" in capsys.readouterr().out
        postman.answers["MAIL"] = "550 5.7.1 non"
        assert main(["test", "--settings", str(file)]) == 1
        assert "refus 550" in capsys.readouterr().out
    assert main(["list", "--settings", str(file)]) == 0
    assert capsys.readouterr().out.count("Message d'essai") == 2


def test_no_settings_is_a_usage_error_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("NONREG_ALERTS", raising=False)
    assert main(["check"]) == 3
    assert capsys.readouterr().err == (
        "Erreur : Aucun réglage d'alertes : indiquez --settings ou la variable NONREG_ALERTS.\n"
    )


def test_the_watch_goes_on_through_a_problem_tells_it_once_and_ends_when_it_is_asked_to(
    tmp_path: Path, mail: MailSettings, postman: Postman
) -> None:
    file = write_settings(tmp_path, mail.port)
    passages = tmp_path / "passages"
    (passages / "abime").mkdir(parents=True)
    (passages / "abime" / "trigger.json").write_text("{", encoding="utf-8")
    log = tmp_path / "journal.txt"
    with log.open("wb") as output:
        command = [
            sys.executable,
            "-m",
            "nonreg.alerts",
            "watch",
            "--settings",
            str(file),
            "--every-seconds",
            "0.05",
        ]
        watch = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until(lambda: "contenu illisible" in log.read_text("utf-8"), 60)
        Outbox(passages).add(FACT, ("mail",), datetime.now(UTC))
        wait_until(lambda: postman.received, 30)
    finally:
        watch.send_signal(signal.SIGTERM)
        assert watch.wait(20) == 0
    lines = log.read_text("utf-8").splitlines()
    assert lines[0].startswith("Surveillance de ")
    assert sum("contenu illisible" in line for line in lines) == 1
    assert lines[-1] == "Surveillance arrêtée."
