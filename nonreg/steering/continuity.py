"""Runbooks reviewed and replayed, and how soon a renfort is operational: from the last measures and executions. Pure.

Source: R19, R28, R43, R49, DOMAIN §4.3, §4.5.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from nonreg.handover.clock import view_clock
from nonreg.handover.readiness import FOLDER
from nonreg.model.handover import Execution
from nonreg.model.readiness import Chapter, Grade, Readiness
from nonreg.model.steering import Figure, Indicator, Period, Proof
from nonreg.working_time import PARIS, WorkingTime

ACTIVATIONS, INTEGRATION = "activation-", "integration"
CHAPTERS = (
    (Chapter.BINDER, "Procédures du dossier d'urgence relues"),
    (Chapter.REHEARSALS, "Runbooks rejoués"),
    (Chapter.SCENARIOS, "Scénarios d'activation joués dans l'année"),
)
COLUMNS = ("Conformes", "Attendus", "Part")
SCORE = "Disponibilité de la continuité"
LEAD_COLUMNS = (("Délai ouvré", "h"), ("Délai maximal", "h"))
MOST_AGE = timedelta(days=7)  # an older measure says nothing of today


def count_runbooks(measured: Readiness | None, period: Period, source: str, missing: str = "") -> Indicator:
    """How many are as they must be, by the last measure of the readiness before the end of the period."""
    if measured is not None and period.end - measured.at > MOST_AGE:
        missing, measured = (
            f"dernière mesure le {measured.at.astimezone(PARIS):%d/%m/%Y}, trop ancienne",
            None,
        )
    figures: list[Figure] = []
    for chapter, name in CHAPTERS:
        if measured is None:
            figures += [
                Figure(name, column, None, "%" if column == "Part" else "", missing) for column in COLUMNS
            ]
            continue
        own = [one for one in measured.items if one.chapter is chapter]
        good = sum(one.grade is Grade.GOOD for one in own)
        figures += [
            Figure(name, "Conformes", good),
            Figure(name, "Attendus", len(own)),
            Figure(
                name, "Part", 100 * good / len(own) if own else None, "%", "" if own else "rien d'attendu"
            ),
        ]
    figures.append(
        Figure(SCORE, "Score", measured.score, "/ 100", "", measured.word.value)
        if measured is not None
        else Figure(SCORE, "Score", None, "/ 100", missing)
    )
    proofs = (
        (
            Proof(
                f"mesure du {measured.at.astimezone(PARIS):%d/%m/%Y}, {measured.id}",
                f"{FOLDER}/{measured.id}.html",
            ),
        )
        if measured is not None
        else ()
    )
    return Indicator("runbooks", "Runbooks relus et rejoués", period, source, proofs, tuple(figures))


def measure_lead_time(
    executions: Iterable[Execution] | None,
    period: Period,
    working: WorkingTime,
    source: str,
    missing: str = "",
) -> Indicator:
    """The office time of the last exercise, and of the last real one, from request to capability."""
    figures: list[Figure] = []
    proofs: list[Proof] = []
    known = [] if executions is None else [one for one in executions if _is_measured(one, period.end)]
    for name, is_played in (("Dernier exercice", True), ("Dernière activation réelle", False)):
        own = [one for one in known if one.rehearsal is is_played]
        last = max(own, key=_stop, default=None)
        view = view_clock(last, working, period.end) if last is not None else None
        if last is None or view is None or view.took is None or last.clock.stopped_at is None:
            why = missing if executions is None else "aucun exercice" if is_played else "aucune activation"
            figures += [Figure(name, column, None, unit, why) for column, unit in LEAD_COLUMNS]
            continue
        stopped = last.clock.stopped_at
        met = {
            "lecture en jours ouvrés": stopped <= view.deadlines.by_days,
            "lecture en heures d'ouverture": stopped <= view.deadlines.by_hours,
        }
        said = " ; ".join(f"{reading} : {'tenu' if ok else 'dépassé'}" for reading, ok in met.items())
        figures += [
            Figure(name, "Délai ouvré", view.took.total_seconds() / 3600, "h", "", said),
            Figure(
                name, "Délai maximal", last.runbook.delay_hours, "h", "", "48 h « ouvrées », deux lectures"
            ),
        ]
        proofs.append(
            Proof(
                f"{last.runbook.title}, {last.id}, {stopped.astimezone(PARIS):%d/%m/%Y}",
                f"runbooks/{last.id}/releve.html",
            )
        )
    return Indicator(
        "renforts", "Mise en capacité d'un renfort", period, source, tuple(proofs), tuple(figures)
    )


def _is_measured(execution: Execution, end: datetime) -> bool:
    """True for what brings a renfort in, whose clock was stopped before that."""
    stopped = execution.clock.stopped_at
    brings = execution.runbook.id == INTEGRATION or execution.runbook.id.startswith(ACTIVATIONS)
    return brings and not execution.abandoned and stopped is not None and stopped < end


def _stop(execution: Execution) -> datetime:
    assert execution.clock.stopped_at is not None
    return execution.clock.stopped_at
