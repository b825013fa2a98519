"""The check against the embedded platform, and the proof by real attempts that the two accounts can do no more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from nonreg.__main__ import main
from nonreg.clients.sql import open_session
from nonreg.commands import EXIT_INCOMPLETE, EXIT_OK
from nonreg.config import Platform, load_platform
from nonreg.grants.effective import check_account, name_user, read_held
from nonreg.grants.manifest import Account, load_manifest
from nonreg.model import SiteRole
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, DATABASE, Layout

MANIFEST = load_manifest()
REFUSED = "42501"  # insufficient_privilege
SCHEMAS = ("ref", "tampon", "prod", "evt", "cfg", "ha", "nr", "securite")
# None of them may leave anything behind: they are tried in a transaction that is never committed.
POWERS = (
    *(f"CREATE TABLE {schema}.essai (a integer)" for schema in (*SCHEMAS, "public")),
    "CREATE TEMPORARY TABLE essai (a integer)",
    "CREATE SCHEMA essai",
    "CREATE ROLE essai SUPERUSER",
    "ALTER TABLE ref.station ADD COLUMN essai integer",
    "DROP TABLE ref.station",
    "DROP FUNCTION nr.usp_nettoyer",
    "ALTER TABLE ref.capteur DISABLE TRIGGER ALL",
    "CREATE INDEX essai ON ref.station (sta_libelle)",
    "GRANT pg_write_all_data TO nr_writer",
    "ALTER ROLE nr_writer SUPERUSER",
    "ALTER ROLE aquareel_app PASSWORD 'x'",
    "SET ROLE aquareel_app",
    "SET ROLE replicateur",
    "SET SESSION AUTHORIZATION aquareel_app",
    "COPY ref.station TO PROGRAM 'cat'",
    "COPY ref.station FROM '/etc/hostname'",
    "SELECT pg_read_file('/etc/hostname')",
    "SELECT lo_import('/etc/hostname')",
    "SELECT pg_create_logical_replication_slot('essai', 'pgoutput')",
    "SELECT pg_reload_conf()",
    "SELECT * FROM pg_authid",
    "SELECT uti_mot_de_passe FROM securite.utilisateur",
    "SELECT count(*) FROM securite.utilisateur",
    "SELECT nextval('nr.seq_station')",
)
OUT_OF_TRANSACTION = ("ALTER SYSTEM SET work_mem = '64MB'", "CREATE DATABASE essai")


@pytest.fixture
def platform(sandbox: Layout) -> Platform:
    return load_platform(str(sandbox.platform_file))


@pytest.fixture
def admin(sandbox: Layout) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres.admin_dsn(sandbox, ACTIVE, DATABASE), autocommit=True) as connection:
        yield connection


@contextmanager
def connect(platform: Platform, account: Account) -> Iterator[psycopg.Connection]:
    """A connection of the account's own, whose transactions may write: what refuses is then a right, and no setting."""
    database = platform.site(SiteRole.ACTIF).database
    assert database is not None
    variable = database.reader_password_env if account is Account.READER else database.writer_password_env
    with psycopg.connect(
        host=database.host,
        port=database.port,
        dbname=database.name,
        user=name_user(database, account),
        password=platform.secret(variable).reveal(),
        options="-c default_transaction_read_only=off",
    ) as connection:
        yield connection


def attempt(connection: psycopg.Connection, statement: str) -> str:
    """The server's code for its refusal, empty when it let it be; whatever it did is undone."""
    try:
        connection.execute(statement)  # type: ignore[call-overload]
    except psycopg.Error as error:
        return error.sqlstate or "?"
    finally:
        connection.rollback()
    return ""


def list_tables(admin: psycopg.Connection) -> list[tuple[str, str]]:
    """Every table of the application with its first column that may be set."""
    rows = admin.execute(
        "SELECT n.nspname || '.' || c.relname, min(a.attname) FILTER (WHERE a.attgenerated = '') "
        "FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
        "WHERE c.relkind IN ('r', 'p') AND n.nspname = ANY (%s) GROUP BY 1 ORDER BY 1",
        [list(SCHEMAS)],
    ).fetchall()
    return [(str(table), str(column)) for table, column in rows]


