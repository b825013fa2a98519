"""Whether a Prefect API is that of our installation: a healthy answer proves nothing.

An installation has an id, kept in a Prefect variable of its server. Who uses a URL asks three things: a request
without the secret is refused, the same with the secret is served, and the variable holds our id. The secret is only
sent to a server that refused without it; what proves the machine itself is TLS (docs/installation.md).
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from nonreg.clients.web import WebSession
from nonreg.errors import NonregError, UsageError

VARIABLE = "aquareel_installation"
INSTALLATION = "NONREG_INSTALLATION"
REQUEST_SECONDS = 10.0
OK, CREATED, UNAUTHORIZED, NOT_FOUND = 200, 201, 401, 404


@dataclass(frozen=True, slots=True)
class Access:
    """What whoever belongs to an installation knows of it."""

    url: str
    auth: str = field(repr=False)
    installation: str


class NotOurs(NonregError):
    """A server that is not that of our installation."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server answered: status without the secret, then status and body with it (not asked: None)."""

    open_status: int
    status: int | None = None
    body: str = ""


def judge(seen: Seen, installation: str) -> str:
    """Why a server is not ours, as the end of a sentence; empty when it is."""
    if seen.open_status != UNAUTHORIZED:
        return f"il répond sans demander le secret de l'installation (code HTTP {seen.open_status})"
    if seen.status == UNAUTHORIZED:
        return "il refuse le secret de notre installation"
    if seen.status == NOT_FOUND:
        return "il ne porte le nom d'aucune installation"
    found = read_variable(seen.body) if seen.status == OK else None
    if found is None:
        return f"il ne répond pas comme un serveur Prefect (code HTTP {seen.status})"
    if found != installation:
        return f"c'est celui de l'installation {found}, la nôtre est {installation}"
    return ""


def read_variable(body: str) -> str | None:
    """Value of our variable in Prefect's answer; None for anything else."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or answer.get("name") != VARIABLE:
        return None
    value = answer.get("value")
    return value if isinstance(value, str) and value.isprintable() else None


def split_auth(auth: str) -> tuple[str, str]:
    """User and password of Prefect's auth string."""
    user, _, password = auth.partition(":")
    if not auth:
        raise UsageError("Le secret de l'installation est absent (variable PREFECT_API_AUTH_STRING).")
    if not (user and password and auth.isascii() and auth.isprintable()):
        raise UsageError("Le secret de l'installation n'est pas de la forme « nom:mot de passe ».")
    return user, password


def open_api(url: str) -> WebSession:
    """Requests to a Prefect API; the authority that it is told to trust is the one Prefect's own clients take."""
    return WebSession(url, REQUEST_SECONDS, ca_file=os.environ.get("PREFECT_API_SSL_CERT_FILE") or None)


def look(url: str, auth: str) -> Seen:
    """Ask a server who it is; PlatformError when it does not answer."""
    path = f"/variables/name/{VARIABLE}"
    with open_api(url) as api:
        closed = api.get(path).status
        if closed != UNAUTHORIZED:
            return Seen(closed)
        answer = api.get(path, credentials=split_auth(auth))
    return Seen(closed, answer.status, answer.body)


def require_ours(url: str, auth: str, installation: str) -> None:
    """NotOurs unless the API at `url` is that of our installation."""
    reason = judge(look(url, auth), installation)
    if reason:
        raise NotOurs(f"Le serveur Prefect de {url} n'est pas le nôtre : {reason}.")


def claim(url: str, auth: str, installation: str) -> None:
    """Give a server that has none the installation's id; NotOurs when it has another."""
    seen = look(url, auth)
    if seen.open_status == UNAUTHORIZED and seen.status == NOT_FOUND:
        body = json.dumps({"name": VARIABLE, "value": installation}).encode()
        with open_api(url) as api:
            api.post("/variables/", body, "application/json", split_auth(auth))
    require_ours(url, auth, installation)


def check_environment(environment: Mapping[str, str]) -> None:
    """NotOurs when the environment names an installation, and its PREFECT_API_URL leads elsewhere."""
    url, installation = environment.get("PREFECT_API_URL"), environment.get(INSTALLATION)
    if url and installation:
        require_ours(url, environment.get("PREFECT_API_AUTH_STRING", ""), installation)
