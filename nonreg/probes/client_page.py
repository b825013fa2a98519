"""The light client's page of latest values, and the way in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from html.parser import HTMLParser
from urllib.parse import urlencode

from nonreg.clients.web import Answer, WebSession
from nonreg.config import Secret
from nonreg.errors import RequestFailed

PAGE = "/dernieres"
FORM = "application/x-www-form-urlencoded"
TABLE_ID = "dernieres"
COLUMNS = 6
NUMBER = re.compile(r"-?\d+(\.\d+)?", re.ASCII)
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class LatestValue:
    """One line of the page; `at` is UTC without zone, `value` None when missing."""

    station: str
    label: str
    quantity: str
    at: datetime | None
    value: Decimal | None
    state: str


class _Table(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = False
        self.rows: list[list[str]] = []
        self._inside = self._in_cell = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table" and dict(attrs).get("id") == TABLE_ID:
            self._inside = self.found = True
        elif self._inside and tag == "tr":
            self.rows.append([])
        elif self._inside and tag == "td":
            self._in_cell = True
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table":
            self._inside = False
        elif tag == "td":
            self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


def sign_in(web: WebSession, user: str, password: Secret) -> Answer:
    """The answer to the login form; the session keeps its cookie."""
    fields = {"identifiant": user, "mot_de_passe": password.reveal()}
    return web.post("/connexion", urlencode(fields).encode(), FORM)


def has_latest(html: str) -> bool:
    """True when the page is the one of latest values, whole; cheaper than reading it."""
    return f'id="{TABLE_ID}"' in html and html.rstrip().endswith("</html>")


def parse_latest(html: str) -> tuple[LatestValue, ...]:
    """Lines of the page in order; RequestFailed when the table is absent or a line is odd."""
    parser = _Table()
    parser.feed(html)
    parser.close()
    if not parser.found:
        raise RequestFailed("La page des dernières valeurs n'a pas de tableau.")
    return tuple(_read_row(row) for row in parser.rows if row)


def _read_row(row: list[str]) -> LatestValue:
    if len(row) != COLUMNS:
        raise RequestFailed(f"Ligne de {len(row)} cellules dans la page des dernières valeurs.")
    station, label, quantity, at, value, state = row
    if value != NOTHING and not NUMBER.fullmatch(value):
        raise RequestFailed(f"Valeur illisible dans la page des dernières valeurs : {value[:40]!r}.")
    try:
        moment = None if at == NOTHING else datetime.fromisoformat(at)
    except ValueError as error:
        raise RequestFailed(f"Heure illisible dans la page des dernières valeurs : {at[:40]!r}.") from error
    return LatestValue(station, label, quantity, moment, None if value == NOTHING else Decimal(value), state)
