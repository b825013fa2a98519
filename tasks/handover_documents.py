"""The automatic steps that produce documents, by the name that a step gives (`check = "avis_scv"`); one a module."""

from __future__ import annotations

from tasks.handover_briefing import prepare_briefing, prepare_plan
from tasks.handover_integration import check_integration
from tasks.handover_notice import prepare_notice
from tasks.handover_production import Produced, Producer, Production

__all__ = ["PRODUCERS", "Produced", "Producer", "Production"]

PRODUCERS: dict[str, Producer] = {
    "avis_scv": prepare_notice,
    "dossier_de_reprise": prepare_briefing,
    "plan_de_passation": prepare_plan,
    "integration_a_jour": check_integration,
}
