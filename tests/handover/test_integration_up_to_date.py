"""« Intégration à jour »: each thing that an activation asks of an earlier integration, with what to do about it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.handover.activation import load_table
from nonreg.handover.runbook_file import RUNBOOKS_VARIABLE
from tasks.handover_integration import check_integration, hash_runbooks
from tasks.handover_work import Work
from tests.governed import Governed
from tests.handover.activations import integrate, make_site, open_shipped, work_on
from tests.handover.executions import PILOTAGE, TECHNIQUE

READ = load_table().integration.read
MAX_AGE = timedelta(days=load_table().integration.max_age_days)


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    return make_site(tmp_path)


@pytest.fixture
def work(governed: Governed) -> Work:
    return work_on(governed)


def check(work: Work, *, subject: str = TECHNIQUE, rehearsal: bool = False) -> list[str]:
    """Titles of what is wrong; each has a remedy."""
    execution = open_shipped(work, "activation-pointe", subject=subject, rehearsal=rehearsal)
    step = execution.runbook.step("A7")
    assert step is not None
    points = check_integration(work, execution, step).result.points
    assert all(bool(one.remedy) is not one.ok for one in points)
    assert len(points) == 3 + len(READ)
    return [one.title for one in points if not one.ok]


def name(runbook_id: str) -> str:
    return f"Runbook « {runbook_id} » lu dans sa version actuelle"


def test_an_integration_that_went_to_its_end_and_still_holds_is_enough(work: Work) -> None:
    integrate(work, rehearsal=False)
    assert check(work) == []


def test_without_an_integration_everything_but_the_contract_is_missing(work: Work) -> None:
    assert len(check(work)) == 2 + len(READ)


def test_the_integration_of_somebody_else_is_none(work: Work) -> None:
    integrate(work, rehearsal=False, subject=PILOTAGE)
    assert len(check(work)) == 2 + len(READ)


def test_one_that_was_only_played_counts_in_a_play_and_nowhere_else(work: Work) -> None:
    integrate(work, rehearsal=True)
    assert "Intégration menée à son terme" in check(work)
    assert check(work, rehearsal=True) == []


def test_one_that_is_not_ended_or_was_given_up_is_none(work: Work) -> None:
    integrate(work, rehearsal=False, until="O10")
    integrate(work, rehearsal=False, abandoned="contrat refusé")
    assert check(work)[0] == "Intégration menée à son terme"


@pytest.mark.parametrize(("age", "holds"), [(MAX_AGE - timedelta(hours=1), True), (MAX_AGE, False)])
def test_an_integration_is_too_old_from_the_limit_on(work: Work, age: timedelta, holds: bool) -> None:
    integrate(work, rehearsal=False, at=datetime.now(UTC) - age)
    assert check(work) == ([] if holds else [f"Intégration de moins de {MAX_AGE.days} jours"])


def test_a_contract_that_has_ended_is_told(governed: Governed) -> None:
    file = governed.governance / "people.toml"
    text = file.read_text(encoding="utf-8")
    assert text.count("contract_until = 2035-12-31") == 2
    file.write_text(text.replace("contract_until = 2035-12-31", "contract_until = 2026-01-31"), "utf-8")
    work = work_on(governed)
    integrate(work, rehearsal=False)
    assert check(work) == ["Contrat en cours"]


def test_a_runbook_that_has_changed_since_it_was_read_is_named(work: Work) -> None:
    then = hash_runbooks() | {"deploiement": "0" * 64}
    integrate(work, rehearsal=False, installed=then)
    assert check(work) == [name("deploiement")]


def test_the_real_file_is_what_is_compared(
    work: Work, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    integrate(work, rehearsal=False)
    own = tmp_path / "site"
    own.mkdir()
    shipped = Path("flows/runbooks/tests.toml").read_text(encoding="utf-8")
    (own / "tests.toml").write_text(shipped + "# précisé\n", encoding="utf-8")
    monkeypatch.setenv(RUNBOOKS_VARIABLE, str(own))
    assert check(work) == [name("tests")]


def test_a_newer_reading_counts_before_its_integration_ends_and_even_if_it_never_does(work: Work) -> None:
    then = hash_runbooks() | {"deploiement": "0" * 64}
    integrate(work, rehearsal=False, installed=then, at=datetime.now(UTC) - timedelta(days=30))
    integrate(work, rehearsal=False, until="O7", abandoned="relecture seulement")
    assert check(work) == []


def test_an_execution_that_cannot_be_read_hides_no_other(work: Work) -> None:
    other = open_shipped(work, "contacts", rehearsal=False)
    (work.journal.folder(other.id) / "runbook.json").write_text("{}", encoding="utf-8")
    integrate(work, rehearsal=False)
    execution = open_shipped(work, "activation-pointe", rehearsal=False)
    step = execution.runbook.step("A7")
    assert step is not None
    result = check_integration(work, execution, step).result
    assert result.is_ok
    assert other.id in result.points[-1].found


def test_a_reading_without_a_record_of_its_version_does_not_count(work: Work) -> None:
    integrate(work, rehearsal=False, installed={})
    assert check(work) == [name(one) for one in READ]
