"""Internet collection: on the active site, polls the LoRaWAN operator's HTTP API and stores its measures.

The passive site does so while the active one's collection is gone. Each message is stored once: the number of the last
one is kept beside the measures, in the same transaction.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from decimal import Decimal
from http.client import HTTPException
from typing import Any

from nonreg.sandbox.services.database import ActiveDatabase, Connection, DatabaseRefused
from nonreg.sandbox.services.fallback import Duty, DutyFinder
from nonreg.sandbox.services.runtime import Outage, start_service
from nonreg.sandbox.services.settings import Settings

POLL_SECONDS = 0.5
ANSWER_SECONDS = 3.0
SOURCE = "LORAWAN"
LAST = "SELECT numero FROM tampon.tvf_collecte(%s)"
TAKE = "SELECT tampon.usp_prendre(%s, %s)"
INSERT = "SELECT tampon.usp_inserer(%s, %s, %s, %s, %s, %s)"
DATA_ERROR = "22"  # SQLSTATE class: out of range, not a date…


class Collector:
    """One site's collection."""

    def __init__(self, settings: Settings, log: logging.Logger) -> None:
        self._site, self._log, self._url = settings.site, log, str(settings.options["operateur"])
        self._duties = DutyFinder(settings, log, "internet", "SECOURS_INTERNET_S")
        self._outage = Outage(log, "opérateur LoRaWAN")

    def work(self) -> None:
        """One round; nothing at all on a passive site whose active one works."""
        duty = self._duties.find()
        if duty is None:
            return
        last = int(duty.database.query(LAST, (SOURCE,))[0][0])
        try:
            messages = fetch_messages(self._url, last)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            self._outage.failed(error)
            return
        self._outage.worked()
        for message in messages:
            self._take(duty, message)

    def _take(self, duty: Duty, message: dict[str, Any]) -> None:
        number = int(message["numero"])
        try:
            with duty.database.connection() as connection, connection.transaction():
                result = self._store(duty, connection, message)
        except DatabaseRefused as error:
            if not error.sqlstate.startswith(DATA_ERROR):
                raise
            self._log.warning("message LoRaWAN %d refusé : %s", number, error)
            with duty.database.connection() as connection, connection.transaction():
                duty.require(connection)
                connection.execute(TAKE, (SOURCE, number))
            return
        if result is not None:
            self._log.info("message LoRaWAN %d : %s", number, result)

    def _store(self, duty: Duty, connection: Connection, message: dict[str, Any]) -> str | None:
        duty.require(connection)
        if connection.execute(TAKE, (SOURCE, int(message["numero"]))).fetchone() != (True,):
            return None  # the other site was faster
        measure = (message["station"], message["grandeur"], message["horodatage"], message["valeur"])
        row = connection.execute(INSERT, (*measure, SOURCE, self._site)).fetchone()
        return None if row is None else str(row[0])


def fetch_messages(url: str, after: int) -> list[dict[str, Any]]:
    """The operator's messages after a number; OSError or HTTPException without answer, ValueError for a bad one."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # the operator is on loopback
    with opener.open(f"{url}/messages?apres={after}", timeout=ANSWER_SECONDS) as reply:
        messages: list[dict[str, Any]] = json.load(reply, parse_float=Decimal)["messages"]
    return messages


def main() -> None:
    """Run until stopped."""
    service = start_service("internet")
    collector = Collector(service.settings, service.log)
    service.every(POLL_SECONDS, collector.work, "collecte internet")
    service.report_presence(ActiveDatabase(service.settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
