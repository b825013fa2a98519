"""The pack of a weekly review or of a COPIL: gathered from tracker, ledger, history and governance, then kept.

    runs/revues/HEBDO-20261130T060000Z-3fa1c2/      revue.html, .pdf, .json, chiffres.csv, .xlsx,
                                                    tickets.csv, temps.csv (what was counted), manifest.json

A source that is missing or broken is named, what it would have told is « n.d. », and nothing else is taken away.
"""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from nonreg import ledger
from nonreg.alerts.continuity import list_due
from nonreg.alerts.deadlines import read_deadlines
from nonreg.alerts.facts import Deadline, Fact
from nonreg.alerts.handover import read_readiness
from nonreg.alerts.tracker import look_at_tracker
from nonreg.errors import NonregError, UsageError
from nonreg.evidence.interrupted import finish_sealed
from nonreg.evidence.seal import Thing, seal_folder
from nonreg.french import explain_os_error
from nonreg.handover.readiness import KIND as READINESS_KIND
from nonreg.history import default_url, open_history
from nonreg.ledger import LedgerEntry
from nonreg.masking import conceal
from nonreg.model import History, Waiver
from nonreg.model.documents import DocumentKind
from nonreg.model.handover import Execution
from nonreg.model.readiness import Readiness
from nonreg.model.steering import Indicator, Pack, PackKind, Period, Proof, WatchList
from nonreg.model.tracker import Ticket, TicketNote, TimeEntry
from nonreg.steering.continuity import count_runbooks, measure_lead_time
from nonreg.steering.forfait import ROW, count_hours, measure_forfait
from nonreg.steering.health import measure_health
from nonreg.steering.pack import (
    CSV,
    FOLDER,
    HOURS,
    HTML,
    JSON,
    KIND,
    PDF,
    TICKETS,
    XLSX,
    blank,
    compare_packs,
    name_pack,
)
from nonreg.steering.periods import find_contract_year, find_period, list_months
from nonreg.steering.risks import find_risks, load_risks
from nonreg.steering.settings import SteeringSettings, load_steering
from nonreg.steering.stories import Story, count_ticket, tell_story
from nonreg.steering.tickets import (
    count_backlog,
    count_volumes,
    follow_anomalies,
    measure_delays,
    measure_reopenings,
)
from nonreg.steering.watch import watch_actions, watch_deadlines, watch_decisions, watch_waivers, watch_work
from nonreg.store import dump_json, hash_file, load_json, write_file
from nonreg.tickets import require_ticket
from nonreg.tracker.connection import find_folder, open_tracker
from nonreg.tracker.outbox import TrackerOutbox
from nonreg.tracker.protocol import TicketUnknown, Tracker
from nonreg.tracker.requirement import require_open_ticket
from nonreg.waivers import read_waivers
from nonreg.wording import plural
from nonreg.working_time import PARIS
from reports.html import write_html
from reports.pdf import write_pdf
from reports.steering import build_steering_page
from reports.steering_figures import write_csv, write_hours, write_tickets, write_xlsx
from reports.text import map_texts, shorten
from tasks.document_drafts import Asked, Drafting
from tasks.handover_sources import load_executions
from tasks.handover_work import Work
from tasks.sources import Sources

CAMPAIGNS = 800  # two a day for a year
MOST_CHARACTERS = 2000  # of any text of a pack
HELD_SECONDS = 3600.0  # a note that waits longer does not reach its ticket
NO_THRESHOLD: tuple[float, ...] = ()
NO_TRACKER = "aucun suivi de tickets n'est relié ([tracker] de la plateforme)"


def prepare_pack(
    work: Work, kind: PackKind, at: datetime, ticket: str = "", of: datetime | None = None
) -> Pack:
    """The pack, made at an instant, of the last whole week or month(s) before it, or before the earlier instant `of`.

    ConfigError for a wrong `steering.toml`, UsageError for a ticket that is not open.
    """
    unverified = require_open_ticket(work.platform, require_ticket(ticket)) if ticket else ""
    settings = load_steering(work.people.file.parent)
    work.runs_dir.mkdir(parents=True, exist_ok=True)  # where the history is made when there is none yet
    gathering = Gathering(work, kind, find_period(kind, of or at, settings.copil.months), settings, at)
    if unverified:
        gathering.missing.append(f"ticket de la réunion ({unverified.rstrip('.')})")
    return gathering.gather()


