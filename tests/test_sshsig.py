"""SSH signatures: made as ssh-keygen makes them, refused when anything about them is not exact."""

from __future__ import annotations

import base64
import functools
import hashlib
import tempfile
from pathlib import Path

import paramiko
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from hypothesis import given
from hypothesis import strategies as st

from nonreg.clients import sshsig
from nonreg.errors import DecisionRefused, UsageError
from tests.decision_samples import make_key, make_signer, public_line, write_key

MESSAGE, NAMESPACE = "Référence n° 3".encode(), "decision@aquareel-nonreg"
KINDS = ("ed25519", "ecdsa-256", "ecdsa-384", "ecdsa-521", "rsa-3072")
# Made by OpenSSH's `ssh-keygen -Y sign` with the key of 32 bytes of value 1, over MESSAGE.
FROM_SSH_KEYGEN = """\
-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgiojj3XQJ8ZX9UtstPLpdcspnCb
8dlBIb83SIAbQPb1wAAAAYZGVjaXNpb25AYXF1YXJlZWwtbm9ucmVnAAAAAAAAAAZzaGE1
MTIAAABTAAAAC3NzaC1lZDI1NTE5AAAAQKxaJwSaUqrcgtQDZ+52UJEnIjDSxJpacLVdl8
goNY79xVVbvJLo+1biF2K2QbtjHw60lGA5J0cnvzZtYxPpSQc=
-----END SSH SIGNATURE-----
"""


@functools.cache
def sample_armor() -> str:
    with tempfile.TemporaryDirectory() as folder:
        return sshsig.sign(make_signer(Path(folder)), MESSAGE, NAMESPACE)


def check(armor: str, message: bytes = MESSAGE, namespace: str = NAMESPACE) -> str:
    signature = sshsig.read_signature(armor)
    sshsig.verify(signature, message, namespace)
    return signature.public_key


def envelope(
    blob: bytes,
    signed: bytes,
    digest: str = "sha512",
    reserved: bytes = b"",
    version: int = 1,
    magic: bytes = b"SSHSIG",
) -> bytes:
    parts = paramiko.Message().add_bytes(magic).add_int(version).add_string(blob).add_string(NAMESPACE)
    return parts.add_string(reserved).add_string(digest).add_string(signed).asbytes()


def armored(content: bytes) -> str:
    body = base64.b64encode(content).decode("ascii")
    return f"-----BEGIN SSH SIGNATURE-----\n{body}\n-----END SSH SIGNATURE-----\n"


def signed_by_rsa(key: rsa.RSAPrivateKey, algorithm: str, digest: hashes.HashAlgorithm) -> str:
    wrapped = paramiko.Message().add_bytes(b"SSHSIG").add_string(NAMESPACE).add_string(b"")
    wrapped.add_string("sha512").add_string(hashlib.sha512(MESSAGE).digest())
    raw = key.sign(wrapped.asbytes(), padding.PKCS1v15(), digest)
    signed = paramiko.Message().add_string(algorithm).add_string(raw).asbytes()
    return armored(envelope(base64.b64decode(public_line(key).split()[1]), signed))


@pytest.mark.parametrize("kind", KINDS)
def test_each_accepted_kind_of_key_signs_and_is_verified(kind: str, tmp_path: Path) -> None:
    signer = make_signer(tmp_path, kind=kind)
    assert check(sshsig.sign(signer, MESSAGE, NAMESPACE)) == public_line(make_key(kind, 1))


def test_the_text_is_exactly_the_one_of_ssh_keygen() -> None:
    assert sample_armor() == FROM_SSH_KEYGEN


def test_margins_and_line_ends_of_a_mail_do_not_matter() -> None:
    check("\n  " + FROM_SSH_KEYGEN.replace("\n", " \r\n\t") + "\n")


def test_another_content_is_refused() -> None:
    with pytest.raises(DecisionRefused, match="ne correspond pas au contenu"):
        check(sample_armor(), MESSAGE + b" ")


def test_a_signature_for_another_use_is_refused(tmp_path: Path) -> None:
    armor = sshsig.sign(make_signer(tmp_path), MESSAGE, "git")
    with pytest.raises(DecisionRefused, match=r"autre usage .*« git »"):
        check(armor)


def test_no_bit_of_a_signature_can_change() -> None:
    content = sample_armor().encode("ascii")
    for place in range(len(content) - 1):  # the very last line end is margin
        for bit in range(8):
            changed = content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
            with pytest.raises(DecisionRefused):
                check(changed.decode("latin-1"))


def test_no_bit_of_an_envelope_can_change() -> None:
    content = base64.b64decode("".join(sample_armor().splitlines()[1:-1]))
    for place in range(len(content)):
        for bit in range(8):
            changed = content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
            with pytest.raises(DecisionRefused):
                check(armored(changed))


@given(st.text())
def test_any_text_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(DecisionRefused):
        check(text)


@given(st.binary(max_size=400))
def test_any_bytes_in_an_armor_are_refused_in_one_sentence(content: bytes) -> None:
    for hostile in (content, b"SSHSIG\0\0\0\1" + content):
        with pytest.raises(DecisionRefused):
            check(armored(hostile))