def list_functions(admin: psycopg.Connection) -> list[tuple[str, str]]:
    """Every function that can be called, with a call whose parameters are all NULL."""
    rows = admin.execute(
        "SELECT n.nspname || '.' || p.proname, 'SELECT ' || n.nspname || '.' || p.proname || '(' || "
        "COALESCE((SELECT string_agg('NULL::' || format_type(t, NULL), ', ') FROM unnest(p.proargtypes) t), '') || ')' "
        "FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace "
        "WHERE n.nspname = ANY (%s) AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype) ORDER BY 1",
        [list(SCHEMAS)],
    ).fetchall()
    return [(str(name), str(call)) for name, call in rows]


@pytest.mark.parametrize("account", Account)
def test_the_embedded_accounts_may_do_exactly_what_their_manifest_says(
    platform: Platform, account: Account
) -> None:
    for role in (SiteRole.ACTIF, SiteRole.PASSIF):
        judgement = check_account(platform, platform.site(role), account, MANIFEST)
        assert (judgement.missing, judgement.beyond) == ((), ())


def test_the_check_says_so_and_ends_well(sandbox: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grants", "--platform", str(sandbox.platform_file), "--check"]) == EXIT_OK
    told = capsys.readouterr().out.splitlines()
    assert len(told) == 4
    assert all("exactement ce qu'il faut" in line for line in told)


@pytest.mark.parametrize("account", Account)
def test_neither_account_can_write_in_any_table(
    platform: Platform, admin: psycopg.Connection, account: Account
) -> None:
    tables = list_tables(admin)
    assert len(tables) > 20
    with connect(platform, account) as connection:
        for table, column in tables:
            for statement in (
                f"INSERT INTO {table} DEFAULT VALUES",
                f"UPDATE {table} SET {column} = {column} WHERE false",
                f"DELETE FROM {table} WHERE false",
                f"TRUNCATE {table}",
                f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE",
            ):
                assert attempt(connection, statement) == REFUSED, statement


@pytest.mark.parametrize("account", Account)
def test_neither_account_can_call_what_its_manifest_does_not_name(
    platform: Platform, admin: psycopg.Connection, account: Account
) -> None:
    rights = {right.object for right in MANIFEST.on("postgresql") if right.account is account}
    refused = 0
    with connect(platform, account) as connection:
        for name, call in list_functions(admin):
            reads = name.split(".")[1].startswith("tvf_")
            right = "SELECT" if reads else "EXECUTE"
            allowed = name in rights or any(
                one.engine in ("", "postgresql") and one.covers(account, name, right)
                for one in MANIFEST.tolerated
            )
            if not allowed:
                assert attempt(connection, call) == REFUSED, call
                refused += 1
    assert refused > 10


@pytest.mark.parametrize("account", Account)
def test_neither_account_has_any_power(platform: Platform, account: Account) -> None:
    with connect(platform, account) as connection:
        for statement in POWERS:
            assert attempt(connection, statement) == REFUSED, statement
    with connect(platform, account) as connection:
        connection.autocommit = True
        for statement in OUT_OF_TRANSACTION:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)  # type: ignore[call-overload]


@pytest.mark.parametrize("account", Account)
def test_each_account_can_read_what_its_manifest_names(platform: Platform, account: Account) -> None:
    with connect(platform, account) as connection:
        for right in MANIFEST.on("postgresql"):
            if right.account is account and right.right == "SELECT" and ".tvf_" not in right.object:
                assert attempt(connection, f"SELECT 1 FROM {right.object} LIMIT 1") == "", right


