"""The machines of an instance, as process groups: services and databases that start, stop, are killed or lose power.

Processes die with their supervisor: the kernel signals them at the death of the thread that started them, so
that only threads may start them that live as long as the supervisor.
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any

from nonreg.sandbox import postgres
from nonreg.sandbox.dataset import prepare_databases
from nonreg.sandbox.layout import DATABASE_SITES, HOSTS, PORTS, SERVICES, Layout
from nonreg.sandbox.orders import POSTGRESQL, list_units
from nonreg.sandbox.processes import (
    SITE_MARK,
    end_processes,
    find_below,
    find_recorded,
    find_site_processes,
    kill_processes,
    kill_tree,
    write_pid_file,
)
from nonreg.sandbox.provision import provision
from nonreg.sandbox.readiness import find_unsettled
from nonreg.sandbox.renforts import write_renfort_files
from nonreg.sandbox.services.ssh_commands import find_listening_ports
from nonreg.waiting import DeadlinePassed, wait_until

START_SECONDS = 60.0
ANSWER_SECONDS = 15.0
STOP_SECONDS = 3.0
POLL_SECONDS = 0.02
MORE_PORTS = {"relais": ("liaison", "battement_relais"), "supervision": ("battement",)}


class DatabaseThread:
    """Starts and stops the servers in one thread that lives as long as the process."""

    def __init__(self) -> None:
        self._work: queue.SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="bases", daemon=True).start()

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Have the work done after what was submitted before."""
        future: Future[Any] = Future()
        self._work.put((work, future))
        return future

    def _run(self) -> None:
        while True:
            work, future = self._work.get()
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)


