"""The pair of stand-ins: what is told to a server, in which order and database, what is refused, what is left."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from nonreg.errors import ConfigError, RequestFailed
from nonreg.sandbox.mssql import agents, replication, requirements
from nonreg.sandbox.mssql.batches import blank_hidden
from nonreg.sandbox.mssql.install import DATABASE, READER, TOKEN, WRITER, list_batches
from nonreg.sandbox.mssql.replication import (
    ACCOUNTS,
    AGENTS,
    PASSIVE_DATABASE,
    SQL_DIR,
    create_pair,
    remove_pair,
    take_pair_away,
)
from nonreg.sandbox.mssql.requirements import CannotReplicate
from tests.sandbox.test_mssql_install import Server
from tests.sandbox.test_mssql_scripts import FORBIDDEN

PASSWORDS = {account: f"secret d'{account}" for account in ACCOUNTS}
CALL = re.compile(r"EXEC (?:@code = )?(?:\w+\.)*(sp_\w+|xp_\w+)([^;]*);")
GIVEN = re.compile(r"@(\w+) = ")
# Microsoft's own pages, which the scripts name: all parameters that a procedure had in 2016, those without a default
# first, then `|`.
DOCUMENTED = {
    "sp_MSrepl_createdatatypemappings": "|",
    "sp_adddistributor": "distributor | heartbeat_interval password from_scripting",
    "sp_adddistributiondb": "database | data_folder data_file data_file_size log_folder log_file log_file_size "
    "min_distretention max_distretention history_retention security_mode login password createmode from_scripting",
    "sp_adddistpublisher": "publisher distribution_db | security_mode login password working_directory trusted "
    "encrypted_password thirdparty_flag publisher_type",
    "sp_addextendedproperty": "name | value level0type level0name level1type level1name level2type level2name",
    "sp_replicationdboption": "dbname optname value | ignore_distributor from_scripting",
    "sp_addlogreader_agent": "| job_login job_password job_name publisher_security_mode publisher_login "
    "publisher_password publisher",
    "sp_addpublication": "publication | taskid restricted sync_method repl_freq description status independent_agent "
    "immediate_sync enabled_for_internet allow_push allow_pull allow_anonymous allow_sync_tran autogen_sync_procs "
    "retention allow_queued_tran snapshot_in_defaultfolder alt_snapshot_folder pre_snapshot_script "
    "post_snapshot_script compress_snapshot ftp_address ftp_port ftp_subdirectory ftp_login ftp_password allow_dts "
    "allow_subscription_copy conflict_policy centralized_conflicts conflict_retention queue_type "
    "add_to_active_directory logreader_job_name qreader_job_name publisher allow_initialize_from_backup "
    "replicate_ddl enabled_for_p2p publish_local_changes_only enabled_for_het_sub p2p_conflictdetection "
    "p2p_originator_id p2p_continue_onconflict allow_partition_switch replicate_partition_switch",
    "sp_addarticle": "publication article | source_table destination_table vertical_partition type filter sync_object "
    "ins_cmd del_cmd upd_cmd creation_script description pre_creation_cmd filter_clause schema_option "
    "destination_owner status source_owner sync_object_owner filter_owner source_object artid auto_identity_range "
    "pub_identity_range identity_range threshold force_invalidate_snapshot use_default_datatypes "
    "identityrangemanagementoption publisher fire_triggers_on_snapshot",
    "sp_addsubscription": "publication | article subscriber destination_db sync_type status subscription_type "
    "update_mode loopback_detection frequency_type frequency_interval frequency_relative_interval "
    "frequency_recurrence_factor frequency_subday frequency_subday_interval active_start_time_of_day "
    "active_end_time_of_day active_start_date active_end_date optional_command_line reserved enabled_for_syncmgr "
    "offloadagent offloadserver dts_package_name dts_package_password dts_package_location distribution_job_name "
    "publisher backupdevicetype backupdevicename mediapassword password fileidhint unload subscriptionlsn "
    "subscriptionstreams subscriber_type memory_optimized",
    "sp_addpushsubscription_agent": "publication | subscriber subscriber_db subscriber_security_mode subscriber_login "
    "subscriber_password job_login job_password job_name frequency_type frequency_interval "
    "frequency_relative_interval frequency_recurrence_factor frequency_subday frequency_subday_interval "
    "active_start_time_of_day active_end_time_of_day active_start_date active_end_date dts_package_name "
    "dts_package_password dts_package_location enabled_for_syncmgr distribution_job_name publisher "
    "subscriber_provider subscriber_datasrc subscriber_location subscriber_provider_string subscriber_catalog",
    "sp_dropsubscription": "publication article subscriber | destination_db ignore_distributor reserved",
    "sp_droppublication": "publication | ignore_distributor",
    "sp_removedbreplication": "| dbname type",
    "sp_dropdistpublisher": "publisher | no_checks ignore_distributor",
    "sp_dropdistributiondb": "database |",
    "sp_dropdistributor": "| no_checks ignore_distributor",
}
# Where each has to be called: on the published database, in master, or anywhere.
ACTIVE_ONLY = {
    *("sp_addlogreader_agent", "sp_addpublication", "sp_addarticle", "sp_addsubscription"),
    *("sp_addpushsubscription_agent", "sp_dropsubscription", "sp_droppublication"),
}
MASTER_ONLY = {"sp_adddistributor", "sp_adddistributiondb", "sp_dropdistributor"}


class Instance(Server):
    """A server that has what it was told to make, knows in which database it was told it, and runs its jobs."""

    def __init__(
        self,
        databases: Iterable[str] = (),
        logins: Iterable[str] = (),
        mark: str | None = None,
        failing: str = "",
        answers: dict[str, object] | None = None,
    ) -> None:
        super().__init__(answers or {}, failing)
        self.databases, self.logins, self.mark = set(databases), set(logins), mark
        self.has_distributor = "distribution" in self.databases
        self.context: dict[str, Any] = {}
        self.database = "master"
        self.calls: list[tuple[str, str]] = []
        self.jobs: set[str] = {"log", "dist"} if mark == TOKEN else set()
        self.running = set(self.jobs)

    def execute(self, statement: str, parameters: tuple[object, ...] = ()) -> None:
        super().execute(statement, parameters)
        asked = parameters[0] if parameters else None
        if self._answer is None:
            self._answer = self.answer(statement, asked)
        if used := re.fullmatch(r"USE (\w+)", statement):
            assert used[1] == "master" or used[1] in self.databases, statement
            self.database = used[1]
        self.follow(statement, asked)
        for name, _ in CALL.findall(statement):
            self.calls.append((self.database, name))
            self.obey(name)

    def follow(self, statement: str, asked: Any) -> None:
        """What a statement by itself makes or takes away."""
        if key := re.search(r"sp_set_session_context @key = N'(\w+)'", statement):
            self.context[key[1]] = asked
        for made in re.findall(r"^CREATE DATABASE (\w+)", statement):
            self.databases.add(made)
        for gone in re.findall(r"^DROP DATABASE (\w+)", statement):
            assert self.database == "master"
            self.databases.remove(gone)
        if re.search(r"^RESTORE DATABASE @passif", statement, re.MULTILINE):
            self.databases.add(self.context["passif"])
        self.logins |= set(re.findall(r"N'CREATE LOGIN (\w+)", statement))
        self.logins -= set(re.findall(r"^DROP LOGIN (\w+)", statement))
        if statement == agents.START:
            self.running.add(asked)
        if statement == agents.STOP:
            self.running.remove(asked)

    def obey(self, procedure: str) -> None:
        """What a procedure of replication makes or takes away."""
        if procedure == "sp_adddistributor":
            assert not self.has_distributor
            self.has_distributor = True
        elif procedure == "sp_adddistributiondb":
            self.databases.add("distribution")
        elif procedure == "sp_addextendedproperty":
            self.mark = self.context["jeton"]
        elif procedure == "sp_addlogreader_agent":
            self.jobs.add("log")
        elif procedure == "sp_addpushsubscription_agent":
            self.jobs.add("dist")
        elif procedure == "sp_dropdistributiondb":
            assert not self.running
            self.databases.discard("distribution")
        elif procedure == "sp_dropdistributor":
            self.has_distributor = False

    def answer(self, statement: str, asked: Any) -> object:
        """The value of a lookup, None when nothing is there."""
        if statement in agents.FIND_JOB.values():
            job = "log" if statement == agents.FIND_JOB[agents.Agent.LOG_READER] else "dist"
            return job if job in self.jobs else None
        found: dict[str, object] = {
            "SELECT DB_ID(?)": asked in self.databases,
            "SELECT SUSER_ID(?)": asked in self.logins,
            "SELECT OBJECT_ID(?, N'U')": str(asked).partition(".")[0] in self.databases,
            agents.RUNNING: asked in self.running,
            requirements.HAS_DISTRIBUTOR: self.has_distributor,
            requirements.OUR_MARK: self.mark,
            requirements.IS_SYSADMIN: True,
            requirements.HAS_ITS_NAME: True,
            requirements.TAKES_SQL_LOGINS: True,
            requirements.HAS_REPLICATION: True,
            requirements.AGENT_RUNS: True,
            replication.HAS_POSITION.format(passive=PASSIVE_DATABASE): True,
            replication.HAS_PROCEDURES.format(active=DATABASE, passive=PASSIVE_DATABASE): True,
        }
        if "MAX(id)" in statement:
            return 1
        return found.get(statement) or None

    @property
    def leftovers(self) -> tuple[set[str], set[str], bool]:
        return self.databases, self.logins, self.has_distributor


def former_pair(**changes: Any) -> Instance:
    """A server with a pair whose agents run."""
    return Instance({DATABASE, PASSIVE_DATABASE, "distribution"}, {*ACCOUNTS, AGENTS}, TOKEN, **changes)


def number_changes(server: Instance) -> int:
    """How many statements may have changed something: all but lookups and a change of database."""
    told = [one for one in server.told if one != requirements.HAS_REPLICATION]
    return len([one for one in told if not re.match(r"\s*(SELECT|USE master)\b", one)])


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this server answers does not depend on how long one waits."""
    monkeypatch.setattr(agents, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(replication, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(replication, "DROP_SECONDS", 0.05)
    monkeypatch.setattr(requirements, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(requirements, "STARTING_SECONDS", 0.05)
    monkeypatch.setattr(agents, "AGENT_SECONDS", 0.05)


def test_a_server_without_anything_gets_two_databases_a_distributor_a_publication_a_subscription() -> None:
    server = Instance()
    create_pair(server, PASSWORDS)
    made = server.calls[server.calls.index(("master", "sp_adddistributor")) :]
    assert [one for one in made if one[1] in DOCUMENTED] == [
        ("master", "sp_adddistributor"),
        ("master", "sp_adddistributiondb"),
        ("master", "sp_addextendedproperty"),
        ("master", "sp_adddistpublisher"),
        (DATABASE, "sp_replicationdboption"),
        (DATABASE, "sp_addlogreader_agent"),
        (DATABASE, "sp_addpublication"),
        (DATABASE, "sp_addarticle"),
        (DATABASE, "sp_addsubscription"),
        (DATABASE, "sp_addpushsubscription_agent"),
    ]
    order = [
        server.find(f"CREATE DATABASE {DATABASE}"),
        server.find("BACKUP DATABASE @actif"),
        server.find("RESTORE DATABASE @passif"),
        server.find("CREATE USER nr_reader_passif"),
        server.find("sp_adddistributor "),
        server.find("sp_addsubscription\n"),
    ]
    assert order == sorted(order)
    assert server.leftovers == ({DATABASE, PASSIVE_DATABASE, "distribution"}, {*ACCOUNTS, AGENTS}, True)
    assert server.running == {"log", "dist"}


def test_the_passwords_are_bound_and_the_agents_own_is_forgotten_by_the_session() -> None:
    server = Instance()
    create_pair(server, PASSWORDS)
    bound = [str(one[0]) for one in server.bound if one]
    (secret,) = {one for one in bound if one.endswith("aA1!")}
    text = "\n".join(server.told)
    for password in (*PASSWORDS.values(), secret):
        assert password in bound
        assert password not in text
    assert server.context["secret"] is None
    create_pair(other := Instance(), PASSWORDS)
    assert secret not in [str(one[0]) for one in other.bound if one]


def answering(server: Instance, statement: str, value: object) -> Instance:
    """The same server with another answer to one lookup."""
    answer = server.answer
    server.answer = lambda text, asked: value if text == statement else answer(text, asked)  # type: ignore[method-assign]
    return server


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        (requirements.IS_SYSADMIN, "n'est pas sysadmin"),
        (requirements.HAS_ITS_NAME, "n'a pas de nom, ou a été renommé"),
    ],
)
@pytest.mark.parametrize("act", [lambda server: create_pair(server, PASSWORDS), take_pair_away])
def test_a_connection_that_may_not_do_it_or_a_server_without_its_name_is_told_and_nothing_changed(
    act: Callable[[Instance], object], statement: str, words: str
) -> None:
    server = answering(former_pair(), statement, None)
    with pytest.raises(ConfigError, match=words):
        act(server)
    assert number_changes(server) == 0


def test_a_server_where_no_account_could_log_in_is_refused_but_a_pair_is_still_taken_away_from_it() -> None:
    server = answering(former_pair(), requirements.TAKES_SQL_LOGINS, None)
    for replicates in (True, False):
        with pytest.raises(ConfigError, match="n'accepte que l'authentification Windows"):
            create_pair(server, PASSWORDS, replicates=replicates)
        assert number_changes(server) == 0
    assert take_pair_away(server)


LIMITS = [
    (
        requirements.UNFIT_EDITION,
        "Express Edition (64-bit)",
        r"\(Express Edition \(64-bit\)\) ne peut pas publier",
    ),
    (requirements.HAS_REPLICATION, None, "La réplication n'est pas installée"),
    (requirements.AGENT_RUNS, None, "SQL Server Agent n'est pas démarré"),
]


@pytest.mark.parametrize(("statement", "value", "words"), LIMITS)
def test_a_server_that_cannot_replicate_is_told_why_and_nothing_changed(
    statement: str, value: object, words: str
) -> None:
    server = answering(former_pair(), statement, value)
    with pytest.raises(CannotReplicate, match=words):
        create_pair(server, PASSWORDS)
    assert number_changes(server) == 0


@pytest.mark.parametrize(("statement", "value", "words"), LIMITS)
def test_such_a_server_gets_both_databases_and_neither_distributor_nor_agents_account(
    statement: str, value: object, words: str
) -> None:
    server = answering(Instance(), statement, value)
    create_pair(server, PASSWORDS, replicates=False)
    assert server.leftovers == ({DATABASE, PASSIVE_DATABASE}, {*ACCOUNTS}, False)
    assert not [name for _, name in server.calls if name.startswith("sp_add")]
    assert "secret" not in server.context
    create_pair(server, PASSWORDS, replicates=False)
    assert take_pair_away(server)
    assert server.leftovers == (set(), set(), False)
    dropped = [name for _, name in server.calls if name.startswith(("sp_drop", "sp_remove"))]
    assert bool(dropped) == (statement == requirements.AGENT_RUNS), "procedures that such a server has not"


def test_a_pair_that_does_not_replicate_takes_the_place_of_one_that_does() -> None:
    server = former_pair()
    create_pair(server, PASSWORDS, replicates=False)
    assert server.leftovers == ({DATABASE, PASSIVE_DATABASE}, {*ACCOUNTS}, False)


def test_without_an_agent_its_jobs_are_not_asked_to_stop_and_the_pair_is_taken_away() -> None:
    """One that was killed leaves jobs that seem to run, and no order is taken any more."""
    server = answering(answering(former_pair(), requirements.AGENT_RUNS, None), agents.RUNNING, 1)
    server.running.clear()
    assert take_pair_away(server)
    assert agents.STOP not in server.told
    assert server.leftovers == (set(), set(), False)


def test_the_pair_is_taken_away_whole_and_a_second_time_finds_nothing() -> None:
    server = former_pair()
    assert take_pair_away(server)
    assert server.leftovers == (set(), set(), False)
    told = number_changes(server)
    assert not take_pair_away(server)
    assert number_changes(server) == told


def test_a_distributor_that_alone_was_left_of_the_pair_is_taken_away() -> None:
    server = Instance({"distribution"}, mark=TOKEN)
    assert take_pair_away(server)
    assert server.leftovers == (set(), set(), False)


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (Instance(answers={requirements.IN_TRANSACTION: 1}), "transaction ouverte"),
        (Instance({"distribution"}), "a déjà un Distributeur, qui n'est pas celui de la maquette"),
        (Instance({"distribution"}, mark="autre"), "un Distributeur, qui n'est pas celui de la maquette"),
        (former_pair(answers={requirements.OTHER_PUBLISHED: "compta"}), "sert aussi à la base « compta »"),
        (Instance(logins={AGENTS}), f"a déjà un compte {AGENTS} et pas de maquette"),
        (Instance(logins={"nr_reader_passif"}), "a déjà un compte nr_reader_passif et pas de maquette"),
    ],
)
def test_a_distributor_or_an_account_of_something_else_is_left_alone(server: Instance, words: str) -> None:
    for act in (
        take_pair_away,
        lambda one: create_pair(one, PASSWORDS),
        lambda one: create_pair(one, PASSWORDS, replicates=False),
    ):
        with pytest.raises(ConfigError, match=words):
            act(server)
        assert number_changes(server) == 0


