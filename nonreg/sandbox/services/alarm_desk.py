"""The technical alarms of one supervision module: kept, told to the sink and journaled while this module speaks."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import partial
from http.client import HTTPException
from typing import Any

from nonreg.sandbox.services import technical_alarms as shared
from nonreg.sandbox.services.alarm_conditions import Verdict
from nonreg.sandbox.services.database import ActiveDatabase, DatabaseUnavailable
from nonreg.sandbox.services.runtime import Outage, Service

SINK_SECONDS = 3.0
LISTEN_SECONDS = 3.0  # a module that starts first learns what the others know
TAKE_OVER_SECONDS = 1.0  # who becomes the speaker first learns what the former one did last
# The procedure adds what is missing only: whoever speaks may say it again.
JOURNAL = "SELECT evt.usp_journaliser_alarme(%s, %s, %s) WHERE ha.usp_etat() = 'ACTIF'"


class AlarmDesk:
    """The list of one module; its methods may be called by several threads."""

    def __init__(self, service: Service, active: ActiveDatabase) -> None:
        options = service.settings.options
        self._site, self._log, self._active = service.settings.site, service.log, active
        self._sink, self._recipient = str(options["puits"]), str(options["destinataire_technique"])
        self._outage = Outage(service.log, "transmission des alarmes techniques")
        self._alarms: shared.Alarms = ()
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._speaks_since: float | None = None
        self._holds_since: dict[str, float] = {}

    @property
    def uptime_seconds(self) -> float:
        """Since the module started."""
        return time.monotonic() - self._began

    def list_alarms(self) -> shared.Alarms:
        """What is known now."""
        with self._lock:
            return self._alarms

    def hear(self, told: Iterable[Mapping[str, Any]]) -> None:
        """Take the list of another module; ValueError when it is none."""
        theirs = shared.read_alarms(told)
        self._change(lambda mine: shared.merge(mine, theirs))

    def _change(self, change: Callable[[shared.Alarms], shared.Alarms]) -> None:
        with self._lock:
            self._alarms = change(self._alarms)

    def consider(self, verdicts: Mapping[str, Verdict], is_speaker: bool) -> None:
        """Open and close alarms by the verdicts, while this module speaks; every module forgets the old ones."""
        now, clock = read_clock(), time.monotonic()
        self._change(lambda mine: shared.forget(mine, now))
        if not is_speaker:
            self._speaks_since = None
            self._holds_since.clear()
            return
        if self._speaks_since is None:
            self._speaks_since = clock
        holding = {label for label, verdict in verdicts.items() if verdict.holds}
        self._holds_since = {label: self._holds_since.get(label, clock) for label in holding}
        if not self._speaks():
            return
        due = [
            label for label in holding if clock - self._holds_since[label] >= verdicts[label].lasting_seconds
        ]
        before = set(self.list_alarms())
        self._change(lambda mine: shared.update(mine, verdicts, due, now))
        for alarm in self.list_alarms():
            if alarm not in before:
                word = "ouverte" if alarm.closed is None else "fermée"
                self._log.info("alarme technique %s : %s", word, alarm.label)

    def _speaks(self) -> bool:
        since = self._speaks_since
        return (
            since is not None
            and time.monotonic() - since >= TAKE_OVER_SECONDS
            and self.uptime_seconds >= LISTEN_SECONDS
        )

    def tell(self) -> None:
        """Send what is due to the sink, in order; what it does not take is sent later."""
        if not self._speaks():
            return
        for call in shared.list_calls(self.list_alarms(), read_clock()):
            body = {
                "ala_id": 0,  # none of the database's alarms
                "destinataire": self._recipient,
                "texte": call.text,
                "site": self._site,
                "cle": call.key,
            }
            try:
                post_call(self._sink, body)
            except (OSError, HTTPException) as error:
                self._outage.failed(error)
                return
            self._outage.worked()
            self._change(partial(shared.mark_told, call))

    def journal(self) -> None:
        """Write what is not in the active database's journal yet, when it answers."""
        if not self._speaks():
            return
        for alarm in self.list_alarms():
            if alarm.journaled >= alarm.stages:
                continue
            times = [None if at is None else at.replace(tzinfo=None) for at in (alarm.opened, alarm.closed)]
            try:
                if not self._active.find().query(JOURNAL, (alarm.label, *times)):
                    self._active.forget()
                    return
            except DatabaseUnavailable:  # the alarm is about that, often enough: it waits
                self._active.forget()
                return
            self._change(partial(shared.mark_journaled, alarm))


def read_clock() -> datetime:
    """Now in UTC, to the millisecond, as the heartbeats carry it."""
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def post_call(url: str, call: Mapping[str, object]) -> None:
    """Hand one call to the sink; OSError or HTTPException when it did not take it."""
    body = json.dumps(call, ensure_ascii=False).encode("utf-8")
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    # Without proxies: the sink is on loopback and the call must not leave the machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=SINK_SECONDS) as reply:
        reply.read()
