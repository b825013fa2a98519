"""A platform of their own for the tests that move the active role."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import Layout


@pytest.fixture(scope="session")
def switchable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A running platform whose active site may be either; every test leaves it sound."""
    instance = start_instance(tmp_path_factory.mktemp("bascule") / "banc")
    yield instance.layout
    stop_instance(instance)
