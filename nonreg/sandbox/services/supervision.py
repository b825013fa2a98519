"""Supervision: heartbeats of the three sites, state of the local services, transmission of alarms."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from http.client import HTTPException

from nonreg.sandbox.processes import find_recorded
from nonreg.sandbox.services.alarm_conditions import judge
from nonreg.sandbox.services.alarm_desk import AlarmDesk, post_call
from nonreg.sandbox.services.database import ActiveDatabase, Database, open_database
from nonreg.sandbox.services.fallback import DutyFinder
from nonreg.sandbox.services.heartbeats import Beat, Peers, listen, make_beat, send_beats
from nonreg.sandbox.services.mandates import (
    ACTIVE,
    NO_CLAIM,
    UNKNOWN,
    WAITING,
    Claim,
    Confirm,
    Node,
    StepDown,
    decide,
    find_highest,
)
from nonreg.sandbox.services.modules import ModuleWatch
from nonreg.sandbox.services.picture import Picture, Report
from nonreg.sandbox.services.replication_watch import ReplicationWatch
from nonreg.sandbox.services.runtime import ERRORS, Outage, Service, start_service
from nonreg.sandbox.services.settings import Settings
from nonreg.sandbox.services.technical_alarms import list_open, write_alarms
from nonreg.sandbox.services.web import Reply, Request, reply_json, serve_web

NODE_SECONDS = 0.25
WATCH_SECONDS = 0.25
ALARM_SECONDS = 0.5
# In one statement with the role: a switchover waits for the transactions begun before it.
MARK = "SELECT evt.usp_marquer_transmise(%s) WHERE ha.usp_etat() = 'ACTIF'"


class Supervision:
    """What one site's module knows."""

    def __init__(
        self, service: Service, local: Database | None, peers: Peers, watch: ModuleWatch, desk: AlarmDesk
    ) -> None:
        self._service, self._local, self._peers = service, local, peers
        self._watch, self._desk, self._replication = watch, desk, ReplicationWatch()
        role = UNKNOWN if local else str(service.settings.options["role"])
        self._node = Node(service.settings.site, role, NO_CLAIM)
        self._known = NO_CLAIM  # the highest claim that was ever heard of
        self._waiting_since: float | None = None
        self._duties = (
            DutyFinder(service.settings, service.log, "supervision", "SECOURS_ALARME_S") if local else None
        )
        self._sink = str(service.settings.options.get("puits", ""))
        self._sink_outage = Outage(service.log, "transmission des alarmes")

    def refresh_node(self) -> None:
        """Ask the local database for its role and mandate, and fence or confirm it by what the others know."""
        if self._local is not None:
            try:
                self._read_node(self._local)
            except ERRORS:
                self._node = Node(self._node.site, UNKNOWN, self._node.claim)
                raise
        others = self.look().nodes()
        # Of equal mandates the first is kept: who says it of himself knows best, what was heard once is the oldest.
        others.sort(key=lambda one: one.role != ACTIVE or one.claim.active != one.site)
        self._known = find_highest([self._node.claim, *(one.claim for one in others), self._known])
        if self._local is not None:
            answered = self._waiting_since is not None and self._peers.were_heard_since(self._waiting_since)
            self._act(self._local, decide(self._node, self._known, others, answered=answered))

    def _read_node(self, local: Database) -> None:
        role, mandate, active = local.query("SELECT etat, mandat, site_actif FROM ha.tvf_noeud()")[0]
        node = Node(self._node.site, str(role), Claim(int(mandate), active))
        if node.role != self._node.role:
            self._service.log.info("rôle du site : %s, mandat %d", node.role, node.claim.mandate)
        if node.role != WAITING:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = time.monotonic()
        self._node = node

    def _act(self, local: Database, decision: Confirm | StepDown | None) -> None:
        log, before = self._service.log, self._node.role
        if isinstance(decision, StepDown):
            given_up = local.query("SELECT ha.usp_ceder(%s, %s)", (decision.site, decision.mandate))
            if given_up == [(True,)] and before in (ACTIVE, WAITING):
                log.warning("%s est actif, mandat %d : le site passe passif", decision.site, decision.mandate)
        elif isinstance(decision, Confirm):
            if local.query("SELECT ha.usp_confirmer(%s)", (decision.mandate,)) == [(True,)]:
                log.info("rôle actif confirmé, mandat %d", decision.mandate)
        else:
            return
        self._read_node(local)

    def look(self) -> Picture:
        """This site and what the others say."""
        heard = self._peers.look()
        hears = {site: one.age for site, one in heard.items() if one.age <= self._peers.fresh_seconds}
        node = self._node
        claim = find_highest([node.claim, self._known])
        own = Report(node.role, claim, self._watch.settled(), hears)
        return Picture(node.site, own, heard, self._peers.fresh_seconds)

    def make_beat(self, seq: int) -> Beat:
        """The next heartbeat."""
        return make_beat(self.look(), seq, write_alarms(self._desk.list_alarms()))

    def hear(self, line: bytes) -> None:
        """Take one heartbeat; ValueError when it is none."""
        self._desk.hear(self._peers.hear(line).alarms)

    def watch(self) -> None:
        """Look at the services, and at what is wrong on the platform when this module speaks for all."""
        self._watch.refresh()
        picture = self.look()
        verdicts = judge(
            picture, self._peers.sites, self._desk.uptime_seconds, self._replication.interrupted()
        )
        self._desk.consider(verdicts, picture.find_speaker() == picture.site)

    def watch_replication(self) -> None:
        """On the active site, see whether its subscribers are connected."""
        if self._local is not None and self._node.role == ACTIVE:
            self._replication.refresh(self._local)

    def transmit_alarms(self) -> None:
        """Send the alarms nobody was told of, on the active site or in its place; one that fails is sent later."""
        database = self._find_alarm_database()
        if database is None:
            return
        for alarm, recipient, text in database.query("SELECT * FROM evt.tvf_alarmes_a_transmettre()"):
            # The key lets the sink take it once, though the other site may have sent it and died before the mark.
            call = {"ala_id": alarm, "destinataire": recipient, "texte": text, "site": self._node.site}
            try:
                post_call(self._sink, {**call, "cle": f"alarme {alarm} {text}"})
            except (OSError, HTTPException) as error:
                self._sink_outage.failed(error)
                return
            self._sink_outage.worked()
            database.query(MARK, (alarm,))
            self._service.log.info("alarme %s transmise : %s", alarm, text)

    def _find_alarm_database(self) -> Database | None:
        duty = None if self._duties is None else self._duties.find()
        if duty is None or duty.served is None:
            return None if duty is None else duty.database
        heard = self.look().last_heard(duty.served)
        return duty.database if heard is None or heard > duty.delay_seconds else None

    def show_state(self, _request: Request) -> Reply:
        """The state of this site as JSON."""
        claim = self.look().own.claim
        state = {
            "site": self._node.site,
            "role": self._node.role,
            "mandat": claim.mandate,
            "actif": claim.active,
            "heure_utc": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "modules": {name: {"actif": runs} for name, runs in self._watch.look().items()},
            "pairs": self._peers.describe(),
            "quorum": self._peers.has_quorum(),
            "alarmes": [
                {"libelle": one["libelle"], "ouverte_utc": one["ouverte_utc"]}
                for one in write_alarms(list_open(self._desk.list_alarms()))
            ],
        }
        return reply_json(state)


