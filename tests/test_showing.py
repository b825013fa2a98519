"""What is shown in Prefect holds no secret, and never fails what it shows; no server here."""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nonreg.config import load_platform
from nonreg.errors import ConfigError, NonregError
from nonreg.masking import NO_SECRET_KNOWN
from nonreg.model import Basis
from reports.artifacts import Links
from tasks import showing
from tasks.campaign import show_published
from tasks.platform_state import read_state
from tasks.recovery import heal_platform
from tests.governed import Governed, publish_run
from tests.report_samples import green_report

PASSWORD = "Tr0ub4dor*_|ét&3"


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> showing.Screen:
    """A screen of the test's own, before a server that refuses everything."""
    found = showing.Screen()
    monkeypatch.setattr(showing, "SCREEN", found)

    def refuse() -> None:
        raise httpx.ConnectError("personne")

    monkeypatch.setattr(showing, "ask_server", refuse)
    return found


@pytest.fixture
def kept(screen: showing.Screen, governed: Governed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Governed]:
    """The platform's secrets are known; what that changes in the loggers is undone."""
    monkeypatch.setenv("AQ_READER_PASSWORD", PASSWORD)
    before = {handler: handler.filters[:] for handler in showing.list_handlers()}
    showing.keep_secrets_of(governed.platform)
    yield governed
    for handler, filters in before.items():
        handler.filters[:] = filters


def shown(screen: showing.Screen) -> str:
    found = [one for one in screen.waiting if isinstance(one, showing.Artifact)]
    return "\n".join(f"{one.data} {one.description}" for one in found)


@pytest.mark.usefixtures("kept")
def test_no_text_cell_or_description_that_is_shown_holds_a_secret_of_the_platform(
    screen: showing.Screen,
) -> None:
    showing.show_markdown("a", f"mot {PASSWORD} fin", f"{PASSWORD}")
    showing.show_table("b", [{"c": f"mot {PASSWORD} fin"}], "table")
    bar = showing.show_progress("d", f"{PASSWORD}")
    showing.move_progress(bar, 1.0, f"à {PASSWORD}")
    assert PASSWORD not in shown(screen)
    assert json.dumps(PASSWORD)[1:-1] not in shown(screen)
    assert shown(screen).count("***") == 4


def test_a_recovery_knows_the_secrets_of_the_platform_that_it_heals(
    kept: Governed, screen: showing.Screen
) -> None:
    screen.secrets.clear()
    screen.mask = NO_SECRET_KNOWN
    assert heal_platform(str(kept.platform_file)) == ()
    assert showing.redact(PASSWORD) == "***"


def test_a_reason_makes_no_link_in_what_stands_over_a_verdict(screen: showing.Screen, tmp_path: Path) -> None:
    report = green_report()
    assessment = dataclasses.replace(report.assessment, reasons=("Voir [ici](javascript:a) <b>",))
    folder = tmp_path / report.run.plan.run_id
    show_published(folder, dataclasses.replace(report, assessment=assessment), Links(folder))
    assert r"Voir \[ici\](javascript:a) \<b\>" in shown(screen)
    assert "Voir [ici]" not in shown(screen)


@pytest.mark.usefixtures("kept")
def test_a_secret_in_a_judgement_is_gone_before_it_is_cut_or_escaped() -> None:
    report = green_report()
    assessment = dataclasses.replace(report.assessment, reasons=(f"échec avec {PASSWORD}",))
    clean = showing.clean_report(dataclasses.replace(report, assessment=assessment))
    assert clean.assessment.reasons == ("échec avec ***",)


@pytest.mark.usefixtures("kept")
def test_the_error_of_a_stage_reaches_its_state_without_secrets() -> None:
    with (
        pytest.raises(NonregError, match=r"postgresql://lecteur:\*\*\*@hote/base") as caught,
        showing.clean_errors(),
    ):
        raise RuntimeError(f"refus de postgresql://lecteur:{PASSWORD}@hote/base")
    assert caught.value.__cause__ is None
    with pytest.raises(ConfigError, match="clé absente"), showing.clean_errors():
        raise ConfigError("clé absente")


@pytest.mark.usefixtures("kept")
def test_a_log_line_and_its_traceback_are_written_without_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.StreamHandler()
    handler.addFilter(showing.Redacting())
    logger = logging.Logger("essai")
    logger.addHandler(handler)
    try:
        raise RuntimeError(f"refus, {PASSWORD}")
    except RuntimeError:
        logger.exception("avec %s", PASSWORD)
    written = capsys.readouterr().err
    assert PASSWORD not in written
    assert "avec ***" in written
    assert "RuntimeError: refus, ***" in written


