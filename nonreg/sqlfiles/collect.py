"""The pytest plugin that finds SQL scenarios: each `.sql` file is one test, with the marks and fixtures of any other.

A file that is no sound scenario stops the collection in one French sentence, as a bad decorator does.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nonreg.clients.sql import Session
from nonreg.config import Site
from nonreg.errors import ConfigError
from nonreg.fixtures import Campaign, require_nothing_left
from nonreg.recorder import scenario
from nonreg.sqlfiles.scenario_file import SUFFIX, SqlScenario, load_scenario, require_engine, run_scenario
from nonreg.witness import Witness

FILE = pytest.StashKey[SqlScenario]()
REFUSAL = pytest.StashKey[str]()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A `.sql` file of a scenarios' folder is a scenario."""
    if file_path.suffix.lower() != SUFFIX:
        return None
    collected: SqlFile = SqlFile.from_parent(parent, path=file_path)
    return collected


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse the whole collection for a file that is no sound scenario."""
    for item in items:
        if refusal := item.stash.get(REFUSAL, ""):
            raise pytest.UsageError(refusal)


class SqlFile(pytest.File):
    """One file, one scenario."""

    def collect(self) -> Iterable[pytest.Item]:
        """Its only test, named by the scenario's id; a refused file has one too, which says why."""
        try:
            found = load_scenario(self.path)
        except ConfigError as error:
            refused: SqlItem = SqlItem.from_parent(self, name="refus", callobj=refuse)
            refused.stash[REFUSAL] = str(error)
            return [refused]
        item: SqlItem = SqlItem.from_parent(self, name=found.header.id, callobj=make_check(found))
        item.stash[FILE] = found
        return [item]


class SqlItem(pytest.Function):
    """A test whose code is a SQL file."""

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where pytest's own output places it."""
        return self.path, 0, self.name


def refuse() -> None:
    """Stands for a file that cannot be run; it never is."""
    raise AssertionError("fichier SQL refusé à la collecte")


def make_check(found: SqlScenario) -> Any:
    """The test function of a scenario, marked as the decorator of a Python one does."""
    header = found.header

    @scenario(
        header.id,
        header.title,
        header.criticality,
        header.effect,
        header.requirements,
        header.timeout_seconds,
        queries=("test_data_left",) if header.writes else (),
    )
    def check(witness: Witness, sql_session: Session) -> None:
        run_scenario(found, sql_session, witness)

    return check


@pytest.fixture
def sql_session(request: pytest.FixtureRequest, campaign: Campaign) -> Iterator[Session]:
    """The connection of a SQL scenario; what it did is rolled back, and of test data none may be left."""
    found: SqlScenario = request.node.stash[FILE]
    site = campaign.platform.site(found.header.site)
    require_engine(found, site)
    site = allow_time(site, found.header.timeout_seconds)
    with campaign.session(site, "writer" if found.header.writes else "reader") as session:
        yield session
    if found.header.writes:
        with campaign.session(site) as active:
            require_nothing_left(active, campaign.id)


def allow_time(site: Site, seconds: float) -> Site:
    """The site, its database given as long for one request as the scenario says that its batch may take."""
    if site.database is None:
        return site
    longest = max(site.database.query_timeout_seconds, seconds)
    return dataclasses.replace(
        site, database=dataclasses.replace(site.database, query_timeout_seconds=longest)
    )
