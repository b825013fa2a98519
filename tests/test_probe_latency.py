"""Latency: each heartbeat is timed from its commit, and one that never arrives is lost, not fast."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.probes.latency import Beats, exchange_beats, percentile


def test_beats_that_arrive_are_timed_and_none_is_lost() -> None:
    written: list[int] = []
    beats = exchange_beats(written.append, lambda: written, range(5), 0.001, 1.0)
    assert written == [0, 1, 2, 3, 4]
    assert beats.lost == ()
    assert len(beats.latencies) == 5


def test_a_beat_that_never_arrives_is_lost_after_the_deadline() -> None:
    written: list[int] = []
    beats = exchange_beats(
        written.append, lambda: [one for one in written if one != 2], range(4), 0.001, 0.05
    )
    assert beats.lost == (2,)
    assert len(beats.latencies) == 3


def test_rows_of_nobody_are_not_taken_for_beats() -> None:
    beats = exchange_beats(lambda _: None, lambda: [99], range(2), 0.001, 0.02)
    assert beats.lost == (0, 1)
    assert beats.seen == {}


def test_latencies_go_from_commit_to_sight() -> None:
    beats = Beats({1: 10.0, 2: 11.0}, {1: 10.5, 2: 11.25})
    assert beats.latencies == (0.25, 0.5)


def test_percentiles_are_values_that_were_measured() -> None:
    values = [float(number) for number in range(1, 21)]
    assert percentile(values, 50) == 10.0
    assert percentile(values, 95) == 19.0
    assert percentile(values, 100) == 20.0
    with pytest.raises(ValueError, match="no value"):
        percentile([], 50)


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0.1, 100))
def test_at_least_that_share_of_the_values_is_not_above(values: list[float], percent: float) -> None:
    found = percentile(values, percent)
    assert found in values
    below = sum(value <= found for value in values)
    assert below >= math.floor(percent / 100 * len(values))
    assert percentile(list(reversed(values)), percent) == found