@pytest.mark.parametrize("database", [DATABASE, PASSIVE_DATABASE])
def test_a_database_of_that_name_that_is_no_stand_in_is_not_taken_away(database: str) -> None:
    server = answering(Instance({database}), "SELECT OBJECT_ID(?, N'U')", None)
    with pytest.raises(ConfigError, match=f"La base « {database} » existe et n'est pas la maquette"):
        take_pair_away(server)
    assert number_changes(server) == 0


def test_an_agent_that_starts_after_its_server_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requirements, "STARTING_SECONDS", 10.0)
    server, starting = Instance(), [1, 2]
    answer = server.answer

    def start_late(text: str, asked: Any) -> object:
        if text == requirements.AGENT_RUNS and starting:
            starting.pop()
            return None
        return answer(text, asked)

    server.answer = start_late  # type: ignore[method-assign]
    create_pair(server, PASSWORDS)
    assert server.running == {"log", "dist"}


def test_what_linux_is_installed_without_is_made_before_the_distributor_and_only_where_it_is_missing() -> (
    None
):
    server = Instance()
    create_pair(server, PASSWORDS)
    types = server.find("sp_MSrepl_createdatatypemappings")
    assert "IF OBJECT_ID(N'msdb.dbo.MSdbms') IS NULL\n    EXEC" in server.told[types]
    assert types < server.find("sp_adddistributor ")


