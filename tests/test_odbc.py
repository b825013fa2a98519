"""ODBC connection strings, drivers and errors, without a driver: what the driver told is kept here literally."""

from __future__ import annotations

import dataclasses
import datetime
import sqlite3
from contextlib import closing
from pathlib import Path, PurePosixPath, PureWindowsPath
from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from nonreg.clients import mssql
from nonreg.clients.odbc import (
    DEFAULT_DRIVER,
    choose_driver,
    format_keywords,
    whole_seconds,
)
from nonreg.clients.odbc_errors import (
    OdbcError,
    OdbcKind,
    classify,
    is_retriable_login,
    is_retriable_read,
    read_odbc_error,
)
from nonreg.clients.odbc_wheel import choose_library
from nonreg.clients.server_level import STATEMENT, refuse_server
from nonreg.config import Database, Odbc
from nonreg.errors import (
    AccessDenied,
    CertificateRefused,
    ConfigError,
    NonregError,
    RequestFailed,
    Thrown,
    Unreachable,
)
from tests.odbc.keywords import parse_keywords

DATABASE = Database(
    engine="mssql",
    host="srv-a",
    port=1433,
    name="AQUAREEL",
    reader_user="nr_reader",
    reader_password_env="AQ_READER_PASSWORD",
    writer_user="nr_writer",
    writer_password_env="AQ_WRITER_PASSWORD",
    login_timeout_seconds=5.0,
    query_timeout_seconds=30.0,
)
SERVER = "[Microsoft][ODBC Driver 18 for SQL Server][SQL Server]"
DRIVER = "[Microsoft][ODBC Driver 18 for SQL Server]"
LOGIN_FAILED = (
    "28000",
    f"[28000] {SERVER}Login failed for user 'nr_reader'. (18456) (SQLDriverConnect); "
    f"[28000] {SERVER}Login failed for user 'nr_reader'. (18456)",
)
# What the driver told, while connecting or not, what it means, our error, and words of the sentence.
TOLD: list[tuple[tuple[str, str], bool, OdbcKind, type[NonregError], str]] = [
    (LOGIN_FAILED, True, OdbcKind.LOGIN, AccessDenied, "vérifiez l'utilisateur et son mot de passe"),
    (
        (
            "42000",
            f"[42000] {SERVER}Login failed.  Reason: The password has expired. (18487) (SQLDriverConnect)",
        ),
        True,
        OdbcKind.PASSWORD_ENDED,
        AccessDenied,
        "a expiré",
    ),
    (
        (
            "08001",
            f"[08001] {DRIVER}SSL Provider: [error:0A000086:SSL routines::certificate verify failed:self-signed "
            f"certificate] (-1) (SQLDriverConnect); [08001] {DRIVER}Client unable to establish connection. (-1)",
        ),
        True,
        OdbcKind.CERTIFICATE,
        CertificateRefused,
        "importez son autorité de certification",
    ),
    (
        (
            "08001",
            f"[08001] {DRIVER}SSL Provider: [error:0A000102:SSL routines::unsupported protocol] (-1) "
            "(SQLDriverConnect)",
        ),
        True,
        OdbcKind.TLS,
        Unreachable,
        "n'ont pas de version ou de chiffre en commun",
    ),
    (
        (
            "08001",
            f"[08001] {DRIVER}TCP Provider: tlse-a.local: Error code 0x2749 (10061) (SQLDriverConnect)",
        ),
        True,
        OdbcKind.NO_ROUTE,
        Unreachable,
        "est injoignable",
    ),
    (
        ("ODBC SQL type -150 is not yet supported.  column-index=0  type=-150", "HY106"),
        False,
        OdbcKind.TYPE,
        RequestFailed,
        "convertissez-la (CAST)",
    ),
    (
        (
            "08001",
            f"[08001] {DRIVER}TCP Provider: Error code 0x2749 (10061) (SQLDriverConnect); "
            f"[08001] {DRIVER}Login timeout expired (0)",
        ),
        True,
        OdbcKind.NO_ROUTE,
        Unreachable,
        "est injoignable",
    ),
    (
        ("HYT00", f"[HYT00] {DRIVER}Login timeout expired (0) (SQLDriverConnect)"),
        True,
        OdbcKind.NO_ROUTE,
        Unreachable,
        "est injoignable",
    ),
    (
        ("HYT00", f"[HYT00] {DRIVER}Query timeout expired (0) (SQLExecDirectW)"),
        False,
        OdbcKind.TIMEOUT,
        Unreachable,
        "n'a pas répondu en 30 s",
    ),
    (
        ("08S01", f"[08S01] {DRIVER}TCP Provider: Error code 0x68 (104) (SQLExecDirectW)"),
        False,
        OdbcKind.LOST,
        Unreachable,
        "s'est rompue",
    ),
    (
        (
            "42000",
            f'[42000] {SERVER}Cannot open database "AQUAREEL" requested by the login. The login failed. (4060) '
            f"(SQLDriverConnect); [42000] {SERVER}Login failed for user 'nr_reader'. (18456)",
        ),
        True,
        OdbcKind.DATABASE,
        RequestFailed,
        "n'existe pas sur SITE-A",
    ),
    (
        (
            "42000",
            f"[42000] {SERVER}The SELECT permission was denied on the object 'compte', database 'AQUAREEL', schema "
            "'securite'. (229) (SQLExecDirectW)",
        ),
        False,
        OdbcKind.RIGHT,
        AccessDenied,
        "python -m nonreg grants",
    ),
    (
        (
            "01000",
            "[01000] [unixODBC][Driver Manager]Can't open lib 'x.so' : file not found (0) (SQLDriverConnect)",
        ),
        True,
        OdbcKind.DRIVER_MISSING,
        ConfigError,
        "ne se charge pas : vérifiez qu'il est installé",
    ),
    (
        ("IM002", "[IM002] [unixODBC][Driver Manager]Data source name not found (0) (SQLDriverConnect)"),
        True,
        OdbcKind.DRIVER_MISSING,
        ConfigError,
        "ne se charge pas : vérifiez qu'il est installé",
    ),
    (
        (
            "40001",
            f"[40001] {SERVER}Transaction was deadlocked and has been chosen as the victim. (1205) (SQLExecDirectW)",
        ),
        False,
        OdbcKind.DEADLOCK,
        RequestFailed,
        "interblocage",
    ),
    (
        ("42000", f"[42000] {SERVER}Lock request time out period exceeded. (1222) (SQLExecDirectW)"),
        False,
        OdbcKind.LOCKED,
        RequestFailed,
        "voyez qui le tient",
    ),
    (
        ("42000", f"[42000] {SERVER}Écart : 3 capteurs sans station (51000) (SQLExecDirectW)"),
        False,
        OdbcKind.THROWN,
        Thrown,
        "3 capteurs sans station",
    ),
    (
        (
            "25000",
            f"[25000] {SERVER}Failed to update database because the database is read-only. (3906) (SQLExecDirectW)",
        ),
        False,
        OdbcKind.READ_ONLY,
        RequestFailed,
        "lecture seule",
    ),
    (
        (
            "42000",
            f"[42000] {SERVER}The transaction log for database 'AQUAREEL' is full. (9002) (SQLExecDirectW)",
        ),
        False,
        OdbcKind.LOG_FULL,
        RequestFailed,
        "journal",
    ),
    (
        ("42S02", f"[42S02] {SERVER}Invalid object name 'ref.absent'. (208) (SQLExecDirectW)"),
        False,
        OdbcKind.OTHER,
        RequestFailed,
        "(208) : Invalid object name 'ref.absent'.",
    ),
]


