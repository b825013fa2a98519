"""Healing that meets trouble: a full disk, faults on top of each other, another platform's register, late timers."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from nonreg.config import Platform
from nonreg.drills.aftermath import close_steps
from nonreg.drills.drill import DrillRun, FaultEnded
from nonreg.drills.healing import heal, heal_pending
from nonreg.drills.operator import CLOSED, OperatorStep, ask, list_open, open_folder
from nonreg.drills.register import Entry, hold_drills, new_entry_id, open_register
from nonreg.errors import DrillRefused
from nonreg.model import Approval, CampaignPlan, DrillStage, PlannedDrill, PlannedFault
from nonreg.waiting import wait_until
from tests.governed import make_governed

OWN_FAULT = """
from pathlib import Path
from nonreg.faults import DATA, Description, Fault, register

@register("text_put")
class TextPut(Fault):
    rank = DATA

    def describe(self):
        return Description("écrire", "remettre", ())

    def prepare(self):
        return {"text": self._file().read_text()}

    def inject(self, before):
        self._file().write_text(self.context.parameters["text"])

    def heal(self, before):
        self._file().write_text(before["text"])

    def _file(self):
        return Path(self.context.parameters["file"])

@register("file_left")
class FileLeft(TextPut):
    def prepare(self):
        return {}

    def heal(self, before):
        self._file().unlink(missing_ok=True)
"""


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    """A platform whose only fault writes a file; nothing answers."""
    (tmp_path / "pannes").mkdir()
    (tmp_path / "pannes" / "texte.py").write_text(OWN_FAULT, encoding="utf-8")
    platform = make_governed(tmp_path).platform
    drills = dataclasses.replace(platform.drills, faults="pannes")
    return dataclasses.replace(platform, drills=drills, base_dir=str(tmp_path))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "reglage.txt"
    path.write_text("avant")
    return path


def plan_fault(file: Path, text: str, fault_id: str = "HD-930/1", **changes: object) -> PlannedFault:
    parameters = (("file", str(file)), ("text", text))
    fault = PlannedFault(fault_id, "text_put", "SITE-A", parameters, 60.0, (), f"écrire {text}", "remettre")
    return dataclasses.replace(fault, **changes)  # type: ignore[arg-type]


def start_run(platform: Platform, run_dir: Path, *faults: PlannedFault) -> DrillRun:
    """A drill of these faults, approved, without clients nor watch."""
    now = datetime.now(UTC)
    approval = Approval("D-1", "titulaire-essai", now, now + timedelta(hours=1), "0")
    plan = CampaignPlan(
        "passage", "0", platform.identity(), "AQ-1", "moi", now, (), "", (), "0", "0", "c", approval=approval
    )
    planned = PlannedDrill("HD-930", "Essai", DrillStage.SECOURS, faults, (), "0")
    return DrillRun(platform, plan, planned, run_dir, cast(Any, None), time.monotonic())


@contextmanager
def full_disk() -> Iterator[None]:
    """No file of this process may grow."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def pend(platform: Platform, fault: PlannedFault, before: dict[str, str]) -> Entry:
    return open_register(platform).add("hier", "HD-930", fault, before, new_entry_id())


def test_a_full_disk_keeps_no_fault_from_being_healed_and_none_counts_as_healed(
    platform: Platform, tmp_path: Path
) -> None:
    left = [tmp_path / "un", tmp_path / "deux"]
    for path in left:
        path.touch()
        pend(platform, plan_fault(path, "", kind="file_left"), {})
    with full_disk(), hold_drills(open_register(platform), "guérison"):
        done = heal_pending(platform, open_register(platform), "essai")
    assert not any(path.exists() for path in left)
    assert ["pas inscrite" in one.error for one in done] == [True, True]
    assert len(open_register(platform).pending()) == 2


