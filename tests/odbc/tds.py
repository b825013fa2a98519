"""Just enough of a TDS server for Microsoft's driver to connect to: TLS, a login that is taken or refused, errors.

It knows no SQL: what each batch is answered is said beforehand. Packet and token layouts: [MS-TDS] 2.2.3, 2.2.7.
"""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BATCH, RPC, ANSWER, ATTENTION, TRANSACTION, PRELOGIN = 0x01, 0x03, 0x04, 0x06, 0x0E, 0x12
BEGIN, COMMIT, ROLLBACK = 5, 7, 8  # transaction requests, each with the change that it makes
CHANGES = {BEGIN: 8, COMMIT: 9, ROLLBACK: 10}
ATTENTION_DONE = 0x20
ENCRYPTED = 0x01
HEADER = struct.Struct(">BBHHBB")
MOST_BYTES = 4096


def make_certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate and its key in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "certificat.pem").write_bytes(made.public_bytes(pem))
    path = folder / "serveur.pem"
    path.write_bytes(private + made.public_bytes(pem))
    return path


def text16(text: str) -> bytes:
    return text.encode("utf-16-le")


def error_token(number: int, message: str, severity: int = 16) -> bytes:
    """One error, as the server tells it."""
    body = struct.pack("<IBBH", number, 1, severity, len(message)) + text16(message)
    body += bytes([5]) + text16("srv-a") + bytes([0]) + struct.pack("<I", 1)
    return b"\xaa" + struct.pack("<H", len(body)) + body


def done_token(*, failed: bool = False, more: bool = False) -> bytes:
    return b"\xfd" + struct.pack("<HHQ", (0x02 if failed else 0) | (0x01 if more else 0), 0, 0)


def transaction_changed(request: int) -> bytes:
    """A transaction begun or ended."""
    number = (1).to_bytes(8, "little")
    values = bytes([8]) + number + b"\0" if request == BEGIN else b"\0" + bytes([8]) + number
    body = bytes([CHANGES[request]]) + values
    return b"\xe3" + struct.pack("<H", len(body)) + body + done_token()


def login_taken() -> bytes:
    """The database, the collation and the acknowledgement that end a login."""
    name = "Microsoft SQL Server"
    database = bytes([1, 8]) + text16("AQUAREEL") + bytes([6]) + text16("master")
    collation = bytes([7, 5, 0x0C, 0x04, 0xD0, 0x00, 0x34, 0])
    changes = b"".join(b"\xe3" + struct.pack("<H", len(one)) + one for one in (database, collation))
    ack = (
        bytes([1])
        + struct.pack(">I", 0x74000004)
        + bytes([len(name)])
        + text16(name)
        + bytes([16, 0, 0x10, 0])
    )
    return changes + b"\xad" + struct.pack("<H", len(ack)) + ack + done_token()


@dataclass(frozen=True, slots=True)
class Kind:
    """A column's type: how it is declared before the rows, and how a value that is not NULL is written."""

    declared: bytes
    write: Callable[[Any], bytes]
    null: bytes = b"\0"


def write_short(data: bytes) -> bytes:
    return bytes([len(data)]) + data


def write_long(data: bytes) -> bytes:
    return struct.pack("<H", len(data)) + data


def write_in_parts(data: bytes) -> bytes:
    """A value of a MAX type, in one part."""
    part = struct.pack("<I", len(data)) + data if data else b""
    return struct.pack("<Q", len(data)) + part + struct.pack("<I", 0)


def whole(size: int) -> Kind:
    """tinyint, smallint, int, bigint by their size in bytes."""
    return Kind(
        bytes([0x26, size]), lambda value: write_short(int(value).to_bytes(size, "little", signed=size > 1))
    )


def nvarchar(length: int) -> Kind:
    return Kind(
        b"\xe7" + struct.pack("<H", 2 * length) + COLLATION,
        lambda value: write_long(text16(str(value))),
        null=b"\xff\xff",
    )


def varchar(length: int) -> Kind:
    return Kind(
        b"\xa7" + struct.pack("<H", length) + COLLATION,
        lambda value: write_long(str(value).encode("cp1252")),
        null=b"\xff\xff",
    )


def binary(length: int) -> Kind:
    return Kind(b"\xad" + struct.pack("<H", length), write_long, null=b"\xff\xff")


