"""The pair of stand-ins as a platform: its file, sessions on its nodes, its rights, scenarios recorded on it."""

from __future__ import annotations

import functools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nonreg import baseline, store
from nonreg.clients.result_sets import run_batch
from nonreg.config import Platform
from nonreg.grants.effective import check_account
from nonreg.grants.manifest import Account, load_manifest
from nonreg.grants.preflight import Judgement
from nonreg.grants.script import Users, write_script
from nonreg.model import Scenario, ScenarioResult, SiteRole
from nonreg.plan import SCENARIOS_DIR, CampaignRequest, collect_scenarios, identify_tool, plan_campaign
from nonreg.probes.facts import read_facts
from nonreg.pytest_process import run_pytest
from nonreg.sandbox.mssql.batches import split_batches
from nonreg.sandbox.mssql.install import DATABASE, READER, WRITER
from nonreg.sandbox.mssql.replication import (
    PASSIVE_DATABASE,
    PASSIVE_READER,
    PASSIVE_WRITER,
    create_pair,
    name_password,
)
from nonreg.sandbox.mssql.requirements import CannotReplicate
from tests.governed import Governed

ACTIVE, PASSIVE = SiteRole.ACTIF, SiteRole.PASSIF
USERS = {
    ACTIVE: Users({Account.READER: READER, Account.WRITER: WRITER}, DATABASE),
    PASSIVE: Users({Account.READER: PASSIVE_READER, Account.WRITER: PASSIVE_WRITER}, PASSIVE_DATABASE),
}
# An article that only the other engine has: it carries there what SQL Server's replication carries by itself.
ONLY_POSTGRESQL = "ha.ordre_schema"
COMMANDS_LIMIT = "replication_pending_commands = 10000.0"


@dataclass(frozen=True, slots=True)
class StandIn:
    """Both stand-ins on that server, and the platform whose databases they are.

    `before` is how the check judged the accounts before the script of rights was run. `limit` says why the pair does
    not replicate; empty when it does.
    """

    governed: Governed
    platform: Platform
    connection: Any
    before: Mapping[tuple[SiteRole, Account], Judgement]
    limit: str

    def require_replication(self) -> None:
        """Skip the test, with its reason, on a server that cannot replicate."""
        if self.limit:
            pytest.skip(self.limit)


def make_pair(connection: Any, passwords: Mapping[str, str]) -> str:
    """Make the pair; the reason when the server can only have it without replication. Any other refusal is raised."""
    try:
        create_pair(connection, passwords)
    except CannotReplicate as limit:
        create_pair(connection, passwords, replicates=False)
        return str(limit)
    return ""


@functools.cache
def list_replicated() -> frozenset[str]:
    """Named queries that read what replication keeps: where there is none they answer without it."""
    rights = [right for right in load_manifest().on("mssql") if right.is_optional]
    return frozenset(name for right in rights for name in right.needed_by)


@functools.cache
def list_replicated_scenarios() -> frozenset[str]:
    """Shipped scenarios that run one of those."""
    return frozenset(one.id for one in list_scenarios() if list_replicated() & set(one.queries))


def read_address(given: Mapping[str, str]) -> tuple[str, int]:
    """Host and port of a connection string; ValueError for an instance by name, which a platform's file has not."""
    host, _, port = given["SERVER"].removeprefix("tcp:").partition(",")
    if "\\" in host and not port:
        raise ValueError(f"SERVER={host} : une plateforme veut le port de l'instance (SERVER=tcp:hôte,port).")
    return host.partition("\\")[0], int(port or 1433)


def write_platform(governed: Governed, given: Mapping[str, str]) -> None:
    """Make both sites of the platform's file databases of the server that a connection string names, by keyword."""
    host, port = read_address(given)
    trusted = given.get("TRUSTSERVERCERTIFICATE", "no").lower() in ("yes", "true")
    asked = given.get("ENCRYPT", "yes").lower()
    encrypt = "strict" if asked == "strict" else "no" if asked in ("no", "optional") else "yes"
    for number, users in enumerate(USERS.values(), start=1):
        reader, writer = (users.names[account] for account in Account)
        governed.change_platform(
            f'engine = "postgresql"\nhost = "127.77.0.1{number}"\nport = 5432\nname = "aquareel"\n'
            'reader_user = "nr_reader"\nreader_password_env = "AQ_READER_PASSWORD"\n'
            'writer_user = "nr_writer"\nwriter_password_env = "AQ_WRITER_PASSWORD"\n',
            f'engine = "mssql"\nhost = {json.dumps(host)}\nport = {port}\nname = "{users.database}"\n'
            f'reader_user = "{reader}"\nreader_password_env = "{name_password(reader)}"\n'
            f'writer_user = "{writer}"\nwriter_password_env = "{name_password(writer)}"\n'
            f"odbc.driver = {json.dumps(given.get('DRIVER', ''))}\n"
            f'odbc.encrypt = "{encrypt}"\n'
            f"odbc.trust_server_certificate = {json.dumps(trusted)}\n",
        )
    governed.change_platform(
        'baseline = "embarquee"', f"baseline = {json.dumps(str(governed.root / 'reference'))}"
    )
    governed.change_platform("replication_pending_bytes =", f"{COMMANDS_LIMIT}\nreplication_pending_bytes =")
    write_reference(governed.root / "reference")


def write_reference(folder: Path) -> None:
    """What replication must be on the pair: as on the embedded platform, less what only that one needs."""
    expected = baseline.load_reference("embarquee", "replication")
    kept = [article for article in expected["articles"] if article != ONLY_POSTGRESQL]
    folder.mkdir()
    (folder / "replication.json").write_text(json.dumps({**expected, "articles": kept}), encoding="utf-8")
    baseline.write_manifest(folder)


def run_script(connection: Any, role: SiteRole = ACTIVE) -> None:
    """Run the script of rights of one node as sqlcmd does: batch after batch on one connection."""
    for batch in split_batches("droits.sql", write_script(load_manifest(), USERS[role])):
        run_batch(connection, batch.text)


def judge_both(platform: Platform, role: SiteRole = ACTIVE) -> dict[Account, Judgement]:
    """What the check says of the two accounts of one node."""
    site, manifest = platform.site(role), load_manifest()
    return {account: check_account(platform, site, account, manifest) for account in Account}


@functools.cache
def list_scenarios() -> tuple[Scenario, ...]:
    """The shipped scenarios; collecting them costs seconds."""
    return collect_scenarios(SCENARIOS_DIR)


def record(stand_in: StandIn, run_dir: Path, *scenario_ids: str) -> dict[str, ScenarioResult]:
    """Run scenarios of the shipped folder as a campaign does, without its guards: pytest apart, results by id.

    The guards ask the hosts and services of a whole platform, which this server has not.
    """
    request = CampaignRequest(str(stand_in.governed.platform_file), select=",".join(scenario_ids))
    plan = plan_campaign(request, stand_in.platform, list_scenarios(), "essai", identify_tool(request))
    store.save_plan(run_dir, plan)
    store.save_facts(run_dir, read_facts(stand_in.platform))
    _, stopped = run_pytest(plan, run_dir, stand_in.governed.platform_file, SCENARIOS_DIR, threading.Event())
    assert stopped == ""
    return {one.scenario_id: one for one in store.load_run(run_dir).results}
