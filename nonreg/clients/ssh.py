"""Commands on a site's host over SSH: pinned host key, one named key, allow-listed commands."""

from __future__ import annotations

import shlex
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nonreg.clients.late import paramiko
from nonreg.clients.scope import hold_login
from nonreg.config import Host, Platform
from nonreg.errors import (
    AccessDenied,
    ConfigError,
    HostKeyMismatch,
    PlatformError,
    RequestFailed,
    Unreachable,
)
from nonreg.french import explain_os_error

# The only commands a scenario may send; arguments are quoted one by one.
COMMANDS = {
    "service_state": (
        "systemctl",
        "show",
        "-p",
        "ActiveState,SubState,MainPID,NRestarts",
        "aquareel-{service}.service",
    ),
    "service_start": ("systemctl", "start", "aquareel-{service}.service"),
    "service_stop": ("systemctl", "stop", "aquareel-{service}.service"),
    "service_kill": ("systemctl", "kill", "-s", "SIGKILL", "aquareel-{service}.service"),
    "service_start_later": (
        *("systemd-run", "--on-active={seconds}", "--unit={timer}"),
        *("systemctl", "start", "aquareel-{service}.service"),
    ),
    "timer_cancel": ("systemctl", "stop", "{timer}.timer"),
    "machine_off": ("virsh", "destroy", "{machine}"),
    "machine_on": ("virsh", "start", "{machine}"),
    "machine_on_later": (
        *("systemd-run", "--on-active={seconds}", "--unit={timer}"),
        *("virsh", "start", "{machine}"),
    ),
    "machine_state": ("virsh", "domstate", "{machine}"),
    "switch_over": ("bascule", "--vers", "{site}"),
    "force_over": ("bascule", "--vers", "{site}", "--force"),
    "reinitialise": ("bascule", "--reinitialiser", "{site}"),
    "clock": ("date", "-u", "+%s.%N"),
    "hash": ("sha256sum", "{path}"),
    "read": ("cat", "{path}"),
    "tail": ("tail", "-n", "{lines}", "{path}"),
    "list": ("ls", "{path}"),
    "disk_free": ("df", "-B1", "--output=avail", "."),
    "listening": ("ss", "-ltn"),
    "system": ("uname", "-sr"),
}


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What a command answered; `request` is the line that was sent."""

    request: str
    status: int
    stdout: str
    stderr: str

    def require(self) -> str:
        """Its standard output; RequestFailed when it ended with another status than 0."""
        if self.status != 0:
            words = (self.stderr or self.stdout).strip().splitlines()
            raise RequestFailed(
                f"{self.request} : code {self.status}, {words[-1] if words else 'sans message'}"
            )
        return self.stdout


class Shell:
    """One SSH connection to one host."""

    def __init__(self, client: paramiko.SSHClient, host: Host) -> None:
        self._client = client
        self.host = host

    def run(self, name: str, within_seconds: float | None = None, /, **arguments: str | int) -> CommandResult:
        """Run one of COMMANDS; raises Unreachable when the link is lost or silent for longer than that."""
        patience = self.host.timeout_seconds if within_seconds is None else within_seconds
        line = describe_command(name, **arguments)
        request = f"ssh {self.host.name} {line}"
        try:
            _, out, err = self._client.exec_command(line, timeout=patience)
            errors: list[bytes] = []
            # Both streams are drained at once: a full one would block the other for ever.
            drain = threading.Thread(target=lambda: errors.append(err.read()), daemon=True)
            drain.start()
            stdout = out.read().decode("utf-8", "replace")
            drain.join(patience)
            status = out.channel.recv_exit_status()
        except (TimeoutError, OSError, EOFError, paramiko.SSHException) as error:
            raise Unreachable(f"{request} : pas de réponse en {patience:g} s.") from error
        return CommandResult(request, status, stdout, b"".join(errors).decode("utf-8", "replace"))

    @contextmanager
    def sftp(self) -> Iterator[paramiko.SFTPClient]:
        """An SFTP session confined by the host to the site's folder."""
        try:
            client = self._client.open_sftp()
        except (OSError, EOFError, paramiko.SSHException) as error:
            raise Unreachable(f"SFTP refusé par {self.host.name}.") from error
        try:
            channel = client.get_channel()
            if channel is not None:
                channel.settimeout(self.host.timeout_seconds)
            yield client
        finally:
            client.close()


