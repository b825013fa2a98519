"""Following a runbook: each step is a task run under its French title, and what is done is in the ledger, not here.

A human step asks through an `Asker`. In a deployment that suspends the flow run, whose process ends: however long the
answer takes, whatever is restarted meanwhile, the run begins again from the top and skips what the ledger holds. No
answer is never a yes.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from prefect import get_run_logger, runtime, task
from prefect.cache_policies import NO_CACHE

from flows.askers import ANSWER_AGAIN, AnswerRefused, Asker
from flows.campaign import FamilyChoice, campaign
from nonreg.busy import WhenBusy
from nonreg.errors import DecisionRefused, UsageError
from nonreg.file_lock import hold_file_lock
from nonreg.handover.answer import HUMAN, Answer
from nonreg.handover.control import GivingUp
from nonreg.handover.journal import StepRefused
from nonreg.handover.state import last_failure, next_step
from nonreg.masking import Mask, list_secrets
from nonreg.model import EffectLimit
from nonreg.model.handover import Execution, Outcome, Step, StepKind
from nonreg.plan import new_run_id
from reports.runbook_artifacts import describe_failure, describe_progress
from tasks.handover import (
    answer_step,
    find_earlier_run,
    publish_record,
    record_campaign,
    record_check,
    require_signatures,
    run_check,
)
from tasks.handover_control import give_up
from tasks.handover_suspended import cancel_suspended
from tasks.handover_work import Work, read_clock
from tasks.showing import Artifact, change_markdown, clean_errors, finish_showing, show_file, show_markdown

LOCK = "verrou"


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


def name_step(step: Step) -> str:
    """The name of the task run of a step, without accents: the timeline of the UI drops them."""
    plain = unicodedata.normalize("NFKD", f"{step.id} - {step.title}")
    return "".join(char for char in plain if not unicodedata.combining(char))


def tail(execution: Execution) -> str:
    """The last letters of an execution's id, which keys of artifacts may hold."""
    return execution.id.rsplit("-", 1)[-1].lower()
