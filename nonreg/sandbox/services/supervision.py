"""Supervision: heartbeats of the three sites, state of the local services, transmission of alarms."""

from __future__ import annotations

import json
import urllib.request
from datetime import UTC, datetime
from http.client import HTTPException

from nonreg.sandbox.processes import find_recorded
from nonreg.sandbox.services.database import ActiveDatabase, Database, open_database, read_role
from nonreg.sandbox.services.heartbeats import Peers, beat, listen
from nonreg.sandbox.services.runtime import ERRORS, Outage, Service, start_service
from nonreg.sandbox.services.web import Reply, Request, reply_json, serve_web

ROLE_SECONDS = 0.5
ALARM_SECONDS = 0.5
SINK_SECONDS = 3.0
UNKNOWN = "INCONNU"
# In one statement with the role: a switchover waits for the transactions begun before it.
MARK = "SELECT evt.usp_marquer_transmise(%s) WHERE ha.usp_etat() = 'ACTIF'"


class Supervision:
    """What one site's module knows."""

    def __init__(self, service: Service, local: Database | None, peers: Peers) -> None:
        self._service, self._local, self._peers = service, local, peers
        self.role = UNKNOWN if local else str(service.settings.options["role"])
        self._sink = str(service.settings.options.get("puits", ""))
        self._sink_outage = Outage(service.log, "transmission des alarmes")

    def refresh_role(self) -> None:
        """Ask the local database for its role; unknown while it does not answer."""
        if self._local is None:
            return
        try:
            role = read_role(self._local)
        except ERRORS:
            self.role = UNKNOWN
            raise
        if role != self.role:
            self._service.log.info("rôle du site : %s", role)
        self.role = role

    def transmit_alarms(self) -> None:
        """On the active site, send the alarms nobody was told of; one that fails is sent later."""
        if self._local is None or self.role != "ACTIF":
            return
        for alarm, recipient, text in self._local.query("SELECT * FROM evt.tvf_alarmes_a_transmettre()"):
            try:
                post_call(self._sink, {"ala_id": alarm, "destinataire": recipient, "texte": text})
            except (OSError, HTTPException) as error:
                self._sink_outage.failed(error)
                return
            self._sink_outage.worked()
            self._local.query(MARK, (alarm,))
            self._service.log.info("alarme %s transmise : %s", alarm, text)

    def show_state(self, _request: Request) -> Reply:
        """The state of this site as JSON."""
        settings = self._service.settings
        pids = settings.path("pids")
        modules = {
            name: {"actif": find_recorded(pids / f"{settings.site.lower()}.{name}.json") is not None}
            for name in settings.options["modules"]
        }
        state = {
            "site": settings.site,
            "role": self.role,
            "heure_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "modules": modules,
            "pairs": self._peers.describe(),
            "quorum": self._peers.has_quorum(),
        }
        return reply_json(state)


def post_call(url: str, call: dict[str, object]) -> None:
    """Hand one call to the sink; OSError or HTTPException when it did not take it."""
    body = json.dumps(call, ensure_ascii=False).encode("utf-8")
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
    # Without proxies: the sink is on loopback and the call must not leave the machine.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=SINK_SECONDS) as reply:
        reply.read()


def main() -> None:
    """Run until stopped."""
    service = start_service("supervision")
    settings, options = service.settings, service.settings.options
    has_database = any(site == settings.site for site, _, _ in settings.databases)
    local = open_database(settings, settings.site) if has_database else None
    others = {peer["site"]: (str(peer["adresse"]), int(peer["port"])) for peer in options["pairs"]}
    peers = Peers(tuple(others), float(options["fraicheur_secondes"]))
    supervision = Supervision(service, local, peers)
    listen(settings.address, int(options["port_battement"]), peers, service.log)
    for target in others.values():
        beat(settings.site, settings.address, target, lambda: supervision.role, service.stopping)
    service.every(ROLE_SECONDS, supervision.refresh_role, "rôle local")
    service.every(ALARM_SECONDS, supervision.transmit_alarms, "alarmes")
    version = {"service": "supervision", "site": settings.site, "version": settings.version}
    routes = {("GET", "/etat"): supervision.show_state, ("GET", "/version"): lambda _: reply_json(version)}
    serve_web(settings.address, settings.port, routes, service.log)
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
