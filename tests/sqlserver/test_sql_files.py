"""T-SQL scenario files, proposals, and the scenarios of the database server, on the stand-in of a real server."""

from __future__ import annotations

import os
import threading
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from nonreg.clients.odbc import import_pyodbc
from nonreg.clients.result_sets import run_batch
from nonreg.clients.sql import Session, open_session
from nonreg.discovery.catalog import read_catalog, read_scope
from nonreg.discovery.folder import FOLDER, write_proposals
from nonreg.discovery.known import read_known
from nonreg.discovery.numbering import allot
from nonreg.discovery.proposals import discover
from nonreg.discovery.text import PROPOSAL
from nonreg.errors import PlatformError
from nonreg.grants.manifest import load_manifest
from nonreg.model import SiteRole
from nonreg.probes.replication import read_fresh
from nonreg.probes.server_load import find_root_blockers, judge_size, parse_locks, parse_sizes
from nonreg.sandbox.mssql.install import DATABASE
from nonreg.sqlfiles.scenario_file import SUFFIX, SqlScenario, load_scenario, run_scenario
from nonreg.waiting import wait_until
from nonreg.witness import NotRestored, Witness
from tests.sqlserver.conftest import VARIABLE
from tests.sqlserver.pair import StandIn

pytestmark = pytest.mark.sqlserver
EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "exemples" / "sql"
OURS = [
    found
    for path in sorted(EXAMPLES.glob("*.sql"))
    if (found := load_scenario(path)).header.engine == "mssql"
]
HEADER = (
    "-- id: BASE-991\n-- titre: Essai\n-- criticite: mineure\n"
    "-- effet: {effect}\n-- attendu: {expected}\n\n{text}\n"
)
COMMITTING = "CREATE PROCEDURE dbo.usp_valider AS BEGIN SET NOCOUNT ON; COMMIT; BEGIN TRANSACTION;"


def make_scenario(
    folder: Path, text: str, effect: str = "read_only", expected: str = "aucune ligne"
) -> SqlScenario:
    path = folder / "BASE-991_essai.sql"
    path.write_text(HEADER.format(effect=effect, expected=expected, text=text), encoding="utf-8")
    return load_scenario(path)


@pytest.mark.parametrize("example", OURS, ids=[one.name for one in OURS])
def test_an_example_of_the_guide_passes(example: SqlScenario, stand_in: StandIn, tmp_path: Path) -> None:
    account, witness = "writer" if example.header.writes else "reader", Witness(example.header.id, tmp_path)
    with open_session(stand_in.platform, stand_in.platform.site(SiteRole.ACTIF), account) as session:
        run_scenario(example, session, witness)
    assert (witness.gaps, witness.missed) == ([], [])
    assert witness.checks


def test_there_are_examples() -> None:
    assert len(OURS) >= 4


def test_a_throw_behind_a_result_set_is_a_gap_with_its_words(reader: Session, tmp_path: Path) -> None:
    text = "SELECT TOP (1) sta_code FROM ref.station;\nTHROW 50001, N'éà : seuil faux', 1;"
    witness = Witness("BASE-991", tmp_path)
    run_scenario(make_scenario(tmp_path, text, expected="aucune erreur"), reader, witness)
    (gap,) = witness.gaps
    assert "éà : seuil faux" in gap.found


def test_rows_of_any_result_set_are_a_gap(reader: Session, tmp_path: Path) -> None:
    text = "SELECT TOP (1) sta_code FROM ref.station;\nSELECT 1 AS a WHERE 1 = 0;"
    witness = Witness("BASE-991", tmp_path)
    run_scenario(make_scenario(tmp_path, text), reader, witness)
    assert len(witness.gaps) == 1


def test_what_a_writing_scenario_did_is_gone(writer: Session, reader: Session, tmp_path: Path) -> None:
    campaign = uuid.uuid4()
    text = f"EXEC nr.usp_creer_station @p_campaign = '{campaign}';"
    witness = Witness("BASE-991", tmp_path)
    run_scenario(make_scenario(tmp_path, text, "writes_test_data", "aucune erreur"), writer, witness)
    assert witness.gaps == []
    writer.undo()
    assert reader.query("test_data_left", campaign_id=str(campaign)).rows == ()


@pytest.mark.parametrize("after", ["", " THROW 50002, N'après validation', 1;"])
def test_a_procedure_that_commits_is_caught_whether_it_fails_then_or_not(
    stand_in: StandIn, writer: Session, tmp_path: Path, after: str
) -> None:
    run_batch(stand_in.connection, f"USE {DATABASE}")
    run_batch(stand_in.connection, COMMITTING + after + " END")
    try:
        run_batch(stand_in.connection, "GRANT EXECUTE ON dbo.usp_valider TO nr_writer")
        scenario = make_scenario(tmp_path, "EXEC dbo.usp_valider;", "writes_test_data", "aucune erreur")
        with pytest.raises(NotRestored, match=r"a validé \(COMMIT\)"):
            run_scenario(scenario, writer, Witness("BASE-991", tmp_path))
    finally:
        run_batch(stand_in.connection, "DROP PROCEDURE dbo.usp_valider")


def test_each_proposal_of_a_discovery_is_a_sound_scenario_that_runs(reader: Session, tmp_path: Path) -> None:
    """What it expects is for a person to complete; that the server takes it is not."""
    found = discover(
        read_catalog(reader), read_known([tmp_path]), "mssql", load_manifest().accounts_schema, read_scope("")
    )
    assert found.drafts
    write_proposals(
        found.drafts, allot((one.subject for one in found.drafts), {}, frozenset()), "mssql", tmp_path
    )
    refused = {}
    for path in sorted((tmp_path / FOLDER).iterdir()):
        scenario = path.rename(path.with_name(path.name.removesuffix(PROPOSAL) + SUFFIX))
        try:
            reader.run_batch(load_scenario(scenario).text)
        except PlatformError as error:
            refused[path.name] = str(error)
        reader.undo()
    assert refused == {}


def test_who_blocks_whom_is_seen(stand_in: StandIn, reader: Session) -> None:
    text, pyodbc = os.environ[VARIABLE], import_pyodbc()
    with (
        closing(pyodbc.connect(text, autocommit=True, timeout=15)) as holder,
        closing(pyodbc.connect(text, autocommit=True, timeout=15)) as waiter,
    ):
        holder.execute("BEGIN TRANSACTION; EXEC sp_getapplock 'nonreg-essai', 'Exclusive', 'Transaction', 0")
        thread = threading.Thread(
            target=waiter.execute,
            args=("BEGIN TRANSACTION; EXEC sp_getapplock 'nonreg-essai', 'Exclusive', 'Transaction', 20000",),
        )
        thread.start()
        try:
            found = wait_until(lambda: parse_locks(read_fresh(reader, "locks")), 10)
        finally:
            holder.execute("ROLLBACK")
            thread.join(25)
        assert len(find_root_blockers(found)) == 1


def test_the_size_of_the_database_is_known(reader: Session) -> None:
    (size,) = parse_sizes(reader.query("database_sizes"))
    assert size.database == DATABASE
    assert size.data_bytes > 1_000_000
    assert size.log_bytes > 0
    assert size.log_used_bytes is not None
    assert judge_size(size) == ""
