"""Alerts on disk, `alertes/` of the runs' folder: made once, and never lost when whoever sends them is killed.

    NAME.json             the alert: its fact and the channels that it goes to; NAME comes from the fact's key
    NAME.CHANNEL.jsonl    the journal of one channel: each step is on the disk before the next is taken
    NAME.CHANNEL.lock     held by whoever is sending it; dies with its holder

What may still be sent is decided from the journal alone (nonreg.alerts.delivery).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from nonreg.alerts.delivery import Event, Sending, Standing, State, Step, judge_delivery
from nonreg.alerts.facts import Fact, Kind, Undelivered
from nonreg.durable import append_durably, read_lines, write_durably
from nonreg.errors import ConfigError
from nonreg.file_lock import hold_file_lock, try_file_lock
from nonreg.store import dump_json, load_json, make_adapter

FOLDER, CREATION_LOCK = "alertes", ".creation.lock"
CUT = "le processus s'est arrêté pendant la remise, avant la réponse."


@dataclass(frozen=True, slots=True)
class Alert:
    """A fact on its way; `name` is that of its files."""

    name: str
    fact: Fact
    channels: tuple[str, ...]
    created_at: datetime


class Channel(Protocol):
    """A way to reach people."""

    @property
    def name(self) -> str:
        """The channel's name in journals and sentences."""
        ...

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """What goes that way."""
        ...

    def send(self, fact: Fact, hand: Callable[[], None]) -> Sending:
        """Send once; `hand` is called just before what cannot be taken back, and what it raises stops everything."""
        ...


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one alert on one channel in one pass."""

    alert: Alert
    channel: str
    standing: Standing

    def __str__(self) -> str:
        detail = f" : {self.standing.detail}" if self.standing.detail else ""
        return f"{self.channel}, {self.standing.state} — {self.alert.fact.subject}{detail}"


def file_name(key: str) -> str:
    """A file name for a fact's key: readable, and different for different keys."""
    readable = re.sub(r"[^A-Za-z0-9._-]+", "-", key).strip(".-")[:80]
    return f"{readable}-{hashlib.sha256(key.encode('utf-8')).hexdigest()[:16]}"


class Outbox:
    """The alerts of one runs' folder; any number of processes may use it at once."""

    def __init__(self, runs_dir: Path) -> None:
        self.folder = runs_dir / FOLDER

    def add(self, fact: Fact, channels: tuple[str, ...], now: datetime) -> bool:
        """Keep the alert of a fact; False when there is one already."""
        name = file_name(fact.key)
        with hold_file_lock(self.folder / CREATION_LOCK, "La boîte d'envoi des alertes"):
            file = self.folder / f"{name}.json"
            if file.exists():
                return False
            write_durably(file, dump_json(Alert, Alert(name, fact, channels, now)))
        return True

    def list_alerts(self, problems: list[str] | None = None) -> tuple[Alert, ...]:
        """Every alert, oldest first; a sentence in `problems` for each file that cannot be read."""
        found = []
        for file in sorted(self.folder.glob("*.json")):
            try:
                found.append(load_json(Alert, file))
            except ConfigError as error:
                if problems is not None:
                    problems.append(str(error))
        return tuple(sorted(found, key=lambda alert: (alert.created_at, alert.name)))

    def find(self, key: str) -> Alert | None:
        """The alert of that fact, None when there is none."""
        file = self.folder / f"{file_name(key)}.json"
        return load_json(Alert, file) if file.is_file() else None

    def standing(self, alert: Alert, channel: str, now: datetime) -> Standing:
        """Where an alert stands on a channel."""
        return judge_delivery(self._read(alert, channel), alert.created_at, now)

    def list_undelivered(self, now: datetime) -> tuple[Undelivered, ...]:
        """What has not left, or perhaps not; alerts about the outbox itself are not told of."""
        found = []
        for alert in self.list_alerts():
            if alert.fact.kind in (Kind.OUTBOX, Kind.TRIAL):
                continue
            for channel in alert.channels:
                standing = self.standing(alert, channel, now)
                if standing.state in (State.DELIVERED, State.UNSETTLED):
                    continue
                found.append(
                    Undelivered(
                        channel,
                        alert.fact.key,
                        alert.fact.subject,
                        alert.created_at,
                        standing.detail,
                        unknown=standing.state is State.UNKNOWN,
                        abandoned=standing.state is State.ABANDONED,
                    )
                )
        return tuple(found)

    def deliver(self, channels: tuple[Channel, ...], now: datetime, only: str = "") -> tuple[Told, ...]:
        """Send what is due, one after the other; what another process is sending is left to it.

        `only` is the key of the one alert that is to be sent; what it returns is what changed.
        """
        alerts = self.list_alerts() if not only else tuple(filter(None, (self.find(only),)))
        by_name = {channel.name: channel for channel in channels}
        told = []
        for alert in alerts:
            for name in alert.channels:
                channel = by_name.get(name)
                standing = self._deliver_one(alert, channel, now) if channel is not None else None
                if standing is not None:
                    told.append(Told(alert, name, standing))
        return tuple(told)

    def _deliver_one(self, alert: Alert, channel: Channel, now: datetime) -> Standing | None:
        if self.standing(alert, channel.name, now).state not in (State.DUE, State.UNSETTLED):
            return None
        lock = self.folder / f"{alert.name}.{channel.name}.lock"
        with try_file_lock(lock, "La boîte d'envoi des alertes") as held:
            if not held:
                return None
            state = self.standing(alert, channel.name, now).state  # somebody may just have sent it
            if state is State.UNSETTLED:
                self._append(alert, channel.name, Step.UNKNOWN, CUT)
                return self.standing(alert, channel.name, now)
            if state is not State.DUE:
                return None
            self._append(alert, channel.name, Step.ATTEMPT)
            try:
                sending = channel.send(alert.fact, lambda: self._append(alert, channel.name, Step.HANDED))
            except ConfigError as error:  # a secret that is nowhere: nothing was sent
                sending = Sending(Step.REFUSED, str(error))
            self._append(alert, channel.name, sending.step, sending.detail)
            return self.standing(alert, channel.name, now)

    def _journal(self, alert: Alert, channel: str) -> Path:
        return self.folder / f"{alert.name}.{channel}.jsonl"

    def _append(self, alert: Alert, channel: str, step: Step, detail: str = "") -> None:
        event = {"step": step.value, "at": datetime.now(UTC).isoformat(), "detail": detail}
        append_durably(self._journal(alert, channel), json.dumps(event, ensure_ascii=False))

    def _read(self, alert: Alert, channel: str) -> tuple[Event, ...]:
        """The journal; a line that is torn was never acted upon, since each is on the disk before what it announces."""
        events = []
        for line in read_lines(self._journal(alert, channel)):
            try:
                events.append(make_adapter(Event).validate_json(line))
            except ValueError:
                continue
        return tuple(events)