class Gathering(Sources):
    """Reads the sources of one platform, one after the other."""

    def __init__(
        self, work: Work, kind: PackKind, period: Period, settings: SteeringSettings, at: datetime
    ) -> None:
        super().__init__()
        self.work, self.kind, self.period, self.settings, self.at = work, kind, period, settings, at
        self.working = work.platform.working_time
        self.name = name_pack(kind, at, secrets.token_hex(3))

    def gather(self) -> Pack:
        """Everything there is, against the last pack of the same kind."""
        entries = self.try_reading("registre", self.read_entries)
        executions = self.try_reading("exécutions", self.read_executions)
        stories, entered, source = self.read_tracker()
        history = self.try_reading("historique des campagnes", self.read_history)
        measured = self.try_reading("mesure de la disponibilité", lambda: self.read_readiness(entries or ()))
        indicators = (
            *self.measure_tickets(stories, source),
            self.measure_time(entered),
            self.measure_campaigns(history),
            *self.measure_continuity(measured, executions),
        )
        watched = self.list_watched(stories, executions, source)
        governance = self.work.people.file.parent
        declared = self.try_reading("registre des risques", lambda: load_risks(governance))
        held = self.try_reading("boîte d'envoi du suivi", self.look_at_box)
        risks = find_risks(
            watched,
            indicators,
            history,
            measured,
            held or (),
            self.missing,
            self.period,
            self.at,
            "ce que cette revue a lu, boîte d'envoi du suivi",
        )
        pack = Pack(
            self.name,
            self.kind,
            self.work.platform.name,
            self.work.platform.title or self.work.platform.name,
            self.period,
            self.at,
            indicators,
            (risks, *watched),
            risks=declared,
            tickets=tuple(count_ticket(one) for one in stories or ()),
            hours=tuple(count_hours(one, self.settings.forfait) for one in entered or ()),
        )
        last = self.try_reading("revue précédente", lambda: self.read_last(entries or ()))
        pack = dataclasses.replace(compare_packs(pack, last), missing=tuple(self.missing))
        return map_texts(pack, lambda one: conceal(shorten(one, MOST_CHARACTERS)))

    def read_entries(self) -> tuple[LedgerEntry, ...]:
        """The lines of the ledger about this platform."""
        found = ledger.read_entries(self.work.journal.file)
        return tuple(one for one in found if one.platform == self.work.platform.name)

    def read_executions(self) -> tuple[Execution, ...]:
        """Every execution of this platform."""
        found, broken = load_executions(self.work)
        self.missing += broken
        return found

    def read_tracker(self) -> tuple[tuple[Story, ...] | None, tuple[TimeEntry, ...] | None, str]:
        """Stories of the tickets, hours of the contract year, and how their source is named."""
        tracker = self.try_reading("suivi des tickets", lambda: open_tracker(self.work.platform))
        if tracker is None:
            if not any(one.startswith("suivi des tickets") for one in self.missing):
                self.missing.append(f"suivi des tickets ({NO_TRACKER})")
            return None, None, "Suivi des tickets"
        try:
            tickets = self.try_reading("suivi des tickets", lambda: tracker.list_tickets(open_only=False))
            stories = None if tickets is None else self.tell_stories(tracker, tickets)
            entered = self.try_reading("temps passés", lambda: self.read_time(tracker))
            # A folder's path says nothing to those who read the pack.
            name = tracker.name if find_folder(self.work.platform) is None else "suivi local"
            return stories, entered, name[:1].upper() + name[1:]
        finally:
            tracker.close()

    def tell_stories(self, tracker: Tracker, tickets: Sequence[Ticket]) -> tuple[Story, ...]:
        """Notes are read of tickets that something happened to within the months of the trends."""
        since = list_months(self.period.end)[0].start
        stories, reads = [], True
        for ticket in tickets:
            notes: tuple[TicketNote, ...] | None = None
            if reads and ticket.updated_at >= since:
                try:
                    notes = tracker.list_notes(ticket.reference)
                except TicketUnknown as error:
                    self.missing.append(f"notes de {ticket.reference} ({str(error).rstrip('.')})")
                except NonregError as error:  # the others would only wait for the same answer
                    self.missing.append(f"notes du suivi ({str(error).rstrip('.')})")
                    reads = False
            stories.append(tell_story(ticket, notes, self.settings))
        return tuple(stories)

    def read_time(self, tracker: Tracker) -> tuple[TimeEntry, ...]:
        """Hours booked since the contract year began."""
        last = (self.period.end - timedelta(microseconds=1)).astimezone(PARIS)
        first_day, _ = find_contract_year(self.settings.forfait.since, last)
        return tracker.list_time(first_day, last.date())

    def measure_tickets(self, stories: tuple[Story, ...] | None, source: str) -> tuple[Indicator, ...]:
        """The five indicators of the tickets; blank when nobody told of any."""
        own, period = stories or (), self.period
        told = f"{source}, {plural(len(own), 'ticket', 'tickets')}." if stories is not None else f"{source}."
        found = (
            measure_delays(
                own,
                self.settings.delays,
                period,
                self.working,
                bool(self.settings.team.authors),
                f"{told} Du dépôt à la première réponse de l'équipe ou à la clôture, en temps ouvré.",
            ),
            count_volumes(own, period, told),
            count_backlog(own, period, self.kind is PackKind.WEEKLY, told),
            measure_reopenings(own, period.end, told),
            follow_anomalies(own, period.end, told),
        )
        if stories is None:
            return tuple(blank(one, "suivi non lu") for one in found)
        if not stories:
            return found
        proof = Proof("tickets comptés", f"{FOLDER}/{self.name}/{TICKETS}")
        return tuple(dataclasses.replace(one, proofs=(proof,)) for one in found)

    def measure_time(self, entered: tuple[TimeEntry, ...] | None) -> Indicator:
        """The forfait."""
        forfait = self.settings.forfait
        words = ", ".join(forfait.activities) or "toutes"
        source = f"Temps passés du suivi (activités : {words}), {forfait.hours_a_day:g} h par jour."
        found = measure_forfait(entered, forfait, self.period.end, source, "temps passés non lus")
        if not entered:
            return found
        proof = Proof("temps comptés", f"{FOLDER}/{self.name}/{HOURS}")
        return dataclasses.replace(found, proofs=(proof,))

    def look_at_box(self) -> tuple[Fact, ...]:
        """What does not reach its ticket any more."""
        box = TrackerOutbox(self.work.runs_dir, self.work.platform.name)
        return look_at_tracker(box, HELD_SECONDS, self.at)

    def measure_campaigns(self, history: History | None) -> Indicator:
        """The health of the campaigns."""
        if history is not None and not history.runs:
            self.missing.append("historique des campagnes (aucune campagne de cette plateforme)")
        source = (
            "Historique des campagnes ; famille verte : aucun échec, au moins la moitié de ses scénarios."
        )
        is_cut = history is not None and len(history.runs) >= CAMPAIGNS
        since = history.runs[0].started_at if history is not None and is_cut else None
        return measure_health(history, self.period, source, "historique non lu", since)

    def read_history(self) -> History:
        """The campaigns of a year, whatever their catalog."""
        store = open_history(default_url(self.work.runs_dir))
        return store.load_history(self.work.platform.name, self.period.end, CAMPAIGNS, catalog=None)

    def measure_continuity(
        self, measured: Readiness | None, executions: tuple[Execution, ...] | None
    ) -> tuple[Indicator, ...]:
        """Runbooks and renforts."""
        lead = measure_lead_time(
            executions,
            self.period,
            self.working,
            "Horloge des exécutions de runbooks (registre), en heures ouvrées.",
            "exécutions non lues",
        )
        return (
            count_runbooks(
                measured,
                self.period,
                "Mesure quotidienne de la disponibilité (déploiement « disponibilite »).",
                "aucune mesure avant la fin de la période",
            ),
            dataclasses.replace(lead, proofs=tuple(self.check_proof(one) for one in lead.proofs)),
        )

    def read_readiness(self, entries: tuple[LedgerEntry, ...]) -> Readiness | None:
        """The last measure that was kept before the end of the period."""
        own = [one for one in entries if one.kind == READINESS_KIND and one.at < self.period.end]
        if not own:
            return None
        found = read_readiness(self.work.runs_dir, own[-1])
        if found is None:
            raise UsageError(f"la mesure {own[-1].data['readiness']} n'est plus celle du registre")
        return found

    def check_proof(self, proof: Proof) -> Proof:
        """The proof without its file where there is none."""
        there = proof.path and (self.work.runs_dir / proof.path).is_file()
        return proof if there else Proof(proof.label)

    def list_watched(
        self, stories: tuple[Story, ...] | None, executions: tuple[Execution, ...] | None, source: str
    ) -> tuple[WatchList, ...]:
        """What the meeting goes through."""
        watch = self.settings.watch
        days = watch.weekly_days if self.kind is PackKind.WEEKLY else watch.copil_days
        due = self.try_reading("échéances", lambda: self.read_due(executions or ()))
        waivers = self.try_reading("dérogations", self.read_waivers)
        return (
            watch_deadlines(
                due,
                stories,
                self.settings.delays,
                self.working,
                self.at,
                days,
                f"deadlines.toml, exécutions en cours, {source[:1].lower()}{source[1:]}",
                has_team=bool(self.settings.team.authors),
            ),
            watch_waivers(waivers, self.at, watch.waiver_days, "waivers.toml"),
            watch_work(stories, executions, self.at, f"{source}, registre"),
            *self.list_meetings(),
        )

    def list_meetings(self) -> tuple[WatchList, WatchList]:
        """Actions and questions of the last relevé, decisions of those of the period."""
        source = "Dernier relevé de décisions (A.9)"

        def read() -> tuple[WatchList, WatchList]:
            drafting = Drafting(self.work, Asked(DocumentKind.MINUTES, ""), self.at)
            records = drafting.list_records()
            last = records[-1] if records else None
            self.missing += drafting.missing
            name = f"{source}, {last.document.id}" if last is not None else source
            decided = watch_decisions(records, last, self.period, self.at, "Relevés de décisions (A.9)")
            return watch_actions(last, self.at, name), decided

        found = self.try_reading("relevés de décisions", read)
        return found or (
            WatchList("actions", "Actions des relevés de décisions", source, None),
            WatchList("decisions", "Décisions de la période et questions en suspens", source, None),
        )

    def read_due(self, executions: tuple[Execution, ...]) -> tuple[Deadline, ...]:
        """Deadlines of the site, and of executions whose clock runs for good."""
        running = tuple(one for one in executions if not one.rehearsal and one.closed_at is None)
        return (
            *read_deadlines(self.work.people.file.parent, NO_THRESHOLD),
            *list_due(running, self.working, NO_THRESHOLD, self.at),
        )

    def read_waivers(self) -> tuple[Waiver, ...]:
        """Waivers as they are written."""
        return read_waivers(self.work.people.file.parent)

    def read_last(self, entries: tuple[LedgerEntry, ...]) -> Pack | None:
        """The pack of the same kind whose period ends last before this one, the newest of them.

        UsageError when it is not that of the ledger.
        """
        own = [
            one
            for one in entries
            if one.kind == KIND
            and one.data.get("meeting") == self.kind
            and datetime.fromisoformat(str(one.data["end"])) < self.period.end
        ]
        if not own:
            return None
        # A pack of an older period may have been made since: the order of the ledger does not tell.
        last = max(own, key=lambda one: (datetime.fromisoformat(str(one.data["end"])), one.sequence))
        file = self.work.runs_dir / FOLDER / str(last.data["pack"]) / JSON
        if not file.is_file() or hash_file(file) != last.data["sha256"]["json"]:
            raise UsageError(f"{last.data['pack']} n'est plus celle du registre : évolutions n.d.")
        return load_json(Pack, file)


