"""A whole table comparison through Microsoft's driver: what it binds and reads, on two servers told what to answer."""

from __future__ import annotations

import dataclasses
import json
import re
from contextlib import ExitStack
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from nonreg.comparison.compare import FETCHED_ROWS
from nonreg.comparison.differences import Kind
from nonreg.comparison.run import Comparison, Options, Place, compare_table
from nonreg.comparison.slices import Bound
from nonreg.config import Odbc
from tests.governed import Governed, make_governed
from tests.odbc.tds import (
    BIGINT,
    BIT,
    INT,
    TINYINT,
    TdsServer,
    datetime2,
    done_token,
    make_certificate,
    numeric,
    nvarchar,
    rows,
    serve_tds,
    varchar,
)
from tests.odbc.test_msodbcsql import open_on

pytestmark = pytest.mark.odbc
LARGEST, SMALLEST = 2**63 - 1, -(2**63)
SHARED = (LARGEST, LARGEST - 1, SMALLEST + 1)
EQUAL = (5_000, LARGEST * 4_999 + 12)  # rows of the first slice, and a sum far beyond 64 bits
ROWS = {
    "left": (SHARED, LARGEST - 2, Decimal("12345678901234567890123456789012.500")),
    "right": (SHARED, SMALLEST, Decimal("-12345678901234567890123456789012.500")),
}
NOON = datetime(2026, 1, 1, 12, 0, 0, 123456)


def write_answers(
    shared: tuple[int, ...], other: int, value: Decimal
) -> dict[str, bytes | list[bytes] | None]:
    """Two slices of prod.essai, the second with one row that only this side has."""
    columns = {"relation_kind": varchar(2), "column_name": nvarchar(128), "type_name": nvarchar(256)}
    columns |= {"scale": INT, "nullable": BIT, "computed": BIT, "key_position": TINYINT}
    sums = {"slice": BIGINT, "row_count": BIGINT, "checksum": numeric(38, 0)}
    hashes = (*shared, other)
    found = {
        "key_position": rows(
            columns,
            ("U", "id", "int", None, False, False, 1),
            ("U", "v", "decimal", 3, True, False, None),
            ("U", "i", "datetime2", 6, False, False, None),
        ),
        "first_position": rows(
            {"first_position": BIGINT, "last_position": BIGINT, "row_count": BIGINT, "hash_version": INT},
            (1, 10_000, 10_000, 0),
        ),
        "SUM(CAST(d.row_hash": rows(sums, (0, *EQUAL), (1, len(hashes), sum(hashes))),
        "SELECT s.slice, x.row_hash": rows(
            {"slice": BIGINT, "row_hash": BIGINT}, *((1, one) for one in hashes)
        ),
        "SELECT y.c0 AS [id]": rows(
            {"id": INT, "v": numeric(38, 3), "i": datetime2(6)}, (7_001, value, NOON)
        ),
    }
    return {word: answer + done_token() for word, answer in found.items()}


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, list[TdsServer]]:
    """The comparison, and both servers with what they were asked."""
    folder = tmp_path_factory.mktemp("comparaison")
    certificate = make_certificate(folder, "srv-a")
    servers = [TdsServer(certificate, answers=write_answers(*side)) for side in ROWS.values()]
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        for server in servers:
            stack.enter_context(serve_tds(server))
        places = make_places(folder, servers, patch)
        found = compare_table(places[0], places[1], "prod.essai", Options(bound=Bound("i", NOON)))
    return found, servers


def make_places(folder: Path, servers: list[TdsServer], patch: pytest.MonkeyPatch) -> list[Place]:
    """Both sites of a platform, each with one of the servers for its database."""
    platform = make_governed(folder).platform
    places = []
    sites = [site for site in platform.sites if site.database is not None]
    for site, server in zip(sites, servers, strict=False):
        database = dataclasses.replace(
            site.database,
            engine="mssql",
            host="127.0.0.1",
            port=server.port,
            odbc=Odbc(trust_server_certificate=True),
        )
        patch.setenv(database.reader_password_env, "mot de passe")
        places.append(Place(platform, dataclasses.replace(site, database=database)))
    return places


def find_asked(server: TdsServer, word: str) -> list[str]:
    """What a server was asked with these words in it."""
    return [text for text in server.batches if word in text]


def find_declared(text: str) -> list[str]:
    """Types of the parameters of a request, in their order."""
    return re.findall(r"@P\d+ (nvarchar|varchar|ntext|text|datetime2|int|bigint)\b", text)


def test_the_one_row_that_differs_is_named_with_both_values_to_the_last_digit(
    looked: tuple[Comparison, list[TdsServer]],
) -> None:
    """Sums beyond 64 bits are exact, or what the hashes say would not explain them."""
    found, _ = looked
    assert [(one.key, one.kind, one.left, one.right) for one in found.differences] == [
        ((7_001,), Kind.CHANGED, (7_001, ROWS["left"][2], NOON), (7_001, ROWS["right"][2], NOON))
    ]
    assert (found.left_rows, found.right_rows, found.more) == (5_004, 5_004, 0)


@pytest.mark.parametrize(
    ("word", "lists"),
    [
        ("SUM(CAST(d.row_hash", {"[0, 1]"}),
        ("SELECT s.slice, x.row_hash", {"[1]"}),
        ("SELECT y.c0 AS [id]", {"[1]", "hash"}),
    ],
)
def test_lists_are_bound_as_one_text_that_openjson_takes_and_never_pasted(
    looked: tuple[Comparison, list[TdsServer]], word: str, lists: set[str]
) -> None:
    for server, (_, other, _) in zip(looked[1], ROWS.values(), strict=True):
        (text,) = find_asked(server, word)
        statement, _, given = text.rpartition("@P")
        for one in lists:
            assert (json.dumps([other]) if one == "hash" else one) in given
        assert str(other) not in statement
        declared = find_declared(text)
        assert declared.count("nvarchar") == len(lists)
        assert "datetime2" in declared


def test_a_list_of_any_length_is_bound_as_nvarchar_max(
    governed: Governed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """OPENJSON refuses ntext, which is what long texts were in former drivers."""
    hashes = [LARGEST - number for number in range(FETCHED_ROWS)]
    answers = {"OPENJSON": rows({"n": INT}, (len(hashes),)) + done_token()}
    with serve_tds(TdsServer(make_certificate(tmp_path, "srv-a"), answers=answers)) as server:
        with open_on(governed, monkeypatch, server) as session:
            found = session.execute("SELECT COUNT(*) AS n FROM OPENJSON(:hashes) h", hashes=hashes).scalar()
        (text,) = find_asked(server, "OPENJSON")
    assert found == len(hashes)
    assert "@P1 nvarchar(max)" in text
    assert text.count(str(LARGEST - FETCHED_ROWS + 1)) == 1
