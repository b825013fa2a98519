"""The routes of the link between the sites: which are cut, until when, and which one a connection takes.

Nothing here opens a socket. Times are seconds on the caller's monotonic clock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ROUTES = ("1", "2")
MAX_CUT_SECONDS = 3600.0


class ChangeRefused(ValueError):
    """An order to a route that is not one; the message is a French sentence."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a route is told: cut for `seconds` at most, or restored (None)."""

    seconds: float | None


@dataclass(frozen=True, slots=True)
class Link:
    """State of the link: when each cut route comes back by itself, and the setting that cuts everything."""

    cut_until: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    all_cut: bool = False

    def is_cut(self, route: str, now: float) -> bool:
        """True while nothing passes by this route."""
        return self.all_cut or self.cut_until.get(route, now) > now

    def find_route(self, now: float) -> str | None:
        """The route that a new connection takes: the open one of the lowest number."""
        return next((route for route in ROUTES if not self.is_cut(route, now)), None)

    def change(self, route: str, change: Change, now: float) -> Link:
        """The link after an order to one route; the last order counts."""
        others = {name: until for name, until in self.cut_until.items() if name != route}
        own = {} if change.seconds is None else {route: now + change.seconds}
        return Link(MappingProxyType(others | own), self.all_cut)

    def expire(self, now: float) -> tuple[Link, tuple[str, ...]]:
        """The link without the cuts whose time has passed, and the routes that came back."""
        back = tuple(route for route in ROUTES if self.cut_until.get(route, now + 1) <= now)
        left = {route: until for route, until in self.cut_until.items() if route not in back}
        return (Link(MappingProxyType(left), self.all_cut) if back else self), back

    def describe(self, now: float) -> dict[str, object]:
        """The state as the control shows it; no delay for a route that only the setting cuts."""

        def left_seconds(route: str) -> float | None:
            left = self.cut_until.get(route, now) - now
            return round(left, 3) if left > 0 else None

        return {
            "voies": {
                route: {"coupee": self.is_cut(route, now), "retablie_dans_secondes": left_seconds(route)}
                for route in ROUTES
            },
            "voie_utilisee": self.find_route(now),
        }


def read_change(body: bytes) -> Change:
    """The order in a request's body; ChangeRefused when it is none, or a cut without an end."""
    try:
        data = json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ChangeRefused("Le corps de la requête n'est pas un objet JSON.") from error
    if not isinstance(data, dict) or not isinstance(data.get("coupee"), bool):
        raise ChangeRefused("« coupee » doit valoir true ou false.")
    unknown = sorted(set(data) - {"coupee", "secondes"})
    if unknown:
        raise ChangeRefused(f"Champ inconnu : « {unknown[0]} ».")
    seconds = data.get("secondes")
    if not data["coupee"]:
        if seconds is not None:
            raise ChangeRefused("« secondes » ne va qu'avec une coupure.")
        return Change(None)
    if isinstance(seconds, (int, float)) and not isinstance(seconds, bool) and 0 < seconds <= MAX_CUT_SECONDS:
        return Change(float(seconds))
    raise ChangeRefused(
        f"« secondes » est obligatoire pour une coupure : nombre supérieur à 0, {MAX_CUT_SECONDS:g} au plus."
    )
