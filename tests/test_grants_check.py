"""What an account may do is compared with its manifest: what is missing and what is beyond are named."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from sqlalchemy import create_engine

from nonreg.clients.sql import Session
from nonreg.config import Database
from nonreg.grants.effective import ask_rights
from nonreg.grants.manifest import MEMBER, SERVER, Account, Manifest, Right, Tolerated, load_manifest
from nonreg.grants.preflight import Asked, Judgement, judge_account, tell_shortly
from nonreg.grants.standing import Covering, Held

READER, WRITER = Account.READER, Account.WRITER
RIGHTS = (
    Right(READER, "ref.station", "SELECT", "", ("buffer_rows", "alarms")),
    Right(READER, SERVER, "VIEW SERVER STATE", "mssql", ("locks",)),
    Right(READER, "distribution.replmonitor", MEMBER, "mssql", ("replication_monitor",)),
    Right(READER, "dbo.syspublications", "SELECT", "mssql", ("publications",)),
    Right(WRITER, "nr.usp_battre", "EXECUTE", "", ("bench_beat",)),
)
MANIFEST = Manifest("securite", RIGHTS, tolerated=(Tolerated(READER, "SELECT", "*.*", "lecture"),))


def judge(
    *held: Held, account: Account = READER, refused: tuple[str, ...] = (), absent: tuple[str, ...] = ()
) -> Judgement:
    """The judgement when those objects are refused or absent, and that is held."""
    mine = [right for right in MANIFEST.on("mssql") if right.account is account]
    asked = [
        Asked(right, right.object not in absent, right.object not in (*refused, *absent)) for right in mine
    ]
    return judge_account(MANIFEST, "mssql", account, f"nr_{account}", asked, held)


NEEDED = (Held("object", "ref.station", "SELECT"), Held("server", SERVER, "VIEW SERVER STATE"))


def test_an_account_that_may_do_what_it_must_and_no_more_is_right() -> None:
    assert judge(*NEEDED) == Judgement()
    assert judge(*NEEDED).is_right


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("ref.station", "nr_reader ne peut pas lire ref.station : SELECT manque (pour alarms, buffer_rows)."),
        (SERVER, "nr_reader n'a pas VIEW SERVER STATE sur le serveur (pour locks)."),
        (
            "distribution.replmonitor",
            "nr_reader n'est pas membre du rôle distribution.replmonitor (pour replication_monitor).",
        ),
    ],
)
def test_each_missing_right_is_one_sentence_that_says_what_for(name: str, sentence: str) -> None:
    assert judge(refused=(name,)).missing == (sentence,)
    assert not judge(refused=(name,)).is_right


def test_a_replication_table_that_is_not_on_this_site_is_not_missing() -> None:
    assert judge(absent=("dbo.syspublications",)).missing == ()
    assert len(judge(refused=("dbo.syspublications",)).missing) == 1


def test_any_other_absent_object_is_missing_and_the_sentence_says_so() -> None:
    assert judge(absent=("ref.station",)).missing == (
        "nr_reader ne peut pas lire ref.station : SELECT manque (pour alarms, buffer_rows) ; "
        "l'objet est absent, ou le compte n'y a aucun droit.",
    )


def test_rights_in_a_distribution_database_on_another_server_are_told_apart() -> None:
    judgement = judge(absent=("distribution.replmonitor",))
    assert judgement.is_right
    assert judgement.unseen == ("1 droit dans la base distribution, qui n'est pas sur ce serveur.",)
    assert judge().unseen == ()


SPARE = Manifest(
    "securite",
    (
        Right(READER, "prod.mesure", "SELECT"),
        Right(READER, SERVER, "VIEW SERVER STATE", "mssql"),
        Right(READER, "distribution.dbo.MSrepl_commands", "SELECT", "mssql", (), ("xact_seqno",)),
    ),
)


def judge_spare(*held: Held, account: Account = READER) -> Judgement:
    """The judgement of what nothing here needs: it is not asked for."""
    assert SPARE.on("mssql") == ()
    return judge_account(SPARE, "mssql", account, "r", (), held)


def test_what_the_manifest_lists_for_the_scenarios_of_other_folders_may_be_held() -> None:
    held = (
        Held("object", "Prod.Mesure", "SELECT"),
        Held("server", SERVER, "VIEW SERVER STATE"),
        Held("database", "DATABASE", "VIEW DATABASE STATE"),
        Held("column", "distribution.dbo.MSrepl_commands", "SELECT", "xact_seqno", "distribution"),
    )
    judgement = judge_spare(*held)
    assert judgement.is_right
    assert len(judgement.tolerated) == len(held)


@pytest.mark.parametrize(
    ("held", "account"),
    [
        (Held("object", "prod.mesure", "UPDATE"), READER),
        (Held("object", "prod.mesure", "SELECT"), WRITER),
        (Held("object", "distribution.dbo.MSrepl_commands", "SELECT", "", "distribution"), READER),
        (Held("column", "distribution.dbo.MSrepl_commands", "SELECT", "command", "distribution"), READER),
    ],
)
def test_and_nothing_more_than_it_lists(held: Held, account: Account) -> None:
    assert len(judge_spare(held, account=account).beyond) == 1


MSDB = Right(READER, "msdb.dbo.sysjobs", "SELECT", "mssql", ("agent_jobs",))
HISTORY = Right(
    READER, "distribution.dbo.MSdistribution_history", "SELECT", "mssql", ("distribution_history",)
)
ELSEWHERE = (MSDB, HISTORY, RIGHTS[2])
SERVERS = Database(
    "mssql", "srv-a", 1433, "AQUAREEL", "r", "AQ_READER_PASSWORD", "w", "AQ_WRITER_PASSWORD", 5.0, 30.0
)


def judge_doors(*held: Held) -> Judgement:
    """The judgement of rights in other databases; of those that the account may not enter nothing is asked."""
    with create_engine("sqlite://").connect() as unasked:
        asked = tuple(ask_rights(Session(unasked, SERVERS, "SITE-A"), ELSEWHERE, held))
    return judge_account(Manifest("securite", ELSEWHERE), "mssql", READER, "r", asked, held)


def test_rights_in_a_database_that_is_there_but_closed_to_the_account_are_missing() -> None:
    closed = judge_doors(*(Held("elsewhere", name, "REFUSED") for name in ("distribution", "msdb")))
    assert closed.unseen == ()
    assert sorted(closed.missing) == [
        "r n'est pas membre du rôle distribution.replmonitor (pour replication_monitor).",
        "r ne peut pas lire distribution.dbo.MSdistribution_history : SELECT manque (pour distribution_history).",
        "r ne peut pas lire msdb.dbo.sysjobs : SELECT manque (pour agent_jobs).",
    ]


def test_rights_in_a_distribution_database_that_no_server_has_here_are_not_missing() -> None:
    away = judge_doors(Held("elsewhere", "msdb", "REFUSED"))
    assert away.unseen == ("2 droits dans la base distribution, qui n'est pas sur ce serveur.",)
    assert away.missing == ("r ne peut pas lire msdb.dbo.sysjobs : SELECT manque (pour agent_jobs).",)


@pytest.mark.parametrize(
    ("held", "sentence"),
    [
        (
            [Held("object", "ref.site", "UPDATE"), Held("object", "ref.site", "INSERT")],
            "nr_writer peut ajouter et modifier ref.site (INSERT, UPDATE), ce que son manifeste ne prévoit pas.",
        ),
        (
            [
                Held("column", "ref.site", "UPDATE", "sit_code"),
                Held("column", "ref.site", "UPDATE", "sit_role"),
            ],
            "nr_writer peut modifier ref.site, colonne sit_code, sit_role (UPDATE), ce que son manifeste ne prévoit "
            "pas.",
        ),
        (
            [Held("object", "cfg.usp_purge", "EXECUTE")],
            "nr_writer peut exécuter cfg.usp_purge (EXECUTE), ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("object", "ref.site", "TAKE OWNERSHIP")],
            "nr_writer peut disposer de ref.site (TAKE OWNERSHIP), ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("schema", "ref", "ALTER")],
            "nr_writer a ALTER sur le schéma ref, ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("database", "DATABASE", "CREATE TABLE")],
            "nr_writer a CREATE TABLE sur la base, ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("server", SERVER, "ALTER ANY LOGIN")],
            "nr_writer a ALTER ANY LOGIN sur le serveur, ce que son manifeste ne prévoit pas.",
        ),
        ([Held("server role", "sysadmin", MEMBER)], "nr_writer est membre du rôle de serveur sysadmin."),
        ([Held("role", "db_owner", MEMBER)], "nr_writer est membre du rôle db_owner."),
        ([Held("user", "dbo", "IMPERSONATE")], "nr_writer peut agir sous l'identité de dbo (IMPERSONATE)."),
        ([Held("elsewhere", "PAIE", "CONNECT")], "nr_writer a accès à la base PAIE."),
        (
            [Held("role", "msdb.SQLAgentOperatorRole", MEMBER, database="msdb")],
            "nr_writer est membre du rôle msdb.SQLAgentOperatorRole.",
        ),
        (
            [Held("object", "msdb.dbo.sysjobsteps", "SELECT", database="msdb")],
            "nr_writer peut lire msdb.dbo.sysjobsteps (SELECT), ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("database", "DATABASE", "SELECT", database="distribution")],
            "nr_writer a SELECT sur la base distribution, ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("object", "master.sys.xp_cmdshell", "EXECUTE", database="master")],
            "nr_writer peut exécuter master.sys.xp_cmdshell (EXECUTE), ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("server", SERVER, "VIEW ANY SECURITY DEFINITION")],
            "nr_writer a VIEW ANY SECURITY DEFINITION sur le serveur, ce que son manifeste ne prévoit pas.",
        ),
        (
            [Held("other", "endpoint 65536", "ALTER")],
            "nr_writer a ALTER sur endpoint 65536, ce que son manifeste ne prévoit pas.",
        ),
    ],
)
def test_each_thing_beyond_the_manifest_is_one_sentence(held: list[Held], sentence: str) -> None:
    assert judge(*held, account=WRITER).beyond == (sentence,)


def test_reading_more_is_tolerated_for_the_reader_only_and_never_for_the_accounts() -> None:
    more = Held("object", "prod.mesure", "SELECT")
    assert judge(more).is_right
    assert judge(more).tolerated == ("nr_reader : SELECT sur prod.mesure",)
    assert judge(more, account=WRITER).beyond != ()
    for accounts in (
        Held("object", "securite.utilisateur", "SELECT"),
        Held("column", "Securite.utilisateur", "SELECT"),
    ):
        assert len(judge(accounts).beyond) == 1


def test_writing_in_a_table_that_it_may_read_is_beyond() -> None:
    assert len(judge(*NEEDED, Held("object", "ref.station", "UPDATE")).beyond) == 1


def test_a_needed_right_brings_the_weaker_one_without_a_word() -> None:
    assert judge(*NEEDED, Held("database", "DATABASE", "VIEW DATABASE STATE")).is_right
    assert not judge(Held("database", "DATABASE", "VIEW DEFINITION")).is_right


@pytest.mark.parametrize(
    "power",
    [
        Held("server role", "sysadmin", MEMBER),
        Held("server", SERVER, "CONTROL SERVER"),
        Held("role", "db_owner", MEMBER),
        Held("database", "DATABASE", "CONTROL"),
        Held("server", SERVER, "SUPERUSER"),
    ],
)
def test_an_all_powerful_account_is_told_once_and_not_object_by_object(power: Held) -> None:
    rest = [Held("object", f"ref.t{number}", "DELETE") for number in range(50)]
    assert (
        len(judge(power, *rest, Held("schema", "ref", "ALTER"), Held("user", "dbo", "IMPERSONATE")).beyond)
        == 1
    )


def test_a_power_over_the_server_tells_of_its_roles_and_databases_too() -> None:
    follows = [
        Held("role", "db_owner", MEMBER),
        Held("login", "sa", "IMPERSONATE"),
        Held("elsewhere", "PAIE", "CONNECT"),
    ]
    assert judge(Held("server role", "sysadmin", MEMBER), *follows).beyond == (
        "nr_reader est membre du rôle de serveur sysadmin.",
    )
    assert len(judge(*follows).beyond) == 3


def test_databases_of_the_server_itself_and_closed_ones_are_no_excess() -> None:
    held = [Held("elsewhere", name, "CONNECT") for name in ("master", "tempdb", "msdb", "distribution")]
    assert judge(*held, Held("elsewhere", "PAIE", "REFUSED")).is_right


def test_a_judgement_is_told_in_one_clause_that_counts_what_it_does_not_name() -> None:
    assert tell_shortly(Judgement(("a ne peut pas lire b.",), ())) == "manque : a ne peut pas lire b"
    many = tuple(f"m{number}." for number in range(5))
    assert tell_shortly(Judgement(many, ("x.",))) == (
        "manque : m0 ; m1 ; m2 ; et 2 autres (python -m nonreg grants --check) ; en trop : x"
    )


SCOPES = st.sampled_from(
    ["server", "database", "schema", "object", "column", "role", "server role", "user", "login"]
)
PRIVILEGES = st.sampled_from(["SELECT", "INSERT", "UPDATE", "DELETE", "EXECUTE", "CONTROL", "ALTER", MEMBER])
NAMES = st.sampled_from(
    ["ref.station", "ref.site", "securite.utilisateur", "nr.usp_battre", "db_owner", "ref"]
)


@given(st.lists(st.builds(Held, SCOPES, NAMES, PRIVILEGES), max_size=8), st.sampled_from(Account))
def test_nothing_beyond_is_ever_passed_over(held: list[Held], account: Account) -> None:
    needed = {(right.object, right.right) for right in MANIFEST.on("mssql") if right.account is account}
    judgement = judge(*held, account=account)
    for one in held:
        excused = one.scope == "object" and (one.object, one.privilege) in needed
        of_reading = (
            account is READER and one.privilege == "SELECT" and one.scope in ("object", "column", "role")
        )
        tolerated = of_reading and "." in one.object and not one.object.startswith("securite.")
        if not excused and not tolerated:
            assert not judgement.is_right


def test_the_shipped_manifest_tolerates_no_writing_and_nothing_on_sql_server() -> None:
    tolerated = load_manifest().tolerated
    assert {one.engine for one in tolerated} == {"postgresql"}
    kinds = {(one.right, one.object) for one in tolerated}
    assert {right for right, _ in kinds} <= {"SELECT", "EXECUTE", MEMBER}
    assert {name for right, name in kinds if right == "EXECUTE"} == {
        "nr.*",
        "ha.usp_etat",
        "ha.usp_mandat",
    }
    assert {name for right, name in kinds if right == MEMBER} == {"pg_read_all_s*", "pg_stat_scan_tables"}


def test_what_one_engine_tolerates_the_other_does_not() -> None:
    only = Tolerated(WRITER, "SELECT", "*.*", "lecture", "postgresql")
    manifest = dataclasses.replace(MANIFEST, tolerated=(only,))
    held = [Held("object", "prod.mesure", "SELECT")]
    assert judge_account(manifest, "postgresql", WRITER, "w", [], held).is_right
    assert not judge_account(manifest, "mssql", WRITER, "w", [], held).is_right


# As Microsoft's page of the hierarchy has it, for 2022: what is finer comes with what is there since 2016.
COVERINGS = frozenset(
    {
        Covering("server", "VIEW SERVER STATE", "server", "CONTROL SERVER"),
        Covering("server", "VIEW SERVER PERFORMANCE STATE", "server", "VIEW SERVER STATE"),
        Covering("database", "VIEW DATABASE STATE", "server", "VIEW SERVER STATE"),
        Covering("database", "VIEW DATABASE PERFORMANCE STATE", "database", "VIEW DATABASE STATE"),
        Covering("database", "SELECT", "database", "CONTROL"),
        Covering("schema", "SELECT", "database", "SELECT"),
        Covering("object", "SELECT", "schema", "SELECT"),
        Covering("schema", "UPDATE", "database", "UPDATE"),
        Covering("object", "UPDATE", "schema", "UPDATE"),
    }
)


def judge_covered(*held: Held, tolerated: tuple[Tolerated, ...] = ()) -> Judgement:
    """The reader's judgement where rights come with others."""
    manifest = dataclasses.replace(MANIFEST, tolerated=tolerated)
    return judge_account(manifest, "mssql", READER, "r", [], held, COVERINGS)


