"""The recovery time and its parts, from the moments of a drill. Pure.

    fault ──detection──► alarm ──operator──► tool started ──switchover──► declared ──reconnection──► first answer
        └──────────────── the writers' interruption: last answer before ► first answer after ────────────────┘

A part is what of its span lies within the interruption and after the parts before it: what a person did while the
service still answered cost nobody anything. So no part is negative and their sum never exceeds the total. An alarm
later than the tool told nobody anything: the detection ends where the tool begins.

When no other site was made active the detection is all there is, and is told whole: the service did not wait for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nonreg.model.drill import RecoveryTime


@dataclass(frozen=True, slots=True)
class Moments:
    """Named moments of a drill, seconds since it began; None for what did not happen.

    `last_ack` and `first_ack` are the ends of the writers' interruption, None when there was none; `declared` is
    when the new site was declared active, or else when the tool ended.
    """

    fault: float | None = None
    alarm: float | None = None
    operator_asked: float | None = None
    tool_started: float | None = None
    declared: float | None = None
    last_ack: float | None = None
    first_ack: float | None = None


def split_recovery(moments: Moments) -> RecoveryTime:
    """The interruption and its parts; a part is None when one of its ends is unknown."""
    opening, end = moments.last_ack, moments.first_ack
    total = None if opening is None or end is None else max(0.0, end - opening)
    cursor = -math.inf if opening is None else opening
    limit = math.inf if end is None else end

    def take(begin: float | None, finish: float | None) -> float | None:
        nonlocal cursor
        if begin is None or finish is None:
            return None
        begin, finish = max(begin, cursor), min(finish, limit)
        cursor = max(cursor, finish)
        return max(0.0, finish - begin)

    order = moments.operator_asked if moments.alarm is None else moments.alarm
    if moments.tool_started is None and moments.declared is None:
        return RecoveryTime(total, _measure(moments.fault, moments.alarm))
    known = moments.alarm
    if known is not None and moments.tool_started is not None:
        known = min(known, moments.tool_started)
    return RecoveryTime(
        total_seconds=total,
        detection_seconds=take(moments.fault, known),
        operator_seconds=take(order, moments.tool_started),
        switchover_seconds=take(moments.tool_started, moments.declared),
        reconnection_seconds=take(moments.declared, end),
    )


def _measure(begin: float | None, end: float | None) -> float | None:
    return None if begin is None or end is None else max(0.0, end - begin)