class Machines:
    """One instance's processes by site and service; `check` raises what must interrupt a wait."""

    def __init__(self, layout: Layout, check: Callable[[], None]) -> None:
        self.layout, self._check = layout, check
        self._databases = DatabaseThread()
        self._children: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._off: set[str] = set()

    def start_all(self, report: Callable[[str], None]) -> None:
        """Bring everything up, services loading while the databases do; RuntimeError names what failed."""
        loading = self._databases.submit(lambda: prepare_databases(self.layout))
        provision(self.layout)
        write_renfort_files(self.layout)
        gate_read, gate_write = os.pipe()
        for site in HOSTS:
            for service in SERVICES[site]:
                self._spawn(site, service, gate_read)
        os.close(gate_read)
        self._wait(loading.done, START_SECONDS, lambda: "chargement des bases")
        for site, process in zip(DATABASE_SITES, loading.result(), strict=True):
            self._record(site, POSTGRESQL, process)
        report("Plateforme embarquée : bases chargées et répliquées")
        os.close(gate_write)  # lets every service begin
        self._wait_for_answers(HOSTS)
        self._wait(
            lambda: not find_unsettled(self.layout),
            ANSWER_SECONDS,
            lambda: ", ".join(find_unsettled(self.layout)),
            poll_seconds=0.1,
        )

    def reap(self) -> None:
        """Take note of what died; nothing is restarted by itself."""
        for child in self._children.values():
            child.poll()

    def end_services(self) -> None:
        """End every service, the databases being left to others."""
        services = [key for key in self._children if key[1] != POSTGRESQL]
        end_processes(
            [process for key in services if (process := find_recorded(self.layout.pid_file(*key)))],
            STOP_SECONDS,
        )

    def is_on(self, site: str) -> bool:
        """True unless the machine was switched off."""
        return site not in self._off

    def start(self, site: str, service: str) -> None:
        """Start a service and return when it answers; one that runs is left alone."""
        self._require_power(site)
        if self._runs(site, service):
            return
        if service == POSTGRESQL:
            self._start_database(site)
            return
        self._spawn(site, service)
        self._wait(
            lambda: not self._is_silent(site, service), ANSWER_SECONDS, lambda: f"{service} ne répond pas"
        )

    def stop(self, site: str, service: str) -> None:
        """Stop a service properly; the missing pid file tells it from one that died."""
        self._require_power(site)
        pid_file = self.layout.pid_file(site, service)
        process = find_recorded(pid_file)
        if process is not None and service == POSTGRESQL:
            self._databases.submit(lambda: postgres.stop_cluster(self.layout, site)).result()
        if process is not None:
            end_processes([process], STOP_SECONDS)
        self._children[site, service].poll()
        pid_file.unlink(missing_ok=True)

    def kill(self, site: str, service: str) -> None:
        """SIGKILL to a service and whatever it started; its pid file stays."""
        self._require_power(site)
        if service == POSTGRESQL:
            kill_processes(lambda: find_below(self.layout.cluster_dir(site)))
        else:
            kill_tree(self.layout.pid_file(site, service))
        self.reap()

    def power_off(self, site: str) -> None:
        """SIGKILL to everything that runs on a machine, at once."""
        self._off.add(site)
        kill_processes(lambda: find_site_processes(self.layout, site))
        self.reap()

    def power_on(self, site: str) -> None:
        """Start what does not run of a machine and return when all of it answers.

        RuntimeError names what does not; the machine is on then, as one with a broken service is.
        """
        self._off.discard(site)
        problems = []
        gate_read, gate_write = os.pipe()
        try:
            for service in SERVICES[site]:
                if not self._runs(site, service):
                    self._spawn(site, service, gate_read)
            if POSTGRESQL in list_units(site) and not self._runs(site, POSTGRESQL):
                self._start_database(site)
        except RuntimeError as error:
            problems.append(str(error))
        finally:
            os.close(gate_read)
            os.close(gate_write)
        try:
            self._wait_for_answers([site])
        except RuntimeError as error:
            problems.append(str(error))
        if problems:
            raise RuntimeError(" ; ".join(problems))

    def _require_power(self, site: str) -> None:
        if site in self._off:
            raise RuntimeError(f"la machine de {site} est éteinte")

    def _runs(self, site: str, service: str) -> bool:
        return find_recorded(self.layout.pid_file(site, service)) is not None

    def _record(self, site: str, service: str, child: subprocess.Popen[bytes]) -> None:
        self._children[site, service] = child
        write_pid_file(self.layout.pid_file(site, service), child.pid)

    def _spawn(self, site: str, service: str, gate: int | None = None) -> None:
        layout = self.layout
        command = [
            *(sys.executable, "-m", f"nonreg.sandbox.services.{service}"),
            *("--config", str(layout.config_file(site, service)), "--parent", str(os.getpid())),
        ]
        with layout.log_file(site, service).open("ab") as log:
            child = subprocess.Popen(
                command + (["--gate", str(gate)] if gate is not None else []),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=() if gate is None else (gate,),
                start_new_session=True,
                env=os.environ | {SITE_MARK: site},
            )
        self._record(site, service, child)

    def _start_database(self, site: str) -> None:
        # Busy backends outlive a killed postmaster, and a server does not start beside them.
        kill_processes(lambda: find_below(self.layout.cluster_dir(site)))
        self.reap()
        self._record(
            site,
            POSTGRESQL,
            self._databases.submit(lambda: postgres.start_cluster(self.layout, site)).result(),
        )

    def _is_silent(self, site: str, service: str) -> bool:
        if self._children[site, service].poll() is not None:
            raise RuntimeError(
                f"le service {service} de {site} s'est arrêté : {self._last_words(site, service)}"
            )
        expected = {PORTS[name] for name in (service, *MORE_PORTS.get(service, ())) if name in PORTS}
        return not expected <= set(find_listening_ports(self.layout.address(site)))

    def _find_silent(self, sites: Iterable[str]) -> list[str]:
        return [
            f"{service} de {site}"
            for site in sites
            for service in SERVICES[site]
            if self._is_silent(site, service)
        ]

    def _wait_for_answers(self, sites: Iterable[str]) -> None:
        self._wait(
            lambda: not self._find_silent(sites), ANSWER_SECONDS, lambda: ", ".join(self._find_silent(sites))
        )

    def _last_words(self, site: str, service: str) -> str:
        text = self.layout.log_file(site, service).read_text(encoding="utf-8", errors="replace")
        return text.strip().rpartition("\n")[2] or "journal vide"

    def _wait(
        self,
        condition: Callable[[], bool],
        seconds: float,
        what: Callable[[], str],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        def done() -> bool:
            self._check()
            return condition()

        try:
            wait_until(done, seconds, poll_seconds=poll_seconds)
        except DeadlinePassed as error:
            raise RuntimeError(f"délai de {seconds:g} s dépassé : {what()}") from error