@pytest.mark.parametrize(
    ("change", "back", "sentence"),
    [
        (
            "REVOKE SELECT ON ref.capteur FROM nr_reader",
            "GRANT SELECT ON ref.capteur TO nr_reader",
            "manque : nr_reader ne peut pas lire ref.capteur : SELECT manque (pour APP-004,",
        ),
        (
            "REVOKE EXECUTE ON FUNCTION nr.usp_battre FROM nr_writer",
            "GRANT EXECUTE ON FUNCTION nr.usp_battre TO nr_writer",
            "manque : nr_writer ne peut pas exécuter nr.usp_battre : EXECUTE manque (pour HD-005, HD-012, HD-013b,",
        ),
        (
            "REVOKE pg_monitor FROM nr_reader",
            "GRANT pg_monitor TO nr_reader",
            "manque : nr_reader n'est pas membre du rôle pg_monitor (pour HD-003, HD-004,",
        ),
        (
            "GRANT UPDATE ON ref.station TO nr_writer",
            "REVOKE UPDATE ON ref.station FROM nr_writer",
            "en trop : nr_writer peut modifier ref.station (UPDATE), ce que son manifeste ne prévoit pas.",
        ),
        (
            "GRANT UPDATE (sta_libelle) ON ref.station TO nr_reader",
            "REVOKE UPDATE (sta_libelle) ON ref.station FROM nr_reader",
            "en trop : nr_reader peut modifier ref.station, colonne sta_libelle (UPDATE), ce que",
        ),
        (
            "GRANT EXECUTE ON FUNCTION cfg.usp_purge TO nr_writer",
            "REVOKE EXECUTE ON FUNCTION cfg.usp_purge FROM nr_writer",
            "en trop : nr_writer peut exécuter cfg.usp_purge (EXECUTE), ce que son manifeste ne prévoit pas.",
        ),
        (
            "GRANT USAGE ON SCHEMA securite TO nr_reader; GRANT SELECT ON securite.utilisateur TO nr_reader",
            "REVOKE SELECT ON securite.utilisateur FROM nr_reader; REVOKE USAGE ON SCHEMA securite FROM nr_reader",
            "en trop : nr_reader peut lire securite.utilisateur (SELECT), ce que son manifeste ne prévoit pas.",
        ),
        (
            "GRANT CREATE ON SCHEMA prod TO nr_writer",
            "REVOKE CREATE ON SCHEMA prod FROM nr_writer",
            "en trop : nr_writer a CREATE sur le schéma prod, ce que son manifeste ne prévoit pas.",
        ),
        (
            "GRANT aquareel_app TO nr_writer",
            "REVOKE aquareel_app FROM nr_writer",
            "en trop : nr_writer peut agir sous l'identité de aquareel_app (IMPERSONATE).",
        ),
        (
            "ALTER ROLE nr_writer SUPERUSER",
            "ALTER ROLE nr_writer NOSUPERUSER",
            "en trop : nr_writer a SUPERUSER sur le serveur, ce que son manifeste ne prévoit pas.",
        ),
    ],
    ids=lambda value: value.split(" ON ")[0].split(" TO ")[0] if value.isascii() else "",
)
def test_a_right_that_is_taken_or_added_is_named_and_the_exit_code_says_so(
    sandbox: Layout,
    admin: psycopg.Connection,
    capsys: pytest.CaptureFixture[str],
    change: str,
    back: str,
    sentence: str,
) -> None:
    admin.execute(change)  # type: ignore[call-overload]
    try:
        code = main(["grants", "--platform", str(sandbox.platform_file), "--check"])
    finally:
        admin.execute(back)  # type: ignore[call-overload]
    assert code == EXIT_INCOMPLETE
    assert f"  {sentence}" in capsys.readouterr().out


def test_what_the_database_tells_is_what_it_refuses(platform: Platform) -> None:
    """The catalog's answer and a real attempt agree, object by object."""
    site = platform.site(SiteRole.ACTIF)
    with open_session(platform, site, "writer") as session:
        held = {
            one.object for one in read_held(session) if one.scope == "object" and one.privilege == "SELECT"
        }
    with connect(platform, Account.WRITER) as connection:
        for name in ("ref.station", "prod.mesure", "securite.utilisateur", "nr.marque"):
            readable = attempt(connection, f"SELECT 1 FROM {name} LIMIT 1") == ""
            assert readable is (name in held), name
