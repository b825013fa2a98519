"""Named accounts of the renforts: opened for one person, closed again, so that both can be rehearsed and proved.

    renforts/<id>.toml      the platform as that person reaches it: same platform, own accounts
    renforts/<id>.env       own passwords, for the owner only
    renforts/<id>.key       own SSH key, `.key.pub` beside it

An instance starts with these files and no account opened: a renfort has none before somebody asks for them. They
outlive the closing: only the key and the passwords that opened everything can prove that they no longer do.
"""

from __future__ import annotations

import secrets
import tomllib
from collections.abc import Callable
from pathlib import Path

import psycopg

from nonreg.errors import NonregError, UsageError
from nonreg.people import GOVERNANCE_DIR, Person, load_people
from nonreg.sandbox import postgres
from nonreg.sandbox.accounts import NamedAccounts, name_accounts
from nonreg.sandbox.authorised import (
    Authorised,
    access_file,
    hash_password,
    read_authorised,
    write_authorised,
)
from nonreg.sandbox.copied_rights import Connection, CopiedRole, close_role, open_role
from nonreg.sandbox.identities import RENFORTS
from nonreg.sandbox.layout import CLIENT_USER, DATABASE, DATABASE_SITES, HOSTS, Layout, write_private
from nonreg.sandbox.provision import SSH_USER, write_key_pair

OWN_SECRETS = ("AQ_READER_PASSWORD", "AQ_WRITER_PASSWORD", "AQ_CLIENT_PASSWORD")
SHARED_SECRET = "AQ_STATION_PASSWORD"  # noqa: S105 - a name; the stations of the bench are nobody's own
MODELS = {"reader": "nr_reader", "writer": "nr_writer"}


def list_renforts(layout: Layout) -> tuple[Person, ...]:
    """The renforts of the platform's people file."""
    platform = tomllib.loads(layout.platform_file.read_text(encoding="utf-8"))
    people = load_people(GOVERNANCE_DIR / platform["governance"], platform["identity_token"])
    return tuple(person for person in people.persons if person.role in RENFORTS)


def platform_file(layout: Layout, person_id: str) -> Path:
    """The platform file of a renfort."""
    return layout.renforts_dir / f"{person_id}.toml"


def write_renfort_files(layout: Layout) -> None:
    """Each renfort's own platform file, secrets and key pair; nothing of them is accepted anywhere yet."""
    layout.renforts_dir.mkdir(mode=0o700, exist_ok=True)
    shared = layout.secrets()[SHARED_SECRET]
    text = layout.platform_file.read_text(encoding="utf-8")
    for person in list_renforts(layout):
        own = layout.renforts_dir / person.id
        values = {name: secrets.token_urlsafe(18) for name in OWN_SECRETS} | {SHARED_SECRET: shared}
        write_private(own.with_suffix(".env"), "".join(f"{name}={one}\n" for name, one in values.items()))
        write_key_pair(own.with_suffix(".key"), person.id)
        own.with_suffix(".toml").write_text(render_platform(text, person.id), encoding="utf-8")


def render_platform(text: str, person_id: str) -> str:
    """The instance's platform file with the accounts, key and secrets of one renfort. Pure."""
    accounts, folder = name_accounts(person_id), "renforts"
    changes = {
        f'user = "{SSH_USER}"': f'user = "{accounts.ssh}"',
        f'reader_user = "{MODELS["reader"]}"': f'reader_user = "{accounts.reader}"',
        f'writer_user = "{MODELS["writer"]}"': f'writer_user = "{accounts.writer}"',
        f'client_user = "{CLIENT_USER}"': f'client_user = "{accounts.client}"',
        'key_file = "id_ed25519"': f'key_file = "{folder}/{person_id}.key"',
        'secrets_file = "secrets.env"': f'secrets_file = "{folder}/{person_id}.env"',
    }
    for old, new in changes.items():
        text = "\n".join(new if line == old else line for line in text.split("\n"))
    return f"# La plateforme embarquée par les comptes de « {person_id} », et par eux seuls.\n{text}"


