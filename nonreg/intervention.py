"""GO, GO avec réserves or NO-GO before an intervention: pure rules over a judged run.

Invariants: without a whole, fresh, unaltered run of the same version that is OK or OK with reserves there
is no GO; a later answer for the same ticket replaces the earlier one; nothing here looks at a clock.
Source: R52–R54, DOMAIN §4.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from nonreg.errors import UsageError
from nonreg.model import (
    Acceptance,
    Answer,
    CampaignReport,
    Intervention,
    InterventionDecision,
    InterventionKind,
    Nature,
    Outcome,
    ReservesAnswer,
    Role,
    Verdict,
)
from nonreg.tickets import require_ticket
from nonreg.working_time import PARIS, WorkingTime, explain_closed

MIN_REASON_CHARACTERS = 10
AGE_LIMIT = "pre_intervention_run_hours"  # of [limits] in the platform file
ACCEPTING_ROLES = frozenset({Role.TITULAIRE, Role.MOA_SCV})  # of the reserves of a GO (R35)


@dataclass(frozen=True, slots=True)
class Observed:
    """What was read just before answering, of the platform and of what the ledger knows.

    `problem` says why the installed version could not be read; `obstacles` are French sentences, each of
    which forbids a GO: a run that was altered, a newer run that failed, a governance that does not hold.
    `outside_hours` says in French why nobody works when it is to begin: a GO is then one with reserves.
    """

    application_version: str
    problem: str = ""
    obstacles: tuple[str, ...] = ()
    outside_hours: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """The platform that the answer is for: name, identity token and the version that its file declares."""

    name: str
    identity_token: str
    application_version: str


def make_intervention(
    ticket: str,
    kind: InterventionKind,
    sensitive: bool,
    touches_replication: bool,
    reason: str,
    remote: bool = True,
    planned_at: datetime | None = None,
) -> Intervention:
    """The question, checked; UsageError says what is missing or cannot be true."""
    if len(reason.strip()) < MIN_REASON_CHARACTERS:
        raise UsageError("Dites en une phrase pourquoi l'intervention touche, ou non, la réplication.")
    if kind.always_touches_replication and not touches_replication:
        raise UsageError(f"Une intervention de type « {kind} » touche toujours la réplication.")
    if planned_at is not None and planned_at.tzinfo is None:
        raise UsageError(
            f"L'heure prévue « {planned_at.isoformat()} » n'a pas de fuseau (attendu : 2026-12-31T18:00+01:00)."
        )
    return Intervention(
        require_ticket(ticket), kind, sensitive, touches_replication, reason.strip(), remote, planned_at
    )


def find_opening(intervention: Intervention, now: datetime) -> datetime:
    """When it is to begin; a planned time that has passed is now."""
    return max(intervention.planned_at or now, now)


def explain_outside_hours(intervention: Intervention, at: datetime, working: WorkingTime) -> str:
    """One French sentence when remote work would begin at a time when nobody works (R59); empty otherwise."""
    why = explain_closed(at, working) if intervention.remote else ""
    if not why:
        return ""
    return f"Ouverte hors des jours et heures ouvrés, le {at.astimezone(PARIS):%d/%m/%Y à %H:%M} (Paris) : {why}."


def is_usable(report: CampaignReport, intervention: Intervention, oldest: datetime) -> bool:
    """True for a whole, fresh and finished run of the families that the intervention needs."""
    plan = report.run.plan
    return (
        report.run.started_at >= oldest
        and report.run.ended_at is not None
        and not plan.selection
        and not plan.catalog
        and not plan.effects_left_out
        and set(intervention.families) <= set(plan.families)
    )


def answer(
    intervention: Intervention,
    report: CampaignReport | None,
    observed: Observed,
    target: Target,
    now: datetime,
    max_age_hours: float,
) -> tuple[Answer, tuple[str, ...]]:
    """The answer and its reasons in French."""
    flagged = (observed.outside_hours,) if observed.outside_hours else ()
    if report is None:
        missing = "Aucun passage complet et assez récent de cette version."
        return Answer.NO_GO, (*observed.obstacles, missing, *flagged)
    refusals = [
        *observed.obstacles,
        *_refuse_run(report, target),
        *_refuse_version(report, observed, target),
        *_refuse_age(report, now, max_age_hours),
        *_refuse_scope(report, intervention),
        *_refuse_verdict(report, now),
    ]
    if refusals:
        return Answer.NO_GO, (*refusals, *flagged)
    if report.assessment.verdict is Verdict.OK_AVEC_RESERVES:
        return Answer.GO_AVEC_RESERVES, (*flagged, *report.assessment.reasons)
    good = f"Passage {report.run.plan.run_id} OK : aucun écart sur les familles exigées."
    return Answer.GO_AVEC_RESERVES if flagged else Answer.GO, (*flagged, good)


def _refuse_run(report: CampaignReport, target: Target) -> list[str]:
    plan, refusals = report.run.plan, []
    own = plan.platform
    same = (own.name, own.identity_token) == (target.name, target.identity_token)
    if not same or own.nature is not Nature.TEST:
        refusals.append(f"Le passage {plan.run_id} n'est pas de la plateforme de test « {target.name} ».")
    if report.run.ended_at is None or report.run.interruption:
        refusals.append(f"Le passage {plan.run_id} n'est pas allé à son terme.")
    return refusals


def _refuse_version(report: CampaignReport, observed: Observed, target: Target) -> list[str]:
    judged = report.run.plan.platform.application_version
    refusals = []
    if judged != target.application_version:
        refusals.append(
            f"Le passage porte sur la version {judged}, la plateforme est en {target.application_version}."
        )
    if observed.problem:
        refusals.append(f"La version installée n'a pas pu être lue : {observed.problem}")
    elif observed.application_version != judged:
        refusals.append(
            f"La version installée est maintenant {observed.application_version}, le passage a jugé la {judged}."
        )
    return refusals


def _refuse_age(report: CampaignReport, now: datetime, max_age_hours: float) -> list[str]:
    age = now - report.run.started_at
    if timedelta(0) <= age <= timedelta(hours=max_age_hours):
        return []
    if age < timedelta(0):
        return ["Le passage est daté du futur."]
    hours = f"{age.total_seconds() / 3600:.1f}".replace(".", ",")
    return [f"Le passage a commencé il y a {hours} h, la limite est de {max_age_hours:g} h."]


def _refuse_scope(report: CampaignReport, intervention: Intervention) -> list[str]:
    plan = report.run.plan
    missing = [family.name for family in intervention.families if family not in plan.families]
    refusals = [f"Le passage n'a pas jugé : {', '.join(missing)}."] if missing else []
    if plan.selection or plan.catalog:
        refusals.append(f"Le passage est partiel (sélection « {plan.selection or plan.catalog} »).")
    if plan.effects_left_out:
        count = len(plan.effects_left_out)
        refusals.append(
            f"Le passage est en lecture seule : ce qui écrit est laissé de côté (scénarios : {count})."
        )
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


def explain_block(
    decision: InterventionDecision,
    touches_replication: bool,
    target: Target,
    now: datetime,
    said: ReservesAnswer | None = None,
) -> str:
    """Why the decision lets no sensitive intervention begin now, in French; empty when it does.

    `said` is the answer about its reserves: where one was asked for, only a yes lets begin; where none was, whoever
    asked the question was shown the reserves with the answer.
    """
    if decision.answer is Answer.NO_GO:
        return f"la décision {decision.id} est NO-GO"
    if decision.acceptance_required and (said is None or said.acceptance is not Acceptance.ACCEPTED):
        refused = said is not None and said.acceptance is Acceptance.REFUSED
        how = "ont été refusées" if refused else "n'ont pas été acceptées"
        return f"les réserves de la décision {decision.id} {how}"
    if now >= decision.expires_at:
        return f"la décision {decision.id} n'est plus valable depuis le {decision.expires_at:%d/%m/%Y à %H:%M UTC}"
    if decision.application_version != target.application_version:
        return f"la décision {decision.id} porte sur la version {decision.application_version}"
    if (decision.platform, decision.identity_token) != (target.name, target.identity_token):
        return f"la décision {decision.id} porte sur une autre plateforme"
    if not decision.intervention.sensitive:
        return f"la décision {decision.id} a été demandée pour une intervention courante"
    if touches_replication and not decision.intervention.touches_replication:
        return f"la décision {decision.id} a été rendue sans les contrôles HD"
    return ""
