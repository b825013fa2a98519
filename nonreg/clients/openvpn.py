"""The state of OpenVPN on this machine, from its management interface: TCP or a Unix socket, one client at a time.

    > >INFO:OpenVPN Management Interface Version 5 -- type 'help' for more info
    < state
    > 1764501234,CONNECTED,SUCCESS,10.8.0.6,203.0.113.1,1194,,
    > END

With a password, `ENTER PASSWORD:` comes before the first line. Notifications (`>STATE:…`, `>LOG:…`) may come at any
moment. Format: management-notes.txt of OpenVPN.
"""

from __future__ import annotations

import re
import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from nonreg.errors import AccessDenied, NotSent, RequestFailed, Unreachable
from nonreg.french import explain_os_error

PROMPT = b"ENTER PASSWORD:"
MAX_BYTES = 65_536  # of an answer of three lines
STATE = re.compile(r"\d{1,12},([A-Z_]{1,40})(?:,([^,]*).*)?", re.ASCII)
GOOD = ("", "SUCCESS")
UNLIKE = "Ce qui répond n'est pas l'interface de gestion d'OpenVPN"


@dataclass(frozen=True, slots=True)
class VpnState:
    """The state's name as OpenVPN gives it, and its words: the reason of a reconnection, an error in the routes."""

    name: str
    detail: str = ""

    @property
    def is_connected(self) -> bool:
        """True for a tunnel that is up without an error."""
        return self.name == "CONNECTED" and self.detail in GOOD


def parse_state(lines: list[str]) -> VpnState:
    """The current state from the lines before END; RequestFailed when they are not one."""
    found = STATE.fullmatch(lines[-1]) if lines else None
    if found is None:
        raise RequestFailed(f"{UNLIKE} : état illisible.")
    return VpnState(found[1], found[2] or "")


class Conversation:
    """What to say to the bytes that come, without any socket; `state` is there once the answer is complete.

    AccessDenied for a password that is refused or lacks, RequestFailed for what does not speak as OpenVPN does.
    """

    def __init__(self, password: str | None) -> None:
        self.state: VpnState | None = None
        self.pending = b""
        self._password = password
        self._password_sent = False
        self._asked = False
        self._lines: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        """What is to be sent, after these bytes."""
        self._size += len(data)
        if self._size > MAX_BYTES:
            raise RequestFailed(f"{UNLIKE} : sa réponse n'a pas de fin.")
        self.pending += data
        answer = b""
        while self.state is None:
            if self.pending.startswith(PROMPT) and not self._asked:
                self.pending = self.pending.removeprefix(PROMPT)  # no line: nothing ends it
                answer += self._give_password()
                continue
            line, end, rest = self.pending.partition(b"\n")
            if not end:
                break
            self.pending = rest
            answer += self._hear(line.decode("utf-8", "replace").strip())
        return answer

    def _give_password(self) -> bytes:
        if self._password is None:
            raise AccessDenied("L'interface de gestion du VPN demande un mot de passe, et aucun n'est nommé.")
        if self._password_sent:
            raise AccessDenied("L'interface de gestion du VPN refuse le mot de passe.")
        self._password_sent = True
        return self._password.encode("utf-8") + b"\n"

    def _hear(self, line: str) -> bytes:
        if not line:
            return b""
        if line.startswith(">"):
            if line.startswith(">INFO:") and not self._asked:
                self._asked = True
                return b"state\n"
            return b""
        if not self._asked:
            if line.startswith("ERROR:") and self._password_sent:
                raise AccessDenied("L'interface de gestion du VPN refuse le mot de passe.")
            if not line.startswith("SUCCESS:"):
                raise RequestFailed(f"{UNLIKE} : elle n'annonce pas sa version.")
        elif line.startswith("ERROR:"):
            raise RequestFailed("L'interface de gestion du VPN ne donne pas son état.")
        elif line == "END":
            self.state = parse_state(self._lines)
        else:
            self._lines.append(line)
        return b""


def ask_state(address: tuple[str, int] | Path, password: str | None, within_seconds: float) -> VpnState:
    """The current state; NotSent when nobody listens, Unreachable for silence or an answer that is cut."""
    deadline = time.monotonic() + within_seconds
    family = socket.AF_UNIX if isinstance(address, Path) else socket.AF_INET
    if not isinstance(address, Path) and ":" in address[0]:
        family = socket.AF_INET6
    conversation = Conversation(password)
    with socket.socket(family, socket.SOCK_STREAM) as link:
        link.settimeout(within_seconds)
        try:
            link.connect(str(address) if isinstance(address, Path) else address)
        except OSError as error:
            raise NotSent(
                f"L'interface de gestion du VPN ne répond pas ({explain_os_error(error)})."
            ) from error
        try:
            while conversation.state is None:
                link.settimeout(max(0.001, deadline - time.monotonic()))
                data = link.recv(4096)
                if not data:
                    raise ConnectionResetError
                link.sendall(conversation.feed(data))
        except TimeoutError as error:
            if conversation.pending:
                raise RequestFailed(f"{UNLIKE} : sa réponse s'arrête au milieu d'une ligne.") from error
            raise Unreachable(
                f"L'interface de gestion du VPN n'a pas répondu en {within_seconds:g} s."
            ) from error
        except OSError as error:  # an end, however the system happens to see it
            raise Unreachable(
                "L'interface de gestion du VPN a fermé la liaison avant d'avoir répondu."
            ) from error
        with suppress(OSError):  # politeness: it takes the next client at once
            link.sendall(b"quit\n")
    return conversation.state
