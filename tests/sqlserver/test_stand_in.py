"""The SQL Server suite: named queries, structure, rights, lock, T-SQL scenarios, on the stand-in of a real server."""

from __future__ import annotations

import inspect
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nonreg.bench import Bench
from nonreg.clients.result_sets import run_batch
from nonreg.clients.sql import QUERIES_DIR, Session
from nonreg.errors import AccessDenied, PlatformError
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, load_manifest
from nonreg.grants.script import Users, write_script
from nonreg.lock import hold_platform_lock
from nonreg.model import SiteRole
from nonreg.probes.schema import SUBJECTS, read_modules, read_subject
from nonreg.sandbox.mssql.batches import split_batches
from nonreg.sandbox.mssql.install import DATABASE, READER, WRITER
from nonreg.scenarios.base import test_affinage, test_calculs, test_courbes
from nonreg.witness import Witness
from tests.query_texts import list_parameters
from tests.sqlserver.conftest import StandIn
from tests.test_queries import list_answers

pytestmark = pytest.mark.sqlserver
NOW = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
# One value for each parameter of the queries that only read.
SAMPLES: dict[str, Any] = {
    "article": "ref.station",
    "articles": ["ref.station"],
    "campaign_id": str(uuid.uuid4()),
    "code": "JEU_DE_DONNEES",
    "days": ["2026-03-29"],
    "hours": 24,
    "minutes": 60,
    "position": "0",
    "publication": "pub_aquareel",
    "sensor": 1,
    "sensors": [1],
    "start": NOW - timedelta(hours=2),
    "station": "V720001002",
    "stations": "V720001002",
    "stop": NOW,
}
WRITES = ("bench_", "drill_", "lock_", "tracer_", "forbidden_")
# What asks a Distributor, or an Agent, which a server by itself may not have.
ELSEWHERE = ("replication_", "distribution_", "publisher_", "subscriber_", "subscription", "publication")
# Refinement, curves and totals: DOMAIN §1.8 has the golden values.
CHECKS = [
    found
    for module in (test_affinage, test_calculs, test_courbes)
    for name, found in inspect.getmembers(module, inspect.isfunction)
    if name.startswith("test_") and set(inspect.signature(found).parameters) == {"witness", "trial"}
]
READS = sorted(
    path.stem
    for path in (QUERIES_DIR / "mssql").glob("*.sql")
    if not path.stem.startswith(WRITES + ELSEWHERE)
)


@pytest.mark.parametrize("name", READS)
def test_a_read_answers_with_the_columns_that_its_text_announces(reader: Session, name: str) -> None:
    parameters = list_parameters("mssql", name)
    missing = [one for one in parameters if one not in SAMPLES]
    assert not missing, f"une valeur d'essai manque : {missing}"
    rows = reader.query(name, **{one: SAMPLES[one] for one in parameters})
    assert list(rows.columns) in [list(answer) for run in list_answers("mssql", name) for answer in run]


def test_the_structure_is_read_whole(reader: Session) -> None:
    for subject in SUBJECTS:
        assert read_subject(reader, subject).rows, subject
    modules = {module.name: module for module in read_modules(reader)}
    assert {"prod.usp_affinage", "prod.tvf_debit", "nr.usp_battre"} <= modules.keys()
    assert all(module.sha256 for module in modules.values())


@pytest.mark.parametrize("check", CHECKS, ids=[one.__name__ for one in CHECKS])
def test_a_scenario_that_writes_finds_the_rules_of_the_other_engine(
    check: Callable[..., None], writer: Session, tmp_path: Path
) -> None:
    witness = Witness("BASE-000", tmp_path)
    check(witness=witness, trial=Bench(writer, str(uuid.uuid4())))
    assert witness.checks
    assert witness.gaps == []


def test_one_campaign_at_a_time_holds_the_lock(stand_in: StandIn, writer: Session) -> None:
    with hold_platform_lock(stand_in.platform) as first, hold_platform_lock(stand_in.platform) as second:
        assert first.held
        assert not second.held
        assert "une autre campagne est en cours" in second.message
    with hold_platform_lock(stand_in.platform) as again:
        assert again.held


def test_the_script_gives_the_accounts_what_they_need_and_the_check_finds_nothing_else(
    stand_in: StandIn,
) -> None:
    manifest = load_manifest()
    script = write_script(manifest, Users({Account.READER: READER, Account.WRITER: WRITER}, DATABASE))
    for _ in range(2):  # it may be run again
        for batch in split_batches("droits.sql", script):
            run_batch(stand_in.connection, batch.text)
    site = stand_in.platform.site(SiteRole.ACTIF)
    for account in Account:
        judgement = check_account(stand_in.platform, site, account, manifest)
        assert (judgement.missing, judgement.beyond) == ((), ())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ref.station SET sta_libelle = sta_libelle",
        "DELETE FROM prod.mesure WHERE 1 = 0",
        "CREATE TABLE dbo.essai (n int)",
        "ALTER ROLE db_owner ADD MEMBER nr_reader",
        "EXEC nr.usp_purger @p_maintenant = NULL",
    ],
)
def test_the_reader_can_do_nothing_but_read(reader: Session, statement: str) -> None:
    with pytest.raises((AccessDenied, PlatformError)):
        reader.execute(statement)