@pytest.mark.usefixtures("screen")
def test_handlers_get_one_filter_however_many_campaigns_a_process_runs(governed: Governed) -> None:
    handler = logging.StreamHandler()
    logging.getLogger("prefect.essai").addHandler(handler)
    try:
        showing.keep_secrets_of(governed.platform)
        showing.keep_secrets_of(governed.platform)
        assert [type(found) for found in handler.filters] == [showing.Redacting]
    finally:
        logging.getLogger("prefect.essai").removeHandler(handler)


def test_secrets_of_our_own_environment_are_known_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", "equipe:Sesame-42")
    monkeypatch.setenv("NONREG_SMTP_PASSWORD", "Courrier-42")
    monkeypatch.setenv("NONREG_HISTORY_URL", "postgresql://histoire:Passe-42@hote/base")
    monkeypatch.setenv("ESSAI_PASSWORD", "court")
    found = showing.list_own_secrets()
    assert {"equipe:Sesame-42", "Sesame-42", "Courrier-42", "Passe-42"} <= found
    assert "court" not in found


def test_the_key_of_an_artifact_names_the_platform_in_letters_digits_and_dashes() -> None:
    plan = green_report().run.plan
    named = [
        dataclasses.replace(plan, platform=dataclasses.replace(plan.platform, name=name))
        for name in ("embarquee", "Plateforme d'Essai n° 2 (été)", "平台")
    ]
    assert [showing.artifact_key("etat", one) for one in named] == [
        "etat-embarquee",
        "etat-plateforme-d-essai-n-2-ete",
        "etat-plateforme",
    ]


def test_a_bar_that_did_not_move_is_not_sent_again(screen: showing.Screen) -> None:
    bar = showing.show_progress("a", "rien")
    screen.waiting.clear()
    showing.move_progress(bar, 0.0, "rien")
    assert screen.waiting == []
    showing.move_progress(bar, 0.0, "autre")
    assert screen.waiting == [bar]


def test_a_mistake_in_what_is_shown_is_told_and_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with showing.never_failing():
        raise KeyError("faute")
    assert "Tout n'a pas pu être montré dans Prefect" in caplog.text


def test_links_go_to_the_folder_below_the_stated_address(
    governed: Governed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NONREG_REPORTS_URL", "https://rapports.exemple/runs/")
    runs = governed.runs_dir
    platform = load_platform(str(governed.platform_file))
    assert showing.find_links(platform, runs / "P 1").report == "https://rapports.exemple/runs/P%201"
    decision = showing.find_links(platform, runs / "interventions" / "I-1")
    assert decision.report == "https://rapports.exemple/runs/interventions/I-1"
    monkeypatch.delenv("NONREG_REPORTS_URL")
    assert showing.find_links(platform, runs / "P").report == ""


def test_a_patience_that_is_no_number_is_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for given, expected in (
        ("0", 0.0),
        ("1.5", 1.5),
        *((wrong, showing.PATIENCE_SECONDS) for wrong in ("-3", "inf", "nan", "beaucoup")),
    ):
        monkeypatch.setenv(showing.PATIENCE_VARIABLE, given)
        assert showing.read_patience() == expected


def test_the_state_of_a_platform_holds_the_campaign_that_was_just_published(governed: Governed) -> None:
    run_dir = publish_run(governed, "P-1")
    report = green_report()
    plan = dataclasses.replace(report.run.plan, platform=governed.platform.identity())
    report = dataclasses.replace(report, run=dataclasses.replace(report.run, plan=plan), basis=Basis())
    later = report.generated_at.replace(year=2100)
    state = read_state(run_dir.parent, report, later)
    assert len(state.history.runs) == 1
    assert state.unknown == ()


def test_a_ledger_and_a_history_that_cannot_be_read_are_named_in_the_state(
    governed: Governed, tmp_path: Path
) -> None:
    runs = tmp_path / "abimes"
    runs.mkdir()
    (runs / "registre.jsonl").write_text("{}\n", encoding="utf-8")
    (runs / "history.sqlite").write_text("rien de tel", encoding="utf-8")
    report = green_report()
    state = read_state(runs, report, report.generated_at)
    assert [one.split(" (")[0] for one in state.unknown] == ["historique", "registre"]
