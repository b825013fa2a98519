"""One machine for all tests, installed as the documentation says."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.systemd.lasting import install
from tests.systemd.machine import Machine, find_obstacle, start_machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    if obstacle := find_obstacle():
        pytest.fail(f"Un vrai systemd ne peut pas être démarré ici : {obstacle}")
    with start_machine() as started:
        install(started)
        yield started
