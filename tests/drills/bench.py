"""`make bench-hd`: planned switchovers and failbacks in a row under load, each accounted for; prints a table.

Nothing fails here but a lost, invented or doubled write, or a platform that is not as found: those are no figures.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from nonreg.bench import Bench, TestStation, clean
from nonreg.clients.sql import open_session
from nonreg.clients.ssh import open_shell
from nonreg.config import Platform, load_platform
from nonreg.drills.fleet import Fleet, open_fleet
from nonreg.drills.interruptions import LEAST_RESOLUTION_SECONDS
from nonreg.drills.observed import account_for, find_outage, summarise_clients
from nonreg.drills.presence import count_present
from nonreg.drills.steady import wait_steady
from nonreg.model import Accounting, SiteRole
from nonreg.sandbox.launch import start_instance, stop_instance

ROUNDS = 30
DIRECT_WRITERS, STATIONS, PERIOD_SECONDS = 6, 2, 0.02
REST_SECONDS = 1.0
TOOL_SECONDS, STEADY_SECONDS, SERVED_SECONDS = 60.0, 60.0, 30.0


@dataclass(frozen=True, slots=True)
class Switch:
    """One move of the active role: seconds of the tool, seconds without an acknowledged write, its resolution."""

    direction: str
    tool_seconds: float
    interruption_seconds: float
    resolution_seconds: float
    writes_per_second: float
    accounting: Accounting
    unsteady: tuple[str, ...]


def main() -> int:
    """Run the rounds asked for on the command line (30 by default); 0 when nothing was lost."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory(prefix="bench-hd-") as folder:
        instance = start_instance(Path(folder) / "banc")
        try:
            switches = run_rounds(load_platform(str(instance.layout.platform_file)), rounds, Path(folder))
        finally:
            stop_instance(instance)
    print_table(switches)
    sound = all(is_sound(one) for one in switches)
    print("Rien de perdu, d'inventé ni de doublé, plateforme comme trouvée." if sound else "ÉCHEC.")  # noqa: T201
    return 0 if sound else 1


def run_rounds(platform: Platform, rounds: int, folder: Path) -> list[Switch]:
    """There and back, `rounds` times."""
    switches = []
    for number in range(rounds):
        for role, direction in ((SiteRole.PASSIF, "aller"), (SiteRole.ACTIF, "retour")):
            switches.append(switch_under_load(platform, role, direction, folder / f"{number}-{direction}"))
            print(describe(len(switches), switches[-1]), flush=True)  # noqa: T201
    return switches


def switch_under_load(platform: Platform, target: SiteRole, direction: str, folder: Path) -> Switch:
    """Make the site of that nominal role active while the clients write; then account for every write."""
    campaign_id = str(uuid.uuid4())
    origin = time.monotonic()
    source = platform.site(SiteRole.ACTIF if target is SiteRole.PASSIF else SiteRole.PASSIF)
    site = platform.site(target)
    stations = create_stations(platform, campaign_id, source.code)
    with open_fleet(
        platform,
        campaign_id,
        folder,
        origin,
        stations=stations,
        direct_writers=DIRECT_WRITERS,
        period_seconds=PERIOD_SECONDS,
        observers=False,
    ) as fleet:
        fleet.wait_all_served(0.0, SERVED_SECONDS)
        let_pass(fleet, REST_SECONDS)
        asked = fleet.now()
        with open_shell(platform, site.host) as shell:
            shell.run("switch_over", TOOL_SECONDS, site=site.code).require()
        tool_seconds = fleet.now() - asked
        fleet.wait_all_served(fleet.now(), SERVED_SECONDS)
        let_pass(fleet, REST_SECONDS)
        lasted = fleet.now()
    observed = fleet.stop()
    present = count_present(platform, site, campaign_id, fleet.stations)
    accounting = account_for(observed, present, asked)
    outage = find_outage(observed, asked)
    clean(platform, site, campaign_id)
    # Away from home the roles are not the nominal ones: the platform is as found after the way back.
    unsteady = wait_steady(platform, STEADY_SECONDS) if target is SiteRole.ACTIF else ()
    acknowledged = [one for one in summarise_clients(observed, asked) if one.writes]
    rate = sum(one.acknowledged for one in acknowledged) / lasted
    return Switch(
        direction,
        tool_seconds,
        outage.interruption.seconds if outage else 0.0,
        (outage.resolution_seconds or 0.0) if outage else 0.0,
        rate,
        accounting,
        unsteady,
    )


def create_stations(platform: Platform, campaign_id: str, active: str) -> tuple[TestStation, ...]:
    """Test stations on the site that is active now."""
    site = next(one for one in platform.sites if one.code == active)
    with open_session(platform, site, "writer") as session:
        made = tuple(Bench(session, campaign_id).create_station() for _ in range(STATIONS))
        session.commit()
    return made


def let_pass(fleet: Fleet, seconds: float) -> None:
    """Let the clients work for a while."""
    until = fleet.now() + seconds
    while fleet.now() < until:
        time.sleep(0.05)


def is_sound(switch: Switch) -> bool:
    """Nothing lost, invented, doubled or unbelievable, and the platform as found."""
    found = switch.accounting
    return not (found.lost or found.phantom or found.duplicates or found.problems or switch.unsteady)


def describe(number: int, switch: Switch) -> str:
    """One line of the table."""
    found = switch.accounting
    return (
        f"{number:>3} {switch.direction:<7} {switch.tool_seconds:7.2f} s {switch.interruption_seconds * 1000:8.0f} ms "
        f"± {switch.resolution_seconds * 1000:3.0f} {switch.writes_per_second:6.0f}/s {found.acknowledged:7d} "
        f"{len(found.lost):4d} {len(found.phantom):4d} {len(found.duplicates):4d} "
        f"{len(found.unknown_present):4d}/{len(found.unknown_absent)}"
        + (f"  {' ; '.join((*found.problems[:2], *switch.unsteady))}" if not is_sound(switch) else "")
    )


def print_table(switches: list[Switch]) -> None:
    """The summary: medians and worst of each figure."""
    rows = (
        ("outil de bascule (s)", [one.tool_seconds for one in switches]),
        ("interruption des écritures (s)", [one.interruption_seconds for one in switches]),
        ("résolution (s)", [one.resolution_seconds for one in switches]),
        ("écritures par seconde", [one.writes_per_second for one in switches]),
    )
    total = sum(one.accounting.acknowledged for one in switches)
    lost = sum(len(one.accounting.lost) for one in switches)
    print(f"{len(switches)} bascules, {total} écritures acquittées, {lost} perdue(s)")  # noqa: T201
    print(f"{'':<34}{'médiane':>10}{'min':>10}{'max':>10}")  # noqa: T201
    for title, values in rows:
        print(f"{title:<34}{statistics.median(values):>10.3f}{min(values):>10.3f}{max(values):>10.3f}")  # noqa: T201
    fine = max(one.resolution_seconds for one in switches)
    print(f"Résolution voulue : {LEAST_RESOLUTION_SECONDS:g} s, la plus grossière : {fine:.3f} s")  # noqa: T201


if __name__ == "__main__":
    raise SystemExit(main())
