"""« ssh »: each host answers with its recorded key, takes the person's key, and runs one command."""

from __future__ import annotations

from functools import partial

from nonreg.clients.ssh import describe_command, open_shell
from nonreg.config import Host, Platform
from nonreg.errors import (
    AccessDenied,
    ConfigError,
    HostKeyMismatch,
    NonregError,
    RequestFailed,
)
from nonreg.handover.checks.result import CheckContext, CheckResult, ask_point, give_result, list_hosts

COMMAND = "system"


def check_ssh(context: CheckContext) -> CheckResult:
    """Every host of the platform, the one of its machines included."""
    points = [
        ask_point(
            f"SSH vers {host.name}",
            partial(try_host, context.platform, host),
            partial(explain, host),
        )
        for host in list_hosts(context.platform)
    ]
    return give_result(context, points)


def try_host(platform: Platform, host: Host) -> str:
    """What the host says of itself."""
    with open_shell(platform, host) as shell:
        system = shell.run(COMMAND).require().strip()
    if not system:
        raise RequestFailed(f"{describe_command(COMMAND)} n'a rien répondu sur {host.name}.")
    return f"Connexion établie, commande exécutée : {system.splitlines()[0][:80]}."


def explain(host: Host, error: NonregError) -> str:
    """How to fix it."""
    if isinstance(error, HostKeyMismatch):
        return (
            f"N'insistez pas : faites confirmer l'empreinte de la clé d'hôte par l'administrateur de {host.name}, puis "
            "enregistrez cette clé dans le fichier que nomme known_hosts_file."
        )
    if isinstance(error, AccessDenied):
        return (
            f"Faites inscrire votre clé publique dans les clés autorisées de votre compte sur {host.name}, et vérifiez "
            "user et key_file dans le fichier de plateforme."
        )
    if isinstance(error, ConfigError):
        return "Mettez en place le fichier indiqué, ou corrigez key_file et known_hosts_file du fichier de plateforme."
    if isinstance(error, RequestFailed):
        return f"Faites autoriser « {describe_command(COMMAND)} » pour votre compte sur {host.name}."
    return f"Vérifiez le VPN, puis le service SSH de {host.name} et le pare-feu entre ce poste et lui."
