"""What a drill asks of a person: an instruction in the platform's folder, and a signed confirmation beside it.

    etapes/E-0123456789ab.json                            what is asked, of whom nobody can be supposed to know
    etapes/E-0123456789ab.D-….signed.json                 one person's confirmation (`python -m nonreg confirm`)
    etapes/closes/                                        both, once nobody waits any more

Nobody's silence is a yes: a step that is not confirmed in time raises. Files that prove nothing are passed over,
and named when the time is up.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nonreg.config import Platform
from nonreg.decision import (
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    load_signed,
    make_request,
    verify_decision,
    write_signed,
)
from nonreg.errors import DrillRefused, NonregError
from nonreg.french import explain_os_error
from nonreg.model import Role
from nonreg.people import People, Person
from nonreg.store import dump_json, load_json, write_file
from nonreg.waiting import observe_until

FOLDER, CLOSED = "etapes", "closes"
CONFIRMING_ROLES = frozenset({Role.TITULAIRE, Role.RENFORT_TECHNIQUE})
CONFIRMED_FOR = timedelta(hours=1)
POLL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class OperatorStep:
    """One thing that a person is asked to do; `name` is the drill's own word for it, times are aware UTC."""

    id: str
    run_id: str
    scenario_id: str
    name: str
    instruction: str
    asked_at: datetime
    deadline: datetime

    @classmethod
    def new(
        cls, run_id: str, scenario_id: str, name: str, instruction: str, within_seconds: float
    ) -> OperatorStep:
        """A step asked now; its text has nothing that a terminal hides, or it could not be signed."""
        now = datetime.now(UTC)
        shown = "".join(char if char.isprintable() or char == "\u00a0" else " " for char in instruction)
        deadline = now + timedelta(seconds=within_seconds)
        return cls(f"E-{secrets.token_hex(6)}", run_id, scenario_id, name, shown, now, deadline)


@dataclass(frozen=True, slots=True)
class Confirmation:
    """Who confirmed a step, and when they signed; `decision` is the id of what they signed."""

    person: str
    confirmed_at: datetime
    decision: str


def render_step(step: OperatorStep) -> str:
    """The French text that is read and signed."""
    return (
        "ÉTAPE D'UN EXERCICE, FAITE PAR UNE PERSONNE\n\n"
        f"Étape : {step.id}\n"
        f"Exercice : {step.scenario_id}, passage {step.run_id}\n"
        f"Demandée : {step.asked_at:%d/%m/%Y à %H:%M:%S UTC}\n"
        f"À faire avant : {step.deadline:%d/%m/%Y à %H:%M:%S UTC}\n\n"
        f"{step.instruction}\n\n"
        "En signant, je confirme que c'est fait.\n"
    )


def describe_step(step: OperatorStep, platform_name: str) -> str:
    """What a person must know of an open step, in one line each."""
    return (
        f"À faire par une personne avant {step.deadline:%H:%M:%S UTC} ({step.scenario_id}) : {step.instruction}\n"
        f"Puis : python -m nonreg confirm --platform {platform_name} {step.id} --key CLÉ"
    )


def ask(platform: Platform, step: OperatorStep) -> None:
    """Put the instruction where `list_open` finds it."""
    folder = open_folder(platform)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_file(folder / f"{step.id}.json", dump_json(OperatorStep, step))
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error


def list_open(platform: Platform) -> tuple[OperatorStep, ...]:
    """Steps that somebody waits for, oldest first; a file that is no step is passed over."""
    found = []
    for path in sorted(open_folder(platform).glob("E-*.json")):
        if path.name.endswith(".signed.json"):
            continue
        with suppress(NonregError, OSError):  # closed while we looked, or none of ours
            step = load_json(OperatorStep, path)
            if f"{step.id}.json" == path.name:
                found.append(step)
    return tuple(sorted(found, key=lambda step: (step.asked_at, step.id)))


def request_confirmation(
    platform: Platform, step: OperatorStep, person: Person, now: datetime
) -> DecisionRequest:
    """What a person is asked to sign; DrillRefused for one whose role confirms nothing."""
    if person.role not in CONFIRMING_ROLES:
        allowed = " ou ".join(sorted(CONFIRMING_ROLES))
        raise DrillRefused(f"« {person.id} » ({person.role}) ne confirme pas d'étape : il faut {allowed}.")
    shown = render_step(step)
    return make_request(
        DecisionKind.CONFIRMATION,
        step.id,
        shown,
        platform,
        person,
        ticket="",
        reason="",
        decided_at=now,
        expires_at=now + CONFIRMED_FOR,
    )


def confirm(platform: Platform, step: OperatorStep, signed: SignedDecision) -> Path:
    """Put a signed confirmation beside the step; it is verified by who waits for it."""
    path = open_folder(platform) / f"{step.id}.{signed.decision.id}.signed.json"
    write_signed(path, signed)
    return path


def find_confirmation(
    platform: Platform, people: People, step: OperatorStep, at: datetime
) -> tuple[Confirmation | None, tuple[str, ...]]:
    """The first confirmation that holds, and why each of the others does not, in French."""
    reasons = []
    for path in sorted(open_folder(platform).glob(f"{step.id}.*.signed.json")):
        try:
            signed = load_signed(path)
            decision = verify_decision(
                signed,
                people,
                kind=DecisionKind.CONFIRMATION,
                shown=render_step(step),
                platform=platform.name,
                identity_token=platform.identity_token,
                roles=CONFIRMING_ROLES,
                subject=step.id,
                at=at,
            )
        except NonregError as error:
            reasons.append(f"{path.name} : {error}")
            continue
        return Confirmation(decision.person, decision.decided_at, decision.id), tuple(reasons)
    return None, tuple(reasons)


def wait_confirmed(
    platform: Platform, people: People, step: OperatorStep, within_seconds: float
) -> Confirmation:
    """Wait for the confirmation; DrillRefused when none holds in time, with what was found instead."""
    found, reasons = observe_until(
        lambda: find_confirmation(platform, people, step, datetime.now(UTC)),
        lambda answer: answer[0] is not None,
        within_seconds,
        POLL_SECONDS,
    )
    if found is None:
        refused = f" Refusé : {' '.join(reasons)}" if reasons else ""
        asked = step.instruction.rstrip(".")
        raise DrillRefused(
            f"L'étape {step.id} n'a pas été confirmée en {within_seconds:g} s : {asked}.{refused}"
        )
    return found


def close(platform: Platform, step: OperatorStep) -> None:
    """Nobody waits for it any more: keep it, with its confirmations, among the closed ones."""
    folder = open_folder(platform)
    try:
        (folder / CLOSED).mkdir(parents=True, exist_ok=True)
        for path in (folder / f"{step.id}.json", *folder.glob(f"{step.id}.*.signed.json")):
            with suppress(FileNotFoundError):
                path.replace(folder / CLOSED / path.name)
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error


def open_folder(platform: Platform) -> Path:
    """The folder of the steps."""
    return platform.path(platform.drills.state_dir) / FOLDER
