"""One round: look at everything, keep an alert of each new fact, send what is due.

A source that cannot be read is a sentence, and does not keep the others from being looked at.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from nonreg.alerts.deadlines import read_deadlines
from nonreg.alerts.evidence import find_bad_verdict, list_runs
from nonreg.alerts.facts import (
    FORGOTTEN_AFTER,
    Fact,
    Kind,
    tell_deadlines,
    tell_recovery,
    tell_server,
    tell_undelivered,
    tell_worker,
)
from nonreg.alerts.handover import list_handover_sources
from nonreg.alerts.mail import MailChannel
from nonreg.alerts.nights import DAY, RunSeen, find_missed, tell_missed
from nonreg.alerts.outbox import Channel, Outbox
from nonreg.alerts.server import PrefectServer
from nonreg.alerts.settings import AlertSettings
from nonreg.alerts.tracker import collect_all, deliver_all, list_boxes, look_at_tracker
from nonreg.alerts.webhook import WebhookChannel
from nonreg.durable import write_durably
from nonreg.errors import ConfigError, NonregError, PlatformError
from nonreg.file_lock import hold_file_lock
from nonreg.files import read_json
from nonreg.french import describe_os_error

MEMORY = ".surveillance"
RETURN_SECONDS = 60.0  # two heartbeats: a machine, or a server, that is back has not heard its workers yet


@dataclass(frozen=True, slots=True)
class Round:
    """What a round did, in sentences: new alerts, deliveries, what could not be looked at."""

    told: tuple[str, ...]
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Memory:
    """What one round leaves to the next: since when somebody looks, the server is silent, workers are missing."""

    since: datetime
    server_down_since: datetime | None = None
    workers_short_since: datetime | None = None


def list_channels(settings: AlertSettings) -> tuple[Channel, ...]:
    """The channels that are set."""
    return (
        *([MailChannel(settings.mail)] if settings.mail is not None else []),
        *([WebhookChannel(settings.webhook)] if settings.webhook is not None else []),
    )


def choose_channels(fact: Fact, channels: tuple[Channel, ...]) -> tuple[str, ...]:
    """Where a fact goes: never to the very channel that it says is stuck."""
    stuck = fact.key.split("/")[1] if fact.kind is Kind.OUTBOX else ""
    return tuple(
        one.name
        for one in channels
        if one.name != stuck and (fact.kind in one.kinds or fact.kind is Kind.TRIAL)
    )


def make_round(
    settings: AlertSettings,
    server: PrefectServer | None,
    now: datetime,
    clock: Callable[[], datetime] | None = None,
) -> Round:
    """Look once at everything, at that time; `clock` goes on while notes are written in their tickets."""
    outbox, channels = Outbox(settings.folder()), list_channels(settings)
    told: list[str] = []
    problems: list[str] = []
    with hold_file_lock(outbox.folder / ".surveillance.lock", "La surveillance des alertes"):
        memory = _remember(outbox, now)
        collect_all(settings, now)
        for fact in _look(settings, server, memory, outbox, now, problems):
            names = choose_channels(fact, channels)
            if outbox.add(fact, names, now):
                told.append(f"Nouvelle alerte ({', '.join(names) or 'aucun canal'}) — {fact.subject}")
    outbox.list_alerts(problems)
    told += [str(one) for one in outbox.deliver(channels, now)]
    posted, unposted = deliver_all(settings, clock or (lambda: now))  # last: a slow tracker holds no alert up
    told += posted
    problems += unposted
    return Round(tuple(told), tuple(problems))


def _look(
    settings: AlertSettings,
    server: PrefectServer | None,
    memory: Memory,
    outbox: Outbox,
    now: datetime,
    problems: list[str],
) -> list[Fact]:
    found: list[Fact] = []
    boxes = list_boxes(settings.folder())
    runs = list_runs(settings.folder(), now - FORGOTTEN_AFTER - DAY, problems)
    asked = server

    def look_at(source: Callable[[], tuple[Fact, ...]]) -> None:
        try:
            found.extend(source())
        except NonregError as error:
            problems.append(str(error))
        except OSError as error:
            problems.append(f"{describe_os_error(error)}.")

    def look_at_server() -> tuple[Fact, ...]:
        nonlocal asked
        if server is None or settings.server is None:
            return ()
        wanted = settings.server
        try:
            workers, at = server.read_workers(wanted.pool)
        except PlatformError as error:
            asked = None
            down_since = memory.server_down_since or now
            _keep(outbox, Memory(memory.since, down_since, memory.workers_short_since))
            fact = tell_server(down_since, str(error), wanted.server_silence_seconds, now)
        else:
            short_since = memory.workers_short_since or now
            fact = tell_worker(
                wanted.pool, workers, wanted.workers, wanted.worker_silence_seconds, at, short_since
            )
            _keep(outbox, Memory(memory.since, None, short_since if fact is not None else None))
            if now - short_since < timedelta(seconds=min(RETURN_SECONDS, wanted.worker_silence_seconds)):
                return ()
        return (fact,) if fact is not None else ()

    def look_at_recovery() -> tuple[Fact, ...]:
        try:
            fact = tell_recovery(asked.read_last_recovery(), now) if asked is not None else None
        except PlatformError:
            return ()  # its silence is a fact of its own
        return (fact,) if fact is not None else ()

    def look_at_verdict(run: RunSeen) -> tuple[Fact, ...]:
        fact = find_bad_verdict(settings.folder(), run, settings.verdicts, now)
        return (fact,) if fact is not None else ()

    def look_at_nights() -> tuple[Fact, ...]:
        return tuple(
            tell_missed(nightly, start, runs, _ask(asked, nightly.deployment, start), now)
            for nightly in settings.nights()
            for start in find_missed(nightly, runs, memory.since, now)
        )

    def look_at_deadlines(folder: str) -> tuple[Fact, ...]:
        path = settings.base_dir / folder
        if not path.is_dir():
            raise ConfigError(f"{path} : dossier de gouvernance absent.")
        return tell_deadlines(read_deadlines(path, settings.thresholds_hours), path.name, now)

    def look_at_outbox() -> tuple[Fact, ...]:
        waiting = outbox.list_undelivered(now)
        return tell_undelivered(waiting, settings.undelivered_after_minutes * 60, now)

    sources: tuple[Callable[[], tuple[Fact, ...]], ...] = (
        look_at_server,
        look_at_recovery,
        *(partial(look_at_verdict, run) for run in runs),
        look_at_nights,
        *(partial(look_at_deadlines, folder) for folder in settings.governance),
        *list_handover_sources(settings, memory.since, now, problems),
        *(partial(look_at_tracker, box, settings.undelivered_after_minutes * 60, now) for box in boxes),
        look_at_outbox,
    )
    for source in sources:
        look_at(source)
    return found


def _ask(server: PrefectServer | None, deployment: str, start: datetime) -> str:
    if server is None:
        return ""
    try:
        return server.describe_night(deployment, start)
    except PlatformError:
        return ""  # its silence is a fact of its own


def _remember(outbox: Outbox, now: datetime) -> Memory:
    """What the last round left; the first one begins to look now."""
    path = outbox.folder / MEMORY
    if path.is_file():
        try:
            data = read_json(path)
            return Memory(
                datetime.fromisoformat(data["since"]).astimezone(UTC),
                _read_instant(data.get("server_down_since")),
                _read_instant(data.get("workers_short_since")),
            )
        except (ConfigError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(
                f"{path} : illisible ; effacez-le pour surveiller à partir de maintenant."
            ) from error
    memory = Memory(now)
    _keep(outbox, memory)
    return memory


def _read_instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).astimezone(UTC) if text else None


def _keep(outbox: Outbox, memory: Memory) -> None:
    path = outbox.folder / MEMORY
    text = json.dumps({name: at.isoformat() if at else None for name, at in asdict(memory).items()})
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_durably(path, text)
