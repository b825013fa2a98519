"""What OpenSSH signs is accepted here, what is signed here is accepted by OpenSSH, with keys that it made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from nonreg.clients import sshsig
from nonreg.decision import (
    NAMESPACE,
    DecisionKind,
    DecisionRequest,
    load_signed,
    verify_decision,
    write_request,
)
from nonreg.errors import DecisionRefused, UsageError
from nonreg.model import Role
from nonreg.people import GOVERNANCE_DIR, People, Person, load_people
from nonreg.sandbox.identities import write_identities
from nonreg.sandbox.layout import Layout
from tests.decision_samples import NOW, SHOWN, TOKEN, make_decision

pytestmark = pytest.mark.openssh
KEYS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa-256": ("-t", "ecdsa", "-b", "256"),
    "ecdsa-384": ("-t", "ecdsa", "-b", "384"),
    "ecdsa-521": ("-t", "ecdsa", "-b", "521"),
    "rsa-3072": ("-t", "rsa", "-b", "3072"),
    "rsa-pem": ("-t", "rsa", "-b", "3072", "-m", "PEM"),
}
MESSAGE = "Référence n° 3\n".encode()
PASSPHRASE = "sésame ouvre-toi"


def run(*command: str | Path, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
    ended = subprocess.run(
        [str(word) for word in command],
        input=stdin,
        capture_output=True,
        check=False,
        env=os.environ | (env or {}),
    )
    assert ended.returncode == 0, ended.stderr.decode()
    return ended.stdout.decode()


def make_key(folder: Path, kind: str, passphrase: str = "", name: str = "") -> Path:
    path = folder / (name or kind)
    run("ssh-keygen", "-q", *KEYS[kind], "-N", passphrase, "-C", f"clé {path.name}", "-f", path)
    return path


def read_public(path: Path) -> str:
    return " ".join(path.with_name(path.name + ".pub").read_text(encoding="utf-8").split()[:2])


def check(armor: str, message: bytes = MESSAGE) -> str:
    signature = sshsig.read_signature(armor)
    sshsig.verify(signature, message, NAMESPACE)
    return signature.public_key


@pytest.mark.parametrize("kind", KEYS)
def test_what_ssh_keygen_signs_is_accepted_for_this_content_only(kind: str, tmp_path: Path) -> None:
    key = make_key(tmp_path, kind)
    armor = run("ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key, stdin=MESSAGE)
    assert check(armor) == read_public(key) == sshsig.load_key_file(key).public_key
    with pytest.raises(DecisionRefused):
        check(armor, MESSAGE + b" ")


@pytest.mark.parametrize("kind", KEYS)
def test_what_is_signed_here_is_accepted_by_ssh_keygen(kind: str, tmp_path: Path) -> None:
    key = make_key(tmp_path, kind, PASSPHRASE)
    (tmp_path / "sig").write_text(
        sshsig.sign(sshsig.load_key_file(key, PASSPHRASE), MESSAGE, NAMESPACE), encoding="ascii"
    )
    (tmp_path / "signataires").write_text(f"titulaire-1 {read_public(key)}\n", encoding="ascii")
    verify = ("ssh-keygen", "-Y", "verify", "-f", tmp_path / "signataires", "-I", "titulaire-1")
    told = run(*verify, "-n", NAMESPACE, "-s", tmp_path / "sig", stdin=MESSAGE)
    assert "Good" in told
    with pytest.raises(AssertionError):
        run(*verify, "-n", NAMESPACE, "-s", tmp_path / "sig", stdin=MESSAGE + b" ")


@pytest.mark.parametrize("kind", ["ed25519", "rsa-3072"])
def test_deterministic_signatures_are_the_same_bytes_on_both_sides(kind: str, tmp_path: Path) -> None:
    key = make_key(tmp_path, kind)
    theirs = run("ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key, stdin=MESSAGE)
    assert sshsig.sign(sshsig.load_key_file(key), MESSAGE, NAMESPACE) == theirs


@pytest.mark.parametrize(
    ("options", "namespace", "reason"),
    [(("-O", "hashalg=sha256"), NAMESPACE, "SHA-512"), ((), "git", "autre usage")],
)
def test_what_ssh_keygen_signs_otherwise_is_refused(
    options: tuple[str, ...], namespace: str, reason: str, tmp_path: Path
) -> None:
    key = make_key(tmp_path, "ed25519")
    armor = run("ssh-keygen", "-Y", "sign", *options, "-n", namespace, "-f", key, stdin=MESSAGE)
    with pytest.raises(DecisionRefused, match=reason):
        check(armor)


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A real agent of the test's own, without keys; gives its environment."""
    socket = tmp_path / "agent.sock"
    process = subprocess.Popen(
        ["ssh-agent", "-D", "-a", str(socket)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdout is not None
    process.stdout.readline()  # told once it listens
    yield {"SSH_AUTH_SOCK": str(socket)}
    process.terminate()
    process.communicate(timeout=30)


@pytest.fixture
def request_file(tmp_path: Path) -> Path:
    path = tmp_path / "demande.json"
    write_request(path, DecisionRequest(make_decision(), SHOWN))
    return path


def sign_here(request_file: Path, env: dict[str, str], *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "nonreg", "sign", str(request_file), *options]
    return subprocess.run(
        command, env=os.environ | env, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )


def accept(request_file: Path, key: Path) -> None:
    people = People(
        Path("people.toml"), (Person("titulaire-1", "Odile Ruisselle", Role.TITULAIRE, (read_public(key),)),)
    )
    verify_decision(
        load_signed(request_file.with_suffix(".signed.json")),
        people,
        kind=DecisionKind.PROMOTION,
        shown=SHOWN,
        platform="essai",
        identity_token=TOKEN,
        roles=frozenset({Role.TITULAIRE}),
        at=NOW,
    )


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-384", "rsa-3072"])
def test_the_only_key_of_an_agent_signs(
    kind: str, request_file: Path, agent: dict[str, str], tmp_path: Path
) -> None:
    key = make_key(tmp_path, kind)
    run("ssh-add", key, env=agent)
    ended = sign_here(request_file, agent, "--agent")
    assert ended.returncode == 0, ended.stderr
    accept(request_file, key)


def test_an_officer_without_the_tool_signs_the_file_beside_the_request(
    request_file: Path, tmp_path: Path
) -> None:
    key = make_key(tmp_path, "ecdsa-256")
    run("ssh-keygen", "-Y", "sign", "-n", NAMESPACE, "-f", key, tmp_path / "demande.decision.json")
    ended = sign_here(request_file, {}, "--signature", str(tmp_path / "demande.decision.json.sig"))
    assert ended.returncode == 0, ended.stderr
    accept(request_file, key)


def test_an_agent_with_several_keys_is_asked_for_the_one_of_the_person(
    agent: dict[str, str], tmp_path: Path
) -> None:
    layout = Layout(tmp_path)
    write_identities(layout)
    people = load_people(GOVERNANCE_DIR / "embarquee", _embedded_token())
    for person in people.persons:
        run("ssh-add", layout.identities_dir / person.id, env=agent)
    for person in people.persons:
        path = tmp_path / f"{person.id}.json"
        now = datetime.now(UTC)
        decision = make_decision(
            person=person.id,
            role=person.role,
            platform="embarquee",
            identity_token=_embedded_token(),
            decided_at=now,
            expires_at=now + timedelta(hours=1),
        )
        write_request(path, DecisionRequest(decision, SHOWN))
        ended = sign_here(path, agent, "--agent", "--platform", "embarquee")
        assert ended.returncode == 0, ended.stderr
        signed = load_signed(path.with_suffix(".signed.json"))
        assert check(signed.signature, path.with_suffix(".decision.json").read_bytes()) in person.keys


def test_an_agent_with_several_keys_and_no_people_says_which_there_are(
    request_file: Path, agent: dict[str, str], tmp_path: Path
) -> None:
    keys = [make_key(tmp_path, "ed25519", name=name) for name in ("une", "autre")]
    for key in keys:
        run("ssh-add", key, env=agent)
    ended = sign_here(request_file, agent, "--agent")
    assert ended.returncode == 3
    for key in keys:
        assert f"clé {key.name} ({sshsig.fingerprint(read_public(key))})" in ended.stderr
        assert sshsig.fingerprint(read_public(key)) in run("ssh-keygen", "-l", "-f", key)


def test_an_agent_without_keys_or_that_is_gone_is_said_in_one_sentence(
    request_file: Path, agent: dict[str, str]
) -> None:
    for env in (agent, {"SSH_AUTH_SOCK": "/nulle/part"}):
        ended = sign_here(request_file, env, "--agent")
        assert ended.returncode == 3
        assert "ajoutez-en une par ssh-add" in ended.stderr
        assert "Traceback" not in ended.stderr


def test_a_key_that_the_agent_will_not_use_is_said_in_one_sentence(
    agent: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = make_key(tmp_path, "ed25519")
    run("ssh-add", key, env=agent)
    monkeypatch.setenv("SSH_AUTH_SOCK", agent["SSH_AUTH_SOCK"])
    with sshsig.open_agent() as signers:
        run("ssh-add", "-D", env=agent)
        with pytest.raises(UsageError, match="refuse de signer"):
            sshsig.sign(signers[0], MESSAGE, NAMESPACE)


def _embedded_token() -> str:
    from nonreg.config import load_platform

    return load_platform("embarquee").identity_token
