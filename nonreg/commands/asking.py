"""Following an execution at the terminal: each step of a person is asked, those of the tool are done in between."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from nonreg.errors import NonregError, UsageError

if TYPE_CHECKING:
    from nonreg.handover.terminal import Terminal
    from nonreg.model.handover import Execution
    from tasks.handover_work import Work


def ask_to_the_end(
    work: Work, execution: Execution, follow: Callable[[Execution], bool], terminal: Terminal | None = None
) -> Execution:
    """Ask and follow until it is closed, or until somebody stops; what is recorded stays recorded."""
    from nonreg.handover.answer import HUMAN
    from nonreg.handover.state import next_step
    from nonreg.handover.terminal import Terminal
    from tasks.handover import load_execution

    terminal, execution = terminal or Terminal(), load_execution(work, execution.id)
    try:
        while execution.closed_at is None:
            step = next_step(execution)
            if step is None or step.kind not in HUMAN:
                goes_on = not give_up(work, execution, terminal) and follow(execution)
            else:
                goes_on = True
                answer(work, execution, terminal)
            before, execution = execution, load_execution(work, execution.id)
            if not goes_on:
                break
            if step is not None and step.kind not in HUMAN and execution == before:
                terminal.write(
                    "  L'outil n'a rien pu faire de cette étape : voir prefect.log dans le dossier de l'exécution."
                )
                break
    except (EOFError, KeyboardInterrupt):
        terminal.write(
            "\nArrêté là : ce qui est fait reste fait, l'exécution se reprend à sa première étape non faite."
        )
    return load_execution(work, execution.id)


def answer(work: Work, execution: Execution, terminal: Terminal) -> None:
    """Ask the next step of a person and record it; what is refused is said, and asked again by whoever calls."""
    from nonreg.handover.state import next_step
    from nonreg.handover.terminal import Asked, ask_answer
    from tasks.handover import answer_step

    step = next_step(execution)
    assert step is not None
    asked = Asked(
        work.platform,
        work.people,
        execution,
        work.journal.list_delegations(execution),
        work.platform.path("identites"),
    )
    given = ask_answer(terminal, asked, step)
    try:
        answer_step(work, execution, given)
    except NonregError as error:
        terminal.write(f"  Refusé : {error}")
    else:
        terminal.write(f"  ✔ {step.id} enregistrée.")


def give_up(work: Work, execution: Execution, terminal: Terminal) -> bool:
    """Whether a failed step of the tool is the end of it: asked until somebody who may says so, or tries again."""
    from nonreg.commands.control import close_early
    from nonreg.handover.state import last_failure, next_step
    from nonreg.handover.terminal import ask_retry
    from tasks.handover import publish_record
    from tasks.handover_control import list_who_may_give_up

    step = next_step(execution)
    failed = last_failure(execution, step.id) if step is not None else None
    if step is None or failed is None:
        return False
    allowed = list_who_may_give_up(work, execution)
    while (given := ask_retry(terminal, step, failed, allowed)) is not None:
        try:
            publish_record(work, close_early(work, execution, given))
        except UsageError as error:
            terminal.write(f"  Refusé : {error}")
        else:
            return True
    return False
