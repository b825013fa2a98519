"""Before an intervention: find a run that answers, decide, publish the page and the decision others can check."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.basis import load_governed
from nonreg.clients.sql import open_session
from nonreg.config import Platform
from nonreg.errors import InterventionBlocked, NonregError, UsageError
from nonreg.evidence.files import MANIFEST
from nonreg.evidence.interrupted import finish_sealed, make_aside
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.intervention import (
    ACCEPTING_ROLES,
    AGE_LIMIT,
    Observed,
    Target,
    answer,
    explain_block,
    explain_outside_hours,
    find_expiry,
    find_opening,
    is_usable,
)
from nonreg.ledger import LedgerEntry
from nonreg.ledger_witness import collect_witnesses, verify_ledger
from nonreg.model import (
    Acceptance,
    Answer,
    CampaignReport,
    Intervention,
    InterventionDecision,
    InterventionKind,
    ReservesAnswer,
    SiteRole,
    Verdict,
)
from nonreg.store import dump_json, hash_file, load_json, write_file
from nonreg.tracker.requirement import require_open_ticket
from reports.html import write_html
from reports.intervention import build_intervention_page
from reports.pdf import write_pdf
from tasks.promotion import require_people
from tasks.publication import RUN_KIND, load_unaltered

FOLDER, DECISION, KIND = "interventions", "decision.json", "intervention"
ACCEPTANCE, ACCEPTANCE_KIND = "acceptation.json", "reserves"
CLOSING_KIND = "cloture"


@dataclass(frozen=True, slots=True)
class Answered:
    """A published decision, where it is, and the report that it rests on."""

    decision: InterventionDecision
    folder: Path
    report: CampaignReport | None


@dataclass(frozen=True, slots=True)
class Permission:
    """A sensitive intervention may begin; `outside_hours` says in French why nobody works at this time."""

    decision: InterventionDecision
    said: ReservesAnswer | None
    outside_hours: str


def read_max_age(platform: Platform, asked_hours: float | None) -> float:
    """How old a run may be, in hours: the agreed limit, or a stricter wish; UsageError when none is agreed."""
    agreed = platform.limits.get(AGE_LIMIT)
    if agreed is None:
        raise UsageError(
            f"La plateforme « {platform.name} » n'a pas d'âge maximal convenu pour un passage (limits.{AGE_LIMIT})."
        )
    if asked_hours is None:
        return agreed
    if not 0 < asked_hours <= agreed:
        raise UsageError(
            f"Âge maximal refusé : {asked_hours:g} h (plus de 0, au plus {agreed:g} h convenues)."
        )
    return asked_hours


def find_run(
    platform: Platform, intervention: Intervention, runs_dir: Path, now: datetime, max_age_hours: float
) -> Path | None:
    """The latest run that can answer, a KO too; None when one has to be run.

    An older run never answers over a newer one that failed, is incomplete or cannot be read.
    """
    oldest = now - timedelta(hours=max_age_hours)
    for entry in list_run_entries(platform, runs_dir):
        if read_start(entry) < oldest:
            return None
        try:
            report = load_unaltered(runs_dir / str(entry.data["run_id"]))
        except NonregError:
            return None
        verdict = report.assessment.verdict
        if is_usable(report, intervention, oldest) and verdict is not Verdict.INCOMPLET:
            return runs_dir / report.run.plan.run_id
        if verdict in (Verdict.KO, Verdict.INCOMPLET):
            return None
    return None


def list_run_entries(platform: Platform, runs_dir: Path) -> list[LedgerEntry]:
    """The last ledger entry of each run of the platform in this version, latest run first."""
    last: dict[str, LedgerEntry] = {}
    for entry in ledger.read_entries(runs_dir / ledger.FILE):
        same = entry.data.get("application_version") == platform.application_version
        if entry.kind == RUN_KIND and entry.platform == platform.name and same:
            last[str(entry.data["run_id"])] = entry
    return sorted(last.values(), key=lambda entry: (read_start(entry), entry.sequence), reverse=True)


def read_start(entry: LedgerEntry) -> datetime:
    """When the run of an entry started, at the latest when it was recorded."""
    return datetime.fromisoformat(str(entry.data.get("started_at", entry.at.isoformat())))


def list_obstacles(platform: Platform, report: CampaignReport | None, runs_dir: Path) -> tuple[str, ...]:
    """In French, what forbids a GO whatever the run says: newer failures, a governance that does not hold."""
    said = []
    if report is not None:
        said += [
            f"Un passage plus récent est KO : {entry.data['run_id']}."
            for entry in list_run_entries(platform, runs_dir)
            if entry.data.get("verdict") == Verdict.KO and read_start(entry) > report.run.started_at
        ]
    try:
        load_governed(platform, require_people(platform), runs_dir)
    except NonregError as error:
        said.append(str(error))
    return tuple(said)


def observe_version(platform: Platform) -> Observed:
    """The version that the active site's database declares now."""
    try:
        with open_session(platform, platform.site(SiteRole.ACTIF)) as session:
            return Observed(str(session.query("platform_identity").dicts()[0]["version_app"]))
    except (NonregError, IndexError, KeyError) as error:
        return Observed("", str(error))


