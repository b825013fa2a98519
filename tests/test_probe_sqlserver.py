"""What SQL Server says of its Agent, backups, replication and load, judged without a server: rows as it gives them."""

from __future__ import annotations

import dataclasses
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.sql import Rows
from nonreg.probes.agent_jobs import Job, judge_job, judge_jobs, judge_service, list_owners, parse_jobs
from nonreg.probes.backups import Backup, find_due, judge_backup, parse_backups
from nonreg.probes.replication_monitor import (
    AgentStatus,
    Subscription,
    TracerWay,
    judge_subscription,
    parse_subscriptions,
    parse_tracer,
)
from nonreg.probes.server_load import (
    Blocked,
    DatabaseSize,
    find_lasting,
    find_root_blockers,
    judge_locks,
    judge_size,
    parse_locks,
    parse_sizes,
)

JOB_COLUMNS = (
    *("job_name", "category", "owner_name", "enabled", "state", "last_outcome", "started_local"),
    *("duration_seconds", "enabled_schedules", "message"),
)
GOOD = Job("Purge", "sa", True, "ran", "succeeded", 75, 1)
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
    assert parse_jobs(rows) == (GOOD, Job("Neuve", "", True, "never_run", "", None, 0))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"state": "history_purged", "last_outcome": "succeeded"}, ""),
        ({"last_outcome": "in_progress"}, ""),
        ({"state": "running", "last_outcome": "canceled"}, ""),
        ({"state": "running", "last_outcome": ""}, ""),
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
    assert judge_jobs((GOOD, other), {"Purge": "SA", "Affinage": "sa"}) == ("tâche Affinage : absente",)


def test_a_job_of_another_owner_is_named() -> None:
    assert judge_jobs((GOOD,), {"Purge": "exploitation"}) == (
        "tâche Purge : propriétaire sa, exploitation attendu",
    )


def test_a_reference_keeps_the_jobs_that_run_by_themselves() -> None:
    asleep = dataclasses.replace(GOOD, name="Arrêtée", enabled=False)
    by_hand = dataclasses.replace(GOOD, name="À la main", enabled_schedules=0)
    assert list_owners((GOOD, asleep, by_hand)) == {"Purge": "sa"}


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((("SQL Server Agent (MSSQLSERVER)", "Running", "Automatic"),), ""),
        ((("SQL Server Agent (MSSQLSERVER)", "Stopped", "Manual"),), "état du service : Stopped"),
        ((), "le service n'est pas installé"),
    ],
)
def test_an_agent_that_does_not_run_is_told(rows: tuple[tuple[str, ...], ...], said: str) -> None:
    assert judge_service(Rows(("service", "state", "start_mode"), rows, "q")) == said


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
    ("changes", "said"),
    [
        ({}, ""),
        ({"age_hours": None}, "sauvegarde complète de AQUAREEL : aucune"),
        ({"is_damaged": True}, "sauvegarde complète de AQUAREEL : endommagée"),
        ({"has_checksums": False}, "sauvegarde complète de AQUAREEL : sans somme de contrôle"),
        ({"kind": "log", "age_hours": None}, "sauvegarde du journal de AQUAREEL : aucune"),
    ],
)
def test_a_backup_that_cannot_be_counted_on_is_named(changes: dict[str, object], said: str) -> None:
    assert judge_backup(dataclasses.replace(FRESH, **changes)) == said  # type: ignore[arg-type]


def test_a_database_must_have_a_full_backup_and_log_backups_where_its_model_keeps_a_log() -> None:
    log = dataclasses.replace(FRESH, kind="log")
    diff, simple = dataclasses.replace(FRESH, kind="diff"), dataclasses.replace(log, recovery_model="SIMPLE")
    assert find_due((FRESH, log, diff), "Aquareel") == (FRESH, log)
    assert find_due((FRESH, simple), "AQUAREEL") == (FRESH,)
    assert find_due((FRESH,), "AUTRE") == ()


GOOD_SUBSCRIPTION = Subscription("SRV-B", "AQUAREEL", AgentStatus.IN_PROGRESS, 0, 2, 300)