@pytest.mark.parametrize(
    ("told", "connecting", "kind", "error", "words"), TOLD, ids=[f"{one[2]}-{one[0][0]}" for one in TOLD]
)
def test_each_thing_that_the_driver_tells_becomes_one_sentence_that_says_what_to_do(
    told: tuple[str, str], connecting: bool, kind: OdbcKind, error: type[NonregError], words: str
) -> None:
    found = read_odbc_error(told)
    assert classify(found, connecting=connecting) is kind
    translated = mssql.translate(Exception(*told), DATABASE, "SITE-A", connecting)
    assert type(translated) is error
    assert words in str(translated)
    assert "\n" not in str(translated)
    assert "[Microsoft]" not in str(translated)
    if isinstance(translated, Thrown):
        assert translated.words == "Écart : 3 capteurs sans station"


def test_the_first_number_that_is_not_0_says_what_happened() -> None:
    told = f"[01000] {SERVER}Changed context. (0) (SQLExecDirectW); [42000] {SERVER}Denied; (x). (229) (SQLExecDirectW)"
    assert read_odbc_error(("42000", told)) == OdbcError("42000", 229, "Denied; (x).")
    warned = f"[01000] {SERVER}Message (50000) (SQLExecDirectW); [42000] {SERVER}Refusé. (229)"
    assert read_odbc_error(("42000", warned)) == OdbcError("42000", 229, "Refusé.")
    assert read_odbc_error(()) == OdbcError("", None, "")
    assert read_odbc_error(("seul",)) == OdbcError("", None, "seul")


