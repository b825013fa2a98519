"""Configuration files of a host, as hashes; what depends on the machine or is secret is masked before hashing."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from nonreg.clients.ssh import Shell

MASKED = "***"
# Keys whose value belongs to the installation, not to the delivered configuration.
LOCAL_KEYS = re.compile(
    "password|mot_de_passe|secret|fichier|dossier|adresse|hote|host|url|chemin|path|dir|pids|instance|cle",
    re.IGNORECASE,
)

ADDRESS = re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}\b")


def read_configuration(shell: Shell) -> dict[str, str]:
    """SHA-256 of each masked file of the host's `config` folder, by name."""
    names = shell.run("list", path="config").require().split()
    return {
        name: hash_configuration(shell.run("read", path=f"config/{name}").require()) for name in sorted(names)
    }


def hash_configuration(text: str) -> str:
    """Hash of a JSON configuration after masking; a file that is not JSON is hashed as it is."""
    try:
        data = json.loads(text)
    except ValueError:
        return hashlib.sha256(text.encode("utf-8")).hexdigest()
    canonical = json.dumps(mask(data), sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def mask(data: Any) -> Any:
    """The same data with local values replaced."""
    if isinstance(data, dict):
        return {key: MASKED if LOCAL_KEYS.search(key) else mask(value) for key, value in data.items()}
    if isinstance(data, list):
        return [mask(value) for value in data]
    if isinstance(data, str):
        return ADDRESS.sub("<adresse>", data)
    return data