def test_a_drill_heals_all_its_faults_on_a_full_disk(platform: Platform, tmp_path: Path) -> None:
    left = [tmp_path / "un", tmp_path / "deux"]
    faults = [plan_fault(path, "", f"HD-930/{path.name}", kind="file_left") for path in left]
    run = start_run(platform, tmp_path / "passage", *faults)
    for path in left:
        run.inject("file_left", file=str(path))
    with full_disk():
        assert len(run.heal_all()) == 2
    assert not any(path.exists() for path in left)
    assert run.heal_all() == ()


def test_an_operator_step_that_cannot_be_put_away_keeps_nothing_from_being_healed(
    platform: Platform, tmp_path: Path
) -> None:
    ask(platform, OperatorStep.new("hier", "HD-930", "1", "Rebrancher", 1.0))
    (open_folder(platform) / CLOSED).write_text("no folder")
    close_steps(platform)
    assert len(list_open(platform)) == 1


def test_a_setting_changed_twice_is_never_put_back_to_what_the_first_change_made_of_it(
    platform: Platform, file: Path
) -> None:
    register = open_register(platform)
    first = pend(platform, plan_fault(file, "un"), {"text": "avant"})
    second = pend(platform, plan_fault(file, "deux", "HD-930/2"), {"text": "un"})
    file.write_text("deux")
    refused = heal(platform, register, first, "essai")
    assert "HD-930/2, injectée ensuite, est à guérir d'abord" in refused.error
    assert file.read_text() == "deux"
    assert [one.error for one in heal_pending(platform, register, "essai")] == ["", ""]
    assert (file.read_text(), second.before) == ("avant", {"text": "un"})


def test_a_drill_does_not_begin_while_a_fault_of_an_earlier_one_is_there(
    platform: Platform, file: Path, tmp_path: Path
) -> None:
    pend(platform, plan_fault(file, "hier"), {"text": "avant"})
    run = start_run(platform, tmp_path / "passage", plan_fault(file, "aujourd'hui"))
    with pytest.raises(DrillRefused, match="Une panne d'avant n'est pas guérie : HD-930, écrire hier"):
        run.require_steady()


def test_another_platform_that_shares_the_folder_heals_nothing_of_this_one(
    platform: Platform, file: Path
) -> None:
    other = dataclasses.replace(platform, identity_token="11111111-2222-3333-4444-555555555555")
    pend(platform, plan_fault(file, "panne"), {"text": "avant"})
    assert open_register(other).pending() == ()
    assert heal_pending(other, open_register(other), "essai") == ()
    assert len(open_register(platform).pending()) == 1


@pytest.mark.parametrize("everything", [False, True])
def test_a_fault_that_its_timer_may_have_ended_says_so_once_it_is_healed(
    platform: Platform, file: Path, tmp_path: Path, everything: bool
) -> None:
    run = start_run(
        platform, tmp_path / "passage", plan_fault(file, "panne", max_seconds=0.01, dead_man="plus tard")
    )
    entry = run.inject("text_put")
    injected = run.now()
    wait_until(lambda: run.now() - injected > 0.02, 5)
    with pytest.raises(FaultEnded, match="son minuteur a pu y mettre fin avant"):
        run.heal_all() if everything else run.heal(entry)
    assert file.read_text() == "avant"
    assert open_register(platform).pending() == ()
    assert run.heal_all() == ()


def test_an_unreadable_fault_of_ones_own_keeps_no_other_one_from_being_healed(
    platform: Platform, file: Path, tmp_path: Path
) -> None:
    entries = [
        pend(platform, plan_fault(file, "panne", kind=kind), {"text": "avant"})
        for kind in ("lost", "text_put")
    ]
    file.write_text("panne")
    (tmp_path / "pannes" / "autre.py").write_text("def :", encoding="utf-8")
    with hold_drills(open_register(platform), "guérison"):
        done = {one.entry.id: one.error for one in heal_pending(platform, open_register(platform), "essai")}
    assert file.read_text() == "avant"
    assert done[entries[1].id] == ""
    assert "autre.py (SyntaxError" in done[entries[0].id]
    assert "Panne inconnue : « lost »" in done[entries[0].id]
