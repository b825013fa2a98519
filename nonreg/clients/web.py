"""HTTP requests to a site: a deadline always, no redirect followed unasked, no proxy, no retry."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from urllib3.exceptions import HTTPError, NewConnectionError

from nonreg.errors import CertificateRefused, NotSent, RequestFailed, Unreachable

SHOWN_BODY_CHARS = 2000
PIECE_BYTES = 65536


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; `request` is what was sent, without credentials; duration in seconds.

    `content` is the body as it came, for what states its own encoding (JSON) instead of leaving it to a guess.
    """

    request: str
    status: int
    body: str
    headers: dict[str, str]
    duration_seconds: float
    content: bytes = b""


@dataclass(frozen=True, slots=True)
class AnswerLimits:
    """What an answer may weigh once unpacked, and how long its body may take to come, dripping included."""

    max_bytes: int
    seconds: float


class WebSession:
    """Requests of one scenario to one service; cookies are kept between them.

    `connect_seconds` bounds the connection alone, `timeout_seconds` the silence of the server after it; `ca_file`
    holds the authorities to trust, the public ones without it. With `limits`, an answer beyond them is RequestFailed.
    """

    def __init__(
        self,
        base_url: str,
        timeout_seconds: float,
        connect_seconds: float | None = None,
        ca_file: str | None = None,
        limits: AnswerLimits | None = None,
    ) -> None:
        self._base_url = base_url
        self._timeout_seconds = timeout_seconds
        self._connect_seconds = timeout_seconds if connect_seconds is None else connect_seconds
        self._limits = limits
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the machine must not stand between us and the platform
        self._session.verify = ca_file or True

    def __enter__(self) -> WebSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._session.close()

    def get(
        self,
        path: str,
        credentials: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET one path; `credentials` and `headers` as for `post`."""
        return self._send("GET", path, None, dict(headers or {}), credentials)

    def post(
        self,
        path: str,
        body: bytes,
        content_type: str = "application/xml",
        credentials: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """POST bytes; `credentials` are for HTTP Basic and never shown, nor are the `headers`."""
        return self._send("POST", path, body, {"Content-Type": content_type, **(headers or {})}, credentials)

    def put(
        self, path: str, body: bytes, content_type: str, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """PUT bytes; `headers` as for `post`."""
        return self._send("PUT", path, body, {"Content-Type": content_type, **(headers or {})}, None)

    def _send(
        self,
        method: str,
        path: str,
        body: bytes | None,
        headers: dict[str, str],
        credentials: tuple[str, str] | None,
    ) -> Answer:
        url = self._base_url + path
        started = time.monotonic()
        try:
            response = self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                auth=credentials,
                timeout=(self._connect_seconds, self._timeout_seconds),
                allow_redirects=False,
                stream=self._limits is not None,
            )
            if self._limits is None:
                content, text = response.content, response.text
            else:
                content = read_body(response, self._limits, f"{method} {url}")
                text = content.decode("utf-8", "replace")
        except requests.ConnectTimeout as error:
            raise NotSent(f"{method} {url} : pas de réponse en {self._connect_seconds:g} s.") from error
        except requests.Timeout as error:
            raise Unreachable(f"{method} {url} : pas de réponse en {self._timeout_seconds:g} s.") from error
        except requests.exceptions.SSLError as error:
            raise CertificateRefused(f"{method} {url} : certificat refusé.") from error
        except requests.ConnectionError as error:
            # The cause lies in what requests wrapped: MaxRetryError(reason=NewConnectionError).
            cause = getattr(error.args[0] if error.args else None, "reason", None)
            kind = NotSent if isinstance(cause, NewConnectionError) else Unreachable
            raise kind(f"{method} {url} : connexion refusée ou perdue.") from error
        except requests.RequestException as error:
            raise RequestFailed(f"{method} {url} : requête impossible ({type(error).__name__}).") from error
        return Answer(
            describe_request(method, url, body, headers),
            response.status_code,
            text,
            dict(response.headers),
            time.monotonic() - started,
            content,
        )


def read_body(response: requests.Response, limits: AnswerLimits, request: str) -> bytes:
    """The body of an answer that is still on the line; RequestFailed beyond the limits, Unreachable when it is cut."""
    content = bytearray()
    deadline = time.monotonic() + limits.seconds
    try:
        # Whatever has come, and not so many bytes: a server that drips would hold a whole piece for hours.
        while piece := response.raw.read1(PIECE_BYTES, decode_content=True):
            content += piece
            if len(content) > limits.max_bytes:
                raise RequestFailed(f"{request} : réponse de plus de {limits.max_bytes} octets, abandonnée.")
            if time.monotonic() > deadline:
                raise Unreachable(f"{request} : réponse incomplète après {limits.seconds:g} s.")
    except (HTTPError, OSError) as error:
        raise Unreachable(f"{request} : réponse coupée ou illisible ({type(error).__name__}).") from error
    finally:
        response.close()
    return bytes(content)


def describe_request(method: str, url: str, body: bytes | None, headers: dict[str, str]) -> str:
    """The request as the report shows it; a form's fields (passwords) are not shown."""
    if not body:
        return f"{method} {url}"
    if "form" in headers.get("Content-Type", ""):
        return f"{method} {url} (formulaire, {len(body)} octets)"
    shown = body[:SHOWN_BODY_CHARS].decode("utf-8", "replace")
    more = f"… ({len(body)} octets)" if len(body) > SHOWN_BODY_CHARS else ""
    return f"{method} {url}\n{shown}{more}"
