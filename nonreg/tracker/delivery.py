"""What may be done next with what waits, decided from its journals alone. Pure; nothing here asks anybody.

    essai ──► remise                     it stands in the tracker
      ├─────► refus, attente             not now: everything behind it waits too, so that order is kept
      ├─────► ticket-refuse              not in this ticket: what goes there too waits, the others go on
      └─────► écartée ──► renvoi …       never as it is: it is put aside, and told; the others go on

An attempt that says nothing of its end (killed, answer lost) may still be under way at the tracker: nothing is asked
or written before SETTLE_SECONDS have passed, then the tracker is asked for the key, and what stands there already is
delivered.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SETTLE_SECONDS = 60.0
PAUSES_SECONDS = (60.0, 120.0, 300.0, 900.0)


class Step(StrEnum):
    """One line of the journal of a note."""

    ATTEMPT = "essai"
    DELIVERED = "remise"
    NOT_NOW = "refus"
    DENIED = "cle-refusee"
    TICKET_DENIED = "ticket-refuse"
    ASIDE = "ecartee"
    AGAIN = "renvoi"


class State(StrEnum):
    """Where a note stands."""

    DUE = "à envoyer"
    PAUSED = "en attente"
    ASIDE = "écartée"
    DELIVERED = "remise"


@dataclass(frozen=True, slots=True)
class Event:
    """What was done, when, and in French how it went; of a delivered one, its ticket."""

    step: Step
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The state, why, since when, and for a paused one when it may be tried again.

    One that is paused `alone` holds back its ticket only.
    """

    state: State
    detail: str = ""
    since: datetime | None = None
    next_at: datetime | None = None
    denied: bool = False
    alone: bool = False


def judge(events: tuple[Event, ...], now: datetime, *, hurried: bool = False) -> Standing:
    """Where a note stands: DELIVERED for good once it was, DUE only when nothing of it can be under way.

    Somebody who is hurried does not wait for more than that.
    """
    delivered = next((one for one in events if one.step is Step.DELIVERED), None)
    if delivered is not None:
        return Standing(State.DELIVERED, delivered.detail, delivered.at)
    if not events:
        return Standing(State.DUE)
    last = events[-1]
    if last.step is Step.ASIDE:
        return Standing(State.ASIDE, last.detail, last.at)
    if last.step is Step.AGAIN:
        return Standing(State.DUE)
    refusals = _list_last_refusals(events)
    detail = refusals[-1].detail if refusals else ""
    since = refusals[0].at if refusals else last.at
    denied = bool(refusals) and refusals[-1].step is Step.DENIED
    alone = bool(refusals) and refusals[-1].step is Step.TICKET_DENIED
    if last.step is Step.ATTEMPT:
        seconds, detail = SETTLE_SECONDS, detail or "la réponse du dernier essai n'est pas connue."
    else:
        seconds = PAUSES_SECONDS[min(len(refusals), len(PAUSES_SECONDS)) - 1]
        if hurried:
            seconds = 0.0 if denied or alone else SETTLE_SECONDS
    next_at = last.at + timedelta(seconds=seconds)
    # A clock that was put back must not hold anything up for longer than the pause itself.
    if last.at <= now < next_at:
        # An attempt that may still be under way holds everything up, whatever was said before.
        return Standing(State.PAUSED, detail, since, next_at, denied, alone and last.step is not Step.ATTEMPT)
    return Standing(State.DUE, detail, since, None, denied, alone)


def choose_next(
    standings: Iterable[Standing], tickets: Iterable[str], refused: frozenset[str] = frozenset()
) -> int | None:
    """The place of what may be sent now: the first that is neither delivered nor put aside, if its time has come.

    `tickets` says where each goes; what goes to a ticket that refused one before it is passed over.
    """
    held = set(refused)
    for place, (one, ticket) in enumerate(zip(standings, tickets, strict=True)):
        if one.state in (State.DELIVERED, State.ASIDE) or ticket in held:
            continue
        if one.state is State.DUE:
            return place
        if not one.alone:
            return None
        held.add(ticket)
    return None


def _list_last_refusals(events: tuple[Event, ...]) -> list[Event]:
    """The refusals since it was last put in the box, or sent again by hand."""
    found: list[Event] = []
    for one in events:
        if one.step in (Step.AGAIN, Step.ASIDE):
            found = []
        elif one.step in (Step.NOT_NOW, Step.DENIED, Step.TICKET_DENIED):
            found.append(one)
    return found
