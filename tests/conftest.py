"""Embedded platforms for the tests: one shared by a whole session, fresh ones for tests that break theirs."""

from __future__ import annotations

import gc
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from nonreg.sandbox.launch import Instance, start_instance, stop_instance
from nonreg.sandbox.layout import Layout
from tests.governed import Governed, make_governed

# Started in the background of a script, we would ignore Ctrl-C, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# Thousands of tests are a million objects that stay to the end: looking for garbage among them again and again, in each
# worker, was a third of the time that it takes to collect them.
gc.disable()

# A loaded machine is slow, which says nothing of a rule: no property fails for its time.
settings.register_profile("nonreg", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("nonreg")


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A running platform; a test that changes it puts it back."""
    instance = start_instance(tmp_path_factory.mktemp("banc"))
    yield instance.layout
    stop_instance(instance)


@pytest.fixture
def start_sandbox(tmp_path: Path) -> Iterator[Callable[..., Instance]]:
    """Starts platforms that end with the test, whatever is left of them: `start_sandbox(defect=…)`."""
    started: list[Instance] = []

    def start(name: str = "banc", **options: object) -> Instance:
        instance = start_instance(tmp_path / name, **options)  # type: ignore[arg-type]
        started.append(instance)
        return instance

    yield start
    for instance in started:
        stop_instance(instance)


@pytest.fixture
def fresh_sandbox(start_sandbox: Callable[..., Instance]) -> Layout:
    """A running platform of the test's own, to break."""
    return start_sandbox().layout


@pytest.fixture
def governed(tmp_path: Path) -> Governed:
    """A governed platform with nothing promoted yet, and no server behind it."""
    return make_governed(tmp_path)
