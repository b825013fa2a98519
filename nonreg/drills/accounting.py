"""Writes accounted for: what the clients were told, against what the database holds. Pure.

A write is one (client, sequence), however often it was tried. It is acknowledged if any of its attempts was, else
unknown if any was, else refused. What must hold on the active database once all is quiet (DOMAIN §2.6):

    acknowledged ⊆ present ⊆ acknowledged ∪ unknown, each present once

A history that contradicts itself proves nothing either way: it is said in `problems`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from nonreg.drills.history import Attempt
from nonreg.model.drill import Accounting, WriteOutcome
from nonreg.wording import decimal

Write = tuple[str, int]  # client, sequence
NOTHING_TRIED = "aucune écriture n'a été tentée"


def account(
    attempts: Sequence[Attempt],
    present: Mapping[Write, int],
    fault_seconds: float | None,
    problems: Iterable[str] = (),
) -> Accounting:
    """What became of every write; `present` says how often the database holds each one.

    `present` of the result counts the writes there at least once. RPO: the fault less the first sending of the oldest
    lost write, 0 when none was lost; None without a fault.
    """
    outcomes = settle_outcomes(attempts)
    there = {write for write, count in present.items() if count > 0}
    acknowledged = {write for write, outcome in outcomes.items() if outcome is WriteOutcome.ACK}
    unknown = {write for write, outcome in outcomes.items() if outcome is WriteOutcome.UNKNOWN}
    lost = acknowledged - there
    return Accounting(
        acknowledged=len(acknowledged),
        present=len(there),
        lost=name_writes(lost),
        phantom=name_writes(there - acknowledged - unknown),
        duplicates=name_writes(write for write in there if present[write] > 1),
        unknown_present=name_writes(unknown & there),
        unknown_absent=name_writes(unknown - there),
        problems=(*problems, *find_problems(attempts)),
        rpo_seconds=measure_rpo(attempts, lost, fault_seconds),
    )


def settle_outcomes(attempts: Iterable[Attempt]) -> dict[Write, WriteOutcome]:
    """The outcome of each write, from those of its attempts."""
    worth = (WriteOutcome.ERR, WriteOutcome.UNKNOWN, WriteOutcome.ACK)
    outcomes: dict[Write, WriteOutcome] = {}
    for attempt in attempts:
        write = (attempt.client, attempt.sequence)
        outcomes[write] = max(outcomes.get(write, WriteOutcome.ERR), attempt.outcome, key=worth.index)
    return outcomes


def measure_rpo(attempts: Iterable[Attempt], lost: set[Write], fault_seconds: float | None) -> float | None:
    """Seconds of writes that the fault cost: how old the oldest lost one was.

    A fault is noted when it is ordered and strikes later: not before the last answer to a write that it cost.
    """
    if fault_seconds is None:
        return None
    gone = [one for one in attempts if (one.client, one.sequence) in lost]
    answered = [one.ended_seconds for one in gone if one.outcome is WriteOutcome.ACK]
    return max(fault_seconds, *answered) - min(one.sent_seconds for one in gone) if gone else 0.0


def find_problems(attempts: Sequence[Attempt]) -> tuple[str, ...]:
    """Why a history cannot be believed; empty when it can. A client does one thing at a time."""
    problems = [] if attempts else [NOTHING_TRIED]
    ended: dict[str, float] = {}
    highest: dict[str, int] = {}
    tried: set[Write] = set()
    acknowledged: set[Write] = set()
    for attempt in attempts:
        client, write = attempt.client, (attempt.client, attempt.sequence)
        name = f"{client}:{attempt.sequence}"
        sent, end = attempt.sent_seconds, attempt.ended_seconds
        if not (math.isfinite(sent) and math.isfinite(end)):
            problems.append(f"{name} : heure qui n'est pas un nombre")
        if sent < ended.get(client, sent):
            problems.append(
                f"{name} : l'horloge recule, de {decimal(ended[client], 3)} s à {decimal(sent, 3)} s"
            )
        if end < sent:
            problems.append(f"{name} : fin à {decimal(end, 3)} s, avant l'envoi à {decimal(sent, 3)} s")
        if write not in tried and attempt.sequence < highest.get(client, attempt.sequence):
            problems.append(f"{name} : numéro qui ne croît pas, après {highest[client]}")
        if write in acknowledged:
            problems.append(f"{name} : tentée encore alors qu'elle était acquittée")
        ended[client] = max(end, ended.get(client, end))
        highest[client] = max(attempt.sequence, highest.get(client, attempt.sequence))
        tried.add(write)
        if attempt.outcome is WriteOutcome.ACK:
            acknowledged.add(write)
    return tuple(problems)


def name_writes(writes: Iterable[Write]) -> tuple[str, ...]:
    """Writes by name, in order of client and sequence."""
    return tuple(f"{client}:{sequence}" for client, sequence in sorted(writes))
