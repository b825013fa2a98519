"""Two real servers with the same tables, shared by the tests of a worker."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.comparison.looking import FILL, MEASURES
from tests.pair import Pair, start_pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with start_pair(tmp_path_factory.mktemp("paire")) as found:
        yield found


@pytest.fixture
def measures(pair: Pair) -> Pair:
    """The same 40 000 measures on both, to be changed."""
    pair.on_both("DROP TABLE IF EXISTS essai.mesure", MEASURES, FILL, "ANALYZE essai.mesure")
    return pair
