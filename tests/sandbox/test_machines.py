"""Machines that lose power, services that are killed, and timers that heal when who broke is long dead."""

from __future__ import annotations

import json
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import LiteralString

import paramiko
import psutil
import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nonreg.sandbox import control
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import ACTIVE, DATABASE, HYPERVISOR, PASSIVE, PORTS, SERVICES, WITNESS, Layout
from nonreg.sandbox.orders import Order, TimerOrder, Timers, list_units, read_order, write_order
from nonreg.sandbox.postgres import admin_dsn
from nonreg.sandbox.processes import find_below, find_recorded, find_site_processes
from nonreg.sandbox.readiness import find_unsettled
from nonreg.waiting import wait_until
from tests.sandbox.bench import open_ssh, query, read_state, run_ssh

pytestmark = [pytest.mark.drills, pytest.mark.xdist_group("machines")]  # one platform, and minutes

BUSY = "DO $$ BEGIN LOOP NULL; END LOOP; END $$"  # never looks whether its postmaster lives
BOUNDED = "-c statement_timeout=30s"
SETTLED_SECONDS = 20.0
DOMAINS = {ACTIVE: "srv-a", PASSIVE: "srv-b", WITNESS: "srv-s"}


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    """A platform whose machines may be broken; every test switches them on again."""
    instance = start_instance(tmp_path_factory.mktemp("machines"))
    yield instance.layout
    stop_instance(instance)


@contextmanager
def healed(layout: Layout) -> Iterator[None]:
    """Everything runs and is settled again at the end, whatever happened."""
    try:
        yield
    finally:
        for site in DOMAINS:
            control.power_on(layout, site)
        wait_until(lambda: not find_unsettled(layout), SETTLED_SECONDS, "plateforme remise en état")


def ask_hypervisor(layout: Layout, command: str) -> tuple[int, str, str]:
    """One command of the hypervisor's host."""
    with open_ssh(layout, HYPERVISOR) as client:
        return run_ssh(client, command)


def read_unit_state(layout: Layout, site: str, service: str) -> str:
    """What systemd says of a unit."""
    with open_ssh(layout, site) as client:
        answer = run_ssh(client, f"systemctl show -p ActiveState aquareel-{service}.service")[1]
    return answer.strip().partition("=")[2]


def write_beats(layout: Layout, count: int) -> str:
    """A campaign with that many acknowledged writes on the active site, the last one just now."""
    campaign = str(uuid.uuid4())
    for number in range(count):
        query(layout, ACTIVE, "SELECT nr.usp_battre(%s, %s)", campaign, number, user="nr_writer")
    return campaign


def count_beats(layout: Layout, site: str, campaign: str) -> int:
    """The writes of a campaign that a site holds."""
    count = "SELECT count(*) FROM nr.battement WHERE campaign_id = %s"
    return int(query(layout, site, count, campaign)[0][0])


@contextmanager
def running_statement(layout: Layout, statement: LiteralString) -> Iterator[Callable[[], str | None]]:
    """A client whose statement runs on the active site; gives how it ended, None as long as it runs."""
    ends: list[str] = []

    def run() -> None:
        try:
            link.execute(statement)
        except psycopg.Error as error:
            ends.append(type(error).__name__)
        else:
            ends.append("")

    # Not as a context of its own: leaving that waits for the statement.
    link = psycopg.connect(admin_dsn(layout, ACTIVE, DATABASE), autocommit=True, options=BOUNDED)
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    running = "SELECT count(*) FROM pg_stat_activity WHERE query = %s AND state = 'active'"
    try:
        wait_until(
            lambda: query(layout, ACTIVE, running, statement, user="aquareel_admin") == [(1,)],
            5,
            "requête lancée",
        )
        yield lambda: ends[0] if ends else None
    finally:
        link.close()
        thread.join(1)


