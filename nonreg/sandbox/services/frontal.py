"""IP frontal: puts the measures of the XML-LNS frames that stations push into the active site's buffer."""

from __future__ import annotations

import base64
import binascii
import hmac
import logging
import threading
from collections import Counter
from xml.sax.saxutils import quoteattr

from nonreg.sandbox.services.database import ActiveDatabase, Database, DatabaseRefused, DatabaseUnavailable
from nonreg.sandbox.services.lns import STATION, Frame, FrameRefused, normalise_timestamp, parse_frame
from nonreg.sandbox.services.runtime import start_service
from nonreg.sandbox.services.settings import Settings
from nonreg.sandbox.services.web import Reply, Request, reply_json, serve_web

XML_TYPES = ("application/xml", "text/xml")
XML = "application/xml; charset=utf-8"
DATA_ERROR = "22"  # SQLSTATE class: out of range, not a date…
READ_ONLY_SITE = "25006"  # raised by tampon.usp_inserer on a passive site
EARLY_SECONDS = 0.5  # between an early acknowledgement and the storing
INSERT = "SELECT tampon.usp_inserer(%s, %s, %s, %s, 'IP', %s, %s)"


class Frontal:
    """The frontal's rules; a frame is one transaction, refused or stored as a whole."""

    def __init__(self, settings: Settings, log: logging.Logger, active: ActiveDatabase) -> None:
        self._site = settings.site
        self._deduplicate = bool(settings.options["dedoublonner"])
        self._acknowledges_early = bool(settings.options["acquittement_anticipe"])
        self._password = settings.secret("AQ_STATION_PASSWORD")
        self._log = log
        self._active = active

    def receive(self, request: Request) -> Reply:
        """Answer to one pushed frame; every refusal is logged with its cause."""
        user = ""
        try:
            user = self.authenticate(request.headers.get("authorization", ""))
            content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
            if content_type not in XML_TYPES:
                raise FrameRefused(415, "TYPE_REFUSE", f"type {content_type[:40]!r}, application/xml attendu")
            frame = parse_frame(request.body)
            store = self._promise if self._acknowledges_early else self._store_on_active
            counts = store(frame, user)
        except FrameRefused as refusal:
            self._log.warning(
                "trame refusée (%s) : %d %s, %s", user or "?", refusal.status, refusal.code, refusal
            )
            return reply_error(refusal.status, refusal.code, str(refusal))
        except (DatabaseUnavailable, DatabaseRefused) as error:
            if isinstance(error, DatabaseRefused) and error.sqlstate.startswith(DATA_ERROR):
                self._log.warning("trame refusée (%s) : 422 VALEUR_INVALIDE, %s", user, error)
                return reply_error(422, "VALEUR_INVALIDE", "valeur refusée par la base")
            self._active.forget()
            self._log.warning("trame refusée (%s) : 503 BASE_INDISPONIBLE, %s", user, error)
            return reply_error(503, "BASE_INDISPONIBLE", "base de données indisponible")
        inserted, duplicates = counts["INSERE"], counts["DOUBLON"]
        self._log.info("trame acceptée (%s) : %d insérées, %d doublons", user, inserted, duplicates)
        body = f'<reponse statut="OK" inserees="{inserted}" doublons="{duplicates}"/>'
        return Reply(200, body.encode(), XML)

    def authenticate(self, header: str) -> str:
        """Station code of the sender; FrameRefused 401 when it is not one or the password is wrong."""
        scheme, _, token = header.partition(" ")
        try:
            user, _, password = base64.b64decode(token, validate=True).decode("utf-8").partition(":")
        except (binascii.Error, UnicodeDecodeError):
            user = password = ""
        right = hmac.compare_digest(password.encode(), self._password.encode())
        if scheme.lower() != "basic" or not right or not STATION.fullmatch(user):
            raise FrameRefused(401, "IDENTIFICATION_REFUSEE", "identifiant ou mot de passe refusé")
        return user

    def _promise(self, frame: Frame, user: str) -> Counter[str]:
        # Faster for the station, and what the database refuses afterwards is lost: for links that need it.
        database = self._active.find()
        timer = threading.Timer(EARLY_SECONDS, self._keep_promise, (frame, user, database))
        timer.daemon = True
        timer.start()
        return Counter(INSERE=len(frame.measures))

    def _keep_promise(self, frame: Frame, user: str, database: Database) -> None:
        try:
            self._store(frame, user, database)
        except (FrameRefused, DatabaseUnavailable, DatabaseRefused) as error:
            self._log.warning("trame acquittée mais non enregistrée (%s) : %s", user, error)

    def _store_on_active(self, frame: Frame, user: str) -> Counter[str]:
        try:
            return self._store(frame, user, self._active.find())
        except DatabaseRefused as error:
            if error.sqlstate != READ_ONLY_SITE:
                raise
        # The site became passive after it was found: nothing was stored there, the new one gets the frame.
        self._active.forget()
        return self._store(frame, user, self._active.find())

    def _store(self, frame: Frame, user: str, database: Database) -> Counter[str]:
        counts: Counter[str] = Counter()
        # FrameRefused leaves the block and undoes the transaction.
        with database.connection() as connection, connection.transaction(), connection.cursor() as cursor:
            station_is_utc = True
            if any(m.timestamp.tzinfo is not None for m in frame.measures):
                cursor.execute("SELECT NOT heure_locale FROM ref.tvf_station(%s)", (frame.station,))
                station_is_utc = bool((cursor.fetchone() or (True,))[0])
            rows = [
                (
                    *(
                        frame.station,
                        m.quantity,
                        normalise_timestamp(m.timestamp, station_is_utc),
                        m.value,
                    ),
                    *(self._site, self._deduplicate),
                )
                for m in frame.measures
            ]
            cursor.executemany(INSERT, rows, returning=True)
            while True:
                counts.update(str(result) for (result,) in cursor.fetchall())
                if not cursor.nextset():
                    break
            if counts["STATION_INCONNUE"]:
                raise FrameRefused(404, "STATION_INCONNUE", f"station {frame.station} inconnue")
            if user != frame.station:
                raise FrameRefused(
                    401, "IDENTIFICATION_REFUSEE", "l'identifiant n'est pas celui de la station"
                )
            if counts["GRANDEUR_INCONNUE"]:
                raise FrameRefused(422, "GRANDEUR_INCONNUE", "la station n'a pas ce capteur")
        return counts


def reply_error(status: int, code: str, message: str) -> Reply:
    """A refusal in the protocol's own words."""
    body = f'<reponse statut="ERREUR" code={quoteattr(code)} message={quoteattr(message)}/>'
    headers = (("WWW-Authenticate", 'Basic realm="AQUAREEL", charset="UTF-8"'),) if status == 401 else ()
    return Reply(status, body.encode("utf-8"), XML, headers)


def main() -> None:
    """Run until stopped."""
    service = start_service("frontal")
    settings = service.settings
    active = ActiveDatabase(settings)
    frontal = Frontal(settings, service.log, active)
    version = {"service": "frontal", "site": settings.site, "version": settings.version}

    def refuse(request: Request, status: int, message: str) -> Reply:
        service.log.warning("%s %s refusé : %d, %s", request.method, request.path[:80], status, message)
        return reply_error(status, f"HTTP_{status}", message)

    serve_web(
        settings.address,
        settings.port,
        {("POST", "/lns"): frontal.receive, ("GET", "/version"): lambda _: reply_json(version)},
        service.log,
        refuse,
    )
    service.report_presence(active)
    service.run_until_stopped()


if __name__ == "__main__":
    main()
