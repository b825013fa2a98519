"""How long the part of an onboarding that nobody attends takes, beside its campaigns alone; nothing here fails.

The whole runbook is played on an embedded platform, by accounts of the renfort's own. Automatic and campaign steps are
counted from the line of the ledger before theirs to their own: checks, flow, judgement, comparison and record included.
The campaigns alone are those very runs, from their start to the end of their last scenario.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from nonreg.handover.journal import Journal
from nonreg.handover.state import Event
from nonreg.model.handover import StepKind
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from nonreg.sandbox.renforts import platform_file
from nonreg.store import load_run
from nonreg.wording import decimal

RENFORT, OPENER = "renfort-technique-essai", "titulaire-essai"
ANSWERS = Path(__file__).parent.parent / "flows" / "rehearsals" / "integration.toml"
UNATTENDED = (StepKind.AUTOMATIC, StepKind.CAMPAIGN)


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of each unattended step by its id, and of each campaign by that of its step."""

    steps: dict[str, float]
    campaigns: dict[str, float]

    @property
    def ratio(self) -> float:
        """The unattended part, as so many times its campaigns alone."""
        return sum(self.steps.values()) / sum(self.campaigns.values())


def play(layout: Layout, runs_dir: Path) -> None:
    """The whole onboarding, as `make rehearsal` plays it."""
    subprocess.run(
        [
            *(sys.executable, "-m", "nonreg", "runbook", "open", "integration", "--rehearsal"),
            *("--subject", RENFORT, "--person", OPENER, "--answers", str(ANSWERS)),
            *("--platform", str(platform_file(layout, RENFORT)), "--runs-dir", str(runs_dir)),
        ],
        stdout=subprocess.DEVNULL,
        check=True,
    )


def measure(runs_dir: Path) -> Measured:
    """What the ledger and the runs tell of the only execution there."""
    journal = Journal(runs_dir)
    (execution_id,) = journal.list_ids()
    entries = journal.read(execution_id)
    runbook = journal.build(entries).runbook
    steps: dict[str, float] = {}
    campaigns: dict[str, float] = {}
    before = entries[0].at
    for entry in entries[1:]:
        event, step_id = entry.data["event"], str(entry.data.get("step", ""))
        step = runbook.step(step_id)
        if step is not None and step.kind in UNATTENDED:
            steps[step_id] = steps.get(step_id, 0.0) + (entry.at - before).total_seconds()
            if event == Event.BEGUN:
                run = load_run(runs_dir / str(entry.data["run_id"]))
                assert run.ended_at is not None
                campaigns[step_id] = (run.ended_at - run.started_at).total_seconds()
        before = entry.at
    return Measured(steps, campaigns)


def main() -> None:
    """Play it once and print the durations."""
    with tempfile.TemporaryDirectory(prefix="aq-") as folder:
        instance = start_instance(Path(folder) / "banc")
        try:
            play(instance.layout, Path(folder) / "passages")
        finally:
            stop_instance(instance)
        found = measure(Path(folder) / "passages")
    print("Intégration d'un renfort, sur la plateforme embarquée : ce que personne ne suit")  # noqa: T201
    for step_id, seconds in found.steps.items():
        alone = found.campaigns.get(step_id)
        beside = f"   dont {decimal(alone)} s de campagne" if alone is not None else ""
        print(f"  {step_id:5} {decimal(seconds):>7} s{beside}")  # noqa: T201
    total, alone = sum(found.steps.values()), sum(found.campaigns.values())
    print(  # noqa: T201
        f"  total {decimal(total):>7} s, soit {decimal(found.ratio, 2)} fois ses campagnes seules ({decimal(alone)} s)"
    )


if __name__ == "__main__":
    main()