def test_a_killed_database_fails_its_client_says_failed_and_starts_again_with_what_it_acknowledged(
    bench: Layout,
) -> None:
    with healed(bench), open_ssh(bench) as client:
        with running_statement(bench, BUSY) as how_it_ended:
            campaign = write_beats(bench, 5)
            assert run_ssh(client, "systemctl kill -s SIGKILL aquareel-postgresql.service") == (0, "", "")
            wait_until(lambda: how_it_ended() == "OperationalError", 5, "client interrompu")
        assert find_below(bench.cluster_dir(ACTIVE)) == []
        assert bench.pid_file(ACTIVE, "postgresql").exists()
        assert read_unit_state(bench, ACTIVE, "postgresql") == "failed"
        assert run_ssh(client, "systemctl kill -s SIGKILL aquareel-postgresql.service")[0] == 0
        assert run_ssh(client, "systemctl start aquareel-postgresql.service") == (0, "", "")
        assert read_unit_state(bench, ACTIVE, "postgresql") == "active"
        assert count_beats(bench, ACTIVE, campaign) == 5
        wait_until(lambda: count_beats(bench, PASSIVE, campaign) == 5, 10, "réplication reprise")


def test_a_database_starts_although_its_killed_postmaster_left_a_busy_backend(bench: Layout) -> None:
    with healed(bench), running_statement(bench, BUSY):
        postmaster = find_recorded(bench.pid_file(ACTIVE, "postgresql"))
        assert postmaster is not None
        postmaster.kill()
        wait_until(lambda: find_recorded(bench.pid_file(ACTIVE, "postgresql")) is None, 5, "serveur mort")
        assert find_below(bench.cluster_dir(ACTIVE)) != []
        control.start_service(bench, ACTIVE, "postgresql")
        assert query(bench, ACTIVE, "SELECT 1") == [(1,)]


def test_a_killed_service_says_failed_and_the_start_of_one_that_runs_changes_nothing(bench: Layout) -> None:
    with healed(bench), open_ssh(bench) as client:
        assert run_ssh(client, "systemctl kill -s SIGKILL aquareel-frontal.service")[0] == 0
        assert read_unit_state(bench, ACTIVE, "frontal") == "failed"
        assert run_ssh(client, "systemctl start aquareel-frontal.service")[0] == 0
        started = find_recorded(bench.pid_file(ACTIVE, "frontal"))
        assert run_ssh(client, "systemctl start aquareel-frontal.service")[0] == 0
        assert find_recorded(bench.pid_file(ACTIVE, "frontal")) == started is not None


def test_the_active_site_loses_everything_at_once_and_comes_back_whole_with_its_data(bench: Layout) -> None:
    def read_others() -> list[object]:
        sites = (PASSIVE, WITNESS, HYPERVISOR)
        return [find_recorded(bench.pid_file(site, unit)) for site in sites for unit in list_units(site)]

    others = read_others()
    # A connection that the kill cuts must not keep the SSH server's port from the next one.
    with healed(bench), open_ssh(bench) as session, running_statement(bench, BUSY) as how_it_ended:
        campaign = write_beats(bench, 5)
        assert ask_hypervisor(bench, "virsh destroy srv-a") == (0, "Domain 'srv-a' destroyed\n\n", "")
        assert find_site_processes(bench, ACTIVE) == []
        wait_until(lambda: how_it_ended() == "OperationalError", 5, "client interrompu")
        wait_until(lambda: not session.get_transport().is_active(), 5, "session coupée")  # type: ignore[union-attr]
        with pytest.raises(OSError), open_ssh(bench):
            pass
        assert read_others() == others
        assert ask_hypervisor(bench, "virsh domstate srv-a")[1] == "shut off\n\n"
        assert ask_hypervisor(bench, "virsh destroy srv-a") == (
            1,
            "",
            "error: Requested operation is not valid: domain is not running\n",
        )
        with pytest.raises(control.OrderRefused, match="éteinte"):
            control.start_service(bench, ACTIVE, "frontal")

        assert ask_hypervisor(bench, "virsh start srv-a") == (0, "Domain 'srv-a' started\n\n", "")
        for service in SERVICES[ACTIVE]:
            if service in PORTS:
                socket.create_connection((bench.address(ACTIVE), PORTS[service]), 1).close()
        assert {read_unit_state(bench, ACTIVE, unit) for unit in list_units(ACTIVE)} == {"active"}
        assert count_beats(bench, ACTIVE, campaign) == 5
        assert ask_hypervisor(bench, "virsh domstate srv-a")[1] == "running\n\n"
        assert ask_hypervisor(bench, "virsh start srv-a") == (1, "", "error: Domain is already active\n")
        wait_until(lambda: count_beats(bench, PASSIVE, campaign) == 5, 10, "réplication reprise")


