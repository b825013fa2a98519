"""HD-015: each supervised service stopped, then killed: the right alarm, in time, closed on its return."""

from __future__ import annotations

from nonreg.config import Site
from nonreg.drills.drill import DrillRun
from nonreg.fixtures import Campaign
from nonreg.model import Criticality, Drill, DrillFault, DrillStage, Effect, PlannedFault, SiteRole
from nonreg.recorder import scenario
from nonreg.scenarios.hd.exercices.jugement import judge_alarms
from nonreg.witness import Witness

DRILL = Effect.DISRUPTIVE
REQUIREMENTS = ("R35", "R53")
LONGEST_SECONDS = 60.0


def each_service(kind: str) -> Drill:
    """Every service of every site, and the passive site's database, one after the other."""
    everywhere = [DrillFault(kind, role, (("service", "*"),), LONGEST_SECONDS) for role in SiteRole]
    database = DrillFault(kind, SiteRole.PASSIF, (("service", "postgresql"),), LONGEST_SECONDS)
    return Drill(DrillStage.SECOURS, (*everywhere, database))


@scenario(
    "HD-015",
    "Chaque service arrêté à son tour : alarme au bon libellé, dans le délai, fermée au retour",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=900,
    drill=each_service("service_stopped"),
)
def test_stopped_services(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    break_each(witness, campaign, drill)


@scenario(
    "HD-015b",
    "Chaque service tué à son tour : alarme au bon libellé, dans le délai, fermée au retour",
    Criticality.MAJEURE,
    DRILL,
    REQUIREMENTS,
    timeout_seconds=900,
    drill=each_service("service_killed"),
)
def test_killed_services(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    break_each(witness, campaign, drill)


def break_each(witness: Witness, campaign: Campaign, drill: DrillRun) -> None:
    """Break, see the alarm, heal, see it closed; then the next one."""
    within = campaign.patience("technical_alarm_seconds")
    with drill.clients(stations=0, direct_writers=0):
        for fault in drill.planned.faults:
            entry = drill.inject(fault.kind, **dict(fault.parameters))
            labels = list_labels(campaign, fault)
            sink_is_up = fault.parameter("service") != "puits"
            for label in labels:
                drill.alarms.expect(label)
                if sink_is_up:
                    drill.alarms.wait_opened(label, within)
                else:
                    drill.alarms.wait_shown(label, campaign.active_site, within)
            drill.heal(entry)
            for label in labels:
                drill.alarms.wait_closed(label, within)
            drill.require_steady_again()
    judge_alarms(witness, campaign, drill)


def list_labels(campaign: Campaign, fault: PlannedFault) -> tuple[str, ...]:
    """The alarms that the loss of a service must raise, no other."""
    service = fault.parameter("service")
    if service == "supervision":  # nobody is left there to tell which service
        return (f"Site {fault.site} muet",)
    stopped = f"Service {service} arrêté sur {fault.site}"
    return (
        (stopped, describe_link(campaign.active_site, campaign.passive_site))
        if service == "relais"
        else (stopped,)
    )


def describe_link(one: Site, other: Site) -> str:
    """The alarm of the link between two sites."""
    first, second = sorted((one.code, other.code))
    return f"Liaison {first} – {second} coupée"
