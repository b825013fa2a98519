"""The outbox on disk: an alert once, whoever is killed, however many send."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.delivery import State
from nonreg.alerts.facts import Fact, Kind
from nonreg.alerts.mail import MailChannel
from nonreg.alerts.outbox import Outbox, file_name
from nonreg.errors import ConfigError
from nonreg.waiting import wait_until
from tests.alert_receivers import STEPS, Postman, start_smtp, wait_for_step
from tests.test_alerts_mail import FACT, settings_for

ROOT = Path(__file__).parent.parent


def write_settings(folder: Path, port: int, timeout_seconds: float = 30.0) -> Path:
    file = folder / "alertes.toml"
    file.write_text(
        f'runs_dir = "passages"\n[mail]\nhost = "127.0.0.1"\nport = {port}\nsecurity = "aucune"\n'
        f'sender = "nonreg@exemple.invalid"\nrecipients = ["titulaire@exemple.invalid"]\n'
        f"timeout_seconds = {timeout_seconds}\n",
        encoding="utf-8",
    )
    return file


def start_check(settings: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "nonreg.alerts", "check", "--settings", str(settings)],
        cwd=ROOT,
        env={**{k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}, "PYTHONUTF8": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_check(settings: Path) -> str:
    process = start_check(settings)
    output, _ = process.communicate(timeout=60)
    return output


@given(st.text(), st.text())
def test_different_facts_have_different_files_with_plain_names(one: str, other: str) -> None:
    assert (file_name(one) == file_name(other)) == (one == other)
    assert file_name(one).isascii()
    assert "/" not in file_name(one)
    assert not file_name(one).startswith(".")
    assert len(file_name(one)) < 120


def test_a_fact_makes_one_alert_whoever_sees_it_and_however_often(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    gate = threading.Barrier(8)

    def add(number: int) -> bool:
        gate.wait()
        return Outbox(tmp_path).add(replace(FACT, text=f"vu par {number}"), ("mail",), now)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(add, range(8)))
    assert sum(made) == 1
    assert [alert.fact.key for alert in Outbox(tmp_path).list_alerts()] == [FACT.key]


def test_senders_at_once_send_one_mail(tmp_path: Path) -> None:
    postman = Postman(hangs="DATA")
    outbox = Outbox(tmp_path)
    outbox.add(FACT, ("mail",), datetime.now(UTC))
    with start_smtp(postman) as port:
        channels = (MailChannel(settings_for(port, timeout_seconds=30.0)),)
        with ThreadPoolExecutor(4) as pool:
            senders = [pool.submit(Outbox(tmp_path).deliver, channels, datetime.now(UTC)) for _ in range(4)]
            # Those that find it taken come back at once, while the first still waits for its answer.
            wait_until(lambda: sum(sender.done() for sender in senders) == 3, 20)
            postman.hangs = ""
            told = [one for sender in senders for one in sender.result()]
    assert [one.standing.state for one in told] == [State.DELIVERED]
    assert len(postman.received) == 1


@pytest.mark.parametrize("step", STEPS)
def test_a_sender_killed_at_any_step_never_makes_two_mails_nor_loses_one_unsaid(
    tmp_path: Path, step: str
) -> None:
    postman = Postman(hangs=step)
    Outbox(tmp_path / "passages").add(FACT, ("mail",), datetime.now(UTC))
    with start_smtp(postman) as port:
        settings = write_settings(tmp_path, port)
        killed = start_check(settings)
        wait_for_step(postman, step)
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=20)
        postman.hangs = ""
        said = run_check(settings)
        again = run_check(settings)
    assert len(postman.received) == 1
    if step == "DATA":
        assert "mail, issue inconnue — KO — NUIT" in said
        assert "le processus s'est arrêté pendant la remise, avant la réponse." in said
    else:
        assert "mail, transmise — KO — NUIT" in said
    assert "NUIT" not in again.replace("Nouvelle alerte (aucun canal)", "").split("Alerte peut-être")[0]


def test_a_sender_killed_after_the_handing_over_that_the_server_did_not_take_says_so(tmp_path: Path) -> None:
    postman = Postman(hangs="DATA", accepts=False)
    Outbox(tmp_path / "passages").add(FACT, ("mail",), datetime.now(UTC))
    with start_smtp(postman) as port:
        settings = write_settings(tmp_path, port)
        killed = start_check(settings)
        wait_for_step(postman, "DATA")
        killed.send_signal(signal.SIGKILL)
        killed.communicate(timeout=20)
        postman.hangs, postman.accepts = "", True
        assert "issue inconnue" in run_check(settings)
        run_check(settings)
    assert postman.received == []  # lost perhaps, and told: never twice


def test_a_refused_mail_waits_and_goes_when_the_server_is_back(tmp_path: Path) -> None:
    outbox, now = Outbox(tmp_path), datetime.now(UTC)
    outbox.add(FACT, ("mail",), now)
    postman = Postman(answers={"RCPT": "450 4.7.1 later"})
    with start_smtp(postman) as port:
        channels = (MailChannel(settings_for(port)),)
        (told,) = outbox.deliver(channels, now)
        assert told.standing.state is State.WAITING
        assert "refus 450" in str(told)
        postman.answers.clear()
        assert outbox.deliver(channels, datetime.now(UTC)) == ()
        (told,) = outbox.deliver(channels, datetime.now(UTC) + timedelta(minutes=2))
        assert told.standing.state is State.DELIVERED
    assert len(postman.received) == 1


def test_a_secret_that_is_nowhere_is_a_refusal_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NONREG_SMTP_PASSWORD", raising=False)
    outbox, now = Outbox(tmp_path), datetime.now(UTC)
    outbox.add(FACT, ("mail",), now)
    settings = settings_for(1, user="alertes", password_env="NONREG_SMTP_PASSWORD")
    (told,) = outbox.deliver((MailChannel(settings),), now)
    assert told.standing.state is State.WAITING
    assert "Le secret NONREG_SMTP_PASSWORD est absent" in told.standing.detail


def test_a_torn_last_line_of_a_journal_is_as_if_it_had_not_been_written(tmp_path: Path) -> None:
    outbox, now = Outbox(tmp_path), datetime.now(UTC)
    outbox.add(FACT, ("mail",), now)
    (alert,) = outbox.list_alerts()
    journal = outbox.folder / f"{alert.name}.mail.jsonl"
    lines = [json.dumps({"step": step, "at": now.isoformat()}) for step in ("essai", "remise")]
    journal.write_text("\n".join(lines)[:-4], encoding="utf-8")
    assert outbox.standing(alert, "mail", now).state is State.DUE
    postman = Postman()
    with start_smtp(postman) as port:
        outbox.deliver((MailChannel(settings_for(port)),), now)
    assert outbox.standing(alert, "mail", now).state is State.DELIVERED


def test_an_alert_that_cannot_be_read_is_told_and_the_others_go(tmp_path: Path) -> None:
    outbox, now = Outbox(tmp_path), datetime.now(UTC)
    outbox.add(FACT, ("mail",), now)
    (outbox.folder / "abime.json").write_text("{", encoding="utf-8")
    problems: list[str] = []
    assert [alert.fact for alert in outbox.list_alerts(problems)] == [FACT]
    assert [problem.split(" : ")[1][:17] for problem in problems] == ["contenu illisible"]


def test_what_did_not_leave_is_known_but_not_of_alerts_about_the_outbox_itself(tmp_path: Path) -> None:
    outbox, now = Outbox(tmp_path), datetime.now(UTC)
    outbox.add(FACT, ("mail", "webhook"), now)
    outbox.add(Fact("boite-d-envoi/mail/x", Kind.OUTBOX, "", "s", "t", "w", "", now), ("webhook",), now)
    assert {(one.channel, one.key) for one in outbox.list_undelivered(now)} == {
        ("mail", FACT.key),
        ("webhook", FACT.key),
    }


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "alertes").write_text("un fichier à la place du dossier", encoding="utf-8")
    with pytest.raises(Exception, match="impossible à ouvrir") as caught:
        Outbox(tmp_path).add(FACT, ("mail",), datetime.now(UTC))
    assert not isinstance(caught.value, ConfigError)