def describe_command(name: str, **arguments: str | int) -> str:
    """The very line that would be sent for one of COMMANDS."""
    return shlex.join(part.format(**arguments) for part in COMMANDS[name])


@contextmanager
def open_shell(platform: Platform, host: Host) -> Iterator[Shell]:
    """Connect with the platform's key; the host key must be the recorded one.

    Raises HostKeyMismatch, AccessDenied or Unreachable; ConfigError for files that are not there or no keys.
    """
    client = paramiko.SSHClient()
    client.set_missing_host_key_policy(paramiko.RejectPolicy())
    known_hosts, key_file = platform.path(host.known_hosts_file), platform.path(host.key_file)
    for path, what in ((known_hosts, "des clés d'hôtes"), (key_file, "de clé SSH")):
        if not path.is_file():
            raise ConfigError(f"Fichier {what} introuvable pour {host.name} : {path}")
    key = _load_key(key_file, host)
    try:
        client.load_host_keys(str(known_hosts))
        with hold_login(host.address, host.port):
            client.connect(
                host.address,
                port=host.port,
                username=host.user,
                pkey=key,
                allow_agent=False,
                look_for_keys=False,
                timeout=host.timeout_seconds,
                banner_timeout=host.timeout_seconds,
                auth_timeout=host.timeout_seconds,
                transport_factory=make_transport,
            )
    except (paramiko.SSHException, OSError, EOFError) as error:
        client.close()
        raise _translate(error, host) from error
    try:
        yield Shell(client, host)
    finally:
        client.close()


def make_transport(link: Any, /, **options: Any) -> paramiko.Transport:
    """A transport that sends at once, as ssh does: the end of a command would hold up the next one for 40 ms."""
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return paramiko.Transport(link, **options)


def _load_key(path: Path, host: Host) -> paramiko.PKey:
    # Left to the library, a refused RSA key is told as « not a valid Ed25519 key », and a passphrase as a refusal.
    try:
        return paramiko.PKey.from_path(path)
    except OSError as error:
        raise ConfigError(
            f"Clé SSH illisible pour {host.name} : {path} ({explain_os_error(error)})."
        ) from error
    except TypeError as error:
        raise ConfigError(
            f"La clé SSH de {host.name} a une phrase de passe, que personne n'est là pour donner : {path}"
        ) from error
    except Exception as error:  # whatever the libraries raise on what is no key
        raise ConfigError(f"Ce n'est pas une clé SSH privée utilisable pour {host.name} : {path}") from error


def _translate(error: Exception, host: Host) -> PlatformError:
    where = f"{host.name} ({host.address}:{host.port})"
    if isinstance(error, paramiko.BadHostKeyException):
        return HostKeyMismatch(
            f"La clé d'hôte de {where} n'est pas celle qui est enregistrée : connexion refusée."
        )
    # The library calls these two refusals as well; nobody has refused anything.
    if isinstance(error, paramiko.AuthenticationException) and "timeout" in str(error):
        return Unreachable(
            f"L'hôte {where} n'a pas dit en {host.timeout_seconds:g} s s'il accepte la clé SSH."
        )
    if isinstance(error, paramiko.AuthenticationException) and "shut down" in str(error):
        return Unreachable(f"L'hôte {where} a coupé la connexion avant de dire s'il accepte la clé SSH.")
    if isinstance(error, paramiko.AuthenticationException):
        return AccessDenied(f"L'hôte {where} refuse la clé SSH de l'utilisateur « {host.user} ».")
    if isinstance(error, paramiko.SSHException) and "not found in known_hosts" in str(error):
        return HostKeyMismatch(f"La clé d'hôte de {where} n'est pas enregistrée : connexion refusée.")
    if isinstance(error, (socket.timeout, TimeoutError)):
        return Unreachable(f"L'hôte {where} n'a pas répondu en {host.timeout_seconds:g} s.")
    return Unreachable(f"L'hôte {where} est injoignable en SSH.")
