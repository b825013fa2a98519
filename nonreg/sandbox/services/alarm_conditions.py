"""What is wrong on the platform, in one module's picture of it: the labels of the technical alarms. Pure.

Each label gets a verdict only while the picture tells it; without one an alarm stays as it is, so that a silence closes
nothing and a link that is cut makes nobody say that the other end is mute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from nonreg.sandbox.services.mandates import ACTIVE, UNKNOWN
from nonreg.sandbox.services.picture import Picture

STARTED_SECONDS = 10.0  # a site that was never heard may be starting
SETTLED_SECONDS = 1.5  # heartbeats and roles are not renewed at the same instant everywhere


@dataclass(frozen=True, slots=True)
class Verdict:
    """True when the alarm's condition holds; it is raised when that lasted so many seconds."""

    holds: bool
    lasting_seconds: float = 0.0


def judge(
    picture: Picture, sites: Iterable[str], uptime_seconds: float, interrupted: Mapping[str, bool]
) -> dict[str, Verdict]:
    """Label → verdict, for all that can be told; `interrupted` is the replication towards each subscriber."""
    codes = sorted({picture.site, *sites})
    return {
        **_judge_services(picture),
        **_judge_silence(picture, codes, uptime_seconds),
        **_judge_links(picture, codes, uptime_seconds),
        **_judge_roles(picture, codes),
        **_judge_replication(picture, interrupted),
    }


def _judge_services(picture: Picture) -> dict[str, Verdict]:
    return {
        f"Service {name} arrêté sur {site}": Verdict(not runs)
        for site, report in picture.alive().items()
        for name, runs in report.modules.items()
    }


def _judge_silence(picture: Picture, codes: list[str], uptime_seconds: float) -> dict[str, Verdict]:
    return {
        f"Site {site} muet": Verdict(not picture.is_alive(site))
        for site in codes
        if picture.last_heard(site) is not None or uptime_seconds > STARTED_SECONDS
    }


def _judge_links(picture: Picture, codes: list[str], uptime_seconds: float) -> dict[str, Verdict]:
    verdicts = {}
    for one, other in combinations(codes, 2):
        label = f"Liaison {one} – {other} coupée"
        if _hears(picture, one, other) or _hears(picture, other, one):
            verdicts[label] = Verdict(False)
        elif uptime_seconds > STARTED_SECONDS and any(
            # Lately: of a site that has just died the third one's last heartbeat is no younger.
            _hears(picture, third, one, lately=True) and _hears(picture, third, other, lately=True)
            for third in codes
            if third not in (one, other)
        ):
            verdicts[label] = Verdict(True, SETTLED_SECONDS)
    return verdicts


def _hears(picture: Picture, observer: str, site: str, *, lately: bool = False) -> bool:
    age = picture.age_of(site, observer)
    return age is not None and age <= picture.fresh_seconds / (2 if lately else 1)


def _judge_roles(picture: Picture, codes: list[str]) -> dict[str, Verdict]:
    roles = {site: report.role for site, report in picture.alive().items() if report.role != UNKNOWN}
    return {
        f"Deux sites actifs : {one}, {other}": Verdict(roles[one] == roles[other] == ACTIVE, SETTLED_SECONDS)
        for one, other in combinations(codes, 2)
        if one in roles and other in roles
    }


def _judge_replication(picture: Picture, interrupted: Mapping[str, bool]) -> dict[str, Verdict]:
    if picture.own.role != ACTIVE:
        return {}
    own = {f"Réplication interrompue vers {picture.site}": Verdict(False)}
    return own | {
        f"Réplication interrompue vers {site}": Verdict(is_interrupted)
        for site, is_interrupted in interrupted.items()
    }
