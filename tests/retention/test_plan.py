"""What a purge would remove, and everything that it would not: shown, with its reason, before anything is done."""

from __future__ import annotations

import fcntl
import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg import ledger
from nonreg.alerts.delivery import Step
from nonreg.alerts.facts import Fact, Kind
from nonreg.alerts.outbox import Outbox
from nonreg.errors import ConfigError
from nonreg.evidence.files import MANIFEST
from nonreg.model import Answer, Outcome
from nonreg.model.retention import Item, ItemKind
from nonreg.retention.protection import Shield, judge_items
from nonreg.retention.settings import Retention, add_months, load_retention
from nonreg.store import PLAN
from nonreg.tracker.items import Progress, Regression
from nonreg.tracker.outbox import TrackerOutbox
from tests.governed import ALL_GOOD, Governed, make_governed, publish_run
from tests.retention.sites import NOW, OLD, RECENT, explain, list_places, look, seal_old
from tests.test_promotion import promote_run
from tests.test_waivers import waive
from tests.tracker.desks import connect_folder
from tests.tracker.folders import add_ticket


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Governed:
    """Two runs past their time and one of last month, to copy."""
    governed = make_governed(tmp_path_factory.mktemp("conservation"))
    publish_run(governed, "vieux", started_at=OLD)
    publish_run(governed, "vieux-2", started_at=OLD + timedelta(hours=1))
    publish_run(governed, "recent", started_at=RECENT)
    return governed


@pytest.fixture
def site(aged: Governed, tmp_path: Path) -> Governed:
    return Governed(Path(shutil.copytree(aged.root, tmp_path / "copie")))


def test_runs_past_their_time_are_shown_and_nothing_is_removed(site: Governed) -> None:
    before = sorted(path.as_posix() for path in site.runs_dir.rglob("*"))
    for words in (("retention", "plan"), ("retention", "purge")):
        done = site.cli(*words)
        assert done.returncode == 0, done.stderr
        assert "2 à retirer" in done.stdout
        assert "passage" in done.stdout
        assert "vieux-2" in done.stdout
    assert "Rien n'a été retiré" in done.stdout
    assert sorted(path.as_posix() for path in site.runs_dir.rglob("*")) == before


def test_the_last_run_is_kept_however_old_it_is(site: Governed) -> None:
    later = NOW + timedelta(days=800)
    assert list_places(look(site, later)) == ["vieux", "vieux-2"]
    assert explain(look(site, later), "recent") == "le dernier de son genre"


