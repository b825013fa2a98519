"""Which interface leads to a network, from Linux's `/proc/net/route`. Pure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from typing import Literal

from nonreg.errors import RequestFailed

UP = 0x1
COLUMNS = ("Iface", "Destination", "Flags", "Metric", "Mask")


@dataclass(frozen=True, slots=True)
class Route:
    """One line of the table; a route that refuses has the interface `*`."""

    interface: str
    network: IPv4Network
    metric: int


def parse_routes(text: str) -> tuple[Route, ...]:
    """The routes that are up, in order; RequestFailed when the text is no such table."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    try:
        places = {name: lines[0].index(name) for name in COLUMNS}
        rows = [{name: line[place] for name, place in places.items()} for line in lines[1:]]
        return tuple(
            Route(
                row["Iface"],
                IPv4Network((_read_address(row["Destination"]), str(_read_address(row["Mask"])))),
                int(row["Metric"]),
            )
            for row in rows
            if int(row["Flags"], 16) & UP
        )
    except (ValueError, IndexError, OverflowError) as error:
        raise RequestFailed("La table des routes de ce poste est illisible.") from error


def _read_address(
    word: str, order: Literal["little", "big"] = sys.byteorder
) -> IPv4Address:  # the kernel prints the machine's own order
    return IPv4Address(int(word, 16).to_bytes(4, order))


def find_route_problem(routes: tuple[Route, ...], interface: str, wanted: IPv4Network) -> str:
    """Why traffic to that network does not all go through that interface, in French; empty when it does."""
    covering = [route for route in routes if wanted.subnet_of(route.network)]
    if not covering:
        return f"aucune route ne mène à {wanted}"
    best = min(covering, key=lambda route: (-route.network.prefixlen, route.metric))
    if best.interface != interface:
        return f"la route vers {wanted} passe par {best.interface}, pas par {interface}"
    for route in routes:  # a part of it may have a way of its own
        inside = route.network != wanted and route.network.subnet_of(wanted)
        if inside and route.interface != interface:
            return f"une partie de {wanted}, {route.network}, passe par {route.interface}"
    return ""
