"""What is worth an alert, and what its words are."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.alerts.deadlines import read_deadlines
from nonreg.alerts.facts import (
    Deadline,
    RecoverySeen,
    Undelivered,
    WorkerSeen,
    go_back_working_days,
    tell_deadlines,
    tell_recovery,
    tell_server,
    tell_undelivered,
    tell_verdict,
    tell_worker,
)
from nonreg.errors import ConfigError
from nonreg.model import Change, Verdict
from tests.report_samples import green_report, interrupted_report, rich_report

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
RUN = Path("/passages/passage-1")
DEADLINE = Deadline("mobilisation", "Renfort mobilisable", NOW, "renfort-1", "AQ-12", (72.0, 24.0))


def heartbeat(seconds_ago: float, name: str = "travailleur-1") -> WorkerSeen:
    return WorkerSeen(name, NOW - timedelta(seconds=seconds_ago))


def test_a_ko_tells_its_reasons_what_regressed_where_the_report_is_and_what_to_do() -> None:
    report = rich_report()
    fact = tell_verdict(
        report, "NUIT 2026-11-23 essai v5.2.0", RUN, "nuit", "https://nonreg.exemple/passages"
    )
    assert fact is not None
    assert fact.subject == "KO — NUIT 2026-11-23 essai v5.2.0"
    assert fact.key == f"verdict/{report.run.plan.platform.name}/{report.run.plan.run_id}"
    assert all(reason in fact.text for reason in report.assessment.reasons[:2])
    for found in report.assessment.findings:
        if found.change is Change.REGRESSION:
            assert f"{found.scenario_id} " in fact.text
    assert "/passages/passage-1/report.html" in fact.text
    assert "https://nonreg.exemple/passages/passage-1/report.html" in fact.text
    assert report.run.plan.ticket in fact.what_to_do
    assert "python -m nonreg waive" in fact.what_to_do


def test_an_incomplete_campaign_asks_to_make_it_possible_and_to_start_it_again() -> None:
    fact = tell_verdict(interrupted_report(), "", RUN, "nuit")
    assert fact is not None
    assert fact.subject.startswith("INCOMPLET — ")
    assert "relancez la campagne (déploiement « nuit »)" in fact.what_to_do


@pytest.mark.parametrize("verdict", [Verdict.OK, Verdict.OK_AVEC_RESERVES])
def test_a_campaign_that_passed_alerts_nobody(verdict: Verdict) -> None:
    report = green_report()
    report = replace(report, assessment=replace(report.assessment, verdict=verdict))
    assert tell_verdict(report, "NUIT", RUN, "nuit") is None


def test_long_lists_are_cut_and_nothing_secret_leaves() -> None:
    report = rich_report()
    reasons = ("password=hunter2 sur 10.1.2.3:5432", *(f"motif n° {number}" for number in range(30)))
    report = replace(report, assessment=replace(report.assessment, reasons=reasons))
    fact = tell_verdict(report, "NUIT", RUN, "nuit")
    assert fact is not None
    assert "hunter2" not in fact.text
    assert "10.1.2.3" not in fact.text
    assert "motif n° 8" in fact.text
    assert "motif n° 9" not in fact.text
    assert "… et 21 autres" in fact.text


def test_the_key_of_a_verdict_judged_again_is_the_same() -> None:
    report = rich_report()
    again = replace(report, generated_at=report.generated_at + timedelta(days=1))
    first, second = tell_verdict(report, "NUIT", RUN, "nuit"), tell_verdict(again, "NUIT", RUN, "nuit")
    assert first is not None
    assert second is not None
    assert first.key == second.key


def test_a_worker_that_is_alive_alerts_nobody() -> None:
    assert tell_worker("aquareel", (heartbeat(119), heartbeat(9999)), 1, 120, NOW, NOW) is None


def test_a_silent_worker_is_one_fact_as_long_as_it_is_silent() -> None:
    first = tell_worker("aquareel", (heartbeat(121),), 1, 120, NOW, NOW)
    later = tell_worker("aquareel", (heartbeat(121),), 1, 120, NOW + timedelta(hours=1), NOW)
    assert first is not None
    assert later is not None
    assert first.key == later.key == "travailleur/aquareel/20261123T055759Z"
    assert "0 travailleur en vie, il en faut 1" in first.text
    assert "Dernier signe de « travailleur-1 »" in first.text
    gone_again = tell_worker(
        "aquareel", (heartbeat(300), heartbeat(121)), 1, 120, NOW + timedelta(hours=1), NOW
    )
    assert gone_again == later  # an older one changes nothing


def test_too_few_workers_and_a_pool_that_never_had_any_are_told() -> None:
    two = tell_worker("aquareel", (heartbeat(10), heartbeat(500, "travailleur-2")), 2, 120, NOW, NOW)
    assert two is not None
    assert "(1 en vie sur 2)" in two.subject
    assert "Les campagnes planifiées partent" in two.text
    second = tell_worker("aquareel", (heartbeat(10),), 2, 120, NOW, NOW)
    assert second is not None
    assert "Les autres ne se sont jamais annoncés." in second.text
    never = tell_worker("aquareel", (), 1, 120, NOW, NOW)
    assert never is not None
    assert never.key == "travailleur/aquareel/jamais/20261123T060000Z"
    assert "aucune campagne planifiée ne part" in never.text


def test_a_server_is_told_of_once_its_silence_lasts() -> None:
    since = NOW - timedelta(seconds=300)
    assert tell_server(since, "refus", 301, NOW) is None
    fact = tell_server(since, "refus", 300, NOW)
    assert fact is not None
    assert fact.key == "serveur/20261123T055500Z"


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), st.booleans())
def test_a_recovery_that_failed_is_told_once_a_day_in_paris_and_one_that_went_well_never(
    ended: datetime, has_failed: bool
) -> None:
    at = ended.replace(tzinfo=UTC)
    last = RecoverySeen("essai", "REPRISE", has_failed, "HD-024 : hôte injoignable", at)
    fact = tell_recovery(last, at + timedelta(hours=1))
    assert (fact is not None) is has_failed
    if fact is not None:
        assert fact.key == f"reprise/essai/{at.astimezone(ZoneInfo('Europe/Paris')).date()}"
        assert "HD-024 : hôte injoignable" in fact.text
    assert tell_recovery(last, at + timedelta(days=8)) is None
    assert tell_recovery(None, at) is None


def waiting(
    minutes: float, unknown: bool = False, key: str = "verdict/essai/1", channel: str = "mail"
) -> Undelivered:
    since = NOW - timedelta(minutes=minutes)
    return Undelivered(channel, key, "KO — NUIT", since, "connexion refusée", unknown)


def test_a_channel_that_keeps_alerts_too_long_is_told_once_by_its_oldest() -> None:
    facts = tell_undelivered((waiting(59), waiting(90, key="b"), waiting(61, key="c")), 3600, NOW)
    (fact,) = facts
    assert fact.key == "boite-d-envoi/mail/20261123T043000Z"
    assert "2 alertes attendent" in fact.text
    assert "connexion refusée" in fact.text
    assert tell_undelivered((waiting(59),), 3600, NOW) == ()
    assert tell_undelivered((waiting(60 * 24 * 8),), 3600, NOW) == ()


def test_an_alert_whose_outcome_nobody_knows_is_told_at_once() -> None:
    (fact,) = tell_undelivered((waiting(1, unknown=True),), 3600, NOW)
    assert fact.key == "boite-d-envoi/mail/inconnu/verdict/essai/1"
    assert "Elle ne sera pas renvoyée" in fact.text


def test_an_alert_that_was_given_up_is_told_by_itself() -> None:
    (fact,) = tell_undelivered((replace(waiting(60 * 24 * 3), abandoned=True),), 3600, NOW)
    assert fact.key == "boite-d-envoi/mail/abandon/verdict/essai/1"
    assert "refuse cette alerte depuis le 20/11/2026 à 07:00" in fact.text
    assert "Elle ne sera plus envoyée." in fact.text


@pytest.mark.parametrize(
    ("hours_left", "mark"),
    [(73, None), (72, "72h"), (24.1, "72h"), (24, "24h"), (0.1, "24h"), (0, "0"), (-100, "0"), (-169, None)],
)
def test_only_the_nearest_threshold_that_was_crossed_is_told(hours_left: float, mark: str | None) -> None:
    facts = tell_deadlines((replace(DEADLINE, at=NOW + timedelta(hours=hours_left)),), "essai", NOW)
    assert [fact.key.rsplit("/", 1)[1] for fact in facts] == ([mark] if mark else [])


@given(st.lists(st.floats(0, 200), min_size=1, max_size=8))
def test_a_deadline_told_at_any_rounds_is_told_at_most_once_a_threshold(hours: list[float]) -> None:
    due = replace(DEADLINE, at=NOW + timedelta(hours=100))
    keys = [
        fact.key
        for passed in sorted(hours)
        for fact in tell_deadlines((due,), "essai", NOW + timedelta(hours=passed))
    ]
    assert len(set(keys)) <= 3
    marks = [key.rsplit("/", 1)[1] for key in dict.fromkeys(keys)]
    assert marks == sorted(marks, key=["72h", "24h", "0"].index)


def test_working_days_before_a_monday_step_over_the_week_end_and_holidays() -> None:
    monday = datetime(2026, 12, 28, 8, 0, tzinfo=UTC)  # 25 December 2026 is a Friday
    assert go_back_working_days(monday, 1) == datetime(2026, 12, 24, 8, 0, tzinfo=UTC)
    due = replace(DEADLINE, at=monday, thresholds_hours=(), thresholds_working_days=(1,))
    assert tell_deadlines((due,), "essai", datetime(2026, 12, 24, 7, 59, tzinfo=UTC)) == ()
    (fact,) = tell_deadlines((due,), "essai", datetime(2026, 12, 24, 8, 0, tzinfo=UTC))
    assert fact.key.endswith("/1jo")
    assert "dans moins de 1 jour ouvré" in fact.subject


ENTRY = """[[deadlines]]
id = "mobilisation"
title = "Renfort mobilisable"
at = 2026-12-01T09:00:00+01:00
person = "renfort-technique-1"
ticket = "AQ-12"
"""
WAIVER = """[[waivers]]
scenario = "HD-005"
reason = "En attente du correctif"
ticket = "AQ-7"
owner = "titulaire-1"
decision = "D-0123456789ab"
expires = 2026-12-31T18:00:00+01:00
"""


def test_deadlines_are_those_of_the_file_and_the_expiry_of_waivers(tmp_path: Path) -> None:
    assert read_deadlines(tmp_path, (24.0,)) == ()
    (tmp_path / "deadlines.toml").write_text(ENTRY + "thresholds_working_days = [2]\n", encoding="utf-8")
    (tmp_path / "waivers.toml").write_text(WAIVER, encoding="utf-8")
    first, waiver = read_deadlines(tmp_path, (24.0,))
    assert (first.thresholds_hours, first.thresholds_working_days) == ((24.0,), (2,))
    (fact,) = tell_deadlines((waiver,), "essai", waiver.at - timedelta(hours=1))
    assert fact.subject == "Échéance dans moins de 24 h — Dérogation de HD-005"
    assert "AQ-7" in fact.what_to_do
    renewed = WAIVER.replace("0123456789ab", "ba9876543210").replace("2026-12-31", "2027-03-31")
    (tmp_path / "waivers.toml").write_text(WAIVER + renewed, encoding="utf-8")
    _, later = read_deadlines(tmp_path, (24.0,))
    assert later.at.year == 2027  # the one before has nothing to end any more


def test_the_same_deadline_of_two_platforms_is_told_for_each() -> None:
    keys = {
        fact.key for platform in ("essai", "secours") for fact in tell_deadlines((DEADLINE,), platform, NOW)
    }
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (ENTRY + "couleur = 1\n", "clé inconnue « couleur »"),
        (ENTRY.replace("+01:00", ""), "avec leur fuseau"),
        (ENTRY.replace('"AQ-12"', '"?"'), "ticket mal formée"),
        (ENTRY.replace('"renfort-technique-1"', '""'), "clé « person » absente ou vide"),
        (ENTRY + "thresholds_hours = [-1]\n", "une liste d'heures est attendue"),
        (ENTRY + "thresholds_working_days = [1.5]\n", "une liste de nombres de jours ouvrés"),
        (ENTRY + ENTRY, "deux échéances ont l'identifiant « mobilisation »"),
        ("autre = 1\n", "seules des tables [[deadlines]]"),
    ],
)
def test_a_wrong_deadline_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    (tmp_path / "deadlines.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        read_deadlines(tmp_path, (24.0,))
    assert sentence in str(caught.value)