def describe_target(platform: Platform) -> Target:
    """The platform as an answer names it."""
    return Target(platform.name, platform.identity_token, platform.application_version)


def decide(
    platform: Platform,
    intervention: Intervention,
    run_dir: Path | None,
    observed: Observed,
    now: datetime,
    max_age_hours: float,
    person: str,
    *,
    ask_acceptance: bool = False,
) -> tuple[InterventionDecision, CampaignReport | None]:
    """The decision on that run, judged again, and the report it rests on.

    With `ask_acceptance`, a GO with reserves lets nothing begin before they are accepted.
    """
    people = require_people(platform)
    if person and people.find(person) is None:
        raise UsageError(f"Personne inconnue : « {person} » (--person, un identifiant).")
    named = people.find_name_in(intervention.replication_reason)
    if named is not None:
        raise UsageError(f"Écrivez l'identifiant « {named.id} », pas le nom de la personne.")
    unverified = require_open_ticket(platform, intervention.ticket)
    runs_dir = run_dir.parent if run_dir else None
    report, obstacles = load_report(run_dir)
    if runs_dir is not None:
        obstacles += list_obstacles(platform, report, runs_dir)
    outside_hours = explain_outside_hours(
        intervention, find_opening(intervention, now), platform.working_time
    )
    seen = dataclasses.replace(observed, obstacles=obstacles, outside_hours=outside_hours)
    given, reasons = answer(intervention, report, seen, describe_target(platform), now, max_age_hours)
    decision = InterventionDecision(
        id=f"I-{secrets.token_hex(6)}",
        platform=platform.name,
        application_version=platform.application_version,
        intervention=intervention,
        answer=given,
        reasons=(*reasons, unverified) if unverified else reasons,
        decided_at=now,
        expires_at=find_expiry(report, now, max_age_hours),
        person=person,
        max_age_hours=max_age_hours,
        identity_token=platform.identity_token,
        outside_hours=outside_hours,
        acceptance_required=ask_acceptance and given is Answer.GO_AVEC_RESERVES,
    )
    if report is None or run_dir is None:
        return decision, None
    return (
        dataclasses.replace(
            decision,
            run_id=report.run.plan.run_id,
            run_started_at=report.run.started_at,
            verdict=report.assessment.verdict,
            report_sha256=hash_file(run_dir / "report.json"),
            baseline=report.basis.baseline.number if report.basis.baseline else None,
        ),
        report,
    )


def load_report(run_dir: Path | None) -> tuple[CampaignReport | None, tuple[str, ...]]:
    """The report of a run that is as the ledger knows it, or why it is not."""
    if run_dir is None:
        return None, ()
    try:
        return load_unaltered(run_dir), ()
    except NonregError as error:
        return None, (str(error),)


