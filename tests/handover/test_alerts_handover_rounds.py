"""Rounds of the watch over a governed platform's handover, with a real mail server: each fact arrives once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.alerts.patrol import make_round
from nonreg.alerts.settings import AlertSettings, WebhookSettings, load_settings
from nonreg.errors import ConfigError
from tasks.handover_work import make_work
from tasks.readiness import keep_readiness, measure_readiness
from tests.alert_receivers import Postman, start_hook, start_smtp
from tests.governed import Governed
from tests.handover.executions import AT, MOA, TECHNIQUE, TITULAIRE, Played, make_played
from tests.test_alerts_mail import settings_for
from tests.test_alerts_rounds import settings_of

DUE = datetime(2026, 12, 2, 9, 0, tzinfo=UTC)  # two working days after Monday 30/11, 10:00 in Paris


@pytest.fixture
def postman() -> Postman:
    return Postman()


@pytest.fixture
def played(tmp_path: Path) -> Played:
    return make_played(tmp_path)


@pytest.fixture
def settings(played: Played, postman: Postman) -> Iterator[AlertSettings]:
    with start_smtp(postman) as port:
        yield settings_of(
            played.governed.runs_dir, settings_for(port), platforms=(str(played.governed.platform_file),)
        )


def subjects(postman: Postman) -> list[str]:
    return [str(one["Subject"]).removeprefix("[AQUARÉEL] ") for one in postman.mails()]


def start(played: Played, **more: object) -> None:
    execution = played.open(**more)
    played.answer(execution, "O0", TITULAIRE, demande_le="30/11/2026 10:00")


def test_an_execution_is_told_of_before_and_after_its_deadline_once_each(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    start(played)
    for hours in (-40, -20, -19, 1, 2):
        assert make_round(settings, None, DUE + timedelta(hours=hours)).problems == ()
    about = f"48 h ouvrées, Intégration d'essai ({TECHNIQUE})"
    told = [f"Échéance dans moins de 24 h — {about}", f"Échéance dépassée — {about}"]
    # The library may lose a blank where it folds a long header.
    assert ["".join(one.split()) for one in subjects(postman)] == ["".join(one.split()) for one in told]
    text = postman.mails()[0].get_content()
    assert "Lecture en jours ouvrés : 02/12/2026 à 10:00" in text
    assert "À faire" in text


def test_a_rehearsal_and_an_execution_that_was_given_up_are_told_to_nobody(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    start(played, rehearsal=True)
    execution = played.open()
    execution = played.answer(execution, "O0", TITULAIRE, demande_le="30/11/2026 10:00")
    played.journal.close(execution, TITULAIRE, AT + timedelta(hours=2), "le titulaire revient")
    make_round(settings, None, DUE + timedelta(hours=1))
    assert subjects(postman) == []


def test_a_contract_near_its_end_arrives_by_mail_and_by_webhook(
    played: Played, postman: Postman, settings: AlertSettings
) -> None:
    file = played.governed.governance / "people.toml"
    file.write_text(
        file.read_text("utf-8").replace("contract_until = 2035-12-31", "contract_until = 2026-12-18", 1),
        encoding="utf-8",
    )
    with start_hook() as hook:
        both = settings_of(
            played.governed.runs_dir,
            settings.mail,
            platforms=settings.platforms,
            webhook=WebhookSettings(hook.url),
        )
        for hours in (0, 1):
            make_round(both, None, AT + timedelta(hours=hours))
        assert len(hook.posts) == 1
    assert subjects(postman) == [f"Échéance dans moins de 20 jours ouvrés — Contrat de {TECHNIQUE}"]


def test_a_handover_that_is_not_ready_is_told_once_whatever_the_number_of_nights(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    work = make_work(str(played.governed.platform_file), played.governed.runs_dir)
    for days in range(3):
        at = AT + timedelta(days=days)
        keep_readiness(work, measure_readiness(work, at))
        make_round(settings, None, at + timedelta(minutes=1))
    (subject,) = subjects(postman)
    assert subject.startswith("NON PRÊT, ")
    assert "jamais" in postman.mails()[0].get_content().lower()


def test_an_execution_whose_folder_was_lost_is_a_problem_that_hides_nothing_else(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    lost = played.open()
    start(played)
    (played.journal.folder(lost.id) / "runbook.json").unlink()
    done = make_round(settings, None, DUE + timedelta(hours=1))
    assert any("runbook.json" in one for one in done.problems)
    assert len(subjects(postman)) == 1


def test_a_broken_ledger_is_a_problem_and_contracts_are_told_all_the_same(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    start(played)
    text = played.journal.file.read_text("utf-8")
    played.journal.file.write_text(text.replace("AQ-7", "AQ-8"), encoding="utf-8")
    file = played.governed.governance / "people.toml"
    file.write_text(
        file.read_text("utf-8").replace("contract_until = 2035-12-31", "contract_until = 2026-11-30"),
        encoding="utf-8",
    )
    done = make_round(settings, None, DUE + timedelta(hours=1))
    assert any("registre" in one.lower() for one in done.problems)
    assert len(subjects(postman)) == 2  # both renforts


def test_a_week_that_nobody_follows_is_told_once_and_an_answer_ends_it(
    played: Played, settings: AlertSettings, postman: Postman
) -> None:
    execution = played.open()
    for days in (0, 7, 9, 10):
        make_round(settings, None, AT + timedelta(days=days))
    assert subjects(postman) == ["Suivi interrompu depuis plus de 8 jours — embarquee"]
    at = AT + timedelta(days=11)
    played.answer(execution, "O0", TITULAIRE, at, demande_le="11/12/2026 09:00")
    played.journal.suspend(execution, "en attente", MOA, at)
    make_round(settings, None, at + timedelta(days=7))
    assert len(subjects(postman)) == 1


def test_platforms_of_the_settings_are_files_beside_them_or_names(governed: Governed) -> None:
    file = governed.root / "alertes.toml"
    mail = '[mail]\nhost = "127.0.0.1"\nport = 2525\nsender = "a@exemple.invalid"\nrecipients = ["b@exemple.invalid"]\n'
    head = 'runs_dir = "passages"\nplatforms = ["plateforme.toml"]\n'
    file.write_text(head + mail, encoding="utf-8")
    settings = load_settings(file)
    assert settings.platforms == ("plateforme.toml",)
    assert make_round(settings, None, AT).problems == ()
    file.write_text(head.replace("plateforme.toml", "autre.toml") + mail, encoding="utf-8")
    (problem, *_) = make_round(load_settings(file), None, AT).problems
    assert "autre.toml" in problem
    file.write_text("follow_up_days = 0\n" + mail, encoding="utf-8")
    with pytest.raises(ConfigError, match="follow_up_days"):
        load_settings(file)