def grant(layout: Layout, person_id: str) -> str:
    """Open a renfort's accounts everywhere; one sentence says what was done. NonregError names what could not be."""
    accounts = require_renfort(layout, person_id)
    own = layout.renforts_dir / person_id
    kept = dict(line.split("=", 1) for line in own.with_suffix(".env").read_text("utf-8").splitlines())
    roles = (
        CopiedRole(accounts.reader, MODELS["reader"], kept["AQ_READER_PASSWORD"]),
        CopiedRole(accounts.writer, MODELS["writer"], kept["AQ_WRITER_PASSWORD"]),
    )
    opened = in_each_database(
        layout, person_id, lambda connection: [open_role(connection, one) for one in roles]
    )
    key = own.with_suffix(".key.pub").read_text("utf-8").strip()
    for site in HOSTS:
        found = read_authorised(access_file(layout.root, site))
        opened.append(found.ssh.get(accounts.ssh) != key)
        client = {**found.client, accounts.client: hash_password(kept["AQ_CLIENT_PASSWORD"])}
        write_authorised(
            access_file(layout.root, site),
            Authorised({**found.ssh, accounts.ssh: key}, client if site in DATABASE_SITES else found.client),
        )
    if not any(opened):
        return f"Les accès de « {person_id} » étaient déjà ouverts : ils le restent, tels que prévus."
    return (
        f"Accès ouverts à « {person_id} » : SSH de {len(HOSTS)} hôtes, lecture et écriture des bases et client "
        f"léger de {' et '.join(DATABASE_SITES)} ; son fichier de plateforme est {platform_file(layout, person_id)}."
    )


def revoke(layout: Layout, person_id: str) -> str:
    """Close a renfort's accounts everywhere; as `grant`. What is open ends too."""
    accounts = require_renfort(layout, person_id)
    closed = []
    for site in HOSTS:
        found = read_authorised(access_file(layout.root, site))
        if accounts.ssh in found.ssh or accounts.client in found.client:
            closed.append(True)
            write_authorised(access_file(layout.root, site), leave_out(found, accounts))
    closed += in_each_database(
        layout,
        person_id,
        lambda connection: [close_role(connection, one) for one in (accounts.reader, accounts.writer)],
    )
    if not any(closed):
        return f"« {person_id} » n'avait aucun accès : rien à retirer."
    return (
        f"Accès de « {person_id} » retirés : clés SSH, comptes des bases et du client léger ; sa clé et ses secrets "
        f"restent dans {layout.renforts_dir} pour prouver qu'ils sont refusés."
    )


def leave_out(found: Authorised, accounts: NamedAccounts) -> Authorised:
    """The same without a person's accounts. Pure."""
    return Authorised(
        {name: key for name, key in found.ssh.items() if name != accounts.ssh},
        {name: kept for name, kept in found.client.items() if name != accounts.client},
    )


def require_renfort(layout: Layout, person_id: str) -> NamedAccounts:
    """The accounts of a renfort of the platform; UsageError for anybody else."""
    known = [person.id for person in list_renforts(layout)]
    if person_id not in known:
        raise UsageError(
            f"« {person_id} » n'est pas un renfort de la plateforme (renforts : {', '.join(known)})."
        )
    if not platform_file(layout, person_id).is_file():
        raise NonregError(
            f"Les fichiers de « {person_id} » manquent dans {layout.renforts_dir} : redémarrez-la."
        )
    return name_accounts(person_id)


def in_each_database(layout: Layout, person_id: str, act: Callable[[Connection], list[bool]]) -> list[bool]:
    """What `act` did on each database; NonregError names those that did not answer, the others being done."""
    done: list[bool] = []
    silent = []
    for site in DATABASE_SITES:
        try:
            with psycopg.connect(postgres.admin_dsn(layout, site, DATABASE), autocommit=True) as connection:
                done += act(connection)
        except psycopg.Error:
            silent.append(site)
    if silent:
        raise NonregError(
            f"La base de {' et '.join(silent)} ne l'a pas permis : les comptes de « {person_id} » y sont comme avant. "
            "Rien n'empêche de recommencer."
        )
    return done
