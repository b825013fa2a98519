"""What both HTTP trackers share, against a real local server that answers what it is told, byte for byte."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from nonreg.config import Secret
from nonreg.errors import (
    AccessDenied,
    CertificateRefused,
    ConfigError,
    NotSent,
    PlatformError,
    RequestFailed,
    Unreachable,
)
from nonreg.tracker.api import (
    MAX_ANSWER_BYTES,
    Fields,
    TrackerApi,
    clean_text,
    prepare_file_name,
    prepare_text,
    read_number,
    read_pause,
)
from nonreg.tracker.protocol import NoteRefused, TicketUnknown
from nonreg.tracker.settings import TrackerKind, TrackerSettings
from tests.alert_receivers import make_certificate

KEY = "cle-d-essai-de-personne"  # nothing in it that would be hidden for another reason
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@dataclass
class Told:
    """A server that gives one of `answers` to each connection, piece by piece, the last one to all that follow."""

    answers: list[list[bytes]] = field(default_factory=list)
    received: list[bytes] = field(default_factory=list)
    port: int = 0
    released: threading.Event = field(default_factory=threading.Event)

    def serve(self, client: socket.socket) -> None:
        with client:
            try:
                self.received.append(client.recv(65536))
                pieces = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
                for piece in pieces:
                    if piece == WAIT:
                        self.released.wait(60)
                    elif piece == DRIP:
                        while not self.released.wait(0.02):
                            client.sendall(b"x")
                    else:
                        client.sendall(piece)
            except OSError:
                return


WAIT, DRIP = b"<wait>", b"<drip>"


@contextmanager
def start_told(*answers: list[bytes], context: ssl.SSLContext | None = None) -> Iterator[Told]:
    told = Told(list(answers))
    listener = socket.create_server(("127.0.0.1", 0))
    told.port = listener.getsockname()[1]

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
                if context is not None:
                    client = context.wrap_socket(client, server_side=True)
            except ssl.SSLError:
                continue
            except OSError:
                return
            threading.Thread(target=told.serve, args=(client,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield told
    finally:
        told.released.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def say(status: str, body: bytes = b"", *headers: str) -> list[bytes]:
    """A whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return ["\r\n".join(lines).encode() + b"\r\n\r\n" + body]


def reach(told: Told, scheme: str = "http", key: str = KEY, ca_file: str = "", **more: Any) -> TrackerApi:
    settings = TrackerSettings(
        kind=TrackerKind.REDMINE, url=f"{scheme}://127.0.0.1:{told.port}/", project="p", key_env="CLE", **more
    )
    return TrackerApi(settings, Secret(key), ca_file, "Suivi d'essai", "X-Key")


def test_json_is_read_as_utf8_though_the_answer_states_no_encoding() -> None:
    with start_told(say("200 OK", '{"nom": "Éa – ü"}'.encode(), "Content-Type: application/json")) as told:
        assert reach(told).read("/x", {"a": "é&b", "n": 1}).content == {"nom": "Éa – ü"}
    assert told.received[0].startswith(b"GET /x?a=%C3%A9%26b&n=1 HTTP/1.1\r\n")
    assert f"X-Key: {KEY}".encode() in told.received[0]


@pytest.mark.parametrize(
    ("status", "asked", "error", "of_a_write"),
    [
        ("401 Unauthorized", "", AccessDenied, AccessDenied),
        ("403 Forbidden", "AQ-1", AccessDenied, AccessDenied),
        ("404 Not Found", "AQ-1", TicketUnknown, TicketUnknown),
        ("404 Not Found", "", RequestFailed, RequestFailed),
        ("400 Bad Request", "AQ-1", RequestFailed, NoteRefused),
        ("413 Too Large", "AQ-1", RequestFailed, NoteRefused),
        ("422 Unprocessable", "AQ-1", RequestFailed, NoteRefused),
        ("429 Too Many", "AQ-1", RequestFailed, RequestFailed),
        ("500 Oops", "AQ-1", RequestFailed, RequestFailed),
        ("503 Later", "AQ-1", RequestFailed, RequestFailed),
        ("302 Found", "AQ-1", RequestFailed, RequestFailed),
        ("418 Teapot", "AQ-1", RequestFailed, RequestFailed),
    ],
)
def test_each_status_is_one_error_whose_words_hide_the_key(
    status: str, asked: str, error: type[PlatformError], of_a_write: type[PlatformError]
) -> None:
    body = f'{{"errors": ["refus de {KEY}", "à ada@exemple.fr", "http://10.1.2.3/x"]}}'.encode()
    with start_told(say(status, body, "Location: http://127.0.0.1:1/", "Retry-After: 0")) as told:
        api = reach(told)
        for kind, ask in (
            (error, partial(api.read, "/x", asked=asked)),
            (of_a_write, partial(api.write, "PUT", "/x", b"{}", asked=asked)),
        ):
            with pytest.raises(kind) as raised:
                ask()
            if kind is RequestFailed:
                assert not isinstance(raised.value, TicketUnknown | NoteRefused)
            for hidden in (KEY, "ada@", "10.1.2.3"):
                assert hidden not in str(raised.value)
    assert KEY not in repr(api)


def test_a_read_is_asked_three_times_at_most_and_a_write_once() -> None:
    with start_told(say("503 Later", b"<html>maintenance</html>", "Retry-After: 0")) as told:
        api = reach(told)
        with pytest.raises(RequestFailed, match="503"):
            api.read("/x")
        assert len(told.received) == 3
        with pytest.raises(RequestFailed, match="503"):
            api.write("POST", "/x", b"{}")
        assert len(told.received) == 4