def test_a_passive_database_whose_restoring_did_not_end_is_asked_nothing_and_dropped() -> None:
    """Any procedure inside it would be refused, and the pair could not be taken away."""
    server = former_pair()
    remove_pair(server)
    inside = [one for one in server.told if "@passif" in one and "EXEC" in one]
    assert len(inside) == 1
    assert "IF DATABASEPROPERTYEX(@passif, 'Status') = N'ONLINE'" in inside[0]
    assert PASSIVE_DATABASE not in server.databases


def test_a_former_pair_is_taken_away_first_its_agents_stopped_its_distributor_too() -> None:
    server = former_pair()
    create_pair(server, PASSWORDS)
    dropped = [one for one in server.calls if one[1].startswith(("sp_drop", "sp_remove"))]
    assert dropped == [
        (DATABASE, "sp_dropsubscription"),
        (DATABASE, "sp_droppublication"),
        (DATABASE, "sp_removedbreplication"),
        ("master", "sp_dropdistpublisher"),
        ("master", "sp_dropdistributiondb"),
        ("master", "sp_dropdistributor"),
    ]
    assert server.told.index(agents.STOP) < server.find("sp_dropsubscription ")
    assert server.find("sp_dropdistributor;") < server.find(f"CREATE DATABASE {DATABASE}")
    for account in (*ACCOUNTS, AGENTS):
        made = server.find(f"N'CREATE LOGIN {account} WITH")
        assert server.told.index(f"DROP LOGIN {account}") < made


