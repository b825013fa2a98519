"""What both HTTP adapters share: one request, its answer read strictly and bounded, its errors said once.

Reads are tried again, a few times and shortly; writes never: whoever asked looks for the key first. A 404 or a 403
speaks of a ticket only when the platform still knows our account: a proxy, or a site that moved, answers 404 to
everything, and no note may be put aside for that.
"""

from __future__ import annotations

import json
import math
import re
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlencode

from nonreg.clients.web import Answer, AnswerLimits, WebSession
from nonreg.config import Secret
from nonreg.errors import AccessDenied, ConfigError, RequestFailed, Unreachable, UsageError
from nonreg.masking import Mask, conceal
from nonreg.tickets import require_ticket
from nonreg.tracker.protocol import NoteRefused, TicketDenied, TicketUnknown
from nonreg.tracker.settings import TrackerSettings

CONNECT_SECONDS = 10.0
MAX_ANSWER_BYTES = 32 * 1024 * 1024
READS = 3  # the first included
PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 5.0  # a platform that asks for more is left alone: the outbox comes back
MAX_PAGES = 1000
PAGE = 100
# As both platforms find the people that a text calls, by mail.
CALL = re.compile(r"(?<![A-Za-z0-9_])@(?=[A-Za-z0-9_.-])")
MAX_TEXT_CHARS = 100_000
MAX_TITLE_CHARS = 255
MAX_WORDS_CHARS = 300
KEY = re.compile(r"[!-~]{1,500}")
MAX_NUMBER = 2**31 - 1  # of both platforms; beyond it some answer 500, for ever
Json = dict[str, Any]
Query = Mapping[str, str | int]


