"""The plan of drills: what a scenario declares, resolved on a platform to exact actions, in the order of the day."""

from __future__ import annotations

from pathlib import Path

import pytest

from nonreg.errors import UsageError
from nonreg.model import Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.plan import collect_scenarios

HEADER = """
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, SiteRole
from nonreg.recorder import scenario

STOP = DrillFault("service_stopped", SiteRole.PASSIF, (("service", "client"),), 20.0)
"""
ONE = """
@scenario("HD-915", "Arrêt du client du passif", Criticality.MAJEURE, Effect.DISRUPTIVE, timeout_seconds=90,
          drill=Drill(DrillStage.SECOURS, (STOP,), ("Prévenir la salle.",)))
def test_un(witness): pass
"""


def write_catalog(folder: Path, *bodies: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_essai.py").write_text(HEADER + "".join(bodies), encoding="utf-8")
    return folder


def test_what_a_drill_declares_is_read_at_collection(tmp_path: Path) -> None:
    (found,) = collect_scenarios(write_catalog(tmp_path, ONE))
    assert found.effect is Effect.DISRUPTIVE
    stop = DrillFault("service_stopped", SiteRole.PASSIF, (("service", "client"),), 20.0)
    assert found.drill == Drill(DrillStage.SECOURS, (stop,), ("Prévenir la salle.",))


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("Effect.DISRUPTIVE", "Scénario perturbateur sans exercice : HD-915"),
        ("Effect.DISRUPTIVE, drill='secours'", "Scénario perturbateur sans exercice : HD-915"),
        ("Effect.READ_ONLY, drill=Drill(DrillStage.CHARGE)", "Exercice refusé : HD-915"),
        ("Effect.WRITES_TEST_DATA, drill=Drill(DrillStage.CHARGE)", "Exercice refusé : HD-915"),
    ],
)
def test_a_disruptive_scenario_without_drill_or_a_drill_of_another_effect_is_refused_in_one_sentence(
    tmp_path: Path, declared: str, expected: str
) -> None:
    body = f"@scenario('HD-915', 'T', Criticality.MAJEURE, {declared})\ndef test_a(witness): pass\n"
    with pytest.raises(UsageError) as caught:
        collect_scenarios(write_catalog(tmp_path, body))
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
