"""The T-SQL of the rights: minimal, each once, in a fixed order, without a password."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.grants.manifest import (
    DATABASE,
    DATABASE_RIGHTS,
    IMPLIED,
    MEMBER,
    OBJECT_RIGHTS,
    SERVER,
    SERVER_RIGHTS,
    Account,
    Manifest,
    Right,
    leave_out_implied,
    load_manifest,
)
from nonreg.grants.script import Users, write_script

USERS = Users({Account.READER: "nr_reader", Account.WRITER: "nr_writer"}, "AQUAREEL")
GRANT = re.compile(
    r"^\s*GRANT (?P<right>[A-Z ]+?)(?: ON OBJECT::(?P<object>\S+)(?: \((?P<columns>[^)]+)\))?)? TO \[(?P<user>\w+)\];$",
    re.MULTILINE,
)
ADD = re.compile(r"ALTER ROLE \[(?P<role>\w+)\] ADD MEMBER \[(?P<user>\w+)\];")

SCHEMAS = st.sampled_from(["ref", "prod", "msdb.dbo", "distribution.dbo", "dbo"])
WORDS = st.from_regex(r"[a-zA-Z_][a-z0-9_$#]{0,6}", fullmatch=True)
OBJECTS = st.tuples(
    st.builds("{}.{}".format, SCHEMAS, WORDS), st.sampled_from(OBJECT_RIGHTS)
) | st.sampled_from(
    [(SERVER, one) for one in SERVER_RIGHTS]
    + [(DATABASE, one) for one in DATABASE_RIGHTS]
    + [("distribution.replmonitor", MEMBER)]
)
RIGHTS = st.lists(
    st.builds(
        lambda account, thing, engine, users: Right(account, *thing, engine, users),
        st.sampled_from(Account),
        OBJECTS,
        st.sampled_from(["", "mssql", "postgresql"]),
        st.lists(WORDS, min_size=1, max_size=6, unique=True).map(tuple),
    ),
    max_size=25,
)


def read_script(script: str) -> list[tuple[str, str, str]]:
    """User, right and object of every order of a script, in the manifest's words."""
    found, where = [], ""
    for batch in script.split("\nGO\n"):
        used = re.search(r"^USE \[(\w+)\];$", batch, re.MULTILINE)
        where = (SERVER if used[1] == "master" else DATABASE) if used else where
        inner = re.search(r"EXEC \[(\w+)\]\.sys\.sp_executesql N'(.*)';", batch, re.DOTALL)
        database = f"{inner[1]}." if inner else ""
        text = inner[2].replace("''", "'") if inner else batch
        for order in GRANT.finditer(text):
            name = (order["object"] or "").replace("[", "").replace("]", "")
            found.append((order["user"], order["right"], database + name if name else where))
        found += [(order["user"], MEMBER, database + order["role"]) for order in ADD.finditer(text)]
    return found


@given(RIGHTS)
def test_every_right_stands_once_and_nothing_else_does(rights: list[Right]) -> None:
    manifest = Manifest("securite", tuple(rights))
    wanted = {
        (USERS.names[right.account], right.right, right.object)
        for right in leave_out_implied(manifest.on("mssql"))
    }
    found = read_script(write_script(manifest, USERS))
    assert len(found) == len(set(found))
    assert set(found) == wanted


@given(RIGHTS, st.randoms())
def test_the_order_of_the_manifest_does_not_count(rights: list[Right], mixed: random.Random) -> None:
    shuffled = list(rights)
    mixed.shuffle(shuffled)
    assert write_script(Manifest("securite", tuple(shuffled)), USERS) == write_script(
        Manifest("securite", tuple(rights)), USERS
    )


@given(RIGHTS)
def test_what_another_right_brings_is_not_given_apart(rights: list[Right]) -> None:
    given_rights = {right.key for right in leave_out_implied(Manifest("securite", tuple(rights)).on("mssql"))}
    for account, name, right in given_rights:
        if (name, right) in IMPLIED:
            assert (account, *IMPLIED[name, right]) not in given_rights


def test_the_shipped_script_denies_the_accounts_and_gives_no_power() -> None:
    script = write_script(load_manifest(), USERS)
    for user in USERS.names.values():
        assert f"\n        DENY SELECT ON SCHEMA::[securite] TO [{user}];\n" in script
        assert (
            f"IF DATABASE_PRINCIPAL_ID(N'{user}') IS NULL\n        CREATE USER [{user}] FOR LOGIN [{user}];"
            in script
        )
    for word in ("db_owner", "sysadmin", "[sa]", "CONTROL", "IMPERSONATE", "ALL PRIVILEGES", "db_datawriter"):
        assert word not in script
    assert not re.search(r"GRANT (INSERT|UPDATE|DELETE|ALTER)", script)
    assert not re.search(r"PASSWORD\s*=", script, re.IGNORECASE)
    assert not re.search(r"GRANT [A-Z ]+ ON SCHEMA", script)


