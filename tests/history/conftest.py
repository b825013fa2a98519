"""An empty history of each kind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from nonreg.history import HistoryStore, open_history
from nonreg.sandbox import postgres
from nonreg.sandbox.layout import ACTIVE, PORTS, Layout


@pytest.fixture
def history(tmp_path: Path) -> HistoryStore:
    """An empty history in a file."""
    return open_history(f"sqlite:///{tmp_path / 'history.sqlite'}")


@pytest.fixture(params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database of each engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'history.sqlite'}"
        return
    layout: Layout = request.getfixturevalue("sandbox")
    with psycopg.connect(postgres.admin_dsn(layout, ACTIVE, "postgres"), autocommit=True) as admin:
        admin.execute("CREATE DATABASE historique")
        try:
            password = layout.secrets()["AQ_ADMIN_PASSWORD"]
            host = f"{layout.address(ACTIVE)}:{PORTS['postgresql']}"
            yield f"postgresql://{postgres.ADMIN}:{password}@{host}/historique"
        finally:
            admin.execute("DROP DATABASE historique WITH (FORCE)")
