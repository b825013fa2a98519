"""The handover plan: who does what while the titulaire is away, from what was answered. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from nonreg.handover.briefing import list_risks
from nonreg.handover.contacts import list_done
from nonreg.handover.notice import show
from nonreg.handover.signing import DELEGATE, DELEGATED_UNTIL, MOA_REFERENCE
from nonreg.masking import conceal
from nonreg.model.briefing import Briefing, Fact, HandoverPlan
from nonreg.model.handover import Execution

PERIOD = {
    "debut_absence": "Début de l'absence",
    "constat_le": "Constatée le",
    "fin_absence": "Retour prévu",
    "joignable": "Titulaire joignable",
}
FRAMING = {
    "urgence": "Urgence",
    "priorites": "Ordre des priorités",
    "delais": "Délais qui courent",
    "risques": "Risques écrits au cadrage",
}


def make_plan(
    execution: Execution, briefing: Briefing, schedule: tuple[Fact, ...], soon_days: int
) -> HandoverPlan:
    """The plan at the moment of the briefing."""
    said = {
        (field.id): conceal(one.value)
        for step, done in list_done(execution)
        for field in step.fields
        for one in done.said
        if one.field == field.id
    }
    return HandoverPlan(
        briefing,
        tuple(
            Fact(label, show_if_date(name, said.get(name, "")))
            for name, label in PERIOD.items()
            if name in said or name in ("debut_absence", "fin_absence")
        ),
        list_roles(execution, said),
        tuple(Fact(label, said.get(name, "")) for name, label in FRAMING.items()),
        schedule,
        list_risks(briefing, soon_days),
    )


def show_if_date(name: str, value: str) -> str:
    """Dates as they are read."""
    return value if name == "joignable" else show(value)


def list_roles(execution: Execution, said: dict[str, str]) -> tuple[Fact, ...]:
    """Who does what, by id and by role; what was not answered stays empty."""
    delegated = said.get(DELEGATE, "")
    signs = (
        f"{delegated}, jusqu'au {show(said[DELEGATED_UNTIL])}, référence de la MOA {said[MOA_REFERENCE]}"
        if delegated
        else "le titulaire (aucune délégation n'est signée à ce jour)"
    )
    return (
        Fact("Renfort de cette exécution", execution.subject),
        Fact("Profils mobilisés", said.get("profils", "")),
        Fact("Besoin", said.get("besoin", "")),
        Fact("Ce que fait le renfort", said.get("justification", "")),
        Fact("Interlocuteur du SCV", "le titulaire, seul"),
        Fact("Décisions qui engagent", signs),
    )


def list_next_dates(briefing: Briefing, soon_days: int) -> tuple[tuple[datetime, str], ...]:
    """What is due within so many days, overdue ones too, the first first."""
    limit = briefing.at + timedelta(days=soon_days)
    found = [
        (one.at, f"{one.title} ({one.ticket}, {one.person})") for one in briefing.deadlines if one.at <= limit
    ]
    return tuple(sorted(found))
