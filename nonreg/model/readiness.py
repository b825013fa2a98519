"""Readiness of the handover: what was looked at, how far each thing is as it must be, one score and one word."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

STRICT = {"extra": "forbid"}


class Grade(StrEnum):
    """How far one thing is as it must be; what is not known is not good."""

    GOOD = "conforme"
    RESERVE = "réserve"
    MISSING = "non conforme"
    UNKNOWN = "n.d."

    @property
    def severity(self) -> int:
        """0 when it is good; what is unknown is as bad as what is missing."""
        return {Grade.GOOD: 0, Grade.RESERVE: 1}.get(self, 2)


class Word(StrEnum):
    """What the worst thing makes of the whole."""

    READY = "PRÊT"
    RESERVES = "PRÊT AVEC RÉSERVES"
    NOT_READY = "NON PRÊT"


class Chapter(StrEnum):
    """What a thing is about."""

    BINDER = "dossier"
    REHEARSALS = "repetitions"
    SCENARIOS = "scenarios"
    RENFORTS = "renforts"


@dataclass(frozen=True, slots=True)
class ReadinessItem:
    """One thing; `points` is what it counts for, `lost` what it costs, `remedy` how to win it back.

    `id` is the same every night, so that a cause is told once: `dossier/acces`, `renforts/renfort-1/contrat`.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    chapter: Chapter
    title: str
    grade: Grade
    found: str
    remedy: str
    points: float
    lost: float


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole at an instant; `score` goes from 0 to 100, `application_version` is empty when nobody knows it."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    platform: str
    title: str
    application_version: str
    at: datetime
    score: int
    word: Word
    items: tuple[ReadinessItem, ...]

    def list_causes(self) -> tuple[ReadinessItem, ...]:
        """What is not good: what costs most first."""
        return tuple(
            sorted(
                (one for one in self.items if one.grade is not Grade.GOOD),
                key=lambda one: (-one.grade.severity, -one.lost),
            )
        )
