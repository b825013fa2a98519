"""The weekly review and the COPIL: figures that say over which period and from what they were counted; pure data.

What nobody knows is None, and says why: it is shown as « n.d. », never as 0.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, ClassVar

STRICT = {"extra": "forbid"}


class PackKind(StrEnum):
    """The two meetings that a pack prepares."""

    WEEKLY = "hebdo"
    COPIL = "copil"


class Severity(StrEnum):
    """How bad a ticket is, the worst first; the site says which words of its tracker are which."""

    URGENT = "urgente"
    BLOCKING = "bloquante"
    MAJOR = "majeure"
    MINOR = "mineure"
    UNKNOWN = "non classé"


@dataclass(frozen=True, slots=True)
class Period:
    """From an instant (in it) to another (not in it), both with a zone."""

    __pydantic_config__: ClassVar[Any] = STRICT
    start: datetime
    end: datetime

    def holds(self, at: datetime) -> bool:
        """True for an instant in it."""
        return self.start <= at < self.end


@dataclass(frozen=True, slots=True)
class Proof:
    """Where a figure can be checked: `path` in the runs' folder, empty for what is elsewhere."""

    __pydantic_config__: ClassVar[Any] = STRICT
    label: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure, at a row and a column of its indicator; `before` is that of the last pack of the same kind.

    `missing` says why there is no value, `detail` what is to be read with it (a date, two readings).
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    row: str
    column: str
    value: float | None
    unit: str = ""
    missing: str = ""
    detail: str = ""
    before: float | None = None

    @property
    def change(self) -> float | None:
        """What it has gained since the last pack; None where either is unknown."""
        return None if self.value is None or self.before is None else self.value - self.before


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a series, as long as its labels; None where nothing is known."""

    __pydantic_config__: ClassVar[Any] = STRICT
    name: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """Values over the same moments, oldest first: drawn, with a table beside."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    labels: tuple[str, ...]
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Indicator:
    """Figures about one thing; `source` says how they were counted, `warnings` what somebody must act upon."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    title: str
    period: Period
    source: str
    proofs: tuple[Proof, ...] = ()
    figures: tuple[Figure, ...] = ()
    series: tuple[Series, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Watched:
    """Something to look at together: due, about to end, or still to do; `state` is a few words."""

    __pydantic_config__: ClassVar[Any] = STRICT
    title: str
    at: datetime | None
    person: str
    ticket: str
    state: str


@dataclass(frozen=True, slots=True)
class WatchList:
    """Things to look at; `items` is None when their source told nothing."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    title: str
    source: str
    items: tuple[Watched, ...] | None
    empty: str = "Rien."


class Probability(StrEnum):
    """How likely a risk is, the least first."""

    LOW = "faible"
    MEDIUM = "moyenne"
    HIGH = "forte"


class Impact(StrEnum):
    """What a risk would cost, the least first."""

    LOW = "faible"
    MEDIUM = "moyen"
    HIGH = "fort"


@dataclass(frozen=True, slots=True)
class Risk:
    """A risk that the titulaire declares; `review` is when it is looked at again, None when nobody said."""

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    title: str
    probability: Probability
    impact: Impact
    action: str
    owner: str
    review: date | None = None


@dataclass(frozen=True, slots=True)
class CountedTicket:
    """A ticket as it was counted: what anybody needs to count again, and neither names nor words."""

    __pydantic_config__: ClassVar[Any] = STRICT
    reference: str
    kind: str
    severity: Severity
    opened_at: datetime
    answered_at: datetime | None
    closings: tuple[datetime, ...]
    reopenings: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class CountedHours:
    """Hours that were booked on a day; `counts` when the forfait pays them."""

    __pydantic_config__: ClassVar[Any] = STRICT
    day: date
    ticket: str
    hours: float
    activity: str
    counts: bool


@dataclass(frozen=True, slots=True)
class Pack:
    """A whole pack; `previous` is the last one of its kind, empty for the first; `missing` says what was not read.

    `tickets` and `hours` are what was counted, the evidence of their figures; `risks` is None when nobody declares any.
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    id: str
    kind: PackKind
    platform: str
    title: str
    period: Period
    at: datetime
    indicators: tuple[Indicator, ...]
    lists: tuple[WatchList, ...]
    previous: str = ""
    missing: tuple[str, ...] = ()
    tickets: tuple[CountedTicket, ...] = ()
    hours: tuple[CountedHours, ...] = ()
    risks: tuple[Risk, ...] | None = None

    def list_warnings(self) -> tuple[str, ...]:
        """What somebody must act upon, in the order of the indicators."""
        return tuple(warning for one in self.indicators for warning in one.warnings)

    def find(self, indicator: str, row: str, column: str) -> Figure | None:
        """One figure by its place; None when the pack has none there."""
        return next(
            (
                figure
                for one in self.indicators
                if one.id == indicator
                for figure in one.figures
                if (figure.row, figure.column) == (row, column)
            ),
            None,
        )