def test_what_a_needed_right_brings_is_not_beyond_whatever_the_version_calls_it() -> None:
    finer = (
        Held("server", SERVER, "VIEW SERVER PERFORMANCE STATE"),
        Held("database", "DATABASE", "VIEW DATABASE PERFORMANCE STATE"),
        Held("database", "DATABASE", "VIEW DATABASE STATE"),
        Held("database", "DATABASE", "VIEW DATABASE STATE", database="msdb"),
    )
    assert judge_covered(Held("server", SERVER, "VIEW SERVER STATE"), *finer).beyond == ()
    assert len(judge_covered(Held("server", SERVER, "VIEW SERVER PERFORMANCE STATE")).beyond) == 1


def test_a_right_beyond_is_told_once_and_not_with_all_that_it_brings() -> None:
    objects = [Held("object", f"ref.t{number}", "UPDATE") for number in range(50)]
    assert judge_covered(
        Held("database", "DATABASE", "UPDATE"), Held("schema", "ref", "UPDATE"), *objects
    ).beyond == ("r a UPDATE sur la base, ce que son manifeste ne prévoit pas.",)
    assert judge_covered(Held("schema", "ref", "UPDATE"), Held("object", "prod.t", "UPDATE")).beyond == (
        "r peut modifier prod.t (UPDATE), ce que son manifeste ne prévoit pas.",
        "r a UPDATE sur le schéma ref, ce que son manifeste ne prévoit pas.",
    )


