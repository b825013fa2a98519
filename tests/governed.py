"""A platform file with a governance folder of its own, keys of the embedded people, and published runs."""

from __future__ import annotations

import dataclasses
import io
import re
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from nonreg import store
from nonreg.__main__ import main
from nonreg.basis import load_basis, save_basis
from nonreg.config import PLATFORMS_DIR, Platform, load_platform
from nonreg.model import (
    CampaignPlan,
    Criticality,
    Effect,
    Fact,
    Family,
    Measure,
    Outcome,
    Scenario,
    ScenarioResult,
)
from nonreg.people import People, load_people
from nonreg.sandbox.identities import people_file, write_identities
from nonreg.sandbox.layout import Layout
from tasks.publication import judge_folder, publish_report

NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
ALL_GOOD = {"BASE-001": Outcome.OK, "APP-001": Outcome.OK, "HD-001": Outcome.OK}


@dataclass(frozen=True, slots=True)
class Governed:
    """Where everything of one governed platform is."""

    root: Path

    @property
    def platform_file(self) -> Path:
        return self.root / "plateforme.toml"

    @property
    def governance(self) -> Path:
        return self.root / "gouvernance"

    @property
    def runs_dir(self) -> Path:
        return self.root / "passages"

    @property
    def platform(self) -> Platform:
        return load_platform(str(self.platform_file))

    @property
    def people(self) -> People:
        return load_people(self.governance, self.platform.identity_token)

    def key(self, person: str = "titulaire-essai") -> str:
        return str(self.root / "identites" / person)

    def change_platform(self, before: str, after: str) -> None:
        text = self.platform_file.read_text(encoding="utf-8")
        assert before in text
        self.platform_file.write_text(text.replace(before, after), encoding="utf-8")

    def cli(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command on this platform and its runs, in this process: only `tests/test_cli.py` pays for others."""
        words = [*arguments, "--platform", str(self.platform_file), "--runs-dir", str(self.runs_dir)]
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            try:
                code = main(words)
            except SystemExit as end:  # argparse
                code = int(end.code or 0)
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def without_tracker(text: str) -> str:
    """The text of a platform file that names no tracker: nothing is posted, and no ticket has to be open."""
    return re.sub(r"\n\[tracker\][^\[]*", "\n", text)


def make_governed(root: Path, source: Path = PLATFORMS_DIR / "embarquee.toml") -> Governed:
    """A copy of a platform's file and of the embedded people, with nothing promoted."""
    governed = Governed(root)
    shipped = without_tracker(source.read_text(encoding="utf-8"))
    governed.platform_file.write_text(
        shipped.replace('governance = "embarquee"', 'governance = "./gouvernance"'), encoding="utf-8"
    )
    governed.governance.mkdir()
    (governed.governance / "people.toml").write_bytes(people_file().read_bytes())
    write_identities(Layout(root))
    governed.runs_dir.mkdir()
    return governed


def publish_run(
    governed: Governed,
    run_id: str,
    outcomes: dict[str, Outcome] | None = None,
    started_at: datetime = NOW,
    measures: tuple[Measure, ...] = (Measure("temps", 0.5, "s", 3.0),),
    **changes: object,
) -> Path:
    """A finished and published run in which each scenario ended so; `changes` are of its plan."""
    outcomes = ALL_GOOD if outcomes is None else outcomes
    platform = governed.platform
    scenarios = tuple(
        Scenario(key, f"Essai {key}", Family(key.split("-")[0]), Criticality.MAJEURE, Effect.READ_ONLY, 60.0)
        for key in outcomes
    )
    plan = CampaignPlan(
        run_id,
        f"campagne-{run_id}",
        platform.identity(),
        "AQ-1",
        "moi",
        started_at,
        tuple(Family),
        "",
        scenarios,
        "0",
        "0",
        "commande",
        platform.list_limits(),
    )
    plan = dataclasses.replace(plan, **changes)  # type: ignore[arg-type]
    run_dir = governed.runs_dir / run_id
    save_basis(run_dir, load_basis(platform, plan, scenarios, governed.runs_dir))
    store.save_plan(run_dir, plan)
    store.save_facts(run_dir, (Fact("SITE-A", "Système", "essai"),))
    for scenario_id, outcome in outcomes.items():
        result = ScenarioResult(
            scenario_id, outcome, "dit", started_at, 0.1, measures if outcome.is_good else ()
        )
        event = {"event": "scenario_finished", "at": started_at, "result": dataclasses.asdict(result)}
        store.append_event(run_dir, event)
    failed = any(not outcome.is_good for outcome in outcomes.values())
    store.save_end(run_dir, started_at, 1 if failed else 0)
    publish_report(run_dir, judge_folder(run_dir, generated_at=started_at))
    return run_dir