def test_a_surveillance_site_without_power_is_missed_by_both_others_until_it_is_back(bench: Layout) -> None:
    def silent_seconds(site: str) -> float:
        age: float = read_state(bench, site)["pairs"][WITNESS]["vu_il_y_a_secondes"]
        return age

    with healed(bench):
        assert ask_hypervisor(bench, "virsh destroy srv-s")[0] == 0
        wait_until(lambda: min(map(silent_seconds, (ACTIVE, PASSIVE))) > 1.2, 5, "silence vu")
        assert ask_hypervisor(bench, "virsh start srv-s")[0] == 0
        wait_until(lambda: max(map(silent_seconds, (ACTIVE, PASSIVE))) < 1, 5, "retour vu")


@contextmanager
def hanging_switchover(layout: Layout) -> Iterator[tuple[paramiko.SSHClient, psutil.Process]]:
    """A switchover tool of the active site, stuck (it changes nothing) while the database there does not answer."""
    postmaster = find_recorded(layout.pid_file(ACTIVE, "postgresql"))
    assert postmaster is not None
    postmaster.suspend()
    try:
        with open_ssh(layout) as client:
            client.exec_command("bascule --etat")

            def tools() -> list[psutil.Process]:
                found = find_site_processes(layout, ACTIVE)
                return [p for p in found if "nonreg.sandbox.switchover" in p.cmdline()]

            yield client, wait_until(tools, 5, "gestionnaire de bascule lancé")[0]
    finally:
        with suppress(psutil.NoSuchProcess):
            postmaster.resume()


def test_a_switchover_goes_on_to_its_end_when_who_ordered_it_has_left(bench: Layout) -> None:
    log = bench.log_file(ACTIVE, "ssh")
    before = log.read_text(encoding="utf-8").count("bascule --etat")
    with hanging_switchover(bench) as (client, tool):
        client.close()
        wait_until(lambda: not client.get_transport(), 5, "client parti")
        assert tool in find_site_processes(bench, ACTIVE)
    wait_until(lambda: log.read_text(encoding="utf-8").count("bascule --etat") > before, 10, "outil terminé")
    line = [line for line in log.read_text(encoding="utf-8").splitlines() if "bascule --etat" in line][-1]
    assert line.endswith("code 0")


def test_a_switchover_that_runs_on_a_machine_dies_with_its_power(bench: Layout) -> None:
    with healed(bench), hanging_switchover(bench) as (_, tool):
        assert ask_hypervisor(bench, "virsh destroy srv-a")[0] == 0
        assert tool not in find_site_processes(bench, ACTIVE)


def test_a_machine_comes_back_by_its_timer_although_who_set_it_is_gone(bench: Layout) -> None:
    with healed(bench):
        with open_ssh(bench, HYPERVISOR) as client:
            command = "systemd-run --on-active=0.5 --unit=retour-s virsh start srv-s"
            assert run_ssh(client, command)[:2] == (0, "")
            assert run_ssh(client, "systemctl is-active retour-s.timer") == (0, "active\n", "")
            assert run_ssh(client, "virsh destroy srv-s")[0] == 0
        wait_until(
            lambda: ask_hypervisor(bench, "virsh domstate srv-s")[1] == "running\n\n", 10, "machine revenue"
        )
        assert read_state(bench, WITNESS)["role"] == "SURVEILLANCE"
        assert ask_hypervisor(bench, "systemctl is-active retour-s.timer") == (3, "inactive\n", "")


def test_a_cancelled_timer_starts_nothing_and_the_one_after_it_does(bench: Layout) -> None:
    with healed(bench), open_ssh(bench) as client:
        for service, seconds in (("frontal", "0.3"), ("client", "0.6")):
            assert run_ssh(client, f"systemctl kill -s SIGKILL aquareel-{service}.service")[0] == 0
            later = (
                f"--on-active={seconds} --unit=retour-{service} systemctl start aquareel-{service}.service"
            )
            assert run_ssh(client, f"systemd-run {later}")[0] == 0
        assert run_ssh(client, "systemctl stop retour-frontal.timer") == (0, "", "")
        wait_until(lambda: read_unit_state(bench, ACTIVE, "client") == "active", 10, "client revenu")
        assert read_unit_state(bench, ACTIVE, "frontal") == "failed"
        code, _, errors = run_ssh(client, "systemctl stop retour-frontal.timer")
        assert (code, errors) == (
            5,
            "Failed to stop retour-frontal.timer: Unit retour-frontal.timer not loaded.\n",
        )


