"""The one process that all others of an instance are children of.

It creates the instance, starts everything, serves orders (`control.py`), obeys timers and ends everything on
SIGTERM, or when the pipe that its owner holds reaches its end because the owner died. Killed itself, it takes its
children along: the kernel signals them.

Orders are obeyed one after the other: one that takes long delays the timers by as much.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import selectors
import signal
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from nonreg.sandbox.control import MAX_LINE_BYTES, short_socket_path
from nonreg.sandbox.layout import Layout, create_layout, write_private
from nonreg.sandbox.machines import Machines
from nonreg.sandbox.networks import reserve_network
from nonreg.sandbox.orders import Order, TimerOrder, Timers, read_order
from nonreg.sandbox.processes import write_pid_file
from nonreg.sandbox.services.logs import open_log
from nonreg.sandbox.teardown import end_all_processes, remove_files, supervisor_pid_file

REAP_SECONDS = 0.2
LINE_SECONDS = 2.0
LOG = logging.getLogger("supervisor")


class Interrupted(Exception):
    """The supervisor was asked to stop, or its owner died."""


class Supervisor:
    """One instance: who may stop it, what it is asked, what it was asked to do later."""

    def __init__(self, layout: Layout, owner: int | None) -> None:
        self.layout = layout
        self.machines = Machines(layout, self._check)
        self._timers = Timers()
        self._selector = selectors.DefaultSelector()
        self._wake, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wake, selectors.EVENT_READ, "stop")
        if owner is not None:
            self._selector.register(owner, selectors.EVENT_READ, "stop")

    def listen(self) -> None:
        """Take orders from now on."""
        listener = socket.socket(socket.AF_UNIX)
        with short_socket_path(self.layout) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            listener.bind(path)
            os.chmod(path, 0o600)
        listener.listen()
        self._selector.register(listener, selectors.EVENT_READ, "order")

    def run(self) -> None:
        """Serve orders and timers until told to stop."""
        while True:
            pause = self._timers.seconds_to_next(time.monotonic(), REAP_SECONDS)
            ready = self._selector.select(pause)
            if any(key.data == "stop" for key, _ in ready):
                return
            for name, order in self._timers.take_due(time.monotonic()):
                self._obey_timer(name, order)
            for key, _ in ready:
                self._serve_order(key.fileobj)  # type: ignore[arg-type]
            self.machines.reap()

    def stop(self) -> None:
        """End everything: services, then databases, then whatever was forgotten."""
        self.machines.end_services()
        end_all_processes(self.layout)

    def _check(self) -> None:
        if any(key.data == "stop" for key, _ in self._selector.select(0)):
            raise Interrupted("interrompu")

    def _serve_order(self, listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link, suppress(OSError):
            link.settimeout(LINE_SECONDS)
            with link.makefile("rb") as lines:
                line = lines.readline(MAX_LINE_BYTES)
            link.sendall(json.dumps(self._answer(line)).encode() + b"\n")

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            order = read_order(json.loads(line))
        except (ValueError, RecursionError):
            return {"ok": False, "message": "Ordre illisible."}
        try:
            value = self._obey_timing(order) if isinstance(order, TimerOrder) else self._obey(order)
        except (RuntimeError, OSError, Interrupted) as error:
            LOG.error("%s : échec, %s", order, error)
            return {"ok": False, "message": str(error)}
        except Exception as error:  # whatever it is, the platform goes on
            LOG.exception("%s : erreur imprévue", order)
            return {"ok": False, "message": f"Erreur imprévue du superviseur : {type(error).__name__}."}
        return {"ok": True, "value": value}

    def _obey_timing(self, order: TimerOrder) -> bool:
        if order.action == "set_timer" and order.order is not None:
            self._timers.set(order.name, time.monotonic() + order.seconds, order.order)
            LOG.info("minuterie %s : %s dans %g s", order.name, order.order, order.seconds)
            return True
        if order.action == "cancel_timer":
            LOG.info("minuterie %s annulée", order.name)
            return self._timers.cancel(order.name)
        return order.name in self._timers

    def _obey_timer(self, name: str, order: Order) -> None:
        LOG.info("minuterie %s échue : %s", name, order)
        try:
            self._obey(order)
        except (RuntimeError, OSError, Interrupted) as error:
            LOG.error("minuterie %s : échec, %s", name, error)
        except Exception:
            LOG.exception("minuterie %s : erreur imprévue", name)

    def _obey(self, order: Order) -> bool:
        machines, site, service = self.machines, order.site, order.service
        if order.action == "is_on":
            return machines.is_on(site)
        began = time.monotonic()
        if order.action in ("stop", "restart"):
            machines.stop(site, service)
        if order.action in ("start", "restart"):
            machines.start(site, service)
        if order.action == "kill":
            machines.kill(site, service)
        if order.action == "power_off":
            # What the machine itself was to do later is gone with it.
            self._timers.forget(lambda later: later.site == site and later.service != "")
            machines.power_off(site)
        if order.action == "power_on":
            machines.power_on(site)
        LOG.info("%s : fait en %.2f s", order, time.monotonic() - began)
        return True


def main() -> None:
    """Run one instance; `--report` is a descriptor that gets one line a step, then PRET or ECHEC."""
    parser = argparse.ArgumentParser(prog="python -m nonreg.sandbox.supervisor")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--network", required=True, help="réseau voulu, ou « libre »")
    parser.add_argument("--owner", type=int, help="descripteur qui se ferme à la mort du propriétaire")
    parser.add_argument("--report", type=int, required=True)
    arguments = parser.parse_args()
    reports = os.fdopen(arguments.report, "w", encoding="utf-8", buffering=1)

    def report(line: str) -> None:
        with suppress(OSError):  # who started us may be gone
            reports.write(line.replace("\n", " ") + "\n")

    began = time.monotonic()
    try:
        network, reservation = reserve_network(arguments.network)
        layout = create_layout(arguments.dir, network)
    except OSError as error:
        report(f"ECHEC {error}")
        raise SystemExit(1) from error
    write_private(layout.root / "supervisor.log", "")
    write_pid_file(supervisor_pid_file(layout), os.getpid())
    open_log(layout.root / "supervisor.log", LOG.name)
    supervisor = Supervisor(layout, arguments.owner)
    try:
        supervisor.machines.start_all(report)
        supervisor.listen()
    except Interrupted:
        report("ECHEC interrompu")
    except Exception as error:
        report(f"ECHEC {error}")
    else:
        report(f"PRET {time.monotonic() - began:.1f}")
        reports.close()
        supervisor.run()
    supervisor.stop()
    reservation.close()
    if arguments.owner is not None:
        remove_files(layout)
    os._exit(0)  # the thread of the databases may be in the middle of something that no longer matters


if __name__ == "__main__":
    main()
