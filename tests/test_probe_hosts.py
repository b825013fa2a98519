"""Hosts: states of services, listening ports and clocks, read from raw command output."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.errors import RequestFailed
from nonreg.probes.clock import ClockSample, estimate_drift, parse_clock, take_sample
from nonreg.probes.ports import Listener, find_exposed_ports, parse_listeners
from nonreg.probes.units import UnitState, parse_unit

SS = """State  Recv-Q Send-Q      Local Address:Port  Peer Address:Port Process
LISTEN 0      128            127.0.0.1:631         0.0.0.0:*
LISTEN 0      4096       127.0.0.53%lo:53          0.0.0.0:*
LISTEN 0      128              0.0.0.0:22          0.0.0.0:*
LISTEN 0      511                    *:8080              *:*
LISTEN 0      244            10.0.0.11:5432        0.0.0.0:*     users:(("postgres",pid=7,fd=6))
LISTEN 0      128                [::1]:631            [::]:*
LISTEN 0      128                 [::]:22             [::]:*
LISTEN 0      128   [fe80::1%eth0]:546            [::]:*
"""


def test_a_running_unit_has_a_process() -> None:
    state = parse_unit("ActiveState=active\nSubState=running\nMainPID=4711\nNRestarts=0\n")
    assert (state, state.is_running) == (UnitState("active", "running", 4711), True)


@pytest.mark.parametrize(
    "text",
    [
        "ActiveState=failed\nSubState=failed\nMainPID=0\n",
        "ActiveState=activating\nSubState=auto-restart\nMainPID=0\n",
        "ActiveState=active\nSubState=exited\nMainPID=0\n",
        "ActiveState=active\nSubState=running\nMainPID=0\n",
    ],
)
def test_a_unit_in_any_other_state_does_not_run(text: str) -> None:
    assert not parse_unit(text).is_running


@pytest.mark.parametrize("text", ["", "ActiveState=active\n", "ActiveState=active\nSubState=x\nMainPID=?\n"])
def test_an_unreadable_unit_is_no_state(text: str) -> None:
    with pytest.raises(RequestFailed, match="systemctl"):
        parse_unit(text)


def test_listeners_are_read_with_every_kind_of_address() -> None:
    assert parse_listeners(SS) == (
        Listener("127.0.0.1", 631),
        Listener("127.0.0.53", 53),
        Listener("0.0.0.0", 22),
        Listener("*", 8080),
        Listener("10.0.0.11", 5432),
        Listener("::1", 631),
        Listener("::", 22),
        Listener("fe80::1", 546),
    )


def test_only_ports_that_others_can_reach_are_exposed() -> None:
    assert find_exposed_ports(parse_listeners(SS), "10.0.0.11") == (22, 546, 5432, 8080)


def test_a_host_that_lives_on_loopback_exposes_its_own_address_only() -> None:
    found = (Listener("127.77.0.11", 80), Listener("127.77.0.12", 81), Listener("127.0.0.1", 82))
    assert find_exposed_ports(found, "127.77.0.11") == (80,)


@pytest.mark.parametrize(
    "line", ["ESTAB 0 0 1.2.3.4:5 6.7.8.9:1", "LISTEN 0 128", "LISTEN 0 128 sans-port x"]
)
def test_an_unreadable_line_is_never_ignored(line: str) -> None:
    with pytest.raises(RequestFailed, match="ss illisible"):
        parse_listeners("State\n" + line)


def test_the_clock_is_read_to_the_microsecond() -> None:
    assert parse_clock("1795443453.123456789\n") == pytest.approx(1795443453.123457, abs=1e-6)


@pytest.mark.parametrize("text", ["", "1795443453", "date: invalid option", "1795443453.%N", "-1.5", "١.٢"])
def test_what_is_not_a_clock_is_refused(text: str) -> None:
    with pytest.raises(RequestFailed, match="Heure illisible"):
        parse_clock(text)


DELAYS = st.floats(0, 2)


@given(st.floats(-3600, 3600), DELAYS, DELAYS)
def test_the_error_of_a_drift_is_at_most_half_the_round_trip(
    drift: float, going: float, coming: float
) -> None:
    asked_at = 1_795_443_453.0
    sample = ClockSample(asked_at, asked_at + going + drift, going + coming)
    assert abs(sample.drift - drift) <= (going + coming) / 2 + 1e-5


@given(st.lists(st.builds(ClockSample, st.just(0.0), st.floats(-9, 9), DELAYS), min_size=1))
def test_the_quickest_answer_is_the_one_believed(samples: list[ClockSample]) -> None:
    assert all(estimate_drift(samples).round_trip <= one.round_trip for one in samples)


def test_a_sample_of_our_own_clock_has_no_drift() -> None:
    assert abs(take_sample(time.time).drift) < 0.5
