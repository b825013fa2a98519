"""The people of the embedded platform: one a role, with invented names and fixed keys that are worth nothing.

The renforts have invented contracts, and named accounts that `python -m nonreg.sandbox grant` opens.

The keys are derived from fixed texts, so anybody can make them. Their public halves are committed in
`nonreg/governance/embarquee/people.toml`, which reserves them for this platform: any other refuses them.
`python -m nonreg.sandbox.identities` prints that file.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from nonreg.config import PLATFORMS_DIR
from nonreg.model import Role
from nonreg.sandbox.accounts import name_accounts
from nonreg.sandbox.layout import Layout, write_private

PLATFORM = "embarquee"
# Person id and invented name.
PEOPLE = {
    Role.TITULAIRE: ("titulaire-essai", "Ondine Rivelune"),
    Role.RENFORT_TECHNIQUE: ("renfort-technique-essai", "Barnabé Tresmontagne"),
    Role.RENFORT_PILOTAGE: ("renfort-pilotage-essai", "Clélia Vaudeval"),
    Role.MOA_SCV: ("moa-scv-essai", "Hippolyte Sourdebois"),
    Role.SPC_GD: ("spc-gd-essai", "Mahaut Grandgué"),
}
RENFORTS = (Role.RENFORT_TECHNIQUE, Role.RENFORT_PILOTAGE)
CONTRACT_UNTIL, NDA_SIGNED_ON = "2035-12-31", "2026-01-05"  # invented
HEADER = """\
# People of the embedded platform: invented names, public keys whose private halves anybody can derive.
# Written by `python -m nonreg.sandbox.identities`; a site's own file looks the same, without reserved_for.
"""


def derive_key(role: Role) -> Ed25519PrivateKey:
    """The fixed, public, worthless private key of a role."""
    text = f"aquareel-nonreg, plateforme embarquée, clé sans valeur : {role.value}"
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(text.encode("utf-8")).digest())


def write_identities(layout: Layout) -> None:
    """Write the private keys that `sign --key` reads, `identites/<person id>`, for the owner only."""
    layout.identities_dir.mkdir(mode=0o700, exist_ok=True)
    for role, (person_id, _) in PEOPLE.items():
        private = derive_key(role).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
        write_private(layout.identities_dir / person_id, private.decode("ascii"))


def render_people_file() -> str:
    """The committed people file, as it must be."""
    platform = tomllib.loads((PLATFORMS_DIR / f"{PLATFORM}.toml").read_text(encoding="utf-8"))
    parts = [HEADER, f'reserved_for = "{platform["identity_token"]}"\n']
    for role, (person_id, name) in PEOPLE.items():
        public = derive_key(role).public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        parts.append(
            f'\n[[people]]\nid = "{person_id}"\nname = "{name}"\nrole = "{role.value}"\n'
            f'keys = ["{public.decode("ascii")}"]\n'
        )
        if role in RENFORTS:
            parts.append(
                f"contract_until = {CONTRACT_UNTIL}\nnda_signed_on = {NDA_SIGNED_ON}\n"
                f"accounts = {json.dumps(name_accounts(person_id).list_all())}\n"
            )
    return "".join(parts)


def people_file() -> Path:
    """Where the committed file is."""
    return PLATFORMS_DIR.parent / "governance" / PLATFORM / "people.toml"


if __name__ == "__main__":
    print(render_people_file(), end="")  # noqa: T201
