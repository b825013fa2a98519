"""How long a client was without service, and how finely that is known. Pure; attempts of one client, in order.

An interruption goes from the arrival of the last good answer before it to that of the first good one after it: while
the client had no answer. The service was still there when it sent the first of them; it was back at the latest when it
sent the second, at the earliest after the attempt before that one was sent: that is the resolution. At rest the span
is one period.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from nonreg.drills.history import Attempt
from nonreg.model.drill import ClientSummary, Interruption, WriteOutcome

LEAST_RESOLUTION_SECONDS = 0.05


def find_interruptions(attempts: Sequence[Attempt], longer_than_seconds: float) -> tuple[Interruption, ...]:
    """Interruptions of one client, longest first; the first one begins with the sending of its first attempt."""
    if not attempts:
        return ()
    found = []
    since, failed = attempts[0].sent_seconds, 0
    for attempt in attempts:
        if attempt.outcome is not WriteOutcome.ACK:
            failed += 1
            continue
        found.append(Interruption(since, attempt.ended_seconds, failed))
        since, failed = attempt.ended_seconds, 0
    if failed:
        found.append(Interruption(since, attempts[-1].ended_seconds, failed, open_ended=True))
    kept = [one for one in found if one.seconds > longer_than_seconds]
    return tuple(sorted(kept, key=lambda one: (-one.seconds, one.from_seconds)))


def measure_resolution(attempts: Sequence[Attempt], interruption: Interruption) -> float | None:
    """Seconds between the attempt that ended an interruption and the one before it at the same target.

    The service came back between those two sendings. The attempt before at any target when the one that ended it is
    the first at its own; None for an open end.
    """
    if interruption.open_ended:
        return None
    within = [one for one in attempts if one.ended_seconds >= interruption.from_seconds]
    good = next(
        one
        for one in within
        if one.outcome is WriteOutcome.ACK and one.ended_seconds == interruption.to_seconds
    )
    before = within[: within.index(good)]
    if not before:
        return 0.0
    same = [one for one in before if one.target == good.target]
    return good.sent_seconds - (same or before)[-1].sent_seconds


def measure_period(attempts: Sequence[Attempt]) -> float:
    """Median seconds from one sending to the next; 0 with fewer than two attempts."""
    return median([b.sent_seconds - a.sent_seconds for a, b in pairwise(attempts)] or [0.0])


def measure_cost(attempts: Sequence[Attempt], rest_until_seconds: float | None = None) -> float:
    """Median seconds of a good attempt, of those ended at rest if there are any; 0 when none was good."""
    good = [one for one in attempts if one.outcome is WriteOutcome.ACK]
    rest = [one for one in good if rest_until_seconds is None or one.ended_seconds < rest_until_seconds]
    return median([one.ended_seconds - one.sent_seconds for one in rest or good] or [0.0])


def summarise_client(
    client: str,
    title: str,
    writes: bool,
    attempts: Sequence[Attempt],
    rest_until_seconds: float | None = None,
) -> ClientSummary:
    """What one client saw, each attempt counted by its outcome.

    Its interruptions are those longer than its resolution: two periods with an attempt each, 50 ms at least.
    """
    outcomes = [one.outcome for one in attempts]
    period, cost = measure_period(attempts), measure_cost(attempts, rest_until_seconds)
    return ClientSummary(
        client=client,
        title=title,
        writes=writes,
        attempts=len(attempts),
        acknowledged=outcomes.count(WriteOutcome.ACK),
        errors=outcomes.count(WriteOutcome.ERR),
        unknown=outcomes.count(WriteOutcome.UNKNOWN),
        period_seconds=period,
        cost_seconds=cost,
        interruptions=find_interruptions(attempts, max(LEAST_RESOLUTION_SECONDS, 2 * (period + cost))),
    )
