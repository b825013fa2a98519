"""The SQL Server suite: named queries, structure, rights, lock, T-SQL scenarios, on the stand-in of a real server."""

from __future__ import annotations

import inspect
import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from nonreg.bench import Bench
from nonreg.clients import odbc_errors
from nonreg.clients.result_sets import run_batch
from nonreg.clients.sql import QUERIES_DIR, Session, open_session
from nonreg.errors import AccessDenied, PlatformError
from nonreg.grants.manifest import Account, Right, load_manifest
from nonreg.grants.script import write_script
from nonreg.lock import hold_platform_lock
from nonreg.model import SiteRole
from nonreg.probes.schema import SUBJECTS, read_modules, read_subject
from nonreg.sandbox.mssql.batches import split_batches
from nonreg.sandbox.mssql.install import DATABASE
from nonreg.scenarios.base import test_affinage, test_calculs, test_courbes
from nonreg.witness import Witness
from tests.query_texts import list_parameters
from tests.sqlserver.pair import USERS, StandIn, judge_both, list_replicated, run_script
from tests.test_queries import list_answers

pytestmark = pytest.mark.sqlserver
NOW = datetime.now(UTC).replace(tzinfo=None, second=0, microsecond=0)
# One value for each parameter of the queries that only read.
SAMPLES: dict[str, Any] = {
    "article": "ref.station",
    "articles": ["ref.station"],
    "at": NOW,
    "campaign_id": str(uuid.uuid4()),
    "code": "JEU_DE_DONNEES",
    "column_name": "",
    "database_name": "",
    "days": ["2026-03-29"],
    "discharge": 2,
    "first": 1,
    "hours": 24,
    "item_name": "station",
    "last": 1000,
    "level": 1,
    "margin_seconds": 300,
    "minutes": 60,
    "module": "affinage",
    "position": "00000000:00000000:0000",
    "privilege": "SELECT",
    "publication": "pub_aquareel",
    "quantity": "H",
    "rain": 3,
    "schema_name": "ref",
    "sensor": 1,
    "sensors": [1],
    "since": NOW - timedelta(days=1),
    "start": NOW - timedelta(hours=2),
    "station": "V720001002",
    "stations": "V720001002",
    "stop": NOW,
    "table_name": "station",
}
WRITES = ("bench_", "drill_", "lock_", "tracer_", "forbidden_")
# Wants the names of this very server and no transaction around: tests/sqlserver/test_replication.py asks it.
ALONE = "replication_monitor"
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
    if not path.stem.startswith(WRITES) and path.stem != ALONE
)


def test_each_parameter_of_a_read_has_a_value_to_try() -> None:
    """Without a server too: the suite that has one must not stop there."""
    wanted = {parameter for name in READS for parameter in list_parameters("mssql", name)}
    assert sorted(wanted - SAMPLES.keys()) == []


@pytest.mark.parametrize("name", READS)
def test_a_read_answers_on_both_nodes_with_the_columns_that_its_text_announces(
    stand_in: StandIn, reader: Session, passive_reader: Session, name: str
) -> None:
    """Without replication too, where a query that reads what it keeps has no row to give; that part is then skipped."""
    announced = [list(answer) for run in list_answers("mssql", name) for answer in run]
    for session in (reader, passive_reader):
        rows = session.query(name, **{one: SAMPLES[one] for one in list_parameters("mssql", name)})
        assert list(rows.columns) in announced, session.site_code
    if name in list_replicated():
        stand_in.require_replication()


def test_the_queries_that_need_replication_are_those_that_name_what_it_keeps() -> None:
    """Without a server too: one that did not count among them would pass where nothing replicates."""
    kept = re.compile(r"\bdistribution\.dbo\.|(?<![\w.])dbo\.(?:MS|sys)\w|\bsp_(?:replmonitor|helptracer)")
    named = {
        path.stem
        for path in (QUERIES_DIR / "mssql").glob("*.sql")
        if kept.search(path.read_text(encoding="utf-8"))
    }
    assert list_replicated() == named


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


