"""What people do to an execution besides its steps: its clock, its early end, the delegation that it gave."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK, Commands, add_signing

if TYPE_CHECKING:
    from nonreg.decision import DecisionRequest
    from nonreg.handover.control import GivingUp
    from nonreg.model.handover import Execution
    from nonreg.people import Person
    from tasks.handover_work import Work


def add_actions(actions: Commands) -> tuple[argparse.ArgumentParser, ...]:
    """Add `suspend`, `unsuspend`, `abandon` and `revoke` to those of `runbook`."""
    stopping = actions.add_parser("suspend", help="suspendre l'horloge, avec un motif (la MOA)")
    stopping.set_defaults(run_command=suspend)
    restarting = actions.add_parser("unsuspend", help="faire repartir l'horloge (la MOA, le titulaire)")
    restarting.set_defaults(run_command=unsuspend)
    closing = actions.add_parser(
        "abandon", help="clore une exécution qui n'ira pas au bout, avec un motif (le titulaire, la MOA)"
    )
    closing.set_defaults(run_command=abandon)
    revoking = actions.add_parser(
        "revoke",
        help="mettre fin à la délégation qu'une exécution a donnée, par une décision signée de la MOA",
        description="Dès l'inscription, le délégataire ne signe plus à la place du titulaire ; ce qu'il a signé avant\n"
        "reste valable. Avec --key ou --agent : montrer, signer, inscrire. Sans : écrire la demande à signer,\n"
        "puis revenir avec --decision.",
    )
    revoking.set_defaults(run_command=revoke)
    for command in (stopping, closing, revoking):
        command.add_argument("--reason", required=True, metavar="TEXTE", help="motif")
    for command in (stopping, restarting, closing):
        command.add_argument("--person", required=True, metavar="ID", help="personne qui le demande")
    revoking.add_argument("--person", default="", metavar="ID", help="personne de la MOA qui signe")
    add_signing(revoking)
    return stopping, restarting, closing, revoking


def suspend(options: argparse.Namespace) -> int:
    """`runbook suspend`."""
    from tasks.handover_control import suspend_clock

    return change(options, lambda work, one: suspend_clock(work, one, options.person, options.reason))


def unsuspend(options: argparse.Namespace) -> int:
    """`runbook unsuspend`."""
    from tasks.handover_control import resume_clock

    return change(options, lambda work, one: resume_clock(work, one, options.person))


def abandon(options: argparse.Namespace) -> int:
    """`runbook abandon`."""
    from nonreg.handover.control import GivingUp

    given = GivingUp(options.person, options.reason)
    return change(options, lambda work, one: close_early(work, one, given))


def close_early(work: Work, execution: Execution, given: GivingUp) -> Execution:
    """Somebody gives it up at a terminal; forms that wait for it in the UI are cancelled."""
    from tasks.handover_control import give_up
    from tasks.handover_suspended import cancel_suspended

    after = give_up(work, execution, given)
    cancel_suspended(work, after, "")
    return after


def change(options: argparse.Namespace, act: Callable[[Work, Execution], Execution]) -> int:
    """Something that a person asks of an execution; then where it stands."""
    from nonreg.commands.handover import describe, make_work_of
    from tasks.handover import load_execution, publish_record

    work = make_work_of(options)
    after = act(work, load_execution(work, options.execution))
    publish_record(work, after)
    print(describe(work, after))  # noqa: T201
    return EXIT_OK


def revoke(options: argparse.Namespace) -> int:
    """`runbook revoke`: prepare, have it signed by the MOA, record."""
    from nonreg.commands.governance import obtain_decision
    from nonreg.commands.handover import make_work_of
    from nonreg.handover.revocation import request_revocation
    from tasks.handover import load_execution, publish_record
    from tasks.handover_control import revoke_delegation

    work = make_work_of(options)
    execution = load_execution(work, options.execution)

    def ask(person: Person) -> DecisionRequest:
        return request_revocation(work.platform, execution, options.reason, person, datetime.now(UTC))

    signed = obtain_decision(options, work.people, ask)
    if signed is None:
        return EXIT_INCOMPLETE
    after = revoke_delegation(work, execution, options.reason, signed)
    publish_record(work, after)
    ended = after.revoked[-1]
    print(  # noqa: T201
        f"Délégation de « {ended.delegate} » révoquée, ligne {ended.sequence} du registre : elle ne vaut plus à partir "
        "de maintenant ; ce qui a été signé avant reste."
    )
    return EXIT_OK
