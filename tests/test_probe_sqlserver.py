"""What SQL Server's Agent and its backups say, judged without a server: rows as its catalog gives them."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.probes.agent_jobs import Job, judge_job, judge_jobs, parse_jobs
from nonreg.probes.backups import Backup, judge_backup, judge_backups, parse_backups

JOB_COLUMNS = (
    *("job_name", "category", "owner_name", "enabled", "state", "last_outcome", "started_local"),
    *("duration_seconds", "enabled_schedules", "message"),
)
GOOD = Job("Purge", True, "ran", "succeeded", 75, 1)
BACKUP_COLUMNS = (
    *("database_name", "backup_kind", "recovery_model", "finished_local", "age_hours", "is_copy_only"),
    *("has_backup_checksums", "is_damaged", "size_bytes"),
)
FRESH = Backup("AQUAREEL", "full", "FULL", 6.0, True, False)


def test_jobs_are_read_whatever_never_happened_to_them() -> None:
    rows = Rows(
        JOB_COLUMNS,
        (
            ("Purge", "AQUAREEL", "sa", True, "ran", "succeeded", None, 75, 1, "ok"),
            ("Neuve", None, None, True, "never_run", None, None, None, 0, None),
        ),
        "q",
    )
    assert parse_jobs(rows) == (GOOD, Job("Neuve", True, "never_run", "", None, 0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"state": "history_purged", "last_outcome": "succeeded"}, ""),
        ({"last_outcome": "in_progress"}, ""),
        ({"enabled": False, "state": "disabled"}, "tâche Purge : désactivée"),
        ({"enabled_schedules": 0}, "tâche Purge : aucune planification active"),
        ({"state": "never_run", "last_outcome": ""}, "tâche Purge : jamais exécutée"),
        ({"last_outcome": "failed"}, "tâche Purge : dernière exécution en échec"),
        ({"last_outcome": "canceled"}, "tâche Purge : dernière exécution annulée"),
    ],
)
def test_a_job_that_does_not_do_its_work_is_named(changes: dict[str, object], said: str) -> None:
    assert judge_job(dataclasses.replace(GOOD, **changes)) == said  # type: ignore[arg-type]


def test_a_missing_job_is_named_and_somebody_elses_is_not_judged() -> None:
    other = dataclasses.replace(GOOD, name="Autre", last_outcome="failed")
    assert judge_jobs((GOOD, other), ("Purge", "Affinage")) == ("tâche Affinage : absente",)


def test_backups_are_read_with_those_that_were_never_made() -> None:
    rows = Rows(
        BACKUP_COLUMNS,
        (
            ("AQUAREEL", "full", "FULL", None, Decimal("6.0"), False, True, False, 1),
            ("AQUAREEL", "log", "FULL", None, None, None, None, None, None),
        ),
        "q",
    )
    assert parse_backups(rows) == (FRESH, Backup("AQUAREEL", "log", "FULL", None, False, False))


@pytest.mark.parametrize(
    ("changes", "limit_hours", "said"),
    [
        ({}, 24.0, ""),
        ({}, None, ""),
        ({"age_hours": 30.25}, 24.0, "sauvegarde complète de AQUAREEL : vieille de 30,2 h, 24 h au plus"),
        ({"age_hours": None}, 24.0, "sauvegarde complète de AQUAREEL : aucune"),
        ({"is_damaged": True}, 24.0, "sauvegarde complète de AQUAREEL : endommagée"),
        ({"has_checksums": False}, 24.0, "sauvegarde complète de AQUAREEL : sans somme de contrôle"),
        ({"kind": "log", "recovery_model": "SIMPLE", "age_hours": None}, 24.0, ""),
        ({"kind": "log", "age_hours": None}, 24.0, "sauvegarde du journal de AQUAREEL : aucune"),
    ],
)
def test_a_backup_that_cannot_be_counted_on_is_named(
    changes: dict[str, object], limit_hours: float | None, said: str
) -> None:
    assert judge_backup(dataclasses.replace(FRESH, **changes), limit_hours) == said  # type: ignore[arg-type]


def test_a_database_that_nothing_is_known_of_is_told() -> None:
    assert judge_backups((FRESH,), "AUTRE", {}) == ("sauvegardes de AUTRE : rien n'en est connu",)
    assert judge_backups((FRESH,), "AQUAREEL", {"full": 24.0}) == ()


@given(st.floats(0, 1000), st.floats(0, 1000))
def test_age_alone_decides_for_a_sound_backup(age_hours: float, limit_hours: float) -> None:
    said = judge_backup(dataclasses.replace(FRESH, age_hours=age_hours), limit_hours)
    assert bool(said) is (age_hours > limit_hours)
