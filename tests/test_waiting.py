"""Waiting: the first answer that holds, within a deadline."""

from __future__ import annotations

import time

import pytest

from nonreg.waiting import DeadlinePassed, observe_until, sample, wait_until


def test_the_first_true_answer_is_returned() -> None:
    answers = iter([0, 0, 7, 8])
    assert wait_until(lambda: next(answers), 5) == 7


def test_a_deadline_that_passes_names_what_was_awaited() -> None:
    started = time.monotonic()
    with pytest.raises(DeadlinePassed, match=r"0.05 s dépassé : la ligne arrive"):
        wait_until(lambda: False, 0.05, "la ligne arrive")
    assert time.monotonic() - started >= 0.05


def test_the_probe_is_asked_once_even_without_time() -> None:
    assert wait_until(lambda: "là", 0) == "là"


def test_an_observation_that_never_holds_is_given_to_the_caller() -> None:
    assert observe_until(lambda: 3, lambda value: value > 3, 0.03) == 3


def test_samples_are_spaced_by_the_period() -> None:
    times = sample(time.monotonic, 3, 0.05)
    assert len(times) == 3
    assert times[2] - times[0] >= 0.09
