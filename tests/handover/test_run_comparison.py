"""A renfort's run against somebody else's last: what regressed fails, what else differs is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.handover.comparison import (
    READING,
    Kind,
    choose_earlier,
    classify,
    compare_runs,
    is_comparable,
    judge_comparison,
)
from nonreg.handover.journal import Journal
from nonreg.handover.runbook_file import read_runbook
from nonreg.model import Family, Outcome
from nonreg.model.handover import Execution
from nonreg.store import load_run
from tasks.handover import record_campaign
from tasks.handover_work import Work
from tasks.publication import load_unaltered
from tests.governed import ALL_GOOD, NOW, Governed, publish_run
from tests.handover.executions import SMALL, TECHNIQUE, TITULAIRE

COMPARED = """
[[steps]]
id = "O9"
title = "Campagne"
role = "outil"
kind = "campaign"
requires = ["O0"]
instructions = "La campagne."
evidence = "Le rapport."
campaign = { families = ["base", "applicatif", "hd"], effects = "lecture", compared = true }
"""
HIS, THEIRS = (
    "python -m nonreg campaign --platform renforts/x.toml",
    "python -m nonreg campaign --platform p.toml",
)
BAD = {**ALL_GOOD, "APP-001": Outcome.NON_APPLICABLE}


@pytest.fixture
def work(governed: Governed) -> Work:
    platform = governed.platform
    return Work(Journal(governed.runs_dir, governed.people), platform, "renforts/x.toml", governed.people)


def open_compared(work: Work, subject: str = TECHNIQUE) -> Execution:
    head, marker, last = SMALL.partition('\n[[steps]]\nid = "O3"')
    runbook = read_runbook(head + COMPARED + marker + last, Path("essai.toml"))
    execution = work.journal.open(
        runbook, "embarquee", ticket="AQ-1", person=TITULAIRE, subject=subject, at=NOW, rehearsal=True
    )
    return work.journal.add_done(execution, "O0", person=TITULAIRE, at=datetime.now(UTC))


def record(work: Work, execution: Execution, run_dir: Path) -> Execution:
    step = execution.runbook.step("O9")
    assert step is not None
    work.journal.add_begun(execution, "O9", run_dir.name, datetime.now(UTC))
    return record_campaign(work, execution, step, run_dir)


def publish(
    governed: Governed, number: int, outcomes: dict[str, Outcome] = ALL_GOOD, command: str = THEIRS
) -> Path:
    return publish_run(
        governed,
        f"2026112{number}T060000Z-embarquee-00000{number}",
        outcomes,
        NOW + timedelta(days=number),
        command=command,
    )


def test_the_same_results_as_somebody_else_are_the_evidence_of_the_step(
    governed: Governed, work: Work
) -> None:
    publish(governed, 1)
    after = record(work, open_compared(work), publish(governed, 2, command=HIS))
    done = after.find("O9")
    assert done is not None
    assert (
        "Comparé au passage 20261121T060000Z-embarquee-000001, version 5.2.0 : 3 scénarios identiques"
        in done.note
    )
    kept = work.journal.folder(after.id) / done.evidence[1].path
    assert '"earlier_run_id": "20261121T060000Z-embarquee-000001"' in kept.read_text(encoding="utf-8")


def test_a_result_that_regressed_fails_the_step_with_a_remedy(governed: Governed, work: Work) -> None:
    publish(governed, 1)
    after = record(work, open_compared(work), publish(governed, 2, BAD, HIS))
    assert after.find("O9") is None
    (failed,) = after.failed
    assert "APP-001 (OK → NON_APPLICABLE)" in failed.message
    assert "par les deux comptes" in failed.remedy
    assert list((work.journal.folder(after.id) / "preuves").glob("O9-comparaison-*.json"))


def test_no_earlier_run_of_somebody_else_is_told_and_fails_nothing(governed: Governed, work: Work) -> None:
    publish(governed, 1, BAD, HIS)
    done = record(work, open_compared(work), publish(governed, 2, command=HIS)).find("O9")
    assert done is not None
    assert "Aucun passage antérieur d'un autre" in done.note
    assert len(done.evidence) == 1


def test_a_run_that_his_own_runbook_began_is_not_somebody_elses(governed: Governed, work: Work) -> None:
    first = publish(governed, 1)  # by whatever file
    work.journal.add_begun(open_compared(work), "O9", first.name, datetime.now(UTC))
    done = record(work, open_compared(work), publish(governed, 2, command=HIS)).find("O9")
    assert done is not None
    assert "Aucun passage antérieur" in done.note
    other = record(work, open_compared(work, "renfort-pilotage-essai"), publish(governed, 3, command=HIS))
    assert "Comparé au passage 20261121" in other.done[-1].note


def test_an_altered_run_is_passed_over_for_the_one_before_it(governed: Governed, work: Work) -> None:
    publish(governed, 1)
    altered = publish(governed, 2)
    (altered / "report.html").write_text("autre", encoding="utf-8")
    after = record(work, open_compared(work), publish(governed, 3, command=HIS))
    assert "Comparé au passage 20261121T060000Z-embarquee-000001" in after.done[-1].note


def test_a_run_of_another_version_platform_or_family_or_a_later_one_is_not_compared(
    governed: Governed,
) -> None:
    plan = load_run(publish(governed, 2, command=HIS)).plan
    earlier = load_run(publish(governed, 1)).plan
    assert is_comparable(earlier, plan, frozenset())
    others = [
        replace(earlier, platform=replace(earlier.platform, application_version="5.1.0")),
        replace(earlier, platform=replace(earlier.platform, identity_token="autre")),
        replace(earlier, families=(Family.BASE,)),
        replace(earlier, created_at=plan.created_at + timedelta(seconds=1)),
        replace(earlier, command=plan.command),
        plan,
    ]
    assert not any(is_comparable(one, plan, frozenset()) for one in others)
    assert not is_comparable(earlier, plan, frozenset([earlier.run_id]))


def test_the_last_run_that_holds_all_of_his_scenarios_is_chosen_before_a_later_smaller_one(
    governed: Governed,
) -> None:
    whole, small = (load_run(publish(governed, n)).plan for n in (1, 2))
    small = replace(small, scenarios=small.scenarios[:1])
    his = load_run(publish(governed, 3, command=HIS)).plan
    assert choose_earlier([small, whole], his) is whole
    assert choose_earlier([small], his) is small
    assert choose_earlier([replace(small, scenarios=())], his) is None
    assert choose_earlier([], his) is None


OUTCOMES = st.sampled_from(Outcome)


@given(OUTCOMES, OUTCOMES)
def test_good_then_not_good_is_always_a_regression_and_never_the_other_way(
    before: Outcome, after: Outcome
) -> None:
    kind = classify(before, after)
    assert kind in READING
    if before.is_good and not after.is_good:
        assert kind is Kind.REGRESSED
    if after.is_passed:
        assert kind is not Kind.REGRESSED
    assert (classify(None, after), classify(before, None)) == (Kind.NEW, Kind.MISSING)


def test_every_difference_is_named_with_how_to_read_it(governed: Governed) -> None:
    first, second = (
        publish(governed, 1, {**ALL_GOOD, "HD-001": Outcome.KO}),
        publish(governed, 2, command=HIS),
    )
    comparison = compare_runs(load_unaltered(first), load_unaltered(second))
    (difference,) = comparison.differences
    assert (difference.scenario_id, difference.kind, difference.reading) == (
        "HD-001",
        Kind.FIXED,
        READING[Kind.FIXED],
    )
    point = judge_comparison(comparison)
    assert point.ok
    assert "1 en échec avant et bon(s) maintenant" in point.found
