"""The judgement, and the report that says it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from nonreg.model.basis import Basis, Waiver
from nonreg.model.run import CampaignRun
from nonreg.model.vocabulary import Cause, Change, Outcome, Verdict


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A measure above its statistical bound; `median` and `bound` come from `samples` values before it."""

    name: str
    value: float
    unit: str
    median: float
    bound: float
    samples: int


@dataclass(frozen=True, slots=True)
class Finding:
    """One scenario as judged: outcome after the run, and against the baseline.

    `waiver` is the one that applies, in force or expired; `to_confirm` are measures above their bound for
    the first time, which is not yet called slower.
    """

    scenario_id: str
    outcome: Outcome
    change: Change
    before: Outcome | None = None
    note: str = ""
    waiver: Waiver | None = None
    slower: tuple[Slowdown, ...] = ()
    to_confirm: tuple[Slowdown, ...] = ()


@dataclass(frozen=True, slots=True)
class LimitChange:
    """An agreed limit that differs between baseline and run; None where there was none."""

    name: str
    before: float | None
    after: float | None


@dataclass(frozen=True, slots=True)
class Assessment:
    """The judgement: verdict, its reasons in French, one finding per planned scenario in plan order.

    `reserves` are the reasons that alone would only make reserves, whatever the verdict is in the end.
    `removed` are scenarios of the baseline that this selection should hold and the plan does not;
    `reference_changes` the reference files changed since the promotion; `scenario_changes` say in French
    which criticalities and measures are not those of the baseline; `machine_factor` is how much slower the
    whole machine was than usual (1 when it cannot be said).
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    findings: tuple[Finding, ...]
    removed: tuple[str, ...] = ()
    limit_changes: tuple[LimitChange, ...] = ()
    reference_changes: tuple[str, ...] = ()
    machine_factor: float = 1.0
    scenario_changes: tuple[str, ...] = ()
    reserves: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs between the last good run and this one; empty where it was not known."""

    subject: str
    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class LogExcerpt:
    """Lines of one log around a failure; `left_out` is how many more there were."""

    source: str
    lines: tuple[str, ...]
    left_out: int = 0


@dataclass(frozen=True, slots=True)
class Triage:
    """What helps to understand one failure: what changed since it was last good, logs, presumed cause.

    `fingerprint` is the same for the same failure of the same scenario on the same platform; `diff` is of
    the procedures that differ from the reference; `why` are the reasons of the cause class, in French.
    `missing` says what could not be read, compared or is not repeated here; `drift` what is not as delivered.
    """

    scenario_id: str
    fingerprint: str
    cause: Cause
    why: tuple[str, ...]
    last_good_run: str = ""
    last_good_at: datetime | None = None
    differences: tuple[Difference, ...] = ()
    logs: tuple[LogExcerpt, ...] = ()
    diff: str = ""
    missing: tuple[str, ...] = ()
    drift: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NatureCount:
    """Tests of one nature (BASE, APPLICATIF, HD, unitaires et intégration du projet), by outcome."""

    nature: str
    planned: int
    passed: int
    failed: int
    other: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class CampaignReport:
    """Everything the rendered report says; HTML, PDF, JUnit and JSON are made from this value alone."""

    run: CampaignRun
    assessment: Assessment
    counts: tuple[NatureCount, ...]
    generated_at: datetime
    tickets: tuple[str, ...] = field(default=())
    basis: Basis = field(default=Basis())
    triage: tuple[Triage, ...] = ()
