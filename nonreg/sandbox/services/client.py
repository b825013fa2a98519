"""Light client: the latest values of the local database, for people who signed in."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from nonreg.sandbox.services.client_pages import MESSAGE, latest_page, login_page, message_page
from nonreg.sandbox.services.database import ActiveDatabase, Database, open_database, read_role
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.settings import Settings
from nonreg.sandbox.services.web import Reply, Request, reply_json, serve_web

USER = "consultation"
COOKIE = "session"
SESSION_SECONDS = 3600.0
HTML = "text/html; charset=utf-8"


class Client:
    """Sessions and pages."""

    def __init__(self, settings: Settings, local: Database) -> None:
        self._settings = settings
        self._local = local
        self._password = settings.secret("AQ_CLIENT_PASSWORD")
        self._sessions: dict[str, float] = {}
        self._lock = threading.Lock()

    def show_login(self, _request: Request) -> Reply:
        """The form to sign in."""
        return _page(200, login_page(self._settings.site))

    def sign_in(self, request: Request) -> Reply:
        """A session cookie for the right name and password, 401 otherwise."""
        form = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        user, password = (form.get(name, [""])[0] for name in ("identifiant", "mot_de_passe"))
        right_user = hmac.compare_digest(user.encode(), USER.encode())
        if not (hmac.compare_digest(password.encode(), self._password.encode()) and right_user):
            return _page(401, login_page(self._settings.site, "Identifiant ou mot de passe refusé."))
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            self._sessions = {t: end for t, end in self._sessions.items() if end > now}
            self._sessions[token] = now + SESSION_SECONDS
        cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
        return Reply(303, b"", HTML, (("Location", "/dernieres"), ("Set-Cookie", cookie)))

    def show_latest(self, request: Request) -> Reply:
        """The latest values; without session, back to the form."""
        if not self._has_session(request):
            return Reply(302, b"", HTML, (("Location", "/"),))
        role = read_role(self._local)
        return _page(
            200,
            latest_page(self._settings.site, role, self._local.query("SELECT * FROM prod.tvf_dernieres()")),
        )

    def change_settings(self, _request: Request) -> Reply:
        """Refused: on a passive site by its role, elsewhere because this client only consults."""
        if read_role(self._local) != "ACTIF":
            return _page(403, message_page("site passif : consultation seule"))
        return _page(405, message_page("modification impossible depuis le client léger"))

    def show_version(self, _request: Request) -> Reply:
        """Name and version of the service."""
        return reply_json(
            {"service": "client", "site": self._settings.site, "version": self._settings.version}
        )

    def _has_session(self, request: Request) -> bool:
        try:
            morsel = SimpleCookie(request.headers.get("cookie", "")).get(COOKIE)
        except CookieError:
            return False
        with self._lock:
            return morsel is not None and self._sessions.get(morsel.value, 0.0) > time.monotonic()


def _page(status: int, text: str) -> Reply:
    return Reply(status, text.encode("utf-8"), HTML, (("Cache-Control", "no-store"),))


def main() -> None:
    """Run until stopped."""
    service = start_service("client")
    settings = service.settings
    client = Client(settings, open_database(settings, settings.site))

    def refuse(_request: Request, status: int, message: str) -> Reply:
        return _page(status, message_page(MESSAGE.get(status, message)))

    routes = {
        ("GET", "/"): client.show_login,
        ("POST", "/connexion"): client.sign_in,
        ("GET", "/dernieres"): client.show_latest,
        ("POST", "/parametres"): client.change_settings,
        ("GET", "/version"): client.show_version,
    }
    serve_web(settings.address, settings.port, routes, service.log, refuse)
    service.report_presence(ActiveDatabase(settings))
    service.run_until_stopped()


if __name__ == "__main__":
    main()
