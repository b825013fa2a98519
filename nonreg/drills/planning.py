"""The drills of a plan on one platform: each declared fault resolved to its exact actions, each drill to its code.

Reads source files, asks nothing of the platform. The same plan on the same files is always the same value.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType

import nonreg.drills
import nonreg.faults
from nonreg.config import Platform
from nonreg.errors import ConfigError
from nonreg.faults import Fault, choose_kind, find_sources, make_declared, require_readable
from nonreg.french import explain_os_error
from nonreg.model import DrillFault, PlannedDrill, PlannedFault, Scenario
from nonreg.store import hash_file

TIMER = "nonreg-NUMERO"  # each injection has a number of its own
SERVICE, EVERY = "service", "*"


def plan_drills(
    platform: Platform, scenarios: Iterable[Scenario], scenarios_dir: Path
) -> tuple[PlannedDrill, ...]:
    """The drills among these scenarios, in their order; ConfigError for one that cannot be done on the platform."""
    return tuple(
        plan_drill(platform, scenario, scenarios_dir) for scenario in scenarios if scenario.drill is not None
    )


def plan_drill(platform: Platform, scenario: Scenario, scenarios_dir: Path) -> PlannedDrill:
    """One drill, its faults numbered from 1 (`HD-015/1`)."""
    assert scenario.drill is not None
    try:
        made = [
            make_declared(platform, one, TIMER)
            for declared in scenario.drill.faults
            for one in spread_services(platform, declared)
        ]
        faults = tuple(
            plan_fault(platform, fault, f"{scenario.id}/{number}") for number, fault in enumerate(made, 1)
        )
        require_readable()
    except ConfigError as error:
        raise ConfigError(f"Exercice {scenario.id} impossible à planifier : {error}") from error
    return PlannedDrill(
        scenario.id,
        scenario.title,
        scenario.drill.stage,
        faults,
        scenario.drill.operator_steps,
        hash_code(scenarios_dir / scenario.node_id.partition("::")[0], {fault.kind for fault in faults}),
    )


def allow_for_people(scenarios: Iterable[Scenario], drills: Iterable[PlannedDrill]) -> tuple[Scenario, ...]:
    """The scenarios, each with the time that people may take for it: they are asked to begin a fault, and to end it."""
    asked = {
        drill.scenario_id: 2 * sum(fault.max_seconds for fault in drill.faults if fault.by_hand)
        for drill in drills
    }
    return tuple(
        dataclasses.replace(one, timeout_seconds=one.timeout_seconds + asked.get(one.id, 0.0))
        for one in scenarios
    )


def spread_services(platform: Platform, declared: DrillFault) -> Iterator[DrillFault]:
    """The fault itself, or one for each service of the site's host when it names `*`."""
    parameters = dict(declared.parameters)
    if parameters.get(SERVICE) != EVERY:
        yield declared
        return
    if declared.role is None:
        raise ConfigError(f"la panne « {declared.kind} » de tous les services ne dit pas de quel site.")
    services = platform.site(declared.role).host.services
    if not services:
        raise ConfigError(f"l'hôte de {platform.site(declared.role).code} ne déclare aucun service.")
    for service in services:
        yield dataclasses.replace(declared, parameters=tuple({**parameters, SERVICE: service}.items()))


def plan_fault(platform: Platform, fault: Fault, fault_id: str) -> PlannedFault:
    """What one fault will do, in its own words; ConfigError when it cannot say."""
    context, kind = fault.context, type(fault).kind
    if choose_kind(platform, kind) != kind:
        raise ConfigError(f"[drills.replace] remplace « {kind} », qui est déjà un remplacement.")
    if not context.max_seconds >= 1:
        raise ConfigError(f"la panne « {kind} » doit durer au moins 1 s, pas {context.max_seconds:g} s.")
    try:
        told = fault.describe()
    except KeyError as error:
        raise ConfigError(f"la panne « {kind} » demande le paramètre « {error.args[0]} ».") from error
    except ConfigError:
        raise
    except Exception as error:  # a fault of somebody's own
        raise ConfigError(
            f"la panne « {kind} » ne se décrit pas ({type(error).__name__} : {error})."
        ) from error
    return PlannedFault(
        fault_id,
        kind,
        context.site.code if context.site else "",
        tuple(context.parameters.items()),
        context.max_seconds,
        told.hosts,
        told.action,
        told.healing,
        told.dead_man,
        told.by_hand,
    )


def hash_code(scenario_file: Path, kinds: Iterable[str]) -> str:
    """One SHA-256 for what a drill runs, wherever it lies; ConfigError without one.

    The scenario's file and those beside it, its faults, and the engine of drills and of shipped faults.
    """
    engine = (path for package in (nonreg.drills, nonreg.faults) for path in list_modules(package))
    beside = scenario_file.parent.glob("*.py")
    files = {scenario_file, *beside, *engine, *(path for kind in kinds for path in find_sources(kind))}
    try:
        lines = sorted(f"{hash_file(path)}  {path.name}\n" for path in files)
    except OSError as error:
        raise ConfigError(
            f"Code d'exercice illisible : {error.filename} ({explain_os_error(error)})."
        ) from error
    return hashlib.sha256("".join(lines).encode("utf-8")).hexdigest()


def list_modules(package: ModuleType) -> Iterator[Path]:
    """The files of a package, without those of packages inside it."""
    return (path for folder in package.__path__ for path in Path(folder).glob("*.py"))
