"""« vpn »: the VPN of this workstation is up, asked of OpenVPN itself or of Linux (R63)."""

from __future__ import annotations

from ipaddress import IPv4Network
from pathlib import Path
from urllib.parse import urlsplit

from nonreg.clients.openvpn import VpnState, ask_state
from nonreg.config import Platform
from nonreg.errors import AccessDenied, ConfigError, NonregError, NotSent, RequestFailed, Unreachable
from nonreg.files import read_text
from nonreg.guards import list_servers
from nonreg.handover.checks.result import CheckContext, CheckResult, NotRight, ask_point, give_result
from nonreg.handover.checks.routes import find_route_problem, parse_routes
from nonreg.vpn import Vpn, is_loopback, split_address

TITLE = "VPN"
INTERFACES, ROUTES = Path("/sys/class/net"), Path("/proc/net/route")
# A tunnel has no link to watch: Linux calls one that works « unknown ».
WORKING = ("up", "unknown")
REMEDY_BY_STATE = {
    "RECONNECTING": "Le VPN se reconnecte : vérifiez le réseau de ce poste, attendez qu'il soit connecté, recommencez.",
    "EXITING": "Le VPN s'arrête : relancez-le, puis recommencez.",
    "AUTH": "Le VPN attend son authentification : vérifiez votre certificat et vos identifiants VPN, puis recommencez.",
    "CONNECTED": "Le VPN s'est connecté avec des erreurs : lisez son journal, corrigez les routes, puis relancez-le.",
}


def check_vpn(context: CheckContext) -> CheckResult:
    """The state of the VPN, or why there need be none."""
    platform, vpn = context.platform, context.platform.vpn
    if vpn is None:
        points = [ask_point(TITLE, lambda: tell_local(platform), explain)]
    elif vpn.management:
        points = [ask_point(TITLE, lambda: ask_openvpn(platform, vpn), explain)]
    else:
        points = [
            ask_point(f"{TITLE} : interface", lambda: read_interface(vpn.interface), explain),
            ask_point(f"{TITLE} : route", lambda: read_route(vpn), explain),
        ]
    return give_result(context, points)


def list_all_servers(platform: Platform) -> set[str]:
    """Every server that the platform file names, web addresses included."""
    servers = list_servers(platform)
    for site in platform.sites:
        for url in filter(None, (site.web.frontal, site.web.client, site.web.supervision, site.web.puits)):
            servers.add(urlsplit(url).hostname or url)
    return servers


def tell_local(platform: Platform) -> str:
    """That no VPN is needed; NotRight when a server is elsewhere."""
    if not all(is_loopback(server) for server in list_all_servers(platform)):
        raise NotRight(
            "La plateforme n'est pas sur ce poste, et son fichier ne dit pas comment vérifier le VPN.",
            "Ajoutez la table [vpn] au fichier de plateforme : « management » pour l'interface de gestion d'OpenVPN, "
            "ou « interface » et « route » sous Linux.",
        )
    return "Non applicable : plateforme locale."


def ask_openvpn(platform: Platform, vpn: Vpn) -> str:
    """What OpenVPN says when it is connected; NotRight for any other state."""
    password = platform.secret(vpn.password_env).reveal() if vpn.password_env else None
    if password is not None and not password.isprintable():
        raise ConfigError(f"Le secret {vpn.password_env} contient un caractère de contrôle.")
    address = split_address(vpn.management) or platform.path(vpn.management)
    state = ask_state(address, password, vpn.timeout_seconds)
    if not state.is_connected:
        raise NotRight(f"État du VPN : {describe(state)}.", choose_remedy(state))
    return "OpenVPN est connecté (CONNECTED)."


def describe(state: VpnState) -> str:
    """The state and its reason."""
    return f"{state.name} ({state.detail})" if state.detail else state.name


def choose_remedy(state: VpnState) -> str:
    """What to do about a state in which nothing passes."""
    return REMEDY_BY_STATE.get(
        state.name, f"Le VPN s'établit ({state.name}) : attendez qu'il soit connecté, puis recommencez."
    )


def read_interface(name: str, folder: Path = INTERFACES) -> str:
    """That the tunnel is up; NotRight when it is not there or down."""
    if not folder.is_dir():
        raise NotRight(
            "Ce poste ne dit pas l'état de ses interfaces : ce n'est pas un Linux.",
            "Donnez « management » dans la table [vpn] au lieu de « interface » et « route ».",
        )
    if not (folder / name).exists():
        raise NotRight(f"L'interface {name} n'existe pas.", "Démarrez le VPN, puis recommencez.")
    state = read_text(folder / name / "operstate").strip()
    if state not in WORKING:
        raise NotRight(
            f"L'interface {name} est dans l'état « {state} ».", "Relancez le VPN, puis recommencez."
        )
    return f"L'interface {name} est montée."


def read_route(vpn: Vpn, table: Path = ROUTES) -> str:
    """That the platform's network is reached through the tunnel; NotRight otherwise."""
    problem = find_route_problem(parse_routes(read_text(table)), vpn.interface, IPv4Network(vpn.route))
    if problem:
        raise NotRight(
            f"Le réseau de la plateforme n'est pas derrière le VPN : {problem}.",
            "Relancez le VPN ; si la route manque encore, faites-la pousser par le serveur ou corrigez [vpn] route.",
        )
    return f"Le réseau de la plateforme est derrière {vpn.interface}."


def explain(error: NonregError) -> str:
    """How to fix what kept the VPN from answering."""
    if isinstance(error, NotSent):
        return (
            "Démarrez le VPN, avec l'option « management » dans sa configuration, et vérifiez « management » dans la "
            "table [vpn]."
        )
    if isinstance(error, Unreachable):
        return (
            "Fermez l'application qui tient déjà l'interface de gestion, OpenVPN GUI par exemple : elle n'a qu'un "
            "client à la fois. Puis recommencez."
        )
    if isinstance(error, AccessDenied):
        return (
            "Donnez le mot de passe de l'interface de gestion dans la variable que nomme « password_env » de la table "
            "[vpn]."
        )
    if isinstance(error, RequestFailed):
        return "Corrigez la table [vpn] : ce qu'elle désigne sur ce poste n'est pas le VPN."
    return "Corrigez le fichier ou définissez le secret indiqué, puis recommencez."
