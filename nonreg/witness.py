"""What a scenario says while it runs: expectations, measures, evidence.

An expectation that fails is kept and the scenario goes on, so that one run shows every gap.
A scenario that expected nothing is a broken check.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from nonreg.clients.sql import Rows
from nonreg.errors import NonregError
from nonreg.model import Evidence, Gap, Measure
from nonreg.slowness import MARGIN_BY_UNIT
from nonreg.store import hash_file, write_file

KEPT_ROWS = 200


class NotApplicable(Exception):
    """Raised by a scenario that has no object on this platform; its text is the reason, in French."""


class NotRestored(AssertionError):
    """Raised when what a scenario left could not be taken away; its text says what, in French."""


class MeasuredAmongOthers(NonregError):
    """Raised when a time is measured while other scenarios run: the check is defective, its text says how."""


class Witness:
    """Collects what one attempt of a scenario observed; `run_dir` receives its evidence.

    `closing` when it is one of the checks done again after drills; `among_others` when other scenarios run meanwhile.
    """

    def __init__(
        self,
        scenario_id: str,
        run_dir: Path,
        attempt: int = 1,
        closing: bool = False,
        among_others: bool = False,
    ) -> None:
        self._scenario_id = scenario_id
        self._among_others = among_others
        self._folder = run_dir / "evidence" / scenario_id
        if attempt > 1:  # the evidence of the attempts before stays
            self._folder /= f"essai-{attempt}"
        if closing:
            self._folder /= "controle-final"
        self._run_dir = run_dir
        self.checks = 0
        self.missed: list[str] = []  # what the scenario promised and did not do, in French
        self.gaps: list[Gap] = []
        self.measures: list[Measure] = []
        self.evidence: list[Evidence] = []

    def expect(self, condition: bool, request: str, expected: str, found: object) -> None:
        """Record a gap unless the condition holds."""
        self.checks += 1
        if not condition:
            self.gaps.append(Gap(request, expected, show(found)))

    def expect_equal(self, found: object, expected: object, request: str) -> None:
        """Record a gap unless both are equal."""
        self.expect(found == expected, request, show(expected), found)

    def expect_close(self, found: Any, expected: float | None, request: str, relative: float = 1e-6) -> None:
        """Record a gap unless the number is the expected one within `relative`; None means NULL."""
        if expected is None or found is None:
            close = found is None and expected is None
        else:
            close = abs(float(found) - expected) <= relative * max(1.0, abs(expected))
        self.expect(
            close, request, "NULL" if expected is None else f"{expected:g} (± {relative:g} relatif)", found
        )

    def expect_no_rows(self, rows: Rows, expected: str = "aucune ligne") -> None:
        """Record a gap with the rows unless there are none."""
        self.checks += 1
        if rows.rows:
            self._gap_with_rows(rows.request, expected, f"{len(rows.rows)} ligne(s)", rows.columns, rows.rows)

    def expect_rows(self, found: Rows, expected: Iterable[Sequence[Any]], ignore_order: bool = True) -> None:
        """Record a gap with the rows missing and in excess unless both sets of rows are the same."""
        self.checks += 1
        wanted = [tuple(show(value) for value in row) for row in expected]
        got = [tuple(show(value) for value in row) for row in found.rows]
        same = sorted(wanted) == sorted(got) if ignore_order else wanted == got
        if not same:
            missing = [("absente", *row) for row in subtract(wanted, got)]
            extra = [("en trop", *row) for row in subtract(got, wanted)]
            rows = missing + extra or [("ordre différent", *row) for row in got]
            self._gap_with_rows(
                found.request,
                f"{len(wanted)} ligne(s) de référence",
                f"{len(missing)} absente(s), {len(extra)} en trop",
                ("écart", *found.columns),
                rows,
            )

    def measure(self, name: str, value: float, unit: str, limit: float | None, request: str) -> None:
        """Record a figure; above its limit it is a gap, without limit the scenario becomes a MESURE.

        MeasuredAmongOthers for a time taken while other scenarios use the same servers and the same machine.
        """
        if self._among_others and unit in MARGIN_BY_UNIT:
            raise MeasuredAmongOthers(
                f"Contrôle défaillant : {self._scenario_id} mesure un temps (« {name} ») pendant que d'autres "
                "scénarios s'exécutent ; ajoutez alone=True à son @scenario."
            )
        self.checks += 1
        self.measures.append(Measure(name, value, unit, limit))
        if limit is not None and not value <= limit:
            self.gaps.append(Gap(request, f"{name} ≤ {limit:g} {unit}", f"{value:g} {unit}"))

    def attach(self, title: str, text: str, suffix: str = "txt") -> None:
        """Keep a text as evidence of this scenario."""
        self._folder.mkdir(parents=True, exist_ok=True)
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "piece"
        path = self._folder / f"{slug}.{suffix}"
        write_file(path, text)
        relative = path.relative_to(self._run_dir).as_posix()
        self.evidence.append(Evidence(title, relative, hash_file(path)))

    def keep_file(self, title: str, path: Path) -> None:
        """Keep as evidence a file that lies in the run's folder already."""
        self.evidence.append(Evidence(title, path.relative_to(self._run_dir).as_posix(), hash_file(path)))

    def _gap_with_rows(
        self, request: str, expected: str, found: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]
    ) -> None:
        shown = tuple(tuple(show(value) for value in row) for row in rows)
        self.gaps.append(Gap(request, expected, found, tuple(columns), shown[:KEPT_ROWS], len(shown)))
        lines = ["\t".join(columns), *("\t".join(row) for row in shown)]
        self.attach(f"lignes en écart {len(self.gaps)}", "\n".join(lines) + "\n", "tsv")


def show(value: object) -> str:
    """A value as a report shows it; NULL is visible and numbers have no trailing zeros."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return "oui" if value else "non"
    text = str(value)
    if re.fullmatch(r"-?\d+\.\d+", text):
        text = text.rstrip("0").rstrip(".")
    return text


def show_table(rows: Rows) -> str:
    """Rows as tab-separated text, one line each whatever a value holds."""
    lines = [rows.columns, *([re.sub(r"\s+", " ", show(value)) for value in row] for row in rows.rows)]
    return "\n".join("\t".join(line) for line in lines) + "\n"


def subtract(left: Sequence[tuple[str, ...]], right: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Elements of `left` not matched one to one by `right`, in order."""
    remaining = list(right)
    result = []
    for row in left:
        if row in remaining:
            remaining.remove(row)
        else:
            result.append(row)
    return result
