"""TCP ports on which a host listens, from `ss -ltn`."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from nonreg.errors import RequestFailed


@dataclass(frozen=True, slots=True, order=True)
class Listener:
    """One listening socket; `address` is `*` when it listens everywhere."""

    address: str
    port: int


def parse_listeners(text: str) -> tuple[Listener, ...]:
    """Listening sockets in order of output; RequestFailed when a line is not one."""
    listeners = []
    for line in text.splitlines()[1:]:
        fields = line.split()
        if not fields:
            continue
        if fields[0] != "LISTEN" or len(fields) < 5:
            raise RequestFailed(f"Ligne de ss illisible : {line.strip()[:200]!r}.")
        address, _, port = fields[3].rpartition(":")
        if not port.isascii() or not port.isdigit() or not address:
            raise RequestFailed(f"Adresse de ss illisible : {fields[3][:60]!r}.")
        listeners.append(Listener(address.strip("[]").partition("%")[0].strip("[]"), int(port)))
    return tuple(listeners)


def find_exposed_ports(listeners: tuple[Listener, ...], host_address: str) -> tuple[int, ...]:
    """Ports that others can reach: everywhere, or an address that is not the machine's own loopback."""
    return tuple(sorted({one.port for one in listeners if is_exposed(one.address, host_address)}))


def is_exposed(address: str, host_address: str) -> bool:
    """True unless the address is a loopback one other than the host's own."""
    if address in ("*", host_address):
        return True
    try:
        return not ipaddress.ip_address(address).is_loopback
    except ValueError:
        return True  # an address we cannot read is not one we can call harmless
