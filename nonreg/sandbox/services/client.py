"""Light client: the latest values of the local database, for people who signed in."""

from __future__ import annotations

import hmac
import secrets
import threading
import time
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from nonreg.sandbox.authorised import access_file, is_password, read_authorised
from nonreg.sandbox.layout import CLIENT_USER
from nonreg.sandbox.services.client_pages import MESSAGE, latest_page, login_page, message_page
from nonreg.sandbox.services.database import ActiveDatabase, Database, open_database, read_role
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.settings import Settings
from nonreg.sandbox.services.web import Reply, Request, reply_json, serve_web

COOKIE = "session"
SESSION_SECONDS = 3600.0
HTML = "text/html; charset=utf-8"


class Client:
    """Sessions and pages."""

    def __init__(self, settings: Settings, local: Database) -> None:
        self._settings = settings
        self._local = local
        self._password = settings.secret("AQ_CLIENT_PASSWORD")
        self._named = access_file(settings.path("secrets").parent, settings.site)
        self._sessions: dict[str, tuple[float, str]] = {}
        self._lock = threading.Lock()

    def show_login(self, _request: Request) -> Reply:
        """The form to sign in."""
        return _page(200, login_page(self._settings.site))

    def sign_in(self, request: Request) -> Reply:
        """A session cookie for the right name and password, 401 otherwise."""
        form = parse_qs(request.body.decode("utf-8", "replace"), keep_blank_values=True)
        user, password = (form.get(name, [""])[0] for name in ("identifiant", "mot_de_passe"))
        if not self._is_right(user, password):
            return _page(401, login_page(self._settings.site, "Identifiant ou mot de passe refusé."))
        token, now = secrets.token_urlsafe(24), time.monotonic()
        with self._lock:
            self._sessions = {t: kept for t, kept in self._sessions.items() if kept[0] > now}
            self._sessions[token] = now + SESSION_SECONDS, user
        cookie = f"{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict"
        return Reply(303, b"", HTML, (("Location", "/dernieres"), ("Set-Cookie", cookie)))

    def _is_right(self, user: str, password: str) -> bool:
        if hmac.compare_digest(user.encode(), CLIENT_USER.encode()):
            return hmac.compare_digest(password.encode(), self._password.encode())
        return is_password(password, read_authorised(self._named).client.get(user, ""))

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
            end, user = self._sessions.get(morsel.value, (0.0, "")) if morsel is not None else (0.0, "")
        is_known = user == CLIENT_USER or user in read_authorised(self._named).client
        return end > time.monotonic() and is_known


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