def numeric(precision: int, scale: int) -> Kind:
    size = next(size for most, size in ((9, 5), (19, 9), (28, 13), (38, 17)) if precision <= most)

    def write(value: Any) -> bytes:
        units = round(Fraction(value) * 10**scale)  # a Decimal's own arithmetic has 28 digits
        return write_short(bytes([units >= 0]) + abs(units).to_bytes(size - 1, "little"))

    return Kind(bytes([0x6C, size, precision, scale]), write)


def datetime2(scale: int) -> Kind:
    size = 3 if scale < 3 else 4 if scale < 5 else 5

    def write(value: Any) -> bytes:
        since = value - datetime(1, 1, 1)
        units = (since.seconds * 10**6 + since.microseconds) * 10**scale // 10**6
        return write_short(units.to_bytes(size, "little") + since.days.to_bytes(3, "little"))

    return Kind(bytes([0x2A, scale]), write)


def write_datetime(value: Any) -> bytes:
    """Days since 1900, and three-hundredths of a second."""
    since = value - datetime(1900, 1, 1)
    ticks = since.seconds * 300 + round(since.microseconds * 300 / 10**6)
    return write_short(struct.pack("<iI", since.days, ticks))


COLLATION = bytes([0x0C, 0x04, 0xD0, 0x00, 0x34])
TINYINT, SMALLINT, INT, BIGINT = whole(1), whole(2), whole(4), whole(8)
BIT = Kind(b"\x68\x01", lambda value: write_short(bytes([bool(value)])))
FLOAT = Kind(b"\x6d\x08", lambda value: write_short(struct.pack("<d", value)))
DATETIME = Kind(b"\x6f\x08", write_datetime)
NVARCHAR = nvarchar(4000)
NVARCHAR_MAX = Kind(
    b"\xe7\xff\xff" + COLLATION, lambda value: write_in_parts(text16(str(value))), null=b"\xff" * 8
)
KINDS = {int: INT, str: NVARCHAR}


def rows(columns: Mapping[str, type | Kind], *values: tuple[Any, ...]) -> bytes:
    """A result set, NULLs included."""
    kinds = [kind if isinstance(kind, Kind) else KINDS[kind] for kind in columns.values()]
    found = b"\x81" + struct.pack("<H", len(columns))
    for name, kind in zip(columns, kinds, strict=True):
        found += struct.pack("<IH", 0, 0x0009) + kind.declared + bytes([len(name)]) + text16(name)
    for row in values:
        found += b"\xd1"
        for kind, value in zip(kinds, row, strict=True):
            found += kind.null if value is None else kind.write(value)
    return found


def int_rows(column: str, values: tuple[int, ...]) -> bytes:
    """A result set of one int column."""
    return rows({column: int}, *((value,) for value in values))


def text_rows(column: str, values: tuple[str, ...]) -> bytes:
    """A result set of one nvarchar column."""
    return rows({column: str}, *((value,) for value in values))


def refusal(number: int, message: str) -> bytes:
    """An error and the end of the answer."""
    return error_token(number, message) + done_token(failed=True)


