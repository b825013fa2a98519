"""A step asked at a terminal, field by field: what is wrong is said and asked again, until it is right.

Ctrl-C and the end of the input leave everything as it is: nothing is recorded before the last question.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg.clients.sshsig import load_key_file
from nonreg.config import Platform
from nonreg.decision import SignedDecision, sign_decision
from nonreg.errors import NonregError, UsageError
from nonreg.handover.answer import Answer
from nonreg.handover.control import GivingUp
from nonreg.handover.form import YES, check_said, check_value, hint
from nonreg.handover.signing import Delegation, list_who_may, request_signature
from nonreg.model.handover import Execution, Field, FieldKind, Step, StepFailed, StepKind
from nonreg.people import People, Person

NOW = "maintenant"
NUMBERED = (FieldKind.CHOICE, FieldKind.CHOICES)


def say(line: str) -> None:
    """One line at the terminal."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


@dataclass(frozen=True, slots=True)
class Terminal:
    """Where questions are read and lines are written; `now` is the clock."""

    read: Callable[[str], str] = input
    write: Callable[[str], None] = say
    now: Callable[[], datetime] = lambda: datetime.now(UTC)

    def ask(self, question: str, check: Callable[[str], str]) -> str:
        """The answer in its normal form; asked again as long as `check` raises UsageError."""
        while True:
            try:
                return check(self.read(question).strip())
            except UsageError as error:
                self.write(f"  {error}")


@dataclass(frozen=True, slots=True)
class Asked:
    """One execution whose steps are asked; `keys` holds private keys by id of person, if any."""

    platform: Platform
    people: People
    execution: Execution
    delegations: tuple[Delegation, ...]
    keys: Path


def ask_answer(terminal: Terminal, asked: Asked, step: Step) -> Answer:
    """The answer to a human step, signed when it engages; EOFError or KeyboardInterrupt when nobody goes on."""
    allowed = list_who_may(asked.execution, step, asked.people, terminal.now(), asked.delegations)
    if not allowed:
        raise NonregError(f"Personne d'habilité ne peut faire l'étape {step.id} ({step.role}).")
    for line in describe_step(step):
        terminal.write(line)
    person = ask_person(terminal, allowed)
    if step.may_be_skipped and (
        reason := terminal.read("Sans objet ? Son motif (Entrée pour répondre) : ").strip()
    ):
        return Answer(step.id, person.id, {}, None, reason)
    values = {field.id: ask_field(terminal, step, field) for field in step.fields}
    if step.kind is not StepKind.SIGNATURE:
        return Answer(step.id, person.id, values)
    return Answer(step.id, person.id, values, ask_signature(terminal, asked, step, person, values))


def describe_step(step: Step) -> Iterable[str]:
    """What stands above the questions of a step."""
    yield from ("", f"{step.id} — {step.title}")
    if step.precondition:
        yield f"  Avant : {step.precondition}"
    yield from (f"  {line}" for line in step.instructions.strip().splitlines())
    if step.command:
        yield f"  Commande : {step.command}"
    yield f"  Preuve attendue : {step.evidence}"


def ask_person(terminal: Terminal, allowed: tuple[Person, ...], question: str = "Qui répond ?") -> Person:
    """Who answers, among those who may; the only one by a mere Enter."""
    ids = [one.id for one in allowed]

    def check(text: str) -> str:
        if not text and len(ids) == 1:
            return ids[0]
        if text not in ids:
            raise UsageError(f"L'une de ces personnes est attendue : {', '.join(ids)}.")
        return text

    default = f" (Entrée : {ids[0]})" if len(ids) == 1 else f" ({', '.join(ids)})"
    found = terminal.ask(f"{question}{default} ", check)
    return next(one for one in allowed if one.id == found)


def ask_field(terminal: Terminal, step: Step, field: Field) -> str:
    """One field; choices may be given by their number, an instant by « maintenant »."""
    if field.help:
        terminal.write(f"  {field.help}")
    for number, option in enumerate(field.options, 1):
        terminal.write(f"    {number}. {option}")

    def check(text: str) -> str:
        return check_value(step, field, expand(field, text, terminal.now()), terminal.now())

    words = hint(field) if field.kind not in NUMBERED else " (un numéro)"
    if field.kind is FieldKind.CHOICES:
        words = " (un ou plusieurs numéros, séparés par des virgules)"
    if field.kind is FieldKind.INSTANT:
        words = f" (une date et une heure passées, 30/11/2026 14:05, ou « {NOW} »)"
    return terminal.ask(f"{field.label}{'' if field.required else ', si utile'}{words} : ", check)


def expand(field: Field, text: str, at: datetime) -> str:
    """What a short answer stands for. Pure."""
    if field.kind is FieldKind.INSTANT and text.lower() == NOW:
        return at.isoformat()
    if field.kind in (FieldKind.YES, FieldKind.YES_NO) and text.lower() in ("o", "n"):
        return {"o": YES, "n": "non"}[text.lower()]
    if field.kind not in NUMBERED:
        return text
    return ", ".join(pick(field, word.strip()) for word in text.split(",")) if text else text


def pick(field: Field, word: str) -> str:
    """The option of that number; the word itself when it is no number of one."""
    is_number = word.isascii() and word.isdigit() and 1 <= int(word) <= len(field.options)
    return field.options[int(word) - 1] if is_number else word


def ask_signature(
    terminal: Terminal, asked: Asked, step: Step, person: Person, values: dict[str, str]
) -> SignedDecision:
    """Show what is signed, then sign it with the person's key."""
    at = terminal.now()
    request = request_signature(
        asked.platform, asked.execution, step, check_said(step, values, at), person, at
    )
    terminal.write(f"\nCe texte est signé par « {person.id} » :\n")
    terminal.write("\n".join(f"    {line}" for line in request.shown.rstrip("\n").split("\n")))
    own = asked.keys / person.id
    default = f" (Entrée : {own})" if own.is_file() else ""
    while True:
        path = terminal.ask(f"Fichier de la clé SSH privée{default} : ", lambda text: text or str(own))
        try:
            return sign_decision(request, load_key_file(Path(path)))
        except NonregError as error:
            terminal.write(f"  {error}")


def ask_retry(
    terminal: Terminal, step: Step, failed: StepFailed | None, allowed: tuple[Person, ...]
) -> GivingUp | None:
    """None to try a failed step again, or who of those who may gives the execution up, and why."""
    terminal.write(f"\n{step.id} — {step.title} : en échec.")
    if failed is not None:
        terminal.write(f"  {failed.message}\n  À faire : {failed.remedy}")
    question = "Entrée pour réessayer, ou le motif d'un abandon (Ctrl-C : s'arrêter là) : "
    reason = terminal.read(question).strip()
    if not reason:
        return None
    if not allowed:
        raise NonregError("Personne d'habilité ne peut abandonner cette exécution.")
    return GivingUp(ask_person(terminal, allowed, "Qui abandonne ?").id, reason)
