"""What a supervisor can be asked, and the timers that ask it by themselves. Nothing here touches a process."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from nonreg.sandbox.layout import DATABASE_SITES, HOSTS, SERVICES, SITES

POSTGRESQL = "postgresql"
SERVICE_ACTIONS = ("start", "stop", "restart", "kill")
MACHINE_ACTIONS = ("power_off", "power_on", "is_on")
TIMER_ACTIONS = ("set_timer", "cancel_timer", "has_timer")
TITLES = {
    "start": "démarrage",
    "stop": "arrêt",
    "restart": "redémarrage",
    "kill": "arrêt brutal",
    "power_off": "extinction brutale",
    "power_on": "allumage",
    "is_on": "état",
}
MAX_TIMER_SECONDS = 86_400.0
TIMER_NAME = re.compile(r"[A-Za-z0-9_/-]{1,100}")


@dataclass(frozen=True, slots=True)
class Order:
    """Something to do to a site's machine, or to one of its services."""

    action: str
    site: str
    service: str = ""

    def __str__(self) -> str:
        return f"{TITLES[self.action]} de {self.service or 'la machine'} ({self.site})"


@dataclass(frozen=True, slots=True)
class TimerOrder:
    """Something to do to the timer of that name; `order` is what it asks after `seconds`."""

    action: str
    name: str
    seconds: float = 0.0
    order: Order | None = None

    def __str__(self) -> str:
        return f"minuterie {self.name}"


def write_order(order: Order | TimerOrder) -> dict[str, Any]:
    """An order as JSON carries it."""
    return asdict(order)


def read_order(data: Any) -> Order | TimerOrder:
    """The order in a decoded JSON value; ValueError when it is none."""
    if not isinstance(data, dict):
        raise ValueError("not an object")
    if data.get("action") not in TIMER_ACTIONS:
        return _read_plain_order(data)
    action, name, seconds = data["action"], data.get("name"), data.get("seconds", 0.0)
    if not isinstance(name, str) or not TIMER_NAME.fullmatch(name):
        raise ValueError("bad name of a timer")
    if action != "set_timer":
        return TimerOrder(action, name)
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, (int, float))
        or not 0 < seconds <= MAX_TIMER_SECONDS
    ):
        raise ValueError("bad delay of a timer")
    return TimerOrder(action, name, float(seconds), _read_plain_order(data.get("order")))


def _read_plain_order(data: Any) -> Order:
    if not isinstance(data, dict):
        raise ValueError("not an object")
    action, site, service = data.get("action"), data.get("site"), data.get("service", "")
    if action in MACHINE_ACTIONS and site in SITES and service == "":
        return Order(action, site)
    if action in SERVICE_ACTIONS and site in HOSTS and service in list_units(site):
        return Order(action, site, service)
    raise ValueError("unknown action, site or service")


def list_units(site: str) -> tuple[str, ...]:
    """Everything of a host that can be started and stopped."""
    return SERVICES[site] + ((POSTGRESQL,) if site in DATABASE_SITES else ())


class Timers:
    """Orders by name, each with the time it is due: seconds on the caller's monotonic clock."""

    def __init__(self) -> None:
        self._due: dict[str, tuple[float, Order]] = {}

    def __contains__(self, name: object) -> bool:
        return name in self._due

    def set(self, name: str, at: float, order: Order) -> None:
        """Have the order due at that time; a timer of the same name is replaced."""
        self._due[name] = (at, order)

    def cancel(self, name: str) -> bool:
        """Forget a timer; False when there is none of that name, or no longer."""
        return self._due.pop(name, None) is not None

    def forget(self, concerned: Callable[[Order], bool]) -> list[str]:
        """Forget the timers of such orders; their names."""
        names = [name for name, (_, order) in self._due.items() if concerned(order)]
        for name in names:
            del self._due[name]
        return names

    def seconds_to_next(self, now: float, at_most: float) -> float:
        """How long nothing is due: from 0 to `at_most` seconds."""
        return max(0.0, min([at - now for at, _ in self._due.values()] + [at_most]))

    def take_due(self, now: float) -> list[tuple[str, Order]]:
        """Names and orders whose time has come, the oldest first; they are forgotten."""
        due = sorted((at, name) for name, (at, _) in self._due.items() if at <= now)
        return [(name, self._due.pop(name)[1]) for _, name in due]