def test_a_machine_s_own_timers_go_with_its_power_and_two_hosts_may_use_one_name(bench: Layout) -> None:
    with healed(bench):
        for site in (PASSIVE, WITNESS):
            with open_ssh(bench, site) as client:
                later = "--on-active=60 --unit=retour systemctl start aquareel-supervision.service"
                assert run_ssh(client, f"systemd-run {later}")[0] == 0
        assert ask_hypervisor(bench, "systemctl is-active retour.timer")[0] == 3
        assert ask_hypervisor(bench, "systemd-run --on-active=60 --unit=retour virsh start srv-s")[0] == 0
        control.power_off(bench, WITNESS)
        assert ask_hypervisor(bench, "systemctl stop retour.timer")[0] == 0
        control.power_on(bench, WITNESS)
        for site, code in ((PASSIVE, 0), (WITNESS, 5)):
            with open_ssh(bench, site) as client:
                assert run_ssh(client, "systemctl stop retour.timer")[0] == code


def test_a_timer_that_fails_is_logged_and_the_supervisor_goes_on(bench: Layout) -> None:
    log = bench.root / "supervisor.log"
    with healed(bench):
        control.power_off(bench, WITNESS)
        control.set_timer(bench, "vain", 0.1, Order("start", WITNESS, "puits"))
        wait_until(lambda: "minuterie vain : échec" in log.read_text(encoding="utf-8"), 5, "échec journalisé")
        assert not control.has_timer(bench, "vain")


def test_orders_at_the_same_time_are_all_obeyed_and_block_no_other_command(bench: Layout) -> None:
    with healed(bench), open_ssh(bench, HYPERVISOR) as client, ThreadPoolExecutor(3) as pool:
        assert run_ssh(client, "virsh destroy srv-s")[0] == 0
        start = pool.submit(run_ssh, client, "virsh start srv-s")
        others = [pool.submit(control.restart_service, bench, ACTIVE, name) for name in ("client", "frontal")]
        assert run_ssh(client, "uname -sr")[0] == 0
        assert not start.done()
        assert [one.result(20) for one in others] == [None, None]
        assert start.result(20)[0] == 0


def test_what_is_no_order_is_refused_and_the_supervisor_goes_on(bench: Layout) -> None:
    for line in (b"", b"[]", b"{", b"[" * 4000, b'{"action": "power_off", "site": "HYPERVISEUR"}', b"\xff"):
        with socket.socket(socket.AF_UNIX) as link, control.short_socket_path(bench) as path:
            link.connect(path)
            link.sendall(line + b"\n")
            assert json.loads(link.makefile("rb").readline()) == {"ok": False, "message": "Ordre illisible."}
    assert control.is_on(bench, ACTIVE)


START_A, START_FRONTAL = "virsh start srv-a", "systemctl start aquareel-frontal.service"


