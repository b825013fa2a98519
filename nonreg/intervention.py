"""GO, GO avec réserves or NO-GO before an intervention: pure rules over a judged run.

Invariants: without a whole, fresh, unaltered run of the same version that is OK or OK with reserves there
is no GO; a later answer for the same ticket replaces the earlier one; nothing here looks at a clock.
Source: R52–R54, DOMAIN §4.4.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from nonreg.errors import UsageError
from nonreg.model import (
    Answer,
    CampaignReport,
    Intervention,
    InterventionDecision,
    InterventionKind,
    Nature,
    Outcome,
    Verdict,
)
from nonreg.tickets import require_ticket

MIN_REASON_CHARACTERS = 10
AGE_LIMIT = "pre_intervention_run_hours"  # of [limits] in the platform file


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read of the platform just before answering; `problem` says why it could not be."""

    application_version: str
    problem: str = ""


def make_intervention(
    ticket: str, kind: InterventionKind, sensitive: bool, touches_replication: bool, reason: str
) -> Intervention:
    """The question, checked; UsageError says what is missing or cannot be true."""
    if len(reason.strip()) < MIN_REASON_CHARACTERS:
        raise UsageError("Dites en une phrase pourquoi l'intervention touche, ou non, la réplication.")
    if kind.always_touches_replication and not touches_replication:
        raise UsageError(f"Une intervention de type « {kind} » touche toujours la réplication.")
    return Intervention(require_ticket(ticket), kind, sensitive, touches_replication, reason.strip())


def is_usable(report: CampaignReport, intervention: Intervention, oldest: datetime) -> bool:
    """True for a whole, fresh and finished run of the families that the intervention needs."""
    plan = report.run.plan
    return (
        report.run.started_at >= oldest
        and report.run.ended_at is not None
        and not plan.selection
        and not plan.catalog
        and set(intervention.families) <= set(plan.families)
    )


def answer(
    intervention: Intervention,
    report: CampaignReport | None,
    observed: Observed,
    platform: str,
    expected_version: str,
    now: datetime,
    max_age_hours: float,
    altered: Iterable[str] = (),
) -> tuple[Answer, tuple[str, ...]]:
    """The answer and its reasons in French; `altered` are files of the run that are not as published."""
    if report is None:
        return Answer.NO_GO, ("Aucun passage complet et assez récent de cette version.",)
    refusals = [
        *_refuse_run(report, platform, altered),
        *_refuse_version(report, observed, expected_version),
        *_refuse_age(report, now, max_age_hours),
        *_refuse_scope(report, intervention),
        *_refuse_verdict(report, now),
    ]
    if refusals:
        return Answer.NO_GO, tuple(refusals)
    if report.assessment.verdict is Verdict.OK_AVEC_RESERVES:
        return Answer.GO_AVEC_RESERVES, report.assessment.reasons
    return Answer.GO, (f"Passage {report.run.plan.run_id} OK : aucun écart sur les familles exigées.",)


def _refuse_run(report: CampaignReport, platform: str, altered: Iterable[str]) -> list[str]:
    plan = report.run.plan
    refusals = [f"Le passage a été modifié depuis sa publication : {name}." for name in altered]
    if plan.platform.name != platform or plan.platform.nature is not Nature.TEST:
        refusals.append(f"Le passage {plan.run_id} n'est pas de la plateforme de test « {platform} ».")
    if report.run.ended_at is None or report.run.interruption:
        refusals.append(f"Le passage {plan.run_id} n'est pas allé à son terme.")
    return refusals


def _refuse_version(report: CampaignReport, observed: Observed, expected_version: str) -> list[str]:
    judged = report.run.plan.platform.application_version
    refusals = []
    if judged != expected_version:
        refusals.append(f"Le passage porte sur la version {judged}, la plateforme est en {expected_version}.")
    if observed.problem:
        refusals.append(f"La version installée n'a pas pu être lue : {observed.problem}")
    elif observed.application_version != judged:
        refusals.append(
            f"La version installée est maintenant {observed.application_version}, "
            f"le passage a jugé la {judged}."
        )
    return refusals


def _refuse_age(report: CampaignReport, now: datetime, max_age_hours: float) -> list[str]:
    age = now - report.run.started_at
    if timedelta(0) <= age <= timedelta(hours=max_age_hours):
        return []
    hours = f"{age.total_seconds() / 3600:.1f}".replace(".", ",")
    return [f"Le passage a commencé il y a {hours} h, la limite est de {max_age_hours:g} h."]


def _refuse_scope(report: CampaignReport, intervention: Intervention) -> list[str]:
    plan = report.run.plan
    missing = [family.name for family in intervention.families if family not in plan.families]
    refusals = [f"Le passage n'a pas jugé : {', '.join(missing)}."] if missing else []
    if plan.selection or plan.catalog:
        refusals.append(f"Le passage est partiel (sélection « {plan.selection or plan.catalog} »).")
    return refusals


def _refuse_verdict(report: CampaignReport, now: datetime) -> list[str]:
    verdict = report.assessment.verdict
    if verdict in (Verdict.KO, Verdict.INCOMPLET):
        return [f"Verdict {verdict} : {reason}" for reason in report.assessment.reasons]
    return [
        f"La dérogation de {one.scenario_id} ({one.waiver.ticket}) a expiré depuis le passage."
        for one in report.assessment.findings
        if one.outcome is Outcome.DEROGATION and one.waiver is not None and not one.waiver.is_in_force(now)
    ]


def find_expiry(report: CampaignReport | None, now: datetime, max_age_hours: float) -> datetime:
    """Until when an answer holds: as long as the run is fresh and each waiver that served is in force."""
    if report is None:
        return now
    served = [
        one.waiver.expires_at
        for one in report.assessment.findings
        if one.outcome is Outcome.DEROGATION and one.waiver is not None
    ]
    return min([report.run.started_at + timedelta(hours=max_age_hours), *served])


def choose_decision(
    decisions: Iterable[InterventionDecision], ticket: str, kind: InterventionKind, platform: str
) -> InterventionDecision | None:
    """The last answer given for that intervention, whatever it was."""
    own = [
        one
        for one in decisions
        if (one.intervention.ticket, one.intervention.kind, one.platform) == (ticket, kind, platform)
    ]
    return max(own, key=lambda one: one.decided_at, default=None)


def explain_block(
    decision: InterventionDecision | None, touches_replication: bool, application_version: str, now: datetime
) -> str:
    """Why a sensitive intervention may not begin, in French; empty when it may."""
    if decision is None:
        return "aucune décision GO n'a été rendue pour ce ticket et ce type d'intervention"
    if decision.answer is Answer.NO_GO:
        return f"la décision {decision.id} est NO-GO"
    if now >= decision.expires_at:
        return f"la décision {decision.id} n'est plus valable depuis le {decision.expires_at:%d/%m/%Y à %H:%M UTC}"
    if decision.application_version != application_version:
        return f"la décision {decision.id} porte sur la version {decision.application_version}"
    if touches_replication and not decision.intervention.touches_replication:
        return f"la décision {decision.id} a été rendue sans les contrôles HD"
    return ""
