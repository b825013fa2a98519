"""The notice to the SCV, from the answers of an execution: what it says, and what keeps it from being a notice. Pure.

The tool prepares it and sends nothing. It has no sender but the titulaire (R01), names nobody, and tells no number.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from nonreg.errors import UsageError
from nonreg.handover.activation import Reason
from nonreg.handover.checks import Point
from nonreg.masking import conceal
from nonreg.model.briefing import Fact, Notice
from nonreg.model.handover import Execution
from nonreg.working_time import PARIS

RETURN_RUNBOOK = "restitution"
CHANNEL = "canal d'avis du titulaire"  # as the runbooks write it
TOO_LATE = (
    "Abandonnez cette exécution en disant pourquoi, informez le SCV aujourd'hui, et ouvrez "
    "« activation-absence-imprevue »."
)
WRONG_DATES = "Abandonnez cette exécution en disant pourquoi, et ouvrez-en une autre avec les bonnes dates."
SAME_CONTACT = (
    "Le titulaire reste votre seul interlocuteur : même adresse, même numéro d'urgence. Aucun renfort ne s'adresse à "
    "vous."
)
RESERVED = (
    "Les arbitrages, les décisions techniques qui engagent et la validation finale restent au titulaire, ou à qui vous "
    "les avez délégués par écrit."
)
DELAYS = (
    "Les délais du marché continuent de courir ; un délai qui ne pourrait pas être tenu vous serait dit avant son "
    "terme."
)
URGENCY = "Une urgence reste un ticket et un appel."
RENFORT = (
    "Un renfort identifié, sous contrat et tenu à la confidentialité est mis en capacité, sous la responsabilité du "
    "titulaire ; l'objectif est de 48 h ouvrées."
)


def make_notice(execution: Execution, reason: Reason | None, facts: Mapping[str, str]) -> Notice:
    """The notice of an activation, or that of the return; UsageError for a runbook that has none."""
    said = {one.field: conceal(one.value) for done in execution.done for one in done.said}
    channel = facts.get(CHANNEL, "")
    if execution.runbook.id == RETURN_RUNBOOK:
        return Notice(
            "Avis de retour du titulaire",
            "fin de l'activation d'un renfort",
            (Fact("Retour effectif", show(said.get("retour_le", ""))),),
            (
                "Le titulaire est de nouveau présent et reprend tous les tickets.",
                "Le renfort cesse d'intervenir ; ses accès sont fermés et la fermeture est contrôlée.",
                "Une délégation de signature donnée pour la période prend fin ; le titulaire vous le confirme.",
            ),
            (SAME_CONTACT, URGENCY),
            channel,
        )
    if reason is None:
        raise UsageError(f"Le runbook « {execution.runbook.id} » n'a pas d'avis au SCV.")
    motive = said.get("motif", "")
    return Notice(
        f"Avis au SCV : {reason.words}",
        f"{reason.words} ({motive})" if motive else reason.words,
        list_dates(reason, said),
        list_changes(reason, said),
        (SAME_CONTACT, RESERVED, DELAYS, URGENCY),
        channel,
    )


def list_dates(reason: Reason, said: Mapping[str, str]) -> tuple[Fact, ...]:
    """The dates that were answered; an empty one was not."""
    if reason is Reason.PLANNED:
        names = {
            "debut_absence": "Début de l'absence",
            "fin_absence": "Retour prévu",
            "avis_le": "Avis donné le",
        }
    else:
        names = {"constat_le": "Constaté le"}
    return tuple(Fact(label, show(said.get(name, ""))) for name, label in names.items())


def list_changes(reason: Reason, said: Mapping[str, str]) -> tuple[str, ...]:
    """What changes for the SCV."""
    match reason:
        case Reason.PLANNED if said.get("joignable") == "oui":
            who = "Pendant l'absence, le titulaire reste joignable par les moyens habituels et continue de signer."
        case Reason.PLANNED:
            who = (
                "Pendant l'absence, le titulaire n'est pas en mesure de signer : il vous est demandé de dire par écrit "
                "qui signe à sa place, pour quoi et jusqu'à quand."
            )
        case Reason.UNPLANNED:
            who = (
                "Le titulaire n'est pas joignable : il vous est demandé de confirmer que vous êtes informés, et de "
                "dire par écrit qui signe à sa place. D'ici là, aucune décision qui engage n'est prise."
            )
        case Reason.PEAK:
            who = "Le titulaire reste présent et garde toutes les décisions."
        case Reason.EXCEPTIONAL:
            flood = " Une crue est en cours." if said.get("crue_en_cours") == "oui" else ""
            who = f"Fonctions touchées : {said.get('touche') or 'n.d.'}.{flood}"
    return (who, RENFORT)


def check_notice(execution: Execution, reason: Reason | None, at: datetime) -> tuple[Point, ...]:
    """What a planned absence must be for its notice to be one (R37); nothing to check for the others."""
    if reason is not Reason.PLANNED:
        return ()
    said = {one.field: one.value for done in execution.done for one in done.said}
    if missing := [name for name in ("debut_absence", "fin_absence", "avis_le") if not said.get(name)]:
        return (Point("Dates de l'absence", False, f"Sans réponse : {', '.join(missing)}.", WRONG_DATES),)
    start, end = date.fromisoformat(said["debut_absence"]), date.fromisoformat(said["fin_absence"])
    told = datetime.fromisoformat(said["avis_le"]).astimezone(PARIS).date()
    today = at.astimezone(PARIS).date()
    return (
        make_point(
            "Avis donné avant l'absence",
            told < start,
            f"Avis donné le {told:%d/%m/%Y}, absence à partir du {start:%d/%m/%Y}.",
            TOO_LATE,
        ),
        make_point(
            "Avis encore à temps",
            today < start,
            f"Préparé le {today:%d/%m/%Y}, absence à partir du {start:%d/%m/%Y}.",
            TOO_LATE,
        ),
        make_point(
            "Dates de l'absence",
            start <= end,
            f"Du {start:%d/%m/%Y} au retour le {end:%d/%m/%Y}.",
            WRONG_DATES,
        ),
    )


def make_point(title: str, ok: bool, found: str, remedy: str) -> Point:
    """A point, whose remedy is kept when it is needed."""
    return Point(title, ok, found, "" if ok else remedy)


def show(value: str) -> str:
    """A date or an instant as it was answered, as it is read in Paris; empty stays empty."""
    if not value:
        return ""
    if "T" not in value:
        return f"{date.fromisoformat(value):%d/%m/%Y}"
    return f"{datetime.fromisoformat(value).astimezone(PARIS):%d/%m/%Y à %H:%M}"
