"""Two platforms compared before a migration: what differs, what was expected, and what the report says of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from nonreg.model.run import PlatformIdentity
from nonreg.model.vocabulary import Role, Verdict


class MigrationSubject(StrEnum):
    """What is compared; the value is the word of the list of expected differences."""

    SCENARIOS = "scénarios"
    COLUMNS = "colonnes"
    CONSTRAINTS = "contraintes"
    INDEXES = "index"
    TRIGGERS = "déclencheurs"
    SEQUENCES = "séquences"
    MODULES = "modules"
    PERMISSIONS = "droits"
    SETTINGS = "réglages"
    DATA = "données"


class MigrationChange(StrEnum):
    """How the second platform differs from the first; a scenario gets worse or better where one side is good."""

    ABSENT = "absent"
    ADDED = "ajouté"
    CHANGED = "modifié"
    WORSE = "dégradé"
    BETTER = "amélioré"
    NOT_LISTED = "non détaillé"  # rows that differ beyond those that are told one by one


class MigrationVerdict(StrEnum):
    """The answer, best first; a difference that nobody expected weighs more than what could not be compared."""

    CONFORME = "CONFORME"
    AVEC_RESERVES = "AVEC_RESERVES"
    INCOMPLET = "INCOMPLET"
    ECARTS = "ECARTS"


@dataclass(frozen=True, slots=True)
class ExpectedDifference:
    """One line of the list: a difference that the migration should bring, `object` as a shell pattern."""

    subject: MigrationSubject
    object: str
    change: MigrationChange
    reason: str
    ticket: str


@dataclass(frozen=True, slots=True)
class MigrationDifference:
    """One object that differs; subject, object and change are its identity, the rest is what was seen.

    `title` is a scenario's; `detail` is a longer text: the diff of a module, the gaps of a scenario; `expected` is the
    line that foresees it.
    """

    subject: MigrationSubject
    object: str
    change: MigrationChange
    before: str = ""
    after: str = ""
    detail: str = ""
    title: str = ""
    expected: ExpectedDifference | None = None


@dataclass(frozen=True, slots=True)
class NotCompared:
    """What could not be compared, and why, in French: never taken for equal; `names` tell several apart."""

    what: str
    why: str
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ComparedSubject:
    """How many objects of a subject were compared, and how many are the same."""

    subject: MigrationSubject
    compared: int
    same: int


@dataclass(frozen=True, slots=True)
class MigrationSide:
    """One platform as the report names it; versions are (label, value) as read, runs are empty without scenarios."""

    platform: PlatformIdentity
    site: str
    versions: tuple[tuple[str, str], ...] = ()
    run_id: str = ""
    run_started_at: datetime | None = None
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who signed the list of expected differences off."""

    decision: str
    person: str
    role: Role
    ticket: str
    decided_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Compared:
    """What one comparison found, before it is judged; `failing` are the scenarios that fail on both sides.

    `reserves` are French sentences on why what was compared is less than it seems.
    """

    subjects: tuple[ComparedSubject, ...] = ()
    differences: tuple[MigrationDifference, ...] = ()
    not_compared: tuple[NotCompared, ...] = ()
    failing: tuple[str, ...] = ()
    reserves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """Everything the rendered report says.

    `found.differences` name the line that foresees them; `unmatched` are the lines that foresee nothing. Without a
    sign-off that holds, `unsigned` says why in French.
    """

    id: str
    left: MigrationSide
    right: MigrationSide
    found: Compared
    verdict: MigrationVerdict
    reasons: tuple[str, ...]
    started_at: datetime
    generated_at: datetime
    tool_commit: str
    ticket: str = ""
    expected: tuple[ExpectedDifference, ...] = ()
    unmatched: tuple[ExpectedDifference, ...] = ()
    list_sha256: str = ""
    signed: SignOff | None = None
    unsigned: str = ""