def test_only_reads_that_lost_and_connections_that_met_nobody_may_be_tried_again() -> None:
    kinds = {one[2]: read_odbc_error(one[0]) for one in TOLD if not one[1]}
    again = {kind for kind, error in kinds.items() if is_retriable_read(error)}
    assert again == {OdbcKind.DEADLOCK, OdbcKind.LOCKED, OdbcKind.LOST}
    connecting = [one for one in TOLD if one[1]]
    assert {one[2] for one in connecting if is_retriable_login(read_odbc_error(one[0]))} == {
        OdbcKind.NO_ROUTE
    }


def test_the_certificate_is_verified_unless_the_platform_says_otherwise() -> None:
    keywords = mssql.list_keywords(DATABASE, DEFAULT_DRIVER, "nr_reader", "x")
    assert (keywords["Encrypt"], keywords["TrustServerCertificate"]) == ("yes", "no")
    assert keywords["SERVER"] == "tcp:srv-a,1433"
    assert not {"HostnameInCertificate", "ServerCertificate"} & set(keywords)
    odbc = Odbc(encrypt="strict", trust_server_certificate=True, hostname_in_certificate="srv-a.local")
    trusting = mssql.list_keywords(dataclasses.replace(DATABASE, odbc=odbc), DEFAULT_DRIVER, "nr_reader", "x")
    assert (trusting["Encrypt"], trusting["TrustServerCertificate"]) == ("strict", "yes")
    assert trusting["HostnameInCertificate"] == "srv-a.local"


def test_a_list_is_bound_as_the_json_that_a_query_reads_and_anything_else_as_it_is() -> None:
    assert mssql.bind(["ref.station", "é"]) == '["ref.station", "\\u00e9"]'
    assert mssql.bind((3, 1)) == "[3, 1]"
    assert mssql.bind([datetime.date(2026, 3, 29)]) == '["2026-03-29"]'
    assert mssql.bind("[1]") == "[1]"
    assert mssql.bind(b"[1]") == b"[1]"


VALUES = st.text(st.characters(codec="utf-8", exclude_characters="\0"))


@given(st.dictionaries(st.sampled_from(["DRIVER", "SERVER", "DATABASE", "UID", "PWD", "APP"]), VALUES))
def test_whatever_a_value_holds_it_is_read_back_as_it_was(keywords: dict[str, str]) -> None:
    assert parse_keywords(format_keywords(keywords)) == keywords


def test_a_value_that_would_end_the_string_is_refused() -> None:
    with pytest.raises(ConfigError, match="caractère nul"):
        format_keywords({"PWD": "a\0b"})


