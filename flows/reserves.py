"""The form by which somebody accepts, or refuses, the reserves of a GO: the run pauses, for a bounded time.

A pause holds its worker, so the time is short. No answer in time is never a yes. Prefect proves no identity: who
answers is declared, from a list.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from prefect import runtime
from prefect.client.orchestration import get_client
from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import pause_flow_run
from prefect.input import RunInput
from prefect.states import Running
from pydantic import Field, create_model

from flows.forms import YesNo
from nonreg.model import Acceptance, InterventionDecision
from reports.intervention import ANSWERS, KINDS
from reports.markdown import escape
from reports.text import format_moment
from tasks.showing import redact

POLL_SECONDS = 1.0
MAX_COMMENT_CHARACTERS = 500


class ReservesForm(RunInput):
    """What is asked; `person` is added with the list of those who may accept."""

    decision: YesNo = Field(
        title="Acceptez-vous ces réserves ?",
        description="Oui : l'intervention pourra commencer. Non : elle restera bloquée.",
        json_schema_extra={"position": 0},
    )
    comment: str = Field(
        "",
        title="Commentaire",
        max_length=MAX_COMMENT_CHARACTERS,
        description="Facultatif ; il figurera sur la page de décision.",
        json_schema_extra={"position": 2},
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What came of the form."""

    acceptance: Acceptance
    person: str = ""
    comment: str = ""


def ask_reserves(decision: InterventionDecision, accepting: tuple[str, ...], minutes: float) -> Said:
    """Pause the run until somebody answers, or the time has passed."""
    form = make_form(decision, accepting, minutes)
    try:
        filled = pause_flow_run(wait_for_input=form, timeout=minutes * 60, poll_interval=POLL_SECONDS)  # type: ignore[call-overload]
    except FlowPauseTimeout:
        leave_pause()
        return Said(Acceptance.UNANSWERED)
    accepted = filled.decision is YesNo.OUI
    return Said(Acceptance.ACCEPTED if accepted else Acceptance.REFUSED, filled.person.value, filled.comment)


def make_form(
    decision: InterventionDecision, accepting: tuple[str, ...], minutes: float
) -> type[ReservesForm]:
    """The form of that decision: its reserves above, the people who may accept them in a list."""
    person = Field(
        title="Qui répond ?",
        description="Votre identifiant. Il est enregistré comme déclaré : rien ne le prouve.",
        json_schema_extra={"position": 1},
    )
    persons = StrEnum("Personne", {one: one for one in accepting})  # type: ignore[misc]
    form = create_model("ReservesForm", __base__=ReservesForm, person=(persons, person))
    form._description = redact(describe_reserves(decision, minutes))
    return form


def describe_reserves(decision: InterventionDecision, minutes: float) -> str:
    """What stands above the form, as Markdown."""
    asked = decision.intervention
    lines = [
        f"## {ANSWERS[decision.answer].text} : des réserves à accepter",
        "",
        f"{KINDS[asked.kind]}, ticket **{escape(asked.ticket)}**, plateforme {escape(decision.platform)}, "
        f"version {escape(decision.application_version)}. Réponse valable jusqu'au "
        f"{format_moment(decision.expires_at)}.",
        "",
        *list_reasons(decision),
        "",
        f"Sans réponse dans les {minutes:g} minutes, les réserves ne sont pas acceptées et l'intervention reste "
        "bloquée.",
    ]
    return "\n".join(lines)


def list_reasons(decision: InterventionDecision) -> list[str]:
    """The reasons as a list in Markdown: they quote what platforms say, of which nothing becomes a link."""
    return [f"- {escape(redact(reason))}" for reason in decision.reasons]


def leave_pause() -> None:
    """Go on after a pause that nobody answered.

    The server would refuse whatever comes next, or has ended the run already, in words that say nothing of reserves.
    """
    run_id = runtime.flow_run.id
    with get_client(sync_client=True) as client:
        state = client.read_flow_run(run_id).state
        if state is not None and (state.is_paused() or state.is_failed()):
            client.set_flow_run_state(run_id, Running(), force=True)
