"""The one process that all others of an instance are children of.

It creates the instance, starts everything, serves orders (`control.py`) and ends everything on SIGTERM,
or when the pipe that its owner holds reaches its end because the owner died. Killed itself, it takes its
children along: the kernel signals them. For that, they must be started by threads that live as long as the
supervisor, because the kernel's signal comes with the death of the starting thread.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import Any

from nonreg.sandbox import postgres
from nonreg.sandbox.control import MAX_LINE_BYTES, short_socket_path
from nonreg.sandbox.dataset import prepare_databases
from nonreg.sandbox.layout import DATABASE_SITES, HOSTS, PORTS, SERVICES, Layout, create_layout, write_private
from nonreg.sandbox.networks import reserve_network
from nonreg.sandbox.processes import end_processes, find_recorded, write_pid_file
from nonreg.sandbox.provision import provision
from nonreg.sandbox.readiness import find_unsettled
from nonreg.sandbox.services.ssh_commands import find_listening_ports
from nonreg.sandbox.teardown import end_all_processes, remove_files, supervisor_pid_file
from nonreg.waiting import DeadlinePassed, wait_until

START_SECONDS = 60.0
ANSWER_SECONDS = 15.0
STOP_SECONDS = 3.0
REAP_SECONDS = 0.2
POLL_SECONDS = 0.02
POSTGRESQL = "postgresql"


class Interrupted(Exception):
    """The supervisor was asked to stop, or its owner died."""


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


class Supervisor:
    """One instance's processes."""

    def __init__(self, layout: Layout, report: Callable[[str], None], owner: int | None) -> None:
        self.layout = layout
        self._report = report
        self._databases = DatabaseThread()
        self._children: dict[tuple[str, str], subprocess.Popen[bytes]] = {}
        self._selector = selectors.DefaultSelector()
        self._wake, wake_write = os.pipe()
        os.set_blocking(wake_write, False)
        signal.set_wakeup_fd(wake_write)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        self._selector.register(self._wake, selectors.EVENT_READ, "stop")
        if owner is not None:
            self._selector.register(owner, selectors.EVENT_READ, "stop")

    def start(self) -> None:
        """Bring everything up, services loading while the databases do; RuntimeError names what failed."""
        loading = self._databases.submit(lambda: prepare_databases(self.layout))
        provision(self.layout)
        gate_read, gate_write = os.pipe()
        for site in HOSTS:
            for service in SERVICES[site]:
                self._spawn(site, service, gate_read)
        os.close(gate_read)
        self._wait(loading.done, START_SECONDS, "chargement des bases")
        for site, process in zip(DATABASE_SITES, loading.result(), strict=True):
            self._children[site, POSTGRESQL] = process
            write_pid_file(self.layout.pid_file(site, POSTGRESQL), process.pid)
        self._report("Plateforme embarquée : bases chargées et répliquées")
        os.close(gate_write)  # lets every service begin
        self._wait(lambda: not self.find_silent(), ANSWER_SECONDS, lambda: ", ".join(self.find_silent()))
        self._wait(
            lambda: not find_unsettled(self.layout),
            ANSWER_SECONDS,
            lambda: ", ".join(find_unsettled(self.layout)),
            poll_seconds=0.1,
        )
        self._listen()

    def find_silent(self) -> list[str]:
        """Services that do not answer yet; RuntimeError when one ended instead."""
        silent = []
        for site in HOSTS:
            ports = find_listening_ports(self.layout.address(site))
            for service in SERVICES[site]:
                child = self._children[site, service]
                if child.poll() is not None:
                    raise RuntimeError(
                        f"le service {service} de {site} s'est arrêté : {self._last_words(site, service)}"
                    )
                if service in PORTS and PORTS[service] not in ports:
                    silent.append(f"{service} de {site}")
        return silent

    def run(self) -> None:
        """Serve orders until told to stop."""
        while True:
            for key, _ in self._selector.select(REAP_SECONDS):
                if key.data == "stop":
                    return
                self._serve_order(key.fileobj)  # type: ignore[arg-type]
            for child in self._children.values():
                child.poll()  # reaps what died; nothing is restarted by itself

    def stop(self) -> None:
        """End everything: services, then databases, then whatever was forgotten."""
        services = [key for key in self._children if key[1] != POSTGRESQL]
        end_processes(
            [process for key in services if (process := find_recorded(self.layout.pid_file(*key)))],
            STOP_SECONDS,
        )
        end_all_processes(self.layout)

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
            )
        self._children[site, service] = child
        write_pid_file(layout.pid_file(site, service), child.pid)

    def _last_words(self, site: str, service: str) -> str:
        text = self.layout.log_file(site, service).read_text(encoding="utf-8", errors="replace")
        return text.strip().rpartition("\n")[2] or "journal vide"

    def _wait(
        self,
        condition: Callable[[], bool],
        seconds: float,
        what: str | Callable[[], str],
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        def done() -> bool:
            if self._selector.select(0):
                raise Interrupted
            return condition()

        try:
            wait_until(done, seconds, poll_seconds=poll_seconds)
        except DeadlinePassed as error:
            text = what if isinstance(what, str) else what()
            raise RuntimeError(f"délai de {seconds:g} s dépassé : {text}") from error

    def _listen(self) -> None:
        listener = socket.socket(socket.AF_UNIX)
        with short_socket_path(self.layout) as path:
            with suppress(FileNotFoundError):
                os.unlink(path)
            listener.bind(path)
            os.chmod(path, 0o600)
        listener.listen()
        self._selector.register(listener, selectors.EVENT_READ, "order")

    def _serve_order(self, listener: socket.socket) -> None:
        link, _ = listener.accept()
        with link, suppress(OSError):
            link.settimeout(2.0)
            with link.makefile("rb") as lines:
                line = lines.readline(MAX_LINE_BYTES)
            try:
                order = json.loads(line)
                self._obey(order["action"], order["site"], order["service"])
                answer: dict[str, Any] = {"ok": True}
            except (ValueError, KeyError, TypeError):
                answer = {"ok": False, "message": "Ordre illisible."}
            except (RuntimeError, OSError, Interrupted) as error:
                answer = {"ok": False, "message": str(error) or "Interrompu."}
            link.sendall(json.dumps(answer).encode() + b"\n")

    def _obey(self, action: str, site: str, service: str) -> None:
        if (site, service) not in self._children or action not in ("start", "stop", "restart"):
            raise ValueError
        if action in ("stop", "restart"):
            self._stop_one(site, service)
        if action in ("start", "restart") and find_recorded(self.layout.pid_file(site, service)) is None:
            self._start_one(site, service)

    def _stop_one(self, site: str, service: str) -> None:
        pid_file = self.layout.pid_file(site, service)
        process = find_recorded(pid_file)
        if process is not None and service == POSTGRESQL:
            self._databases.submit(lambda: postgres.stop_cluster(self.layout, site)).result()
        if process is not None:
            end_processes([process], STOP_SECONDS)
        self._children[site, service].poll()
        pid_file.unlink(missing_ok=True)

    def _start_one(self, site: str, service: str) -> None:
        if service == POSTGRESQL:
            process = self._databases.submit(lambda: postgres.start_cluster(self.layout, site)).result()
            self._children[site, service] = process
            write_pid_file(self.layout.pid_file(site, service), process.pid)
            return
        self._spawn(site, service)
        port, address = PORTS.get(service), self.layout.address(site)

        def answers() -> bool:
            if self._children[site, service].poll() is not None:
                raise RuntimeError(f"le service {service} s'est arrêté : {self._last_words(site, service)}")
            return port is None or port in find_listening_ports(address)

        self._wait(answers, ANSWER_SECONDS, f"{service} ne répond pas")


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
    supervisor = Supervisor(layout, report, arguments.owner)
    try:
        supervisor.start()
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
