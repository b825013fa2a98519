"""How a human step gets its answer, and a check that failed its retry: nobody here, a file, or the forms of the UI.

In a deployment the flow run is suspended before a form, and its process ends: resumed, it begins again from the top and
finds the form answered.
"""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from prefect import runtime
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import ValidationError

from flows.step_form import (
    CHOICE,
    PERSON,
    REASON,
    SIGNATURE,
    SKIP,
    RetryChoice,
    make_answer_form,
    make_retry_form,
    make_signature_form,
    read_values,
)
from nonreg.decision import (
    DecisionRequest,
    SignedDecision,
    attach_signature,
    load_request,
    load_signed,
    write_request,
)
from nonreg.errors import DecisionRefused, NonregError, UsageError
from nonreg.handover.answer import Answer, require_may
from nonreg.handover.control import GivingUp
from nonreg.handover.form import check_said
from nonreg.handover.scripted import Script
from nonreg.handover.signing import list_who_may, request_signature
from nonreg.handover.state import last_failure
from nonreg.model.handover import Execution, Said, Step, StepKind
from reports.markdown import escape
from reports.text import format_moment
from tasks.handover_control import list_who_may_give_up
from tasks.handover_suspended import forget_suspended, list_suspended, note_suspended
from tasks.handover_work import Work

TO_SIGN = "a-signer"
ANSWER_AGAIN = "Répondez de nouveau."


class Waiting(NonregError):
    """A person has to answer, and nobody was asked here: the execution goes on once they have."""


class AnswerRefused(NonregError):
    """What was answered in a form does not hold; the form is shown again with the reason."""


class Asker(Protocol):
    """How a human step gets its answer, and a failed one its retry."""

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        """The answer to a step; Waiting when it comes some other way."""

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        """None to try again, or who gives the execution up and why; Waiting when nobody says."""

    def refused(self, error: NonregError) -> None:
        """An answer was refused: raise, or return to ask again."""

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        """True when this flow run began before, and may have asked about that step already."""


class Nobody:
    """Nobody is asked here: a terminal answers by `python -m nonreg answer`."""

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        """Say how to answer."""
        raise Waiting(
            f"Étape {step.id} en attente d'une réponse ({step.role}) : {step.title}. "
            f"python -m nonreg answer {execution.id} {step.id} --platform {work.platform_name}"
        )

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        """Say how to try again."""
        failed = last_failure(execution, step.id)
        said = f"{failed.message} {failed.remedy}" if failed else ""
        raise Waiting(f"Étape {step.id} en échec : {said}")

    def refused(self, error: NonregError) -> None:
        """There was no answer to refuse."""
        raise error

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        """It asks nobody."""
        return False


class Scripted:
    """Answers written beforehand, for a rehearsal."""

    def __init__(self, script: Script) -> None:
        self._script = script

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        """The answer of the file."""
        return self._script.answer(execution, step, work.platform, work.people, datetime.now(UTC))

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        """A file cannot mend anything."""
        return Nobody().ask_retry(work, execution, step)

    def refused(self, error: NonregError) -> None:
        """A file would say the same again."""
        raise error

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        """It asks nobody."""
        return False


class Suspending:
    """Forms in the UI of Prefect; the run is suspended until somebody fills one in."""

    def ask(self, work: Work, execution: Execution, step: Step) -> Answer:
        """Who answers and what; then, for an engaging step, their signature."""
        at = datetime.now(UTC)
        allowed = tuple(
            one.id
            for one in list_who_may(
                execution, step, work.people, at, work.journal.list_delegations(execution)
            )
        )
        if not allowed:
            raise Waiting(
                f"Personne d'habilité ne peut faire l'étape {step.id} ({step.role}) : complétez le fichier des "
                f"personnes, puis reprenez l'exécution {execution.id}."
            )
        form = make_answer_form(step, allowed, describe_ask(work, execution, step))
        filled = suspend(work, execution, step, form, name_key(execution, step))
        person = getattr(filled, PERSON).value
        reason = str(getattr(filled, SKIP, "")).strip()
        values = {} if reason else read_values(step, filled)
        if step.kind is not StepKind.SIGNATURE or reason:
            return Answer(step.id, person, values, None, reason)
        try:
            signed = self._ask_signature(work, execution, step, person, values)
        except (UsageError, DecisionRefused) as error:
            raise AnswerRefused(str(error)) from error
        return Answer(step.id, person, values, signed)

    def _ask_signature(
        self, work: Work, execution: Execution, step: Step, person: str, values: dict[str, str]
    ) -> SignedDecision:
        said = check_said(step, values, datetime.now(UTC))
        require_may(
            execution,
            step,
            work.people,
            person,
            datetime.now(UTC),
            work.journal.list_delegations(execution),
        )
        path, request = keep_request(work, execution, step, person, said)
        form = make_signature_form(describe_signing(work, path, request))
        key = f"{name_key(execution, step)}-{request.decision.id}".lower()
        filled = suspend(work, execution, step, form, key)
        armor = str(getattr(filled, SIGNATURE)).strip()
        if armor:
            return attach_signature(request, armor + "\n")
        signed = path.with_suffix(".signed.json")
        if not signed.is_file():
            raise UsageError(f"Aucune signature : ni dans le formulaire, ni dans {signed}.")
        return load_signed(signed)

    def ask_retry(self, work: Work, execution: Execution, step: Step) -> GivingUp | None:
        """Try again, or who gives up for which reason: both are checked when it is recorded."""
        allowed = tuple(one.id for one in list_who_may_give_up(work, execution))
        form = make_retry_form(allowed, describe_retry(execution, step))
        filled = suspend(work, execution, step, form, name_key(execution, step))
        if getattr(filled, CHOICE) is RetryChoice.REESSAYER:
            return None
        person = getattr(filled, PERSON, None)
        return GivingUp(person.value if person else "", str(getattr(filled, REASON)))

    def refused(self, error: NonregError) -> None:
        """The next form says why."""

    def has_asked(self, work: Work, execution: Execution, step: Step) -> bool:
        """Suspended before a form of that step (a run that is resumed keeps its count), or retried from the UI."""
        suspended = dict(list_suspended(work.journal.folder(execution.id)))
        is_retried = int(runtime.flow_run.run_count or 0) > 1
        return is_retried or suspended.get(str(runtime.flow_run.id)) == step.id


