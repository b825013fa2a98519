"""Automatic steps that produce documents: what was gathered, and the files that are kept as evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from nonreg.handover.checks import CheckResult
from nonreg.model.handover import Execution, Step
from tasks.handover_work import Work


@dataclass(frozen=True, slots=True)
class Produced:
    """A file of an execution: its name, what it is, its bytes."""

    name: str
    title: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Production:
    """What a producing step found, and what it produced."""

    result: CheckResult
    documents: tuple[Produced, ...] = ()


PRODUCERS: dict[str, Callable[[Work, Execution, Step], Production]] = {}