def publish_decision(
    platform: Platform, decision: InterventionDecision, report: CampaignReport | None, runs_dir: Path
) -> Answered:
    """Write page and decision, record it, then show them: nothing is left of one that was not recorded."""
    runs_dir.mkdir(parents=True, exist_ok=True)
    verify_ledger(runs_dir / ledger.FILE, collect_witnesses(runs_dir))
    folder = runs_dir / FOLDER / decision.id
    folder.parent.mkdir(exist_ok=True)
    finish_sealed(folder.parent, runs_dir)
    page = build_intervention_page(decision, report)
    with make_aside(folder, runs_dir) as made:
        write_file(made / DECISION, dump_json(InterventionDecision, decision) + "\n")
        write_file(made / "page.html", write_html(page))
        write_file(made / "page.pdf", write_pdf(page, decision.decided_at))
        thing = describe_sealed(platform, decision, KIND, decision.person, decision.decided_at)
        data = {
            "decision": decision.id,
            "intervention": decision.intervention.kind.value,
            "answer": decision.answer.value,
            "sha256": hash_file(made / DECISION),
            "run_id": decision.run_id,
            "outside_hours": decision.outside_hours,
            "acceptance_required": decision.acceptance_required,
        }
        seal_folder(made, thing, runs_dir, data=data, people=require_people(platform), final=folder)
    return Answered(decision, folder, report)


def describe_sealed(
    platform: Platform, decision: InterventionDecision, kind: str, person: str, at: datetime
) -> Thing:
    """What the folder of a decision is sealed as, by the line of that kind."""
    ticket, token = decision.intervention.ticket, platform.identity_token
    return Thing(kind, decision.id, platform.name, token, at, ticket, person)


def list_accepting(platform: Platform, now: datetime) -> tuple[str, ...]:
    """Ids of those who may accept reserves now; UsageError when there is nobody."""
    people = require_people(platform)
    found = tuple(one.id for one in people.persons if one.role in ACCEPTING_ROLES and one.is_valid(now))
    if not found:
        roles = ", ".join(sorted(role.value for role in ACCEPTING_ROLES))
        raise UsageError(
            f"{people.file} : personne ne peut accepter des réserves aujourd'hui (rôles {roles})."
        )
    return found


def record_acceptance(
    platform: Platform,
    answered: Answered,
    acceptance: Acceptance,
    person: str,
    comment: str,
    runs_dir: Path,
    now: datetime,
) -> ReservesAnswer:
    """Write what was answered beside the decision, which stays as it was shown, record it, and make the page again.

    All of it in a copy, which takes the folder's place once the ledger knows it.
    """
    finish_sealed(answered.folder.parent, runs_dir)
    decision, folder = answered.decision, answered.folder
    comment = comment.strip()
    said = ReservesAnswer(decision.id, hash_file(folder / DECISION), acceptance, now, person, comment)
    page = build_intervention_page(decision, answered.report, said)
    files = {
        ACCEPTANCE: (dump_json(ReservesAnswer, said) + "\n").encode("utf-8"),
        "page.html": write_html(page).encode("utf-8"),
        "page.pdf": write_pdf(page, now),
    }
    thing = describe_sealed(platform, decision, ACCEPTANCE_KIND, person, now)
    data = {
        "decision": decision.id,
        "acceptance": acceptance.value,
        "declared": True,  # typed in a form: no signature proves who it was
        "sha256": hashlib.sha256(files[ACCEPTANCE]).hexdigest(),
    }
    with make_aside(folder, runs_dir) as made:
        shutil.copytree(folder, made, ignore=shutil.ignore_patterns(MANIFEST), dirs_exist_ok=True)
        for name, content in files.items():
            write_file(made / name, content)
        seal_folder(made, thing, runs_dir, data=data, people=require_people(platform), final=folder)
    return said


def require_go(
    platform: Platform,
    ticket: str,
    kind: InterventionKind,
    touches_replication: bool,
    runs_dir: Path,
    now: datetime,
) -> Permission:
    """What lets a sensitive intervention begin; InterventionBlocked says why it may not.

    To be called by whatever is about to intervene, just before it does. The last answer for that ticket and
    kind counts; it is given again on the run as it is now, with the version that is installed now.
    """
    try:
        decision, said = load_last_decision(platform, ticket, kind, runs_dir)
        why = explain_block(decision, touches_replication, describe_target(platform), now, said)
        why = why or confirm_answer(platform, decision, runs_dir, now)
    except InterventionBlocked:
        raise
    except NonregError as error:
        why = str(error)
    if why:
        raise InterventionBlocked(f"Intervention {kind} bloquée ({ticket}) : {why.rstrip('.')}.")
    outside_hours = explain_outside_hours(decision.intervention, now, platform.working_time)
    return Permission(decision, said, outside_hours)


