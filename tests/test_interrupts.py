"""Ctrl-C where Python cannot raise it is still an interrupt, once."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from nonreg.interrupts import note_interrupts, raise_noted


@pytest.fixture
def noting() -> Iterator[None]:
    """Interrupts are noted inside the test, and as before afterwards."""
    before = signal.getsignal(signal.SIGINT)
    note_interrupts()
    yield
    signal.signal(signal.SIGINT, before)


class Swallows:
    """What is raised in its end is only printed."""

    def __del__(self) -> None:
        os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.usefixtures("noting")
def test_an_interrupt_that_was_dropped_is_raised_when_it_is_asked_for_and_only_once() -> None:
    assert raise_noted() is False
    swallows = Swallows()
    del swallows
    with pytest.raises(KeyboardInterrupt):
        raise_noted()
    assert raise_noted() is False


@pytest.mark.usefixtures("noting")
def test_an_interrupt_is_raised_where_it_comes_as_ever() -> None:
    with pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGINT)


def test_where_interrupts_are_ignored_they_stay_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        note_interrupts()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
