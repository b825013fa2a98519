"""The campaigns that a schedule promises, at the local time of Paris, against those that were published.

Each planned local day is one night, whatever the clock does: a time that a change of clock skips or repeats is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

from nonreg.alerts.facts import FORGOTTEN_AFTER, Fact, Kind, in_paris
from nonreg.errors import ConfigError
from nonreg.working_time import PARIS

CRON = re.compile(r"(\d{1,2}) (\d{1,2}) \* \* (\*|[0-7](?:-[0-7])?(?:,[0-7](?:-[0-7])?)*)")
EARLY = timedelta(minutes=5)  # clocks of server and worker differ a little
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Local time of Paris on some days of the week (Monday is 0)."""

    at: time
    weekdays: frozenset[int]


@dataclass(frozen=True, slots=True)
class Nightly:
    """A planned campaign of one platform; its report must be there `tolerance` after it was to start."""

    platform: str
    deployment: str
    schedule: Schedule
    tolerance: timedelta


@dataclass(frozen=True, slots=True)
class RunSeen:
    """A campaign that a deployment started, as its folder tells."""

    run_id: str
    platform: str
    deployment: str
    flow_run: str
    started_at: datetime
    published: bool
    running: bool


def parse_cron(text: str) -> Schedule:
    """`30 1 * * *` or `0 4 * * 0,6`, as in prefect.yaml; ConfigError for any other form."""
    found = CRON.fullmatch(" ".join(text.split()))
    if not found or int(found[1]) > 59 or int(found[2]) > 23:
        raise ConfigError(
            f"planification « {text} » refusée : minute, heure, puis « * * » et des jours de 0 à 7 ou « * » "
            "sont attendus, par exemple « 30 1 * * * »"
        )
    at = time(int(found[2]), int(found[1]))
    if at.hour == 2:
        raise ConfigError(
            f"planification « {text} » refusée : de 02:00 à 02:59, l'heure de Paris manque ou se répète "
            "aux changements d'heure"
        )
    return Schedule(at, _read_weekdays(found[3]))


def _read_weekdays(text: str) -> frozenset[int]:
    if text == "*":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        days |= set(range(int(first), int(last or first) + 1))
    if not days:
        raise ConfigError(f"planification refusée : jours « {text} » à l'envers")
    return frozenset((day - 1) % 7 for day in days)  # cron: 0 and 7 are Sunday


def list_nights(schedule: Schedule, after: datetime, until: datetime) -> Iterator[datetime]:
    """The planned starts in [after, until], oldest first, in UTC; each local day at most once."""
    day, last = after.astimezone(PARIS).date(), until.astimezone(PARIS).date()
    while day <= last:
        start = datetime.combine(day, schedule.at, PARIS).astimezone(UTC)
        if day.weekday() in schedule.weekdays and after <= start <= until:
            yield start
        day += DAY


def local_day(start: datetime) -> date:
    """The day by which a night is known."""
    return start.astimezone(PARIS).date()


def find_missed(
    nightly: Nightly, runs: Iterable[RunSeen], since: datetime, now: datetime
) -> tuple[datetime, ...]:
    """Starts whose report is due and is not there; `since` is when somebody began to look."""
    own = [run for run in runs if (run.platform, run.deployment) == (nightly.platform, nightly.deployment)]
    # A night counts until the next one: an old one is never made up for by it.
    starts = list(list_nights(nightly.schedule, max(since, now - FORGOTTEN_AFTER), now + 8 * DAY))
    return tuple(
        start
        for start, following in pairwise(starts)
        if start + nightly.tolerance <= now
        and not any(run.published for run in own if start - EARLY <= run.started_at < following - EARLY)
    )


def tell_missed(
    nightly: Nightly, start: datetime, runs: Iterable[RunSeen], on_server: str, now: datetime
) -> Fact:
    """The alert of a missed night; `on_server` is what Prefect says of it, empty when it was not asked."""
    begun = [
        run
        for run in runs
        if (run.platform, run.deployment) == (nightly.platform, nightly.deployment)
        and start - EARLY <= run.started_at < start + DAY
    ]
    lines = [
        f"La campagne « {nightly.deployment} » de la plateforme {nightly.platform}, prévue le {in_paris(start)}, "
        f"n'a pas de rapport publié {nightly.tolerance.total_seconds() / 60:g} min plus tard.",
        *(
            f"Passage {run.run_id} : commencé le {in_paris(run.started_at)}, "
            + ("encore en cours." if run.running else "jamais publié.")
            for run in begun
        ),
        *([] if begun else ["Aucun passage n'a commencé."]),
    ]
    if on_server:
        lines.append(f"Sur le serveur Prefect : {on_server}.")
    return Fact(
        f"nuit-manquee/{nightly.platform}/{nightly.deployment}/{local_day(start)}",
        Kind.MISSED_NIGHT,
        nightly.platform,
        f"Nuit manquée — {nightly.deployment} {local_day(start)} {nightly.platform}",
        "\n".join(lines),
        "Vérifiez le serveur, le travailleur et la planification (UI de Prefect, déploiement "
        f"« {nightly.deployment} »), puis lancez la campagne de ce déploiement. Un passage commencé et jamais publié "
        "se juge avec python -m nonreg report runs/PASSAGE.",
        "",
        now,
    )