def keep_pack(work: Work, pack: Pack, ticket: str = "") -> Path:
    """Write the pack, then its line of the ledger and its manifest; the path of the page."""
    folder = work.runs_dir / FOLDER / pack.id
    alert_percent = load_steering(work.people.file.parent).forfait.alert_percent
    page = build_steering_page(pack)
    files: dict[str, str | bytes] = {
        JSON: dump_json(Pack, pack),
        HTML: write_html(page),
        PDF: write_pdf(page, pack.at),
        CSV: write_csv(pack),
        XLSX: write_xlsx(pack),
    }
    if pack.tickets:
        files[TICKETS] = write_tickets(pack)
    if pack.hours:
        files[HOURS] = write_hours(pack)
    platform = work.platform
    try:
        folder.mkdir(parents=True)
        finish_sealed(folder.parent, work.runs_dir)
        for name, content in files.items():
            write_file(folder / name, content)
        seal_folder(
            folder,
            Thing(
                KIND,
                pack.id,
                platform.name,
                platform.identity_token,
                pack.at,
                ticket or platform.default_ticket,
            ),
            work.runs_dir,
            data={
                "pack": pack.id,
                "meeting": pack.kind.value,
                "start": pack.period.start.isoformat(),
                "end": pack.period.end.isoformat(),
                "forfait": tell_forfait(pack, alert_percent),
                "warnings": list(pack.list_warnings()),
                "sha256": {"json": hash_file(folder / JSON)},
            },
            people=work.people,
        )
    except OSError as error:
        raise NonregError(f"Écriture impossible dans {folder} ({explain_os_error(error)}).") from error
    return folder / HTML


def tell_forfait(pack: Pack, alert_percent: float) -> dict[str, object] | None:
    """What the watch needs to know of the forfait, in whole percents; None while nobody knows it."""
    figure = pack.find("forfait", ROW, "Part")
    if figure is None or figure.value is None:
        return None
    (indicator,) = (one for one in pack.indicators if one.id == "forfait")
    return {
        "year": f"{indicator.period.start.astimezone(PARIS):%Y-%m-%d}",
        "percent": int(figure.value),
        "alert_percent": int(alert_percent),
    }
