"""The approval of drills: the exact text that the titulaire reads and signs, and its check before anything is broken.

The text is made again from the plan, the platform file and the code each time it is checked: whatever changed in
them since it was signed makes another text, and the approval no longer holds. Nothing here opens a connection.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from nonreg import ledger
from nonreg.baseline import governance_dir
from nonreg.config import Platform, load_platform
from nonreg.decision import (
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    canonical_json,
    hash_shown,
    load_signed,
    make_request,
    verify_decision,
    write_signed,
)
from nonreg.drills.planning import TIMER, plan_drills
from nonreg.errors import DrillRefused, UsageError
from nonreg.model import Approval, CampaignPlan, Nature, PlannedDrill, PlannedFault, Role, Scenario
from nonreg.people import People, Person, load_people
from nonreg.wording import plural

FILE = "approval.json"  # in the run's folder
APPROVING_ROLES = frozenset({Role.TITULAIRE})
DEFAULT_HOURS, MAX_HOURS = 24.0, 168.0
SUBJECT_CHARS = 16


def render_drill_plan(platform: Platform, plan: CampaignPlan) -> str:
    """The French text that is read and signed: what will be broken, how it is healed, what proves it afterwards."""
    return "\n".join(_write_lines(platform, plan)) + "\n"


def _write_lines(platform: Platform, plan: CampaignPlan) -> Iterator[str]:
    limits = {one.id: one.timeout_seconds for one in plan.scenarios}
    count = plural(len(plan.drills), "exercice", "exercices")
    yield f"EXERCICES DE HAUTE DISPONIBILITÉ : {count} à autoriser"
    yield ""
    yield f"Plateforme : {platform.name}, {platform.title}"
    yield f"Nature : {platform.nature}, jeton d'identité {platform.identity_token}"
    yield f"Version de l'application : {platform.application_version}"
    sites = ", ".join(f"{site.code} ({site.role}, {site.host.name})" for site in platform.sites)
    hypervisor = platform.drills.hypervisor
    yield f"Sites : {sites}" + (f" ; hyperviseur {hypervisor.name}" if hypervisor else "")
    yield f"Empreinte des cibles : {hash_targets(platform)}"
    yield f"Ticket : {plan.ticket}"
    for drill in plan.drills:
        yield ""
        yield from _write_drill(drill, limits[drill.scenario_id])
    by_hand = [fault.id for drill in plan.drills for fault in drill.faults if fault.by_hand]
    yield ""
    yield f"Durée totale la plus longue des exercices : {_say_seconds(sum(limits[d.scenario_id] for d in plan.drills))}"
    yield f"Que seule une personne peut guérir : {', '.join(by_hand) or 'rien'}"
    yield f"Dans les commandes, {TIMER} tient lieu du nom du minuteur, propre à chaque injection."
    yield ""
    yield "Ensuite, quoi qu'il arrive, ce qui reste cassé est guéri, puis ces contrôles sont refaits pour prouver"
    yield "que la plateforme est laissée comme trouvée :"
    yield from (f"  {one.id} {one.title}" for one in plan.closing)
    yield ""
    yield f"Empreinte du plan : {hash_plan(plan)}"
    yield "L'autorisation vaut jusqu'à l'échéance de la décision et pour ce plan seulement : un exercice, une panne,"
    yield "une cible ou une ligne de code qui change demande une nouvelle autorisation."


def _write_drill(drill: PlannedDrill, longest_seconds: float) -> Iterator[str]:
    yield f"{drill.scenario_id} {drill.title}"
    yield f"  Étape : {drill.stage} ; au plus {_say_seconds(longest_seconds)}"
    for fault in drill.faults:
        yield from _write_fault(fault)
    if not drill.faults:
        yield "  Aucune panne."
    if drill.operator_steps:
        yield "  Demandé à une personne :"
        yield from (f"    {number}. {step}" for number, step in enumerate(drill.operator_steps, 1))
    yield f"  Code : {drill.code_sha256}"


def _write_fault(fault: PlannedFault) -> Iterator[str]:
    where = f" sur {', '.join(fault.hosts)}" if fault.hosts else ""
    yield f"  Panne {fault.id}{where}, au plus {_say_seconds(fault.max_seconds)}"
    yield f"    Action : {fault.action}"
    yield f"    Guérison : {fault.healing}"
    if fault.by_hand:
        yield "    Guérie par une personne seulement."
    else:
        yield f"    Minuteur de sécurité : {fault.dead_man or 'aucun, elle reste jusqu’à la guérison'}"


def _say_seconds(seconds: float) -> str:
    return f"{seconds:g}".replace(".", ",") + " s"


def hash_plan(plan: CampaignPlan) -> str:
    """SHA-256 of all that the plan says of its drills, the parts that the text does not show included."""
    drilled = [one for one in plan.scenarios if one.drill is not None]
    parts: tuple[Iterable[PlannedDrill | Scenario], ...] = (plan.drills, drilled, plan.closing)
    told = [[dataclasses.asdict(one) for one in part] for part in parts]
    return hashlib.sha256(canonical_json(told)).hexdigest()


def hash_targets(platform: Platform) -> str:
    """SHA-256 of everything in the platform file that says what is reached, and how."""
    told = {
        "sites": [dataclasses.asdict(site) for site in platform.sites],
        "allowed": dataclasses.asdict(platform.allowed),
        "drills": dataclasses.asdict(platform.drills),
    }
    return hashlib.sha256(canonical_json(told)).hexdigest()


def name_subject(text: str) -> str:
    """What the decision is about: a short hash of the text."""
    return hash_shown(text)[:SUBJECT_CHARS]


def request_approval(
    platform: Platform, text: str, person: Person, ticket: str, reason: str, now: datetime, valid_hours: float
) -> DecisionRequest:
    """What the titulaire is asked to sign; UsageError for a validity that is none, DrillRefused for anybody else."""
    if person.role not in APPROVING_ROLES:
        allowed = " ou ".join(sorted(APPROVING_ROLES))
        raise DrillRefused(f"« {person.id} » ({person.role}) n'autorise pas d'exercice : il faut {allowed}.")
    if not 0 < valid_hours <= MAX_HOURS:
        raise UsageError(f"Validité refusée : {valid_hours:g} h (au plus {MAX_HOURS:g} h).")
    require_test(platform)
    return make_request(
        DecisionKind.EXERCICE,
        name_subject(text),
        text,
        platform,
        person,
        ticket=ticket,
        reason=reason,
        decided_at=now,
        expires_at=now + timedelta(hours=valid_hours),
    )


def verify_approval(
    platform: Platform, people: People, signed: SignedDecision, text: str, at: datetime
) -> Approval:
    """The approval, when it is the titulaire's, for exactly this text and still in force.

    DrillRefused on a platform that is not TEST or for an approval that lasts too long, DecisionRefused otherwise.
    """
    require_test(platform)
    decision = verify_decision(
        signed,
        people,
        kind=DecisionKind.EXERCICE,
        shown=signed.shown,
        platform=platform.name,
        identity_token=platform.identity_token,
        roles=APPROVING_ROLES,
        at=at,
    )
    if decision.content_sha256 != hash_shown(text):
        raise DrillRefused(
            f"L'autorisation {decision.id} est d'un autre plan que celui-ci{find_difference(signed.shown, text)}."
        )
    if decision.expires_at - decision.decided_at > timedelta(hours=MAX_HOURS):
        raise DrillRefused(
            f"L'autorisation {decision.id} dure plus de {MAX_HOURS:g} h : elle n'est pas acceptée."
        )
    return Approval(
        decision.id, decision.person, decision.decided_at, decision.expires_at, decision.content_sha256
    )


def find_difference(signed: str, now: str) -> str:
    """The first line that is not as it was signed, to add to a sentence."""
    for before, after in zip_longest(signed.splitlines(), now.splitlines(), fillvalue="rien"):
        if before != after:
            return f" : « {before.strip()} » a été signé, c'est maintenant « {after.strip()} »"
    return ""


def require_test(platform: Platform) -> None:
    """DrillRefused on a platform whose file does not say TEST."""
    if platform.nature is not Nature.TEST:
        raise DrillRefused(
            f"Aucun exercice n'est possible sur « {platform.name} » : sa nature est {platform.nature}, pas TEST."
        )


def require_people(platform: Platform) -> People:
    """Who may decide; DrillRefused on a platform where nobody may."""
    if not platform.governance:
        raise DrillRefused(
            f"La plateforme « {platform.name} » n'a pas de dossier « governance » : personne n'y autorise d'exercice."
        )
    return load_people(governance_dir(platform.governance), platform.identity_token)


def approve_plan(platform: Platform, plan: CampaignPlan, file: Path, at: datetime) -> CampaignPlan:
    """The plan with its approval, read from a file; DrillRefused or DecisionRefused when it is not approved."""
    require_test(platform)
    people = require_people(platform)
    approval = verify_approval(platform, people, load_signed(file), render_drill_plan(platform, plan), at)
    return dataclasses.replace(plan, approval=approval)


def keep_approval(run_dir: Path, signed: SignedDecision) -> None:
    """Copy the signed decision into the run's folder: it is checked again there, and is evidence."""
    run_dir.mkdir(parents=True, exist_ok=True)
    write_signed(run_dir / FILE, signed)


