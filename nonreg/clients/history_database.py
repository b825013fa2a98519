"""The history of campaigns in its database: what is appended, and every question that is asked of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from nonreg.clients.history_connection import HistoryConnection
from nonreg.clients.history_tables import campaign, measure, metric, result, scenario, select_names
from nonreg.history_records import (
    GOOD_LETTERS,
    NOT_TRIED,
    OUTCOMES,
    PASSED_LETTERS,
    UNSTABLE_FLIPS,
    LastStatus,
    PastResult,
    ResultRecord,
    RunRef,
    UnstableScenario,
    assemble_history,
    count_flips,
    digest_report,
    from_microseconds,
    to_microseconds,
)
from nonreg.model import CampaignReport, Change, History, Measure, MeasureHistory, PastRun, Verdict

IDS_A_QUERY = 500
RUN_COLUMNS = (
    campaign.c.id,
    campaign.c.run_id,
    campaign.c.application_version,
    campaign.c.started_us,
    campaign.c.duration_seconds,
    campaign.c.verdict,
    campaign.c.ticket,
    campaign.c.planned,
    campaign.c.passed,
    campaign.c.failed,
)


class HistoryStore(HistoryConnection):
    """Appends campaigns and answers questions; it holds nothing open, so it may be kept and shared."""

    def append(self, report: CampaignReport, folder: str) -> None:
        """Keep one campaign; one that is kept already is replaced, so judging again does no harm."""
        with self.writing() as writer:
            writer.write(digest_report(report, folder))

    def list_platforms(self) -> tuple[str, ...]:
        """Names of the platforms that have campaigns."""
        with self.transaction() as connection:
            names = connection.execute(sa.select(campaign.c.platform).distinct()).scalars()
            return tuple(sorted(names))

    def list_runs(self, platform: str, count: int) -> tuple[PastRun, ...]:
        """The last campaigns of a platform, oldest first."""
        with self.transaction() as connection:
            return tuple(
                to_past_run(row) for row in fetch_last(connection, choose_runs(platform, None), count)
            )

    def load_history(
        self,
        platform: str,
        before: datetime,
        count: int = 30,
        run_id: str = "",
        catalog: str | None = "",
    ) -> History:
        """The last campaigns that started strictly before that moment, never `run_id` itself.

        Those of one catalog of scenarios, without the ones in which nothing was executed: they say nothing
        and would push out those that do. With None for the catalog, every campaign.
        """
        runs = choose_runs(platform, catalog).where(
            campaign.c.started_us < to_microseconds(before), campaign.c.run_id != run_id
        )
        with self.transaction() as connection:
            return load_window(connection, platform, fetch_last(connection, runs, count))

    def load_measures_after(
        self, platform: str, after: datetime, count: int, catalog: str = ""
    ) -> tuple[MeasureHistory, ...]:
        """Measures of the first `count` campaigns started after that moment, oldest first, of good results only."""
        runs = (
            choose_runs(platform, catalog)
            .where(campaign.c.started_us > to_microseconds(after))
            .order_by(campaign.c.started_us, campaign.c.run_id)
            .limit(count)
        )
        with self.transaction() as connection:
            return load_window(connection, platform, connection.execute(runs).all()).measures

    def find_last_good(
        self, platform: str, scenario_ids: Iterable[str], before: datetime, catalog: str = ""
    ) -> dict[str, RunRef]:
        """The last campaign of the catalog before that moment that each scenario passed; none where none did."""
        earlier = result.alias()
        # Few campaigns are of another catalog: their ids are looked up in a list, not joined result by result.
        others = sa.select(campaign.c.id).where(
            campaign.c.platform == platform, campaign.c.catalog != catalog
        )
        last = (
            sa.select(earlier.c.started_us)
            .where(
                earlier.c.scenario_id == scenario.c.id,
                earlier.c.started_us < to_microseconds(before),
                earlier.c.outcome.in_(PASSED_LETTERS),
                earlier.c.campaign_id.not_in(others),
            )
            .order_by(earlier.c.started_us.desc())
            .limit(1)
            .scalar_subquery()
        )
        query = (
            sa.select(
                scenario.c.name,
                campaign.c.run_id,
                campaign.c.folder,
                campaign.c.started_us,
                campaign.c.application_version,
            )
            .join_from(
                scenario,
                result,
                sa.and_(
                    result.c.scenario_id == scenario.c.id,
                    result.c.started_us == last,
                    result.c.outcome.in_(PASSED_LETTERS),
                ),
            )
            .join(campaign, campaign.c.id == result.c.campaign_id)
            .where(scenario.c.platform == platform, campaign.c.catalog == catalog)
        )
        wanted = sorted(set(scenario_ids))
        found: dict[str, RunRef] = {}
        with self.transaction() as connection:
            for start in range(0, len(wanted), IDS_A_QUERY):
                chunk = wanted[start : start + IDS_A_QUERY]
                for name, run_id, folder, started, version in connection.execute(
                    query.where(scenario.c.name.in_(chunk))
                ):
                    found[name] = RunRef(run_id, folder, from_microseconds(started), version)
        return found

    def last_statuses(self, platform: str) -> dict[str, LastStatus]:
        """The last outcome of every scenario that the platform ever had, by scenario id."""
        earlier = result.alias()
        last = (
            sa.select(sa.func.max(earlier.c.started_us))
            .where(earlier.c.scenario_id == scenario.c.id)
            .scalar_subquery()
        )
        query = (
            sa.select(scenario.c.name, result.c.outcome, campaign.c.run_id, campaign.c.started_us)
            .join_from(
                scenario,
                result,
                sa.and_(result.c.scenario_id == scenario.c.id, result.c.started_us == last),
            )
            .join(campaign, campaign.c.id == result.c.campaign_id)
            .where(scenario.c.platform == platform)
        )
        with self.transaction() as connection:
            return {
                name: LastStatus(OUTCOMES[letter], run_id, from_microseconds(started))
                for name, letter, run_id, started in connection.execute(query)
            }

    def list_unstable(self, platform: str, campaigns: int = 30) -> tuple[UnstableScenario, ...]:
        """Scenarios that changed between passed and failed at least 3 times, or were retried, most first.

        Each over the last campaigns that tried it; those that could not judge it are no change.
        """
        earlier = result.alias()
        first = (
            sa.select(earlier.c.started_us)
            .where(earlier.c.scenario_id == scenario.c.id, earlier.c.outcome != NOT_TRIED)
            .order_by(earlier.c.started_us.desc())
            .limit(1)
            .offset(campaigns - 1)
            .scalar_subquery()
        )
        # Apart and used twice, so that PostgreSQL asks it once a scenario and not once a result.
        spans = (
            sa.select(scenario.c.id, scenario.c.name, sa.func.coalesce(first, 0).label("since"))
            .where(scenario.c.platform == platform)
            .cte("spans")
        )
        lately = sa.and_(
            result.c.scenario_id == spans.c.id,
            result.c.started_us >= spans.c.since,
            result.c.outcome != NOT_TRIED,
        )
        # Most scenarios are always good: the database drops them, so that few rows are fetched.
        worth_a_look = (
            sa.select(spans.c.id)
            .join_from(spans, result, lately)
            .group_by(spans.c.id)
            .having(
                sa.or_(
                    sa.func.min(sa.case((result.c.outcome.in_(GOOD_LETTERS), 1), else_=0)) == 0,
                    sa.func.max(result.c.attempts) > 1,
                )
            )
        )
        query = (
            sa.select(spans.c.name, result.c.outcome, result.c.attempts)
            .join_from(spans, result, lately)
            .where(spans.c.id.in_(worth_a_look))
            .order_by(spans.c.id, result.c.started_us)
        )
        letters: dict[str, list[str]] = {}
        retried: dict[str, int] = {}
        with self.transaction() as connection:
            for name, letter, attempts in connection.execute(query).tuples():
                letters.setdefault(name, []).append(letter)
                if attempts > 1:
                    retried[name] = retried.get(name, 0) + 1
        found = [
            UnstableScenario(name, "".join(column), count_flips("".join(column)), retried.get(name, 0))
            for name, column in letters.items()
        ]
        unstable = [one for one in found if one.flips >= UNSTABLE_FLIPS or one.retried]
        return tuple(sorted(unstable, key=lambda one: (-one.flips, -one.retried, one.scenario_id)))

    def list_results(self, platform: str, scenario_id: str, count: int) -> tuple[PastResult, ...]:
        """One scenario in the last campaigns that planned it, oldest first."""
        of_scenario = (scenario.c.platform == platform, scenario.c.name == scenario_id)
        query = (
            sa.select(result, *RUN_COLUMNS)
            .join_from(scenario, result, result.c.scenario_id == scenario.c.id)
            .join(campaign, campaign.c.id == result.c.campaign_id)
            .where(*of_scenario)
            .order_by(result.c.started_us.desc())
            .limit(count)
        )
        figures = (
            sa.select(measure.c.campaign_id, metric.c.name, measure.c.value, metric.c.unit, measure.c.limit)
            .join_from(scenario, metric, metric.c.scenario_id == scenario.c.id)
            .join(measure, measure.c.metric_id == metric.c.id)
            .where(*of_scenario)
            .order_by(metric.c.id)
        )
        with self.transaction() as connection:
            rows = connection.execute(query).all()[::-1]
            measures: dict[int, list[Measure]] = {}
            if rows:
                since = figures.where(measure.c.started_us >= rows[0][1])
                for campaign_id, name, value, unit, limit in connection.execute(since):
                    if value is not None:
                        measures.setdefault(campaign_id, []).append(Measure(name, value, unit, limit))
        found = []
        for row in rows:
            _, _, campaign_id, letter, change, seconds, attempts, cause, fingerprint, *run = row
            record = ResultRecord(
                scenario_id,
                OUTCOMES[letter],
                Change(change),
                seconds,
                attempts,
                cause or "",
                fingerprint or "",
                tuple(measures.get(campaign_id, ())),
            )
            found.append(PastResult(to_past_run(run), record))
        return tuple(found)


def choose_runs(platform: str, catalog: str | None) -> sa.Select[Any]:
    """RUN_COLUMNS of a platform's campaigns that executed something of that catalog; with None, of all."""
    query = sa.select(*RUN_COLUMNS).where(campaign.c.platform == platform)
    return query if catalog is None else query.where(campaign.c.catalog == catalog, campaign.c.executed > 0)


