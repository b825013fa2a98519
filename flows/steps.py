"""Following a runbook: each step is a task run under its French title, and what is done is in the ledger, not here.

A human step asks through an `Asker`. In a deployment that suspends the flow run, whose process ends: however long the
answer takes, whatever is restarted meanwhile, the run begins again from the top and skips what the ledger holds. No
answer is never a yes.
"""

from __future__ import annotations

import itertools
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE
from prefect.flow_runs import suspend_flow_run
from prefect.input import RunInput
from pydantic import ValidationError

from flows.campaign import FamilyChoice, campaign
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
from nonreg.busy import WhenBusy
from nonreg.decision import (
    DecisionRequest,
    SignedDecision,
    attach_signature,
    load_request,
    load_signed,
    write_request,
)
from nonreg.errors import DecisionRefused, NonregError, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.handover.answer import HUMAN, Answer, require_may
from nonreg.handover.control import GivingUp
from nonreg.handover.form import check_said
from nonreg.handover.journal import StepRefused
from nonreg.handover.scripted import Script
from nonreg.handover.signing import list_who_may, request_signature
from nonreg.handover.state import last_failure, next_step
from nonreg.masking import Mask, list_secrets
from nonreg.model import EffectLimit
from nonreg.model.handover import Execution, Outcome, Said, Step, StepKind
from nonreg.plan import new_run_id
from reports.markdown import escape
from reports.runbook_artifacts import describe_failure, describe_progress
from reports.text import format_moment
from tasks.handover import (
    answer_step,
    find_earlier_run,
    publish_record,
    record_campaign,
    record_check,
    require_signatures,
    run_check,
)
from tasks.handover_control import give_up, list_who_may_give_up
from tasks.handover_suspended import cancel_suspended, forget_suspended, list_suspended, note_suspended
from tasks.handover_work import Work, read_clock
from tasks.showing import Artifact, change_markdown, clean_errors, finish_showing, show_file, show_markdown

LOCK, TO_SIGN = "verrou", "a-signer"
ANSWER_AGAIN = "Répondez de nouveau."


class Waiting(NonregError):
    """A person has to answer, and nobody was asked here: the execution goes on once they have."""


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


class AnswerRefused(NonregError):
    """What was answered in a form does not hold; the form is shown again with the reason."""


def follow(work: Work, execution: Execution, asker: Asker) -> Execution:
    """Do every step that can be done, one process at a time; Waiting when a person has to answer some other way."""
    folder, tried, shown = work.journal.folder(execution.id), set[str](), Shown()
    with hold_file_lock(folder / LOCK, f"Exécution {execution.id}"):
        try:
            while (execution := work.journal.load(execution.id)).closed_at is None:
                if (step := next_step(execution)) is None:
                    execution = work.journal.close(execution, "", datetime.now(UTC))
                    break
                show_state(work, execution, shown)
                require_signatures(work, execution)
                do_step(work, execution, step, asker, tried)
        finally:
            show_state(work, execution, shown)
    return execution


def do_step(work: Work, execution: Execution, step: Step, asker: Asker, tried: set[str]) -> None:
    """One try of one step; what came of it is in the ledger."""
    try:
        if step.kind in HUMAN:
            ask_person(work, execution, step, asker)
            return
        has_failed = last_failure(execution, step.id) is not None
        asks_first = step.id in tried or (has_failed and asker.has_asked(work, execution, step))
        tried.add(step.id)
        if asks_first and (given := asker.ask_retry(work, execution, step)) is not None:
            abandon(work, execution, step, asker, given)
            return
        if step.kind is StepKind.CAMPAIGN:
            run_campaign_step(work, execution, step)
        else:
            check_task(name_step(step), work, execution, step)
    except StepRefused as error:
        get_run_logger().info("%s", error)  # somebody else did it meanwhile


def ask_person(work: Work, execution: Execution, step: Step, asker: Asker) -> None:
    """Ask, check, record; what was refused is recorded with its reason, and asked again."""
    try:
        answer_task(name_step(step), work, execution, asker.ask(work, execution, step))
    except (AnswerRefused, UsageError, DecisionRefused) as error:
        record_refusal(work, execution, step, str(error))
        asker.refused(error)


def record_refusal(work: Work, execution: Execution, step: Step, why: str) -> None:
    """Why an answer was refused; it may quote what was answered: a secret or a name in it stays out of the ledger."""
    why, at = Mask(list_secrets(work.platform)).apply(why), datetime.now(UTC)
    if (named := work.people.find_name_in(why)) is not None:
        why = (
            f"La réponse contient le nom de « {named.id} » : seuls les identifiants entrent dans le registre."
        )
    work.journal.add_failed(execution, step.id, why, ANSWER_AGAIN, at)