def test_a_needed_right_on_one_object_excuses_no_wider_one() -> None:
    assert judge_covered(Held("schema", "ref", "SELECT"), Held("object", "ref.station", "SELECT")).beyond == (
        "r a SELECT sur le schéma ref, ce que son manifeste ne prévoit pas.",
    )


def test_columns_that_are_needed_do_not_excuse_the_whole_table() -> None:
    name = "msdb.dbo.sysjobsteps"
    right = Right(READER, name, "SELECT", "mssql", ("x",), ("step_id", "job_id"))
    manifest = Manifest("securite", (right,))

    def judge_columns(*held: Held) -> tuple[str, ...]:
        return judge_account(manifest, "mssql", READER, "r", [], held).beyond

    columns = [Held("column", name, "SELECT", column, "msdb") for column in ("job_id", "step_id")]
    assert judge_columns(*columns) == ()
    assert judge_columns(*columns, Held("column", name, "SELECT", "command", "msdb")) == (
        f"r peut lire {name}, colonne command (SELECT), ce que son manifeste ne prévoit pas.",
    )
    assert judge_columns(Held("object", name, "SELECT", database="msdb")) == (
        f"r peut lire {name} (SELECT), ce que son manifeste ne prévoit pas.",
    )
    lacking = Asked(right, True, False, ("step_id",))
    assert judge_account(manifest, "mssql", READER, "r", [lacking], []).missing == (
        f"r ne peut pas lire {name} (step_id) : SELECT manque (pour x).",
    )


