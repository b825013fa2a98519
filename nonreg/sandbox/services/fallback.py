"""Who does a module's work: the active site, or the passive one when the active site's module is gone for too long."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from nonreg.sandbox.services.database import (
    ActiveDatabase,
    Connection,
    Database,
    DatabaseRefused,
    DatabaseUnavailable,
    open_database,
    read_role,
)
from nonreg.sandbox.services.settings import Settings

CHECK_SECONDS = 0.5
READ_ONLY_SITE = "25006"
ABSENCE = "SELECT absent, delai_s FROM evt.tvf_absence(%s, %s)"


@dataclass(frozen=True, slots=True)
class Duty:
    """The work may be done, with this database; `served` is the site that is relieved, None for the active one."""

    site: str
    database: Database
    module: str
    parameter: str
    served: str | None = None
    delay_seconds: float = 0.0

    def describe(self, what: str) -> str:
        """What is done, as the journal must tell it."""
        return what if self.served is None else f"{what} en secours par {self.site}"

    def require(self, connection: Connection) -> None:
        """DatabaseRefused when the work is somebody else's now.

        Asked in the transaction that writes: a switchover waits for the transactions begun before it.
        """
        if connection.execute("SELECT ha.usp_etat()").fetchone() != ("ACTIF",):
            raise DatabaseRefused("le site n'est plus actif", READ_ONLY_SITE)
        if self.served is not None:
            row = connection.execute(ABSENCE, (self.module, self.parameter)).fetchone()
            if row is None or not row[0]:
                raise DatabaseRefused(f"{self.module} de {self.served} est revenu", READ_ONLY_SITE)


class DutyFinder:
    """Asks for one module of one site whether it is its turn; `parameter` names the delay in the database."""

    def __init__(self, settings: Settings, log: logging.Logger, module: str, parameter: str) -> None:
        self._settings, self._log, self._module, self._parameter = settings, log, module, parameter
        self._local, self._active = open_database(settings, settings.site), ActiveDatabase(settings)
        self._relieving: str | None = None
        self._checked_at = 0.0

    def find(self) -> Duty | None:
        """The duty of this round, None when there is nothing to do here; errors of the own database pass."""
        role = read_role(self._local)
        if role == "ACTIF":
            self._set_relieving(None)
            return Duty(self._settings.site, self._local, self._module, self._parameter)
        duty = self._find_relief() if role == "PASSIF" else None
        self._set_relieving(None if duty is None else duty.served)
        return duty

    def _find_relief(self) -> Duty | None:
        now = time.monotonic()
        if self._relieving is None and now - self._checked_at < CHECK_SECONDS:
            return None
        self._checked_at = now
        try:
            active = self._active.find()
            rows = active.query(ABSENCE, (self._module, self._parameter))
        except DatabaseUnavailable:  # the service's presence tells it in the log
            self._active.forget()
            return None
        if active.site == self._settings.site or not rows or not rows[0][0]:
            return None
        own = self._settings.site
        return Duty(own, active, self._module, self._parameter, active.site, float(rows[0][1]))

    def _set_relieving(self, served: str | None) -> None:
        if served != self._relieving:
            what = "début" if served else "fin"
            self._log.info("secours de %s : %s", served or self._relieving, what)
        self._relieving = served
