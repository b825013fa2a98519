"""What a drill may not call good: what was never seen, a role taken in between, a missing record, no service."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nonreg.drills import drill as drill_module
from nonreg.drills.clients import Clients
from nonreg.drills.drill import DrillRun, NotServed, TwoActive
from nonreg.drills.fleet import Fleet
from nonreg.drills.history import Attempt
from nonreg.drills.moments import Injected
from nonreg.drills.numbering import PlacedStation
from nonreg.drills.observed import Observed
from nonreg.drills.observers import RoleSeen
from nonreg.errors import DrillRefused, NonregError
from nonreg.fixtures import Campaign
from nonreg.model import (
    AlarmSeen,
    DrillRecord,
    DrillStage,
    Healing,
    PlannedDrill,
    PlannedFault,
    WriteOutcome,
)
from nonreg.probes.nodes import Node
from nonreg.scenarios.hd.exercices import jugement
from nonreg.scenarios.hd.exercices.chaine import judge_chain
from nonreg.store import dump_json
from nonreg.waiting import DeadlinePassed
from nonreg.witness import NotApplicable, Witness

ACK, ERR, UNKNOWN = WriteOutcome.ACK, WriteOutcome.ERR, WriteOutcome.UNKNOWN
HERE, THERE = "SITE-A", "SITE-B"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def watched(*seen: RoleSeen, problems: tuple[str, ...] = ()) -> Any:
    """A watch that saw these roles."""
    return SimpleNamespace(look=lambda: Observed((), (), (), seen, (), problems))


def start_run(tmp_path: Path, watch: Any) -> DrillRun:
    platform: Any = SimpleNamespace(
        path=lambda _name: tmp_path, drills=SimpleNamespace(state_dir=""), identity_token="", sites=()
    )
    plan: Any = SimpleNamespace(campaign_id="", run_id="")
    return DrillRun(platform, plan, plan_drill("HD-923"), tmp_path, watch, 0.0)


def plan_drill(name: str) -> PlannedDrill:
    fault = PlannedFault(f"{name}/1", "service_stopped", HERE, (), 60.0, (), "arrêter", "démarrer")
    return PlannedDrill(name, "Perte", DrillStage.PERTE, (fault,), (), "")


@pytest.mark.parametrize(
    ("said", "is_good"),
    [
        ([RoleSeen(0.1, THERE, "PASSIF", 1)], True),
        ([RoleSeen(0.1, THERE, "PASSIF", 1), RoleSeen(3, THERE, ""), RoleSeen(4, THERE, "PASSIF", 1)], True),
        ([RoleSeen(0.1, THERE, "PASSIF", 1), RoleSeen(3.0, THERE, "PASSIF", 2)], False),
        ([RoleSeen(0.1, THERE, "PASSIF", 1), RoleSeen(3.0, THERE, "ACTIF", 2)], False),
        ([RoleSeen(0.1, THERE, "")], False),
        ([], False),
    ],
)
def test_a_passive_site_that_took_the_role_and_gave_it_back_or_was_never_seen_did_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[RoleSeen], is_good: bool
) -> None:
    monkeypatch.setattr(jugement, "read_nodes", lambda _platform: (Node(HERE, ""), Node(THERE, "PASSIF")))
    witness = Witness("HD-023", tmp_path)
    jugement.judge_own_word(witness, start_run(tmp_path, watched(*said)), THERE)
    assert (witness.gaps == []) is is_good


def test_roles_that_nobody_watched_any_more_prove_nothing(tmp_path: Path) -> None:
    run = start_run(tmp_path, watched(problems=("rôle de SITE-B s'est arrêté : panne",)))
    for ask in (run.list_calls, lambda: run.role_changes(THERE)):
        with pytest.raises(NonregError, match="pas été relevés sans cesse : rôle de SITE-B s'est arrêté"):
            ask()


def test_two_active_sites_are_a_finding_and_none_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start_run(tmp_path, watched())
    for roles, error in ((("ACTIF", "ACTIF"), TwoActive), (("", "PASSIF"), DrillRefused)):
        nodes = Node(HERE, roles[0]), Node(THERE, roles[1])
        monkeypatch.setattr(drill_module, "read_nodes", lambda _platform, nodes=nodes: nodes)
        with pytest.raises(error):
            run.find_active()


def test_clients_that_are_not_served_after_a_fault_are_a_finding_and_before_it_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object) -> None:
        raise DeadlinePassed("Page du client léger : pas servi en 60 s")

    @contextmanager
    def open_fleet(*_: object, **__: object) -> Iterator[Any]:
        observed = Observed((), (), (), (), ())
        yield SimpleNamespace(now=lambda: 1.0, wait_all_served=never, stop=lambda: observed, stations=())

    monkeypatch.setattr(drill_module, "open_fleet", open_fleet)
    monkeypatch.setattr(drill_module, "read_nodes", lambda _platform: ())
    begun = start_run(tmp_path, watched())
    with (
        pytest.raises(NonregError, match="avant toute panne : Page du client léger"),
        begun.clients(0, 0) as it,
    ):
        it.settle()
    with pytest.raises(DrillRefused, match="qu'une fois"), begun.clients(0, 0):
        pass
    broken = start_run(tmp_path, watched())
    broken._injected.append(Injected(0.5, 0.5, False, True))
    with pytest.raises(NotServed, match="Service non rendu après la panne"), broken.clients(0, 0) as it:
        it.wait_flowing()


def test_a_measure_is_signed_where_it_was_taken_unless_another_frontal_may_have_it_too() -> None:
    station = PlacedStation("station-1", "Z900000001", datetime(2026, 9, 1))
    tried = [
        Attempt("station-1", 1, HERE, 1.0, 1.1, ACK),
        Attempt("station-1", 2, HERE, 2.0, 2.1, ERR),
        Attempt("station-1", 2, THERE, 2.1, 2.2, ACK),
        Attempt("station-1", 3, HERE, 3.0, 3.1, UNKNOWN),
        Attempt("station-1", 3, THERE, 3.1, 3.2, ACK),
        Attempt("station-1", 4, HERE, 4.0, 4.1, ACK),
        Attempt("direct-1", 5, HERE, 5.0, 5.1, ACK),
    ]
    fleet = SimpleNamespace(stations=(station,), look=lambda: Observed((), tuple(tried), (), (), ()))
    clients = Clients(cast(Fleet, fleet))
    expected = {("Z900000001", station.make_reading(n).at): site for n, site in ((2, THERE), (4, HERE))}
    assert clients.find_signers(1.5) == expected
    assert clients.list_targets() == {"Z900000001": (HERE, THERE, HERE)}


def review(tmp_path: Path, *records: DrillRecord) -> Witness:
    """HD-030 over these records, of a campaign whose plan has HD-923 and HD-924."""
    (tmp_path / "drills").mkdir()
    for record in records:
        path = tmp_path / "drills" / f"{record.scenario_id}.json"
        path.write_text(dump_json(DrillRecord, record), encoding="utf-8")
    plan = SimpleNamespace(drills=(plan_drill("HD-923"), plan_drill("HD-924")))
    campaign: Any = SimpleNamespace(run_dir=tmp_path, plan=plan, limit=lambda _name: 8.0)
    witness = Witness("HD-030", tmp_path)
    judge_chain(witness, cast(Campaign, campaign))
    return witness


def record(name: str, alarm: AlarmSeen, *faults: int) -> DrillRecord:
    healings = tuple(Healing(f"{name}/{number}", "arrêter", 1.0, 2.0) for number in faults)
    return DrillRecord(name, NOW, 9.0, alarms=(alarm,), healings=healings)


GOOD = AlarmSeen("Service arrêté", "astreinte-technique", True, 3.0, 5.0, delay_seconds=2.0)


def test_the_review_of_all_alarms_accepts_those_of_every_drill(tmp_path: Path) -> None:
    assert review(tmp_path, record("HD-923", GOOD, 1), record("HD-924", GOOD, 1)).gaps == []


@pytest.mark.parametrize(
    ("alarm", "expected"),
    [
        (
            AlarmSeen("X", "astreinte-technique", True, 0.5, 5.0),
            "chaque alarme attendue est arrivée au puits",
        ),
        (AlarmSeen("X", "exploitation", True, 3.0, 5.0, 2.0), "toutes à l'astreinte technique"),
        (
            AlarmSeen("X", "astreinte-technique", True, 3.0, 5.0, 2.0, 2),
            "chaque alarme ouverte une seule fois",
        ),
        (
            AlarmSeen("X", "astreinte-technique", True, 3.0, 5.0, 9.0),
            "plus long délai d'alarme du passage ≤ 8 s",
        ),
        (AlarmSeen("X", "astreinte-technique", True, 3.0, None, 2.0), "chaque alarme fermée au retour"),
        (AlarmSeen("X", "astreinte-technique", False, 3.0, 5.0), "aucune alarme de plus"),
    ],
)
def test_the_review_of_all_alarms_finds_one_that_is_not_exact(
    tmp_path: Path, alarm: AlarmSeen, expected: str
) -> None:
    found = review(tmp_path, record("HD-923", GOOD, 1), record("HD-924", alarm, 1))
    assert [gap.expected for gap in found.gaps] == [expected]


def test_a_campaign_whose_faults_raise_no_alarm_has_nothing_to_review(tmp_path: Path) -> None:
    silent = (replace(record(name, GOOD, 1), alarms=()) for name in ("HD-923", "HD-924"))
    with pytest.raises(NotApplicable, match="ne devait lever d'alarme"):
        review(tmp_path, *silent)


def test_the_review_of_all_alarms_judges_nothing_that_it_has_no_record_of(tmp_path: Path) -> None:
    with pytest.raises(NonregError, match="HD-924 n'a pas de relevé"):
        review(tmp_path, record("HD-923", GOOD, 1))


def test_the_review_of_all_alarms_does_not_speak_for_a_fault_that_was_never_injected(tmp_path: Path) -> None:
    with pytest.raises(NonregError, match="HD-924 n'a pas de relevé, ou pas de toutes ses pannes"):
        review(tmp_path, record("HD-923", GOOD, 1), record("HD-924", GOOD, 7))