def load_last_decision(
    platform: Platform, ticket: str, kind: InterventionKind, runs_dir: Path
) -> tuple[InterventionDecision, ReservesAnswer | None]:
    """The last recorded answer for that ticket and kind, and what was said of its reserves.

    A NonregError when there is none, or when one of them was changed.
    """
    path = runs_dir / ledger.FILE
    finish_sealed(runs_dir / FOLDER, runs_dir)
    entries = verify_ledger(path, collect_witnesses(runs_dir)).entries
    if ledger.has_torn_tail(path):
        raise NonregError("la dernière ligne du registre est incomplète")
    own = [
        entry
        for entry in entries
        if (entry.kind, entry.ticket, entry.platform) == (KIND, ticket, platform.name)
        and entry.data.get("intervention") == kind
    ]
    if not own:
        raise NonregError("aucune décision GO n'a été rendue pour ce ticket et ce type d'intervention")
    closed = [
        entry
        for entry in entries
        if (entry.kind, entry.ticket, entry.platform) == (CLOSING_KIND, ticket, platform.name)
        and entry.data.get("intervention") == kind
    ]
    if closed and closed[-1].sequence > own[-1].sequence:
        raise NonregError("cette intervention est close : ce qui est refait demande une nouvelle réponse")
    refused = find_refused(own, entries)
    if refused:
        raise NonregError(
            f"les réserves de la décision {refused} ont été refusées : il faut un GO sans réserve, ou qu'elles soient "
            "acceptées dans le formulaire"
        )
    decision_id = str(own[-1].data["decision"])
    file = runs_dir / FOLDER / decision_id / DECISION
    if not file.is_file() or hash_file(file) != own[-1].data.get("sha256"):
        raise NonregError(f"la décision {decision_id} est absente ou a été modifiée : {file}")
    answers = [
        entry
        for entry in entries
        if (entry.kind, entry.platform) == (ACCEPTANCE_KIND, platform.name)
        and entry.data.get("decision") == decision_id
    ]
    if not answers:
        return load_json(InterventionDecision, file), None
    said = file.with_name(ACCEPTANCE)
    if not said.is_file() or hash_file(said) != answers[-1].data.get("sha256"):
        raise NonregError(f"la réponse aux réserves de {decision_id} est absente ou a été modifiée : {said}")
    return load_json(InterventionDecision, file), load_json(ReservesAnswer, said)


def find_refused(own: list[LedgerEntry], entries: Iterable[LedgerEntry]) -> str:
    """The decision whose reserves somebody refused, when the last one has reserves and asked nobody; empty otherwise.

    A refusal holds until somebody accepts, or there is a GO without reserves.
    """
    last = own[-1].data
    if last.get("answer") != Answer.GO_AVEC_RESERVES or last.get("acceptance_required"):
        return ""
    said = {
        str(entry.data.get("decision")): entry.data.get("acceptance")
        for entry in entries
        if entry.kind == ACCEPTANCE_KIND
    }
    for entry in reversed(own):
        decision_id = str(entry.data["decision"])
        if said.get(decision_id) == Acceptance.REFUSED:
            return decision_id
        if said.get(decision_id) == Acceptance.ACCEPTED or entry.data.get("answer") == Answer.GO:
            return ""
    return ""


def confirm_answer(platform: Platform, decision: InterventionDecision, runs_dir: Path, now: datetime) -> str:
    """Why the same question would be answered NO-GO now, in French; empty when it would not."""
    if not decision.run_id or Path(decision.run_id).name != decision.run_id:
        return f"la décision {decision.id} ne repose sur aucun passage"
    run_dir = runs_dir / decision.run_id
    report = load_unaltered(run_dir)
    if hash_file(run_dir / "report.json") != decision.report_sha256:
        return f"le rapport de {decision.run_id} n'est plus celui de la décision {decision.id}"
    seen = dataclasses.replace(
        observe_version(platform), obstacles=list_obstacles(platform, report, runs_dir)
    )
    given, reasons = answer(
        decision.intervention, report, seen, describe_target(platform), now, decision.max_age_hours
    )
    return " ".join(reasons) if given is Answer.NO_GO else ""