def check_approval(
    platform: Platform,
    plan: CampaignPlan,
    run_dir: Path,
    platform_file: Path,
    scenarios_dir: Path,
    at: datetime,
) -> None:
    """Just before acting: the approval kept with the run still holds for what the files say now.

    Nothing to check without drills. DrillRefused or DecisionRefused otherwise.
    """
    if not plan.drills:
        if any(scenario.drill for scenario in plan.scenarios):
            raise DrillRefused("Le plan contient un exercice que rien n'autorise.")
        return
    if load_platform(str(platform_file)) != platform:
        raise DrillRefused("Le fichier de plateforme a changé depuis la planification.")
    now = dataclasses.replace(plan, drills=plan_drills(platform, plan.scenarios, scenarios_dir))
    if approve_plan(platform, now, run_dir / FILE, at).approval != plan.approval or now.drills != plan.drills:
        raise DrillRefused("L'autorisation gardée avec le passage n'est pas celle de son plan.")


def record_approval(
    runs_dir: Path, platform: Platform, plan: CampaignPlan, signed: SignedDecision, now: datetime
) -> None:
    """Put the approval in the ledger, once: a later campaign that uses it finds it there.

    DecisionRefused when the same decision served for something else, LedgerBroken when the ledger does not hold.
    """
    people, path = require_people(platform), runs_dir / ledger.FILE
    decision = signed.decision
    for entry in ledger.read_entries(path):
        if entry.decision == decision and entry.kind == DecisionKind.EXERCICE:
            return
    runs_dir.mkdir(parents=True, exist_ok=True)
    ledger.append(
        path,
        kind=DecisionKind.EXERCICE.value,
        platform=platform.name,
        person=decision.person,
        ticket=decision.ticket,
        data={
            "drills": [drill.scenario_id for drill in plan.drills],
            "expires_at": decision.expires_at.isoformat(),
            "content_sha256": decision.content_sha256,
        },
        at=now,
        people=people,
        signed=signed,
    )
