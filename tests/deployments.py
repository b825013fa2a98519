"""The deployments of prefect.yaml, as the tests read them, and what their schedules must be."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule

from tests.prefect_server import ROOT

PARIS = ZoneInfo("Europe/Paris")
DEPLOYMENTS: list[dict[str, Any]] = yaml.safe_load((ROOT / "prefect.yaml").read_text(encoding="utf-8"))[
    "deployments"
]
AMBIGUOUS_HOUR = 2  # 02:00-02:59 comes twice a year or not at all
CHUNK = timedelta(days=200)  # Prefect gives 1000 dates at most


def make_schedule(declared: dict[str, Any]) -> CronSchedule | IntervalSchedule:
    """Prefect's own schedule of a block of prefect.yaml."""
    if "interval" in declared:
        return IntervalSchedule(interval=timedelta(seconds=declared["interval"]))
    return CronSchedule(cron=declared["cron"], timezone=declared.get("timezone"))


def list_starts(
    schedule: CronSchedule | IntervalSchedule, since: datetime, until: datetime
) -> list[datetime]:
    """Every start in [since, until), on the clock of Paris."""
    found: set[datetime] = set()
    while since < until:
        end = min(since + CHUNK, until)
        found |= {*asyncio.run(schedule.get_dates(1000, since, end))}
        since = end
    # Prefect's own datetimes lose their zone on the way to another.
    return [
        datetime.fromtimestamp(start, PARIS)
        for start in sorted({one.timestamp() for one in found})
        if start < until.timestamp()
    ]


def refuse_cron(declared: dict[str, Any], years: range) -> list[str]:
    """What is wrong with the clock of a schedule, each year's changes of clock included."""
    if "interval" in declared:
        return []  # no clock
    if declared.get("timezone") != "Europe/Paris":
        return ["le fuseau n'est pas Europe/Paris"]
    schedule = make_schedule(declared)
    bad = []
    for year in years:
        for month, day in ((1, 1), (3, 20), (10, 20)):
            since = datetime(year, month, day, tzinfo=PARIS)
            starts = list_starts(schedule, since, since + timedelta(days=15))
            bad += [f"{start:%Y-%m-%d %H:%M}" for start in starts if start.hour == AMBIGUOUS_HOUR]
    return bad
