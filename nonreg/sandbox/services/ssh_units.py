"""systemd on an SSH host: its units shown, started, stopped and killed, and timers that start them later.

On the hypervisor there are no units to speak of, only timers, which start machines.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

import psutil

from nonreg.sandbox.control import OrderRefused, ask, send_order
from nonreg.sandbox.layout import HOST_NAME, HYPERVISOR, SITES
from nonreg.sandbox.orders import Order, TimerOrder, list_units
from nonreg.sandbox.processes import find_recorded
from nonreg.sandbox.services.ssh_host import FAILED, INACTIVE, NOT_LOADED, Host, Output, fail, refuse, say

UNIT_PREFIX, UNIT_SUFFIX, TIMER_SUFFIX = "aquareel-", ".service", ".timer"
ORDERED = ("start", "stop", "restart")
KILL_WORDS = ["kill", "-s", "SIGKILL"]
TIMER_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}")
DELAY = re.compile(r"[0-9]{1,5}(\.[0-9]{1,3})?")
STOPPED_UNIT = {
    "LoadState": "not-found",
    "ActiveState": "inactive",
    "SubState": "dead",
    "MainPID": "0",
    "NRestarts": "0",
    "ExecMainStartTimestamp": "",
}


def run_systemctl(host: Host, words: list[str]) -> Output:
    """`systemctl` of a site's host."""
    if words[:1] == ["show"]:
        return _show_unit(host, words[1:])
    if words[:-1] == KILL_WORDS:
        return _order_unit(host, "kill", words[-1])
    if len(words) == 2 and words[1].endswith(TIMER_SUFFIX):
        return run_timer_systemctl(host, words)
    if len(words) == 2 and words[0] in ORDERED:
        return _order_unit(host, words[0], words[1])
    return refuse("systemctl", *words)


def run_timer_systemctl(host: Host, words: list[str]) -> Output:
    """`systemctl stop|is-active NAME.timer`."""
    action, unit = words if len(words) == 2 else ("", "")
    name = unit.removesuffix(TIMER_SUFFIX)
    known = action in ("stop", "is-active") and unit.endswith(TIMER_SUFFIX) and TIMER_NAME.fullmatch(name)
    if not known:
        return refuse("systemctl", *words)
    try:
        if action == "is-active":
            active = ask(host.layout, TimerOrder("has_timer", _own(host, name)))
            return say("active") if active else say("inactive", INACTIVE)
        if not ask(host.layout, TimerOrder("cancel_timer", _own(host, name))):
            return fail(f"Failed to stop {unit}: Unit {unit} not loaded.", NOT_LOADED)
    except OrderRefused as error:
        return fail(f"Failed to {action} {unit}: {error}")
    return Output()


def run_later(host: Host, words: list[str]) -> Output:
    """`systemd-run --on-active=SECONDS --unit=NAME COMMAND…`; the command is one of those that heal."""
    delay, name = (
        words[index].removeprefix(option)
        if words[index : index + 1] and words[index].startswith(option)
        else ""
        for index, option in enumerate(("--on-active=", "--unit="))
    )
    order = _read_healing(host, words[2:])
    if not DELAY.fullmatch(delay) or not TIMER_NAME.fullmatch(name) or order is None:
        return refuse("systemd-run", *words)
    unit = name + TIMER_SUFFIX
    try:
        ask(host.layout, TimerOrder("set_timer", _own(host, name), float(delay), order))
    except OrderRefused as error:
        return fail(f"Failed to start transient timer unit: {error}")
    said = f"Running timer as unit: {unit}\nWill run service as unit: {name}{UNIT_SUFFIX}\n"
    return Output(0, b"", said.encode())


def find_machine(domain: str) -> str | None:
    """The site whose machine the hypervisor knows by that name."""
    return next((site for site in SITES if HOST_NAME[site] == domain), None)


def _read_healing(host: Host, words: list[str]) -> Order | None:
    if host.site == HYPERVISOR:
        machine = find_machine(words[2]) if len(words) == 3 and words[:2] == ["virsh", "start"] else None
        return Order("power_on", machine) if machine is not None else None
    if len(words) != 3 or words[:2] != ["systemctl", "start"]:
        return None
    service = _service_of(words[2])
    return Order("start", host.site, service) if service in list_units(host.site) else None


def _own(host: Host, name: str) -> str:
    return f"{host.site}/{name}"  # two hosts may have timers of the same name


def _order_unit(host: Host, action: str, unit: str) -> Output:
    service = _service_of(unit)
    if service not in list_units(host.site):
        if action == "kill":
            return fail(f"Failed to kill unit {unit}: Unit {unit} not loaded.")
        return fail(f"Failed to {action} {unit}: Unit {unit} not found.", NOT_LOADED)
    try:
        send_order(host.layout, action, host.site, service)
    except OrderRefused as error:
        return fail(f"Job for {unit} failed: {error}", FAILED)
    return Output()


def _show_unit(host: Host, words: list[str]) -> Output:
    if len(words) == 3 and words[0] == "-p":
        names, unit = words[1].split(","), words[2]
    elif len(words) == 2 and words[0].startswith("--property="):
        names, unit = words[0].partition("=")[2].split(","), words[1]
    else:
        return refuse("systemctl show", *words)
    state = read_unit(host, _service_of(unit))
    return Output(0, "".join(f"{name}={state[name]}\n" for name in names if name in state).encode())


def read_unit(host: Host, service: str) -> dict[str, str]:
    """State of a unit in systemd's words; the truth is the live process behind the pid file."""
    if service not in list_units(host.site):
        return STOPPED_UNIT
    state = STOPPED_UNIT | {"LoadState": "loaded"}
    pid_file = host.layout.pid_file(host.site, service)
    process = find_recorded(pid_file)
    if process is None:
        # An ordered stop removes the pid file; one that is left belongs to a process that died.
        died = {"ActiveState": "failed", "SubState": "failed"} if pid_file.exists() else {}
        return state | died
    try:
        began = datetime.fromtimestamp(process.create_time(), UTC)
    except psutil.NoSuchProcess:
        return state | {"ActiveState": "failed", "SubState": "failed"}
    return state | {
        "ActiveState": "active",
        "SubState": "running",
        "MainPID": str(process.pid),
        "ExecMainStartTimestamp": f"{began:%a %Y-%m-%d %H:%M:%S UTC}",
    }


def _service_of(unit: str) -> str:
    return unit.removeprefix(UNIT_PREFIX).removesuffix(UNIT_SUFFIX) if unit.startswith(UNIT_PREFIX) else ""
