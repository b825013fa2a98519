"""An activation that was opened, as Markdown: who is mobilised, why, how urgently, and what to do for each."""

from __future__ import annotations

from collections.abc import Sequence

from nonreg.model.handover import Execution
from reports.markdown import escape

URGENT = "**URGENT** : un ticket et un appel, avant tout le reste."


def describe_activation(
    executions: Sequence[Execution],
    justification: str,
    *,
    urgent: bool,
    others: Sequence[str],
    platform: str,
) -> str:
    """Return the text; the first execution is followed here, each other one by the deployment `runbook`."""
    lines = ["## Activation ouverte", "", *([URGENT, ""] if urgent else []), escape(justification), ""]
    for number, one in enumerate(executions):
        profile = next((said.value for said in one.parameters if said.field == "profil"), "")
        played = " — RÉPÉTITION" if one.rehearsal else ""
        lines += [
            f"### {escape(profile or one.runbook.title)} : {escape(one.subject)}{played}",
            "",
            f"Exécution `{one.id}`, ticket {escape(one.ticket)}. Elle a son horloge : 48 h ouvrées depuis l'étape A5.",
            "",
            "Suivie par ce passage."
            if number == 0
            else f"À suivre par le déploiement « runbook » : « Exécution à reprendre » = `{one.id}`. Depuis un "
            f"terminal : `python -m nonreg runbook resume {one.id} --platform {platform}`",
            "",
        ]
    if others:
        lines += [f"Mobilisables aussi : {escape(', '.join(others))}.", ""]
    return "\n".join(lines)