@pytest.mark.parametrize(
    ("failing", "words"),
    [
        ("RESTORE DATABASE", r"10_copie\.sql, lot de la ligne 10 : le serveur refuse"),
        ("sp_adddistributiondb", r"30_distributeur\.sql, lot de la ligne 16 : le serveur refuse"),
        ("sp_addarticle", r"40_publication\.sql, lot de la ligne 26 : le serveur refuse"),
        (agents.START, "L'agent de lecture du journal n'est pas en marche en .* s : le serveur refuse"),
    ],
)
def test_what_fails_is_named_and_nothing_is_left(failing: str, words: str) -> None:
    server = Instance(failing=failing)
    with pytest.raises(RequestFailed, match=words):
        create_pair(server, PASSWORDS)
    assert server.leftovers == (set(), set(), False)


def test_agents_that_do_not_set_the_subscriber_up_say_their_last_words() -> None:
    words = "La connexion a échoué"
    server = Instance(answers={"MSlogreader_history": words})
    unready = replication.HAS_PROCEDURES.format(active=DATABASE, passive=PASSIVE_DATABASE)
    answer = server.answer
    server.answer = lambda text, asked: None if text == unready else answer(text, asked)  # type: ignore[method-assign]
    with pytest.raises(RequestFailed, match=f"lecture du journal : {words} ; distribution : rien"):
        create_pair(server, PASSWORDS, ready_seconds=0.0)
    assert server.leftovers == (set(), set(), False)


