"""One drill while it runs: what a scenario may do to the platform, in the limits of what was approved.

Steady state before → faults, each registered before it is injected → healing, always → steady state after.
Everything is noted on one monotonic clock; the record is saved as it grows, so that a killed drill leaves one.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from nonreg.baseline import governance_dir
from nonreg.bench import Bench, TestStation, clean
from nonreg.clients.sql import open_session
from nonreg.config import Platform, Site
from nonreg.drills.alarms import ExpectedAlarms
from nonreg.drills.clients import Clients
from nonreg.drills.crew import PERIOD_SECONDS
from nonreg.drills.fleet import Fleet, open_fleet, open_watch
from nonreg.drills.healing import heal, sort_for_healing
from nonreg.drills.moments import Injected, choose_main, find_first_change, place_fault
from nonreg.drills.observed import (
    Observed,
    account_for,
    find_outage,
    list_events,
    read_moments,
    summarise_clients,
)
from nonreg.drills.observers import CallSeen, RoleSeen
from nonreg.drills.operator import OperatorStep, ask, close, wait_confirmed
from nonreg.drills.presence import count_present
from nonreg.drills.recovery import split_recovery
from nonreg.drills.register import HEALED, INJECTED, Entry, new_entry_id, open_register
from nonreg.drills.steady import wait_steady
from nonreg.errors import DrillRefused, NeedsPerson, NonregError
from nonreg.faults import DATA, ROLES, make_planned
from nonreg.model import (
    Accounting,
    CampaignPlan,
    DrillEvent,
    DrillEventKind,
    DrillRecord,
    Healing,
    PlannedDrill,
    PlannedFault,
    SiteRole,
)
from nonreg.people import load_people
from nonreg.probes.nodes import read_nodes
from nonreg.store import dump_json, write_file
from nonreg.waiting import DeadlinePassed, observe_until
from nonreg.witness import NotRestored

T = TypeVar("T")
FOLDER = "drills"
STEADY_BEFORE_SECONDS = 15.0
STEADY_AFTER_SECONDS = 60.0
HEALED_BY = "exercice"


class FaultEnded(DrillRefused):
    """A fault lasted longer than its dead-man timer: nobody knows until when it was there."""


class NotServed(AssertionError):
    """After a fault a client was not served in time: the service did not come back."""


class TwoActive(AssertionError):
    """Both nodes say that they are active."""


class DrillRun:
    """The drill of one scenario."""

    def __init__(
        self,
        platform: Platform,
        plan: CampaignPlan,
        planned: PlannedDrill,
        run_dir: Path,
        watch: Fleet,
        origin: float,
    ) -> None:
        self.platform, self.plan, self.planned, self.run_dir = platform, plan, planned, run_dir
        self._register = open_register(platform)
        self._file = run_dir / FOLDER / f"{planned.scenario_id}.json"
        self._open: list[Entry] = []
        self._began: dict[str, float] = {}
        self._used: set[str] = set()
        self._injected: list[Injected] = []
        self._unanswered: set[str] = set()
        self._confirmed_seconds = 0.0
        self._had_clients = False
        self.stations: tuple[TestStation, ...] = ()
        self._watch, self.origin = watch, origin
        self.alarms = ExpectedAlarms(self._look, self.now, self.note)
        self.record = DrillRecord(planned.scenario_id, datetime.now(UTC), 0.0)

    def now(self) -> float:
        """Seconds since the drill began."""
        return time.monotonic() - self.origin

    def note(self, kind: DrillEventKind, subject: str, text: str, at_seconds: float | None = None) -> float:
        """Keep one moment of the drill, now unless said otherwise; returns it."""
        at = self.now() if at_seconds is None else at_seconds
        event = DrillEvent(round(at, 4), kind, subject, text)
        self.keep(events=(*self.record.events, event))
        return at

    def keep(self, **values: object) -> None:
        """Add to the record, on the disk too."""
        self.record = dataclasses.replace(self.record, duration_seconds=round(self.now(), 3), **values)  # type: ignore[arg-type]
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_file(self._file, dump_json(DrillRecord, self.record))

    def require_approved(self) -> None:
        """DrillRefused once the approval has expired: a drill that comes late in a long campaign is not begun."""
        approval = self.plan.approval
        if approval is None or datetime.now(UTC) >= approval.expires_at:
            raise DrillRefused("L'autorisation des exercices a expiré : celui-ci n'est pas commencé.")

    def require_steady(self) -> None:
        """DrillRefused unless the platform is in its steady state: nothing is broken on top of something broken."""
        left = self._register.pending() if self.planned.faults else ()
        if left:  # a setting or a column is nothing that the steady state shows
            told = " ; ".join(f"{entry.scenario_id}, {entry.fault.action}" for entry in left)
            raise DrillRefused(f"Une panne d'avant n'est pas guérie : {told}.")
        problems = wait_steady(self.platform, STEADY_BEFORE_SECONDS)
        if problems:
            raise DrillRefused(f"Régime établi non constaté avant l'exercice : {' ; '.join(problems)}.")
        self.note(DrillEventKind.STEADY, "avant", "régime établi constaté")

    def inject(self, kind: str, **parameters: str) -> Entry:
        """Inject the first planned fault of that kind and parameters that was not used yet.

        Registered before, by hand where only a person can; DrillRefused for one that was not approved.
        """
        self.require_approved()
        fault = self._choose(kind, parameters)
        self._used.add(fault.id)
        entry_id = new_entry_id()
        made = make_planned(self.platform, fault, f"nonreg-{entry_id}")
        entry = self._register.add(
            self.plan.run_id, self.planned.scenario_id, fault, made.prepare(), entry_id
        )
        self._open.append(entry)
        began = at = self._began[entry.id] = self.now()
        if fault.by_hand:
            self.ask_person(fault.id, fault.action, fault.max_seconds)
            at = self._see_tool(fault.action, began) if made.rank == ROLES else self.now()
        else:
            if made.rank == ROLES:
                self.begin_tool(fault.action)
            made.inject(entry.before)
        self._register.mark(entry, INJECTED)
        self._injected.append(Injected(began, at, fault.by_hand, made.rank != DATA))
        self.alarms.cause = self._injected[-1]
        healing = Healing(fault.id, fault.action, round(at, 4), None, "non guérie")
        self.keep(healings=(*self.record.healings, healing))
        self.note(DrillEventKind.FAULT, fault.id, fault.action, at)
        return entry

    def begin_tool(self, text: str) -> float:
        """The switchover tool starts now."""
        return self.note(DrillEventKind.TOOL, "bascule", f"début : {text}")

    def _see_tool(self, text: str, since_seconds: float) -> float:
        """When a person's tool was first seen at work; now when it was not."""
        at = find_first_change(self._watch.look().roles, since_seconds)
        return self.note(DrillEventKind.TOOL, "bascule", f"vu au travail : {text}", at)

    def _choose(self, kind: str, parameters: dict[str, str]) -> PlannedFault:
        for fault in self.planned.faults:
            given = dict(fault.parameters)
            kinds = (fault.kind, given.get("remplace"))
            if fault.id not in self._used and kind in kinds and parameters.items() <= given.items():
                return fault
        raise DrillRefused(
            f"La panne {kind} {parameters} n'est pas dans le plan autorisé de {self.planned.scenario_id}."
        )

    def heal(self, entry: Entry) -> None:
        """Heal one fault now; NonregError when it is not healed, and it will be tried again at the end.

        FaultEnded when it is, but its dead-man timer had time to do it before.
        """
        fault, asked = entry.fault, self.now()
        result = heal(self.platform, self._register, entry, HEALED_BY)
        if result.by_hand and entry.id not in self._unanswered:  # who did not answer is not asked again
            self._unanswered.add(entry.id)
            self.ask_person(f"{fault.id}-fin", result.error, fault.max_seconds)
            self._unanswered.remove(entry.id)
            result = heal(self.platform, self._register, entry, HEALED_BY)
            if result.by_hand and fault.kind == "by_hand":  # the confirmation is all that can be looked at
                self._register.mark(entry, HEALED, by="personne")
                result = dataclasses.replace(result, error="", by_hand=False)
        at = self.now()
        self._settle(entry, at, result.error)
        if result.error:
            raise (NeedsPerson if result.by_hand else NonregError)(result.error)
        self._open.remove(entry)
        self.note(DrillEventKind.HEALED, fault.id, fault.healing, at)
        if fault.dead_man and asked - self._began[entry.id] > fault.max_seconds:
            raise FaultEnded(
                f"La panne {fault.id} devait être guérie en {fault.max_seconds:g} s : son minuteur a pu y mettre fin "
                "avant, ce qui a été observé ne vaut pas."
            )

    def _settle(self, entry: Entry, at: float, error: str) -> None:
        """Write down when a fault was healed, or why it is not."""
        healings = [
            dataclasses.replace(one, healed_seconds=None if error else round(at, 4), error=error)
            if one.fault_id == entry.fault.id
            else one
            for one in self.record.healings
        ]
        if all(one.fault_id != entry.fault.id for one in healings):  # it broke while it was injected
            healings.append(
                Healing(entry.fault.id, entry.fault.action, None, None if error else round(at, 4), error)
            )
        self.keep(healings=tuple(healings))

    def heal_all(self) -> tuple[str, ...]:
        """Heal whatever is still open, in the order that healing takes; what is left, in French.

        FaultEnded as `heal`, once nothing more can be done.
        """
        left, ended = self._heal_open()
        if ended:
            raise ended[0]
        return left

    def _heal_open(self) -> tuple[tuple[str, ...], list[FaultEnded]]:
        errors: dict[str, str] = {}
        ended: list[FaultEnded] = []
        for _ in range(2):
            for entry in sort_for_healing(self.platform, list(self._open)):
                try:
                    self.heal(entry)
                    errors.pop(entry.id, None)
                except FaultEnded as error:
                    ended.append(error)
                    errors.pop(entry.id, None)
                except (NonregError, OSError) as error:  # a full disk keeps nothing from being healed
                    errors[entry.id] = f"{entry.fault.action} : {error}"
        return tuple(errors.values()), ended

    def ask_person(self, step_id: str, instruction: str, within_seconds: float) -> float:
        """Instruct, wait for the named confirmation; the seconds that the person took. A time-out never means yes."""
        if not self.platform.governance:
            raise DrillRefused("Une étape humaine demande des personnes déclarées pour cette plateforme.")
        people = load_people(governance_dir(self.platform.governance), self.platform.identity_token)
        step = OperatorStep.new(
            self.plan.run_id, self.planned.scenario_id, step_id, instruction, within_seconds
        )
        ask(self.platform, step)
        began = self.note(DrillEventKind.OPERATOR, step_id, f"demandé : {instruction}")
        try:
            confirmed = wait_confirmed(self.platform, people, step, within_seconds)
        finally:
            close(self.platform, step)
        ended = self.note(DrillEventKind.OPERATOR, step_id, f"confirmé par {confirmed.person}")
        self._confirmed_seconds = ended
        return ended - began

    def measure_since(self, began_seconds: float) -> float:
        """Seconds since then, or since a person confirmed what was asked of them after it: that time is theirs."""
        return self.now() - max(began_seconds, self._confirmed_seconds)

    @contextmanager
    def clients(
        self, stations: int = 2, direct_writers: int = 1, period_seconds: float = PERIOD_SECONDS
    ) -> Iterator[Clients]:
        """Writers and readers at work inside the block, once a drill; their writes are accounted for at its end.

        However the block ends: NotServed for a deadline of theirs that passed after a fault.
        """
        if self._had_clients:
            raise DrillRefused(
                "Les clients d'un exercice ne commencent qu'une fois : leurs numéros se répéteraient."
            )
        self._had_clients = True
        made = tuple(self.create_station() for _ in range(stations))
        self.stations = (*self.stations, *made)
        folder = self.run_dir / "evidence" / self.planned.scenario_id
        with open_fleet(
            self.platform,
            self.plan.campaign_id,
            folder,
            self.origin,
            stations=made,
            direct_writers=direct_writers,
            period_seconds=period_seconds,
            observers=False,
        ) as fleet:
            clients = Clients(fleet)
            try:
                yield clients
            except Exception as error:
                with suppress(
                    NonregError
                ):  # what can still be said of the writes; they are cleaned away next
                    self._account(fleet, fleet.stop(), clients.rest_until_seconds)
                if not isinstance(error, DeadlinePassed):
                    raise
                if self._injected:
                    raise NotServed(f"Service non rendu après la panne : {error}.") from error
                raise NonregError(f"Les clients ne sont pas servis avant toute panne : {error}.") from error
        self._account(fleet, fleet.stop(), clients.rest_until_seconds)

    def _account(self, fleet: Fleet, observed: Observed, rest_until: float | None) -> None:
        site = self.find_active()
        present = count_present(self.platform, site, self.plan.campaign_id, fleet.stations)
        watched = self._watch.look()
        observed = dataclasses.replace(
            observed,
            roles=watched.roles,
            calls=watched.calls,
            problems=(*observed.problems, *watched.problems),
        )
        injected = choose_main(self._injected)
        began = 0.0 if injected is None else injected.began_seconds
        outage = find_outage(observed, max(began, rest_until or 0.0))  # connecting at first is no outage
        fault = place_fault(injected, outage)
        moments = read_moments(
            observed,
            began,
            outage,
            fault=fault,
            operator_asked=self._moment(DrillEventKind.OPERATOR),
            tool_started=self._tool_started(),
            shown=self.alarms.shown.values(),
        )
        self.keep(
            clients=summarise_clients(observed, rest_until),
            accounting=account_for(observed, present, fault) if observed.has_writers else None,
            recovery=split_recovery(moments),
            resolution_seconds=(outage.resolution_seconds or 0.0) if outage else 0.0,
        )

    def _moment(self, kind: DrillEventKind) -> float | None:
        return next((event.at_seconds for event in self.record.events if event.kind is kind), None)

    def _tool_started(self) -> float | None:
        starts = [event.at_seconds for event in self.record.events if event.kind is DrillEventKind.TOOL]
        return starts[-1] if starts else None

    @property
    def accounting(self) -> Accounting:
        """What became of the writes; DrillRefused for a drill whose clients have not ended."""
        if self.record.accounting is None:
            raise DrillRefused("Les écritures de cet exercice n'ont pas été comptées.")
        return self.record.accounting

    def create_station(self, threshold_mm: int | None = None) -> TestStation:
        """A test station on the active site, committed; with a threshold whose alarm is transmitted if asked."""
        with open_session(self.platform, self.find_active(), "writer") as session:
            bench = Bench(session, self.plan.campaign_id)
            station = bench.create_station()
            if threshold_mm is not None:
                bench.create_threshold(
                    station.level, "JAUNE", 1, threshold_mm, threshold_mm - 100, transmissible=True
                )
            session.commit()
        return station

    def find_active(self) -> Site:
        """The site that says that it is active now; DrillRefused when there is none, TwoActive when there are two."""
        active = [node.site for node in read_nodes(self.platform) if node.role == SiteRole.ACTIF]
        if not active:
            raise DrillRefused("Aucun site ne se dit actif, un seul est attendu.")
        if len(active) > 1:
            raise TwoActive(f"Deux sites se disent actifs : {', '.join(active)}.")
        return next(site for site in self.platform.sites if site.code == active[0])

    def role_changes(self, site: str) -> list[RoleSeen]:
        """A node's own word on its role, each time that it changed; an empty role: no answer."""
        return [seen for seen in self._look().roles if seen.site == site]

    def list_calls(self) -> tuple[CallSeen, ...]:
        """Technical alarms that reached the sink so far."""
        return self._look().calls

    def _look(self) -> Observed:
        """What was seen of roles and alarms; NonregError when somebody no longer looks: nothing seen proves nothing."""
        seen = self._watch.look()
        if seen.problems:
            raise NonregError(
                f"Rôles et alarmes n'ont pas été relevés sans cesse : {' ; '.join(seen.problems)}."
            )
        return seen

    def settle_alarms(self) -> None:
        """Wait until each expected alarm came and was closed, or the time for it is over; then keep what was seen."""
        self.keep(alarms=self.alarms.settle(self._watch.look))

    def observe(
        self, probe: Callable[[], T], accept: Callable[[T], bool], within_seconds: float
    ) -> tuple[T, float]:
        """The first accepted answer, or the last one at the deadline, and how many seconds that took."""
        began = time.monotonic()
        answer = observe_until(probe, accept, within_seconds)
        return answer, round(time.monotonic() - began, 3)

    def require_steady_again(self) -> None:
        """DrillRefused unless the platform is as before the next fault of the same drill."""
        problems = wait_steady(self.platform, STEADY_AFTER_SECONDS)
        if problems:
            raise DrillRefused(f"Régime établi non retrouvé entre deux pannes : {' ; '.join(problems)}.")

    def list_never_injected(self) -> list[str]:
        """The planned faults that were not injected: the drill proves nothing of them."""
        return [fault.action for fault in self.planned.faults if fault.id not in self._used]

    def finish(self) -> None:
        """Heal, clean, and prove that the platform is as found; NotRestored otherwise."""
        left, ended = self._heal_open()
        problems: tuple[str, ...] = ()
        if not left:
            problems = (*self._clean(), *wait_steady(self.platform, STEADY_AFTER_SECONDS))
        if self.record.healings:
            self.settle_alarms()
        observed = self._watch.stop()
        events = (*self.record.events, *list_events(observed))
        self.keep(
            left_as_found=(*left, *problems), events=tuple(sorted(events, key=lambda event: event.at_seconds))
        )
        if left or problems:
            raise NotRestored("Plateforme non remise en état : " + " ; ".join((*left, *problems)) + ".")
        self.note(DrillEventKind.STEADY, "après", "régime établi retrouvé")
        if ended:
            raise ended[0]

    def _clean(self) -> tuple[str, ...]:
        site = self.platform.site(SiteRole.ACTIF)
        try:
            clean(self.platform, site, self.plan.campaign_id)
            with open_session(self.platform, site) as session:
                left = session.query("test_data_left", campaign_id=self.plan.campaign_id).rows
        except NonregError as error:
            return (f"données d'essai non effacées : {error}",)
        return tuple(f"{count} {what} d'essai restant(s)" for what, count in left)


@contextmanager
def open_drill(
    platform: Platform, plan: CampaignPlan, planned: PlannedDrill, run_dir: Path
) -> Iterator[DrillRun]:
    """The drill inside the block, from steady state to steady state; healed at the end whatever happened."""
    origin = time.monotonic()
    with open_watch(platform, run_dir / "evidence" / planned.scenario_id, origin) as watch:
        run = DrillRun(platform, plan, planned, run_dir, watch, origin)
        run.require_approved()
        run.require_steady()
        try:
            yield run
        finally:
            run.finish()