def test_a_driver_is_found_by_name_by_file_and_in_the_package_that_carries_it(tmp_path: Path) -> None:
    file, wheel = tmp_path / "libmsodbcsql-18.5.so.1.1", tmp_path / "roue.so"
    file.touch()
    assert choose_driver("", [DEFAULT_DRIVER, "FreeTDS"], wheel) == DEFAULT_DRIVER
    assert choose_driver("FreeTDS", [DEFAULT_DRIVER, "FreeTDS"], wheel) == "FreeTDS"
    assert choose_driver(str(file), [], None) == str(file)
    assert choose_driver("", ["FreeTDS"], wheel) == str(wheel)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("", f"« {DEFAULT_DRIVER} » (installés : FreeTDS)"),
        ("ODBC Driver 17 for SQL Server", "« ODBC Driver 17 for SQL Server » (installés : FreeTDS)"),
        ("/absent/libmsodbcsql.so", "le fichier /absent/libmsodbcsql.so n'existe pas"),
    ],
)
def test_a_driver_that_is_not_there_is_told_with_those_that_are(wanted: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_driver(wanted, ["FreeTDS"], None)
    assert said in str(caught.value)


def test_windows_takes_no_file_and_the_sentence_names_the_one_that_was_found(tmp_path: Path) -> None:
    file = tmp_path / "msodbcsql18.dll"
    file.touch()
    assert choose_driver("", [DEFAULT_DRIVER], file, by_path=False) == DEFAULT_DRIVER
    for wanted, wheel in (("", file), (str(file), None)):
        with pytest.raises(ConfigError, match="installez celui de Microsoft") as caught:
            choose_driver(wanted, ["SQL Server"], wheel, by_path=False)
        assert f"(installés : SQL Server). Windows ne prend pas le fichier {file}" in str(caught.value)


def read_listings() -> dict[str, list[PurePosixPath]]:
    """What each wheel of the package holds, by its platform tag."""
    found: dict[str, list[PurePosixPath]] = {}
    for line in (Path(__file__).parent / "data" / "mssql-python-odbc-18.6.2.2.txt").read_text().splitlines():
        tag, path = line.split(" ", 1)
        found.setdefault(tag, []).append(PurePosixPath(path))
    return found


LISTINGS = read_listings()
DEBIAN, MINT = {"ID": "debian"}, {"ID": "linuxmint", "ID_LIKE": "ubuntu debian"}
ROCKY, SLES, ALPINE = (
    {"ID": "rocky", "ID_LIKE": "rhel centos fedora"},
    {"ID": "sles", "ID_LIKE": "suse"},
    {"ID": "alpine"},
)
LINUX_FILE = "lib/libmsodbcsql-18.6.so.2.1"
# The wheel that pip installs, what the machine says of itself, and its driver under `libs`.
CARRIED: list[tuple[str, str, str, dict[str, str], str | None]] = [
    ("manylinux_2_28_x86_64", "Linux", "x86_64", DEBIAN, f"linux/debian_ubuntu/x86_64/{LINUX_FILE}"),
    ("manylinux_2_28_x86_64", "Linux", "x86_64", SLES, f"linux/suse/x86_64/{LINUX_FILE}"),
    ("manylinux_2_28_x86_64", "Linux", "x86_64", {}, f"linux/debian_ubuntu/x86_64/{LINUX_FILE}"),
    ("manylinux_2_28_x86_64", "Linux", "riscv64", DEBIAN, None),
    ("manylinux_2_28_aarch64", "Linux", "aarch64", MINT, f"linux/debian_ubuntu/arm64/{LINUX_FILE}"),
    ("manylinux_2_28_aarch64", "Linux", "aarch64", ROCKY, f"linux/rhel/arm64/{LINUX_FILE}"),
    ("manylinux_2_28_aarch64", "Linux", "x86_64", ROCKY, None),
    ("musllinux_1_2_x86_64", "Linux", "x86_64", ALPINE, f"linux/alpine/x86_64/{LINUX_FILE}"),
    ("musllinux_1_2_aarch64", "Linux", "aarch64", ALPINE, f"linux/alpine/arm64/{LINUX_FILE}"),
    ("macosx_15_0_universal2", "Darwin", "arm64", {}, "macos/arm64/lib/libmsodbcsql.18.dylib"),
    ("macosx_15_0_universal2", "Darwin", "x86_64", {}, "macos/x86_64/lib/libmsodbcsql.18.dylib"),
    ("macosx_15_0_universal2", "Linux", "x86_64", DEBIAN, None),
    ("win_amd64", "Windows", "AMD64", {}, "windows/x64/msodbcsql18.dll"),
    ("win_arm64", "Windows", "ARM64", {}, "windows/arm64/msodbcsql18.dll"),
    ("win_amd64", "FreeBSD", "amd64", {}, None),
]


@pytest.mark.parametrize(("tag", "system", "machine", "release", "wanted"), CARRIED)
@given(st.randoms())
def test_of_what_a_package_carries_the_driver_of_this_machine_is_taken_in_whatever_order_it_is_listed(
    tag: str, system: str, machine: str, release: dict[str, str], wanted: str | None, random: Random
) -> None:
    listing = list(LISTINGS[tag])
    random.shuffle(listing)
    libs = PurePosixPath("mssql_python_odbc/libs")
    assert choose_library(listing, system, machine, release) == (wanted and libs / wanted)
    folder = PureWindowsPath("C:/Python/Lib/site-packages")
    there = [folder / path for path in listing]
    assert choose_library(there, system, machine, release) == (wanted and folder / libs / wanted)


@given(st.floats(0, 1000))
def test_no_timeout_is_ever_without_end(seconds: float) -> None:
    assert whole_seconds(seconds) >= max(1, seconds)


NUMBERS = st.tuples(st.integers(8, 17), st.integers(0, 50), st.integers(0, 9999), st.integers(0, 99))


@given(NUMBERS, st.integers(1, 4), st.sampled_from([80, 100, 110, 120, 130, 140, 150, 160]))
@example((13, 0, 5025, 0), 3, 130)
@example((13, 0, 5026, 0), 3, 130)
@example((14, 0, 3029, 16), 3, 140)
@example((14, 0, 3030, 27), 3, 140)
def test_a_server_older_than_its_major_must_be_or_a_database_below_its_level_is_refused_with_what_was_found(
    number: tuple[int, int, int, int], edition: int, level: int
) -> None:
    version = ".".join(map(str, number))
    refusal = refuse_server(version, edition, level, "srv-a:1433", "AQUAREEL")
    if number[:3] < (13, 0, 5026):
        assert f"en version {version} : il faut au moins 13.0.5026 (SQL Server 2016 SP2)." in refusal
    elif (14,) <= number < (14, 0, 3030):
        assert f"en version {version} : il faut au moins 14.0.3030 (SQL Server 2017 CU9)." in refusal
    elif level < 130:
        assert f"compatibilité {level} : il faut au moins 130" in refusal
    else:
        assert refusal == ""


@given(NUMBERS, st.integers(5, 20) | st.none(), st.sampled_from([130, 170]) | st.none())
def test_a_service_whose_numbers_are_not_those_of_sql_server_is_judged_by_its_level_alone(
    number: tuple[int, int, int, int], edition: int | None, level: int | None
) -> None:
    assert refuse_server(".".join(map(str, number)), edition, level, "srv-a:1433", "AQUAREEL") == ""
    assert refuse_server("15.2 (autre)", 3, level, "srv-a:1433", "AQUAREEL") == ""
    assert "compatibilité 120" in refuse_server("12.0.2000.8", edition, 120, "srv-a:1433", "AQUAREEL")


DATABASES = [(1, "master", 100, 0), (3, "model", 100, 0), (4, "msdb", 110, 0), (5, "AQUAREEL", 120, 0)]


@pytest.mark.parametrize(
    ("name", "level"),
    [("AQUAREEL", 120), ("master", None), ("model", None), ("msdb", None), ("diffusion", None)],
)
def test_the_servers_own_databases_keep_the_level_that_they_had_before_an_upgrade(
    name: str, level: int | None
) -> None:
    """What tells the level is plain SQL, which another engine answers too once it has the server's functions."""
    databases = [*DATABASES, (6, "diffusion", 110, 1)]
    with closing(sqlite3.connect(":memory:")) as server:
        server.execute("ATTACH ':memory:' AS sys")
        server.execute("CREATE TABLE sys.databases (database_id, name, compatibility_level, is_distributor)")
        server.executemany("INSERT INTO sys.databases VALUES (?, ?, ?, ?)", databases)
        server.create_function("DB_ID", 0, lambda: next(one[0] for one in databases if one[1] == name))
        server.create_function("SERVERPROPERTY", 1, {"ProductVersion": "15.0.4430.1", "EngineEdition": 3}.get)
        assert server.execute(STATEMENT).fetchall()[0][1:] == (3, level)
