"""What a site declares for its indicators, and what its packs make worth an alert."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.alerts.continuity import tell_gap
from nonreg.alerts.facts import Kind
from nonreg.alerts.steering import tell_packs
from nonreg.errors import ConfigError
from nonreg.handover.ticket_history import describe
from nonreg.ledger import LedgerEntry
from nonreg.model.steering import Severity
from nonreg.steering.pack import KIND
from nonreg.steering.settings import CONTRACT, SteeringSettings, Until, load_steering
from nonreg.tracker.collect import Words, collect_entry
from tests.handover.prepared import EMBEDDED

NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=300)


def load(tmp_path: Path, text: str) -> SteeringSettings:
    (tmp_path / "steering.toml").write_text(text, encoding="utf-8")
    return load_steering(tmp_path)


def test_without_a_file_nothing_is_classed_and_the_delays_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load_steering(tmp_path)
    assert settings.delays == CONTRACT
    assert settings.class_severity("Urgente", "Anomalie") is Severity.UNKNOWN
    assert settings.class_kind("Anomalie") == "non classé"
    assert (settings.forfait.days, settings.forfait.alert_percent) == (15, 80)


def test_the_file_of_the_embedded_platform_is_sound_and_a_delay_may_be_agreed_otherwise(
    tmp_path: Path,
) -> None:
    assert load_steering(EMBEDDED).class_severity("Normale", "Anomalie") is Severity.MINOR
    text = '[[delays]]\nname = "Urgence"\nseverities = ["urgente"]\nuntil = "clôture"\nworking_days = 3\n'
    (rule,) = load(tmp_path, text).delays
    assert (rule.until, rule.working_days) == (Until.CLOSING, 3)


RULE = '[[delays]]\nname = "Urgence"\nseverities = ["urgente"]\nuntil = "clôture"\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[severities]\n"Haute" = "grave"\n', "severities"),
        ('[severities]\n"Haute" = "non classé"\n', "ne se déclare pas"),
        ("[forfait]\ndays = 0\n", "jours et des heures par jour positifs"),
        ("[forfait]\njours = 15\n", "jours"),
        ("[forfait]\nalert_percent = 120\n", "alert_percent"),
        ("[copil]\nmonths = 0\n", "de 1 à 12"),
        ("[watch]\nweekly_days = 0\n", "table [watch]"),
        (RULE, "un seul de working_days, days ou months"),
        (f"{RULE}working_days = 1\ndays = 2\n", "un seul de working_days, days ou months"),
        (f"{RULE}days = 1\n{RULE}days = 2\n", "deux délais ont le nom « Urgence »"),
        ('[kinds]\n"Anomalie" = " "\n', "un type vide"),
        ("[ailleurs]\n", "ailleurs"),
    ],
)
def test_a_wrong_file_is_one_french_sentence_that_names_it(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=r"steering\.toml") as caught:
        load(tmp_path, text)
    assert sentence in str(caught.value)


def line(
    at: datetime, percent: int | None = None, meeting: str = "hebdo", year: str = "2026-01-01"
) -> LedgerEntry:
    forfait = None if percent is None else {"year": year, "percent": percent, "alert_percent": 80}
    data: Mapping[str, object] = {
        "pack": f"{meeting.upper()}-1",
        "meeting": meeting,
        "forfait": forfait,
        "warnings": ["Forfait support consommé à 83 % (seuil 80 %)."] if percent else [],
    }
    return LedgerEntry(2, at, KIND, "essai", "", "AQ-7", data, "", "a" * 64)


def keys(*entries: LedgerEntry, now: datetime = NOW, since: datetime = LONG_AGO) -> list[str]:
    return [one.key for one in tell_packs("essai", entries, 8, since, now)]


def test_a_word_that_is_declared_in_two_ways_is_refused(tmp_path: Path) -> None:
    for table in ("severities", "kinds"):
        text = f'[{table}]\n"Haute" = "majeure"\n"haute " = "mineure"\n'
        (tmp_path / "steering.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=rf"\[{table}\].*« haute »"):
            load_steering(tmp_path)


def test_a_forfait_is_told_at_its_threshold_and_when_it_is_used_up_once_a_contract_year() -> None:
    assert keys(line(NOW, 79)) == []
    first = keys(line(NOW, 80))
    assert first == ["echeance/essai/forfait/2026-01-01/80"]
    assert keys(line(NOW - timedelta(days=7), 80), line(NOW, 97)) == first
    assert keys(line(NOW, 100)) == ["echeance/essai/forfait/2026-01-01/100"]
    assert keys(line(NOW, 85, year="2027-01-01")) == ["echeance/essai/forfait/2027-01-01/80"]
    assert keys(line(NOW, 90), line(NOW)) == [
        "echeance/essai/forfait/2026-01-01/80"
    ]  # the last that knows it
    (fact,) = tell_packs("essai", (line(NOW, 83),), 8, LONG_AGO, NOW)
    assert (fact.kind, fact.ticket) == (Kind.DEADLINE, "AQ-7")
    assert "consommé à 83 %" in fact.text
    assert "revues/HEBDO-1/revue.html" in fact.what_to_do


def test_a_weekly_pack_that_does_not_come_is_told_once_and_one_that_never_came_is_not() -> None:
    last = line(NOW - timedelta(days=9))
    (told,) = keys(last)
    assert told.startswith("echeance/essai/revue/")
    assert keys(last, now=NOW + timedelta(days=30)) == [told]
    assert keys(line(NOW - timedelta(days=7))) == []
    assert keys(line(NOW - timedelta(days=9), meeting="copil")) == []
    assert keys(last, since=NOW - timedelta(days=2)) == []
    assert keys() == []


def test_a_pack_that_the_tool_makes_by_itself_is_no_follow_up() -> None:
    assert tell_gap("essai", (line(NOW),), (), 8, LONG_AGO, NOW) is not None


def test_a_pack_is_told_in_its_ticket_with_its_alerts_and_its_pages() -> None:
    entry = line(NOW, 83, "copil")
    item = collect_entry(entry, {}, Words())
    assert item is not None
    assert item.text.startswith("Dossier du COPIL COPIL-1.")
    assert "Forfait support consommé à 83 %" in item.text
    assert [one.path for one in item.pieces] == ["revues/COPIL-1/revue.pdf"]
    assert describe(line(NOW), {}) == "revue hebdomadaire HEBDO-1"