@given(
    st.sampled_from([*sshsig.ALGORITHMS, "ssh-dss", "ssh-ed25519-cert-v01@openssh.com"]),
    st.lists(st.binary(max_size=80), max_size=4),
    st.binary(max_size=120),
)
def test_hostile_keys_and_signatures_are_refused_in_one_sentence(
    kind: str, parts: list[bytes], signed: bytes
) -> None:
    blob = paramiko.Message().add_string(kind)
    for part in parts:
        blob.add_string(part)
    genuine = base64.b64decode(public_line(make_key("ecdsa-256")).split()[1])
    inner = paramiko.Message().add_string("ecdsa-sha2-nistp256").add_string(signed).asbytes()
    for key, content in ((blob.asbytes(), signed), (genuine, inner), (genuine, signed)):
        with pytest.raises(DecisionRefused):
            check(armored(envelope(key, content)))


def test_bytes_after_a_genuine_signature_are_refused() -> None:
    genuine = sshsig.read_signature(sample_armor())
    key = base64.b64decode(genuine.public_key.split()[1])
    check(armored(envelope(key, genuine.signed)))
    with pytest.raises(DecisionRefused):
        check(armored(envelope(key, genuine.signed + b"\0")))


def test_what_is_longer_than_any_signature_is_not_even_read() -> None:
    with pytest.raises(DecisionRefused, match="trop longue"):
        check(armored(b"\0" * 16_384))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"digest": "sha256"}, "SHA-512"),
        ({"magic": b"SSHSIC"}, "SSHSIG, version 1"),
        ({"version": 2}, "SSHSIG, version 1"),
        ({"reserved": b"x"}, "SSHSIG, version 1"),
    ],
)
def test_another_form_of_envelope_is_refused(change: dict[str, object], message: str) -> None:
    key = base64.b64decode(public_line(make_key("ed25519")).split()[1])
    with pytest.raises(DecisionRefused, match=message):
        check(armored(envelope(key, b"", **change)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [("ssh-rsa", hashes.SHA1()), ("rsa-sha2-256", hashes.SHA256())],  # noqa: S303 - refused, not used
)
def test_an_rsa_signature_with_a_weaker_digest_is_refused(
    algorithm: str, digest: hashes.HashAlgorithm
) -> None:
    key = make_key("rsa-3072")
    assert isinstance(key, rsa.RSAPrivateKey)
    with pytest.raises(DecisionRefused, match=f"« {algorithm} » est refusé"):
        check(signed_by_rsa(key, algorithm, digest))


def test_the_same_forge_with_the_accepted_digest_is_a_signature() -> None:
    key = make_key("rsa-3072")
    assert isinstance(key, rsa.RSAPrivateKey)
    check(signed_by_rsa(key, "rsa-sha2-512", hashes.SHA512()))


def test_a_short_rsa_key_neither_signs_nor_verifies(tmp_path: Path) -> None:
    key = make_key("rsa-2048")
    assert isinstance(key, rsa.RSAPrivateKey)
    with pytest.raises(UsageError, match="2048 bits, trop courte"):
        make_signer(tmp_path, kind="rsa-2048")
    with pytest.raises(DecisionRefused, match="2048 bits, trop courte"):
        check(signed_by_rsa(key, "rsa-sha2-512", hashes.SHA512()))


@pytest.mark.parametrize(
    "line",
    [
        "",
        "ssh-ed25519",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "ssh-ed25519 pas-du-base64",
        public_line(make_key("ed25519"))[:-6],
        public_line(make_key("ed25519")).replace("ssh-ed25519", "ssh-rsa"),
        public_line(make_key("ed25519")) + "AAAA",
        public_line(make_key("rsa-3072")).replace("ssh-rsa", "rsa-sha2-512"),
        public_line(make_key("ecdsa-384")).replace("nistp384", "nistp256", 1),
    ],
)
def test_what_is_not_a_public_key_is_refused(line: str) -> None:
    with pytest.raises(UsageError):
        sshsig.normalise_public_key(line)


def test_a_public_key_is_known_without_its_comment() -> None:
    line = public_line(make_key("ed25519"))
    assert sshsig.normalise_public_key(f"  {line} quelqu'un@poste\n") == line


def test_an_encrypted_key_asks_for_its_passphrase_and_takes_only_the_right_one(tmp_path: Path) -> None:
    path = write_key(tmp_path / "clé", make_key("ed25519", 1), "sésame ouvre-toi")
    with pytest.raises(sshsig.PassphraseNeeded, match="protégée"):
        sshsig.load_key_file(path)
    with pytest.raises(UsageError, match="phrase de passe fausse"):
        sshsig.load_key_file(path, "autre")
    assert sshsig.sign(sshsig.load_key_file(path, "sésame ouvre-toi"), MESSAGE, NAMESPACE) == sample_armor()


def test_a_file_that_is_no_private_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "clé.pub").write_text(public_line(make_key("ed25519")), encoding="ascii")
    with pytest.raises(UsageError, match="pas une clé privée SSH"):
        sshsig.load_key_file(tmp_path / "clé.pub")
    with pytest.raises(UsageError, match="Clé illisible"):
        sshsig.load_key_file(tmp_path / "absente")
    with pytest.raises(UsageError, match="n'a pas de phrase de passe"):
        sshsig.load_key_file(write_key(tmp_path / "clé", make_key("ed25519")), "mot")


def test_a_signer_never_shows_its_key(tmp_path: Path) -> None:
    assert "key=" not in repr(make_signer(tmp_path)).replace("public_key=", "")
