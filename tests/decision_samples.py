"""Decisions, people and keys for the tests; keys are made on the spot and worth nothing."""

from __future__ import annotations

import dataclasses
import functools
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nonreg.clients.sshsig import Signer, load_key_file
from nonreg.decision import (
    Decision,
    DecisionKind,
    DecisionRequest,
    SignedDecision,
    hash_shown,
    sign_decision,
)
from nonreg.model import Role
from nonreg.people import People, Person

TOKEN = "0a1b2c3d-essai"
NOW = datetime(2026, 11, 23, 16, 9, 11, tzinfo=UTC)
SHOWN = "PROMOTION\n\nRéférence n° 3 : à relire\n"
PrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@functools.cache
def make_key(kind: str, number: int = 0) -> PrivateKey:
    """A key of a kind (`ed25519`, `ecdsa-256`, `rsa-3072`…), the same for the same number."""
    name, _, bits = kind.partition("-")
    if name == "rsa":
        return rsa.generate_private_key(65537, int(bits))
    if name == "ecdsa":
        return ec.generate_private_key(
            {"256": ec.SECP256R1, "384": ec.SECP384R1, "521": ec.SECP521R1}[bits]()
        )
    return ed25519.Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def write_key(path: Path, key: PrivateKey, passphrase: str = "") -> Path:
    encryption = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, encryption))
    path.chmod(0o600)
    return path


def public_line(key: PrivateKey) -> str:
    return key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def make_signer(folder: Path, number: int = 1, kind: str = "ed25519") -> Signer:
    return load_key_file(write_key(folder / f"{kind}-{number}", make_key(kind, number)))


def make_people(*persons: Person) -> People:
    """One titulaire (key 1), one MOA (key 2), and whoever is given."""
    own = (
        Person("titulaire-1", "Odile Ruisselle", Role.TITULAIRE, (public_line(make_key("ed25519", 1)),)),
        Person("moa-1", "Amaury Valbief", Role.MOA_SCV, (public_line(make_key("ed25519", 2)),)),
    )
    return People(Path("people.toml"), (*own, *persons))


def make_decision(**changes: object) -> Decision:
    decision = Decision(
        id="D-0123456789ab",
        kind=DecisionKind.PROMOTION,
        subject="20261123T160911Z-essai-1141f2",
        content_sha256=hash_shown(SHOWN),
        platform="essai",
        identity_token=TOKEN,
        person="titulaire-1",
        role=Role.TITULAIRE,
        ticket="AQ-123",
        reason="Livraison 5.2 acceptée",
        decided_at=NOW - timedelta(minutes=1),
        expires_at=NOW + timedelta(hours=8),
    )
    return dataclasses.replace(decision, **changes)  # type: ignore[arg-type]


def make_signed(folder: Path, number: int = 1, shown: str = SHOWN, **changes: object) -> SignedDecision:
    request = DecisionRequest(make_decision(**({"content_sha256": hash_shown(shown)} | changes)), shown)
    return sign_decision(request, make_signer(folder, number))