def test_a_month_more_of_retention_keeps_longer_and_zero_keeps_for_good(site: Governed) -> None:
    file = site.governance / "retention.toml"
    file.write_text("months = 14\n", encoding="utf-8")
    assert list_places(look(site)) == []
    file.write_text("months = 1\n[kinds]\npassage = 0\n", encoding="utf-8")
    assert list_places(look(site)) == []
    file.write_text("months = 13\n", encoding="utf-8")
    assert list_places(look(site)) == ["vieux", "vieux-2"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("months = 0", "de 1 à 120"),
        ("months = true", "de 1 à 120"),
        ("mois = 12", "« mois » inconnue"),
        ("[kinds]\nreleves = 12", "« kinds.releves » inconnue"),
        ("[kinds]\npassage = -1", "de 0 à 120"),
    ],
)
def test_a_retention_that_is_none_is_refused_with_its_key(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "retention.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_retention(tmp_path)


def test_without_a_file_everything_is_kept_a_year_and_documents_of_the_contract_four() -> None:
    retention = load_retention(None)
    assert retention.months[ItemKind.DOCUMENT] == 48
    assert {one for kind, one in retention.months.items() if kind is not ItemKind.DOCUMENT} == {12}


@given(st.datetimes(max_value=datetime(2100, 1, 1)), st.integers(1, 120))
def test_months_later_is_the_same_day_or_the_last_one_of_a_shorter_month(at: datetime, months: int) -> None:
    later = add_months(at, months)
    assert (later.year - at.year) * 12 + later.month - at.month == months
    assert later.day == at.day or (later.day < at.day and (later + timedelta(days=1)).day == 1)


# ---- what protects -------------------------------------------------------------------------------------------------


def test_the_run_of_a_promoted_baseline_is_kept(site: Governed) -> None:
    promote_run(site, site.runs_dir / "vieux")
    assert explain(look(site), "vieux") == "référence promue n° 1"
    assert list_places(look(site)) == ["vieux-2"]


def test_a_run_that_goes_on_is_kept(site: Governed) -> None:
    with (site.runs_dir / "vieux" / PLAN).open("rb") as plan:
        fcntl.flock(plan, fcntl.LOCK_EX)
        assert explain(look(site), "vieux") == "en cours"
    assert "vieux" in list_places(look(site))


def add_intervention(site: Governed, kind: str, answer: str = "GO") -> None:
    data = {"decision": "D-1", "intervention": "deploiement", "answer": answer, "run_id": "vieux"}
    ledger.append(
        site.runs_dir / ledger.FILE,
        kind=kind,
        platform=site.platform.name,
        person="titulaire-essai",
        ticket="AQ-7",
        data=data,
        at=OLD + timedelta(days=1),
        people=None,
        signed=None,
    )


def test_the_run_of_a_go_is_kept_until_the_intervention_is_closed(site: Governed) -> None:
    add_intervention(site, "intervention")
    assert explain(look(site), "vieux") == "intervention AQ-7 pas close (décision D-1, GO)"
    add_intervention(site, "cloture")
    assert "vieux" in list_places(look(site))


def test_a_no_go_after_a_go_leaves_nothing_in_force(site: Governed) -> None:
    add_intervention(site, "intervention")
    add_intervention(site, "intervention", Answer.NO_GO)
    assert "vieux" in list_places(look(site))


def test_a_run_with_a_reserve_is_kept_as_long_as_its_waiver_is_in_force(tmp_path: Path) -> None:
    site = make_governed(tmp_path)
    waive(site, "--expires", "2027-03-01T00:00:00+01:00")
    publish_run(site, "reserve", {**ALL_GOOD, "HD-001": Outcome.KO}, started_at=OLD)
    publish_run(site, "recent", started_at=RECENT)
    report = json.loads((site.runs_dir / "reserve" / "report.json").read_text(encoding="utf-8"))
    assert report["assessment"]["verdict"] == "OK_AVEC_RESERVES"
    assert explain(look(site), "reserve") == "réserve pas levée : dérogation de HD-001 jusqu'au 01/03/2027"
    assert "reserve" in list_places(look(site, NOW + timedelta(days=365)))


def test_runs_of_a_regression_whose_ticket_is_open_are_kept(site: Governed) -> None:
    box = TrackerOutbox(site.runs_dir, site.platform.name)
    seen = Regression("HD-001", "Relais", "vieux", "recent", is_open=True)
    box.save_progress(Progress("id", 0, 0, regressions={"e": seen}))
    assert explain(look(site), "vieux") == "régression ouverte : HD-001"
    box.save_progress(
        Progress("id", 0, 0, regressions={"e": Regression("HD-001", "R", "vieux", "recent", False)})
    )
    assert "vieux" in list_places(look(site))


def test_an_open_ticket_keeps_its_runs_a_closed_one_does_not_and_an_unknown_one_does(
    site: Governed, tmp_path: Path
) -> None:
    folder = tmp_path / "suivi-local"
    connect_folder(site, folder)
    assert explain(look(site), "vieux") == "ticket AQ-1 pas vérifié"
    folder.mkdir()
    assert explain(look(site), "vieux") == "ticket AQ-1 inconnu du suivi"
    add_ticket(folder, "AQ-1", "Campagne")
    assert explain(look(site), "vieux") == "ticket AQ-1 ouvert"
    (folder / "AQ-1" / "ticket.toml").write_text(
        'titre = "Campagne"\nouvert_le = 2025-01-01\nferme_le = 2026-01-01\netat = "fermé"\n',
        encoding="utf-8",
    )
    assert list_places(look(site)) == ["vieux", "vieux-2"]


def test_the_ticket_of_what_has_none_keeps_nothing(site: Governed, tmp_path: Path) -> None:
    folder = tmp_path / "suivi-local"
    connect_folder(site, folder)
    site.change_platform('default_ticket = "AQ-0"', 'default_ticket = "AQ-1"')
    add_ticket(folder, "AQ-1", "Campagnes")
    assert list_places(look(site)) == ["vieux", "vieux-2"]


@pytest.mark.parametrize("place", ["documents/A2-20261101-ab", "migrations/M-1"])
def test_a_run_that_a_kept_document_or_migration_names_is_kept_with_it(site: Governed, place: str) -> None:
    kind = "document" if place.startswith("documents") else "migration"
    folder = seal_old(site, place, kind, '{"run": "vieux-2"}', at=RECENT)
    assert explain(look(site), "vieux-2") == f"cité par {place}, qui est gardé"
    assert folder.is_dir()


def test_what_names_a_run_goes_with_it_when_its_own_time_is_over(site: Governed) -> None:
    seal_old(site, "migrations/M-1", "migration", '{"run": "vieux-2"}')
    assert list_places(look(site)) == ["migrations/M-1", "vieux", "vieux-2"]


def test_altered_evidence_is_kept_to_be_explained(site: Governed) -> None:
    (site.runs_dir / "vieux" / "report.html").write_text("autre chose", encoding="utf-8")
    assert explain(look(site), "vieux").startswith(
        "preuve altérée, à expliquer d'abord : fichiers modifié(s)"
    )


def test_a_manifest_that_cannot_be_read_keeps_its_folder(site: Governed) -> None:
    file = site.runs_dir / "vieux" / MANIFEST
    file.write_text(file.read_text(encoding="utf-8").replace('"format"', '"formes"'), encoding="utf-8")
    assert "vieux" not in list_places(look(site, NOW + timedelta(days=800)))


def test_a_run_that_was_never_sealed_is_removed_too(site: Governed) -> None:
    (site.runs_dir / "vieux" / MANIFEST).unlink()
    plan = look(site)
    assert [(one.place, one.sealed) for one in plan.removable] == [("vieux", False), ("vieux-2", True)]


def test_runs_of_another_platform_are_left_to_it(site: Governed) -> None:
    site.change_platform('name = "embarquee"', 'name = "autre"')
    plan = look(site)
    assert (list_places(plan), plan.kept, plan.recent) == ([], (), 0)


def make_alert(site: Governed, key: str, *steps: Step) -> str:
    box = Outbox(site.runs_dir)
    box.add(
        Fact(key, Kind.VERDICT, site.platform.name, "sujet", "texte", "à faire", "AQ-1", OLD), ("mail",), OLD
    )
    alert = box.find(key)
    assert alert is not None
    for step in steps:
        box._append(alert, "mail", step)
    return f"alertes/{alert.name}.json"


def test_an_alert_that_was_sent_goes_one_that_was_not_stays(site: Governed) -> None:
    sent = make_alert(site, "remise", Step.ATTEMPT, Step.HANDED, Step.DELIVERED)
    waiting = make_alert(site, "en-attente")
    cut = make_alert(site, "coupee", Step.ATTEMPT, Step.HANDED)
    plan = look(site)
    assert sent in list_places(plan)
    assert [explain(plan, place) for place in (waiting, cut)] == ["pas remise", "pas remise"]


# ---- the rule, whatever the things ---------------------------------------------------------------------------------

PLACES = [f"p{number}" for number in range(8)]
REFERENCES = st.dictionaries(st.sampled_from(PLACES), st.frozensets(st.sampled_from(PLACES), max_size=3))
ITEMS = st.lists(
    st.tuples(st.integers(0, 800), st.sampled_from(["", "g", "h"]), st.sampled_from(["", "en cours"])),
    min_size=len(PLACES),
    max_size=len(PLACES),
)


@given(ITEMS, REFERENCES, st.sets(st.sampled_from(PLACES)))
def test_nothing_recent_protected_last_or_cited_by_what_is_kept_is_ever_removed(
    made: list[tuple[int, str, str]], cited: dict[str, frozenset[str]], protected: set[str]
) -> None:
    items = tuple(
        Item(ItemKind.RUN, place, place, NOW - timedelta(days=days), "", group=group, obstacle=obstacle)
        for place, (days, group, obstacle) in zip(PLACES, made, strict=True)
    )
    shield = Shield(dict.fromkeys(protected, ("protégé",)), citations=cited)
    judged = judge_items(items, Retention(dict.fromkeys(ItemKind, 12)), shield, NOW)
    gone = {one.item.place for one in judged if not one.reasons and one.due is not None and one.due <= NOW}
    for item in items:
        if item.place in gone:
            assert item.at <= add_months(NOW, -12) + timedelta(days=1)
            assert not item.obstacle
            assert item.place not in protected
            assert not any(
                item.place in names for place, names in cited.items() if place not in gone | {item.place}
            )
    for group in ("g", "h"):
        own = [one for one in items if one.group == group]
        assert not own or any(one.place not in gone for one in own)
