"""Who may enter each host by a named account: what its SSH server and its light client ask at every authentication.

One file a host, outside of the folder that SSH and SFTP can see: `acces/<site>.json`. An account that is not in it
is refused; taking one out closes what it opened.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from nonreg.sandbox.layout import write_private

FOLDER = "acces"
SCRYPT = {"n": 2**12, "r": 8, "p": 1}


@dataclass(frozen=True, slots=True)
class Authorised:
    """Public keys by SSH account, salted hashes of passwords by account of the light client."""

    ssh: dict[str, str]
    client: dict[str, str]


def access_file(root: Path, site: str) -> Path:
    """The file of one host of an instance."""
    return root / FOLDER / f"{site.lower()}.json"


def read_authorised(file: Path) -> Authorised:
    """Who may enter now; nobody where there is no file, or one that is none."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        return Authorised(dict(data["ssh"]), dict(data["client"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Authorised({}, {})


def write_authorised(file: Path, authorised: Authorised) -> None:
    """Replace the file at once: whoever authenticates meanwhile sees the old one or the new one."""
    file.parent.mkdir(mode=0o700, exist_ok=True)
    partial = file.with_suffix(".partial")
    write_private(partial, json.dumps(asdict(authorised), indent=1) + "\n")
    partial.rename(file)


def hash_password(password: str) -> str:
    """What is kept of a password: `salt:hash`, in hexadecimal."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}:{_derive(password, salt).hex()}"


def is_password(password: str, kept: str) -> bool:
    """True when it is the password of which that was kept."""
    salt, _, expected = kept.partition(":")
    return bool(expected) and hmac.compare_digest(_derive(password, bytes.fromhex(salt)).hex(), expected)


def _derive(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode("utf-8"), salt=salt, **SCRYPT)
