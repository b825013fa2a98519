"""What may go wrong: the risks that the titulaire declares, and those that what was read shows by itself. Pure.

    [[risks]]                     # risks.toml of the governance folder, reviewed in git
    id = "R-1"
    title = "Fin de support de SQL Server"
    probability = "forte"         # faible, moyenne, forte
    impact = "fort"               # faible, moyen, fort
    action = "Chiffrer la montée de version"
    owner = "titulaire-1"         # an id, never a name
    review = 2027-01-15           # optional: when it is looked at again

Source: R65, R66.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from nonreg.alerts.facts import Fact
from nonreg.config import validate_table
from nonreg.errors import ConfigError
from nonreg.files import parse_toml, read_text
from nonreg.history_records import NOT_PLANNED, NOT_TRIED
from nonreg.model import History, Outcome
from nonreg.model.readiness import Readiness, Word
from nonreg.model.steering import STRICT, Impact, Indicator, Period, Probability, Risk, Watched, WatchList
from nonreg.steering.health import KNOWN_DAYS
from nonreg.wording import plural
from nonreg.working_time import PARIS

FILE = "risks.toml"
SHOWN = 8


@dataclass(frozen=True, slots=True)
class RiskFile:
    """The whole file."""

    __pydantic_config__: ClassVar[Any] = STRICT
    risks: tuple[Risk, ...] = ()


def load_risks(governance: Path) -> tuple[Risk, ...] | None:
    """The declared risks, the worst first; None where nobody keeps the file. ConfigError for a wrong one."""
    path = governance / FILE
    if not path.is_file():
        return None
    text = read_text(path)
    found = validate_table(RiskFile, parse_toml(text, path), text, path).risks
    for number, one in enumerate(found, 1):
        for key, value in (
            ("id", one.id),
            ("title", one.title),
            ("action", one.action),
            ("owner", one.owner),
        ):
            if not value.strip():
                raise ConfigError(f"{path} : risque n° {number}, clé « {key} » vide.")
    ids = [one.id for one in found]
    twice = next((one for one in ids if ids.count(one) > 1), None)
    if twice is not None:
        raise ConfigError(f"{path} : deux risques ont l'identifiant « {twice} ».")
    return tuple(sorted(found, key=weigh))


def weigh(risk: Risk) -> tuple[int, int, str]:
    """What sorts the worst first: both together, then the impact."""
    impact, likely = [*Impact].index(risk.impact) + 1, [*Probability].index(risk.probability) + 1
    return -impact * likely, -impact, risk.id


def find_risks(
    lists: Sequence[WatchList],
    indicators: Iterable[Indicator],
    history: History | None,
    measured: Readiness | None,
    tracker: Iterable[Fact],
    missing: Sequence[str],
    period: Period,
    now: datetime,
    source: str,
) -> WatchList:
    """What is already seen to go wrong, a line for each; a source that was not read is a risk too."""
    known = {one.id: one.items or () for one in lists}
    due, waivers = known.get("echeances", ()), known.get("derogations", ())
    past = [one for one in due if one.at is not None and one.at <= now]
    soon = [one for one in due if one not in past]
    failing = list_failing(history, period.end) if history is not None else []
    empty = list_days_without(history, period) if history is not None else []
    items = [
        *_tell_due(past, "échéance dépassée", "échéances dépassées", "la plus ancienne"),
        *_tell_due(soon, "échéance proche", "échéances proches", "la première"),
        *_tell_due(waivers, "dérogation près de sa fin", "dérogations près de leur fin", "la première"),
        *_tell_names(
            failing,
            "scénario en échec à son dernier passage",
            "scénarios en échec à leur dernier passage",
        ),
        *_tell_names(empty, "jour sans aucune campagne", "jours sans aucune campagne"),
        *_tell_readiness(measured),
        *(Watched(one.subject, None, "", one.ticket, one.text.splitlines()[0]) for one in tracker),
        *(Watched(warning, None, "", "", one.title) for one in indicators for warning in one.warnings),
    ]
    if missing:
        unread = plural(
            len(missing), "source n'a pas pu être lue entière", "sources n'ont pas pu être lues entières"
        )
        items.append(Watched(unread, None, "", "", "d'autres risques peuvent manquer ici (voir la synthèse)"))
    return WatchList("risques", "Risques constatés", source, tuple(items), "Aucun risque constaté.")


def _tell_due(items: Sequence[Watched], one: str, several: str, which: str) -> list[Watched]:
    if not items:
        return []
    first = items[0]
    return [
        Watched(
            plural(len(items), one, several), first.at, first.person, first.ticket, f"{which} : {first.title}"
        )
    ]


def _tell_names(names: Sequence[str], one: str, several: str) -> list[Watched]:
    if not names:
        return []
    shown = ", ".join(names[:SHOWN]) + (" …" if len(names) > SHOWN else "")
    return [Watched(plural(len(names), one, several), None, "", "", shown)]


def _tell_readiness(measured: Readiness | None) -> list[Watched]:
    if measured is None or measured.word is Word.READY:
        return []
    causes = measured.list_causes()
    said = f"d'abord : {causes[0].title}" if causes else ""
    return [
        Watched(f"Continuité : {measured.word.value}, {measured.score} points sur 100", None, "", "", said)
    ]


def list_failing(history: History, end: datetime) -> list[str]:
    """Scenarios whose last trial of the last 30 days failed."""
    since = end - timedelta(days=KNOWN_DAYS)
    near = [place for place, run in enumerate(history.runs) if since <= run.started_at < end]
    found = []
    for one in history.scenarios:
        tried = [one.outcomes[place] for place in near if one.outcomes[place] not in (NOT_PLANNED, NOT_TRIED)]
        if tried and tried[-1] == Outcome.KO.letter:
            found.append(one.scenario_id)
    return sorted(found)


def list_days_without(history: History, period: Period) -> list[str]:
    """Days of the period on which no campaign began, since the first one that is known."""
    days = {run.started_at.astimezone(PARIS).date() for run in history.runs}
    if not days:
        return []
    day, after = period.start.astimezone(PARIS).date(), period.end.astimezone(PARIS).date()
    found = []
    while day < after:
        if day not in days and day > min(days):
            found.append(f"{day:%d/%m}")
        day += timedelta(days=1)
    return found
