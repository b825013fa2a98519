"""What may be done with one alert on one channel, from what its journal says.

    attempt ──► refused ──► (a pause) ──► attempt …            nothing was taken: it may be tried again
       └─────► handed ──► delivered | refused | unknown        the last byte that the receiver needs is on its way

Whatever happens after `handed`, without an answer it is never sent again: at most once. A process killed before that
point has sent nothing that anybody could have taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

PAUSES_SECONDS = (60.0, 300.0, 900.0, 3600.0, 6 * 3600.0)
ABANDONED_AFTER = timedelta(days=3)


class Step(StrEnum):
    """One line of a journal."""

    ATTEMPT = "essai"
    HANDED = "remise"
    DELIVERED = "transmis"
    REFUSED = "refus"
    UNKNOWN = "inconnu"


class State(StrEnum):
    """Where an alert stands on a channel."""

    DUE = "à envoyer"
    WAITING = "en attente"
    UNSETTLED = "remise sans réponse"
    DELIVERED = "transmise"
    UNKNOWN = "issue inconnue"
    ABANDONED = "abandonnée"


@dataclass(frozen=True, slots=True)
class Event:
    """What was done, when, and in French why it failed."""

    step: Step
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, the reason of the last failure, and when to try again (None when never or now)."""

    state: State
    detail: str = ""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Sending:
    """How one attempt ended: DELIVERED, REFUSED or UNKNOWN."""

    step: Step
    detail: str = ""


def judge_delivery(events: tuple[Event, ...], created_at: datetime, now: datetime) -> Standing:
    """Where an alert stands; it is DUE only when nobody can have taken it and its pause is over."""
    for final, state in ((Step.DELIVERED, State.DELIVERED), (Step.UNKNOWN, State.UNKNOWN)):
        for event in events:
            if event.step is final:
                return Standing(state, event.detail)
    if not events:
        return Standing(State.DUE)
    last = events[-1]
    if last.step is Step.HANDED:
        return Standing(State.UNSETTLED)
    refusals = [event for event in events if event.step is Step.REFUSED]
    detail = refusals[-1].detail if refusals else ""
    if refusals and now - created_at >= ABANDONED_AFTER:
        return Standing(State.ABANDONED, detail)
    if last.step is Step.REFUSED:
        pause = PAUSES_SECONDS[min(len(refusals), len(PAUSES_SECONDS)) - 1]
        next_at = last.at + timedelta(seconds=pause)
        if now < next_at:
            return Standing(State.WAITING, detail, next_at)
    return Standing(State.DUE, detail)