def watch_modules(settings: Settings) -> ModuleWatch:
    """The watch over the modules of the settings, by their pid files."""
    pids, site = settings.path("pids"), settings.site.lower()
    return ModuleWatch(
        settings.options["modules"], lambda name: find_recorded(pids / f"{site}.{name}.json") is not None
    )


def main() -> None:
    """Run until stopped."""
    service = start_service("supervision")
    settings, options = service.settings, service.settings.options
    has_database = any(site == settings.site for site, _, _ in settings.databases)
    local = open_database(settings, settings.site) if has_database else None
    others = {peer["site"]: (str(peer["adresse"]), int(peer["port"])) for peer in options["pairs"]}
    peers, watch = Peers(tuple(others), float(options["fraicheur_secondes"])), watch_modules(settings)
    desk = AlarmDesk(service, ActiveDatabase(settings))
    supervision = Supervision(service, local, peers, watch, desk)
    listen(settings.address, int(options["port_battement"]), supervision.hear, service.log)
    service.every(NODE_SECONDS, supervision.refresh_node, "rôle local")
    service.every(WATCH_SECONDS, supervision.watch, "surveillance")
    for target in others.values():
        send_beats(settings.address, target, supervision.make_beat, service.stopping)
    service.every(ALARM_SECONDS, supervision.transmit_alarms, "alarmes")
    service.every(ALARM_SECONDS, supervision.watch_replication, "abonnés")
    service.every(WATCH_SECONDS, desk.tell, "alarmes techniques")
    service.every(ALARM_SECONDS, desk.journal, "journal des alarmes techniques")
    version = {"service": "supervision", "site": settings.site, "version": settings.version}
    routes = {("GET", "/etat"): supervision.show_state, ("GET", "/version"): lambda _: reply_json(version)}
    serve_web(settings.address, settings.port, routes, service.log)
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
