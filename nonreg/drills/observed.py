"""What a drill's clients and observers saw, and what the drill's record says of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from nonreg.drills.accounting import Write, account
from nonreg.drills.history import Attempt
from nonreg.drills.interruptions import find_interruptions, measure_resolution, summarise_client
from nonreg.drills.observers import CallSeen, RoleSeen
from nonreg.drills.recovery import Moments
from nonreg.model import SiteRole
from nonreg.model.drill import (
    Accounting,
    AlarmSeen,
    ClientSummary,
    DrillEvent,
    DrillEventKind,
    Interruption,
)


@dataclass(frozen=True, slots=True)
class ClientProfile:
    """A client of a drill: its name in the history, its French title, whether it writes."""

    name: str
    title: str
    writes: bool


@dataclass(frozen=True, slots=True)
class Observed:
    """All that was seen until the clients were stopped, in order; `problems` are those of the seeing itself."""

    clients: tuple[ClientProfile, ...]
    writes: tuple[Attempt, ...]
    reads: tuple[Attempt, ...]
    roles: tuple[RoleSeen, ...]
    calls: tuple[CallSeen, ...]
    problems: tuple[str, ...] = ()

    @property
    def has_writers(self) -> bool:
        """True when there is something to account for."""
        return any(one.writes for one in self.clients)

    def of(self, client: str) -> list[Attempt]:
        """The attempts of one client, in order."""
        return [one for one in (*self.writes, *self.reads) if one.client == client]


@dataclass(frozen=True, slots=True)
class Outage:
    """The longest interruption of a client; `resolution_seconds` None for an open end."""

    client: str
    interruption: Interruption
    resolution_seconds: float | None


def summarise_clients(
    observed: Observed, rest_until_seconds: float | None = None
) -> tuple[ClientSummary, ...]:
    """What each client saw; the cost of its attempts is taken before that moment, if given."""
    return tuple(
        summarise_client(one.name, one.title, one.writes, observed.of(one.name), rest_until_seconds)
        for one in observed.clients
    )


def account_for(observed: Observed, present: Mapping[Write, int], fault_seconds: float | None) -> Accounting:
    """The accounting of the drill's writes; what went wrong in seeing them is among its problems."""
    return account(observed.writes, present, fault_seconds, observed.problems)


def find_outage(observed: Observed, since_seconds: float = 0.0) -> Outage | None:
    """The longest of the writers' interruptions that ended after that moment; None without any write.

    At rest it is the longest span between two answers, a few periods. An open end counts as longer than any other.
    """
    found = [
        (profile.name, one)
        for profile in observed.clients
        if profile.writes
        for one in find_interruptions(observed.of(profile.name), 0.0)
        if one.to_seconds > since_seconds
    ]
    if not found:
        return None
    client, longest = max(found, key=lambda pair: (pair[1].open_ended, pair[1].seconds))
    return Outage(client, longest, measure_resolution(observed.of(client), longest))


def read_moments(
    observed: Observed,
    since_seconds: float,
    outage: Outage | None,
    *,
    fault: float | None = None,
    operator_asked: float | None = None,
    tool_started: float | None = None,
    tool_ended: float | None = None,
    shown: Iterable[float] = (),
) -> Moments:
    """The drill's own moments completed by what was seen after `since_seconds`, alarm and declaration, and the outage.

    The alarm is the first opened, at the sink or where a supervision module has `shown` it; the declaration the first
    time after the tool was started that a node says that it is active as none said before, or else the end of the tool.
    """
    called = (call.at_seconds for call in observed.calls if call.opening)
    opened = [at for at in (*called, *shown) if at >= since_seconds]
    declared = find_declared(observed.roles, since_seconds if tool_started is None else tool_started)
    return Moments(
        fault=fault,
        alarm=min(opened, default=None),
        operator_asked=operator_asked,
        tool_started=tool_started,
        declared=tool_ended if declared is None else declared,
        last_ack=None if outage is None else outage.interruption.from_seconds,
        first_ack=None
        if outage is None or outage.interruption.open_ended
        else outage.interruption.to_seconds,
    )


def find_declared(roles: Iterable[RoleSeen], since_seconds: float) -> float | None:
    """When a node first became active after that moment: one that is only heard again has become nothing."""
    before: set[tuple[str, int]] = set()
    known: set[str] = set()
    for seen in roles:
        is_active, claim = seen.role == SiteRole.ACTIF, (seen.site, seen.mandate)
        if is_active and seen.at_seconds >= since_seconds and seen.site in known and claim not in before:
            return seen.at_seconds
        if is_active:
            before.add(claim)
        known.add(seen.site)
    return None


def list_events(observed: Observed) -> tuple[DrillEvent, ...]:
    """Changes of role and alarms as moments of the drill, in order; what held when it began is none."""
    events, known = [], set()
    for seen in observed.roles:
        if seen.site in known:
            said = f"se dit {seen.role}, mandat {seen.mandate}" if seen.role else "ne répond plus"
            events.append(
                DrillEvent(seen.at_seconds, DrillEventKind.ROLE, seen.site, f"la base de {seen.site} {said}")
            )
        known.add(seen.site)
    for call in observed.calls:
        word = "ouverture" if call.opening else "fermeture"
        events.append(DrillEvent(call.at_seconds, DrillEventKind.ALARM, call.label, f"{word} : {call.label}"))
    return tuple(sorted(events, key=lambda event: event.at_seconds))


def match_alarms(
    calls: Iterable[CallSeen], expected: Iterable[str], since: Mapping[str, float] | None = None
) -> tuple[AlarmSeen, ...]:
    """Each expected label and each one that was called, once a recipient: its first opening, the last closing after.

    `since` says from when on some of the expected ones are due: such a one opened before came for something else, and
    its first opening is the first one since, with its delay. `closed_seconds` is None while the last word on it is an
    opening.
    """
    wanted, due = tuple(dict.fromkeys(expected)), since or {}
    words: dict[tuple[str, str], list[CallSeen]] = {}
    for call in calls:
        words.setdefault((call.label, call.recipient), []).append(call)
    called = {label for label, _ in words}
    absent = tuple(
        AlarmSeen(label, "", True, None, None, openings=0) for label in wanted if label not in called
    )
    return absent + tuple(
        describe_alarm(label, recipient, label in wanted, said, due.get(label))
        for (label, recipient), said in words.items()
    )


def describe_alarm(
    label: str, recipient: str, is_expected: bool, words: Sequence[CallSeen], since: float | None
) -> AlarmSeen:
    """One alarm from all that one recipient was told of it, in order."""
    openings = [one.at_seconds for one in words if one.opening]
    due = [at for at in openings if since is not None and at >= since]
    return AlarmSeen(
        label,
        recipient,
        is_expected,
        next(iter(due or openings), None),
        None if words[-1].opening else words[-1].at_seconds,
        delay_seconds=due[0] - since if due and since is not None else None,
        openings=len(openings),
    )