def test_the_script_stops_doing_anything_when_the_database_is_not_the_right_one() -> None:
    for batch in write_script(load_manifest(), USERS).split("\nGO\n"):
        if "GRANT SELECT" in batch and "sp_executesql" not in batch:
            assert "IF DB_NAME() <> N'AQUAREEL'\n    SET NOEXEC ON;\nBEGIN TRY\n" in batch


def test_half_of_the_rights_is_never_given() -> None:
    """Each batch between the first and the last two does nothing without the transaction, and ends it when it fails."""
    batches = write_script(load_manifest(), USERS).split("\nGO\n")
    heading, middle, (keep, end) = batches[0], batches[1:-3], batches[-3:-1]
    assert heading.endswith(
        "IF SUSER_ID(N'nr_reader') IS NULL OR SUSER_ID(N'nr_writer') IS NULL OR DB_ID(N'AQUAREEL') IS NULL\n"
        "    SET NOEXEC ON;\nBEGIN TRANSACTION;"
    )
    assert heading.index("SET NOEXEC OFF;") < heading.index("SET NOEXEC ON;")
    assert heading.count("RAISERROR(") == 3
    changing = [batch for batch in middle if re.search(r"\b(GRANT|DENY|CREATE USER|ALTER ROLE)\b", batch)]
    assert len(changing) > 5
    for batch in middle:
        code = re.sub(r"^--.*\n|^\n", "", batch, flags=re.MULTILINE)
        if batch in changing:
            assert code.startswith("IF @@TRANCOUNT = 0\n    SET NOEXEC ON;\n")
            assert code.endswith(
                "\nEND TRY\nBEGIN CATCH\n    IF @@TRANCOUNT > 0\n        ROLLBACK TRANSACTION;\n    THROW;\nEND CATCH;"
            )
        else:
            assert re.fullmatch(r"USE \[\w+\];", code)
    assert "COMMIT TRANSACTION;" in keep
    assert keep.index("SET NOEXEC ON;") < keep.index("COMMIT TRANSACTION;")
    assert end.strip() == "SET NOEXEC OFF;\nIF @@TRANCOUNT > 0\n    ROLLBACK TRANSACTION;"


def test_a_right_on_columns_names_them() -> None:
    right = Right(Account.READER, "msdb.dbo.sysjobsteps", "SELECT", "mssql", ("x",), ("step_id", "job_id"))
    script = write_script(Manifest("securite", (right,)), USERS)
    assert "GRANT SELECT ON OBJECT::[dbo].[sysjobsteps] ([job_id], [step_id]) TO [nr_reader];" in script
    whole = Right(Account.READER, "msdb.dbo.sysjobsteps", "SELECT", "mssql", ("y",))
    assert "GRANT SELECT ON OBJECT::[dbo].[sysjobsteps] TO [nr_reader];" in write_script(
        Manifest("securite", (right, whole)), USERS
    )


def test_a_user_that_a_restored_copy_brought_is_given_its_login_again() -> None:
    script = write_script(load_manifest(), USERS)
    assert "        ALTER USER [nr_reader] WITH LOGIN = [nr_reader];" in script


def test_replication_tables_are_given_where_they_exist() -> None:
    right = Right(Account.READER, "dbo.syspublications", "SELECT", "mssql", ("publications",))
    assert (
        "    IF OBJECT_ID(N'[dbo].[syspublications]') IS NOT NULL\n"
        "        GRANT SELECT ON OBJECT::[dbo].[syspublications] TO [nr_reader];"
    ) in write_script(Manifest("securite", (right,)), USERS)


@pytest.mark.parametrize("name", ["o'brien", "a]b", "DOM\\compte", "100%"])
def test_names_are_quoted(name: str) -> None:
    users = Users({Account.READER: name, Account.WRITER: "nr_writer"}, "Base d'essai]")
    right = Right(Account.READER, "ref.station", "SELECT", "", ("x",))
    script = write_script(Manifest("securite", (right,)), users)
    bracketed = "[" + name.replace("]", "]]") + "]"
    assert f"GRANT SELECT ON OBJECT::[ref].[station] TO {bracketed};" in script
    assert "USE [Base d'essai]]];" in script
    assert "DB_NAME() <> N'Base d''essai]'" in script
    texts = re.sub(r"--[^\n]*|N'(?:[^']|'')*'|\[(?:[^\]]|\]\])*\]", "", script)
    assert "'" not in texts


def test_every_right_says_what_needs_it() -> None:
    script = write_script(load_manifest(), USERS)
    assert (
        "    -- pour bench_send\n    GRANT EXECUTE ON OBJECT::[tampon].[usp_inserer] TO [nr_writer];"
        in script
    )
