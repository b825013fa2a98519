"""The tables of the history, and the only class that writes rows into them.

The rows of one scenario of one platform lie together, by start: one seek gives its last result, one short
scan its last thirty. There are no foreign keys: all is derived from the runs' folders. Ids are given here
and not by the database, under the lock of the only writer: the same in every dialect.
"""

from __future__ import annotations

import math
from typing import Any

import sqlalchemy as sa
from sqlalchemy import BigInteger, Column, Double, Integer, String, Table, Text

from nonreg.history_records import CampaignRecord, to_microseconds

COPIED = (
    *("run_id", "platform", "folder", "application_version", "dataset", "ticket", "duration_seconds"),
    *("planned", "executed", "passed", "failed", "tool_commit", "selection", "families", "catalog"),
)
Key = tuple[int, str, str]  # of a metric: scenario, name, unit

metadata = sa.MetaData()
store = Table("history_store", metadata, Column("version", Integer), Column("writes", BigInteger))
campaign = Table(
    "campaign",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("run_id", String(255), nullable=False, unique=True),
    Column("platform", String(255), nullable=False),
    Column("folder", Text, nullable=False),
    Column("application_version", Text, nullable=False),
    Column("dataset", Text, nullable=False),
    Column("ticket", Text, nullable=False),
    Column("started_us", BigInteger, nullable=False),
    Column("ended_us", BigInteger),
    Column("duration_seconds", Double),
    Column("verdict", String(32), nullable=False),
    Column("planned", Integer, nullable=False),
    Column("executed", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("tool_commit", Text, nullable=False),
    Column("selection", Text, nullable=False),
    Column("families", Text, nullable=False),
    Column("catalog", Text, nullable=False),
    sa.Index("campaign_by_start", "platform", "started_us"),
)
# A scenario of one platform, so that its results need not be told apart by platform.
scenario = Table(
    "scenario",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("platform", String(255), nullable=False),
    Column("name", String(255), nullable=False),
    sa.UniqueConstraint("platform", "name"),
)
result = Table(
    "result",
    metadata,
    Column("scenario_id", Integer, primary_key=True, autoincrement=False),
    Column("started_us", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign_id", Integer, primary_key=True, autoincrement=False),
    Column("outcome", String(1), nullable=False),
    Column("change", String(32), nullable=False),
    Column("duration_seconds", Double),
    Column("attempts", Integer, nullable=False),
    Column("cause", String(32)),
    Column("fingerprint", Text),
    sqlite_with_rowid=False,
)
metric = Table(
    "metric",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("scenario_id", Integer, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("unit", Text, nullable=False),
)
measure = Table(
    "measure",
    metadata,
    Column("metric_id", Integer, primary_key=True, autoincrement=False),
    Column("started_us", BigInteger, primary_key=True, autoincrement=False),
    Column("campaign_id", Integer, primary_key=True, autoincrement=False),
    Column("value", Double),
    Column("limit", Double),
    sqlite_with_rowid=False,
)


class Writer:
    """Writes campaigns in one open transaction; remembers the ids that it met."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self._scenarios: dict[str, dict[str, int]] = {}
        self._metrics: dict[str, dict[Key, int]] = {}

    def clear(self) -> None:
        """Forget every campaign."""
        for table in (measure, metric, result, scenario, campaign):
            self._connection.execute(table.delete())
        self._scenarios, self._metrics = {}, {}

    def write(self, record: CampaignRecord) -> None:
        """Keep one campaign in place of what was kept of the same run."""
        self._forget(record.run_id)
        started = to_microseconds(record.started_at)
        place = {"campaign_id": self._next_id(campaign), "started_us": started}
        self._connection.execute(campaign.insert().values(describe_campaign(record, place["campaign_id"])))
        ids = self._name_scenarios(record)
        rows = [
            {
                **place,
                "scenario_id": ids[one.scenario_id],
                "outcome": one.outcome.letter,
                "change": one.change.value,
                "duration_seconds": one.duration_seconds,
                "attempts": one.attempts,
                "cause": one.cause or None,
                "fingerprint": one.fingerprint or None,
            }
            for one in record.results
        ]
        self._insert(result, rows)
        # The last one wins where a scenario took two measures of one name.
        taken = {
            (ids[one.scenario_id], figure.name, figure.unit): figure
            for one in record.results
            for figure in one.measures
        }
        metrics = self._name_metrics(record.platform, list(taken))
        rows = [
            {**place, "metric_id": metrics[key], "value": finite(figure.value), "limit": finite(figure.limit)}
            for key, figure in taken.items()
        ]
        self._insert(measure, rows)

    def _forget(self, run_id: str) -> None:
        query = sa.select(campaign.c.id, campaign.c.started_us, campaign.c.platform)
        found = self._connection.execute(query.where(campaign.c.run_id == run_id)).one_or_none()
        if found is None:
            return
        # By scenario and start, as the rows are laid out: no second index is needed for this rare case.
        of_platform = sa.select(scenario.c.id).where(scenario.c.platform == found.platform)
        of_scenarios = sa.select(metric.c.id).where(metric.c.scenario_id.in_(of_platform))
        for table, column, ids in (
            (result, result.c.scenario_id, of_platform),
            (measure, measure.c.metric_id, of_scenarios),
        ):
            self._connection.execute(
                table.delete().where(
                    column.in_(ids),
                    table.c.started_us == found.started_us,
                    table.c.campaign_id == found.id,
                )
            )
        self._connection.execute(campaign.delete().where(campaign.c.id == found.id))

    def _name_scenarios(self, record: CampaignRecord) -> dict[str, int]:
        known = self._scenarios.get(record.platform)
        if known is None:
            known = {name: number for number, name in select_names(self._connection, record.platform)}
            self._scenarios[record.platform] = known
        new = [one.scenario_id for one in record.results if one.scenario_id not in known]
        if new:
            first = self._next_id(scenario)
            known.update((name, first + number) for number, name in enumerate(new))
            self._insert(
                scenario, [{"id": known[name], "platform": record.platform, "name": name} for name in new]
            )
        return known

    def _name_metrics(self, platform: str, keys: list[Key]) -> dict[Key, int]:
        known = self._metrics.get(platform)
        if known is None:
            query = sa.select(metric).join(scenario, metric.c.scenario_id == scenario.c.id)
            found = self._connection.execute(query.where(scenario.c.platform == platform))
            known = {(row.scenario_id, row.name, row.unit): row.id for row in found}
            self._metrics[platform] = known
        new = [key for key in keys if key not in known]
        if new:
            first = self._next_id(metric)
            known.update((key, first + number) for number, key in enumerate(new))
            self._insert(
                metric,
                [{"id": known[key], "scenario_id": key[0], "name": key[1], "unit": key[2]} for key in new],
            )
        return known

    def _next_id(self, table: Table) -> int:
        highest = self._connection.execute(sa.select(sa.func.max(table.c.id))).scalar()
        return (highest or 0) + 1

    def _insert(self, table: Table, rows: list[dict[str, Any]]) -> None:
        if rows:
            self._connection.execute(table.insert(), rows)


def describe_campaign(record: CampaignRecord, number: int) -> dict[str, Any]:
    """The row of a campaign."""
    ended = record.ended_at
    return {
        **{name: getattr(record, name) for name in COPIED},
        "id": number,
        "started_us": to_microseconds(record.started_at),
        "ended_us": None if ended is None else to_microseconds(ended),
        "verdict": record.verdict.value,
    }


def finite(value: float | None) -> float | None:
    """None for what is no number: databases do not agree on it."""
    return None if value is None or math.isnan(value) else value


def select_names(connection: sa.Connection, platform: str) -> list[tuple[int, str]]:
    """Ids and names of a platform's scenarios."""
    query = sa.select(scenario.c.id, scenario.c.name).where(scenario.c.platform == platform)
    return [(number, name) for number, name in connection.execute(query)]