def test_a_distributor_whose_database_is_still_in_use_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replication, "DROP_SECONDS", 10.0)
    server = former_pair()
    obey, busy = server.obey, [1, 2]

    def refuse_twice(procedure: str) -> None:
        if procedure == "sp_dropdistributiondb" and busy:
            busy.pop()
            raise RuntimeError("en cours d'utilisation")
        obey(procedure)

    server.obey = refuse_twice  # type: ignore[method-assign]
    remove_pair(server)
    assert server.leftovers == (set(), set(), False)


@pytest.mark.parametrize("name", ["aquareel", "x_maquette; DROP DATABASE y"])
def test_only_databases_that_are_called_stand_ins_are_made(name: str) -> None:
    for names in ({"active": name}, {"passive": name}):
        server = Instance()
        with pytest.raises(ConfigError, match="_maquette"):
            create_pair(server, PASSWORDS, **names)
        with pytest.raises(ConfigError, match="_maquette"):
            take_pair_away(server, **names)
        assert server.told == []


# The scripts


def test_each_procedure_is_called_where_it_must_be_with_parameters_that_it_has_and_wants() -> None:
    called = [
        (batch.script, name, set(GIVEN.findall(given)))
        for batch in list_batches(SQL_DIR)
        for name, given in CALL.findall(batch.text)
        if name != "xp_create_subdir"
    ]
    assert {name for _, name, _ in called} == set(DOCUMENTED)
    for script, name, given in called:
        required, _, optional = (set(part.split()) for part in DOCUMENTED[name].partition("|"))
        assert required <= given <= required | optional, (script, name)
    server = former_pair()
    create_pair(server, PASSWORDS)
    for database, name in server.calls:
        assert database == DATABASE or name not in ACTIVE_ONLY, name
        assert database == "master" or name not in MASTER_ONLY, name


