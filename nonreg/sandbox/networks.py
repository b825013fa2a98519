"""Loopback networks: each running instance holds one, reserved against all others on the machine."""

from __future__ import annotations

import socket

from nonreg.sandbox.layout import DEFAULT_NETWORK, LAST_BYTE, PORTS

FREE = "libre"
RESERVATION = (1, 2299)  # last byte and port that the holder of a network listens on
NETWORKS = 250


def reserve_network(wanted: str) -> tuple[str, socket.socket]:
    """The network wanted, or for « libre » a free one other than the default; OSError when there is none.

    The reservation lasts as long as the returned socket stays open.
    """
    if wanted != FREE:
        return wanted, _reserve(wanted)
    for third in range(1, NETWORKS):
        network = f"{DEFAULT_NETWORK.rpartition('.')[0]}.{third}"
        try:
            return network, _reserve(network)
        except OSError:
            continue
    raise OSError("aucun réseau de bouclage libre")


def _reserve(network: str) -> socket.socket:
    reservation = socket.socket()
    last, port = RESERVATION
    try:
        reservation.bind((f"{network}.{last}", port))
        reservation.listen(1)
        for host in LAST_BYTE.values():  # somebody else's servers may be there, without reservation
            for used in PORTS.values():
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    probe.bind((f"{network}.{host}", used))
    except OSError as error:
        reservation.close()
        raise OSError(f"le réseau {network} est occupé, choisissez-en un autre (--network)") from error
    return reservation