def test_subscriptions_are_read_as_the_monitor_gives_them_whatever_other_columns_it_has() -> None:
    columns = (
        "status",
        "warning",
        "subscriber",
        "subscriber_db",
        "latency",
        "timetoexpiration",
        "monitorranking",
    )
    rows = Rows(
        columns,
        ((3, 0, "SRV-B", "AQUAREEL", 2, 300, 50), (6, None, "SRV-C", "AQUAREEL", None, None, 60)),
        "q",
    )
    failed = Subscription("SRV-C", "AQUAREEL", AgentStatus.FAILED, 0, None, None)
    assert parse_subscriptions(rows) == (GOOD_SUBSCRIPTION, failed)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"status": AgentStatus.IDLE}, ""),
        ({"status": AgentStatus.STOPPED}, "agent arrêté"),
        ({"status": AgentStatus.FAILED, "warning": 3, "latency_seconds": 90, "expires_in_hours": 4},
         "agent en échec, expire dans 4 h, latence de 90 s, au-delà du seuil"),
        ({"warning": 4}, ""),
    ],
)  # fmt: skip
def test_a_subscription_that_does_not_follow_is_named_with_all_that_is_wrong(
    changes: dict[str, object], said: str
) -> None:
    found = judge_subscription(dataclasses.replace(GOOD_SUBSCRIPTION, **changes))  # type: ignore[arg-type]
    assert found == (f"abonnement de SRV-B.AQUAREEL : {said}" if said else "")


def test_a_tracer_that_has_not_arrived_has_no_time() -> None:
    columns = ("distributor_latency", "subscriber", "subscriber_db", "subscriber_latency", "overall_latency")
    rows = Rows(columns, ((1, "SRV-B", "AQUAREEL", None, None), (1, "SRV-C", "AQUAREEL", 2, 3)), "q")
    assert parse_tracer(rows) == (TracerWay("SRV-B", 1, None, None), TracerWay("SRV-C", 1, 2, 3))


def make_blocked(session: int, blocking: int, seconds: float = 1.0) -> Blocked:
    return Blocked(session, blocking, seconds, "AQUAREEL", "Affinage", 1)


def test_locks_name_who_waits_too_long_and_for_whom() -> None:
    columns = (
        *("session_id", "blocking_session_id", "wait_seconds", "database_name"),
        *("blocking_program", "blocking_transactions"),
    )
    rows = Rows(
        columns, ((60, 55, Decimal("12.5"), "AQUAREEL", "Affinage", 1), (61, 60, 2, None, None, None)), "q"
    )
    found = parse_locks(rows)
    assert found == (make_blocked(60, 55, 12.5), Blocked(61, 60, 2.0, "", "", 0))
    assert judge_locks(found, 5.0) == ("session 60 bloquée depuis 12 s par la session 55 (Affinage)",)
    assert find_root_blockers(found) == (55,)


def test_only_a_request_that_waits_for_the_same_session_each_time_is_stuck() -> None:
    first, later = (
        [make_blocked(60, 55), make_blocked(61, 55)],
        [make_blocked(60, 55, 2.0), make_blocked(61, 60)],
    )
    assert find_lasting([first, later]) == (make_blocked(60, 55, 2.0),)
    assert find_lasting([first, []]) == find_lasting([]) == ()


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), max_size=12))
def test_a_root_blocker_blocks_somebody_and_waits_for_nobody(pairs: list[tuple[int, int]]) -> None:
    blocked = [make_blocked(*pair) for pair in pairs]
    roots = find_root_blockers(blocked)
    for root in roots:
        assert any(one.blocking_session == root for one in blocked)
        assert all(one.session != root for one in blocked)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, ""),
        ({"state": "SUSPECT"}, "base AQUAREEL : état SUSPECT"),
        ({"log_used_bytes": 95}, "base AQUAREEL : journal plein à 95 %, retenu par REPLICATION"),
        ({"log_used_bytes": 95, "log_reuse_wait": "NOTHING"}, ""),
        ({"log_used_bytes": None}, ""),
        ({"log_bytes": 0, "log_used_bytes": 1}, ""),
    ],
)
def test_a_log_that_fills_up_is_told_with_what_keeps_it(changes: dict[str, object], said: str) -> None:
    columns = ("database_name", "state", "data_bytes", "log_bytes", "log_used_bytes", "log_reuse_wait")
    (size,) = parse_sizes(Rows(columns, (("AQUAREEL", "ONLINE", 1000, 100, 10, "REPLICATION"),), "q"))
    assert size == DatabaseSize("AQUAREEL", "ONLINE", 1000, 100, 10, "REPLICATION")
    assert judge_size(dataclasses.replace(size, **changes)) == said  # type: ignore[arg-type]
