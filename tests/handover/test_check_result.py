"""Results of checks: never ok by omission, never raising, showing no secret, address or account."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.config import load_platform
from nonreg.errors import NonregError, Unreachable
from nonreg.handover.checks import CHECKS, CheckContext, CheckResult, Point
from nonreg.handover.checks.result import NotRight, ask_point, give_result, list_hosts
from nonreg.people import People


@given(st.lists(st.booleans(), max_size=6))
def test_a_result_is_ok_when_all_its_points_are_and_there_is_one(oks: list[bool]) -> None:
    result = CheckResult(tuple(Point("t", ok, "f", "" if ok else "r") for ok in oks))
    assert result.is_ok is (oks != [] and False not in oks)


def test_the_names_of_the_checks_are_those_of_the_runbooks() -> None:
    assert list(CHECKS) == [
        *("comptes_nommes", "droits", "vpn", "ssh", "base", "acces", "poste", "acces_revoques"),
    ]


def ask_error(error: Exception) -> str:
    raise error


@pytest.mark.parametrize(
    ("error", "found", "remedy"),
    [
        (NotRight("mal", "réparez"), "mal", "réparez"),
        (Unreachable("muet"), "muet", "expliqué"),
        (RuntimeError("imprévu"), "Contrôle impossible : RuntimeError, imprévu.", "Transmettez"),
    ],
)
def test_whatever_happens_becomes_a_point_with_a_remedy(error: Exception, found: str, remedy: str) -> None:
    def explain(_error: NonregError) -> str:
        return "expliqué"

    point = ask_point("titre", lambda: ask_error(error), explain)
    assert (point.title, point.ok, point.found) == ("titre", False, found)
    assert point.remedy.startswith(remedy)


def test_what_was_found_shows_no_secret_address_or_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AQ_READER_PASSWORD", "sésame-0")
    platform = load_platform("embarquee")
    context = CheckContext(platform, Path("p"), People(Path("f"), ()), "x", datetime.now(UTC))
    told = "srv-h (127.77.0.14:2222) refuse nonreg, nr_reader et sésame-0 : voir « python -m nonreg grants »"
    (point,) = give_result(context, [Point("t", False, told, "redites sésame-0")]).points
    assert point.found == ("srv-h refuse <compte>, <compte> et *** : voir « python -m nonreg grants »")
    assert point.remedy == "redites ***"


def test_the_hosts_are_those_of_the_sites_and_of_their_machines() -> None:
    assert [host.name for host in list_hosts(load_platform("embarquee"))] == [
        *("srv-a", "srv-b", "srv-s", "srv-h"),
    ]