class Channel:
    """TDS packets over one socket, in the clear or inside TLS."""

    def __init__(self, link: socket.socket) -> None:
        self.link = link
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.left = b""

    def _read(self, count: int) -> bytes:
        while len(self.left) < count:
            if self.tls is None:
                got = self.link.recv(MOST_BYTES)
                if not got:
                    raise ConnectionError
                self.left += got
                continue
            try:
                self.left += self.tls.read(MOST_BYTES)
            except ssl.SSLWantReadError:
                got = self.link.recv(MOST_BYTES)
                if not got:
                    raise ConnectionError from None
                self.incoming.write(got)
        taken, self.left = self.left[:count], self.left[count:]
        return taken

    def receive(self) -> tuple[int, bytes]:
        """One message: its type and its whole body."""
        body = b""
        while True:
            kind, status, length, *_ = HEADER.unpack(self._read(HEADER.size))
            body += self._read(length - HEADER.size)
            if status & 1:
                return kind, body

    def send(self, kind: int, body: bytes) -> None:
        for at in range(0, max(1, len(body)), MOST_BYTES - HEADER.size):
            part = body[at : at + MOST_BYTES - HEADER.size]
            last = at + len(part) >= len(body)
            packet = HEADER.pack(kind, int(last), len(part) + HEADER.size, 0, 1, 0) + part
            if self.tls is None:
                self.link.sendall(packet)
            else:
                self.tls.write(packet)
                self.link.sendall(self.outgoing.read())

    def begin_tls(self, certificate: Path) -> None:
        """The handshake, carried by prelogin packets."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate)
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        while True:
            try:
                tls.do_handshake()
                done = True
            except ssl.SSLWantReadError:
                done = False
            if self.outgoing.pending:
                self.send(PRELOGIN, self.outgoing.read())
            if done:
                self.tls = tls
                return
            self.incoming.write(self.receive()[1])


SETTING = "SET NOCOUNT ON; SET LOCK_TIMEOUT"  # what the first batch of a session begins with


def session_set(
    version: str | None = "16.0.4000.1", edition: int | None = 3, level: int | None = 160
) -> bytes:
    """The answer to what sets a session and asks which server this is: an end for each SET, then a row."""
    columns = {"version": str, "edition": int, "level": int}
    return done_token(more=True) * 3 + rows(columns, (version, edition, level)) + done_token()


# What a session and SQLAlchemy ask first.
OPENING: dict[str, bytes | list[bytes] | None] = {
    SETTING: session_set(),
    "ProductVersion": text_rows("", ("16.0.4000.1",)) + done_token(),
    "test max support": text_rows("", ("test max support",)) + done_token(),
    "sys.system_views": text_rows("name", ("dm_exec_sessions",)) + done_token(),
    "transaction_isolation_level": text_rows("", ("READ COMMITTED",)) + done_token(),
    "fn_listextendedproperty": int_rows("", ()) + done_token(),
    "schema_name()": text_rows("", ("dbo",)) + done_token(),
}


@dataclass(slots=True)
class TdsServer:
    """What the server answers: to a login, and to each batch that contains one of these words.

    `None` cuts the link, nothing at all leaves the client waiting until it gives up; a list is given in turn.
    """

    certificate: Path
    login: bytes = field(default_factory=login_taken)
    answers: Mapping[str, bytes | list[bytes] | None] = field(default_factory=dict)
    port: int = 0
    batches: list[str] = field(default_factory=list)
    transactions: list[int] = field(default_factory=list)
    logins: int = 0

    def serve(self, link: socket.socket) -> None:
        with suppress(OSError, ConnectionError, ssl.SSLError), link:
            channel = Channel(link)
            channel.receive()
            options = [
                (0, bytes([16, 0, 0x10, 0, 0, 0])),
                (1, bytes([ENCRYPTED])),
                (2, b"\0"),
                (3, b""),
                (4, b"\0"),
            ]
            head, data, at = b"", b"", 5 * len(options) + 1
            for number, value in options:
                head += struct.pack(">BHH", number, at + len(data), len(value))
                data += value
            channel.send(ANSWER, head + b"\xff" + data)
            channel.begin_tls(self.certificate)
            channel.receive()
            self.logins += 1
            channel.send(ANSWER, self.login)
            while True:
                kind, body = channel.receive()
                answer = self.choose_answer(kind, body)
                if answer is None:
                    return
                if answer:
                    channel.send(ANSWER, answer)

    def choose_answer(self, kind: int, body: bytes) -> bytes | None:
        if kind == ATTENTION:
            return b"\xfd" + struct.pack("<HHQ", ATTENTION_DONE, 0, 0)
        request = body[int.from_bytes(body[:4], "little") :]  # behind its headers
        if kind == TRANSACTION:
            self.transactions.append(int.from_bytes(request[:2], "little"))
            return transaction_changed(int.from_bytes(request[:2], "little"))
        both = (request, request[1:]) if kind == RPC else (request,)  # its text stands at any byte
        text = "".join(one.decode("utf-16-le", "ignore") for one in both)
        self.batches.append(text)
        known = {**OPENING, **self.answers}
        answer = next((one for word, one in known.items() if word in text), done_token())
        return answer.pop(0) if isinstance(answer, list) else answer


@contextmanager
def serve_tds(server: TdsServer) -> Iterator[TdsServer]:
    """The server on a free port of the loopback, until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]

        def accept() -> None:
            with suppress(OSError):
                while True:
                    link, _ = listener.accept()
                    threading.Thread(target=server.serve, args=(link,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield server
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