def abandon(work: Work, execution: Execution, step: Step, asker: Asker, given: GivingUp) -> None:
    """The execution is given up; somebody who may not, or a reason that may not be kept, is refused and asked again."""
    try:
        give_up(work, execution, given)
    except UsageError as error:
        record_refusal(work, execution, step, str(error))
        asker.refused(error)


def run_campaign_step(work: Work, execution: Execution, step: Step) -> None:
    """A campaign as a subflow, or that which this step began before it was stopped; judged from its folder."""
    assert step.campaign is not None
    run_dir = find_earlier_run(work, execution, step)
    if run_dir is None:
        run_dir = work.runs_dir / new_run_id(work.platform.name)
        work.journal.add_begun(execution, step.id, run_dir.name, datetime.now(UTC))
        campaign(
            platform=work.platform_name,
            families=[FamilyChoice(one) for one in step.campaign.families],
            effects=EffectLimit(step.campaign.effects),
            select=step.campaign.select,
            ticket=execution.ticket,
            label=f"{execution.runbook.id} {step.id}",
            when_busy=WhenBusy.ATTENDRE,
            runs_dir=str(work.runs_dir),
            run_id=run_dir.name,
            return_state=True,  # its verdict is read from the folder, not from its state
        )
    campaign_task(name_step(step), work, execution, step, run_dir)


@task(name="Etape", task_run_name="{title}", cache_policy=NO_CACHE)
@clean_errors()
def answer_task(title: str, work: Work, execution: Execution, answer: Answer) -> None:
    """Record an answer."""
    done = answer_step(work, execution, answer).find(answer.step_id)
    said = "sans objet" if done and done.outcome is Outcome.NOT_APPLICABLE else "faite"
    get_run_logger().info("%s : %s par %s", title, said, answer.person)


@task(name="Controle", task_run_name="{title}", cache_policy=NO_CACHE)
@clean_errors()
def check_task(title: str, work: Work, execution: Execution, step: Step) -> None:
    """Do an automatic step; what is wrong is told with its remedy."""
    made = run_check(work, execution, step)
    record_check(work, execution, step, made)
    if not made.result.is_ok:
        key = f"echec-{tail(execution)}-{step.id.lower()}"
        show_markdown(key, describe_failure(step, made.result.points), step.title)
    get_run_logger().info("%s : %s", title, "conforme" if made.result.is_ok else "en échec")


@task(name="Campagne jugee", task_run_name="{title}", cache_policy=NO_CACHE)
@clean_errors()
def campaign_task(title: str, work: Work, execution: Execution, step: Step, run_dir: Path) -> None:
    """Record what a campaign came to."""
    after = record_campaign(work, execution, step, run_dir)
    get_run_logger().info("%s : %s", title, "faite" if after.find(step.id) else "en échec")


@dataclass(slots=True)
class Shown:
    """How many events of an execution were shown last, and where."""

    events: int = 0
    page: Artifact | None = None


def show_state(work: Work, execution: Execution, shown: Shown) -> None:
    """The steps and the clock in the UI, and the record on the disk; nothing when nothing happened since."""
    at = datetime.now(UTC)
    entries = work.journal.read(execution.id)
    if len(entries) == shown.events:
        return
    shown.events = len(entries)
    execution = work.journal.build(entries)
    text = describe_progress(execution, read_clock(work, execution, at), at)
    if shown.page is None:
        shown.page = show_markdown(f"runbook-{tail(execution)}", text, execution.runbook.title)
    else:
        change_markdown(shown.page, text)
    page = publish_record(work, execution)
    if execution.closed_at is not None:
        cancel_suspended(work, execution, str(runtime.flow_run.id))
        show_file(f"releve-{tail(execution)}", page, execution.runbook.title, work.platform)
    finish_showing()


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
        known = load_request(path)
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


def name_step(step: Step) -> str:
    """The name of the task run of a step, without accents: the timeline of the UI drops them."""
    plain = unicodedata.normalize("NFKD", f"{step.id} - {step.title}")
    return "".join(char for char in plain if not unicodedata.combining(char))


def name_key(execution: Execution, step: Step) -> str:
    """The key of a form: another one after each answer that was refused, or each try that failed."""
    tries = sum(one.step_id == step.id for one in execution.failed)
    return f"{execution.id}-{step.id}-{tries}".lower()  # all that Prefect takes


def tail(execution: Execution) -> str:
    """The last letters of an execution's id, which keys of artifacts may hold."""
    return execution.id.rsplit("-", 1)[-1].lower()
