"""The pytest plugin of a process that collects for the plan, then executes it: everything is loaded once.

Its standard input is a socket, on which it tells what it found, on one line, and waits: first to be told which run it
is for (one line, with the lock of those who run drills), then to begin. Where something is not sound it ends without
a word: whoever plans collects again, and reads why. The end of the socket is that of the campaign, and its own.
"""

from __future__ import annotations

import dataclasses
import json
import os
import socket
import sys
import threading
from pathlib import Path

import pytest

from nonreg.clients.late import load_drivers
from nonreg.model import Scenario
from nonreg.recorder import PLATFORM_VARIABLE, RUN_VARIABLE, Recorder, obey_campaign, read_scenarios
from nonreg.store import make_adapter

LINE_BYTES = 65536


def write_scenarios_line(scenarios: tuple[Scenario, ...]) -> bytes:
    """The line that tells what was collected; without a schema, which would be made while the campaign waits for it."""
    return json.dumps([dataclasses.asdict(one) for one in scenarios]).encode() + b"\n"


def read_scenarios_line(line: bytes) -> tuple[Scenario, ...]:
    """What such a line says."""
    found: tuple[Scenario, ...] = make_adapter(tuple[Scenario, ...]).validate_json(line)
    return found


def write_order(run_dir: Path, platform_file: Path, log: Path) -> bytes:
    """The line that tells such a process which run it is for."""
    return json.dumps([str(one.resolve()) for one in (run_dir, platform_file, log)]).encode() + b"\n"


class StandBy:
    """What is asked of the process, by whoever holds the other end of its socket."""

    def __init__(self, campaign: socket.socket) -> None:
        self._campaign = campaign
        self._ordered, self._may_begin = threading.Event(), threading.Event()
        threading.Thread(target=self._obey, daemon=True).start()

    def _obey(self) -> None:
        """Take the one order, then begin when told to; exit with the campaign, as `obey_campaign` does."""
        try:
            # What else is received is the lock: held as long as this process lives.
            said, _, _, _ = socket.recv_fds(self._campaign, LINE_BYTES, 1)
            while said and b"\n" not in said:
                more = self._campaign.recv(LINE_BYTES)
                said = said + more if more else b""
            if said:
                order, _, begin = said.partition(b"\n")
                take_order(order)
                self._ordered.set()
                if begin:  # both were there already
                    self._may_begin.set()
            obey_campaign(self._campaign.fileno(), self._may_begin)
        finally:
            os._exit(3)  # a campaign that dies before it reads what we told resets the socket

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool | None:
        """Tell what was collected; then be the recorder of a run, as if this process had been started for it."""
        if session.testsfailed:
            return None  # pytest ends
        self._campaign.sendall(write_scenarios_line(tuple(read_scenarios(session.items))))
        load_drivers()
        self._ordered.wait()
        recorder = Recorder(Path(os.environ[RUN_VARIABLE]), self._may_begin)
        session.config.pluginmanager.register(recorder, "nonreg-recorder")
        recorder.pytest_collection_modifyitems(session.config, session.items)
        session.testscollected = len(session.items)
        return recorder.pytest_runtestloop(session)


def take_order(line: bytes) -> None:
    """Become the process of a run: its environment, its log, and nothing more written beside the scenarios."""
    run_dir, platform_file, log = json.loads(line)
    os.environ |= {RUN_VARIABLE: run_dir, PLATFORM_VARIABLE: platform_file, "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for output in (1, 2):
        os.dup2(descriptor, output)
    os.close(descriptor)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(StandBy(socket.socket(fileno=os.dup(0))), "nonreg-standby")
