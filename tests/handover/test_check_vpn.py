"""« vpn »: asked of a real server of OpenVPN's management protocol, or read as Linux tells it; faults told apart."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients.openvpn import MAX_BYTES, Conversation, VpnState
from nonreg.config import PLATFORMS_DIR, load_platform
from nonreg.errors import AccessDenied, ConfigError, RequestFailed
from nonreg.handover.checks import CHECKS, CheckContext, CheckResult
from nonreg.handover.checks.result import NotRight
from nonreg.handover.checks.routes import Route, find_route_problem, parse_routes
from nonreg.handover.checks.vpn import read_interface, read_route
from nonreg.people import People
from nonreg.vpn import Vpn
from tests.handover.checking import NOW, find, list_wrong
from tests.handover.management import BANNER, CONNECTED, Behaviour, serve_management

SHIPPED = (PLATFORMS_DIR / "embarquee.toml").read_text(encoding="utf-8")
PATIENCE = 20.0


def make_context(folder: Path, table: str, text: str = SHIPPED) -> CheckContext:
    file = folder / "essai.toml"
    file.write_text(text + table, encoding="utf-8")
    return CheckContext(load_platform(str(file)), file, People(file, ()), "x", NOW)


def check(folder: Path, management: str, patience: float = PATIENCE, password_env: str = "") -> CheckResult:
    table = f"\n[vpn]\nmanagement = {json.dumps(management)}\ntimeout_seconds = {patience}\n"
    return CHECKS["vpn"](make_context(folder, table + f'password_env = "{password_env}"\n'))


def check_behaviour(folder: Path, behaviour: Behaviour, patience: float = PATIENCE) -> CheckResult:
    with serve_management(behaviour) as place:
        return check(folder, place, patience)


def test_a_connected_vpn_is_ok_over_tcp_and_over_a_unix_socket(tmp_path: Path) -> None:
    over_tcp = Behaviour()
    assert check_behaviour(tmp_path, over_tcp).is_ok
    assert over_tcp.heard[0] == b"state\n"
    over_socket = Behaviour()
    with serve_management(over_socket, tmp_path / "gestion.sock") as place:
        assert check(tmp_path, place).is_ok


def test_notifications_at_any_moment_change_nothing(tmp_path: Path) -> None:
    noise = b">STATE:1764501235,RECONNECTING,ping-restart,,,,,\r\n>BYTECOUNT:1,2\r\n>LOG:1764501236,I,END\r\n"
    assert check_behaviour(tmp_path, Behaviour(noise=noise, end=noise + b"END\r\n")).is_ok


def test_the_password_of_the_interface_opens_it_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AQ_VPN_PASSWORD", "sésame")
    with serve_management(Behaviour(password="sésame".encode())) as place:
        assert check(tmp_path, place, password_env="AQ_VPN_PASSWORD").is_ok
        monkeypatch.setenv("AQ_VPN_PASSWORD", "autre-mot")
        wrong = check(tmp_path, place, password_env="AQ_VPN_PASSWORD")
        none = check(tmp_path, place)
        monkeypatch.setenv("AQ_VPN_PASSWORD", "sésame\nsignal SIGTERM")
        injected = check(tmp_path, place, password_env="AQ_VPN_PASSWORD")
        monkeypatch.delenv("AQ_VPN_PASSWORD")
        absent = check(tmp_path, place, password_env="AQ_VPN_PASSWORD")
    assert "refuse le mot de passe" in find(wrong, "VPN").found
    assert "demande un mot de passe" in find(none, "VPN").found
    for result in (wrong, none):
        assert "password_env" in find(result, "VPN").remedy
    assert "caractère de contrôle" in find(injected, "VPN").found
    assert "AQ_VPN_PASSWORD est absent" in find(absent, "VPN").found
    assert not any(one.is_ok for one in (wrong, none, injected, absent))
    assert "autre-mot" not in repr(wrong)


@pytest.mark.parametrize(
    ("state", "found", "remedy"),
    [
        (b"1,RECONNECTING,tls-error,,,,,\r\n", "RECONNECTING (tls-error)", "se reconnecte"),
        (b"1,EXITING,SIGTERM,,,,,\r\n", "EXITING (SIGTERM)", "relancez"),
        (b"1,AUTH,,,,,,\r\n", "AUTH", "identifiants"),
        (b"1,ADD_ROUTES,,,,,,\r\n", "ADD_ROUTES", "attendez"),
        (b"1,CONNECTED,ERROR,10.8.0.6,203.0.113.1,1194,,\r\n", "CONNECTED (ERROR)", "erreurs"),
        (b"1,CONNECTED,ROUTE_ERROR,10.8.0.6,203.0.113.1,1194,,\r\n", "CONNECTED (ROUTE_ERROR)", "routes"),
    ],
)
def test_a_vpn_that_is_not_well_connected_is_told_with_its_state(
    tmp_path: Path, state: bytes, found: str, remedy: str
) -> None:
    point = find(check_behaviour(tmp_path, Behaviour(state=state)), "VPN")
    assert (point.ok, point.found) == (False, f"État du VPN : {found}.")
    assert remedy in point.remedy


@pytest.mark.parametrize(
    ("behaviour", "found", "remedy"),
    [
        (Behaviour(raw=b""), "n'a pas répondu en 0.3 s", "Fermez l'application"),
        (Behaviour(raw=b"", closes=True), "a fermé la liaison", "Fermez l'application"),
        (Behaviour(raw=BANNER, closes=True), "a fermé la liaison", "Fermez l'application"),
        (Behaviour(closes=True), "a fermé la liaison", "Fermez l'application"),
        (Behaviour(raw=BANNER), "n'a pas répondu en 0.3 s", "Fermez l'application"),
        (Behaviour(raw=b"SSH-2.0-OpenSSH_9.2\r\n"), "pas l'interface de gestion", "Corrigez la table"),
        (Behaviour(raw=b"\x00\xff\x15 sans fin de ligne"), "au milieu d'une ligne", "Corrigez la table"),
        (Behaviour(raw=b"\xff" * (MAX_BYTES + 1)), "n'a pas de fin", "Corrigez la table"),
        (Behaviour(state=b"connecte, peut-etre\r\n"), "état illisible", "Corrigez la table"),
        (Behaviour(state=b""), "état illisible", "Corrigez la table"),
        (Behaviour(state=b"ERROR: unknown command\r\n"), "ne donne pas son état", "Corrigez la table"),
    ],
)
def test_silence_garbage_and_cuts_are_told_apart(
    tmp_path: Path, behaviour: Behaviour, found: str, remedy: str
) -> None:
    point = find(
        check_behaviour(tmp_path, behaviour, patience=0.3 if behaviour.raw is not None else PATIENCE), "VPN"
    )
    assert not point.ok
    assert found in point.found
    assert point.remedy.startswith(remedy)


def test_an_openvpn_that_does_not_run_is_to_be_started(tmp_path: Path) -> None:
    with serve_management(Behaviour()) as place:
        pass
    for absent in (place, str(tmp_path / "absent.sock")):
        point = find(check(tmp_path, absent), "VPN")
        assert "ne répond pas" in point.found
        assert point.remedy.startswith("Démarrez le VPN")


@given(st.binary(max_size=200), st.lists(st.integers(0, 300), max_size=5))
def test_the_same_bytes_in_any_pieces_give_the_same_answer(garbage: bytes, cuts: list[int]) -> None:
    def run(pieces: list[bytes]) -> tuple[object, bytes]:
        conversation, said = Conversation("x"), b""
        try:
            for piece in pieces:
                said += conversation.feed(piece)
        except (AccessDenied, RequestFailed) as error:
            return str(error), b""
        return conversation.state, said

    for whole in (
        garbage,
        b"ENTER PASSWORD:SUCCESS: password is correct\r\n" + BANNER + CONNECTED + b"END\r\n",
    ):
        places = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
        pieces = [whole[start:end] for start, end in pairwise(places)]
        assert run(pieces) == run([whole])
    assert run([whole]) == (VpnState("CONNECTED", "SUCCESS"), b"x\nstate\n")


def test_without_a_table_only_a_platform_on_this_machine_needs_no_vpn(tmp_path: Path) -> None:
    local = CHECKS["vpn"](make_context(tmp_path, ""))
    assert find(local, "VPN").found == "Non applicable : plateforme locale."
    assert local.is_ok
    for old, new in (
        ('address = "127.77.0.12"', 'address = "10.20.0.12"'),
        ('host = "127.77.0.11"', 'host = "srv-a.invalid"'),
        ("http://127.77.0.13:8082", "http://supervision.invalid"),
        ('address = "127.77.0.14"', 'address = "10.20.0.14"'),
    ):
        assert old in SHIPPED
        away = CHECKS["vpn"](make_context(tmp_path, "", SHIPPED.replace(old, new, 1)))
        assert list_wrong(away) == ["VPN"]
        assert "Ajoutez la table [vpn]" in find(away, "VPN").remedy


@pytest.mark.parametrize(
    ("table", "key", "problem"),
    [
        ("", "management", "il faut soit"),
        ('management = "127.0.0.1:7505"\ninterface = "tun0"', "management", "il faut soit"),
        ('management = "127.0.0.1"', "management", "une adresse et un port"),
        ('management = "127.0.0.1:0"', "management", "une adresse et un port"),
        ('management = "127.0.0.1:70000"', "management", "une adresse et un port"),
        ('management = "10.8.0.1:7505"', "management", "celle de ce poste"),
        ('management = "127.0.0.1:7505"\nroute = "10.20.0.0/16"', "route", "va avec"),
        ('interface = "tun0"', "route", "un réseau IPv4"),
        ('interface = "tun0"\nroute = "10.20.0.1/16"', "route", "un réseau IPv4"),
        ('interface = "../etc"\nroute = "10.20.0.0/16"', "interface", "nom d'interface"),
        ('interface = "tun0"\nroute = "10.20.0.0/16"\npassword_env = "X"', "password_env", "va avec"),
        ('management = "127.0.0.1:7505"\ntimeout_seconds = 0', "timeout_seconds", "un nombre positif"),
        ('gestion = "127.0.0.1:7505"', "gestion", "clé inconnue"),
    ],
)
def test_a_wrong_table_is_named_with_its_key(tmp_path: Path, table: str, key: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=rf"clé « vpn\.{key} ».*{problem}"):
        make_context(tmp_path, f"\n[vpn]\n{table}\n")


def test_a_sound_table_is_read(tmp_path: Path) -> None:
    for management in ("127.0.0.1:7505", "localhost:7505", "[::1]:7505", "/run/openvpn.sock"):
        assert make_context(tmp_path, f'\n[vpn]\nmanagement = "{management}"\n').platform.vpn == Vpn(
            management
        )


HEADER = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
WANTED = IPv4Network("10.20.0.0/16")
networks = st.builds(
    lambda address, prefix: IPv4Network((address, prefix), strict=False),
    st.integers(0, 2**32 - 1),
    st.integers(0, 32),
)
route_lists = st.lists(
    st.builds(Route, st.sampled_from(["tun0", "eth0", "*"]), networks, st.integers(0, 1000)), max_size=8
)


def word(address: IPv4Address) -> str:
    import sys

    return f"{int.from_bytes(address.packed, sys.byteorder):08X}"


def write_routes(routes: list[Route], flags: str = "0003") -> str:
    return HEADER + "".join(
        f"{one.interface}\t{word(one.network.network_address)}\t00000000\t{flags}\t0\t0\t{one.metric}\t"
        f"{word(one.network.netmask)}\t0\t0\t0\n"
        for one in routes
    )


@given(route_lists)
def test_the_table_of_routes_is_read_as_it_was_written(routes: list[Route]) -> None:
    assert parse_routes(write_routes(routes)) == tuple(routes)
    assert parse_routes(write_routes(routes, flags="0002")) == ()  # none is up


@given(st.text(max_size=200))
def test_any_text_is_a_table_or_is_refused(text: str) -> None:
    for one in (text, HEADER + text):
        try:
            parse_routes(one)
        except RequestFailed:
            continue


@given(route_lists, st.integers(0, 2**16 - 1))
def test_when_all_is_well_every_address_of_the_network_goes_through_the_tunnel(
    routes: list[Route], low: int
) -> None:
    routes = [Route("tun0", WANTED, 0), *routes]
    if not find_route_problem(tuple(routes), "tun0", WANTED):
        target = IPv4Address(int(WANTED.network_address) + low)
        ways = [route for route in routes if target in route.network]
        best = min(ways, key=lambda route: (-route.network.prefixlen, route.metric))
        assert best.interface == "tun0"


@pytest.mark.parametrize(
    ("routes", "problem"),
    [
        ([("tun0", "10.20.0.0/16", 0)], ""),
        ([("eth0", "0.0.0.0/0", 100), ("tun0", "10.0.0.0/8", 50)], ""),
        ([("eth0", "0.0.0.0/0", 0), ("tun0", "0.0.0.0/1", 0)], ""),  # as OpenVPN takes all traffic
        ([], "aucune route"),
        ([("eth0", "0.0.0.0/0", 100)], "passe par eth0"),
        ([("tun0", "10.20.0.0/16", 100), ("eth0", "10.20.0.0/16", 10)], "passe par eth0"),
        ([("tun0", "10.20.0.0/16", 0), ("eth0", "10.20.5.0/24", 0)], "une partie"),
        ([("tun0", "10.20.0.0/16", 0), ("*", "10.20.5.0/24", 0)], "une partie"),
    ],
)
def test_the_most_precise_route_decides(routes: list[tuple[str, str, int]], problem: str) -> None:
    table = tuple(Route(name, IPv4Network(network), metric) for name, network, metric in routes)
    found = find_route_problem(table, "tun0", WANTED)
    assert problem in found
    assert bool(found) is bool(problem)


def test_an_interface_is_up_down_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "tun0").mkdir()
    for state in ("up", "unknown"):
        (tmp_path / "tun0" / "operstate").write_text(f"{state}\n", encoding="ascii")
        assert read_interface("tun0", tmp_path) == "L'interface tun0 est montée."
    (tmp_path / "tun0" / "operstate").write_text("down\n", encoding="ascii")
    with pytest.raises(NotRight, match="« down »"):
        read_interface("tun0", tmp_path)
    with pytest.raises(NotRight, match="n'existe pas"):
        read_interface("tun1", tmp_path)
    with pytest.raises(NotRight, match="pas un Linux"):
        read_interface("tun0", tmp_path / "nulle-part")


def test_the_route_is_read_from_the_file_of_linux(tmp_path: Path) -> None:
    table, vpn = tmp_path / "route", Vpn(interface="tun0", route="10.20.0.0/16")
    table.write_text(write_routes([Route("tun0", WANTED, 0)]), encoding="ascii")
    assert read_route(vpn, table) == "Le réseau de la plateforme est derrière tun0."
    table.write_text(write_routes([Route("eth0", WANTED, 0)]), encoding="ascii")
    with pytest.raises(NotRight, match="pas derrière le VPN"):
        read_route(vpn, table)


def test_this_machine_has_a_loopback_interface_that_leads_nowhere(tmp_path: Path) -> None:
    result = CHECKS["vpn"](make_context(tmp_path, '\n[vpn]\ninterface = "lo"\nroute = "10.20.0.0/16"\n'))
    assert find(result, "VPN : interface").ok
    assert list_wrong(result) == ["VPN : route"]