def test_names_that_differ_by_their_case_are_the_same() -> None:
    assert judge_covered(Held("object", "Ref.STATION", "SELECT")).beyond == ()


def test_the_owner_of_another_database_is_told_once_for_that_one_alone() -> None:
    told = judge_covered(
        Held("role", "msdb.db_owner", MEMBER, database="msdb"),
        Held("database", "DATABASE", "CONTROL", database="msdb"),
        Held("object", "msdb.dbo.sysjobs", "DELETE", database="msdb"),
        Held("object", "ref.site", "DELETE"),
    ).beyond
    assert told == (
        "r a CONTROL sur la base msdb, ce que son manifeste ne prévoit pas.",
        "r peut supprimer ref.site (DELETE), ce que son manifeste ne prévoit pas.",
        "r est membre du rôle msdb.db_owner.",
    )


def test_the_grant_option_of_a_needed_right_is_beyond() -> None:
    assert judge_covered(Held("object", "ref.station", "SELECT WITH GRANT OPTION")).beyond != ()


HELD = st.builds(
    Held,
    st.sampled_from(["server", "database", "schema", "object", "column"]),
    st.sampled_from([SERVER, "DATABASE", "ref", "ref.station", "securite", "securite.utilisateur"]),
    st.sampled_from(["SELECT", "UPDATE", "CONTROL"]),
    st.sampled_from(["", "a"]),
    st.sampled_from(["", "msdb"]),
)
SCOPE = st.sampled_from(["server", "database", "schema", "object"])
PRIVILEGE = st.sampled_from(["SELECT", "UPDATE", "CONTROL"])
COVERS = st.frozensets(st.builds(Covering, SCOPE, PRIVILEGE, SCOPE, PRIVILEGE), max_size=12)
CIRCLE = frozenset(
    {
        Covering("object", "SELECT", "object", "UPDATE"),
        Covering("object", "UPDATE", "object", "SELECT"),
        Covering("object", "CONTROL", "object", "CONTROL"),
    }
)


@given(st.lists(HELD, min_size=1, max_size=8), COVERS)
@example([Held("object", "ref.a", "SELECT"), Held("object", "ref.a", "UPDATE")], CIRCLE)
@example([Held("object", "ref.a", "CONTROL")], CIRCLE)
def test_what_is_not_needed_is_told_whatever_comes_with_what(
    held: list[Held], coverings: frozenset[Covering]
) -> None:
    nothing = Manifest("securite", ())
    assert judge_account(nothing, "mssql", READER, "r", [], held, coverings).beyond != ()


@given(st.lists(HELD, max_size=8), COVERS)
def test_nothing_of_the_accounts_is_tolerated_through_what_is(
    held: list[Held], coverings: frozenset[Covering]
) -> None:
    everything = tuple(Tolerated(READER, right, "*", "essai") for right in ("SELECT", "UPDATE", "CONTROL"))
    tolerant = Manifest("securite", (), tolerated=everything)
    for one in held:
        if one.object.startswith("securite") and one.scope in ("object", "column"):
            assert not judge_account(tolerant, "mssql", READER, "r", [], held, coverings).is_right
