"""The table `[vpn]` of a platform file: how this workstation tells the state of its VPN. Pure.

    [vpn]
    management = "127.0.0.1:7505"       # the management interface of OpenVPN, or the path of its socket
    password_env = "AQ_VPN_PASSWORD"    # the variable of its password, when it has one

or, on Linux only,

    [vpn]
    interface = "tun0"
    route = "10.20.0.0/16"
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Any, ClassVar

STRICT = {"extra": "forbid"}
MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class Vpn:
    """How to ask this workstation for the state of its VPN, in one of two ways, within `timeout_seconds` altogether.

    `management` is the management interface of OpenVPN on this machine (`127.0.0.1:7505`, or the path of its socket),
    `password_env` names the variable of its password when it has one. Or, on Linux: `interface` is the tunnel
    (`tun0`) and `route` the IPv4 network that must be reached through it (`10.20.0.0/16`).
    """

    __pydantic_config__: ClassVar[Any] = STRICT
    management: str = ""
    password_env: str = ""
    interface: str = ""
    route: str = ""
    timeout_seconds: float = 5.0


def find_vpn_problem(vpn: Vpn) -> tuple[str, str] | None:
    """The first key of the table that is wrong, and why, in French; None when the table is sound."""
    if bool(vpn.management) == bool(vpn.interface):
        return "management", "il faut soit « management », soit « interface » et « route »"
    return _find_management_problem(vpn) if vpn.management else _find_interface_problem(vpn)


def split_address(management: str) -> tuple[str, int] | None:
    """Host and port of the management interface; None for the path of a socket."""
    if "/" in management:
        return None
    host, _, port = management.rpartition(":")
    return host.strip("[]"), int(port)


def _find_management_problem(vpn: Vpn) -> tuple[str, str] | None:
    if vpn.route:
        return "route", "elle va avec « interface », pas avec « management »"
    if "/" in vpn.management:
        return None
    host, _, port = vpn.management.rpartition(":")
    if not re.fullmatch(r"[0-9]{1,5}", port, re.ASCII) or not 0 < int(port) <= MAX_PORT:
        return "management", "une adresse et un port (127.0.0.1:7505), ou le chemin d'un socket, est attendu"
    if not is_loopback(host):  # its words travel in clear, and the state of another machine proves nothing
        return "management", f"l'interface de gestion est celle de ce poste, pas de « {host} »"
    return None


def _find_interface_problem(vpn: Vpn) -> tuple[str, str] | None:
    if vpn.password_env:
        return "password_env", "il va avec « management »"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,14}", vpn.interface):
        return "interface", f"« {vpn.interface} » n'est pas un nom d'interface (tun0)"
    try:
        ipaddress.IPv4Network(vpn.route)
    except ValueError:
        return "route", f"un réseau IPv4 est attendu (10.20.0.0/16), pas « {vpn.route} »"
    return None


def is_loopback(server: str) -> bool:
    """True for an address of this machine alone; other names than localhost are not looked up."""
    if server.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(server.strip("[]")).is_loopback
    except ValueError:
        return False
