"""Faults that drills inject, one short file each; every fault says what it does and how it is healed.

To add one, write a module here (or in the folder that a platform's `drills.faults` names):

    @register("disk_full")
    class DiskFull(Fault):
        def describe(self, site): ...           # exact actions, in French, for the plan that is approved
        def inject(self, before): ...
        def heal(self, before): ...             # must do no harm when there is nothing to heal

`prepare` may read what healing will need; it is on disk before `inject` is called. A fault is healed by
whoever finds it in the register: the drill itself, `python -m nonreg heal`, or the next campaign.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import pkgutil
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from nonreg.config import Platform, Site
from nonreg.errors import ConfigError
from nonreg.model import DrillFault, PlannedFault

INFRASTRUCTURE, ROLES, DATA = (
    0,
    1,
    2,
)  # order of healing: machines, then roles, then what only the active site can write


@dataclass(frozen=True, slots=True)
class Description:
    """What the approved plan says of a fault: exact French texts, and the hosts that are touched.

    `dead_man` says what heals it when nobody is left to do it; `by_hand` that only a person can.
    """

    action: str
    healing: str
    hosts: tuple[str, ...]
    dead_man: str = ""
    by_hand: bool = False


@dataclass(frozen=True, slots=True)
class Context:
    """The platform, and the one fault that is described, injected or healed; `site` is None when it has none."""

    platform: Platform
    site: Site | None
    parameters: dict[str, str]
    max_seconds: float
    timer: str = "nonreg"  # name of the dead-man timer on the target

    def require_site(self) -> Site:
        """The site; ConfigError for a scenario that named none."""
        if self.site is None:
            raise ConfigError("Cette panne demande un site : le scénario n'en nomme pas.")
        return self.site


class Fault(ABC):
    """One kind of fault, in one context. Errors of the platform leave as PlatformError."""

    kind: ClassVar[str]
    rank: ClassVar[int] = INFRASTRUCTURE

    def __init__(self, context: Context) -> None:
        self.context = context

    @abstractmethod
    def describe(self) -> Description:
        """What will be done and undone; asks nothing of the platform."""

    def prepare(self) -> dict[str, str]:
        """What healing will need to know; reads only."""
        return {}

    @abstractmethod
    def inject(self, before: dict[str, str]) -> None:
        """Break it."""

    @abstractmethod
    def heal(self, before: dict[str, str]) -> None:
        """Restore it, and return once it is seen restored; does no harm where there is nothing to heal."""


FAULTS: dict[str, type[Fault]] = {}
UNREADABLE: list[str] = []  # why files of the platform's own folder could not be read, in French


def register(kind: str) -> Callable[[type[Fault]], type[Fault]]:
    """Make a fault known under this name; ConfigError for one that is taken ([drills.replace] replaces a fault)."""

    def add(found: type[Fault]) -> type[Fault]:
        if kind in FAULTS:
            raise ConfigError(f"la panne « {kind} » existe déjà, dans {inspect.getfile(FAULTS[kind])}")
        found.kind = kind
        FAULTS[kind] = found
        return found

    return add


def load_faults(folder: str = "") -> dict[str, type[Fault]]:
    """Every known fault by name: the project's, and those of a platform's own folder, as it is now.

    A file that cannot be read keeps no other fault from being healed; nothing is planned while there is one.
    """
    for module in pkgutil.iter_modules(__path__):
        importlib.import_module(f"{__name__}.{module.name}")
    for kind in [kind for kind, found in FAULTS.items() if not found.__module__.startswith(f"{__name__}.")]:
        del FAULTS[kind]  # read before, of another platform maybe
    UNREADABLE.clear()
    for path in sorted(Path(folder).glob("*.py")) if folder else ():
        spec = importlib.util.spec_from_file_location(f"faults_{path.stem}", path)
        assert spec is not None
        assert spec.loader is not None
        own = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = own  # where a class finds its file
        try:
            spec.loader.exec_module(own)
        except Exception as error:
            UNREADABLE.append(f"Panne illisible : {path} ({type(error).__name__} : {error}).")
    return FAULTS


def choose_kind(platform: Platform, kind: str) -> str:
    """The fault that stands for this kind on the platform; ConfigError when nobody knows it."""
    chosen = platform.drills.replace.get(kind, kind)
    known = load_faults(str(platform.path(platform.drills.faults)) if platform.drills.faults else "")
    if chosen not in known:
        unknown = f"Panne inconnue : « {chosen} » (connues : {', '.join(sorted(known))})."
        raise ConfigError(" ".join((*UNREADABLE, unknown)))
    return chosen


def require_readable() -> None:
    """ConfigError when a file of the platform's own folder could not be read as the faults were loaded last."""
    if UNREADABLE:
        raise ConfigError(" ".join(UNREADABLE))


def find_sources(kind: str) -> tuple[Path, ...]:
    """The files that a fault is written in: its own, then those of the faults that it builds on."""
    own = (one for one in FAULTS[kind].__mro__ if issubclass(one, Fault) and one is not Fault)
    return tuple(dict.fromkeys(Path(inspect.getfile(one)) for one in own))


def make_declared(platform: Platform, declared: DrillFault, timer: str) -> Fault:
    """A declared fault on a platform, not yet planned."""
    site = None if declared.role is None else platform.site(declared.role)
    parameters = dict(declared.parameters)
    if platform.drills.replace.get(declared.kind):
        parameters["remplace"] = declared.kind
    context = Context(platform, site, parameters, declared.max_seconds, timer)
    return FAULTS[choose_kind(platform, declared.kind)](context)


def make_planned(platform: Platform, fault: PlannedFault, timer: str) -> Fault:
    """A planned fault, to inject or to heal."""
    site = next((one for one in platform.sites if one.code == fault.site), None)
    context = Context(platform, site, dict(fault.parameters), fault.max_seconds, timer)
    return FAULTS[choose_kind(platform, fault.kind)](context)
