"""Risks: those that are declared are read soundly and shown, those that were seen have a line each."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.errors import ConfigError
from nonreg.model import History
from nonreg.model.readiness import Chapter, Grade, Readiness, ReadinessItem, Word
from nonreg.model.steering import Impact, Indicator, PackKind, Period, Probability, Risk, Watched, WatchList
from nonreg.steering.periods import begin
from nonreg.steering.risks import find_risks, load_risks
from reports.html import write_html
from reports.steering import build_steering_page
from tasks.handover_work import Work
from tasks.steering import keep_pack, prepare_pack
from tests.pages import check_page
from tests.steering.test_health import history

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
WEEK = Period(begin(date(2026, 11, 16)), begin(date(2026, 11, 23)))
RISKS = """[[risks]]
id = "R-1"
title = "Fin de support"
probability = "moyenne"
impact = "moyen"
action = "Chiffrer"
owner = "titulaire-essai"
review = 2026-11-20
[[risks]]
id = "R-2"
title = "Crue pendant la migration"
probability = "forte"
impact = "fort"
action = "Choisir l'étiage"
owner = "moa-scv-essai"
"""


def find(
    *lists: WatchList,
    campaigns: History | None = None,
    measured: Readiness | None = None,
    warnings: tuple[str, ...] = (),
    missing: tuple[str, ...] = (),
) -> list[tuple[str, str]]:
    indicator = Indicator("forfait", "Forfait support", WEEK, "", warnings=warnings)
    found = find_risks(lists, (indicator,), campaigns, measured, (), missing, WEEK, NOW, "")
    return [(one.title, one.state) for one in found.items or ()]


def test_the_worst_declared_risk_is_first_and_one_without_a_review_says_so(tmp_path: Path) -> None:
    (tmp_path / "risks.toml").write_text(RISKS, encoding="utf-8")
    assert load_risks(tmp_path) == (
        Risk(
            "R-2",
            "Crue pendant la migration",
            Probability.HIGH,
            Impact.HIGH,
            "Choisir l'étiage",
            "moa-scv-essai",
        ),
        Risk(
            "R-1",
            "Fin de support",
            Probability.MEDIUM,
            Impact.MEDIUM,
            "Chiffrer",
            "titulaire-essai",
            date(2026, 11, 20),
        ),
    )


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"moyenne"', '"probable"', "ligne 4"),
        ('"R-2"', '"R-1"', "deux risques ont l'identifiant « R-1 »"),
        ('"Chiffrer"', '" "', "clé « action » vide"),
        ("review", "revue", "« risks.0.revue »"),
    ],
)
def test_a_wrong_declared_risk_is_one_sentence(tmp_path: Path, before: str, after: str, said: str) -> None:
    (tmp_path / "risks.toml").write_text(RISKS.replace(before, after), encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_risks(tmp_path)


def test_a_declared_register_is_shown_with_its_reviews_and_none_is_not_an_empty_one(work: Work) -> None:
    governance = work.people.file.parent
    absent = prepare_pack(work, PackKind.WEEKLY, NOW)
    assert absent.risks is None
    page = write_html(build_steering_page(absent))
    assert "Registre des risques : n.d." in page
    (governance / "risks.toml").write_text("", encoding="utf-8")
    empty = write_html(build_steering_page(prepare_pack(work, PackKind.COPIL, NOW)))
    assert "Aucun risque déclaré." in empty
    (governance / "risks.toml").write_text(RISKS, encoding="utf-8")
    pack = prepare_pack(work, PackKind.COPIL, NOW)
    document = build_steering_page(pack)
    check_page(document)
    page = write_html(document)
    assert "20/11/2026, dépassée" in page
    assert page.index("Crue pendant la migration") < page.index("Fin de support")
    assert "n.d." in page[page.index("moa-scv-essai") :].partition("</tr>")[0]
    keep_pack(work, pack)


def test_a_wrong_register_is_named_and_takes_nothing_else_away(work: Work) -> None:
    (work.people.file.parent / "risks.toml").write_text("[[risks]]\nid = 3\n", encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, NOW)
    assert pack.risks is None
    assert any(one.startswith("registre des risques (") for one in pack.missing)
    assert pack.find("volumes", "Ensemble", "Ouverts")


def test_what_is_late_or_ends_soon_is_a_risk_with_the_first_of_them() -> None:
    due = (
        Watched("Audit", NOW - timedelta(days=2), "titulaire-essai", "AQ-1", ""),
        Watched("Recette", NOW + timedelta(days=2), "titulaire-essai", "AQ-2", ""),
        Watched("Visite", NOW + timedelta(days=3), "titulaire-essai", "AQ-3", ""),
    )
    waivers = (Watched("APP-001 : connu", NOW + timedelta(days=9), "titulaire-essai", "AQ-4", ""),)
    assert find(WatchList("echeances", "", "", due), WatchList("derogations", "", "", waivers)) == [
        ("1 échéance dépassée", "la plus ancienne : Audit"),
        ("2 échéances proches", "la première : Recette"),
        ("1 dérogation près de sa fin", "la première : APP-001 : connu"),
    ]


def test_what_failed_last_and_the_days_without_a_campaign_are_risks() -> None:
    # One campaign a day from 1 November on: the 20th to the 22nd have none.
    told = history(BASE_001="O" * 18 + "K", BASE_002="K" * 18 + "O", APP_001="O" * 17 + "K-")
    assert find(campaigns=told) == [
        ("2 scénarios en échec à leur dernier passage", "APP-001, BASE-001"),
        ("3 jours sans aucune campagne", "20/11, 21/11, 22/11"),
    ]


def test_a_continuity_that_is_not_ready_a_warning_and_a_source_not_read_are_risks() -> None:
    item = ReadinessItem("dossier/acces", Chapter.BINDER, "Accès", Grade.MISSING, "", "", 10, 10)
    measured = Readiness("D-1", "essai", "", "", NOW, 71, Word.NOT_READY, (item,))
    assert find(measured=measured, warnings=("Forfait à 81 %.",), missing=("suivi",)) == [
        ("Continuité : NON PRÊT, 71 points sur 100", "d'abord : Accès"),
        ("Forfait à 81 %.", "Forfait support"),
        (
            "1 source n'a pas pu être lue entière",
            "d'autres risques peuvent manquer ici (voir la synthèse)",
        ),
    ]
    assert find() == []


def test_notes_that_do_not_reach_their_tickets_any_more_are_a_risk(work: Work) -> None:
    waiting = work.runs_dir / "suivi" / work.platform.name / "attente"
    waiting.mkdir(parents=True)
    (waiting / "0001.json").write_text("{", encoding="utf-8")
    pack = prepare_pack(work, PackKind.WEEKLY, NOW)
    (risks,) = [one for one in pack.lists if one.id == "risques"]
    assert any(one.title == f"Suivi arrêté — {pack.platform}" for one in risks.items or ())