def test_each_procedure_comes_under_the_address_of_its_page() -> None:
    for batch in list_batches(SQL_DIR):
        for name in {name for name, _ in CALL.findall(batch.text)} - {"xp_create_subdir"}:
            page = f"/system-stored-procedures/{name.replace('_', '-')}-transact-sql\n"
            if name == "sp_MSrepl_createdatatypemappings":  # has none of its own
                page = "/linux/sql-server-linux-replication-configure\n"
            assert (
                f"-- learn.microsoft.com/sql{'' if 'linux' in page else '/relational-databases'}{page}"
                in batch.text
            )


def test_every_script_is_run_one_procedure_a_batch_and_none_is_newer_than_2016() -> None:
    batches = list_batches(SQL_DIR)
    assert {batch.script for batch in batches} == {
        replication.COPY,
        replication.PASSIVE,
        replication.DISTRIBUTOR,
        replication.PUBLICATION,
        replication.SUBSCRIPTION,
        replication.DROP_PUBLICATION,
        replication.DROP_DISTRIBUTOR,
    }
    for batch in batches:
        assert len([name for name, _ in CALL.findall(batch.text) if name.startswith("sp_")]) <= 1, batch
        assert FORBIDDEN.findall(blank_hidden(batch.text)) == [], batch
        assert not re.search(r"\bTRAN(SACTION)?\b", blank_hidden(batch.text)), batch


def test_the_scripts_hold_no_password_and_name_the_accounts_that_are_made() -> None:
    text = "".join(batch.text for batch in list_batches(SQL_DIR))
    assert set(re.findall(r"password = (\S+?)[,;]", text)) == {"NULL", "@secret"}
    assert set(re.findall(r"\bnr_\w+", text)) == {READER, WRITER, *ACCOUNTS, AGENTS}