def suspend(work: Work, execution: Execution, step: Step, form: type[RunInput], key: str) -> RunInput:
    """What was filled in; without it the run is suspended, and this process ends here.

    A run that was resumed without an answer (its form was never shown: killed at that moment) is asked once more.
    """
    folder, run_id = work.journal.folder(execution.id), str(runtime.flow_run.id)
    note_suspended(folder, run_id, step.id)
    for number in itertools.count():
        try:
            filled = suspend_flow_run(wait_for_input=form, timeout=None, key=f"{key}-{number}")
        except ValidationError:
            continue
        forget_suspended(folder, run_id)
        return filled
    raise AssertionError


def keep_request(
    work: Work, execution: Execution, step: Step, person_id: str, said: tuple[Said, ...]
) -> tuple[Path, DecisionRequest]:
    """The request to sign: that which was written before for the same answers and holds yet, or a new one."""
    folder = work.journal.folder(execution.id) / TO_SIGN
    folder.mkdir(exist_ok=True)
    at, person = datetime.now(UTC), work.people.find(person_id)
    assert person is not None
    new = request_signature(work.platform, execution, step, said, person, at)
    for path in sorted(folder.glob(f"{step.id}-D-????????????.json")):
        try:
            known = load_request(path)
        except (UsageError, DecisionRefused):
            continue  # of no hand of ours: nobody signs it, and a new one takes its place
        same = (known.shown, known.decision.person) == (new.shown, person_id)
        if same and at < known.decision.expires_at:
            return path, known
    path = folder / f"{step.id}-{new.decision.id}.json"
    write_request(path, new)
    return path, new


def describe_ask(work: Work, execution: Execution, step: Step) -> str:
    """What stands above the form of a step."""
    failed = last_failure(execution, step.id)
    lines = [f"## {escape(step.id)} — {escape(step.title)}", ""]
    lines += ["*Ce texte défile.*", ""]
    if execution.rehearsal:
        lines += ["**RÉPÉTITION** : rien de ce qui suit n'engage.", ""]
    if failed is not None:
        lines += [f"**Réponse refusée** : {escape(failed.message)}", ""]
    lines += ["### Avant", "", step.precondition, ""] if step.precondition else []
    lines += ["### À faire", "", step.instructions.strip(), ""]
    lines += ["### Commande", "", f"    {step.command}", ""] if step.command else []
    lines += ["### Preuve attendue", "", step.evidence, ""]
    lines += [
        "### Où l'on en est",
        "",
        f"Exécution `{execution.id}`, ticket {escape(execution.ticket)}. Depuis un terminal :",
        "",
        f"    python -m nonreg answer {execution.id} {step.id} --platform {work.platform_name}",
    ]
    return "\n".join(lines)


def describe_retry(execution: Execution, step: Step) -> str:
    """What stands above the form of a check that failed: why the last answer was refused, and what is wrong."""
    tries = [one for one in execution.failed if one.step_id == step.id]
    lines = [f"## {escape(step.id)} — {escape(step.title)} : en échec", ""]
    if tries and tries[-1].remedy == ANSWER_AGAIN:
        lines += [f"**Réponse refusée** : {escape(tries[-1].message)}", ""]
    wrong = [one for one in tries if one.remedy != ANSWER_AGAIN]
    if wrong:
        lines += [escape(wrong[-1].message), "", f"**À faire** : {escape(wrong[-1].remedy)}"]
    return "\n".join(lines)


def describe_signing(work: Work, path: Path, request: DecisionRequest) -> str:
    """What is signed, and the command."""
    decision = request.decision
    shown = "\n".join(f"    {line}" for line in request.shown.rstrip("\n").split("\n"))
    return "\n".join(
        [
            f"## Signature de « {escape(decision.person)} »",
            "",
            "Ce texte est signé, avec votre clé SSH :",
            "",
            shown,
            "",
            "Là où se trouve le dossier des passages :",
            "",
            f"    python -m nonreg sign {path} --platform {work.platform_name} --key CLÉ",
            "",
            "ou, sans cet outil, sur ce fichier :",
            "",
            f"    ssh-keygen -Y sign -n decision@aquareel-nonreg -f CLÉ {path.with_suffix('.decision.json')}",
            "",
            f"Décision {decision.id}, valable jusqu'au {format_moment(decision.expires_at)}.",
        ]
    )


def name_key(execution: Execution, step: Step) -> str:
    """The key of a form: another one after each answer that was refused, or each try that failed."""
    tries = sum(one.step_id == step.id for one in execution.failed)
    return f"{execution.id}-{step.id}-{tries}".lower()  # all that Prefect takes
