"""SSH signatures (SSHSIG, as `ssh-keygen -Y sign` writes them) made and verified without OpenSSH.

paramiko, already here for hosts, brings keys, agent and cryptography; the envelope around them is the
project's. The library `sshsig` was considered: it only verifies, does not know ECDSA, and asserts on hostile
bytes. Accepted: Ed25519, ECDSA (NIST curves), RSA from 3072 bits with rsa-sha2-512; the digest is SHA-512.

Reading is strict: an envelope must be, byte for byte, the one that would be written from its parts, so
that no bit of it can change and still pass. Format: PROTOCOL.sshsig of OpenSSH.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from nonreg.clients.late import paramiko
from nonreg.errors import DecisionRefused, UsageError
from nonreg.french import explain_os_error

MAGIC, VERSION, DIGEST = b"SSHSIG", 1, "sha512"
ARMOR_BEGIN, ARMOR_END = "-----BEGIN SSH SIGNATURE-----", "-----END SSH SIGNATURE-----"
ARMOR_COLUMNS = 70
MAX_ARMOR_CHARACTERS = 16_384
RSA_MIN_BITS = 3072
# Signature algorithm that each accepted type of key must have used.
ALGORITHMS = {
    "ssh-ed25519": "ssh-ed25519",
    "ecdsa-sha2-nistp256": "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": "ecdsa-sha2-nistp521",
    "ssh-rsa": "rsa-sha2-512",
}
ACCEPTED_KEYS = f"ssh-ed25519, ecdsa-sha2-nistp256/384/521 ou ssh-rsa d'au moins {RSA_MIN_BITS} bits"


class PassphraseNeeded(UsageError):
    """The key file is encrypted and no passphrase was given."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The parts of one signature, read but not verified; `public_key` is `type base64`."""

    public_key: str
    namespace: str
    signed: bytes


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key in a file or an agent; `label` is how its holder knows it."""

    public_key: str
    label: str
    key: paramiko.PKey = field(repr=False)


def normalise_public_key(line: str) -> str:
    """`type base64` of an OpenSSH public key, without its comment; UsageError says why it is refused."""
    return _load_public_key(line)[0]


def fingerprint(public_key: str) -> str:
    """`SHA256:…` as `ssh-keygen -l` prints it."""
    digest = hashlib.sha256(base64.b64decode(public_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode("ascii").rstrip("=")


def sign(signer: Signer, message: bytes, namespace: str) -> str:
    """Armored signature of the message; UsageError when the key or its agent will not."""
    kind, encoded = signer.public_key.split()
    try:
        answer = signer.key.sign_ssh_data(_signed_bytes(message, namespace), ALGORITHMS[kind])
    except (paramiko.SSHException, OSError, EOFError) as error:
        raise UsageError(f"L'agent SSH refuse de signer avec la clé {signer.label}.") from error
    signed = answer.asbytes() if isinstance(answer, paramiko.Message) else bytes(answer)
    armor = _write_armor(_write_envelope(base64.b64decode(encoded), namespace, signed))
    try:  # an agent may answer with another algorithm than the one asked for
        verify(read_signature(armor), message, namespace)
    except DecisionRefused as error:
        raise UsageError(f"La clé {signer.label} n'a pas produit une signature acceptée : {error}") from error
    return armor


def read_signature(armor: str) -> Signature:
    """Parts of an armored signature; DecisionRefused when it is malformed or of a kind that is not accepted."""
    envelope = _read_armor(armor)
    try:
        message = paramiko.Message(envelope)
        magic, version = message.get_bytes(len(MAGIC)), message.get_int()
        blob, namespace = message.get_binary(), message.get_text()
        reserved, digest = message.get_binary(), message.get_text()
        signed = message.get_binary()
    except (ValueError, OverflowError, MemoryError) as error:
        raise DecisionRefused("La signature est illisible.") from error
    if magic != MAGIC or version != VERSION or reserved:
        raise DecisionRefused("La signature n'est pas au format SSHSIG, version 1.")
    if digest != DIGEST:
        raise DecisionRefused("L'empreinte signée n'est pas en SHA-512.")
    if _write_envelope(blob, namespace, signed) != envelope:
        raise DecisionRefused("La signature est illisible : son enveloppe est incomplète ou trop longue.")
    kind = paramiko.Message(blob).get_binary().decode("ascii", "replace")
    try:
        public_key = normalise_public_key(f"{kind} {base64.b64encode(blob).decode('ascii')}")
    except UsageError as error:
        raise DecisionRefused(f"La clé qui a signé est refusée : {error}") from error
    return Signature(public_key, namespace, signed)


def verify(signature: Signature, message: bytes, namespace: str) -> None:
    """DecisionRefused unless its own key signed exactly this message in this namespace."""
    if signature.namespace != namespace:
        raise DecisionRefused(
            f"La signature a été faite pour un autre usage (espace de noms « {signature.namespace} », "
            f"attendu « {namespace} »)."
        )
    kind, key = _load_public_key(signature.public_key)
    kind = kind.split()[0]
    parts = paramiko.Message(signature.signed)
    algorithm = parts.get_binary().decode("ascii", "replace")
    if algorithm != ALGORITHMS[kind]:
        raise DecisionRefused(
            f"L'algorithme de signature « {algorithm} » est refusé (attendu : {ALGORITHMS[kind]})."
        )
    whole = paramiko.Message().add_string(algorithm).add_string(parts.get_binary())
    try:
        genuine = whole.asbytes() == signature.signed and key.verify_ssh_sig(
            _signed_bytes(message, namespace), paramiko.Message(signature.signed)
        )
    except Exception as error:  # whatever three libraries raise on hostile bytes, it is no signature
        raise DecisionRefused("La signature est illisible.") from error
    if not genuine:
        raise DecisionRefused(
            "La signature ne correspond pas au contenu signé : contenu ou signature altérés."
        )


def load_key_file(path: Path, passphrase: str | None = None) -> Signer:
    """Private key of a file (OpenSSH or PEM); PassphraseNeeded when encrypted, UsageError when unusable."""
    try:
        # The library's stubs say text; what it calls wants bytes.
        key = paramiko.PKey.from_path(path, passphrase.encode("utf-8") if passphrase else None)  # type: ignore[arg-type]
    except OSError as error:
        raise UsageError(f"Clé illisible : {path} ({explain_os_error(error)}).") from error
    except TypeError as error:
        if passphrase:
            raise UsageError(f"La clé {path} n'a pas de phrase de passe, mais une est donnée.") from error
        raise PassphraseNeeded(f"La clé {path} est protégée par une phrase de passe.") from error
    except Exception as error:
        reason = (
            "phrase de passe fausse ou fichier abîmé"
            if passphrase
            else "ce n'est pas une clé privée SSH au format OpenSSH"
        )
        raise UsageError(f"Clé inutilisable : {path} ({reason}).") from error
    return _signer(key, str(path))


@contextmanager
def open_agent() -> Iterator[tuple[Signer, ...]]:
    """Accepted keys of the agent at SSH_AUTH_SOCK, usable until the end of the block; none when it is absent."""
    try:
        agent = paramiko.Agent()
    except (paramiko.SSHException, OSError) as error:
        raise UsageError("L'agent SSH ne répond pas comme attendu.") from error
    signers = []
    for key in agent.get_keys():
        try:
            signers.append(_signer(key, key.comment or key.get_name()))
        except UsageError:
            continue  # certificates, security keys, short RSA keys: not for decisions
    try:
        yield tuple(signers)
    finally:
        agent.close()


def _signer(key: paramiko.PKey, label: str) -> Signer:
    line = f"{key.get_name()} {base64.b64encode(key.asbytes()).decode('ascii')}"
    return Signer(normalise_public_key(line), label, key)


def _load_public_key(line: str) -> tuple[str, paramiko.PKey]:
    words = line.split()
    if len(words) < 2 or words[0] not in ALGORITHMS:
        raise UsageError(f"ce n'est pas une clé publique acceptée ({ACCEPTED_KEYS})")
    kind, encoded = words[:2]
    try:
        blob = base64.b64decode(encoded, validate=True)
        key = paramiko.PKey.from_type_string(kind, blob)
        whole = (
            key.get_name() == kind
            and key.asbytes() == blob
            and base64.b64encode(blob).decode("ascii") == encoded
        )
    except Exception as error:  # whatever the libraries raise on hostile bytes
        raise UsageError("la clé publique est illisible") from error
    if not whole:
        raise UsageError("la clé publique est illisible")
    if kind == "ssh-rsa" and key.get_bits() < RSA_MIN_BITS:
        raise UsageError(f"clé RSA de {key.get_bits()} bits, trop courte ({RSA_MIN_BITS} au moins)")
    return f"{kind} {encoded}", key


def _signed_bytes(message: bytes, namespace: str) -> bytes:
    parts = paramiko.Message().add_bytes(MAGIC).add_string(namespace).add_string(b"").add_string(DIGEST)
    return parts.add_string(hashlib.new(DIGEST, message).digest()).asbytes()


def _write_envelope(blob: bytes, namespace: str, signed: bytes) -> bytes:
    parts = paramiko.Message().add_bytes(MAGIC).add_int(VERSION).add_string(blob).add_string(namespace)
    return parts.add_string(b"").add_string(DIGEST).add_string(signed).asbytes()


def _write_armor(envelope: bytes) -> str:
    body = textwrap.wrap(base64.b64encode(envelope).decode("ascii"), ARMOR_COLUMNS)
    return "\n".join([ARMOR_BEGIN, *body, ARMOR_END, ""])


def _read_armor(armor: str) -> bytes:
    if len(armor) > MAX_ARMOR_CHARACTERS:
        raise DecisionRefused("La signature est trop longue pour en être une.")
    # Mail and tickets change line ends and margins; nothing else may differ.
    lines = [line.strip(" \t\r") for line in armor.strip(" \t\r\n").split("\n")]
    if lines[0] != ARMOR_BEGIN or lines[-1] != ARMOR_END:
        raise DecisionRefused("La signature n'est pas encadrée par BEGIN et END SSH SIGNATURE.")
    body = "".join(lines[1:-1])
    try:
        envelope = base64.b64decode(body, validate=True)
    except (binascii.Error, ValueError) as error:
        raise DecisionRefused("La signature n'est pas un texte base64.") from error
    if base64.b64encode(envelope).decode("ascii") != body:
        raise DecisionRefused("La signature n'est pas un texte base64.")
    return envelope