def fetch_last(connection: sa.Connection, runs: sa.Select[Any], count: int) -> Sequence[Sequence[Any]]:
    """The last rows of such a choice, oldest first."""
    last = runs.order_by(campaign.c.started_us.desc(), campaign.c.run_id.desc()).limit(count)
    return connection.execute(last).all()[::-1]


def load_window(connection: sa.Connection, platform: str, found: Sequence[Sequence[Any]]) -> History:
    """Results and measures of these campaigns, rows of RUN_COLUMNS, oldest first."""
    if not found:
        return History()
    runs = tuple(to_past_run(row) for row in found)
    positions = {row[0]: position for position, row in enumerate(found)}
    span = (to_microseconds(runs[0].started_at), to_microseconds(runs[-1].started_at))
    names = dict(select_names(connection, platform))
    results = connection.execute(
        sa.select(result.c.scenario_id, result.c.campaign_id, result.c.outcome, result.c.duration_seconds)
        .join_from(scenario, result, result.c.scenario_id == scenario.c.id)
        .where(scenario.c.platform == platform, result.c.started_us.between(*span))
    )
    measures = connection.execute(
        sa.select(metric.c.scenario_id, metric.c.name, metric.c.unit, measure.c.campaign_id, measure.c.value)
        .join_from(scenario, metric, metric.c.scenario_id == scenario.c.id)
        .join(measure, measure.c.metric_id == metric.c.id)
        .where(scenario.c.platform == platform, measure.c.started_us.between(*span))
    )
    return assemble_history(
        runs,
        ((names[s], positions[c], *rest) for s, c, *rest in results.tuples() if c in positions),
        ((names[s], n, u, positions[c], v) for s, n, u, c, v in measures.tuples() if c in positions),
    )


def to_past_run(row: Sequence[Any]) -> PastRun:
    """A campaign of the model from a row of RUN_COLUMNS."""
    _, run_id, version, started, seconds, verdict, *rest = row
    return PastRun(run_id, version, from_microseconds(started), seconds, Verdict(verdict), *rest)
