"""HD-030: what every drill of this campaign did to the alarm chain: the expected alarms, to the right people."""

from __future__ import annotations

from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillStage, Effect
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.chaine import judge_chain
from nonreg.witness import Witness


@scenario(
    "HD-030",
    "Chaîne d'alarme : chaque panne du passage a produit exactement ses alarmes, au bon destinataire",
    Criticality.MAJEURE,
    Effect.DISRUPTIVE,
    ("R35", "R53"),
    timeout_seconds=60,
    drill=Drill(DrillStage.BILAN),
)
def test_alarm_chain(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    judge_chain(witness, campaign)
