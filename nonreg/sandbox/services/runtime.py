"""What every service shares: start, periodic work, presence in the component table, stop."""

from __future__ import annotations

import argparse
import logging
import os
import select
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from nonreg.sandbox.processes import die_with_parent
from nonreg.sandbox.services.database import ActiveDatabase, DatabaseRefused, DatabaseUnavailable
from nonreg.sandbox.services.logs import open_log
from nonreg.sandbox.services.settings import Settings, load_settings

PRESENCE_SECONDS = 1.0
SIGN = "SELECT evt.usp_signaler(%s, %s, %s) WHERE ha.usp_etat() = 'ACTIF'"
ERRORS = (DatabaseUnavailable, DatabaseRefused)


class Outage:
    """Logs a failure once when it begins and once when it is over, instead of every second."""

    def __init__(self, log: logging.Logger, subject: str) -> None:
        self._log, self._subject, self._failing = log, subject, False

    def failed(self, error: Exception) -> None:
        """The subject failed just now."""
        if not self._failing:
            self._log.warning("%s : %s", self._subject, error)
        self._failing = True

    def worked(self) -> None:
        """The subject worked just now."""
        if self._failing:
            self._log.info("%s : rétabli", self._subject)
        self._failing = False


class Service:
    """One running service; the threads it starts end with the process."""

    def __init__(self, settings: Settings, log: logging.Logger) -> None:
        self.settings = settings
        self.log = log
        self.stopping = threading.Event()

    def every(self, seconds: float, work: Callable[[], None], name: str) -> None:
        """Do the work periodically in its own thread; an error is logged and the work goes on."""

        def repeat() -> None:
            outage = Outage(self.log, name)
            while not self.stopping.is_set():
                started = time.monotonic()
                try:
                    work()
                except ERRORS as error:
                    outage.failed(error)
                except Exception:
                    self.log.exception("%s : erreur imprévue", name)
                else:
                    outage.worked()
                self.stopping.wait(max(0.0, seconds - (time.monotonic() - started)))

        threading.Thread(target=repeat, name=name, daemon=True).start()

    def report_presence(self, active: ActiveDatabase) -> None:
        """Sign the component table of the active database every second."""
        site, module, version = self.settings.site, self.settings.service, self.settings.version

        def sign() -> None:
            try:
                if not active.find().query(SIGN, (site, module, version)):
                    active.forget()  # no longer active: the next second finds the new one
            except ERRORS:
                active.forget()
                raise

        self.every(PRESENCE_SECONDS, sign, "présence")

    def run_until_stopped(self) -> None:
        """Wait for SIGTERM or SIGINT, then let the process end."""
        self.log.info("démarré, version %s", self.settings.version)
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
        self.stopping.set()
        self.log.info("arrêté")
        logging.shutdown()
        # Threads may be waiting for a client or the database: the process must not wait for them.
        os._exit(0)


def parse_arguments(service: str, before_gate: Callable[[Settings], None] | None = None) -> Settings:
    """Settings of this process, tied to its parent and let through the gate of a start in common."""
    parser = argparse.ArgumentParser(prog=f"python -m nonreg.sandbox.services.{service}")
    parser.add_argument("--config", type=Path, required=True, help="fichier de réglages JSON")
    parser.add_argument("--parent", type=int, help="pid du superviseur : le service finit avec lui")
    parser.add_argument("--gate", type=int, help="descripteur dont la fin de fichier donne le départ")
    arguments = parser.parse_args()
    if arguments.parent is not None:
        die_with_parent(arguments.parent)
    settings = load_settings(arguments.config)
    if before_gate is not None:
        before_gate(settings)
    if arguments.gate is not None:
        # The supervisor starts the services while the databases load; they begin when these are ready.
        select.select([arguments.gate], [], [])
        os.close(arguments.gate)
    return settings


def start_service(service: str, before_gate: Callable[[Settings], None] | None = None) -> Service:
    """Begin a service's process: settings, log, signals. Threads are started after this.

    `before_gate` may start one that leaves the signals to the main thread.
    """
    settings = parse_arguments(service, before_gate)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    return Service(settings, open_log(settings.log_file, service))
