"""Stopping a clock, letting it run again, giving an execution up: by whom the table lets, wherever it is asked.

Ending a delegation is the MOA's, signed.
"""

from __future__ import annotations

from datetime import UTC, datetime

from nonreg.decision import SignedDecision
from nonreg.errors import UsageError
from nonreg.handover.answer import require_no_secret
from nonreg.handover.control import GivingUp, list_who_may_act, require_act
from nonreg.handover.profiles import Act, load_profiles
from nonreg.handover.revocation import name_delegate, require_reason, verify_revocation
from nonreg.model.handover import Execution
from nonreg.people import Person
from tasks.handover_work import Work


def suspend_clock(work: Work, execution: Execution, person: str, reason: str) -> Execution:
    """The clock stands still from now on; UsageError unless that person may, for a reason that can be kept."""
    at = datetime.now(UTC)
    require(work, execution, person, Act.SUSPEND, at)
    require_no_secret(work.platform, "Suspension", {"motif": reason})
    return work.journal.suspend(execution, reason, person, at)


def resume_clock(work: Work, execution: Execution, person: str) -> Execution:
    """The clock goes on; UsageError unless that person may let it."""
    at = datetime.now(UTC)
    require(work, execution, person, Act.RESUME, at)
    return work.journal.resume(execution, person, at)


def give_up(work: Work, execution: Execution, given: GivingUp) -> Execution:
    """The execution is closed before its end; UsageError unless that person may, for a reason that can be kept."""
    at = datetime.now(UTC)
    require(work, execution, given.person, Act.GIVE_UP, at)
    if not given.reason.strip():
        raise UsageError("Un abandon demande un motif.")
    require_no_secret(work.platform, "Abandon", {"motif": given.reason})
    return work.journal.close(execution, given.person, at, given.reason)


def revoke_delegation(work: Work, execution: Execution, reason: str, signed: SignedDecision) -> Execution:
    """The delegation that this execution gave ends now; DecisionRefused unless the MOA signed exactly that."""
    at = datetime.now(UTC)
    require_no_secret(work.platform, "Révocation", {"motif": reason})
    done, _ = verify_revocation(signed, work.platform, work.people, execution, reason, at)
    return work.journal.revoke(
        execution, done.step_id, name_delegate(done), require_reason(reason), signed, at
    )


def list_who_may_give_up(work: Work, execution: Execution) -> tuple[Person, ...]:
    """Who is offered to give an execution up."""
    at, delegations = datetime.now(UTC), work.journal.list_delegations(execution)
    return list_who_may_act(load_profiles(), work.people, execution, Act.GIVE_UP, at, delegations)


def require(work: Work, execution: Execution, person: str, act: Act, at: datetime) -> None:
    """UsageError unless the table, or a delegation, lets that person."""
    delegations = work.journal.list_delegations(execution)
    require_act(load_profiles(), work.people, execution, person, act, at, delegations)
