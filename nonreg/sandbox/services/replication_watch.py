"""Since when the active site's subscribers are gone, as its supervision module sees it."""

from __future__ import annotations

import time
from collections.abc import Callable

from nonreg.sandbox.services.database import Database

SUBSCRIBERS = "SELECT abonne, connecte FROM ha.tvf_abonnes()"
LIMIT = "SELECT valeur FROM cfg.tvf_parametre('REPLICATION_ALARME_S')"


class ReplicationWatch:
    """What the local database says of its subscribers; `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._gone_since: dict[str, float] = {}
        self._interrupted: dict[str, bool] = {}

    def refresh(self, local: Database) -> None:
        """Ask the database of an active site; a site that subscribes no more is forgotten."""
        connected = {str(site): bool(is_connected) for site, is_connected in local.query(SUBSCRIBERS)}
        self.take(connected, float(local.query(LIMIT)[0][0]))

    def take(self, connected: dict[str, bool], limit_seconds: float) -> None:
        """Each subscriber, connected or not at this instant."""
        now = self._clock()
        self._gone_since = {
            site: self._gone_since.get(site, now)
            for site, is_connected in connected.items()
            if not is_connected
        }
        self._interrupted = {
            site: site in self._gone_since and now - self._gone_since[site] > limit_seconds
            for site in connected
        }

    def interrupted(self) -> dict[str, bool]:
        """Subscriber → whether it has been gone for longer than the limit, as last asked."""
        return self._interrupted