@pytest.mark.parametrize(
    ("site", "command", "code"),
    [
        (HYPERVISOR, "virsh", 127),
        (HYPERVISOR, "virsh list --all", 127),
        (HYPERVISOR, "virsh shutdown srv-a", 127),
        (HYPERVISOR, "virsh destroy srv-h", 1),
        (HYPERVISOR, "virsh destroy srv-a srv-b", 127),
        (HYPERVISOR, "ls", 127),
        (HYPERVISOR, "cat config/ssh.json", 127),
        (HYPERVISOR, "bascule --etat", 127),
        (HYPERVISOR, "systemctl stop aquareel-ssh.service", 127),
        (HYPERVISOR, "systemctl show -p MainPID aquareel-ssh.service", 127),
        (HYPERVISOR, "systemctl", 127),
        (HYPERVISOR, "systemd-run --on-active=60 --unit=x virsh destroy srv-a", 127),
        (HYPERVISOR, "systemd-run --on-active=60 --unit=x virsh start srv-h", 127),
        (HYPERVISOR, f"systemd-run --on-active=60 --unit=x {START_FRONTAL}", 127),
        (HYPERVISOR, f"systemd-run --on-active=0 --unit=x {START_A}", 1),
        (HYPERVISOR, f"systemd-run --on-active=-1 --unit=x {START_A}", 127),
        (HYPERVISOR, f"systemd-run --on-active=nan --unit=x {START_A}", 127),
        (HYPERVISOR, f"systemd-run --on-active=60 --unit=../x {START_A}", 127),
        (HYPERVISOR, f"systemd-run --on-active=60 --unit={'x' * 81} {START_A}", 127),
        (HYPERVISOR, f"systemd-run --unit=x --on-active=60 {START_A}", 127),
        (HYPERVISOR, "systemd-run", 127),
        (ACTIVE, "virsh destroy srv-b", 127),
        (ACTIVE, f"systemd-run --on-active=60 --unit=x {START_A}", 127),
        (ACTIVE, "systemd-run --on-active=60 --unit=x systemctl start aquareel-relais.service", 127),
        (ACTIVE, "systemd-run --on-active=60 --unit=x systemctl stop aquareel-frontal.service", 127),
        (ACTIVE, f"systemd-run --on-active=60 --unit=x {START_FRONTAL}; id", 127),
        (ACTIVE, "systemctl kill -s SIGKILL aquareel-relais.service", 1),
        (ACTIVE, "systemctl kill -s SIGSTOP aquareel-frontal.service", 127),
        (ACTIVE, "systemctl start x.timer", 127),
        (ACTIVE, "systemctl is-active aquareel-frontal.service", 127),
    ],
)
def test_a_host_refuses_what_it_does_not_know_in_one_line(
    bench: Layout, site: str, command: str, code: int
) -> None:
    with open_ssh(bench, site) as client:
        refused, output, errors = run_ssh(client, command)
    assert (refused, output) == (code, "")
    assert len(errors.splitlines()) == 1


def test_the_hypervisor_s_files_are_not_shown(bench: Layout) -> None:
    with open_ssh(bench, HYPERVISOR) as client, pytest.raises(paramiko.SSHException):
        client.open_sftp()


NAMES = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(0, 50)
PLAIN = Order("start", ACTIVE, "frontal")


@given(st.lists(st.tuples(st.sampled_from(["set", "cancel"]), NAMES, TIMES), max_size=12), TIMES)
def test_exactly_the_timers_set_last_and_not_cancelled_are_due_in_the_order_of_their_times(
    steps: list[tuple[str, str, int]], now: int
) -> None:
    timers, model = Timers(), dict[str, int]()
    for action, name, at in steps:
        if action == "set":
            timers.set(name, float(at), PLAIN)
            model[name] = at
        else:
            assert timers.cancel(name) == (model.pop(name, None) is not None)
    waiting = min((at for at in model.values()), default=now + 10)
    assert timers.seconds_to_next(float(now), 10.0) == max(0, min(10, waiting - now))
    due = sorted((at, name) for name, at in model.items() if at <= now)
    assert timers.take_due(float(now)) == [(name, PLAIN) for _, name in due]
    assert {name for name in "abc" if name in timers} == {name for name, at in model.items() if at > now}


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["action", "site", "service", "name", "seconds", "order"]), inner)
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(
    JSON | st.builds(lambda value: {"action": "set_timer", "name": "x", "seconds": 1.0, "order": value}, JSON)
)
def test_no_decoded_line_is_taken_for_an_order_that_it_is_not(data: object) -> None:
    with suppress(ValueError):
        order = read_order(data)
        assert isinstance(order, TimerOrder)
        assert order.action != "set_timer"


@pytest.mark.parametrize(
    "order",
    [
        Order("kill", ACTIVE, "postgresql"),
        Order("power_off", WITNESS),
        Order("restart", HYPERVISOR, "ssh"),
        TimerOrder("set_timer", "HYPERVISEUR/retour", 0.5, Order("power_on", WITNESS)),
        TimerOrder("cancel_timer", "HYPERVISEUR/retour"),
    ],
)
def test_an_order_is_read_as_it_was_written(order: Order | TimerOrder) -> None:
    assert read_order(json.loads(json.dumps(write_order(order)))) == order
