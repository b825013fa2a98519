"""What an instance needs before its services start: settings, installed versions, SSH keys, identities."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from nonreg.sandbox.identities import write_identities
from nonreg.sandbox.layout import (
    ACTIVE,
    DATABASE_SITES,
    HOSTS,
    PASSIVE,
    PORTS,
    SERVICES,
    SITES,
    WITNESS,
    Layout,
    write_private,
)
from nonreg.sandbox.tickets import write_tickets

VERSION = "5.2.0"
SSH_USER = "nonreg"
REFINEMENT_SECONDS = 1.0
REFINEMENT_MAX_ROWS = 5000
FRESH_HEARTBEAT_SECONDS = 3.0
TECHNICAL_RECIPIENT = "essai-astreinte-technique@exemple.invalid"


def provision(layout: Layout) -> None:
    """Write every file that the services read at their start."""
    for site in HOSTS:
        for service in SERVICES[site]:
            text = json.dumps(build_settings(layout, site, service), indent=2, ensure_ascii=False)
            layout.config_file(site, service).write_text(text + "\n", encoding="utf-8")
            version_file = layout.site_dir(site) / "version" / f"{service}.txt"
            version_file.write_text(VERSION + "\n", encoding="utf-8")
    generate_keys(layout)
    write_identities(layout)
    write_tickets(layout.tracker_dir)


def build_settings(layout: Layout, site: str, service: str) -> dict[str, Any]:
    """Settings of one service; its own site's database comes first. Paths start at the site's folder."""
    ordered = sorted(DATABASE_SITES, key=lambda other: other != site)
    settings: dict[str, Any] = {
        "site": site,
        "service": service,
        "adresse": layout.address(site),
        "bases": [
            {"site": other, "adresse": layout.address(other), "port": PORTS["postgresql"]}
            if other == site or site not in DATABASE_SITES
            else {"site": other, "adresse": layout.address(site), "port": PORTS["relais"]}
            for other in ordered
        ],
        "secrets": "../../secrets.env",
    }
    if service in PORTS:
        settings["port"] = PORTS[service]
    return settings | _special_settings(layout, site, service)


def _special_settings(layout: Layout, site: str, service: str) -> dict[str, Any]:
    if service == "frontal":
        return {"dedoublonner": True, "acquittement_anticipe": False}
    if service == "affinage":
        return {"periode_secondes": REFINEMENT_SECONDS, "max_lignes": REFINEMENT_MAX_ROWS}
    if service == "relais":
        return {"coupe": False, "port_commande": PORTS["liaison"], "liaisons": list_forwards(layout)}
    if service == "internet":
        return {"operateur": f"http://{layout.address(WITNESS)}:{PORTS['puits']}/lorawan"}
    if service == "ssh":
        key = f"../../hostkeys/{site.lower()}"
        return {
            "utilisateur": SSH_USER,
            "cle_hote": key,
            "cles_autorisees": "../../id_ed25519.pub",
            "instance": "../..",
        }
    if service == "supervision":
        modules = [name for name in SERVICES[site] if name != "ssh"]
        special: dict[str, Any] = {
            "pids": "../../pids",
            "modules": (["postgresql"] if site in DATABASE_SITES else []) + modules,
            "port_battement": PORTS["battement"],
            "fraicheur_secondes": FRESH_HEARTBEAT_SECONDS,
            "puits": f"http://{layout.address(WITNESS)}:{PORTS['puits']}/appels",
            "destinataire_technique": TECHNICAL_RECIPIENT,
            "pairs": [
                {"site": other, "adresse": layout.address(other), "port": PORTS["battement"]}
                if WITNESS in (site, other)
                else {"site": other, "adresse": layout.address(site), "port": PORTS["battement_relais"]}
                for other in SITES
                if other != site
            ],
        }
        return special | ({"role": "SURVEILLANCE"} if site == WITNESS else {})
    return {}


def list_forwards(layout: Layout) -> list[dict[str, Any]]:
    """What crosses the link between both database sites: from which address and port, to which."""
    other = {ACTIVE: PASSIVE, PASSIVE: ACTIVE}
    return [
        {
            "adresse": layout.address(site),
            "port": PORTS[entry],
            "vers_adresse": layout.address(other[site]),
            "vers_port": PORTS[target],
        }
        for site in DATABASE_SITES
        for entry, target in (("relais", "postgresql"), ("battement_relais", "battement"))
    ]


def generate_keys(layout: Layout) -> None:
    """The user's key pair, one host key a site, and the file of known hosts."""
    write_key_pair(layout.root / "id_ed25519", f"{SSH_USER}@banc")
    (layout.root / "hostkeys").mkdir(mode=0o700, exist_ok=True)
    lines = []
    for site in HOSTS:
        public = write_key_pair(layout.root / "hostkeys" / site.lower(), site)
        lines.append(f"[{layout.address(site)}]:{PORTS['ssh']} {public}\n")
    (layout.root / "known_hosts").write_text("".join(lines), encoding="utf-8")


def write_key_pair(path: Path, comment: str) -> str:
    """Generate an Ed25519 pair in OpenSSH's format; returns the public key, `ssh-ed25519 AAAA…`."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    write_private(path, private.decode("ascii"))
    path.with_name(path.name + ".pub").write_text(f"{public} {comment}\n", encoding="utf-8")
    return public