class _Busy(RequestFailed):
    """429 or 5xx; `pause` in seconds when the platform said how long."""

    def __init__(self, message: str, pause: float | None) -> None:
        super().__init__(message)
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no error: its JSON (None when it has no body) and its headers, names in small letters."""

    content: Any
    headers: Mapping[str, str]


class TrackerApi:
    """Requests to one platform with one key, which nothing here ever shows."""

    def __init__(self, settings: TrackerSettings, key: Secret, ca_file: str, name: str, header: str) -> None:
        if not KEY.fullmatch(key.reveal()):
            # Such a value would be refused further down, in a message that shows it.
            raise ConfigError(f"La clé {settings.key_env} contient un caractère qu'aucune clé ne contient.")
        self.name = name
        self._mask = Mask((key.reveal(),))
        self._headers = {header: key.reveal(), "Accept": "application/json", "Accept-Encoding": "identity"}
        self._session = WebSession(
            settings.url.rstrip("/"),
            settings.timeout_seconds,
            min(CONNECT_SECONDS, settings.timeout_seconds),
            ca_file or None,
            AnswerLimits(MAX_ANSWER_BYTES, 3 * settings.timeout_seconds),
        )

    def __repr__(self) -> str:
        return f"TrackerApi({self.name!r})"

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def read(self, path: str, query: Query | None = None, *, asked: str = "") -> Reply:
        """GET, again when it fails in passing; `asked` is the ticket that is asked for, if one is."""
        where = f"{path}?{urlencode(query)}" if query else path
        for left in range(READS - 1, -1, -1):
            pause: float | None = None
            try:
                return self._judge(self._session.get(where, headers=self._headers), asked, False)
            except _Busy as error:
                pause = error.pause
                if left == 0 or (pause or 0) > MAX_PAUSE_SECONDS:
                    raise
            except Unreachable:
                if left == 0:
                    raise
            time.sleep(PAUSE_SECONDS if pause is None else pause)
        raise AssertionError("unreachable")

    def write(
        self, method: str, path: str, body: bytes, content_type: str = "application/json", *, asked: str = ""
    ) -> Reply:
        """POST or PUT, once."""
        send = self._session.post if method == "POST" else self._session.put
        return self._judge(send(path, body, content_type, headers=self._headers), asked, True)

    def read_of(
        self, reference: str, check: Callable[[], str], path: str, query: Query | None = None
    ) -> Reply:
        """GET something of a ticket; `check` decides whether a refusal speaks of the ticket or of our account."""
        try:
            return self.read(path, query, asked=reference)
        except (TicketUnknown, AccessDenied) as error:
            check()
            raise TicketUnknown(
                f"{self.name} ne connaît pas le ticket {reference}, ou ne le montre pas à ce compte."
            ) from error

    def write_to(
        self,
        reference: str,
        check: Callable[[], str],
        method: str,
        path: str,
        body: bytes,
        content_type: str = "application/json",
    ) -> Reply:
        """POST or PUT to a ticket, or that opens one; the same of a refusal, and of a 404: see `read_of`."""
        try:
            return self.write(method, path, body, content_type, asked=reference)
        except TicketUnknown:
            check()
            raise
        except AccessDenied as error:
            check()
            what = f"d'écrire dans le ticket {reference}" if reference else "d'ouvrir ce ticket"
            raise TicketDenied(f"Le compte est connu, mais n'a pas le droit {what} : {error}") from error

    def tell(self, words: str) -> str:
        """Words of the platform as we may repeat them: without the key, secrets and addresses, short, on one line."""
        line = " ".join(clean_text(conceal(self._mask.apply(words[:20_000]))).split())
        return line if len(line) <= MAX_WORDS_CHARS else line[: MAX_WORDS_CHARS - 1] + "…"

    def _judge(self, answer: Answer, asked: str, written: bool) -> Reply:
        headers = {name.lower(): value for name, value in answer.headers.items()}
        status = answer.status
        if 200 <= status < 300:
            return Reply(self._parse(answer), headers)
        words = self.tell(find_words(answer.content))
        said = f" : {words}" if words else ""
        if 300 <= status < 400:
            raise RequestFailed(
                f"{self.name} renvoie vers une autre adresse (réponse {status}), qui n'est pas suivie : "
                "corrigez « url » dans [tracker]."
            )
        if status == 401:
            raise AccessDenied(f"{self.name} refuse la clé : elle est fausse ou a été révoquée (401){said}.")
        if status == 403:
            raise AccessDenied(f"{self.name} refuse l'accès à ce compte (403){said}.")
        if status == 404 and asked:
            raise TicketUnknown(f"{self.name} ne connaît pas le ticket {asked}.")
        if status == 429 or status >= 500:
            pause = read_pause(headers.get("retry-after", ""), datetime.now(UTC))
            wait = f", réessayer dans {pause:g} s" if pause is not None else ""
            raise _Busy(f"{self.name} ne peut pas répondre maintenant ({status}{wait}){said}.", pause)
        # 400 is what GitLab says to a field that it does not take; of a read, it would be a fault of ours.
        if written and status in (400, 413, 422):
            raise NoteRefused(f"{self.name} n'accepte pas ce qui est écrit ({status}){said}.")
        raise RequestFailed(f"{self.name} répond {status}{said}.")

    def _parse(self, answer: Answer) -> Any:
        if not answer.content.strip():
            return None
        try:
            return json.loads(answer.content.decode("utf-8"), parse_constant=refuse_constant)
        except (ValueError, RecursionError) as error:
            raise RequestFailed(
                f"{self.name} répond autre chose que du JSON : est-ce la bonne adresse, et rien ne la masque-t-il ?"
            ) from error


class Fields:
    """A JSON object of the platform's, read strictly: what is not as documented is RequestFailed, never a guess."""

    def __init__(self, value: Any, what: str) -> None:
        if not isinstance(value, dict):
            raise RequestFailed(f"Réponse inattendue du suivi : {what} n'est pas un objet.")
        self._value: Json = value
        self._what = what

    def has(self, name: str) -> bool:
        """True when the field is there and is not null."""
        return self._value.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        """A text; the default when the field is absent or null, if one is given."""
        value = self._value.get(name)
        if value is None and default is not None:
            return default
        return value if isinstance(value, str) else self._refuse(name, "un texte")

    def number(self, name: str) -> int:
        """A whole number."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int):
            return self._refuse(name, "un nombre entier")
        return value

    def hours(self, name: str) -> float:
        """A finite, positive number."""
        value = self._value.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._refuse(name, "un nombre")
        return (
            float(value) if math.isfinite(value) and value >= 0 else self._refuse(name, "un nombre d'heures")
        )

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._value.get(name)
        return value if isinstance(value, bool) else self._refuse(name, "vrai ou faux")

    def moment(self, name: str) -> datetime:
        """An instant with its zone."""
        try:
            moment = datetime.fromisoformat(self.text(name))
        except ValueError:
            return self._refuse(name, "une date et une heure")
        return moment if moment.tzinfo is not None else self._refuse(name, "une heure avec son fuseau")

    def day(self, name: str) -> date:
        """A day."""
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            return self._refuse(name, "une date")

    def part(self, name: str) -> Fields:
        """An object in it."""
        return Fields(self._value.get(name), f"{self._what}, « {name} »")

    def name_of(self, name: str, key: str = "name") -> str:
        """The name in an object that may be absent."""
        return self.part(name).text(key, "") if self.has(name) else ""

    def parts(self, name: str) -> tuple[Fields, ...]:
        """The objects of a list; none when it is absent."""
        return list_fields(self._value.get(name, []), f"{self._what}, « {name} »")

    def raw(self, name: str) -> Any:
        """The value, whatever it is."""
        return self._value.get(name)

    def _refuse(self, name: str, expected: str) -> NoReturn:
        raise RequestFailed(f"Réponse inattendue du suivi : {self._what}, « {name} » n'est pas {expected}.")


def list_fields(value: Any, what: str) -> tuple[Fields, ...]:
    """A JSON list of objects."""
    if not isinstance(value, list):
        raise RequestFailed(f"Réponse inattendue du suivi : {what} n'est pas une liste.")
    return tuple(Fields(one, what) for one in value)


def refuse_constant(name: str) -> Any:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)


def read_pause(text: str, now: datetime) -> float | None:
    """Seconds that Retry-After asks for, in either of its forms; None when it says nothing that can be read."""
    text = text.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, IndexError):
        return None
    if moment.tzinfo is None:
        return None
    return max(0.0, (moment - now).total_seconds())


def find_words(content: bytes) -> str:
    """What the platform says of an error: `errors`, `message` or `error` of its JSON; nothing of a page."""
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return ""
    found = next((value[name] for name in ("errors", "message", "error") if value.get(name)), "")
    return join_words(found)


def join_words(value: Any) -> str:
    """Texts of a list or of an object of lists, as GitLab writes them, in one."""
    if isinstance(value, dict):
        return " ; ".join(f"{name} {join_words(one)}" for name, one in list(value.items())[:20])
    if isinstance(value, list):
        return " ; ".join(join_words(one) for one in value[:20])
    return str(value)


def clean_text(text: str) -> str:
    """The text without what a screen obeys or hides: control and direction characters are shown as their number.

    PostgreSQL behind a platform refuses a NUL with a 500, which would be tried again for ever.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(
        char
        if char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
        else f"<U+{ord(char):04X}>"
        for char in text
    )