def test_a_platform_that_asks_for_a_long_pause_is_left_alone_at_once() -> None:
    with start_told(say("429 Too Many", b"", "Retry-After: 3600")) as told:
        with pytest.raises(RequestFailed, match="réessayer dans 3600 s"):
            reach(told).read("/x")
        assert len(told.received) == 1


def test_a_read_that_works_after_a_failure_is_an_answer() -> None:
    with start_told(say("500 Oops"), [], say("200 OK", b"[1]")) as told:
        assert reach(told).read("/x").content == [1]


@pytest.mark.parametrize(
    "answer",
    [
        say("200 OK", b"<html>Connectez-vous au portail</html>", "Content-Type: text/html"),
        say("200 OK", b'{"a": NaN}'),
        say("200 OK", b"[" * 100_000),
        say("200 OK", b'{"a": "\xff"}'),
    ],
    ids=["a portal's page", "NaN", "deep", "not UTF-8"],
)
def test_what_is_no_json_is_tried_later_and_never_taken(answer: list[bytes]) -> None:
    with start_told(answer) as told, pytest.raises(RequestFailed, match="autre chose que du JSON") as raised:
        reach(told).write("POST", "/x", b"{}")
    assert not isinstance(raised.value, NoteRefused)


def test_an_answer_beyond_the_bound_is_given_up(tmp_path: Path) -> None:
    endless = [b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 1_000_000] * (MAX_ANSWER_BYTES // 1_000_000 + 2), WAIT]
    with start_told(endless) as told, pytest.raises(RequestFailed, match="abandonnée"):
        reach(told).read("/x")


@pytest.mark.parametrize("pieces", [[DRIP], [b"a", WAIT]], ids=["drips", "falls silent"])
def test_a_server_that_does_not_end_its_answer_is_unreachable(pieces: list[bytes]) -> None:
    slow = [b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n", *pieces]
    with start_told(slow) as told, pytest.raises(Unreachable):
        reach(told, timeout_seconds=0.2).write("POST", "/x", b"{}")


def test_an_answer_that_is_cut_is_unreachable() -> None:
    with (
        start_told([b"HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\n{}"]) as told,
        pytest.raises(Unreachable),
    ):
        reach(told).write("POST", "/x", b"{}")


def test_nobody_there_is_told_as_not_sent() -> None:
    with start_told(say("200 OK")) as told:
        api = reach(told)
    with pytest.raises(NotSent):
        api.write("POST", "/x", b"{}")


def test_a_certificate_is_verified_with_the_authorities_that_are_stated(tmp_path: Path) -> None:
    certificate, context = make_certificate(tmp_path)
    with start_told(say("200 OK", b"{}"), context=context) as told:
        with pytest.raises(CertificateRefused):
            reach(told, "https").read("/x")
        assert told.received == [], "the key was sent to somebody unknown"
        assert reach(told, "https", ca_file=str(certificate)).read("/x").content == {}


@pytest.mark.parametrize("key", ["a\nX-Other: 1", " a", "clé-à-part", "", "a" * 501])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(ConfigError, match="CLE") as raised:
        reach(Told(port=1), key=key)
    assert not key or key not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("Mon, 02 Mar 2026 08:00:30 GMT", 30.0),
        ("Mon, 02 Mar 2026 07:00:00 GMT", 0.0),
        ("-5", None),
        ("1e9", None),
        ("٣", None),
        ("demain", None),
        ("", None),
    ],
)
def test_a_pause_is_read_in_both_of_its_forms(text: str, seconds: float | None) -> None:
    assert read_pause(text, NOW) == seconds


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ({"a": True}, lambda fields: fields.number("a")),
        ({"a": "1"}, lambda fields: fields.number("a")),
        ({"a": None}, lambda fields: fields.text("a")),
        ({"a": 1}, lambda fields: fields.text("a")),
        ({"a": -1}, lambda fields: fields.hours("a")),
        ({"a": "8"}, lambda fields: fields.hours("a")),
        ({"a": "2026-03-02T08:00:00"}, lambda fields: fields.moment("a")),
        ({"a": "hier"}, lambda fields: fields.moment("a")),
        ({"a": "2026-02-30"}, lambda fields: fields.day("a")),
        ({"a": 1}, lambda fields: fields.flag("a")),
        ({"a": []}, lambda fields: fields.part("a")),
        ({"a": {}}, lambda fields: fields.parts("a")),
        ({"a": [1]}, lambda fields: fields.parts("a")),
        ([], lambda fields: fields.text("a", "")),
    ],
)
def test_a_field_that_is_not_as_documented_is_an_error(
    value: object, read: Callable[[Fields], object]
) -> None:
    with pytest.raises(RequestFailed, match="Réponse inattendue"):
        read(Fields(value, "objet"))


def test_a_text_shows_what_it_hides_and_calls_nobody() -> None:
    assert clean_text("a\r\nb\tc\x00\x1b\u202e\u2066\u200b\u2028\ud800") == (
        "a\nb\tc<U+0000><U+001B><U+202E><U+2066><U+200B><U+2028><U+D800>"
    )
    assert prepare_text("@ada, a@b.fr (@all)") == "@ ada, a@b.fr (@ all)"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("rapport.pdf", "rapport.pdf"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ('a"b\r\nX: 1.pdf', "a_b_X_ 1.pdf"),
        ("é" * 300 + ".pdf", "é" * 187 + ".pdf"),
        ("...", "fichier"),
    ],
)
def test_a_file_name_is_one_everywhere(name: str, written: str) -> None:
    assert prepare_file_name(name) == written


def test_numbers_that_no_ticket_has_are_unknown_before_they_are_asked() -> None:
    assert read_number("AQ-12", "AQ") == 12
    for reference in ("AQ-0", "AQ-2147483648", "AQ-" + "9" * 5000):
        with pytest.raises(TicketUnknown):
            read_number(reference, "AQ")
