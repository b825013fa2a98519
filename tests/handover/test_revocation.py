"""Named accounts of the embedded platform under the checks: right while granted, proved closed once revoked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from nonreg.config import load_platform
from nonreg.handover.checks import CHECKS, CheckContext
from nonreg.people import GOVERNANCE_DIR, load_people
from nonreg.sandbox import postgres
from nonreg.sandbox.accounts import name_accounts
from nonreg.sandbox.authorised import Authorised, access_file, read_authorised, write_authorised
from nonreg.sandbox.launch import start_instance, stop_instance
from nonreg.sandbox.layout import DATABASE, HYPERVISOR, PASSIVE, Layout
from nonreg.sandbox.renforts import grant, platform_file, revoke
from tests.handover.checking import find, list_wrong

pytestmark = pytest.mark.platform

ONE, OTHER = "renfort-technique-essai", "renfort-pilotage-essai"
OWN = name_accounts(ONE)


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Layout]:
    instance = start_instance(tmp_path_factory.mktemp("revocation") / "banc")
    yield instance.layout
    stop_instance(instance)


@pytest.fixture
def granted(bench: Layout) -> Iterator[Layout]:
    grant(bench, ONE)
    yield bench
    revoke(bench, ONE)


@pytest.fixture
def revoked(granted: Layout) -> Layout:
    revoke(granted, ONE)
    return granted


def make(layout: Layout, subject: str = ONE, file: Path | None = None) -> CheckContext:
    """The check as the runbook asks it: the renfort's own file, the people of the platform."""
    file = file or platform_file(layout, subject)
    platform = load_platform(str(file))
    people = load_people(GOVERNANCE_DIR / "embarquee", platform.identity_token)
    return CheckContext(platform, file, people, subject, datetime.now(UTC), layout.root / "passages")


def list_open(layout: Layout) -> list[str]:
    """Titles of `acces_revoques` that are wrong."""
    return list_wrong(CHECKS["acces_revoques"](make(layout)))


def test_his_own_accounts_are_named_without_exception_and_open_everything(granted: Layout) -> None:
    for name in ("comptes_nommes", "droits", "ssh", "base", "acces"):
        result = CHECKS[name](make(granted))
        assert list_wrong(result) == [], name
        assert result.is_ok, name
        assert "Répétition" not in repr(result)
        assert not any(account in repr(result) for account in OWN.list_all())


def test_another_ones_file_and_the_technical_one_are_refused_by_name(granted: Layout) -> None:
    other = CHECKS["comptes_nommes"](make(granted, ONE, platform_file(granted, OTHER)))
    assert f"déclaré par « {OTHER} »" in find(other, "SSH de srv-a").found
    technical = CHECKS["comptes_nommes"](make(granted, ONE, granted.platform_file))
    assert "que personne ne déclare" in find(technical, "écriture de la base de SITE-B").found


def test_before_the_grant_nothing_opens_and_droits_and_ssh_say_so(revoked: Layout) -> None:
    for name in ("droits", "ssh", "base"):
        assert not any(point.ok for point in CHECKS[name](make(revoked)).points)


def test_while_it_is_granted_every_access_is_still_open(granted: Layout) -> None:
    assert len(list_open(granted)) == 4 + 4 + 2


def test_revoked_every_refusal_is_a_proof_with_the_key_and_passwords_that_opened_it(revoked: Layout) -> None:
    result = CHECKS["acces_revoques"](make(revoked))
    assert list_wrong(result) == []
    assert result.is_ok
    assert len(result.points) == 1 + 4 + 4 + 2
    assert all("a refusé" in point.found for point in result.points[1:])


def test_a_key_that_was_forgotten_on_one_host_is_found(revoked: Layout) -> None:
    file = access_file(revoked.root, HYPERVISOR)
    key = platform_file(revoked, ONE).with_suffix(".key.pub").read_text(encoding="utf-8")
    before = read_authorised(file)
    write_authorised(file, Authorised({**before.ssh, OWN.ssh: key}, before.client))
    assert list_open(revoked) == ["SSH vers srv-h : accès retiré"]


def test_an_account_that_was_forgotten_on_one_database_is_found(granted: Layout) -> None:
    with psycopg.connect(postgres.admin_dsn(granted, PASSIVE, DATABASE), autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {OWN.writer} RENAME TO mis_de_cote".encode())
    revoke(granted, ONE)
    with psycopg.connect(postgres.admin_dsn(granted, PASSIVE, DATABASE), autocommit=True) as admin:
        admin.execute(f"ALTER ROLE mis_de_cote RENAME TO {OWN.writer}".encode())
    assert list_open(granted) == ["Base de SITE-B, compte d'écriture : accès retiré"]


def test_a_password_that_the_light_client_still_takes_is_found(granted: Layout) -> None:
    file = access_file(granted.root, PASSIVE)
    kept = read_authorised(file).client
    revoke(granted, ONE)
    write_authorised(file, Authorised({}, kept))
    assert list_open(granted) == ["Client léger de SITE-B : accès retiré"]