# Rights: the stand-in gives none, the script gives all of them, the server refuses everything else.


@pytest.mark.parametrize("role", USERS)
@pytest.mark.parametrize("account", Account)
def test_an_account_that_may_only_enter_lacks_every_right_and_has_nothing_beyond(
    stand_in: StandIn, role: SiteRole, account: Account
) -> None:
    before = stand_in.before[role, account]
    asked = [right for right in load_manifest().on("mssql") if right.account is account]
    required = [right for right in asked if not right.is_optional and not right.database]
    assert len(required) <= len(before.missing) <= len(asked)
    assert before.beyond == ()


@pytest.mark.parametrize("role", USERS)
def test_the_script_gives_the_accounts_exactly_what_they_need_and_may_be_run_again(
    stand_in: StandIn, role: SiteRole
) -> None:
    """Those of replication included: on its tables at the publisher, at the subscriber and in distribution."""
    for _ in range(2):
        for judgement in judge_both(stand_in.platform, role).values():
            found = (judgement.missing, judgement.beyond, judgement.tolerated, judgement.unseen)
            assert found == ((), (), (), ())
        run_script(stand_in.connection, role)


@pytest.mark.parametrize(
    ("give", "take", "sentence"),
    [
        (
            "USE msdb; {} SELECT ON dbo.sysjobsteps {} nr_reader",
            ("GRANT", "TO"),
            "peut lire msdb.dbo.sysjobsteps",
        ),
        (
            "USE msdb; ALTER ROLE SQLAgentOperatorRole {} MEMBER nr_reader",
            ("ADD",),
            "est membre du rôle msdb.SQLAgentOperatorRole.",
        ),
        (
            "USE msdb; ALTER ROLE db_datareader {} MEMBER nr_reader",
            ("ADD",),
            "est membre du rôle msdb.db_datareader.",
        ),
        ("USE master; {} ALTER TRACE {} nr_reader", ("GRANT", "TO"), "a ALTER TRACE sur le serveur"),
        (
            "USE {database}; {} VIEW CHANGE TRACKING ON SCHEMA::ref {} nr_reader",
            ("GRANT", "TO"),
            "a VIEW CHANGE TRACKING sur le schéma ref",
        ),
        (
            "USE {database}; {} UPDATE ON ref.station (sta_libelle) {} nr_reader",
            ("GRANT", "TO"),
            "peut modifier ref.station, colonne sta_libelle (UPDATE)",
        ),
    ],
    ids=["job steps", "agent role", "role in msdb", "server", "schema", "column"],
)
def test_whatever_is_given_beyond_is_named(
    stand_in: StandIn, give: str, take: tuple[str, ...], sentence: str
) -> None:
    back = {"GRANT": "REVOKE", "TO": "FROM", "ADD": "DROP"}
    text = give.replace("{database}", DATABASE)
    run_batch(stand_in.connection, text.format(*take))
    try:
        found = judge_both(stand_in.platform)[Account.READER].beyond
    finally:
        run_batch(stand_in.connection, text.format(*(back[word] for word in take)))
        run_batch(stand_in.connection, f"USE {DATABASE}")
    assert [one for one in found if sentence in one], found


def test_a_script_that_fails_on_its_way_gives_nothing(stand_in: StandIn) -> None:
    """The last right of all is on an object that is not there: those before it are not given either."""
    absent = Right(Account.WRITER, "tampon.zz_absente", "SELECT", "mssql", ("essai",))
    more = Right(Account.WRITER, "cfg.identite_plateforme", "SELECT", "mssql", ("essai",))
    manifest = load_manifest().having((absent, more))
    script = write_script(manifest, USERS[SiteRole.ACTIF])
    failed = 0
    for batch in split_batches("droits.sql", script):
        try:
            run_batch(stand_in.connection, batch.text)
        except Exception:  # the driver's own; sqlcmd and SSMS show it and go on
            failed += 1
    assert failed == 1
    run_batch(stand_in.connection, f"USE {DATABASE}")
    judgement = judge_both(stand_in.platform)[Account.WRITER]
    assert (judgement.missing, judgement.beyond) == ((), ())


