"""Gathering what is handed over, from the ledger, the history, the governance folder and the runs.

A source that is missing or broken is named in `missing`, and takes nothing else away.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from nonreg import ledger
from nonreg.alerts.deadlines import read_deadlines
from nonreg.alerts.nights import parse_cron
from nonreg.errors import NonregError
from nonreg.handover.activation import ActivationTable
from nonreg.handover.briefing import summarise_families, view_runbook, view_running
from nonreg.handover.contacts import list_duties
from nonreg.handover.readiness_binder import BINDER
from nonreg.handover.runbook_file import find_runbook, list_runbooks, read_facts
from nonreg.handover.state import select_entries
from nonreg.handover.ticket_history import list_tickets
from nonreg.history import default_url, open_history
from nonreg.masking import conceal
from nonreg.model import CampaignReport, Family, History
from nonreg.model.briefing import (
    Briefing,
    DueView,
    Fact,
    FamilyView,
    HdCheck,
    HdView,
    RunbookView,
    RunningView,
    TicketView,
    WaiverView,
)
from nonreg.model.contacts import Duty
from nonreg.model.handover import Execution
from nonreg.waivers import read_waivers
from reports.text import format_quantity, map_texts
from tasks.handover_tracker import read_open_tickets
from tasks.handover_work import Work
from tasks.publication import load_unaltered
from tasks.sources import Sources

MONTHLY = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{1,2}) \* \*")
SCHEDULES = Path(__file__).parents[1] / "prefect.yaml"
NO_THRESHOLD: tuple[float, ...] = ()
# Words of the runbooks for who is reached and how; a number is shown only when the site itself wrote it.
CONTACTS = (
    "téléphone d'urgence du titulaire",
    "remplaçant désigné du titulaire",
    "contact de la MOA (SCV)",
    "contact du SPC Grand Delta",
    "contact de l'hébergeur",
    "service qui ouvre les comptes",
    "canal d'avis du titulaire",
    "plateforme de suivi des tickets",
    "annuaire des contacts",
)


class Gathering(Sources):
    """Reads the sources of one platform, one after the other."""

    def __init__(self, work: Work, execution: Execution, table: ActivationTable, at: datetime) -> None:
        super().__init__()
        self.work, self.execution, self.table, self.at = work, execution, table, at

    def gather(self) -> Briefing:
        """Everything there is."""
        executions = self.try_reading("exécutions", self.read_executions) or ()
        waivers = self.try_reading("dérogations", self.read_waivers) or ()
        deadlines = self.try_reading("échéances", self.read_deadlines) or ()
        families = self.try_reading("historique des campagnes", self.read_families) or ()
        briefing = Briefing(
            self.work.platform.title or self.work.platform.name,
            self.work.platform.application_version,
            self.at,
            self.try_reading("registre", lambda: self.read_tickets(executions, waivers, deadlines)) or (),
            families,
            waivers,
            deadlines,
            self.try_reading("runbooks", lambda: self.read_runbooks(executions)) or (),
            self.list_running(executions),
            duties=self.list_duties(executions),
            hd=self.try_reading("dernier passage HD", lambda: self.read_hd(families)),
        )
        briefing = map_texts(briefing, conceal)
        contacts = self.try_reading("renseignements du site", self.read_contacts) or ()
        return dataclasses.replace(briefing, contacts=contacts, missing=tuple(self.missing))

    def read_executions(self) -> tuple[Execution, ...]:
        """Every execution of this platform, oldest first."""
        found, broken = load_executions(self.work)
        self.missing += broken
        return found

    def read_waivers(self) -> tuple[WaiverView, ...]:
        """Waivers as they are written, the next to end first."""
        found = read_waivers(self.work.people.file.parent)
        views = (
            WaiverView(one.scenario_id, one.expires_at, one.ticket, one.owner, one.reason) for one in found
        )
        return tuple(sorted(views, key=lambda one: one.expires_at))

    def read_deadlines(self) -> tuple[DueView, ...]:
        """Deadlines and the ends of waivers, the next first."""
        found = read_deadlines(self.work.people.file.parent, NO_THRESHOLD)
        views = (DueView(one.title, one.at, one.person, one.ticket) for one in found)
        return tuple(sorted(views, key=lambda one: one.at))

    def read_families(self) -> tuple[FamilyView, ...]:
        """The last campaign of each family."""
        soon = self.at + timedelta(minutes=1)  # a clock put back a little hides nothing
        history: History = open_history(default_url(self.work.runs_dir)).load_history(
            self.work.platform.name, soon, self.table.briefing.campaigns, catalog=None
        )
        if not history.runs:
            self.missing.append("historique des campagnes (aucune campagne de cette plateforme)")
        return summarise_families(history)

    def read_tickets(
        self,
        executions: Iterable[Execution],
        waivers: Iterable[WaiverView],
        deadlines: Iterable[DueView],
    ) -> tuple[TicketView, ...]:
        """Tickets that something binds, or that something happened to."""
        binding: dict[str, tuple[str, ...]] = {}
        for ticket, why in (
            *((one.ticket, "exécution en cours") for one in executions if one.closed_at is None),
            *((one.ticket, "dérogation") for one in waivers if one.expires_at > self.at),
            *((one.ticket, "échéance") for one in deadlines),
        ):
            binding[ticket] = tuple(dict.fromkeys((*binding.get(ticket, ()), why)))
        tracked = self.try_reading("suivi des tickets", lambda: read_open_tickets(self.work))
        if tracked is None and not any(one.startswith("suivi des tickets") for one in self.missing):
            self.missing.append(
                "suivi des tickets (aucun n'est relié : titre, état et échéance de chaque ticket s'y lisent)"
            )
        limits = self.table.briefing
        return list_tickets(
            ledger.read_entries(self.work.journal.file),
            self.work.platform.name,
            self.at - timedelta(days=limits.ticket_days),
            binding,
            limits.ticket_events,
            tracked,
        )

    def read_runbooks(self, executions: Iterable[Execution]) -> tuple[RunbookView, ...]:
        """Those of the emergency file first, in its order."""
        facts, known = read_facts(self.work.people.file.parent), list_runbooks()
        for absent in (one for one in BINDER if one not in known):
            self.missing.append(f"runbook « {absent} » du dossier d'urgence (fichier absent)")
        order = [*(one for one in BINDER if one in known), *(one for one in known if one not in BINDER)]
        return tuple(view_runbook(find_runbook(one, facts), executions, BINDER) for one in order)

    def list_running(self, executions: Iterable[Execution]) -> tuple[RunningView, ...]:
        """Executions under way; those that are played in a play only."""
        found = (view_running(one) for one in executions)
        played = self.execution.rehearsal
        return tuple(one for one in found if one is not None and (played or not one.rehearsal))

    def list_duties(self, executions: Iterable[Execution]) -> tuple[Duty, ...]:
        """The directory of contacts, as this execution is: for good or in play."""
        roles = {person.id: person.role for person in self.work.people.persons}
        return list_duties(
            executions, roles, platform=self.work.platform.name, rehearsal=self.execution.rehearsal
        )

    def read_contacts(self) -> tuple[Fact, ...]:
        """Who is reached and how, in the words of the site."""
        facts = read_facts(self.work.people.file.parent)
        absent = [one for one in CONTACTS if one not in facts]
        if absent:
            self.missing.append(f"contacts que le site ne dit pas ({', '.join(absent)})")
        return tuple(Fact(one[:1].upper() + one[1:], facts.get(one, "")) for one in CONTACTS)

    def read_hd(self, families: Iterable[FamilyView]) -> HdView | None:
        """The checks of the last run of the HD family, from its own report."""
        last = next((one for one in families if one.family is Family.HD), None)
        if last is None:
            self.missing.append("dernier passage HD (aucun dans l'historique)")
            return None
        return view_hd(load_unaltered(self.work.runs_dir / last.run_id))


def load_executions(work: Work) -> tuple[tuple[Execution, ...], tuple[str, ...]]:
    """Every execution of a platform, oldest first, and in French those that cannot be read: they hide no other."""
    found, broken = [], []
    entries = ledger.read_entries(work.journal.file)  # once: it only grows
    for execution_id in work.journal.select_ids(entries):
        try:
            found.append(work.journal.build(select_entries(entries, execution_id)))
        except NonregError as error:
            broken.append(f"exécution {execution_id} ({conceal(str(error)).rstrip('.')})")
    return tuple(one for one in found if one.platform == work.platform.name), tuple(broken)


def view_hd(report: CampaignReport) -> HdView:
    """What a run says of replication: the last try of each check."""
    last = {one.scenario_id: one for one in report.run.results}
    outcomes = {one.scenario_id: one.outcome for one in report.assessment.findings}
    checks = tuple(
        HdCheck(
            one.id,
            one.title,
            outcomes[one.id],
            " ; ".join(
                f"{measure.name} {format_quantity(measure.value, measure.unit)}"
                for measure in last[one.id].measures
            ),
        )
        for one in report.run.plan.scenarios
        if one.family is Family.HD and one.id in last and one.id in outcomes
    )
    return HdView(report.run.plan.run_id, report.run.started_at, checks)


def read_schedule(path: Path = SCHEDULES) -> tuple[Fact, ...]:
    """What starts by itself, as prefect.yaml declares it; nothing where there is no such file."""
    days = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
    try:
        declared = yaml.safe_load(path.read_text(encoding="utf-8"))["deployments"]
        found = []
        for one in declared:
            for schedule in one.get("schedules", ()):
                if "cron" in schedule and (monthly := MONTHLY.fullmatch(schedule["cron"])):
                    minute, hour, day = map(int, monthly.groups())
                    on = "le premier de chaque mois" if day == 1 else f"le {day} de chaque mois"
                    words = f"{on} à {hour:02d}:{minute:02d} (Paris)"
                elif "cron" in schedule:
                    when = parse_cron(schedule["cron"])
                    on = ", ".join(days[day] for day in sorted(when.weekdays))
                    words = f"{'chaque jour' if len(when.weekdays) == 7 else on} à {when.at:%H:%M} (Paris)"
                else:
                    words = f"toutes les {schedule['interval'] // 3600} h"
                found.append(Fact(f"Déploiement « {one['name']} »", words))
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError, NonregError):
        return ()
    return tuple(found)