def prepare_text(text: str) -> str:
    """A text as it is written, in which `@name` calls nobody; NoteRefused when no ticket takes one of that length."""
    if len(text) > MAX_TEXT_CHARS:
        raise NoteRefused(f"Texte de {len(text)} caractères : un ticket en prend {MAX_TEXT_CHARS} au plus.")
    return CALL.sub("@ ", clean_text(text))


def prepare_title(title: str) -> str:
    """A title on one line, shortened to what every platform takes."""
    line = " ".join(clean_text(title[:20_000]).split())
    return line if len(line) <= MAX_TITLE_CHARS else line[: MAX_TITLE_CHARS - 1] + "…"


def prepare_file_name(name: str) -> str:
    """A name without folders, quotes and line ends, at most 200 characters, its ending kept."""
    flat = re.sub(r"[\x00-\x1f\x7f\"'\\/:*?<>|%;\[\]()!]", "_", clean_text(name)).strip(". ") or "fichier"
    stem, dot, ending = flat.rpartition(".")
    return flat if len(flat) <= 200 else f"{stem[: 190 - len(ending)]}{dot}{ending}"[:200]


def write_json(value: Json) -> bytes:
    """A body as both platforms read it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def read_number(reference: str, prefix: str) -> int:
    """12 of AQ-12; UsageError for a reference of another prefix, TicketUnknown for a number that none has."""
    found, _, number = require_ticket(reference).rpartition("-")
    if found != prefix:
        raise UsageError(
            f"Le ticket {reference} n'est pas de ce suivi, dont les tickets s'écrivent {prefix}-123."
        )
    if len(number) > 10 or not 0 < int(number) <= MAX_NUMBER:
        raise TicketUnknown(f"Aucun ticket ne porte le numéro {reference}.")
    return int(number)