TABLES = (
    *("ref.station", "ref.capteur", "ref.courbe", "ref.seuil", "prod.mesure", "tampon.mesure", "evt.alarme"),
    *("evt.evenement", "cfg.parametre", "cfg.operateur", "cfg.identite_plateforme", "nr.marque"),
    "securite.utilisateur",
)
# What neither account may do, whatever the data.
REFUSED = [
    *(f"INSERT INTO {name} DEFAULT VALUES" for name in TABLES),
    *(f"DELETE FROM {name} WHERE 1 = 0" for name in TABLES),
    *(f"TRUNCATE TABLE {name}" for name in TABLES),
    *(f"ALTER TABLE {name} ADD essai int NULL" for name in TABLES),
    *(f"DROP TABLE {name}" for name in TABLES),
    "UPDATE cfg.parametre SET prm_valeur = prm_valeur WHERE 1 = 0",
    "SELECT uti_id FROM securite.utilisateur",
    "SELECT COUNT(*) FROM securite.utilisateur",
    "CREATE TABLE dbo.essai (n int)",
    "CREATE USER essai WITHOUT LOGIN",
    "ALTER ROLE db_owner ADD MEMBER nr_reader",
    "GRANT SELECT ON OBJECT::ref.station TO public",
    "EXECUTE AS USER = 'dbo'",
    "EXEC cfg.usp_purge",
    "CREATE LOGIN essai WITH PASSWORD = N'Essai.2026!'",
    "EXEC master.sys.xp_cmdshell 'whoami'",
    "SELECT s.command FROM msdb.dbo.sysjobsteps s",
    "EXEC msdb.dbo.sp_start_job @job_name = N'essai'",
    "UPDATE msdb.dbo.sysjobs SET enabled = enabled WHERE 1 = 0",
]
# The same, where the server wants no transaction around.
REFUSED_ALONE = [
    "CREATE DATABASE essai_maquette",
    f"BACKUP DATABASE {DATABASE} TO DISK = N'nul'",
    "EXEC sys.sp_configure 'xp_cmdshell', 1",
]
# What the server says of a right, and of a thing that it does not show to whoever has no right on it.
NOT_ALLOWED = odbc_errors.RIGHT_REFUSED | {1088, 3701, 4902, 15151, 15247, 15517}


def is_for_a_right(error: PlatformError) -> bool:
    """Whether the server's number, in our sentence, says so: anything else would prove nothing."""
    return any(int(number) in NOT_ALLOWED for number in re.findall(r"\((\d+)\)", str(error)))


@pytest.mark.parametrize("statement", REFUSED)
def test_neither_account_can_write_change_or_read_secrets(
    reader: Session, writer: Session, statement: str
) -> None:
    for session in (reader, writer):
        with pytest.raises(PlatformError) as refused:
            session.execute(statement)
        assert is_for_a_right(refused.value), refused.value
        session.undo()


@pytest.mark.parametrize("account", Account)
@pytest.mark.parametrize("statement", REFUSED_ALONE)
def test_neither_account_can_do_what_is_done_outside_a_transaction(
    stand_in: StandIn, account: Account, statement: str
) -> None:
    site = stand_in.platform.site(SiteRole.ACTIF)
    with (
        open_session(stand_in.platform, site, account, autocommit=True) as session,
        pytest.raises(PlatformError) as refused,
    ):
        session.execute(statement)
    assert is_for_a_right(refused.value), refused.value


def test_neither_account_sees_the_hash_of_a_password(reader: Session, writer: Session) -> None:
    for session in (reader, writer):
        hashes = "SELECT COUNT(*) AS n FROM sys.sql_logins l WHERE l.password_hash IS NOT NULL"
        assert session.execute(hashes).scalar() == 0


def test_the_reader_executes_no_procedure_of_the_application(reader: Session) -> None:
    for statement in ("EXEC nr.usp_purger @p_maintenant = NULL", "EXEC nr.usp_battre @p_seq = 1"):
        with pytest.raises(AccessDenied):
            reader.execute(statement)
        reader.undo()
